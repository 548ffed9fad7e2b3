//! When an agent was last heard.

use nexus_protocol::{Presence, Timestamp};
use serde::{Deserialize, Serialize};

/// An agent counts as online for this many milliseconds after it was last heard.
const ONLINE: i64 = 60_000;

/// An agent counts as idle, rather than stale, for this many milliseconds after it was last heard.
const IDLE: i64 = 120_000;

/// A time that changes with every call and is persisted only now and then.
///
/// Others are shown the persisted time, so it never goes back. The latest time can be lost with the
/// object. Persisting it whenever it is shown would cost a row for each poll that lists members.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Heard {
    saved: Timestamp,
    /// When it was heard at least, as something else that is persisted tells.
    #[serde(skip)]
    at_least: Timestamp,
    #[serde(skip)]
    latest: Option<Timestamp>,
}

impl Heard {
    /// A time that the caller is about to persist.
    pub(crate) fn at(time: Timestamp) -> Self {
        Self { saved: time, at_least: time, latest: Some(time) }
    }

    pub(crate) fn saved(self) -> Timestamp {
        self.saved
    }

    pub(crate) fn latest(self) -> Timestamp {
        self.latest.unwrap_or(self.saved).max(self.at_least)
    }

    /// Moves the time forward.
    pub(crate) fn hear(&mut self, now: Timestamp) {
        self.latest = Some(self.latest().max(now));
    }

    /// Takes note of a time that something else tells. It may have been heard later.
    pub(crate) fn know(&mut self, time: Timestamp) {
        self.at_least = self.at_least.max(time);
    }

    /// By how many milliseconds the latest time is ahead of the persisted one.
    pub(crate) fn ahead(self) -> i64 {
        self.latest().millis_since(self.saved)
    }

    /// Marks the latest time as the one that the caller is about to persist.
    pub(crate) fn settle(&mut self) {
        self.saved = self.latest();
    }

    /// By how many milliseconds the known time may be too early, after an eviction until the agent is heard again:
    /// `interval`, the longest that the time of an agent that others look for stays unpersisted.
    pub(crate) fn slack(self, interval: i64) -> i64 {
        if self.latest.is_some() { 0 } else { interval }
    }

    /// The presence of the agent, unless it has a socket open.
    pub(crate) fn presence(self, now: Timestamp, interval: i64) -> Presence {
        if self.is_online(now, interval) {
            Presence::Online
        } else if self.is_recent(now, interval) {
            Presence::Idle
        } else {
            Presence::Stale
        }
    }

    /// Whether the agent was heard recently enough not to count as stale.
    pub(crate) fn is_recent(self, now: Timestamp, interval: i64) -> bool {
        now.millis_since(self.latest()) <= IDLE.saturating_add(self.slack(interval))
    }

    /// Whether the agent was heard recently enough to count as online.
    pub(crate) fn is_online(self, now: Timestamp, interval: i64) -> bool {
        now.millis_since(self.latest()) <= ONLINE.saturating_add(self.slack(interval))
    }
}
