//! What is known of a conversation (section 8).

use crate::Fault;
use nexus_protocol::{AgentId, EndReason, Timestamp};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, collections::BTreeMap};

/// What a mailbox knows of a conversation. Two such values can be merged in any order and any
/// number of times, and nothing that either knows is lost.
///
/// A conversation that is over may begin again under the same id, as a new round. Of two rounds the
/// later one counts, and all other fields describe that round, except when the conversation was last active: a
/// message of an earlier round that still waits keeps it from falling silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// How often the conversation has begun again.
    #[serde(default, skip_serializing_if = "is_first")]
    round: u32,
    pub(super) initiator: AgentId,
    pub(super) max_turns: u32,
    /// How many turns each agent has taken.
    turns: BTreeMap<AgentId, u32>,
    /// When the conversation was last active.
    pub(super) active: Timestamp,
    /// Whether one of the two has ended it.
    pub(super) ended: bool,
    /// Whether a message that could begin it again was refused because all turns are used. The next
    /// such message is accepted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) refused: bool,
}

impl Facts {
    /// A conversation without messages.
    pub(super) fn begin(initiator: &AgentId, max_turns: u32, now: Timestamp) -> Self {
        Self {
            round: 0,
            initiator: initiator.clone(),
            max_turns,
            turns: BTreeMap::new(),
            active: now,
            ended: false,
            refused: false,
        }
    }

    /// The same conversation as a new round without messages.
    pub(super) fn anew(&self, initiator: &AgentId, max_turns: u32, now: Timestamp) -> Self {
        let round = self.round.saturating_add(1);
        Self { round, ..Self::begin(initiator, max_turns, now) }
    }

    /// What both know together. If both believe that they began the conversation, the result names
    /// the same initiator whoever merges.
    pub(super) fn merge(mut self, other: Self) -> Self {
        let active = self.active.max(other.active);
        match other.round.cmp(&self.round) {
            Ordering::Less => return Self { active, ..self },
            Ordering::Equal => self.active = active,
            Ordering::Greater => return Self { active, ..other },
        }
        match other.initiator.cmp(&self.initiator) {
            Ordering::Less => {
                (self.initiator, self.max_turns) = (other.initiator, other.max_turns);
            }
            Ordering::Equal => self.max_turns = self.max_turns.min(other.max_turns),
            Ordering::Greater => {}
        }
        for (agent, turns) in other.turns {
            let mine = self.turns.entry(agent).or_default();
            *mine = turns.max(*mine);
        }
        self.ended |= other.ended;
        self.refused |= other.refused;
        self
    }

    /// Records that `agent` takes a turn. Returns the number of the turn.
    pub(super) fn take_turn(&mut self, agent: &AgentId, now: Timestamp) -> u32 {
        let mine = self.turns.entry(agent.clone()).or_default();
        *mine = mine.saturating_add(1);
        self.active = self.active.max(now);
        self.taken()
    }

    pub(super) fn taken(&self) -> u32 {
        self.turns.values().fold(0, |sum, turns| sum.saturating_add(*turns))
    }

    pub(super) fn round(&self) -> u32 {
        self.round
    }

    pub(super) fn has_had_its_turns(&self) -> bool {
        self.taken() >= self.max_turns
    }

    fn is_silent(&self, now: Timestamp, idle: u32) -> bool {
        now.millis_since(self.active) > i64::from(idle).saturating_mul(1000)
    }

    /// Why the conversation is over, if it is. `idle` is the number of seconds without activity
    /// after which it expires.
    pub(super) fn over(&self, now: Timestamp, idle: u32) -> Option<EndReason> {
        if self.has_had_its_turns() {
            Some(EndReason::MaxTurns)
        } else if self.ended {
            Some(EndReason::ParticipantEnded)
        } else if self.is_silent(now, idle) {
            Some(EndReason::Ttl)
        } else {
            None
        }
    }

    /// Whether the next message may begin a conversation again that is over. If only its turns are
    /// used up, one message is refused first.
    pub(super) fn may_begin_anew(&self, now: Timestamp, idle: u32) -> bool {
        !self.has_had_its_turns() || self.refused || self.ended || self.is_silent(now, idle)
    }

    pub(super) fn to_record(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(Fault::new)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_first(round: &u32) -> bool {
    *round == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> impl Strategy<Value = Facts> {
        let agent = || prop_oneof![Just("a"), Just("b")].prop_map(|id| id.parse().unwrap());
        let turns = prop::collection::btree_map(agent(), 0..9_u32, 0..3);
        let flags = (any::<bool>(), any::<bool>());
        (0..3_u32, agent(), 1..9_u32, turns, 0..99_i64, flags).prop_map(
            |(round, initiator, max_turns, turns, active, (ended, refused))| Facts {
                round,
                initiator,
                max_turns,
                turns,
                active: Timestamp::from_millis(active),
                ended,
                refused,
            },
        )
    }

    proptest! {
        #[test]
        fn facts_merge_in_any_order_and_any_number_of_times(a in facts(), b in facts(), c in facts()) {
            let merged = a.clone().merge(b.clone());
            prop_assert_eq!(&merged, &b.clone().merge(a.clone()));
            prop_assert_eq!(&merged, &merged.clone().merge(a.clone()));
            prop_assert_eq!(&merged, &merged.clone().merge(b.clone()));
            prop_assert_eq!(&a, &a.clone().merge(a.clone()));
            prop_assert_eq!(merged.merge(c.clone()), a.merge(b.merge(c)));
        }

        #[test]
        fn a_later_round_is_all_that_counts_but_for_the_last_activity(a in facts(), b in facts()) {
            let initiator = b.initiator.clone();
            let anew = a.anew(&initiator, 3, Timestamp::from_millis(5));
            prop_assert_eq!(anew.taken(), 0);
            let active = anew.active.max(a.active);
            prop_assert_eq!(anew.clone().merge(a), Facts { active, ..anew });
        }

        #[test]
        fn stored_facts_are_read_unchanged(facts in facts()) {
            let record = facts.to_record().unwrap();
            prop_assert_eq!(serde_json::from_str::<Facts>(&record).unwrap(), facts);
        }
    }

    #[test]
    fn facts_stored_without_a_round_are_of_the_first_round() {
        // Mailboxes outlive upgrades of the relay.
        let stored = r#"{"initiator":"a","max_turns":20,"turns":{"a":1},"active":"1970-01-01T00:00:01.000Z","ended":false}"#;
        let facts: Facts = serde_json::from_str(stored).unwrap();
        assert_eq!((facts.round, facts.refused), (0, false));
        assert_eq!(facts.to_record().unwrap(), stored);
    }
}
