//! What is measured: the relay, and the floor beside it.

use crate::http::{Bytes, Connection, request};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};
use xtask::relay::{Builder, Relay};

/// How many connections are used at the same time.
pub const CONNECTIONS: usize = 16;

/// One of the two servers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Ours,
    Floor,
}

pub const SIDES: [Side; 2] = [Side::Ours, Side::Floor];

/// A running server.
pub struct Server {
    pub side: Side,
    pub relay: Relay,
    named: AtomicUsize,
}

/// One member of a session.
pub struct Seat {
    pub session: String,
    /// Its headers, each with its line end.
    pub headers: String,
    pub agent: String,
    pub key: String,
}

impl Server {
    pub fn start(side: Side) -> Result<Self> {
        Self::of(side, Relay::builder())
    }

    /// Like `start`, with settings. The floor has none.
    pub fn of(side: Side, builder: Builder) -> Result<Self> {
        // A load sends more messages than a conversation may have.
        let builder =
            builder.var("MAX_SESSION_MESSAGES", "1000000").var("MAX_SESSION_BYTES", "1073741824");
        // The log is written, but reading it is not part of the measurement.
        let builder = builder.unread_log();
        let builder = if side == Side::Floor { builder.floor() } else { builder };
        Ok(Self { side, relay: builder.start()?, named: AtomicUsize::new(0) })
    }

    pub fn connect(&self) -> Result<Connection> {
        Connection::open(self.relay.port())
    }

    /// The processor time used so far. Zero if the machine does not report it.
    pub fn processor_time(&self) -> Duration {
        self.relay.processor_time().unwrap_or_default()
    }

    /// A new session, with one member.
    pub fn session(&self, connection: &mut Connection) -> Result<Seat> {
        if self.side == Side::Floor {
            let session = format!("s{}", self.named.fetch_add(1, Ordering::Relaxed));
            // The floor creates a session with the first request to it.
            let path = format!("/v1/sessions/{session}/messages?after=0");
            connection.expect(200, &request("GET", &path, "", ""))?;
            // The floor does not read the headers, but they cost the platform as much as ours do.
            return Ok(Seat::new(session, "a", &"k".repeat(43)));
        }
        let body = json!({ "creatorAgentId": "a" }).to_string();
        // Each session is created from its own IP address, because creating many from one address
        // is rate limited.
        let number = self.named.fetch_add(1, Ordering::Relaxed);
        let headers = format!("CF-Connecting-IP: 10.0.{}.{}\r\n", number / 250, number % 250);
        let answer = connection.expect(201, &request("PUT", "/v1/sessions", &headers, &body))?;
        let created = answer.json()?;
        Ok(Seat::new(text(&created, "sessionId")?, "a", &text(&created, "sessionKey")?))
    }

    /// Many sessions.
    pub fn sessions(&self, count: usize) -> Result<Vec<Seat>> {
        let share = |thread: usize| {
            move || {
                let mut connection = self.connect()?;
                let mine = (thread..count).step_by(CONNECTIONS);
                mine.map(|_| self.session(&mut connection)).collect::<Result<Vec<_>>>()
            }
        };
        let made = thread::scope(|scope| {
            let threads: Vec<_> = (0..CONNECTIONS).map(|at| scope.spawn(share(at))).collect();
            threads.into_iter().map(joined).collect::<Result<Vec<_>>>()
        })?;
        Ok(made.into_iter().flatten().collect())
    }

    /// Sends `count` messages of `bytes` bytes into each session.
    pub fn fill(&self, seats: &[Seat], count: usize, bytes: usize) -> Result<()> {
        let share = |thread: usize| {
            move || {
                let mut connection = self.connect()?;
                for at in (thread..seats.len() * count).step_by(CONNECTIONS) {
                    connection.expect(201, &seats[at % seats.len()].send(bytes))?;
                }
                Ok(())
            }
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..CONNECTIONS).map(|at| scope.spawn(share(at))).collect();
            threads.into_iter().try_for_each(joined)
        })
    }
}

impl Seat {
    fn new(session: String, agent: &str, key: &str) -> Self {
        let headers = format!("X-Agent-Id: {agent}\r\nX-Session-Key: {key}\r\n");
        Self { session, headers, agent: agent.to_owned(), key: key.to_owned() }
    }

    /// Another member of the same session.
    pub fn join(&self, server: &Server, connection: &mut Connection, agent: &str) -> Result<Self> {
        if server.side == Side::Floor {
            return Ok(Self::new(self.session.clone(), agent, &self.key));
        }
        let path = format!("/v1/sessions/{}/join", self.session);
        let headers = format!("X-Agent-Id: {agent}\r\n");
        let joined = connection.expect(200, &request("POST", &path, &headers, ""))?.json()?;
        Ok(Self::new(self.session.clone(), agent, &text(&joined, "sessionKey")?))
    }

    pub fn call(&self, method: &str, path: &str, body: &str) -> Bytes {
        request(method, &format!("/v1/sessions/{}{path}", self.session), &self.headers, body)
    }

    /// A request that sends a text of `bytes` bytes.
    pub fn send(&self, bytes: usize) -> Bytes {
        self.call("POST", "/messages", &json!({ "text": words(bytes) }).to_string())
    }

    /// A request that polls.
    pub fn poll(&self, query: &str) -> Bytes {
        self.call("GET", &format!("/messages?{query}"), "")
    }
}

/// A text of `bytes` bytes, as agents write it.
pub fn words(bytes: usize) -> String {
    "The tests of the parser are green, and the branch is ready for you to look at. "
        .chars()
        .cycle()
        .take(bytes)
        .collect()
}

/// The result of a thread.
pub fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked"))
}

fn text(value: &Value, name: &str) -> Result<String> {
    let text = value.get(name).and_then(Value::as_str);
    Ok(text.with_context(|| format!("an answer without {name}: {value}"))?.to_owned())
}
