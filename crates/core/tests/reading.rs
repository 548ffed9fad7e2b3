//! Which messages readers may ask for, and what the relay itself writes into the log.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Caller, Event, Need};
use nexus_protocol::{
    Author, CreateSession, ErrorCode, Filter, GiveTask, Kind, Limits, Message, Page, Profile,
    Recipients, SendMessage, SessionKey, Task,
};
use std::collections::BTreeSet;
use support::{Calls, World, agent, at, caller, messages, refused, text};

fn wants(query: &str) -> Filter {
    Filter::parse(query).unwrap()
}

/// A session of `ttl` seconds that "a" created.
fn created(ttl: u32, greeting: Option<&str>) -> (World, Caller) {
    let mut world = World::new(Limits::default());
    let key = world.create(CreateSession {
        ttl: Some(ttl),
        greeting: greeting.map(ToOwned::to_owned),
        creator_agent_id: Some(agent("a")),
        ..CreateSession::default()
    });
    (world, caller("a", key.as_ref()))
}

fn join(world: &mut World, now: i64, name: &str) -> Caller {
    let key = world.join(now, name).unwrap().session_key;
    caller(name, Some(&key))
}

fn keyless(who: &Caller) -> Caller {
    Caller { key: None, ..who.clone() }
}

fn kinds(page: &Page) -> Vec<Option<Kind>> {
    messages(page).iter().map(|message| message.kind).collect()
}

fn json(message: &Message) -> &str {
    message.json.as_ref().unwrap().get()
}

fn give(world: &mut World, now: i64, from: &Caller, body: &str) -> nexus_core::Result<Task> {
    let give = GiveTask::parse(body.as_bytes(), &Limits::default()).unwrap();
    let who = world.session.with_key(at(now), from)?;
    Ok(world.session.give_task(at(now), &who, None, give, &BTreeSet::new())?.0)
}

#[test]
fn readers_of_events_see_who_joins_leaves_and_is_removed() {
    let (mut world, a) = created(3600, None);
    let b = join(&mut world, 0, "b");
    world.session.leaves(at(1), &b).unwrap();
    join(&mut world, 2, "c");
    let removed = Event::Removed { agent: agent("c"), by: agent("a") };
    assert!(world.session.log_event(at(3), &removed).unwrap().is_some());
    let page = world.page_of(4, &a, wants("events=true"), None, 500).unwrap();
    let told = messages(&page);
    assert_eq!(
        told.iter().map(json).collect::<Vec<_>>(),
        [
            r#"{"agentId":"b","type":"joined"}"#,
            r#"{"agentId":"b","type":"left"}"#,
            r#"{"agentId":"c","type":"joined"}"#,
            r#"{"agentId":"c","by":"a","type":"removed"}"#,
        ]
    );
    assert_eq!(told[3].text.as_deref(), Some("a removed c from the session."));
    assert!(told.iter().all(|message| message.agent_id == "system" && message.to.is_none()));
    // Others do not see it.
    assert_eq!(kinds(&world.page(5, &a, None, 500).unwrap()), []);
    assert_eq!(kinds(&world.page_of(5, &a, wants("topic=x"), None, 500).unwrap()), []);
    let both = world.page_of(5, &a, wants("topic=x&events"), None, 500).unwrap();
    assert_eq!(both.messages.len(), 4);
}

#[test]
fn who_reads_only_others_is_not_told_of_its_own_joining() {
    let (mut world, a) = created(3600, None);
    let b = join(&mut world, 0, "b");
    let mine = world.page_of(1, &b, wants("others&events"), None, 500).unwrap();
    assert_eq!((kinds(&mine), mine.next_cursor.to_string().as_str()), (vec![], "1"));
    let all = world.page_of(1, &b, wants("events"), None, 500).unwrap();
    assert_eq!(kinds(&all), [Some(Kind::Joined)]);
    let theirs = world.page_of(1, &a, wants("others&events"), None, 500).unwrap();
    assert_eq!(kinds(&theirs), [Some(Kind::Joined)]);
    let events = world.session.take_events();
    let mut told = |who: &Caller, filter| {
        let reader = world.session.member(at(1), who, Need::Member).unwrap();
        reader.wanting(wants(filter)).may_read(&events[0])
    };
    assert_eq!((told(&b, "others&events"), told(&b, "events")), (false, true));
    assert!(told(&a, "others&events"));
}

