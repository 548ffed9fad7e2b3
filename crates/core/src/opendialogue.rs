//! The rules of OpenDialogue (docs/dialects.md) that its clients rely on: what is signed, how long
//! a signature is valid, and which characters a message may contain.

use crate::{Fault, hmac};
use nexus_protocol::Timestamp;
use subtle::ConstantTimeEq;

/// For how many milliseconds a timestamp, and so a nonce, is valid.
pub const FRESH: i64 = 300_000;

/// For how many milliseconds after a session key expires the relay still accepts frames signed with
/// it. A client learns of the expiry only at its next ping, and it pings every 30 seconds.
pub const GRACE: i64 = 60_000;

/// The age of a session key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAge {
    /// Valid in both directions.
    Good,
    /// Expired. The relay accepts frames that the client signed before it learned of the expiry,
    /// and sends none.
    Ended,
    /// Expired for so long that the relay accepts no frame.
    Gone,
}

impl KeyAge {
    /// The age of a key that expires at `until`, in milliseconds since 1970.
    #[must_use]
    pub fn of(now: Timestamp, until: i64) -> Self {
        match now.millis_since(Timestamp::from_millis(until)) {
            ..=0 => Self::Good,
            1..=GRACE => Self::Ended,
            _ => Self::Gone,
        }
    }
}

/// The fields that a signature covers.
#[derive(Clone, Debug, Default)]
pub struct Signed<'a> {
    /// The id of the message. For a connection, the id of the agent.
    pub id: &'a str,
    /// The sender.
    pub from: &'a str,
    /// The recipient. For a connection, `server`.
    pub to: &'a str,
    /// The type, such as `text`. For a connection, `connect`.
    pub kind: &'a str,
    /// The content as it was sent. For a connection, `connect`.
    pub content: &'a str,
    /// The conversation's id. Empty for a connection.
    pub conversation: &'a str,
    /// The number of the turn, if there is one.
    pub turn: Option<u32>,
    /// Milliseconds since 1970, as sent.
    pub timestamp: i64,
    /// Accepted once within [`FRESH`].
    pub nonce: &'a str,
}

impl Signed<'_> {
    /// The HMAC-SHA256 in hex, with a secret or a session key as its key.
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

    /// Whether `signature` is the signature with `key`. Compares in constant time.
    pub fn is_signed(&self, key: &str, signature: &str) -> Result<bool, Fault> {
        let expected = self.signature(key)?;
        let given = signature.to_ascii_lowercase();
        Ok(bool::from(expected.as_bytes().ct_eq(given.as_bytes())))
    }
}

/// Whether a client's timestamp is within [`FRESH`] of now.
#[must_use]
pub fn is_fresh(now: Timestamp, timestamp: i64) -> bool {
    now.as_millis().abs_diff(timestamp) <= FRESH.unsigned_abs()
}

/// The content in the form whose signature clients check. It lacks the characters that clients
/// reject (controls except tabs and line ends, zero-width characters, and overrides of the text
/// direction). It is in Unicode's composed form, NFC, which `compose` makes.
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
    // Text whose characters are all below the first combining character is already composed.
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
    fn the_signed_text_is_pinned() {
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
    fn a_timestamp_is_valid_for_five_minutes_in_both_directions() {
        let now = Timestamp::from_millis(1_000_000);
        for (timestamp, fresh) in
            [(700_000, true), (699_999, false), (1_300_000, true), (1_300_001, false)]
        {
            assert_eq!(is_fresh(now, timestamp), fresh, "{timestamp}");
        }
        assert!(!is_fresh(now, i64::MIN) && !is_fresh(now, i64::MAX));
    }

    #[test]
    fn a_key_is_accepted_for_a_minute_after_it_expires() {
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
    fn decomposed_characters_are_composed() {
        let hangul = "\u{1112}\u{1161}\u{11ab}";
        for (given, composed) in [("e\u{301}", "é"), (hangul, "한"), ("e\u{200B}\u{301}", "é")] {
            assert_eq!(clean(given), composed);
        }
    }

    proptest! {
        #[test]
        fn sanitising_again_changes_nothing_and_plain_text_stays(text in "\\PC*|.*", plain in "[a-zäßあ \n]*") {
            let once = clean(&text);
            prop_assert_eq!(clean(&once), once.clone());
            prop_assert!(is_nfc(&once));
            let refused = ['\u{202E}', '\u{200B}', '\u{FEFF}', '\u{0}', '\u{7F}'];
            prop_assert!(!once.contains(refused));
            prop_assert_eq!(clean(&plain), plain);
        }

        #[test]
        fn a_signature_covers_every_field(content in ".*", at in 0_usize..64, turn in 0_u32..9) {
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
