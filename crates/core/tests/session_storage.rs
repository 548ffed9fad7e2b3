//! How a session is stored: what a call costs, what it reads, and what remains after failures.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Caller, Digest, Need, SeatRequest};
use nexus_protocol::{
    CreateSession, ErrorCode, Filter, Limits, PageRequest, Profile, Renew, SendMessage,
};
use serde_json::{json, value::to_raw_value};
use support::{Calls, World, agent, at, caller, faulted, refused, text};

#[test]
fn a_page_holds_what_was_asked_for_and_at_most_a_mebibyte() {
    let mut world = World::with_session(100, 9);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    for _ in 0..40 {
        world.send(1, &a, None, text(&"x".repeat(60_000))).unwrap();
    }
    let (mut after, mut pages, mut read) = (None, 0, 0);
    loop {
        let page = world.page(2, &a, after.as_deref(), 500).unwrap();
        (pages, read) = (pages + 1, read + page.messages.len());
        after = Some(page.next_cursor.to_string());
        if !page.has_more {
            break;
        }
    }
    assert_eq!((pages, read), (3, 40));
    let page = world.page(3, &a, Some("1"), 3).unwrap();
    assert_eq!(
        (page.messages.len(), page.next_cursor.to_string().as_str(), page.has_more),
        (3, "4", true)
    );
}

#[test]
fn a_poll_reads_only_what_it_returns() {
    let mut world = World::new(Limits { agent_requests: 0, ..Limits::default() });
    world.create(CreateSession { ttl: Some(100), ..CreateSession::default() });
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    for number in 0..1000 {
        world.send(1, &a, None, text(&number.to_string())).unwrap();
    }
    world.database.statements();
    assert_eq!(world.poll(2, &a, Some("996")).unwrap().len(), 5);
    let statements = world.database.statements();
    assert_eq!(statements.len(), 1);
    let plan = world.database.plan(statements[0]);
    assert_eq!(plan, ["SEARCH log USING INTEGER PRIMARY KEY (rowid>?)"]);
    // Rebuilding the object reads two rows by primary key, and checks that the table exists.
    world.evict();
    world.session.looks(at(3)).unwrap();
    for sql in world.database.statements().into_iter().filter(|sql| !sql.contains("sqlite_master"))
    {
        let plan = world.database.plan(sql);
        assert!(plan.iter().all(|step| !step.starts_with("SCAN")), "{sql}: {plan:?}");
    }
}

#[test]
fn each_call_is_one_write_and_polls_write_about_once_a_minute() {
    let mut world = World::new(Limits::default());
    let key = world
        .create(CreateSession { creator_agent_id: Some(agent("a")), ..CreateSession::default() });
    assert_eq!(world.database.writes().len(), 3, "a table, an index and one row");
    let a = caller("a", key.as_ref());
    world.join(0, "b").unwrap();
    assert_eq!(world.database.writes().len(), 1);
    world.send(1, &a, Some(&"k".parse().unwrap()), text("x")).unwrap();
    assert_eq!(world.database.writes().len(), 1);
    for second in 0..600 {
        world.poll(second * 1000, &a, Some("1")).unwrap();
        world.poll(second * 1000 + 500, &caller("b", None), Some("1")).unwrap();
    }
    assert_eq!(world.database.writes().len(), 10, "for 1200 polls in ten minutes");
    world.session.renews(at(600_000), &a, Renew::default()).unwrap();
    assert_eq!(world.database.writes().len(), 1);
}

#[test]
fn a_write_that_fails_changes_nothing_that_can_be_seen() {
    let mut world = World::with_session(100, 9);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    world.send(1, &a, None, text("one")).unwrap();
    let before = world.database.dump();
    world.database.fail_after(0);
    assert!(faulted(&world.send(2, &a, None, text("two"))));
    assert!(faulted(&world.join(2, "b")));
    assert!(faulted(&world.session.leaves(at(2), &a)));
    assert!(faulted(&world.session.renews(at(2), &a, Renew { ttl: Some(1) })));
    world.database.heal();
    assert_eq!(world.database.dump(), before);
    let status = world.session.looks(at(3)).unwrap();
    assert_eq!((status.ttl, status.agents), (100, vec![agent("a")]));
    assert_eq!(world.send(4, &a, None, text("two")).unwrap().cursor, "3".parse().unwrap());
    assert_eq!(world.poll(5, &a, None).unwrap().len(), 2);
}

