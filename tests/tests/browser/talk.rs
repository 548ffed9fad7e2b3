//! What a person does in a conversation: invites, replies, writes, searches.

use crate::{assert_quiet, joined};
use nexus_tests::{Api, Member, Relay, browser::Browser, eventually, list, relay, string};
use serde_json::{Value, json};

const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";

/// A browser whose person has started a conversation as ann.
fn started(base: &str, greeting: &str) -> Browser {
    let browser = Browser::start();
    browser.open(base);
    browser.type_into("#name", "ann");
    browser.type_into("#greeting", greeting);
    browser.click("#start button");
    browser.wait_for("#connection", "Live");
    browser
}

/// Takes the seat behind a link, with this profile.
pub(crate) fn claim(base: &str, link: &str, agent: &str, profile: &Value) -> Member {
    let api = Api::new(base);
    let code = link.rsplit('/').next().unwrap();
    let claim = api.post(&format!("/v1/pair/{code}/claim")).agent(agent).json(profile).send();
    let seat = claim.json();
    let key = string(&seat["sessionKey"]);
    Member { api, session: string(&seat["sessionId"]), agent: agent.into(), key }
}

/// Opens the menu of the last message.
fn open_message_menu(browser: &Browser) {
    browser.run("[...document.querySelectorAll('article .more')].at(-1).click()");
    eventually("the menu is open", || browser.count("[role=menu]") == 1);
}

#[test]
fn the_invitation_stands_in_the_transcript_until_somebody_joins() {
    let relay = relay();
    let ann = started(&relay.url(), "# Lunch on Tuesday\nWhere shall we go?");
    ann.wait_for("#alone-link", "/p/");
    assert_eq!(ann.text("#title"), "Lunch on Tuesday");
    assert_eq!(ann.run("return document.title"), "Lunch on Tuesday - nexus-relay");
    ann.wait_for("#deadline", "Deletes itself in");
    eventually("its QR code is there", || ann.count("#alone svg[role=img]") == 1);
    ann.check_accessibility("a conversation without anybody else");
    for scheme in ["light", "dark"] {
        ann.color_scheme(scheme);
        ann.screenshots(&format!("alone-{scheme}"));
    }
    // The same link, in the dialog and after a reload: nobody has used it.
    let link = ann.text("#alone-link");
    ann.click("#invite");
    ann.wait_for("#invite-link", &link);
    ann.click("#invite-another");
    eventually("it is another one", || {
        let other = ann.text("#invite-link");
        other.contains("/p/") && other != link
    });
    let other = ann.text("#invite-link");
    ann.click("#inviting [data-close]");
    ann.reload();
    ann.wait_for("#alone-link", "/p/");
    let shown = ann.text("#alone-link");
    assert!(shown == link || shown == other, "{shown} is neither {link} nor {other}");

    let li = claim(&relay.url(), &shown, "li-ming", &json!({ "name": "李明" }));
    ann.wait_for("#messages", "李明 joined");
    eventually("the invitation is gone", || ann.text("#alone").is_empty());
    ann.wait_for("#members", "李明");
    ann.wait_for("#members", "li-ming");
    li.send("好");
    eventually("the name is shown as it is written", || {
        let names = "return [...document.querySelectorAll('article .author')].map((one) => one.textContent)";
        ann.run(names).to_string().contains("李明")
    });
    assert_eq!(ann.text("#title"), "Lunch on Tuesday");
    assert_quiet(&ann);
}

#[test]
fn a_link_in_the_transcript_is_replaced_when_its_time_is_over() {
    let relay = Relay::builder().var("PAIRING_TTL_SECONDS", "6").start().unwrap();
    let ann = started(&relay.url(), "Lunch");
    ann.wait_for("#alone-link", "/p/");
    let first = ann.text("#alone-link");
    ann.wait_for("#alone", "It works once, for 0:0");
    eventually("there is another link", || {
        let link = ann.text("#alone-link");
        link.contains("/p/") && link != first
    });
    assert_quiet(&ann);
}

