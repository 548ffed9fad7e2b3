//! Which key belongs to which name: the one that was seen first, or the one that the link names.

use crate::{Fingerprint, PublicKey};
use nexus_protocol::{AgentId, Cursor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Pinned {
    Key(PublicKey),
    Fingerprint(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pin {
    #[serde(flatten)]
    pinned: Pinned,
    /// Whoever signs from here on has signed all that follows.
    since: Cursor,
}

/// The pinned keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Keys(BTreeMap<AgentId, Pin>);

/// What is known of who signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) signed: Option<bool>,
    pub(super) key_changed: bool,
}

impl Signed {
    const CHANGED: Self = Self { signed: Some(false), key_changed: true };
}

impl Keys {
    pub(super) fn expect(&mut self, agent: &AgentId, fingerprint: Fingerprint) {
        let pinned = Pinned::Fingerprint(fingerprint.to_string());
        self.0.insert(agent.clone(), Pin { pinned, since: Cursor::START });
    }

    pub(super) fn accept(&mut self, agent: &AgentId, key: PublicKey, since: Cursor) {
        self.0.insert(agent.clone(), Pin { pinned: Pinned::Key(key), since });
    }

    /// Compares the key of what a sender sealed, and pins it if it is the first that the relay
    /// vouches for.
    pub(super) fn check(
        &mut self,
        sender: &AgentId,
        key: Option<PublicKey>,
        cursor: Cursor,
        verified: bool,
    ) -> Signed {
        let Some(pin) = self.0.get(sender) else {
            let pinned = key.filter(|_| verified);
            if let Some(key) = pinned {
                self.accept(sender, key, cursor);
            }
            return Signed { signed: pinned.map(|_| true), key_changed: false };
        };
        let is_pinned = |key: PublicKey| match &pin.pinned {
            Pinned::Key(pinned) => *pinned == key,
            Pinned::Fingerprint(pinned) => *pinned == key.fingerprint().to_string(),
        };
        let is_earlier = cursor < pin.since;
        match key {
            Some(key) if is_pinned(key) => Signed { signed: Some(true), key_changed: false },
            Some(_) if !is_earlier || verified => Signed::CHANGED,
            None if !is_earlier => Signed::CHANGED,
            Some(_) | None => Signed::default(),
        }
    }
}
