//! The forms of [`KINDS`], prepared at compile time. They are indexed by their first byte, with the
//! least length of a token that could match.

use super::{
    kinds::{Check, KINDS},
    shape::{Part, TOKEN, class, part},
};

/// One form.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) kind: u16,
    pub(super) form: &'static [u8],
    pub(super) check: Check,
    /// The least length of a token that the form matches.
    pub(super) least: u16,
    /// This byte must stand `offset` bytes after the start: the second byte of the form, or the
    /// first one after its runs.
    pub(super) second: u8,
    pub(super) offset: u8,
    /// The next row with the same first byte, or [`NONE`].
    pub(super) next: u16,
}

/// No further row.
pub(super) const NONE: u16 = u16::MAX;

/// Every form, in the order of the kinds.
pub(super) static ROWS: [Row; ROW_COUNT] = TABLE.0;
/// The first row for each first byte. Index 0 is for forms that begin with a run.
pub(super) static HEADS: [u16; 128] = TABLE.1;

/// The names of the kinds.
pub(super) static NAMES: [&str; KINDS.len()] = names();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "at compile time")]
const fn names() -> [&'static str; KINDS.len()] {
    let (mut names, mut kind) = ([""; KINDS.len()], 0);
    while kind < KINDS.len() {
        names[kind] = KINDS[kind].name;
        kind += 1;
    }
    names
}

const TABLE: ([Row; ROW_COUNT], [u16; 128]) = table();

const ROW_COUNT: usize = count();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "at compile time")]
const fn count() -> usize {
    let (mut rows, mut kind) = (0, 0);
    while kind < KINDS.len() {
        rows += KINDS[kind].shapes.len();
        kind += 1;
    }
    assert!(rows < NONE as usize && KINDS.len() < 65_536);
    rows
}

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::large_stack_arrays,
    reason = "at compile time"
)]
const fn table() -> ([Row; ROW_COUNT], [u16; 128]) {
    let nothing =
        Row { kind: 0, form: &[], check: Check::None, least: 0, second: 0, offset: 0, next: NONE };
    let (mut rows, mut heads, mut row) = ([nothing; ROW_COUNT], [NONE; 128], 0);
    let mut kind = KINDS.len();
    // From last to first, because each row becomes the head of its list.
    while kind > 0 {
        kind -= 1;
        let mut shape = KINDS[kind].shapes.len();
        while shape > 0 {
            shape -= 1;
            let form = KINDS[kind].shapes[shape].as_bytes();
            let head = if form[0] == b'{' { 0 } else { form[0] as usize };
            let (offset, second) = match form[1] {
                _ if head == 0 => mark(form),
                b'{' | b'<' => (0, form[0]),
                byte => (1, byte),
            };
            rows[row] = Row {
                kind: kind as u16,
                form,
                check: KINDS[kind].check,
                least: least(form),
                second,
                offset,
                next: heads[head],
            };
            heads[head] = row as u16;
            row += 1;
        }
    }
    (rows, heads)
}

/// The least number of bytes of [`TOKEN`] that a form begins with.
#[allow(clippy::arithmetic_side_effects, reason = "at compile time")]
#[allow(clippy::cast_possible_truncation, reason = "forms are short")]
const fn least(form: &[u8]) -> u16 {
    let (mut least, mut at) = (0, 0);
    while let Some((part, next)) = part(form, at) {
        match part {
            Part::Begin => {}
            Part::Literal(byte) if byte.is_ascii_alphanumeric() || is_joint(byte) => least += 1,
            Part::Run(run) if class(run.letter) & !TOKEN == 0 => least += run.least,
            _ => break,
        }
        at = next;
    }
    least as u16
}

const fn is_joint(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'/' | b'+')
}

/// The first literal after runs of a fixed length, and its offset.
#[allow(clippy::arithmetic_side_effects, clippy::panic, reason = "at compile time")]
#[allow(clippy::cast_possible_truncation, reason = "forms are short")]
const fn mark(form: &[u8]) -> (u8, u8) {
    let (mut offset, mut at) = (0, 0);
    while let Some((part, next)) = part(form, at) {
        match part {
            Part::Run(run) if run.least == run.most => offset += run.least,
            Part::Literal(byte) => return (offset as u8, byte),
            _ => break,
        }
        at = next;
    }
    panic!("a form that begins with a run needs a literal at a fixed place")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_in_one_list() {
        let mut seen = vec![0; ROWS.len()];
        for head in HEADS {
            let (mut row, mut kind) = (head, 0);
            while row != NONE {
                seen[usize::from(row)] += 1;
                let found = ROWS[usize::from(row)];
                assert!(found.kind >= kind, "of two that fit, the first kind wins");
                (row, kind) = (found.next, found.kind);
            }
        }
        assert!(seen.iter().all(|times| *times == 1));
    }
}
