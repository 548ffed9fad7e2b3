//! What the command line understands: short ids, aliases, spans of time, text from a pipe, unknown options,
//! second agents, and the names of commands.

use crate::support::{Home, guest, text, texts};
use nexus_tests::{list, relay};
use serde_json::json;
use std::process::Stdio;

#[test]
fn a_session_is_named_by_the_beginning_of_its_id_or_by_an_alias_from_the_start() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let made = a.nexus(&["create", "--agent-id", "a", "--alias", "work", "--ttl", "10m"]).done();
    assert_eq!(made["ttl"], 600);
    let session = text(&made["sessionId"]);
    for name in ["work", &session[..4], &session[..12]] {
        assert_eq!(a.nexus(&["status", name]).done()["sessionId"], session.as_str(), "{name}");
    }
    assert_eq!(a.nexus(&["status", &session[..3]]).error(), "unknown_session");
    let folder = a.state().join("sessions");
    std::fs::create_dir(folder.join(format!("{}{}", &session[..20], "0".repeat(28)))).unwrap();
    let several = a.nexus(&["status", &session[..12]]);
    assert!(several.stderr.contains("2 session ids"), "{}", several.stderr);
    assert_eq!(several.error(), "unknown_session");
    assert_eq!(a.nexus(&["create", "--alias", "a/b"]).error(), "usage");

    let link = text(&a.nexus(&["pair", "work"]).done()["url"]);
    let b = Home::without_url();
    b.nexus(&["claim", &link, "--agent-id", "b", "--alias", "alice"]).done();
    assert_eq!(b.nexus(&["status", "alice"]).done()["sessionId"], session.as_str());
}

#[test]
fn an_option_that_does_not_exist_is_not_sent_as_a_text() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let send = |words: &[&str]| a.nexus(&[&["send", session.as_str()], words].concat());
    for words in [&["--repyl-to"][..], &["--repyl-to=x", "hi"], &["hi", "--strickt"]] {
        let refused = send(words);
        let hint = if words.concat().contains("strickt") { "--strict" } else { "--reply-to" };
        assert!(refused.stderr.contains(hint), "{}", refused.stderr);
        assert_eq!(refused.error(), "usage");
    }
    assert_eq!(a.nexus(&["broadcast", &session, "--foo"]).error(), "usage");
    for words in [&["--", "--repyl-to"][..], &["-- Alice"], &["- milk"], &["-5"]] {
        send(words).done();
    }
    assert_eq!(a.poll(&session), ["--repyl-to", "-- Alice", "- milk", "-5"]);
}

#[test]
fn the_text_of_a_message_may_come_from_a_pipe() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    a.nexus_with_input(&["send", &session], b"one\ntwo\n").done();
    a.nexus_with_input(&["send", &session, "-"], b"three").done();
    a.nexus(&["send", &session, "--json", "[1]"]).done();
    a.nexus(&["send", &session, "four", "--json"]).done();
    assert_eq!(a.nexus(&["send", &session]).error(), "usage");
    let page = a.nexus(&["poll", &session, "--peek"]).done();
    let said: Vec<_> =
        list(&page["messages"]).iter().map(|message| message["text"].clone()).collect();
    assert_eq!(said, [json!("one\ntwo"), json!("three"), json!(null), json!("four")]);
    // Peeking moved nothing.
    assert_eq!(list(&a.nexus(&["poll", &session]).done()["messages"]).len(), 4);
    assert!(texts(&a.nexus(&["poll", &session]).done()).is_empty());
}

#[test]
fn a_second_agent_of_a_machine_has_a_profile_or_a_home_of_its_own() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let link = || text(&a.nexus(&["pair", &session]).done()["url"]);
    a.nexus(&["claim", &link(), "--agent-id", "b", "--profile", "second"]).done();
    let own = a.state().join("own");
    let run = |arguments: &[&str]| {
        let output = a.command().env("NEXUS_HOME", &own).args(arguments).output().unwrap();
        crate::support::Run::of(output)
    };
    run(&["claim", &link(), "--agent-id", "c"]).done();
    a.nexus(&["send", &session, "x"]).done();
    a.nexus(&["send", &session, "y", "--profile", "second"]).done();
    run(&["send", &session, "z"]).done();
    let page = a.nexus(&["poll", &session]).done();
    let by: Vec<_> =
        list(&page["messages"]).iter().map(|message| text(&message["agentId"])).collect();
    assert_eq!(by, ["a", "b", "c"]);
    assert!(list(&page["messages"]).iter().all(|message| message["verified"] == true));
    assert_eq!(a.nexus(&["ls", "--profile", "../x"]).error(), "usage");
}

#[test]
fn a_program_that_a_listener_runs_is_the_same_agent() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let link = text(&a.nexus(&["pair", &session]).done()["url"]);
    a.nexus(&["claim", &link, "--agent-id", "b", "--profile", "second"]).done();
    a.nexus(&["send", &session, "do it"]).done();
    let program = format!("'{}' send {session} done >/dev/null", env!("CARGO_BIN_EXE_nexus"));
    let listen = ["listen", &session, "--profile", "second", "--exec", &program];
    let mut listener = a.command().args(listen).stdout(Stdio::null()).spawn().unwrap();
    let mut answer = json!(null);
    while answer.is_null() {
        let page = a.nexus(&["poll", &session, "--wait", "20"]).done();
        let found = list(&page["messages"]).iter().find(|message| message["text"] == "done");
        answer = found.cloned().unwrap_or_default();
    }
    a.nexus(&["end", &session]).done();
    assert!(listener.wait().unwrap().success());
    assert_eq!((text(&answer["agentId"]).as_str(), &answer["verified"]), ("b", &json!(true)));
}

