//! The contract with whoever runs the client: stdout is one JSON value, stderr is for people, the exit
//! code is 0 or 1, or 2 where nothing went wrong but nothing came either.

use crate::{
    error::{Failure, Result},
    http::Repeat,
    json::Json,
    mailbox::Ack,
    state::NewCursor,
};
use std::io::{self, Write};

/// A line for people.
macro_rules! tell {
    ($($arg:tt)*) => { crate::output::line_to_stderr(&format!($($arg)*)) };
}
pub(crate) use tell;

/// Writes a line to stderr, without any key that something quoted may hold. That nobody reads it is no
/// failure.
pub(crate) fn line_to_stderr(line: &str) {
    let _ = writeln!(io::stderr(), "{}", without_keys(line));
}

/// The text with `[key]` for each session key, and each secret that a relay or we have made.
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

/// The exit code of a wait whose time ran out.
pub(crate) const NOTHING_CAME: u8 = 2;

/// How what a command leaves is printed.
#[derive(Debug)]
pub(crate) enum Printed {
    /// As JSON.
    Json,
    /// As this, for a terminal.
    Table(String),
    /// The command did it: bytes of a file.
    Already,
}

/// What a command leaves to be printed.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) json: Json,
    /// How it is printed.
    pub(crate) printed: Printed,
    /// Cursors that move once the value is printed, and not if it could not be.
    pub(crate) cursors: Vec<NewCursor>,
    /// What the inbox of an address is told then: that it was read.
    pub(crate) ack: Option<Ack>,
    /// The exit code.
    pub(crate) code: u8,
}

impl From<Json> for Done {
    fn from(json: Json) -> Self {
        Self { json, printed: Printed::Json, cursors: Vec::new(), ack: None, code: 0 }
    }
}

/// Prints the value as one line, then moves the cursors and acknowledges.
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

/// Text that came from elsewhere, made safe for a terminal: at most `limit` characters, none of which
/// controls anything.
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
