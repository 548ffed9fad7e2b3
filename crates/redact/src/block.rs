//! Secrets of several lines: keys in an armor, such as PEM.

use super::{
    hit::Hit,
    kinds::{PGP_PRIVATE_KEY, PRIVATE_KEY, PUTTY_PRIVATE_KEY},
    shape::{bits, class, find, step},
};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
const LABEL: &[u8] = b"PRIVATE KEY";
const PUTTY: &[u8] = b"PuTTY-User-Key-File-";
const PUTTY_LINES: &[u8] = b"Private-Lines:";
const PUTTY_END: &[u8] = b"Private-MAC:";

/// A key contains a run of this many key characters. Text about keys does not.
const ROW: usize = 32;
/// A word of a key has at least this many characters.
const PIECE: usize = 16;

/// The private key whose armor begins here. If the armor has no end, the key ends where the text no
/// longer looks like one.
pub(super) fn armor(text: &[u8], here: usize) -> Option<Hit> {
    let rest = text.get(here..)?;
    let label = rest.strip_prefix(BEGIN)?;
    let length = find(label.get(..label.len().min(64))?, DASHES)?;
    let label = label.get(..length)?;
    find(label, LABEL)?;
    let pgp = label.starts_with(b"PGP ");
    let body = BEGIN.len().saturating_add(length).saturating_add(DASHES.len());
    let inside = rest.get(body..)?;
    let dashes = find(inside, DASHES).unwrap_or(inside.len());
    let (inside, after) = inside.split_at_checked(dashes)?;
    // A complete armor is meant as a key even if the key is short.
    let row = if after.starts_with(END) { PIECE } else { ROW };
    if !has_row(inside, row) {
        return None;
    }
    let end = if after.starts_with(END) {
        let close = after.get(END.len()..)?;
        let close = find(close.get(..close.len().min(64))?, DASHES);
        let close = close.map_or(0, |at| at.saturating_add(DASHES.len()));
        dashes.saturating_add(END.len()).saturating_add(close)
    } else {
        Some(key_words(inside)).filter(|length| *length > 0)?
    };
    let kind = if pgp { PGP_PRIVATE_KEY } else { PRIVATE_KEY };
    Some(Hit { kind, start: here, end: here.saturating_add(body).saturating_add(end) })
}

/// The `PuTTY` key file that begins here.
pub(super) fn putty(text: &[u8], here: usize) -> Option<Hit> {
    let rest = text.get(here..)?;
    let body = rest.strip_prefix(PUTTY)?;
    // What follows the next header belongs to the next file.
    let body = body.get(..find(body, PUTTY).unwrap_or(body.len()))?;
    let lines = find(body, PUTTY_LINES)?.saturating_add(PUTTY_LINES.len());
    let private = body.get(lines..)?;
    if !has_row(private.get(..private.len().min(128))?, ROW) {
        return None;
    }
    let end = match find(private, PUTTY_END) {
        Some(mac) => {
            let mac = mac.saturating_add(PUTTY_END.len());
            let rest = private.get(mac..)?;
            let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
            let digits = rest.iter().skip(spaces).take_while(|byte| byte.is_ascii_hexdigit());
            mac.saturating_add(spaces).saturating_add(digits.count())
        }
        None => key_words(private),
    };
    let end = lines.saturating_add(end);
    let end = here.saturating_add(PUTTY.len()).saturating_add(end);
    Some(Hit { kind: PUTTY_PRIVATE_KEY, start: here, end })
}

/// Whether `body` contains a run of at least `length` key characters.
fn has_row(body: &[u8], length: usize) -> bool {
    let mut row = 0_usize;
    body.iter().any(|byte| {
        step();
        row = if bits(*byte) & class(b'b') == 0 { 0 } else { row.saturating_add(1) };
        row >= length
    })
}

/// How many bytes of `body` look like a key. The key ends after its last long word, or after a
/// short word at the end of the following line.
fn key_words(body: &[u8]) -> usize {
    let is_key = |byte: &u8| bits(*byte) & class(b'b') != 0 || b"=\\\"',".contains(byte);
    let (mut end, mut here, mut begun) = (0_usize, 0_usize, false);
    for word in body.split_inclusive(u8::is_ascii_whitespace) {
        let ends_line = word.ends_with(b"\n") || here.saturating_add(word.len()) == body.len();
        let bare = word.trim_ascii_end();
        let long = bare.len() >= PIECE && bare.iter().all(is_key);
        let last = begun && ends_line && bare.iter().all(is_key);
        if begun && !long && !last {
            break;
        }
        begun |= has_row(bare, ROW);
        if long || last {
            end = here.saturating_add(bare.len());
        }
        if last && !long {
            break;
        }
        here = here.saturating_add(word.len());
    }
    end
}
