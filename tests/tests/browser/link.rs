//! The page behind a link, while something happens to the code.

use crate::assert_quiet;
use nexus_tests::{Api, Member, Relay, browser::Browser, relay};

#[test]
fn it_counts_down_and_says_when_the_code_expires() {
    let relay = Relay::builder().var("PAIRING_TTL_SECONDS", "8").start().unwrap();
    let browser = Browser::start();
    let alice = Api::new(&relay.url()).session();
    browser.open(&format!("{}/p/{}", relay.url(), alice.api.pair(&alice.session)));
    browser.wait_for("#state", "Waiting");
    browser.wait_for("#left", "0:0");
    browser.wait_for("#state", "Expired");
    assert_eq!(browser.text("#join"), "", "nobody can join any more");
    assert_quiet(&browser);
}

#[test]
fn it_says_when_someone_has_joined() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let code = alice.api.pair(&alice.session);
    let browser = Browser::start();
    browser.open(&format!("{}/p/{code}", relay.url()));
    assert!(browser.text("#prompt").contains(&format!("{}/p/{code}", relay.url())));
    browser.click("details summary");
    assert!(browser.text("details").contains(&format!("/v1/pair/{code}/claim")));
    assert_eq!(alice.api.post(&format!("/v1/pair/{code}/claim")).agent("bob").send().status, 200);
    browser.wait_for("#state", "Used");
    assert_eq!(browser.text("#prompt"), "");
    assert_quiet(&browser);
}

/// Claims reach the relay, but the page gets their answers only once `window.reaches` is set.
const LOST_ANSWERS: &str = "const original = fetch;
    window.looks = 0;
    window.fetch = async (url, options) => {
        if (url.endsWith('/status')) window.looks += 1;
        const answer = await original(url, options);
        if (url.endsWith('/claim') && !window.reaches) throw new TypeError();
        return answer;
    };";

/// Opens a new link of this member, and joins as zoe, without an answer.
fn join_without_answer(browser: &Browser, member: &Member) {
    browser.open(&format!("{}/p/{}", member.api.base(), member.api.pair(&member.session)));
    browser.run(LOST_ANSWERS);
    browser.type_into("#name", "zoe");
    browser.click("#join button");
    browser.wait_for("#join [role=alert]", "You may have joined already");
}

/// Fails if zoe is not there, or more than once.
fn assert_one_seat(browser: &Browser, member: &Member) {
    browser.wait_for("#me", "zoe");
    browser.wait_for("#connection", "Live");
    let members = member.poll("?members=true")["members"].to_string();
    assert_eq!(members.matches("agentId").count(), 2, "one seat: {members}");
    assert_eq!(browser.run("return Object.keys(sessionStorage).join()"), "");
}

#[test]
fn a_join_whose_answers_are_lost_can_be_repeated() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    join_without_answer(&browser, &alice);
    let looks = browser.run(
        "const before = window.looks;
         document.dispatchEvent(new Event('visibilitychange'));
         return window.looks - before;",
    );
    assert_eq!(looks, 0, "the relay would say `Used`, and not by whom");
    browser.run("window.reaches = true");
    browser.click("#join button");
    assert_one_seat(&browser, &alice);
    assert_quiet(&browser);
}

#[test]
fn a_join_whose_answers_are_lost_can_be_repeated_after_a_reload() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    join_without_answer(&browser, &alice);
    browser.reload();
    browser.wait_for("#again", "as zoe");
    browser.check_accessibility("a link that was used in this tab");
    browser.click("#again button");
    assert_one_seat(&browser, &alice);
}

#[test]
fn the_prompt_can_be_copied() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    // What stands in a clipboard, only a person may read.
    browser.before_pages(
        "Object.defineProperty(navigator, 'clipboard',
            { value: { writeText: async (text) => { window.copied = text; } } });",
    );
    browser.open(&format!("{}/p/{}", relay.url(), alice.api.pair(&alice.session)));
    let prompt = browser.text("#prompt");
    browser.click("[data-copy=prompt]");
    browser.wait_for("[data-copy=prompt]", "Copied");
    assert_eq!(browser.run("return window.copied"), prompt.as_str());
}
