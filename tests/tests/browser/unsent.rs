//! What someone has written is not lost, whatever happens to it.

use crate::{join, joined};
use nexus_tests::{Api, browser::Browser, eventually, relay};
use serde_json::{Value, json};

/// Answers of sends go through `window.answer`, which is given the request as a function.
const STUB: &str = "const original = fetch;
    window.fetch = (url, options = {}) => {
        const send = () => original(url, options);
        return options.method === 'POST' && url.endsWith('/messages') && window.answer
            ? window.answer(send, JSON.parse(options.body).text)
            : send();
    };";

fn draft(browser: &Browser) -> Value {
    browser.run("return document.querySelector('#text').value")
}

/// Whether the browser would ask before the page is left.
fn asks_before_leaving(browser: &Browser) -> bool {
    browser.run(
        "const event = new Event('beforeunload', { cancelable: true });
         dispatchEvent(event);
         return event.defaultPrevented;",
    ) == true
}

#[test]
fn a_text_that_is_refused_stays_also_when_the_next_is_being_written() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    browser.run(STUB);
    browser.run(
        "const refusal = { error: 'invalid_request', message: 'The relay does not want this.' };
         window.answer = () => new Promise((answer) => {
             window.refuse = () => answer(new Response(JSON.stringify(refusal), { status: 400 }));
         });",
    );
    assert!(!asks_before_leaving(&browser));
    browser.type_into("#text", "Refuse me\u{E007}");
    browser.wait_for("#unsent", "Refuse me");
    browser.type_into("#text", "The next");
    browser.run("window.refuse()");
    browser.wait_for("#problem", "Not sent. The relay does not want this.");
    browser.wait_for(".not-sent", "Not sent");
    assert!(browser.text("#unsent").contains("Refuse me"));
    assert_eq!(draft(&browser), "The next");
    browser.check_accessibility("a text that was not sent");
    browser.screenshots("not-sent");
    browser.clear("#text");
    assert!(asks_before_leaving(&browser), "it would be lost");
    browser.run("delete window.answer");
    browser.click(".not-sent button");
    browser.wait_for("#messages", "Refuse me");
    eventually("nothing is unsent", || browser.count("#unsent *") == 0);
    assert!(!asks_before_leaving(&browser));
}

#[test]
fn what_a_reload_interrupts_is_sent_after_it_and_once() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    browser.before_pages(STUB);
    join(&browser, &alice, "zoe");
    // The relay gets the first text, but its answer is lost, and the second text waits.
    browser.run("window.answer = (send) => send().then(() => Promise.reject(new TypeError()))");
    browser.type_into("#text", "  The first\u{E007}");
    browser.type_into("#text", "The second\u{E007}");
    browser.wait_for("#messages", "The first");
    browser.wait_for("#unsent", "The second");
    browser.reload();
    browser.wait_for("#messages", "The second");
    eventually("nothing is unsent", || browser.count("#unsent *") == 0);
    assert_eq!(alice.read_after("0").0, ["  The first", "The second"]);
    let kept = browser.run("return Object.keys(sessionStorage).join()");
    assert_eq!(kept, "", "what was sent is not kept");
}

#[test]
fn what_was_not_sent_at_the_end_can_be_copied() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    browser.run(STUB);
    browser.run("window.answer = () => new Promise(() => {})");
    browser.type_into("#text", "On its way\u{E007}");
    browser.type_into("#text", "A draft");
    browser.click("#leave");
    assert_eq!(browser.run("return document.activeElement.textContent"), "Stay");
    browser.click("#leave-form button:not([type=button])");
    browser.wait_for("#over-words", "at the end of the messages");
    let texts = browser.run(
        "return [...document.querySelectorAll('.unsent .text')].map((one) => one.textContent)",
    );
    assert_eq!(texts, json!(["On its way", "A draft"]));
    assert!(!browser.text("#unsent").contains("Try again"), "there is nowhere to send it");
    assert!(asks_before_leaving(&browser));
    browser.check_accessibility("texts that were not sent at the end");
    browser.screenshots("not-sent-over");
    assert_eq!(browser.run("return Object.keys(sessionStorage).join()"), "");
    for _ in 0..2 {
        browser.click(".not-sent button:last-of-type");
    }
    assert!(!asks_before_leaving(&browser));
}
