//! What a mailbox holds, and for whom: strangers fill neither the inbox nor the storage.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Error, List};
use nexus_protocol::{ErrorCode, Limits, Refusal};
use support::{
    agent, at, refused,
    town::{Town, mail},
};

const MIB: usize = 1024 * 1024;

/// A town of one that is written to, `b`, and of others.
fn town(limits: &Limits, others: &[&str]) -> Town {
    let names: Vec<&str> = ["b"].iter().chain(others).copied().collect();
    Town::new(Limits { sender_rate: 1000, ..limits.clone() }, &names)
}

fn send(town: &Town, from: &str, text: &str) -> Result<(), Box<Refusal>> {
    match town.send(from, "b", None, mail(text, None)) {
        Ok(_) => Ok(()),
        Err(Error::Refused(refusal)) => Err(Box::new(refusal)),
        Err(fault) => panic!("{fault:?}"),
    }
}

/// Sends until nothing more is taken, and returns how many were, and why no more.
fn fill(town: &Town, from: &str, text: &str) -> (usize, Box<Refusal>) {
    let mut sent = 0;
    loop {
        match send(town, from, text) {
            Ok(()) => sent += 1,
            Err(refusal) => return (sent, refusal),
        }
    }
}

fn set(town: &Town, list: List, other: &str, on: bool) {
    town.of("b", |b| b.set_listed(at(0), list, &agent(other), on)).unwrap();
}

fn waiting(town: &Town) -> u32 {
    town.ack("b", "0").unwrap().waiting
}

#[test]
fn one_sender_has_a_fifth_of_the_inbox_and_strangers_three_quarters() {
    let town = town(&Limits::default(), &["s", "t", "u", "v", "w", "friend"]);
    let (sent, why) = fill(&town, "s", "x");
    assert_eq!((sent, why.body.error, why.body.limit), (40, ErrorCode::InboxFull, Some(40)));
    assert_eq!(why.body.reason.as_deref(), Some("sender_share"));
    for (stranger, expected) in [("t", 40), ("u", 40), ("v", 30), ("w", 0)] {
        assert_eq!(fill(&town, stranger, "x").0, expected, "{stranger}");
    }
    let why = send(&town, "friend", "x").unwrap_err();
    assert_eq!((why.body.reason.as_deref(), why.body.limit), (Some("allow_list"), Some(150)));
    set(&town, List::Allows, "friend", true);
    town.evict();
    assert_eq!(fill(&town, "friend", "x").0, 40, "the friend has its share of the rest");
    set(&town, List::Allows, "w", true);
    let (sent, why) = fill(&town, "w", "x");
    assert_eq!((sent, why.body.reason, why.body.limit), (10, None, Some(200)));
    assert_eq!(town.ack("b", "1").unwrap().waiting, 199);
    assert!(send(&town, "w", "x").is_ok(), "what is acknowledged makes room");
}

#[test]
fn what_waits_from_a_blocked_agent_is_dropped_and_does_not_come_back() {
    let town = town(&Limits::default(), &["s", "friend"]);
    let dropped = town.send("s", "b", Some("k"), mail("first", Some("t"))).unwrap();
    send(&town, "friend", "hello").unwrap();
    send(&town, "s", "last").unwrap();
    set(&town, List::Blocks, "s", true);
    assert_eq!(waiting(&town), 1);
    assert_eq!(town.poll("b", None, 9), [("2".to_owned(), "hello".to_owned())]);
    let status = town.of("b", |b| b.message_status(at(0), &agent("s"), &dropped.id));
    assert_eq!(refused(status), ErrorCode::MessageNotFound);
    let again = || town.send("s", "b", Some("k"), mail("first", Some("t")));
    assert_eq!(refused(again()), ErrorCode::Blocked);
    set(&town, List::Blocks, "s", false);
    town.evict();
    assert_eq!(waiting(&town), 1);
    assert_eq!(town.conversation("b", "t", None, 9).unwrap().messages.unwrap().len(), 0);
    let sent = again().unwrap();
    assert_eq!(sent.cursor.to_string(), "4", "no cursor is given twice");
    assert_eq!(sent.turn, 2, "what is known of the conversation stays");
    assert_eq!(again().unwrap(), sent, "a repeat is one again");
    assert_eq!(town.poll("b", Some("2"), 9).len(), 1);
}

#[test]
fn an_agent_that_was_filled_up_blocks_and_is_free() {
    let strangers = ["s", "t", "u", "v"];
    let town = town(&Limits::default(), &[&strangers[..], &["friend"]].concat());
    for stranger in strangers {
        fill(&town, stranger, "x");
    }
    assert!(send(&town, "friend", "x").is_err());
    set(&town, List::Blocks, "t", true);
    assert_eq!(waiting(&town), 110);
    assert!(send(&town, "friend", "x").is_ok());
}

#[test]
fn the_oldest_that_need_not_wait_makes_room() {
    let town = town(&Limits { max_mailbox_bytes: MIB, ..Limits::default() }, &["s", "t"]);
    let text = "x".repeat(60_000);
    let stored = || town.house("b").database.dump().len();
    for round in 0..60 {
        town.now.set(round);
        send(&town, "s", &text).unwrap();
        let cursor = (2 * round + 1).to_string();
        town.send("b", "t", None, mail(&text, None)).unwrap();
        send(&town, "t", "small").unwrap();
        town.ack("b", &cursor).unwrap();
        town.ack("t", &(round + 1).to_string()).unwrap();
        assert!(stored() <= MIB + MIB / 8, "{} bytes in round {round}", stored());
        if round % 7 == 0 {
            town.evict();
        }
    }
    let last: Vec<String> = town.poll("b", Some("0"), 99).into_iter().map(|(at, _)| at).collect();
    let numbers: Vec<u32> = last.iter().map(|at| at.parse().unwrap()).collect();
    assert_eq!(numbers.last(), Some(&120));
    let first = numbers[0];
    assert!(first > 80, "the oldest went first");
    assert_eq!(numbers, (first..=120).collect::<Vec<_>>(), "and no other");
}

#[test]
fn what_waits_is_not_deleted_for_its_bytes_but_no_more_is_taken() {
    let limits = Limits { max_mailbox_bytes: MIB, ..Limits::default() };
    let town = town(&limits, &["s", "t", "u", "v", "w", "friend"]);
    let text = "x".repeat(60_000);
    set(&town, List::Allows, "friend", true);
    let (sent, why) = fill(&town, "s", &text);
    assert_eq!((sent, why.body.reason.as_deref()), (3, Some("sender_share")));
    assert_eq!(why.body.limit, Some(MIB.div_ceil(5)));
    let mut sent = 3;
    for stranger in ["t", "u", "v", "w"] {
        sent += fill(&town, stranger, &text).0;
    }
    assert!(send(&town, "friend", &text).is_ok(), "a quarter of the bytes is kept");
    assert_eq!(usize::try_from(waiting(&town)).unwrap(), sent + 1);
    town.send("b", "s", None, mail(&text, None)).unwrap();
    assert_eq!(
        usize::try_from(waiting(&town)).unwrap(),
        sent + 1,
        "an answer costs nobody his place"
    );
    let read = town.poll("b", None, 99);
    assert_eq!(read.len(), sent + 1);
}
