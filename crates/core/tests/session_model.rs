//! A session behaves like a simple model of it, whatever it is asked, and whenever it is evicted
//! and rebuilt from what it stored.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::Caller;
use nexus_protocol::{
    AgentId, CreateSession, ErrorCode, GiveTask, Kind, Limits, Recipients, Renew, SendMessage,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use support::{
    Calls, World, agent, at, messages, refused,
    session_model::{Member, Model, NAMES, Proof, Sent, Step, WANTS, Wants, step},
};

const SEATS: usize = 3;

struct Run {
    world: World,
    model: Model,
    /// The latest deadline that a response reported since the TTL last changed.
    promised: i64,
    /// The end that members were last told of.
    told: Option<i64>,
}

impl Run {
    fn new(ttl: u32) -> Self {
        let mut world = World::new(Limits::default());
        let seats = u32::try_from(SEATS).ok();
        world.create(CreateSession {
            ttl: Some(ttl),
            max_agents: seats,
            ..CreateSession::default()
        });
        let end = i64::from(ttl) * 1000;
        let model = Model {
            now: 0,
            ttl: i64::from(ttl),
            least: end,
            most: end,
            over: false,
            members: BTreeMap::new(),
            log: Vec::new(),
        };
        Self { world, model, promised: end, told: None }
    }

    fn caller(&self, who: usize, proof: Proof) -> Caller {
        let agent = agent(NAMES[who]);
        let key = match proof {
            Proof::Right => self.model.members.get(&agent).map(|member| member.key.clone()),
            Proof::Wrong => Some("nxk_wrong".parse().unwrap()),
            Proof::None => None,
        };
        Caller { agent: Some(agent), key, ..Caller::default() }
    }

    fn promise(&mut self, expires_at: nexus_protocol::Timestamp) {
        self.promised = self.promised.max(expires_at.millis_since(at(0)));
    }

    /// Whether the session exists. If an eviction left that open, the model learns it here.
    fn there(&mut self) -> Result<bool, TestCaseError> {
        let there = match self.world.session.looks(at(self.model.now)) {
            Ok(status) => {
                self.promise(status.expires_at);
                true
            }
            error => {
                prop_assert_eq!(refused(error), ErrorCode::SessionNotFound);
                false
            }
        };
        prop_assert!(
            there || self.model.over || self.model.now >= self.model.least,
            "ended too soon"
        );
        prop_assert!(
            !there || (!self.model.over && self.model.now < self.model.most),
            "lives too long"
        );
        self.model.over |= !there;
        Ok(there)
    }

    fn join(&mut self, who: usize) -> Result<(), TestCaseError> {
        let name = agent(NAMES[who]);
        let result = self.world.join(self.model.now, NAMES[who]);
        if self.model.members.contains_key(&name) {
            prop_assert_eq!(refused(result), ErrorCode::AgentIdTaken);
        } else if self.model.members.len() == SEATS {
            prop_assert_eq!(refused(result), ErrorCode::SessionFull);
        } else {
            let joined = result.unwrap();
            let (since, now) = (self.model.log.len(), self.model.now);
            let member = Member { key: joined.session_key, since, heard: Some(now), shown: now };
            self.model.event(Kind::Joined, format!("{name} joined the session."));
            self.model.members.insert(name, member);
            prop_assert_eq!(joined.agents_online, self.model.members.len());
            self.model.active();
            self.promise(joined.expires_at);
        }
        Ok(())
    }

    fn leave(&mut self, who: usize, proof: Proof) -> Result<(), TestCaseError> {
        let (name, caller) = (agent(NAMES[who]), self.caller(who, proof));
        let result = self.world.session.leaves(at(self.model.now), &caller);
        if !self.model.members.contains_key(&name) {
            prop_assert_eq!(refused(result), ErrorCode::Forbidden);
            return Ok(());
        }
        match proof {
            Proof::Right => {
                prop_assert!(result.is_ok());
                self.model.members.remove(&name);
                self.model.event(Kind::Left, format!("{name} left the session."));
            }
            Proof::Wrong => prop_assert_eq!(refused(result), ErrorCode::InvalidSessionKey),
            Proof::None => prop_assert_eq!(refused(result), ErrorCode::MissingSessionKey),
        }
        Ok(())
    }

    fn send(
        &mut self,
        who: usize,
        proof: Proof,
        to: &[usize],
        repeat: bool,
    ) -> Result<(), TestCaseError> {
        let (name, caller) = (agent(NAMES[who]), self.caller(who, proof));
        let to: Vec<AgentId> = to.iter().map(|who| agent(NAMES[*who])).collect();
        let text = format!("message {}", self.model.log.len() + 1);
        let request = SendMessage {
            text: Some(text.clone()),
            to: (!to.is_empty()).then(|| Recipients::Many(to.clone())),
            ..SendMessage::default()
        };
        let key = format!("key-{}", self.model.log.len() + 1).parse().unwrap();
        let mut send =
            || self.world.send(self.model.now, &caller, repeat.then_some(&key), request.clone());
        let result = send();
        if !self.model.members.contains_key(&name) {
            prop_assert_eq!(refused(result), ErrorCode::Forbidden);
        } else if matches!(proof, Proof::Wrong) {
            prop_assert_eq!(refused(result), ErrorCode::InvalidSessionKey);
        } else if to.iter().any(|agent| !self.model.members.contains_key(agent)) {
            prop_assert_eq!(refused(result), ErrorCode::AgentNotFound);
        } else {
            let sent = result.unwrap();
            if repeat {
                prop_assert_eq!(&send().unwrap(), &sent);
            }
            let verified = matches!(proof, Proof::Right);
            self.model.hear(&name);
            let sender = name.to_string();
            self.model.log.push(Sent { sender, text, to, verified, kind: None });
            prop_assert_eq!(sent.cursor.to_string(), self.model.log.len().to_string());
            prop_assert_eq!(sent.verified, verified);
            self.model.active();
            self.promise(sent.expires_at);
            self.delivered(repeat)?;
        }
        Ok(())
    }

    /// A socket shows the message that was just sent exactly to the readers whose poll would.
    fn delivered(&mut self, repeated: bool) -> Result<(), TestCaseError> {
        for event in self.world.session.take_events() {
            prop_assert_eq!(event.message.kind.map(Kind::is_event), Some(true));
        }
        let Some(delivery) = self.world.delivery.take() else {
            prop_assert!(repeated, "what is stored is delivered");
            return Ok(());
        };
        let last = self.model.log.len();
        for (name, member) in &self.model.members {
            for proven in [true, false] {
                let key = proven.then(|| member.key.clone());
                let caller = Caller { agent: Some(name.clone()), key, ..Caller::default() };
                let who = self.world.session.as_member(at(self.model.now), &caller).unwrap();
                for wants in WANTS {
                    let who = who.clone().wanting(wants.filter());
                    let polled = self.model.visible(name, proven, wants, last - 1) == [last];
                    prop_assert_eq!(who.may_read(&delivery), polled);
                }
            }
        }
        Ok(())
    }

    fn poll(
        &mut self,
        who: usize,
        proof: Proof,
        wants: Wants,
        after: Option<usize>,
        limit: u32,
    ) -> Result<(), TestCaseError> {
        let (name, caller) = (agent(NAMES[who]), self.caller(who, proof));
        let cursor = after.map(|cursor| cursor.to_string());
        let (now, filter) = (self.model.now, wants.filter());
        let result = self.world.page_of(now, &caller, filter, cursor.as_deref(), limit);
        if !self.model.members.contains_key(&name) {
            prop_assert_eq!(refused(result), ErrorCode::Forbidden);
            return Ok(());
        }
        if matches!(proof, Proof::Wrong) {
            prop_assert_eq!(refused(result), ErrorCode::InvalidSessionKey);
            return Ok(());
        }
        self.model.active();
        self.model.hear(&name);
        let page = result.unwrap();
        let (proven, after) = (matches!(proof, Proof::Right), after.unwrap_or(0));
        let all = self.model.visible(&name, proven, wants, after);
        let expected: Vec<usize> = all.iter().copied().take(limit as usize).collect();
        let read = messages(&page);
        prop_assert_eq!(
            read.iter().map(|m| m.cursor.to_string()).collect::<Vec<_>>(),
            expected.iter().map(ToString::to_string).collect::<Vec<_>>()
        );
        for message in &read {
            let cursor: usize = message.cursor.to_string().parse().unwrap();
            let sent = &self.model.log[cursor - 1];
            prop_assert_eq!(&message.agent_id, &sent.sender);
            prop_assert_eq!(message.text.as_ref(), Some(&sent.text));
            prop_assert_eq!(message.verified, sent.verified);
        }
        let end = self.model.log.len();
        prop_assert_eq!(page.has_more, expected.len() < all.len());
        prop_assert_eq!(page.cursor_reset, after > end);
        let next = match expected.last() {
            _ if wants.others && !page.has_more => end,
            Some(last) => *last,
            None => after.min(end),
        };
        prop_assert_eq!(page.next_cursor.to_string(), next.to_string());
        self.members(&page.members.unwrap())
    }

    /// The times shown for members never go back, and are not far behind.
    fn members(&mut self, shown: &[nexus_protocol::Member]) -> Result<(), TestCaseError> {
        let members: Vec<&AgentId> = shown.iter().map(|member| &member.agent_id).collect();
        prop_assert_eq!(members, self.model.members.keys().collect::<Vec<_>>());
        let interval = (self.model.ttl * 1000 / 16).min(60_000);
        for (member, known) in shown.iter().zip(self.model.members.values_mut()) {
            let seen = member.last_seen_at.millis_since(at(0));
            prop_assert!((known.shown..=self.model.now).contains(&seen), "went back");
            prop_assert!(known.heard.is_none_or(|heard| heard - interval < seen), "too far behind");
            known.shown = seen;
        }
        Ok(())
    }

    fn task(&mut self, from: usize, to: usize) -> Result<(), TestCaseError> {
        let (name, caller) = (agent(NAMES[from]), self.caller(from, Proof::Right));
        let to = agent(NAMES[to]);
        let members = &self.model.members;
        if !(members.contains_key(&name) && members.contains_key(&to)) {
            return Ok(());
        }
        let body = format!(r#"{{"to":"{to}","task":"t"}}"#);
        let give = GiveTask::parse(body.as_bytes(), &Limits::default()).unwrap();
        let (now, session) = (at(self.model.now), &mut self.world.session);
        let who = session.with_key(now, &caller).unwrap();
        let (task, delivery) = session.give_task(now, &who, None, give, &BTreeSet::new()).unwrap();
        self.world.delivery = delivery;
        self.model.active();
        self.model.hear(&name);
        let text = format!("Task for {to} from {name} (pending): t");
        let (sender, to) = (name.to_string(), vec![name, to]);
        self.model.log.push(Sent { sender, text, to, verified: true, kind: Some(Kind::Task) });
        prop_assert_eq!(task.cursor.to_string(), self.model.log.len().to_string());
        self.promise(task.created_at.plus_seconds(u32::try_from(self.model.ttl).unwrap()));
        self.delivered(false)
    }

    fn alarm(&mut self) -> Result<(), TestCaseError> {
        let now = self.model.now;
        if self.world.session.alarm(at(now)).unwrap().is_none() {
            prop_assert!(self.model.over || now >= self.model.least);
            self.world.database.delete_all();
            self.model.over = true;
            return Ok(());
        }
        let end = self.world.session.deadline().unwrap().unwrap();
        let next = self.world.session.next_end_at(at(now)).unwrap().unwrap();
        let told = self.world.session.settle_end(at(now)).unwrap();
        let end_at = end.millis_since(at(0));
        let notice = end_at - (self.model.ttl * 100).min(300_000);
        prop_assert_eq!(told.is_some(), self.told != Some(end_at) && now >= notice);
        if told.is_some() {
            self.told = Some(end_at);
            let text =
                format!("The session ends at {end}. A message, a poll or a renew keeps it alive.");
            self.model.event(Kind::Ending, text);
            self.promise(end);
        } else {
            prop_assert!(next <= end && (next > at(now)));
        }
        prop_assert_eq!(self.world.session.deadline().unwrap(), Some(end), "it moves no end");
        Ok(())
    }

    fn renew(&mut self, who: usize, ttl: Option<u32>) -> Result<(), TestCaseError> {
        let (name, caller) = (agent(NAMES[who]), self.caller(who, Proof::Right));
        let result = self.world.session.renews(at(self.model.now), &caller, Renew { ttl });
        if self.model.members.contains_key(&name) {
            self.model.ttl = ttl.map_or(self.model.ttl, i64::from);
            self.model.least = 0;
            self.model.active();
            self.model.hear(&name);
            let end = result.unwrap().expires_at.millis_since(at(0));
            prop_assert_eq!(end, self.model.most);
            self.promised = end;
        } else {
            prop_assert_eq!(refused(result), ErrorCode::Forbidden);
        }
        Ok(())
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Pass(millis) => self.model.now += millis,
            Step::NearEnd(millis) => {
                self.model.now = self.model.now.max(self.model.least + millis);
                self.there()?;
            }
            Step::Evict => {
                self.world.evict();
                self.model.evict(self.promised);
            }
            Step::Alarm => self.alarm()?,
            _ if !self.there()? => {}
            Step::Join(who) => self.join(*who)?,
            Step::Leave(who, proof) => self.leave(*who, *proof)?,
            Step::Send { who, proof, to, repeat } => self.send(*who, *proof, to, *repeat)?,
            Step::Poll { who, proof, wants, after, limit } => {
                self.poll(*who, *proof, *wants, *after, *limit)?;
            }
            Step::Task(from, to) => self.task(*from, *to)?,
            Step::Renew(who, ttl) => self.renew(*who, *ttl)?,
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_session_behaves_like_the_model(ttl in 5..200_u32, steps in prop::collection::vec(step(), 1..80)) {
        let mut run = Run::new(ttl);
        for step in &steps {
            run.take(step)?;
        }
        if run.there()? {
            let report = run.world.session.report(at(run.model.now)).unwrap().unwrap();
            let messages = run.model.log.iter().filter(|sent| !sent.is_event()).count();
            prop_assert_eq!(report.messages.to_string(), messages.to_string());
        }
    }
}
