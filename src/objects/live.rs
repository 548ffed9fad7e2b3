//! Live delivery (sections 3 and 8) in an object: opening sockets, catching up, holding polls.
//!
//! An object says by [`Log`] what its sockets read, and [`Frames`] say in which form. Everything else is the same
//! for all.

use super::{
    dialect::{Frames, Live, Log, ReaderOf},
    sockets::{self, Close, Holder, Purpose, Reach, Socket},
};
use crate::{
    frames,
    http::{self, Request, Response},
    log,
    platform::{self, fault},
    waiting::boxed,
};
use nexus_core::{Error, Fault, Result};
use nexus_protocol::{Cursor, Frame, Limits, Page, PageRequest, Refusal};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{borrow::Cow, time::Duration};
use worker::{Delay, State, WebSocket};

/// Messages that are read at a time while a socket catches up.
const CATCH_UP_PAGE: u32 = 100;

/// How often to look whether a client has taken what it was sent, and how many looks in a row may
/// find no progress: 10 seconds.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 500;

/// Refuses a request that does not ask for a socket.
pub(crate) fn demand_upgrade(request: &Request) -> Result<()> {
    if http::wants_upgrade(request) {
        return Ok(());
    }
    Err(Refusal::invalid("Upgrade", "must be `websocket`; or use /events").into())
}

/// Opens a socket that reads on after a place, and then gets what comes.
pub(crate) fn stream<L: Log>(
    state: &State,
    request: &Request,
    log: L,
    reader: ReaderOf<L::Object>,
    after: Option<Cursor>,
) -> Result<Response> {
    let socket = Socket::new(reader, Purpose::CatchUp);
    let (client, server) = sockets::open(state, &socket)?;
    let shared = platform::share(state);
    state.wait_until(boxed(async move {
        catch_up(&shared, &log, &server, socket, after).await;
    }));
    http::upgraded(request, client)
}

/// A poll that the edge holds open: the page at once if it says something, and otherwise a
/// socket that gets the empty page now, and the next one once there is something for it.
pub(crate) fn long_poll<W: Serialize + DeserializeOwned + Holder>(
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
pub(crate) fn deliver<L: Log>(
    state: &State,
    log: &L,
    (cursor, record): (Cursor, &str),
    reaches: impl Fn(&ReaderOf<L::Object>) -> Reach,
) {
    let frame = |reader: &ReaderOf<L::Object>| message(log, log.frames(reader), reader, record);
    let sent = |reader: &ReaderOf<L::Object>| log.frames(reader).sent(log, reader, cursor);
    for (end, socket) in sockets::deliver(state, frame, reaches, sent) {
        let Purpose::Poll(poll) = socket.purpose else { continue };
        match log.read(&socket.who.who, poll).map(|page| serde_json::to_string(&page)) {
            Ok(Ok(page)) => {
                sockets::send(&end, &page);
                sockets::close(&end, Close::Answered);
            }
            _ => sockets::close(&end, Close::Failed),
        }
    }
}

/// A stored message as a frame. One that cannot be made is empty, and logged.
fn message<'a, L: Log>(
    log: &L,
    frames: &dyn Frames<L::Object>,
    reader: &ReaderOf<L::Object>,
    record: &'a str,
) -> Cow<'a, str> {
    let frame = frames.message(log, reader, record);
    frame.inspect_err(|error| log::error("frame", error)).unwrap_or_default()
}

/// Reads a frame of a client's, once it was `counted`. Nothing of a frame is parsed that is refused because its
/// sender is too fast, or because it is too long.
pub(crate) fn read<'a>(
    counted: Result<()>,
    text: &'a str,
    types: &'static str,
    limits: &Limits,
) -> Result<Frame<'a>> {
    counted?;
    let most = limits.max_body_bytes();
    if text.len() > most {
        return Err(Refusal::message_too_large("frame", most).into());
    }
    Ok(Frame::parse(text.as_bytes(), types)?)
}

/// Answers what a client sent: a frame of type `kind` with these fields, or an error.
pub(crate) fn answer(end: &WebSocket, id: &Value, outcome: Result<(&str, Value)>) {
    let frame = match outcome {
        Ok((kind, fields)) => frames::answer(kind, id, fields),
        Err(error) => frames::answer("error", id, http::error_fields(error)),
    };
    sockets::send(end, &frame);
}

/// Sends a socket what it missed, no faster than its client takes it, and then makes it a stream.
pub(crate) async fn catch_up<L: Log>(
    state: &State,
    log: &L,
    end: &WebSocket,
    mut socket: Socket<ReaderOf<L::Object>>,
    mut after: Option<Cursor>,
) {
    let frames = log.frames(&socket.who);
    loop {
        if !has_place(state, end).await {
            return;
        }
        let poll = PageRequest { after, limit: CATCH_UP_PAGE, members: false, wait: 0 };
        let page = match frames.read(log, &socket.who, poll) {
            Ok(page) => page,
            Err(Error::Refused(refusal)) => {
                return sockets::close(end, <L::Object as Live>::closes(&refusal));
            }
            Err(error) => {
                log::error("catch-up", &error);
                return sockets::close(end, Close::Failed);
            }
        };
        if page.cursor_reset
            && let Some(reset) = frames.reset(page.next_cursor)
        {
            sockets::send(end, &reset);
        }
        for record in &page.messages {
            if end.send_with_str(message(log, frames, &socket.who, record.get())).is_err() {
                // It is gone; the platform finds that, and closes it.
                return;
            }
        }
        if !page.messages.is_empty() {
            frames.sent(log, &socket.who, page.next_cursor);
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
            if let Some(ready) = frames.ready(page.next_cursor) {
                sockets::send(end, &ready);
            }
            return;
        }
        if !taken(end).await {
            return;
        }
    }
}

/// Waits until not too much waits for the clients of the object together. False if that takes too long.
async fn has_place(state: &State, end: &WebSocket) -> bool {
    for _ in 0..LOOKS {
        if !sockets::is_crowded(state) {
            return true;
        }
        Delay::from(LOOK).await;
    }
    sockets::close(end, Close::TooSlow);
    false
}

/// Waits until a client has taken what it was sent. One that does not is cut off: then false.
pub(crate) async fn taken(end: &WebSocket) -> bool {
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
