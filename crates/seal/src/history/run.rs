//! What was read without a gap, from one cursor to another, and how the counts went on in it.

use crate::Numbers;
use nexus_protocol::{AgentId, Cursor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The messages of one sender, to everyone or to the reader.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Stream {
    last: u32,
    /// Lower numbers that the sender has said may come later.
    #[serde(default, skip_serializing_if = "Numbers::is_empty")]
    late: Numbers,
    /// Lower numbers that were reported as missing.
    #[serde(default, skip_serializing_if = "Numbers::is_empty")]
    gaps: Numbers,
    /// Whether a message was sealed after the run began. Only numbers above it cannot have come
    /// before the run, overtaking lower ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_firm: bool,
}

/// A number of a stream, as it comes.
pub(super) struct Counted<'a> {
    pub(super) sender: &'a AgentId,
    /// Whether it counts the messages to the reader, and not those to everyone.
    pub(super) is_directed: bool,
    pub(super) n: u32,
    /// Lower numbers that may come later or never.
    pub(super) skip: Numbers,
    /// Where the message stands that its sender had read last.
    pub(super) prev: Option<Cursor>,
}

/// What is wrong with a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Odd {
    #[serde(skip_serializing_if = "Numbers::is_empty")]
    pub(super) missing: Numbers,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) restarted: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) fork: bool,
}

/// Everything behind `from`, up to `to`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) from: Cursor,
    pub(super) to: Cursor,
    /// By the sender, and by the sender with a `>` for what is directed to the reader.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    streams: BTreeMap<String, Stream>,
}

impl Run {
    pub(super) fn new(from: Cursor) -> Self {
        Self { from, to: from, streams: BTreeMap::new() }
    }

    pub(super) fn contains(&self, cursor: Cursor) -> bool {
        self.from <= cursor && cursor <= self.to
    }

    /// Takes the next number.
    pub(super) fn count(&mut self, counted: Counted<'_>) -> Odd {
        let Counted { sender, is_directed, n, skip, prev } = counted;
        let name = format!("{sender}{}", if is_directed { ">" } else { "" });
        // What is directed to a name is not shown to who takes the name later, so its count may
        // begin anywhere. What is for everyone is shown from 1 to who reads from the beginning.
        let from_1 = !is_directed && self.from == Cursor::START;
        let is_new = !self.streams.contains_key(&name);
        let is_fresh = prev.is_some_and(|prev| prev > self.from);
        let stream = self.streams.entry(name).or_default();
        let is_firm = stream.is_firm || self.from == Cursor::START;
        stream.is_firm |= is_fresh;
        if n <= stream.last {
            if stream.late.remove(n) {
                return Odd::default();
            }
            if !stream.gaps.remove(n) {
                *stream = Stream { last: n, late: skip.below(n), ..Stream::default() };
            }
            return Odd { restarted: true, ..Odd::default() };
        }
        let last = if is_new && !from_1 { n } else { stream.last };
        let missing = match (last.checked_add(1), n.checked_sub(1)) {
            (Some(first), Some(before)) if first <= before => skip.absent(first, before),
            _ => Numbers::default(),
        };
        let named = if is_new { skip.below(n) } else { skip.below(n).above(stream.last) };
        stream.late.insert_set(&named);
        stream.gaps.insert_set(&missing);
        stream.last = n;
        if is_firm { Odd { missing, ..Odd::default() } } else { Odd::default() }
    }
}
