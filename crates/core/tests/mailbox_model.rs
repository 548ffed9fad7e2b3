//! Mailboxes behave like a simple model of them, whatever they are asked, whatever is lost between
//! them, and whenever they are evicted and rebuilt from what they stored.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::List;
use nexus_protocol::{AllowOnly, ErrorCode, MailSent, MailState, SendMail};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::{
    agent, at, faulted,
    mail_model::{Model, RETENTION, Taken, end, limits, pair, reached},
    refused,
    town::{Town, Way, mail, mails},
};

const NAMES: [&str; 3] = ["a", "b", "c"];
#[derive(Clone, Debug)]
enum Step {
    Send {
        from: usize,
        to: usize,
        conversation: Option<usize>,
        key: Option<usize>,
        live: bool,
        renews: bool,
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
    // Few conversations, so that they end and begin again.
    let conversation = || prop::option::weighted(0.8, 0..2_usize);
    prop_oneof![
        12 => (who(), who(), conversation(), name(), any::<bool>(), any::<bool>(), way).prop_map(
            |(from, to, conversation, key, live, renews, way)| Step::Send {
                from, to, conversation, key, live, renews, way,
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

struct Run {
    town: Town,
    model: Model,
    texts: usize,
    /// The real ids of conversations whose ids the relay made.
    named: BTreeMap<String, String>,
}

impl Run {
    fn new() -> Self {
        let town = Town::new(limits(), &NAMES);
        Self { town, model: Model::default(), texts: 0, named: BTreeMap::new() }
    }

    fn send(
        &mut self,
        (from, to): (usize, usize),
        conversation: Option<usize>,
        key: Option<usize>,
        (live, renews): (bool, bool),
        way: Way,
    ) -> Result<(), TestCaseError> {
        self.texts += 1;
        // Under a key, the same text comes again, or another one.
        let text = match key {
            Some(_) => format!("text {}", self.texts % 2),
            None => format!("text of its own {}", self.texts),
        };
        // The model's name for a conversation: its id, or, if the relay makes the id, what it is
        // made from.
        let id = match (conversation, key) {
            (Some(number), _) => format!("t{number}"),
            (None, Some(key)) => format!("of {from} {to} {key}"),
            (None, None) => format!("new {}", self.texts),
        };
        let given = conversation.map(|_| id.as_str());
        let key_text = key.map(|key| format!("k{key}"));
        self.town.house(NAMES[to]).live.set(live);
        self.town.way.set(way);
        let message = SendMail { renews, ..mail(&text, given) };
        let result = self.town.send(NAMES[from], NAMES[to], key_text.as_deref(), message);
        self.town.way.set(Way::Clear);
        if from == to {
            prop_assert_eq!(refused(result), ErrorCode::InvalidRequest);
            return Ok(());
        }
        let of_others =
            (0..3).any(|other| other != to && other != from && self.model.knows(from, other, &id));
        if of_others && !self.model.knows(from, to, &id) {
            prop_assert_eq!(refused(result), ErrorCode::Forbidden);
            return Ok(());
        }
        if way == Way::Lost {
            prop_assert!(faulted(&result));
            return Ok(());
        }
        let repeat = self.model.boxes[to].inbox.iter().position(|before| {
            let same = before.key == key && before.conversation == id;
            key.is_some() && before.sender == from && same && !before.dropped
        });
        if let Some(at) = repeat {
            let acked = end(&self.model.boxes[to].acked);
            let waits = self.model.messages(from, to, &id).any(|(inbox, cursor, message)| {
                inbox == to && cursor > acked && self.model.alive(message)
            });
            return self.repeated((to, at), (&text, renews), waits, way, result);
        }
        let anew = match self.model.outcome((from, to), &id, renews) {
            Err(code) => {
                prop_assert_eq!(refused(result), code);
                return Ok(());
            }
            Ok(anew) => anew,
        };
        let (round, turn) = match (self.model.round(from, to, &id), self.model.turns(from, to, &id))
        {
            (round, _) if anew => (round + 1, 1),
            (round, turns) => (round, turns + 1),
        };
        if anew {
            self.model.ended.remove(&pair(from, to, &id));
            self.model.refused.remove(&pair(from, to, &id));
        }
        let cursor = self.model.boxes[to].inbox.len() + 1;
        let sent = if way == Way::Clear {
            Some(result.unwrap())
        } else {
            prop_assert!(faulted(&result));
            None
        };
        if let Some(sent) = &sent {
            prop_assert_eq!(sent.turn as usize, turn);
            prop_assert_eq!(sent.cursor.to_string(), cursor.to_string());
            prop_assert_eq!(sent.delivery == nexus_protocol::MailDelivery::Live, live);
            let real = sent.conversation_id.to_string();
            prop_assert_eq!(self.named.entry(id.clone()).or_insert(real.clone()), &real);
        }
        let copied = sent.is_some();
        let (sender, sent_at) = (from, self.model.now);
        let taken = Taken {
            sender,
            text,
            renews,
            sent_at,
            live,
            key,
            conversation: id,
            round,
            sent,
            copied,
            mended_at: None,
            dropped: false,
        };
        self.model.boxes[to].inbox.push(taken);
        Ok(())
    }

    /// A send under a key that was used before. `waits`: a message of its conversation waits.
    fn repeated(
        &mut self,
        (to, at): (usize, usize),
        asked: (&str, bool),
        waits: bool,
        way: Way,
        result: nexus_core::Result<MailSent>,
    ) -> Result<(), TestCaseError> {
        let now = self.model.now;
        let before = &mut self.model.boxes[to].inbox[at];
        if (before.text.as_str(), before.renews) != asked {
            // On a way that loses answers, this one may be lost, too.
            if way == Way::Clear || !faulted(&result) {
                prop_assert_eq!(refused(result), ErrorCode::IdempotencyKeyReused);
            }
            return Ok(());
        }
        if way == Way::Clear {
            let sent = result.unwrap();
            prop_assert_eq!(before.sent.get_or_insert(sent.clone()), &sent);
            if !before.copied && waits {
                before.mended_at = Some(now);
            }
            before.copied = true;
        } else {
            prop_assert!(faulted(&result));
        }
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
        let house = &self.model.boxes[who];
        let from = after.unwrap_or(end(&house.acked));
        let all: Vec<usize> = (from + 1..=house.inbox.len())
            .filter(|cursor| {
                let message = &house.inbox[cursor - 1];
                self.model.alive(message) && !message.dropped
            })
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
        prop_assert_eq!(page.cursor_reset, from > house.inbox.len());
        let next = expected.last().copied().unwrap_or(from.min(house.inbox.len()));
        prop_assert_eq!(page.next_cursor.to_string(), next.to_string());
        let before = end(&house.read);
        if expected.iter().any(|cursor| *cursor > before && !house.inbox[cursor - 1].live) {
            self.model.boxes[who].read.push((next, self.model.now));
        }
        Ok(())
    }

    fn ack(&mut self, who: usize, cursor: usize) -> Result<(), TestCaseError> {
        let result = self.town.ack(NAMES[who], &cursor.to_string());
        if cursor > self.model.boxes[who].inbox.len() {
            prop_assert_eq!(refused(result), ErrorCode::InvalidRequest);
            return Ok(());
        }
        let before = end(&self.model.boxes[who].acked);
        if cursor > before {
            self.model.boxes[who].acked.push((cursor, self.model.now));
        }
        let acked = result.unwrap();
        prop_assert_eq!(acked.cursor.to_string(), before.max(cursor).to_string());
        prop_assert_eq!(acked.waiting as usize, self.model.waiting(who));
        Ok(())
    }

    fn end(&mut self, who: usize, number: usize) -> Result<(), TestCaseError> {
        let id = format!("t{number}");
        let result = self.town.end(NAMES[who], &id);
        match result {
            Ok(ended) => {
                let with = NAMES.iter().position(|name| *name == ended.with.as_str()).unwrap();
                prop_assert!(self.model.knows(who, with, &id));
                prop_assert!(ended.reason.is_some());
                self.model.ended.insert(pair(who, with, &id));
            }
            error => {
                prop_assert_eq!(refused(error), ErrorCode::ConversationNotFound);
                prop_assert!((0..3).all(|other| !self.model.knows(who, other, &id)));
            }
        }
        Ok(())
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.town.now.set(self.model.now);
        match *step {
            Step::Send { from, to, conversation, key, live, renews, way } => {
                self.send((from, to), conversation, key, (live, renews), way)?;
            }
            Step::Poll(who, after, limit) => self.poll(who, after, limit)?,
            Step::Ack(who, cursor) => self.ack(who, cursor)?,
            Step::End(who, number) => self.end(who, number)?,
            Step::Set(who, list, other, on) => {
                let now = at(self.model.now);
                let set = |house: &mut nexus_core::Mailbox<_>| {
                    house.set_listed(now, list, &agent(NAMES[other]), on)
                };
                self.town.of(NAMES[who], set).unwrap();
                if list == List::Blocks && on {
                    self.model.block(who, other);
                    return Ok(());
                }
                let house = &mut self.model.boxes[who];
                let list = if list == List::Blocks { &mut house.blocks } else { &mut house.allows };
                let _ = if on { list.insert(other) } else { list.remove(&other) };
            }
            Step::AllowOnly(who, allow_only) => {
                let wanted = AllowOnly { allow_only };
                self.town.of(NAMES[who], |house| house.set_allow_only(wanted)).unwrap();
                self.model.boxes[who].allow_only = allow_only;
            }
            Step::Pass(millis) => self.model.now += millis,
            Step::Evict => self.town.evict(),
            Step::CleanUp => {
                for name in NAMES {
                    self.town.of(name, |house| house.clean_up(at(self.model.now))).unwrap();
                }
            }
        }
        Ok(())
    }

    /// Compares the states of all accepted messages, as their senders see them.
    fn look(&self) -> Result<(), TestCaseError> {
        self.town.now.set(self.model.now);
        for (to, house) in self.model.boxes.iter().enumerate() {
            for (at_, message) in house.inbox.iter().enumerate() {
                let Some(sent) = &message.sent else { continue };
                let in_time = |time: &i64| *time < message.sent_at + RETENTION;
                let acked = reached(&house.acked, at_ + 1).filter(in_time);
                let read = reached(&house.read, at_ + 1).filter(in_time);
                let expected = match () {
                    () if acked.is_some() => MailState::Acked,
                    () if !self.model.alive(message) => MailState::Expired,
                    () if message.live || read.is_some() => MailState::Delivered,
                    () => MailState::Queued,
                };
                let sender = agent(NAMES[message.sender]);
                let status = self.town.of(NAMES[to], |house| {
                    house.message_status(at(self.model.now), &sender, &sent.id)
                });
                if message.dropped {
                    prop_assert_eq!(refused(status), ErrorCode::MessageNotFound);
                } else {
                    let status = status.unwrap();
                    prop_assert_eq!(status.state, expected);
                    prop_assert_eq!(status.acked_at, acked.map(at));
                }
                if message.copied {
                    let (x, y) = (message.sender, to);
                    let id = sent.conversation_id.as_str();
                    let shown = self.town.conversation(NAMES[x], id, Some(NAMES[y]), 99).unwrap();
                    prop_assert_eq!(shown.reason, self.model.over(x, y, &message.conversation));
                    let turns = self.model.turns(x, y, &message.conversation);
                    prop_assert_eq!(shown.turns as usize, turns);
                    let mine = self.model.messages(x, y, &message.conversation);
                    let mine = mine.filter(|(to, _, m)| {
                        let has = if *to == x { !m.dropped } else { m.copied };
                        has && self.model.alive(m)
                    });
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

/// What waits of an earlier round keeps a conversation alive, also for a mailbox whose other side has not heard
/// that it began again.
#[test]
fn a_round_whose_start_was_not_heard_of_is_as_alive_as_what_waits() {
    let send = |from, to, renews, way| Step::Send {
        from,
        to,
        conversation: Some(1),
        key: None,
        live: false,
        renews,
        way,
    };
    let mut run = Run::new();
    for step in [
        send(1, 0, false, Way::Clear),
        Step::End(0, 1),
        send(0, 1, true, Way::AnswerLost),
        Step::Ack(1, 1),
        Step::Pass(100_001),
    ] {
        run.take(&step).unwrap();
        run.look().unwrap();
    }
}
