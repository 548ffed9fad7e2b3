//! The directory of a region, or of all that comes from nowhere that is known. It counts sessions, members and
//! messages, and lists the addresses that ask to be found. What the directories of a deployment say together is
//! summed when somebody asks ([`crate::sums`]).
//!
//! For each address it stores only the id, the capabilities, and about when the agent was last heard.
//! The rest is read from the mailbox. The agents that were heard last come first, and an agent that was
//! not heard for a week is no longer listed. So nobody can push others out of sight for long.
//!
//! It owns one row for each session that has reported. The key is a hash of the session's id, which
//! does not reveal the id. The figures are as fresh as the reports. A session reports when its
//! members change, when the number of its messages reaches a power of two, once in four times its TTL, and at its
//! end. A session whose last report is lost is counted until the time that it reported before.
//!
//! It also owns one row for each minute of the last day in which something happened, with what was counted where
//! requests were answered; and one for each limit that was hit in such a minute. The operator reads these. Neither
//! says whose requests they were.

use crate::{
    Database, Digest, Fault, Row, Value,
    migrations::Table,
    tally::{Tally, count_limits, limits_hit, purge_limits},
};
use nexus_protocol::{Activity, AgentId, Cursor, Minute, Region, Stats, Timestamp};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

const SESSIONS: Table = Table {
    name: "session",
    created: 1,
    create: &["CREATE TABLE session (
    id TEXT PRIMARY KEY,
    agents INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    reported_at INTEGER NOT NULL
) WITHOUT ROWID"],
    steps: &[(2, "ALTER TABLE session ADD COLUMN sealed TEXT")],
};
const PUT: &str = "INSERT INTO session (id, agents, messages, expires_at, reported_at, sealed)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (id) DO UPDATE
    SET agents = excluded.agents, messages = excluded.messages, expires_at = excluded.expires_at,
        reported_at = excluded.reported_at, sealed = excluded.sealed
    WHERE excluded.reported_at >= reported_at";
// What follows no hex digit. Of two sessions, those that are alive come first.
const TRACE: &str = "SELECT sealed, expires_at > ?3 FROM session WHERE id >= ?1 AND id < ?2
    ORDER BY expires_at DESC LIMIT 2";
const COUNT: &str = "SELECT count(*), coalesce(sum(agents), 0), coalesce(sum(messages), 0),
        coalesce(min(reported_at), ?1)
    FROM session WHERE expires_at > ?1";
const ANY: &str = "SELECT 1 FROM session UNION ALL SELECT 1 FROM minute LIMIT 1";
const ANY_SESSION: &str = "SELECT 1 FROM session LIMIT 1";
const PURGE: &str = "DELETE FROM session WHERE expires_at <= ?1";

const MINUTES: Table = Table {
    name: "minute",
    created: 1,
    create: &["CREATE TABLE minute (
    at INTEGER PRIMARY KEY,
    sessions INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    limited INTEGER NOT NULL,
    failed INTEGER NOT NULL
)"],
    steps: &[],
};
const HAS_MINUTE: &str = "SELECT 1 FROM minute WHERE at = ?1";
// Counting the sessions reads every row, so it is done once a minute.
const BEGIN_MINUTE: &str = "INSERT INTO minute
    VALUES (?1, (SELECT count(*) FROM session WHERE expires_at > ?1), ?2, ?3, ?4, ?5, ?6)";
const COUNT_MINUTE: &str = "UPDATE minute
    SET messages = messages + ?2, requests = requests + ?3, refused = refused + ?4,
        limited = limited + ?5, failed = failed + ?6
    WHERE at = ?1";
const ACTIVITY: &str = "SELECT * FROM minute WHERE at > ?1 ORDER BY at";
const PURGE_MINUTES: &str = "DELETE FROM minute WHERE at <= ?1";

