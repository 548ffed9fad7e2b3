//! Tasks, for people: each is one card, from being given to its result.

use crate::{assert_quiet, beside, fill, join, open_panel, press, talk};
use nexus_tests::{Api, Member, browser::Browser, eventually, list, relay, string};
use serde_json::{Value, json};

const ENTER: &str = "\u{E007}";

pub(crate) fn give(by: &Member, body: &Value) -> String {
    let answer = by.call("POST", "/tasks").json(body).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    string(&answer.json()["id"])
}

pub(crate) fn change(by: &Member, task: &str, body: &Value) {
    let answer = by.call("POST", &format!("/tasks/{task}")).json(body).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

pub(crate) fn task(member: &Member, id: &str) -> Value {
    member.call("GET", &format!("/tasks/{id}")).send().json()
}

/// The task with this text, as it stands on the relay's board.
pub(crate) fn named(member: &Member, text: &str) -> Value {
    let board = member.call("GET", "/tasks").send().json();
    let found = list(&board["tasks"]).iter().find(|task| task["task"] == text);
    found.cloned().unwrap_or_default()
}

/// A member that can do something.
fn able(host: &Member, agent: &str, capability: &str) -> Member {
    let member = host.join(agent);
    let path = format!("/agents/{agent}");
    let body = json!({ "capabilities": [capability], "name": "Ben the Able" });
    assert_eq!(member.call("PATCH", &path).json(&body).send().status, 200);
    member
}

/// A value of the card with this text.
pub(crate) fn of_card(browser: &Browser, text: &str, value: &str) -> Value {
    browser.run(&format!(
        "const card = [...document.querySelectorAll('#tasks-panel .task')].find((one) => one.textContent.includes({}));
         return card ? ({value}) : null;",
        json!(text)
    ))
}

pub(crate) fn wait_for_status(browser: &Browser, text: &str, status: &str) {
    eventually(&format!("{text:?} is {status}"), || {
        of_card(browser, text, "card.dataset.status") == status
    });
}

/// What can be done with the task of this text.
fn steps(browser: &Browser, text: &str) -> Value {
    let buttons = "[...card.querySelectorAll('.actions button')].map((one) => one.textContent)";
    of_card(browser, text, buttons)
}

fn step(browser: &Browser, text: &str, label: &str) {
    press(browser, "#tasks-panel .task", text, label);
}

pub(crate) fn choose(browser: &Browser, select: &str, value: &str) {
    let script = format!(
        "const select = document.querySelector({});
         select.value = {};
         return select.value;",
        json!(select),
        json!(value)
    );
    eventually(&format!("{value} can be chosen"), || browser.run(&script) == value);
}

#[test]
fn a_task_is_one_card_from_its_acceptance_to_its_result() {
    let (_relay, alice, browser) = beside("tasks-panel");
    browser.wait_for("#tasks-panel .empty", "Nothing is to be done");
    let id = give(&alice, &json!({ "to": "zoe", "task": "Pick a date", "priority": "urgent" }));
    browser.wait_for("#tasks-panel .task", "Urgent");
    browser.run("window.kept = document.querySelector('#tasks-panel .task')");
    assert_eq!(steps(&browser, "Pick a date"), json!(["Accept", "Done", "Decline"]));
    step(&browser, "Pick a date", "Accept");
    wait_for_status(&browser, "Pick a date", "accepted");
    assert_eq!(browser.run("return document.activeElement.textContent"), "Progress");
    step(&browser, "Pick a date", "Progress");
    fill(&browser, ".step input", &format!("35 %{ENTER}"));
    browser.wait_for("#tasks-panel .task", "35 %");
    assert_eq!(task(&alice, &id)["progress"], 35);
    step(&browser, "Pick a date", "Progress");
    fill(&browser, ".step input", &format!("nearly <b>there</b>{ENTER}"));
    browser.wait_for("#tasks-panel .task", "nearly <b>there</b>");
    step(&browser, "Pick a date", "Done");
    fill(&browser, ".step textarea", "Tuesday");
    step(&browser, "Pick a date", "Mark as done");
    wait_for_status(&browser, "Pick a date", "completed");
    assert_eq!(task(&alice, &id)["result"], "Tuesday");
    browser.wait_for("#tasks-panel .task-result", "Tuesday");
    let is_same = "return window.kept.isConnected && document.querySelectorAll('#tasks-panel .task').length === 1";
    assert_eq!(browser.run(is_same), true, "it has changed in its place");
    assert_eq!(browser.run("return window.kept.contains(document.activeElement)"), true);
    assert_quiet(&browser);
}

#[test]
fn done_walks_the_way_and_a_refusal_has_its_reason() {
    let (_relay, alice, browser) = beside("tasks-panel");
    let quick = give(&alice, &json!({ "to": "zoe", "task": "Quick one" }));
    let hard = give(&alice, &json!({ "to": "zoe", "task": "Hard one" }));
    step(&browser, "Quick one", "Done");
    step(&browser, "Quick one", "Mark as done");
    wait_for_status(&browser, "Quick one", "completed");
    assert_eq!(task(&alice, &quick)["status"], "completed");
    step(&browser, "Hard one", "Decline");
    fill(&browser, ".step textarea", "No time");
    step(&browser, "Hard one", "Decline the task");
    wait_for_status(&browser, "Hard one", "declined");
    assert_eq!(task(&alice, &hard)["result"], "No time");
    assert_eq!(steps(&browser, "Hard one"), json!([]));
    assert_quiet(&browser);
}

#[test]
fn a_person_gives_tasks_hands_them_on_and_cancels_them() {
    let (_relay, alice, browser) = talk();
    let ben = able(&alice, "ben", "translate");
    open_panel(&browser, "tasks-panel");
    press(&browser, "#tasks-panel .panel-head", "Tasks", "Give a task");
    fill(&browser, ".give textarea", "Write the minutes");
    choose(&browser, ".give select", "to:a");
    browser.run("document.querySelector('.give details').open = true");
    fill(&browser, ".give input[type=number]", "2");
    fill(&browser, ".give details textarea", "{\"pages\": 2}");
    press(&browser, ".give", "", "Give the task");
    wait_for_status(&browser, "Write the minutes", "pending");
    let given = named(&alice, "Write the minutes");
    assert_eq!((&given["assignee"], &given["context"]), (&json!("a"), &json!({ "pages": 2 })));
    assert!(given["deadline"].is_string(), "{given}");
    assert!(of_card(&browser, "minutes", "card.textContent").to_string().contains("due in 2 h"));

    ben.send("I am here.");
    press(&browser, "#tasks-panel .panel-head", "Tasks", "Give a task");
    fill(&browser, ".give textarea", "Translate it");
    choose(&browser, ".give select", "can:translate");
    press(&browser, ".give", "", "Give the task");
    wait_for_status(&browser, "Translate it", "pending");
    assert_eq!(named(&alice, "Translate it")["assignee"], "ben");
    let shown = of_card(&browser, "Translate it", "card.textContent").to_string();
    assert!(shown.contains("Ben the Able") && shown.contains("ben"), "name and id: {shown}");

    let id = string(&given["id"]);
    change(&alice, &id, &json!({ "status": "accepted" }));
    wait_for_status(&browser, "Write the minutes", "accepted");
    assert_eq!(steps(&browser, "Write the minutes"), json!(["Hand on", "Cancel"]));
    step(&browser, "Write the minutes", "Hand on");
    choose(&browser, ".step select", "to:ben");
    step(&browser, "Write the minutes", "Hand on");
    eventually("ben has it", || task(&alice, &id)["assignee"] == "ben");
    wait_for_status(&browser, "Write the minutes", "pending");
    step(&browser, "Write the minutes", "Cancel");
    step(&browser, "Write the minutes", "Cancel the task");
    wait_for_status(&browser, "Write the minutes", "cancelled");
    assert_quiet(&browser);
}

#[test]
fn what_is_overdue_returned_or_declined_stands_out() {
    let (_relay, alice, browser) = talk();
    let ben = alice.join("ben");
    open_panel(&browser, "tasks-panel");
    give(&alice, &json!({ "to": "zoe", "task": "Late one", "deadline": 1 }));
    wait_for_status(&browser, "Late one", "overdue");
    assert_eq!(steps(&browser, "Late one"), json!(["Done", "Not possible", "Decline"]));
    for text in ["Declined one", "Left behind"] {
        press(&browser, "#tasks-panel .panel-head", "Tasks", "Give a task");
        fill(&browser, ".give textarea", text);
        choose(&browser, ".give select", "to:ben");
        press(&browser, ".give", "", "Give the task");
        wait_for_status(&browser, text, "pending");
    }
    let declined = string(&named(&alice, "Declined one")["id"]);
    change(&ben, &declined, &json!({ "status": "declined", "result": "No access" }));
    wait_for_status(&browser, "Declined one", "declined");
    assert_eq!(steps(&browser, "Declined one"), json!(["Give again", "Dismiss"]));
    assert_eq!(ben.call("DELETE", "/agents/ben").send().status, 200);
    wait_for_status(&browser, "Left behind", "returned");
    assert_eq!(browser.count("#tasks-panel .task.wanting"), 3);
    press(&browser, "#tasks-panel .panel-head", "Tasks", "Give a task");
    step(&browser, "Late one", "Done");
    for scheme in ["light", "dark"] {
        browser.color_scheme(scheme);
        browser.check_accessibility(&format!("the tasks, {scheme}"));
    }
    press(&browser, ".give", "", "Close");
    step(&browser, "Late one", "Close");
    step(&browser, "Declined one", "Dismiss");
    eventually("it is settled", || browser.count("#tasks-panel .task.wanting") == 2);
    browser.reload();
    browser.wait_for("#connection", "Live");
    open_panel(&browser, "tasks-panel");
    wait_for_status(&browser, "Left behind", "returned");
    wait_for_status(&browser, "Late one", "overdue");
    assert_eq!(of_card(&browser, "Declined one", "true"), Value::Null, "it stays settled");
    assert_quiet(&browser);
}

#[test]
fn the_tasks_of_others_are_seen_and_left_to_them() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let ben = alice.join("ben");
    let id = give(&alice, &json!({ "to": "ben", "task": "Between the two" }));
    let browser = Browser::start();
    // The page looks at the board every 20 seconds.
    browser.before_pages(
        "const every = setInterval;
         window.setInterval = (action, ms) => every(action, ms === 20_000 ? 2_000 : ms);",
    );
    join(&browser, &alice, "zoe");
    open_panel(&browser, "tasks-panel");
    wait_for_status(&browser, "Between the two", "pending");
    assert_eq!(steps(&browser, "Between the two"), json!([]));
    change(&ben, &id, &json!({ "status": "accepted" }));
    wait_for_status(&browser, "Between the two", "accepted");
    change(&ben, &id, &json!({ "status": "declined" }));
    press(&browser, "#tasks-panel .filters", "", "Mine");
    browser.wait_for("#tasks-panel .empty", "Nothing waits for you");
    press(&browser, "#tasks-panel .filters", "", "Done");
    wait_for_status(&browser, "Between the two", "declined");
    assert_quiet(&browser);
}

