//! The secret of a session. The client of the creator draws it, and the link takes it to the other
//! members. The relay never learns it.

use crate::{
    Field,
    mac::{first, mac},
};
use nexus_protocol::{AgentId, KeyId, Malformed, hex};
use std::{fmt, str::FromStr};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The salt from which every key of this version comes.
const SALT: &[u8; 11] = b"nexus e2e 1";

/// `k1` and 40 lowercase hex digits with 160 random bits. It must not be used for two sessions.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// What a secret must be.
    pub const RULE: &str =
        "must be `k1` and 40 lowercase hex digits, as they stand behind # in the link";

    /// Makes a secret of random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 20]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let digits = Zeroizing::new(hex(bytes.as_slice()));
        Self(Zeroizing::new(format!("k1{}", digits.as_str())))
    }

    /// The secret itself. It belongs into a link and into the file of its session only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What proves the secret to the relay, and does not reveal it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        KeyId::from_bytes(first(&self.expand("id")))
    }

    /// The key of a field and a sender: 32 bytes for the tag, and 32 for the cipher.
    pub(crate) fn content_key(&self, field: Field<'_>, sender: &AgentId) -> Zeroizing<[u8; 64]> {
        // An id has no `/`, so no two of these texts are the same.
        self.expand(&format!("seal/{field}/{sender}"))
    }

    /// HKDF (RFC 5869) with SHA-512, one block.
    fn expand(&self, info: &str) -> Zeroizing<[u8; 64]> {
        let prk = mac(SALT, &[self.0.as_bytes()]);
        mac(&prk, &[info.as_bytes(), &[1]])
    }
}

impl FromStr for Secret {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let digits = text.strip_prefix("k1").ok_or(Malformed(Self::RULE))?;
        (digits.len() == 40 && digits.bytes().all(is_digit))
            .then(|| Self(Zeroizing::new(text.to_owned())))
            .ok_or(Malformed(Self::RULE))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
