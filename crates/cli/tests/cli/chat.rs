//! `nexus chat` in a pipe and on a terminal, against a real relay.

use crate::{
    fake::{Fake, Reply, response},
    support::{Home, Run, guest, text as text_of, texts},
    terminal::Typing,
};
use nexus_tests::relay;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
};

#[test]
fn in_a_pipe_each_line_is_sent_and_each_message_is_one_line() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    b.nexus(&["send", &session, "before\u{1b}[2J"]).done();
    let mut child = a.command().args(["chat", &session]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut next = || -> Value {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(!line.contains('\u{1b}'), "{line}");
        serde_json::from_str(&line).unwrap()
    };
    let joined = next();
    assert_eq!(joined["kind"], "joined");
    assert_eq!(next()["text"], "before\u{1b}[2J");
    stdin.write_all(b"one\n/quit\n").unwrap();
    nexus_tests::eventually("both lines", || b.poll(&session).contains(&"/quit".to_owned()));
    b.nexus(&["send", &session, "after"]).done();
    assert_eq!(next()["text"], "after");
    drop(stdin);
    let end = next();
    assert_eq!(end["reason"], "input");
    assert_eq!([&end["sent"], &end["messages"]], [2, 3]);
    assert!(child.wait().unwrap().success());
    // What was printed is read.
    let page = a.nexus(&["poll", &session]).done();
    assert!(!texts(&page).contains(&"after".to_owned()), "{page}");
    let all = texts(&b.nexus(&["poll", &session, "--after", "0"]).done());
    assert_eq!(all.iter().filter(|text| *text == "one").count(), 1, "{all:?}");
}

#[test]
fn an_input_that_has_ended_prints_what_waits_and_ends() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    b.nexus(&["send", &session, "hello"]).done();
    let output = a.command().args(["chat", &session, "--jq", ".text // .reason"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "b joined the session.\nhello\ninput\n");
}

#[test]
fn on_a_terminal_people_talk() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("alice");
    let b = guest(&a, &session);
    b.nexus(&["send", &session, "Hello\u{1b}]52;c;eA==\u{7}\nalice: yes"]).done();
    let folder = tempfile::tempdir().unwrap();
    let mut command = a.command();
    command.current_dir(folder.path()).args(["chat", &session]);
    let mut chat = Typing::new(command);
    chat.sees("alice: yes");
    chat.sees("alice> ");
    chat.types("Tuesday?\r");
    nexus_tests::eventually("the text", || b.poll(&session).contains(&"Tuesday?".to_owned()));
    // What is typed stays while a message comes.
    chat.types("half a li");
    chat.sees("half a li");
    b.nexus(&["send", &session, "Yes, at ten."]).done();
    chat.sees("Yes, at ten.");
    chat.types("ne\r");
    nexus_tests::eventually("the line", || b.poll(&session).contains(&"half a line".to_owned()));
    let task =
        text_of(&b.nexus(&["task", "give", &session, "--to", "alice", "Book it"]).done()["id"]);
    chat.sees("/task take 1");
    chat.types("/task done 1 booked\r");
    chat.sees("task 1 is completed");
    assert_eq!(b.nexus(&["done", &task, "--session", &session]).json["result"], "booked");
    chat.types("/task Pay it\r");
    chat.sees("task 2 is given to b");
    std::fs::write(folder.path().join("plan.md"), "# Plan").unwrap();
    chat.types("/file plan.md\r");
    chat.sees("version");
    chat.types("/file get plan.md\r");
    chat.sees("already a file");
    std::fs::remove_file(folder.path().join("plan.md")).unwrap();
    // A line that was refused is there to be corrected or tried again.
    chat.sees("alice> /file get");
    chat.types("\r");
    chat.sees("written to plan.md");
    assert_eq!(std::fs::read_to_string(folder.path().join("plan.md")).unwrap(), "# Plan");
    chat.types("/members\r");
    chat.sees("PRESENCE");
    chat.types("/nonsense\r");
    chat.sees("/help");
    chat.sees("alice> /nonsense");
    chat.types("\u{15}");
    let c = Home::new(&relay.url());
    c.nexus(&["join", &session, "--as", "carol"]).done();
    chat.sees("carol joined");
    chat.types("/end\r");
    chat.sees("type /end again");
    chat.types("/end\r");
    let seen = chat.ends();
    assert!(!seen.contains("\u{1b}]52"), "{seen:?}");
    assert!(!seen.contains("listening over"), "that is usual: {seen:?}");
    assert_eq!(b.nexus(&["status", &session]).error(), "session_not_found");
    assert_eq!(a.nexus(&["status", &session]).json["error"], json!("session_not_found"));
}

