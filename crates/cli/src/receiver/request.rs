//! Reading a request, with limits for its bytes and its time. Requests of web pages are refused.

use super::reply::{Reply, refusal};
use crate::net::host::{address, is_this_machine, without_port};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// The longest message, in bytes.
pub(super) const BODY: usize = 256 * 1024;
/// The longest head of a request, in bytes, and how many headers it may have.
const HEAD: usize = 16 * 1024;
const HEADERS: usize = 64;

/// The parts of a request's head that matter here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    host: Option<String>,
    /// Browsers set it on the requests of web pages.
    has_origin: bool,
    length: Option<usize>,
    is_chunked: bool,
    expects: bool,
    /// The `Sec-WebSocket-Key` of a request to open a WebSocket.
    pub(super) socket_key: Option<String>,
    /// Where the body begins.
    end: usize,
}

/// Reads the head and the body of a request. For a request to open a socket, the bytes after its head take
/// the place of the body. `None` if there is no request. The error is a response that refuses it.
pub(super) fn read(
    stream: &mut TcpStream,
    ends: Option<Instant>,
    names: &Names,
) -> Result<Option<(Head, Vec<u8>)>, Reply> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(head) = parse(&bytes)? {
            break head;
        }
        if bytes.len() >= HEAD {
            return Err(refusal(431, "the head of the request is too long"));
        }
        if more(stream, &mut bytes, ends).is_err() {
            return Ok(None);
        }
    };
    if head.has_origin {
        return Err(refusal(403, "web pages are not answered"));
    }
    if !head.host.as_deref().is_none_or(|host| names.contain(host)) {
        return Err(refusal(403, "use the IP address, or allow this host name with --allow-host"));
    }
    if head.socket_key.is_some() {
        let rest = bytes.split_off(head.end.min(bytes.len()));
        return Ok(Some((head, rest)));
    }
    if head.is_chunked || (head.method == "POST" && head.length.is_none()) {
        return Err(refusal(411, "the request must tell its Content-Length"));
    }
    let length = head.length.unwrap_or(0);
    if length > BODY {
        return Err(refusal(413, "the message is too long"));
    }
    let mut body = bytes.split_off(head.end.min(bytes.len()));
    if head.expects && body.is_empty() {
        let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    while body.len() < length {
        if more(stream, &mut body, ends).is_err() {
            return Err(refusal(400, "the request broke off"));
        }
    }
    body.truncate(length);
    Ok(Some((head, body)))
}

/// Reads more bytes, within the time that is left.
fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>, ends: Option<Instant>) -> io::Result<()> {
    stream.set_read_timeout(Some(left(ends)?))?;
    let mut buffer = [0; 8192];
    let count = stream.read(&mut buffer)?;
    let read = buffer.get(..count).filter(|read| !read.is_empty());
    bytes.extend_from_slice(read.ok_or(io::ErrorKind::UnexpectedEof)?);
    Ok(())
}

/// The time that a caller has left. Fails if there is none.
pub(super) fn left(ends: Option<Instant>) -> io::Result<Duration> {
    let left = ends.map(|ends| ends.saturating_duration_since(Instant::now()));
    left.filter(|left| !left.is_zero()).ok_or_else(|| io::ErrorKind::TimedOut.into())
}

/// Reads a head. `None` if it is not complete yet.
fn parse(bytes: &[u8]) -> Result<Option<Head>, Reply> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let malformed = || refusal(400, "this is no request");
    let httparse::Status::Complete(end) = request.parse(bytes).map_err(|_| malformed())? else {
        return Ok(None);
    };
    let path = request.path.unwrap_or_default().split('?').next().unwrap_or_default();
    let (method, path) = (request.method.unwrap_or_default().to_owned(), path.to_owned());
    let mut head = Head { method, path, end, ..Head::default() };
    let (mut is_upgrade, mut key) = (false, None);
    for header in request.headers {
        let value = String::from_utf8_lossy(header.value);
        let value = value.trim();
        match header.name.to_ascii_lowercase().as_str() {
            "host" => head.host = Some(value.to_owned()),
            "origin" => head.has_origin = true,
            "content-length" => {
                let length =
                    value.parse().ok().filter(|_| value.bytes().all(|b| b.is_ascii_digit()));
                let length = length.ok_or_else(malformed)?;
                if head.length.is_some_and(|before| before != length) {
                    return Err(malformed());
                }
                head.length = Some(length);
            }
            "transfer-encoding" => head.is_chunked = true,
            "upgrade" => is_upgrade = value.eq_ignore_ascii_case("websocket"),
            "sec-websocket-key" => key = Some(value.to_owned()),
            "expect" => head.expects = value.eq_ignore_ascii_case("100-continue"),
            _ => {}
        }
    }
    head.socket_key = key.filter(|_| is_upgrade);
    Ok(Some(head))
}

/// The hosts as which we are addressed. Any other name may be a web page's that resolves to us.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Whether only this machine can reach us.
    pub(super) is_local: bool,
    pub(super) allowed: Vec<String>,
}

impl Names {
    /// Whether a `Host` header names us: this machine, an allowed name or, from other machines, an IP
    /// address. A page cannot have our IP address without being served by us.
    fn contain(&self, host: &str) -> bool {
        let name = without_port(host);
        is_this_machine(name)
            || self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
            || (!self.is_local && address(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_and_web_pages_are_recognised() {
        let text = b"POST /message?x HTTP/1.1\r\nHOST: [::1]:1\r\ncontent-length: 2\r\n\r\n{}";
        let head = parse(text).unwrap().unwrap();
        assert_eq!(
            (head.path.as_str(), head.length, head.end),
            ("/message", Some(2), text.len() - 2)
        );
        assert_eq!(parse(b"GET / HTTP/1.1\r\n").unwrap(), None);
        for text in [
            "GET / HTTP/1.1\r\nContent-Length: +2\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "\u{1}\r\n\r\n",
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().0, 400, "{text}");
        }
        let upgrade =
            b"GET /?token=x HTTP/1.1\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n";
        let head = parse(upgrade).unwrap().unwrap();
        assert_eq!((head.path.as_str(), head.socket_key.as_deref()), ("/", Some("k")));
        let no_upgrade = b"GET / HTTP/1.1\r\nSec-WebSocket-Key: k\r\n\r\n";
        assert_eq!(parse(no_upgrade).unwrap().unwrap().socket_key, None);
    }

    #[test]
    fn a_page_whose_name_resolves_to_us_is_recognised() {
        let allowed = vec!["box.lan".to_owned()];
        let (local, open) =
            (Names { is_local: true, allowed: Vec::new() }, Names { is_local: false, allowed });
        for host in ["localhost", "LOCALHOST:19900", "127.0.0.1:19900", "[::1]:19900", "[::1]"] {
            assert!(local.contain(host) && open.contain(host), "{host}");
        }
        for host in ["192.168.1.7:1", "[2001:db8::1]:19900", "Box.lan:19900"] {
            assert!(!local.contain(host) && open.contain(host), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "127.evil.example:19900", ""] {
            assert!(!local.contain(host) && !open.contain(host), "{host}");
        }
    }
}
