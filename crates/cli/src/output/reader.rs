//! Whether somebody reads standard output.

#[cfg(unix)]
use std::io;

/// Whether this process was started with stdout closed. Rust then opens the null device for reading and
/// writing in its place.
#[cfg(unix)]
pub(super) fn is_closed() -> bool {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use std::os::unix::fs::MetadataExt;
    let flags = fcntl(io::stdout(), FcntlArg::F_GETFL).map(OFlag::from_bits_truncate);
    let is_both = flags.is_ok_and(|flags| flags & OFlag::O_ACCMODE == OFlag::O_RDWR);
    let null = std::fs::metadata("/dev/null").map(|null| null.rdev());
    let stdout = nix::sys::stat::fstat(io::stdout()).ok();
    let is_null = null.is_ok_and(|null| stdout.is_some_and(|stdout| stdout.st_rdev == null));
    is_both && is_null
}

#[cfg(not(unix))]
pub(super) fn is_closed() -> bool {
    false
}

/// Waits until nobody reads stdout any more, because the program at the other end of the pipe has ended. Returns
/// never if it is no pipe.
#[cfg(unix)]
pub(crate) fn until_nobody_reads() {
    use nix::{
        errno::Errno,
        poll::{PollFd, PollFlags, PollTimeout, poll},
    };
    use std::os::fd::AsFd;
    let stdout = io::stdout();
    let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    while poll(&mut watched, PollTimeout::NONE) == Err(Errno::EINTR) {}
    if !watched.iter().any(|found| found.revents().is_some_and(is_unread)) {
        for_ever();
    }
}

/// Whether what was found about stdout means that nobody reads it. Some systems cannot watch every file.
#[cfg(unix)]
fn is_unread(found: nix::poll::PollFlags) -> bool {
    use nix::poll::PollFlags;
    found.intersects(PollFlags::POLLHUP | PollFlags::POLLERR)
}

#[cfg(not(unix))]
pub(crate) fn until_nobody_reads() {
    for_ever();
}

fn for_ever() {
    loop {
        std::thread::park();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use nix::poll::PollFlags;

    #[test]
    fn only_a_reader_that_has_gone_counts() {
        for gone in
            [PollFlags::POLLHUP, PollFlags::POLLERR, PollFlags::POLLERR | PollFlags::POLLOUT]
        {
            assert!(is_unread(gone), "{gone:?}");
        }
        // macOS says the first of `/dev/null`.
        for not in [PollFlags::POLLNVAL, PollFlags::POLLOUT, PollFlags::empty()] {
            assert!(!is_unread(not), "{not:?}");
        }
    }
}
