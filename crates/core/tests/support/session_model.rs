//! A session as a user would explain it.

use nexus_protocol::{AgentId, Filter, Kind, SessionKey};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What a reader asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wants {
    pub others: bool,
    pub events: bool,
}

impl Wants {
    pub fn filter(self) -> Filter {
        Filter { others: self.others, events: self.events, ..Filter::default() }
    }
}

pub const WANTS: [Wants; 4] = [
    Wants { others: false, events: false },
    Wants { others: true, events: false },
    Wants { others: false, events: true },
    Wants { others: true, events: true },
];

pub struct Sent {
    pub sender: String,
    pub text: String,
    pub to: Vec<AgentId>,
    pub verified: bool,
    pub kind: Option<Kind>,
}

impl Sent {
    pub fn is_event(&self) -> bool {
        self.kind.is_some_and(Kind::is_event)
    }
}

pub struct Member {
    pub key: SessionKey,
    /// How many messages there were when it joined.
    pub since: usize,
    /// When it was last heard, unless an eviction may have lost that.
    pub heard: Option<i64>,
    /// The time that was last shown to others.
    pub shown: i64,
}

/// The model of a session.
pub struct Model {
    pub now: i64,
    pub ttl: i64,
    /// The session must exist before `least`, and must be gone from `most` on. The two differ only
    /// after an eviction.
    pub least: i64,
    pub most: i64,
    pub over: bool,
    pub members: BTreeMap<AgentId, Member>,
    pub log: Vec<Sent>,
}

impl Model {
    pub fn active(&mut self) {
        self.most = self.now + self.ttl * 1000;
        self.least = self.least.max(self.most);
    }

    /// An eviction may lose a quarter of the TTL, but nothing that was reported.
    pub fn evict(&mut self, promised: i64) {
        let interval = self.ttl * 1000 / 4;
        self.least = promised.max(self.most - interval);
        self.members.values_mut().for_each(|member| member.heard = None);
    }

    pub fn hear(&mut self, who: &AgentId) {
        self.members.get_mut(who).unwrap().heard = Some(self.now);
    }

    pub fn visible(&self, who: &AgentId, proven: bool, wants: Wants, after: usize) -> Vec<usize> {
        let since = self.members[who].since;
        let mine = |sent: &Sent| sent.sender == who.as_str() || sent.to.contains(who);
        let own = |sent: &Sent| sent.sender == who.as_str() && (sent.verified || !proven);
        (after + 1..=self.log.len())
            .filter(|cursor| {
                let sent = &self.log[cursor - 1];
                if sent.is_event() {
                    let about = sent.text.starts_with(&format!("{who} "));
                    return wants.events && !(wants.others && about);
                }
                let shown = proven || sent.kind == Some(Kind::Task);
                let reaches = sent.to.is_empty() || (shown && *cursor > since && mine(sent));
                reaches && !(wants.others && own(sent))
            })
            .collect()
    }

    pub fn event(&mut self, kind: Kind, text: String) {
        let (sender, to) = ("system".to_owned(), Vec::new());
        self.log.push(Sent { sender, text, to, verified: false, kind: Some(kind) });
    }
}

pub const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Which key a caller shows.
#[derive(Clone, Copy, Debug)]
pub enum Proof {
    Right,
    Wrong,
    None,
}

#[derive(Clone, Debug)]
pub enum Step {
    Join(usize),
    Leave(usize, Proof),
    Send {
        who: usize,
        proof: Proof,
        to: Vec<usize>,
        repeat: bool,
    },
    Poll {
        who: usize,
        proof: Proof,
        wants: Wants,
        after: Option<usize>,
        limit: u32,
    },
    /// One agent gives another a task.
    Task(usize, usize),
    Renew(usize, Option<u32>),
    Pass(i64),
    /// Moves the time to this many milliseconds after the earliest possible end.
    NearEnd(i64),
    Evict,
    Alarm,
}

pub fn step() -> impl Strategy<Value = Step> {
    let proof =
        || prop_oneof![4 => Just(Proof::Right), 1 => Just(Proof::Wrong), 1 => Just(Proof::None)];
    let who = || 0..NAMES.len();
    let to = prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(who(), 1..3)];
    prop_oneof![
        3 => who().prop_map(Step::Join),
        1 => (who(), proof()).prop_map(|(who, proof)| Step::Leave(who, proof)),
        6 => (who(), proof(), to, any::<bool>())
            .prop_map(|(who, proof, to, repeat)| Step::Send { who, proof, to, repeat }),
        8 => (who(), proof(), 0..WANTS.len(), prop::option::of(0..15_usize), 1..6_u32)
            .prop_map(|(who, proof, wants, after, limit)| Step::Poll {
                who, proof, wants: WANTS[wants], after, limit
            }),
        2 => (who(), who()).prop_map(|(from, to)| Step::Task(from, to)),
        1 => (who(), prop::option::of(5..200_u32)).prop_map(|(who, ttl)| Step::Renew(who, ttl)),
        4 => prop_oneof![0..2_000_i64, 0..40_000_i64].prop_map(Step::Pass),
        1 => (-2..2_i64).prop_map(Step::NearEnd),
        3 => Just(Step::Evict),
        1 => Just(Step::Alarm),
    ]
}