const LISTED: Table = Table {
    name: "agent",
    created: 1,
    create: &["CREATE TABLE agent (
    id TEXT PRIMARY KEY,
    capabilities TEXT NOT NULL,
    revision INTEGER NOT NULL
) WITHOUT ROWID"],
    steps: &[
        (2, "ALTER TABLE agent ADD COLUMN heard_at INTEGER"),
        (2, "UPDATE agent SET heard_at = revision WHERE heard_at IS NULL"),
    ],
};
const PUT_AGENT: &str = "INSERT INTO agent (id, capabilities, revision, heard_at)
    VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE SET capabilities = excluded.capabilities,
        revision = excluded.revision, heard_at = max(heard_at, excluded.heard_at)
    WHERE excluded.revision >= revision";
const REMOVE_AGENT: &str = "DELETE FROM agent WHERE id = ?1 AND revision <= ?2";
const HEARD: &str = "SELECT heard_at FROM agent WHERE id = ?1";
const AGENTS: &str = "SELECT heard_at, id FROM agent
    WHERE heard_at > ?1 AND (heard_at < ?2 OR (heard_at = ?2 AND id > ?3))
        AND instr(capabilities, ?4) > 0
    ORDER BY heard_at DESC, id LIMIT ?5 + 0";
const PURGE_AGENTS: &str = "DELETE FROM agent WHERE heard_at <= ?1";

/// Milliseconds between two clean-ups while there are sessions. Of none of these, the minutes know longer how many
/// sessions there were.
pub(crate) const CLEAN_UP: i64 = 600_000;

const MINUTE: i64 = 60_000;

const HOUR: i64 = 60 * MINUTE;

/// How many milliseconds the row of a minute is kept.
const DAY: i64 = 24 * HOUR;

/// For how many milliseconds an address is listed after it was last heard.
const LISTED_FOR: i64 = 7 * DAY;

/// What a session reports of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The hash of the session's id.
    pub session: Digest,
    /// The number of its members.
    pub agents: usize,
    /// The cursor of its last message, which equals the number of its messages.
    pub messages: Cursor,
    /// Until when it counts if nothing more is heard of it.
    pub expires_at: Timestamp,
    /// When the report was made. A late report does not overwrite a newer one.
    pub at: Timestamp,
    /// The session's id, sealed for the operator ([`crate::seal()`]). `None` if nobody holds `ADMIN_TOKEN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// The region whose directory is told. `None` if that is not known.
    #[serde(skip)]
    pub region: Option<Region>,
}

/// What the directory knows of the session that a request was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    /// As in the session's last report.
    pub sealed: Option<String>,
    /// Whether it has not ended, as far as the directory knows.
    pub is_alive: bool,
}

/// Which listed addresses are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// Only agents with this capability.
    pub capability: Option<String>,
    /// Only agents that come after this place.
    pub after: Option<Place>,
    /// At most this many agents.
    pub limit: u32,
}

/// The place of an address in the list: when its agent was last heard, and its id.
pub type Place = (Timestamp, AgentId);

/// What a mailbox reports of its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The address.
    pub agent: AgentId,
    /// The capabilities that it can be searched by.
    pub capabilities: Vec<String>,
    /// Whether it asks to be found.
    pub listed: bool,
    /// When the card was changed. A late report does not overwrite a newer one.
    pub revision: Timestamp,
    /// When the agent was last heard, to about a day.
    #[serde(default)]
    pub heard: Timestamp,
    /// The region whose directory is told. `None` if that is not known.
    #[serde(skip)]
    pub region: Option<Region>,
}

/// The counters and the listed addresses of a region.
pub struct Directory<D> {
    database: D,
}

impl<D: Database> Directory<D> {
    /// The directory in `database`.
    pub fn new(database: D) -> Self {
        Self { database }
    }

    /// Stores what sessions report. Returns when to clean up, unless a clean-up was already due.
    pub fn report(
        &mut self,
        now: Timestamp,
        reports: &[Report],
    ) -> Result<Option<Timestamp>, Fault> {
        self.create()?;
        let first = !self.any()?;
        for report in reports {
            let values = [
                report.session.as_str().into(),
                i64::try_from(report.agents).unwrap_or(i64::MAX).into(),
                report.messages.as_i64().into(),
                report.expires_at.as_millis().into(),
                report.at.as_millis().into(),
                report.sealed.as_deref().map_or(Value::Null, Into::into),
            ];
            self.database.execute(PUT, &values)?;
        }
        Ok(first.then(|| now.plus_millis(CLEAN_UP)))
    }