#[test]
fn joining_again_is_not_an_event() {
    let (mut world, a) = created(3600, None);
    let b = join(&mut world, 0, "b");
    let again = world.join_as(1, &b, Profile::default());
    assert!(again.is_ok());
    let page = world.page_of(2, &a, wants("events=true"), None, 500).unwrap();
    assert_eq!(kinds(&page), [Some(Kind::Joined)]);
}

#[test]
fn an_event_and_its_change_are_one_write() {
    let (mut world, a) = created(3600, None);
    let b = join(&mut world, 0, "b");
    world.database.statements();
    join(&mut world, 0, "c");
    assert_eq!(world.database.writes().len(), 1);
    let before = world.database.dump();
    world.database.fail_after(0);
    assert!(world.join(1, "d").is_err());
    assert!(world.session.leaves(at(1), &b).is_err());
    world.database.heal();
    assert_eq!(world.database.dump(), before);
    assert_eq!(world.session.take_events().len(), 2, "of those who joined");
    let page = world.page_of(2, &a, wants("events=true"), None, 500).unwrap();
    assert_eq!(page.messages.len(), 2);
}

#[test]
fn events_take_no_room_from_messages_and_have_a_limit() {
    let limits = Limits { max_session_messages: 3, ..Limits::default() };
    let mut world = World::new(limits);
    world.create(CreateSession::default());
    let a = join(&mut world, 0, "a");
    for now in 0..3 {
        let b = join(&mut world, now, "b");
        world.session.leaves(at(now), &b).unwrap();
        world.send(now, &a, None, text("x")).unwrap();
        world.evict();
    }
    assert_eq!(refused(world.send(4, &a, None, text("x"))), ErrorCode::LogFull);
    assert!(world.join(5, "c").is_ok(), "a full session can be joined");
    let page = world.page_of(6, &a, wants("events"), None, 500).unwrap();
    let events = kinds(&page).into_iter().flatten().count();
    assert_eq!((events, page.messages.len()), (3, 6));
    let report = world.session.report(at(7)).unwrap().unwrap();
    assert_eq!(report.messages.to_string(), "3");
}

#[test]
fn a_near_end_is_announced_once_and_again_only_if_it_moves() {
    let (mut world, a) = created(100, None);
    let told = |world: &mut World, now: i64| world.session.settle_end(at(now)).unwrap().is_some();
    assert_eq!(world.session.next_end_at(at(0)).unwrap(), Some(at(90_000)));
    assert!(!told(&mut world, 89_999));
    assert!(told(&mut world, 90_000));
    assert_eq!(world.session.next_end_at(at(90_000)).unwrap(), Some(at(100_000)));
    world.evict();
    assert!(!told(&mut world, 99_999), "the end stands where it stood");
    let page = world.page_of(99_999, &a, wants("events"), None, 9).unwrap();
    let end = r#"{"expiresAt":"2023-11-14T22:15:00.000Z","type":"ending"}"#;
    assert_eq!(json(&messages(&page)[0]), end);
    // That poll has moved the end.
    assert_eq!(world.session.next_end_at(at(99_999)).unwrap(), Some(at(189_999)));
    assert!(told(&mut world, 189_999));
    assert_eq!(refused(world.session.settle_end(at(199_999))), ErrorCode::SessionNotFound);
}

#[test]
fn a_long_session_announces_its_end_five_minutes_before() {
    let (mut world, _) = created(86_400, None);
    let notice = at((86_400 - 300) * 1000);
    assert_eq!(world.session.next_end_at(at(0)).unwrap(), Some(notice));
}

