//! Distinguishes random characters from words and from placeholders.

use super::shape::{bits, class};

/// Whether `value` has a byte of the class `letter` that is not of the class `without`.
fn has(value: &[u8], letter: u8, without: u8) -> bool {
    let wanted = class(letter) & !class(without);
    value.iter().any(|byte| bits(*byte) & wanted != 0)
}

fn has_lower(value: &[u8]) -> bool {
    has(value, b'l', b'd')
}

fn has_upper(value: &[u8]) -> bool {
    has(value, b'u', b'd')
}

fn has_digit(value: &[u8]) -> bool {
    has(value, b'd', b'_')
}

/// Whether there is a digit, a lowercase and an uppercase letter.
pub(super) fn mixed(value: &[u8]) -> bool {
    has_lower(value) && has_upper(value) && has_digit(value)
}

/// Whether the value has letters and digits that vary. For values whose name and length already say
/// the rest.
pub(super) fn is_key(value: &[u8]) -> bool {
    let first = value.first();
    has_digit(value)
        && (has_lower(value) || has_upper(value))
        && value.iter().any(|b| Some(b) != first)
}

/// Whether a value varies too much to be made up by a person: at least 16 characters, letters and
/// digits mixed, and hardly any words.
pub(super) fn random(value: &[u8]) -> bool {
    value.len() >= 16 && varied(&without_escapes(value), 8)
}

/// A value from an address, without its percent-encoded bytes.
fn without_escapes(value: &[u8]) -> Vec<u8> {
    let mut parts = value.split(|byte| *byte == b'%');
    let mut plain = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        plain.extend(part.get(2..).unwrap_or_default());
    }
    plain
}

/// Whether a value looks like a strong password.
pub(super) fn strong(value: &[u8]) -> bool {
    let symbol = |byte: &u8| byte.is_ascii_punctuation() && !b"_-./:,".contains(byte);
    let symbols = value.iter().any(symbol);
    let kinds = [has_lower(value), has_upper(value), has_digit(value), symbols];
    let kinds = kinds.into_iter().filter(|has| *has).count();
    let ascii = value.iter().all(u8::is_ascii_graphic);
    ascii
        && match value.len() {
            0..=7 => false,
            8..=9 => kinds == 4,
            10..=11 => kinds == 4 || kinds == 3 && varied(value, 6),
            _ => kinds == 4 || kinds >= 2 && varied(value, 7),
        }
}

fn varied(value: &[u8], least: usize) -> bool {
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let mut seen = [false; 128];
    for byte in value {
        match seen.get_mut(usize::from(*byte)) {
            Some(place) if byte.is_ascii_graphic() => *place = true,
            _ => return false,
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    letters >= 3 && digits >= 2 && distinct >= least && !wordy(value)
}

/// Whether at least half of the value consists of pronounceable words.
fn wordy(value: &[u8]) -> bool {
    let mut words = 0_usize;
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic();
    for word in value.split(|byte| !is_letter(byte)) {
        // `camelCase` counts as two words.
        let mut rest = word;
        while !rest.is_empty() {
            let same = |byte: &u8| byte.is_ascii_lowercase();
            let capitals = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
            let small = rest.iter().skip(capitals).take_while(|byte| same(byte)).count();
            let (word, next) = match (capitals, small) {
                (0 | 1, _) | (_, 0) => rest.split_at(capitals.saturating_add(small)),
                _ => rest.split_at(capitals.saturating_sub(1)),
            };
            words = words.saturating_add(if can_be_said(word) { word.len() } else { 0 });
            rest = next;
        }
    }
    words.saturating_mul(2) >= value.len()
}

fn can_be_said(word: &[u8]) -> bool {
    if word.len() < 4 {
        return false;
    }
    let (mut vowels, mut row, mut longest) = (0_usize, 0_usize, 0_usize);
    for byte in word {
        if b"aeiouyAEIOUY".contains(byte) {
            vowels = vowels.saturating_add(1);
            row = 0;
        } else {
            row = row.saturating_add(1);
            longest = longest.max(row);
        }
    }
    vowels.saturating_mul(5) >= word.len() && longest <= 4
}

/// Whether a value is only a placeholder, or says where the secret is.
pub(super) fn placeholder(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 16] = [
        b"0123456789",
        b"1234567890",
        b"example",
        b"changeme",
        b"change_me",
        b"change-me",
        b"placeholder",
        b"your",
        b"xxxx",
        b"****",
        b"....",
        b"dummy",
        b"redacted",
        b"replace",
        b"://",
        b"${",
    ];
    let begins = |byte| value.first() == Some(&byte);
    let variable = begins(b'$') && value.iter().skip(1).all(|byte| bits(*byte) & class(b'w') != 0);
    let folded = value.to_ascii_lowercase();
    let says = |word: &&[u8]| folded.windows(word.len()).any(|part| part == *word);
    variable
        || begins(b'<')
        || begins(b'{')
        || begins(b'[')
        || begins(b'(')
        || value.starts_with(b"%(")
        || WORDS.iter().any(says)
        || is_uuid(value)
}

/// Whether the value has the form of a UUID, which is a name and not a secret.
fn is_uuid(value: &[u8]) -> bool {
    let is_hex = |part: &[u8]| part.iter().all(u8::is_ascii_hexdigit);
    value.len() == 36
        && value.split(|byte| *byte == b'-').map(<[u8]>::len).eq([8, 4, 4, 4, 12])
        && value.split(|byte| *byte == b'-').all(is_hex)
}

/// Placeholders for a password in an address.
pub(super) fn stands_for_password(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 14] = [
        b"x-oauth-basic",
        b"x-token-auth",
        b"password",
        b"passwd",
        b"passw",
        b"pass",
        b"pwd",
        b"pw",
        b"secret",
        b"token",
        b"key",
        b"apikey",
        b"password123",
        b"mypassword",
    ];
    let folded = value.to_ascii_lowercase();
    let filler = value.iter().all(|byte| b"xX*.-_".contains(byte));
    filler || WORDS.contains(&folded.as_slice()) || placeholder(value) || value.starts_with(b"$")
}

