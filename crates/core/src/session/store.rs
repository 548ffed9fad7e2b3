//! The table of a session, and what is known of it in memory.

use super::state::State;
use crate::{Database, Error, Fault, Result, Row, Value, migrations::Table};
use nexus_protocol::{AgentId, Cursor, FileKey, Limits, Refusal, Timestamp};

/// The log. Its version is the `SCHEMA` of the record in row 0: raise it with each step.
const LOG: Table = Table {
    name: "log",
    created: 2,
    create: &[
        "CREATE TABLE IF NOT EXISTS log (
    cursor INTEGER PRIMARY KEY,
    agent_id TEXT,
    recipients TEXT,
    sent_at INTEGER NOT NULL,
    idempotency_key TEXT,
    record TEXT NOT NULL,
    task INTEGER,
    file TEXT,
    content BLOB
)",
        "CREATE UNIQUE INDEX IF NOT EXISTS log_idempotency ON log (agent_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL",
    ],
    steps: &[
        (2, "ALTER TABLE log ADD COLUMN task INTEGER"),
        (2, "ALTER TABLE log ADD COLUMN file TEXT"),
        (2, "ALTER TABLE log ADD COLUMN content BLOB"),
    ],
};
/// These are not steps. An index costs a row, and most sessions need neither, so the first task or
/// file creates its own.
const CREATE_TASK_INDEX: &str =
    "CREATE INDEX IF NOT EXISTS log_task ON log (task) WHERE task IS NOT NULL";
const CREATE_FILE_INDEX: &str =
    "CREATE INDEX IF NOT EXISTS log_file ON log (file) WHERE file IS NOT NULL";
