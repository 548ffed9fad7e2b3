//! `poll --wait` and `wait`.

use crate::{
    fake::{Fake, Reply, response},
    support::{Home, Run, guest, text, texts},
};
use nexus_tests::relay;
use serde_json::{Value, json};

/// The exit code and the value of a run that may end with 2.
fn run(home: &Home, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = home.command().args(arguments).output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn waiting_ends_with_a_message_of_somebody_else() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let created = a.nexus(&["create", "--creator-agent-id", "a", "--greeting", "hello"]).done();
    let session = text(&created["sessionId"]);
    let b = guest(&a, &session);
    assert_eq!(texts(&b.nexus(&["wait", &session]).done()), ["hello"], "the greeting is a's");

    assert_eq!(texts(&a.nexus(&["wait", &session]).done()), ["b joined the session."]);
    // Neither `a`'s greeting nor its own message ends the wait.
    a.nexus(&["send", &session, "mine"]).done();
    let (code, value) = run(&a, &["wait", &session, "--timeout", "0"]);
    assert_eq!((code, &value["status"]), (Some(2), &json!("timeout")));
    assert_eq!(a.stored(&session, "cursor").unwrap(), "2", "but the cursor moves on");
    let waiting = a.command().args(["wait", &session]).spawn().unwrap();
    let also = a.command().args(["poll", &session, "--wait", "--after", "2"]).spawn().unwrap();
    b.nexus(&["send", &session, "an answer"]).done();
    for waiting in [waiting, also] {
        let page = Run::of(waiting.wait_with_output().unwrap()).done();
        assert_eq!(texts(&page).last().unwrap(), "an answer");
    }
    assert_eq!(a.stored(&session, "cursor").unwrap(), "3");
}

#[test]
fn a_message_under_our_name_without_our_key_is_from_somebody_else() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let false_a = Home::new(&relay.url());
    false_a.nexus(&["send", &session, "I am a", "--agent-id", "a"]).done();
    assert_eq!(texts(&a.nexus(&["wait", &session]).done()), ["I am a"]);
}

#[test]
fn the_time_runs_out_if_nobody_speaks() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let (code, value) = run(&a, &["wait", &session, "--timeout", "1"]);
    assert_eq!((code, &value["sessionId"]), (Some(2), &json!(session)));
    assert!(texts(&a.nexus(&["poll", &session, "--wait", "1"]).done()).is_empty());
}

#[test]
fn polls_pause_if_the_server_does_not_hold_them() {
    for delivery in [r#"["poll"]"#, r#"["longpoll"]"#] {
        let health = format!(r#"{{"capabilities":{{"delivery":{delivery}}}}}"#);
        let fake = Fake::new(move |_, request| {
            let body =
                if request.starts_with("GET /health") { &health } else { r#"{"messages":[]}"# };
            Reply::Bytes(response("200 OK", "", body))
        });
        let a = Home::new(&fake.url);
        let session = "c".repeat(48);
        let (code, _) = run(&a, &["wait", &session, "--agent-id", "a", "--timeout", "2"]);
        assert_eq!(code, Some(2));
        let polls = fake.requests().iter().filter(|request| request.contains("/messages")).count();
        assert_eq!(polls, 2, "at the beginning and at the end");
        let waits = fake.requests().iter().any(|request| request.contains("wait="));
        assert_eq!(waits, delivery.contains("long"));
    }
}

#[test]
fn waiting_outlasts_an_unreachable_server() {
    let mut relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    a.nexus(&["wait", &session]).done();
    let waiting = a.command().args(["wait", &session]).spawn().unwrap();
    relay.kill();
    relay.restart().unwrap();
    b.nexus(&["send", &session, "still there?"]).done();
    let page = Run::of(waiting.wait_with_output().unwrap()).done();
    assert_eq!(texts(&page), ["still there?"]);
}
