//! Labels: the words that capabilities and tags are made of.

use std::ops::RangeInclusive;

/// What a label must be.
pub(crate) const LABEL: &str = "must be 1 to 64 characters, no comma or control character";

/// Whether a text has the form of a capability or a tag.
pub(crate) fn is_label(word: &str) -> bool {
    !word.contains(',') && is_plain(word, 1..=64)
}

/// Whether a text has such a length, in characters, and no control characters.
pub(crate) fn is_plain(text: &str, length: RangeInclusive<usize>) -> bool {
    length.contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
