//! What a session remembers about seats that were given up, so that nobody returns in a way that is
//! closed.
//!
//! Names and claims are kept as the first 32 bits of a hash, which keeps row 0 small. With a
//! thousand remembered names, a new name has one chance in four million to collide with one of
//! them, and is then refused.

use crate::Digest;
use nexus_protocol::{AgentId, PairingCode};
use serde::{Deserialize, Serialize};

/// How many entries a list has. Beyond that, the oldest are forgotten.
const MOST: usize = 1000;

/// Seats that were given up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Past {
    /// Names of seats that held a key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keyed: Vec<u32>,
    /// Names of seats without a key. None of them is forgotten, because a later seat of the same
    /// name with a key would make messages that were sent without proof look proven.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keyless: Vec<u32>,
    /// Names of members that were removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<u32>,
    /// Claims whose seat was given up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    claims: Vec<u32>,
    /// Codes that nobody may claim any more, although their index does not know it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    codes: Vec<u32>,
}

impl Past {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Records that a seat was given up.
    pub(super) fn note(&mut self, agent: &AgentId, is_keyed: bool, claim: Option<&Digest>) {
        remember(if is_keyed { &mut self.keyed } else { &mut self.keyless }, name(agent));
        if let Some(claim) = claim {
            remember(&mut self.claims, short(claim));
        }
    }

    /// Records that a member was removed.
    pub(super) fn note_removed(&mut self, agent: &AgentId) {
        remember(&mut self.removed, name(agent));
    }

    /// Records that a removed member has returned by a link.
    pub(super) fn readmit(&mut self, agent: &AgentId) {
        let name = name(agent);
        self.removed.retain(|removed| *removed != name);
    }

    /// Whether an earlier seat of this name was of the other kind: with a key, or without.
    pub(super) fn was_other_kind(&self, agent: &AgentId, is_keyed: bool) -> bool {
        let other = if is_keyed { &self.keyless } else { &self.keyed };
        other.contains(&name(agent))
    }

    /// Whether the name of a seat without a key could not be remembered. It must not be given then.
    pub(super) fn has_no_room_for(&self, agent: &AgentId) -> bool {
        self.keyless.len() >= MOST && !self.keyless.contains(&name(agent))
    }

    pub(super) fn void(&mut self, code: &PairingCode) {
        remember(&mut self.codes, of_code(code));
    }

    pub(super) fn is_void(&self, code: &PairingCode) -> bool {
        self.codes.contains(&of_code(code))
    }

    pub(super) fn was_removed(&self, agent: &AgentId) -> bool {
        self.removed.contains(&name(agent))
    }

    pub(super) fn has_claim(&self, claim: &Digest) -> bool {
        self.claims.contains(&short(claim))
    }
}

fn remember(list: &mut Vec<u32>, entry: u32) {
    if list.contains(&entry) {
        return;
    }
    if list.len() >= MOST {
        list.remove(0);
    }
    list.push(entry);
}

fn name(agent: &AgentId) -> u32 {
    short(&Digest::of(&["name", &agent.as_str().to_ascii_lowercase()]))
}

fn of_code(code: &PairingCode) -> u32 {
    short(&Digest::of(&["code", code.as_str()]))
}

fn short(digest: &Digest) -> u32 {
    digest.as_str().get(..8).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(name: &str) -> AgentId {
        name.parse().unwrap()
    }

    #[test]
    fn a_name_is_remembered_in_any_case_and_by_its_kind() {
        let mut past = Past::default();
        past.note(&agent("Bob"), true, None);
        past.note(&agent("claw"), false, None);
        assert!(
            past.was_other_kind(&agent("bob"), false) && !past.was_other_kind(&agent("bob"), true)
        );
        assert!(
            past.was_other_kind(&agent("CLAW"), true) && !past.was_other_kind(&agent("x"), true)
        );
    }

    #[test]
    fn a_removed_member_is_readmitted_once_a_link_has_brought_it_back() {
        let mut past = Past::default();
        past.note_removed(&agent("Bob"));
        assert!(past.was_removed(&agent("bob")));
        past.readmit(&agent("BOB"));
        assert!(!past.was_removed(&agent("bob")) && past.is_empty());
    }

    #[test]
    fn the_oldest_are_forgotten_and_keyless_names_never() {
        let mut past = Past::default();
        for number in 0..=1000 {
            past.note(&agent(&format!("a{number}")), true, None);
        }
        assert!(
            !past.was_other_kind(&agent("a0"), false) && past.was_other_kind(&agent("a1"), false)
        );
        assert!(!past.has_no_room_for(&agent("new")));
        (0..1000).for_each(|number| past.note(&agent(&format!("b{number}")), false, None));
        assert!(past.has_no_room_for(&agent("new")) && !past.has_no_room_for(&agent("b0")));
        assert!(past.was_other_kind(&agent("b0"), true));
    }
}
