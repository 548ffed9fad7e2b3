//! `sessions/<ID>/{poll-daemon,heartbeat,listen,work}.json` and `agents/<ID>/listen.json`: the loops of a
//! session or an address. Each record has a lock file next to it. A loop runs if its lock is held: a killed
//! process leaves the record behind, but not the lock.

use super::{State, open_private, read, unavailable};
use crate::{
    clock,
    error::{Failure, Kind, Result},
};
use nexus_protocol::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
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
    _held: File,
}

impl State {
    /// Registers a loop in the folder of a session or an address. Refused if a loop of this kind is
    /// running there.
    pub(crate) fn begin_loop(&self, folder: &Path, kind: Loop, record: &Running) -> Result<Place> {
        // Keeps `poll-status` from holding the loop's lock at this moment.
        let guard = self.lock()?;
        self.create_dir(folder)?;
        let lock = folder.join(format!(".{}.lock", kind.name()));
        let held = open_private(&lock).map_err(|error| unavailable("write", &lock, &error))?;
        held.try_lock().map_err(|_| {
            let message = format!(
                "`nexus {}` is already running for this. `nexus poll-status` shows which loops run.",
                kind.name()
            );
            Failure::own(Kind::AlreadyRunning, message)
        })?;
        let path = folder.join(format!("{}.json", kind.name()));
        drop(guard);
        let place = Place { state: self.clone(), record: path, lock, _held: held };
        place.update(record)?;
        Ok(place)
    }

    /// The loop of this kind that is running for the session.
    pub(crate) fn running(&self, session: &SessionId, kind: Loop) -> Result<Option<Running>> {
        // Without permission to write, no loop can run here that this check could disturb.
        let _guard = self.lock().ok();
        let folder = self.session_dir(session);
        let held = File::open(folder.join(format!(".{}.lock", kind.name())))
            .is_ok_and(|file| file.try_lock_shared().is_err());
        if !held {
            return Ok(None);
        }
        let text = read(&folder.join(format!("{}.json", kind.name())))?.unwrap_or_default();
        Ok(serde_json::from_str(&text).ok())
    }
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
