//! Shared by the tests of the rules: SQLite in memory, repeatable random numbers, names and worlds.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

pub mod hooks;
pub mod life;
pub mod mail_model;
pub mod session_model;
mod sqlite;
pub mod team;
pub mod town;
mod world;

use nexus_core::{Caller, Error, Fault, Random, Result};
use nexus_protocol::{
    AgentId, ErrorCode, Message, Page, SendMessage, SessionId, SessionKey, Timestamp,
};
pub use sqlite::Sqlite;
use std::{cell::Cell, rc::Rc};
pub use world::{Calls, World};

/// Numbers that differ each time and are the same in every run.
#[derive(Clone, Default)]
pub struct Counter(Rc<Cell<u64>>);

impl Random for Counter {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.0.set(self.0.get() + 1);
        let number = self.0.get().to_le_bytes();
        bytes.iter_mut().zip(number.iter().cycle()).for_each(|(byte, part)| *byte = *part);
        Ok(())
    }
}

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub fn agent(name: &str) -> AgentId {
    name.parse().unwrap()
}

pub fn caller(name: &str, key: Option<&SessionKey>) -> Caller {
    Caller { agent: Some(agent(name)), key: key.cloned(), ..Caller::default() }
}

pub fn session_id() -> SessionId {
    SessionId::from_random([7; 24])
}

pub fn text(text: &str) -> SendMessage {
    SendMessage { text: Some(text.to_owned()), ..SendMessage::default() }
}

pub fn messages(page: &Page) -> Vec<Message> {
    page.messages.iter().map(|raw| serde_json::from_str(raw.get()).unwrap()).collect()
}

/// The code of the refusal. Fails the test if the result is not one.
pub fn refused<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    match result {
        Err(Error::Refused(refusal)) => refusal.body.error,
        other => panic!("not refused: {other:?}"),
    }
}

/// Whether the result is a fault of the relay.
pub fn faulted<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Fault(_)))
}
