//! What a host passes in each call, because the protocol has no sessions: who somebody is, and the proof of it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use nexus_protocol::{AgentId, AgentSecret, SessionId, SessionKey, hex};

/// What every seat begins with.
const PREFIX: &str = "nxt_";

const MEMBER: u8 = 1;
const ADDRESS: u8 = 2;

/// The seat of an agent. Whoever has it can act for the agent, so it prints as `[secret]`.
#[derive(Clone, PartialEq, Eq)]
pub enum Seat {
    /// In a session.
    Member {
        /// The session.
        session: SessionId,
        /// Its member.
        agent: AgentId,
        /// What proves it.
        key: SessionKey,
    },
    /// At an address.
    Address {
        /// The address.
        agent: AgentId,
        /// What proves it.
        secret: AgentSecret,
    },
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl Seat {
    /// The seat as one word: `nxt_` and base64url.
    ///
    /// A member's is a byte 1, the 24 bytes of the session's id, the 32 of the key, and the agent's id; an
    /// address's a byte 2, its id, a line break and the secret. `None` if the key is not one of the relay's.
    #[must_use]
    pub fn to_word(&self) -> Option<String> {
        let bytes = match self {
            Self::Member { session, agent, key } => {
                let key = URL_SAFE_NO_PAD.decode(key.as_str().strip_prefix("nxk_")?).ok()?;
                let key = <[u8; 32]>::try_from(key).ok()?;
                [&[MEMBER], unhex(session.as_str())?.as_slice(), &key, agent.as_str().as_bytes()]
                    .concat()
            }
            Self::Address { agent, secret } => {
                let (agent, secret) = (agent.as_str(), secret.as_str());
                [&[ADDRESS], agent.as_bytes(), b"\n", secret.as_bytes()].concat()
            }
        };
        Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a seat. `None` if it is none, which a model that has shortened or changed it will meet.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(word.trim().strip_prefix(PREFIX)?).ok()?;
        let (kind, rest) = bytes.split_first()?;
        match *kind {
            MEMBER => {
                let (session, rest) = rest.split_first_chunk::<24>()?;
                let (key, agent) = rest.split_first_chunk::<32>()?;
                Some(Self::Member {
                    session: hex(session).parse().ok()?,
                    agent: str::from_utf8(agent).ok()?.parse().ok()?,
                    key: SessionKey::from_random(*key),
                })
            }
            ADDRESS => {
                let (agent, secret) = str::from_utf8(rest).ok()?.split_once('\n')?;
                let secret = secret.parse().ok().filter(can_be_shown)?;
                Some(Self::Address { agent: agent.parse().ok()?, secret })
            }
            _ => None,
        }
    }

    /// Who sits there.
    #[must_use]
    pub fn agent(&self) -> &AgentId {
        match self {
            Self::Member { agent, .. } | Self::Address { agent, .. } => agent,
        }
    }
}

/// Whether a secret can stand in a header, which every one can that an address has.
pub(crate) fn can_be_shown(secret: &AgentSecret) -> bool {
    !secret.as_str().chars().any(char::is_control)
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| digits.get(at..at.checked_add(2)?);
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(pair(at)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_seat_comes_back_as_it_was(
            session in any::<[u8; 24]>(), key in any::<[u8; 32]>(), agent in "[A-Za-z0-9_-]{1,128}",
            secret in "[!-~]{16,256}",
        ) {
            prop_assume!(agent != "system");
            let agent: AgentId = agent.parse().unwrap();
            let member = Seat::Member {
                session: SessionId::from_random(session), agent: agent.clone(), key: SessionKey::from_random(key),
            };
            let address = Seat::Address { agent, secret: secret.parse().unwrap() };
            for seat in [member, address] {
                let word = seat.to_word().unwrap();
                prop_assert!(word.starts_with("nxt_"));
                prop_assert_eq!(Seat::from_word(&word), Some(seat.clone()));
                prop_assert_eq!(format!("{seat:?}"), "[secret]");
            }
        }

        #[test]
        fn what_is_no_seat_is_none(word in "(nxt_)?[A-Za-z0-9_=-]{0,160}", any in ".{0,40}") {
            // Random bytes are one only if they begin like one.
            for word in [word, any] {
                if let Some(seat) = Seat::from_word(&word) {
                    prop_assert_eq!(Seat::from_word(&seat.to_word().unwrap()), Some(seat));
                }
            }
        }
    }

    #[test]
    fn a_secret_that_would_break_a_header_makes_no_seat() {
        for secret in ["right\nX-Session-Key: forged", "right\r", "\u{0}"] {
            let agent = "a".parse().unwrap();
            let word = Seat::Address { agent, secret: secret.parse().unwrap() }.to_word().unwrap();
            assert_eq!(Seat::from_word(&word), None, "{secret:?}");
        }
    }

    #[test]
    fn a_short_name_makes_a_short_seat() {
        let seat = Seat::Member {
            session: SessionId::from_random([7; 24]),
            agent: "bob".parse().unwrap(),
            key: SessionKey::from_random([9; 32]),
        };
        let word = seat.to_word().unwrap();
        assert_eq!(word.len(), 84);
        let cut = word.get(..word.len() - 40).unwrap();
        assert_eq!(Seat::from_word(cut), None);
        assert_eq!(Seat::from_word(&format!(" {word}\n")), Some(seat));
    }
}
