//! Sealed strings (section 10): what a session that is encrypted end to end holds in place of a
//! text. Here is only their form, by which the relay refuses what was not sealed. `nexus-seal`
//! makes and opens them.

use crate::KeyId;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// The header of every sealed string, `{"alg":"dir","enc":"A256CBC-HS512"}`, in base64url. It is
/// compared and never parsed.
pub const SEALED_HEADER: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0";

/// The bytes of a block of the cipher.
const BLOCK: usize = 16;

/// The parts of a sealed string: a compact JWE without an encrypted key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The initialization vector.
    pub iv: [u8; BLOCK],
    /// At least one block, and whole blocks only.
    pub ciphertext: Vec<u8>,
    /// The tag, by which a change is noticed.
    pub tag: [u8; 32],
}

impl Sealed {
    /// Reads a sealed string. `None` if it has another header or another form. Only one string has
    /// these parts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(SEALED_HEADER)?.strip_prefix("..")?;
        let mut parts = rest.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let iv = parts.next()??.try_into().ok()?;
        let ciphertext = parts.next()??;
        let tag = parts.next()??.try_into().ok()?;
        let is_whole = !ciphertext.is_empty() && ciphertext.len().is_multiple_of(BLOCK);
        (is_whole && parts.next().is_none()).then_some(Self { iv, ciphertext, tag })
    }

    /// The string of these parts.
    #[must_use]
    pub fn write(&self) -> String {
        let [iv, ciphertext, tag] =
            [&self.iv[..], &self.ciphertext, &self.tag].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{SEALED_HEADER}..{iv}.{ciphertext}.{tag}")
    }
}

/// How the members of a session encrypt what they write (section 10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// [`Encrypted::V1`]
    pub v: u32,
    /// Proves the key. Joining requires it.
    pub key_id: KeyId,
}

/// That a session is encrypted end to end (section 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Encrypted {
    /// Which version of section 10 its members follow.
    pub v: u32,
}

impl Encrypted {
    /// The only version so far.
    pub const V1: Self = Self { v: 1 };
}

/// Whether a text, such as a URL, contains the key of an encrypted session, which must stay behind
/// the `#` of its link: `k1` and 40 hex digits, as a word of their own or behind a `#` that was
/// written as `%23`.
#[must_use]
pub fn shows_link_key(text: &str) -> bool {
    let is_alone = |before: &str| {
        let letter = |c: char| c.is_ascii_alphanumeric();
        before.ends_with("%23") || before.ends_with("%2523") || !before.ends_with(letter)
    };
    let is_key = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let next = rest.as_bytes().get(digits);
        digits == 40 && !next.is_some_and(u8::is_ascii_alphanumeric)
    };
    text.match_indices("k1").any(|(at, found)| {
        let (before, rest) = text.split_at(at);
        is_alone(before) && rest.strip_prefix(found).is_some_and(is_key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(iv: [u8; 16], blocks in 1_usize..20, byte: u8, tag: [u8; 32]) {
            let sealed = Sealed { iv, ciphertext: [byte; 16].repeat(blocks), tag };
            prop_assert_eq!(Sealed::parse(&sealed.write()), Some(sealed));
        }

        #[test]
        fn one_string_has_these_parts(iv: [u8; 16], tag: [u8; 32], at in 0_usize..200, other in "[A-Za-z0-9_.=+/ -]") {
            let text = Sealed { iv, ciphertext: vec![7; 32], tag }.write();
            let mut changed: Vec<char> = text.chars().collect();
            let at = at.min(changed.len().saturating_sub(1));
            changed[at] = other.chars().next().unwrap();
            let changed: String = changed.into_iter().collect();
            if let Some(parts) = Sealed::parse(&changed) {
                prop_assert_eq!(parts.write(), changed);
            }
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let whole = Sealed { iv: [1; 16], ciphertext: vec![2; 16], tag: [3; 32] }.write();
        assert!(Sealed::parse(&whole).is_some());
        let empty = Sealed { iv: [1; 16], ciphertext: Vec::new(), tag: [3; 32] }.write();
        let half = Sealed { iv: [1; 16], ciphertext: vec![2; 24], tag: [3; 32] }.write();
        let others = [
            empty,
            half,
            String::new(),
            "hello".to_owned(),
            SEALED_HEADER.to_owned(),
            format!("{whole}."),
            format!("{whole}.AAAA"),
            format!("{whole}="),
            format!(" {whole}"),
            format!("{whole}\n"),
            whole.replacen("..", ".AAAA.", 1),
            whole.replacen("dir", "xyz", 1).replacen(
                "eyJhbGciOiJkaXIi",
                "eyJhbGciOiJBMjU2S1ciLCJ4IjoxLCJ5IjoyfQ",
                1,
            ),
            whole.replacen("AQEBAQEBAQEBAQEBAQEBAQ", "AQEBAQEBAQEBAQEBAQEBAR", 1),
        ];
        for other in others {
            assert_eq!(Sealed::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn a_key_is_found_where_it_must_not_be() {
        let key = format!("k1{}", "0a".repeat(20));
        for shown in [
            key.clone(),
            format!("/p/PEARL-FOCAL-S5SJV%23{key}"),
            format!("/p/PEARL-FOCAL-S5SJV%2523{key}"),
            format!("/p/PEARL-FOCAL-S5SJV/{key}?x"),
            format!("https://relay.example/p/PEARL-FOCAL-S5SJV#{key}"),
            format!("?key={key}&b=c"),
            format!("{key}.abcdefghijklmnopqrst"),
        ] {
            assert!(shows_link_key(&shown), "{shown}");
        }
        for other in [
            String::new(),
            "k1".to_owned(),
            format!("chun{key}"),
            format!("{key}0"),
            format!("{key}z"),
            key.chars().take(41).collect(),
        ] {
            assert!(!shows_link_key(&other), "{other}");
        }
    }
}
