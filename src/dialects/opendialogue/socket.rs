//! OpenDialogue's socket (docs/dialects.md): frames that both sides sign with a session key.
//!
//! The key lies in the socket's attachment, and the nonces that were seen in the mailbox, so both
//! outlive a sleep. Nothing in this protocol acknowledges: a frame of the client's shows that it is
//! there, and acknowledges what it was sent before.
//!
//! A session key ends after an hour, and its client hears of that by the close that answers its next ping,
//! or by the close when a message comes. Nothing is lost in between: a frame that was signed before is
//! taken, and a message waits for the next connection.

use super::{
    frames,
    words::{CONVERSATION, MAX_CONTENT, MAX_WHISPER, Problem, TOO_LONG, WHISPER_TOO_LONG},
};
use crate::{
    calls::{self, Whisper},
    http::{self, Request, Response},
    log,
    objects::{
        dialect::{Line, Reader},
        live,
        mailbox::{Event, Mailbox},
        sockets::{self, Close, Purpose, Socket},
    },
    platform::{self, System, now},
    waiting::boxed,
};
use nexus_core::{
    About, Error, MailboxNeed, Proof, Random, Result,
    opendialogue::{self, KeyAge},
};
use nexus_protocol::{
    Ack, AgentId, ConversationId, IdempotencyKey, MailDelivery, SendMail, Timestamp, hex,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Milliseconds before a key's end from which on a message counts as sent after it: the clock may have
/// moved between storing it and sending it.
const MARGIN: i64 = 1000;

/// What is told of a frame that is incomplete.
const LACKS: &str = "The frame lacks a field, or one has a wrong type.";

/// A frame of the client's, as it comes. A ping has a type and nothing else.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Frame {
    r#type: String,
    id: Option<String>,
    from: Option<String>,
    to: Option<String>,
    content: Option<String>,
    conversation_id: Option<String>,
    turn_number: Option<u32>,
    max_turns: Option<u32>,
    timestamp: Option<i64>,
    nonce: Option<String>,
    signature: Option<String>,
}

/// What a frame says whose signature holds.
struct Said {
    id: String,
    to: String,
    kind: String,
    content: String,
    conversation: String,
    max_turns: Option<u32>,
}

/// A session key: what a socket keeps.
#[derive(Serialize, Deserialize)]
pub(super) struct SessionKey {
    pub(super) key: String,
    /// When it ends, in milliseconds since 1970.
    pub(super) until: i64,
}

impl SessionKey {
    pub(super) fn age(&self) -> KeyAge {
        KeyAge::of(now(), self.until)
    }
}

/// `GET /opendialogue/connect`, signed with the agent's secret.
pub(super) fn open(
    mailbox: &Mailbox,
    request: &Request,
    need: MailboxNeed,
    reader: Reader<()>,
) -> Result<Response> {
    live::demand_upgrade(request)?;
    let id = mailbox.id()?;
    let header = |name| request.header(name).unwrap_or_default();
    let (timestamp, nonce) = (header("x-timestamp"), header("x-nonce"));
    let signature = header("x-signature");
    let timestamp: i64 = timestamp.parse().unwrap_or_default();
    let signed = opendialogue::Signed {
        id: id.as_str(),
        from: id.as_str(),
        to: "server",
        kind: "connect",
        content: "connect",
        timestamp,
        nonce,
        ..opendialogue::Signed::default()
    };
    if nonce.is_empty() || signature.is_empty() {
        return Problem::unsigned();
    }
    if !opendialogue::is_fresh(now(), timestamp) {
        return Problem::EXPIRED.answer("x-timestamp must be within 5 minutes of now, in ms.");
    }
    let proof = Proof::Signature { message: signed.text(), signature: signature.to_owned() };
    match mailbox.enter(None, Some(&proof), need) {
        Err(Error::Refused(_)) => {
            return Problem::SIGNATURE.answer(
                "The signature is not that of an agent which registered with this protocol.",
            );
        }
        proven => proven?,
    }
    if !mailbox.rules(|rules| rules.use_nonce(now(), nonce))? {
        return Problem::REPLAY
            .answer("This x-nonce was used in the last 5 minutes; take another.");
    }
    mailbox.hear()?;
    let key = hex(&System.bytes::<32>()?);
    let seconds = mailbox.limits()?.opendialogue_key;
    let until = now().plus_seconds(seconds).as_millis();
    let session = json!({ "type": "session", "session_key": key, "expires_in": seconds });
    let reader = reader.keeping(&SessionKey { key, until })?;
    let socket = Socket::new(reader, Purpose::CatchUp);
    let (client, server) = sockets::open(mailbox.state(), &socket)?;
    sockets::send(&server, &session.to_string());
    let log = mailbox.log()?;
    let state = platform::share(mailbox.state());
    mailbox.state().wait_until(boxed(async move {
        live::catch_up(&state, &log, &server, socket, None).await;
    }));
    http::upgraded(request, client)
}

