//! Readers of a session as it grows: over a socket, and by server-sent events.

use crate::{Member, string};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};
use tungstenite::{Message, WebSocket, client::IntoClientRequest, http::HeaderValue};

/// How long a reader waits for what must come, before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open socket.
pub struct Socket(WebSocket<TcpStream>);

/// Why a socket gave nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The relay closed it, with this code.
    Closed(u16),
    /// The connection is gone.
    Gone,
    /// Nothing came in the time given.
    Silent,
}

fn connect(base: &str, patience: Duration) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(base.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Socket {
    /// Opens a socket at a path of the relay at `base`, with these headers. Gives the HTTP status
    /// where there is no socket, and none where there is no answer.
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

    /// The next frame, which must come, and be of this type.
    pub fn expect(&mut self, kind: &str) -> Value {
        let frame = self.read().unwrap_or_else(|why| panic!("{kind} expected: {why:?}"));
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// Sends a text.
    pub fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("the socket is open");
    }

    /// How long to wait for a frame.
    pub fn patience(&mut self, patience: Duration) {
        self.0.get_ref().set_read_timeout(Some(patience)).expect("a timeout");
    }
}

impl Member {
    /// Opens a socket that begins after `cursor`, or at the beginning.
    pub fn try_socket(&self, cursor: Option<&str>) -> Result<Socket, Option<u16>> {
        let after = cursor.map(|cursor| format!("?after={cursor}")).unwrap_or_default();
        let path = format!("/v1/sessions/{}/ws{after}", self.session);
        let headers = [("X-Agent-Id", self.agent.as_str()), ("X-Session-Key", self.key.as_str())];
        Socket::open(&self.api.base, &path, &headers)
    }

    /// As [`Self::try_socket`], which must succeed.
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

/// A stream of server-sent events.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// Opens a stream at a path of the relay at `base`, with these headers.
    pub fn open(base: &str, path: &str, headers: &[(&str, &str)]) -> std::io::Result<Self> {
        let mut stream = connect(base, PATIENCE)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: relay\r\nAccept: text/event-stream\r\n")?;
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        write!(stream, "\r\n")?;
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        if !line.contains(" 200 ") {
            return Err(std::io::Error::other(line));
        }
        Ok(Self(lines))
    }

    /// The next event: its type, its id and its data.
    pub fn read(&mut self) -> std::io::Result<(String, Option<String>, Value)> {
        let (mut kind, mut id) = ("message".to_owned(), None);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
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
            // Comments, the ends of events, and the sizes of chunks are nothing to a reader.
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
