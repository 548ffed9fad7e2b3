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
//! was last heard, and how far ClawLink's sockets have read. Polls keep the first less than
//! `State::save_interval` behind, and whoever looks at the members less than `State::fresh_for` the
//! second. A send persists that the session is active, and for as long as it is the last, that its
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
pub use hook::Subscription;
pub use members::SeatRequest;
use nexus_protocol::{Cursor, Limits, Region, SessionId, Task, Timestamp};
pub use post::{Outcome, Post};
use size::Size;
pub use status::Invitation;
use std::collections::BTreeMap;
use store::Store;

/// A session, or the place where one may be created.
pub struct Session<D> {
    id: SessionId,
    limits: Limits,
    store: Store<D>,
    meter: Meter,
    /// What the directory is yet to be told of a session that has ended.
    last_report: Option<Report>,
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
            last_report: None,
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
    ///
    /// What is only in memory may be lost before the next alarm, which would then come after the end. So the end is
    /// stored here, unless it is less ahead than the notice that members get of it.
    pub fn alarm(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        if let Some(loaded) = self.store.load()?.filter(|loaded| loaded.deadline() > now)
            && loaded.active_ahead() > loaded.state.fresh_for(&self.limits)
        {
            let state = loaded.state.clone();
            self.store.save_quietly(state)?;
        }
        let deadline = self.deadline()?.filter(|deadline| *deadline > now);
        if deadline.is_none() {
            let report = self.last_words(now)?;
            self.store.forget();
            self.note_end(report);
        }
        Ok(deadline)
    }

    /// What the directory is to be told of a session that is about to end.
    fn last_words(&mut self, now: Timestamp) -> Result<Option<Report>, Fault> {
        let over =
            |report| Report { agents: 0, messages: Cursor::START, expires_at: now, ..report };
        Ok(self.report(now)?.map(over))
    }

    /// Forgets what is known of a session that has ended, except what the directory is to be told.
    fn note_end(&mut self, report: Option<Report>) {
        self.last_report = report;
        (self.open_tasks, self.file_bytes, self.size) = (None, None, Size::default());
    }

    /// The region of its creator, in whose directory it is counted. `None` if that is not known.
    pub fn region(&mut self) -> Result<Option<Region>, Fault> {
        Ok(self.store.load()?.and_then(|loaded| loaded.state.region))
    }

    /// What to tell the directory now, if anything: that members have changed, that the number of messages has
    /// reached a power of two, that the session has lived so long that it would soon not be counted any more, or
    /// that it has ended.
    pub fn take_report(&mut self, now: Timestamp) -> Result<Option<Report>, Fault> {
        if let Some(report) = self.last_report.take() {
            return Ok(Some(report));
        }
        if !std::mem::take(&mut self.store.has_news) {
            return Ok(None);
        }
        self.report(now)
    }

    /// What the directory should know, even if nothing is new.
    pub fn report(&mut self, now: Timestamp) -> Result<Option<Report>, Fault> {
        Ok(self.store.load()?.map(|loaded| Report {
            session: Digest::of_session(&self.id),
            agents: loaded.state.seats(now, &self.limits).count(),
            messages: Cursor::from_i64(loaded.messages()),
            expires_at: loaded.counted_until(),
            at: now,
            sealed: None,
            region: loaded.state.region,
        }))
    }
}
