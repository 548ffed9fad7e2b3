//! The whole life of a session by the rules, with its code, the directory that it tells, its alarm and a clock; and
//! what it costs.

use super::{Sqlite, World, agent, at, caller, text};
use nexus_core::{Caller, Digest, Directory, Need, PairingIndex, SeatRequest, Tally};
use nexus_protocol::{
    CreateSession, IdempotencyKey, Limits, PageRequest, PairingCode, Profile, Region,
};
use std::collections::BTreeSet;

/// How both agents read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// By polls that wait, one after the other.
    Waiting,
    /// By a poll after each message.
    Now,
}

/// What two agents do.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    pub messages: u32,
    /// Of how many bytes each is.
    pub bytes: usize,
    /// Seconds between two messages.
    pub gap: i64,
    /// Whether each message has an idempotency key.
    pub is_keyed: bool,
    pub reading: Reading,
    /// Whether the creator ends it after the last message.
    pub is_ended: bool,
}

/// A class of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Session,
    PairingIndex,
    Directory,
}

/// What it was.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Each call to an object, and when.
    pub calls: Vec<(i64, Class)>,
    /// Requests of clients.
    pub requests: u64,
    /// Rows written, with the alarms that were set.
    pub rows: u64,
    /// How often the alarm rang and only found that the end has moved.
    pub moved: u64,
    /// When nothing of it was left, except what the index and the directory delete later.
    pub ended: i64,
    /// The most bytes that its database took.
    pub stored: u64,
}

struct Life {
    world: World,
    directory: Directory<Sqlite>,
    counted: Sqlite,
    index: PairingIndex<Sqlite>,
    indexed: Sqlite,
    alarm: Option<i64>,
    now: i64,
    told: Told,
}

/// Lives through it.
pub fn live(rhythm: Rhythm) -> Told {
    let mut life = Life::new();
    let before = life.written();
    let (creator, guest) = life.pair();
    let both = [creator, guest];
    for number in 0..rhythm.messages {
        let sender = &both[usize::from(number % 2 == 1)];
        let key = rhythm.is_keyed.then(|| number.to_string().parse().unwrap());
        life.send(sender, key.as_ref(), rhythm.bytes);
        for reader in &both {
            life.poll(reader);
        }
        let next = life.now + rhythm.gap * 1000;
        if rhythm.reading == Reading::Waiting {
            while life.now + 25_000 < next {
                life.pass(life.now + 25_000);
                for reader in &both {
                    life.poll(reader);
                }
            }
        }
        life.pass(next);
    }
    life.told.stored = life.world.database.size();
    if rhythm.is_ended {
        life.call(Class::Session);
        let who = life.world.session.member(at(life.now), &both[0], Need::Creator).unwrap();
        life.world.session.end(at(life.now), &who).unwrap();
        life.alarm = None;
        life.report();
    }
    while let Some(alarm) = life.alarm {
        life.pass(alarm);
    }
    life.told.ended = life.now;
    assert_eq!(life.directory.stats(at(life.now)).unwrap().active_sessions, 0);
    // The rows that tell that it has ended, and that its code was used; not the minute, which is of all sessions.
    let counted = life.counted.rows();
    life.directory.tally(at(life.now + 600_000), &Tally::EMPTY).unwrap();
    let minute = life.counted.rows() - counted;
    life.directory.clean_up(at(life.now + 600_000)).unwrap();
    life.index.clean_up(at(life.now + 2 * 86_400_000)).unwrap();
    life.told.rows = life.written() - before - minute;
    life.told
}

impl Life {
    fn new() -> Self {
        let [counted, indexed] = [(); 2].map(|()| Sqlite::new());
        let mut directory = Directory::new(counted.clone());
        let mut index = PairingIndex::new(indexed.clone(), 600);
        // Their tables are there before the first session.
        directory.tally(at(0), &Tally::EMPTY).unwrap();
        let other = PairingCode::from_random(Region::DEFAULT, [1; 16]);
        index.create(at(0), &other, &super::session_id()).unwrap();
        index.clean_up(at(2 * 86_400_000)).unwrap();
        let world = World::new(Limits::default());
        let told = Told::default();
        Self { world, directory, counted, index, indexed, alarm: None, now: 0, told }
    }

