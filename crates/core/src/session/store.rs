//! The table of a session, and what is known of it in memory.

use super::state::State;
use crate::{Database, Error, Fault, Result, Row, Value, migrations::Table};
use nexus_protocol::{Cursor, FileKey, Refusal, Timestamp};

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
const LOAD_LAST: &str = "SELECT cursor, sent_at FROM log
    WHERE cursor = (SELECT max(cursor) FROM log)";

/// The session's own table. What is in memory equals what is stored, except for the times of
/// [`State`] that are ahead.
pub(super) struct Store<D> {
    pub(super) database: D,
    memory: Memory,
    /// What the directory should be told.
    pub(super) news: News,
    /// Whether some reader's cursor is known only in memory.
    pub(super) places_due: bool,
}

/// What the directory does not know yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum News {
    /// Nothing.
    #[default]
    None,
    /// New messages.
    Messages,
    /// Changes of members or of the deadline.
    Members,
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
        self.state.active.saved().max(self.last_sent_at).plus_seconds(self.state.ttl)
    }

    /// How many messages the log holds, without events.
    pub(super) fn messages(&self) -> i64 {
        self.last.as_i64().saturating_sub(i64::from(self.state.events))
    }
}

impl<D: Database> Store<D> {
    pub(super) fn new(database: D) -> Self {
        Self { database, memory: Memory::Unknown, news: News::None, places_due: false }
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
        let last =
            self.database.first(LOAD_LAST, &[], |row| Ok((row.integer()?, row.integer()?)))?;
        let (Some(record), Some((last, sent_at))) = (record, last) else {
            return Ok(None);
        };
        let mut state = State::from_record(&record)?;
        LOG.upgrade(&self.database, state.upgrade())?;
        Ok(Some(Loaded {
            state,
            last: Cursor::from_i64(last),
            last_sent_at: Timestamp::from_millis(sent_at),
        }))
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
        self.news = News::Members;
        Ok(())
    }

    /// Stores `state`. Memory changes only after the write has succeeded. Returns the deadline that
    /// a response may now report.
    pub(super) fn save(&mut self, state: State) -> Result<Timestamp, Fault> {
        let deadline = self.save_quietly(state)?;
        self.news = News::Members;
        Ok(deadline)
    }

    /// Marks that the directory must be told of changed members.
    pub(super) fn tell_of_members(&mut self) {
        self.news = News::Members;
    }

    /// Like [`Self::save`], if the directory need not be told.
    pub(super) fn save_quietly(&mut self, mut state: State) -> Result<Timestamp, Fault> {
        state.settle();
        self.database.execute(UPDATE_STATE, &[state.to_record()?.into()])?;
        self.places_due = false;
        let loaded =
            self.load()?.ok_or_else(|| Fault::new("a session was saved that does not exist"))?;
        loaded.state = state;
        Ok(loaded.stored_deadline())
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
        let loaded =
            self.load()?.ok_or_else(|| Fault::new("a session was saved that does not exist"))?;
        (loaded.state, loaded.last) = (state, cursor);
        Ok(loaded.stored_deadline())
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
        if let Some(loaded) = self.load()? {
            loaded.last = cursor;
            loaded.last_sent_at = now;
        }
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
