//! The tables of a mailbox, and what is known of them in memory.
//!
//! `mail`: row 0 is the agent itself. Rows above it are received messages, in the order of the
//! inbox. Rows below it are copies of sent messages.
//!
//! `note`: small facts with a time. They say how far the inbox was `delivered` and `acked`, which
//! agents are on the lists, and which nonces were used in the last minutes.

use super::state::State;
use crate::{Database, Digest, Fault, Result, Row, Value, migrations::Table, opendialogue::FRESH};
use nexus_protocol::{AgentId, Cursor, Refusal, Timestamp};

/// `mail`, with `note` beside it. Their version is the `SCHEMA` of the record in row 0: raise it
/// with each step.
const MAIL: Table = Table {
    name: "mail",
    created: 1,
    create: &[
        "CREATE TABLE IF NOT EXISTS mail (
    cursor INTEGER PRIMARY KEY,
    other TEXT,
    conversation TEXT,
    turn INTEGER,
    sent_at INTEGER NOT NULL,
    delivered_at INTEGER,
    key TEXT,
    facts TEXT,
    record TEXT NOT NULL
)",
        "CREATE INDEX IF NOT EXISTS mail_conversation ON mail (conversation, other)
    WHERE conversation IS NOT NULL",
        "CREATE TABLE IF NOT EXISTS note (
    kind TEXT NOT NULL,
    key NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID",
    ],
    steps: &[],
};
const INSERT_STATE: &str = "INSERT INTO mail (cursor, sent_at, record) VALUES (0, ?1, ?2)";
const UPDATE_STATE: &str = "UPDATE mail SET record = ?1 WHERE cursor = 0";
const INSERT_MAIL: &str = "INSERT INTO mail
    (cursor, other, conversation, turn, sent_at, delivered_at, key, facts, record)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const LOAD_STATE: &str = "SELECT record FROM mail WHERE cursor = 0";
const LOAD_LAST: &str = "SELECT cursor, sent_at FROM mail ORDER BY cursor DESC LIMIT 1";
const LOAD_LOWEST: &str = "SELECT cursor FROM mail ORDER BY cursor LIMIT 1";
const LOAD_MARK: &str = "SELECT key FROM note WHERE kind = ?1 ORDER BY key DESC LIMIT 1";
const PUT_MARK: &str = "INSERT OR REPLACE INTO note (kind, key, at) VALUES (?1, ?2, ?3)";
const FIND_NONCE: &str = "SELECT at FROM note WHERE kind = 'nonce' AND key = ?1 AND at > ?2";
const PUT_NONCE: &str = "INSERT OR REPLACE INTO note (kind, key, at) VALUES ('nonce', ?1, ?2)";
const COUNT_NONCES: &str = "SELECT count(*), coalesce(sum(at > ?1), 0),
    coalesce(min(CASE WHEN at > ?1 THEN at END), 0) FROM note WHERE kind = 'nonce'";
const PURGE_NONCES: &str = "DELETE FROM note WHERE kind = 'nonce' AND at <= ?1";
const REACHED: &str = "SELECT at FROM note WHERE kind = ?1 AND key >= ?2 ORDER BY key LIMIT 1";
const ANY_MAIL: &str = "SELECT 1 FROM mail WHERE cursor <> 0 LIMIT 1";
const PURGE_MAIL: &str = "DELETE FROM mail WHERE cursor <> 0 AND sent_at <= ?1";
const PURGE_MARKS: &str = "DELETE FROM note WHERE kind IN ('delivered', 'acked') AND at <= ?1
    AND key < (SELECT max(newer.key) FROM note AS newer WHERE newer.kind = note.kind)";

/// For how many milliseconds a message is kept after it expired, to say what became of it.
const KEEP: i64 = 24 * 3_600_000;

/// Milliseconds between two clean-ups while there are messages.
pub(super) const CLEAN_UP: i64 = 24 * 3_600_000;

/// With this many nonces stored, expired ones are deleted.
const MANY_NONCES: i64 = 1000;

/// What has happened to the messages of an inbox up to a cursor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A reader was given them.
    Delivered,
    /// The recipient has acknowledged them.
    Acked,
}

impl Mark {
    fn kind(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Acked => "acked",
        }
    }
}

/// The mailbox's own tables. What is in memory equals what is stored, except for the time at which
/// the agent was last heard.
pub(super) struct Store<D> {
    pub(super) database: D,
    memory: Memory,
}

/// What is known of the tables. Losing it costs only a few reads.
enum Memory {
    Unknown,
    Absent,
    Present(Box<Loaded>),
}

