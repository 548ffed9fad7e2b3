//! When someone was last heard.

use nexus_protocol::{Presence, Timestamp};
use serde::{Deserialize, Serialize};

/// Milliseconds since it was last heard that an agent counts as online.
const ONLINE: i64 = 60_000;

/// The same, that it does not yet count as stale.
const IDLE: i64 = 120_000;

/// A time that moves with every call, and is stored now and then.
///
/// What is shown to others is the stored time, which never goes back. The latest one can be lost with the
/// object, and to store it whenever it is shown would cost a row for each poll that lists members.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Heard {
    saved: Timestamp,
    #[serde(skip)]
    latest: Option<Timestamp>,
}

impl Heard {
    /// A time that is about to be stored.
    pub(crate) fn at(time: Timestamp) -> Self {
        Self { saved: time, latest: Some(time) }
    }

    pub(crate) fn saved(self) -> Timestamp {
        self.saved
    }

    pub(crate) fn latest(self) -> Timestamp {
        self.latest.unwrap_or(self.saved)
    }

    /// Moves the time on, and tells how many milliseconds it is now ahead of what is stored.
    pub(crate) fn hear(&mut self, now: Timestamp) -> i64 {
        self.latest = Some(self.latest().max(now));
        now.millis_since(self.saved)
    }

    /// By how many milliseconds it is ahead of what is stored.
    pub(crate) fn ahead(self) -> i64 {
        self.latest().millis_since(self.saved)
    }

    /// Takes the time as the one that is about to be stored.
    pub(crate) fn settle(&mut self) {
        self.saved = self.latest();
    }

    /// By how much what is known may be behind: `interval`, in which what is stored falls behind,
    /// until something is heard again after an eviction.
    pub(crate) fn slack(self, interval: i64) -> i64 {
        if self.latest.is_some() { 0 } else { interval }
    }

    /// How an agent that was heard then counts, unless it is connected.
    pub(crate) fn presence(self, now: Timestamp, interval: i64) -> Presence {
        if self.is_online(now, interval) {
            Presence::Online
        } else if self.is_recent(now, interval) {
            Presence::Idle
        } else {
            Presence::Stale
        }
    }

    /// Whether it was so shortly ago that an agent does not yet count as stale.
    pub(crate) fn is_recent(self, now: Timestamp, interval: i64) -> bool {
        now.millis_since(self.latest()) <= IDLE.saturating_add(self.slack(interval))
    }

    /// Whether it was so shortly ago that an agent counts as online.
    pub(crate) fn is_online(self, now: Timestamp, interval: i64) -> bool {
        now.millis_since(self.latest()) <= ONLINE.saturating_add(self.slack(interval))
    }
}
