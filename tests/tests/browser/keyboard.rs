//! The pages without a mouse, and as they are read out.

use crate::{files, talk::claim, tasks};
use nexus_tests::{Member, browser::Browser, eventually, relay, string};
use serde_json::json;

const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";
const RIGHT: &str = "\u{E014}";
const UP: &str = "\u{E013}";
const DOWN: &str = "\u{E015}";

/// Where the focus is: whether it is on what matches, and what is wrong with how it shows.
const FOCUS: &str = "const focus = document.activeElement;
    if (focus === document.body) return { at: false };
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(focus);
    const { top, bottom, left, right, width, height } = focus.getBoundingClientRect();
    const name = `${focus.tagName}#${focus.id} ${focus.textContent.trim().slice(0, 30)}`;
    const isSeen = width > 0 && height > 0 && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
    const isMarked = (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
    return { at: focus.matches(WANTED), wrong: isSeen && isMarked ? '' : `${name}: in sight ${isSeen}, marked ${isMarked}` };";

/// Presses Tab until the focus is on what matches. Whatever it comes by must show that it has it.
fn tab_to(browser: &Browser, css: &str) {
    let script = FOCUS.replace("WANTED", &json!(css).to_string());
    for _ in 0..60 {
        let focus = browser.run(&script);
        if focus["at"] == true {
            return;
        }
        assert_eq!(focus["wrong"].as_str().unwrap_or_default(), "", "on the way to {css}");
        browser.keys(TAB);
    }
    panic!("no Tab leads to {css}");
}

fn press_at(browser: &Browser, css: &str, key: &str) {
    tab_to(browser, css);
    browser.keys(key);
}

fn write_at(browser: &Browser, css: &str, text: &str) {
    tab_to(browser, css);
    browser.keys(text);
}

fn has_focus(browser: &Browser, css: &str) {
    let script = format!("return document.activeElement.matches({})", json!(css));
    eventually(&format!("the focus is on {css}"), || browser.run(&script) == true);
}

/// Starts a conversation on the front page, and seats an agent in it.
fn starts(browser: &Browser, base: &str) -> Member {
    browser.open(base);
    write_at(browser, "#name", "Anna");
    write_at(browser, "#greeting", "The party");
    press_at(browser, "#start button", ENTER);
    browser.wait_for("#connection", "Live");
    browser.wait_for("#alone-link", "/p/");
    let agent = claim(base, &browser.text("#alone-link"), "bob", &json!({ "name": "Bob" }));
    browser.wait_for("#messages", "Bob joined");
    agent
}

/// A link that this member makes.
fn link_of(member: &Member) -> String {
    format!("{}/p/{}", member.api.base(), member.pair())
}

#[test]
fn the_whole_story_can_be_lived_with_the_keyboard() {
    let relay = relay();
    let browser = Browser::start();
    let bob = starts(&browser, &relay.url());
    write_at(&browser, "#text", "Hello Bob");
    browser.keys(ENTER);
    eventually("it is sent", || bob.read_after("0").0.iter().any(|text| text == "Hello Bob"));

    press_at(&browser, "#people-tab", RIGHT);
    has_focus(&browser, "#tasks-tab");
    press_at(&browser, "#tasks-panel .panel-head button", ENTER);
    has_focus(&browser, ".give textarea");
    browser.keys("Book the hall");
    tab_to(&browser, ".give select");
    let chosen = || browser.run("return document.querySelector('.give select').value");
    assert_eq!(chosen(), "to:bob", "the other one is offered first");
    browser.keys(DOWN);
    assert_eq!(chosen(), "to:Anna");
    browser.keys(UP);
    assert_eq!(chosen(), "to:bob");
    press_at(&browser, ".give .actions button:not([type])", ENTER);
    tasks::wait_for_status(&browser, "Book the hall", "pending");
    let task = string(&tasks::named(&bob, "Book the hall")["id"]);
    tasks::change(&bob, &task, &json!({ "status": "declined", "result": "It is closed" }));
    tasks::wait_for_status(&browser, "Book the hall", "declined");
    press_at(&browser, ".task [data-step=settle]", ENTER);
    eventually("it is settled", || browser.count("#tasks-panel .task.wanting") == 0);

    files::put(&bob, "hall.txt", b"closed");
    files::keep_downloads(&browser);
    press_at(&browser, "#tasks-tab", RIGHT);
    has_focus(&browser, "#files-tab");
    files::wait_for_file(&browser, "hall.txt", "Bob");
    press_at(&browser, "#files-panel .file .end button", ENTER);
    assert_eq!(files::saved(&browser).2, b"closed");

    press_at(&browser, "#files-tab", RIGHT);
    has_focus(&browser, "#people-tab");
    press_at(&browser, "#end", ENTER);
    has_focus(&browser, "#asking-no");
    press_at(&browser, "#asking-yes", ENTER);
    browser.wait_for("#over-words", "You have ended it");
    has_focus(&browser, "#over-heading");
}

#[test]
fn a_link_is_opened_and_the_menus_are_used_with_the_keyboard() {
    let relay = relay();
    let host = Browser::start();
    let bob = starts(&host, &relay.url());
    let link = link_of(&bob);
    let guest = Browser::start();
    guest.open(&relay.url());
    write_at(&guest, "#link", &link);
    guest.keys(ENTER);
    guest.wait_for("#heading", "Anna invites you");
    write_at(&guest, "#name", "Carla");
    guest.keys(ENTER);
    guest.wait_for("#connection", "Live");
    bob.send("Which day?");
    guest.wait_for("#messages", "Which day?");
    // The menu of a message, and the one of the conversation.
    press_at(&guest, "article:last-of-type .more", ENTER);
    has_focus(&guest, "[role=menuitem]");
    guest.keys(ENTER);
    guest.wait_for("#replying", "Reply to");
    has_focus(&guest, "#text");
    guest.keys(&format!("Tuesday{ENTER}"));
    guest.wait_for("#messages", "Tuesday");
    press_at(&guest, "#open-menu", ENTER);
    has_focus(&guest, "[role=menuitem]");
    guest.keys(&format!("{DOWN}\u{E00C}"));
    has_focus(&guest, "#open-menu");
    press_at(&guest, "#leave", ENTER);
    has_focus(&guest, "#leaving [data-close]");
    press_at(&guest, "#leaving .danger", ENTER);
    guest.wait_for("#over-heading", "You have left");
    has_focus(&guest, "#over-heading");
    host.wait_for("#messages", "Carla left");
}

/// What a screen reader is told of the page, in order: the role and the name of each landmark, heading and
/// control, and of each message.
fn read_out(browser: &Browser) -> Vec<String> {
    const ROLES: [&str; 16] = [
        "article",
        "banner",
        "button",
        "combobox",
        "complementary",
        "contentinfo",
        "dialog",
        "heading",
        "link",
        "log",
        "main",
        "navigation",
        "region",
        "tab",
        "tabpanel",
        "textbox",
    ];
    let heard = browser.read_out().into_iter();
    let heard = heard.filter(|(role, _)| ROLES.contains(&role.as_str()));
    heard.map(|(role, name)| format!("{role} {name}").trim().to_owned()).collect()
}

#[test]
fn the_front_page_is_read_out_in_its_order() {
    let relay = relay();
    let browser = Browser::start();
    browser.open(&relay.url());
    let heard = [
        "link Skip to the content",
        "banner",
        "link nexus-relay",
        "navigation Site",
        "link Docs",
        "link Skill",
        "main",
        "heading Your agent talks with theirs",
        "heading Start a conversation",
        "textbox Your name",
        "textbox What it is about",
        "combobox Deletes itself after",
        "button Start a conversation",
        "region You were given a link?",
        "heading You were given a link?",
        "textbox Link or code",
        "button Open",
        "region My conversations",
        "heading My conversations",
        "region Or ask your agent",
        "heading Or ask your agent",
        "button Copy the prompt",
        "region How agents use it",
        "heading How agents use it",
        "region More",
        "heading What is stored",
        "heading To build with it",
        "link The protocol",
        "link The skill",
        "link OpenAPI 3.1",
        "link llms.txt",
        "contentinfo",
    ];
    assert_eq!(read_out(&browser), heard);
}

#[test]
fn a_conversation_is_read_out_in_its_order_and_so_is_its_link() {
    let relay = relay();
    let browser = Browser::start();
    let bob = starts(&browser, &relay.url());
    bob.send("Which day?");
    browser.wait_for("#messages", "Which day?");
    let heard = [
        "link Skip to the content",
        "main",
        "link nexus-relay: my conversations",
        "heading The party",
        "button Invite",
        "button 2 people",
        "button More",
        "region Messages",
        "heading Messages",
        "log Transcript",
        "article Greeting, by Anna",
        "button Reply to Greeting, by Anna, and more",
        "article Bob",
        "button Reply to Bob, and more",
        "region Write",
        "textbox Message as Anna",
        "button Send",
        "complementary Members, tasks and files",
        "tab People 2",
        "tab Tasks",
        "tab Files",
        "tabpanel People 2",
        "heading 2 members",
        "button Remove Bob",
        "button End the conversation",
    ];
    assert_eq!(read_out(&browser), heard);
    let other = Browser::start();
    other.open(&link_of(&bob));
    let heard = [
        "link Skip to the content",
        "banner",
        "link nexus-relay",
        "navigation Site",
        "link Docs",
        "link Skill",
        "main",
        "heading Anna invites you to talk",
        "region Join in this browser",
        "heading Join in this browser",
        "textbox Your name",
        "button Join the conversation",
        "region Give it to your agent",
        "heading Give it to your agent",
        "button Copy the prompt",
        "button Copy only the link",
        "contentinfo",
    ];
    assert_eq!(read_out(&other), heard);
}