#[test]
fn a_message_that_is_stored_is_acknowledged_even_if_nothing_more_can_be() {
    let mut world = World::new(Limits { agent_inactivity: 60, ..Limits::default() });
    world.create(CreateSession::default());
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    world.database.fail_after(1);
    assert!(world.send(50_000, &a, None, text("x")).is_ok());
    world.database.heal();
    assert_eq!(world.poll(50_001, &a, None).unwrap().len(), 1);
}

#[test]
fn a_clock_that_goes_back_breaks_no_promise() {
    let mut world = World::with_session(100, 9);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    let first = world.send(5000, &a, None, text("x")).unwrap();
    let second = world.send(4800, &a, None, text("y")).unwrap();
    assert!(second.expires_at >= first.expires_at);
    world.evict();
    assert_eq!(world.session.deadline().unwrap(), Some(first.expires_at));
}

#[test]
fn a_session_that_could_not_be_created_does_not_exist() {
    for writes in 0..3 {
        let mut world = World::new(Limits::default());
        world.database.fail_after(writes);
        let created = world.session.create(at(0), CreateSession::default(), &mut world.random);
        assert!(faulted(&created), "after {writes} writes");
        world.database.heal();
        world.evict();
        assert_eq!(refused(world.session.looks(at(1))), ErrorCode::SessionNotFound);
        assert_eq!(world.session.alarm(at(1)).unwrap(), None);
        // The next call completes what the failure left behind.
        world.create(CreateSession::default());
        assert_eq!(world.database.schema(), World::with_session(100, 9).database.schema());
    }
}

#[test]
fn no_key_is_stored() {
    let mut world = World::new(Limits::default());
    let key = world
        .create(CreateSession { creator_agent_id: Some(agent("a")), ..CreateSession::default() })
        .unwrap();
    let joined = world.join(0, "b").unwrap();
    let seat = SeatRequest {
        agent: agent("c"),
        code: "PEARL-FOCAL-S5SJV".parse().unwrap(),
        claim: Digest::of(&["c"]),
        supersedes: Vec::new(),
        profile: Profile::default(),
        key_id: None,
    };
    let claimed = world.session.take_seat(at(0), &seat, &mut world.random).unwrap();
    for key in [key, joined.session_key, claimed.session_key] {
        assert!(!world.database.dump().contains(key.as_str().trim_start_matches("nxk_")));
    }
    assert!(!world.database.dump().contains(support::session_id().as_str()));
}

#[test]
fn a_full_session_takes_nothing_new_and_loses_nothing() {
    let limits = Limits { max_session_messages: 3, ..Limits::default() };
    let mut world = World::new(limits);
    world.create(CreateSession::default());
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    let key = "k".parse().unwrap();
    for number in 1..=3 {
        world.send(1, &a, Some(&key).filter(|_| number == 3), text(&number.to_string())).unwrap();
    }
    world.evict();
    assert_eq!(refused(world.send(2, &a, None, text("4"))), ErrorCode::LogFull);
    assert_eq!(world.poll(3, &a, None).unwrap().len(), 3);
    // A message that was stored before is answered again.
    assert_eq!(world.send(4, &a, Some(&key), text("3")).unwrap().cursor.to_string(), "4");
}

#[test]
fn the_bytes_of_a_session_are_counted_also_after_an_eviction() {
    let limits = Limits { max_session_bytes: 1000, ..Limits::default() };
    let mut world = World::new(limits);
    world.create(CreateSession::default());
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    let mut bytes = 0;
    // Characters of two bytes each: the limit counts bytes.
    while let Ok(_sent) = world.send(1, &a, None, text(&"é".repeat(40))) {
        bytes += world.delivery.as_ref().unwrap().record.len();
        world.evict();
    }
    assert!((700..=1000).contains(&bytes), "{bytes}");
    assert_eq!(refused(world.send(2, &a, None, text(&"é".repeat(40)))), ErrorCode::LogFull);
}

