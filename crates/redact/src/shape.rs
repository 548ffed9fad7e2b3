//! How a form of [`super::kinds`] is matched: character by character, without going back. So an
//! attempt costs no more than the bytes that it reads.

/// Classes of bytes, as bits of [`CLASSES`].
const DIGIT: u16 = 1;
const LOWER: u16 = 1 << 1;
const UPPER: u16 = 1 << 2;
const HEX_LOWER: u16 = 1 << 3;
const HEX: u16 = 1 << 4;
const DASH: u16 = 1 << 5;
const UNDERSCORE: u16 = 1 << 6;
const SLASH_PLUS: u16 = 1 << 7;
const DOT: u16 = 1 << 8;
const TILDE: u16 = 1 << 9;
const PERCENT: u16 = 1 << 10;
const EQUALS: u16 = 1 << 11;
const PATH: u16 = 1 << 12;
const ALNUM: u16 = DIGIT | LOWER | UPPER;

/// The classes of each byte.
const CLASSES: [u16; 256] = classes();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "at compile time")]
const fn classes() -> [u16; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'0'..=b'9' => DIGIT | HEX_LOWER | HEX,
            b'a'..=b'f' => LOWER | HEX_LOWER | HEX,
            b'g'..=b'z' => LOWER,
            b'A'..=b'F' => UPPER | HEX,
            b'G'..=b'Z' => UPPER,
            b'-' => DASH,
            b'_' => UNDERSCORE,
            b'/' | b'+' => SLASH_PLUS,
            b'.' => DOT,
            b'~' => TILDE,
            b'%' => PERCENT,
            b'=' => EQUALS,
            b':' | b'@' => PATH,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

/// The class that a form names by this letter, as bits. An unknown letter has no bits.
pub(super) const fn class(letter: u8) -> u16 {
    match letter {
        b'd' => DIGIT,
        b'h' => HEX_LOWER,
        b'H' => HEX,
        b'l' => DIGIT | LOWER,
        b'u' => DIGIT | UPPER,
        b'a' => ALNUM,
        b'b' => ALNUM | SLASH_PLUS,
        b'w' => ALNUM | DASH | UNDERSCORE,
        b'v' => ALNUM | DASH | UNDERSCORE | DOT,
        b'z' => ALNUM | DASH | UNDERSCORE | DOT | TILDE,
        b't' => ALNUM | DASH | UNDERSCORE | DOT | TILDE | SLASH_PLUS,
        b'%' => ALNUM | PERCENT | SLASH_PLUS,
        b'p' => ALNUM | DASH | UNDERSCORE | DOT | SLASH_PLUS | PERCENT | PATH,
        b'=' => EQUALS,
        _ => 0,
    }
}

/// The bytes that tokens of any kind consist of.
pub(super) const TOKEN: u16 = ALNUM | DASH | UNDERSCORE | SLASH_PLUS;

/// The byte at `at`, or 0 outside the text.
pub(super) fn at(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// The classes of a byte, as bits.
pub(super) fn bits(byte: u8) -> u16 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Whether a byte is part of a word.
pub(super) fn is_word(byte: u8) -> bool {
    bits(byte) & (ALNUM | UNDERSCORE) != 0
}

/// A run in a form: its class, and how often it repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) letter: u8,
    pub(super) least: usize,
    pub(super) most: usize,
}

/// A part of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(u8),
    Run(Run),
    /// The secret begins here.
    Begin,
}

/// The part of a form at `at`, and the index of the next part.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "forms are constants")]
pub(super) const fn part(form: &[u8], at: usize) -> Option<(Part, usize)> {
    if at >= form.len() {
        return None;
    }
    match form[at] {
        b'<' => Some((Part::Begin, at + 1)),
        b'{' => {
            let letter = form[at + 1];
            let (least, mut next) = number(form, at + 2);
            let mut most = least;
            if form[next] == b'+' {
                most = usize::MAX;
                next += 1;
            } else if form[next] == b'-' {
                (most, next) = number(form, next + 1);
            }
            Some((Part::Run(Run { letter, least, most }), next + 1))
        }
        byte => Some((Part::Literal(byte), at + 1)),
    }
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "forms are constants")]
const fn number(form: &[u8], mut at: usize) -> (usize, usize) {
    let mut number = 0;
    while form[at].is_ascii_digit() {
        number = number * 10 + (form[at] - b'0') as usize;
        at += 1;
    }
    (number, at)
}

/// A form that matches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A form that does not match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Misfit {
    /// Where the first run ended, if it took all it could and something else had to follow. The
    /// form cannot match at any place before that.
    pub(super) until: usize,
    /// Whether it stopped at the end of a line and might continue in the next.
    pub(super) broken: bool,
}

/// The least number of bytes before a line break within a token.
const PIECE: usize = 8;