#[test]
fn a_conversation_without_a_topic_is_called_after_the_others() {
    let relay = relay();
    let ann = started(&relay.url(), " ");
    ann.wait_for("#alone-link", "/p/");
    assert_eq!(ann.run("return document.title"), "Conversation - nexus-relay");
    claim(&relay.url(), &ann.text("#alone-link"), "bob", &json!({ "name": "Bob's assistant" }));
    ann.wait_for("#title", "Bob's assistant");
    assert_eq!(ann.run("return document.title"), "Bob's assistant - nexus-relay");
}

#[test]
fn a_reply_is_made_and_shown_and_leads_to_what_it_answers() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    let first = alice.send("Which day?");
    browser.wait_for("#messages", "Which day?");
    open_message_menu(&browser);
    browser.check_accessibility("the menu of a message");
    browser.click("#reply");
    browser.wait_for("#replying", "Reply to a: Which day?");
    assert_eq!(browser.run("return document.activeElement.id"), "text");
    browser.screenshots("replying");
    browser.type_into("#text", ESCAPE);
    assert_eq!(browser.text("#replying"), "", "Escape takes it back");
    open_message_menu(&browser);
    browser.click("#reply");
    browser.type_into("#text", &format!("Tuesday{ENTER}"));
    browser.wait_for("article.own .quote", "In reply to a: Which day?");
    assert_eq!(browser.text("#replying"), "");
    let log = alice.poll("");
    let reply = list(&log["messages"]).last().unwrap();
    assert_eq!((&reply["text"], &reply["replyTo"]), (&json!("Tuesday"), &first["id"]));
    browser.click(".own .quote button");
    let there = browser.run("return document.activeElement.textContent");
    assert!(string(&there).contains("Which day?"), "{there}");
    assert_quiet(&browser);
}

#[test]
fn a_draft_lives_through_a_reload_and_no_longer_than_the_conversation() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    browser.type_into("#text", "Half a tho");
    browser.reload();
    browser.wait_for("#me", "zoe");
    let draft = || browser.run("return document.querySelector('#text').value");
    assert_eq!(draft(), "Half a tho");
    browser.type_into("#text", &format!("ught{ENTER}"));
    browser.wait_for("#messages", "Half a thought");
    browser.reload();
    browser.wait_for("#messages", "Half a thought");
    assert_eq!(draft(), "", "what was sent is no draft");
    browser.type_into("#text", "Gone with it");
    browser.click("#leave");
    browser.click("#leave-form button:not([type=button])");
    browser.wait_for("#over-heading", "You have left");
    assert_eq!(browser.run("return Object.keys(sessionStorage).join()"), "");
}

#[test]
fn a_text_that_is_too_long_is_told_before_it_is_sent() {
    let relay = relay();
    let browser = joined(&Api::new(&relay.url()).session(), "zoe");
    let write = |letters: u32| {
        browser.run(&format!(
            "const field = document.querySelector('#text');
             field.value = 'ä'.repeat({letters});
             field.dispatchEvent(new Event('input'));"
        ));
        browser.text("#room")
    };
    assert_eq!(write(1000), "");
    assert_eq!(write(32_760), "Room for 16 more bytes");
    assert!(write(32_769).contains("Too long by 2 bytes"));
    assert_eq!(browser.run("return document.querySelector('#send').disabled"), true);
    let height = browser.run("return document.querySelector('#text').offsetHeight / innerHeight");
    assert!(height.as_f64().unwrap() < 0.42, "it grows to a part of the screen: {height}");
    write(0);
}

