//! Addresses: registering, sending and reading, against a real relay.

use crate::{
    skill::paste,
    support::{Home, NEXUS, Run, text, texts},
};
use nexus_tests::{Relay, eventually, relay};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Stdio};

/// A machine with a registered address.
fn registered(relay: &Relay, id: &str) -> Home {
    let home = Home::new(&relay.url());
    home.nexus(&["register", "--id", id]).done();
    home
}

/// A relay with two agents.
pub(crate) fn two() -> (Relay, Home, Home) {
    let relay = relay();
    let (alice, bob) = (registered(&relay, "alice"), registered(&relay, "bob"));
    (relay, alice, bob)
}

/// The content of this file in the folder of an address.
pub(crate) fn stored(home: &Home, agent: &str, name: &str) -> Option<String> {
    let path = home.state().join("agents").join(agent).join(name);
    fs::read_to_string(path).ok().map(|text| text.trim_end().to_owned())
}

/// How many messages are waiting for an agent.
pub(crate) fn waiting(home: &Home) -> usize {
    texts(&home.nexus(&["inbox", "--keep"]).done()).len()
}

#[test]
fn an_address_is_registered_once_and_found_by_what_it_can_do() {
    let relay = relay();
    let bob = Home::new(&relay.url());
    let register = [
        "register",
        "--id",
        "bob",
        "--name",
        "Bob's",
        "--listed",
        "--capability",
        "calendar",
        "--capability",
        "a:b",
        "--description",
        "Finds a day",
    ];
    let run = bob.nexus(&register);
    assert!(!run.stderr.contains("nxs_"), "{}", run.stderr);
    let registered = run.done();
    let secret = text(&registered["secret"]);
    assert!(secret.starts_with("nxs_") && secret.len() == 47);
    assert_eq!(registered["card"]["capabilities"], json!(["calendar", "a:b"]));
    assert_eq!(stored(&bob, "bob", "secret").unwrap(), secret);
    assert_eq!(stored(&bob, "bob", "server").unwrap(), relay.url());
    let again = bob.nexus(&register).done();
    assert_eq!(again["secret"], registered["secret"], "the same again is the same");

    let alice = registered_by_chance(&relay);
    let agents = alice.nexus(&["agents"]).done();
    assert_eq!(agents["agents"].as_array().unwrap().len(), 1, "the other one is not listed");
    assert_eq!(agents["agents"][0]["card"]["description"], "Finds a day");
    let can = |word: &str| alice.nexus(&["agents", "--capability", word]).done();
    assert_eq!(can("a:b")["agents"][0]["card"]["agentId"], "bob");
    assert_eq!(can("cooking")["agents"], json!([]));
    assert_eq!(alice.nexus(&["agents", "--capability", "a&b"]).error(), "usage");

    let thief = Home::new(&relay.url());
    assert_eq!(thief.nexus(&["register", "--id", "bob"]).error(), "agent_id_taken");
    assert!(!thief.state().join("agents/bob").exists(), "nothing is left of what was refused");
    assert_eq!(thief.nexus(&["inbox"]).error(), "unknown_address");
    let elsewhere = ["register", "--id", "bob", "--url", "http://127.0.0.1:9"];
    assert_eq!(bob.nexus(&elsewhere).error(), "already_registered");
}

