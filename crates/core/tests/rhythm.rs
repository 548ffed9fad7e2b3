//! What a conversation costs in rows written, whatever its rhythm.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Caller, Directory, Need};
use nexus_protocol::{CreateSession, IdempotencyKey, PageRequest};
use std::collections::BTreeSet;
use support::{Sqlite, World, agent, at, caller, text};

const MESSAGES: u32 = 20;

/// Rows for each message, in hundredths, and for the whole life of a session besides.
const BUDGET: (u64, u64) = (120, 12);

/// How both agents read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reading {
    /// By polls that wait, one after the other.
    Waiting,
    /// By a poll after each message.
    Now,
}

/// A relay of one session, with the directory that it tells, the alarm that is set, and a clock.
struct Life {
    world: World,
    directory: Directory<Sqlite>,
    counted: Sqlite,
    alarm: Option<i64>,
    /// The alarms that were set.
    alarms: u64,
    /// How often the alarm rang and only found that the end has moved.
    moved: u64,
    now: i64,
}

impl Life {
    fn new() -> Self {
        let counted = Sqlite::new();
        let mut directory = Directory::new(counted.clone());
        // Its tables are there before the first session.
        directory.tally(at(0), &nexus_core::Tally::EMPTY).unwrap();
        let world = World::new(nexus_protocol::Limits::default());
        Self { world, directory, counted, alarm: None, alarms: 0, moved: 0, now: 0 }
    }

    fn rows(&self) -> u64 {
        self.world.database.rows() + self.counted.rows() + self.alarms
    }

    /// What follows each call, and each alarm.
    fn report(&mut self) {
        if let Some(report) = self.world.session.take_report(at(self.now)).unwrap() {
            self.directory.report(at(self.now), &report).unwrap();
        }
    }

    fn set_alarm(&mut self) {
        let next = self.world.session.next_end_at(at(self.now)).unwrap();
        self.alarm = next.map(|next| next.millis_since(at(0)));
        self.alarms += u64::from(next.is_some());
    }

    /// Lets time pass. After ten seconds of silence, the object leaves memory.
    fn pass(&mut self, until: i64) {
        while let Some(ringing) = self.alarm.filter(|ringing| *ringing <= until) {
            self.world.evict();
            self.now = ringing;
            if self.world.session.alarm(at(ringing)).unwrap().is_none() {
                self.alarm = None;
            } else {
                let told = self.world.session.settle_end(at(ringing)).unwrap();
                self.moved += u64::from(told.is_none());
                self.set_alarm();
            }
            self.report();
        }
        if until - self.now >= 10_000 {
            self.world.evict();
        }
        self.now = until;
    }

    fn poll(&mut self, who: &Caller) {
        let (now, session) = (at(self.now), &mut self.world.session);
        let who = session.member(now, who, Need::Member).unwrap();
        session.hear(now, &who).unwrap();
        let request = PageRequest { after: None, limit: 100, members: false, wait: 0 };
        session.read(now, &who, request, &BTreeSet::new()).unwrap();
        self.report();
    }
}

/// The rows of a conversation with this many seconds between two messages, and how often the alarm was moved.
fn rows(gap: i64, keyed: bool, reading: Reading, is_ended: bool) -> (u64, u64) {
    let mut life = Life::new();
    let before = life.rows();
    let key = life
        .world
        .create(CreateSession { creator_agent_id: Some(agent("a")), ..CreateSession::default() });
    life.set_alarm();
    life.report();
    let joined = life.world.join(0, "b").unwrap();
    life.report();
    let both = [caller("a", key.as_ref()), caller("b", Some(&joined.session_key))];
    for number in 0..MESSAGES {
        let sender = &both[usize::from(number % 2 == 1)];
        let key: Option<IdempotencyKey> = keyed.then(|| number.to_string().parse().expect("a key"));
        life.world.send(life.now, sender, key.as_ref(), text("x")).unwrap();
        life.report();
        both.iter().for_each(|reader| life.poll(reader));
        let next = life.now + gap * 1000;
        if reading == Reading::Waiting {
            while life.now + 25_000 < next {
                life.pass(life.now + 25_000);
                both.iter().for_each(|reader| life.poll(reader));
            }
        }
        life.pass(next);
    }
    if is_ended {
        let who = life.world.session.member(at(life.now), &both[0], Need::Creator).unwrap();
        life.world.session.end(at(life.now), &who).unwrap();
        life.alarm = None;
        life.report();
    } else {
        life.pass(life.now + 8_000_000);
    }
    assert_eq!(life.directory.stats(at(life.now)).unwrap().active_sessions, 0);
    let left = life.counted.rows();
    life.directory.clean_up(at(life.now + 600_000)).unwrap();
    assert_eq!(life.counted.rows() - left, 1, "the row of the session");
    (life.rows() - before, life.moved)
}

#[test]
fn a_message_costs_one_row_in_any_rhythm() {
    for keyed in [false, true] {
        for reading in [Reading::Waiting, Reading::Now] {
            for gap in [0, 1, 5, 26, 90, 600] {
                let (rows, moved) = rows(gap, keyed, reading, true);
                println!("{gap} s, keyed: {keyed}, {reading:?}: {rows} rows, {moved} moved alarms");
                let each = BUDGET.0 + if keyed { 100 } else { 0 };
                // Once in a TTL, the alarm finds that the end has moved.
                let budget = each * u64::from(MESSAGES) / 100 + BUDGET.1 + moved;
                assert!(rows <= budget, "{gap} s, keyed: {keyed}, {reading:?}: {rows} of {budget}");
                assert!(moved <= 3 && (moved == 0 || gap == 600), "{moved}");
            }
        }
    }
}

#[test]
fn an_end_by_itself_costs_what_tells_of_it() {
    let (ended, _) = rows(26, false, Reading::Waiting, true);
    let (expired, moved) = rows(26, false, Reading::Waiting, false);
    // The notice, the session that notes it, and the alarm that is set again for the end; and, because the last
    // message came later than the first, once before.
    assert_eq!((expired - ended, moved), (3 + moved, 1));
}
