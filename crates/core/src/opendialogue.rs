//! The rules of OpenDialogue (docs/dialects.md) that its clients hold the relay to: what is signed, how
//! long a signature is good, and which characters a message may have.

use crate::{Fault, hmac};
use nexus_protocol::Timestamp;
use subtle::ConstantTimeEq;

/// Milliseconds for which a timestamp, and so a nonce, is good.
pub const FRESH: i64 = 300_000;

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

/// The content without the characters that clients do not take: controls but for tabs and line ends,
/// zero-width characters, and what overrides the direction of text.
#[must_use]
pub fn sanitised(content: &str) -> String {
    let is_refused = |c: char| match c {
        '\t' | '\n' | '\r' => false,
        '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}'
        | '\u{FEFF}' => true,
        c => c.is_control(),
    };
    content.chars().filter(|c| !is_refused(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn what_is_sanitised_stays_so_and_plain_text_is_not_touched(text in "\\PC*|.*", plain in "[a-zäßあ \n]*") {
            let once = sanitised(&text);
            prop_assert_eq!(sanitised(&once), once.clone());
            let refused = ['\u{202E}', '\u{200B}', '\u{FEFF}', '\u{0}', '\u{7F}'];
            prop_assert!(!once.contains(refused));
            prop_assert_eq!(sanitised(&plain), plain);
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
