//! The promises of a session, rule by rule, on real SQLite, with the time controlled by the test.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_protocol::{
    CreateSession, Cursor, ErrorCode, IdempotencyKey, Limits, MembersRequest, PageRequest, Profile,
    Recipients, Renew,
};
use std::collections::BTreeSet;
use support::{Calls, World, agent, at, caller, messages, refused, text};

#[test]
fn a_session_that_was_not_created_is_not_found_and_nothing_is_written() {
    let mut world = World::new(Limits::default());
    let stranger = caller("a", None);
    assert_eq!(refused(world.session.looks(at(0))), ErrorCode::SessionNotFound);
    assert_eq!(refused(world.join(0, "a")), ErrorCode::SessionNotFound);
    assert_eq!(refused(world.poll(0, &stranger, None)), ErrorCode::SessionNotFound);
    assert_eq!(refused(world.send(0, &stranger, None, text("x"))), ErrorCode::SessionNotFound);
    assert_eq!(
        refused(world.session.renews(at(0), &stranger, Renew::default())),
        ErrorCode::SessionNotFound
    );
    assert_eq!(refused(world.session.leaves(at(0), &stranger)), ErrorCode::SessionNotFound);
    assert_eq!(world.session.alarm(at(0)).unwrap(), None);
    assert_eq!(world.database.writes(), Vec::<&str>::new());
    assert_eq!(world.database.tables(), Vec::<String>::new());
}

#[test]
fn the_greeting_shows_on_the_first_poll_and_never_again() {
    let mut world = World::new(Limits::default());
    let key = world.create(CreateSession {
        greeting: Some("hello".into()),
        creator_agent_id: Some(agent("a")),
        ..CreateSession::default()
    });
    let a = caller("a", key.as_ref());
    let page = world.page(1, &a, None, 1).unwrap();
    let greeting = &messages(&page)[0];
    assert_eq!(
        (greeting.agent_id.as_str(), greeting.cursor, page.has_more),
        ("system", Cursor::START, false)
    );
    assert_eq!(page.next_cursor, Cursor::START);
    world.send(2, &a, None, text("one")).unwrap();
    assert_eq!(world.poll(3, &a, Some("0")).unwrap(), [("1".into(), "one".into())]);
    assert!(world.page(4, &a, None, 1).unwrap().has_more);
    assert_eq!(world.poll(5, &a, None).unwrap().len(), 2);
}

#[test]
fn the_end_of_a_session_is_exact_to_the_millisecond() {
    let mut world = World::with_session(2, 5);
    let key = world.join(1500, "a").unwrap().session_key;
    let a = caller("a", Some(&key));
    assert!(world.poll(3499, &a, None).is_ok());
    assert!(world.poll(5498, &a, None).is_ok());
    world.evict();
    // The poll at 5498 moved the deadline only in memory, and by no more than may be lost.
    assert!(world.session.deadline().unwrap().unwrap() >= at(5498 + 2000 - 125));
    let deadline = world.session.deadline().unwrap().unwrap();
    let before = deadline.millis_since(at(0)) - 1;
    assert!(world.session.looks(at(before)).is_ok());
    assert_eq!(refused(world.session.looks(deadline)), ErrorCode::SessionNotFound);
    assert_eq!(refused(world.poll(before + 1, &a, None)), ErrorCode::SessionNotFound);
    assert_eq!(refused(world.join(before + 1, "b")), ErrorCode::SessionNotFound);
}

#[test]
fn an_alarm_deletes_only_ended_sessions_however_late_early_or_often_it_fires() {
    let mut world = World::with_session(10, 5);
    let key = world.join(5000, "a").unwrap().session_key;
    assert_eq!(world.session.alarm(at(10_000)).unwrap(), Some(at(15_000)));
    assert_eq!(world.session.alarm(at(10_000)).unwrap(), Some(at(15_000)));
    assert!(world.poll(14_999, &caller("a", Some(&key)), None).is_ok());
    assert_eq!(world.session.alarm(at(15_000)).unwrap(), Some(at(24_999)));
    for late in [24_999, 90_000] {
        assert_eq!(world.session.alarm(at(late)).unwrap(), None);
        assert_eq!(refused(world.session.looks(at(late))), ErrorCode::SessionNotFound);
    }
    world.database.delete_all();
    world.evict();
    assert_eq!(refused(world.session.looks(at(90_001))), ErrorCode::SessionNotFound);
    assert_eq!(world.session.alarm(at(90_002)).unwrap(), None);
}

