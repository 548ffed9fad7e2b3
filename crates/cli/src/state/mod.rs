//! The state folder, `~/.config/messaging`. Scripts may read and write the same files.
//!
//! Promises:
//! - A file is replaced as a whole or not at all, even if the process is killed.
//! - Every read that leads to a write happens under one lock, together with the write.
//! - Folders have mode 0700, and files 0600.
//! - Reading never needs the lock and never creates anything.

mod address;
mod codes;
mod contacts;
mod running;
mod session;
mod shared;

pub(crate) use address::{Address, NewAddress};
pub(crate) use contacts::{Contact, Reach};
pub(crate) use running::{Loop, Place, Running};
pub(crate) use session::{Membership, NewCursor};
pub(crate) use shared::{Aliases, Config};

use crate::error::{Failure, Kind, Result};
use nexus_protocol::SessionId;
use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// The prefix of temporary files, which are renamed when they are complete.
const TEMPORARY: &str = ".new-";

/// The state folder. It is created when something is first stored.
#[derive(Clone, Debug)]
pub(crate) struct State {
    root: PathBuf,
    /// The home folder, which must exist. A missing one is a mistake and is not created.
    home: Option<PathBuf>,
}

/// The lock on the state folder. Other processes that change state wait until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "open as long as the lock is held")] File);

impl State {
    /// `$NEXUS_HOME`, `$XDG_CONFIG_HOME/messaging`, or `~/.config/messaging`. A profile is a folder in
    /// `profiles` there.
    pub(crate) fn locate(profile: Option<&str>) -> Result<Self> {
        let state = Self::locate_default()?;
        let root = profile.map(|name| state.root.join("profiles").join(name));
        Ok(Self { root: root.unwrap_or_else(|| state.root.clone()), home: state.home })
    }

    fn locate_default() -> Result<Self> {
        let own = env::var_os("NEXUS_HOME").map(PathBuf::from);
        if let Some(own) = own.filter(|path| !path.as_os_str().is_empty()) {
            let root =
                std::path::absolute(&own).map_err(|error| unavailable("use", &own, &error))?;
            return Ok(Self { root, home: None });
        }
        let base = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        if let Some(base) = base.filter(|path| path.is_absolute()) {
            return Ok(Self { root: base.join("messaging"), home: None });
        }
        let home = env::home_dir().filter(|home| home.is_absolute()).ok_or_else(|| {
            Failure::own(
                Kind::StateUnavailable,
                "Set HOME or XDG_CONFIG_HOME to a folder in which sessions and keys can be kept.",
            )
        })?;
        Ok(Self { root: home.join(".config/messaging"), home: Some(home) })
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
        let folder = self.root.join("sessions");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unavailable("read", &folder, &error)),
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut sessions: Vec<SessionId> = names.filter_map(|name| name.parse().ok()).collect();
        sessions.sort();
        Ok(sessions)
    }

    /// Checks that a response can be stored, before a request whose response must not be lost: there is a
    /// folder, permission to write, and free space.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.prepare(&self.root.join("sessions"), "check", &[b' '; 512]).map(drop)
    }

    /// Takes the lock, and waits for it if another process has it.
    pub(crate) fn lock(&self) -> Result<Lock> {
        self.create_dir(&self.root)?;
        let path = self.root.join(".lock");
        let file = open_private(&path).map_err(|error| unavailable("write", &path, &error))?;
        file.lock().map_err(|error| unavailable("lock", &path, &error))?;
        Ok(Lock(file))
    }

    /// Replaces a file as a whole or not at all.
    fn replace(&self, _lock: &Lock, path: &Path, text: &str) -> Result<()> {
        let (folder, name) = (path.parent().unwrap_or(path), path.file_name().unwrap_or_default());
        let file = self.prepare(folder, &name.to_string_lossy(), text.as_bytes())?;
        commit(file, path)
    }

    /// Writes a complete temporary file next to its destination, so that only renaming it remains.
    fn prepare(&self, folder: &Path, name: &str, bytes: &[u8]) -> Result<NamedTempFile> {
        self.create_dir(folder)?;
        let prefix = format!("{TEMPORARY}{name}-");
        let written =
            tempfile::Builder::new().prefix(&prefix).tempfile_in(folder).and_then(|mut file| {
                file.write_all(bytes)?;
                file.as_file().sync_all()?;
                Ok(file)
            });
        written.map_err(|error| unavailable("write to", folder, &error))
    }

    fn create_dir(&self, folder: &Path) -> Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(home) = self.home.as_deref().filter(|home| !home.is_dir()) {
            let message = format!(
                "The home folder {} does not exist. Set HOME or XDG_CONFIG_HOME to a folder in which sessions and keys can be kept.",
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

/// Opens a file that only its owner can read, and creates it if it is missing.
pub(crate) fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Renames a prepared file to its destination.
fn commit(file: NamedTempFile, path: &Path) -> Result<()> {
    file.persist(path).map(drop).map_err(|error| unavailable("write", path, &error.error))
}

/// The text of a file. `None` if the file does not exist.
fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable("read", path, &error)),
    }
}

fn unavailable(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    let message = format!(
        "Could not {what} {}: {error}. Free some space, correct its permissions, or set XDG_CONFIG_HOME to another folder.",
        path.display()
    );
    Failure::own(Kind::StateUnavailable, message)
}
