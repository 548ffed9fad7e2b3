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
    live,
    mailbox::Mailbox,
    mailbox_live::{MailLog, Reader},
    sockets::{self, Close, Purpose, Reach, Socket},
};
use crate::{
    calls::{self, Whisper},
    dialects::opendialogue::{self as dialect, Problem},
    http::{self, Request, Response},
    log,
    platform::{self, System, now},
    waiting::boxed,
};
use nexus_core::{
    About, Error, Fault, MailboxNeed, Proof, Random, Result,
    opendialogue::{self, KeyAge},
};
use nexus_protocol::{
    Ack, AgentId, ConversationId, IdempotencyKey, Mail, MailDelivery, SendMail, Timestamp, hex,
};
use serde::Deserialize;
use serde_json::{Value, json};
use worker::WebSocket;

/// Milliseconds before a key's end from which on a message counts as sent after it: the clock may have
/// moved between storing it and sending it.
const MARGIN: i64 = 1000;

/// What a frame of the client's is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Ping {
    r#type: String,
}

/// A frame of the client's.
#[derive(Deserialize)]
struct Frame {
    id: String,
    from: String,
    to: String,
    r#type: String,
    content: String,
    conversation_id: String,
    turn_number: Option<u32>,
    max_turns: Option<u32>,
    timestamp: i64,
    nonce: String,
    signature: String,
}

/// A connection, for what comes over it.
pub(super) struct Line<'a> {
    pub(super) end: &'a WebSocket,
    pub(super) key: &'a str,
    /// When that ends, in milliseconds since 1970.
    pub(super) until: i64,
    /// It was sent all that waited, and is sent what comes.
    pub(super) is_live: bool,
}

