//! Where a value begins and ends: in quotes of any kind, in a file of settings, in an address, in prose.

use super::shape::{at, step};

/// The most bytes of a quoted value.
const LONGEST: usize = 8 * 1024;

/// A quote that was opened: how many backslashes stand before it, and what closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    depth: usize,
    marks: &'static [&'static [u8]],
}

/// Each quote: what opens it, and what closes it.
const QUOTES: [(&[u8], &[&[u8]]); 15] = [
    (b"\"\"\"", &[b"\"\"\""]),
    // Within single quotes of a shell.
    (b"'\\''", &[b"'\\''"]),
    (b"\"", &[b"\""]),
    (b"'", &[b"'"]),
    (b"`", &[b"`"]),
    (b"&quot;", &[b"&quot;"]),
    (b"&#34;", &[b"&#34;"]),
    (b"&#39;", &[b"&#39;"]),
    (b"&apos;", &[b"&apos;"]),
    (b"u0022", &[b"u0022"]),
    ("\u{201C}".as_bytes(), &["\u{201D}".as_bytes(), "\u{201C}".as_bytes()]),
    ("\u{201E}".as_bytes(), &["\u{201C}".as_bytes(), "\u{201D}".as_bytes()]),
    ("\u{2018}".as_bytes(), &["\u{2019}".as_bytes()]),
    ("\u{AB}".as_bytes(), &["\u{BB}".as_bytes()]),
    ("\u{300C}".as_bytes(), &["\u{300D}".as_bytes()]),
];

/// A value: where its bytes begin and end, and whether it stands in quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quoted: bool,
}

/// The quote that opens here, and where what is in it begins.
pub(super) fn opens(text: &[u8], here: usize) -> Option<(Quote, usize)> {
    let depth = text.get(here..)?.iter().take(8).take_while(|byte| **byte == b'\\').count();
    let rest = text.get(here.saturating_add(depth)..)?;
    if !matches!(rest.first()?, b'"' | b'\'' | b'`' | b'&' | b'u' | 0x80..) {
        return None;
    }
    let found = QUOTES.iter().find(|(open, _)| {
        step();
        rest.starts_with(open) && (depth > 0) >= (open.starts_with(b"u"))
    });
    let (open, marks) = found?;
    let start = here.saturating_add(depth).saturating_add(open.len());
    Some((Quote { depth, marks }, start))
}

/// The quote that opens right before `here`.
pub(super) fn opened_before(text: &[u8], here: usize) -> Option<Quote> {
    let before = text.get(here.saturating_sub(6)..here)?;
    let found = QUOTES.iter().skip(1).find(|(open, _)| {
        step();
        before.ends_with(open)
    });
    let (open, marks) = found?;
    let mark = here.saturating_sub(open.len());
    let slashes = text.get(mark.saturating_sub(8)..mark)?;
    let depth = slashes.iter().rev().take_while(|byte| **byte == b'\\').count();
    Some(Quote { depth, marks })
}

/// Where a quote that was opened before `start` closes, if it does on the same line.
pub(super) fn closes(text: &[u8], start: usize, quote: Quote) -> Option<usize> {
    let long = quote.marks.first().is_some_and(|mark| *mark == b"\"\"\"");
    let rest = text.get(start..)?;
    let rest = rest.get(..rest.len().min(LONGEST))?;
    let (mut slashes, mut place) = (0_usize, 0_usize);
    while let Some(byte) = rest.get(place) {
        step();
        let after = rest.get(place..).unwrap_or_default();
        if *byte == b'\n' && !long {
            return None;
        }
        if *byte == b'\\' {
            slashes = slashes.saturating_add(1);
        } else {
            if quote.marks.iter().any(|mark| after.starts_with(mark)) {
                let closed = if quote.depth == 0 {
                    slashes.is_multiple_of(2)
                } else {
                    slashes <= quote.depth
                };
                if closed {
                    let slashes = if quote.depth == 0 { 0 } else { slashes };
                    return Some(start.saturating_add(place).saturating_sub(slashes));
                }
            }
            slashes = 0;
        }
        place = place.saturating_add(1);
    }
    None
}

/// Where the next line begins, if one ends here: as it is, or written as an escape.
pub(super) fn line(text: &[u8], here: usize) -> Option<usize> {
    let mark = |here: usize, plain: u8, letter: u8| {
        let slashes = text.get(here..)?.iter().take(8).take_while(|byte| **byte == b'\\').count();
        let at = at(text, here.saturating_add(slashes));
        let is_one = at == plain || slashes > 0 && at == letter;
        is_one.then(|| here.saturating_add(slashes).saturating_add(1))
    };
    let carriage = mark(here, b'\r', b'r').unwrap_or(here);
    mark(carriage, b'\n', b'n')
}

