//! What happened in a run, as its actors saw it. They record it while the relay is tortured, and
//! [`super::verdict`] judges it afterwards.

use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Microseconds since the run began.
pub type Moment = u64;

/// Everything that happened in a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The sessions in which agents talk.
    pub sessions: Vec<Session>,
    /// The codes that agents raced for.
    pub codes: Vec<Code>,
    /// The sessions with few seats.
    pub houses: Vec<House>,
}

/// A session in which agents talk.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Its name in this run.
    pub name: String,
    /// Agents that were told that they are members, and did not leave.
    pub seated: Vec<String>,
    /// The members at the end.
    pub members: Vec<String>,
    /// What was sent.
    pub sends: Vec<Send>,
    /// What its readers received.
    pub readers: Vec<Reader>,
    /// What can be read at the end.
    pub log: Vec<Entry>,
}

/// A message that was sent.
#[derive(Clone, Debug)]
pub struct Send {
    /// The sender.
    pub agent: String,
    /// The content, as [`body`] shows it. Every message has another.
    pub body: String,
    /// Whether the sender proves its key.
    pub proven: bool,
    /// When it was first sent.
    pub begun: Moment,
    /// The outcome.
    pub outcome: Outcome,
    /// The ids and cursors in the answers when an acknowledged message was sent again.
    pub again: Vec<(String, u64)>,
}

/// The outcome of a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The relay has stored the message.
    Acknowledged {
        /// When the sender knew.
        at: Moment,
        /// Its id.
        id: String,
        /// Its cursor.
        cursor: u64,
    },
    /// The answer was lost, and the send was not repeated. The message may or may not be stored.
    Unknown,
    /// The relay refused the message without a reason to.
    Refused(String),
}

/// A reader, and what it received, in order.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// Its name.
    pub agent: String,
    /// What it received.
    pub read: Vec<Entry>,
    /// Whether it kept reading, after everything was acknowledged, until nothing more came.
    pub finished: bool,
    /// Why the relay refused it, without a reason to.
    pub refused: Option<String>,
}

/// A message as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its cursor.
    pub cursor: u64,
    /// Its id.
    pub id: String,
    /// The sender.
    pub agent: String,
    /// The content, as [`body`] shows it.
    pub body: String,
    /// Whether the sender had proven its key.
    pub verified: bool,
}

impl Entry {
    /// Reads a message from a poll, an event or a frame.
    pub fn of(message: &Value) -> Self {
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        Self {
            cursor: text("cursor").parse().unwrap_or_default(),
            id: text("id"),
            agent: text("agentId"),
            body: body(message),
            verified: message["verified"] == true,
        }
    }
}

/// The beginning of a message for people, and a hash of all of it.
pub fn body(message: &Value) -> String {
    let (text, json) = (message["text"].as_str(), message["json"].to_string());
    let mut hasher = DefaultHasher::new();
    (text, &json).hash(&mut hasher);
    let start: String = text.unwrap_or(&json).chars().take(24).collect();
    format!("{start} #{:016x}", hasher.finish())
}

/// A code that agents raced for.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// The code.
    pub code: String,
    /// Agents that were told that they have claimed it.
    pub winners: Vec<String>,
    /// The racers that have a seat afterwards.
    pub seated: Vec<String>,
    /// Answers that the relay had no reason to give.
    pub refused: Vec<String>,
}

/// A session with few seats.
#[derive(Clone, Debug, Default)]
pub struct House {
    /// Its name in this run.
    pub name: String,
    /// How many seats it has, including its creator's.
    pub limit: usize,
    /// Which agents had a seat, and when.
    pub stays: Vec<Stay>,
    /// How many members it had each time an agent looked.
    pub looks: Vec<usize>,
    /// The members at the end.
    pub members: Vec<String>,
    /// Answers that the relay had no reason to give.
    pub refused: Vec<String>,
}

/// A time during which an agent certainly had a seat.
#[derive(Clone, Debug)]
pub struct Stay {
    /// The agent.
    pub agent: String,
    /// When it was told to have joined.
    pub from: Moment,
    /// When it began to leave. `None` if it never did.
    pub until: Option<Moment>,
}
