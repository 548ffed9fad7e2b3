//! The operator's page.

use crate::{assert_quiet, pages::look_at};
use nexus_tests::{Api, Member, Relay, browser::Browser, eventually};
use serde_json::{Value, json};

/// Figures of three busy hours in place of the relay's own, whose clock is a day ahead of the browser's.
const BUSY: &str = "const original = fetch;
    window.fetch = async (url, options) => {
        const answer = await original(url, options);
        if (!url.endsWith('/activity') || !answer.ok) return answer;
        const wave = (i, most, every) => Math.round(most * (1 + Math.sin(i / every)) / 2);
        const now = Math.floor(Date.now() / 60000) * 60000 + 86400000 + 20000;
        const minutes = Array.from({ length: 180 }, (_, i) => ({
            at: new Date(now - 20000 - (179 - i) * 60000).toISOString(),
            sessions: wave(i, 40, 30), messages: wave(i, 900, 9), requests: i == 178 ? 8000 : wave(i, 4000, 9),
            refused: wave(i, 20, 3), limited: i > 100 && i < 120 ? i : 0, failed: i == 90 ? 2 : 0,
        }));
        const ago = (minutes) => new Date(now - 20000 - minutes * 60000).toISOString();
        const limits = [
            { limit: 'guesses', lastHour: 31, lastDay: 640, lastAt: ago(2) },
            { limit: 'messages', lastHour: 0, lastDay: 4, lastAt: ago(190) },
            { limit: 'of_a_later_version', lastHour: 0, lastDay: 1, lastAt: ago(600) },
        ];
        const stats = { activeSessions: 38, totalAgents: 91, totalMessages: 48211, uptime: 1 };
        return new Response(JSON.stringify({ now: new Date(now).toISOString(), stats, minutes, limits }));
    };";

const TOKEN: &str = "correct-horse-battery";

const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";
const TAB: &str = "\u{E004}";
const END: &str = "\u{E010}";
const HOME: &str = "\u{E011}";
const LEFT: &str = "\u{E012}";
const RIGHT: &str = "\u{E014}";

fn relay() -> Relay {
    Relay::builder().var("ADMIN_TOKEN", TOKEN).start().unwrap()
}

fn enter(browser: &Browser, token: &str) {
    browser.clear("#token");
    browser.type_into("#token", token);
    browser.click("#enter button");
}

/// A browser whose person has entered the token.
fn entered(relay: &Relay) -> Browser {
    let browser = Browser::start();
    browser.open(&format!("{}/admin", relay.url()));
    enter(&browser, TOKEN);
    browser.wait_for("#now", "session");
    browser
}

/// What the focus is on.
fn focused(browser: &Browser) -> Value {
    browser.run("return document.activeElement.id")
}

/// Presses a key on whatever the focus is on.
fn press(browser: &Browser, key: &str) {
    browser.type_into(":focus", key);
}