/// Whether the value is base64 of `user:password` with a password of at least 4 bytes.
pub(super) fn basic(value: &[u8]) -> bool {
    let digit = |byte: u8| {
        let place = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            _ => 63,
        };
        u32::from(place)
    };
    let (mut colon, mut buffer, mut count) = (None, 0_u32, 0_usize);
    for (place, byte) in value.iter().take_while(|byte| **byte != b'=').enumerate() {
        buffer = buffer.wrapping_shl(6) | digit(*byte);
        let full = place.wrapping_mul(6).wrapping_add(6);
        // From the second of four digits on, each digit completes one more byte.
        if full.div_euclid(8) > count {
            let rest = full.wrapping_sub(count.wrapping_add(1).wrapping_mul(8));
            let decoded = buffer.wrapping_shr(u32::try_from(rest).unwrap_or(0)).to_le_bytes()[0];
            if decoded < b' ' || decoded == 0x7F {
                return false;
            }
            if decoded == b':' && colon.is_none() {
                colon = Some(count);
            }
            count = count.wrapping_add(1);
        }
    }
    colon.is_some_and(|colon| colon.saturating_add(4) < count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_distinguished_from_random_characters() {
        for value in [
            "carols-own-long-secret",
            "session-token-2024-production",
            "getUserToken2FromStore12",
            "2026-03-01T12:00:00.000Z",
            "node_modules/js-tokens/4.0.0",
            "aaaaaaaaaaaaaaaa1111",
            "1234567890123456",
            "sha256Base64TokenValue",
        ] {
            assert!(!random(value.as_bytes()), "{value}");
        }
        for value in [
            concat!("9f86d081884c7d65", "9a2feaa0c55ad015"),
            concat!("kR7pQ2vX9mLw", "T4sZ8bNc"),
            concat!("JBSWY3DPEHPK", "3PXPQ2F4"),
        ] {
            assert!(random(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn passwords_are_distinguished_from_words() {
        for value in
            ["hunter2", "Password", "passwordField", "newPassword1", "/home/User1/x", "12345678"]
        {
            assert!(!strong(value.as_bytes()), "{value}");
        }
        for value in
            [concat!("S3cr3t", "P@ss!"), concat!("x8#k", "L9$m"), concat!("v7Kq2", "mZp9Lt4")]
        {
            assert!(strong(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn basic_credentials_are_decoded() {
        // `alice:wonder`, and the word that follows "basic" in prose.
        assert!(basic(concat!("YWxpY2U6", "d29uZGVy").as_bytes()));
        for value in
            [concat!("YWxpY2", "U6cGFz"), "training", "knowledge", "YWxpY2U=", "assumptions"]
        {
            assert!(!basic(value.as_bytes()), "{value}");
        }
    }
}
