//! Live delivery (section 3) at the edge: long polls and event streams are held here, each on a
//! socket to the session's object.
//!
//! The object accepts the socket through the hibernation API, so while nothing happens it sleeps and
//! costs nothing; what waits is this function, and a Worker that waits is not billed. That is why
//! the object does not hold polls and streams itself.

use crate::{http, platform::fault};
use futures_channel::mpsc::{self, UnboundedSender};
use futures_util::{
    FutureExt, StreamExt,
    future::{Either, select},
    stream,
};
use nexus_core::{Fault, Result};
use serde_json::Value;
use std::{cell::Cell, rc::Rc, time::Duration};
use worker::{
    Delay, Headers, Method, Request, RequestInit, Response, Stub, WebSocket, WebsocketEvent,
};

/// How long an event stream is silent at most.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The bytes that may wait for the reader of an event stream to take them.
const MOST_WAITING: usize = 1024 * 1024;

/// The same request, as one for a socket.
fn upgrade(request: &Request) -> Result<Request> {
    let headers = Headers::new();
    for (name, value) in request.headers().entries() {
        headers.set(&name, &value).map_err(fault)?;
    }
    headers.set("Upgrade", "websocket").map_err(fault)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    Request::new_with_init(request.url().map_err(fault)?.as_str(), &init).map_err(fault)
}

/// A poll with `wait`: the object answers at once, or opens a socket that says first what to answer
/// when the time runs out, and then, once there is something, what to answer instead.
pub(crate) async fn long_poll(request: &Request, object: &Stub, seconds: u32) -> Result<Response> {
    let socket = match open(request, object).await? {
        Ok(socket) => socket,
        Err(answer) => return Ok(answer),
    };
    let mut events = socket.events().map_err(fault)?;
    socket.accept().map_err(fault)?;
    let mut page = None;
    let mut time = Delay::from(Duration::from_secs(u64::from(seconds))).fuse();
    loop {
        let next = match select(events.next(), &mut time).await {
            Either::Left((Some(Ok(WebsocketEvent::Message(message))), _)) => message.text(),
            // The time ran out, or the object closed the socket: it restarts, or the session is over.
            _ => break,
        };
        let is_answer = page.is_some();
        page = next;
        if is_answer {
            break;
        }
    }
    drop(events);
    let _ = socket.close(Some(1000), Some("answered"));
    let page = page.ok_or_else(|| Fault::new("a poll that was held open got no page"))?;
    http::respond(200, http::JSON, page.into_bytes())
}

/// `GET /v1/sessions/:id/events`: the frames of a socket as server-sent events.
pub(crate) async fn events(request: &Request, object: &Stub) -> Result<Response> {
    let socket = match open(request, object).await? {
        Ok(socket) => socket,
        Err(answer) => return Ok(answer),
    };
    let (sender, receiver) = mpsc::unbounded::<String>();
    let waiting = Rc::new(Cell::new(0));
    let sent = Rc::clone(&waiting);
    wasm_bindgen_futures::spawn_local(async move {
        // Whatever ends it, the reader connects again, and resumes by Last-Event-ID.
        let _ = copy(&socket, &sender, &sent).await;
        let _ = socket.close(Some(1000), Some("the reader left"));
    });
    // A first line at once, so that proxies and readers see the stream begin.
    let beginning = stream::once(async { ": connected\n\n".to_owned() });
    let chunks = beginning.chain(receiver).map(move |chunk: String| {
        waiting.set(waiting.get().saturating_sub(chunk.len()));
        Ok::<_, worker::Error>(chunk.into_bytes())
    });
    http::stream(200, "text/event-stream; charset=utf-8", chunks)
}

/// Copies frames into the stream until one of both ends.
async fn copy(
    socket: &WebSocket,
    sender: &UnboundedSender<String>,
    waiting: &Cell<usize>,
) -> worker::Result<()> {
    let mut events = socket.events()?;
    socket.accept()?;
    loop {
        let chunk = match select(events.next(), Delay::from(HEARTBEAT)).await {
            Either::Left((Some(event), _)) => match event? {
                WebsocketEvent::Message(message) => event_of(&message.text().unwrap_or_default()),
                WebsocketEvent::Close(close) => {
                    let chunk = format!("event: end\ndata: {}\n\n", close.reason());
                    let _ = sender.unbounded_send(chunk);
                    return Ok(());
                }
            },
            Either::Left((None, _)) => return Ok(()),
            Either::Right(_) => ": still here\n\n".to_owned(),
        };
        waiting.set(waiting.get().saturating_add(chunk.len()));
        if waiting.get() > MOST_WAITING || sender.unbounded_send(chunk).is_err() {
            return Ok(());
        }
    }
}

/// A frame as a server-sent event: a message with its cursor as `id`, anything else under its type.
fn event_of(frame: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(frame) else { return String::new() };
    let kind = fields.remove("type").unwrap_or_default();
    match (kind.as_str(), frame.strip_prefix(r#"{"type":"message","#)) {
        (Some("message"), Some(record)) => {
            let cursor = fields.get("cursor").and_then(Value::as_str).unwrap_or_default();
            format!("id: {cursor}\ndata: {{{record}\n\n")
        }
        (Some(kind), _) => format!("event: {kind}\ndata: {}\n\n", Value::Object(fields)),
        (None, _) => String::new(),
    }
}

/// Asks the object for a socket. Gives it, or what the object answered instead.
async fn open(
    request: &Request,
    object: &Stub,
) -> Result<std::result::Result<WebSocket, Response>> {
    let response = object.fetch_with_request(upgrade(request)?).await.map_err(fault)?;
    if response.status_code() != 101 {
        return Ok(Err(response));
    }
    let socket = response.websocket().ok_or_else(|| Fault::new("an object opened no socket"))?;
    Ok(Ok(socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_an_event_with_its_cursor_and_is_not_changed() {
        let frame = r#"{"type":"message","id":"x-7","json":{"n":1.50},"cursor":"7"}"#;
        let event = "id: 7\ndata: {\"id\":\"x-7\",\"json\":{\"n\":1.50},\"cursor\":\"7\"}\n\n";
        assert_eq!(event_of(frame), event);
        let ready = r#"{"type":"ready","cursor":"7"}"#;
        assert_eq!(event_of(ready), "event: ready\ndata: {\"cursor\":\"7\"}\n\n");
        assert_eq!(event_of("nonsense"), "");
    }
}
