//! Requests that can be repeated: an idempotency key, and a digest of what was asked for under it (section 3).
//!
//! Both are stored in one text, `KEY DIGEST`, beside what the request has stored. A key has no spaces.

use crate::{Digest, Fault, Result};
use nexus_protocol::Refusal;
use serde::Serialize;

/// How many hex digits of the digest are stored: 80 bits.
const DIGITS: usize = 20;

/// How keys begin that `nexus listen` makes. They name the message that is answered. If the client dies before it
/// has noted that it has answered, it answers once more, maybe in other words. The first answer counts.
const OF_ANSWERS: &str = "nexus-reply-";

/// A key and what is asked for under it, as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Repeat(String);

impl Repeat {
    /// Takes the key, in the scope in which it counts, and the request as it was read.
    pub(crate) fn new(key: &str, request: &impl Serialize) -> Result<Self, Fault> {
        let request = serde_json::to_string(request).map_err(Fault::new)?;
        Ok(Self::digested(key, &digest(&request)))
    }

    /// Takes the key, and the digest that [`digest`] made.
    pub(crate) fn digested(key: &str, digest: &str) -> Self {
        Self(format!("{key} {digest}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_stored(self) -> String {
        self.0
    }

    /// The key.
    pub(crate) fn key(&self) -> &str {
        self.0.rsplit_once(' ').map_or(self.0.as_str(), |(key, _)| key)
    }

    /// Whether what is stored was stored by the same request. Refused if it was another one under the same key.
    /// What an older version stored has no digest, and counts as the same.
    pub(crate) fn check(&self, stored: &str) -> Result<(), Refusal> {
        let key = self.key().rsplit(':').next().unwrap_or_default();
        if stored == self.0 || !stored.contains(' ') || key.starts_with(OF_ANSWERS) {
            return Ok(());
        }
        Err(Refusal::idempotency_key_reused())
    }
}

/// What names a request, in as many digits as are stored.
pub(crate) fn digest(request: &str) -> String {
    Digest::of(&["repeat", request]).as_str().chars().take(DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_with_another_request_is_refused() {
        let repeat = Repeat::new("0v:k", &"one").unwrap();
        assert_eq!(repeat.key(), "0v:k");
        assert!(repeat.check(repeat.as_str()).is_ok());
        assert!(repeat.check("0v:k").is_ok());
        let other = Repeat::new("0v:k", &"two").unwrap();
        assert_eq!(repeat.check(other.as_str()).unwrap_err().status, 422);
        for key in ["0v:nexus-reply-7-x", "nexus-reply-7-x"] {
            let answer = Repeat::new(key, &"one").unwrap();
            assert!(answer.check(Repeat::new(key, &"two").unwrap().as_str()).is_ok(), "{key}");
        }
    }

    #[test]
    fn the_stored_form_stays() {
        assert_eq!(Repeat::digested("k", "d").as_str(), "k d");
        assert_eq!(digest("{}").len(), DIGITS);
    }
}