/// The mailbox as it is now.
pub(super) struct Loaded {
    pub(super) state: State,
    /// The cursor of the last message in the inbox.
    pub(super) last: Cursor,
    pub(super) last_sent_at: Timestamp,
    /// The row of the latest copy of a sent message.
    lowest: i64,
    pub(super) delivered: Cursor,
    pub(super) acked: Cursor,
}

/// A row of `mail` to be stored.
pub(super) struct Entry<'a> {
    pub(super) other: &'a AgentId,
    pub(super) conversation: &'a str,
    pub(super) turn: u32,
    /// The round of the conversation. Each round counts its turns from 1.
    pub(super) round: u32,
    pub(super) sent_at: Timestamp,
    pub(super) delivered_at: Option<Timestamp>,
    /// The sender's idempotency key for a received message, the message's id for a sent one.
    pub(super) key: Option<&'a str>,
    pub(super) facts: String,
    pub(super) record: &'a str,
}

impl<D: Database> Store<D> {
    pub(super) fn new(database: D) -> Self {
        Self { database, memory: Memory::Unknown }
    }

    /// The mailbox. Refuses if nobody has registered `id`.
    pub(super) fn registered(&mut self, id: &AgentId) -> Result<&mut Loaded> {
        Ok(self.load()?.ok_or_else(|| Refusal::no_address(id.as_str()))?)
    }

    /// The mailbox, if there is one. Creates nothing.
    pub(super) fn load(&mut self) -> Result<Option<&mut Loaded>, Fault> {
        if matches!(self.memory, Memory::Unknown) {
            self.memory = match self.read()? {
                Some(loaded) => Memory::Present(Box::new(loaded)),
                None => Memory::Absent,
            };
        }
        match &mut self.memory {
            Memory::Present(loaded) => Ok(Some(loaded)),
            Memory::Unknown | Memory::Absent => Ok(None),
        }
    }

    fn read(&self) -> Result<Option<Loaded>, Fault> {
        if !self.database.has_table(MAIL.name)? {
            return Ok(None);
        }
        let Some(record) = self.database.first(LOAD_STATE, &[], Row::text)? else {
            return Ok(None);
        };
        let mut state = State::from_record(&record)?;
        MAIL.upgrade(&self.database, state.upgrade())?;
        let last =
            self.database.first(LOAD_LAST, &[], |row| Ok((row.integer()?, row.integer()?)))?;
        let (last, sent_at) = last.unwrap_or_default();
        let lowest = self.database.first(LOAD_LOWEST, &[], Row::integer)?;
        let mark = |mark: Mark| -> Result<Cursor, Fault> {
            let key = self.database.first(LOAD_MARK, &[mark.kind().into()], Row::integer)?;
            Ok(Cursor::from_i64(key.unwrap_or(0)))
        };
        Ok(Some(Loaded {
            last: Cursor::from_i64(last.max(0)).max(state.last),
            last_sent_at: Timestamp::from_millis(sent_at),
            lowest: lowest.unwrap_or(0).min(0),
            delivered: mark(Mark::Delivered)?,
            acked: mark(Mark::Acked)?,
            state,
        }))
    }

    /// Creates the tables and the mailbox.
    pub(super) fn create(&mut self, state: State) -> Result<(), Fault> {
        MAIL.create(&self.database)?;
        let now = state.card.created_at;
        let values: [Value; 2] = [now.as_millis().into(), state.to_record()?.into()];
        self.database.execute(INSERT_STATE, &values)?;
        self.memory = Memory::Present(Box::new(Loaded {
            state,
            last: Cursor::START,
            last_sent_at: now,
            lowest: 0,
            delivered: Cursor::START,
            acked: Cursor::START,
        }));
        Ok(())
    }

    /// Stores `state`. Memory changes only after the write has succeeded.
    pub(super) fn save(&mut self, mut state: State) -> Result<(), Fault> {
        state.heard.settle();
        self.database.execute(UPDATE_STATE, &[state.to_record()?.into()])?;
        if let Some(loaded) = self.load()? {
            loaded.state = state;
        }
        Ok(())
    }

    /// Whether a nonce was used while its signature was still valid.
    pub(super) fn is_nonce_used(&self, now: Timestamp, nonce: &Digest) -> Result<bool, Fault> {
        let values: [Value; 2] = [nonce.as_str().into(), nonces_until(now)];
        Ok(self.database.first(FIND_NONCE, &values, Row::integer)?.is_some())
    }

    /// How many nonces are stored, how many of them were used after `since`, and when the first of
    /// those was used.
    pub(super) fn nonces(&self, since: Timestamp) -> Result<(i64, i64, Timestamp), Fault> {
        let counts = self.database.first(COUNT_NONCES, &[since.as_millis().into()], |row| {
            Ok((row.integer()?, row.integer()?, Timestamp::from_millis(row.integer()?)))
        })?;
        Ok(counts.unwrap_or_default())
    }

