//! How many messages were sent from here: to everyone, and to each recipient.

use crate::{Count, Numbers, Skip};
use nexus_protocol::AgentId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The numbers of one stream of messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Issued {
    /// The first number that this client gave. Others are from an earlier life of its seat.
    first: u32,
    /// The last number that is used.
    last: u32,
    /// Given, but not yet acknowledged.
    #[serde(default, skip_serializing_if = "Numbers::is_empty")]
    pending: Numbers,
}

impl Default for Issued {
    fn default() -> Self {
        Self { first: 1, last: 0, pending: Numbers::default() }
    }
}

impl Issued {
    /// The next number, and the lower ones that may come later or never.
    fn next(&mut self) -> (u32, Numbers) {
        let skip = self.pending.clone();
        self.last = self.last.saturating_add(1);
        self.pending.insert(self.last);
        (self.last, skip)
    }

    fn stored(&mut self, n: u32) {
        self.pending.remove(n);
    }

    fn refused(&mut self, n: u32) {
        // A number in between stays one that never comes.
        if n == self.last && self.pending.remove(n) {
            self.last = n.saturating_sub(1);
        }
    }

    /// Takes note of an own message that was not sealed here. Whether it has a number that it
    /// cannot have.
    fn met(&mut self, n: u32) -> bool {
        let (has_given, is_lower) = (self.first <= self.last, n < self.first);
        if n > self.last {
            (self.first, self.last) = (n.saturating_add(1), n);
        }
        has_given && !is_lower
    }
}

/// The counts of a client.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Counters {
    everyone: Issued,
    each: BTreeMap<String, Issued>,
}

impl Counters {
    /// Numbers for a message to everyone, or to these.
    pub(super) fn next(&mut self, to: Option<&[AgentId]>) -> (Count, Option<Skip>) {
        let Some(to) = to else {
            let (n, skip) = self.everyone.next();
            return (Count::Everyone(n), (!skip.is_empty()).then_some(Skip::Everyone(skip)));
        };
        let (mut counts, mut skips) = (BTreeMap::new(), BTreeMap::new());
        for agent in to {
            if counts.keys().any(|named: &AgentId| named.is_same(agent)) {
                continue;
            }
            let (n, skip) = self.of(agent).next();
            counts.insert(agent.clone(), n);
            if !skip.is_empty() {
                skips.insert(agent.clone(), skip);
            }
        }
        (Count::Each(counts), (!skips.is_empty()).then_some(Skip::Each(skips)))
    }

    /// Case does not matter in a name.
    fn of(&mut self, agent: &AgentId) -> &mut Issued {
        self.each.entry(agent.as_str().to_ascii_lowercase()).or_default()
    }

    pub(super) fn stored(&mut self, count: &Count) {
        self.each_of(count, |issued, n| {
            issued.stored(n);
            false
        });
    }

    pub(super) fn refused(&mut self, count: &Count) {
        self.each_of(count, |issued, n| {
            issued.refused(n);
            false
        });
    }

    /// Whether an own message that was not sealed here has a number that it cannot have.
    pub(super) fn met(&mut self, count: &Count) -> bool {
        self.each_of(count, Issued::met)
    }

    fn each_of(&mut self, count: &Count, act: impl Fn(&mut Issued, u32) -> bool) -> bool {
        match count {
            Count::Everyone(n) => act(&mut self.everyone, *n),
            Count::Each(counts) => {
                let mut any = false;
                for (agent, n) in counts {
                    any |= act(self.of(agent), *n);
                }
                any
            }
        }
    }
}
