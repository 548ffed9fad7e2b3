//! Live delivery (section 8) of a mailbox.

use super::{
    live::{self, Log},
    mailbox::{Mailbox, Rules},
    mailbox_opendialogue::{Line, ended_frame},
    sockets::{self, Close, Purpose, Reach, Socket, attached},
};
use crate::{
    calls,
    dialects::messenger::{self, Names},
    http::{self, Request, Response},
    log,
    platform::{self, now},
    waiting::boxed,
};
use nexus_core::{About, MailboxNeed, Notice, Result, opendialogue::KeyAge};
use nexus_protocol::{Ack, Cursor, Mail, MailFrame, MailSent, Page, PageRequest, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{borrow::Cow, cell::RefCell, rc::Rc};
use worker::{Env, State, WebSocket};

/// How many senders are told of what one call has read or acknowledged: the others can ask.
const MOST_NOTICES: usize = 32;

/// Messages that are read at a time while a messenger catches up.
const MESSENGER_PAGE: u32 = 20;

/// What a socket takes and gives: kept with it while the object sleeps. Its agent is the mailbox's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reader {
    /// The frames of section 8.
    Native,
    /// Those of the messenger (docs/dialects.md).
    Messenger,
    /// Those of OpenDialogue, signed with this key until then (milliseconds since 1970).
    OpenDialogue { key: String, until: i64 },
}

impl Reader {
    /// Whether it is still to be sent anything.
    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::OpenDialogue { until, .. } if KeyAge::of(now(), *until) != KeyAge::Good => {
                Reach::NoLonger(Close::KeyExpired)
            }
            Self::Native | Self::Messenger | Self::OpenDialogue { .. } => Reach::Yes,
        }
    }
}

/// The inbox, for its sockets.
pub(super) struct MailLog {
    state: State,
    env: Env,
    rules: Rc<RefCell<Rules>>,
    /// What the card of the sender calls it whose message is delivered.
    sender: String,
}

impl MailLog {
    pub(super) fn of_sender(self, name: &str) -> Self {
        Self { sender: name.to_owned(), ..self }
    }
}

impl Log for MailLog {
    type Who = Reader;

    fn read(&self, _who: &Reader, request: PageRequest) -> Result<Page> {
        let (page, notices) = self.rules.borrow_mut().read(now(), request)?;
        tell(&self.state, &self.env, notices);
        Ok(page)
    }

    fn closes(_refusal: &Refusal) -> Close {
        Close::Deleted
    }

    fn message<'a>(&self, who: &Reader, record: &'a str) -> Cow<'a, str> {
        match who {
            Reader::Native => sockets::message_frame(record).into(),
            Reader::Messenger => messenger_frame(record, &self.sender).into(),
            Reader::OpenDialogue { key, .. } => {
                let frame = Self::dialogue_frame(key, record);
                frame.inspect_err(|error| log::error("frame", error)).unwrap_or_default().into()
            }
        }
    }

    fn reset(&self, who: &Reader, cursor: Cursor) -> Option<String> {
        let is_native = *who == Reader::Native;
        is_native.then(|| json!({ "type": "reset", "cursor": cursor }).to_string())
    }

    fn ready(&self, who: &Reader, cursor: Cursor) -> Option<String> {
        let is_native = *who == Reader::Native;
        is_native.then(|| json!({ "type": "ready", "cursor": cursor }).to_string())
    }
}

/// Tells senders what became of their messages. Nobody waits for it.
fn tell(state: &State, env: &Env, notices: Vec<Notice>) {
    for notice in notices.into_iter().take(MOST_NOTICES) {
        let env = env.clone();
        state.wait_until(boxed(async move {
            if let Err(error) = calls::call(&env, notice.to.as_str(), &notice).await {
                log::error("notice", &error);
            }
        }));
    }
}

impl Mailbox {
    pub(super) fn log(&self) -> Result<MailLog> {
        let (state, env) = (platform::share(self.state()), self.env().clone());
        Ok(MailLog { state, env, rules: self.shared_rules()?, sender: String::new() })
    }

    /// `GET /v1/agents/:id/ws`.
    pub(super) fn stream(&self, request: &Request) -> Result<Response> {
        live::demand_upgrade(request)?;
        let query = request.query();
        let after = PageRequest::parse(query, self.limits()?)?.after;
        self.rules(|rules| rules.hear(now()))?;
        live::stream(self.state(), request, self.log()?, Reader::Native, after)
    }

    /// `GET /messenger/ws`.
    pub(super) fn messenger(&self, request: &Request, need: MailboxNeed) -> Result<Response> {
        live::demand_upgrade(request)?;
        let (id, proof) = messenger::caller(request)?;
        self.enter(None, proof.as_ref(), need)?;
        self.rules(|rules| rules.hear(now()))?;
        let socket = Socket::new(Reader::Messenger, Purpose::CatchUp);
        let (client, server) = sockets::open(self.state(), &socket)?;
        let name = self.status()?.card.name;
        sockets::send(&server, &json!({ "type": "connected", "id": id, "name": name }).to_string());
        let log = self.log()?;
        self.state()
            .wait_until(boxed(async move { messenger_catch_up(log, server, socket).await }));
        http::upgraded(request, client)
    }

    /// All that waits, which then no longer does. The end of a page of it, if it is more.
    pub(super) fn take(&self) -> Result<Vec<Mail>> {
        let limit = self.limits()?.max_page;
        let poll = PageRequest { after: None, limit, members: false, wait: 0 };
        let (page, notices) = self.rules(|rules| rules.read(now(), poll))?;
        self.tell(notices);
        let mail = page.messages.iter().map(|record| serde_json::from_str(record.get()));
        let mail: Result<Vec<Mail>, _> = mail.collect();
        let mail = mail.map_err(|_| nexus_core::Fault::new("a stored message cannot be read"))?;
        if !mail.is_empty() {
            self.ack(Ack { cursor: page.next_cursor })?;
        }
        Ok(mail)
    }

