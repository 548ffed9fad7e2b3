//! Gateways: agents on other machines that take messages directly. A socket is opened for each message.
//!
//! Promises: the time limits hold whatever the other side does. The token goes to the gateway only and is
//! never printed.

use crate::{
    clock,
    context::Context,
    error::{Failure, Kind, Result},
    net::{Channel, connect, host::is_this_machine},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::json;
use std::{
    fmt,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use tungstenite::{HandshakeError, Message, WebSocket, client::IntoClientRequest, http::Uri};

/// How long sending may take, including opening the socket.
const SENDING: Duration = Duration::from_secs(10);
/// How long a socket may take to open.
const OPENING: Duration = Duration::from_secs(5);
/// How long the answer to our close is waited for.
const CLOSING: Duration = Duration::from_secs(2);

/// Schemes that an address may have, and the scheme of the socket that is opened.
const SCHEMES: [(&str, &str); 4] = [("ws", "ws"), ("wss", "wss"), ("http", "ws"), ("https", "wss")];

/// Where a gateway is, and the token that it asks for.
#[derive(Clone)]
pub(crate) struct Address {
    /// As it was given, without the token: `http` stands for `ws`, and `https` for `wss`.
    url: String,
    token: String,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A message that was sent.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    #[serde(rename = "sent")]
    done: bool,
    contact: String,
    url: String,
    /// Whether the gateway confirmed the close, and so has read what came before.
    confirmed: bool,
    millis: u64,
}

impl Address {
    /// Refuses a URL that no socket can have, and one that contains a token.
    pub(crate) fn new(url: &str, token: &str) -> Result<Self> {
        let invalid = |message: &str| Failure::own(Kind::InvalidContact, message);
        let rule = || {
            invalid(
                "The address of a gateway looks like ws://192.168.1.7:18789 (wss://, http:// and https:// work too); its token is given separately, with --token.",
            )
        };
        let uri: Uri = url.trim().parse().map_err(|_| rule())?;
        let scheme =
            uri.scheme_str().filter(|scheme| SCHEMES.iter().any(|(name, _)| name == scheme));
        let (scheme, authority) = scheme.zip(uri.authority()).ok_or_else(rule)?;
        if authority.as_str().contains('@') || uri.query().is_some() || authority.host().is_empty()
        {
            return Err(rule());
        }
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid("The token of a gateway is made of visible ASCII characters."));
        }
        let path = uri.path().trim_end_matches('/');
        Ok(Self { url: format!("{scheme}://{authority}{path}"), token: token.to_owned() })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether what is sent there can be read on the way.
    pub(crate) fn is_open_to_others(&self) -> bool {
        let uri = self.url.parse::<Uri>().unwrap_or_default();
        let host = uri.host().unwrap_or_default();
        self.socket().starts_with("ws://") && !is_this_machine(host)
    }

    /// The address of the socket, without the token.
    fn socket(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or_default();
        let socket = SCHEMES.iter().find(|(name, _)| *name == scheme);
        format!("{}://{rest}", socket.map_or(scheme, |(_, socket)| socket))
    }

    /// The same with the token.
    fn full(&self) -> String {
        let token = utf8_percent_encode(&self.token, NON_ALPHANUMERIC);
        let path = if self.url.matches('/').count() > 2 { "" } else { "/" };
        format!("{}{path}?token={token}", self.socket())
    }
}

/// The sender's name: `--agent-id`, or the only registered address.
pub(crate) fn sender(context: &Context) -> Result<String> {
    if let Some(agent) = context.named_agent() {
        return Ok(agent.to_string());
    }
    match context.state.addresses()?.as_slice() {
        [only] => Ok(only.id.to_string()),
        _ => Err(crate::context::missing_agent_id()),
    }
}

/// Sends one message and closes.
pub(crate) fn send(name: &str, address: &Address, from: &str, message: &str) -> Result<Sent> {
    let frame = json!({
        "type": "system_event",
        "event": "openclaw_message",
        "data": { "from": from, "message": message, "timestamp": clock::now() },
    });
    let begun = Instant::now();
    let confirmed = within(SENDING, address, move |address, limit| {
        let mut socket = open(address, limit)?;
        let failed = |error: tungstenite::Error| error.to_string();
        socket.send(Message::text(frame.to_string())).map_err(failed)?;
        socket.close(None).map_err(failed)?;
        // The frame is sent. The rest only tells whether it was read.
        socket.get_mut().set_limit(CLOSING);
        closes(&mut socket)
    })?;
    let (contact, url) = (name.to_owned(), address.url.clone());
    Ok(Sent { done: true, contact, url, confirmed, millis: millis(begun) })
}

/// Opens a socket, and returns how many milliseconds that took.
pub(crate) fn ping(address: &Address) -> Result<u64> {
    let begun = Instant::now();
    within(OPENING, address, move |address, limit| {
        let mut socket = open(address, limit)?;
        let taken = millis(begun);
        // The closing is not part of the measurement.
        let _ = socket.close(None);
        Ok(taken)
    })
}

/// Milliseconds since then.
pub(crate) fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Reads until the other side has closed too, but not for long. Returns whether it has closed. Fails if it
/// closed with a code of refusal.
fn closes(socket: &mut WebSocket<Channel>) -> Result<bool, String> {
    let begun = Instant::now();
    while begun.elapsed() < CLOSING {
        match socket.read() {
            Ok(Message::Close(Some(frame))) if REFUSES.contains(&u16::from(frame.code)) => {
                let reason = crate::stderr::printable(frame.reason.as_str(), 100);
                return Err(format!(
                    "it did not take the message ({}, {reason})",
                    u16::from(frame.code)
                ));
            }
            Ok(Message::Close(_)) | Err(tungstenite::Error::ConnectionClosed) => return Ok(true),
            Ok(_) => {}
            Err(_) => return Ok(false),
        }
    }
    Ok(false)
}

/// Codes of a close that refuse a message: its form, its content, its length, who sends it, or a fault.
const REFUSES: [u16; 5] = [1003, 1007, 1008, 1009, 1011];

fn open(address: &Address, limit: Duration) -> Result<WebSocket<Channel>, String> {
    let full = address.full();
    // The library's error would quote the address with its token.
    let request = full.into_client_request().map_err(|_| "its address is not one of a socket")?;
    let channel = connect(request.uri(), limit)?;
    match tungstenite::client(request, channel) {
        Ok((socket, _)) => Ok(socket),
        Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
            Err(format!("it refused with {}", answer.status().as_u16()))
        }
        Err(HandshakeError::Failure(error)) => Err(error.to_string()),
        Err(HandshakeError::Interrupted(_)) => Err("it did not answer".to_owned()),
    }
}