fn registered_by_chance(relay: &Relay) -> Home {
    let home = Home::new(&relay.url());
    let id = text(&home.nexus(&["register"]).done()["agentId"]);
    assert!(id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    home
}

#[test]
fn a_chosen_secret_comes_from_standard_input() {
    let relay = relay();
    let bob = Home::new(&relay.url());
    let register = ["register", "--id", "bob", "--secret", "-"];
    let run = bob.nexus_with_input(&register, b"too short\n");
    assert!(!run.stderr.contains("too short"), "{}", run.stderr);
    assert_eq!(run.error(), "usage");
    bob.nexus_with_input(&register, b"bobs-own-long-secret\n").done();
    assert_eq!(stored(&bob, "bob", "secret").unwrap(), "bobs-own-long-secret");
    bob.nexus(&["inbox"]).done();
    let other = bob.nexus_with_input(&register, b"another-long-secret\n");
    assert_eq!(other.error(), "already_registered");
    // The same secret on another machine.
    let second = Home::new(&relay.url());
    second.nexus_with_input(&register, b"bobs-own-long-secret\n").done();
    second.nexus(&["inbox"]).done();
}

#[test]
fn several_addresses_on_one_machine_are_distinguished() {
    let relay = relay();
    let home = Home::without_url();
    let url = relay.url();
    assert_eq!(home.nexus(&["inbox"]).error(), "unknown_address");
    for id in ["alice", "bob"] {
        home.nexus(&["register", "--id", id, "--url", &url]).done();
    }
    let run = home.nexus(&["inbox"]);
    assert!(text(&run.json["message"]).contains("alice, bob"), "{}", run.json);
    assert_eq!(run.error(), "unknown_address");
    // `--url` is not needed, because each address is bound to its relay.
    home.nexus(&["send", "@bob", "hi", "--agent-id", "alice"]).done();
    assert_eq!(texts(&home.nexus(&["inbox", "--agent-id", "bob"]).done()), ["hi"]);
}

#[test]
fn the_secret_goes_to_its_own_relay_whatever_the_environment_names() {
    let (relay, mut alice, bob) = two();
    let fake = crate::fake::Fake::answering("200 OK", "", "{}");
    alice.url = Some(fake.url.clone());
    alice.nexus(&["send", "@bob", "hi"]).done();
    alice.nexus(&["block", "eve"]).done();
    assert!(fake.requests().is_empty(), "{:?}", fake.requests());
    assert_eq!(texts(&bob.nexus(&["inbox"]).done()), ["hi"]);
    drop(relay);
}

#[test]
fn a_message_waits_until_it_was_printed() {
    let (_relay, alice, bob) = two();
    let first = alice.nexus(&["send", "@bob", "Tuesday?", "--json", "{\"n\":1.50}"]).done();
    let conversation = text(&first["conversationId"]);
    assert_eq!((&first["delivery"], &first["turn"]), (&json!("queued"), &json!(1)));
    let id = text(&first["id"]);
    // Standard output cannot be written, so the message must not be acknowledged.
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let output = bob.command().arg("inbox").stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(waiting(&bob), 1);
    let raw = bob.command().arg("inbox").output().unwrap();
    let printed = String::from_utf8(raw.stdout).unwrap();
    assert!(printed.contains(r#""json":{"n":1.50}"#), "as it was written: {printed}");
    let page: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&page["messages"][0]["agentId"], texts(&page)),
        (&json!("alice"), vec!["Tuesday?".to_owned()])
    );
    assert_eq!(waiting(&bob), 0);
    assert_eq!(texts(&bob.nexus(&["inbox", "--after", "0"]).done()), ["Tuesday?"]);

    let on = ["send", "@alice", "Yes.", "--conversation", &conversation, "--reply-to", &id];
    assert_eq!(bob.nexus(&on).done()["turn"], 2);
    let answer = &alice.nexus(&["inbox"]).done()["messages"][0];
    assert_eq!((&answer["replyTo"], &answer["text"]), (&json!(id), &json!("Yes.")));

    let short = ["send", "@bob", "x", "--conversation", "c-9", "--max-turns", "1"];
    assert_eq!(alice.nexus(&short).done()["maxTurns"], 1);
    assert_eq!(alice.nexus(&short).error(), "conversation_turns_exceeded");
    assert_eq!(alice.nexus(&["send", "@nobody", "x"]).error(), "agent_not_found");
    assert_eq!(alice.nexus(&["send", "@not an id", "x"]).error(), "usage");
}

#[test]
fn an_inbox_can_be_waited_for() {
    let (_relay, alice, bob) = two();
    assert!(texts(&bob.nexus(&["inbox", "--wait", "1"]).done()).is_empty());
    let waits = bob.command().args(["inbox", "--wait", "30"]).spawn().unwrap();
    eventually("bob is online", || {
        alice.nexus(&["contacts", "add", "bob", "--agent", "bob"]).done();
        alice.nexus(&["ping", "bob"]).done()["online"] == true
    });
    alice.nexus(&["send", "--to", "bob", "now"]).done();
    assert_eq!(texts(&Run::of(waits.wait_with_output().unwrap()).done()), ["now"]);
    assert_eq!(waiting(&bob), 0);
}

#[test]
fn an_address_chooses_whom_it_hears() {
    let (_relay, alice, bob) = two();
    assert_eq!(bob.nexus(&["block", "@alice"]).done(), json!({"agentId":"alice","blocked":true}));
    assert_eq!(alice.nexus(&["send", "@bob", "x"]).error(), "blocked");
    assert_eq!(bob.nexus(&["unblock", "alice"]).done()["blocked"], false);
    assert_eq!(bob.nexus(&["allow-only", "on"]).done(), json!({"allowOnly":true}));
    assert_eq!(alice.nexus(&["send", "@bob", "x"]).error(), "not_allowed");
    assert_eq!(bob.nexus(&["allow", "alice"]).done(), json!({"agentId":"alice","allowed":true}));
    alice.nexus(&["send", "@bob", "x"]).done();
    assert_eq!(bob.nexus(&["disallow", "alice"]).done()["allowed"], false);
    assert_eq!(alice.nexus(&["send", "@bob", "x"]).error(), "not_allowed");
    bob.nexus(&["allow-only", "off"]).done();
    alice.nexus(&["send", "@bob", "x"]).done();
}

#[test]
fn an_invitation_comes_into_the_inbox_and_leads_into_the_session() {
    let (_relay, alice, bob) = two();
    let session = alice.create("alice");
    let invited = alice.nexus(&["invite", &session, "@bob"]).done();
    assert!(invited["invitation"]["id"].is_string(), "{invited}");
    let invitation = &bob.nexus(&["inbox"]).done()["messages"][0]["json"];
    assert_eq!((&invitation["type"], &invitation["url"]), (&json!("invitation"), &invited["url"]));
    bob.nexus(&["claim", &text(&invitation["url"]), "--agent-id", "bob"]).done();
    alice.nexus(&["send", &session, "welcome"]).done();
    assert!(bob.poll(&session).contains(&"welcome".to_owned()));
    assert_eq!(alice.nexus(&["invite", &session, "@nobody"]).error(), "agent_not_found");
}

#[test]
fn a_full_disk_shows_before_the_relay_is_asked() {
    let relay = relay();
    let bob = Home::new(&relay.url());
    bob.nexus(&["contacts", "add", "x", "--agent", "x"]).done();
    let mut command = bob.wrapped(Path::new("bash"));
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "full", NEXUS]);
    let full = Run::of(command.args(["register", "--id", "bob"]).output().unwrap());
    assert_eq!(full.error(), "state_unavailable");
    bob.nexus(&["register", "--id", "bob"]).done();
}

