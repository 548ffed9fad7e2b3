//! What a page knows again after a reload.

use crate::{assert_quiet, join, talk};
use nexus_tests::{Api, browser::Browser, eventually, list};
use serde_json::json;

/// What the author of the message with this text is called.
fn author_of(browser: &Browser, text: &str) -> String {
    let script = format!(
        "const all = [...document.querySelectorAll('article.message')];
         return all.find((one) => one.textContent.includes({}))?.querySelector('.author')?.innerText ?? ''",
        json!(text)
    );
    nexus_tests::string(&browser.run(&script)).replace('\n', " ")
}

#[test]
fn who_has_left_keeps_the_name_that_was_seen_here() {
    let (_relay, alice, browser) = talk();
    let name = "\u{674e}\u{660e}";
    let code = alice.pair();
    let claimed = alice.api.post(&format!("/v1/pair/{code}/claim")).agent("guest-1");
    let answer = claimed.json(&json!({ "name": name })).send();
    let key = nexus_tests::string(&answer.json()["sessionKey"]);
    let guest = alice.api.call("POST", &format!("/v1/sessions/{}/messages", alice.session));
    let sent = guest.agent("guest-1").key(&key).json(&json!({ "text": "Hello" })).send();
    assert_eq!(sent.status, 201);
    browser.wait_for("#members", name);
    browser.wait_for("#messages", &format!("{name} joined"));
    let path = format!("/v1/sessions/{}/agents/guest-1", alice.session);
    assert_eq!(alice.api.call("DELETE", &path).agent("guest-1").key(&key).send().status, 200);
    browser.wait_for("#count", "2 members");
    browser.reload();
    browser.wait_for("#messages", "Hello");
    assert_eq!(author_of(&browser, "Hello"), format!("{name} guest-1"));
    // No message carries a name, so that who comes later has only the id.
    let other = Browser::start();
    join(&other, &alice, "ben");
    other.wait_for("#messages", "Hello");
    assert_eq!(author_of(&other, "Hello"), "guest-1");
    assert_quiet(&browser);
}

#[test]
fn a_name_from_right_to_left_does_not_turn_the_line_around() {
    let (_relay, alice, browser) = talk();
    let code = alice.pair();
    let claimed = alice.api.post(&format!("/v1/pair/{code}/claim")).agent("guest-1");
    let name = "\u{645}\u{62d}\u{645}\u{62f}";
    assert_eq!(claimed.json(&json!({ "name": name })).send().status, 200);
    eventually("the name comes first", || {
        browser.run(
            "const line = [...document.querySelectorAll('.happened')].at(-1);
             const [name] = line.querySelectorAll('bdi');
             const range = document.createRange();
             range.selectNode(name.nextSibling);
             return name.textContent.length === 4 && name.getBoundingClientRect().right <= range.getBoundingClientRect().left + 1;",
        ) == true
    });
}

#[test]
fn a_draft_keeps_what_it_replies_to() {
    let (_relay, alice, browser) = talk();
    let first = nexus_tests::string(&alice.send("Which day?")["id"]);
    browser.wait_for("#messages", "Which day?");
    browser.click("article.message .more");
    browser.click("#reply");
    browser.wait_for("#replying", "Which day?");
    browser.type_into("#text", "Tues");
    browser.reload();
    browser.wait_for("#replying", "Reply to a: Which day?");
    browser.type_into("#text", "day\u{E007}");
    browser.wait_for("article.own", "Tuesday");
    let sent = alice.poll("");
    let last = list(&sent["messages"]).last().unwrap().clone();
    assert_eq!((&last["text"], &last["replyTo"]), (&json!("Tuesday"), &json!(first)));
    // What was sent, or is no longer a reply, is no reply after the next reload.
    assert_eq!(browser.text("#replying"), "");
    browser.click("article.message .more");
    browser.click("#reply");
    browser.type_into("#text", "Never mind");
    browser.click("#replying button");
    browser.reload();
    browser.wait_for("#connection", "Live");
    browser.wait_for("#messages", "Tuesday");
    assert_eq!(browser.run("return document.querySelector('#text').value"), "Never mind");
    assert_eq!(browser.text("#replying"), "");
    assert_quiet(&browser);
}

#[test]
fn a_draft_of_another_seat_is_not_shown() {
    let relay = nexus_tests::relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    let draft = json!({ "agent": "somebody", "text": "Not mine", "replyTo": "x-1" });
    browser.before_pages(&format!(
        "sessionStorage.setItem('nexus.draft.{}', JSON.stringify({draft}));",
        alice.session
    ));
    join(&browser, &alice, "zoe");
    assert_eq!(browser.run("return document.querySelector('#text').value"), "");
    assert_eq!(browser.text("#replying"), "");
}
