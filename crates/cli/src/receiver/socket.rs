//! Receiving a message over a WebSocket, in the form that gateways take:
//!
//! ```text
//! caller                                       receiver
//!   GET /?token=... Upgrade: websocket  ------>
//!   <------------------------------ 101 Switching Protocols
//!   {"type":"system_event","event":"openclaw_message",
//!    "data":{"from":..,"message":..,"timestamp":..}}  -->  prints `data`
//!   <------------------------------ close 1000: it was printed
//! ```
//!
//! Nobody proves who they are here, so any token will do.

use super::request::{BODY, Head, left};
use crate::{error::Result, json::Json};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Instant,
};
use tungstenite::{
    Error, Message, WebSocket,
    handshake::derive_accept_key,
    protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
};

/// A connection with a time limit in total, which also holds for a caller that sends slowly.
struct Timed<'a> {
    stream: &'a TcpStream,
    ends: Option<Instant>,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.ends)?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.ends)?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Why a socket is closed.
type Close = (CloseCode, &'static str);

/// Opens the socket, takes one message, and closes it. Fails only if the message cannot be printed.
pub(super) fn serve(
    stream: &TcpStream,
    head: &Head,
    rest: Vec<u8>,
    ends: Option<Instant>,
    take: impl FnOnce(Json) -> Result<()>,
) -> Result<()> {
    let mut stream = Timed { stream, ends };
    let accept = derive_accept_key(head.socket_key.as_deref().unwrap_or_default().as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    if stream.write_all(response.as_bytes()).is_err() {
        return Ok(());
    }
    let config = WebSocketConfig::default().max_message_size(Some(BODY)).max_frame_size(Some(BODY));
    let mut socket = WebSocket::from_partially_read(stream, rest, Role::Server, Some(config));
    let (close, result) = match receive(&mut socket) {
        Ok(Some(message)) => match take(message) {
            Ok(()) => ((CloseCode::Normal, ""), Ok(())),
            Err(failure) => ((CloseCode::Error, "the message could not be printed"), Err(failure)),
        },
        Ok(None) => return Ok(()),
        Err(close) => (close, Ok(())),
    };
    let (code, reason) = close;
    let _ = socket.close(Some(CloseFrame { code, reason: reason.into() }));
    // Read until the caller has closed too. With unread input, the system could discard our close frame.
    while socket.read().is_ok() {}
    result
}

/// The message of the first frame. `None` if the caller has gone away.
fn receive(socket: &mut WebSocket<Timed<'_>>) -> Result<Option<Json>, Close> {
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => return message(text.as_str()).map(Some).ok_or(FORM),
            Ok(Message::Binary(_)) => return Err(FORM),
            Ok(Message::Close(_)) => return Ok(None),
            Ok(_) => {}
            Err(Error::Capacity(_)) => return Err((CloseCode::Size, "the message is too long")),
            Err(_) => return Ok(None),
        }
    }
}

const FORM: Close = (CloseCode::Unsupported, "the first frame must be an openclaw_message");

/// The `data` of a frame, exactly as it was written.
fn message(frame: &str) -> Option<Json> {
    #[derive(Deserialize)]
    struct Frame {
        r#type: String,
        event: String,
        data: Box<RawValue>,
    }
    let frame: Frame = serde_json::from_str(frame).ok()?;
    let is_message = frame.r#type == "system_event" && frame.event == "openclaw_message";
    let data = Json::parse(frame.data.get()).filter(|data| data.as_str().starts_with('{'));
    data.filter(|_| is_message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_are_accepted() {
        let frame =
            r#"{"type":"system_event","event":"openclaw_message","data":{ "from":"a", "n":1.50 }}"#;
        assert_eq!(message(frame).unwrap().as_str(), r#"{"from":"a","n":1.50}"#);
        for frame in [
            "hi",
            "{}",
            r#"{"type":"message","event":"openclaw_message","data":{}}"#,
            r#"{"type":"system_event","event":"other","data":{}}"#,
            r#"{"type":"system_event","event":"openclaw_message","data":"hi"}"#,
        ] {
            assert!(message(frame).is_none(), "{frame}");
        }
    }
}