#[test]
fn what_can_no_longer_be_done_is_said_and_what_was_written_stays() {
    let (_relay, alice, browser) = beside("tasks-panel");
    let id = give(&alice, &json!({ "to": "zoe", "task": "A race" }));
    step(&browser, "A race", "Done");
    fill(&browser, ".step textarea", "A long answer");
    change(&alice, &id, &json!({ "status": "cancelled" }));
    wait_for_status(&browser, "A race", "cancelled");
    assert_eq!(
        browser.run("return document.querySelector('.step textarea').value"),
        "A long answer"
    );
    step(&browser, "A race", "Mark as done");
    browser.wait_for(".step [role=alert]", "changed meanwhile");
    // What another window of the same seat has begun is no obstacle.
    let other = give(&alice, &json!({ "to": "zoe", "task": "In two windows" }));
    wait_for_status(&browser, "In two windows", "pending");
    browser.run(
        "const real = window.fetch;
         window.fetch = async (path, request) => {
             if (request?.method === 'POST' && !window.raced) {
                 window.raced = true;
                 const { 'Idempotency-Key': _, ...headers } = request.headers;
                 await real(path, { ...request, headers });
             }
             return real(path, request);
         };",
    );
    step(&browser, "In two windows", "Done");
    press(&browser, "#tasks-panel .task", "In two windows", "Mark as done");
    wait_for_status(&browser, "In two windows", "completed");
    assert_eq!(task(&alice, &other)["status"], "completed");
}

