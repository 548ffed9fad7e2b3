//! Ctrl-C in a command that waits: it ends at once, with one JSON value, and nothing is marked as read.

use crate::{
    error::{Failure, Kind},
    output,
};
use std::sync::atomic::{AtomicBool, Ordering};

/// From now on, SIGINT and SIGTERM end the command with an error, unless its value is being printed. A second
/// signal ends it in any case.
pub(crate) fn watch() {
    let message = "It was interrupted before anything came. Nothing was marked as read.";
    watch_and(move || Failure::own(Kind::Interrupted, message));
}

/// The same, with the error that this function makes when the signal comes.
pub(crate) fn watch_and(failure: impl Fn() -> Failure + Send + 'static) {
    let asked = AtomicBool::new(false);
    // Where there are no signals, the system ends the process.
    let _ = ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::SeqCst) {
            std::process::exit(1);
        }
        output::end_with(&failure());
    });
}
