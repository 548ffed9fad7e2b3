//! Stored data outlives upgrades of the relay. A change that these tests notice needs a migration:
//! a new table under a new name, or a higher `SCHEMA` of the session's state (pinned beside it).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Database, Digest, Directory, Listing, PairingIndex, Report};
use nexus_protocol::{
    AllowUnredacted, CreateSession, Cursor, Limits, Recipients, Redact, SendMail, SendMessage,
};
use support::{
    Calls, Sqlite, World, agent, at, caller, messages, session_id, text,
    town::{Town, mail},
};

#[test]
fn a_session() {
    let mut world = World::with_session(60, 2);
    assert_eq!(
        world.database.schema(),
        "CREATE TABLE log ( cursor INTEGER PRIMARY KEY, agent_id TEXT, recipients TEXT, \
         sent_at INTEGER NOT NULL, idempotency_key TEXT, record TEXT NOT NULL, \
         task INTEGER, file TEXT, content BLOB ); \
         CREATE UNIQUE INDEX log_idempotency ON log (agent_id, idempotency_key) \
         WHERE idempotency_key IS NOT NULL; "
    );
    let key = world.join(0, "a").unwrap().session_key;
    let message = SendMessage {
        to: Some(Recipients::Many(vec![agent("a")])),
        json: serde_json::from_str("{\"n\":1}").unwrap(),
        ..text("hello")
    };
    let a = caller("a", Some(&key));
    world.send(1000, &a, "k".parse().ok().as_ref(), message).unwrap();
    let dump = world.database.dump();
    let mut rows = dump.lines().rev();
    let (row, event) = (rows.next().unwrap(), rows.next().unwrap());
    let id = messages(&world.page(1000, &a, None, 1).unwrap())[0].id.to_string();
    let salt = id.strip_suffix("-2").unwrap();
    assert_eq!(
        row.replace(salt, "SALT"),
        r#"2|a|,a,|1700000001000|1v:k 28cf667dd743ea857cca|{"id":"SALT-2","agentId":"a","text":"hello","json":{"n":1},"cursor":"2","verified":true,"sentAt":"2023-11-14T22:13:21.000Z","expiresAt":"2023-11-14T22:14:21.000Z","to":["a"]}||||"#
    );
    assert_eq!(
        event.replace(salt, "SALT"),
        r#"1||!|1700000000000||{"id":"SALT-1","agentId":"system","kind":"joined","text":"a joined the session.","json":{"agentId":"a","type":"joined"},"cursor":"1","verified":false,"sentAt":"2023-11-14T22:13:20.000Z","expiresAt":"2023-11-14T22:14:20.000Z"}||||"#
    );
}