/// Where the next item of a list of YAML begins, if a line ends here, or after a quote.
pub(super) fn next_item(text: &[u8], here: usize) -> Option<usize> {
    let quote = usize::from(matches!(at(text, here), b'"' | b'\''));
    let line = line(text, here.saturating_add(quote))?;
    let indent = text.get(line..)?.iter().take(32).take_while(|byte| **byte == b' ').count();
    let item = line.saturating_add(indent);
    text.get(item..)?.starts_with(b"- ").then(|| item.saturating_add(2))
}

/// Where what follows a tab that is written as an escape begins: `\t`.
pub(super) fn tab(text: &[u8], here: usize) -> Option<usize> {
    let slashes = text.get(here..)?.iter().take(8).take_while(|byte| **byte == b'\\').count();
    let mark = here.saturating_add(slashes);
    (slashes > 0 && at(text, mark) == b't').then(|| mark.saturating_add(1))
}

/// The length of the code that colours what follows, if one stands here: as it is, or written as an escape.
pub(super) fn colour(text: &[u8], here: usize) -> usize {
    const WRITTEN: [&[u8]; 8] = [
        b"\x1b[",
        b"\\x1b[",
        b"\\x1B[",
        b"\\u001b[",
        b"\\u001B[",
        b"\\033[",
        b"\\e[",
        b"\\\\u001b[",
    ];
    if !matches!(at(text, here), 0x1B | b'\\') {
        return 0;
    }
    let rest = text.get(here..).unwrap_or_default();
    let Some(begin) = WRITTEN.iter().find(|begin| rest.starts_with(begin)) else { return 0 };
    let numbers = rest.iter().skip(begin.len()).take(20);
    let numbers =
        numbers.take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b'?')).count();
    let end = begin.len().saturating_add(numbers);
    if at(rest, end).is_ascii_alphabetic() { end.saturating_add(1) } else { 0 }
}

/// Whether a code that colours ends right before `here`, and where it begins.
pub(super) fn coloured_before(text: &[u8], here: usize) -> Option<usize> {
    if !matches!(at(text, here.wrapping_sub(1)), b'm' | b'K') {
        return None;
    }
    let from = here.saturating_sub(16);
    let before = text.get(from..here)?;
    let open = before.iter().rposition(|byte| *byte == b'[')?;
    let escape = before.get(..open)?.iter().rposition(|byte| matches!(byte, 0x1B | b'\\'))?;
    let mut begin = from.saturating_add(escape);
    if colour(text, begin) != here.saturating_sub(begin) {
        return None;
    }
    if at(text, begin.wrapping_sub(1)) == b'\\' {
        begin = begin.saturating_sub(1);
    }
    Some(begin)
}

/// How a value without quotes ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// At a space, or what separates it from the next thing.
    Plain,
    /// The same, and the names of other values have this sign behind them.
    Of(u8),
    /// At a space, or what ends a word of a command line.
    Word,
    /// At a space only: a line of a file of settings.
    Line,
    /// At the end of the line, unless another name follows: a line of a file of settings, or a form.
    Rest,
}

impl Manner {
    /// Its place in [`Ends`], if values that begin in another may end where that ends.
    const fn place(self) -> Option<usize> {
        match self {
            Self::Plain => Some(0),
            Self::Of(b'=') => Some(1),
            Self::Of(_) => Some(2),
            Self::Word => Some(3),
            Self::Line | Self::Rest => None,
        }
    }
}

/// Where values without quotes end: the last that was found in each manner, as it is the same for all that begin
/// in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends {
    last: [(usize, usize); 4],
    /// Where the last value ended, and how often one that ended there was asked for.
    asked: (usize, usize),
}

/// How many values may end at the same place. In a run without spaces, each name would begin one, and none that was
/// looked at was a secret.
const ENOUGH: usize = 16;

impl Ends {
    /// The value without quotes that begins here.
    pub(super) fn bare(&mut self, text: &[u8], start: usize, manner: Manner) -> Value {
        let Some(last) = manner.place().and_then(|place| self.last.get_mut(place)) else {
            return Value { start, end: run(text, start, manner), quoted: false };
        };
        if !(last.0..last.1).contains(&start) {
            *last = (start, run(text, start, manner));
        }
        let end = last.1;
        let count = if self.asked.0 == end { self.asked.1.saturating_add(1) } else { 0 };
        self.asked = (end, count);
        let end = if count < ENOUGH { trimmed(text, start, end) } else { start };
        Value { start, end, quoted: false }
    }
}

