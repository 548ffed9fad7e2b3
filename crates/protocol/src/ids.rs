//! The forms of ids, keys and secrets (section 1). Nothing here says what exists.
//!
//! Secrets print as `[secret]` in `Debug`, so that a log line cannot reveal them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// Implements printing, writing to JSON and reading from JSON for a string whose form `FromStr`
/// checks.
macro_rules! string_id {
    ($name:ident, debug: $debug:expr) => {
        impl $name {
            /// The id as it goes over the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let debug: fn(&str) -> &str = $debug;
                f.write_str(debug(&self.0))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        #[cfg(feature = "schema")]
        crate::schema::string!($name, stringify!($name));

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

pub(crate) use string_id;

/// A text does not have the required form. Contains what the form must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// 48 lowercase hex digits with 192 random bits. Whoever knows the id can join the session.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);
string_id!(SessionId, debug: |_| "[secret]");

impl SessionId {
    /// Makes an id of random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 24]) -> Self {
        Self(hex(&bytes))
    }
}

impl FromStr for SessionId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 48 && text.bytes().all(hex))
            .then(|| Self(text.to_owned()))
            .ok_or(Malformed("must be 48 lowercase hex digits"))
    }
}

/// `nxk_` and 43 base64url characters with 256 random bits. Proves who an agent is within one
/// session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey(String);
string_id!(SessionKey, debug: |_| "[secret]");

impl SessionKey {
    /// Makes a key of random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(format!("nxk_{}", URL_SAFE_NO_PAD.encode(bytes)))
    }
}

impl FromStr for SessionKey {
    type Err = Malformed;

    /// Accepts any text that a client presents. The session decides whether it is the right key.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Ok(Self(text.to_owned()))
    }
}

/// 32 lowercase hex digits that prove the key of an encrypted session (section 10), and do not
/// reveal it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyId(String);
string_id!(KeyId, debug: |_| "[secret]");

impl KeyId {
    /// What a key id must be.
    pub const RULE: &str = "must be 32 lowercase hex digits, computed from the key behind # in the link (section 10); never send the key itself";

    /// The id of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex(&bytes))
    }
}

impl FromStr for KeyId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 32 && text.bytes().all(hex))
            .then(|| Self(text.to_owned()))
            .ok_or(Malformed(Self::RULE))
    }
}

/// The id that an agent chooses for itself: 1 to 128 letters, digits, `_` or `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(String);
string_id!(AgentId, debug: |id| id);

impl AgentId {
    /// The sender of messages from the relay itself. No agent may use this id.
    pub const SYSTEM: &str = "system";
    /// Who ended a session that its operator has ended. No agent may use this id.
    pub const OPERATOR: &str = "operator";
    /// What an agent id must be.
    pub const RULE: &str = "must be 1 to 128 letters, digits, `_` or `-`, and not `system`";
}

impl FromStr for AgentId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let allowed = is_name(text) && text != Self::SYSTEM;
        allowed.then(|| Self(text.to_owned())).ok_or(Malformed(Self::RULE))
    }
}

impl AgentId {
    /// Which ids an agent must not use, in any case. People would take its messages for the
    /// relay's.
    pub const RESERVED: &str = "must not be `system`, `relay`, `nexus-relay`, `admin` or `operator`, in any case; choose another name";

    /// Whether no agent may use this id.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        let reserved = [Self::SYSTEM, "relay", "nexus-relay", "admin", Self::OPERATOR];
        reserved.iter().any(|name| self.0.eq_ignore_ascii_case(name))
    }

    /// Whether both ids name the same member. Case does not matter within a session.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// Makes an id of eight decimal digits from random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self(format!("{:08}", u64::from_le_bytes(bytes) % 100_000_000))
    }
}

/// Proves who an agent is everywhere on a relay (section 8): `nxs_` and 43 base64url characters, or
/// a secret that the agent has chosen.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentSecret(String);
string_id!(AgentSecret, debug: |_| "[secret]");

