//! `{sessions,agents}/<ID>/told`: up to which message `nexus peek` has told that something waits. It is no cursor:
//! what was told is still unread.

use super::{
    State,
    file::read_line,
    lock::{self, Lock, Taken},
};
use crate::error::Result;
use nexus_protocol::Cursor;
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The name of the file.
pub(super) const TOLD: &str = "told";

/// How far was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    UpTo(Cursor),
    /// It has ended at this server, so nothing will ever wait there.
    Over(String),
}

/// The word that begins the line of [`Told::Over`].
const OVER: &str = "over ";

impl State {
    /// How far was told. `None` if nothing was, or if it cannot be read: then it is told once more.
    pub(crate) fn told(&self, folder: &Path) -> Option<Told> {
        let line = read_line(&self.told_in(folder)).ok().flatten()?;
        match line.strip_prefix(OVER) {
            Some(server) => Some(Told::Over(server.to_owned())),
            None => line.parse().ok().map(Told::UpTo),
        }
    }

    /// Stores how far was told. A folder that was deleted meanwhile is not made again.
    pub(crate) fn store_told(&self, folder: &Path, told: &Told) -> Result<()> {
        let lock = self.lock()?;
        if !folder.is_dir() {
            return Ok(());
        }
        let line = match told {
            Told::UpTo(cursor) => cursor.to_string(),
            Told::Over(server) => format!("{OVER}{server}"),
        };
        self.replace(&lock, &self.told_in(folder), &format!("{line}\n"))
    }

    /// Keeps others from telling the same at the same time. `None` if another process is at it.
    pub(crate) fn begin_telling(&self) -> Result<Option<Lock>> {
        let name = self.reader.own(".peek.lock");
        Ok(match lock::try_now(&self.root.join(name))? {
            Taken::Yes(lock) | Taken::Unsupported(lock) => Some(lock),
            Taken::Held => None,
        })
    }

    /// Whether anything was ever stored here.
    pub(crate) fn exists(&self) -> bool {
        self.root.is_dir()
    }

    /// When each of the files was replaced that say who we are there, and at which server.
    pub(crate) fn changed_at(folder: &Path) -> Vec<Option<SystemTime>> {
        let files = ["agent", "key", "secret", "server"];
        let time = |name| fs::metadata(folder.join(name)).and_then(|file| file.modified()).ok();
        files.into_iter().map(time).collect()
    }

    fn told_in(&self, folder: &Path) -> PathBuf {
        folder.join(self.reader.own(TOLD))
    }
}
