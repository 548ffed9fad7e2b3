//! Everything that a person does in a conversation, in browsers as old as the base line. In the oldest WebKit, only
//! these tests run.

use crate::{assert_quiet, exported, files::share, fill, join, open_panel, press, talk::claim};
use nexus_tests::{
    Api, Member,
    browser::{Browser, Capability, lacks, without_what_is_newer},
    eventually, list, relay, string,
};
use serde_json::json;

const ESCAPE: &str = "\u{E00C}";

/// From the front page to the end, with an agent that gets the link.
fn talk_from_start_to_end(ann: &Browser) {
    let relay = relay();
    ann.open(&relay.url());
    let bob = start_and_invite(ann, &Api::new(&relay.url()));
    say_and_hear(ann, &bob);
    give_and_do_tasks(ann, &bob);
    share_files(ann, &bob);
    look_around(ann);
    end(ann, &bob);
    assert_quiet(ann);
}

fn start_and_invite(ann: &Browser, api: &Api) -> Member {
    ann.type_into("#name", "ann");
    ann.type_into("#greeting", "Lunch on Tuesday?");
    ann.click("#start button");
    ann.wait_for("#connection", "Live");
    ann.wait_for("#messages", "Lunch on Tuesday?");
    ann.wait_for("#alone-link", "/p/");
    eventually("its QR code is there", || ann.count("#alone svg[role=img]") == 1);
    let link = ann.text("#alone-link");
    let bob = claim(api.base(), &link, "bob", &json!({ "name": "Böb" }));
    ann.wait_for("#messages", "Böb joined");
    bob
}

/// Without Enter: a browser that knows of no mouse is that of a phone, where Enter begins a line.
fn say(ann: &Browser, text: &str) {
    ann.type_into("#text", text);
    ann.click("#send");
}

fn say_and_hear(ann: &Browser, bob: &Member) {
    say(ann, "With whom?");
    eventually("it is said", || bob.read_after("0").0.contains(&"With whom?".to_owned()));
    let body = json!({ "text": "**You** and [me](https://example.com/).", "json": { "seats": 2 } });
    assert_eq!(bob.call("POST", "/messages").json(&body).send().status, 201);
    ann.wait_for("article .text strong", "You");
    ann.wait_for("article:last-child pre", "\"seats\": 2");
    ann.run("[...document.querySelectorAll('article .more')].at(-1).click()");
    eventually("the menu is open", || ann.count("[role=menu]") == 1);
    ann.click("#reply");
    say(ann, "Gladly");
    ann.wait_for("article.own .quote", "In reply to");
    ann.reload();
    ann.wait_for("#messages", "Gladly");
    ann.wait_for("#connection", "Live");
    assert_eq!(ann.count("article"), 4);
}

