//! After a panic the relay goes on: what was being asked fails at once, and the next call finds everything
//! built anew, with what was stored.

use nexus_tests::{Api, Relay, eventually};
use serde_json::json;
use std::thread;

#[test]
fn after_a_panic_everything_that_was_stored_can_be_read() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    let a = api.session();
    let code = api.pair(&a.session);
    let mut socket = a.socket(Some("0"));
    socket.expect("ready");
    let poll = || a.call("GET", "/messages");
    let send =
        || a.call("POST", "/messages").idempotency_key("k").json(&json!({ "text": "stored" }));
    let claim = || api.post(&format!("/v1/pair/{code}/claim")).agent("b").idempotency_key("k");

    for _ in 0..2 {
        // At the edge, which has waited for an object; in an object that waits for nothing; and in one
        // that has waited for another.
        assert_eq!(poll().header("X-Panic", b"edge").send().status, 500);
        assert_eq!(api.get("/health").send().status, 200);
        assert_eq!(send().header("X-Panic", b"object").send().status, 500);
        assert_eq!(send().send().status, 201);
        assert_eq!(claim().header("X-Panic", b"object").send().status, 500);
        assert_eq!(claim().send().status, 200);

        assert_eq!(a.read_after("0").0, ["stored"]);
        let mut again = a.socket(Some("0"));
        assert_eq!(again.expect("message")["text"], "stored");
        again.expect("ready");
    }
}

#[test]
fn a_panic_fails_at_once_what_others_wait_for() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let waiting = thread::spawn(move || b.call("GET", "/messages?after=0&wait=25").send().status);
    eventually("the long poll fails", || {
        a.call("GET", "/messages").header("X-Panic", b"edge").send();
        waiting.is_finished()
    });
    assert_eq!(waiting.join().unwrap(), 500);
}

#[test]
fn nobody_can_ask_for_a_panic_without_the_variable() {
    let relay = nexus_tests::relay();
    let a = Api::new(&relay.url()).session();
    for place in ["edge", "object"] {
        let answer = a.call("GET", "/messages").header("X-Panic", place.as_bytes()).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
