//! The judge finds each kind of fault, and finds none in a good run.

use super::{Verdict, judge};
use crate::torture::history::{
    Code, Entry, History, House, Outcome, Reader, Send, Session, Stay, body,
};
use serde_json::json;

fn said(number: u64) -> String {
    body(&json!({ "text": format!("message {number}") }))
}

fn entry(number: u64) -> Entry {
    Entry {
        cursor: number,
        id: format!("id {number}"),
        agent: "a".to_owned(),
        body: said(number),
        verified: true,
    }
}

/// Five messages, the third of which got no response. One reader received all of them.
fn session() -> Session {
    let outcome = |number: u64| match number {
        3 => Outcome::Unknown,
        _ => Outcome::Acknowledged {
            at: number * 10 + 5,
            id: format!("id {number}"),
            cursor: number,
        },
    };
    let send = |number: u64| Send {
        agent: "a".to_owned(),
        body: said(number),
        proven: true,
        begun: number * 10,
        outcome: outcome(number),
        again: Vec::new(),
    };
    let log: Vec<Entry> = (1..=5).map(entry).collect();
    let reader = Reader { read: log.clone(), finished: true, ..Reader::default() };
    Session {
        seated: vec!["a".to_owned()],
        members: vec!["a".to_owned()],
        sends: (1..=5).map(send).collect(),
        readers: vec![reader],
        log,
        ..Session::default()
    }
}

fn house() -> House {
    let stay = |agent: &str, from, until| Stay { agent: agent.to_owned(), from, until };
    House {
        limit: 2,
        stays: vec![stay("b", 10, Some(20)), stay("c", 20, None)],
        looks: vec![1, 2],
        members: vec!["a".to_owned(), "c".to_owned()],
        ..House::default()
    }
}

fn code() -> Code {
    let winner = || vec!["b".to_owned()];
    Code { winners: winner(), seated: winner(), ..Code::default() }
}

/// The counts of lost, doubled and disordered messages and of excess seats, and whether the verdict
/// is good.
fn counts(history: &History) -> ((usize, usize, usize, usize), bool) {
    let verdict = judge(history);
    assert_eq!(verdict.faults.is_empty(), verdict.is_good(), "{verdict:?}");
    let Verdict { lost, doubled, disordered, seats_over, .. } = verdict;
    ((lost, doubled, disordered, seats_over), verdict.is_good())
}

fn of_session(change: impl FnOnce(&mut Session)) -> (usize, usize, usize) {
    let mut session = session();
    change(&mut session);
    let history = History { sessions: vec![session], ..History::default() };
    let ((lost, doubled, disordered, _), _) = counts(&history);
    (lost, doubled, disordered)
}

#[test]
fn a_good_run_gets_a_good_verdict() {
    let history = History { sessions: vec![session()], codes: vec![code()], houses: vec![house()] };
    assert_eq!(counts(&history), ((0, 0, 0, 0), true));
    assert_eq!(judge(&history).acknowledged, 4);
    // A message that nobody knows to be stored may be missing.
    let without_third = |session: &mut Session| {
        session.log.remove(2);
        session.readers[0].read.remove(2);
    };
    assert_eq!(of_session(without_third), (0, 0, 0));
}

#[test]
fn missing_messages_are_lost() {
    let gone = |session: &mut Session| {
        session.log.remove(4);
        session.readers[0].read.remove(4);
    };
    assert_eq!(of_session(gone), (1, 0, 0));
    // Once because it is not in the log, and once because its reader had received it.
    assert_eq!(of_session(|session| drop(session.log.remove(4))), (2, 0, 0));
    assert_eq!(of_session(|session| drop(session.readers[0].read.remove(1))), (1, 0, 0));
    assert_eq!(of_session(|session| session.members.clear()), (1, 0, 0));
    let refused = |session: &mut Session| {
        session.readers[0].refused = Some("404".to_owned());
    };
    assert_eq!(of_session(refused), (1, 0, 0));
    let anothers = |session: &mut Session| {
        session.log[0].verified = false;
        session.readers.clear();
    };
    assert_eq!(of_session(anothers), (1, 0, 0));
}

#[test]
fn repeated_or_unsent_messages_are_doubled() {
    let twice = |session: &mut Session| {
        session.log.push(Entry { cursor: 6, ..entry(5) });
        session.readers.clear();
    };
    assert_eq!(of_session(twice), (0, 1, 0));
    let unasked = |session: &mut Session| {
        session.log.push(entry(6));
        session.readers.clear();
    };
    assert_eq!(of_session(unasked), (0, 1, 0));
    let read_again = |session: &mut Session| session.readers[0].read.push(entry(5));
    assert_eq!(of_session(read_again), (0, 1, 0));
    let repeat = |session: &mut Session| session.sends[0].again.push(("id 7".to_owned(), 7));
    assert_eq!(of_session(repeat), (0, 1, 0));
}

#[test]
fn misplaced_messages_are_disordered() {
    let swapped = |session: &mut Session| session.readers[0].read.swap(0, 1);
    assert_eq!(of_session(swapped), (0, 0, 1));
    let moved = |session: &mut Session| {
        session.log[4].cursor = 9;
        session.readers.clear();
    };
    assert_eq!(of_session(moved), (0, 0, 1));
    // The fifth message was sent after the fourth had been acknowledged.
    let overtaken = |session: &mut Session| session.sends[3].begun = 60;
    assert_eq!(of_session(overtaken), (0, 0, 1));
}

#[test]
fn a_code_is_won_once() {
    let of = |change: fn(&mut Code)| {
        let mut code = code();
        change(&mut code);
        counts(&History { codes: vec![code], ..History::default() })
    };
    assert_eq!(of(|_| ()), ((0, 0, 0, 0), true));
    assert!(!of(|code| code.winners.push("c".to_owned())).1);
    assert!(!of(|code| code.seated.push("c".to_owned())).1);
    assert!(!of(|code| code.winners.clear()).1);
    assert_eq!(of(|code| code.seated.clear()), ((1, 0, 0, 0), false));
}

#[test]
fn a_session_has_no_more_members_than_seats() {
    let of = |change: fn(&mut House)| {
        let mut house = house();
        change(&mut house);
        counts(&History { houses: vec![house], ..History::default() }).0
    };
    assert_eq!(of(|house| house.stays[0].until = Some(21)), (0, 0, 0, 1));
    assert_eq!(of(|house| house.looks.push(4)), (0, 0, 0, 2));
    assert_eq!(of(|house| house.members.truncate(1)), (1, 0, 0, 0));
}
