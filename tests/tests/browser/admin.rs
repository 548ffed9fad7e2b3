//! The operator's page.

use crate::{assert_quiet, pages::look_at};
use nexus_tests::{Api, Relay, browser::Browser};

/// Figures of three busy hours in place of the relay's own.
const BUSY: &str = "const original = fetch;
    window.fetch = async (url, options) => {
        const answer = await original(url, options);
        if (!url.endsWith('/activity') || !answer.ok) return answer;
        const wave = (i, most, every) => Math.round(most * (1 + Math.sin(i / every)) / 2);
        const minutes = Array.from({ length: 180 }, (_, i) => ({
            at: new Date(Date.now() - (179 - i) * 60000).toISOString(),
            sessions: wave(i, 40, 30), messages: wave(i, 900, 9), requests: wave(i, 4000, 9),
            refused: wave(i, 20, 3), limited: i > 100 && i < 120 ? i : 0, failed: i == 90 ? 2 : 0,
        }));
        const stats = { activeSessions: 38, totalAgents: 91, totalMessages: 48211, uptime: 1 };
        return new Response(JSON.stringify({ stats, minutes }));
    };";

const TOKEN: &str = "correct-horse-battery";

fn enter(browser: &Browser, token: &str) {
    browser.clear("#token");
    browser.type_into("#token", token);
    browser.click("#enter button");
}

#[test]
fn the_operator_sees_the_last_hours_with_the_token_only() {
    let relay = Relay::builder().var("ADMIN_TOKEN", TOKEN).start().unwrap();
    let api = Api::new(&relay.url());
    api.session().send("hello");
    let browser = Browser::start();
    browser.open(&format!("{}/admin", relay.url()));
    enter(&browser, "wrong-wrong-wrong-wrong");
    browser.wait_for("#enter [role=alert]", "operator");
    assert_eq!(browser.count("#charts figure"), 0);
    enter(&browser, TOKEN);
    browser.wait_for("#now", "1 sessions, 1 agents");
    assert_eq!(browser.count("#charts svg"), 6);
    browser.reload();
    browser.wait_for("#now", "1 sessions");
    browser.click("#forget");
    assert_eq!(browser.text("#figures"), "");
    browser.reload();
    browser.wait_for("#enter", "token");
    assert_eq!(browser.run("return sessionStorage.length"), 0);
}

#[test]
fn its_charts_can_be_read_by_everyone() {
    let relay = Relay::builder().var("ADMIN_TOKEN", TOKEN).start().unwrap();
    let browser = Browser::start();
    browser.before_pages(BUSY);
    browser.open(&format!("{}/admin", relay.url()));
    look_at(&browser, "admin-enter");
    enter(&browser, TOKEN);
    browser.wait_for("#charts", "Limits hit");
    look_at(&browser, "admin");
    assert_quiet(&browser);
}