/// Runs `work` for at most this long, whatever the other side or a name server does.
fn within<T: Send + 'static>(
    limit: Duration,
    address: &Address,
    work: impl FnOnce(&Address, Duration) -> Result<T, String> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    let ours = address.clone();
    // A thread that takes too long is abandoned, and ends with the process.
    thread::spawn(move || sender.send(work(&ours, limit)));
    let url = address.url();
    match receiver.recv_timeout(limit) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(why)) => {
            let message = format!("No socket to {url}: {why}. Check the address and the token.");
            Err(Failure::own(Kind::GatewayUnreachable, message))
        }
        Err(_) => {
            let seconds = limit.as_secs();
            let message = format!(
                "{url} did not finish within {seconds} s; the message may or may not have arrived."
            );
            Err(Failure::own(Kind::Timeout, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_tokens_kept_apart() {
        let address = Address::new("ws://h:1/", "a b").map(drop);
        assert!(address.is_err());
        let address = Address::new(" wss://h:1/x/ ", "a&b=#").unwrap();
        assert_eq!(address.url(), "wss://h:1/x");
        assert_eq!(address.full(), "wss://h:1/x?token=a%26b%3D%23");
        assert!(!format!("{address:?}").contains("a&b"));
        let bare = Address::new("ws://192.168.1.7:18789", "t").unwrap();
        assert_eq!(bare.full(), "ws://192.168.1.7:18789/?token=t");
        assert!(bare.is_open_to_others());
        assert!(!Address::new("ws://127.0.0.1:1", "t").unwrap().is_open_to_others());
        for (url, socket) in [("http://h:1", "ws://h:1/"), ("https://h/x", "wss://h/x")] {
            let address = Address::new(url, "t").unwrap();
            assert_eq!(address.url(), url, "shown as it was given");
            assert_eq!(address.full(), format!("{socket}?token=t"));
        }
        assert!(Address::new("http://192.168.1.7:1", "t").unwrap().is_open_to_others());
        assert!(!Address::new("https://h", "t").unwrap().is_open_to_others());
        for url in ["", "h", "ftp://h", "ws://", "ws://u:p@h", "ws://h/?token=x"] {
            assert!(Address::new(url, "t").is_err(), "{url}");
        }
    }
}
