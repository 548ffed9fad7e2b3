//! What pages say of time is right, however wrong the clock of the device is.

use crate::{files, join, open_panel};
use nexus_tests::{Api, Member, browser::Browser, relay};
use serde_json::json;

/// Puts the clock of the device forward by this many hours.
fn ahead(hours: i64) -> String {
    format!(
        "const Right = Date;
         window.Date = class Date extends Right {{
             constructor(...how) {{
                 if (how.length) super(...how);
                 else super(Date.now());
             }}
             static now() {{
                 return Right.now() + {hours} * 3600000;
             }}
         }};"
    )
}

fn says_the_right_times(hours: i64) {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (session, key) = api.create(&json!({ "creatorAgentId": "a", "ttl": 86_400 }));
    let alice = Member { api, session, agent: "a".into(), key: key.unwrap() };
    alice.send("Just said");
    files::put(&alice, "new.txt", b"new");
    let browser = Browser::start();
    browser.before_pages(&ahead(hours));
    let code = alice.pair();
    browser.open(&format!("{}/p/{code}", relay.url()));
    browser.wait_for("#left", "9:");
    join(&browser, &alice, "zoe");
    browser.wait_for("#deadline", "Deletes itself in 24 h");
    browser.wait_for("#messages", "Today");
    let body = json!({ "to": "zoe", "task": "Soon", "deadline": 7200 });
    assert_eq!(alice.call("POST", "/tasks").json(&body).send().status, 201);
    open_panel(&browser, "tasks-panel");
    browser.wait_for("#tasks-panel .due", "due in 2 h");
    browser.wait_for("#tasks-panel .task-who", "just now");
    open_panel(&browser, "files-panel");
    files::wait_for_file(&browser, "new.txt", "just now");
}

#[test]
fn on_a_device_that_is_days_ahead() {
    says_the_right_times(77);
}

#[test]
fn on_a_device_that_is_behind() {
    says_the_right_times(-5);
}