impl AgentSecret {
    /// What a secret must be that an agent chooses.
    pub const RULE: &str = "must be 16 to 256 visible ASCII characters";

    /// What every new secret must be, also where another protocol's clients choose it.
    pub const SHORT: &str = "must be at least 8 characters";

    /// Makes a secret of random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(format!("nxs_{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The secret that a browser offers as a sub-protocol, which cannot have every character.
    #[must_use]
    pub fn from_base64url(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        String::from_utf8(bytes).ok().map(Self)
    }

    /// Whether a new address may not have this secret, because it could be guessed.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.0.chars().count() < 8
    }

    /// Whether an agent may choose this secret.
    #[must_use]
    pub fn may_be_chosen(&self) -> bool {
        (16..=256).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl FromStr for AgentSecret {
    type Err = Malformed;

    /// Accepts any text that a client presents. The mailbox decides whether it is the right secret.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Ok(Self(text.to_owned()))
    }
}

/// The id of a conversation between two agents (section 8): 1 to 128 letters, digits, `_` or `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConversationId(String);
string_id!(ConversationId, debug: |id| id);

impl ConversationId {
    /// What a conversation id must be.
    pub const RULE: &str = "must be 1 to 128 letters, digits, `_` or `-`";

    /// Makes an id of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(format!("c-{}", hex(&bytes)))
    }
}

impl FromStr for ConversationId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        is_name(text).then(|| Self(text.to_owned())).ok_or(Malformed(Self::RULE))
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}

/// Makes a repeated request harmless: 1 to 255 visible ASCII characters, chosen by the client.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);
string_id!(IdempotencyKey, debug: |_| "[secret]");

impl IdempotencyKey {
    /// What an idempotency key must be.
    pub const RULE: &str = "must be 1 to 255 visible ASCII characters";
}

impl FromStr for IdempotencyKey {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        ((1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| Self(text.to_owned()))
            .ok_or(Malformed(Self::RULE))
    }
}

/// The bytes as lowercase hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    // `format!` takes twenty times as long.
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_wire_forms_are_pinned() {
        assert_eq!(SessionId::from_random([0xab; 24]).as_str(), "ab".repeat(24));
        let key = SessionKey::from_random([0xff; 32]);
        assert_eq!(key.as_str(), "nxk___________________________________________8");
        assert_eq!(key.as_str().len(), 4 + 43);
        let secret = AgentSecret::from_random([0; 32]);
        assert_eq!(secret.as_str(), format!("nxs_{}", "A".repeat(43)));
        assert!(secret.may_be_chosen());
        assert_eq!(AgentId::from_random([7, 0, 0, 0, 0, 0, 0, 0]).as_str(), "00000007");
        assert_eq!(ConversationId::from_bytes([1; 16]).as_str(), format!("c-{}", "01".repeat(16)));
    }

    #[test]
    fn secrets_do_not_print() {
        let session = SessionId::from_random([7; 24]);
        let key = SessionKey::from_random([7; 32]);
        let secret = AgentSecret::from_random([7; 32]);
        assert_eq!(format!("{session:?} {key:?} {secret:?}"), "[secret] [secret] [secret]");
    }

    #[test]
    fn absurd_ids_are_refused() {
        for text in ["", "system", "a b", "é", "a/b", &"a".repeat(129)] {
            assert!(text.parse::<AgentId>().is_err(), "{text}");
        }
        for text in ["", &"A".repeat(48), &"a".repeat(47), &"g".repeat(48)] {
            assert!(text.parse::<SessionId>().is_err(), "{text}");
        }
        for text in ["", "a b", "é", &"a".repeat(256)] {
            assert!(text.parse::<IdempotencyKey>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_keeps_accepted_text(text in ".{0,60}") {
            if let Ok(id) = text.parse::<AgentId>() { prop_assert_eq!(id.as_str(), &text); }
            if let Ok(id) = text.parse::<SessionId>() { prop_assert_eq!(id.as_str(), &text); }
            let _ = text.parse::<IdempotencyKey>();
        }
    }
}