/// Matches a form at `start`. If `wrapped`, its runs may continue in the next line.
pub(super) fn fit(form: &[u8], text: &[u8], start: usize, wrapped: bool) -> Result<Fit, Misfit> {
    let (mut begin, mut here, mut next) = (start, start, 0);
    let mut misfit = Misfit { until: 0, broken: false };
    let (mut total, mut solid, mut last) = (0_usize, 0_usize, 0);
    while let Some((part, after)) = part(form, next) {
        next = after;
        match part {
            Part::Begin => begin = here,
            Part::Literal(byte) if at(text, here) == byte => here = here.saturating_add(1),
            Part::Literal(_) => {
                misfit.broken = line_break(text, here).is_some();
                return Err(misfit);
            }
            Part::Run(run) => {
                let more = next < form.len();
                let from = here;
                let took = take(run, text, &mut here, wrapped, more, &mut solid);
                if run.most == usize::MAX && more && misfit.until == 0 {
                    misfit.until = here;
                }
                if took < run.least {
                    misfit.broken = line_break(text, here).is_some();
                    return Err(misfit);
                }
                total = total.saturating_add(took);
                last = if here > from { class(run.letter) } else { last };
            }
        }
    }
    // A full stop after the token belongs to the sentence.
    while last & DOT != 0 && bits(at(text, here.wrapping_sub(1))) & (DOT | PATH) != 0 {
        here = here.saturating_sub(1);
    }
    let glued = is_word(at(text, here.wrapping_sub(1))) && is_word(at(text, here));
    // `xxxx` is a placeholder, not a secret.
    let blank = solid < total.div_euclid(4).clamp(1, 8);
    if glued || blank { Err(misfit) } else { Ok(Fit { start: begin, end: here }) }
}

/// Takes as many bytes as a run can have, and returns how many. Counts in `solid` the bytes that
/// are not filler.
fn take(
    run: Run,
    text: &[u8],
    here: &mut usize,
    wrapped: bool,
    more: bool,
    solid: &mut usize,
) -> usize {
    let class = class(run.letter);
    let (mut took, mut piece) = (0_usize, 0_usize);
    while took < run.most {
        step();
        let byte = at(text, *here);
        if bits(byte) & class != 0 {
            *here = here.saturating_add(1);
            took = took.saturating_add(1);
            piece = piece.saturating_add(1);
            if !matches!(byte, b'x' | b'X' | b'-' | b'_' | b'.' | b'=') {
                *solid = solid.saturating_add(1);
            }
            continue;
        }
        let goes_on = wrapped && (took < run.least || more) && piece >= PIECE;
        match line_break(text, *here).filter(|_| goes_on) {
            Some(next) if bits(at(text, next)) & class != 0 && !is_assigned(text, next) => {
                (*here, piece) = (next, 0);
            }
            _ => break,
        }
    }
    took
}

/// Whether a line begins with a name to which something is assigned, so that no token goes on in it.
fn is_assigned(text: &[u8], line: usize) -> bool {
    let rest = text.get(line..).unwrap_or_default();
    let name = rest.iter().take(64).take_while(|byte| {
        step();
        bits(**byte) & class(b'u') != 0 || **byte == b'_'
    });
    let name = name.count();
    let after = at(rest, name.saturating_add(1));
    let words = rest.get(..name).is_some_and(|name| name.contains(&b'_'));
    words && matches!(at(rest, name), b'=' | b':') && after != b'=' && after > b' '
}

/// Where the next line's text begins, if there is a line break here.
pub(super) fn line_break(text: &[u8], mut here: usize) -> Option<usize> {
    let skip = |here: usize, byte| here.saturating_add(usize::from(at(text, here) == byte));
    here = skip(skip(here, b'\\'), b'\r');
    if at(text, here) != b'\n' {
        return None;
    }
    let line = here.saturating_add(1);
    let indent = text.get(line..)?.iter().take(64).take_while(|byte| b"\t >".contains(byte));
    Some(line.saturating_add(indent.count()))
}

/// Where a part of a text stands first.
pub(super) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| {
        step();
        part == wanted
    })
}

#[cfg(not(test))]
#[inline(always)]
#[allow(clippy::inline_always, reason = "it is nothing")]
pub(super) fn step() {}

#[cfg(test)]
pub(super) use tests::step;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts a byte that was read.
    pub(in super::super) fn step() {
        STEPS.with(|steps| steps.set(steps.get().wrapping_add(1)));
    }

    /// How many bytes were read since the last call.
    pub(in super::super) fn steps() -> usize {
        STEPS.with(|steps| steps.replace(0))
    }

    fn fits(form: &str, text: &str) -> Option<String> {
        let fit = fit(form.as_bytes(), text.as_bytes(), 0, text.contains('\n')).ok()?;
        text.get(fit.start..fit.end).map(ToOwned::to_owned)
    }

    #[test]
    fn forms_match_as_documented() {
        for (form, text, found) in [
            ("a{d3}", "a123", Some("a123")),
            ("a{d3}", "a12", None),
            ("a{d3}", "a1234", None),
            ("a{d3}", "a12x", None),
            ("a{d3}", "a123-x", Some("a123-x".get(..4).unwrap())),
            ("a{d2-3}", "a12 ", Some("a12")),
            ("a{d2+}.{h2}", "a123.0f,", Some("a123.0f")),
            ("a{d2+}.{h2}", "a123,0f", None),
            ("k=<{b4}{=0-2}", "k=ab/+==", Some("ab/+==")),
            ("a{v4+}", "a1.2.3.", Some("a1.2.3")),
            ("a{a20}", "a1234567890\n  1234567890", Some("a1234567890\n  1234567890")),
            ("a{a20}", "a12345678901234567890\nmore", Some("a12345678901234567890")),
            ("a{a20}", "a123\n45678901234567890", None),
            ("a{a8}", "axxxxxxxx", None),
        ] {
            assert_eq!(fits(form, text).as_deref(), found, "{form} {text}");
        }
    }
}
