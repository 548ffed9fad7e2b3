//! What the directory counts.

mod support;

use nexus_core::{Database, Digest, Directory, Listing, Report, Search, Tally, sums};
use nexus_protocol::{AgentId, Cursor, Minute, Stats};
use support::{Sqlite, agent, at};

fn report(name: &str, agents: usize, messages: i64, expires_at: i64) -> Report {
    let session = Digest::of(&[name]);
    Report {
        session,
        agents,
        messages: Cursor::from_i64(messages),
        expires_at: at(expires_at),
        at: at(0),
        sealed: None,
        region: None,
    }
}

#[test]
fn sessions_count_as_last_reported_until_they_end() {
    let mut directory = Directory::new(Sqlite::new());
    let nothing = |now| Stats { as_of: at(now), ..Stats::default() };
    assert_eq!(directory.stats(at(0)).unwrap(), nothing(0));
    assert!(
        directory.report(at(0), &[report("x", 1, 0, 5000)]).unwrap().is_some(),
        "a clean-up is due"
    );
    assert!(directory.report(at(1), &[report("x", 2, 7, 9000)]).unwrap().is_none());
    directory.report(at(2), &[report("y", 3, 1, 4000)]).unwrap();
    let late = Report { at: at(-1), ..report("x", 1, 1, 1) };
    directory.report(at(3), std::slice::from_ref(&late)).unwrap();
    let stats = |sessions, agents, messages| Stats {
        active_sessions: sessions,
        total_agents: agents,
        total_messages: messages,
        as_of: at(0),
        uptime: 0,
    };
    assert_eq!(directory.stats(at(3999)).unwrap(), stats(2, 5, 8));
    assert_eq!(directory.stats(at(4000)).unwrap(), stats(1, 2, 7));
    assert!(directory.clean_up(at(8999)).unwrap().is_some());
    assert_eq!(directory.stats(at(8999)).unwrap(), stats(1, 2, 7));
    assert!(directory.clean_up(at(9000)).unwrap().is_some(), "the minute is kept");
    assert_eq!(directory.stats(at(9000)).unwrap(), nothing(9000));
}

#[test]
fn asking_an_empty_directory_writes_nothing() {
    let database = Sqlite::new();
    let mut directory = Directory::new(database.clone());
    directory.stats(at(0)).unwrap();
    assert_eq!(directory.clean_up(at(0)).unwrap(), None);
    let all = Search { capability: None, after: None, limit: 9 };
    assert_eq!(directory.agents(at(0), &all).unwrap(), (Vec::new(), false));
    assert_eq!(database.tables(), Vec::<String>::new());
}

#[test]
fn agents_are_found_as_their_mailboxes_last_reported() {
    let mut directory = Directory::new(Sqlite::new());
    let mut enlist = |name: &str, capabilities: &[&str], listed, revision| {
        let capabilities = capabilities.iter().map(ToString::to_string).collect();
        let (revision, heard) = (at(revision), at(0));
        let agent = agent(name);
        let listing = Listing { agent, capabilities, listed, revision, heard, region: None };
        directory.enlist(&listing).unwrap();
    };
    enlist("a", &["x"], true, 1);
    enlist("b", &["xy"], true, 1);
    enlist("c", &[], true, 1);
    enlist("c", &["x"], true, 2);
    enlist("c", &["late"], true, 1);
    enlist("d", &["x"], true, 1);
    enlist("d", &["x"], false, 2);
    let mut find = |capability: Option<&str>, after: Option<&str>, limit| {
        let capability = capability.map(ToOwned::to_owned);
        let after = after.map(agent);
        let after = after.and_then(|after| Some((directory.heard(&after).unwrap()?, after)));
        let page = directory.agents(at(9), &Search { capability, after, limit }).unwrap();
        let (agents, more) = sums::agents(vec![page], limit);
        (agents.iter().map(AgentId::to_string).collect::<String>(), more)
    };
    assert_eq!(find(None, None, 9), ("cab".to_owned(), false), "the one heard last comes first");
    assert_eq!(find(None, None, 2), ("ca".to_owned(), true));
    assert_eq!(find(None, Some("a"), 2), ("b".to_owned(), false));
    assert_eq!(find(None, Some("gone"), 2), ("ca".to_owned(), true), "it begins anew");
    assert_eq!(find(Some("x"), None, 9), ("ca".to_owned(), false));
    assert_eq!(find(Some("late"), None, 9), (String::new(), false));
}

