//! The open sockets of one session.
//!
//! Owns what the platform keeps of them while the object sleeps: who a socket is and what it is for
//! ([`Socket`], its attachment). A socket that has caught up gets every message as it is stored, so
//! where it stands needs no keeping: at the end of the log. Nothing here keeps the object awake but
//! a socket that is catching up with more than its client takes at once.

use crate::platform::fault;
use nexus_core::{Delivery, Identity, Result};
use nexus_protocol::{AgentId, Cursor, PageRequest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use worker::{State, WebSocket, WebSocketPair, WebSocketRequestResponsePair};

/// The bytes that may wait for a client to take them.
pub(crate) const MOST_WAITING: u32 = 1024 * 1024;

/// Why the relay closes a socket: codes of the range that applications may define.
#[derive(Clone, Copy)]
pub(crate) enum Close {
    /// A long poll has its answer.
    Answered,
    /// The member left, or its seat was taken away.
    Left,
    /// The session is over.
    Expired,
    /// The client does not take what it is sent; it can resume from its cursor.
    TooSlow,
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
            Self::TooSlow => (4413, "too slow: 1 MiB was waiting; connect again with after="),
        }
    }
}

/// Who a socket is, and what it is for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Socket {
    pub(crate) who: Identity,
    pub(crate) purpose: Purpose,
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

/// Opens a socket and gives back both ends: the client's, and ours.
pub(crate) fn open(state: &State, socket: &Socket) -> Result<(WebSocket, WebSocket)> {
    let ping = WebSocketRequestResponsePair::new("ping", "pong").map_err(|_| "no auto-response");
    state.set_websocket_auto_response(&ping.map_err(|why| fault(why.into()))?);
    let WebSocketPair { client, server } = WebSocketPair::new().map_err(fault)?;
    state.accept_web_socket(&server);
    attach(&server, socket)?;
    Ok((client, server))
}

/// Keeps with a socket who it is and what it is for.
pub(crate) fn attach(end: &WebSocket, socket: &Socket) -> Result<()> {
    end.serialize_attachment(socket).map_err(fault)
}

/// Who a socket is and what it is for; none if it was not opened here.
pub(crate) fn attached(end: &WebSocket) -> Option<Socket> {
    end.deserialize_attachment().ok().flatten()
}

/// The agents that have a socket open.
pub(crate) fn connected(state: &State) -> BTreeSet<AgentId> {
    let sockets = state.get_websockets().into_iter();
    sockets.filter_map(|end| attached(&end)).map(|socket| socket.who.agent().clone()).collect()
}

/// Sends a message to every socket that it is for, if its member is still `seated`, and closes it if
/// not. Gives back the long polls that now have an answer.
pub(crate) fn deliver(
    state: &State,
    delivery: &Delivery,
    seated: impl Fn(&Identity) -> bool,
) -> Vec<(WebSocket, Socket)> {
    let frame = message_frame(&delivery.record);
    let mut polls = Vec::new();
    for end in state.get_websockets() {
        let Some(socket) = attached(&end).filter(|socket| socket.who.may_read(delivery)) else {
            continue;
        };
        if !seated(&socket.who) {
            close(&end, Close::Left);
            continue;
        }
        match socket.purpose {
            // It reads the log itself, this message included.
            Purpose::CatchUp => {}
            Purpose::Stream => send(&end, &frame),
            Purpose::Poll(_) => polls.push((end, socket)),
        }
    }
    polls
}

/// Tells every stream of something that is not in the log.
pub(crate) fn announce(state: &State, event: &str, agent: Option<&AgentId>) {
    let frame = json!({ "type": "event", "event": event, "agentId": agent }).to_string();
    for end in state.get_websockets() {
        if attached(&end).is_some_and(|socket| socket.purpose == Purpose::Stream) {
            send(&end, &frame);
        }
    }
}

/// Closes the sockets of one agent, or all.
pub(crate) fn close_all(state: &State, agent: Option<&AgentId>, why: Close) {
    for end in state.get_websockets() {
        let whose = attached(&end).map(|socket| socket.who.agent().clone());
        if agent.is_none() || whose.as_ref() == agent {
            close(&end, why);
        }
    }
}

/// Closes a socket.
pub(crate) fn close(end: &WebSocket, why: Close) {
    let (code, reason) = why.code_and_reason();
    // One that is closed already needs no more.
    let _ = end.close(Some(code), Some(reason));
}

/// Sends a frame, unless the client has not taken what was sent before.
pub(crate) fn send(end: &WebSocket, frame: &str) {
    // One that is gone is found by the platform, which closes it.
    let _ = end.send_with_str(frame);
    if waiting(end) > MOST_WAITING {
        close(end, Close::TooSlow);
    }
}

/// The bytes that wait for the client to take them.
pub(crate) fn waiting(end: &WebSocket) -> u32 {
    end.as_ref().buffered_amount()
}

/// A stored message as a frame: `{"type":"message", ...message}`.
pub(crate) fn message_frame(record: &str) -> String {
    let fields = record.strip_prefix('{').unwrap_or_default();
    format!("{{\"type\":\"message\",{fields}")
}

/// The frame that says that a stream has caught up.
pub(crate) fn ready_frame(cursor: Cursor) -> String {
    json!({ "type": "ready", "cursor": cursor }).to_string()
}

/// The answer to what a client sent: its own `id` with `fields`.
pub(crate) fn answer_frame(kind: &str, id: &Value, fields: Value) -> String {
    let mut frame = json!({ "type": kind, "id": id });
    if let (Value::Object(frame), Value::Object(fields)) = (&mut frame, fields) {
        frame.extend(fields);
    }
    frame.to_string()
}
