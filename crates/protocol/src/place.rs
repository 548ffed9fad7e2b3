//! Places in a log: cursors, and the ids of messages.

use crate::{Malformed, hex, ids::string_id};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// A place in a log or an inbox: a decimal string that strictly increases and is opaque to clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(u64);

impl Cursor {
    /// The cursor of the greeting, before every message.
    pub const START: Self = Self(0);
    /// The last possible cursor: the largest integer that JavaScript represents exactly.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The next cursor.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The cursor as an integer for storage.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// The cursor for an integer from storage, which is never negative.
    #[must_use]
    pub const fn from_i64(value: i64) -> Self {
        Self(value.unsigned_abs())
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cursor {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let digits = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits
            .then(|| text.parse().ok().map(Self))
            .flatten()
            .filter(|cursor| *cursor <= Self::MAX)
            .ok_or(Malformed("must be a cursor that this session gave, such as `0` or `42`"))
    }
}

#[cfg(feature = "schema")]
crate::schema::string!(Cursor, "Cursor");

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The id of a message: 16 hex digits of its session's salt, `-`, and its cursor. It is unique
/// across sessions and does not reveal the session's id.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageId(String);
string_id!(MessageId, debug: |id| id);

impl MessageId {
    /// The id of the message at `cursor` of the session with this random `salt`.
    #[must_use]
    pub fn new(salt: [u8; 8], cursor: Cursor) -> Self {
        Self(format!("{}-{cursor}", hex(&salt)))
    }

    /// The cursor of the message, if it belongs to the session with this `salt`.
    #[must_use]
    pub fn cursor_in(&self, salt: [u8; 8]) -> Option<Cursor> {
        let (prefix, cursor) = self.0.split_once('-')?;
        if prefix == hex(&salt) { cursor.parse().ok() } else { None }
    }
}

impl FromStr for MessageId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        (1..=64)
            .contains(&text.len())
            .then(|| Self(text.to_owned()))
            .ok_or(Malformed("must be the id of a message"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_id_tells_its_place_only_to_its_session() {
        let id = MessageId::new([1; 8], "42".parse().unwrap());
        assert_eq!(id.as_str(), "0101010101010101-42");
        assert_eq!(id.cursor_in([1; 8]), Some("42".parse().unwrap()));
        assert_eq!(id.cursor_in([2; 8]), None);
    }

    #[test]
    fn absurd_cursors_are_refused() {
        for text in ["", "-1", "1e99", "+1", " 1", "٣", "9007199254740992", &"9".repeat(40)] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
        assert_eq!("9007199254740991".parse::<Cursor>(), Ok(Cursor::MAX));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,60}") {
            if let Ok(id) = text.parse::<MessageId>() { let _ = id.cursor_in([0; 8]); }
            let _ = text.parse::<Cursor>();
        }

        #[test]
        fn cursors_keep_their_order_and_their_form(a in 0u64..1 << 53, b in 0u64..1 << 53) {
            let (x, y): (Cursor, Cursor) = (a.to_string().parse().unwrap(), b.to_string().parse().unwrap());
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert_eq!(x.to_string(), a.to_string());
            prop_assert_eq!(Cursor::from_i64(x.as_i64()), x);
        }
    }
}
