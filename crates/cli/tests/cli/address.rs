//! `nexus address`, and registering again.

use crate::{
    fake::{Fake, Reply, forward},
    support::{Home, text},
};
use nexus_tests::relay;
use serde_json::json;
use std::fs;

fn secret(home: &Home, name: &str) -> Option<String> {
    let path = home.state().join("agents/bob").join(name);
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

#[test]
fn registering_again_with_other_options_changes_the_card() {
    let relay = relay();
    let home = Home::new(&relay.url());
    home.nexus(&["register", "--id", "bob", "--capability", "x"]).done();
    let again =
        home.nexus(&["register", "--id", "bob", "--name", "Bob", "--capability", "y", "--listed"]);
    assert!(again.stderr.contains("its card is changed"), "{}", again.stderr);
    let card = again.done()["card"].clone();
    assert_eq!((&card["name"], &card["listed"]), (&json!("Bob"), &json!(true)));
    assert_eq!(card["capabilities"], json!(["y"]));
    // What is not given stays, and an address that is stored here stays at its relay.
    let mut elsewhere = home.command();
    elsewhere.args(["register", "--id", "bob"]).env("NEXUS_URL", "http://127.0.0.1:9");
    let same = crate::support::Run::of(elsewhere.output().unwrap()).done();
    assert_eq!(same["card"], card);
}

#[test]
fn a_card_is_changed_and_an_address_is_deleted() {
    let relay = relay();
    let home = Home::new(&relay.url());
    home.nexus(&["register", "--id", "bob", "--description", "x", "--listed"]).done();
    let changed =
        home.nexus(&["address", "card", "--name", "Bob", "--description", "", "--unlisted"]).done();
    let card =
        json!([changed["card"]["name"], changed["card"]["description"], changed["card"]["listed"]]);
    assert_eq!(card, json!(["Bob", null, false]));
    assert_eq!(home.nexus(&["address", "card"]).done()["card"], changed["card"]);
    assert_eq!(home.nexus(&["address", "card", "--version", "\n"]).error(), "invalid_request");
    assert_eq!(home.nexus(&["address", "ls"]).done()["addresses"][0]["agentId"], "bob");
    for id in ["@bob", "@bob", "@other"] {
        assert_eq!(home.nexus(&["address", "remove", id]).done()["ok"], true);
        assert!(!home.state().join("agents/bob").exists());
    }
    assert_eq!(home.nexus(&["address", "ls"]).done()["addresses"], json!([]));
    assert_eq!(home.nexus(&["address", "card"]).error(), "unknown_address");
    assert_eq!(home.nexus(&["address", "card", "@bob"]).error(), "agent_not_found");
    home.nexus(&["register", "--id", "bob"]).done();
}

#[test]
fn a_secret_is_replaced_though_the_answer_was_lost() {
    let relay = relay();
    let home = Home::new(&relay.url());
    home.nexus(&["register", "--id", "bob"]).done();
    let old = secret(&home, "secret").unwrap();
    let rotated = text(&home.nexus(&["address", "rotate"]).done()["secret"]);
    assert!(rotated != old && secret(&home, "secret").unwrap() == rotated);
    home.nexus(&["inbox"]).done();

    // A proxy that swallows the first answer.
    let port = relay.port();
    let fake = Fake::new(move |number, request| {
        let mut bytes = forward(port, request);
        bytes.truncate(if number == 0 { 0 } else { bytes.len() });
        Reply::Bytes(bytes)
    });
    let place = home.state().join("agents/bob/server");
    fs::write(&place, &fake.url).unwrap();
    assert_eq!(home.nexus(&["address", "rotate"]).error(), "connection_lost");
    let next = secret(&home, "next-secret").unwrap();
    // Whoever refuses the next try may be a proxy. The secret, which is valid already, stays.
    let proxy = Fake::answering(
        "403 Forbidden",
        "",
        r#"{"error":"forbidden","message":"This network permits no such request."}"#,
    );
    fs::write(&place, &proxy.url).unwrap();
    assert_eq!(home.nexus(&["address", "rotate"]).error(), "forbidden");
    assert_eq!(secret(&home, "next-secret").as_ref(), Some(&next));
    fs::write(&place, &fake.url).unwrap();
    let done = home.nexus(&["address", "rotate"]).done();
    assert_eq!((text(&done["secret"]), secret(&home, "secret").unwrap()), (next.clone(), next));
    assert_eq!(secret(&home, "next-secret"), None);
    home.nexus(&["inbox"]).done();
    // A secret that the relay refuses replaces nothing.
    let kept = secret(&home, "secret");
    assert_eq!(home.nexus(&["address", "rotate", "--secret", "short"]).error(), "usage");
    assert_eq!((secret(&home, "secret"), secret(&home, "next-secret")), (kept, None));
}
