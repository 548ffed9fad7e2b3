//! What the directory counts.

mod support;

use nexus_core::{Digest, Directory, Listing, Report};
use nexus_protocol::{AgentId, AgentsRequest, Cursor, Stats};
use support::{Sqlite, agent, at};

fn report(name: &str, agents: usize, messages: i64, expires_at: i64) -> Report {
    let session = Digest::of(&[name]);
    Report {
        session,
        agents,
        messages: Cursor::from_i64(messages),
        expires_at: at(expires_at),
        at: at(0),
    }
}

#[test]
fn sessions_are_counted_as_they_last_reported_until_they_end() {
    let mut directory = Directory::new(Sqlite::new());
    assert_eq!(directory.stats(at(0)).unwrap(), Stats::default());
    assert!(
        directory.report(at(0), &report("x", 1, 0, 5000)).unwrap().is_some(),
        "a clean-up is due"
    );
    assert!(directory.report(at(1), &report("x", 2, 7, 9000)).unwrap().is_none());
    directory.report(at(2), &report("y", 3, 1, 4000)).unwrap();
    let late = Report { at: at(-1), ..report("x", 1, 1, 1) };
    directory.report(at(3), &late).unwrap();
    let stats = |sessions, agents, messages| Stats {
        active_sessions: sessions,
        total_agents: agents,
        total_messages: messages,
        uptime: 0,
    };
    assert_eq!(directory.stats(at(3999)).unwrap(), stats(2, 5, 8));
    assert_eq!(directory.stats(at(4000)).unwrap(), stats(1, 2, 7));
    assert!(directory.clean_up(at(8999)).unwrap().is_some());
    assert_eq!(directory.stats(at(8999)).unwrap(), stats(1, 2, 7));
    assert_eq!(directory.clean_up(at(9000)).unwrap(), None);
    assert_eq!(directory.stats(at(9000)).unwrap(), Stats::default());
}

#[test]
fn asking_an_empty_directory_writes_nothing() {
    let database = Sqlite::new();
    let mut directory = Directory::new(database.clone());
    directory.stats(at(0)).unwrap();
    assert_eq!(directory.clean_up(at(0)).unwrap(), None);
    let all = AgentsRequest { capability: None, after: None, limit: 9 };
    assert_eq!(directory.agents(&all).unwrap(), (Vec::new(), false));
    assert_eq!(database.tables(), Vec::<String>::new());
}

#[test]
fn agents_are_found_as_their_mailboxes_last_told() {
    let mut directory = Directory::new(Sqlite::new());
    let mut enlist = |name: &str, capabilities: &[&str], listed, revision| {
        let capabilities = capabilities.iter().map(ToString::to_string).collect();
        let listing = Listing { agent: agent(name), capabilities, listed, revision: at(revision) };
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
        let request = AgentsRequest { capability, after: after.map(agent), limit };
        let (agents, more) = directory.agents(&request).unwrap();
        (agents.iter().map(AgentId::to_string).collect::<String>(), more)
    };
    assert_eq!(find(None, None, 9), ("abc".to_owned(), false));
    assert_eq!(find(None, None, 2), ("ab".to_owned(), true));
    assert_eq!(find(None, Some("b"), 2), ("c".to_owned(), false));
    assert_eq!(find(Some("x"), None, 9), ("ac".to_owned(), false));
    assert_eq!(find(Some("late"), None, 9), (String::new(), false));
}