#[test]
fn the_readme_shows_what_works() {
    let relay = relay();
    let (alice, bob) = (Home::new(&relay.url()), Home::without_url());
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let section = readme.split("\n## The client\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let blocks = nexus_tests::shell_blocks(section);
    let block = blocks.iter().find(|block| block.contains("nexus address register")).unwrap();
    let folder = bob.state().display().to_string();
    let printed = paste(&alice, "", &block.replace("/tmp/bob", &folder));
    let page: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    assert_eq!(texts(&page), ["Which day suits Bob?"]);
}

#[test]
fn doctor_says_whether_an_address_takes_its_secret() {
    let (_relay, alice, bob) = two();
    alice.nexus(&["send", "@bob", "hi"]).done();
    let of = |report: &Value| -> Value {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["kind"] == "address").unwrap().clone()
    };
    let check = of(&bob.nexus(&["doctor"]).done());
    assert_eq!((&check["subject"], &check["ok"]), (&json!("bob"), &json!(true)));
    fs::write(bob.state().join("agents/bob/secret"), "not-the-right-secret\n").unwrap();
    let run = bob.nexus(&["doctor"]);
    let check = of(&run.json);
    assert!(text(&check["message"]).contains("invalid_secret"), "{check}");
    assert!(!run.stderr.contains("not-the-right-secret"));
    assert_eq!(bob.nexus(&["inbox"]).error(), "invalid_secret");
}

#[test]
fn an_incomplete_folder_is_not_an_address() {
    let (_relay, alice, bob) = two();
    // What a process leaves behind that was killed while it registered.
    fs::create_dir(alice.state().join("agents/half")).unwrap();
    alice.nexus(&["send", "@bob", "hi"]).done();
    alice.nexus(&["register", "--id", "half"]).done();
    assert_eq!(alice.nexus(&["send", "@bob", "hi"]).error(), "unknown_address");
    assert_eq!(waiting(&bob), 1);
}
