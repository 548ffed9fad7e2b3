//! Live delivery (sections 3 and 8) in an object: opening sockets, catching up, holding polls.
//!
//! An object says by [`Log`] what its sockets read; everything else is the same for all.

use super::sockets::{self, Close, Purpose, Reach, Socket};
use crate::{
    http::{self, Request, Response},
    log,
    platform::fault,
    waiting::boxed,
};
use nexus_core::{Error, Fault, Result};
use nexus_protocol::{Cursor, Page, PageRequest, Refusal};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{borrow::Cow, time::Duration};
use worker::{Delay, State, WebSocket};

/// Messages that are read at a time while a socket catches up.
const CATCH_UP_PAGE: u32 = 100;

/// How often to look whether a client has taken what it was sent, and how many looks in a row may
/// find no progress: 10 seconds.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 500;

/// What the sockets of an object read.
pub(super) trait Log: 'static {
    /// Who a socket is; kept while the object sleeps.
    type Who: Serialize + DeserializeOwned;

    /// A page for one of them.
    fn read(&self, who: &Self::Who, request: PageRequest) -> Result<Page>;

    /// A reader was sent everything up to a place.
    fn sent(&self, _who: &Self::Who, _upto: Cursor) {}

    /// Why a reader is refused.
    fn closes(refusal: &Refusal) -> Close;

    /// A stored message as a frame, in the form that this reader takes.
    fn message<'a>(&self, _who: &Self::Who, record: &'a str) -> Cow<'a, str> {
        sockets::message_frame(record).into()
    }

    /// The frame that says that a reader began past the end of the log, and goes on from there, where its
    /// form has one.
    fn reset(&self, _who: &Self::Who, cursor: Cursor) -> Option<String> {
        Some(json!({ "type": "reset", "cursor": cursor }).to_string())
    }

    /// The frame that says that a reader has caught up, where its form has one.
    fn ready(&self, _who: &Self::Who, cursor: Cursor) -> Option<String> {
        Some(json!({ "type": "ready", "cursor": cursor }).to_string())
    }
}

/// Refuses a request that does not ask for a socket.
pub(super) fn demand_upgrade(request: &Request) -> Result<()> {
    if http::wants_upgrade(request) {
        return Ok(());
    }
    Err(Refusal::invalid("Upgrade", "must be `websocket`; or use /events").into())
}

/// Opens a socket that reads on after a place, and then gets what comes.
pub(super) fn stream<L: Log>(
    state: &State,
    request: &Request,
    log: L,
    who: L::Who,
    after: Option<Cursor>,
) -> Result<Response> {
    let socket = Socket::new(who, Purpose::CatchUp);
    let (client, server) = sockets::open(state, &socket)?;
    state.wait_until(boxed(async move { catch_up(&log, &server, socket, after).await }));
    http::upgraded(request, client)
}

/// A poll that the edge holds open: the page at once if it says something, and otherwise a
/// socket that gets the empty page now, and the next one once there is something for it.
pub(super) fn long_poll<W: Serialize>(
    state: &State,
    request: &Request,
    who: W,
    page: &Page,
    poll: PageRequest,
) -> Result<Response> {
    if !page.messages.is_empty() || page.cursor_reset {
        return http::json(200, page);
    }
    let poll = PageRequest { after: Some(page.next_cursor), ..poll };
    let (client, server) = sockets::open(state, &Socket::new(who, Purpose::Poll(poll)))?;
    let page = serde_json::to_string(page).map_err(Fault::new)?;
    server.send_with_str(page).map_err(fault)?;
    http::upgraded(request, client)
}

/// Sends a message that was stored at this place to those who read it as it comes, and whom it `reaches`.
pub(super) fn deliver<L: Log>(
    state: &State,
    log: &L,
    (cursor, record): (Cursor, &str),
    reaches: impl Fn(&L::Who) -> Reach,
) {
    let frame = |who: &L::Who| log.message(who, record);
    let sent = |who: &L::Who| log.sent(who, cursor);
    for (end, socket) in sockets::deliver(state, frame, reaches, sent) {
        let Purpose::Poll(poll) = socket.purpose else { continue };
        match log.read(&socket.who, poll).map(|page| serde_json::to_string(&page)) {
            Ok(Ok(page)) => {
                sockets::send(&end, &page);
                sockets::close(&end, Close::Answered);
            }
            _ => sockets::close(&end, Close::Failed),
        }
    }
}

/// A client's own id for what it sent over its socket.
pub(super) fn id(text: &str) -> Value {
    let id = serde_json::from_str::<Value>(text).ok().and_then(|frame| frame.get("id").cloned());
    id.filter(|id| id.is_string() || id.is_number()).unwrap_or(Value::Null)
}

/// Answers what a client sent: a frame of type `kind` with these fields, or an error.
pub(super) fn answer(end: &WebSocket, id: &Value, outcome: Result<(&str, Value)>) {
    let frame = match outcome {
        Ok((kind, fields)) => sockets::answer_frame(kind, id, fields),
        Err(error) => sockets::answer_frame("error", id, http::error_fields(error)),
    };
    sockets::send(end, &frame);
}

/// Sends a socket what it missed, no faster than its client takes it, and then makes it a stream.
pub(super) async fn catch_up<L: Log>(
    log: &L,
    end: &WebSocket,
    mut socket: Socket<L::Who>,
    mut after: Option<Cursor>,
) {
    loop {
        let poll = PageRequest { after, limit: CATCH_UP_PAGE, members: false, wait: 0 };
        let page = match log.read(&socket.who, poll) {
            Ok(page) => page,
            Err(Error::Refused(refusal)) => return sockets::close(end, L::closes(&refusal)),
            Err(error) => {
                log::error("catch-up", &error);
                return sockets::close(end, Close::Failed);
            }
        };
        if page.cursor_reset
            && let Some(reset) = log.reset(&socket.who, page.next_cursor)
        {
            sockets::send(end, &reset);
        }
        for record in &page.messages {
            if end.send_with_str(log.message(&socket.who, record.get())).is_err() {
                // It is gone; the platform finds that, and closes it.
                return;
            }
        }
        if !page.messages.is_empty() {
            log.sent(&socket.who, page.next_cursor);
        }
        after = Some(page.next_cursor);
        if !sockets::is_open(end) {
            return;
        }
        // Nothing is awaited between the read and this: no message can have come between.
        if !page.has_more && sockets::waiting(end) < sockets::MOST_WAITING / 4 {
            socket.purpose = Purpose::Stream;
            if sockets::attach(end, &socket).is_err() {
                return sockets::close(end, Close::Failed);
            }
            if let Some(ready) = log.ready(&socket.who, page.next_cursor) {
                sockets::send(end, &ready);
            }
            return;
        }
        if !taken(end).await {
            return;
        }
    }
}

/// Waits until a client has taken what it was sent. One that does not is cut off: then false.
pub(super) async fn taken(end: &WebSocket) -> bool {
    let (mut looks, mut before) = (0_u32, sockets::waiting(end));
    while sockets::waiting(end) > 0 {
        Delay::from(LOOK).await;
        looks = if sockets::waiting(end) < before { 0 } else { looks.saturating_add(1) };
        before = sockets::waiting(end);
        if looks > LOOKS {
            sockets::close(end, Close::TooSlow);
            return false;
        }
    }
    true
}
