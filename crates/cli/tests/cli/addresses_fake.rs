//! Addresses whose relay is unreachable, slow, or gives unexpected responses.

use crate::{
    fake::{Fake, Reply, header, response},
    support::{Home, Run},
};
use serde_json::json;
use std::fs;

/// A machine with an address that is registered at this fake.
fn registered(fake: &Fake) -> Home {
    let home = Home::new(&fake.url);
    let folder = home.state().join("agents/bob");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("secret"), "nxs_bobs-own-secret\n").unwrap();
    fs::write(folder.join("server"), &fake.url).unwrap();
    home
}

#[test]
fn repeating_a_registration_completes_one_whose_answer_was_lost() {
    let fake = Fake::new(|number, _| {
        if number < 3 {
            return Reply::Bytes(Vec::new());
        }
        Reply::Bytes(response("201 Created", "", r#"{"agentId":"bob","secret":"x"}"#))
    });
    let home = Home::new(&fake.url);
    assert_eq!(home.nexus(&["register", "--id", "bob"]).error(), "connection_lost");
    home.nexus(&["register", "--id", "bob"]).done();
    let secrets: Vec<String> = fake
        .requests()
        .iter()
        .map(|request| {
            let body = request.split("\r\n\r\n").nth(1).unwrap();
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["name"], "bob");
            body["secret"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(secrets.len(), 4);
    assert!(secrets.iter().all(|secret| *secret == secrets[0]), "the same each time");
}

#[test]
fn an_unreachable_relay_leaves_nothing_behind() {
    let home = Home::new("http://127.0.0.1:9");
    assert_eq!(home.nexus(&["register", "--id", "bob"]).error(), "server_unreachable");
    assert!(!home.state().join("agents/bob").exists());
    assert_eq!(home.nexus(&["doctor"]).json["checks"][0]["ok"], true);
}

#[test]
fn a_taken_random_id_is_replaced() {
    let fake = Fake::new(|number, _| {
        let taken = r#"{"error":"agent_id_taken","message":"Choose another id, please."}"#;
        Reply::Bytes(match number {
            0 => response("409 Conflict", "", taken),
            _ => response("201 Created", "", r#"{"agentId":"1","secret":"x"}"#),
        })
    });
    let home = Home::new(&fake.url);
    home.nexus(&["register"]).done();
    let ids: Vec<_> = fs::read_dir(home.state().join("agents")).unwrap().collect();
    assert_eq!((ids.len(), fake.requests().len()), (1, 2));
}

#[test]
fn a_repeated_send_has_the_same_key_and_proof() {
    let fake = Fake::new(|number, _| match number {
        0 => Reply::Bytes(Vec::new()),
        1 => Reply::Bytes(response("503 Away", "Retry-After: 0\r\n", "{}")),
        _ => Reply::Bytes(response("201 Created", "", r#"{"id":"x"}"#)),
    });
    let home = registered(&fake);
    let run = home.nexus(&["send", "@alice", "hi", "--max-turns", "3"]);
    assert!(!run.stderr.contains("secret"), "{}", run.stderr);
    run.done();
    let requests = fake.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert!(request.starts_with("POST /v1/agents/alice/messages "), "{request}");
        assert!(request.ends_with(r#"{"text":"hi","maxTurns":3}"#), "{request}");
        let of = |name: &str| header(request, name).unwrap();
        assert_eq!(
            (of("x-agent-id"), of("authorization")),
            ("bob".into(), "Bearer nxs_bobs-own-secret".into())
        );
        assert_eq!(header(request, "idempotency-key"), header(&requests[0], "idempotency-key"));
    }
}

#[test]
fn a_failed_acknowledgement_is_reported_after_the_page_was_printed() {
    let fake = Fake::new(|number, _| {
        let page = r#"{"messages":[{"id":"x","text":"hi","cursor":"4"}],"nextCursor":"4"}"#;
        Reply::Bytes(match number {
            0 => response("200 OK", "", page),
            _ => response("401 No", "", r#"{"error":"invalid_secret","message":"Wrong."}"#),
        })
    });
    let output = registered(&fake).command().arg("inbox").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"hi\""));
    assert!(String::from_utf8_lossy(&output.stderr).contains("invalid_secret"));
    let ack = fake.requests().remove(1);
    assert!(ack.starts_with("POST /v1/agents/bob/ack ") && ack.ends_with(r#"{"cursor":"4"}"#));
}

#[test]
fn nothing_is_acknowledged_without_messages_or_with_keep() {
    let empty = Fake::answering("200 OK", "", r#"{"messages":[],"nextCursor":"4"}"#);
    registered(&empty).nexus(&["inbox"]).done();
    assert_eq!(empty.requests().len(), 1);
    let page = r#"{"messages":[{"id":"x","cursor":"4"}],"nextCursor":"4"}"#;
    let full = Fake::answering("200 OK", "", page);
    let home = registered(&full);
    home.nexus(&["inbox", "--keep"]).done();
    home.nexus(&["inbox", "--after", "2"]).done();
    assert!(full.requests().iter().all(|request| request.starts_with("GET ")));
}

#[test]
fn the_directory_is_read_page_by_page_up_to_a_limit() {
    let fake = Fake::new(|number, _| {
        let page = match number {
            0 => r#"{"agents":[{"card":{"agentId":"a"}}],"nextAfter":"a","hasMore":true}"#,
            1 => r#"{"agents":[],"nextAfter":"b","hasMore":true}"#,
            _ => r#"{"agents":[{"card":{"agentId":"c"}}],"nextAfter":"b","hasMore":true}"#,
        };
        Reply::Bytes(response("200 OK", "", page))
    });
    let agents = Home::new(&fake.url).nexus(&["agents", "--capability", "x/y"]).done();
    assert_eq!(agents["agents"].as_array().unwrap().len(), 2);
    let lines: Vec<String> =
        fake.requests().iter().map(|request| request.lines().next().unwrap().to_owned()).collect();
    assert_eq!(lines[0], "GET /v1/agents?limit=100&capability=x/y HTTP/1.1");
    assert_eq!(lines[1], "GET /v1/agents?limit=100&capability=x/y&after=a HTTP/1.1");
    assert_eq!(lines.len(), 3, "a place that does not move on ends it");
}

#[test]
fn an_invitation_stays_within_one_relay() {
    let fake = Fake::answering("201 Created", "", "{}");
    let home = registered(&fake);
    let session = "a".repeat(48);
    home.nexus(&["bind", &session, "--url", "http://127.0.0.1:9"]).done();
    let run = Run::of(
        home.command().args(["invite", &session, "@eve"]).env_remove("NEXUS_URL").output().unwrap(),
    );
    assert_eq!(run.json["error"], json!("usage"));
    assert!(fake.requests().is_empty(), "the secret goes nowhere else");
}
