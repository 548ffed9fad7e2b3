//! `sessions/<ID>/{poll-daemon,heartbeat,listen,short,work}.json` and `agents/<ID>/{listen,short}.json`: the loops of a
//! session or an address. Each record has a lock file next to it. A loop runs if its lock is held: a killed
//! process leaves the record behind, but not the lock.

use super::{
    State,
    file::read,
    lock::{self, Lock, Taken},
    process,
};
use crate::{clock, error::Result};
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
    /// `listen --short`, which reads nothing away and runs beside any other.
    Short,
    Work,
}

impl Loop {
    /// The name of its command.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PollDaemon => "poll-daemon",
            Self::Heartbeat => "heartbeat",
            Self::Listen => "listen",
            Self::Short => "short",
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

/// A record as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(flatten)]
    pub(super) record: Running,
    /// The identity of its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) process: Option<String>,
}

impl Stored {
    fn of(record: &Running) -> Self {
        Self { record: record.clone(), process: process::identity(record.pid) }
    }

    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = read(path).ok().flatten()?;
        serde_json::from_str(&text).ok()
    }

    pub(super) fn lives(&self) -> bool {
        process::lives(self.record.pid, self.process.as_deref())
    }

    /// Who it is, for people.
    pub(super) fn name(&self) -> String {
        format!("process {}, since {}", self.record.pid, self.record.started_at)
    }
}

/// The outcome of a try to begin.
pub(super) enum Begun {
    /// It has begun. An earlier loop left this record behind.
    Yes(Place, Option<Stored>),
    /// Another loop runs. It may not have said yet who it is.
    Held(Option<Stored>),
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
    /// Tries to register a loop.
    pub(super) fn try_begin(&self, folder: &Path, kind: Loop, record: &Running) -> Result<Begun> {
        // Keeps `poll-status` from holding the loop's lock at this moment. And nobody sees the lock without the
        // record of the loop that holds it.
        let guard = self.lock()?;
        self.create_dir(folder)?;
        let (lock, path) = self.files_of(folder, kind);
        let before = Stored::read(&path);
        let held = match lock::try_now(&lock)? {
            Taken::Yes(held) => Some(held),
            // Where there are no locks, the record of a living process takes their place.
            Taken::Unsupported(held) => {
                Some(held).filter(|_| !before.as_ref().is_some_and(Stored::lives))
            }
            Taken::Held => None,
        };
        let Some(held) = held else { return Ok(Begun::Held(before)) };
        let place = Place { state: self.clone(), record: path, lock, _held: held };
        place.write(&guard, record)?;
        Ok(Begun::Yes(place, before))
    }

    /// Registers a loop that waits without a word while another of its kind runs: then there is no place.
    pub(crate) fn begin_quietly(&self, folder: &Path, kind: Loop) -> Result<Option<Place>> {
        Ok(match self.try_begin(folder, kind, &Running::begins(0))? {
            Begun::Yes(place, _) => Some(place),
            Begun::Held(_) => None,
        })
    }

    /// The loop of this kind that is running for the session.
    pub(crate) fn running(&self, session: &SessionId, kind: Loop) -> Result<Option<Running>> {
        self.running_in(&self.session_dir(session), kind)
    }

    /// The same for the folder of a session or an address.
    pub(crate) fn running_in(&self, folder: &Path, kind: Loop) -> Result<Option<Running>> {
        // Without permission to write, no loop can run here that this check could disturb.
        let _guard = self.lock().ok();
        let (lock, path) = self.files_of(folder, kind);
        let is_held = lock::is_held(&lock);
        if is_held == Some(false) {
            return Ok(None);
        }
        read(&path)?;
        let stored = Stored::read(&path);
        let stored = stored.filter(|stored| is_held == Some(true) || stored.lives());
        Ok(stored.map(|stored| stored.record))
    }

    /// The lock and the record of a loop. Each reader may have one.
    fn files_of(&self, folder: &Path, kind: Loop) -> (PathBuf, PathBuf) {
        let name = self.reader.own(kind.name());
        (folder.join(format!(".{name}.lock")), folder.join(format!("{name}.json")))
    }
}

impl Place {
    /// Updates the record.
    pub(crate) fn update(&self, record: &Running) -> Result<()> {
        self.write(&self.state.lock()?, record)
    }

    fn write(&self, guard: &Lock, record: &Running) -> Result<()> {
        let text = serde_json::to_string(&Stored::of(record)).unwrap_or_default();
        self.state.replace(guard, &self.record, &format!("{text}\n"))
    }

    /// Removes the record. If that fails it does no harm, because the lock is released.
    pub(crate) fn end(self) {
        let _guard = self.state.lock().ok();
        let _ = fs::remove_file(&self.record);
        let _ = fs::remove_file(&self.lock);
    }
}
