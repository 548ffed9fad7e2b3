//! `sessions/<ID>/{poll-daemon,heartbeat,listen,work}.json`: which loops run for a session, and
//! `agents/<ID>/listen.json` for an address. Beside each lies the lock
//! that its process holds, which is what says whether it runs: a process that was killed leaves the
//! record behind, but not the lock.

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
    /// The command that runs it.
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
    /// Its process.
    pub(crate) pid: u32,
    /// Seconds between two turns; 0 for what waits to be told.
    pub(crate) interval: u32,
    pub(crate) started_at: Timestamp,
    pub(crate) ends_at: Option<Timestamp>,
    /// When it took its last turn.
    pub(crate) last_at: Option<Timestamp>,
    /// Why that failed.
    pub(crate) last_error: Option<String>,
}

impl Running {
    /// The record of a loop that begins now and takes a turn every so many seconds; 0: it waits to be told.
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

/// The place of a loop that runs; the lock goes with it.
#[derive(Debug)]
pub(crate) struct Place {
    state: State,
    record: PathBuf,
    lock: PathBuf,
    /// Open, and locked, as long as the loop runs.
    _held: File,
}

impl State {
    /// Takes the place of a loop in the folder of a session or address. Refused if one of this kind runs
    /// for it.
    pub(crate) fn begin_loop(&self, folder: &Path, kind: Loop, record: &Running) -> Result<Place> {
        // So that nobody who only looks holds the loop's lock meanwhile.
        let guard = self.lock()?;
        self.create_dir(folder)?;
        let lock = folder.join(format!(".{}.lock", kind.name()));
        let held = open_private(&lock).map_err(|error| unavailable("write", &lock, &error))?;
        held.try_lock().map_err(|_| {
            let message = format!(
                "`nexus {}` runs for this already; `nexus poll-status` shows what runs for sessions.",
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

    /// The loop of this kind that runs for the session now.
    pub(crate) fn running(&self, session: &SessionId, kind: Loop) -> Result<Option<Running>> {
        // Without the right to write there is nobody whom looking could disturb.
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
    /// Writes what is to be known of the loop.
    pub(crate) fn update(&self, record: &Running) -> Result<()> {
        let text = serde_json::to_string(record).unwrap_or_default();
        self.state.replace(&self.state.lock()?, &self.record, &format!("{text}\n"))
    }

    /// Removes the record. What cannot be removed does no harm: the lock is free.
    pub(crate) fn end(self) {
        let _guard = self.state.lock().ok();
        let _ = fs::remove_file(&self.record);
        let _ = fs::remove_file(&self.lock);
    }
}
