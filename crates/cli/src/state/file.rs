//! The files of the state folder: read as text, replaced as a whole, and named in every failure.

use crate::error::{Failure, Kind, Result};
use std::{
    fs,
    io::{Error, ErrorKind, Write},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// The prefix of temporary files, which are renamed when they are complete.
pub(super) const TEMPORARY: &str = ".new-";

/// A complete temporary file next to its destination, so that only renaming it remains.
#[derive(Debug)]
pub(super) struct Prepared {
    file: NamedTempFile,
    path: PathBuf,
}

impl Prepared {
    /// Writes the temporary file. If the destination is a link, what it leads to is replaced, and the link
    /// stays.
    pub(super) fn new(path: &Path, bytes: &[u8]) -> Result<Self> {
        let path = destination(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!("{TEMPORARY}{name}-");
        let folder = path.parent().unwrap_or(&path);
        let written =
            tempfile::Builder::new().prefix(&prefix).tempfile_in(folder).and_then(|mut file| {
                file.write_all(bytes)?;
                match file.as_file().sync_all() {
                    // Some file systems cannot say when something is on the disk.
                    Err(error) if error.kind() == ErrorKind::Unsupported => Ok(file),
                    synced => synced.map(|()| file),
                }
            });
        let file = written.map_err(|error| unavailable("write to", folder, &error))?;
        Ok(Self { file, path })
    }

    /// Renames it to its destination.
    pub(super) fn commit(self) -> Result<()> {
        let Self { file, path } = self;
        file.persist(&path).map(drop).map_err(|error| unavailable("write", &path, &error.error))
    }
}

/// Where a link leads to, also if nothing is there yet. Any other path is itself.
fn destination(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    let target = fs::read_link(path).ok();
    let target = target.map(|target| path.parent().unwrap_or(path).join(target));
    target.unwrap_or_else(|| path.to_owned())
}

/// The text of a file. `None` if the file does not exist.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable("read", path, &error)),
    }
}

/// The one line of a file. `None` if the file does not exist or is empty.
pub(super) fn read_line(path: &Path) -> Result<Option<String>> {
    let text = read(path)?.unwrap_or_default();
    Ok(Some(text.trim().to_owned()).filter(|line| !line.is_empty()))
}

/// The names in a folder. None if the folder does not exist.
pub(super) fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unavailable("read", folder, &error)),
    };
    Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// Deletes a file. Returns whether there was one.
pub(super) fn delete(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unavailable("delete", path, &error)),
    }
}

/// Deletes a folder and all that is in it, if it exists.
pub(super) fn delete_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(unavailable("delete", path, &error))
        }
        _ => Ok(()),
    }
}

/// The failure when something cannot be done with a file or a folder, with what to do about it.
pub(super) fn unavailable(what: &str, path: &Path, error: &Error) -> Failure {
    let message = format!("Could not {what} {}: {error}. {}", path.display(), remedy(error));
    Failure::own(Kind::StateUnavailable, message)
}

fn remedy(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            "It belongs to another user, or its permissions are wrong: correct them (`ls -l` shows them), or set NEXUS_HOME to another folder."
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "Free some space, or set NEXUS_HOME to another folder."
        }
        ErrorKind::ReadOnlyFilesystem => "Set NEXUS_HOME to a folder that can be written.",
        ErrorKind::IsADirectory => "A folder is in the place of this file: move it away.",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "A file is in the place of a folder: move it away."
        }
        ErrorKind::InvalidData => "It is not text: mend or delete it.",
        _ => "Free some space, correct its permissions, or set NEXUS_HOME to another folder.",
    }
}
