//! One session: its members (`members`, `clawlink`), who may do what (`access`), its links
//! (`links`), its log (`log`, `reading`), and what the log holds besides messages: tasks (`tasks`,
//! `board`), files (`files`) and events (`events`).
//!
//! It owns one table (`store`). Row 0 holds the session itself (`State`, as JSON). Every other row
//! holds one message, as the JSON that readers get. So every operation is one statement, and a poll
//! is a search by primary key.
//!
//! Promises: everything that a response reports has been persisted before, with three exceptions
//! that are persisted only now and then: how far polls have moved the deadline, when each member
//! was last heard, and how far ClawLink's sockets have read. Polls keep the first two less than
//! `State::save_interval` behind. A send persists that the session is active, but not that its
//! sender was heard. A response never reports a deadline, or a time at which a member was last
//! seen, that has not been persisted.

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
mod post;
mod posting;
mod reading;
mod room;
mod size;
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
pub use post::{Outcome, Post};
use size::Size;
pub use status::Invitation;
use std::collections::BTreeMap;
use store::{News, Store};

/// How many milliseconds after a new message the directory is told of it.
const REPORT_AFTER: i64 = 20_000;

/// A session, or the place where one may be created.
pub struct Session<D> {
    id: SessionId,
    limits: Limits,
    store: Store<D>,
    meter: Meter,
    /// When to tell the directory about new messages.
    report_at: Option<Timestamp>,
    /// The open tasks by the cursor of the message that gave them, once they have been read.
    open_tasks: Option<BTreeMap<Cursor, Task>>,
    /// What is known of the log's size.
    size: Size,
    /// The bytes of all kept versions of files, once they have been counted.
    file_bytes: Option<usize>,
    /// Events that are stored but not delivered yet.
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
            size: Size::default(),
            file_bytes: None,
            untold: Vec::new(),
        }
    }

    /// When the session ends if nothing more happens. `None` if there is no session.
    pub fn deadline(&mut self) -> Result<Option<Timestamp>, Fault> {
        Ok(self.store.load()?.map(|loaded| loaded.deadline()))
    }

    /// What an alarm at `now` has to do: set itself again for the returned time, or, if that is
    /// `None`, delete everything that is stored. In the second case, also forgets the session.
    pub fn alarm(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let deadline = self.deadline()?.filter(|deadline| *deadline > now);
        if deadline.is_none() {
            (self.open_tasks, self.file_bytes, self.size) = (None, None, Size::default());
            self.store.forget();
        }
        Ok(deadline)
    }

    /// What to tell the directory now, if anything. Changes of members or of the deadline are
    /// reported at once, and messages some time after the first.
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

    /// When to tell the directory about new messages, if there are any.
    #[must_use]
    pub fn next_report_at(&self) -> Option<Timestamp> {
        self.report_at
    }

    /// What the directory should know, even if nothing is new. An alarm does not remember why it
    /// was set.
    pub fn report(&mut self, now: Timestamp) -> Result<Option<Report>, Fault> {
        (self.store.news, self.report_at) = (News::None, None);
        Ok(self.store.load()?.map(|loaded| Report {
            session: Digest::of_session(&self.id),
            agents: loaded.state.seats(now, &self.limits).count(),
            messages: Cursor::from_i64(loaded.messages()),
            expires_at: loaded.deadline(),
            at: now,
            sealed: None,
        }))
    }
}
