//! The browsers themselves, and what differs from one engine to the next.

use crate::assert_quiet;
use nexus_tests::{Api, browser::Browser, eventually, relay};
use std::{
    env, fs,
    io::{BufRead, BufReader, stdin},
    process::{Command, Stdio},
};

/// Whether a program of this machine was started with something in its words or its environment.
fn runs(with: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        ["cmdline", "environ"].into_iter().any(|name| {
            let text = fs::read(entry.path().join(name)).unwrap_or_default();
            // A program that has ended and was not asked how has neither.
            String::from_utf8_lossy(&text).contains(with)
        })
    })
}

/// Set in the test that is killed.
const WAITS: &str = "NEXUS_TEST_WAITS_WITH_A_BROWSER";

#[test]
fn a_test_that_is_killed_leaves_no_browser() {
    if env::var_os(WAITS).is_some() {
        let browser = Browser::start();
        println!("folder {}", browser.folder().display());
        stdin().lines().for_each(drop);
    }
    let test = ["--exact", "engines::a_test_that_is_killed_leaves_no_browser", "--nocapture"];
    let mut running = Command::new(env::current_exe().unwrap())
        .args(test)
        .env(WAITS, "yes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(running.stdout.take().unwrap()).lines().map_while(Result::ok);
    let folder = printed.find_map(|line| Some(line.split_once("folder ")?.1.to_owned()));
    let folder = folder.expect("it has a browser");
    assert!(runs(&folder), "its browser runs");
    running.kill().unwrap();
    running.wait().unwrap();
    eventually("its browser has ended", || !runs(&folder));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_browser_of_the_tests_asks_nobody_but_the_relay() {
    let relay = relay();
    let browser = Browser::start();
    browser.open(&relay.url());
    assert_eq!(browser.asked_elsewhere(), Vec::<String>::new());
    assert!(!browser.was_kept_from("nexus-relay.invalid"));
    browser.run("setTimeout(() => (location = 'http://nexus-relay.invalid/'))");
    eventually("it is kept from another server", || browser.was_kept_from("nexus-relay.invalid"));
}

#[test]
fn a_link_that_was_used_is_so_also_after_going_back() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    browser.open(&format!("{}/p/{}", relay.url(), alice.pair()));
    browser.type_into("#name", "zoe");
    browser.click("#join button");
    browser.wait_for("#connection", "Live");
    // Some browsers keep the page as it was, others load it again.
    browser.back();
    browser.wait_for("#gone h1", "This link has been used");
    assert_eq!(browser.count("#join"), 0);
    let errors = browser.console_errors();
    assert!(errors.iter().all(|error| error.contains("404")), "{errors:?}");
}

#[test]
fn what_is_typed_arrives_whole() {
    let relay = relay();
    let browser = Browser::start();
    browser.open(&relay.url());
    browser.type_into("#greeting", "ä→漢👋z");
    let typed = browser.run("return document.querySelector('#greeting').value");
    assert_eq!(typed, "ä→漢👋z");
    assert_quiet(&browser);
}
