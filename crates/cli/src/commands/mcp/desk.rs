//! What all calls of tools share.

use super::{
    seats::{Seat, Seats},
    told::{self, Inboxes},
};
use crate::context::Context;
use nexus_protocol::{AgentId, Cursor};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The most calls that run at a time.
const MOST: usize = 64;

#[derive(Debug)]
pub(super) struct Desk {
    pub(super) context: Context,
    /// Our name where none is given: that of the command line.
    pub(super) name: Option<AgentId>,
    pub(super) seats: Seats,
    pub(super) inboxes: Inboxes,
    /// The calls that run, by the ids of their requests.
    jobs: Mutex<BTreeMap<String, Arc<Job>>>,
    /// Told when a call has ended.
    ended: Condvar,
}

/// A call of a tool that runs.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) began: Instant,
    /// Whether it only waits for messages.
    waits: bool,
    is_cancelled: AtomicBool,
}

impl Job {
    pub(super) fn begin(waits: bool) -> Self {
        Self { began: Instant::now(), waits, is_cancelled: AtomicBool::new(false) }
    }

    /// Nobody waits for its answer any more.
    fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }
}

impl Desk {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            name: context.named_agent().cloned(),
            // A name on the command line is for new seats. Those that are stored have theirs.
            context: context.as_agent(None),
            seats: Seats::default(),
            inboxes: Inboxes::default(),
            jobs: Mutex::new(BTreeMap::new()),
            ended: Condvar::new(),
        }
    }

    /// Up to where a seat was told.
    pub(super) fn place(&self, seat: &Seat) -> Option<Cursor> {
        told::place(&self.context, &self.inboxes, seat)
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call, unless too many run, or one of this id does.
    pub(super) fn begin(&self, id: &str, job: &Arc<Job>) -> bool {
        let mut jobs = self.jobs();
        if jobs.len() >= MOST || jobs.contains_key(id) {
            return false;
        }
        jobs.insert(id.to_owned(), Arc::clone(job));
        true
    }

    /// A call has ended, and its answer was written.
    pub(super) fn end(&self, id: &str, job: &Arc<Job>) {
        let mut jobs = self.jobs();
        // A call that was cancelled may have made room for another one of the same id.
        if jobs.get(id).is_some_and(|known| Arc::ptr_eq(known, job)) {
            jobs.remove(id);
        }
        self.ended.notify_all();
    }

    /// Cancels a call.
    pub(super) fn cancel(&self, id: &str) {
        if let Some(job) = self.jobs().remove(id) {
            job.cancel();
        }
        self.ended.notify_all();
    }

    /// Waits until no call runs, for at most this long. Returns whether none does.
    pub(super) fn is_idle_within(&self, limit: Duration) -> bool {
        let waited = self.ended.wait_timeout_while(self.jobs(), limit, |jobs| !jobs.is_empty());
        let (jobs, _) = waited.unwrap_or_else(PoisonError::into_inner);
        jobs.is_empty()
    }

    /// Cancels what only waits for messages, and lets the rest finish within this time.
    pub(super) fn finish(&self, limit: Duration) {
        self.jobs().retain(|_, job| {
            if job.waits {
                job.cancel();
            }
            !job.waits
        });
        self.is_idle_within(limit);
    }
}
