//! The receiver of `nexus receive`: HTTP for programs on this machine.
//!
//! Promises: what it keeps is bounded, in number and in bytes, and so is what one caller can take of it,
//! in bytes, time and connections; a message is answered with `ok` once it was printed, and never
//! before; a web page can neither write nor read here.

use crate::{
    error::{Failure, Kind, Result},
    json::Json,
    output,
};
use serde_json::json;
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// The longest head of a request, and the longest body, in bytes.
const HEAD: usize = 16 * 1024;
const BODY: usize = 256 * 1024;
const HEADERS: usize = 64;
/// How many messages are kept, and how many bytes of them.
const KEPT: usize = 1000;
const KEPT_BYTES: usize = 8 << 20;
/// How many callers are served at a time, and for how long each.
const CALLERS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a socket rests that gives no connections: too many files are open, say.
const REST: Duration = Duration::from_millis(100);

/// The answer to `GET /messages`.
#[derive(serde::Serialize)]
struct Kept<'a> {
    count: usize,
    messages: Vec<&'a Json>,
}

/// What came.
#[derive(Debug, Default)]
struct Inbox {
    kept: VecDeque<Json>,
    bytes: usize,
    /// How many came, also those that are no longer kept.
    count: u64,
}

/// A socket that takes messages.
#[derive(Debug)]
pub(crate) struct Receiver {
    listener: TcpListener,
    address: SocketAddr,
    inbox: Arc<Mutex<Inbox>>,
}

impl Receiver {
    pub(crate) fn bind(host: IpAddr, port: u16) -> Result<Self> {
        let bound = TcpListener::bind((host, port));
        let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|error| {
            let message = format!("Nothing can be received at {host}, port {port}: {error}. Choose another one with --port.");
            Failure::own(Kind::PortUnavailable, message)
        })?;
        Ok(Self { listener, address, inbox: Arc::default() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many messages came.
    pub(crate) fn messages(&self) -> u64 {
        lock(&self.inbox).count
    }

    /// Serves, in threads that end with the process. Gives where it says that printing has failed.
    pub(crate) fn start(&self) -> mpsc::Receiver<Failure> {
        let (sender, failures) = mpsc::channel();
        let Ok(listener) = self.listener.try_clone() else {
            let message = "This process has too many files open.";
            let _ = sender.send(Failure::own(Kind::PortUnavailable, message));
            return failures;
        };
        let (inbox, is_local) = (Arc::clone(&self.inbox), self.address.ip().is_loopback());
        thread::spawn(move || {
            let callers = Arc::new(AtomicUsize::new(0));
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    thread::sleep(REST);
                    continue;
                };
                if callers.load(Ordering::SeqCst) >= CALLERS {
                    // Who is not taken sees the connection close, and may come again.
                    continue;
                }
                let one = Caller::new(&callers);
                let (inbox, sender) = (Arc::clone(&inbox), sender.clone());
                thread::spawn(move || {
                    if let Err(failure) = serve(stream, &inbox, is_local) {
                        let _ = sender.send(failure);
                    }
                    drop(one);
                });
            }
        });
        failures
    }
}

/// Somebody who is served; counted as long as this is there.
#[derive(Debug)]
struct Caller(Arc<AtomicUsize>);