#[test]
fn strangers_take_an_eighth_of_a_session_and_its_members_the_rest() {
    let limits = Limits { max_session_messages: 16, max_session_bytes: 8000, ..Limits::default() };
    let mut world = World::new(limits);
    world.create(CreateSession::default());
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    let stranger = caller("a", None);
    let forged = SendMessage {
        json: Some(to_raw_value(&json!({ "verified": true })).unwrap()),
        ..text("x")
    };
    for number in 0..2 {
        world.send(number, &stranger, None, forged.clone()).unwrap();
        world.evict();
    }
    let full = world.send(3, &stranger, None, text("x"));
    assert_eq!(refused(full), ErrorCode::UnprovenFull);
    for number in 2..16 {
        world.send(number, &a, None, text("x")).unwrap();
    }
    assert_eq!(refused(world.send(17, &a, None, text("x"))), ErrorCode::LogFull);
    assert_eq!(world.poll(18, &a, None).unwrap().len(), 16);
}

#[test]
fn strangers_take_an_eighth_of_the_bytes() {
    let limits = Limits { max_session_bytes: 8000, ..Limits::default() };
    let mut world = World::new(limits);
    world.create(CreateSession::default());
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    let mut bytes = 0;
    let why = loop {
        match world.send(1, &caller("a", None), None, text("x")) {
            Ok(_) => bytes += world.delivery.as_ref().unwrap().record.len(),
            refused => break support::refused(refused),
        }
    };
    assert_eq!(why, ErrorCode::UnprovenFull);
    assert!((700..=1000).contains(&bytes), "{bytes}");
    assert!(world.send(2, &a, None, text(&"x".repeat(5000))).is_ok());
}

#[test]
fn where_nobody_has_a_key_nothing_is_kept_for_others() {
    let limits = Limits { max_session_messages: 8, ..Limits::default() };
    let mut world = World::new(limits);
    world.create(CreateSession::default());
    let enrolled = Caller { agent: Some(agent("claw")), ..Caller::default() };
    let visitor = world.session.enter(at(0), &enrolled, Need::Entry).unwrap();
    world.session.enrol(at(0), &visitor, &enrolled, Profile::default()).unwrap();
    for number in 0..8 {
        world.send(number, &enrolled, None, text("x")).unwrap();
    }
    assert_eq!(refused(world.send(9, &enrolled, None, text("x"))), ErrorCode::LogFull);
}

#[test]
fn sqlite_plans_the_most_frequent_statements_only_once() {
    // Planning a statement takes longer than running it, and binding some values makes SQLite plan
    // again.
    let mut world = World::new(Limits::default());
    world.create(CreateSession::default());
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    world.database.replanned();
    for number in 0..5 {
        world.send(1, &a, None, text("hello")).unwrap();
        world.poll(2, &a, Some(&number.to_string())).unwrap();
    }
    assert_eq!(world.database.replanned(), Vec::<&str>::new());
}

#[test]
fn a_filtered_page_as_json_is_the_same_page() {
    let mut world = World::new(Limits::default());
    world.create(CreateSession::default());
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    for (topic, tag) in [("x", "1"), ("y", "2"), ("x", "2")] {
        let said = SendMessage { topic: Some(topic.to_owned()), ..text("said") };
        world.send(1, &a, None, SendMessage { tags: vec![tag.to_owned()], ..said }).unwrap();
    }
    let who = world.session.as_member(at(2), &a).unwrap();
    for (filter, limit) in [("topic=x", 1), ("topic=x", 2), ("tags=2", 9), ("topic=z", 9)] {
        let who = who.clone().wanting(Filter::parse(filter).unwrap());
        let after = Some("0".parse().unwrap());
        world.check_json(2, &who, PageRequest { after, limit, members: false, wait: 0 });
    }
}
