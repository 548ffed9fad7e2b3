//! What runs until it is stopped: `poll-daemon`, `heartbeat` and `listen`.
//!
//! A loop of a kind runs once for each session. While it does it holds a lock, which the system takes
//! back however the process ends, and keeps a record for `poll-status` in the session's folder.

use crate::{
    clock,
    error::{Failure, Kind, Result},
    output::tell,
    state::{Loop, Running, State},
};
use nexus_protocol::{SessionId, Timestamp};
use serde::Serialize;
use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    time::Duration,
};

/// Why a loop ended without a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ended {
    /// SIGINT or SIGTERM.
    Signal,
    /// Its own time is over.
    Ttl,
    /// The session is.
    Over,
    /// This agent is not in the session any more.
    Left,
}

/// Hears SIGINT and SIGTERM.
#[derive(Debug)]
pub(crate) struct Stop {
    signals: Receiver<()>,
    /// Whether one came.
    asked: Cell<bool>,
    /// Whether something must be ended before us.
    is_held: Arc<AtomicBool>,
}

/// For as long as this is there, a second signal does not end us.
#[derive(Debug)]
pub(crate) struct Held<'a>(&'a AtomicBool);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Stop {
    pub(crate) fn on_signals() -> Result<Self> {
        Self::on_signals_and(|| ())
    }

    /// Also does something else when a signal comes.
    pub(crate) fn on_signals_and(wake: impl Fn() + Send + 'static) -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let asked = AtomicBool::new(false);
        let is_held = Arc::new(AtomicBool::new(false));
        let held = Arc::clone(&is_held);
        let listening = ctrlc::set_handler(move || {
            // A request that is under way is waited for, but not by who asks twice.
            if asked.swap(true, Ordering::SeqCst) && !held.load(Ordering::SeqCst) {
                std::process::exit(1);
            }
            // Nobody listens any more once the loop has ended.
            let _ = sender.send(());
            wake();
        });
        listening.map_err(|error| {
            Failure::own(Kind::Usage, format!("Signals cannot be caught here ({error})."))
        })?;
        Ok(Self { signals: receiver, asked: Cell::new(false), is_held })
    }

    /// One for another thread, which is asked to stop by what is sent.
    pub(crate) fn fed() -> (Sender<()>, Self) {
        let (sender, signals) = mpsc::channel();
        (sender, Self { signals, asked: Cell::new(false), is_held: Arc::default() })
    }

    /// Sleeps, and says whether it was asked to stop.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        if !self.asked.get() {
            self.asked.set(self.signals.recv_timeout(time) != Err(RecvTimeoutError::Timeout));
        }
        self.asked.get()
    }

    /// Lets no second signal end us: who holds this looks for the first, and is quick about it then.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.is_held.store(true, Ordering::SeqCst);
        Held(&self.is_held)
    }

    /// Sleeps after it was asked to stop, and says whether it was asked again.
    pub(crate) fn comes_again(&self, time: Duration) -> bool {
        self.signals.recv_timeout(time).is_ok()
    }
}

/// How a loop goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Seconds between two turns.
    pub(crate) interval: u32,
    /// Seconds until it ends by itself.
    pub(crate) ttl: Option<u32>,
}

/// Takes a turn, waits, and so on, until a signal comes, the time is over, or a turn fails for good. What
/// may pass, such as a network that is away, is told and waited for.
pub(crate) fn run(
    state: &State,
    session: &SessionId,
    kind: Loop,
    pace: Pace,
    mut turn: impl FnMut() -> Result<()>,
) -> Result<Ended> {
    let stop = Stop::on_signals()?;
    let mut record = Running::begins(pace.interval);
    let ends = pace.ttl.map(|ttl| record.started_at.plus_seconds(ttl));
    record.ends_at = ends;
    let place = state.begin_loop(&state.session_dir(session), kind, &record)?;
    let ended = loop {
        let failure = turn().err();
        let wait = match failure {
            Some(failure) if !failure.is_passing() => break Err(failure),
            Some(failure) => {
                tell!("{}", failure.sentence());
                record.last_error = Some(failure.sentence());
                failure.retry_after().max(Duration::from_secs(pace.interval.into()))
            }
            None => {
                record.last_error = None;
                Duration::from_secs(pace.interval.into())
            }
        };
        record.last_at = Some(clock::now());
        if let Err(failure) = place.update(&record) {
            tell!("warning: {}", failure.sentence());
        }
        let wait = ends.map_or(wait, |ends| wait.min(until(ends)));
        if stop.sleep(wait) {
            break Ok(Ended::Signal);
        }
        if ends.is_some_and(|ends| until(ends).is_zero()) {
            break Ok(Ended::Ttl);
        }
    };
    place.end();
    ended
}

fn until(end: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(end.millis_since(clock::now())).unwrap_or(0))
}
