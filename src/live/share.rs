//! What one reader may have of the event streams that are held at the edge, and all readers of one log: how many
//! read on in it, and how much waits to be taken.

use crate::objects::sockets::{MOST_PROVEN, MOST_UNPROVEN};
use nexus_protocol::Refusal;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

/// The bytes that may wait for the reader of an event stream to take them, and for all that read one log.
const MOST_WAITING: usize = 1024 * 1024;
const MOST_WAITING_IN_ALL: usize = 16 * MOST_WAITING;

thread_local! {
    /// How many event streams of a reader still read the log, and what waits for the readers of a log.
    static READING: RefCell<HashMap<String, usize>> = RefCell::default();
    static WAITING: RefCell<HashMap<String, usize>> = RefCell::default();
}

/// One of the few event streams of a reader that read the log page by page, at the pace of their readers. Once
/// one has read it, its socket is counted in the object.
pub(super) struct Place(String);

impl Place {
    /// For a reader that was let in with these credentials. Refused if it has too many. Who is let in with
    /// another kind of credentials is another reader, also under the same name.
    pub(super) fn take(owner: &str, credentials: &[(&str, String)]) -> Result<Self, Refusal> {
        const NAME: &str = "X-Agent-Id";
        let mut reader = owner.to_owned();
        for (name, value) in credentials {
            reader.extend([" ", *name, if *name == NAME { value } else { "" }]);
        }
        let is_proven = credentials.iter().any(|(name, _)| *name != NAME);
        let most = if is_proven { MOST_PROVEN } else { MOST_UNPROVEN };
        let count = READING.with_borrow_mut(|reading| {
            let count = reading.entry(reader.clone()).or_default();
            *count = count.saturating_add(1);
            *count
        });
        // From here on it is counted, and no longer once it is dropped.
        let place = Self(reader);
        if count > most { Err(Refusal::too_many_streams(most)) } else { Ok(place) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        READING.with_borrow_mut(|reading| less(reading, &self.0, 1));
    }
}

/// What waits to be taken by the reader of one event stream.
pub(super) struct Backlog {
    owner: String,
    bytes: Cell<usize>,
}

impl Backlog {
    pub(super) fn new(owner: &str) -> Self {
        Self { owner: owner.to_owned(), bytes: Cell::new(0) }
    }

    /// Takes in a chunk, unless too much waits already.
    pub(super) fn add(&self, bytes: usize) -> bool {
        let before = self.bytes.get();
        let in_all = WAITING.with_borrow_mut(|waiting| {
            let all = waiting.entry(self.owner.clone()).or_default();
            *all = all.saturating_add(bytes);
            *all
        });
        self.bytes.set(before.saturating_add(bytes));
        self.bytes.get() <= MOST_WAITING && (before == 0 || in_all <= MOST_WAITING_IN_ALL)
    }

    pub(super) fn take(&self, bytes: usize) {
        let taken = bytes.min(self.bytes.get());
        self.bytes.set(self.bytes.get().saturating_sub(taken));
        WAITING.with_borrow_mut(|waiting| less(waiting, &self.owner, taken));
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        self.take(self.bytes.get());
    }
}

/// Takes from a count, and forgets one that is none any more.
fn less(counts: &mut HashMap<String, usize>, name: &str, by: usize) {
    let left = counts.get(name).map_or(0, |count| count.saturating_sub(by));
    if left == 0 {
        counts.remove(name);
    } else if let Some(count) = counts.get_mut(name) {
        *count = left;
    }
}