#[test]
fn a_shorter_ttl_ends_the_session_sooner_and_a_longer_one_later() {
    let mut world = World::with_session(100, 5);
    let key = world.join(0, "a").unwrap().session_key;
    let a = caller("a", Some(&key));
    world.send(1000, &a, None, text("x")).unwrap();
    let renewed = world.session.renews(at(2000), &a, Renew { ttl: Some(5) }).unwrap();
    assert_eq!((renewed.ttl, renewed.expires_at), (5, at(7000)));
    world.evict();
    assert_eq!(world.session.deadline().unwrap(), Some(at(7000)));
    let renewed = world.session.renews(at(3000), &a, Renew { ttl: Some(500) }).unwrap();
    assert_eq!(renewed.expires_at, at(503_000));
    assert_eq!(
        world.session.renews(at(4000), &a, Renew::default()).unwrap().expires_at,
        at(504_000)
    );
}

#[test]
fn seats_are_counted_and_names_are_kept() {
    let mut world = World::with_session(100, 2);
    let joined = world.join(0, "a").unwrap();
    assert_eq!((joined.agents_online, joined.expires_at), (1, at(100_000)));
    assert_eq!(refused(world.join(1, "a")), ErrorCode::AgentIdTaken);
    let wrong = caller("a", Some(&"nxk_wrong".parse().unwrap()));
    assert_eq!(refused(world.join_as(1, &wrong, Profile::default())), ErrorCode::AgentIdTaken);
    let again = caller("a", Some(&joined.session_key));
    let back = world.join_as(2, &again, Profile::default()).unwrap();
    assert_eq!(back.session_key, joined.session_key);
    world.join(3, "b").unwrap();
    assert_eq!(refused(world.join(4, "c")), ErrorCode::SessionFull);
    world.session.leaves(at(5), &again).unwrap();
    assert_eq!(world.join(6, "c").unwrap().agents_online, 2);
    assert_eq!(refused(world.poll(7, &again, None)), ErrorCode::Forbidden);
}

#[test]
fn leaving_requires_the_members_key_and_the_creator_stays() {
    let mut world = World::new(Limits::default());
    let key = world
        .create(CreateSession { creator_agent_id: Some(agent("a")), ..CreateSession::default() });
    let a = caller("a", key.as_ref());
    let b_key = world.join(0, "b").unwrap().session_key;
    let mut leave = |who: &nexus_core::Caller| refused(world.session.leaves(at(1), who));
    assert_eq!(leave(&a), ErrorCode::Forbidden);
    assert_eq!(leave(&caller("b", None)), ErrorCode::MissingSessionKey);
    assert_eq!(leave(&caller("b", key.as_ref())), ErrorCode::InvalidSessionKey);
    assert_eq!(leave(&caller("c", key.as_ref())), ErrorCode::Forbidden);
    assert!(world.session.leaves(at(2), &caller("b", Some(&b_key))).is_ok());
    assert_eq!(world.session.looks(at(3)).unwrap().agents, [agent("a")]);
}