#[test]
fn no_text_of_a_task_runs_or_breaks_the_page() {
    let (_relay, mallory, browser) = talk();
    browser.run("window.ran = []; window.alert = (what) => window.ran.push(what);");
    browser.size(390, 844);
    open_panel(&browser, "tasks-panel");
    let texts = [
        "x".repeat(60_000),
        "\u{202E}".repeat(5_000),
        "z\u{0351}".repeat(15_000),
        "line\n".repeat(9_000),
        "http://a.b ".repeat(5_000),
        "<img src=x onerror=alert(1)>".to_owned(),
        "\u{202E}gpj.exe".to_owned(),
    ];
    for text in &texts {
        let start: String = text.chars().take(200).collect();
        let body = json!({ "to": "zoe", "task": text, "context": { &start: [&start] } });
        give(&mallory, &body);
    }
    let body = json!({ "capabilities": ["<b>\u{202E}x"], "name": "\u{202E}<i>long".repeat(9) });
    assert_eq!(mallory.call("PATCH", "/agents/a").json(&body).send().status, 200);
    wait_for_status(&browser, "U+202Egpj.exe", "pending");
    assert_eq!(browser.count("#tasks-panel .task"), 7);
    assert!(browser.page_width() <= 390, "nothing is wider than the phone");
    let highest = browser.run(
        "return Math.max(...[...document.querySelectorAll('#tasks-panel .task')].map((one) => one.offsetHeight))",
    );
    assert!(highest.as_i64().unwrap() < 600, "long tasks are folded: {highest}");
    browser.run(
        "document.querySelectorAll('#tasks-panel :is(.task button.link, .task summary)').forEach((one) => one.click())",
    );
    assert!(browser.page_width() <= 390, "nor when it is unfolded");
    assert_eq!(browser.count("#tasks-panel .task :is(img, script, b, i)"), 0);
    assert_eq!(browser.run("return window.ran"), json!([]));
    assert_quiet(&browser);
}
