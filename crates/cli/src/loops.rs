//! Loops, which run until they are stopped: `poll-daemon`, `heartbeat`, `listen` and `work`.
//!
//! Only one loop of each kind runs for a session at a time. It holds a lock, which the system releases
//! however the process ends, and keeps a record for `poll-status` in the session's folder.

use crate::{
    clock,
    error::{Failure, Kind, Result},
    state::{IfRunning, Loop, Running, State},
    stderr::tell,
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
    thread,
    time::Duration,
};

/// Why a loop ended without a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ended {
    /// SIGINT or SIGTERM.
    Signal,
    /// Its own time limit (`--ttl`) has passed.
    Ttl,
    /// The session has ended.
    Over,
    /// This agent has left the session, or was removed from it.
    Left,
}

/// Notices SIGINT and SIGTERM.
#[derive(Debug)]
pub(crate) struct Stop {
    signals: Receiver<()>,
    /// Asks us to stop, as a signal does. `None` for another thread than the first.
    ask: Option<Sender<()>>,
    /// Whether a signal has come.
    asked: Cell<bool>,
    /// Whether a command that we run must end before this process may.
    is_held: Arc<AtomicBool>,
}

/// While this exists, a second signal does not end the process.
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

    /// Also calls `wake` when a signal comes.
    pub(crate) fn on_signals_and(wake: impl Fn() + Send + 'static) -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let ask = Some(sender.clone());
        let asked = AtomicBool::new(false);
        let is_held = Arc::new(AtomicBool::new(false));
        let held = Arc::clone(&is_held);
        let listening = ctrlc::set_handler(move || {
            // The first signal lets the current request finish. The second ends the process.
            if asked.swap(true, Ordering::SeqCst) && !held.load(Ordering::SeqCst) {
                std::process::exit(1);
            }
            // Fails only after the loop has ended.
            let _ = sender.send(());
            wake();
        });
        listening.map_err(|error| {
            Failure::own(
                Kind::Usage,
                format!("This system does not let nexus handle signals ({error})."),
            )
        })?;
        Ok(Self { signals: receiver, ask, asked: Cell::new(false), is_held })
    }

    /// A `Stop` for another thread. Sending to it asks that thread to stop.
    pub(crate) fn fed() -> (Sender<()>, Self) {
        let (sender, signals) = mpsc::channel();
        (sender, Self { signals, ask: None, asked: Cell::new(false), is_held: Arc::default() })
    }

    /// What asks us to stop.
    pub(crate) fn asker(&self) -> Option<Sender<()>> {
        self.ask.clone()
    }

    /// Sleeps, and returns whether we were asked to stop.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        if !self.asked.get() {
            self.asked.set(self.signals.recv_timeout(time) != Err(RecvTimeoutError::Timeout));
        }
        self.asked.get()
    }

    /// Keeps a second signal from ending the process. The holder checks for the first signal itself, and
    /// must finish quickly after it.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.is_held.store(true, Ordering::SeqCst);
        Held(&self.is_held)
    }

    /// Sleeps, and returns whether we were asked to stop meanwhile, even if we were asked before.
    pub(crate) fn comes_again(&self, time: Duration) -> bool {
        let came = self.signals.recv_timeout(time);
        if came == Err(RecvTimeoutError::Disconnected) {
            thread::sleep(time);
        }
        // Whoever asked for the sleep may have had another reason, so the next one must know.
        self.asked.set(self.asked.get() || came != Err(RecvTimeoutError::Timeout));
        came.is_ok()
    }
}

/// How often a loop takes a turn, and for how long it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Seconds between two turns.
    pub(crate) interval: u32,
    /// Seconds until it ends by itself.
    pub(crate) ttl: Option<u32>,
}

/// Takes turns with pauses between them, until a signal comes, the time is over, or a turn fails for good.
/// After a failure that may pass, such as a network that is down, it says so and tries again.
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
    let place = state.begin_loop(&state.session_dir(session), kind, &record, IfRunning::Refuse)?;
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
