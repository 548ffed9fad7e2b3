//! Encrypted sessions: what goes over the wire, and who gets in. What a relay can do to them: `evil_relay.rs`.

use crate::{
    fake::{Fake, Reply, forward},
    scene::{Scene, host, key, link},
    support::{Home, Run, text, texts},
};
use nexus_tests::{Relay, list, relay};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};

/// A relay, a's machine, the session, b's machine.
fn pair() -> (Relay, Home, String, Home) {
    let relay = relay();
    let (a, session, link) = host(&relay.url());
    let b = Home::without_url();
    b.nexus(&["claim", &link, "--as", "b"]).done();
    (relay, a, session, b)
}

#[test]
fn members_read_each_other_and_the_relay_reads_nothing() {
    let (relay, a, session, b) = pair();
    let written = ["ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat();
    let sent = a.nexus(&["send", &session, &format!("The token is {written}.")]).done();
    assert_eq!(sent["redacted"], json!([{ "type": "github_token", "count": 1 }]));
    b.nexus(&["send", &session, "Grüße 🎉", "--json", r#"{"n":1.50}"#]).done();
    let page = b.nexus(&["poll", &session, "--after", "0"]).done();
    let expected = ["Which day?", "The token is [REDACTED:github_token].", "Grüße 🎉"];
    assert_eq!(texts(&page), expected);
    let last = &page["messages"][2];
    assert_eq!((&last["json"], &last["seal"]["n"]), (&json!({ "n": 1.5 }), &json!(1)));
    assert_eq!((&last["seal"]["state"], &last["seal"]["signed"]), (&json!("open"), &json!(true)));
    // What the relay has.
    let stored = a.stored(&session, "key").unwrap();
    let api = nexus_tests::Api::new(&relay.url());
    let path = format!("/v1/sessions/{session}/messages");
    let raw = api.get(&path).agent("a").key(&stored).send().json();
    for message in list(&raw["messages"]) {
        let kind = message["kind"].as_str().unwrap_or_default();
        let is_sealed = text(&message["text"]).starts_with("eyJhbGciOiJkaXIi");
        assert_eq!(is_sealed, kind.is_empty() || kind == "greeting", "{message}");
    }
}

#[test]
fn tasks_and_files_are_sealed_too() {
    let (_relay, a, session, b) = pair();
    let give = ["delegate", &session, "--to", "b", "Translate it", "--context", r#"{"lang":"de"}"#];
    let task = a.nexus(&give).done();
    let id = text(&task["id"]);
    assert_eq!(task["task"], "Translate it");
    b.nexus(&["accept", &id]).done();
    b.nexus(&["progress", &id, "half of it"]).done();
    assert_eq!(a.nexus(&["tasks", &session]).done()["tasks"][0]["progress"], "half of it");
    b.nexus(&["progress", &id, "50"]).done();
    b.nexus(&["done", &id, "--result", "Fertig"]).done();
    let board = a.nexus(&["tasks", &session]).done();
    let done = &board["tasks"][0];
    assert_eq!(done["context"], json!({ "lang": "de" }));
    let parts = (&done["status"], &done["result"], &done["seal"]["state"]);
    assert_eq!(parts, (&json!("completed"), &json!("Fertig"), &json!("open")));
    let news = a.nexus(&["poll", &session]).done();
    let last = list(&news["messages"]).last().unwrap();
    assert_eq!(last["text"], "Task for b from a (completed): Translate it");
    assert_eq!(last["json"]["task"]["result"], "Fertig");

    let plan = a.state().join("plan.md");
    std::fs::write(&plan, "# Plan\n").unwrap();
    a.nexus(&["file", "put", &session, "docs/plan.md", plan.to_str().unwrap()]).done();
    let copy = b.state().join("copy.md");
    let got = b.nexus(&["file", "get", &session, "docs/plan.md", "-o", copy.to_str().unwrap()]);
    assert_eq!(got.done()["contentType"], "text/markdown; charset=utf-8");
    assert_eq!(std::fs::read_to_string(copy).unwrap(), "# Plan\n");
}

#[test]
fn a_code_is_claimed_only_with_the_key_and_is_not_used_up_without_it() {
    let relay = relay();
    let (a, session, link) = host(&relay.url());
    let (open, key) = link.split_once('#').unwrap();
    let b = Home::without_url();
    let claim = |link: &str| b.nexus(&["claim", link, "--as", "b"]);
    let without = claim(open);
    assert_eq!(without.error(), "key_required");
    assert!(
        text(&without.json["message"]).contains("the code is still good")
            || text(&without.json["message"]).contains("The code is still good")
    );
    let other = format!("{open}#k1{}", "0a".repeat(20));
    assert_eq!(claim(&other).error(), "wrong_key");
    let cut = link.split('.').next().unwrap();
    assert_eq!(claim(&cut[..cut.len() - 1]).error(), "invalid_code");
    assert_eq!(a.nexus(&["pair-status", &link]).done()["state"], "pending");
    // What stands on a command line is seen by other users of the machine.
    let claimed = b.nexus_with_input(&["claim", "-", "--as", "b"], link.as_bytes()).done();
    assert_eq!(claimed["greeting"]["text"], "Which day?");
    assert_eq!(claimed["greeting"]["seal"]["state"], "open");
    assert_eq!(b.stored(&session, "secret").unwrap(), key);
    assert_eq!(b.nexus(&["key", &session]).done()["key"], key);
    b.nexus(&["leave", &session]).done();
    assert_eq!(b.stored(&session, "secret"), None);
}

#[test]
fn a_session_is_joined_by_its_id_with_the_key() {
    let relay = relay();
    let (_a, session, link) = host(&relay.url());
    let c = Home::new(&relay.url());
    assert_eq!(c.nexus(&["join", &session, "--as", "c"]).error(), "key_required");
    let join = ["join", &session, "--as", "c", "--key", "-"];
    c.nexus_with_input(&join, key(&link).as_bytes()).done();
    assert_eq!(texts(&c.nexus(&["poll", &session, "--after", "0"]).done()), ["Which day?"]);
}

#[test]
fn new_sessions_are_encrypted_if_the_configuration_says_so() {
    let relay = relay();
    let a = Home::new(&relay.url());
    a.nexus(&["config", "set", "sealed", "on"]).done();
    let sealed = a.create("a");
    assert!(a.stored(&sealed, "secret").is_some() && link(&a, &sealed).contains("#k1"));
    let open = text(&a.nexus(&["create", "--as", "a", "--no-encrypt"]).done()["sessionId"]);
    assert_eq!(a.stored(&open, "secret"), None);
    assert_eq!(a.nexus(&["create"]).error(), "usage");
    a.nexus(&["config", "set", "sealed", "off"]).done();
    let open = a.create("a");
    assert_eq!(a.stored(&open, "secret"), None);
}

#[test]
fn a_relay_that_cannot_encrypt_is_told_nothing() {
    let health = r#"{"capabilities":{"messageFormat":["text","json"],"delivery":["poll"]}}"#;
    let old = Fake::answering("200 OK", "", health);
    let a = Home::new(&old.url);
    let create = ["create", "--as", "a", "--encrypt", "--greeting", "Which day?"];
    assert_eq!(a.nexus(&create).error(), "unsupported");
    let link = format!("{}/p/PEARL-FOCAL-S5SJV#k1{}", old.url, "0a".repeat(20));
    assert_eq!(a.nexus(&["claim", &link, "--as", "a"]).error(), "not_encrypted");
    for request in old.requests() {
        assert!(request.starts_with("GET /health "), "{request}");
    }
}

#[test]
fn the_fingerprint_of_an_installation_stays_the_same() {
    let home = Home::without_url();
    let first = home.nexus(&["whoami"]).done();
    assert_eq!(text(&first["fingerprint"]).len(), 20);
    assert_eq!(home.nexus(&["whoami"]).done(), first);
    assert_ne!(Home::without_url().nexus(&["whoami"]).done()["fingerprint"], first["fingerprint"]);
}

#[test]
fn an_honest_relay_raises_no_alarm() {
    let (_relay, a, session, b) = pair();
    for round in 0..5 {
        a.nexus(&["send", &session, &format!("a {round}")]).done();
        for page in [b.nexus(&["poll", &session]), b.nexus(&["poll", &session, "--after", "0"])] {
            for message in list(&page.done()["messages"]) {
                let seal = message["seal"].as_object();
                let odd = ["missing", "restarted", "fork", "routing", "keyChanged"];
                let found =
                    seal.is_some_and(|seal| odd.iter().any(|name| seal.contains_key(*name)));
                assert!(!found, "{message}");
            }
        }
        b.nexus(&["send", &session, &format!("b {round}")]).done();
        a.poll(&session);
    }
}

/// A message that is sent again under its key is the same to the last byte.
#[test]
fn a_send_that_is_repeated_is_stored_once() {
    let relay = relay();
    let (a, session, _link) = host(&relay.url());
    let port = relay.port();
    let is_lost = AtomicBool::new(false);
    let lossy = Fake::new(move |_, request| {
        let answer = forward(port, request);
        // The first answer to a send is lost.
        let is_send = request.starts_with("POST ") && request.contains("/messages");
        if is_send && !is_lost.swap(true, Ordering::Relaxed) {
            Reply::Bytes(Vec::new())
        } else {
            Reply::Bytes(answer)
        }
    });
    a.nexus(&["bind", &session, "--url", &lossy.url]).done();
    let sent: Run = a.nexus(&["send", &session, "once"]);
    sent.done();
    assert_eq!(texts(&a.nexus(&["poll", &session, "--after", "0"]).done()), ["Which day?", "once"]);
    let sends = lossy.requests().into_iter().filter(|request| request.starts_with("POST "));
    let bodies: Vec<String> =
        sends.map(|request| request.split_once("\r\n\r\n").unwrap().1.to_owned()).collect();
    assert!(bodies.len() == 2 && bodies[0] == bodies[1], "{bodies:?}");
}

#[test]
fn another_key_of_a_member_is_told() {
    let scene = Scene::new();
    scene.say("one");
    scene.poll();
    std::fs::remove_file(scene.a.state().join("signing")).unwrap();
    scene.say("two");
    let page = scene.poll();
    let last = list(&page["messages"]).last().unwrap();
    let found = (&last["seal"]["signed"], &last["seal"]["keyChanged"]);
    assert_eq!(found, (&json!(false), &json!(true)), "{last}");
}
