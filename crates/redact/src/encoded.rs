//! Texts in which signs are percent-encoded, as in the query of an address.

use super::shape::step;

/// A run of a text without its encoding.
pub(super) struct Decoded {
    pub(super) text: Vec<u8>,
    /// Where each of its bytes stands in the text, and where the run ends.
    places: Vec<usize>,
}

impl Decoded {
    /// Whether a place of the text is in the run, and not where it begins.
    pub(super) fn has(&self, place: usize) -> bool {
        let [begin, end] =
            [self.places.first(), self.places.last()].map(|it| it.copied().unwrap_or(0));
        begin < place && place < end
    }

    /// Where a byte of the run stands in the text.
    pub(super) fn place(&self, byte: usize) -> usize {
        self.places.get(byte).or(self.places.last()).copied().unwrap_or(0)
    }
}

/// The runs of a text, without spaces and quotes, that have encoded signs. In an address, each parameter is one.
pub(super) fn runs(text: &[u8]) -> impl Iterator<Item = Decoded> + '_ {
    let mut here = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(here..).filter(|rest| !rest.is_empty())?;
            let parts = |byte: &u8| {
                step();
                // A code that colours what follows begins with an escape.
                *byte <= b' ' && *byte != 0x1B || b"\"'`<>\\&".contains(byte)
            };
            let over = |(place, byte): &(usize, &u8)| {
                parts(byte) && rest.get(*place..).and_then(sign).is_none()
            };
            let length = rest.iter().enumerate().find(over).map_or(rest.len(), |(place, _)| place);
            let start = here;
            here = here.saturating_add(length).saturating_add(1);
            if let Some(decoded) = rest.get(..length).and_then(|run| decoded(run, start)) {
                return Some(decoded);
            }
        }
    })
}

fn decoded(run: &[u8], start: usize) -> Option<Decoded> {
    let begins = |byte: &u8| matches!(byte, b'%' | b'\\' | b'&');
    let mut signs = run.iter().enumerate().filter(|(_, byte)| begins(byte));
    signs.find(|(place, _)| run.get(*place..).and_then(sign).is_some())?;
    let mut decoded = Decoded { text: Vec::new(), places: Vec::new() };
    let mut here = 0_usize;
    while let Some(byte) = run.get(here) {
        step();
        let (byte, length) = run.get(here..).and_then(sign).unwrap_or((*byte, 1));
        decoded.text.push(byte);
        decoded.places.push(start.saturating_add(here));
        here = here.saturating_add(length);
    }
    decoded.places.push(start.saturating_add(run.len()));
    // `%DB_PASSWORD%` is a variable.
    str::from_utf8(&decoded.text).is_ok().then_some(decoded)
}

/// The byte that a sign in code stands for, and the length of that code: `%3D`, `\\u003d`, `\\x3d`, `&#61;`.
fn sign(text: &[u8]) -> Option<(u8, usize)> {
    const BEGINS: [&[u8]; 5] = [b"%5Cu00", b"%", b"\\u00", b"\\x", b"&#"];
    if !matches!(text.first()?, b'%' | b'\\' | b'&') {
        return None;
    }
    // In JSON, each backslash is written twice.
    let more = text.iter().take(8).take_while(|byte| **byte == b'\\').count().saturating_sub(1);
    let text = text.get(more..)?;
    let begin = BEGINS.iter().find(|begin| text.starts_with(begin))?;
    let rest = text.get(begin.len()..)?;
    if **begin == *b"&#" {
        let length = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        let code = str::from_utf8(rest.get(..length)?).ok()?.parse().ok()?;
        let closed = rest.get(length) == Some(&b';');
        return closed.then(|| {
            (code, more.saturating_add(begin.len()).saturating_add(length).saturating_add(1))
        });
    }
    let [high, low] = rest.get(..2)? else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let code = u8::try_from(digit(high)?.wrapping_mul(16).wrapping_add(digit(low)?)).ok()?;
    Some((code, more.saturating_add(begin.len()).saturating_add(2)))
}
