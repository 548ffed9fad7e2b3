//! The receiver of `nexus receive`: HTTP, and WebSocket messages, from programs on this machine.
//!
//! Promises:
//! - The number and bytes of kept messages are limited, and so are the bytes and the time of a caller and
//!   the number of callers.
//! - A message is confirmed only after it was printed.
//! - A web page can neither write nor read here.

mod reply;
mod request;
mod socket;

use crate::{
    error::{Failure, Kind, Result},
    json::Json,
    output,
};
use reply::{Reply, refusal, write};
use request::{Head, Names};
use serde_json::json;
use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// The most messages that are kept, and their most bytes.
const KEPT: usize = 1000;
const KEPT_BYTES: usize = 8 << 20;
/// The most callers that are served at a time, and the longest time for each.
const CALLERS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause after a failure to accept a connection, for example because too many files are open.
const REST: Duration = Duration::from_millis(100);

/// The answer to `GET /messages`.
#[derive(serde::Serialize)]
struct Kept<'a> {
    count: usize,
    messages: Vec<&'a Json>,
}

/// The messages that came.
#[derive(Debug, Default)]
struct Inbox {
    kept: VecDeque<Json>,
    bytes: usize,
    /// How many came, including those that are no longer kept.
    count: u64,
}

/// The receiver: a port, and the messages that came.
#[derive(Debug)]
pub(crate) struct Receiver {
    listener: TcpListener,
    address: SocketAddr,
    names: Arc<Names>,
    inbox: Arc<Mutex<Inbox>>,
}

impl Receiver {
    /// Listens at this address. `allowed`: the host names as which callers may address us.
    pub(crate) fn bind(host: IpAddr, port: u16, allowed: Vec<String>) -> Result<Self> {
        let bound = TcpListener::bind((host, port));
        let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|error| {
            let message = format!(
                "Cannot receive at {host}, port {port}: {error}. Choose another port with --port."
            );
            Failure::own(Kind::PortUnavailable, message)
        })?;
        let names = Names { is_local: address.ip().is_loopback(), allowed };
        Ok(Self { listener, address, names: Arc::new(names), inbox: Arc::default() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many messages came.
    pub(crate) fn messages(&self) -> u64 {
        lock(&self.inbox).count
    }

    /// Serves callers in threads that end with the process. The channel reports when printing has failed.
    pub(crate) fn start(&self) -> mpsc::Receiver<Failure> {
        let (sender, failures) = mpsc::channel();
        let Ok(listener) = self.listener.try_clone() else {
            let message = "This process has too many files open.";
            let _ = sender.send(Failure::own(Kind::PortUnavailable, message));
            return failures;
        };
        let (inbox, names) = (Arc::clone(&self.inbox), Arc::clone(&self.names));
        thread::spawn(move || {
            let callers = Arc::new(AtomicUsize::new(0));
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    thread::sleep(REST);
                    continue;
                };
                if callers.load(Ordering::SeqCst) >= CALLERS {
                    // The connection closes, and the caller may try again.
                    continue;
                }
                let one = Caller::new(&callers);
                let (inbox, sender) = (Arc::clone(&inbox), sender.clone());
                let names = Arc::clone(&names);
                thread::spawn(move || {
                    if let Err(failure) = serve(stream, &inbox, &names) {
                        let _ = sender.send(failure);
                    }
                    drop(one);
                });
            }
        });
        failures
    }
}

/// A caller that is being served. It is counted until this is dropped.
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

/// Answers one request. Fails only if a message cannot be printed.
fn serve(mut stream: TcpStream, inbox: &Mutex<Inbox>, names: &Names) -> Result<()> {
    let ends = Instant::now().checked_add(PATIENCE);
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let mut failed = None;
    let reply = match request::read(&mut stream, ends, names) {
        Ok(Some((head, rest))) if head.socket_key.is_some() && is_for_sockets(&head) => {
            return socket::serve(&stream, &head, rest, ends, |message| take(message, inbox));
        }
        Ok(Some((head, body))) => answer(&head, &body, inbox).unwrap_or_else(|failure| {
            failed = Some(failure);
            refusal(500, "the message could not be printed")
        }),
        Ok(None) => return Ok(()),
        Err(reply) => reply,
    };
    // A caller that has gone away needs no answer.
    let _ = write(&mut stream, &reply);
    failed.map_or(Ok(()), Err)
}

/// Whether a socket may be opened at this path: at the bare address, as contacts have it, or at the same
/// path as for other messages.
fn is_for_sockets(head: &Head) -> bool {
    head.method == "GET" && ["/", "/message"].contains(&head.path.as_str())
}

/// Prints a message, and then keeps it.
fn take(message: Json, inbox: &Mutex<Inbox>) -> Result<()> {
    let mut inbox = lock(inbox);
    output::print(&message)?;
    inbox.keep(message);
    Ok(())
}

fn answer(head: &Head, body: &[u8], inbox: &Mutex<Inbox>) -> Result<Reply> {
    Ok(match (head.method.as_str(), head.path.as_str()) {
        ("POST", "/message") => {
            let text = std::str::from_utf8(body).ok();
            let message = text.and_then(Json::parse).filter(|json| json.as_str().starts_with('{'));
            let Some(message) = message else {
                return Ok(refusal(400, "the body must be one JSON object"));
            };
            take(message, inbox)?;
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
        _ => {
            refusal(404, "there is POST /message, GET /messages, GET /health, and a WebSocket at /")
        }
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

#[cfg(test)]
mod tests {
    use super::{request::BODY, *};

    #[test]
    fn kept_messages_are_bounded() {
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
}