#[test]
fn who_is_not_heard_for_a_week_is_not_listed_and_comes_back_when_heard() {
    const DAY: i64 = 24 * 3_600_000;
    let database = Sqlite::new();
    let mut directory = Directory::new(database.clone());
    let enlist = |directory: &mut Directory<Sqlite>, name: &str, heard| {
        let (revision, heard) = (at(0), at(heard));
        let capabilities = Vec::new();
        let (agent, region) = (agent(name), None);
        let listing = Listing { agent, capabilities, listed: true, revision, heard, region };
        directory.enlist(&listing).unwrap();
    };
    let find = |directory: &mut Directory<Sqlite>, now| {
        let search = Search { capability: None, after: None, limit: 9 };
        let (agents, _) = directory.agents(at(now), &search).unwrap();
        agents.iter().map(|(_, agent)| agent.to_string()).collect::<String>()
    };
    // A stranger fills the beginning, and then does nothing more.
    for name in ["-", "0", "1"] {
        enlist(&mut directory, name, 0);
    }
    enlist(&mut directory, "a", DAY);
    enlist(&mut directory, "b", 3 * DAY);
    enlist(&mut directory, "b", 2 * DAY);
    assert_eq!(find(&mut directory, 3 * DAY), "ba-01", "what is heard never goes back");
    assert_eq!(find(&mut directory, 7 * DAY - 1), "ba-01");
    assert_eq!(find(&mut directory, 7 * DAY), "ba");
    directory.report(at(0), &[report("x", 1, 0, 1)]).unwrap();
    directory.clean_up(at(8 * DAY)).unwrap();
    assert!(!database.dump().contains("-|"), "what has lapsed is deleted");
    assert_eq!(find(&mut directory, 8 * DAY), "b");
    enlist(&mut directory, "a", 8 * DAY);
    assert_eq!(find(&mut directory, 8 * DAY), "ab");
}

#[test]
fn minutes_are_kept_for_a_day() {
    let mut directory = Directory::new(Sqlite::new());
    // A minute begins 40 s after the start of the tests.
    let minute = |number: i64| at(number * 60_000 + 40_000);
    let mut tally = Tally::default();
    for status in [200, 101, 404, 429, 500, 503] {
        tally.count(status);
    }
    tally.store(1);
    let expected =
        Tally { messages: 1, requests: 6, refused: 1, limited: 1, failed: 2, ..Tally::EMPTY };
    assert_eq!(tally, expected);
    assert!(directory.tally(minute(1), &tally).unwrap().is_some(), "a clean-up is due");
    let end = 48 * 3_600_000;
    directory.report(minute(1), &[report("x", 1, 5, end)]).unwrap();
    assert!(directory.tally(minute(1).plus_millis(59_999), &tally).unwrap().is_none());
    directory.report(minute(2), &[report("y", 1, 1, end)]).unwrap();
    let messages = Tally { messages: 3, ..Tally::EMPTY };
    directory.tally(minute(3), &messages).unwrap();
    let quiet = Minute {
        at: minute(3),
        sessions: 2,
        messages: 3,
        requests: 0,
        refused: 0,
        limited: 0,
        failed: 0,
    };
    let busy = Minute {
        at: minute(1),
        sessions: 0,
        messages: 2,
        requests: 12,
        refused: 2,
        limited: 2,
        failed: 4,
    };
    assert_eq!(directory.activity(minute(4)).unwrap().minutes, [busy, quiet]);
    directory.clean_up(minute(24 * 60 + 1)).unwrap();
    let activity = directory.activity(minute(24 * 60 + 1)).unwrap();
    let [kept, begun] = activity.minutes.as_slice() else { panic!("{activity:?}") };
    assert_eq!((*kept, activity.stats.active_sessions), (quiet, 2));
    // The clean-up counts the sessions, which may have lived on in silence.
    assert_eq!((begun.at, begun.sessions), (minute(24 * 60 + 1), 2));
    assert!(directory.clean_up(minute(24 * 60 + 3)).unwrap().is_some(), "sessions are left");
    assert!(
        directory.clean_up(at(end)).unwrap().is_some(),
        "that they have ended is kept for a day"
    );
    assert_eq!(directory.clean_up(at(end + 24 * 3_600_000 + 60_000)).unwrap(), None);
}

#[test]
fn a_directory_without_minutes_is_upgraded() {
    let database = Sqlite::new();
    let mut directory = Directory::new(database.clone());
    directory.report(at(0), &[report("x", 1, 1, 9000)]).unwrap();
    database.execute("DROP TABLE minute", &[]).unwrap();
    let mut directory = Directory::new(database);
    assert_eq!(directory.activity(at(1)).unwrap().minutes, []);
    assert!(directory.clean_up(at(2)).unwrap().is_some());
    let messages = Tally { messages: 2, ..Tally::EMPTY };
    directory.tally(at(3), &messages).unwrap();
    assert_eq!(directory.activity(at(4)).unwrap().minutes[0].messages, 2);
}
