//! Ways to read that fail, a relay that restarts, and the end.

use crate::{assert_quiet, join, joined};
use nexus_tests::{Api, Member, browser::Browser, eventually, relay, string};
use serde_json::json;

const NO_SOCKETS: &str = "delete window.WebSocket;";
const NO_EVENTS: &str = "const original = fetch;
    window.fetch = (url, ...rest) =>
        String(url).includes('/events') ? Promise.reject(new TypeError()) : original(url, ...rest);";

fn reads_by(script: &str, state: &str) {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    alice.send("First");
    let browser = Browser::start();
    browser.before_pages(script);
    join(&browser, &alice, "zoe");
    browser.wait_for("#connection", state);
    alice.send("Second");
    browser.wait_for("#messages", "Second");
    browser.type_into("#text", "Third\u{E007}");
    browser.wait_for("#messages", "Third");
    assert_eq!(browser.count("article"), 3);
    assert_quiet(&browser);
}

#[test]
fn without_sockets_it_reads_events() {
    reads_by(NO_SOCKETS, "by events");
}

#[test]
fn without_events_either_it_polls() {
    reads_by(&format!("{NO_SOCKETS}{NO_EVENTS}"), "by polling");
}

#[test]
fn browsers_that_cannot_join_signals_read_events() {
    reads_by(&format!("delete AbortSignal.any; {NO_SOCKETS}"), "by events");
}

#[test]
fn sockets_that_do_not_last_are_left_for_events() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    browser.before_pages(
        "const Original = WebSocket;
         window.opened = 0;
         window.WebSocket = class extends Original {
             constructor(...how) {
                 super(...how);
                 window.opened += 1;
                 this.addEventListener('message', ({ data }) => data.includes('ready') && this.close());
             }
         };",
    );
    join(&browser, &alice, "zoe");
    browser.wait_for("#connection", "by events");
    let opened = browser.run("return window.opened").as_u64().unwrap();
    assert!((1..5).contains(&opened), "{opened} sockets");
    alice.send("Still read");
    browser.wait_for("#messages", "Still read");
    assert_quiet(&browser);
}

#[test]
fn after_a_while_it_tries_sockets_again() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    browser.before_pages(&format!(
        "window.kept = WebSocket; {NO_SOCKETS}{NO_EVENTS}
         const now = performance.now.bind(performance);
         window.later = 0;
         performance.now = () => now() + window.later;"
    ));
    join(&browser, &alice, "zoe");
    browser.wait_for("#connection", "by polling");
    browser.run("window.WebSocket = window.kept; window.later = 11 * 60_000;");
    // Ends the poll that waits.
    alice.send("Eleven minutes later");
    browser.wait_for("#connection[data-state=socket]", "Live");
    alice.send("By a socket");
    browser.wait_for("#messages", "By a socket");
    assert_eq!(browser.count("article"), 2);
    assert_quiet(&browser);
}

#[test]
fn a_socket_that_has_died_unseen_is_found_when_the_network_is_back() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    browser.before_pages(
        "const Original = WebSocket;
         window.WebSocket = class extends Original {
             constructor(...how) {
                 super(...how);
                 window.die = () => (this.isDead = true);
                 this.addEventListener('message', (event) => this.isDead && event.stopImmediatePropagation());
             }
         };",
    );
    join(&browser, &alice, "zoe");
    browser.run("window.die()");
    alice.send("Sent to a dead socket");
    browser.run("dispatchEvent(new Event('online'))");
    // Without the ping the page would notice after 45 s.
    browser.wait_for("#messages", "Sent to a dead socket");
    browser.wait_for("#connection", "Live");
    assert_quiet(&browser);
}

#[test]
fn it_goes_on_when_the_relay_comes_back_and_then_sends_what_was_written_meanwhile() {
    let mut relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    alice.send("Before");
    browser.wait_for("#messages", "Before");
    relay.kill();
    browser.wait_for("#connection", "No connection");
    browser.type_into("#text", "Written meanwhile\u{E007}");
    browser.wait_for("#unsent", "Written meanwhile");
    relay.restart().unwrap();
    let alice = Member { api: Api::new(&relay.url()), ..alice };
    alice.send("After");
    browser.wait_for("#messages", "After");
    browser.wait_for("#messages", "Written meanwhile");
    browser.wait_for("#connection", "Live");
    eventually("nothing is unsent", || browser.count("#unsent *") == 0);
    let (texts, _) = alice.read_after("0");
    assert_eq!(texts.iter().filter(|text| *text == "Written meanwhile").count(), 1);
    assert_eq!(browser.count("article"), 3);
}

#[test]
fn it_says_when_the_conversation_has_ended_and_keeps_what_was_said_on_the_page() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let browser = Browser::start();
    let (session, key) = api.create(&json!({ "creatorAgentId": "a", "ttl": 8 }));
    let alice = Member { api, session, agent: "a".into(), key: key.unwrap() };
    join(&browser, &alice, "zoe");
    alice.send("Soon over");
    browser.wait_for("#messages", "Soon over");
    browser.click("#leave");
    assert_eq!(browser.count("dialog[open]"), 1);
    browser.wait_for("#over-heading", "This conversation has ended");
    assert_eq!(browser.count("dialog[open]"), 0, "there is nothing left to decide");
    assert!(browser.text("#messages").contains("Soon over"));
    browser.reload();
    browser.wait_for("#over-heading", "This conversation has ended");
}

#[test]
fn an_address_that_was_cut_off_is_told_so() {
    let relay = relay();
    let browser = Browser::start();
    browser.open(&format!("{}/s#1234", relay.url()));
    browser.wait_for("#over-heading", "not complete");
}

#[test]
fn a_link_that_names_the_session_asks_for_a_name() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    browser.open(&format!("{}/s#{}", relay.url(), alice.session));
    browser.wait_for("#present", "In it: a.");
    browser.type_into("#name", "zoe");
    browser.click("#join button");
    browser.wait_for("#connection", "Live");
    let members = alice.poll("?members=true");
    assert_eq!(string(&members["members"][1]["agentId"]), "zoe");
    assert_quiet(&browser);
}