    /// Adds what was counted where requests are answered. Returns when to clean up, unless a clean-up was already due.
    pub fn tally(&mut self, now: Timestamp, tally: &Tally) -> Result<Option<Timestamp>, Fault> {
        self.create()?;
        let first = !self.any()?;
        self.count_minute(now, tally)?;
        count_limits(&self.database, minute_of(now), tally)?;
        Ok(first.then(|| now.plus_millis(CLEAN_UP)))
    }

    /// The minutes of the last day in which something happened, oldest first.
    pub fn activity(&mut self, now: Timestamp) -> Result<Activity, Fault> {
        let mut minutes = Vec::new();
        if MINUTES.open(&self.database)? {
            let since = now.plus_millis(-DAY).as_millis();
            self.database.query(ACTIVITY, &[since.into()], &mut |mut row| {
                let at = Timestamp::from_millis(row.integer()?);
                let mut next = || Ok::<_, Fault>(row.integer()?.unsigned_abs());
                minutes.push(Minute {
                    at,
                    sessions: next()?,
                    messages: next()?,
                    requests: next()?,
                    refused: next()?,
                    limited: next()?,
                    failed: next()?,
                });
                Ok(ControlFlow::Continue(()))
            })?;
        }
        let limits = limits_hit(&self.database, now.plus_millis(-HOUR), now.plus_millis(-DAY))?;
        Ok(Activity { now, stats: self.stats(now)?, minutes, limits })
    }

    /// The session whose digest begins with these hex digits, to which a request was. `None` if no session that
    /// the directory remembers has such a digest, or if two that are alive have.
    pub fn trace(&mut self, now: Timestamp, digits: &str) -> Result<Option<Traced>, Fault> {
        if !SESSIONS.open(&self.database)? {
            return Ok(None);
        }
        let values = [digits.into(), format!("{digits}g").into(), now.as_millis().into()];
        let mut found = Vec::new();
        self.database.query(TRACE, &values, &mut |mut row| {
            let sealed = row.optional_text()?;
            found.push(Traced { sealed, is_alive: row.integer()? != 0 });
            Ok(ControlFlow::Continue(()))
        })?;
        let is_one = found.get(1).is_none_or(|second| !second.is_alive);
        Ok(found.into_iter().next().filter(|_| is_one))
    }

    fn create(&self) -> Result<(), Fault> {
        SESSIONS.open_or_create(&self.database)?;
        MINUTES.open_or_create(&self.database)
    }

    /// Adds what happened to this minute. The sessions are counted when the first of it is told.
    fn count_minute(&self, now: Timestamp, tally: &Tally) -> Result<(), Fault> {
        let at = minute_of(now);
        let is_known = self.database.first(HAS_MINUTE, &[at.into()], |_| Ok(()))?.is_some();
        // A row that does not change is written all the same.
        if is_known && *tally == Tally::EMPTY {
            return Ok(());
        }
        let values = [
            at.into(),
            i64::from(tally.messages).into(),
            i64::from(tally.requests).into(),
            i64::from(tally.refused).into(),
            i64::from(tally.limited).into(),
            i64::from(tally.failed).into(),
        ];
        self.database.execute(if is_known { COUNT_MINUTE } else { BEGIN_MINUTE }, &values)
    }

    /// The figures as they are now. The caller fills in `uptime`.
    pub fn stats(&mut self, now: Timestamp) -> Result<Stats, Fault> {
        let nothing = Stats { as_of: now, ..Stats::default() };
        if !SESSIONS.open(&self.database)? {
            return Ok(nothing);
        }
        let counts = self.database.first(COUNT, &[now.as_millis().into()], |row| {
            Ok(Stats {
                active_sessions: row.integer()?.unsigned_abs(),
                total_agents: row.integer()?.unsigned_abs(),
                total_messages: row.integer()?.unsigned_abs(),
                as_of: Timestamp::from_millis(row.integer()?),
                uptime: 0,
            })
        })?;
        Ok(counts.unwrap_or(nothing))
    }