#[test]
fn nouns_and_earlier_names_do_the_same() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    a.nexus(&["file", "put", &session, "x", "/dev/null"]).done();
    a.nexus(&["file-put", &session, "y", "/dev/null"]).done();
    for words in [&["file", "ls"][..], &["file", "list"], &["file-list"]] {
        let files = a.nexus(&[words, &[session.as_str()]].concat()).done();
        assert_eq!(list(&files["files"]).len(), 2, "{words:?}");
    }
    let task = text(
        &a.nexus(&["task", "give", &session, "--to", "b", "x", "--deadline", "90"]).done()["id"],
    );
    b.nexus(&["task", "take", &task]).done();
    b.nexus(&["done", &task, "--result", "ok"]).done();
    assert_eq!(a.nexus(&["tasks", &session, "--jq", ".tasks | length"]).json, json!(1));
    assert_eq!(a.nexus(&["task", "ls", &session]).done()["tasks"][0]["status"], "completed");

    a.nexus(&["address", "register", "--id", "a"]).done();
    assert_eq!(
        a.nexus(&["address", "card", "--description", "Hi", "--listed"]).done()["card"]["listed"],
        true
    );
    let before = std::fs::read_to_string(a.state().join("agents/a/secret")).unwrap();
    a.nexus(&["address", "rotate"]).done();
    assert_ne!(std::fs::read_to_string(a.state().join("agents/a/secret")).unwrap(), before);
    a.nexus(&["inbox"]).done();
    assert_eq!(a.nexus(&["address", "ls"]).done()["addresses"][0]["agentId"], "a");
    for _ in 0..2 {
        a.nexus(&["address", "remove", "@a"]).done();
    }
    assert_eq!(a.nexus(&["inbox"]).error(), "unknown_address");
}

#[test]
fn a_session_is_exported_opened_and_pruned() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let _b = guest(&a, &session);
    a.nexus(&["send", &session, "one"]).done();
    let whole = a.nexus(&["export", &session]).done();
    let kinds: Vec<_> =
        list(&whole["messages"]).iter().map(|message| message["kind"].clone()).collect();
    assert_eq!(kinds, [json!("joined"), json!(null)]);
    assert_eq!(a.stored(&session, "cursor"), None, "exporting moves nothing");
    let path = a.state().join("talk.json");
    a.nexus(&["export", &session, "--output", path.to_str().unwrap()]).done();
    assert!(std::fs::read_to_string(path).unwrap().contains("\"one\""));

    let url = text(&a.nexus(&["open", &session, "--print"]).done()["url"]);
    assert_eq!(url, format!("{}/s#{session}", relay.url()));

    let other = a.create("a");
    a.nexus(&["end", &session]).done();
    a.nexus(&["bind", &session]).done();
    let pruned = json!({ "pruned": [session], "dryRun": true });
    assert_eq!(a.nexus(&["prune", "--dry-run"]).done(), pruned);
    a.nexus(&["prune"]).done();
    let left = a.nexus(&["ls"]).done();
    assert_eq!(left["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(left["sessions"][0]["sessionId"], other.as_str());
}

#[test]
fn a_filter_is_checked_before_anything_is_done() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    a.nexus(&["send", &session, "x"]).done();
    let wrong = a.nexus(&["poll", &session, "--jq", ".messages["]);
    assert_eq!(wrong.error(), "usage");
    assert_eq!(a.nexus(&["poll", &session, "--jq", ".messages | nothing"]).error(), "usage");
    let output = a.command().args(["poll", &session, "--jq", ".messages[].text"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "x\n");
}

#[test]
fn completions_know_commands_sessions_members_tasks_and_contacts() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    a.nexus(&["alias", &session, "dentist"]).done();
    a.nexus(&["contacts", "add", "carol", "--agent", "carol"]).done();
    let task = text(&a.nexus(&["task", "give", "dentist", "--to", "b", "x"]).done()["id"]);
    let propose = |home: &Home, words: &[&str]| {
        let mut command = home.command();
        command.env("COMPLETE", "fish").args(["--", "nexus"]).args(words);
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "it would stand in the line");
        let lines = String::from_utf8(output.stdout).unwrap();
        lines
            .lines()
            .filter_map(|line| line.split('\t').next())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(propose(&a, &["poll-d"]), ["poll-daemon"]);
    assert_eq!(propose(&a, &["task", "ta"]), ["take"]);
    assert!(!propose(&a, &["file"]).contains(&"file-put".to_owned()));
    assert_eq!(propose(&a, &["status", "den"]), ["dentist"]);
    assert_eq!(propose(&a, &["unalias", "d"]), ["dentist"]);
    assert_eq!(propose(&a, &["send", "--to", "c"]), ["carol"]);
    assert_eq!(propose(&a, &["task", "give", "dentist", "--to", "b"]), ["b"]);
    assert_eq!(propose(&b, &["task", "done", &task[..4]]), [task.as_str()]);
}