/// Deleting row by row would cost as many writes as the session has messages.
const DROP_TABLE: &str = "DROP TABLE log";
const INSERT_STATE: &str = "INSERT INTO log (cursor, sent_at, record) VALUES (0, ?1, ?2)";
const UPDATE_STATE: &str = "UPDATE log SET record = ?1 WHERE cursor = 0";
const INSERT_MESSAGE: &str = "INSERT INTO log
    (cursor, agent_id, recipients, sent_at, idempotency_key, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const INSERT_TASK: &str = "INSERT INTO log
    (cursor, agent_id, recipients, sent_at, idempotency_key, record, task)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const INSERT_FILE: &str = "INSERT INTO log
    (cursor, agent_id, recipients, sent_at, idempotency_key, record, file, content)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
/// Writes two rows at once: row 0, and the event that reports the change. No other row is at the
/// end of the log, so only row 0 can conflict. The recipients of an event are `!`, and the name of
/// its one reader if it has only one.
const UPDATE_STATE_AND_TELL: &str = "INSERT INTO log (cursor, recipients, sent_at, record)
    VALUES (0, NULL, ?1, ?2), (?3, '!' || ?5, ?1, ?4)
    ON CONFLICT (cursor) DO UPDATE SET record = excluded.record";
const LOAD_STATE: &str = "SELECT record FROM log WHERE cursor = 0";
const LOAD_LAST: &str =
    "SELECT cursor, sent_at, json_extract(record, '$.verified'), agent_id FROM log
    WHERE cursor = (SELECT max(cursor) FROM log)";

/// How many times its TTL a session lives before the directory is told again that it does.
const SPAN_TTLS: i64 = 4;

/// The session's own table. What is in memory equals what is stored, except for the times of
/// [`State`] that are ahead.
pub(super) struct Store<D> {
    pub(super) database: D,
    memory: Memory,
    /// Whether the directory should be told something.
    pub(super) has_news: bool,
    /// Whether some reader's cursor is known only in memory.
    pub(super) places_due: bool,
}

/// What a row of the log is about, besides being a message.
pub(super) enum About {
    Nothing,
    /// The task that the message at this cursor gave.
    Task(Cursor),
    /// A version of a file. Without content, the file is deleted.
    File(FileKey, Option<Vec<u8>>),
}

/// What is known of the table. Losing it costs only a few reads.
enum Memory {
    Unknown,
    Absent,
    Present(Box<Loaded>),
}

/// The session as it is now.
pub(super) struct Loaded {
    pub(super) state: State,
    pub(super) last: Cursor,
    pub(super) last_sent_at: Timestamp,
}

impl Loaded {
    /// When the session ends if nothing more happens.
    pub(super) fn deadline(&self) -> Timestamp {
        self.state.active.latest().max(self.last_sent_at).plus_seconds(self.state.ttl)
    }

    /// The deadline as it is persisted. Responses may report only this one.
    pub(super) fn stored_deadline(&self) -> Timestamp {
        self.last_active().plus_seconds(self.state.ttl)
    }

    /// Whether what is in memory only, now that `agent` was heard, is as far ahead of what is stored as polls may
    /// leave it.
    pub(super) fn is_behind(&self, agent: &AgentId, limits: &Limits) -> bool {
        // Where silence costs a seat, how long a member was silent must not be lost.
        let seats = if limits.agent_inactivity > 0 { self.state.members_behind() } else { 0 };
        let seat = self.state.members.get(agent).filter(|seat| seat.is_looked_for());
        self.active_ahead().max(seats) >= self.state.save_interval(limits)
            || seat.is_some_and(|seat| seat.ahead() >= self.state.fresh_for(limits))
    }

    /// By how many milliseconds the end in memory is later than the stored one.
    pub(super) fn active_ahead(&self) -> i64 {
        self.state.active.latest().millis_since(self.last_active())
    }

    /// When something last moved the end, as far as that is stored.
    fn last_active(&self) -> Timestamp {
        self.state.active.saved().max(self.last_sent_at)
    }

    /// In which of the spans of its life the session was last active, as far as that is stored. The directory is
    /// told once for each.
    fn span(&self) -> i64 {
        let age = self.last_active().millis_since(self.state.created_at).max(0);
        age.checked_div(self.span_length()).unwrap_or(0)
    }

    /// In milliseconds.
    fn span_length(&self) -> i64 {
        i64::from(self.state.ttl).saturating_mul(1000).saturating_mul(SPAN_TTLS)
    }

    /// Until when the session counts if nothing more is heard of it: it can live so long without telling.
    pub(super) fn counted_until(&self) -> Timestamp {
        let end = self.span().saturating_add(1).saturating_mul(self.span_length());
        let ahead = self.state.longest_save_interval();
        self.state.created_at.plus_millis(end.saturating_add(ahead)).plus_seconds(self.state.ttl)
    }

    /// How many messages the log holds, without events.
    pub(super) fn messages(&self) -> i64 {
        self.last.as_i64().saturating_sub(i64::from(self.state.events))
    }
}

impl<D: Database> Store<D> {
    pub(super) fn new(database: D) -> Self {
        Self { database, memory: Memory::Unknown, has_news: false, places_due: false }
    }

    /// The session. Refuses if there is none or its deadline has passed.
    pub(super) fn alive(&mut self, now: Timestamp) -> Result<&mut Loaded> {
        match self.load()? {
            Some(loaded) if now < loaded.deadline() => Ok(loaded),
            _ => Err(Error::Refused(Refusal::session_not_found())),
        }
    }

    /// The session, if there is one. Creates nothing.
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
        if !self.database.has_table(LOG.name)? {
            return Ok(None);
        }
        let record = self.database.first(LOAD_STATE, &[], Row::text)?;
        let last = self.database.first(LOAD_LAST, &[], |row| {
            let (cursor, sent_at) = (row.integer()?, row.integer()?);
            Ok((cursor, sent_at, row.optional_integer()? == Some(1), row.optional_text()?))
        })?;
        let (Some(record), Some((last, sent_at, verified, sender))) = (record, last) else {
            return Ok(None);
        };
        let last_sent_at = Timestamp::from_millis(sent_at);
        let mut state = State::from_record(&record)?;
        LOG.upgrade(&self.database, state.upgrade())?;
        let sender = sender.and_then(|sender| sender.parse().ok());
        let seat = sender.and_then(|sender| state.members.get_mut(&sender));
        if let Some(seat) = seat.filter(|seat| verified || seat.key.is_none()) {
            seat.know(verified, last_sent_at);
        }
        Ok(Some(Loaded { state, last: Cursor::from_i64(last), last_sent_at }))
    }

    /// Creates the table and the session.
    pub(super) fn create(&mut self, state: State) -> Result<(), Fault> {
        // A table without a session may be incomplete, left behind by a failure.
        LOG.create(&self.database)?;
        let last_sent_at = state.created_at;
        let values: [Value; 2] = [last_sent_at.as_millis().into(), state.to_record()?.into()];
        self.database.execute(INSERT_STATE, &values)?;
        self.memory =
            Memory::Present(Box::new(Loaded { state, last: Cursor::START, last_sent_at }));
        self.has_news = true;
        Ok(())
    }

    /// Stores `state`. Memory changes only after the write has succeeded. Returns the deadline that
    /// a response may now report.
    pub(super) fn save(&mut self, state: State) -> Result<Timestamp, Fault> {
        let deadline = self.save_quietly(state)?;
        self.has_news = true;
        Ok(deadline)
    }

    /// Marks that the directory must be told of changed members.
    pub(super) fn tell_of_members(&mut self) {
        self.has_news = true;
    }

    /// Like [`Self::save`], if the directory need not be told.
    pub(super) fn save_quietly(&mut self, mut state: State) -> Result<Timestamp, Fault> {
        state.settle();
        self.database.execute(UPDATE_STATE, &[state.to_record()?.into()])?;
        self.places_due = false;
        self.note(|loaded| loaded.state = state)
    }

    /// Notes in memory what was just stored. The directory must be told when the session enters another span of its
    /// life. Returns the deadline that a response may now report.
    fn note(&mut self, change: impl FnOnce(&mut Loaded)) -> Result<Timestamp, Fault> {
        let loaded =
            self.load()?.ok_or_else(|| Fault::new("a session was saved that does not exist"))?;
        let before = loaded.span();
        change(loaded);
        let (deadline, has_moved) = (loaded.stored_deadline(), loaded.span() != before);
        self.has_news |= has_moved;
        Ok(deadline)
    }

    /// Like [`Self::save_quietly`], but also stores an event at the end of the log, in the same
    /// statement. `reader` is the only agent that it is for, or empty if it is for all.
    ///
    /// An event does not restart the TTL. So its row copies the `sent_at` of the row before it,
    /// from which the deadline is computed.
    pub(super) fn save_telling(
        &mut self,
        mut state: State,
        cursor: Cursor,
        event: &str,
        reader: &str,
    ) -> Result<Timestamp, Fault> {
        state.settle();
        let record = state.to_record()?;
        let loaded =
            self.load()?.ok_or_else(|| Fault::new("a session was saved that does not exist"))?;
        let values: [Value; 5] = [
            loaded.last_sent_at.as_millis().into(),
            record.into(),
            cursor.as_i64().into(),
            event.into(),
            reader.into(),
        ];
        self.database.execute(UPDATE_STATE_AND_TELL, &values)?;
        self.places_due = false;
        self.note(|loaded| (loaded.state, loaded.last) = (state, cursor))
    }

    /// Stores a message at the end of the log. `values` are the columns of [`INSERT_MESSAGE`].
    pub(super) fn append(
        &mut self,
        cursor: Cursor,
        now: Timestamp,
        mut values: Vec<Value>,
        about: About,
    ) -> Result<(), Fault> {
        let insert = match about {
            About::Nothing => INSERT_MESSAGE,
            About::Task(task) => {
                self.database.execute(CREATE_TASK_INDEX, &[])?;
                values.push(task.as_i64().into());
                INSERT_TASK
            }
            About::File(key, content) => {
                self.database.execute(CREATE_FILE_INDEX, &[])?;
                values.extend([key.as_str().into(), content.into()]);
                INSERT_FILE
            }
        };
        self.database.execute(insert, &values)?;
        let mut is_round = false;
        self.note(|loaded| {
            (loaded.last, loaded.last_sent_at) = (cursor, now);
            is_round = loaded.messages().unsigned_abs().is_power_of_two();
        })?;
        self.has_news |= is_round;
        Ok(())
    }

    /// Deletes the session, its members and its log, in one statement.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.database.execute(DROP_TABLE, &[])?;
        self.forget();
        Ok(())
    }

    /// Forgets what is in memory, because everything stored is about to be deleted.
    pub(super) fn forget(&mut self) {
        self.memory = Memory::Absent;
    }
}
