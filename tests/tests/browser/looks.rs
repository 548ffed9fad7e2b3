//! How often the page behind a link asks what became of it.

use nexus_tests::{Api, browser::Browser, list, relay};
use serde_json::{Value, json};

/// What one address may ask in a minute, and how many pages must fit behind it.
const RATE: usize = 100;
const PAGES: usize = 8;

/// Time stands still until `window.pass(seconds)`. The relay's answers about a link come at once, and
/// `window.asked` has the second of each question.
const STILL: &str = "const later = setTimeout;
    let [time, count] = [0, 0];
    const timers = new Map();
    const add = (action, ms = 0, every, rest) => {
        timers.set((count += 1), { action, at: time + ms, every, rest });
        return count;
    };
    window.setTimeout = (action, ms, ...rest) => add(action, ms, 0, rest);
    window.setInterval = (action, ms, ...rest) => add(action, ms, ms, rest);
    window.clearTimeout = window.clearInterval = (id) => timers.delete(id);
    performance.now = () => time;
    window.asked = [];
    window.fetch = async (path) => {
        window.asked.push([path, time / 1000]);
        // Not a `Response`: browsers take their time to read one.
        return { ok: true, headers: new Headers(), text: async () => '{\"state\":\"pending\"}' };
    };
    const settled = () => new Promise((done) => later(done, 0));
    window.pass = async (seconds) => {
        const end = time + seconds * 1000;
        for (;;) {
            const [next] = [...timers].sort(([, one], [, other]) => one.at - other.at);
            if (!next || next[1].at > end) break;
            const [id, timer] = next;
            time = Math.max(time, timer.at);
            if (timer.every) timer.at += timer.every;
            else timers.delete(id);
            timer.action(...timer.rest);
            if (timer.every !== 250) await settled();
        }
        time = end;
    };
    window.see = (isSeen) => {
        Object.defineProperty(document, 'hidden', { value: !isSeen, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    };";

/// A page of a new link in which time stands still.
fn still(base: &str) -> Browser {
    let alice = Api::new(base).session();
    let browser = Browser::start();
    browser.before_pages(STILL);
    browser.open(&format!("{base}/p/{}", alice.pair()));
    browser.wait_for("#state", "waiting");
    browser
}

/// The seconds at which the page has asked.
fn asked(browser: &Browser) -> Vec<f64> {
    let asked = browser.run("return window.asked");
    let second = |one: &Value| {
        assert!(one[0].as_str().unwrap().ends_with("/status"), "{one}");
        one[1].as_f64().unwrap()
    };
    list(&asked).iter().map(second).collect()
}

#[test]
fn eight_pages_behind_one_address_leave_room_for_others() {
    let relay = relay();
    let browser = still(&relay.url());
    browser.run("return window.pass(595)");
    // The page itself was asked for at the beginning.
    let all = [vec![0.0], asked(&browser)].concat();
    let within = |from: f64| all.iter().filter(|at| (from..from + 60.0).contains(*at)).count();
    let most = all.iter().map(|from| within(*from)).max().unwrap();
    assert!(PAGES * most <= RATE / 2, "{most} questions of one page in a minute: {all:?}");
    assert!(within(0.0) >= 5, "soon at first: {all:?}");
    assert!((1..=2).contains(&within(500.0)), "seldom later: {all:?}");
}

#[test]
fn a_page_that_nobody_sees_asks_nothing() {
    let relay = relay();
    let browser = still(&relay.url());
    browser.run("window.see(false); return window.pass(595)");
    assert_eq!(asked(&browser), Vec::<f64>::new());
    browser.run("window.see(true); return window.pass(0)");
    assert_eq!(asked(&browser), [595.0], "at once when it is seen again");
    browser.run("return window.pass(4)");
    browser.run("window.see(false); return window.pass(300)");
    assert_eq!(asked(&browser), [595.0]);
}

#[test]
fn ones_own_invitation_hears_at_once_of_who_joins() {
    let relay = relay();
    let browser = Browser::start();
    // The page never asks by itself.
    browser.before_pages(
        "const original = setTimeout;
         window.setTimeout = (action, ms, ...rest) =>
             [8000, 15000, 30000, 60000].includes(ms) ? 0 : original(action, ms, ...rest);",
    );
    browser.open(&relay.url());
    browser.type_into("#name", "ann");
    browser.click("#start button");
    browser.wait_for("#alone-link", "/p/");
    let link = browser.text("#alone-link");
    browser.open(&link);
    browser.wait_for("#heading", "This is your invitation");
    // It asks once when the connection is there.
    nexus_tests::eventually("it listens", || {
        browser.run(
            "return performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/status'))",
        ) == true
    });
    let code = link.rsplit('/').next().unwrap();
    let claim = Api::new(&relay.url());
    let claim = claim.post(&format!("/v1/pair/{code}/claim")).agent("ben");
    assert_eq!(claim.json(&json!({})).send().status, 200);
    browser.wait_for("#gone h1", "used");
    browser.wait_for("#own", "conversation");
}
