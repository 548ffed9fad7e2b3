//! `sessions/<ID>/{poll-daemon,heartbeat,listen,work}.json` and `agents/<ID>/listen.json`: the loops of a
//! session or an address. Each record has a lock file next to it. A loop runs if its lock is held: a killed
//! process leaves the record behind, but not the lock.

use super::{
    State,
    file::read,
    lock::{self, Lock, Taken},
};
use crate::{
    clock,
    error::{Failure, Kind, Result},
};
use nexus_protocol::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The kinds of loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loop {
    PollDaemon,
    Heartbeat,
    Listen,
    Work,
}

impl Loop {
    /// The name of its command.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PollDaemon => "poll-daemon",
            Self::Heartbeat => "heartbeat",
            Self::Listen => "listen",
            Self::Work => "work",
        }
    }
}

/// The record of a loop.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Running {
    /// The id of its process.
    pub(crate) pid: u32,
    /// Seconds between two turns. 0 for a loop that waits for messages.
    pub(crate) interval: u32,
    pub(crate) started_at: Timestamp,
    pub(crate) ends_at: Option<Timestamp>,
    /// When it took its last turn.
    pub(crate) last_at: Option<Timestamp>,
    /// Why the last turn failed.
    pub(crate) last_error: Option<String>,
}

impl Running {
    /// The record of a loop that begins now. `interval`: seconds between two turns; 0 if it waits for
    /// messages.
    pub(crate) fn begins(interval: u32) -> Self {
        Self {
            pid: std::process::id(),
            interval,
            started_at: clock::now(),
            ends_at: None,
            last_at: None,
            last_error: None,
        }
    }
}

/// The record and the lock of a running loop. Dropping it releases the lock.
#[derive(Debug)]
pub(crate) struct Place {
    state: State,
    record: PathBuf,
    lock: PathBuf,
    /// Open and locked while the loop runs.
    _held: Lock,
}

impl State {
    /// Registers a loop in the folder of a session or an address. Refused if a loop of this kind is
    /// running there.
    pub(crate) fn begin_loop(&self, folder: &Path, kind: Loop, record: &Running) -> Result<Place> {
        // Keeps `poll-status` from holding the loop's lock at this moment.
        let guard = self.lock()?;
        self.create_dir(folder)?;
        let (lock, path) = self.files_of(folder, kind);
        let held = match lock::try_now(&lock)? {
            Taken::Yes(held) => Some(held),
            // Where there are no locks, the record of a living process takes their place.
            Taken::Unsupported(held) => {
                Some(held).filter(|_| !read_record(&path).is_some_and(|record| lives(&record)))
            }
            Taken::Held => None,
        };
        let held = held.ok_or_else(|| {
            let message = format!(
                "`nexus {}` is already running for this. `nexus poll-status` shows which loops run.",
                kind.name()
            );
            Failure::own(Kind::AlreadyRunning, message)
        })?;
        drop(guard);
        let place = Place { state: self.clone(), record: path, lock, _held: held };
        place.update(record)?;
        Ok(place)
    }

    /// The loop of this kind that is running for the session.
    pub(crate) fn running(&self, session: &SessionId, kind: Loop) -> Result<Option<Running>> {
        // Without permission to write, no loop can run here that this check could disturb.
        let _guard = self.lock().ok();
        let (lock, path) = self.files_of(&self.session_dir(session), kind);
        let is_held = lock::is_held(&lock);
        if is_held == Some(false) {
            return Ok(None);
        }
        let text = read(&path)?.unwrap_or_default();
        let record: Option<Running> = serde_json::from_str(&text).ok();
        Ok(record.filter(|record| is_held == Some(true) || lives(record)))
    }

    /// The lock and the record of a loop. Each reader may have one.
    fn files_of(&self, folder: &Path, kind: Loop) -> (PathBuf, PathBuf) {
        let name = self.reader.own(kind.name());
        (folder.join(format!(".{name}.lock")), folder.join(format!("{name}.json")))
    }
}

fn read_record(path: &Path) -> Option<Running> {
    let text = read(path).ok().flatten()?;
    serde_json::from_str(&text).ok()
}

/// Whether the process of a record still exists.
#[cfg(unix)]
fn lives(record: &Running) -> bool {
    let pid = i32::try_from(record.pid).map(nix::unistd::Pid::from_raw);
    pid.is_ok_and(|pid| nix::sys::signal::kill(pid, None).is_ok())
}

/// Other systems have locks.
#[cfg(not(unix))]
fn lives(_: &Running) -> bool {
    false
}

impl Place {
    /// Updates the record.
    pub(crate) fn update(&self, record: &Running) -> Result<()> {
        let text = serde_json::to_string(record).unwrap_or_default();
        self.state.replace(&self.state.lock()?, &self.record, &format!("{text}\n"))
    }

    /// Removes the record. If that fails it does no harm, because the lock is released.
    pub(crate) fn end(self) {
        let _guard = self.state.lock().ok();
        let _ = fs::remove_file(&self.record);
        let _ = fs::remove_file(&self.lock);
    }
}
