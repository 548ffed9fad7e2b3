//! The two calls that agents make most, on SQLite in memory.
#![allow(unreachable_pub, reason = "each program uses its part")]

#[path = "../../tests/support/mod.rs"]
mod support;

use nexus_core::{Caller, Need, Session};
use nexus_protocol::{CreateSession, Limits, PageRequest, SendMessage, SessionId, Timestamp};
use std::collections::BTreeSet;
use support::{Counter, Sqlite};

/// A session with one member, which shows its key.
pub struct Hot {
    database: Sqlite,
    session: Session<Sqlite>,
    member: Caller,
    limits: Limits,
}

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

impl Hot {
    pub fn new() -> Self {
        let limits = Limits { max_session_messages: u32::MAX, ..Limits::default() };
        let limits = Limits { max_session_bytes: usize::MAX, agent_requests: 0, ..limits };
        let database = Sqlite::new();
        let id = SessionId::from_random([7; 24]);
        let mut session = Session::new(id, database.clone(), limits.clone());
        let create = CreateSession::parse(br#"{"creatorAgentId":"a"}"#, &limits).unwrap();
        let created = session.create(NOW, create, &mut Counter::default()).unwrap();
        let member =
            Caller { agent: "a".parse().ok(), key: created.session_key, ..Caller::default() };
        Self { database, session, member, limits }
    }

    /// Sends one message of 80 bytes, from the body of its request to the row.
    pub fn send(&mut self) {
        const BODY: &[u8] = br#"{"text":"The tests of the parser are green, and the branch is ready for you to look at ok"}"#;
        let message = SendMessage::parse(BODY, &self.limits).unwrap();
        let who = self.session.member(NOW, &self.member, Need::Member).unwrap();
        let (sent, _) = self.session.send(NOW, &who, None, message).unwrap();
        std::hint::black_box(sent);
        self.database.statements();
    }

    /// Polls once, from the query of its request to the body of the answer.
    pub fn poll(&mut self, query: &str) -> usize {
        let request = PageRequest::parse(query, &self.limits).unwrap();
        let who = self.session.member(NOW, &self.member, Need::Member).unwrap();
        self.session.hear(NOW, &who).unwrap();
        let page = self.session.read_json(NOW, &who, request, &BTreeSet::new()).unwrap();
        self.database.statements();
        page.len()
    }
}
