//! Where and when a run happens, shared by all its actors.

use super::history::{Moment, Outcome};
use crate::{Answer, Api, Member, random::Random};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long a client waits for a response.
const PATIENCE: Duration = Duration::from_secs(10);

/// The outcome of one attempt to send a message.
pub(super) enum Attempt {
    /// The relay says that it is stored.
    Stored { id: String, cursor: u64 },
    /// There was no answer, or one of a relay that was stopping.
    Lost,
    /// The relay refused it.
    Refused(String),
}

/// Where and when everything happens.
pub(super) struct Stage {
    pub(super) base: String,
    pub(super) seed: u64,
    pub(super) started: Instant,
    /// When the load ends.
    pub(super) rest: Instant,
    /// When all attempts end.
    pub(super) over: Instant,
    /// Ends everything immediately.
    pub(super) aborted: AtomicBool,
    /// The longest pause of a sender.
    pub(super) pause: Duration,
    pub(super) lost: AtomicUsize,
    pub(super) unfinished: AtomicUsize,
}

impl Stage {
    pub(super) fn now(&self) -> Moment {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn is_loaded(&self) -> bool {
        Instant::now() < self.rest && !self.aborted.load(Ordering::Relaxed)
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.over || self.aborted.load(Ordering::Relaxed)
    }

    pub(super) fn random(&self, drawer: &str) -> Random {
        Random::new(self.seed, drawer)
    }

    pub(super) fn api(&self) -> Api {
        Api::patient(&self.base, PATIENCE)
    }

    /// The same member, with its own connections.
    pub(super) fn own(&self, member: &Member) -> Member {
        Member { api: self.api(), ..member.clone() }
    }

    /// Counts a request that got no response before everything ended.
    pub(super) fn give_up(&self) {
        self.unfinished.fetch_add(1, Ordering::Relaxed);
    }

    /// Repeats a request until there is a response or everything is over.
    pub(super) fn persist<T>(&self, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
        while !self.is_over() {
            if let Some(answer) = ask() {
                return Some(answer);
            }
            self.lost.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(100));
        }
        self.give_up();
        None
    }

    /// Attempts to send a message until there is an answer, if the send may be repeated.
    pub(super) fn attempt(
        &self,
        is_repeatable: bool,
        mut attempt: impl FnMut() -> Attempt,
    ) -> Outcome {
        loop {
            match attempt() {
                Attempt::Stored { id, cursor } => {
                    return Outcome::Acknowledged { at: self.now(), id, cursor };
                }
                Attempt::Refused(why) => return Outcome::Refused(why),
                Attempt::Lost if !is_repeatable => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    return Outcome::Unknown;
                }
                Attempt::Lost if self.is_over() => {
                    self.give_up();
                    return Outcome::Unknown;
                }
                Attempt::Lost => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }

    /// Repeats a request until it is answered by a relay that is not stopping.
    pub(super) fn answer(&self, mut ask: impl FnMut() -> Option<Answer>) -> Option<Answer> {
        self.persist(|| ask().filter(|answer| answer.status < 500))
    }

    /// Sleeps, but not beyond the end of the load.
    pub(super) fn sleep(&self, time: Duration) {
        thread::sleep(time.min(self.rest.saturating_duration_since(Instant::now())));
    }
}
