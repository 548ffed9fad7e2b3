//! The page behind a link, while something happens to the code.

use crate::assert_quiet;
use nexus_tests::{Api, Member, Relay, browser::Browser, relay};

#[test]
fn it_counts_down_and_says_when_the_code_expires() {
    let relay = Relay::builder().var("PAIRING_TTL_SECONDS", "8").start().unwrap();
    let browser = Browser::start();
    let alice = Api::new(&relay.url()).session();
    browser.open(&format!("{}/p/{}", relay.url(), alice.pair()));
    browser.wait_for("#state", "waiting");
    browser.wait_for("#left", "0:0");
    browser.wait_for("#gone h1", "This link has run out");
    assert_eq!(browser.count("#join"), 0, "nobody can join any more");
    browser.check_accessibility("a link that has run out");
    assert_only_missing(&browser);
}

#[test]
fn it_says_when_someone_has_joined() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let code = alice.pair();
    let browser = Browser::start();
    browser.open(&format!("{}/p/{code}", relay.url()));
    assert!(browser.text("#prompt").contains(&format!("{}/p/{code}", relay.url())));
    browser.click("details:last-of-type summary");
    assert!(browser.text("details:last-of-type").contains(&format!("/v1/pair/{code}/claim")));
    assert_eq!(alice.api.post(&format!("/v1/pair/{code}/claim")).agent("bob").send().status, 200);
    browser.run("document.dispatchEvent(new Event('visibilitychange'))");
    browser.wait_for("#gone h1", "This link has been used");
    assert_eq!(browser.count("#prompt"), 0);
    assert_only_missing(&browser);
}

/// The page of a link that does not work has the status 404, which browsers report.
fn assert_only_missing(browser: &Browser) {
    let errors = browser.console_errors();
    assert!(errors.iter().all(|error| error.contains("404")), "{errors:?}");
}

#[test]
fn each_way_in_which_a_link_ends_has_a_page_of_its_own() {
    let relay = relay();
    let ann = Api::new(&relay.url()).session();
    let browser = Browser::start();
    let back = ann.pair();
    let path = format!("/v1/pair/{back}");
    assert_eq!(ann.api.call("DELETE", &path).agent(&ann.agent).key(&ann.key).send().status, 200);
    let ended = Api::new(&relay.url()).session();
    let last = ended.pair();
    assert_eq!(ended.call("DELETE", "").send().status, 200);
    for (code, heading) in [
        (back.as_str(), "This link was taken back"),
        (last.as_str(), "This conversation has ended"),
        ("PEARL-FOCAL-S5SJV", "There is no such link"),
        ("PEARL-FOCAL", "This link is not complete"),
    ] {
        browser.open(&format!("{}/p/{code}", relay.url()));
        browser.wait_for("#gone h1", heading);
        crate::pages::look_at(&browser, heading);
    }
}

#[test]
fn in_the_browser_that_made_it_a_link_is_ones_own_invitation() {
    let relay = relay();
    let browser = Browser::start();
    browser.open(&relay.url());
    browser.type_into("#name", "\u{674e}\u{660e}");
    browser.type_into("#greeting", "Lunch?");
    browser.click("#start button");
    browser.wait_for("#connection", "Live");
    let seat = browser
        .run("return Object.entries(localStorage).find(([key]) => key.startsWith('nexus.seat.'))");
    let session = seat[0].as_str().unwrap().strip_prefix("nexus.seat.").unwrap().to_owned();
    let held: serde_json::Value = serde_json::from_str(seat[1].as_str().unwrap()).unwrap();
    let api = Api::new(&relay.url());
    let (agent, key) = (held["agent"].as_str().unwrap(), held["key"].as_str().unwrap());
    let pair = api.put("/v1/pair").json(&serde_json::json!({ "sessionId": session }));
    let code = nexus_tests::string(&pair.agent(agent).key(key).send().json()["code"]);
    browser.run(&format!("localStorage.setItem('nexus.link.{code}', '{session}')"));
    browser.open(&format!("{}/p/{code}", relay.url()));
    browser.wait_for("#heading", "This is your invitation");
    assert_eq!(browser.text("#join"), "", "joining would use it up");
    browser.check_accessibility("one's own invitation");
    browser.click("#own-conversation");
    browser.wait_for("#connection", "Live");
    // Others see the name as it was written.
    let other = Browser::start();
    other.open(&format!("{}/p/{code}", relay.url()));
    other.wait_for("#heading", "\u{674e}\u{660e} invites you to talk");
    other.wait_for(".about", "Lunch?");
    // The front page lists the conversation, until it has ended.
    browser.open(&relay.url());
    browser.wait_for("#mine", "as guest-");
    let path = format!("/v1/sessions/{session}");
    assert_eq!(api.call("DELETE", &path).agent(agent).key(key).send().status, 200);
    browser.reload();
    browser.wait_for("#mine-none", "None in this browser");
}

#[test]
fn the_front_page_opens_what_was_pasted() {
    let relay = relay();
    let ann = Api::new(&relay.url()).session();
    let code = ann.pair();
    let browser = Browser::start();
    for pasted in [code.to_lowercase(), format!("Open <{}/p/{code}>, please!", relay.url())] {
        browser.open(&relay.url());
        browser.type_into("#link", &pasted);
        browser.click("#open button");
        browser.wait_for("#heading", "invites you to talk");
    }
    browser.open(&relay.url());
    browser.type_into("#link", "hello");
    browser.click("#open button");
    browser.wait_for("#open-problem", "neither a link nor a code");
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
pub(crate) fn join_without_answer(browser: &Browser, link: &str) {
    browser.open(link);
    browser.run(LOST_ANSWERS);
    browser.type_into("#name", "zoe");
    browser.click("#join button");
    browser.wait_for("#join [role=alert]", "You may have joined already");
}

/// Fails if zoe is not there, or more than once.
pub(crate) fn assert_one_seat(browser: &Browser, member: &Member) {
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
    join_without_answer(&browser, &format!("{}/p/{}", relay.url(), alice.pair()));
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
    join_without_answer(&browser, &format!("{}/p/{}", relay.url(), alice.pair()));
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
    browser.open(&format!("{}/p/{}", relay.url(), alice.pair()));
    let prompt = browser.text("#prompt");
    browser.click("[data-copy=prompt]");
    browser.wait_for("[data-copy=prompt]", "Copied");
    assert_eq!(browser.run("return window.copied"), prompt.as_str());
}
