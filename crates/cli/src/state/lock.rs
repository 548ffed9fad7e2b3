//! Locks. Some systems and file systems have none, such as Android and some network shares. The client then
//! goes on without them, and says so.

use super::file::unavailable;
use crate::{error::Result, stderr::tell};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Error, ErrorKind},
    path::Path,
    sync::Once,
};

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "open as long as the lock is held")] File);

/// Whether a lock was taken.
#[derive(Debug)]
pub(super) enum Taken {
    Yes(Lock),
    /// Another process holds it.
    Held,
    /// There are no locks here. The file stays open.
    Unsupported(Lock),
}

/// Takes the lock of a file, and waits for it if another process has it.
pub(super) fn wait_for(path: &Path) -> Result<Lock> {
    let file = open(path)?;
    match file.lock() {
        Err(error) if is_unsupported(&error) => tell_once(path, &error),
        locked => locked.map_err(|error| unavailable("lock", path, &error))?,
    }
    Ok(Lock(file))
}

/// Takes the lock of a file if no other process has it.
pub(super) fn try_now(path: &Path) -> Result<Taken> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Taken::Yes(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(Taken::Held),
        Err(TryLockError::Error(error)) if is_unsupported(&error) => {
            Ok(Taken::Unsupported(Lock(file)))
        }
        Err(TryLockError::Error(error)) => Err(unavailable("lock", path, &error)),
    }
}

/// Whether another process holds the lock of a file. `None` if there are no locks here.
pub(super) fn is_held(path: &Path) -> Option<bool> {
    let Ok(file) = File::open(path) else { return Some(false) };
    match file.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// Opens a file that only its owner can read, and creates it if it is missing.
fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| unavailable("write", path, &error))
}

/// Whether a failure means that there are no locks here at all.
fn is_unsupported(error: &Error) -> bool {
    #[cfg(unix)]
    let has_none = error.raw_os_error() == Some(nix::errno::Errno::ENOLCK as i32);
    #[cfg(not(unix))]
    let has_none = false;
    has_none || error.kind() == ErrorKind::Unsupported
}

fn tell_once(path: &Path, error: &Error) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tell!(
            "note: there are no locks at {} ({error}); run only one nexus at a time there",
            path.display()
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_locks_is_recognised() {
        assert!(is_unsupported(&ErrorKind::Unsupported.into()));
        #[cfg(unix)]
        for number in [nix::errno::Errno::ENOLCK, nix::errno::Errno::EOPNOTSUPP] {
            assert!(is_unsupported(&Error::from_raw_os_error(number as i32)), "{number}");
        }
        for kind in [ErrorKind::PermissionDenied, ErrorKind::WouldBlock, ErrorKind::StorageFull] {
            assert!(!is_unsupported(&kind.into()), "{kind}");
        }
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(is_held(&path), Some(false));
        let held = wait_for(&path).unwrap();
        assert!(matches!(try_now(&path).unwrap(), Taken::Held));
        assert_eq!(is_held(&path), Some(true));
        drop(held);
        assert!(matches!(try_now(&path).unwrap(), Taken::Yes(_)));
    }
}