fn give_and_do_tasks(ann: &Browser, bob: &Member) {
    open_panel(ann, "tasks-panel");
    press(ann, "#tasks-panel .panel-head", "Tasks", "Give a task");
    fill(ann, ".give textarea", "Book a table");
    ann.run(
        "const select = document.querySelector('.give select');
         select.value = 'to:bob';
         select.dispatchEvent(new Event('change', { bubbles: true }));",
    );
    press(ann, ".give", "", "Give the task");
    ann.wait_for("#tasks-panel .task", "Book a table");
    let board = bob.call("GET", "/tasks").send().json();
    let path = format!("/tasks/{}", string(&list(&board["tasks"])[0]["id"]));
    for body in [
        json!({ "status": "accepted" }),
        json!({ "status": "in_progress" }),
        json!({ "status": "completed", "result": "At noon" }),
    ] {
        let answer = bob.call("POST", &path).json(&body).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    press(ann, "#tasks-panel .filters", "", "Done");
    ann.wait_for("#tasks-panel .task-result", "At noon");
    press(ann, "#tasks-panel .filters", "", "Mine");
    let given = json!({ "to": "ann", "task": "Bring an umbrella" });
    assert_eq!(bob.call("POST", "/tasks").json(&given).send().status, 201);
    press(ann, "#tasks-panel .task", "umbrella", "Accept");
    ann.wait_for("#tasks-panel .task[data-status=accepted]", "umbrella");
    press(ann, "#tasks-panel .task", "umbrella", "Done");
    fill(ann, ".step textarea", "Two of them");
    press(ann, "#tasks-panel .task", "umbrella", "Mark as done");
    eventually("it is done", || {
        bob.call("GET", "/tasks").send().text().contains("\"Two of them\"")
    });
}

fn share_files(ann: &Browser, bob: &Member) {
    open_panel(ann, "files-panel");
    eventually("files can be chosen", || ann.count("#files-panel input[type=file]") > 0);
    share(ann, "menu.txt", b"Soup");
    ann.wait_for("#files-panel .file", "menu.txt");
    assert_eq!(bob.call("GET", "/files/menu.txt").send().text(), "Soup");
    assert!(bob.call("PUT", "/files/map.txt").body(b"Turn left").send().status < 300);
    press(ann, "#files-panel .file", "map.txt", "Preview");
    ann.wait_for("#files-panel .file-preview", "Turn left");
    assert!(bob.call("PUT", "/files/menu.txt").body(b"Salad").send().status < 300);
    press(ann, "#files-panel .file", "menu.txt", "2 versions");
    ann.wait_for("#files-panel .file[data-key='menu.txt'] .versions", "Version 1");
}

fn look_around(ann: &Browser) {
    // In a small window the panel is in front of the messages.
    if ann.run("return document.querySelector('#talk').inert") == true {
        ann.type_into("#files-tab", ESCAPE);
    }
    ann.click("#open-menu");
    ann.click("#find");
    ann.type_into("#search-text", "gladly");
    ann.wait_for("#search-count", "1 of 1");
    ann.wait_for("article.found", "Gladly");
    ann.type_into("#search-text", ESCAPE);
    let markdown = exported(ann, "#as-markdown");
    assert!(markdown.contains("With whom?") && markdown.contains("Gladly"), "{markdown}");
    assert!(exported(ann, "#as-json").contains("\"seats\": 2"));
    ann.click("#invite");
    ann.wait_for("#invite-link", "/p/");
    ann.click("#inviting [data-close]");
}

fn end(ann: &Browser, bob: &Member) {
    open_panel(ann, "people-panel");
    ann.click("#end");
    eventually("the question is shown", || !ann.text("#asking-yes").is_empty());
    ann.click("#asking-yes");
    ann.wait_for("#over-words", "You have ended it");
    assert_eq!(bob.call("GET", "/messages").send().status, 404);
}

#[test]
fn a_conversation_from_its_start_to_its_end() {
    talk_from_start_to_end(&Browser::start());
}

#[test]
fn the_same_without_what_only_newer_browsers_have() {
    let ann = Browser::start();
    ann.before_pages(&without_what_is_newer());
    talk_from_start_to_end(&ann);
    // Of the page's window: scripts of the tests have a language of their own in Firefox.
    let left = "const { AbortSignal, Array, Promise, Set } = window;
        return [AbortSignal.any, Promise.withResolvers, Array.prototype.toSorted, Set.prototype.union,
            window.requestIdleCallback, navigator.share, window.structuredClone].map((one) => typeof one)";
    let [none, some] = ["undefined", "function"];
    assert_eq!(ann.run(left), json!([none, none, none, none, none, none, some]), "it was removed");
}

#[test]
fn without_sockets_it_is_the_same() {
    let ann = Browser::start();
    ann.before_pages(&format!("delete globalThis.WebSocket; {}", without_what_is_newer()));
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    ann.open(&format!("{}/p/{}", relay.url(), alice.pair()));
    ann.type_into("#name", "ann");
    ann.click("#join button");
    ann.wait_for("#connection", "by events");
    alice.send("By an event");
    ann.wait_for("#messages", "By an event");
    assert_quiet(&ann);
}

#[test]
fn it_fits_a_phone_in_both_schemes() {
    if lacks(Capability::Looks) {
        return;
    }
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let ann = Browser::start();
    ann.before_pages(&without_what_is_newer());
    join(&ann, &alice, "ann");
    alice.send("Hello");
    ann.wait_for("#messages", "Hello");
    ann.size(390, 844);
    for scheme in ["light", "dark"] {
        ann.color_scheme(scheme);
        ann.check_accessibility(&format!("a conversation without what is newer, {scheme}"));
        assert!(ann.page_width() <= 390);
    }
    assert_quiet(&ann);
}