fn run(text: &[u8], start: usize, manner: Manner) -> usize {
    let mut here = start;
    while let Some(byte) = text.get(here) {
        step();
        let after = here.saturating_add(1);
        let next = at(text, after);
        let over = match byte {
            0..=b' ' | 0x7F => true,
            b'\\' if b"nrt".contains(&next) => true,
            _ if manner == Manner::Line => false,
            b'"' | b'`' => true,
            b'<' => is_tag(text, after),
            b'>' => next <= b' ' || b"<\"'".contains(&next),
            b'\'' => next <= b' ' || b",;)]}\"\\:".contains(&next),
            b'\\' => {
                next.is_ascii_lowercase() || next.is_ascii_digit() || b"\"'`\\ ".contains(&next)
            }
            b'&' => {
                next <= b' '
                    || next == b'&'
                    || is_entity(text, here)
                    || names_another(text, here, manner)
            }
            b';' | b',' if manner == Manner::Rest => names_another(text, here, manner),
            b';' | b',' => {
                next <= b' '
                    || b"\"'`\\".contains(&next)
                    || b"{[)]}".contains(&next) && is_of_list(text, after)
                    || names_another(text, here, manner)
            }
            b'|' => next <= b' ' || next == b'|',
            0xC2 => matches!(next, 0xA0 | 0xBB),
            0xE2 => {
                next == 0x80 && !matches!(at(text, after.saturating_add(1)), 0x90..=0x95 | 0xA6)
            }
            0xE3 => next == 0x80,
            0xEF => {
                matches!(next, 0xBC)
                    && matches!(
                        at(text, after.saturating_add(1)),
                        0x81 | 0x88 | 0x89 | 0x8C | 0x9A | 0x9B | 0x9F
                    )
            }
            _ => false,
        };
        if over {
            break;
        }
        here = after;
    }
    here
}

/// Whether the rest of a tag of a markup language stands here.
fn is_tag(text: &[u8], here: usize) -> bool {
    let rest = text.get(here..).unwrap_or_default();
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_:".contains(byte);
    let length = rest.iter().take(24).take_while(part).count();
    let name = rest.get(..length).unwrap_or_default();
    // The name of a tag, or of a type.
    let small = |byte: &u8| !byte.is_ascii_uppercase();
    let is_name = match name.first() {
        Some(first) if first.is_ascii_lowercase() => name.iter().all(small),
        Some(first) => first.is_ascii_uppercase() && length > 2 && name.iter().skip(1).all(small),
        None => false,
    };
    matches!(at(rest, 0), b'/' | b'!' | b'\\')
        || is_name
            && b"> /,<".contains(&at(rest, length))
            && !(at(rest, length) == b'<' && at(rest, 0).is_ascii_lowercase())
}

/// Whether the bracket at `here`, after a comma, is one of a list, and no part of a value.
fn is_of_list(text: &[u8], here: usize) -> bool {
    let next = at(text, here.saturating_add(1));
    next <= b' ' || b",;)]}{[\"'".contains(&next)
}

fn is_entity(text: &[u8], here: usize) -> bool {
    let rest = text.get(here..).unwrap_or_default();
    [&b"&quot;"[..], b"&amp;", b"&lt;", b"&gt;", b"&apos;", b"&#"]
        .iter()
        .any(|it| rest.starts_with(it))
}

/// Whether the name of another value, and its sign, follow the byte at `here`.
fn names_another(text: &[u8], here: usize, manner: Manner) -> bool {
    let sign = match (at(text, here), manner) {
        (b'&', _) => b'=',
        (_, Manner::Word) => return false,
        (_, Manner::Of(sign)) => sign,
        _ => 0,
    };
    let rest = text.get(here.saturating_add(1)..).unwrap_or_default();
    // Only the fields of a connection string have names of several words: `User Id`.
    let words = at(text, here) == b';';
    let letter = |byte: &&u8| {
        byte.is_ascii_alphanumeric() || b"_-.[]$".contains(byte) || words && **byte == b' '
    };
    let length = rest.iter().take(32).take_while(letter).count();
    let name = rest.get(..length).unwrap_or_default();
    let first = name.first().copied().unwrap_or(0);
    let said = !name.contains(&b' ')
        || name.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b' ');
    let found = at(rest, length);
    (first.is_ascii_alphabetic() || first == b'_' && length > 1)
        && said
        && matches!(found, b'=' | b':')
        && (found == sign || sign == 0)
}

/// Whether a bracket stands open before `here`, on its line.
fn in_brackets(text: &[u8], here: usize) -> bool {
    let before = text.get(here.saturating_sub(96)..here).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let last = line.iter().rev().find(|byte| {
        step();
        matches!(byte, b'(' | b')')
    });
    last == Some(&b'(')
}

/// The value without the sentence's signs after it, and without brackets that it did not open.
pub(super) fn trimmed(text: &[u8], start: usize, mut end: usize) -> usize {
    for _ in 0..8 {
        let last = at(text, end.wrapping_sub(1));
        let open = match last {
            b')' => b'(',
            b']' => b'[',
            b'}' => b'{',
            b'.' | b',' | b';' | b':' if end > start => 0,
            b'*' if at(text, end.wrapping_sub(2)) == b'*' => 0,
            b'\'' => b'\'',
            _ => break,
        };
        if open != 0 && end > start {
            let value = text.get(start..end.saturating_sub(1)).unwrap_or_default();
            let own = value.iter().take(256).any(|byte| *byte == open);
            if own && !(last == b')' && in_brackets(text, start)) {
                break;
            }
        }
        if end <= start {
            break;
        }
        end = end.saturating_sub(1);
    }
    end
}
