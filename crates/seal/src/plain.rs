//! What is inside of a sealed string.

use crate::Numbers;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nexus_protocol::{AgentId, KeyId, MessageId, Recipients, Redacted};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// By which a sealed string is named: the first 16 bytes of its SHA-256, in base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealedHash([u8; 16]);

impl SealedHash {
    /// The hash of a sealed string.
    #[must_use]
    pub fn of(sealed: &str) -> Self {
        let hash: [u8; 32] = Sha256::digest(sealed).into();
        Self(std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default()))
    }
}

impl fmt::Display for SealedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for SealedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SealedHash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("must be 16 bytes in base64url")
    }
}

impl Serialize for SealedHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SealedHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The sender's count of its messages, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Count {
    /// Of those to everyone.
    Everyone(u32),
    /// Of those to each recipient of this one.
    Each(BTreeMap<AgentId, u32>),
}

impl Count {
    fn is_counted_from_1(&self) -> bool {
        match self {
            Self::Everyone(n) => *n > 0,
            Self::Each(counts) => counts.values().all(|n| *n > 0),
        }
    }
}

/// Lower counts of the sender that may come later or never. It has the form of the [`Count`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Skip {
    /// Of messages to everyone.
    Everyone(Numbers),
    /// Of messages to each of these.
    Each(BTreeMap<AgentId, Numbers>),
}

/// The plaintext of everything but a file. Fields of newer clients are ignored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Plain {
    /// The key id of the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s: Option<KeyId>,
    /// The field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f: Option<String>,
    /// The sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<AgentId>,
    /// The sender's count of its messages. None in tasks and greetings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<Count>,
    /// Counts that a reader need not wait for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip: Option<Skip>,
    /// The newest message to everyone that the sender had opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev: Option<SealedHash>,
    /// The task to which a context, progress or result belongs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<SealedHash>,
    /// The initialization vector of the sealed string, in base64url. It is there where something is signed that has no
    /// count, so that no other member can seal it once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iv: Option<String>,
    /// For whom it is meant. Everyone, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Recipients>,
    /// What it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Its topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// What the sender's client took out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Redacted>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The value, as it was written.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "raw")]
    pub json: Option<Box<RawValue>>,
}

/// A value that is there, even if it is null.
fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

impl Plain {
    /// Nothing but a text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// Nothing but a value.
    #[must_use]
    pub fn json(json: Box<RawValue>) -> Self {
        Self { json: Some(json), ..Self::default() }
    }

    /// Reads an object that is not empty.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        // A list would be taken for the fields in their order.
        let object = bytes.strip_prefix(b"{")?;
        let is_empty = object.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'}');
        let plain: Self = serde_json::from_slice(bytes).ok()?;
        (!is_empty && plain.n.as_ref().is_none_or(Count::is_counted_from_1)).then_some(plain)
    }
}
