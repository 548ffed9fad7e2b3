//! The card of a task in the transcript: the same as in the panel, with the same buttons.

use crate::{assert_quiet, beside, fill, join, joined, open_panel, press, secret, talk, tasks};
use nexus_tests::{Api, Member, browser::Browser, eventually, relay, string};
use serde_json::{Value, json};
use tasks::{change, give, task};

/// The texts that stand in the transcript as taken out by the relay.
fn marked(browser: &Browser, within: &str) -> Value {
    browser.run(&format!(
        "return [...document.querySelectorAll('{within} mark.redacted')].map((one) => one.textContent)"
    ))
}

fn wait_for_card(browser: &Browser, status: &str) {
    eventually(&format!("the card is {status}"), || {
        browser.count(&format!("#messages .task[data-status={status}]")) == 1
    });
}

#[test]
fn a_task_in_the_transcript_is_its_card_and_changes_in_place() {
    let (_relay, alice, browser) = talk();
    let loaded = "return performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/tasks.js'))";
    assert_eq!(browser.run(loaded), false, "it is loaded when it is first needed");
    let id = give(&alice, &json!({ "to": "zoe", "task": "Pick a date", "priority": "urgent" }));
    wait_for_card(&browser, "pending");
    browser.wait_for("#messages .task", "Urgent");
    browser.run("window.kept = document.querySelector('#messages .task')");
    press(&browser, "#messages .task", "Pick a date", "Accept");
    wait_for_card(&browser, "accepted");
    assert_eq!(browser.run("return document.activeElement.textContent"), "Progress");
    assert_eq!(task(&alice, &id)["status"], "accepted");
    press(&browser, "#messages .task", "Pick a date", "Done");
    fill(&browser, "#messages .step textarea", "Tuesday");
    press(&browser, "#messages .task", "Pick a date", "Mark as done");
    wait_for_card(&browser, "completed");
    browser.wait_for("#messages .task-result", "Tuesday");
    assert_eq!(browser.run("return window.kept.isConnected"), true, "it has changed in its place");
    // What came later is told in a line each, with the way to the task.
    eventually("each change is a line", || browser.count("#messages .news:not(.of-task)") == 3);
    press(&browser, "#messages .news", "is done", "Show tasks");
    eventually("it is in the panel, too", || {
        browser.count("#tasks-panel .task[data-status=completed]") == 1
    });
    for scheme in ["light", "dark"] {
        browser.color_scheme(scheme);
        browser.check_accessibility(&format!("a task in the transcript, {scheme}"));
    }
    browser.reload();
    wait_for_card(&browser, "completed");
    assert_quiet(&browser);
}

#[test]
fn only_those_concerned_have_its_buttons() {
    let (_relay, alice, browser) = talk();
    let ben = alice.join("ben");
    let id = give(&ben, &json!({ "to": "zoe", "task": "For zoe" }));
    wait_for_card(&browser, "pending");
    let buttons = || {
        browser.run(
            "return [...document.querySelectorAll('#messages .task .actions button')].map((one) => one.textContent)",
        )
    };
    assert_eq!(buttons(), json!(["Accept", "Done", "Decline"]));
    // Handed on, it is somebody else's.
    change(&ben, &id, &json!({ "to": "a" }));
    browser.wait_for("#messages .task-who", "a");
    eventually("nothing is left to do with it", || buttons() == json!([]));
}

#[test]
fn on_a_phone_a_task_can_be_given_again_from_the_transcript() {
    let (_relay, alice, browser) = beside("tasks-panel");
    press(&browser, "#tasks-panel .panel-head", "Tasks", "Give a task");
    fill(&browser, ".give textarea", "Look at it");
    browser.run("document.querySelector('.give select').value = 'to:a'");
    press(&browser, ".give", "", "Give the task");
    let given = || tasks::named(&alice, "Look at it");
    eventually("it is given", || given()["assignee"] == "a");
    let id = string(&given()["id"]);
    change(&alice, &id, &json!({ "status": "declined", "result": "No time" }));
    browser.size(390, 844);
    eventually("the panel is closed", || browser.text("#side").is_empty());
    press(&browser, "#messages .task", "No time", "Give again");
    eventually("the form is there", || {
        browser.run("return document.activeElement.matches('.give textarea') && document.activeElement.value")
            == "Look at it"
    });
    assert_eq!(browser.text("#tasks-heading"), "Tasks");
    assert_quiet(&browser);
}

