//! The promises of a pairing code: one winner, and nothing lost when a claim is interrupted.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Claimer, Digest, Error, Fault, PairingIndex, Result, SeatRequest, Seats, claim};
use nexus_protocol::{
    Claimed, CodeState, CreateSession, ErrorCode, Joined, PairingCode, Profile, SessionId,
};
use proptest::prelude::*;
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};
use support::{Calls, Sqlite, World, agent, at, caller, faulted, refused, session_id};

const TTL: u32 = 600;

fn code() -> PairingCode {
    "PEARL-FOCAL-S5SJV".parse().unwrap()
}

/// What goes wrong between the index and the session.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Clear,
    /// The call does not arrive.
    Lost,
    /// The call arrives, but its answer does not.
    AnswerLost,
    /// The call arrives, and the index is evicted before the answer comes back.
    Dies,
}

/// A code, its session, the connection between them, and the clock.
struct Pair {
    codes: Sqlite,
    index: RefCell<PairingIndex<Sqlite>>,
    world: RefCell<World>,
    way: Cell<Way>,
    now: Rc<Cell<i64>>,
}

impl Pair {
    fn new(seats: u32) -> Self {
        let mut world = World::new(nexus_protocol::Limits::default());
        world.create(CreateSession {
            max_agents: Some(seats),
            ttl: Some(86_400),
            ..CreateSession::default()
        });
        let codes = Sqlite::new();
        let mut index = PairingIndex::new(codes.clone(), TTL);
        index.create(at(0), &code(), &session_id()).unwrap().unwrap();
        let now = Rc::new(Cell::new(1));
        Self {
            codes,
            index: RefCell::new(index),
            world: RefCell::new(world),
            way: Cell::new(Way::Clear),
            now,
        }
    }

    fn evict(&self) {
        self.index.replace(PairingIndex::new(self.codes.clone(), TTL));
        self.world.borrow_mut().evict();
    }

