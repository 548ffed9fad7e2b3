//! The rules of OpenDialogue (docs/dialects.md) that its clients hold the relay to: what is signed, how
//! long a signature is good, and which characters a message may have.

use crate::{Fault, hmac};
use nexus_protocol::Timestamp;
use subtle::ConstantTimeEq;

/// Milliseconds for which a timestamp, and so a nonce, is good.
pub const FRESH: i64 = 300_000;

/// Milliseconds after a session key's end for which frames signed with it are still taken: a client learns
/// of the end only when it pings next, which it does every 30 seconds.
pub const GRACE: i64 = 60_000;

/// How far a session key has come, by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAge {
    /// It signs in both directions.
    Good,
    /// It has ended. What its client signed before it knew that is taken; nothing is sent under it.
    Ended,
    /// Nothing is taken under it.
    Gone,
}

impl KeyAge {
    /// Of a key that ends at `until`, in milliseconds since 1970.
    #[must_use]
    pub fn of(now: Timestamp, until: i64) -> Self {
        match now.millis_since(Timestamp::from_millis(until)) {
            ..=0 => Self::Good,
            1..=GRACE => Self::Ended,
            _ => Self::Gone,
        }
    }
}

/// What a signature is made over.
#[derive(Clone, Debug, Default)]
pub struct Signed<'a> {
    /// The id of the message; of a connection, the agent's.
    pub id: &'a str,
    /// Who sends.
    pub from: &'a str,
    /// Who gets it; `server` for a connection.
    pub to: &'a str,
    /// `text` and so on; `connect` for a connection.
    pub kind: &'a str,
    /// The content as it is sent; `connect` for a connection.
    pub content: &'a str,
    /// Empty for a connection.
    pub conversation: &'a str,
    /// Where there is one.
    pub turn: Option<u32>,
    /// Milliseconds since 1970, as it is sent.
    pub timestamp: i64,
    /// Good once in [`FRESH`].
    pub nonce: &'a str,
}

impl Signed<'_> {
    /// The hex HMAC-SHA256 under a secret or session key.
    pub fn signature(&self, key: &str) -> Result<String, Fault> {
        hmac(key, &self.text())
    }

    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { id, from, to, kind, content, conversation, timestamp, nonce, .. } = self;
        let turn = self.turn.map(|turn| format!("|{turn}")).unwrap_or_default();
        format!("{id}|{from}|{to}|{kind}|{content}|{conversation}{turn}|{timestamp}|{nonce}")
    }

    /// Whether this is the signature under `key`, in constant time.
    pub fn is_signed(&self, key: &str, signature: &str) -> Result<bool, Fault> {
        let expected = self.signature(key)?;
        let given = signature.to_ascii_lowercase();
        Ok(bool::from(expected.as_bytes().ct_eq(given.as_bytes())))
    }
}

/// Whether a timestamp of a client is within [`FRESH`] of now.
#[must_use]
pub fn is_fresh(now: Timestamp, timestamp: i64) -> bool {
    now.as_millis().abs_diff(timestamp) <= FRESH.unsigned_abs()
}

/// The content as clients make it before they check its signature: without the characters that they do
/// not take (controls except tabs and line ends, zero-width characters, and what overrides the direction
/// of text), and in the composed form of Unicode, NFC. `compose` makes that form.
#[must_use]
pub fn sanitised(content: &str, compose: impl FnOnce(String) -> String) -> String {
    let is_refused = |c: char| match c {
        '\t' | '\n' | '\r' => false,
        '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}'
        | '\u{FEFF}' => true,
        c => c.is_control(),
    };
    let kept: String = content.chars().filter(|c| !is_refused(*c)).collect();
    // Below the first combining character every text is composed already.
    if kept.chars().all(|c| c < '\u{300}') { kept } else { compose(kept) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_normalization::{UnicodeNormalization, is_nfc};

    fn clean(content: &str) -> String {
        sanitised(content, |text| text.nfc().collect())
    }

    #[test]
    fn the_signed_text_is_this() {
        let message = Signed {
            id: "m",
            from: "a",
            to: "b",
            kind: "text",
            content: "Hi | there",
            conversation: "c",
            turn: Some(3),
            timestamp: 7,
            nonce: "n",
        };
        assert_eq!(message.text(), "m|a|b|text|Hi | there|c|3|7|n");
        let connect = Signed {
            id: "a",
            from: "a",
            to: "server",
            kind: "connect",
            content: "connect",
            timestamp: 7,
            nonce: "n",
            ..Signed::default()
        };
        assert_eq!(connect.text(), "a|a|server|connect|connect||7|n");
    }

    #[test]
    fn a_timestamp_is_good_for_five_minutes_either_way() {
        let now = Timestamp::from_millis(1_000_000);
        for (timestamp, fresh) in
            [(700_000, true), (699_999, false), (1_300_000, true), (1_300_001, false)]
        {
            assert_eq!(is_fresh(now, timestamp), fresh, "{timestamp}");
        }
        assert!(!is_fresh(now, i64::MIN) && !is_fresh(now, i64::MAX));
    }

    #[test]
    fn a_key_is_taken_for_a_minute_after_its_end() {
        for (now, age) in [
            (5_000, KeyAge::Good),
            (5_001, KeyAge::Ended),
            (65_000, KeyAge::Ended),
            (65_001, KeyAge::Gone),
        ] {
            assert_eq!(KeyAge::of(Timestamp::from_millis(now), 5_000), age, "{now}");
        }
    }

    #[test]
    fn what_is_decomposed_is_composed() {
        let hangul = "\u{1112}\u{1161}\u{11ab}";
        for (given, composed) in [("e\u{301}", "é"), (hangul, "한"), ("e\u{200B}\u{301}", "é")] {
            assert_eq!(clean(given), composed);
        }
    }

    proptest! {
        #[test]
        fn what_is_sanitised_stays_so_and_plain_text_is_not_touched(text in "\\PC*|.*", plain in "[a-zäßあ \n]*") {
            let once = clean(&text);
            prop_assert_eq!(clean(&once), once.clone());
            prop_assert!(is_nfc(&once));
            let refused = ['\u{202E}', '\u{200B}', '\u{FEFF}', '\u{0}', '\u{7F}'];
            prop_assert!(!once.contains(refused));
            prop_assert_eq!(clean(&plain), plain);
        }

        #[test]
        fn a_signature_is_of_every_part(content in ".*", at in 0_usize..64, turn in 0_u32..9) {
            let signed = Signed { content: &content, turn: Some(turn), nonce: "n", ..Signed::default() };
            let signature = signed.signature("key").unwrap();
            prop_assert!(signed.is_signed("key", &signature).unwrap());
            prop_assert!(!signed.is_signed("other", &signature).unwrap());
            prop_assert!(!signed.is_signed("key", signature.get(..at).unwrap()).unwrap());
            let other = Signed { nonce: "m", ..signed.clone() };
            prop_assert!(!other.is_signed("key", &signature).unwrap());
        }
    }
}
