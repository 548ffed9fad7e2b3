//! Whose seat a page takes, and what becomes of its address.

use crate::{assert_quiet, joined};
use nexus_tests::{Api, Member, browser::Browser, eventually, relay};
use serde_json::json;

fn open_anew(browser: &Browser, address: &str) {
    browser.open("about:blank");
    browser.open(address);
}

/// The address of a session, and what each page of it begins with.
fn address(member: &Member) -> String {
    format!("{}/s#{}", member.api.base(), member.session)
}

#[test]
fn a_link_with_a_seat_in_it_is_no_way_to_seat_someone_else() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    let mallory = alice.join("mallory");
    let link = format!("{}/{}/{}", address(&alice), mallory.agent, mallory.key);
    open_anew(&browser, &link);
    browser.wait_for("#me", "zoe");
    assert_eq!(browser.url(), address(&alice));
    // Nor where there is no seat to lose.
    browser.run("localStorage.clear()");
    open_anew(&browser, &link);
    browser.wait_for("#present", "mallory");
    assert_eq!(browser.text("#me"), "");
    assert_eq!(browser.url(), address(&alice));
    assert_quiet(&browser);
}

#[test]
fn leaving_gives_up_only_the_seat_that_this_page_has() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    // As another tab does, meanwhile.
    let other = alice.join("other");
    let seat = json!({ "agent": other.agent, "key": other.key }).to_string();
    browser.run(&format!("localStorage.setItem('nexus.seat.{}', {})", alice.session, json!(seat)));
    browser.click("#leave");
    browser.click("#leave-form button:not([type=button])");
    browser.wait_for("#over-heading", "You have left");
    browser.reload();
    browser.wait_for("#me", "other");
    assert_quiet(&browser);
}

#[test]
fn nothing_on_the_page_changes_its_address() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    let first = alice.send("First");
    let reply = json!({ "text": "Second", "replyTo": first["id"] });
    assert_eq!(alice.call("POST", "/messages").json(&reply).send().status, 201);
    browser.wait_for("#messages", "Second");
    browser.wait_for(".quote", "In reply to a: First");
    browser.run("window.stays = true");
    browser.click(".quote button");
    browser.run("document.querySelector('.skip').click()");
    assert_eq!(browser.run("return document.activeElement.id"), "main");
    assert_eq!(browser.url(), address(&alice));
    // The same session is the same conversation, whatever else an address says.
    browser.run("location.hash += '/mallory/key'");
    eventually("the address is back", || browser.url() == address(&alice));
    assert_eq!(browser.run("return window.stays"), true);
    browser.reload();
    browser.wait_for("#me", "zoe");
    // Another session is another conversation.
    let elsewhere = alice.api.session();
    browser.run(&format!("location.hash = '{}'", elsewhere.session));
    browser.wait_for("#present", "In it: a.");
    assert_quiet(&browser);
}
