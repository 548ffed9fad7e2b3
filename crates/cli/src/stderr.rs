//! Lines for people, on stderr.

use crate::{harmless, people::Text};
use std::{
    io::{self, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Whether nothing is told.
static IS_SILENT: AtomicBool = AtomicBool::new(false);

/// Tells nothing from now on: a shell that waits for proposals shows what is told amid the line.
pub(crate) fn be_silent() {
    IS_SILENT.store(true, Ordering::Relaxed);
}

/// Prints a line for people on stderr.
macro_rules! tell {
    ($($arg:tt)*) => { crate::stderr::line_to_stderr(&format!($($arg)*)) };
}
pub(crate) use tell;

/// Where lines go instead, while somebody types on the terminal.
static REDIRECTED: Mutex<Option<Redirected>> = Mutex::new(None);

type Redirected = Box<dyn Fn(&str) + Send>;

/// From now on, lines go there, which makes them harmless.
pub(crate) fn redirect(to: impl Fn(&str) + Send + 'static) {
    *REDIRECTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(to));
}

/// Lines go to stderr again.
pub(crate) fn restore() {
    *REDIRECTED.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Writes a line to stderr. Keys are removed and hazards are escaped, because a quoted text may contain
/// some. It does not matter whether stderr is open.
pub(crate) fn line_to_stderr(line: &str) {
    if IS_SILENT.load(Ordering::Relaxed) {
        return;
    }
    let line = harmless::without_keys(line);
    let redirected = REDIRECTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(redirected) = redirected.as_ref() {
        return redirected(&line);
    }
    let _ = writeln!(io::stderr(), "{}", harmless::block(&line));
}

/// Writes a text of several lines, with its colours.
pub(crate) fn text_to_stderr(text: &Text) {
    let _ = io::stderr().write_all(text.as_str().as_bytes());
}

/// Makes foreign text safe for a terminal: at most `limit` characters, and no control characters.
pub(crate) fn printable(text: &str, limit: usize) -> String {
    let shown = text.chars().take(limit);
    shown.map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_cannot_control_a_terminal() {
        assert_eq!(printable(" a\u{1b}[31m\nb", 7), "a [31m");
    }
}
