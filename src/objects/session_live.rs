//! Live delivery (section 3) of a session.

use super::{
    live::{self, Log},
    session::{Rules, Session},
    session_clawlink::save_places_soon,
    sockets::{self, Close, Reach, attached, connected},
};
use crate::{
    dialects::clawlink::News,
    http::{Request, Response},
    log,
    platform::{self, now},
};
use nexus_core::{Delivery, Error, Fault, Result, Who};
use nexus_protocol::{
    AgentId, Body, Cursor, ErrorCode, Filter, IdempotencyKey, Page, PageRequest, Refusal,
    SendMessage, Sent,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};
use worker::{State, WebSocket};

/// Who a socket is, and what it takes and gives: kept with it while the object sleeps.
#[derive(Serialize, Deserialize)]
pub(super) enum Reader {
    /// The frames of section 3, after its own cursor.
    Native(Who),
    /// Those of ClawLink (docs/dialects.md), after what its seat says that it has read.
    ClawLink(Who),
}

impl Reader {
    pub(super) fn who(&self) -> &Who {
        match self {
            Self::Native(who) | Self::ClawLink(who) => who,
        }
    }

    /// Whether a message is for it.
    fn wants(&self, delivery: &Delivery) -> bool {
        match self {
            Self::Native(who) => who.may_read(delivery),
            Self::ClawLink(who) => who.may_read(delivery) && who.is_news(&delivery.message),
        }
    }
}

/// The log of a session, for its sockets.
pub(super) struct SessionLog {
    state: State,
    rules: Rc<RefCell<Rules>>,
    saving: Rc<Cell<bool>>,
}

impl Log for SessionLog {
    type Who = Reader;

    fn read(&self, reader: &Reader, request: PageRequest) -> Result<Page> {
        match reader {
            Reader::Native(who) => {
                let connected = members_connected(&self.state, request);
                self.rules.borrow_mut().read(now(), who, request, &connected)
            }
            Reader::ClawLink(who) => self.rules.borrow_mut().unread(now(), who, request.limit),
        }
    }

    fn message<'a>(&self, reader: &Reader, record: &'a str) -> Cow<'a, str> {
        match reader {
            Reader::Native(_) => sockets::message_frame(record).into(),
            Reader::ClawLink(who) => {
                let frame = News::of(who.agent(), record)
                    .and_then(|news| serde_json::to_string(&news).map_err(Fault::new));
                let log = |fault| log::error("frame", &Error::Fault(fault));
                frame.map_err(log).unwrap_or_default().into()
            }
        }
    }

    fn reset(&self, reader: &Reader, cursor: Cursor) -> Option<String> {
        let is_native = matches!(reader, Reader::Native(_));
        is_native.then(|| json!({ "type": "reset", "cursor": cursor }).to_string())
    }

    fn ready(&self, reader: &Reader, cursor: Cursor) -> Option<String> {
        let is_native = matches!(reader, Reader::Native(_));
        is_native.then(|| json!({ "type": "ready", "cursor": cursor }).to_string())
    }

    fn sent(&self, reader: &Reader, upto: Cursor) {
        let Reader::ClawLink(who) = reader else { return };
        // One that is no longer a member reads no more.
        let _ = self.rules.borrow_mut().given(now(), who, upto);
        save_places_soon(&self.state, &self.rules, &self.saving);
    }

    fn closes(refusal: &Refusal) -> Close {
        let over = refusal.body.error == ErrorCode::SessionNotFound;
        if over { Close::Expired } else { Close::Left }
    }
}

/// The agents that are there by a socket, if a poll asks for members.
pub(super) fn members_connected(state: &State, poll: PageRequest) -> BTreeSet<AgentId> {
    if !poll.members {
        return BTreeSet::new();
    }
    agents_answering(state)
}

/// The agents that have a socket open, whose frames go out at once.
pub(super) fn agents_connected(state: &State) -> BTreeSet<AgentId> {
    connected::<Reader>(state).map(|(_, socket)| socket.who.who().agent().clone()).collect()
}

/// The agents that have a socket open, and were heard on it lately: they are online.
pub(super) fn agents_answering(state: &State) -> BTreeSet<AgentId> {
    let sockets = sockets::answering::<Reader>(state);
    sockets.map(|socket| socket.who.who().agent().clone()).collect()
}

