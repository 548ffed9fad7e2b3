//! Addresses: registering, writing to each other, the inbox.

use crate::support::{Home, Run, text, texts};
use nexus_tests::{list, relay};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

/// A machine with an address.
fn registered(url: &str, id: &str) -> Home {
    let home = Home::new(url);
    home.nexus(&["register", "--id", id, "--name", id]).done();
    home
}

#[test]
fn an_address_is_kept_in_private_and_registered_once() {
    let relay = relay();
    let bob = Home::new(&relay.url());
    assert_eq!(bob.nexus(&["inbox"]).error(), "not_registered");
    let run = bob.nexus(&["register", "--name", "Bob", "--capability", "calendar", "--listed"]);
    assert!(!run.stderr.contains("nxs_"), "{}", run.stderr);
    let registered = run.done();
    let id = text(&registered["agentId"]);
    assert_eq!(id.len(), 8);
    let folder = bob.state().join("address");
    let line = |name: &str| fs::read_to_string(folder.join(name)).unwrap().trim().to_owned();
    assert_eq!((line("agent"), line("server")), (id.clone(), relay.url()));
    assert_eq!(line("secret"), text(&registered["secret"]));
    assert!(line("secret").starts_with("nxs_"));
    for name in ["agent", "secret", "server"] {
        let mode = fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3, "nothing half-written is left");
    assert_eq!(bob.nexus(&["register", "--name", "Bob"]).error(), "already_registered");
    let again = bob.nexus(&["register", "--name", "Bob", "--id", &id]).done();
    assert_eq!(again["secret"], registered["secret"], "the same, and not another one");

    let eve = Home::new(&relay.url());
    assert_eq!(eve.nexus(&["register", "--name", "Eve", "--id", &id]).error(), "agent_id_taken");
    assert!(!eve.state().join("address/secret").exists());
    let short = eve.nexus(&["register", "--name", "Eve", "--secret", "short"]);
    assert_eq!(short.error(), "usage");
}

#[test]
fn a_folder_that_cannot_be_written_is_found_before_the_relay_is_asked() {
    let relay = relay();
    let bob = Home::new(&relay.url());
    fs::create_dir_all(bob.state()).unwrap();
    fs::write(bob.state().join("address"), "not a folder").unwrap();
    let run = bob.nexus(&["register", "--name", "Bob", "--id", "bob"]);
    assert_eq!(run.error(), "state_unavailable");
    let eve = Home::new(&relay.url());
    eve.nexus(&["register", "--name", "Eve", "--id", "bob"]).done();
}

#[test]
fn messages_wait_and_are_given_once_when_they_were_printed() {
    let relay = relay();
    let (alice, bob) = (registered(&relay.url(), "alice"), registered(&relay.url(), "bob"));
    let sent = alice.nexus(&["send", "@bob", "Tuesday?", "--json", "[1.50]"]).done();
    assert_eq!(sent["delivery"], "queued");
    let conversation = text(&sent["conversationId"]);
    alice.nexus(&["send", "@bob", "At ten.", "--conversation", &conversation]).done();

    assert_eq!(texts(&bob.nexus(&["inbox", "--keep"]).done()), ["Tuesday?", "At ten."]);
    // Nobody reads what is printed: it is not acknowledged.
    let mut child = bob.command().arg("inbox").stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(!child.wait().unwrap().success());
    let page = bob.nexus(&["inbox"]).done();
    assert_eq!(texts(&page), ["Tuesday?", "At ten."]);
    assert_eq!(list(&page["messages"])[1]["turn"], 2);
    assert!(texts(&bob.nexus(&["inbox"]).done()).is_empty());

    let id = text(&list(&page["messages"])[1]["id"]);
    let answer = ["send", "@alice", "Fine.", "--conversation", &conversation, "--reply-to", &id];
    assert_eq!(bob.nexus(&answer).done()["turn"], 3);
    let page = alice.nexus(&["inbox", "--wait", "20"]).done();
    assert_eq!(
        (texts(&page), &list(&page["messages"])[0]["replyTo"]),
        (vec!["Fine.".into()], &json!(id))
    );
}

#[test]
fn waiting_ends_with_the_first_message() {
    let relay = relay();
    let (alice, bob) = (registered(&relay.url(), "alice"), registered(&relay.url(), "bob"));
    let waiting = bob.command().args(["inbox", "--wait", "60"]).spawn().unwrap();
    nexus_tests::eventually("bob is online", || {
        alice.nexus(&["contacts", "add", "bob", "--agent", "@bob"]).done();
        alice.nexus(&["ping", "bob"]).done()["online"] == true
    });
    alice.nexus(&["send", "@bob", "Wake up."]).done();
    assert_eq!(texts(&Run::of(waiting.wait_with_output().unwrap()).done()), ["Wake up."]);
}

#[test]
fn lists_say_whom_to_hear() {
    let relay = relay();
    let (alice, bob) = (registered(&relay.url(), "alice"), registered(&relay.url(), "bob"));
    assert_eq!(bob.nexus(&["block", "@alice"]).done()["blocked"], true);
    assert_eq!(alice.nexus(&["send", "@bob", "x"]).error(), "blocked");
    assert_eq!(bob.nexus(&["unblock", "alice"]).done()["blocked"], false);
    alice.nexus(&["send", "@bob", "x"]).done();
    assert_eq!(bob.nexus(&["allow", "alice"]).done()["allowed"], true);
    assert_eq!(bob.nexus(&["disallow", "alice"]).done()["allowed"], false);
    assert_eq!(alice.nexus(&["send", "@nobody", "x"]).error(), "agent_not_found");
}

#[test]
fn the_directory_is_read_to_its_end() {
    let relay = relay();
    for number in 0..53 {
        let id = format!("agent-{number:02}");
        let listed = ["register", "--name", &id, "--id", &id, "--listed", "--capability", "count"];
        Home::new(&relay.url()).nexus(&listed).done();
    }
    registered(&relay.url(), "hidden");
    let found = Home::new(&relay.url()).nexus(&["agents", "--capability", "count"]).done();
    let ids: Vec<String> =
        list(&found["agents"]).iter().map(|agent| text(&agent["card"]["agentId"])).collect();
    assert_eq!((ids.len(), ids.is_sorted(), ids[52].as_str()), (53, true, "agent-52"));
}

#[test]
fn an_invitation_leads_from_an_inbox_into_a_session() {
    let relay = relay();
    let (alice, bob) = (registered(&relay.url(), "alice"), registered(&relay.url(), "bob"));
    let session = alice.create("alice");
    alice.nexus(&["invite", &session, "@bob"]).done();
    let page = bob.nexus(&["inbox"]).done();
    let invitation = &list(&page["messages"])[0]["json"];
    assert_eq!(invitation["type"], "invitation");
    bob.nexus(&["claim", &text(&invitation["url"]), "--agent-id", "bob"]).done();
    bob.nexus(&["send", &session, "Here I am."]).done();
    assert_eq!(alice.poll(&session), ["Here I am."]);
}
