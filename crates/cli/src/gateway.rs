//! Another machine's gateway: a WebSocket that takes one message for its agent.

use crate::{
    error::{Failure, Kind, Result},
    live::{Stream, connect},
    server::percent_encoded,
};
use serde_json::json;
use std::time::Duration;
use tungstenite::{Message, WebSocket, client::IntoClientRequest, http::Uri};

/// How long opening may take.
pub(crate) const PING_LIMIT: Duration = Duration::from_secs(5);
/// How long sending may take.
pub(crate) const SEND_LIMIT: Duration = Duration::from_secs(10);

/// Reads the address of a gateway on the command line.
pub(crate) fn address(text: &str) -> std::result::Result<String, &'static str> {
    const RULE: &str =
        "The address of a gateway is such as ws://192.168.1.7:18789, without a query.";
    let uri: Uri = text.parse().map_err(|_| RULE)?;
    let is_socket = matches!(uri.scheme_str(), Some("ws" | "wss"));
    if is_socket && uri.host().is_some() && uri.query().is_none() {
        Ok(text.to_owned())
    } else {
        Err(RULE)
    }
}

/// Opens a gateway.
pub(crate) fn open(
    url: &str,
    token: Option<&str>,
    limit: Duration,
) -> Result<WebSocket<Box<dyn Stream>>> {
    // Nothing that is said of it may quote the token.
    let failed = |why: &dyn std::fmt::Display| {
        let message =
            format!("No connection to the gateway {url}: {why}. Check its address and token.");
        Failure::own(Kind::ServerUnreachable, message)
    };
    let query = token.map(|token| format!("?token={}", percent_encoded(token)));
    let path = if url.splitn(4, '/').count() < 4 { "/" } else { "" };
    let request = format!("{url}{path}{}", query.unwrap_or_default()).into_client_request();
    let request = request.map_err(|_| failed(&"it is not an address"))?;
    let (_, stream) = connect(request.uri(), limit).map_err(|error| failed(&error))?;
    match tungstenite::client(request, stream) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
            Err(failed(&format_args!("it answers {}", answer.status().as_u16())))
        }
        Err(_) => Err(failed(&"it does not speak WebSocket, or takes too long")),
    }
}

/// Gives a gateway a message for its agent.
pub(crate) fn send(url: &str, token: Option<&str>, from: &str, message: &str) -> Result<()> {
    let mut socket = open(url, token, SEND_LIMIT)?;
    let frame = json!({
        "type": "system_event",
        "event": "openclaw_message",
        "data": { "from": from, "message": message, "timestamp": crate::clock::now().as_millis() },
    });
    let sent = socket.send(Message::text(frame.to_string())).and_then(|()| {
        socket.close(None)?;
        // Until the other end has closed, too: then it has read what came before.
        while socket.read().is_ok() {}
        Ok(())
    });
    sent.map_err(|error| {
        let message = format!(
            "The gateway {url} broke off ({error}); whether it took the message is not known."
        );
        Failure::own(Kind::ConnectionLost, message)
    })
}
