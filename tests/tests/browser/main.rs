//! The pages, as people meet them: in a real browser, against a real relay.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]
#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]

mod admin;
mod base_line;
mod cards;
mod clock;
mod connection;
mod control;
mod conversation;
mod encrypted;
mod engines;
mod files;
mod hostile;
mod kept;
mod keyboard;
mod link;
mod looks;
mod markdown;
mod modules;
mod pages;
mod seat;
mod stories;
mod talk;
mod tasks;
mod unsent;

use nexus_tests::{Api, Member, Relay, browser::Browser, eventually, relay, string};
use serde_json::json;

/// A browser that has joined the session of `member` by a link, under this name.
fn joined(member: &Member, name: &str) -> Browser {
    let browser = Browser::start();
    join(&browser, member, name);
    browser
}

fn join(browser: &Browser, member: &Member, name: &str) {
    let code = member.pair();
    browser.open(&format!("{}/p/{code}", member.api.base()));
    browser.clear("#name");
    browser.type_into("#name", name);
    browser.click("#join button");
    browser.wait_for("#connection", "Live");
}

/// A session, and zoe in it at a browser. It lasts as long as the relay, which is the first value.
fn talk() -> (Relay, Member, Browser) {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    (relay, alice, browser)
}

/// The same, with this panel in sight.
fn beside(panel: &str) -> (Relay, Member, Browser) {
    let (relay, alice, browser) = talk();
    open_panel(&browser, panel);
    (relay, alice, browser)
}

/// Brings a panel into sight, where the page shows one part at a time.
fn open_panel(browser: &Browser, panel: &str) {
    browser.run(&format!(
        "const panel = document.querySelector('#{panel}');
         if (document.querySelector('#side').hidden) document.querySelector('#open-panel').click();
         if (panel.offsetParent === null) document.querySelector('[aria-controls=\"{panel}\"]').click();"
    ));
    eventually("the panel is in sight", || {
        browser.run(&format!("return document.querySelector('#{panel}').offsetParent !== null"))
            == true
    });
}

/// Types into a field as soon as it is there.
fn fill(browser: &Browser, css: &str, text: &str) {
    eventually(&format!("there is {css}"), || browser.count(css) > 0);
    browser.type_into(css, text);
}

/// Presses the button with this label inside the first element that matches and contains a text.
fn press(browser: &Browser, within: &str, text: &str, label: &str) {
    let script = format!(
        "const part = [...document.querySelectorAll({within})].find((one) => one.textContent.includes({text}));
         const said = (button) => button.textContent.trim();
         const all = [...(part?.querySelectorAll('button') ?? [])].filter((one) => one.offsetParent !== null);
         const button = all.find((one) => said(one) === {label}) ?? all.find((one) => said(one).startsWith({label}));
         if (!button) return false;
         button.focus();
         button.click();
         return true;",
        within = json!(within),
        text = json!(text),
        label = json!(label),
    );
    eventually(&format!("{label} of {text:?} can be pressed"), || browser.run(&script) == true);
}

/// Something that the relay takes out. Put together here, so that nothing in these sources looks like a
/// secret.
fn secret() -> String {
    ["ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat()
}

/// What a person gets who exports the conversation by this entry of the menu.
fn exported(browser: &Browser, entry: &str) -> String {
    browser.run(
        "window.kept = undefined;
         URL.createObjectURL = (blob) => {
             blob.text().then((text) => (window.kept = text));
             return '#';
         };
         HTMLAnchorElement.prototype.click = () => {};",
    );
    browser.click("#open-menu");
    browser.click(entry);
    eventually("it is exported", || browser.run("return window.kept").is_string());
    string(&browser.run("return window.kept"))
}

/// Fails if the console has shown an error.
fn assert_quiet(browser: &Browser) {
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}
