//! The messages that are handled, and the outcomes.

use crate::{error::Kind, json::Json, loops::Ended, message::Message};
use nexus_protocol::Cursor;
use std::time::Duration;

/// A message that waits to be handled.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) json: Json,
    pub(super) message: Message,
}

/// Why a command or a webhook failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) kind: Kind,
    pub(super) why: String,
    /// How long to wait at least before the next try.
    pub(super) wait: Duration,
}

/// The outcome of an answer.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was sent, with this id and cursor.
    Sent { id: String, cursor: Option<Cursor> },
    /// It is too long: the relay takes this many bytes.
    TooLong(usize),
    /// There was no answer, or nobody to send it to.
    Nothing,
    /// Listening has ended.
    Ended(Ended),
}