    /// One claim. `None` if the index was evicted during it.
    fn claim(&self, name: &str, key: Option<&str>) -> Option<Result<Claimed>> {
        let idempotency_key = key.map(|key| key.parse().unwrap());
        let claimer = Claimer {
            agent: agent(name),
            idempotency_key,
            profile: Profile::default(),
            key_id: None,
        };
        let mut random = self.world.borrow().random.clone();
        let code = code();
        let clock = || at(self.now.get());
        let future = claim(&self.index, self, clock, &mut random, &code, &claimer);
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    fn agents(&self) -> Vec<String> {
        let status = self.world.borrow_mut().session.looks(at(self.now.get())).unwrap();
        status.agents.iter().map(ToString::to_string).collect()
    }

    fn works(&self, name: &str, claimed: &Claimed) -> bool {
        let caller = caller(name, Some(&claimed.session_key));
        self.world.borrow_mut().poll(self.now.get(), &caller, None).is_ok()
    }

    fn state(&self) -> CodeState {
        self.index.borrow().look(at(self.now.get()), &code()).unwrap().status.state
    }
}

impl Seats for Pair {
    async fn take(&self, session: &SessionId, request: SeatRequest) -> Result<Joined> {
        assert_eq!(*session, session_id());
        let way = self.way.get();
        if way == Way::Lost {
            return Err(Error::Fault(Fault::new("lost")));
        }
        let joined = {
            let mut world = self.world.borrow_mut();
            let mut random = world.random.clone();
            world.session.take_seat(at(self.now.get()), &request, &mut random)
        };
        match way {
            Way::AnswerLost => Err(Error::Fault(Fault::new("answer lost"))),
            Way::Dies => std::future::pending().await,
            _ => joined,
        }
    }
}

#[test]
fn a_code_says_when_it_was_claimed_also_after_the_claim_is_repeated() {
    let pair = Pair::new(9);
    let claimed_at =
        || pair.index.borrow().look(at(pair.now.get()), &code()).unwrap().status.claimed_at;
    assert_eq!(claimed_at(), None);
    pair.now.set(5000);
    pair.claim("bob", Some("k")).unwrap().unwrap();
    assert_eq!(claimed_at(), Some(at(5000)));
    pair.now.set(9000);
    pair.claim("bob", Some("k")).unwrap().unwrap();
    assert_eq!(claimed_at(), Some(at(5000)));
}

#[test]
fn a_code_is_claimed_once() {
    let pair = Pair::new(9);
    assert_eq!(pair.state(), CodeState::Pending);
    let claimed = pair.claim("a", None).unwrap().unwrap();
    assert!(pair.works("a", &claimed));
    assert_eq!(pair.state(), CodeState::Claimed);
    for name in ["a", "b"] {
        assert_eq!(refused(pair.claim(name, None).unwrap()), ErrorCode::CodeExpiredOrUsed);
    }
    assert_eq!(pair.agents(), ["a"]);
}

#[test]
fn the_same_claimer_gets_its_seat_again_with_a_fresh_key_for_a_while() {
    let pair = Pair::new(9);
    let first = pair.claim("a", Some("k")).unwrap().unwrap();
    pair.evict();
    let again = pair.claim("a", Some("k")).unwrap().unwrap();
    assert!(pair.works("a", &again) && !pair.works("a", &first));
    assert_eq!(refused(pair.claim("a", Some("other")).unwrap()), ErrorCode::CodeExpiredOrUsed);
    assert_eq!(refused(pair.claim("b", Some("k")).unwrap()), ErrorCode::CodeExpiredOrUsed);
    pair.now.set(1 + 600_000);
    assert_eq!(refused(pair.claim("a", Some("k")).unwrap()), ErrorCode::CodeExpiredOrUsed);
    assert!(pair.works("a", &again));
}

#[test]
fn a_code_expires_to_the_millisecond_and_is_remembered_for_a_day() {
    let pair = Pair::new(9);
    pair.now.set(599_999);
    assert_eq!(pair.state(), CodeState::Pending);
    pair.now.set(600_000);
    assert_eq!(pair.state(), CodeState::Expired);
    assert_eq!(refused(pair.claim("a", None).unwrap()), ErrorCode::CodeExpiredOrUsed);
    let day = 600_000 + 24 * 3_600_000;
    assert!(pair.index.borrow_mut().clean_up(at(day - 1)).unwrap().is_some());
    assert_eq!(pair.state(), CodeState::Expired);
    assert_eq!(pair.index.borrow_mut().clean_up(at(day)).unwrap(), None);
    assert_eq!(refused(pair.index.borrow().look(at(day), &code())), ErrorCode::CodeNotFound);
}

#[test]
fn an_unknown_code_writes_nothing() {
    let database = Sqlite::new();
    let mut index = PairingIndex::new(database.clone(), TTL);
    let claim = Digest::of(&["x"]);
    assert_eq!(refused(index.look(at(0), &code())), ErrorCode::CodeNotFound);
    assert_eq!(refused(index.reserve(at(0), &code(), &claim)), ErrorCode::CodeNotFound);
    assert_eq!(index.clean_up(at(0)).unwrap(), None);
    assert_eq!((database.writes(), database.tables()), (vec![], vec![]));
    index.create(at(0), &code(), &session_id()).unwrap().unwrap();
    database.statements();
    let other: PairingCode = "PEARL-FOCAL-S5SJW".parse().unwrap();
    assert_eq!(refused(index.reserve(at(0), &other, &claim)), ErrorCode::CodeNotFound);
    assert!(
        index.create(at(1), &code(), &session_id()).unwrap().is_none(),
        "a code in use is not given again"
    );
    assert_eq!(index.look(at(1), &code()).unwrap().status.expires_at, at(600_000));
}

#[test]
fn a_claim_that_is_refused_leaves_the_code_claimable() {
    let pair = Pair::new(1);
    let other = pair.world.borrow_mut().join(0, "b").unwrap();
    assert_eq!(refused(pair.claim("b", None).unwrap()), ErrorCode::AgentIdTaken);
    assert_eq!(refused(pair.claim("a", None).unwrap()), ErrorCode::SessionFull);
    assert_eq!(pair.state(), CodeState::Pending);
    let leaver = caller("b", Some(&other.session_key));
    pair.world.borrow_mut().session.leaves(at(1), &leaver).unwrap();
    let claimed = pair.claim("a", None).unwrap().unwrap();
    assert!(pair.works("a", &claimed));
}

#[test]
fn a_claim_of_an_ended_session_says_so() {
    let pair = Pair::new(9);
    pair.world.borrow_mut().database.delete_all();
    pair.evict();
    assert_eq!(refused(pair.claim("a", None).unwrap()), ErrorCode::SessionNotFound);
    assert_eq!(pair.state(), CodeState::Pending);
}

/// Every place where a claim can be interrupted: the writes of both objects, and the calls between
/// them.
#[derive(Clone, Copy, Debug)]
enum Break {
    Reserving,
    Joining,
    Finishing,
    On(Way),
}

const BREAKS: [Break; 6] = [
    Break::Reserving,
    Break::Joining,
    Break::Finishing,
    Break::On(Way::Lost),
    Break::On(Way::AnswerLost),
    Break::On(Way::Dies),
];

fn broken_claim(pair: &Pair, place: Break, name: &str, key: Option<&str>) {
    match place {
        Break::Reserving => pair.codes.fail_after(0),
        Break::Joining => pair.world.borrow().database.fail_after(0),
        Break::Finishing => pair.codes.fail_after(1),
        Break::On(way) => pair.way.set(way),
    }
    let result = pair.claim(name, key);
    assert!(result.as_ref().is_none_or(faulted), "{place:?}: {result:?}");
    pair.codes.heal();
    pair.world.borrow().database.heal();
    pair.way.set(Way::Clear);
    pair.evict();
}

#[test]
fn the_claimer_gets_its_seat_by_repeating_a_claim_interrupted_anywhere() {
    for place in BREAKS {
        let pair = Pair::new(1);
        broken_claim(&pair, place, "a", Some("k"));
        let claimed = pair.claim("a", Some("k")).unwrap().unwrap();
        assert!(pair.works("a", &claimed), "{place:?}");
        assert_eq!(pair.agents(), ["a"], "{place:?}");
        assert_eq!(
            refused(pair.claim("b", None).unwrap()),
            ErrorCode::CodeExpiredOrUsed,
            "{place:?}"
        );
    }
}

#[test]
fn another_agent_can_claim_ten_seconds_after_a_claim_interrupted_anywhere() {
    for place in BREAKS {
        for name in ["a", "b"] {
            let pair = Pair::new(1);
            broken_claim(&pair, place, "a", None);
            if !matches!(place, Break::Reserving) {
                let Some(Err(Error::Refused(refusal))) = pair.claim(name, None) else {
                    panic!("{place:?}")
                };
                assert_eq!(refusal.body.error, ErrorCode::ClaimInProgress, "{place:?}");
                pair.now.set(pair.now.get() + i64::from(refusal.retry_after.unwrap()) * 1000);
            }
            let claimed = pair.claim(name, None).unwrap().unwrap();
            assert!(pair.works(name, &claimed), "{place:?}");
            assert_eq!(pair.agents(), [name], "the seat of the lost claim is gone: {place:?}");
            assert_eq!(
                refused(pair.claim("c", None).unwrap()),
                ErrorCode::CodeExpiredOrUsed,
                "{place:?}"
            );
        }
    }
}

#[test]
fn a_refused_claim_does_not_forget_the_seat_that_a_lost_one_left_behind() {
    let pair = Pair::new(2);
    pair.world.borrow_mut().join(0, "taken").unwrap();
    broken_claim(&pair, Break::On(Way::AnswerLost), "a", None);
    pair.now.set(20_000);
    assert_eq!(refused(pair.claim("taken", None).unwrap()), ErrorCode::AgentIdTaken);
    let claimed = pair.claim("b", None).unwrap().unwrap();
    assert!(pair.works("b", &claimed));
    assert_eq!(pair.agents(), ["b", "taken"]);
}

#[test]
fn seats_of_several_lost_claims_are_taken_away() {
    let pair = Pair::new(2);
    broken_claim(&pair, Break::On(Way::AnswerLost), "a", None);
    pair.now.set(20_000);
    broken_claim(&pair, Break::On(Way::Lost), "b", None);
    pair.now.set(40_000);
    let claimed = pair.claim("c", None).unwrap().unwrap();
    assert!(pair.works("c", &claimed));
    assert_eq!(pair.agents(), ["c"]);
}

#[test]
fn the_key_of_one_claim_says_nothing_about_another_code() {
    let pair = Pair::new(9);
    let first = pair.claim("a", Some("k")).unwrap().unwrap();
    let other: PairingCode = "PEARL-FOCAL-S5SJW".parse().unwrap();
    pair.index.borrow_mut().create(at(0), &other, &session_id()).unwrap().unwrap();
    let claimer = Claimer {
        agent: agent("a"),
        idempotency_key: "k".parse().ok(),
        profile: Profile::default(),
        key_id: None,
    };
    let mut random = pair.world.borrow().random.clone();
    let future = claim(&pair.index, &pair, || at(1), &mut random, &other, &claimer);
    let Poll::Ready(result) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
        panic!()
    };
    assert_eq!(refused(result), ErrorCode::AgentIdTaken);
    assert!(pair.works("a", &first));
}

