//! What the operator learns, and what ends by its hand.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Database, Digest, Directory, Report, Tally, Traced, seal, unseal};
use nexus_protocol::{Cursor, ErrorCode, LimitHits, LimitKind, SessionId};
use proptest::prelude::*;
use serde_json::Value;
use support::{
    Sqlite, at,
    hooks::{agreed, body},
    refused, session_id, text,
};

fn report(session: Digest, sealed: Option<&str>, expires_at: i64, reported_at: i64) -> Report {
    Report {
        session,
        agents: 1,
        messages: Cursor::START,
        expires_at: at(expires_at),
        at: at(reported_at),
        sealed: sealed.map(ToOwned::to_owned),
        region: None,
    }
}

fn limits(directory: &mut Directory<Sqlite>, now: i64) -> Vec<(LimitKind, u64, u64, i64)> {
    let hits = directory.activity(at(now)).unwrap().limits.into_iter();
    hits.map(|LimitHits { limit, last_hour, last_day, last_at }| {
        (limit, last_hour, last_day, last_at.millis_since(at(0)))
    })
    .collect()
}

proptest! {
    #[test]
    fn what_is_sealed_opens_with_its_token_only_and_shows_nothing_of_the_id(
        bytes: [u8; 24], token in ".{16,40}", other in ".{16,40}", place in 0_usize..80,
    ) {
        let id = SessionId::from_random(bytes);
        let sealed = seal(&token, &id).unwrap();
        prop_assert_eq!(sealed.len(), 80);
        prop_assert_eq!(unseal(&token, &sealed).unwrap(), Some(id.clone()));
        if token != other {
            prop_assert_eq!(unseal(&other, &sealed).unwrap(), None);
            prop_assert_ne!(&seal(&other, &id).unwrap(), &sealed);
        }
        for part in id.as_str().as_bytes().windows(16) {
            prop_assert!(!sealed.as_bytes().windows(16).any(|other| other == part));
        }
        // Whatever digit is another one, it is no longer what was sealed.
        let mut changed = sealed.clone().into_bytes();
        changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
        prop_assert_eq!(unseal(&token, std::str::from_utf8(&changed).unwrap()).unwrap(), None);
    }

    #[test]
    fn what_was_never_sealed_opens_nothing(token in ".{16,40}", text in ".{0,100}") {
        prop_assert_eq!(unseal(&token, &text).unwrap(), None);
    }

    #[test]
    fn tallies_add_up_in_any_order(hits in prop::collection::vec((0_usize..20, 0_usize..3), 0..60)) {
        let mut parts = [Tally::EMPTY, Tally::EMPTY, Tally::EMPTY];
        let mut whole = Tally::EMPTY;
        for (kind, part) in hits {
            let kind = LimitKind::ALL[kind];
            parts[part].hit(kind);
            parts[part].count(429);
            whole.hit(kind);
            whole.count(429);
        }
        let [a, b, c] = parts;
        prop_assert_eq!(&a.clone().plus(b.clone()).plus(c.clone()), &whole);
        prop_assert_eq!(&c.plus(b.plus(a)), &whole);
    }
}

#[test]
fn the_sealed_form_does_not_change() {
    // The directory holds what an older version has sealed.
    let expected = concat!(
        "c4be836f43d8b33082970ea03530de27",
        "498c0652608aa59dfa16990985cfaabbb6e341184993357d"
    );
    let sealed = seal("correct-horse-battery", &session_id()).unwrap();
    assert_eq!(sealed, expected);
}

#[test]
fn a_session_is_traced_by_the_first_digits_of_its_digest() {
    let mut directory = Directory::new(Sqlite::new());
    let digest = Digest::of_session(&session_id());
    let digits = digest.first(10).to_owned();
    let traced = |sealed: Option<&str>, is_alive| {
        Some(Traced { sealed: sealed.map(ToOwned::to_owned), is_alive })
    };
    assert_eq!(directory.trace(at(0), &digits).unwrap(), None);
    directory.report(at(0), &[report(Digest::of(&["another"]), Some("no"), 9_000, 0)]).unwrap();
    assert_eq!(directory.trace(at(0), &digits).unwrap(), None);
    directory.report(at(0), &[report(digest.clone(), None, 9_000, 0)]).unwrap();
    assert_eq!(directory.trace(at(0), &digits).unwrap(), traced(None, true));
    directory.report(at(1), &[report(digest.clone(), Some("new"), 9_000, 1)]).unwrap();
    directory.report(at(2), &[report(digest.clone(), Some("late"), 9_000, 0)]).unwrap();
    assert_eq!(directory.trace(at(8_999), &digits).unwrap(), traced(Some("new"), true));
    assert_eq!(directory.trace(at(9_000), &digits).unwrap(), traced(Some("new"), false));
    directory.clean_up(at(9_000)).unwrap();
    assert_eq!(directory.trace(at(9_000), &digits).unwrap(), None);
}

