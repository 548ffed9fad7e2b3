//! Tells what was drawn at random from words, numbers and names.

use super::shape::step;

/// The most bytes of a value that are looked at. More would not change what it looks like.
pub(super) const MOST: usize = 64;

/// How much more often two letters stand side by side in words than by chance, in bits, with 6 added:
/// in code, and in prose of seventeen languages.
const PAIRS: [&[u8; 26]; 26] = [
    b"67884575756979574989665466",
    b"75547443754744633654633354",
    b"84648448746644843657644355",
    b"84459444844555743564644344",
    b"76887675656879564998565756",
    b"64446643733543643645633343",
    b"74348355743545633655634343",
    b"74347433744544734545533343",
    b"76878674456879864788573447",
    b"64346333434434533354533333",
    b"73447334735544733566634353",
    b"84469454944844853477743274",
    b"86448333743564773454633344",
    b"84788695845546743489653364",
    b"56675464646779663977766445",
    b"73447435634734762756643343",
    b"33333333333433323333633333",
    b"95669564946666853677754365",
    b"74748446847655774479744356",
    b"94549447944645843877744374",
    b"65656464645778463777544445",
    b"73348333733334633444433343",
    b"63346344633435532443334443",
    b"55555534533433353335333633",
    b"54435444544545563465434344",
    b"64447343634444533344534344",
];

/// The sorts of bytes of a value.
#[derive(Clone, Copy, Default)]
pub(super) struct Sorts {
    pub(super) lower: usize,
    pub(super) upper: usize,
    pub(super) digits: usize,
    /// Signs that words, numbers and paths have, too.
    pub(super) joints: usize,
    pub(super) symbols: usize,
    pub(super) spaces: usize,
    /// Bytes of other scripts.
    pub(super) others: usize,
}

impl Sorts {
    pub(super) fn of(value: &[u8]) -> Self {
        let mut sorts = Self::default();
        for byte in value.iter().take(MOST) {
            step();
            let count = match byte {
                b'a'..=b'z' => &mut sorts.lower,
                b'A'..=b'Z' => &mut sorts.upper,
                b'0'..=b'9' => &mut sorts.digits,
                b'_' | b'-' | b'.' | b'/' | b':' | b',' | b'\'' => &mut sorts.joints,
                b' ' | b'\t' | b'\n' | b'\r' => &mut sorts.spaces,
                0x80.. => &mut sorts.others,
                _ => &mut sorts.symbols,
            };
            *count = count.saturating_add(1);
        }
        sorts
    }

    pub(super) fn letters(self) -> usize {
        self.lower.saturating_add(self.upper).saturating_add(self.others)
    }

    /// How many of small letters, capitals, digits and symbols there are.
    pub(super) fn kinds(self) -> usize {
        let letters = if self.others > 0 { self.lower.saturating_add(1) } else { self.lower };
        [letters, self.upper, self.digits, self.symbols].iter().filter(|count| **count > 0).count()
    }
}

/// Whether there is a digit, a lowercase and an uppercase letter.
pub(super) fn mixed(value: &[u8]) -> bool {
    let sorts = Sorts::of(value);
    sorts.lower > 0 && sorts.upper > 0 && sorts.digits > 0
}

/// Whether the value has letters and digits that vary. For values whose name and length already say
/// the rest.
pub(super) fn is_key(value: &[u8]) -> bool {
    let sorts = Sorts::of(value);
    sorts.digits > 0 && sorts.letters() > 0 && value.iter().any(|b| Some(b) != value.first())
}

/// How much less a value looks like words and numbers than by chance, in bits.
fn surprise(value: &[u8]) -> i32 {
    let mut bits = 0_i32;
    let mut before = 0_u8;
    for byte in value.iter().take(MOST) {
        step();
        let pair = || {
            let [first, second] =
                [before, *byte].map(|byte| byte.to_ascii_lowercase().wrapping_sub(b'a'));
            let row = PAIRS.get(usize::from(first)).copied().unwrap_or(&[b'6'; 26]);
            let known = row.get(usize::from(second)).copied().unwrap_or(b'6');
            i32::from(b'6').saturating_sub(i32::from(known))
        };
        let more = match (before, *byte) {
            (b'a'..=b'z', b'A'..=b'Z') | (b'0'..=b'9', b'a'..=b'z' | b'A'..=b'Z') => 2,
            (b'a'..=b'z' | b'A'..=b'Z', b'a'..=b'z') | (b'A'..=b'Z', b'A'..=b'Z') => pair(),
            (b'a'..=b'z' | b'A'..=b'Z', b'0'..=b'9') => 1,
            (b'0'..=b'9', b'0'..=b'9') => -1,
            _ => 0,
        };
        bits = bits.saturating_add(more);
        before = *byte;
    }
    bits
}

/// Whether a value of at least `least` characters varies too much to be words, numbers or names.
pub(super) fn varied(value: &[u8], least: usize) -> bool {
    varied_by(value, least, 40)
}

/// The same, with the least bits of surprise for a hundred characters.
pub(super) fn varied_by(value: &[u8], least: usize, bits: i32) -> bool {
    let value = value.strip_prefix(b"0x").unwrap_or(value);
    let value = head(value);
    if value.len() < least || !value.iter().all(u8::is_ascii_graphic) {
        return false;
    }
    let sorts = Sorts::of(value);
    let mut seen = [false; 128];
    for byte in value {
        if let Some(place) = seen.get_mut(usize::from(*byte)) {
            *place = true;
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    // Hex digits have no pairs to tell.
    let hex = value.len() >= 16 && value.iter().all(u8::is_ascii_hexdigit);
    if hex {
        return sorts.digits >= 2 && sorts.letters() >= 2 && distinct >= 7;
    }
    let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
    distinct >= 6
        && sorts.letters() >= 3
        && surprise(value) >= length.saturating_mul(bits).div_euclid(100).max(bits.div_euclid(8))
}

/// Whether a value looks as if it was drawn at random: at least 16 characters, and hardly any words.
pub(super) fn random(value: &[u8]) -> bool {
    varied(value, 16)
}

/// As much of a value as is looked at.
pub(super) fn head(value: &[u8]) -> &[u8] {
    value.get(..value.len().min(MOST)).unwrap_or(value)
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
            "app-tls-2024-x7k9q2",
            "AuthenticationProvider",
            "internationalization",
            "Donaudampfschifffahrt",
            "arn-aws-iam-role-admin-2",
        ] {
            assert!(!random(value.as_bytes()), "{value}");
        }
        for value in [
            concat!("9f86d081884c7d65", "9a2feaa0c55ad015"),
            concat!("kR7pQ2vX9mLw", "T4sZ8bNc"),
            concat!("JBSWY3DPEHPK", "3PXPQ2F4"),
            concat!("kqzvbwpxmrtj", "dhglfnsy"),
        ] {
            assert!(random(value.as_bytes()), "{value}");
        }
    }
}