#[test]
fn a_message_that_was_not_searched() {
    let limits = Limits { unredacted: AllowUnredacted::On, ..Limits::default() };
    let mut world = World::new(limits.clone());
    world.create(CreateSession::default());
    let key = world.join(0, "a").unwrap().session_key;
    let message = SendMessage { redact: Redact::Off, ..text("as it is") };
    world.send(1000, &caller("a", Some(&key)), None, message).unwrap();
    let dump = world.database.dump();
    assert!(dump.contains(r#","unredacted":true}||||"#), "{dump}");

    let town = Town::new(limits, &["a", "b"]);
    town.send("a", "b", None, SendMail { redact: Redact::Off, ..mail("as it is", None) }).unwrap();
    for name in ["a", "b"] {
        let dump = town.house(name).database.dump();
        assert!(dump.contains(r#","unredacted":true}"#), "{dump}");
    }
}

#[test]
fn a_session_of_the_first_schema_is_upgraded() {
    let database = Sqlite::new();
    let salt = "[1,2,3,4,5,6,7,8]";
    let key = nexus_protocol::SessionKey::from_random([1; 32]);
    let digest = Digest::of(&[key.as_str()]);
    let state = format!(
        r#"{{"schema":1,"salt":{salt},"created_at":"2023-11-14T22:13:20.000Z","ttl":60,"max_agents":2,"creator":null,"greeting":null,"require_keys":false,"active":"2023-11-14T22:13:20.000Z","members":{{"a":{{"number":1,"key":"{}","claim":null,"joined_at":"2023-11-14T22:13:20.000Z","since":"0","heard":"2023-11-14T22:13:20.000Z"}}}},"seats_taken":1}}"#,
        digest.as_str()
    );
    for sql in [
        "CREATE TABLE log (cursor INTEGER PRIMARY KEY, agent_id TEXT, recipients TEXT, sent_at INTEGER NOT NULL, idempotency_key TEXT, record TEXT NOT NULL)",
        "CREATE UNIQUE INDEX log_idempotency ON log (agent_id, idempotency_key) WHERE idempotency_key IS NOT NULL",
    ] {
        database.execute(sql, &[]).unwrap();
    }
    let insert = "INSERT INTO log (cursor, sent_at, record) VALUES (0, 1700000000000, ?1)";
    database.execute(insert, &[state.as_str().into()]).unwrap();
    let mut world = World::new(Limits::default());
    world.database = database;
    // If a failure interrupts an upgrade, the next call completes it.
    world.database.fail_after(1);
    world.evict();
    assert!(world.session.looks(at(1)).is_err());
    world.database.heal();
    let a = caller("a", Some(&key));
    world.send(1, &a, None, text("still here")).unwrap();
    let who = world.session.with_key(at(1), &a).unwrap();
    let task = br#"{"to":"a","task":"t"}"#;
    let task = nexus_protocol::GiveTask::parse(task, &Limits::default()).unwrap();
    let nobody = std::collections::BTreeSet::new();
    world.session.give_task(at(1), &who, None, task, &nobody).unwrap();
    world.evict();
    assert_eq!(world.poll(2, &a, None).unwrap().len(), 2);
    world.join(3, "b").unwrap();
    assert!(world.database.dump().contains(r#"{"schema":4"#));
    for column in ["task INTEGER", "file TEXT", "content BLOB"] {
        assert_eq!(world.database.schema().matches(column).count(), 1, "{column}");
    }
}

#[test]
fn a_code() {
    let database = Sqlite::new();
    let mut index = PairingIndex::new(database.clone(), 600);
    let code = "PEARL-FOCAL-S5SJV".parse().unwrap();
    index.create(at(0), &code, &session_id()).unwrap();
    assert_eq!(
        database.schema(),
        "CREATE TABLE code ( code TEXT PRIMARY KEY, session_id TEXT NOT NULL, \
         expires_at INTEGER NOT NULL, claim TEXT, reserved_until INTEGER NOT NULL, \
         claimed_until INTEGER NOT NULL, lost TEXT NOT NULL ) WITHOUT ROWID; "
    );
    let row = format!("PEARL-FOCAL-S5SJV|{}|1700000600000||0|0||\n", "07".repeat(24));
    assert_eq!(database.dump(), row);
}

#[test]
fn the_directory() {
    let database = Sqlite::new();
    let report = Report {
        session: Digest::from_random([1; 32]),
        agents: 2,
        messages: Cursor::from_i64(3),
        expires_at: at(4),
        at: at(5),
        sealed: Some("00ff".to_owned()),
        region: None,
    };
    let mut directory = Directory::new(database.clone());
    directory.report(at(0), std::slice::from_ref(&report)).unwrap();
    assert_eq!(
        database.schema(),
        "CREATE TABLE session ( id TEXT PRIMARY KEY, agents INTEGER NOT NULL, \
         messages INTEGER NOT NULL, expires_at INTEGER NOT NULL, \
         reported_at INTEGER NOT NULL , sealed TEXT) WITHOUT ROWID; \
         CREATE TABLE schema_version ( name TEXT PRIMARY KEY, version INTEGER NOT NULL ) \
         WITHOUT ROWID; \
         CREATE TABLE minute ( at INTEGER PRIMARY KEY, sessions INTEGER NOT NULL, \
         messages INTEGER NOT NULL, requests INTEGER NOT NULL, refused INTEGER NOT NULL, \
         limited INTEGER NOT NULL, failed INTEGER NOT NULL ); "
    );
    assert_eq!(
        database.dump(),
        format!("{}|2|3|1700000000004|1700000000005|00ff|\nsession|2|\n", "01".repeat(32))
    );
}

#[test]
fn the_listed_agents() {
    let database = Sqlite::new();
    let listing = Listing {
        agent: agent("a"),
        capabilities: vec!["x".to_owned(), "y".to_owned()],
        listed: true,
        revision: at(5),
        heard: at(7),
        region: None,
    };
    Directory::new(database.clone()).enlist(&listing).unwrap();
    assert_eq!(
        database.schema(),
        "CREATE TABLE agent ( id TEXT PRIMARY KEY, capabilities TEXT NOT NULL, \
         revision INTEGER NOT NULL , heard_at INTEGER) WITHOUT ROWID; \
         CREATE TABLE schema_version ( name TEXT PRIMARY KEY, version INTEGER NOT NULL ) WITHOUT ROWID; "
    );
    assert_eq!(database.dump(), "a|,x,y,|1700000000005|1700000000007|\nagent|2|\n");
}

#[test]
fn a_mailbox() {
    // Row 0 is pinned beside its type.
    let town = Town::new(Limits::default(), &["a", "b"]);
    let (a, b) = (&town.house("a").database, &town.house("b").database);
    assert_eq!(
        b.schema(),
        "CREATE TABLE mail ( cursor INTEGER PRIMARY KEY, other TEXT, conversation TEXT, \
         turn INTEGER, sent_at INTEGER NOT NULL, delivered_at INTEGER, key TEXT, facts TEXT, \
         record TEXT NOT NULL ); \
         CREATE INDEX mail_conversation ON mail (conversation, other) \
         WHERE conversation IS NOT NULL; \
         CREATE TABLE note ( kind TEXT NOT NULL, key NOT NULL, at INTEGER NOT NULL, \
         PRIMARY KEY (kind, key) ) WITHOUT ROWID; "
    );
    town.house("b").live.set(true);
    let message =
        SendMail { json: serde_json::from_str("{\"n\":1}").unwrap(), ..mail("hello", Some("t")) };
    let id = town.send("a", "b", Some("k"), message).unwrap().id;
    town.ack("b", "1").unwrap();
    let facts = r#"{"initiator":"a","max_turns":20,"turns":{"a":1},"active":"2023-11-14T22:13:20.000Z","ended":false}"#;
    let record = |cursor: &str| {
        format!(
            r#"{{"id":"{id}","agentId":"a","to":"b","text":"hello","json":{{"n":1}},{cursor}"verified":true,"conversationId":"t","turn":1,"maxTurns":20,"sentAt":"2023-11-14T22:13:20.000Z","expiresAt":"2023-11-21T22:13:20.000Z"}}"#
        )
    };
    let received = format!(
        "1|a|t|1|1700000000000|1700000000000|k 8f70ca678ef88fdd5c11|{facts}|{}|",
        record(r#""cursor":"1","#)
    );
    let copy = format!("-1|b|t|1|1700000000000||{id}|{facts}|{}|", record(""));
    assert!(b.dump().lines().any(|line| line == received), "{}", b.dump());
    assert!(b.dump().lines().any(|line| line == "acked|1|1700000000000|"), "{}", b.dump());
    assert!(a.dump().lines().any(|line| line == copy), "{}", a.dump());
}
