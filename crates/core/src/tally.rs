//! What is counted of requests and messages where they are answered, and how the directory keeps how often each limit was hit: a row for each
//! limit and minute. A row names the limit and nobody who hit it.

use crate::{Database, Fault, migrations::Table};
use nexus_protocol::{LimitHits, LimitKind, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::ControlFlow};

const LIMITS: Table = Table {
    name: "limit_hit",
    created: 1,
    create: &["CREATE TABLE limit_hit (
    at INTEGER NOT NULL,
    name TEXT NOT NULL,
    hits INTEGER NOT NULL,
    PRIMARY KEY (at, name)
) WITHOUT ROWID"],
    steps: &[],
};
const COUNT_LIMIT: &str = "INSERT INTO limit_hit (at, name, hits) VALUES (?1, ?2, ?3)
    ON CONFLICT (at, name) DO UPDATE SET hits = hits + excluded.hits";
const LIMITS_HIT: &str =
    "SELECT name, sum(CASE WHEN at > ?2 THEN hits ELSE 0 END), sum(hits), max(at)
    FROM limit_hit WHERE at > ?1 GROUP BY name ORDER BY max(at) DESC, name";
const PURGE_LIMITS: &str = "DELETE FROM limit_hit WHERE at <= ?1";

/// What an instance has counted since it last told the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Messages that sessions have stored.
    #[serde(default)]
    pub messages: u32,
    /// All requests.
    pub requests: u32,
    /// Requests that were refused, except those over a rate limit.
    pub refused: u32,
    /// Requests over a rate limit.
    pub limited: u32,
    /// Requests that failed because of a fault of the relay.
    pub failed: u32,
    /// How often each limit was hit.
    #[serde(default)]
    pub limits: BTreeMap<LimitKind, u32>,
}

impl Tally {
    /// Nothing.
    pub const EMPTY: Self = Self {
        messages: 0,
        requests: 0,
        refused: 0,
        limited: 0,
        failed: 0,
        limits: BTreeMap::new(),
    };

    /// The sum of both.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        for (limit, hits) in other.limits {
            let sum = self.limits.entry(limit).or_default();
            *sum = sum.saturating_add(hits);
        }
        Self {
            messages: self.messages.saturating_add(other.messages),
            requests: self.requests.saturating_add(other.requests),
            refused: self.refused.saturating_add(other.refused),
            limited: self.limited.saturating_add(other.limited),
            failed: self.failed.saturating_add(other.failed),
            limits: self.limits,
        }
    }

    /// Counts messages that sessions have stored.
    pub fn store(&mut self, messages: u32) {
        self.messages = self.messages.saturating_add(messages);
    }

    /// Counts a request that has hit a limit.
    pub fn hit(&mut self, limit: LimitKind) {
        let hits = self.limits.entry(limit).or_default();
        *hits = hits.saturating_add(1);
    }

    /// Counts a request that was answered with this status.
    pub fn count(&mut self, status: u16) {
        let add = |count: &mut u32| *count = count.saturating_add(1);
        add(&mut self.requests);
        match status {
            429 => add(&mut self.limited),
            400..=499 => add(&mut self.refused),
            500.. => add(&mut self.failed),
            _ => {}
        }
    }
}

/// Adds what was counted to the minute that began at `minute`.
pub(crate) fn count_limits(
    database: &impl Database,
    minute: i64,
    tally: &Tally,
) -> Result<(), Fault> {
    if !tally.limits.is_empty() {
        LIMITS.open_or_create(database)?;
    }
    for (limit, hits) in &tally.limits {
        let values = [minute.into(), limit.as_str().into(), i64::from(*hits).into()];
        database.execute(COUNT_LIMIT, &values)?;
    }
    Ok(())
}

/// The limits that were hit after `day`, those hit last first.
pub(crate) fn limits_hit(
    database: &impl Database,
    hour: Timestamp,
    day: Timestamp,
) -> Result<Vec<LimitHits>, Fault> {
    let mut limits = Vec::new();
    if !LIMITS.open(database)? {
        return Ok(limits);
    }
    let since = [day.as_millis().into(), hour.as_millis().into()];
    database.query(LIMITS_HIT, &since, &mut |mut row| {
        // A version that was rolled back may have known others.
        if let Some(limit) = LimitKind::named(&row.text()?) {
            limits.push(LimitHits {
                limit,
                last_hour: row.integer()?.unsigned_abs(),
                last_day: row.integer()?.unsigned_abs(),
                last_at: Timestamp::from_millis(row.integer()?),
            });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(limits)
}

/// Deletes what is older.
pub(crate) fn purge_limits(database: &impl Database, day: Timestamp) -> Result<(), Fault> {
    if LIMITS.open(database)? {
        database.execute(PURGE_LIMITS, &[day.as_millis().into()])?;
    }
    Ok(())
}