#[test]
fn without_the_cards_the_words_stand() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = Browser::start();
    // The panel cannot be made.
    browser.before_pages(
        "const original = document.createElement;
         document.createElement = (tag, ...rest) => {
             if (tag === 'h2') throw new Error('no panel');
             return original.call(document, tag, ...rest);
         };",
    );
    join(&browser, &alice, "zoe");
    give(&alice, &json!({ "to": "zoe", "task": "Pick a date" }));
    browser.wait_for("#messages .news", "a gave a task to zoe: Pick a date");
    browser.wait_for("#problem", "cannot be loaded now");
    assert_eq!(browser.count("#messages .task"), 0);
}

#[test]
fn the_end_is_in_sight_however_high_the_cards_are() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    for number in 0..8 {
        let text = format!("Number {number}\n").repeat(7);
        give(&alice, &json!({ "to": "zoe", "task": text, "deadline": 3600 }));
    }
    alice.send("The last of them");
    let at_end = "const { scrollTop, scrollHeight, clientHeight } = document.querySelector('#scroller');
         return document.querySelectorAll('#messages .task').length > 3 && scrollHeight - scrollTop - clientHeight < 2;";
    for _ in 0..2 {
        eventually("the end is in sight", || browser.run(at_end) == true);
        browser.wait_for("#messages", "The last of them");
        browser.reload();
        browser.wait_for("#connection", "Live");
    }
}

fn say(member: &Member, id: &str, body: &Value) {
    change(member, id, &json!({ "status": "accepted" }));
    change(member, id, body);
}

#[test]
fn what_the_relay_took_out_of_a_task_is_marked_by_its_own_list() {
    let (_relay, alice, browser) = beside("tasks-panel");
    let typed = "[REDACTED:github_token]";
    give(&alice, &json!({ "to": "zoe", "task": format!("Use {} now", secret()) }));
    give(&alice, &json!({ "to": "zoe", "task": format!("Typed {typed}") }));
    // One mark of two is the sender's own, and nobody can tell which.
    give(&alice, &json!({ "to": "zoe", "task": format!("Mixed {typed}, {}", secret()) }));
    eventually("all have come", || browser.count("#messages .task") == 3);
    assert_eq!(marked(&browser, "#messages"), json!([typed]));
    assert_eq!(marked(&browser, "#tasks-panel"), json!([typed]));
    browser.wait_for("#messages .task mark", typed);
    let marked_in = "return document.querySelector('#messages mark').closest('.task').textContent.includes('Use ')";
    assert_eq!(browser.run(marked_in), true);
    // Notes and results of others.
    let ben = alice.join("ben");
    open_panel(&browser, "tasks-panel");
    press(&browser, "#tasks-panel .panel-head", "Tasks", "Give a task");
    fill(&browser, ".give textarea", "A long one");
    eventually("ben can be chosen", || {
        browser.run(
            "const select = document.querySelector('.give select');
             select.value = 'to:ben';
             return select.value;",
        ) == "to:ben"
    });
    press(&browser, ".give", "", "Give the task");
    eventually("it is given", || browser.count("#messages .task") == 4);
    let id = string(&tasks::named(&alice, "A long one")["id"]);
    let note = format!("half, with {}", secret());
    say(&ben, &id, &json!({ "status": "in_progress", "progress": note }));
    eventually("the note is marked", || {
        marked(&browser, "#messages .task-progress") == json!([typed])
    });
    change(&ben, &id, &json!({ "status": "in_progress", "progress": format!("{typed}, typed") }));
    browser.wait_for("#messages .task-progress:not([hidden])", "typed");
    assert_eq!(marked(&browser, "#messages .task-progress"), json!([]));
    let result = json!({ "status": "completed", "result": { "key": secret(), "at": "09:30" } });
    change(&ben, &id, &result);
    eventually("the result is marked", || {
        marked(&browser, "#messages .task-result") == json!([typed])
    });
    assert_quiet(&browser);
}