    /// With the alarms, of which each is a row, too.
    fn written(&self) -> u64 {
        self.world.database.rows() + self.counted.rows() + self.indexed.rows() + self.told.rows
    }

    /// A session, a link, its page, and a claim.
    fn pair(&mut self) -> (Caller, Caller) {
        self.call(Class::Session);
        let creator_agent_id = Some(agent("a"));
        let create = CreateSession { creator_agent_id, ..CreateSession::default() };
        let creator = caller("a", self.world.create(create).as_ref());
        self.set_alarm();
        self.report();
        let code = PairingCode::from_random(Region::DEFAULT, [2; 16]);
        self.call(Class::Session);
        let visitor = self.world.session.enter(at(self.now), &creator, Need::Entry).unwrap();
        self.world.session.add_code(at(self.now), &visitor, code.clone(), false).unwrap();
        self.report();
        self.object(Class::PairingIndex);
        self.index.create(at(self.now), &code, &super::session_id()).unwrap();
        // Its page.
        self.call(Class::PairingIndex);
        self.index.look(at(self.now), &code).unwrap();
        self.object(Class::Session);
        self.world.session.invitation(at(self.now)).unwrap();
        // The claim.
        self.call(Class::PairingIndex);
        let claim = Digest::of(&["claim"]);
        self.index.reserve(at(self.now), &code, &claim).unwrap();
        self.object(Class::Session);
        let request = SeatRequest {
            agent: agent("b"),
            code: code.clone(),
            claim: claim.clone(),
            supersedes: Vec::new(),
            profile: Profile::default(),
            key_id: None,
        };
        let joined =
            self.world.session.take_seat(at(self.now), &request, &mut self.world.random).unwrap();
        self.report();
        self.index.finish(at(self.now), &code, &claim).unwrap();
        (creator, caller("b", Some(&joined.session_key)))
    }

    fn send(&mut self, sender: &Caller, key: Option<&IdempotencyKey>, bytes: usize) {
        self.call(Class::Session);
        self.world.send(self.now, sender, key, text(&"x".repeat(bytes))).unwrap();
        self.report();
    }

    fn poll(&mut self, reader: &Caller) {
        self.call(Class::Session);
        let (now, session) = (at(self.now), &mut self.world.session);
        let who = session.member(now, reader, Need::Member).unwrap();
        session.hear(now, &who).unwrap();
        let request = PageRequest { after: None, limit: 100, members: false, wait: 0 };
        session.read(now, &who, request, &BTreeSet::new()).unwrap();
        self.report();
    }

    /// Notes a request of a client, which goes to an object of this class.
    fn call(&mut self, class: Class) {
        self.told.requests += 1;
        self.object(class);
    }

    fn object(&mut self, class: Class) {
        self.told.calls.push((self.now, class));
    }

    /// What follows each call, and each alarm.
    fn report(&mut self) {
        if let Some(report) = self.world.session.take_report(at(self.now)).unwrap() {
            self.object(Class::Directory);
            self.directory.report(at(self.now), std::slice::from_ref(&report)).unwrap();
        }
    }

    fn set_alarm(&mut self) {
        let next = self.world.session.next_end_at(at(self.now)).unwrap();
        self.alarm = next.map(|next| next.millis_since(at(0)));
        self.told.rows += u64::from(next.is_some());
    }

    /// Lets time pass. After ten seconds of silence, the object leaves memory.
    fn pass(&mut self, until: i64) {
        while let Some(ringing) = self.alarm.filter(|ringing| *ringing <= until) {
            self.world.evict();
            self.now = ringing;
            self.object(Class::Session);
            if self.world.session.alarm(at(ringing)).unwrap().is_none() {
                self.alarm = None;
            } else {
                let told = self.world.session.settle_end(at(ringing)).unwrap();
                self.told.moved += u64::from(told.is_none());
                self.set_alarm();
            }
            self.report();
        }
        if until - self.now >= 10_000 {
            self.world.evict();
        }
        self.now = until;
    }
}
