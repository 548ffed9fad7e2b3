//! Live delivery (section 3) in the object: opening sockets, catching up, what clients send.

use super::{
    session::{Rules, Session},
    sockets::{self, Close, Purpose, Socket},
};
use crate::{
    http,
    platform::{fault, now},
};
use nexus_core::{Error, Identity, Result};
use nexus_protocol::{
    Body, Cursor, ErrorCode, IdempotencyKey, PageRequest, Refusal, SendMessage, Sent,
};
use serde_json::{Value, json};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc, time::Duration};
use worker::{Delay, Request, Response, ResponseBuilder, WebSocket, WebSocketIncomingMessage};

/// Messages that are read at a time while a socket catches up.
const CATCH_UP_PAGE: u32 = 100;

/// How often to look whether a client has taken what it was sent, and how many looks in a row may
/// find no progress: 10 seconds.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 500;

impl Session {
    /// `GET /v1/sessions/:id/ws`.
    pub(super) fn stream(&self, request: &Request) -> Result<Response> {
        if !http::wants_upgrade(request)? {
            return Err(Refusal::invalid("Upgrade", "must be `websocket`; or use /events").into());
        }
        let url = request.url().map_err(fault)?;
        let query = url.query().unwrap_or_default();
        let caller = http::browser_caller(request, query)?;
        let after = PageRequest::parse(query, self.limits()?)?.after;
        let who = self.rules(|rules| {
            let who = rules.identify(now(), &caller)?;
            rules.hear(now(), &who)?;
            Ok(who)
        })?;
        let socket = Socket { who, purpose: Purpose::CatchUp };
        let (client, server) = sockets::open(self.state(), &socket)?;
        let rules = self.shared_rules()?;
        self.state().wait_until(async move {
            catch_up(&rules, &server, socket, after).await;
        });
        http::upgraded(request, client)
    }

    /// A poll that the edge holds open: the page at once if there is something in it, and otherwise a
    /// socket that gets the empty page now, and the next one once there is something for it.
    pub(super) fn long_poll(&self, request: &Request, poll: PageRequest) -> Result<Response> {
        let (who, page) = self.page(request, poll)?;
        if !page.messages.is_empty() {
            return http::json(200, &page);
        }
        let poll = PageRequest { after: Some(page.next_cursor), ..poll };
        let socket = Socket { who, purpose: Purpose::Poll(poll) };
        let (client, server) = sockets::open(self.state(), &socket)?;
        let page = serde_json::to_string(&page).map_err(nexus_core::Fault::new)?;
        server.send_with_str(page).map_err(fault)?;
        Ok(ResponseBuilder::new().with_websocket(client).with_status(101).empty())
    }

    /// Sends a message that was stored to those who read it as it comes.
    pub(super) fn deliver(&self, delivery: &nexus_core::Delivery) {
        let seated =
            |who: &Identity| self.rules(|rules| rules.is_seated(now(), who)).unwrap_or(true);
        for (end, socket) in sockets::deliver(self.state(), delivery, seated) {
            let Purpose::Poll(poll) = socket.purpose else { continue };
            let connected = self.connected(poll);
            let page = self.rules(|rules| rules.read(now(), &socket.who, poll, &connected));
            match page.map(|page| serde_json::to_string(&page)) {
                Ok(Ok(page)) => {
                    sockets::send(&end, &page);
                    sockets::close(&end, Close::Answered);
                }
                _ => sockets::close(&end, Close::Failed),
            }
        }
    }

    /// What a client sent over its socket. The answer is a frame.
    pub(super) fn received(&self, end: &WebSocket, message: WebSocketIncomingMessage) {
        let Some(socket) = sockets::attached(end) else { return };
        let text = match message {
            WebSocketIncomingMessage::String(text) => text,
            WebSocketIncomingMessage::Binary(_) => String::new(),
        };
        let id =
            serde_json::from_str::<Value>(&text).ok().and_then(|frame| frame.get("id").cloned());
        let id = id.filter(|id| id.is_string() || id.is_number()).unwrap_or(Value::Null);
        let frame = match self.send_frame(&socket, text.as_bytes()) {
            Ok(sent) => sockets::answer_frame("sent", &id, sent_fields(&sent)),
            Err(error) => sockets::answer_frame("error", &id, http::error_fields(error)),
        };
        sockets::send(end, &frame);
    }

    fn send_frame(&self, socket: &Socket, bytes: &[u8]) -> Result<Sent> {
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

/// Sends a socket what it missed, no faster than its client takes it, and then makes it a stream.
async fn catch_up(
    rules: &Rc<RefCell<Rules>>,
    end: &WebSocket,
    mut socket: Socket,
    mut after: Option<Cursor>,
) {
    let mut looks = 0_u32;
    loop {
        let poll = PageRequest { after, limit: CATCH_UP_PAGE, members: false, wait: 0 };
        let page = rules.borrow_mut().read(now(), &socket.who, poll, &BTreeSet::new());
        let page = match page {
            Ok(page) => page,
            Err(Error::Refused(refusal)) => {
                let over = refusal.body.error == ErrorCode::SessionNotFound;
                return sockets::close(end, if over { Close::Expired } else { Close::Left });
            }
            Err(error) => {
                http::log_error("catch-up", &error);
                return sockets::close(end, Close::Failed);
            }
        };
        for record in &page.messages {
            // One that is gone is found by the platform, which closes it.
            let _ = end.send_with_str(sockets::message_frame(record.get()));
        }
        after = Some(page.next_cursor);
        // Nothing is awaited between the read and this: no message can have come between.
        if !page.has_more && sockets::waiting(end) < sockets::MOST_WAITING / 4 {
            socket.purpose = Purpose::Stream;
            let ready = sockets::attach(end, &socket);
            if ready.is_err() {
                return sockets::close(end, Close::Failed);
            }
            return sockets::send(end, &sockets::ready_frame(page.next_cursor));
        }
        let mut before = sockets::waiting(end);
        while sockets::waiting(end) > 0 {
            Delay::from(LOOK).await;
            looks = if sockets::waiting(end) < before { 0 } else { looks.saturating_add(1) };
            before = sockets::waiting(end);
            if looks > LOOKS {
                return sockets::close(end, Close::TooSlow);
            }
        }
    }
}
