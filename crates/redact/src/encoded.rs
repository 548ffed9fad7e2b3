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
            let length = rest.iter().position(parts).unwrap_or(rest.len());
            let start = here;
            here = here.saturating_add(length).saturating_add(1);
            if let Some(decoded) = rest.get(..length).and_then(|run| decoded(run, start)) {
                return Some(decoded);
            }
        }
    })
}

fn decoded(run: &[u8], start: usize) -> Option<Decoded> {
    if !run.contains(&b'%') {
        return None;
    }
    run.windows(3).find(|part| sign(part).is_some())?;
    let mut decoded = Decoded { text: Vec::new(), places: Vec::new() };
    let mut here = 0_usize;
    while let Some(byte) = run.get(here) {
        step();
        let code = run.get(here..here.saturating_add(3)).and_then(sign);
        decoded.text.push(code.unwrap_or(*byte));
        decoded.places.push(start.saturating_add(here));
        here = here.saturating_add(if code.is_some() { 3 } else { 1 });
    }
    decoded.places.push(start.saturating_add(run.len()));
    // `%DB_PASSWORD%` is a variable.
    str::from_utf8(&decoded.text).is_ok().then_some(decoded)
}

/// The byte that `%XX` stands for.
fn sign(part: &[u8]) -> Option<u8> {
    let [b'%', high, low] = part else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)?.wrapping_mul(16).wrapping_add(digit(low)?)).ok()
}
