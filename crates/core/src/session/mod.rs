//! One session: its life, its members (`members`, `clawlink`), who may do what (`access`), the links to it
//! (`links`), its log (`log`, `reading`), and what stands in the log besides messages: tasks (`tasks`), files
//! (`files`) and events (`events`).
//!
//! Owns one table (`store`). Row 0 holds the session itself (`State`, as JSON), every other row one message,
//! as the JSON that readers get. So every operation is one statement, and a poll is a search by
//! primary key.
//!
//! Promises: what an answer said is in the table before the answer is given, but for three things that
//! are saved now and then: how far polls have moved the deadline, when each member was last heard, and
//! how far sockets of ClawLink have read.
//! Polls keep both behind by less than `State::save_interval`; a send stores that the session is
//! active, but not that its sender was heard. A response never reports a deadline, or when a member was
//! last seen, that has not been stored.

mod access;
mod board;
mod clawlink;
mod delivery;
mod events;
mod files;
mod hook;
mod links;
mod log;
mod members;
mod past;
mod reading;
mod state;
mod status;
mod store;
mod tasks;
mod webhook;

use crate::{Database, Digest, Fault, Report, Result, meter::Meter};
pub use access::{Caller, Need, Visitor, Who};
pub use clawlink::ClawLinkInfo;
pub use delivery::Delivery;
pub use events::Event;
pub use files::{Content, FileSaved};
pub use members::SeatRequest;
use nexus_protocol::{Cursor, Limits, SessionId, Task, Timestamp};
use std::collections::BTreeMap;
use store::{News, Store};
pub use webhook::Post;

/// Milliseconds after the first message that the directory does not know of when it is told.
const REPORT_AFTER: i64 = 20_000;

/// A session, or the place where one could be created.
pub struct Session<D> {
    id: SessionId,
    limits: Limits,
    store: Store<D>,
    meter: Meter,
    /// When the directory is to be told of messages.
    report_at: Option<Timestamp>,
    /// The tasks that have not ended, by the place where they were given, once they were read.
    open_tasks: Option<BTreeMap<Cursor, Task>>,
    /// The bytes of all messages, once they were counted.
    log_bytes: Option<usize>,
    /// The bytes of all kept versions of files, once they were counted.
    file_bytes: Option<usize>,
    /// Events that are stored and still to be delivered.
    untold: Vec<Delivery>,
}

impl<D: Database> Session<D> {
    /// The session `id` in `database`, which may not exist there.
    pub fn new(id: SessionId, database: D, limits: Limits) -> Self {
        Self {
            id,
            meter: Meter::new(limits.agent_requests),
            limits,
            store: Store::new(database),
            report_at: None,
            open_tasks: None,
            log_bytes: None,
            file_bytes: None,
            untold: Vec::new(),
        }
    }

    /// When the session ends if nothing more happens; none if there is no session.
    pub fn deadline(&mut self) -> Result<Option<Timestamp>, Fault> {
        Ok(self.store.load()?.map(|loaded| loaded.deadline()))
    }

    /// What an alarm at `now` has to do: set itself again for the time returned, or, where there is
    /// none, delete everything that is stored. Forgets the session in the second case.
    pub fn alarm(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let deadline = self.deadline()?.filter(|deadline| *deadline > now);
        if deadline.is_none() {
            (self.open_tasks, self.log_bytes, self.file_bytes) = (None, None, None);
            self.store.forget();
        }
        Ok(deadline)
    }

    /// What the directory should be told now, if anything: at once if members or the deadline have
    /// changed, of messages some time after the first.
    pub fn take_report(&mut self, now: Timestamp) -> Result<Option<Report>, Fault> {
        match self.store.news {
            News::None => return Ok(None),
            News::Members => {}
            News::Messages => {
                let due = *self.report_at.get_or_insert(now.plus_millis(REPORT_AFTER));
                if now < due {
                    return Ok(None);
                }
            }
        }
        self.report(now)
    }

    /// When the directory is to be told of messages, if it is.
    #[must_use]
    pub fn next_report_at(&self) -> Option<Timestamp> {
        self.report_at
    }

    /// What the directory should know, whether or not it does: an alarm does not remember why it was set.
    pub fn report(&mut self, now: Timestamp) -> Result<Option<Report>, Fault> {
        (self.store.news, self.report_at) = (News::None, None);
        Ok(self.store.load()?.map(|loaded| Report {
            session: Digest::of(&[self.id.as_str()]),
            agents: loaded.state.seats(now, &self.limits).count(),
            messages: Cursor::from_i64(loaded.messages()),
            expires_at: loaded.deadline(),
            at: now,
        }))
    }
}