#[test]
fn a_wrong_key_is_refused_and_a_missing_one_only_where_keys_are_required() {
    for require_keys in [false, true] {
        let mut world = World::new(Limits::default());
        world.create(CreateSession { require_keys, ..CreateSession::default() });
        let key = world.join(0, "a").unwrap().session_key;
        let wrong = caller("a", Some(&"nxk_wrong".parse().unwrap()));
        for result in [
            world.send(1, &wrong, None, text("x")).map(|_| ()),
            world.poll(1, &wrong, None).map(|_| ()),
            world.session.renews(at(1), &wrong, Renew::default()).map(|_| ()),
        ] {
            let Err(nexus_core::Error::Refused(refusal)) = result else { panic!("not refused") };
            let expected = (if require_keys { 401 } else { 403 }, ErrorCode::InvalidSessionKey);
            assert_eq!((refusal.status, refusal.body.error), expected);
        }
        let missing = world.send(2, &caller("a", None), None, text("x"));
        if require_keys {
            assert_eq!(refused(missing), ErrorCode::MissingSessionKey);
        } else {
            assert!(!missing.unwrap().verified);
        }
        assert!(world.send(3, &caller("a", Some(&key)), None, text("x")).unwrap().verified);
    }
}

#[test]
fn a_directed_message_is_for_its_sender_and_its_proven_recipients() {
    let mut world = World::with_session(100, 9);
    let keys: Vec<_> =
        ["a", "b", "c", "bb"].iter().map(|name| world.join(0, name).unwrap().session_key).collect();
    let to_b =
        nexus_protocol::SendMessage { to: Some(Recipients::One(agent("b"))), ..text("for b") };
    world.send(1, &caller("a", Some(&keys[0])), None, to_b).unwrap();
    let seen =
        |world: &mut World, name: &str, key| world.poll(2, &caller(name, key), None).unwrap().len();
    assert_eq!(seen(&mut world, "a", Some(&keys[0])), 1);
    assert_eq!(seen(&mut world, "b", Some(&keys[1])), 1);
    assert_eq!(seen(&mut world, "c", Some(&keys[2])), 0);
    assert_eq!(seen(&mut world, "bb", Some(&keys[3])), 0);
    assert_eq!(seen(&mut world, "a", None), 0);
    assert_eq!(seen(&mut world, "b", None), 0);
    let to_nobody = nexus_protocol::SendMessage {
        to: Some(Recipients::Many(vec![agent("b"), agent("nobody")])),
        ..text("x")
    };
    assert_eq!(
        refused(world.send(3, &caller("a", Some(&keys[0])), None, to_nobody)),
        ErrorCode::AgentNotFound
    );

    // A later agent of the same name does not inherit directed messages.
    world.session.leaves(at(4), &caller("b", Some(&keys[1]))).unwrap();
    let new_key = world.join(5, "b").unwrap().session_key;
    assert_eq!(seen(&mut world, "b", Some(&new_key)), 0);
}

#[test]
fn an_idempotency_key_gives_the_first_answer_again_and_stores_nothing() {
    let mut world = World::with_session(100, 9);
    let key = world.join(0, "a").unwrap().session_key;
    let b_key = world.join(0, "b").unwrap().session_key;
    let (a, b) = (caller("a", Some(&key)), caller("b", Some(&b_key)));
    let once: IdempotencyKey = "once".parse().unwrap();
    // A caller that does not prove the key cannot use up the member's idempotency key.
    world.send(1, &caller("a", None), Some(&once), text("forged")).unwrap();
    let to_b = nexus_protocol::SendMessage { to: Some(Recipients::One(agent("b"))), ..text("x") };
    let first = world.send(2, &a, Some(&once), to_b.clone()).unwrap();
    assert_eq!(first.cursor, "4".parse().unwrap());
    world.session.leaves(at(3), &b).unwrap();
    world.evict();
    world.database.statements();
    assert_eq!(world.send(9, &a, Some(&once), to_b).unwrap(), first);
    assert_eq!(world.database.writes(), Vec::<&str>::new());
    let c = caller("b", Some(&world.join(10, "b").unwrap().session_key));
    assert_ne!(world.send(11, &c, Some(&once), text("x")).unwrap().cursor, first.cursor);
}

