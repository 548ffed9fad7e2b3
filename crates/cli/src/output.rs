//! The contract with callers of the client: stdout is one JSON value, and stderr is for people. The exit
//! code is 0 for success, 1 for a failure, and 2 if a wait ended without a message.

use crate::{
    error::{Failure, Result},
    http::Repeat,
    json::Json,
    mailbox::Ack,
    state::NewCursor,
};
use std::io::{self, Write};

/// Prints a line for people on stderr.
macro_rules! tell {
    ($($arg:tt)*) => { crate::output::line_to_stderr(&format!($($arg)*)) };
}
pub(crate) use tell;

/// Writes a line to stderr. Keys are removed, because a quoted text may contain one. It does not matter
/// whether stderr is open.
pub(crate) fn line_to_stderr(line: &str) {
    let _ = writeln!(io::stderr(), "{}", without_keys(line));
}

/// The text with `[key]` in place of each session key and each generated secret of an address.
fn without_keys(text: &str) -> String {
    ["nxk_", "nxs_"].iter().fold(text.to_owned(), |text, mark| without(&text, mark))
}

fn without(text: &str, mark: &str) -> String {
    let mut parts = text.split(mark);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shown, part| {
        let of_key = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        format!("{shown}[key]{}", part.trim_start_matches(of_key))
    })
}

/// The exit code of a wait that timed out.
pub(crate) const NOTHING_CAME: u8 = 2;

/// How the result of a command is printed.
#[derive(Debug)]
pub(crate) enum Printed {
    /// As JSON.
    Json,
    /// As this text, on a terminal.
    Table(String),
    /// Not at all: the command has already printed the bytes of a file.
    Already,
}

/// The result of a command, which is still to be printed.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) json: Json,
    /// How it is printed.
    pub(crate) printed: Printed,
    /// Cursors that are saved after the value was printed, and only then.
    pub(crate) cursors: Vec<NewCursor>,
    /// An acknowledgement that is sent to our mailbox after that.
    pub(crate) ack: Option<Ack>,
    /// The exit code.
    pub(crate) code: u8,
}

impl From<Json> for Done {
    fn from(json: Json) -> Self {
        Self { json, printed: Printed::Json, cursors: Vec::new(), ack: None, code: 0 }
    }
}

/// Prints the value as one line, then saves the cursors and acknowledges.
pub(crate) fn deliver(done: Done) -> Result<()> {
    match &done.printed {
        Printed::Json => print(&done.json),
        Printed::Table(table) => line(table),
        Printed::Already => Ok(()),
    }
    .map_err(Failure::Output)?;
    for cursor in done.cursors {
        cursor.save()?;
    }
    done.ack.map_or(Ok(()), |ack| ack.send(Repeat::Always))
}

/// Prints one value on one line.
pub(crate) fn print(json: &Json) -> io::Result<()> {
    line(json.as_str())
}

fn line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
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
    fn keys_are_left_out() {
        assert_eq!(without_keys("a nxk_A-b_9 \"nxk_x\" nxk_"), "a [key] \"[key]\" [key]");
        assert_eq!(without_keys("nxs_x nxk_y"), "[key] [key]");
        assert_eq!(without_keys("nothing"), "nothing");
    }

    #[test]
    fn what_is_shown_controls_no_terminal() {
        assert_eq!(printable(" a\u{1b}[31m\nb", 7), "a [31m");
    }
}