impl Caller {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What matters of the head of a request.
#[derive(Debug, Default, PartialEq, Eq)]
struct Head {
    method: String,
    path: String,
    host: Option<String>,
    /// Set by browsers, on what a page of another place does.
    has_origin: bool,
    length: Option<usize>,
    is_chunked: bool,
    expects: bool,
    /// Where the body begins.
    end: usize,
}

/// An answer: the status, and its body.
type Reply = (u16, Json);

fn refusal(status: u16, why: &str) -> Reply {
    (status, Json::of(&json!({ "error": why })))
}

/// Answers one request. Fails only if what came cannot be printed.
fn serve(mut stream: TcpStream, inbox: &Mutex<Inbox>, is_local: bool) -> Result<()> {
    let ends = Instant::now().checked_add(PATIENCE);
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let mut failed = None;
    let reply = match read(&mut stream, ends, is_local) {
        Ok(Some((head, body))) => answer(&head, &body, inbox).unwrap_or_else(|failure| {
            failed = Some(failure);
            refusal(500, "the message could not be printed")
        }),
        Ok(None) => return Ok(()),
        Err(reply) => reply,
    };
    // Who has gone away needs no answer.
    let _ = write(&mut stream, &reply);
    failed.map_or(Ok(()), Err)
}

fn answer(head: &Head, body: &[u8], inbox: &Mutex<Inbox>) -> Result<Reply> {
    Ok(match (head.method.as_str(), head.path.as_str()) {
        ("POST", "/message") => {
            let text = std::str::from_utf8(body).ok();
            let message = text.and_then(Json::parse).filter(|json| json.as_str().starts_with('{'));
            let Some(message) = message else {
                return Ok(refusal(400, "the body must be one JSON object"));
            };
            let mut inbox = lock(inbox);
            output::print(&message).map_err(Failure::Output)?;
            inbox.keep(message);
            (200, Json::of(&json!({ "ok": true })))
        }
        ("GET", "/messages") => {
            let inbox = lock(inbox);
            let kept: Vec<&Json> = inbox.kept.iter().collect();
            (200, Json::of(&Kept { count: kept.len(), messages: kept }))
        }
        ("GET", "/health") => {
            (200, Json::of(&json!({ "ok": true, "messages": lock(inbox).count })))
        }
        (_, "/message" | "/messages" | "/health") => refusal(405, "not with this method"),
        _ => refusal(404, "there is POST /message, GET /messages and GET /health"),
    })
}

impl Inbox {
    fn keep(&mut self, message: Json) {
        self.count = self.count.saturating_add(1);
        self.bytes = self.bytes.saturating_add(message.as_str().len());
        self.kept.push_back(message);
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.as_str().len());
        }
    }
}

/// Reads a request. Nothing, if there is none; a refusal, if it is not to be answered otherwise.
fn read(
    stream: &mut TcpStream,
    ends: Option<Instant>,
    is_local: bool,
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
    if head.has_origin || (is_local && !head.host.as_deref().is_none_or(is_this_machine)) {
        return Err(refusal(403, "web pages are not answered"));
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

/// Reads some more, as long as there is time.
fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>, ends: Option<Instant>) -> io::Result<()> {
    let left = ends.map(|ends| ends.saturating_duration_since(Instant::now()));
    let left = left.filter(|left| !left.is_zero()).ok_or(io::ErrorKind::TimedOut)?;
    stream.set_read_timeout(Some(left))?;
    let mut buffer = [0; 8192];
    let count = stream.read(&mut buffer)?;
    let read = buffer.get(..count).filter(|read| !read.is_empty());
    bytes.extend_from_slice(read.ok_or(io::ErrorKind::UnexpectedEof)?);
    Ok(())
}

/// Reads a head, if it is whole.
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
            "expect" => head.expects = value.eq_ignore_ascii_case("100-continue"),
            _ => {}
        }
    }
    Ok(Some(head))
}

/// Whether a `Host` means this machine, rather than a name that somebody has led here.
fn is_this_machine(host: &str) -> bool {
    let name = host.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let name = name.or_else(|| host.split(':').next()).unwrap_or_default();
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn write(stream: &mut TcpStream, (status, body): &Reply) -> io::Result<()> {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        _ => "Internal Server Error",
    };
    let (length, body) = (body.as_str().len(), body.as_str());
    write!(
        stream,
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
    )?;
    stream.flush()?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // What is not read yet would have the answer thrown away with it.
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    io::copy(&mut stream.take(4 * 1024 * 1024), &mut io::sink()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded() {
        let mut inbox = Inbox::default();
        for _ in 0..=KEPT {
            inbox.keep(Json::parse("{}").unwrap());
        }
        assert_eq!((inbox.kept.len(), inbox.bytes, inbox.count), (KEPT, 2 * KEPT, 1001));
        let large = Json::parse(&format!("{{\"x\":\"{}\"}}", "x".repeat(BODY - 20))).unwrap();
        for _ in 0..40 {
            inbox.keep(large.clone());
        }
        assert!(inbox.bytes <= KEPT_BYTES && inbox.kept.len() < 40);
    }

    #[test]
    fn heads_are_read_and_pages_told_apart() {
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
        for host in ["localhost", "LOCALHOST:19900", "127.0.0.1:19900", "[::1]:19900", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "192.168.1.7:1", ""] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
