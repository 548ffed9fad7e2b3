//! Processes on this machine: whether one still exists, and asking one to end.

use std::{fs, io};

/// What tells a process from every other that had or will have its id: which start of the system it belongs to,
/// and when it began. `None` where the system does not say.
pub(super) fn identity(pid: u32) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of its program, in brackets, may contain anything.
    let mut rest = stat.rsplit_once(')')?.1.split_whitespace();
    let is_dead = matches!(rest.next(), Some("Z" | "X"));
    // The 22nd field of the line.
    let began = rest.nth(18).filter(|_| !is_dead)?;
    Some(format!("{}/{began}", boot.trim()))
}

/// Whether a process exists here. `known` is its identity, if that was recorded.
#[cfg(unix)]
pub(super) fn lives(pid: u32, known: Option<&str>) -> bool {
    let is_same = known.is_none() || known == identity(pid).as_deref();
    is_same
        && id(pid)
            .is_some_and(|id| nix::sys::signal::kill(id, None) != Err(nix::errno::Errno::ESRCH))
}

/// Asks a process to end, as Ctrl-C would.
#[cfg(unix)]
pub(super) fn ask_to_end(pid: u32) -> io::Result<()> {
    let id = id(pid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM)?)
}

/// The id of one process. 0 and 1 are none: they would mean many.
#[cfg(unix)]
fn id(pid: u32) -> Option<nix::unistd::Pid> {
    i32::try_from(pid).ok().filter(|pid| *pid > 1).map(nix::unistd::Pid::from_raw)
}

/// Other systems have locks.
#[cfg(not(unix))]
pub(super) fn lives(_: u32, _: Option<&str>) -> bool {
    false
}

#[cfg(not(unix))]
pub(super) fn ask_to_end(_: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::{Command, id as own_id};

    #[test]
    fn a_process_is_told_from_others_that_had_its_id() {
        let me = identity(own_id());
        assert_eq!(me, identity(own_id()));
        assert!(lives(own_id(), me.as_deref()) && lives(own_id(), None));
        if let Some(me) = me {
            let (boot, began) = me.split_once('/').unwrap();
            assert!(
                !lives(own_id(), Some(&format!("another/{began}"))),
                "another start of the system"
            );
            assert!(!lives(own_id(), Some(&format!("{boot}/1"))), "another process");
        }
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(!lives(child.id(), None));
        assert!(!lives(0, None) && !lives(u32::MAX, None));
    }
}