/// A connection over which a frame came.
pub(super) struct Connection<'a> {
    mailbox: &'a Mailbox,
    line: Line<'a, Mailbox>,
    key: SessionKey,
}

impl<'a> Connection<'a> {
    pub(super) fn new(mailbox: &'a Mailbox, line: Line<'a, Mailbox>) -> Result<Self> {
        let key = line.reader.kept()?;
        Ok(Self { mailbox, line, key })
    }

    /// Does what a frame asks for, and answers it. Nothing of it is parsed if its sender is too fast, or if it is
    /// too long.
    pub(super) async fn received(&self, text: &str) {
        let answer = match self.read(text) {
            Err(problem) => Err(problem),
            Ok(frame) => {
                let is_ping = frame.r#type == "ping";
                let age = self.key.age();
                if age == KeyAge::Gone || is_ping && age == KeyAge::Ended {
                    // Before it signs anything more, its client hears that the key has ended.
                    if is_ping && let Err(error) = self.shown_life() {
                        log::error("opendialogue", &error);
                    }
                    return sockets::close(self.line.end, Close::KeyExpired);
                }
                if is_ping {
                    self.shown_life().map(|()| json!({ "type": "pong" })).map_err(Problem::from)
                } else {
                    self.message(frame).await
                }
            }
        };
        let frame = answer.unwrap_or_else(Problem::frame);
        sockets::send(self.line.end, &frame.to_string());
    }

    fn read(&self, text: &str) -> Result<Frame, Problem> {
        self.mailbox.rules(|rules| rules.count_frame(now()))?;
        let most = self.mailbox.limits()?.max_body_bytes();
        if text.len() > most {
            return Err(Problem::TOO_LARGE.with(&format!("A frame is at most {most} bytes.")));
        }
        serde_json::from_str(text).map_err(|_| Problem::CONTENT.with(LACKS))
    }

    /// The client is there: what it was sent has come. What waits to be sent has not, whatever the client
    /// shows; nor has what came after the end of its key.
    fn shown_life(&self) -> Result<()> {
        if !self.line.is_live || sockets::waiting(self.line.end) > 0 {
            return Ok(());
        }
        let cursor = match self.key.age() {
            KeyAge::Good => self.mailbox.rules(nexus_core::Mailbox::last)?,
            KeyAge::Ended | KeyAge::Gone => {
                let sent_by = Timestamp::from_millis(self.key.until).plus_millis(-MARGIN);
                self.mailbox.rules(|rules| rules.last_by(sent_by))?
            }
        };
        self.mailbox.ack(Ack { cursor }).map(drop)
    }

