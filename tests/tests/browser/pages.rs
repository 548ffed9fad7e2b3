//! Every page: what it weighs, who can use it, how it looks.

use crate::{assert_quiet, join, secret};
use nexus_tests::{Api, Member, browser::Browser, relay};
use serde_json::json;
use std::io::Write;

/// Notes when the first message is in the page, in milliseconds after the page was asked for.
const FIRST_MESSAGE: &str = "new MutationObserver((_, observer) => {
    if (!document.querySelector('#messages article')) return;
    window.firstMessage = performance.now();
    observer.disconnect();
}).observe(document, { childList: true, subtree: true });";

const MOST_BYTES: u64 = 80 * 1024;

#[test]
fn every_page_is_light_and_can_be_used_by_everyone() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let link = format!("/p/{}", alice.pair());
    let join = format!("/s#{}", alice.session);
    for (name, path) in [
        ("home", "/"),
        ("link", &link),
        ("link-gone", "/p/PEARL-FOCAL-S5SJV"),
        ("docs", "/docs"),
        ("nothing", "/nothing"),
        ("skill", "/skill.md"),
        ("join", &join),
        ("over", "/s#"),
    ] {
        // A new browser has nothing in its cache.
        let browser = Browser::start();
        browser.open(&format!("{}{path}", relay.url()));
        let bytes = browser.loaded_bytes();
        assert!((1000..MOST_BYTES).contains(&bytes), "{name}: {bytes} bytes");
        tell(&format!("{name}: {bytes} bytes"));
        look_at(&browser, name);
        let errors = browser.console_errors();
        // Browsers report every status of an error.
        let is_missing = ["link-gone", "nothing"].contains(&name);
        let expected = |error: &String| is_missing && error.contains("404");
        assert!(errors.iter().all(expected), "{name}: {errors:?}");
    }
}

#[test]
fn the_documents_can_be_searched_and_their_examples_copied() {
    let relay = relay();
    let browser = Browser::start();
    browser.before_pages(
        "Object.defineProperty(navigator, 'clipboard',
            { value: { writeText: async (text) => { window.copied = text; } } });",
    );
    browser.open(&format!("{}/docs/8", relay.url()));
    assert_eq!(browser.url(), format!("{}/docs#8-addresses", relay.url()));
    browser.type_into("#search", "mailbox conversation");
    browser.wait_for("#found", "section");
    assert_eq!(browser.text("#\\33 -messages"), "", "a section without these words is hidden");
    browser.clear("#search");
    browser.type_into("#search", "xyzzy");
    browser.wait_for("#found", "Nothing found");
    browser.clear("#search");
    browser.type_into("#search", " ");
    browser.click(".copy");
    browser.wait_for(".copy", "Copied");
    let copied = browser.run(
        "return window.copied === document.querySelector('.example + pre').textContent.trim()",
    );
    assert_eq!(copied, true);
    // A link to what the search has hidden shows it.
    browser.clear("#search");
    browser.type_into("#search", "xyzzy");
    browser.run("location.hash = '#9-teams'");
    browser.wait_for("#\\39 -teams", "9. Teams");
    assert_quiet(&browser);
}

#[test]
fn a_conversation_is_light_and_can_be_used_by_everyone() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (session, key) = api.create(&json!({ "creatorAgentId": "alice" }));
    let alice = Member { api, session, agent: "alice".into(), key: key.unwrap() };
    let browser = Browser::start();
    join(&browser, &alice, "zoe");
    alice.send("Hello! Which day suits you, and where? See https://example.com/map.");
    browser.type_into("#text", "Tuesday, at the usual place.\u{E007}");
    let bob = alice.join("bob");
    let offer =
        json!({ "text": "I can take both of you there.", "json": { "seats": 3, "at": "09:30" } });
    bob.call("POST", "/messages").json(&offer).send();
    let whisper = json!({ "text": format!("Only you: the code is {}.", secret()), "to": "zoe" });
    alice.call("POST", "/messages").json(&whisper).send();
    let path = format!("/v1/sessions/{}/messages", alice.session);
    bob.api.post(&path).agent("bob").json(&json!({ "text": "Sent without a key." })).send();
    browser.wait_for("#messages", "without a key");
    browser.wait_for("#count", "3 members");
    look_at(&browser, "conversation");
    browser.click("#invite");
    browser.wait_for("#invite-link", "/p/");
    look_at(&browser, "invite");
    browser.click("#inviting [data-close]");
    assert_quiet(&browser);
    // The same seat in a browser that has nothing in its cache.
    let seat = format!("nexus.seat.{}", alice.session);
    let held = browser.run(&format!("return localStorage.getItem('{seat}')"));
    let anew = Browser::start();
    anew.before_pages(&format!("localStorage.setItem('{seat}', {held})"));
    anew.open(&browser.url());
    anew.wait_for("#connection", "Live");
    anew.wait_for("#me", "zoe");
    let bytes = anew.loaded_bytes();
    assert!((1000..MOST_BYTES).contains(&bytes), "{bytes} bytes");
    tell(&format!("conversation: {bytes} bytes"));
    assert_quiet(&anew);
    anew.before_pages(FIRST_MESSAGE);
    let speed = if anew.slow_down(4) { "a quarter of" } else { "all of" };
    anew.reload();
    anew.wait_for("#messages", "without a key");
    let first = anew.run("return window.firstMessage").as_f64().expect("it has been seen");
    tell(&format!(
        "conversation: first message after {first:.0} ms, at {speed} the processor's speed"
    ));
}

/// Prints a figure, also of a test that passes.
fn tell(figure: &str) {
    writeln!(std::io::stderr(), "{figure}").expect("stderr");
}

/// In both colour schemes, on both kinds of device.
pub(crate) fn look_at(browser: &Browser, name: &str) {
    for (scheme, suffix) in [("light", ""), ("dark", "-dark")] {
        browser.color_scheme(scheme);
        browser.screenshots_and(&format!("{name}{suffix}"), |device, width| {
            browser.check_accessibility(&format!("{name} ({scheme}, {device})"));
            let wide = browser.page_width();
            assert!(wide <= width.into(), "{name} is wider than a {device}: {wide}");
        });
    }
}
