//! People and an agent in one conversation.

use crate::{assert_quiet, exported, join, joined};
use nexus_tests::{Api, browser::Browser, eventually, list, relay, string};
use serde_json::{Value, json};
use std::process::Command;

/// An agent that has nothing but curl.
fn curl(arguments: &[&str]) -> Value {
    let output = Command::new("curl").arg("-sS").args(arguments).output().expect("curl");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("not JSON: {output:?}"))
}

/// Presses Invite, and gives the link.
fn invite(browser: &Browser) -> String {
    browser.click("#invite");
    browser.wait_for("#invite-link", "/p/");
    let link = browser.text("#invite-link");
    browser.click("#inviting [data-close]");
    link
}

#[test]
fn two_people_and_an_agent_with_curl_talk_through_links() {
    let relay = relay();
    let (ann, ben) = (Browser::start(), Browser::start());

    ann.open(&relay.url());
    ann.type_into("#name", "Änn Miller");
    ann.type_into("#greeting", "Which day suits you?");
    ann.click("#start button");
    ann.wait_for("#connection", "Live");
    ann.wait_for("#messages", "Which day suits you?");
    ann.wait_for("#alone-link", "/p/");

    ben.open(&invite(&ann));
    ben.type_into("#name", "ben");
    ben.click("#join button");
    ben.wait_for("#messages", "Which day suits you?");

    let link = invite(&ben);
    let (base, code) = link.split_once("/p/").unwrap();
    let claim = format!("{base}/v1/pair/{code}/claim");
    let claimed = curl(&["-X", "POST", &claim, "-H", "X-Agent-Id: carl"]);
    let key = format!("X-Session-Key: {}", string(&claimed["sessionKey"]));
    let messages = format!("{base}/v1/sessions/{}/messages", string(&claimed["sessionId"]));
    let carl = ["-H", "X-Agent-Id: carl", "-H", &key];
    let send = |body: &Value, who: &[&str]| {
        let body = body.to_string();
        let sent = curl(&[&["-X", "POST", &messages, "-d", &body], who].concat());
        assert!(sent["id"].is_string(), "{sent}");
    };

    ann.type_into("#text", "Tuesday?\u{E007}");
    ben.wait_for("#messages", "Tuesday?");
    ben.type_into("#text", "Or Wednesday.\u{E007}");
    send(&json!({ "text": "Wednesday it is.", "json": { "day": "2026-03-04" } }), &carl);
    send(&json!({ "text": "Who am I?" }), &carl[..2]);
    for browser in [&ann, &ben] {
        browser.wait_for("#messages", "Who am I?");
        browser.wait_for("#count", "3 members");
        let all = browser.text("#messages");
        let places = ["Which day", "Tuesday?", "Or Wednesday.", "Wednesday it is.", "Who am I?"]
            .map(|text| all.find(text).unwrap_or_else(|| panic!("{text} is not in {all}")));
        assert!(places.is_sorted(), "in order: {all}");
        assert_eq!(browser.count("article.message"), 5, "each once: {all}");
        assert_eq!(browser.count("article.own"), 1);
        assert_eq!((browser.count(".verified"), browser.count(".unverified")), (3, 1));
        browser.wait_for("article pre", "\"day\": \"2026-03-04\"");
        assert_quiet(browser);
    }
    assert!(ann.text("#members").contains("Ann-Miller (you)"));
    let read = curl(&[&[messages.as_str()], &carl[..]].concat());
    let texts: Vec<&str> =
        list(&read["messages"]).iter().filter_map(|m| m["text"].as_str()).collect();
    let expected =
        ["Which day suits you?", "Tuesday?", "Or Wednesday.", "Wednesday it is.", "Who am I?"];
    assert_eq!(texts, expected);
}

#[test]
fn the_seat_stays_through_reloads_and_goes_by_leaving() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    alice.send("Hello.");
    browser.wait_for("#messages", "Hello.");
    assert!(browser.url().ends_with(&format!("/s#{}", alice.session)), "no key in the address");
    browser.reload();
    browser.wait_for("#messages", "Hello.");
    browser.wait_for("#me", "zoe");
    let members = || alice.poll("?members=true")["members"].to_string();
    assert!(members().contains("zoe"));
    browser.click("#leave");
    browser.click("#leave-form button:not([type=button])");
    browser.wait_for("#over-heading", "You have left");
    assert!(!members().contains("zoe"));
    assert_eq!(browser.run("return Object.keys(localStorage).join()"), "nexus.name");
    // Who knows the session can come back, as someone new.
    browser.reload();
    browser.wait_for("#present", "a.");
    assert_quiet(&browser);
}

