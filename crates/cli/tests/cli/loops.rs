//! Commands that run until they are stopped.

use crate::support::{Home, Run, guest, text, texts};
use nexus_tests::{eventually, relay};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command},
};

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// The loops of a session, as `poll-status` lists them.
fn running(home: &Home, session: &str) -> (Value, Value) {
    let status = home.nexus(&["poll-status", session]).done();
    (status["sessions"][0]["pollDaemon"].clone(), status["sessions"][0]["heartbeat"].clone())
}

#[test]
fn a_daemon_prints_messages_until_it_is_stopped() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    for stop in ["-TERM", "-INT"] {
        a.nexus(&["send", &session, "one"]).done();
        let daemon = ["poll-daemon", &session, "--yes", "--interval", "1"];
        let mut child = b.command().args(daemon).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap()).unwrap();
        assert_eq!(texts(&next()), ["one"]);
        a.nexus(&["send", &session, "two"]).done();
        assert_eq!(texts(&next()), ["two"]);
        eventually("the cursor is saved", || b.poll(&session).is_empty());

        let (record, none) = running(&b, &session);
        assert_eq!((&record["pid"], &record["interval"]), (&json!(child.id()), &json!(1)));
        assert!(text(&record["endsAt"]) > text(&record["startedAt"]) && none.is_null());
        assert_eq!(b.nexus(&daemon).error(), "already_running");

        signal(&child, stop);
        let last = next();
        assert_eq!((&last["status"], &last["reason"]), (&json!("stopped"), &json!("signal")));
        assert_eq!(last["messages"], 2);
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(running(&b, &session), (Value::Null, Value::Null));
    }
}

#[test]
fn a_daemon_ends_with_its_time_and_with_its_session() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let daemon = ["poll-daemon", &session, "--yes", "--interval", "1", "--ttl", "1"];
    let ended = a.nexus(&daemon).done();
    assert_eq!((&ended["reason"], &ended["messages"]), (&json!("ttl"), &json!(0)));

    let short = text(&a.nexus(&["create", "--agent-id", "a", "--ttl", "1"]).done()["sessionId"]);
    let run = a.nexus(&["poll-daemon", &short, "--yes", "--interval", "2"]);
    assert_eq!(run.error(), "session_not_found");
}

#[test]
fn a_daemon_outlasts_an_unreachable_server() {
    let mut relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let daemon = ["poll-daemon", &session, "--yes", "--interval", "1"];
    let child = a.command().args(daemon).spawn().unwrap();
    eventually("it runs", || running(&a, &session).0["lastAt"].is_string());
    relay.kill();
    eventually("it says why", || running(&a, &session).0["lastError"].is_string());
    relay.restart().unwrap();
    eventually("it goes on", || {
        let record = running(&a, &session).0;
        record.is_object() && record["lastError"].is_null()
    });
    // A killed loop leaves nothing behind that matters.
    signal(&child, "-KILL");
    child.wait_with_output().unwrap();
    assert!(running(&a, &session).0.is_null());
}

#[test]
fn a_heartbeat_keeps_a_session_alive_and_reads_nothing() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = text(&a.nexus(&["create", "--agent-id", "a", "--ttl", "60"]).done()["sessionId"]);
    a.nexus(&["send", &session, "unread"]).done();
    let expires = || text(&a.nexus(&["status", &session]).done()["expiresAt"]);
    let before = expires();
    let child = a.command().args(["heartbeat", &session, "--interval", "1"]).spawn().unwrap();
    let mut moved = before.clone();
    for _ in 0..2 {
        eventually("it beats", || expires() > moved);
        moved = expires();
    }
    assert_eq!(running(&a, &session).1["pid"], json!(child.id()));
    signal(&child, "-TERM");
    let ended = Run::of(child.wait_with_output().unwrap()).done();
    assert_eq!((&ended["reason"], &ended["status"]), (&json!("signal"), &json!("stopped")));
    assert!(ended["beats"].as_u64().unwrap() >= 2);
    assert_eq!(a.poll(&session), ["unread"]);
}

#[test]
fn a_daemon_asks_a_person_first() {
    let home = Home::without_url();
    let run = home.nexus_with_input(&["poll-daemon", &"d".repeat(48), "--agent-id", "a"], b"y\n");
    assert_eq!(run.error(), "not_confirmed", "a pipe is not a person");
    assert!(run.stderr.contains("every 30 s for 3600 s"), "{}", run.stderr);
}
