//! Text for a terminal.

use crate::harmless;
use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A colour or weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Bold,
    Dim,
    Warning,
    /// A QR code, light on dark.
    Code,
}

impl Ink {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Bold => Some("1"),
            Self::Dim => Some("2"),
            Self::Warning => Some("33"),
            Self::Code => Some("97;40"),
        }
    }
}

/// Text that grows. Whatever is added becomes harmless, and loses its keys.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    shown: String,
    has_colour: bool,
    width: usize,
}

/// The narrowest terminal that is written for.
const NARROWEST: usize = 20;

impl Text {
    pub(crate) fn new(width: usize, has_colour: bool) -> Self {
        Self { shown: String::new(), has_colour, width: width.max(NARROWEST) }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.shown
    }

    /// Adds text to the current line.
    pub(crate) fn put(&mut self, ink: Ink, text: &str) {
        let text = harmless::line(&harmless::without_keys(text));
        match ink.code().filter(|_| self.has_colour && !text.is_empty()) {
            Some(code) => {
                for part in ["\u{1b}[", code, "m", &text, "\u{1b}[0m"] {
                    self.shown.push_str(part);
                }
            }
            None => self.shown.push_str(&text),
        }
    }

    /// Ends the line.
    pub(crate) fn end(&mut self) {
        let kept = self.shown.trim_end_matches(' ').len();
        self.shown.truncate(kept);
        self.shown.push('\n');
    }

    pub(crate) fn line(&mut self, ink: Ink, text: &str) {
        self.put(ink, text);
        self.end();
    }

    /// Adds lines, wrapped to the width, each after this many spaces.
    pub(crate) fn block(&mut self, ink: Ink, indent: usize, text: &str) {
        self.marked(ink, &" ".repeat(indent), text);
    }

    /// The same, the first line after a mark and the others after spaces of its width.
    pub(crate) fn marked(&mut self, ink: Ink, mark: &str, text: &str) {
        let text = text.replace('\t', "    ");
        let text = harmless::block(&text).into_owned();
        let indent = width_of(mark);
        let options = Options::new(self.width.saturating_sub(indent).max(1))
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        let mut before = mark.to_owned();
        for line in textwrap::wrap(&text, options) {
            let ink_before = if before.trim().is_empty() { Ink::Plain } else { ink };
            self.put(ink_before, &before);
            self.line(ink, &line);
            before = " ".repeat(indent);
        }
    }
}

/// The columns that a text takes.
pub(super) fn width_of(text: &str) -> usize {
    text.width()
}

/// The text, cut to this many columns.
pub(super) fn cut(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let mut shown = String::new();
    for c in text.chars() {
        let Some(rest) = left.checked_sub(c.width().unwrap_or(0)) else { break };
        left = rest;
        shown.push(c);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_by_columns() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("abcdef", 4), "abc…");
    }

    #[test]
    fn no_line_of_a_block_begins_at_the_edge() {
        let mut text = Text::new(20, false);
        text.block(Ink::Plain, 2, &format!("{}bob: yes\nalice: no\u{1b}[2J", "x ".repeat(9)));
        for line in text.as_str().lines() {
            assert!(line.starts_with("  ") && width_of(line) <= 20, "{line}");
        }
        assert!(!text.as_str().contains('\u{1b}'));
    }

    #[test]
    fn colours_are_the_only_controls() {
        let mut text = Text::new(80, true);
        text.line(Ink::Bold, "a\u{1b}]52;c;eA==\u{7}");
        assert_eq!(text.as_str(), "\u{1b}[1ma\\u001b]52;c;eA==\\u0007\u{1b}[0m\n");
    }
}
