//! Lines for people, on stderr.

use std::io::{self, Write};

/// Prints a line for people on stderr.
macro_rules! tell {
    ($($arg:tt)*) => { crate::stderr::line_to_stderr(&format!($($arg)*)) };
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
    fn shown_text_cannot_control_a_terminal() {
        assert_eq!(printable(" a\u{1b}[31m\nb", 7), "a [31m");
    }
}