    /// What a client sent over its socket. The answer is a frame.
    pub(super) async fn frame(&self, end: &WebSocket, text: &str) {
        let Some(socket) = attached::<Reader>(end) else { return };
        match socket.who {
            Reader::Native => {
                let outcome = self.native_frame(text.as_bytes()).await;
                live::answer(end, &live::id(text), outcome);
            }
            // It only listens.
            Reader::Messenger => {}
            Reader::OpenDialogue { key, until } => {
                let line =
                    Line { end, key: &key, until, is_live: socket.purpose == Purpose::Stream };
                self.dialogue_frame(&line, text).await;
            }
        }
    }

    async fn native_frame(&self, bytes: &[u8]) -> Result<(&'static str, Value)> {
        self.rules(|rules| rules.count_frame(now()))?;
        let limits = self.limits()?;
        if bytes.len() > limits.max_body_bytes() {
            return Err(Refusal::message_too_large("frame", limits.max_body_bytes()).into());
        }
        let fields = |answer: serde_json::Result<Value>| answer.map_err(nexus_core::Fault::new);
        match MailFrame::parse(bytes, limits)? {
            MailFrame::Send(to, key, message) => {
                let sent = self.send(&to, key.as_ref(), message).await?;
                Ok(("sent", sent_fields(&sent)))
            }
            MailFrame::Ack(ack) => Ok(("acked", fields(serde_json::to_value(self.ack(ack)?))?)),
            MailFrame::End(id) => {
                let ended = self.end(&id, None).await?;
                Ok(("ended", fields(serde_json::to_value(ended))?))
            }
        }
    }

    /// Tells senders what became of their messages.
    pub(super) fn tell(&self, notices: Vec<Notice>) {
        tell(self.state(), self.env(), notices);
    }

    /// Tells every stream what became of messages that this agent has sent.
    pub(super) fn announce_notice(&self, notice: &Notice) {
        self.announce(json!({
            "event": notice.state,
            "agentId": notice.from,
            "messageIds": notice.messages,
        }));
    }

    /// Tells every stream that a conversation is over.
    pub(super) fn announce_end(&self, about: &About, reason: &str) {
        self.announce(json!({
            "event": "conversation_ended",
            "conversationId": about.conversation,
            "agentId": about.with,
            "reason": reason,
        }));
    }

    fn announce(&self, fields: Value) {
        let of = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let text = |name: &str| of(name).as_str().unwrap_or_default().to_owned();
        let ended = (of("event") == "conversation_ended")
            .then(|| ended_frame(&text("conversationId"), &text("reason")).to_string());
        let native = sockets::event_frame(fields);
        sockets::announce(self.state(), |reader: &Reader| match reader {
            Reader::Native => Some(native.as_str().into()),
            Reader::Messenger => None,
            Reader::OpenDialogue { .. } => ended.as_deref().map(Into::into),
        });
    }

    pub(super) fn close_all(&self, why: Close) {
        sockets::close_all(self.state(), why, |_: &Reader| true);
    }
}

/// A stored message as the messenger reads it.
fn messenger_frame(record: &str, name: &str) -> String {
    // What is stored was written by us, and can be read.
    let mail: Option<Mail> = serde_json::from_str(record).ok();
    let data = mail.map(|mail| messenger::message(&mail, name));
    json!({ "type": "message", "data": data }).to_string()
}

/// Sends a messenger what waits, with the names of its senders, no faster than it takes it, and then
/// makes it a stream. Each page goes on from the one before: what another reader acknowledges
/// meanwhile is for this one, too.
async fn messenger_catch_up(mut log: MailLog, end: WebSocket, mut socket: Socket<Reader>) {
    let mut poll = PageRequest { after: None, limit: MESSENGER_PAGE, members: false, wait: 0 };
    let mut names = Names::default();
    loop {
        // Nothing is awaited between this read and becoming a stream: no message can come between.
        let page = match log.read(&socket.who, poll) {
            Ok(page) => page,
            Err(error) => {
                log::error("catch-up", &error);
                return sockets::close(&end, Close::Failed);
            }
        };
        if !sockets::is_open(&end) {
            return;
        }
        if page.messages.is_empty() {
            socket.purpose = Purpose::Stream;
            if sockets::attach(&end, &socket).is_err() {
                sockets::close(&end, Close::Failed);
            }
            return;
        }
        for record in &page.messages {
            let mail: Option<Mail> = serde_json::from_str(record.get()).ok();
            let Some(mail) = mail else { continue };
            names.of(&log.env, &mail.agent_id).await.clone_into(&mut log.sender);
            if end.send_with_str(log.message(&socket.who, record.get())).is_err() {
                // It is gone; what it did not get waits on.
                return;
            }
        }
        if !live::taken(&end).await {
            return;
        }
        let acked = log.rules.borrow_mut().ack(now(), Ack { cursor: page.next_cursor });
        match acked {
            Ok((_, notices)) => tell(&log.state, &log.env, notices),
            Err(_) => return sockets::close(&end, Close::Deleted),
        }
        poll.after = Some(page.next_cursor);
    }
}

/// The fields of `{"type":"sent", "id", ...}`: the answer to a send, but that `id` is the client's own.
fn sent_fields(sent: &MailSent) -> Value {
    json!({
        "messageId": sent.id,
        "cursor": sent.cursor,
        "delivery": sent.delivery,
        "conversationId": sent.conversation_id,
        "turn": sent.turn,
        "maxTurns": sent.max_turns,
        "sentAt": sent.sent_at,
        "expiresAt": sent.expires_at,
    })
}
