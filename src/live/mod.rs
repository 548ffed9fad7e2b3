//! Live delivery (sections 3 and 8) at the edge: long polls and event streams are held here, each on a
//! socket to the object.
//!
//! The object accepts the socket through the hibernation API, so while nothing happens it sleeps and
//! costs nothing; what waits is this function, and a Worker that waits is not billed. That is why
//! the object does not hold polls and streams itself.

mod share;

use crate::{
    calls::Object,
    frames,
    http::{self, Request, Response},
    log,
    platform::{fault, now},
    router::Method,
};
use futures_channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use futures_util::{
    FutureExt, StreamExt,
    future::{Either, select},
    stream,
};
use nexus_core::{Fault, Proof, Result};
use nexus_protocol::{Cursor, Filter, Page, PageRequest, Refusal};
use serde_json::Value;
use share::{Backlog, Place};
use std::{fmt::Write as _, rc::Rc, time::Duration};
use worker::{Delay, WebSocket, WebsocketEvent};

/// Milliseconds between two pings by which an event stream shows the object that its reader is there. The
/// platform answers them, and the object sleeps on.
const PING: i64 = 15_000;

/// How long an event stream is silent at most.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A poll with `wait`: the object answers at once, or opens a socket that says first what to answer
/// when the time runs out, and then, once there is something, what to answer instead.
pub(crate) async fn long_poll(head: &str, object: &Object, seconds: u32) -> Result<Response> {
    let socket = match object.open(head).await? {
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
    Ok(Response::text(200, http::JSON, page))
}

/// The headers by which a reader of events shows who it is.
pub(crate) type Credentials = Vec<(&'static str, String)>;

/// How one kind of reader shows who it is.
pub(crate) type Shown = fn(&Request) -> Result<Credentials, Refusal>;

/// Those of a member of a session (section 3).
pub(crate) fn member(request: &Request) -> Result<Credentials, Refusal> {
    let caller = http::browser_caller(request)?;
    let mut headers = Vec::new();
    headers.extend(caller.agent.map(|agent| ("X-Agent-Id", agent.to_string())));
    headers.extend(caller.key.map(|key| ("X-Session-Key", key.to_string())));
    headers
        .extend(caller.token.map(|token| ("Authorization", format!("Bearer {}", token.as_str()))));
    Ok(headers)
}

/// Those of an agent with an address (section 8).
#[allow(clippy::unnecessary_wraps, reason = "the form of `member`")]
pub(crate) fn agent(request: &Request) -> Result<Credentials, Refusal> {
    let mut headers = Vec::new();
    if let Some(Proof::Secret(secret)) = http::browser_proof(request) {
        headers.push(("Authorization", format!("Bearer {secret}")));
    }
    if let Some(agent) = request.header("X-Agent-Id") {
        headers.push(("X-Agent-Id", agent.to_owned()));
    }
    Ok(headers)
}

/// `GET .../events` of a session or an address. What is in the log already is read page by page, as
/// fast as the reader takes it; from its end on a socket brings what comes.
pub(crate) async fn events(
    request: &Request,
    object: Object,
    credentials: Credentials,
    after: PageRequest,
) -> Result<Response> {
    let after = http::last_event_id(request)?.or(after.after);
    let path = request.path().trim_end_matches('/').strip_suffix("/events").unwrap_or_default();
    let owner = format!("{}{path}", request.origin());
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let of_filter = |pair: &&str| Filter::PARAMETERS.contains(&name(pair).as_str());
    let pairs = request.query().split('&').filter(of_filter);
    let filter = pairs.fold(String::new(), |filter, pair| filter + "&" + pair);
    let mut source = Source { object, owner, credentials, after, filter, place: None };
    let answer = source.poll().await?;
    if answer.status() != 200 {
        return Ok(answer);
    }
    source.place = Some(Place::take(&source.owner, &source.credentials)?);
    let first = source.page(&answer).await?;
    let stage = if first.1 { Stage::Log(source) } else { Stage::End(source) };
    // A first line at once, so that proxies and readers see the stream begin.
    let beginning = format!(": connected\n\n{}", first.0);
    let rest = stream::unfold(stage, |stage| async {
        match next(stage).await {
            Ok(next) => next,
            Err(error) => {
                log::error("events", &error);
                None
            }
        }
    });
    let chunks = stream::once(async { beginning }).chain(rest);
    let chunks = chunks.map(|chunk: String| Ok::<_, worker::Error>(chunk.into_bytes()));
    http::stream(200, "text/event-stream; charset=utf-8", chunks)
}

/// Where an event stream reads.
struct Source {
    object: Object,
    /// The URL of the session or the agent.
    owner: String,
    credentials: Credentials,
    after: Option<Cursor>,
    /// What it wants to read, as a query says it.
    filter: String,
    /// None until it is known that the reader is let in.
    place: Option<Place>,
}

/// How far an event stream is.
enum Stage {
    /// There is more in the log.
    Log(Source),
    /// The log is read to its end.
    End(Source),
    /// A socket brings what comes, and how many bytes of it wait to be taken.
    Live(UnboundedReceiver<String>, Rc<Backlog>),
}

/// The next chunk, and the stage after it.
async fn next(stage: Stage) -> Result<Option<(String, Stage)>> {
    match stage {
        Stage::Log(mut source) => {
            let answer = source.poll().await?;
            if answer.status() != 200 {
                return Ok(None);
            }
            let (chunk, more) = source.page(&answer).await?;
            let stage = if more { Stage::Log(source) } else { Stage::End(source) };
            Ok(Some((chunk, stage)))
        }
        Stage::End(source) => {
            let Some((receiver, waiting)) = source.listen().await? else { return Ok(None) };
            Ok(take(receiver, waiting).await)
        }
        Stage::Live(receiver, waiting) => Ok(take(receiver, waiting).await),
    }
}

async fn take(
    mut receiver: UnboundedReceiver<String>,
    waiting: Rc<Backlog>,
) -> Option<(String, Stage)> {
    let chunk = receiver.next().await?;
    waiting.take(chunk.len());
    Some((chunk, Stage::Live(receiver, waiting)))
}

impl Source {
    /// The head of a request for what stands after.
    fn head(&self, path: &str) -> String {
        let after = self.after.map(|cursor| cursor.to_string()).unwrap_or_default();
        let url = format!("{}{path}?after={after}{}", self.owner, self.filter);
        let headers = self.credentials.iter().map(|(name, value)| (*name, value.as_str()));
        http::head_of(Method::Get, &url, headers)
    }

    async fn poll(&self) -> Result<Response> {
        self.object.ask(&self.head("/messages"), "").await
    }

    /// A page as events, and whether there is more.
    async fn page(&mut self, answer: &Response) -> Result<(String, bool)> {
        let text = answer.read().await?;
        let page: Page =
            serde_json::from_str(&text).map_err(|_| Fault::new("a page cannot be read"))?;
        let mut chunk = String::with_capacity(text.len());
        if page.cursor_reset {
            let cursor = page.next_cursor;
            // Writing to a String cannot fail.
            let _ = write!(chunk, "event: reset\ndata: {{\"cursor\":\"{cursor}\"}}\n\n");
        }
        for record in &page.messages {
            write_message(&mut chunk, record.get());
        }
        self.after = Some(page.next_cursor);
        Ok((chunk, page.has_more))
    }

    /// Opens a socket at the end of the log, whose frames come as events. None if it is refused.
    async fn listen(&self) -> Result<Option<(UnboundedReceiver<String>, Rc<Backlog>)>> {
        let Ok(socket) = self.object.open(&self.head("/ws")).await? else {
            return Ok(None);
        };
        let (sender, receiver) = mpsc::unbounded();
        let waiting = Rc::new(Backlog::new(&self.owner));
        let sent = Rc::clone(&waiting);
        wasm_bindgen_futures::spawn_local(async move {
            // Whatever ends it, the reader connects again, and resumes by Last-Event-ID.
            let end = copy(&socket, &sender, &sent).await;
            let reason = end.unwrap_or_else(|_| "the relay failed".to_owned());
            let _ = sender.unbounded_send(format!("event: end\ndata: {reason}\n\n"));
            let _ = socket.close(Some(1000), Some("the stream is over"));
        });
        Ok(Some((receiver, waiting)))
    }
}

/// Copies frames into the stream until one of both ends, and says why.
async fn copy(
    socket: &WebSocket,
    sender: &UnboundedSender<String>,
    waiting: &Backlog,
) -> worker::Result<String> {
    let mut events = socket.events()?;
    socket.accept()?;
    let mut pinged = now();
    loop {
        if now().millis_since(pinged) >= PING {
            pinged = now();
            socket.send_with_str("ping")?;
        }
        let chunk = match select(events.next(), Delay::from(HEARTBEAT)).await {
            Either::Left((Some(event), _)) => match event? {
                WebsocketEvent::Message(message) => match message.text().as_deref() {
                    None | Some("pong") => continue,
                    Some(frame) => event_of(frame),
                },
                WebsocketEvent::Close(close) => return Ok(close.reason()),
            },
            Either::Left((None, _)) => return Ok("the relay restarts".to_owned()),
            Either::Right(_) => ": still here\n\n".to_owned(),
        };
        if !waiting.add(chunk.len()) {
            return Ok("too slow: 1 MiB was waiting".to_owned());
        }
        if sender.unbounded_send(chunk).is_err() {
            return Ok("the reader left".to_owned());
        }
    }
}

/// A frame as a server-sent event: a message with its cursor as `id`, anything else under its type.
fn event_of(frame: &str) -> String {
    if let Some(record) = frames::record(frame) {
        let mut event = String::with_capacity(frame.len());
        write_message(&mut event, &record);
        return event;
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_str(frame) else { return String::new() };
    let kind = fields.remove("type").unwrap_or_default();
    let kind = kind.as_str().unwrap_or_default();
    format!("event: {kind}\ndata: {}\n\n", Value::Object(fields))
}

fn write_message(chunk: &mut String, record: &str) {
    #[derive(serde::Deserialize)]
    struct Place {
        cursor: Cursor,
    }
    let Ok(Place { cursor }) = serde_json::from_str(record) else { return };
    // Writing to a String cannot fail. JSON has no line breaks outside of its strings' escapes, but
    // for those that stand between the parts of a payload.
    let record = record.replace(['\n', '\r'], " ");
    let _ = write!(chunk, "id: {cursor}\ndata: {record}\n\n");
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

    #[test]
    fn a_payload_written_over_lines_stays_one_event() {
        let frame = "{\"type\":\"message\",\"json\":{\n\"n\": 1},\"cursor\":\"7\"}";
        assert_eq!(event_of(frame), "id: 7\ndata: {\"json\":{ \"n\": 1},\"cursor\":\"7\"}\n\n");
    }
}
