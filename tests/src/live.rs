//! Readers that follow a session, over a socket and by server-sent events.

use crate::{Answer, Member, list, string};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};
use tungstenite::{
    Message, WebSocket, client::IntoClientRequest, http::HeaderValue, protocol::Role,
};

/// How long a reader waits for something that must come. After that, the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open socket.
pub struct Socket(WebSocket<TcpStream>);

/// Why a socket returned nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The relay closed it, with this code.
    Closed(u16),
    /// The connection broke.
    Gone,
    /// Nothing came within the given time.
    Silent,
}

fn connect(base: &str, patience: Duration) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(base.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Socket {
    /// Opens a socket at a path of the relay at `base`, with these headers. If that fails, returns
    /// the HTTP status, or `None` if there was no response.
    pub fn open(
        base: &str,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Option<u16>> {
        let url = format!("{}{path}", base.replace("http://", "ws://"));
        let mut request = url.into_client_request().expect("a valid address");
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("a header"));
        }
        let stream = connect(base, PATIENCE).map_err(|_| None)?;
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Err(Some(answer.status().as_u16()))
            }
            Err(_) => Err(None),
        }
    }

    /// The next frame.
    pub fn read(&mut self) -> Result<Value, Ended> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) if text.as_str() == "pong" => return Ok(json!("pong")),
                Ok(Message::Text(text)) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(frame)) => {
                    return Err(Ended::Closed(frame.map_or(1005, |frame| frame.code.into())));
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error))
                    if error.kind() == std::io::ErrorKind::WouldBlock =>
                {
                    return Err(Ended::Silent);
                }
                Err(_) => return Err(Ended::Gone),
            }
        }
    }

    /// The next frame. Fails the test if none comes or it has another type.
    pub fn expect(&mut self, kind: &str) -> Value {
        let frame = self.read().unwrap_or_else(|why| panic!("{kind} expected: {why:?}"));
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// Sends a text.
    pub fn send(&mut self, text: &str) {
        self.try_send(text).expect("the socket is open");
    }

    /// Sends a text over a socket that may be broken.
    pub fn try_send(&mut self, text: &str) -> Result<(), Ended> {
        self.0.send(Message::text(text)).map_err(|_| Ended::Gone)
    }

    /// Sends bytes as they are, which may be no frame or a part of one.
    ///
    /// # Errors
    /// The relay has closed the connection.
    pub fn send_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// What sends over this socket while another thread reads.
    #[must_use]
    pub fn writer(&self) -> Writer {
        let stream = self.0.get_ref().try_clone().expect("a second handle");
        Writer(WebSocket::from_raw_socket(stream, Role::Client, None))
    }

    /// Breaks the connection, for its [`Writer`], too.
    pub fn cut(self) {
        // One that is broken already needs no more.
        let _ = self.0.get_ref().shutdown(Shutdown::Both);
    }

    /// Sends a binary frame.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.0.send(Message::binary(bytes.to_vec())).expect("the socket is open");
    }

    /// Sets how long to wait for a frame.
    pub fn patience(&mut self, patience: Duration) {
        self.0.get_ref().set_read_timeout(Some(patience)).expect("a timeout");
    }
}

/// The sending half of a socket.
pub struct Writer(WebSocket<TcpStream>);

impl Writer {
    /// Sends a text.
    ///
    /// # Errors
    /// The connection broke.
    pub fn send(&mut self, text: &str) -> Result<(), Ended> {
        self.0.send(Message::text(text)).map_err(|_| Ended::Gone)
    }
}

impl Member {
    /// Opens a socket that starts after `cursor`, or at the beginning.
    pub fn try_socket(&self, cursor: Option<&str>) -> Result<Socket, Option<u16>> {
        let after = cursor.map(|cursor| format!("?after={cursor}")).unwrap_or_default();
        let path = format!("/v1/sessions/{}/ws{after}", self.session);
        let headers = [("X-Agent-Id", self.agent.as_str()), ("X-Session-Key", self.key.as_str())];
        Socket::open(&self.api.base, &path, &headers)
    }

    /// Like [`Self::try_socket`], but fails the test if there is no socket.
    pub fn socket(&self, cursor: Option<&str>) -> Socket {
        self.try_socket(cursor).expect("a socket")
    }

    /// Opens a stream of events that resumes after `cursor`.
    pub fn try_events(&self, cursor: Option<&str>) -> std::io::Result<Events> {
        let mut headers =
            vec![("X-Agent-Id", self.agent.as_str()), ("X-Session-Key", self.key.as_str())];
        headers.extend(cursor.map(|cursor| ("Last-Event-ID", cursor)));
        Events::open(&self.api.base, &format!("/v1/sessions/{}/events", self.session), &headers)
    }
}

/// A way to read a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A poll.
    Poll,
    /// A poll that waits if there is nothing yet.
    LongPoll,
    /// Server-sent events.
    Events,
    /// A WebSocket.
    Socket,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Poll, Self::LongPoll, Self::Events, Self::Socket];
}

/// What can be followed from a cursor: a session as one of its members, or an inbox.
pub trait Follow {
    /// The answer to a poll with this query.
    fn page(&self, query: &str) -> Option<Answer>;
    /// A socket that starts after `cursor`.
    fn socket_after(&self, cursor: &str) -> Result<Socket, Option<u16>>;
    /// A stream of events that starts after `cursor`.
    fn events_after(&self, cursor: &str) -> std::io::Result<Events>;

