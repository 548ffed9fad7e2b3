//! Answers that are too long for one message: how they are divided.

use unicode_normalization::char::is_combining_mark;

/// Divides a text into parts of at most `limit` bytes: between two paragraphs, or else lines, or words, or
/// characters. Only white space at the borders is lost.
pub(super) fn parts(text: &str, limit: usize) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while rest.len() > limit {
        let (part, after) = rest.split_at(border(rest, limit));
        parts.push(part.trim_end());
        rest = after.trim_start_matches(['\r', '\n']);
    }
    parts.push(rest);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// The place of the best border in a text that is longer than `limit`: the last one of its kind, if that does not
/// leave the part less than half full. Never 0.
fn border(text: &str, limit: usize) -> usize {
    let end = character(text, limit);
    let window = text.get(..end).unwrap_or_default();
    let is_late = |place: &usize| *place >= limit.div_ceil(2);
    let after = |place: usize, length: usize| place.saturating_add(length);
    let paragraph = window.rfind("\n\n").map(|place| after(place, 2));
    let line = window.rfind('\n').map(|place| after(place, 1));
    let word = window.char_indices().rev().find(|(_, c)| c.is_whitespace());
    let word = word.map(|(place, c)| after(place, c.len_utf8()));
    paragraph.filter(is_late).or(line.filter(is_late)).or(word.filter(is_late)).unwrap_or(end)
}

/// The end of the last whole character within `limit` bytes, with the marks and joiners that belong to it. A text
/// of marks alone is divided between two of them.
fn character(text: &str, limit: usize) -> usize {
    let ends = |end: &usize| text.is_char_boundary(*end);
    let last = (1..=limit).rev().find(ends);
    let whole = (limit.div_ceil(2)..=limit).rev().filter(ends).find(|end| {
        let (before, after) = text.split_at(*end);
        let belongs = |c: char| is_combining_mark(c) || is_joiner(c);
        !after.starts_with(belongs) && !before.ends_with(is_joiner)
    });
    // The first character may be longer than the limit.
    whole.or(last).unwrap_or_else(|| text.chars().next().map_or(text.len(), char::len_utf8))
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_border_is_the_best_one_there_is() {
        assert_eq!(parts("short", 10), ["short"]);
        assert_eq!(parts("aaa bbb\n\nccc\nddd eee", 12), ["aaa bbb", "ccc\nddd eee"]);
        assert_eq!(parts("aaa bbb ccc\n  ddd eee", 14), ["aaa bbb ccc", "  ddd eee"]);
        assert_eq!(parts("aaaa bbbb cccc dddd", 10), ["aaaa bbbb", "cccc dddd"]);
        assert_eq!(parts("aaaaaaaaaa", 4), ["aaaa", "aaaa", "aa"]);
        assert_eq!(parts("a\n\nbbbbbbbbbbbb", 10), ["a\n\nbbbbbbb", "bbbbb"], "too early");
    }

    #[test]
    fn characters_stay_whole() {
        assert_eq!(parts("ééééé", 5), ["éé", "éé", "é"]);
        assert_eq!(parts("xxe\u{301}e\u{301}", 6), ["xxe\u{301}", "e\u{301}"]);
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(parts(&format!("xxxxxxxxxxxxxxxx{family}"), 25), ["xxxxxxxxxxxxxxxx", family]);
        assert_eq!(parts("😀😀", 1), ["😀", "😀"], "longer than the limit");
    }

    proptest! {
        #[test]
        fn nothing_but_white_space_is_lost(text in "[a-zé😀\u{301}\u{200d} \n]{0,200}", limit in 8_usize..60) {
            let parts = parts(&text, limit);
            prop_assert!(parts.iter().all(|part| part.len() <= limit));
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&parts.concat()), bare(&text));
        }
    }
}
