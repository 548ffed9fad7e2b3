//! The pages, as people meet them: in a real Chromium, against a real relay.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]
#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]

mod admin;
mod connection;
mod control;
mod conversation;
mod hostile;
mod link;
mod markdown;
mod pages;
mod seat;
mod talk;
mod unsent;

use nexus_tests::{Member, browser::Browser, eventually, string};

/// A browser that has joined the session of `member` by a link, under this name.
fn joined(member: &Member, name: &str) -> Browser {
    let browser = Browser::start();
    join(&browser, member, name);
    browser
}

fn join(browser: &Browser, member: &Member, name: &str) {
    let code = member.api.pair(&member.session);
    browser.open(&format!("{}/p/{code}", member.api.base()));
    browser.clear("#name");
    browser.type_into("#name", name);
    browser.click("#join button");
    browser.wait_for("#connection", "Live");
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