#[test]
fn a_name_that_is_taken_or_empty_is_refused_and_the_link_stays_good() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    let code = alice.pair();
    browser.open(&format!("{}/p/{code}", relay.url()));
    browser.type_into("#name", " ");
    browser.click("#join button");
    eventually("the field says what is wrong", || {
        browser.run("return document.querySelector('#name').validationMessage !== ''") == true
    });
    browser.clear("#name");
    browser.type_into("#name", &alice.agent);
    browser.click("#join button");
    browser.wait_for("#join [role=alert]", "has this name already");
    browser.type_into("#name", "-2");
    browser.click("#join button");
    browser.wait_for("#me", &format!("{}-2", alice.agent));
}

#[test]
fn what_came_out_of_sight_is_marked_and_counted() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    for number in 0..30 {
        alice.send(&format!("Number {number}"));
    }
    browser.wait_for("#messages", "Number 29");
    assert_eq!(browser.count(".divider.new"), 0, "all of it was in sight");
    browser.run("document.querySelector('#scroller').scrollTop = 0");
    browser.wait_for("#to-end", "Newest");
    alice.send("Below");
    alice.send("Further below");
    browser.wait_for("#to-end", "2 new messages");
    browser.wait_for(".divider.new", "New messages");
    assert!(browser.run("return document.title").as_str().unwrap().starts_with("(2) "));
    browser.click("#to-end");
    eventually("the end is in sight", || browser.text("#to-end").is_empty());
    assert_eq!(browser.run("return document.title"), "a - nexus-relay");
}

#[test]
fn exports_hold_every_message_as_it_was_and_neither_session_nor_key() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    let body = r#"{"text":"```\n# not a heading","json":{"n":1.50,"big":12345678901234567890}}"#;
    assert_eq!(alice.call("POST", "/messages").body(body.as_bytes()).send().status, 201);
    browser.wait_for("#messages", "not a heading");
    let json = exported(&browser, "#as-json");
    assert!(
        json.contains("\"n\": 1.50") && json.contains("\"big\": 12345678901234567890"),
        "{json}"
    );
    let markdown = exported(&browser, "#as-markdown");
    assert!(markdown.contains("## a, verified, "), "{markdown}");
    assert!(markdown.contains("````text\n```\n# not a heading\n````"), "{markdown}");
    for kept in [json, markdown] {
        assert!(!kept.contains(&alice.session) && !kept.contains("nxk_"));
    }
}

#[test]
fn a_browser_without_storage_keeps_its_seat_in_the_address() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    browser.before_pages(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('off'); } })",
    );
    join(&browser, &alice, "zoe");
    browser.reload();
    browser.wait_for("#connection", "Live");
    browser.wait_for("#me", "zoe");
    assert_quiet(&browser);
}

#[test]
fn however_many_come_who_is_here_is_asked_a_few_times() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    for number in 0..30 {
        alice.join(&format!("guest-{number}"));
    }
    browser.wait_for("#count", "32 members");
    let asked = browser.run(
        "return performance.getEntriesByType('resource').filter(({ name }) => name.includes('members=true')).length",
    );
    assert!((1..10).contains(&asked.as_u64().unwrap()), "{asked} times");
    assert_quiet(&browser);
}

#[test]
fn an_enter_that_chooses_a_word_does_not_send() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    browser.type_into("#text", "Half a wo");
    let sends = |how: &str| {
        browser.run(&format!(
            "const event = new KeyboardEvent('keydown', {{ key: 'Enter', cancelable: true, {how} }});
             document.querySelector('#text').dispatchEvent(event);
             return event.defaultPrevented;"
        ))
    };
    assert_eq!(sends("isComposing: true"), false);
    assert_eq!(sends("keyCode: 229"), false);
    assert_eq!(sends("keyCode: 13"), true);
    browser.wait_for("#messages", "Half a wo");
}