    /// Deletes sessions that have ended and minutes older than a day. Returns when to clean up
    /// again, if any rows are left.
    pub fn clean_up(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        if !SESSIONS.open(&self.database)? {
            return Ok(None);
        }
        self.create()?;
        // So that the minutes know of sessions that have ended since the last of them, or live on in silence.
        if self.database.first(ANY_SESSION, &[], |_| Ok(()))?.is_some() {
            self.count_minute(now, &Tally::EMPTY)?;
        }
        self.database.execute(PURGE, &[now.as_millis().into()])?;
        self.database.execute(PURGE_MINUTES, &[now.plus_millis(-DAY).as_millis().into()])?;
        purge_limits(&self.database, now.plus_millis(-DAY))?;
        if LISTED.open(&self.database)? {
            let unheard = now.plus_millis(-LISTED_FOR).as_millis();
            self.database.execute(PURGE_AGENTS, &[unheard.into()])?;
        }
        Ok(self.any()?.then(|| now.plus_millis(CLEAN_UP)))
    }

    /// Stores a mailbox's report. Removes the address if it no longer asks to be found.
    pub fn enlist(&mut self, listing: &Listing) -> Result<(), Fault> {
        let (id, revision) = (listing.agent.as_str(), listing.revision.as_millis());
        if !listing.listed {
            if LISTED.open(&self.database)? {
                self.database.execute(REMOVE_AGENT, &[id.into(), revision.into()])?;
            }
            return Ok(());
        }
        LISTED.open_or_create(&self.database)?;
        let capabilities = format!(",{},", listing.capabilities.join(","));
        let heard = listing.heard.max(listing.revision).as_millis();
        let values = [id.into(), capabilities.into(), revision.into(), heard.into()];
        self.database.execute(PUT_AGENT, &values)
    }

    /// When an agent was last heard, to about a day. `None` if it is not listed here.
    pub fn heard(&mut self, agent: &AgentId) -> Result<Option<Timestamp>, Fault> {
        if !LISTED.open(&self.database)? {
            return Ok(None);
        }
        let heard = self.database.first(HEARD, &[agent.as_str().into()], Row::integer)?;
        Ok(heard.map(Timestamp::from_millis))
    }

    /// The listed addresses that match, those heard last first, and whether there are more.
    pub fn agents(&mut self, now: Timestamp, search: &Search) -> Result<(Vec<Place>, bool), Fault> {
        let (mut agents, mut more) = (Vec::new(), false);
        if !LISTED.open(&self.database)? {
            return Ok((agents, more));
        }
        let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
        let capability = search.capability.as_ref().map(|word| format!(",{word},"));
        let (heard, after) = match &search.after {
            Some((heard, after)) => (heard.as_millis(), after.as_str()),
            None => (i64::MAX, ""),
        };
        let values: [Value; 5] = [
            now.plus_millis(-LISTED_FOR).as_millis().into(),
            heard.into(),
            after.into(),
            // Without a capability, search for a comma, which every stored list contains.
            capability.unwrap_or_else(|| ",".to_owned()).into(),
            i64::from(search.limit).saturating_add(1).into(),
        ];
        self.database.query(AGENTS, &values, &mut |mut row| {
            if agents.len() >= limit {
                more = true;
                return Ok(ControlFlow::Break(()));
            }
            let heard = Timestamp::from_millis(row.integer()?);
            agents.push((heard, row.text()?.parse().map_err(Fault::new)?));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((agents, more))
    }

    fn any(&self) -> Result<bool, Fault> {
        Ok(self.database.first(ANY, &[], |_| Ok(()))?.is_some())
    }
}

/// When the minute began.
fn minute_of(now: Timestamp) -> i64 {
    let millis = now.as_millis();
    millis.saturating_sub(millis.rem_euclid(MINUTE))
}
