//! The open sockets of one object.
//!
//! Owns what the platform keeps of them while the object sleeps: who a socket is, in the object's own
//! terms, and what it is for ([`Socket`], its attachment). A socket that has caught up gets every message as it is stored, so
//! where it stands needs no keeping: at the end of the log. Nothing here keeps the object awake but
//! a socket that is catching up with more than its client takes at once.

use crate::{
    bridge,
    platform::{fault, now},
};
use nexus_core::{Fault, Result};
use nexus_protocol::PageRequest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::borrow::Cow;
use worker::{State, WebSocket, WebSocketPair, WebSocketRequestResponsePair};

/// The bytes that may wait for a client to take them.
pub(crate) const MOST_WAITING: u32 = 1024 * 1024;

/// The bytes that may wait for all clients of an object together. Beyond it, only a client that takes what it is
/// sent is sent more.
pub(crate) const MOST_WAITING_IN_ALL: u32 = 16 * 1024 * 1024;

/// The bytes of frames of one object's clients that may wait to be dealt with.
pub(crate) const MOST_UNREAD: usize = 4 * 1024 * 1024;

/// Milliseconds for which an open socket shows that its client is there, since it was last heard.
const ANSWERED: i64 = 60_000;

/// Milliseconds after which it is noted again that a client was heard by its frames.
const NOTED: i64 = 15_000;

/// The `readyState` of a socket that one of its ends has closed.
const CLOSING: u16 = 2;

/// Why the relay closes a socket: codes of the range that applications may define.
#[derive(Clone, Copy)]
pub(crate) enum Close {
    /// A long poll has its answer.
    Answered,
    /// The member left, or its seat was taken away.
    Left,
    /// The session is over.
    Expired,
    /// The secret of the address was replaced.
    Replaced,
    /// The address was deleted.
    Deleted,
    /// The session key has expired.
    KeyExpired,
    /// The client sends more than can be dealt with; what it got no answer to was not.
    TooFast,
    /// The client does not take what it is sent; it can resume from its cursor.
    TooSlow,
    /// Its holder has opened as many others since.
    TooMany,
    /// The relay failed; the client can resume from its cursor.
    Failed,
}

impl Close {
    fn code_and_reason(self) -> (u16, &'static str) {
        match self {
            Self::Answered => (1000, "answered"),
            Self::Failed => (1011, "the relay failed; connect again with after="),
            Self::Left => (4403, "this agent is no longer a member of the session"),
            Self::Expired => (4404, "the session is over"),
            Self::Replaced => (4403, "the secret of this address was replaced"),
            Self::Deleted => (4404, "this address was deleted"),
            Self::KeyExpired => (4401, "the session key has expired; connect again"),
            Self::TooFast => (
                4429,
                "too fast: 4 MiB of frames were waiting; connect again, and wait for answers",
            ),
            Self::TooSlow => (4413, "too slow: 1 MiB was waiting; connect again with after="),
            Self::TooMany => (
                4409,
                "too many: an agent has 8 connections at a time, without its key 2; the oldest is closed",
            ),
        }
    }
}

/// Connections of one agent that has proven who it is, and of one name that nobody has proven.
pub(crate) const MOST_PROVEN: usize = 8;
pub(crate) const MOST_UNPROVEN: usize = 2;

/// Whoever has sockets open. A name that nobody has proven is another holder than its owner, so strangers close no
/// socket of his.
pub(crate) trait Holder {
    /// What names it among the holders of the object's sockets, in at most 256 bytes.
    fn name(&self) -> String;

    /// Whether it has proven who it is.
    fn is_proven(&self) -> bool;
}

/// Who a socket is, and what it is for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Socket<W> {
    pub(crate) who: W,
    pub(crate) purpose: Purpose,
    /// When it was opened, in milliseconds since 1970.
    #[serde(default)]
    opened: i64,
    /// When it was opened, or about when its last frame came, in milliseconds since 1970.
    #[serde(default)]
    heard: i64,
}

impl<W> Socket<W> {
    /// One that is being opened.
    pub(crate) fn new(who: W, purpose: Purpose) -> Self {
        let now = now().as_millis();
        Self { who, purpose, opened: now, heard: now }
    }
}