#[test]
fn messages_wait_while_the_editor_searches_its_history() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("alice");
    let b = guest(&a, &session);
    let start = || {
        let mut command = b.command();
        command.args(["chat", &session]);
        let mut chat = Typing::new(command);
        chat.sees("b> ");
        // Without a history there is nothing to search.
        chat.types("/quiet\r");
        chat.sees("b> /quiet");
        chat.types("\u{15}\u{12}");
        chat.sees("reverse-i-search");
        chat
    };
    let mut chat = start();
    let send = |text: &str| text_of(&a.nexus(&["send", &session, text]).done()["cursor"]);
    let cursors = ["one", "two", "three", "four"].map(send);
    let read = || b.stored(&session, "cursor").as_ref() == cursors.last();
    nexus_tests::eventually("they have come", read);
    chat.types("\u{7}");
    for text in ["one", "two", "three", "four", "b> "] {
        chat.sees(text);
    }
    chat.types("done\r");
    nexus_tests::eventually("the line", || a.poll(&session).contains(&"done".to_owned()));
    chat.types("/quit\r");
    chat.ends();

    // The end does not wait for the editor, and nothing is lost by it.
    let mut chat = start();
    let _ = ["five", "six", "seven"].map(send);
    a.nexus(&["end", &session]).done();
    for text in ["five", "six", "seven", "the session is over"] {
        chat.sees(text);
    }
    assert!(chat.ends_cooked());
}

#[test]
fn a_person_sees_all_that_is_new_and_else_the_last_messages() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("alice");
    let b = guest(&a, &session);
    let say = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            a.nexus(&["send", &session, &format!("<{number}>")]).done();
        }
    };
    let shown = |home: &Home| {
        let mut command = home.command();
        command.args(["chat", &session]);
        let mut chat = Typing::new(command);
        chat.sees("> ");
        chat.types("/quit\r");
        let seen = chat.ends();
        (0..50).filter(|number| seen.contains(&format!("<{number}>"))).collect::<Vec<u32>>()
    };
    say(0..25);
    assert_eq!(shown(&b), (0..25).collect::<Vec<_>>(), "nothing was read");
    assert_eq!(shown(&b), (5..25).collect::<Vec<_>>(), "all was read");
    say(25..47);
    assert_eq!(shown(&b), (25..47).collect::<Vec<_>>());
    // What is damaged is not taken for a new beginning.
    std::fs::write(b.state().join("sessions").join(&session).join("cursor"), "x\n").unwrap();
    assert_eq!(b.nexus_with_input(&["chat", &session], b"").error(), "state_corrupt");
}

#[test]
fn an_end_by_others_gives_the_terminal_back() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("alice");
    let b = guest(&a, &session);
    let mut command = b.command();
    command.args(["chat", &session]);
    let mut chat = Typing::new(command);
    chat.sees("b> ");
    chat.types("half");
    chat.sees("half");
    a.nexus(&["end", &session]).done();
    chat.sees("the session is over");
    assert!(chat.ends_cooked());
}

#[test]
fn a_line_is_sent_again_with_its_key_until_it_is_stored() {
    let fake = Fake::new(|number, request| {
        let is_send = request.starts_with("POST ");
        let status = if is_send && number < 6 { "503 Away" } else { "200 OK" };
        let body = r#"{"messages":[],"nextCursor":"1","delivery":["poll"],"ok":true}"#;
        Reply::Bytes(response(status, "Retry-After: 0\r\n", body))
    });
    let home = Home::new(&fake.url);
    let session = "ab12cd34".repeat(6);
    let run = home.nexus_with_input(&["chat", &session, "--as", "a"], b"one\n").done();
    assert_eq!(run["sent"], 1);
    let requests = fake.requests();
    let key_of = |request: &String| {
        let mut lines = request.lines().map(str::to_ascii_lowercase);
        lines.find(|line| line.starts_with("idempotency-key"))
    };
    let sends = requests.iter().filter(|request| request.starts_with("POST "));
    let keys: Vec<String> = sends.filter_map(key_of).collect();
    assert!(keys.len() > 1 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn a_signal_ends_a_conversation_whose_server_is_away() {
    let fake = Fake::new(|_, request| {
        let status = if request.starts_with("POST ") { "503 Away" } else { "200 OK" };
        let body = r#"{"messages":[],"nextCursor":"1","delivery":["poll"]}"#;
        Reply::Bytes(response(status, "Retry-After: 3000\r\n", body))
    });
    let home = Home::new(&fake.url);
    let mut command = home.command();
    command.args(["chat", &"ab12cd34".repeat(6), "--as", "a"]).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\n").unwrap();
    let is_sent = |request: &String| request.starts_with("POST ");
    nexus_tests::eventually("it is sent", || fake.requests().iter().any(is_sent));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let value = Run::of(child.wait_with_output().unwrap()).done();
    assert_eq!((&value["reason"], &value["sent"]), (&json!("signal"), &json!(0)));
}
