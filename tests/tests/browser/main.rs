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
mod conversation;
mod hostile;
mod link;
mod pages;
mod seat;
mod unsent;

use nexus_tests::{Member, browser::Browser};

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

/// Fails if the console has shown an error.
fn assert_quiet(browser: &Browser) {
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}