    /// Stores a nonce. Deletes expired ones if many are `kept`.
    pub(super) fn note_nonce(
        &self,
        now: Timestamp,
        nonce: &Digest,
        kept: i64,
    ) -> Result<(), Fault> {
        if kept >= MANY_NONCES {
            self.database.execute(PURGE_NONCES, &[nonces_until(now)])?;
        }
        self.database.execute(PUT_NONCE, &[nonce.as_str().into(), now.as_millis().into()])
    }

    /// Stores a received message at `cursor`.
    pub(super) fn receive(&mut self, cursor: Cursor, entry: Entry) -> Result<(), Fault> {
        let sent_at = entry.sent_at;
        self.insert(cursor.as_i64(), entry)?;
        if let Some(loaded) = self.load()? {
            loaded.last = cursor;
            loaded.last_sent_at = sent_at;
        }
        Ok(())
    }

    /// Stores a copy of a sent message.
    pub(super) fn copy(&mut self, entry: Entry) -> Result<(), Fault> {
        let row = self.load()?.map_or(0, |loaded| loaded.lowest).saturating_sub(1);
        self.insert(row, entry)?;
        if let Some(loaded) = self.load()? {
            loaded.lowest = row;
        }
        Ok(())
    }

    fn insert(&self, row: i64, entry: Entry) -> Result<(), Fault> {
        let values: [Value; 9] = [
            row.into(),
            entry.other.as_str().into(),
            entry.conversation.into(),
            place_in_conversation(&entry).into(),
            entry.sent_at.as_millis().into(),
            entry.delivered_at.map(Timestamp::as_millis).into(),
            entry.key.into(),
            entry.facts.into(),
            entry.record.into(),
        ];
        self.database.execute(INSERT_MAIL, &values)
    }

    /// Stores that `mark` has come as far as `cursor`.
    pub(super) fn mark(&mut self, now: Timestamp, mark: Mark, cursor: Cursor) -> Result<(), Fault> {
        let values = [mark.kind().into(), cursor.as_i64().into(), now.as_millis().into()];
        self.database.execute(PUT_MARK, &values)?;
        if let Some(loaded) = self.load()? {
            match mark {
                Mark::Delivered => loaded.delivered = cursor,
                Mark::Acked => loaded.acked = cursor,
            }
        }
        Ok(())
    }

    /// When `mark` came as far as `cursor`, if it has.
    pub(super) fn reached(&self, mark: Mark, cursor: Cursor) -> Result<Option<Timestamp>, Fault> {
        let values = [mark.kind().into(), cursor.as_i64().into()];
        let at = self.database.first(REACHED, &values, Row::integer)?;
        Ok(at.map(Timestamp::from_millis))
    }

    /// Deletes messages by a statement. The end of the inbox is stored first, because the last
    /// message may be among them.
    pub(super) fn remove(&mut self, sql: &'static str, values: &[Value]) -> Result<(), Fault> {
        let Some(loaded) = self.load()? else { return Ok(()) };
        if loaded.state.last < loaded.last {
            let mut state = loaded.state.clone();
            state.last = loaded.last;
            self.save(state)?;
        }
        self.database.execute(sql, values)
    }

    /// Deletes messages that expired long ago. Returns when to clean up again, if any are left. The
    /// mailbox is consistent after each statement, so a failure between two does no harm.
    pub(super) fn clean_up(
        &mut self,
        now: Timestamp,
        retention: u32,
    ) -> Result<Option<Timestamp>, Fault> {
        if self.load()?.is_none() {
            return Ok(None);
        }
        let until = now.plus_millis(-KEEP).plus_millis(i64::from(retention).saturating_mul(-1000));
        self.remove(PURGE_MAIL, &[until.as_millis().into()])?;
        self.database.execute(PURGE_MARKS, &[until.as_millis().into()])?;
        self.database.execute(PURGE_NONCES, &[nonces_until(now)])?;
        let left = self.database.first(ANY_MAIL, &[], |_| Ok(()))?;
        Ok(left.map(|()| now.plus_millis(CLEAN_UP)))
    }

    /// Forgets what is in memory, because everything stored is about to be deleted.
    pub(super) fn forget(&mut self) {
        self.memory = Memory::Absent;
    }
}

/// The value of the column `turn`: the turn in the lower 32 bits, the round above them. It orders a
/// conversation's history.
fn place_in_conversation(entry: &Entry) -> i64 {
    i64::from(entry.round).saturating_mul(1 << 32).saturating_add(i64::from(entry.turn))
}

/// Nonces stored at or before this time belong to signatures that have expired.
fn nonces_until(now: Timestamp) -> Value {
    now.plus_millis(-2 * FRESH).as_millis().into()
}