/// What a socket is for.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// It is being sent what it missed.
    CatchUp,
    /// It gets every message as it is stored.
    Stream,
    /// A long poll: it gets one page, once there is something for it.
    Poll(PageRequest),
}

/// Whether a message is for a reader.
pub(crate) enum Reach {
    Yes,
    Not,
    /// Nothing is, any more.
    NoLonger(Close),
}

/// Opens a socket and gives back both ends: the client's, and ours. Closes the oldest of a holder that has too many.
pub(crate) fn open<W: Serialize + DeserializeOwned + Holder>(
    state: &State,
    socket: &Socket<W>,
) -> Result<(WebSocket, WebSocket)> {
    let most = if socket.who.is_proven() { MOST_PROVEN } else { MOST_UNPROVEN };
    let holder = socket.who.name();
    let held = state.get_websockets_with_tag(&holder).into_iter().filter(is_open);
    let mut held: Vec<(i64, WebSocket)> =
        held.filter_map(|end| attached::<W>(&end).map(|socket| (socket.opened, end))).collect();
    held.sort_by_key(|(opened, _)| *opened);
    let too_many = held.len().saturating_add(1).saturating_sub(most);
    for (_, end) in held.iter().take(too_many) {
        close(end, Close::TooMany);
    }
    let ping = WebSocketRequestResponsePair::new("ping", "pong").map_err(|_| "no auto-response");
    state.set_websocket_auto_response(&ping.map_err(|why| fault(why.into()))?);
    let WebSocketPair { client, server } = WebSocketPair::new().map_err(fault)?;
    state.accept_websocket_with_tags(&server, &[&holder]);
    attach(&server, socket)?;
    Ok((client, server))
}

/// Keeps with a socket who it is and what it is for: as a text, which crosses at once, where an object
/// would field by field.
pub(crate) fn attach<W: Serialize>(end: &WebSocket, socket: &Socket<W>) -> Result<()> {
    end.serialize_attachment(serde_json::to_string(socket).map_err(Fault::new)?).map_err(fault)
}

/// Who a socket is and what it is for; none if it was not opened here, or was closed here.
pub(crate) fn attached<W: DeserializeOwned>(end: &WebSocket) -> Option<Socket<W>> {
    let text: String = end.deserialize_attachment().ok().flatten()?;
    serde_json::from_str(&text).ok()
}

/// The sockets that are open. One that was closed stays with the object until its client confirms
/// that, which one that is gone, or does not read, never does.
pub(crate) fn connected<W: DeserializeOwned>(
    state: &State,
) -> impl Iterator<Item = (WebSocket, Socket<W>)> {
    let open = state.get_websockets().into_iter().filter(is_open);
    open.filter_map(|end| attached(&end).map(|socket| (end, socket)))
}

/// The open sockets whose clients were heard lately: by opening, a frame, or a ping, which the platform
/// answers by itself. The connection of a client that is gone can stay open for hours.
pub(crate) fn answering<W: DeserializeOwned>(state: &State) -> impl Iterator<Item = Socket<W>> {
    let since = now().as_millis().saturating_sub(ANSWERED);
    let sockets = connected(state).filter(move |(end, socket)| {
        // Exact below 2^53.
        #[allow(clippy::cast_precision_loss, reason = "see above")]
        let since_as_number = since as f64;
        socket.heard >= since || bridge::pinged(state.as_raw(), end.as_ref()) >= since_as_number
    });
    sockets.map(|(_, socket)| socket)
}

/// Notes with a socket that a frame came, unless that was noted a moment ago.
pub(crate) fn note_frame<W: Serialize>(end: &WebSocket, socket: &mut Socket<W>) {
    let now = now().as_millis();
    if now.saturating_sub(socket.heard) < NOTED {
        return;
    }
    socket.heard = now;
    // If this fails, its agent seems to be away a little sooner.
    let _ = attach(end, socket);
}

/// Whether neither end has closed it.
pub(crate) fn is_open(end: &WebSocket) -> bool {
    end.as_ref().ready_state() < CLOSING
}

/// Whether a message that comes now, and `reaches` them, goes to somebody at once.
pub(crate) fn has_readers<W: DeserializeOwned>(
    state: &State,
    reaches: impl Fn(&W) -> Reach,
) -> bool {
    connected(state).any(|(end, socket)| {
        socket.purpose != Purpose::CatchUp
            && waiting(&end) <= MOST_WAITING
            && matches!(reaches(&socket.who), Reach::Yes)
    })
}

