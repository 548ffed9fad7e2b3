//! Where and when a run happens, for all its actors.

use super::history::Moment;
use crate::{Api, Member, random::Random};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where and when everything happens.
pub(super) struct Stage {
    pub(super) base: String,
    pub(super) seed: u64,
    pub(super) started: Instant,
    /// When the load ends.
    pub(super) rest: Instant,
    /// When nobody tries any longer.
    pub(super) over: Instant,
    /// Ends everything at once.
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

    /// The same seat, over connections of its own.
    pub(super) fn own(&self, member: &Member) -> Member {
        Member { api: self.api(), ..member.clone() }
    }

    /// Notes that something got no answer before everything ended.
    pub(super) fn give_up(&self) {
        self.unfinished.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks again and again until there is an answer, or everything is over.
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

    /// Sleeps, but not beyond the load.
    pub(super) fn sleep(&self, time: Duration) {
        thread::sleep(time.min(self.rest.saturating_duration_since(Instant::now())));
    }
}