proptest! {
    /// Any sequence of claims by a few agents, interrupted anywhere, with time passing and objects
    /// evicted. One code never seats two agents, and the code is never lost.
    #[test]
    fn one_code_never_seats_two(steps in prop::collection::vec((0..4_usize, 0..7_usize, 0..15_000_i64), 1..25)) {
        let pair = Pair::new(9);
        let mut winner: Option<usize> = None;
        for (who, place, passes) in steps {
            pair.now.set(pair.now.get() + passes);
            let in_time = pair.now.get() < 600_000;
            let name = ["a", "b", "c", "d"][who];
            if let Some(place) = BREAKS.get(place) {
                if winner.is_none() && in_time {
                    match place {
                        Break::Reserving => pair.codes.fail_after(0),
                        Break::Joining => pair.world.borrow().database.fail_after(0),
                        Break::Finishing => pair.codes.fail_after(1),
                        Break::On(way) => pair.way.set(*way),
                    }
                }
                let result = pair.claim(name, Some("k"));
                pair.codes.heal();
                pair.world.borrow().database.heal();
                pair.way.set(Way::Clear);
                pair.evict();
                if let Some(Ok(_)) = result { winner.get_or_insert(who); }
            } else if let Some(Ok(claimed)) = pair.claim(name, Some("k")) {
                prop_assert!(pair.works(name, &claimed));
                prop_assert_eq!(*winner.get_or_insert(who), who);
            }
            if let Some(winner) = winner {
                prop_assert_eq!(pair.agents(), [["a", "b", "c", "d"][winner]]);
            } else {
                prop_assert!(pair.agents().len() <= 1, "one lost seat at the most");
            }
        }
        if winner.is_none() && pair.now.get() < 580_000 {
            pair.now.set(pair.now.get() + 10_000);
            prop_assert!(pair.claim("e", None).unwrap().is_ok());
            prop_assert_eq!(pair.agents(), ["e"]);
        }
    }
}