/// An attribute of the chart of requests.
fn slider(browser: &Browser, name: &str) -> String {
    let script =
        format!("return document.querySelector('.chart-requests .plot').getAttribute('{name}')");
    browser.run(&script).as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_operator_sees_the_last_hours_with_the_token_only() {
    let relay = relay();
    let api = Api::new(&relay.url());
    api.session().send("hello");
    let browser = Browser::start();
    browser.open(&format!("{}/admin", relay.url()));
    enter(&browser, "wrong-wrong-wrong-wrong");
    browser.wait_for("#enter [role=alert]", "not the operator's token");
    assert_eq!(browser.text("#charts"), "");
    enter(&browser, TOKEN);
    browser.wait_for("#now", "1 session, 1 agent in them");
    assert_eq!(browser.count("#charts svg"), 6);
    assert_eq!(focused(&browser), "now");
    browser.reload();
    browser.wait_for("#now", "1 session");
    browser.click("#forget");
    assert_eq!(browser.text("#charts"), "");
    assert_eq!(focused(&browser), "token");
    browser.reload();
    browser.wait_for("#enter", "token");
    assert_eq!(browser.run("return sessionStorage.length"), 0);
}

#[test]
fn its_charts_can_be_read_by_everyone() {
    let relay = relay();
    let browser = Browser::start();
    browser.before_pages(BUSY);
    browser.open(&format!("{}/admin", relay.url()));
    look_at(&browser, "admin-enter");
    enter(&browser, TOKEN);
    browser.wait_for("#charts", "Limits hit");
    look_at(&browser, "admin");
    browser.click("#values summary");
    browser.wait_for("#values-table", "Requests");
    look_at(&browser, "admin-values");
    for width in [390, 820, 1440] {
        browser.size(width, 900);
        eventually("the charts fit", || browser.page_width() <= u64::from(width));
    }
    assert_quiet(&browser);
}

#[test]
fn a_chart_has_round_values_and_the_relays_times_and_says_the_value_of_each_minute() {
    let relay = relay();
    let browser = Browser::start();
    browser.before_pages(BUSY);
    browser.open(&format!("{}/admin", relay.url()));
    enter(&browser, TOKEN);
    browser.wait_for(".chart-requests .value", "most: 8,000 at");
    let labels = "return [...document.querySelectorAll('.chart-requests text')].map((text) => text.textContent)";
    let labels = browser.run(labels);
    let labels: Vec<&str> = labels.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(labels[..5], ["0", "2K", "4K", "6K", "8K"], "{labels:?}");
    assert!(labels.len() > 7 && labels[5..].iter().all(|time| time.contains(":00")), "{labels:?}");

    // By keyboard.
    browser.click(".chart-requests .plot");
    press(&browser, END);
    assert!(slider(&browser, "aria-valuetext").ends_with(" answered"), "{labels:?}");
    press(&browser, LEFT);
    browser.wait_for(".chart-requests .value", ": 8,000 answered");
    assert_eq!(
        (slider(&browser, "aria-valuenow"), slider(&browser, "aria-valuemax")),
        ("178".into(), "179".into())
    );
    press(&browser, RIGHT);
    press(&browser, RIGHT);
    assert_eq!(slider(&browser, "aria-valuenow"), "179", "there is nothing after the newest");
    press(&browser, HOME);
    press(&browser, LEFT);
    assert_eq!(slider(&browser, "aria-valuenow"), "0");
    press(&browser, TAB);
    browser.wait_for(".chart-requests .value", "most:");

    // By pointer: where the highest bar is.
    let point = |kind: &str| {
        browser.run(&format!(
            "const plot = document.querySelector('.chart-requests .plot');
             const {{ left, width }} = plot.getBoundingClientRect();
             const clientX = left + 44 + (width - 74) * 178.5 / 180;
             plot.dispatchEvent(new PointerEvent('{kind}', {{ clientX, pointerType: 'touch' }}));"
        ));
    };
    for kind in ["pointermove", "pointerdown"] {
        point(kind);
        browser.wait_for(".chart-requests .value", ": 8,000 answered");
    }

    // The same as a table, and other ranges.
    browser.click("#values summary");
    browser.wait_for("#values-table", "8,000");
    assert_eq!(browser.count("#values-table tbody tr"), 180);
    browser.click("#ranges [value='60']");
    eventually("an hour", || browser.count("#values-table tbody tr") == 60);
    assert_eq!(slider(&browser, "aria-valuemax"), "59");
    browser.click("#ranges [value='0']");
    eventually("all there is", || browser.count("#values-table tbody tr") == 180);
    browser.wait_for("#limits", "Wrong codes");
    let rows = browser.text("#limits");
    assert!(
        rows.contains("640") && rows.contains("2 min ago") && rows.contains("of_a_later_version"),
        "{rows}"
    );
    assert_quiet(&browser);
}

#[test]
fn where_nothing_happened_it_says_so() {
    let relay = relay();
    let browser = Browser::start();
    browser.before_pages(
        "const original = fetch;
        window.fetch = async (url, options) => {
            const answer = await original(url, options);
            if (!url.endsWith('/activity') || !answer.ok) return answer;
            return new Response(JSON.stringify({ ...await answer.json(), minutes: [], limits: [] }));
        };",
    );
    browser.open(&format!("{}/admin", relay.url()));
    enter(&browser, TOKEN);
    browser.wait_for("#nothing", "Nothing has happened");
    browser.wait_for("#no-limits", "No limit was hit");
    browser.wait_for(".chart-failed .value", "none answered with 5xx");
    browser.click("#ranges [value='0']");
    browser.click("#values summary");
    look_at(&browser, "admin-nothing");
    assert_quiet(&browser);
}

#[test]
fn a_session_is_ended_by_the_id_of_a_request_with_the_keyboard_alone() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (session, key) = api.create(&json!({ "creatorAgentId": "ann" }));
    let ann = Member { api, session, agent: "ann".into(), key: key.unwrap() };
    ann.send("nobody else's business");
    // Somebody is in it, in a browser.
    let member = Browser::start();
    crate::join(&member, &ann, "zoe");
    let id = ann.call("GET", "/messages").send().header("X-Request-Id").to_owned();
    let path = format!("/v1/admin/requests/{id}");
    let known = || {
        let call = ann.api.get(&path);
        call.header("Authorization", format!("Bearer {TOKEN}").as_bytes()).send().status == 200
    };
    eventually("the directory knows the session", known);

    let operator = entered(&relay);
    operator.type_into("#request-id", "0123");
    press(&operator, ENTER);
    operator.wait_for("#trace [role=alert]", "no request id");
    operator.clear("#request-id");
    operator.type_into("#request-id", &format!("0000000000000000{ENTER}"));
    operator.wait_for("#trace [role=alert]", "No session here belongs");
    operator.clear("#request-id");
    // A whole line of the log.
    let line = format!(
        r#"{{"requestId":"{id}","route":"GET /v1/sessions/:session/messages","status":200,"ms":4}}"#
    );
    operator.type_into("#request-id", &format!("{line}{ENTER}"));
    operator.wait_for("#found-heading", "This would end");
    assert_eq!(focused(&operator), "found-heading");
    let shown = operator.text("#found");
    for (name, value) in [("Members", "2"), ("Messages", "1"), ("Size", "bytes"), ("Began", "ago")]
    {
        assert!(shown.contains(name) && shown.contains(value), "{name}: {shown}");
    }
    assert!(!shown.contains("ann") && !shown.contains("business"), "{shown}");
    look_at(&operator, "admin-session");

    press(&operator, TAB);
    assert_eq!(focused(&operator), "end-session");
    press(&operator, ENTER);
    operator.wait_for("#ending-words", "cannot be brought back");
    assert_eq!(focused(&operator), "keep");
    look_at(&operator, "admin-ending");
    press(&operator, ESCAPE);
    eventually("the question is gone", || operator.count("dialog[open]") == 0);
    assert_eq!(focused(&operator), "end-session");
    assert_eq!(ann.call("GET", "").send().status, 200, "nothing was ended");

    press(&operator, ENTER);
    operator.wait_for("#ending-words", "cannot be brought back");
    operator.type_into("#end-now", ENTER);
    operator.wait_for("#found-heading", "The session has ended");
    assert_eq!(focused(&operator), "found-heading");
    assert_eq!(operator.text("#end-session"), "");
    member.wait_for("#over-words", "The operator of this relay has ended it");
    assert_eq!(ann.call("GET", "").send().status, 404);
    operator.click("#trace button");
    operator.wait_for("#found-heading", "Already over");
    assert_quiet(&member);
}

#[test]
fn without_a_token_the_page_says_what_to_do() {
    let relay = nexus_tests::relay();
    let browser = Browser::start();
    browser.open(&format!("{}/admin", relay.url()));
    browser.wait_for("main", "not set up");
    browser.wait_for("main", "npx wrangler secret put ADMIN_TOKEN");
    look_at(&browser, "admin-unset");
}