/// Sends a message, as the frame made for it, to every socket that it `reaches`, and tells whom it was
/// `sent`. Gives back the long polls that now have an answer.
pub(crate) fn deliver<'a, W: DeserializeOwned>(
    state: &State,
    frame: impl Fn(&W) -> Cow<'a, str>,
    reaches: impl Fn(&W) -> Reach,
    sent: impl Fn(&W),
) -> Vec<(WebSocket, Socket<W>)> {
    let (mut polls, mut in_all) = (Vec::new(), 0);
    for end in state.get_websockets() {
        // What a socket was sent that was closed still waits.
        let waits = waiting(&end);
        in_all = waits.saturating_add(in_all);
        let Some(socket) = attached::<W>(&end).filter(|_| is_open(&end)) else { continue };
        match reaches(&socket.who) {
            Reach::Not => continue,
            Reach::NoLonger(why) => {
                close(&end, why);
                continue;
            }
            Reach::Yes => {}
        }
        match socket.purpose {
            // It reads the log itself, this message included.
            Purpose::CatchUp => {}
            Purpose::Stream if waits > 0 && in_all > MOST_WAITING_IN_ALL => {
                close(&end, Close::TooSlow);
            }
            Purpose::Stream => {
                if send(&end, &frame(&socket.who)) {
                    sent(&socket.who);
                }
            }
            Purpose::Poll(_) => polls.push((end, socket)),
        }
    }
    polls
}

/// Tells every stream of something that is not in the log, by the frame made for it. Says whether anyone was
/// told.
pub(crate) fn announce<W: DeserializeOwned>(
    state: &State,
    frame: impl Fn(&W) -> Option<String>,
) -> bool {
    let mut told = false;
    for (end, socket) in connected(state) {
        if socket.purpose == Purpose::Stream
            && let Some(frame) = frame(&socket.who)
        {
            told |= send(&end, &frame);
        }
    }
    told
}

/// Closes the sockets of those who are meant. One that was closed before, and is still heard, is so no
/// longer.
pub(crate) fn close_all<W: DeserializeOwned>(
    state: &State,
    why: Close,
    meant: impl Fn(&W) -> bool,
) {
    for end in state.get_websockets() {
        if attached(&end).is_some_and(|socket| meant(&socket.who)) {
            close(&end, why);
        }
    }
}

/// Closes a socket. From now on it is nobody's: what its client still sends, which may never take note,
/// does nothing. Where only its key has ended, what its client had signed before it heard of that counts.
pub(crate) fn close(end: &WebSocket, why: Close) {
    if !matches!(why, Close::KeyExpired) {
        // If this fails, nothing can be sent to it all the same.
        let _ = end.serialize_attachment(Option::<String>::None);
    }
    let (code, reason) = why.code_and_reason();
    // One that is closed already needs no more.
    let _ = end.close(Some(code), Some(reason));
}

/// The handshake of closing, for platforms that leave it to us. 1005 and 1006 are not sent.
pub(crate) fn closed(end: &WebSocket, code: u16) {
    let code = Some(code).filter(|code| !matches!(code, 1005 | 1006));
    let _ = end.close(code, Some(""));
}

/// Sends a frame, and says whether it is on its way: not if the socket is gone, or its client has not
/// taken what was sent before, and is cut off.
pub(crate) fn send(end: &WebSocket, frame: &str) -> bool {
    if waiting(end) > MOST_WAITING {
        close(end, Close::TooSlow);
        return false;
    }
    // One that is gone is found by the platform, which closes it.
    end.send_with_str(frame).is_ok()
}

/// Whether so much waits for the clients of an object that one that catches up has to wait, too.
pub(crate) fn is_crowded(state: &State) -> bool {
    let all = state.get_websockets();
    let in_all = all.iter().map(waiting).fold(0, u32::saturating_add);
    in_all > MOST_WAITING_IN_ALL
}

/// The bytes that wait for the client to take them.
pub(crate) fn waiting(end: &WebSocket) -> u32 {
    end.as_ref().buffered_amount()
}
