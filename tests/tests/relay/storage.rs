//! What is stored, and what it costs.

use nexus_tests::{Api, Relay, eventually, relay};
use rusqlite::Connection;
use serde_json::json;
use std::{fs, path::Path};

/// The tables of every object's database below `folder`, those of the platform left out.
fn tables(folder: &Path) -> Vec<String> {
    let mut tables = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            tables.extend(self::tables(&path));
        } else if path.extension().is_some_and(|ending| ending == "sqlite")
            && path.file_stem().unwrap() != "metadata"
        {
            let database = Connection::open(&path).unwrap();
            let mut statement = database
                .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'")
                .unwrap();
            tables.extend(statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap));
        }
    }
    tables.sort();
    tables
}

#[test]
fn what_does_not_exist_writes_nothing() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let api = Api::new(&relay.url());
    let session = format!("/v1/sessions/{}", "0".repeat(48));
    for answer in [
        api.get(&session).send(),
        api.post(&format!("{session}/join")).agent("a").send(),
        api.get(&format!("{session}/messages")).agent("a").send(),
        api.post(&format!("{session}/messages")).agent("a").json(&json!({ "text": "x" })).send(),
        api.post(&format!("{session}/renew")).agent("a").send(),
        api.call("DELETE", &format!("{session}/agents/a")).agent("a").key("k").send(),
        api.put("/v1/pair").json(&json!({ "sessionId": "0".repeat(48) })).send(),
        api.get("/p/PEARL-FOCAL-S5SJV").send(),
        api.get("/v1/pair/PEARL-FOCAL-S5SJV/status").send(),
        api.post("/v1/pair/PEARL-FOCAL-S5SJV/claim").agent("a").send(),
        api.put("/v1/sessions").json(&json!({ "ttl": 0 })).send(),
    ] {
        assert!((400..500).contains(&answer.status), "{}", answer.text());
    }
    relay.kill();
    assert_eq!(tables(state.path()), Vec::<String>::new());
}

#[test]
fn the_end_of_a_session_leaves_nothing_behind() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let api = Api::new(&relay.url());
    let (session, _) = api.create(&json!({ "ttl": 1, "greeting": "a secret greeting" }));
    let path = format!("/v1/sessions/{session}");
    assert_eq!(api.get(&path).send().status, 200);
    // Asking does not build the object's tables again.
    eventually("the session ends", || api.get(&path).send().status == 404);
    eventually("the alarm deletes it", || {
        relay.kill();
        let left = tables(state.path());
        relay.restart().unwrap();
        !left.contains(&"log".to_owned())
    });
}

#[test]
fn a_message_costs_one_row_and_a_poll_none() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    // The directory's rows are counted too, and not awaited: so each figure is the least of several.
    let mut written = 0_usize;
    let mut cost = |answer: nexus_tests::Answer| {
        assert!(answer.status < 300, "{}", answer.text());
        let now: usize = answer.header("X-Rows-Written").parse().unwrap();
        let rows = now - written;
        written = now;
        rows
    };
    let (session, key) = api.create(&json!({}));
    let _ = cost(api.get(&format!("/v1/sessions/{session}")).send());
    let (mut create, mut join, mut send, mut keyed, mut poll, mut renew) =
        (usize::MAX, usize::MAX, usize::MAX, usize::MAX, usize::MAX, usize::MAX);
    assert_eq!(key, None);
    for round in 0..5 {
        let settle = || api.get(&format!("/v1/sessions/{session}")).send();
        let agent = format!("a{round}");
        let created = api.put("/v1/sessions").json(&json!({ "creatorAgentId": "a" })).send();
        create = create.min(cost(created));
        cost(settle());
        let call = |method, path: &str| {
            api.call(method, &format!("/v1/sessions/{session}{path}")).agent(&agent)
        };
        join = join.min(cost(call("POST", "/join").send()));
        cost(settle());
        send = send.min(cost(call("POST", "/messages").json(&json!({ "text": "x" })).send()));
        keyed = keyed.min(cost(
            call("POST", "/messages").idempotency_key(&agent).json(&json!({ "text": "x" })).send(),
        ));
        poll = poll.min(cost(call("GET", "/messages").send()));
        renew = renew.min(cost(call("POST", "/renew").send()));
        cost(settle());
    }
    println!(
        "rows written: create {create}, join {join}, send {send}, with key {keyed}, poll {poll}, renew {renew}"
    );
    assert!(create <= 4 && join <= 2 && send <= 1 && keyed <= 2 && poll == 0 && renew <= 1);
}

#[test]
fn polls_write_next_to_nothing() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let a = Api::new(&relay.url()).session();
    let rows =
        || -> usize { a.call("GET", "/messages").send().header("X-Rows-Written").parse().unwrap() };
    let before = rows();
    for _ in 0..300 {
        let _ = a.poll("?members=true");
    }
    // At most what the directory still had to write.
    assert!(rows() - before <= 2);
}

#[test]
fn nothing_that_is_secret_is_logged() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let code = a.api.pair(&a.session);
    a.send("a secret message");
    assert_eq!(
        a.call("POST", "/messages").key("nxk_wrong").json(&json!({ "text": "x" })).send().status,
        403
    );
    let log = relay.log();
    for secret in [&a.session, &a.key, &code, "a secret message"] {
        assert!(!log.contains(secret));
    }
}