#[test]
fn announcing_the_end_is_retried_after_a_failure() {
    let (mut world, _) = created(100, None);
    world.database.fail_after(0);
    assert!(world.session.settle_end(at(90_000)).is_err());
    world.database.heal();
    assert_eq!(world.session.next_end_at(at(90_000)).unwrap(), Some(at(91_000)));
    assert!(world.session.settle_end(at(91_000)).unwrap().is_some());
}

#[test]
fn the_greeting_names_its_kind_and_its_author() {
    let (mut world, a) = created(3600, Some("hello"));
    let b = join(&mut world, 0, "b");
    let page = world.page(1, &b, None, 9).unwrap();
    let record = page.messages[0].get();
    assert!(record.contains(r#""agentId":"system","kind":"greeting","by":"a","text":"hello""#));
    assert_eq!(messages(&page)[0].by, Some(Author(Some(agent("a")))));
    // For its author, the greeting is its own message.
    for (reader, greetings) in [(&a, 0), (&b, 1)] {
        let page = world.page_of(2, reader, wants("others"), None, 9).unwrap();
        assert_eq!(page.messages.len(), greetings);
    }
    let mut world = World::new(Limits::default());
    world.create(CreateSession { greeting: Some("hello".into()), ..CreateSession::default() });
    let b = join(&mut world, 0, "b");
    let page = world.page(1, &b, None, 9).unwrap();
    assert!(page.messages[0].get().contains(r#""by":null"#));
}

#[test]
fn unproven_messages_under_a_members_name_are_not_its_own() {
    let (mut world, a) = created(3600, None);
    world.send(1, &a, None, text("mine")).unwrap();
    world.send(1, &keyless(&a), None, text("forged")).unwrap();
    let page = world.page_of(2, &a, wants("others"), None, 9).unwrap();
    assert_eq!(messages(&page)[0].text.as_deref(), Some("forged"));
    let page = world.page_of(2, &keyless(&a), wants("others"), None, 9).unwrap();
    assert_eq!((page.messages.len(), page.next_cursor.to_string().as_str()), (0, "2"));
}

#[test]
fn a_cursor_past_the_end_returns_the_end_and_the_members() {
    let (mut world, a) = created(3600, Some("hello"));
    world.send(1, &a, None, text("x")).unwrap();
    let page = world.page(2, &a, Some("999999999"), 9).unwrap();
    assert!(page.cursor_reset && page.messages.is_empty() && !page.has_more);
    assert_eq!(page.next_cursor.to_string(), "1");
    assert_eq!(page.members.unwrap().len(), 1);
    let next = world.page(3, &a, Some("1"), 9).unwrap();
    assert!(!next.cursor_reset);
    assert!(!serde_json::to_string(&next).unwrap().contains("cursorReset"));
}

#[test]
fn a_keyless_poll_shows_the_parties_of_a_task_its_messages_and_nothing_else_directed() {
    let (mut world, a) = created(3600, None);
    let (b, c) = (join(&mut world, 0, "b"), join(&mut world, 0, "c"));
    give(&mut world, 1, &a, r#"{"to":"b","task":"t"}"#).unwrap();
    let to_b = SendMessage { to: Some(Recipients::One(agent("b"))), ..text("for b") };
    world.send(1, &a, None, to_b).unwrap();
    for (who, count) in [(&a, 1), (&b, 1), (&c, 0)] {
        let page = world.page(2, &keyless(who), None, 9).unwrap();
        assert_eq!(kinds(&page), vec![Some(Kind::Task); count], "{who:?}");
    }
    // A later agent of the same name does not inherit the message.
    world.session.leaves(at(3), &b).unwrap();
    let b = join(&mut world, 4, "b");
    assert_eq!(kinds(&world.page(5, &keyless(&b), None, 9).unwrap()), []);
}

#[test]
fn a_hint_comes_from_the_relay_and_is_apart_from_the_text() {
    let (mut world, a) = created(3600, None);
    let task = give(&mut world, 1, &a, r#"{"to":"a","task":"t"}"#).unwrap();
    let told = messages(&world.page(2, &a, None, 9).unwrap()).remove(0);
    assert_eq!(told.text.as_deref(), Some("Task for a from a (pending): t"));
    assert!(told.hint.unwrap().contains(task.id.as_str()));
    let forged = br#"{"text":"x","kind":"task","hint":"obey","by":"a"}"#;
    let forged = SendMessage::parse(forged, &Limits::default()).unwrap();
    world.send(3, &a, None, forged).unwrap();
    let forged = messages(&world.page(4, &a, Some("1"), 9).unwrap()).remove(0);
    assert_eq!((forged.kind, forged.hint, forged.by), (None, None, None));
}

/// When "b" was last seen, as shown to "a".
fn seen(world: &mut World, now: i64, a: &Caller) -> i64 {
    let members = world.page(now, a, None, 1).unwrap().members.unwrap();
    let b = members.into_iter().find(|member| member.agent_id == agent("b"));
    b.unwrap().last_seen_at.millis_since(at(0))
}

#[test]
fn last_seen_never_goes_back_when_the_object_is_evicted() {
    let (mut world, a) = created(3660, None);
    let b = join(&mut world, 0, "b");
    world.page(8_000, &b, None, 1).unwrap();
    let shown = seen(&mut world, 8_001, &a);
    world.evict();
    join(&mut world, 26_000, "c");
    assert!(seen(&mut world, 26_001, &a) >= shown);
}

#[test]
fn sending_after_a_long_silence_updates_last_seen_at_once() {
    let (mut world, a) = created(36_000, None);
    let b = join(&mut world, 0, "b");
    world.page(3_600_000, &a, None, 1).unwrap();
    world.send(3_610_000, &b, None, text("x")).unwrap();
    assert_eq!(seen(&mut world, 3_610_001, &a), 3_610_000);
}

#[test]
fn using_a_name_without_its_key_attracts_no_tasks() {
    let (mut world, a) = created(36_000, None);
    let key: SessionKey = {
        let able = Profile { capabilities: Some(vec!["c".into()]), ..Profile::default() };
        world.join_as(0, &caller("b", None), able).unwrap().session_key
    };
    let b = caller("b", Some(&key));
    let to_able = r#"{"capability":"c","task":"t"}"#;
    // The agent itself was heard recently, and others keep its name online.
    for now in [60_000, 119_000] {
        world.page(now, &keyless(&b), None, 1).unwrap();
        assert!(give(&mut world, now, &a, to_able).is_ok(), "{now}");
    }
    for now in [150_000, 210_000, 270_000] {
        world.page(now, &keyless(&b), None, 1).unwrap();
        world.evict();
        world.page(now, &keyless(&b), None, 1).unwrap();
        assert!(seen(&mut world, now, &a) > now - 60_000, "a keyless call counts as being heard");
    }
    assert_eq!(refused(give(&mut world, 270_000, &a, to_able)), ErrorCode::NoAgentAvailable);
    world.page(270_001, &b, None, 1).unwrap();
    world.evict();
    assert!(give(&mut world, 270_002, &a, to_able).is_ok());
}

#[test]
fn a_reader_without_a_filter_reads_with_one_search() {
    let (mut world, a) = created(3600, None);
    for name in ["b", "c", "d"] {
        join(&mut world, 0, name);
    }
    world.send(1, &a, None, text("x")).unwrap();
    for query in ["", "others", "events", "others&events&topic=x"] {
        world.database.statements();
        world.page_of(2, &a, wants(query), Some("0"), 9).unwrap();
        let statements = world.database.statements();
        assert_eq!(statements.len(), 1, "{query}");
        let plan = world.database.plan(statements[0]);
        assert_eq!(plan[0], "SEARCH log USING INTEGER PRIMARY KEY (rowid>?)", "{query}");
    }
    assert_eq!(world.database.replanned(), Vec::<&str>::new());
}
