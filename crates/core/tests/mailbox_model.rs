//! Mailboxes do what a simple model of them does, whatever is asked of them, whatever is lost on the
//! way between them, and whenever they are evicted and built again from what they stored.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::List;
use nexus_protocol::{AllowOnly, EndReason, ErrorCode, Limits, MailSent, MailState};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use support::{
    agent, at, faulted, refused,
    town::{Town, Way, mail, mails},
};

const NAMES: [&str; 3] = ["a", "b", "c"];
const RETENTION: i64 = 1_000_000;
const IDLE: i64 = 100_000;
const WAITING: usize = 6;
const RATE: usize = 3;
const TURNS: u32 = 4;

fn limits() -> Limits {
    Limits {
        max_waiting: 6,
        sender_rate: 3,
        conversation_turns: TURNS,
        conversation_idle: 100,
        message_retention: 1000,
        ..Limits::default()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send {
        from: usize,
        to: usize,
        conversation: Option<usize>,
        key: Option<usize>,
        live: bool,
        way: Way,
    },
    Poll(usize, Option<usize>, usize),
    Ack(usize, usize),
    End(usize, usize),
    Set(usize, List, usize, bool),
    AllowOnly(usize, bool),
    Pass(i64),
    Evict,
    CleanUp,
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..NAMES.len();
    let way = prop_oneof![8 => Just(Way::Clear), 1 => Just(Way::Lost), 1 => Just(Way::AnswerLost)];
    let list = prop_oneof![Just(List::Blocks), Just(List::Allows)];
    let name = || prop::option::of(0..2_usize);
    prop_oneof![
        12 => (who(), who(), name(), name(), any::<bool>(), way).prop_map(
            |(from, to, conversation, key, live, way)| Step::Send {
                from, to, conversation, key, live, way,
            }
        ),
        5 => (who(), prop::option::of(0..12_usize), 1..5_usize)
            .prop_map(|(who, after, limit)| Step::Poll(who, after, limit)),
        4 => (who(), 0..20_usize).prop_map(|(who, cursor)| Step::Ack(who, cursor)),
        1 => (who(), 0..2_usize).prop_map(|(who, conversation)| Step::End(who, conversation)),
        1 => (who(), list, who(), any::<bool>()).prop_map(|(who, list, other, on)| Step::Set(who, list, other, on)),
        1 => (who(), prop::bool::weighted(0.2)).prop_map(|(who, on)| Step::AllowOnly(who, on)),
        6 => prop_oneof![4 => 0..30_000_i64, 2 => 0..150_000_i64, 1 => 900_000..1_100_000_i64].prop_map(Step::Pass),
        2 => Just(Step::Evict),
        1 => Just(Step::CleanUp),
    ]
}

/// A message that was taken. Its place in the list of its recipient is its cursor, less one.
struct Taken {
    sender: usize,
    text: String,
    sent_at: i64,
    live: bool,
    key: Option<usize>,
    conversation: String,
    sent: Option<MailSent>,
    /// The sender has its copy.
    copied: bool,
}

/// One mailbox, as a user would explain it.
#[derive(Default)]
struct Box {
    inbox: Vec<Taken>,
    /// Up to where it was read, and acknowledged, and when.
    read: Vec<(usize, i64)>,
    acked: Vec<(usize, i64)>,
    blocks: BTreeSet<usize>,
    allows: BTreeSet<usize>,
    allow_only: bool,
}

fn reached(marks: &[(usize, i64)], cursor: usize) -> Option<i64> {
    marks.iter().find(|(to, _)| *to >= cursor).map(|(_, at)| *at)
}

fn end(marks: &[(usize, i64)]) -> usize {
    marks.last().map_or(0, |(to, _)| *to)
}

struct Run {
    town: Town,
    boxes: [Box; 3],
    now: i64,
    /// Ended by one of the two: the pair, in order, and the id.
    ended: BTreeSet<(usize, usize, String)>,
    texts: usize,
    /// The real ids of conversations that the relay named.
    named: BTreeMap<String, String>,
}

impl Run {
    fn new() -> Self {
        let town = Town::new(limits(), &NAMES);
        let boxes = std::array::from_fn(|_| Box::default());
        let (ended, named) = (BTreeSet::new(), BTreeMap::new());
        Self { town, boxes, now: 0, ended, texts: 0, named }
    }

    fn alive(&self, message: &Taken) -> bool {
        self.now < message.sent_at + RETENTION
    }

    fn waiting(&self, who: usize) -> usize {
        let acked = end(&self.boxes[who].acked);
        self.boxes[who].inbox.iter().skip(acked).filter(|message| self.alive(message)).count()
    }

    /// The messages of a conversation: recipient, cursor, message.
    fn messages<'a>(
        &'a self,
        x: usize,
        y: usize,
        id: &'a str,
    ) -> impl Iterator<Item = (usize, usize, &'a Taken)> {
        let inbox = move |to: usize, from: usize| {
            let all = self.boxes[to].inbox.iter().enumerate();
            let mine = all.filter(move |(_, m)| m.sender == from && m.conversation == id);
            mine.map(move |(at, message)| (to, at + 1, message))
        };
        inbox(x, y).chain(inbox(y, x))
    }

    /// Why a conversation is over, if it is.
    fn over(&self, x: usize, y: usize, id: &str) -> Option<EndReason> {
        let turns = self.messages(x, y, id).count();
        let mut active = 0;
        for (to, cursor, message) in self.messages(x, y, id) {
            let house = &self.boxes[to];
            if cursor > end(&house.acked) && self.alive(message) {
                active = self.now;
            }
            let marks = [reached(&house.read, cursor), reached(&house.acked, cursor)];
            let in_time =
                marks.into_iter().flatten().filter(|at| *at < message.sent_at + RETENTION);
            active = in_time.fold(active.max(message.sent_at), i64::max);
        }
        if turns >= TURNS as usize {
            Some(EndReason::MaxTurns)
        } else if self.ended.contains(&(x.min(y), x.max(y), id.to_owned())) {
            Some(EndReason::ParticipantEnded)
        } else if turns > 0 && self.now - active > IDLE {
            Some(EndReason::Ttl)
        } else {
            None
        }
    }

    /// Whether `who` has something of the conversation with `other`.
    fn knows(&self, who: usize, other: usize, id: &str) -> bool {
        self.messages(who, other, id).any(|(to, _, message)| to == who || message.copied)
    }

    fn refusal(&self, from: usize, to: usize, id: &str) -> Option<ErrorCode> {
        let house = &self.boxes[to];
        let last = house.inbox.iter().filter(|m| m.sender == from && m.sent_at > self.now - 60_000);
        if house.blocks.contains(&from) {
            Some(ErrorCode::Blocked)
        } else if house.allow_only && !house.allows.contains(&from) {
            Some(ErrorCode::NotAllowed)
        } else if last.count() >= RATE {
            Some(ErrorCode::SenderRateExceeded)
        } else {
            match self.over(from, to, id) {
                Some(EndReason::MaxTurns) => Some(ErrorCode::ConversationTurnsExceeded),
                Some(_) => Some(ErrorCode::ConversationEnded),
                None if self.waiting(to) >= WAITING => Some(ErrorCode::InboxFull),
                None => None,
            }
        }
    }

    fn send(
        &mut self,
        (from, to): (usize, usize),
        conversation: Option<usize>,
        key: Option<usize>,
        live: bool,
        way: Way,
    ) -> Result<(), TestCaseError> {
        self.texts += 1;
        let text = format!("text {}", self.texts);
        // What the model calls a conversation: its id, or, where the relay makes it, what makes it.
        let id = match (conversation, key) {
            (Some(number), _) => format!("t{number}"),
            (None, Some(key)) => format!("of {from} {to} {key}"),
            (None, None) => format!("new {}", self.texts),
        };
        let given = conversation.map(|_| id.as_str());
        let key_text = key.map(|key| format!("k{key}"));
        self.town.house(NAMES[to]).live.set(live);
        self.town.way.set(way);
        let message = mail(&text, given);
        let result = self.town.send(NAMES[from], NAMES[to], key_text.as_deref(), message);
        self.town.way.set(Way::Clear);
        if from == to {
            prop_assert_eq!(refused(result), ErrorCode::InvalidRequest);
            return Ok(());
        }
        let of_others =
            (0..3).any(|other| other != to && other != from && self.knows(from, other, &id));
        if of_others && !self.knows(from, to, &id) {
            prop_assert_eq!(refused(result), ErrorCode::Forbidden);
            return Ok(());
        }
        if way == Way::Lost {
            prop_assert!(faulted(&result));
            return Ok(());
        }
        let repeat = self.boxes[to].inbox.iter().position(|before| {
            key.is_some() && before.sender == from && before.key == key && before.conversation == id
        });
        if let Some(at) = repeat {
            let before = &mut self.boxes[to].inbox[at];
            if way == Way::Clear {
                let sent = result.unwrap();
                prop_assert_eq!(before.sent.get_or_insert(sent.clone()), &sent);
                before.copied = true;
            } else {
                prop_assert!(faulted(&result));
            }
            return Ok(());
        }
        if let Some(code) = self.refusal(from, to, &id) {
            prop_assert_eq!(refused(result), code);
            return Ok(());
        }
        let turn = self.messages(from, to, &id).count() + 1;
        let cursor = self.boxes[to].inbox.len() + 1;
        let sent = match way {
            Way::Clear => Some(result.unwrap()),
            _ => {
                prop_assert!(faulted(&result));
                None
            }
        };
        if let Some(sent) = &sent {
            prop_assert_eq!(sent.turn as usize, turn);
            prop_assert_eq!(sent.cursor.to_string(), cursor.to_string());
            prop_assert_eq!(sent.delivery == nexus_protocol::MailDelivery::Live, live);
            let real = sent.conversation_id.to_string();
            prop_assert_eq!(self.named.entry(id.clone()).or_insert(real.clone()), &real);
        }
        let copied = sent.is_some();
        let (sender, sent_at) = (from, self.now);
        let taken = Taken { sender, text, sent_at, live, key, conversation: id, sent, copied };
        self.boxes[to].inbox.push(taken);
        Ok(())
    }

    fn poll(
        &mut self,
        who: usize,
        after: Option<usize>,
        limit: usize,
    ) -> Result<(), TestCaseError> {
        let cursor = after.map(|cursor| cursor.to_string());
        let limit_asked = u32::try_from(limit).unwrap();
        let page = self.town.page(NAMES[who], cursor.as_deref(), limit_asked);
        let house = &self.boxes[who];
        let from = after.unwrap_or(end(&house.acked));
        let all: Vec<usize> = (from + 1..=house.inbox.len())
            .filter(|cursor| self.alive(&house.inbox[cursor - 1]))
            .collect();
        let expected: Vec<usize> = all.iter().copied().take(limit).collect();
        let read = mails(&page);
        let cursors: Vec<String> = read.iter().map(|m| m.cursor.unwrap().to_string()).collect();
        prop_assert_eq!(cursors, expected.iter().map(ToString::to_string).collect::<Vec<_>>());
        for (mail, cursor) in read.iter().zip(&expected) {
            let taken = &house.inbox[cursor - 1];
            prop_assert_eq!(mail.text.as_ref(), Some(&taken.text));
            prop_assert_eq!(mail.agent_id.as_str(), NAMES[taken.sender]);
        }
        prop_assert_eq!(page.has_more, all.len() > limit);
        let next = expected.last().copied().unwrap_or(from);
        prop_assert_eq!(page.next_cursor.to_string(), next.to_string());
        let before = end(&house.read);
        if expected.iter().any(|cursor| *cursor > before && !house.inbox[cursor - 1].live) {
            self.boxes[who].read.push((next, self.now));
        }
        Ok(())
    }

    fn ack(&mut self, who: usize, cursor: usize) -> Result<(), TestCaseError> {
        let result = self.town.ack(NAMES[who], &cursor.to_string());
        if cursor > self.boxes[who].inbox.len() {
            prop_assert_eq!(refused(result), ErrorCode::InvalidRequest);
            return Ok(());
        }
        let before = end(&self.boxes[who].acked);
        if cursor > before {
            self.boxes[who].acked.push((cursor, self.now));
        }
        let acked = result.unwrap();
        prop_assert_eq!(acked.cursor.to_string(), before.max(cursor).to_string());
        prop_assert_eq!(acked.waiting as usize, self.waiting(who));
        Ok(())
    }

    fn end(&mut self, who: usize, number: usize) -> Result<(), TestCaseError> {
        let id = format!("t{number}");
        let result = self.town.end(NAMES[who], &id);
        match result {
            Ok(ended) => {
                let with = NAMES.iter().position(|name| *name == ended.with.as_str()).unwrap();
                prop_assert!(self.knows(who, with, &id));
                prop_assert!(ended.reason.is_some());
                if ended.reason == Some(EndReason::ParticipantEnded) {
                    self.ended.insert((who.min(with), who.max(with), id));
                }
            }
            error => {
                prop_assert_eq!(refused(error), ErrorCode::ConversationNotFound);
                prop_assert!((0..3).all(|other| !self.knows(who, other, &id)));
            }
        }
        Ok(())
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.town.now.set(self.now);
        match *step {
            Step::Send { from, to, conversation, key, live, way } => {
                self.send((from, to), conversation, key, live, way)?;
            }
            Step::Poll(who, after, limit) => self.poll(who, after, limit)?,
            Step::Ack(who, cursor) => self.ack(who, cursor)?,
            Step::End(who, number) => self.end(who, number)?,
            Step::Set(who, list, other, on) => {
                let set = |house: &mut nexus_core::Mailbox<_>| {
                    house.set_listed(at(0), list, &agent(NAMES[other]), on)
                };
                self.town.of(NAMES[who], set).unwrap();
                let house = &mut self.boxes[who];
                let list = if list == List::Blocks { &mut house.blocks } else { &mut house.allows };
                let _ = if on { list.insert(other) } else { list.remove(&other) };
            }
            Step::AllowOnly(who, allow_only) => {
                let wanted = AllowOnly { allow_only };
                self.town.of(NAMES[who], |house| house.set_allow_only(wanted)).unwrap();
                self.boxes[who].allow_only = allow_only;
            }
            Step::Pass(millis) => self.now += millis,
            Step::Evict => self.town.evict(),
            Step::CleanUp => {
                for name in NAMES {
                    self.town.of(name, |house| house.clean_up(at(self.now))).unwrap();
                }
            }
        }
        Ok(())
    }

    /// What the senders can see of everything that was taken.
    fn look(&self) -> Result<(), TestCaseError> {
        self.town.now.set(self.now);
        for (to, house) in self.boxes.iter().enumerate() {
            for (at_, message) in house.inbox.iter().enumerate() {
                let Some(sent) = &message.sent else { continue };
                let in_time = |time: &i64| *time < message.sent_at + RETENTION;
                let acked = reached(&house.acked, at_ + 1).filter(in_time);
                let read = reached(&house.read, at_ + 1).filter(in_time);
                let expected = match () {
                    () if acked.is_some() => MailState::Acked,
                    () if !self.alive(message) => MailState::Expired,
                    () if message.live || read.is_some() => MailState::Delivered,
                    () => MailState::Queued,
                };
                let sender = agent(NAMES[message.sender]);
                let status = self
                    .town
                    .of(NAMES[to], |house| house.message_status(at(self.now), &sender, &sent.id));
                let status = status.unwrap();
                prop_assert_eq!(status.state, expected);
                prop_assert_eq!(status.acked_at, acked.map(at));
                if message.copied {
                    let (x, y) = (message.sender, to);
                    let id = sent.conversation_id.as_str();
                    let shown = self.town.conversation(NAMES[x], id, Some(NAMES[y]), 99).unwrap();
                    prop_assert_eq!(shown.reason, self.over(x, y, &message.conversation));
                    let turns = self.messages(x, y, &message.conversation).count();
                    prop_assert_eq!(shown.turns as usize, turns);
                    let mine = self.messages(x, y, &message.conversation);
                    let mine = mine.filter(|(to, _, m)| (*to == x || m.copied) && self.alive(m));
                    prop_assert_eq!(shown.messages.unwrap().len(), mine.count());
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn mailboxes_behave_like_the_model(steps in prop::collection::vec(step(), 1..80)) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step)?;
        }
        run.look()?;
    }
}
