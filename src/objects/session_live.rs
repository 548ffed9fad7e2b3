//! Live delivery (section 3) of a session.

use super::{
    live::{self, Log},
    session::{Rules, Session},
    sockets::{Close, Reach, Socket, attached, connected},
};
use crate::{
    http,
    platform::{self, fault, now},
};
use nexus_core::{Identity, Result};
use nexus_protocol::{
    AgentId, Body, ErrorCode, Filter, IdempotencyKey, Page, PageRequest, Refusal, SendMessage, Sent,
};
use serde_json::{Value, json};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc};
use worker::{Request, Response, State, WebSocket, WebSocketIncomingMessage};

/// The log of a session, for its sockets.
pub(super) struct SessionLog {
    state: State,
    rules: Rc<RefCell<Rules>>,
}

impl Log for SessionLog {
    type Who = Identity;

    fn read(&self, who: &Identity, request: PageRequest) -> Result<Page> {
        let connected = members_connected(&self.state, request);
        self.rules.borrow_mut().read(now(), who, request, &connected)
    }

    fn closes(refusal: &Refusal) -> Close {
        let over = refusal.body.error == ErrorCode::SessionNotFound;
        if over { Close::Expired } else { Close::Left }
    }
}

/// The agents that have a socket open, if a poll asks for members.
pub(super) fn members_connected(state: &State, poll: PageRequest) -> BTreeSet<AgentId> {
    if !poll.members {
        return BTreeSet::new();
    }
    agents_connected(state)
}

/// The agents that have a socket open.
pub(super) fn agents_connected(state: &State) -> BTreeSet<AgentId> {
    connected::<Identity>(state).map(|(_, socket)| socket.who.agent().clone()).collect()
}

impl Session {
    fn log(&self) -> Result<SessionLog> {
        Ok(SessionLog { state: platform::share(self.state()), rules: self.shared_rules()? })
    }

    /// `GET /v1/sessions/:id/ws`.
    pub(super) fn stream(&self, request: &Request) -> Result<Response> {
        live::demand_upgrade(request)?;
        let url = request.url().map_err(fault)?;
        let query = url.query().unwrap_or_default();
        let caller = http::browser_caller(request, query)?;
        let after = PageRequest::parse(query, self.limits()?)?.after;
        let filter = Filter::parse(query)?;
        let who = self.rules(|rules| {
            let who = rules.identify(now(), &caller)?.wanting(filter);
            rules.hear(now(), &who)?;
            Ok(who)
        })?;
        live::stream(self.state(), request, self.log()?, who, after)
    }

    /// Sends a message that was stored to those who read it as it comes.
    pub(super) fn deliver(&self, delivery: &nexus_core::Delivery) -> Result<()> {
        let seated =
            |who: &Identity| self.rules(|rules| rules.is_seated(now(), who)).unwrap_or(true);
        let reaches = |who: &Identity| match who.may_read(delivery) {
            false => Reach::Not,
            true if seated(who) => Reach::Yes,
            true => Reach::NoLonger(Close::Left),
        };
        live::deliver(self.state(), &self.log()?, &delivery.record, reaches);
        Ok(())
    }

    /// What a client sent over its socket. The answer is a frame.
    pub(super) fn received(&self, end: &WebSocket, message: WebSocketIncomingMessage) {
        let Some(socket) = attached(end) else { return };
        let (id, text) = live::received(message);
        let sent = self.send_frame(&socket, text.as_bytes());
        live::answer(end, &id, sent.map(|sent| ("sent", sent_fields(&sent))));
    }

    fn send_frame(&self, socket: &Socket<Identity>, bytes: &[u8]) -> Result<Sent> {
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
        self.store(&socket.who, key.as_ref(), message)
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
