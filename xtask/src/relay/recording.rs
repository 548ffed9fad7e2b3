//! What a relay leaves behind, for those who search it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::RECORD_FOLDER;
use super::tap::Tap;

/// A relay that is recorded.
#[derive(Debug)]
pub(super) struct Recording {
    folder: PathBuf,
    tap: Tap,
}

impl Recording {
    /// Begins, if the environment asks for it.
    pub(super) fn begin(relay: u16) -> Result<Option<Self>> {
        let Some(all) = env::var_os(RECORD_FOLDER) else { return Ok(None) };
        let folder =
            tempfile::Builder::new().prefix("relay-").disable_cleanup(true).tempdir_in(all);
        let folder = folder.context("the folder for records cannot be written to")?.keep();
        Ok(Some(Self { folder, tap: Tap::start(relay)? }))
    }

    /// Where the relay can be reached.
    pub(super) fn port(&self) -> u16 {
        self.tap.port()
    }

    /// Keeps everything of a relay that was killed.
    ///
    /// # Panics
    /// If that is not possible: what is missing would not be searched.
    pub(super) fn keep(&self, state: &Path, log: &str) {
        let kept = self.try_keep(state, log);
        assert!(kept.is_ok() || std::thread::panicking(), "a relay is not recorded: {kept:?}");
    }

    fn try_keep(&self, state: &Path, log: &str) -> Result<()> {
        copy(state, &self.folder.join("data"))?;
        fs::write(self.folder.join("log"), log)?;
        let sent = self.folder.join("sent");
        fs::create_dir(&sent)?;
        for (at, bytes) in self.tap.sent().iter().enumerate() {
            fs::write(sent.join(at.to_string()), bytes)?;
        }
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