impl Mailbox {
    /// `GET /opendialogue/connect`, signed with the agent's secret.
    pub(super) fn dialogue(&self, request: &Request, need: MailboxNeed) -> Result<Response> {
        live::demand_upgrade(request)?;
        let id = self.id()?;
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
            return dialect::unsigned();
        }
        if !opendialogue::is_fresh(now(), timestamp) {
            return Problem::EXPIRED.answer("x-timestamp must be within 5 minutes of now, in ms.");
        }
        let proof = Proof::Signature { message: signed.text(), signature: signature.to_owned() };
        match self.enter(None, Some(&proof), need) {
            Err(Error::Refused(_)) => {
                return Problem::SIGNATURE.answer(
                    "The signature is not that of an agent which registered with this protocol.",
                );
            }
            proven => proven?,
        }
        if !self.rules(|rules| rules.use_nonce(now(), nonce))? {
            return Problem::REPLAY
                .answer("This x-nonce was used in the last 5 minutes; take another.");
        }
        self.rules(|rules| rules.hear(now()))?;
        let key = hex(&System.bytes::<32>()?);
        let seconds = self.limits()?.opendialogue_key;
        let until = now().plus_seconds(seconds).as_millis();
        let who = Reader::OpenDialogue { key: key.clone(), until };
        let socket = Socket::new(who, Purpose::CatchUp);
        let (client, server) = sockets::open(self.state(), &socket)?;
        let session = json!({ "type": "session", "session_key": key, "expires_in": seconds });
        sockets::send(&server, &session.to_string());
        let log = self.log()?;
        self.state()
            .wait_until(boxed(async move { live::catch_up(&log, &server, socket, None).await }));
        http::upgraded(request, client)
    }

    /// What a client sent over its socket.
    pub(super) async fn dialogue_frame(&self, line: &Line<'_>, text: &str) {
        let frame: Ping = serde_json::from_str(text).unwrap_or_default();
        let is_ping = frame.r#type == "ping";
        let age = KeyAge::of(now(), line.until);
        if age == KeyAge::Gone || is_ping && age == KeyAge::Ended {
            // Before it signs anything more, its client hears that the key has ended.
            if is_ping && let Err(error) = self.shown_life(line) {
                log::error("opendialogue", &error);
            }
            return sockets::close(line.end, Close::KeyExpired);
        }
        let answer = match self.rules(|rules| rules.count_frame(now())) {
            Err(error) => Err(error.into()),
            Ok(()) if is_ping => {
                self.shown_life(line).map(|()| json!({ "type": "pong" })).map_err(Problem::from)
            }
            Ok(()) => self.dialogue_message(line, text).await,
        };
        let frame = answer.unwrap_or_else(Problem::frame);
        sockets::send(line.end, &frame.to_string());
    }

    /// The client is there: what it was sent has come. What waits to be sent has not, whatever the client
    /// shows; nor has what came after the end of its key.
    fn shown_life(&self, line: &Line) -> Result<()> {
        if !line.is_live || sockets::waiting(line.end) > 0 {
            return Ok(());
        }
        let cursor = match KeyAge::of(now(), line.until) {
            KeyAge::Good => self.rules(nexus_core::Mailbox::last)?,
            KeyAge::Ended | KeyAge::Gone => {
                let sent_by = Timestamp::from_millis(line.until).plus_millis(-MARGIN);
                self.rules(|rules| rules.last_by(sent_by))?
            }
        };
        self.ack(Ack { cursor }).map(drop)
    }

    async fn dialogue_message(&self, line: &Line<'_>, text: &str) -> Result<Value, Problem> {
        let most = self.limits()?.max_body_bytes();
        if text.len() > most {
            return Err(Problem::TOO_LARGE.with(&format!("A frame is at most {most} bytes.")));
        }
        let frame: Frame = serde_json::from_str(text).map_err(|_| {
            Problem::CONTENT.with("The frame lacks a field, or one has a wrong type.")
        })?;
        let id = self.id()?;
        if frame.from != id.as_str() {
            return Err(Problem::UNAUTHORIZED.with("`from` must be the agent that is connected."));
        }
        if !opendialogue::is_fresh(now(), frame.timestamp) {
            return Err(
                Problem::EXPIRED.with("`timestamp` must be within 5 minutes of now, in ms.")
            );
        }
        let signed = opendialogue::Signed {
            id: &frame.id,
            from: &frame.from,
            to: &frame.to,
            kind: &frame.r#type,
            content: &frame.content,
            conversation: &frame.conversation_id,
            turn: frame.turn_number,
            timestamp: frame.timestamp,
            nonce: &frame.nonce,
        };
        if !signed.is_signed(line.key, &frame.signature).map_err(Error::from)? {
            return Err(Problem::SIGNATURE.with("The signature is not that of this frame."));
        }
        if frame.nonce.is_empty() || !self.rules(|rules| rules.use_nonce(now(), &frame.nonce))? {
            return Err(Problem::REPLAY.with("This nonce was used in the last 5 minutes."));
        }
        self.shown_life(line)?;
        self.say(line, frame).await
    }

    /// Does what a frame says whose signature holds.
    async fn say(&self, line: &Line<'_>, frame: Frame) -> Result<Value, Problem> {
        let content = opendialogue::sanitised(&frame.content, platform::composed);
        if content.len() > dialect::MAX_CONTENT {
            return Err(Problem::TOO_LARGE.with(dialect::TOO_LONG));
        }
        let to: AgentId =
            frame.to.parse().map_err(|_| Problem::NO_AGENT.with("There is no such agent."))?;
        let conversation: ConversationId = frame
            .conversation_id
            .parse()
            .map_err(|_| Problem::CONTENT.with(dialect::CONVERSATION))?;
        let told =
            |status: &str| json!({ "type": "status", "status": status, "message_id": frame.id });
        match frame.r#type.as_str() {
            "text" if content.is_empty() => Err(Problem::CONTENT.with("The content is empty.")),
            "text" => {
                let max_turns = frame.max_turns.filter(|turns| (1..=1000).contains(turns));
                // The same id again is the same message.
                let key: Option<IdempotencyKey> = frame.id.parse().ok();
                let message = SendMail {
                    text: Some(content),
                    conversation_id: Some(conversation),
                    max_turns,
                    client_id: key.as_ref().map(ToString::to_string),
                    renews: true,
                    ..SendMail::default()
                };
                let sent = self.send(&to, key.as_ref(), message).await?;
                Ok(told(if sent.delivery == MailDelivery::Live { "sent" } else { "queued" }))
            }
            "end" => {
                self.end(&conversation, Some(to.clone())).await?;
                if !line.is_live {
                    let ended = ended_frame(conversation.as_str(), "participant_ended");
                    sockets::send(line.end, &ended.to_string());
                }
                self.announce_end(&About { with: to, conversation }, "participant_ended");
                Ok(told("sent"))
            }
            "typing" | "read_receipt" => {
                let from = self.id()?;
                let kind = frame.r#type;
                let whisper = Whisper { id: frame.id.clone(), from, kind, content, conversation };
                let heard = calls::call(self.env(), to.as_str(), &whisper).await?;
                Ok(told(if heard { "sent" } else { "rejected" }))
            }
            _ => Err(Problem::TYPE.with("`type` must be text, typing, read_receipt or end.")),
        }
    }

    /// Passes something on that is not kept, to those who are connected. Says whether anyone was.
    pub(super) fn whispered(&self, whisper: &Whisper) -> Result<bool> {
        if !self.rules(|rules| rules.hears(&whisper.from))? {
            return Ok(false);
        }
        let (mut heard, to) = (false, self.id()?);
        for (end, socket) in sockets::connected::<Reader>(self.state()) {
            let (Reader::OpenDialogue { key, .. }, Reach::Yes) = (&socket.who, socket.who.reach())
            else {
                continue;
            };
            let said = Said {
                id: &whisper.id,
                from: whisper.from.as_str(),
                to: to.as_str(),
                kind: &whisper.kind,
                content: &whisper.content,
                conversation: whisper.conversation.as_str(),
                turn: None,
                max_turns: None,
            };
            sockets::send(&end, &said.frame(key)?);
            heard = true;
        }
        Ok(heard)
    }
}

