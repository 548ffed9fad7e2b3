//! How an agent proves who it is.

use crate::{Digest, Fault, hmac};
use nexus_protocol::{AgentSecret, hex};
use serde::{Deserialize, Serialize};

/// How an agent uses its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretUse {
    /// The agent shows the secret. The relay stores only a hash of it.
    Shown,
    /// The agent signs with the secret, by HMAC, so the relay must store the secret itself. The
    /// agent may also show it.
    Signs,
}

/// How a caller proves who it is.
#[derive(Clone, Serialize, Deserialize)]
pub enum Proof {
    /// The secret.
    Secret(AgentSecret),
    /// The hex HMAC-SHA256 of a message, with the secret as its key. The caller of this crate must
    /// check that the message is fresh.
    Signature {
        /// The signed message.
        message: String,
        /// 64 hex digits.
        signature: String,
    },
}

/// What is stored to check a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Credential {
    /// The hash of the secret and the mailbox's salt. Two agents may have chosen the same secret,
    /// and the salt hides that.
    Hash(Digest),
    /// The secret itself, for an agent that signs with it.
    Shared(AgentSecret),
}

impl Credential {
    pub(super) fn new(secret: &AgentSecret, salt: [u8; 8], used: SecretUse) -> Self {
        match used {
            SecretUse::Shown => Self::Hash(hash(secret, salt)),
            SecretUse::Signs => Self::Shared(secret.clone()),
        }
    }

    pub(super) fn used(&self) -> SecretUse {
        match self {
            Self::Hash(_) => SecretUse::Shown,
            Self::Shared(_) => SecretUse::Signs,
        }
    }

    /// Whether this is the right secret. Compares in constant time.
    pub(super) fn is(&self, secret: &AgentSecret, salt: [u8; 8]) -> bool {
        let shown = hash(secret, salt);
        match self {
            Self::Hash(stored) => shown == *stored,
            Self::Shared(stored) => shown == hash(stored, salt),
        }
    }

    /// Whether the proof is valid. A signature is valid only where the secret itself is stored.
    pub(super) fn is_proven(&self, proof: &Proof, salt: [u8; 8]) -> Result<bool, Fault> {
        match (self, proof) {
            (_, Proof::Secret(secret)) => Ok(self.is(secret, salt)),
            (Self::Shared(stored), Proof::Signature { message, signature }) => {
                let expected = hmac(stored.as_str(), message)?;
                // Comparing the digests takes constant time.
                Ok(Digest::of(&[&expected]) == Digest::of(&[&signature.to_ascii_lowercase()]))
            }
            (Self::Hash(_), Proof::Signature { .. }) => Ok(false),
        }
    }
}

fn hash(secret: &AgentSecret, salt: [u8; 8]) -> Digest {
    Digest::of(&["agent secret", &hex(&salt), secret.as_str()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_valid_only_if_the_secret_is_stored() {
        let secret: AgentSecret = "0123456789abcdef".parse().unwrap();
        let sign = |key: &str| Proof::Signature {
            message: "m".to_owned(),
            signature: hmac(key, "m").unwrap().to_uppercase(),
        };
        for used in [SecretUse::Shown, SecretUse::Signs] {
            let credential = Credential::new(&secret, [1; 8], used);
            assert!(credential.is_proven(&Proof::Secret(secret.clone()), [1; 8]).unwrap());
            assert!(!credential.is(&"another secret!!".parse().unwrap(), [1; 8]));
            let signs = used == SecretUse::Signs;
            assert_eq!(credential.is_proven(&sign(secret.as_str()), [1; 8]).unwrap(), signs);
            assert!(!credential.is_proven(&sign("wrong"), [1; 8]).unwrap());
            assert!(!format!("{credential:?}").contains(secret.as_str()));
        }
        assert!(!Credential::new(&secret, [1; 8], SecretUse::Shown).is(&secret, [2; 8]));
    }
}