/// The same, of those who have proven themselves: they can be given tasks.
pub(super) fn agents_attending(state: &State) -> BTreeSet<AgentId> {
    let sockets = sockets::answering::<Reader>(state);
    let attending = sockets.filter(|socket| socket.who.who().is_itself());
    attending.map(|socket| socket.who.who().agent().clone()).collect()
}

impl Session {
    pub(super) fn log(&self) -> Result<SessionLog> {
        let (state, saving) = (platform::share(self.state()), Rc::clone(self.saving()));
        Ok(SessionLog { state, rules: self.shared_rules()?, saving })
    }

    /// `GET /v1/sessions/:id/ws`.
    pub(super) fn stream(&self, request: &Request, who: &Who) -> Result<Response> {
        live::demand_upgrade(request)?;
        let query = request.query();
        let after = PageRequest::parse(query, self.limits()?)?.after;
        let who = who.clone().wanting(Filter::parse(query)?);
        self.rules(|rules| rules.hear(now(), &who))?;
        live::stream(self.state(), request, self.log()?, Reader::Native(who), after)
    }

    /// Sends a message that was stored to those who read it as it comes.
    pub(super) fn deliver(&self, delivery: &Delivery) -> Result<()> {
        let seated = |who: &Who| self.rules(|rules| rules.is_seated(now(), who)).unwrap_or(true);
        let reaches = |reader: &Reader| match reader.wants(delivery) {
            false => Reach::Not,
            true if seated(reader.who()) => Reach::Yes,
            true => Reach::NoLonger(Close::Left),
        };
        let stored = (delivery.message.cursor, delivery.record.as_str());
        live::deliver(self.state(), &self.log()?, stored, reaches);
        Ok(())
    }

    /// Delivers the events that were stored. It comes before anything that is stored later.
    pub(super) fn pass_events(&self) -> Result<()> {
        for event in self.rules(|rules| Ok(rules.take_events()))? {
            self.deliver(&event)?;
        }
        Ok(())
    }

    /// Tells readers of events that the end is near, if it is.
    pub(super) fn settle_end(&self) {
        let told = self.rules(|rules| rules.settle_end(now())).and_then(|event| match event {
            Some(event) => self.deliver(&event),
            None => Ok(()),
        });
        match told {
            // A session that is over has no end to come.
            Ok(()) | Err(Error::Refused(_)) => {}
            Err(error) => log::error("ending", &error),
        }
    }

    /// What a client sent over its socket. The answer is a frame.
    pub(super) async fn frame(&self, end: &WebSocket, text: &str) {
        let Some(mut socket) = attached::<Reader>(end) else { return };
        sockets::note_frame(end, &mut socket);
        match socket.who {
            Reader::Native(who) => {
                let sent = self.send_frame(&who, text.as_bytes());
                live::answer(end, &live::id(text), sent.map(|sent| ("sent", sent_fields(&sent))));
            }
            Reader::ClawLink(who) => self.clawlink_frame(end, &who, text).await,
        }
    }

    fn send_frame(&self, who: &Who, bytes: &[u8]) -> Result<Sent> {
        self.rules(|rules| rules.count_frame(now(), who))?;
        let limits = self.limits()?;
        if bytes.len() > limits.max_body_bytes() {
            return Err(Refusal::message_too_large("frame", limits.max_body_bytes()).into());
        }
        let mut body = Body::parse(bytes)?;
        let kind: Option<String> = body.required("type", "must be `send`");
        let key: Option<IdempotencyKey> = body.field("idempotencyKey", IdempotencyKey::RULE);
        if kind.as_ref().is_some_and(|kind| kind != "send") {
            body.note("type", "must be `send`");
        }
        body.finish()?;
        let message = SendMessage::parse(bytes, limits)?;
        self.store(who, key.as_ref(), message)
    }
}

/// The fields of `{"type":"sent", "id", ...}`: the answer to a send, but that `id` is the client's own.
fn sent_fields(sent: &Sent) -> Value {
    json!({
        "messageId": sent.id,
        "cursor": sent.cursor,
        "expiresAt": sent.expires_at,
        "verified": sent.verified,
    })
}
