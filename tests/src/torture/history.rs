//! What happened in a run, as its actors saw it. Recorded while the relay is tortured, and judged
//! when it is over ([`super::verdict`]).

use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Microseconds since the run began.
pub type Moment = u64;

/// A run.
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
    /// Who was told to be a member, and did not leave.
    pub seated: Vec<String>,
    /// Who is a member at the end.
    pub members: Vec<String>,
    /// What was sent.
    pub sends: Vec<Send>,
    /// What its readers were given.
    pub readers: Vec<Reader>,
    /// What can be read at the end.
    pub log: Vec<Entry>,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Send {
    /// Who sends.
    pub agent: String,
    /// What, as [`body`] tells it; no two are alike.
    pub body: String,
    /// Whether the sender proves its key.
    pub proven: bool,
    /// When it was first sent.
    pub begun: Moment,
    /// What came of it.
    pub outcome: Outcome,
    /// The id and the cursor that were answered when it was sent again though acknowledged.
    pub again: Vec<(String, u64)>,
}

/// What came of a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The relay has stored it.
    Acknowledged {
        /// When its sender knew.
        at: Moment,
        /// Its id.
        id: String,
        /// Its place.
        cursor: u64,
    },
    /// The answer was lost, and it was not repeated: it can have been stored, or not.
    Unknown,
    /// The relay refused it, which it has no reason to.
    Refused(String),
}

/// A reader, with what it was given, in the order in which it came.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// Its name.
    pub agent: String,
    /// What it was given.
    pub read: Vec<Entry>,
    /// Whether it read on, after everything was acknowledged, until there was nothing more.
    pub finished: bool,
    /// Why it was refused, which the relay has no reason to.
    pub refused: Option<String>,
}

/// A message as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub cursor: u64,
    /// Its id.
    pub id: String,
    /// Who sent it.
    pub agent: String,
    /// What it says, as [`body`] tells it.
    pub body: String,
    /// Whether the sender had proven its key.
    pub verified: bool,
}

impl Entry {
    /// A message as a poll, an event or a frame holds it.
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

/// The beginning of what a message says, for people, and a hash of all of it.
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
    /// Who was told to have claimed it.
    pub winners: Vec<String>,
    /// Which of those that raced have a seat afterwards.
    pub seated: Vec<String>,
    /// What the relay had no reason to answer.
    pub refused: Vec<String>,
}

/// A session with few seats.
#[derive(Clone, Debug, Default)]
pub struct House {
    /// Its name in this run.
    pub name: String,
    /// How many seats it has, that of its creator included.
    pub limit: usize,
    /// Who had a seat, and when.
    pub stays: Vec<Stay>,
    /// How many members it had whenever someone looked.
    pub looks: Vec<usize>,
    /// Who is a member at the end.
    pub members: Vec<String>,
    /// What the relay had no reason to answer.
    pub refused: Vec<String>,
}

/// The time in which an agent certainly had a seat.
#[derive(Clone, Debug)]
pub struct Stay {
    /// Who.
    pub agent: String,
    /// When it was told to have joined.
    pub from: Moment,
    /// When it began to leave; none if it never did.
    pub until: Option<Moment>,
}