#[test]
fn only_what_is_near_is_drawn_and_search_finds_the_rest() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    for number in 0..400 {
        alice.send(&format!("Number {number}. The **quick** brown fox"));
    }
    alice.send("# needle\n\nin `hay`");
    let browser = joined(&alice, "zoe");
    browser.wait_for("#messages", "needle");
    assert!(browser.count("article") < 150, "{}", browser.count("article"));
    browser.click("#open-menu");
    browser.check_accessibility("the menu");
    browser.screenshots("menu");
    // A window of another size has closed it.
    if browser.count("#find") == 0 {
        browser.click("#open-menu");
    }
    browser.click("#find");
    browser.type_into("#search-text", "QUICK");
    browser.wait_for("#search-count", "400 of 400");
    browser.type_into("#search-text", ENTER);
    browser.wait_for("#search-count", "1 of 400");
    browser.wait_for("article.found", "Number 0.");
    let in_sight =
        "const { top, bottom } = document.querySelector('.found mark').getBoundingClientRect();
        return top > 0 && bottom < innerHeight;";
    eventually("what was found is in sight", || browser.run(in_sight) == true);
    assert!(browser.count("article") < 150, "{}", browser.count("article"));
    browser.check_accessibility("a search");
    browser.screenshots("search");
    browser.run("document.querySelector('#search-previous').click()");
    browser.wait_for("article.found", "Number 399.");
    browser.clear("#search-text");
    browser.type_into("#search-text", "no such words");
    browser.wait_for("#search-count", "Not found");
    assert_eq!(browser.count("mark.hit"), 0);
    browser.type_into("#search-text", ESCAPE);
    assert_eq!(browser.text("#search"), "");
    // What comes meanwhile is counted, and does not move what is read.
    browser.run("document.querySelector('#scroller').scrollTop = 0");
    browser.wait_for("#messages", "Number 0.");
    alice.send("Far below");
    browser.wait_for("#to-end", "1 new message");
    assert!(browser.text("#messages").contains("Number 0."));
    browser.click("#to-end");
    browser.wait_for("#messages", "Far below");
    assert_quiet(&browser);
}

#[test]
fn display_names_are_text_that_cannot_pass_for_another() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    let names =
        ["<img src=x onerror=alert(1)>", "The Relay", "z\u{0351}\u{0351}\u{0351}", "a\u{202E}b"];
    for (number, name) in names.into_iter().enumerate() {
        let link = format!("/p/{}", alice.pair());
        let agent = format!("guest-{number}");
        claim(&relay.url(), &link, &agent, &json!({ "name": name })).send("Hello");
    }
    for number in 0..names.len() {
        browser.wait_for("#members", &format!("guest-{number}"));
    }
    browser.wait_for("#messages", "<img src=x onerror=alert(1)> joined");
    browser.wait_for("#members", "aU+202Eb");
    assert_eq!(browser.count("main :is(img, [onerror])"), 0);
    // In the list of members and at what it said.
    let marked = "return [...document.querySelectorAll('[data-agent=guest-1]')].every(
        (one) => one.textContent.includes('guest-1') && one.textContent.includes('not the relay'))";
    assert_eq!(browser.run(marked), true);
    for width in [390, 1280] {
        browser.size(width, 800);
        assert!(browser.page_width() <= width.into());
    }
    assert_quiet(&browser);
}

#[test]
fn beside_the_messages_stand_people_tasks_and_files() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    browser.wait_for("#count", "2 members");
    browser.wait_for("#rights", "alone can end it");
    browser.click("#files-tab");
    assert_eq!(browser.text("#count"), "", "one part at a time");
    browser.click("#people-tab");
    // On a phone the transcript has the screen.
    browser.size(390, 844);
    eventually("the panel is closed", || browser.text("#side").is_empty());
    browser.click("#open-panel");
    browser.wait_for("#count", "2 members");
    browser.check_accessibility("the panel on a phone");
    assert_eq!(browser.run("return document.activeElement.id"), "people-tab");
    assert_eq!(browser.run("return document.querySelector('#talk').inert"), true);
    browser.type_into("#people-tab", ESCAPE);
    assert_eq!(browser.text("#side"), "");
    assert_eq!(browser.run("return document.activeElement.id"), "open-panel");
    assert_quiet(&browser);
}
