//! What the directory counts.

mod support;

use nexus_core::{Digest, Directory, Report};
use nexus_protocol::{Cursor, Stats};
use support::{Sqlite, at};

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
    assert_eq!(database.tables(), Vec::<String>::new());
}
