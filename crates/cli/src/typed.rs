//! What a person types or pastes at a prompt. A terminal hands it over line by line, and keeps what nobody reads for
//! the next program: the shell, which would run it. So all that has come is read, or dropped, before we go on.

use std::io;

/// The most bytes of one answer.
const LONGEST: usize = 256 * 1024;

/// Reads one line.
pub(crate) fn line() -> io::Result<String> {
    text(|_| true)
}

/// Reads lines until this is enough and nothing follows at once, or until an empty line that nothing follows, or the
/// end of the input.
pub(crate) fn text(is_enough: impl Fn(&str) -> bool) -> io::Result<String> {
    let _rest = Rest;
    let mut all = String::new();
    while all.len() < LONGEST {
        let before = all.len();
        let count = io::stdin().read_line(&mut all)?;
        let is_empty = all.get(before..).unwrap_or_default().trim().is_empty();
        if count == 0 || !follows() && (is_empty || is_enough(&all)) {
            break;
        }
    }
    Ok(all)
}

/// While this exists, somebody types. What is left when it ends is dropped.
#[derive(Debug)]
pub(crate) struct Rest;

impl Drop for Rest {
    fn drop(&mut self) {
        drop_rest();
    }
}

/// Whether more of what was pasted is there, or comes within a moment: over a network it comes in parts.
#[cfg(unix)]
fn follows() -> bool {
    use nix::poll::{PollFd, PollFlags, poll};
    use std::os::fd::AsFd;
    /// In milliseconds.
    const MOMENT: u8 = 200;
    let stdin = io::stdin();
    let mut watched = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let is_there = poll(&mut watched, MOMENT).is_ok_and(|count| count > 0);
    is_there && watched.iter().any(|found| found.revents() == Some(PollFlags::POLLIN))
}

#[cfg(unix)]
fn drop_rest() {
    use nix::sys::termios::{FlushArg, tcflush};
    // Fails if it is no terminal, and then nobody was asked.
    let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
}

/// Other systems do not say. The shell of Windows asks before it takes several lines.
#[cfg(not(unix))]
fn follows() -> bool {
    false
}

#[cfg(not(unix))]
fn drop_rest() {}