#[test]
fn a_reply_must_be_to_a_message_of_this_session() {
    let mut world = World::with_session(100, 9);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    let sent = world.send(1, &a, None, text("x")).unwrap();
    let reply =
        |id: &str| nexus_protocol::SendMessage { reply_to: Some(id.parse().unwrap()), ..text("y") };
    assert!(world.send(2, &a, None, reply(sent.id.as_str())).is_ok());
    let later = sent.id.as_str().replace("-2", "-99");
    for id in [later.as_str(), "nope", "0000000000000000-1"] {
        assert_eq!(refused(world.send(3, &a, None, reply(id))), ErrorCode::InvalidRequest);
    }
}

#[test]
fn presence_survives_eviction() {
    let mut world = World::with_session(3600, 9);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    let b = caller("b", Some(&world.join(0, "b").unwrap().session_key));
    let online = |world: &mut World, now: i64| {
        let members = world.page(now, &a, None, 1).unwrap().members.unwrap();
        members.iter().find(|member| member.agent_id == agent("b")).unwrap().online
    };
    // A member that polls every 30 s is online, even if the object is rebuilt for each poll.
    for step in 1..20 {
        world.evict();
        world.poll(step * 30_000, &b, None).unwrap();
        world.evict();
        assert!(online(&mut world, step * 30_000 + 29_000), "step {step}");
    }
    let last = 19 * 30_000;
    world.poll(last, &b, None).unwrap();
    assert!(online(&mut world, last + 60_000));
    assert!(!online(&mut world, last + 60_001));
}

#[test]
fn an_open_socket_makes_an_agent_online() {
    let mut world = World::with_session(3600, 9);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    world.join(0, "b").unwrap();
    let who = world.session.as_member(at(600_000), &a).unwrap();
    let request = PageRequest { after: None, limit: 1, members: true, wait: 0 };
    let mut online = |connected: &[&str]| {
        let connected = connected.iter().map(|name| agent(name)).collect();
        let page = world.session.read(at(600_000), &who, request, &connected).unwrap();
        page.members.unwrap().iter().map(|member| member.online).collect::<Vec<_>>()
    };
    assert_eq!(online(&[]), [false, false]);
    assert_eq!(online(&["b"]), [false, true]);
}

#[test]
fn a_sockets_identity_ends_with_its_seat() {
    let mut world = World::with_session(3600, 9);
    let key = world.join(0, "a").unwrap().session_key;
    let a = caller("a", Some(&key));
    let who = world.session.as_member(at(1), &a).unwrap();
    world.session.leaves(at(2), &a).unwrap();
    let request = PageRequest { after: None, limit: 1, members: false, wait: 0 };
    world.join(3, "a").unwrap();
    let read = world.session.read(at(4), &who, request, &BTreeSet::new());
    assert_eq!(refused(read), ErrorCode::Forbidden);
    assert_eq!(refused(world.session.send(at(4), &who, None, text("x"))), ErrorCode::Forbidden);
    assert_eq!(refused(world.session.hear(at(4), &who)), ErrorCode::Forbidden);
}

#[test]
fn a_silent_agent_loses_its_seat_where_the_deployment_says_so() {
    let mut world = World::new(Limits { agent_inactivity: 60, ..Limits::default() });
    let key = world.create(CreateSession {
        creator_agent_id: Some(agent("a")),
        max_agents: Some(2),
        ..CreateSession::default()
    });
    let b = caller("b", Some(&world.join(0, "b").unwrap().session_key));
    assert_eq!(refused(world.join(60_000, "c")), ErrorCode::SessionFull);
    world.evict();
    // The stored time may be behind by a quarter of the limit.
    assert_eq!(world.session.looks(at(60_001)).unwrap().agents.len(), 2);
    assert_eq!(world.session.looks(at(75_001)).unwrap().agents, [agent("a")]);
    world.poll(60_000, &b, None).unwrap();
    world.evict();
    world.poll(60_000, &b, None).unwrap();
    assert_eq!(world.session.looks(at(120_001)).unwrap().agents, [agent("a")]);
    assert_eq!(refused(world.poll(120_001, &b, None)), ErrorCode::Forbidden);
    world.join(120_002, "c").unwrap();
    assert!(world.poll(200_000, &caller("a", key.as_ref()), None).is_ok(), "the creator stays");
}