#[test]
fn of_two_sessions_with_the_same_digits_neither_is_taken_for_the_other() {
    let mut directory = Directory::new(Sqlite::new());
    let named =
        |last: u8| Digest::from_random([&[7; 31][..], &[last]].concat().try_into().unwrap());
    let digits = named(1).first(10).to_owned();
    directory.report(at(0), &[report(named(1), Some("one"), 5_000, 0)]).unwrap();
    directory.report(at(0), &[report(named(2), Some("two"), 9_000, 0)]).unwrap();
    assert_eq!(directory.trace(at(0), &digits).unwrap(), None);
    let left = directory.trace(at(5_000), &digits).unwrap().unwrap();
    assert_eq!((left.sealed.as_deref(), left.is_alive), (Some("two"), true));
}

#[test]
fn limits_are_counted_for_a_day_without_saying_who_hit_them() {
    const HOUR: i64 = 3_600_000;
    let database = Sqlite::new();
    let mut directory = Directory::new(database.clone());
    assert_eq!(limits(&mut directory, 0), []);
    let mut tally = Tally::EMPTY;
    directory.tally(at(0), &tally).unwrap();
    assert!(!database.tables().contains(&"limit_hit".to_owned()), "nothing is stored of nothing");
    tally.hit(LimitKind::Guesses);
    tally.hit(LimitKind::Guesses);
    tally.hit(LimitKind::Inbox);
    directory.tally(at(0), &tally).unwrap();
    tally.limits.remove(&LimitKind::Inbox);
    // Minutes begin 20 s before those of the tests.
    directory.tally(at(2 * HOUR), &tally).unwrap();
    directory.tally(at(2 * HOUR + 39_999), &tally).unwrap();
    let minute = |now: i64| now - 20_000;
    assert_eq!(
        limits(&mut directory, 2 * HOUR + 39_999),
        [(LimitKind::Guesses, 4, 6, minute(2 * HOUR)), (LimitKind::Inbox, 0, 1, minute(0)),]
    );
    directory.clean_up(at(25 * HOUR)).unwrap();
    assert_eq!(limits(&mut directory, 25 * HOUR), [(LimitKind::Guesses, 0, 4, minute(2 * HOUR))]);
    assert_eq!(database.dump().matches("guesses").count(), 1, "{}", database.dump());
    // What a version that was rolled back has counted is left out.
    let other = "INSERT INTO limit_hit VALUES (?1, 'other', 1)";
    database.execute(other, &[at(25 * HOUR).as_millis().into()]).unwrap();
    assert_eq!(limits(&mut directory, 25 * HOUR).len(), 1);
}

#[test]
fn a_directory_without_seals_is_upgraded() {
    let database = Sqlite::new();
    for statement in [
        "CREATE TABLE session (id TEXT PRIMARY KEY, agents INTEGER NOT NULL,
            messages INTEGER NOT NULL, expires_at INTEGER NOT NULL, reported_at INTEGER NOT NULL
        ) WITHOUT ROWID",
        "CREATE TABLE minute (at INTEGER PRIMARY KEY, sessions INTEGER NOT NULL,
            messages INTEGER NOT NULL, requests INTEGER NOT NULL, refused INTEGER NOT NULL,
            limited INTEGER NOT NULL, failed INTEGER NOT NULL)",
        "INSERT INTO session VALUES ('00ff', 2, 3, 9000000000000, 0)",
    ] {
        database.execute(statement, &[]).unwrap();
    }
    let mut directory = Directory::new(database);
    assert_eq!(directory.stats(at(0)).unwrap().total_agents, 2);
    let found = directory.trace(at(0), "00ff").unwrap();
    assert_eq!(found, Some(Traced { sealed: None, is_alive: true }));
    let digest = Digest::of(&["x"]);
    directory.report(at(0), &[report(digest.clone(), Some("s"), 9_000, 0)]).unwrap();
    assert!(directory.trace(at(1), digest.first(10)).unwrap().unwrap().sealed.is_some());
}

#[test]
fn the_operator_sees_how_much_there_is_and_ends_it_for_everybody() {
    let (mut world, a, b) = agreed();
    world.send(5, &a, None, text("nobody else's business")).unwrap();
    let extent = world.session.extent(at(6)).unwrap();
    assert_eq!((extent.members, extent.messages, extent.created_at), (2, 1, at(0)));
    let shown = serde_json::to_string(&extent).unwrap();
    assert!(
        extent.bytes > 20 && !shown.contains("business") && !shown.contains("\"a\""),
        "{shown}"
    );

    let posts = world.session.last_posts_by_operator(at(7)).unwrap();
    let told: Vec<Value> = posts.iter().map(body).collect();
    assert_eq!((&told[0]["event"], &told[0]["by"]), (&"ended".into(), &"operator".into()));
    world.session.end_by_operator(at(7)).unwrap();
    let report = world.session.take_report(at(7)).unwrap().unwrap();
    assert_eq!((report.agents, report.messages, report.expires_at), (0, Cursor::START, at(7)));
    assert_eq!(world.database.tables(), Vec::<String>::new(), "nothing is left");
    for caller in [&a, &b] {
        assert_eq!(refused(world.page(8, caller, None, 9)), ErrorCode::SessionNotFound);
    }
    let again = world.session.end_by_operator(at(8));
    assert_eq!(refused(again), ErrorCode::SessionNotFound);
    assert_eq!(refused(world.session.extent(at(8))), ErrorCode::SessionNotFound);
}