    /// Reads what comes after `cursor`: at most `most` messages, and no longer than `time`. Returns
    /// nothing if the relay is not running, and the status as an error if it refuses.
    fn take(&self, way: Way, cursor: &str, most: usize, time: Duration) -> Result<Vec<Value>, u16> {
        let started = Instant::now();
        let mut messages = Vec::new();
        let left = || time.saturating_sub(started.elapsed());
        match way {
            Way::Poll | Way::LongPoll => {
                let wait = if way == Way::Poll { 0 } else { time.as_secs().clamp(1, 25) };
                let query = format!("?after={cursor}&limit={most}&wait={wait}");
                match self.page(&query) {
                    Some(answer) if answer.status == 200 => {
                        messages.extend_from_slice(list(&answer.json()["messages"]));
                    }
                    answer => refused(answer.map(|answer| answer.status))?,
                }
            }
            Way::Socket => {
                let mut socket = match self.socket_after(cursor) {
                    Ok(socket) => socket,
                    Err(status) => return refused(status).map(|()| messages),
                };
                while messages.len() < most && !left().is_zero() {
                    socket.patience(left().max(Duration::from_millis(1)));
                    let Ok(frame) = socket.read() else { break };
                    if frame["type"] == "message" {
                        messages.push(frame);
                    }
                }
            }
            Way::Events => {
                // If a stream is refused, so is a poll, whose status can be read.
                let Ok(mut events) = self.events_after(cursor) else { return Ok(messages) };
                while messages.len() < most && !left().is_zero() {
                    events.patience(left().max(Duration::from_millis(1)));
                    let Ok((kind, _, data)) = events.read() else { break };
                    if kind == "message" {
                        messages.push(data);
                    }
                }
            }
        }
        Ok(messages)
    }
}

impl Follow for Member {
    fn page(&self, query: &str) -> Option<Answer> {
        self.call("GET", &format!("/messages{query}")).try_send()
    }

    fn socket_after(&self, cursor: &str) -> Result<Socket, Option<u16>> {
        self.try_socket(Some(cursor))
    }

    fn events_after(&self, cursor: &str) -> std::io::Result<Events> {
        self.try_events(Some(cursor))
    }
}

/// Whether a status is a refusal. A missing response is not, and neither is one of a relay that is
/// stopping.
fn refused(status: Option<u16>) -> Result<(), u16> {
    status.filter(|status| *status < 500).map_or(Ok(()), Err)
}

/// A body in chunks, joined together.
struct Chunks {
    source: BufReader<TcpStream>,
    left: usize,
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.left == 0 {
            let mut line = String::new();
            if self.source.read_line(&mut line)? == 0 {
                return Ok(0);
            }
            // An empty line separates chunks.
            if !line.trim_end().is_empty() {
                self.left = usize::from_str_radix(line.trim_end(), 16)
                    .map_err(|_| std::io::Error::other(format!("not a size: {line}")))?;
                if self.left == 0 {
                    return Ok(0);
                }
            }
        }
        let most = into.len().min(self.left);
        let count = self.source.read(&mut into[..most])?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}

/// A stream of server-sent events.
pub struct Events(BufReader<Chunks>);

impl Events {
    /// Opens a stream at a path of the relay at `base`, with these headers.
    pub fn open(base: &str, path: &str, headers: &[(&str, &str)]) -> std::io::Result<Self> {
        let mut stream = connect(base, PATIENCE)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: relay\r\nAccept: text/event-stream\r\n")?;
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        write!(stream, "\r\n")?;
        let mut source = BufReader::new(stream);
        let mut status = String::new();
        source.read_line(&mut status)?;
        if !status.contains(" 200 ") {
            return Err(std::io::Error::other(status));
        }
        let (mut is_chunked, mut line) = (false, String::new());
        while source.read_line(&mut line)? > 2 {
            is_chunked |= line.trim_end().eq_ignore_ascii_case("transfer-encoding: chunked");
            line.clear();
        }
        if !is_chunked {
            return Err(std::io::Error::other("not in chunks"));
        }
        Ok(Self(BufReader::new(Chunks { source, left: 0 })))
    }

    /// Sets how long to wait for an event.
    pub fn patience(&self, patience: Duration) {
        let stream = self.0.get_ref().source.get_ref();
        stream.set_read_timeout(Some(patience)).expect("a timeout");
    }

    /// The next event: its type, its id and its data.
    pub fn read(&mut self) -> std::io::Result<(String, Option<String>, Value)> {
        let (mut kind, mut id) = ("message".to_owned(), None);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            // The stream may also break within a line.
            if !line.ends_with('\n') {
                return Err(std::io::Error::other("the stream ended"));
            }
            let line = line.trim_end();
            if let Some(value) = line.strip_prefix("event: ") {
                value.clone_into(&mut kind);
            } else if let Some(value) = line.strip_prefix("id: ") {
                id = Some(value.to_owned());
            } else if let Some(value) = line.strip_prefix("data: ") {
                let data = serde_json::from_str(value).unwrap_or_else(|_| value.into());
                return Ok((kind, id, data));
            }
            // Readers ignore comments and the ends of events.
        }
    }

    /// The next message: its cursor and its text.
    pub fn message(&mut self) -> std::io::Result<(String, String)> {
        loop {
            let (kind, id, data) = self.read()?;
            if kind == "message" {
                return Ok((id.unwrap_or_default(), string(&data["text"])));
            }
        }
    }
}
