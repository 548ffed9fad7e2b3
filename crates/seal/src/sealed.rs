//! Sealed strings.

use crate::{Field, Secret, cipher};
use nexus_protocol::{AgentId, SEALED_HEADER, Sealed};
use std::fmt;

/// Why a string was not opened. Nothing of it may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// It was sealed in a way that only a newer client knows.
    Newer,
    /// It is no sealed string at all.
    Unsealed,
    /// It was changed, or sealed with another secret, by another sender, or for another place.
    Altered,
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Newer => "newer",
            Self::Unsealed => "unsealed",
            Self::Altered => "altered",
        })
    }
}

impl std::error::Error for Unopened {}

/// What was opened or signed is not what it must be. There are no particulars, so that nobody
/// learns from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Altered;

impl fmt::Display for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("altered")
    }
}

impl std::error::Error for Altered {}

impl From<Altered> for Unopened {
    fn from(Altered: Altered) -> Self {
        Self::Altered
    }
}

/// Seals some bytes. The initialization vector must be 16 fresh random bytes.
#[must_use]
pub fn seal(
    secret: &Secret,
    field: Field<'_>,
    sender: &AgentId,
    iv: [u8; 16],
    plaintext: &[u8],
) -> String {
    let key = secret.content_key(field, sender);
    let (ciphertext, tag) = cipher::encrypt(&key, iv, SEALED_HEADER.as_bytes(), plaintext);
    Sealed { iv, ciphertext, tag }.write()
}

/// Opens what was sealed with this secret, by this sender, for this field.
pub fn open(
    secret: &Secret,
    field: Field<'_>,
    sender: &AgentId,
    sealed: &str,
) -> Result<Vec<u8>, Unopened> {
    let Some(Sealed { iv, ciphertext, tag }) = Sealed::parse(sealed) else {
        return Err(other_form(sealed));
    };
    let key = secret.content_key(field, sender);
    cipher::decrypt(&key, iv, SEALED_HEADER.as_bytes(), &ciphertext, tag).ok_or(Unopened::Altered)
}

/// What a string is that has not the form of a sealed one.
fn other_form(text: &str) -> Unopened {
    let is_base64 = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let header = text.split('.').next().unwrap_or_default();
    if header == SEALED_HEADER && header != text {
        Unopened::Altered
    } else if header.starts_with("eyJ")
        && text.split('.').count() == 5
        && text.split('.').all(is_base64)
    {
        Unopened::Newer
    } else {
        Unopened::Unsealed
    }
}