    /// Checks who signed a frame, and that it is new; then does what it says.
    async fn message(&self, frame: Frame) -> Result<Value, Problem> {
        let Frame {
            r#type: kind,
            id: Some(id),
            from: Some(from),
            to: Some(to),
            content: Some(content),
            conversation_id: Some(conversation),
            timestamp: Some(timestamp),
            nonce: Some(nonce),
            signature: Some(signature),
            turn_number: turn,
            max_turns,
        } = frame
        else {
            return Err(Problem::CONTENT.with(LACKS));
        };
        if from != self.mailbox.id()?.as_str() {
            return Err(Problem::UNAUTHORIZED.with("`from` must be the agent that is connected."));
        }
        if !opendialogue::is_fresh(now(), timestamp) {
            return Err(
                Problem::EXPIRED.with("`timestamp` must be within 5 minutes of now, in ms.")
            );
        }
        let signed = opendialogue::Signed {
            id: &id,
            from: &from,
            to: &to,
            kind: &kind,
            content: &content,
            conversation: &conversation,
            turn,
            timestamp,
            nonce: &nonce,
        };
        if !signed.is_signed(&self.key.key, &signature).map_err(Error::from)? {
            return Err(Problem::SIGNATURE.with("The signature is not that of this frame."));
        }
        if nonce.is_empty() || !self.mailbox.rules(|rules| rules.use_nonce(now(), &nonce))? {
            return Err(Problem::REPLAY.with("This nonce was used in the last 5 minutes."));
        }
        self.shown_life()?;
        self.say(Said { id, to, kind, content, conversation, max_turns }).await
    }

    /// Does what a frame says whose signature holds.
    async fn say(&self, said: Said) -> Result<Value, Problem> {
        let content = opendialogue::sanitised(&said.content, platform::composed);
        if content.len() > MAX_CONTENT {
            return Err(Problem::TOO_LARGE.with(TOO_LONG));
        }
        let to: AgentId =
            said.to.parse().map_err(|_| Problem::NO_AGENT.with("There is no such agent."))?;
        let conversation: ConversationId =
            said.conversation.parse().map_err(|_| Problem::CONTENT.with(CONVERSATION))?;
        let told =
            |status: &str| json!({ "type": "status", "status": status, "message_id": said.id });
        match said.kind.as_str() {
            "text" if content.is_empty() => Err(Problem::CONTENT.with("The content is empty.")),
            "text" => {
                let max_turns = said.max_turns.filter(|turns| (1..=1000).contains(turns));
                // The same id again is the same message.
                let key: Option<IdempotencyKey> = said.id.parse().ok();
                let message = SendMail {
                    text: Some(content),
                    conversation_id: Some(conversation),
                    max_turns,
                    client_id: key.as_ref().map(ToString::to_string),
                    renews: true,
                    ..SendMail::default()
                };
                let sent = self.mailbox.send(&to, key.as_ref(), message).await?;
                Ok(told(if sent.delivery == MailDelivery::Live { "sent" } else { "queued" }))
            }
            "end" => {
                self.mailbox.end(&conversation, Some(to.clone())).await?;
                if !self.line.is_live {
                    let ended = frames::ended(conversation.as_str(), "participant_ended");
                    sockets::send(self.line.end, &ended.to_string());
                }
                let about = About { with: to, conversation };
                self.mailbox.announce(&Event::Ended(&about, "participant_ended"));
                Ok(told("sent"))
            }
            "typing" | "read_receipt" => {
                let is_id = said.id.parse::<IdempotencyKey>().is_ok();
                if !is_id || content.len() > MAX_WHISPER {
                    return Err(Problem::TOO_LARGE.with(WHISPER_TOO_LONG));
                }
                nexus_core::check_name("id", &said.id).map_err(Error::from)?;
                nexus_core::check_name("conversationId", conversation.as_str())
                    .map_err(Error::from)?;
                let content = nexus_core::redacted(content);
                let (from, kind) = (self.mailbox.id()?, said.kind);
                let whisper = Whisper { id: said.id.clone(), from, kind, content, conversation };
                let heard = calls::call(self.mailbox.env(), to.as_str(), &whisper).await?;
                Ok(told(if heard { "sent" } else { "rejected" }))
            }
            _ => Err(Problem::TYPE.with("`type` must be text, typing, read_receipt or end.")),
        }
    }
}