#[test]
fn the_directory_is_told_of_members_at_once_and_of_messages_by_powers_of_two() {
    let mut world = World::with_session(100, 5);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    let told = |world: &mut World, now| world.session.take_report(at(now)).unwrap();
    assert_eq!(told(&mut world, 0).unwrap().agents, 1);
    assert_eq!(told(&mut world, 1), None);
    let mut reported = Vec::new();
    for number in 1..=40 {
        world.send(number, &a, None, text("x")).unwrap();
        reported.extend(told(&mut world, number).map(|report| report.messages.to_string()));
        // What is due is known from what is stored.
        world.evict();
    }
    assert_eq!(reported, ["1", "2", "4", "8", "16", "32"]);
    // A new member is reported at once, together with the messages.
    world.join(61_000, "b").unwrap();
    assert_eq!(told(&mut world, 61_000).unwrap().messages.to_string(), "40");
}

#[test]
fn a_session_is_reported_again_before_it_would_not_be_counted_any_more() {
    let mut world = World::with_session(100, 5);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    let mut counted_until = world.session.take_report(at(0)).unwrap().unwrap().expires_at;
    let mut reports = 0;
    for number in 1..200 {
        let now = number * 24_000;
        assert!(world.poll(now, &a, None).is_ok());
        if let Some(report) = world.session.take_report(at(now)).unwrap() {
            (counted_until, reports) = (report.expires_at, reports + 1);
        }
        assert!(world.session.deadline().unwrap().unwrap() <= counted_until, "{now}");
        world.evict();
    }
    assert!((10..=13).contains(&reports), "once in four times its TTL: {reports}");
}

#[test]
fn an_alarm_stores_the_end_after_which_the_next_must_not_come() {
    const HOUR: i64 = 3_600_000;
    let mut world = World::with_session(86_400, 5);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    assert!(world.poll(5 * HOUR, &a, None).is_ok());
    let deadline = world.session.alarm(at(5 * HOUR + 1)).unwrap();
    assert_eq!(deadline, Some(at(29 * HOUR)));
    let next = world.session.next_end_at(at(5 * HOUR + 1)).unwrap().unwrap();
    world.evict();
    assert_eq!(world.session.deadline().unwrap(), deadline);
    assert!(next < at(29 * HOUR), "the notice comes before the end");
}

/// Where somebody looks for an agent, its polls are not forgotten with the object.
#[test]
fn who_can_be_given_tasks_stays_online_by_polls_though_the_object_sleeps() {
    let mut world = World::with_session(3660, 5);
    let able = Profile { capabilities: Some(vec!["c".into()]), ..Profile::default() };
    let key = world.join_as(0, &caller("b", None), able).unwrap().session_key;
    let b = caller("b", Some(&key));
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    for now in (30..1800).step_by(30).map(|seconds| seconds * 1000) {
        assert!(world.poll(now, &b, None).is_ok());
        world.evict();
        let who = world.session.as_member(at(now + 5), &a).unwrap();
        let all = MembersRequest { capability: Some("c".into()) };
        let seen = world.session.members(at(now + 5), &who, &all, &BTreeSet::new()).unwrap();
        assert!(seen.agents[0].online, "{now}");
        world.evict();
    }
}

#[test]
fn whoever_ends_a_session_the_directory_is_told_once() {
    let mut world = World::with_session(100, 5);
    world.session.take_report(at(0)).unwrap();
    assert_eq!(world.session.alarm(at(100_000)).unwrap(), None);
    let report = world.session.take_report(at(100_000)).unwrap().unwrap();
    assert_eq!((report.expires_at, report.agents), (at(100_000), 0));
    assert_eq!(world.session.take_report(at(100_000)).unwrap(), None);
    assert_eq!(world.session.alarm(at(100_001)).unwrap(), None);
    assert_eq!(world.session.take_report(at(100_001)).unwrap(), None, "there is nothing any more");
}
