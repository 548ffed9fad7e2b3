//! Hashes of secrets. A stored hash cannot be used as a secret.

use crate::Fault;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use nexus_protocol::{SessionId, hex, webhook_key};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 of a secret as 64 hex digits, compared in constant time. The secrets have 256 random
/// bits or expire within minutes, so a slow hash would cost time and add no safety.
#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of `parts`. The length of each part is hashed too, so `["a", "b"]` differs from
    /// `["ab"]`.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // A `usize` would hash differently on another platform.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Self(hex(&hash.finalize()))
    }

    /// The digest of some bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// Uses random bytes in place of a hash, to name something that has no secret.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(hex(&bytes))
    }

    /// The digest by which everything but the session itself knows a session: the directory, and, by its first
    /// digits, the log and the ids of requests.
    #[must_use]
    pub fn of_session(id: &SessionId) -> Self {
        Self::of(&[id.as_str()])
    }

    /// The first hex digits.
    #[must_use]
    pub fn first(&self, digits: usize) -> &str {
        self.0.get(..digits).unwrap_or_default()
    }

    /// The hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Digest {
    fn from(stored: String) -> Self {
        Self(stored)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

/// The HMAC-SHA256 of `message` with the key `secret`, as 64 hex digits.
pub fn hmac(secret: &str, message: &str) -> Result<String, Fault> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(Fault::new)?;
    mac.update(message.as_bytes());
    Ok(hex(&mac.finalize().into_bytes()))
}

/// A signature in the form of Standard Webhooks: `v1,` and the base64 HMAC-SHA256 of `message`.
pub(crate) fn standard_signature(secret: &str, message: &str) -> Result<String, Fault> {
    let key = webhook_key(secret);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(Fault::new)?;
    mac.update(message.as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_does_not_change() {
        // Sessions that outlive an upgrade hold digests that the older version made.
        let expected = "cf6ab613e3942391f88ed698557e1680f160bd10e88c6b668c50360c10930e2b";
        assert_eq!(Digest::of(&["a", "b"]).as_str(), expected);
        assert_ne!(Digest::of(&["ab"]), Digest::of(&["a", "b"]));
        assert_ne!(Digest::of(&["a", "bc"]), Digest::of(&["ab", "c"]));
    }

    #[test]
    fn a_standard_signature_is_the_one_of_the_specification() {
        // The example of the specification of Standard Webhooks.
        let secret = format!("whsec_{}", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let message = r#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        assert_eq!(
            standard_signature(&secret, message).unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
