//! The state folder, `~/.config/messaging`. Scripts may read and write the same files.
//!
//! Promises:
//! - A file is replaced as a whole or not at all, even if the process is killed.
//! - Every read that leads to a write happens under one lock, together with the write.
//! - Folders have mode 0700, and files 0600.
//! - Reading never needs the lock and never creates anything.
//! - A file that is damaged or cannot be read stops only the commands that need it, and is named.
//! - Each reader (`$NEXUS_READER`) has cursors of its own.

mod address;
mod beginning;
mod codes;
mod contacts;
mod file;
mod foreign;
mod lock;
mod process;
mod reader;
mod running;
mod secret;
mod session;
mod shared;
mod told;

pub(crate) use address::{Address, NewAddress, NewReadMark};
pub(crate) use beginning::IfRunning;
pub(crate) use contacts::{Contact, Reach};
pub(crate) use foreign::{read_foreign, replace_foreign};
pub(crate) use running::{Loop, Place, Running};
pub(crate) use session::{Membership, NewCursor};
pub(crate) use shared::{Aliases, Config};
pub(crate) use told::Told;

use crate::error::{Failure, Kind, Result};
use file::{Prepared, TEMPORARY, unavailable};
use lock::Lock;
use nexus_protocol::SessionId;
use reader::Reader;
use std::{
    env,
    fs::{self, DirBuilder},
    path::{Path, PathBuf},
};

/// The state folder. It is created when something is first stored.
#[derive(Clone, Debug)]
pub(crate) struct State {
    root: PathBuf,
    /// The home folder, which must exist. A missing one is a mistake and is not created.
    home: Option<PathBuf>,
    reader: Reader,
}

impl State {
    /// `$NEXUS_HOME`, `$XDG_CONFIG_HOME/messaging`, or `~/.config/messaging`. A profile is a folder in
    /// `profiles` there.
    pub(crate) fn locate(profile: Option<&str>) -> Result<Self> {
        let mut state = Self::locate_default(Reader::from_env()?)?;
        if let Some(name) = profile {
            state.root = state.root.join("profiles").join(name);
        }
        Ok(state)
    }

    fn locate_default(reader: Reader) -> Result<Self> {
        let own = env::var_os("NEXUS_HOME").map(PathBuf::from);
        if let Some(own) = own.filter(|path| !path.as_os_str().is_empty()) {
            let root =
                std::path::absolute(&own).map_err(|error| unavailable("use", &own, &error))?;
            return Ok(Self { root, home: None, reader });
        }
        let base = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        if let Some(base) = base.filter(|path| path.is_absolute()) {
            return Ok(Self { root: base.join("messaging"), home: None, reader });
        }
        let home = env::home_dir().filter(|home| home.is_absolute()).ok_or_else(|| {
            Failure::own(
                Kind::StateUnavailable,
                "Set HOME or NEXUS_HOME to a folder in which sessions and keys can be kept.",
            )
        })?;
        Ok(Self { root: home.join(".config/messaging"), home: Some(home), reader })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of one session.
    pub(crate) fn session_dir(&self, session: &SessionId) -> PathBuf {
        self.root.join("sessions").join(session.as_str())
    }

    /// Every session that has stored state, in the order of their ids.
    pub(crate) fn sessions(&self) -> Result<Vec<SessionId>> {
        let names = file::names(&self.root.join("sessions"))?;
        let mut sessions: Vec<SessionId> =
            names.iter().filter_map(|name| name.parse().ok()).collect();
        sessions.sort();
        Ok(sessions)
    }

    /// Checks that a response can be stored, before a request whose response must not be lost: there is a
    /// folder, permission to write, and free space.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.prepare(&self.root.join("sessions/check"), &[b' '; 512]).map(drop)
    }

    /// Takes the lock on the state folder, and waits for it if another process has it. Other processes that
    /// change state wait until it is dropped.
    pub(crate) fn lock(&self) -> Result<Lock> {
        self.create_dir(&self.root)?;
        lock::wait_for(&self.root.join(".lock"))
    }

    /// Replaces a file as a whole or not at all.
    fn replace(&self, _lock: &Lock, path: &Path, text: &str) -> Result<()> {
        self.prepare(path, text.as_bytes())?.commit()
    }

    /// Writes a complete temporary file, so that only renaming it remains.
    fn prepare(&self, path: &Path, bytes: &[u8]) -> Result<Prepared> {
        self.create_dir(path.parent().unwrap_or(path))?;
        Prepared::new(path, bytes)
    }

    fn create_dir(&self, folder: &Path) -> Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(home) = self.home.as_deref().filter(|home| !home.is_dir()) {
            let message = format!(
                "The home folder {} does not exist. Set HOME or NEXUS_HOME to a folder in which sessions and keys can be kept.",
                home.display()
            );
            return Err(Failure::own(Kind::StateUnavailable, message));
        }
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(folder).map_err(|error| unavailable("make", folder, &error))
    }

    /// Temporary files that a killed process left behind.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.root.clone(), self.root.join("sessions")];
        folders.extend(self.sessions().unwrap_or_default().iter().map(|id| self.session_dir(id)));
        folders.extend(self.agents().unwrap_or_default().iter().map(|id| self.agent_dir(id)));
        let entries =
            folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(TEMPORARY))
            .map(|entry| entry.path())
            .collect()
    }
}
