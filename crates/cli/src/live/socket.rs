//! Receiving over a WebSocket, with the same server, connections and headers as every request. It
//! pings after a silence, which reveals a dead connection.

use super::{Ended, Notice, Port, Target};
use crate::{
    json::Json,
    net::{Channel, connect},
};
use nexus_protocol::Cursor;
use serde::Deserialize;
use std::{
    io::{Error, ErrorKind},
    time::Duration,
};
use tungstenite::{
    HandshakeError, Message, WebSocket, client::IntoClientRequest, handshake::client::Request,
    http::HeaderValue,
};

/// The silence after which a ping is sent.
const SILENCE: Duration = Duration::from_secs(20);

/// Reads a socket until it is over.
pub(super) fn read(target: &Target, after: Option<Cursor>, port: &Port) -> Ended {
    let limit = target.http.limit();
    let opened = request(target, after)
        .map_err(|error| error.to_string())
        .and_then(|request| Ok((connect(request.uri(), limit)?, request)));
    let (channel, request) = match opened {
        Ok(opened) => opened,
        Err(why) => return lost(&why),
    };
    let mut socket = match tungstenite::client(request, channel) {
        Ok((socket, _)) => socket,
        Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
            return Ended::Unsuitable(format!("refused with {}", answer.status().as_u16()));
        }
        Err(HandshakeError::Failure(error)) => return Ended::Unsuitable(error.to_string()),
        Err(HandshakeError::Interrupted(_)) => return Ended::Unsuitable("no answer".to_owned()),
    };
    socket.get_mut().set_limit(SILENCE);
    loop {
        match step(&mut socket, target, after, port) {
            Ok(true) => {}
            Ok(false) => return Ended::Lost("nobody listens".to_owned(), Duration::ZERO),
            Err(ended) => return ended,
        }
    }
}

/// Takes one frame, or pings after a silence. Returns whether the connection is still in use.
fn step(
    socket: &mut WebSocket<Channel>,
    target: &Target,
    after: Option<Cursor>,
    port: &Port,
) -> Result<bool, Ended> {
    match socket.read() {
        Ok(Message::Text(text)) => take(text.as_str(), target, after, port),
        Ok(Message::Close(frame)) => {
            let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                (u16::from(frame.code), frame.reason.as_str().to_owned())
            });
            Err(closed(code, &reason))
        }
        Ok(_) => Ok(port.alive()),
        Err(tungstenite::Error::Io(error))
            if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
        {
            let pinged = socket.send(Message::text("ping"));
            pinged.map(|()| port.is_open()).map_err(|error| Ended::Broke(error.to_string()))
        }
        Err(error) => Err(Ended::Broke(error.to_string())),
    }
}

/// Hands over the event of a frame. Returns whether the connection is still in use.
fn take(frame: &str, target: &Target, after: Option<Cursor>, port: &Port) -> Result<bool, Ended> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Frame<'a> {
        r#type: &'a str,
    }
    if let Some(fields) = frame.strip_prefix(r#"{"type":"message","#) {
        // The message exactly as it was written, without the type of the frame.
        let message = Json::parse(&format!("{{{fields}"));
        return message
            .map_or_else(|| Ok(port.alive()), |message| target.pass(message, after, port));
    }
    let read: Frame<'_> = serde_json::from_str(frame).unwrap_or_default();
    match read.r#type {
        "message" => {
            Json::parse(frame).map_or(Ok(true), |message| target.pass(message, after, port))
        }
        kind => Ok(port.pass(Notice::read(frame).into_event(kind))),
    }
}

/// The meaning of a close code (section 3 of the protocol).
fn closed(code: u16, reason: &str) -> Ended {
    let failure = |error, message| {
        let body = Json::of(&serde_json::json!({ "error": error, "message": message }));
        let status = code.saturating_sub(4000);
        crate::error::Failure::Refused(crate::answer::Answer { status, body, retry_after: None })
    };
    match code {
        4403 => Ended::Left(failure(
            "forbidden",
            "This agent is no longer in the session, or its secret was replaced.",
        )),
        4404 => Ended::Over(failure(
            "session_not_found",
            "The session has ended, or the address was deleted.",
        )),
        code => Ended::Lost(
            format!("closed with {code} {}", crate::stderr::printable(reason, 100)),
            Duration::ZERO,
        ),
    }
}

fn lost(error: &dyn std::fmt::Display) -> Ended {
    Ended::Lost(error.to_string(), Duration::ZERO)
}

fn request(target: &Target, after: Option<Cursor>) -> Result<Request, Error> {
    // `http` becomes `ws`, and `https` becomes `wss`.
    let address = target.server.url.replacen("http", "ws", 1);
    let request = format!("{address}{}", target.path("ws", after, None)).into_client_request();
    let mut request = request.map_err(Error::other)?;
    let agent = Some(("X-Agent-Id", target.caller.agent.as_str()));
    let (caller, server) = (&target.caller, &target.server);
    server.announce();
    let key = caller.key.as_ref().and_then(|key| key.at(server));
    let key = key.map(|key| ("X-Session-Key", key.as_str()));
    let secret = caller.secret.as_ref().and_then(|secret| secret.at(server));
    let secret = secret.map(|secret| ("Authorization", format!("Bearer {}", secret.as_str())));
    let secret = secret.as_ref().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in agent.into_iter().chain(key).chain(secret) {
        let mut value = HeaderValue::from_str(value).map_err(Error::other)?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}