/// The frame that says that a conversation is over.
pub(super) fn ended_frame(conversation: &str, reason: &str) -> Value {
    json!({ "type": "conversation_ended", "conversation_id": conversation, "reason": reason })
}

/// What a frame to the client says.
struct Said<'a> {
    id: &'a str,
    from: &'a str,
    to: &'a str,
    kind: &'a str,
    content: &'a str,
    conversation: &'a str,
    turn: Option<u32>,
    max_turns: Option<u32>,
}

impl Said<'_> {
    /// The frame, signed now under the reader's session key: however long a message has waited, its
    /// timestamp and nonce are fresh.
    fn frame(&self, key: &str) -> Result<String> {
        let (timestamp, nonce) = (now().as_millis(), hex(&System.bytes::<16>()?));
        let Self { id, from, to, kind, content, conversation, turn, max_turns } = *self;
        let signed = opendialogue::Signed {
            id,
            from,
            to,
            kind,
            content,
            conversation,
            turn,
            timestamp,
            nonce: &nonce,
        };
        let signature = signed.signature(key)?;
        let mut frame = json!({
            "id": id,
            "from": from,
            "to": to,
            "type": kind,
            "content": content,
            "conversation_id": conversation,
            "timestamp": timestamp,
            "nonce": nonce,
            "signature": signature,
            "delivered_at": timestamp,
        });
        for (name, value) in [("turn_number", turn), ("max_turns", max_turns)] {
            if let (Some(value), Some(fields)) = (value, frame.as_object_mut()) {
                fields.insert(name.to_owned(), value.into());
            }
        }
        Ok(frame.to_string())
    }
}

impl MailLog {
    /// A stored message for a reader with this session key.
    pub(super) fn dialogue_frame(key: &str, record: &str) -> Result<String> {
        let mail: Mail = serde_json::from_str(record)
            .map_err(|_| Fault::new("a stored message cannot be read"))?;
        let said = Said {
            // The id that it was sent under, so that a receipt says which one was read.
            id: mail.client_id.as_deref().unwrap_or(mail.id.as_str()),
            from: mail.agent_id.as_str(),
            to: mail.to.as_str(),
            kind: "text",
            content: &opendialogue::sanitised(mail.as_text(), platform::composed),
            conversation: mail.conversation_id.as_str(),
            turn: Some(mail.turn),
            max_turns: Some(mail.max_turns),
        };
        said.frame(key)
    }
}
