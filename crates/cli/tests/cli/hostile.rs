//! A server whose every word is hostile: whatever the command, a terminal gets nothing that it obeys, and no
//! key.

use crate::{
    fake::{Fake, Reply, response},
    support::{Home, every_command, with_each},
};
use serde_json::{Value, json};
use std::{fs, process::Stdio};

const SESSION: &str = "ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34";
const SECRET: &str = "a-secret-of-my-own-choice";

/// Every character of C0 and C1, the controls of the writing direction, and commands of terminals: OSC 8
/// (link), OSC 52 (clipboard), clearing, a title.
fn poison() -> String {
    let controls: String = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32).collect();
    let bidi = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    format!(
        "{controls}{bidi}\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}]8;;http://x\u{1b}\\x\u{1b}]8;;\u{1b}\\\u{1b}[2J\u{9b}2J\u{1b}]0;t\u{7}nxk_leaked-key nxs_leaked-secret"
    )
}

/// One value that has the fields of every response.
fn value() -> Value {
    let p = poison();
    let time = "2026-01-01T00:00:00Z";
    let message = |kind: Option<&str>| {
        json!({
            "id": p, "agentId": if kind.is_some() { "system" } else { p.as_str() }, "kind": kind, "text": p,
            "json": { (p.as_str()): p }, "cursor": "1", "sentAt": p, "verified": false, "by": p, "hint": p,
            "replyTo": p, "topic": p, "to": [p], "conversationId": p,
        })
    };
    let task = json!({
        "id": "8f14e45fceea167a-7", "status": "pending", "assignee": "bob", "from": "alice", "task": p,
        "context": p, "priority": "normal", "createdAt": time, "updatedAt": time, "cursor": "1",
    });
    let member = json!({
        "agentId": "bob", "presence": "online", "online": true, "verified": true, "joinedAt": time,
        "lastSeenAt": time, "name": p, "capabilities": [p], "machine": p, "description": p, "card": { "name": p },
    });
    let mut all = json!({
        "ok": true, "sessionId": SESSION, "sessionKey": "nxk_leaked-key", "secret": SECRET, "state": p,
        "agentId": "bob", "url": p, "code": p, "expiresAt": p, "greeting": { "text": p, "by": p }, "message": p,
        "messages": [message(None), message(Some("joined")), message(Some("task")), message(Some("greeting"))],
        "nextCursor": "1", "agents": [member], "members": [member], "tasks": [task],
        "files": [{ "key": p, "version": 1, "size": 1, "editor": p, "updatedAt": p }],
        "codes": [{ "code": p, "url": p }], "card": { "name": p, "description": p }, "note": p,
        "ttl": 30, "delivery": ["longpoll"], "message_format": ["text", "json"],
    });
    for (name, value) in task.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

/// How each command is run. The test fails for a command that is missing here.
fn arguments(command: &str) -> Option<&'static str> {
    Some(match command {
        "create" => "--creator-agent-id bob",
        "send" | "broadcast" => "work hi",
        "poll" => "work --members",
        "wait" => "work --timeout 1",
        "listen" | "peek" | "chat" | "heartbeat" | "status" | "discover" | "renew" | "pair"
        | "pair-list" | "export" | "task ls" | "file ls" | "end" | "leave" | "poll-status"
        | "bind" | "key" => "work",
        "open" => "work --print",
        "poll-daemon" => "work --yes --ttl 1s",
        "work" => "work --capability x --exec true",
        "pair-status" | "revoke" => "PEARL-FOCAL-S5SJV --session work",
        "claim" | "accept" => "PEARL-FOCAL-S5SJV --agent-id bob",
        "join" => "work --agent-id bob",
        "invite" => "work @eve",
        "profile" => "work --name Bob",
        "remove" => "work eve",
        "task give" => "work --to eve hi",
        "task take" | "task progress" | "task done" | "task fail" | "task decline"
        | "task cancel" => "8f14e45fceea167a-7 --session work",
        "task reassign" => "8f14e45fceea167a-7 --session work --to eve",
        "file put" => "work plan.md Cargo.toml",
        "file get" | "file rm" => "work plan.md",
        "address register" => "--id bob",
        "ping" | "address block" | "address unblock" | "address allow" | "address disallow" => {
            "eve"
        }
        "address allow-only" => "on",
        "address remove" => "@bob",
        "contacts add" => "ann --agent eve",
        "contacts remove" => "ann",
        "alias" => "work other",
        "unalias" => "other",
        "config set-url" => "http://127.0.0.1:9",
        "config set" => "sealed on",
        "inbox" | "ls" | "poll-all" | "prune" | "doctor" | "contacts list" | "config show"
        | "config unset" | "address ls" | "address card" | "address rotate" | "address find"
        | "whoami" | "version" => "",
        // Nobody has this address, so it ends. It prints through the same writer.
        "receive" => "--host 192.0.2.1",
        "scan" => "--timeout 1 --at 127.0.0.1:45353",
        "completions" => "bash",
        "man" => "/dev/null/man",
        "mcp install" => "cursor",
        _ => return None,
    })
}

/// A machine that is `bob`, in a session with the alias `work`.
fn home(url: &str) -> Home {
    let home = Home::new(url);
    let write = |path: String, text: &str| {
        let path = home.state().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(format!("sessions/{SESSION}/agent"), "bob\n");
    write(format!("sessions/{SESSION}/key"), "nxk_leaked-key\n");
    write(format!("sessions/{SESSION}/server"), url);
    write("agents/bob/secret".to_owned(), SECRET);
    write("agents/bob/server".to_owned(), url);
    write("aliases.json".to_owned(), &json!({ "work": SESSION }).to_string());
    write("contacts.json".to_owned(), &json!({ "eve": { "agent": "eve" } }).to_string());
    home
}

fn is_obeyed(c: char) -> bool {
    let is_bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && !matches!(c, '\n' | '\t')) || is_bidi
}

fn check(text: &str, what: &str) {
    assert!(!text.contains(is_obeyed), "{what}: {text:?}");
    assert!(!text.contains("leaked-"), "a key, {what}: {text}");
    assert!(!text.contains(SECRET), "a secret, {what}: {text}");
}

/// A server that answers so at first, and then says that the session has ended, so that every loop ends.
fn server(status: &'static str) -> Fake {
    let body = value().to_string();
    Fake::new(move |number, _| {
        let gone = json!({ "error": "session_not_found", "message": poison() }).to_string();
        let is_over = number >= 12;
        let (status, body) = if is_over { ("404 Not Found", &gone) } else { (status, &body) };
        Reply::Bytes(response(status, "Content-Type: application/json\r\n", body))
    })
}

fn walk(status: &'static str, formats: &[&[&str]]) {
    let all = every_command();
    let given =
        |command: &String| arguments(command).unwrap_or_else(|| panic!("how is `{command}` run?"));
    let runs: Vec<Vec<&str>> = all
        .iter()
        .flat_map(|command| formats.iter().map(move |format| (command, *format)))
        .map(|(command, format)| {
            let words = command.split(' ').chain(given(command).split_whitespace());
            words.chain(format.iter().copied()).collect()
        })
        .collect();
    with_each(&runs, |words| {
        let server = server(status);
        let seen = home(&server.url).on_terminal(words);
        assert!(matches!(seen.code, Some(0..=2)), "{words:?}: {}", seen.text);
        check(&seen.text, &format!("{words:?}"));
    });
}

#[test]
fn no_command_lets_a_terminal_obey_a_stranger() {
    walk("200 OK", &[&[], &["--jq", "[.. | strings] | .[]"]]);
}

#[test]
fn no_refusal_lets_a_terminal_obey_a_stranger() {
    walk("409 Conflict", &[&[]]);
}

#[test]
fn json_on_a_terminal_is_harmless_and_the_same_value() {
    let fake = server("200 OK");
    let home = home(&fake.url);
    let seen = home.on_terminal(&["poll", "work", "--json", "--peek"]);
    check(&seen.text, "--json");
    let line = seen.text.lines().find(|line| line.starts_with('{')).unwrap();
    let shown: Value = serde_json::from_str(line).unwrap();
    let text = shown["messages"][0]["text"].as_str().unwrap();
    assert_eq!(
        text.replace("[key]", "nxk_"),
        poison().replace("nxk_leaked-key", "nxk_").replace("nxs_leaked-secret", "nxk_")
    );
}

#[test]
fn a_pipe_gets_the_same_value_without_raw_controls() {
    let fake = server("200 OK");
    let output = home(&fake.url).command().args(["poll", "work", "--peek"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!stdout.contains(is_obeyed), "{stdout:?}");
    let page: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(page["messages"][0]["text"], poison());
}

#[test]
fn a_file_reaches_a_terminal_only_if_it_is_harmless() {
    let file = |bytes: &[u8]| {
        let mut answer = response("200 OK", "Content-Type: text/plain\r\n", "");
        answer = String::from_utf8(answer)
            .unwrap()
            .replace("Length: 0", &format!("Length: {}", bytes.len()))
            .into_bytes();
        answer.extend_from_slice(bytes);
        Fake::new(move |_, _| Reply::Bytes(answer.clone()))
    };
    let plain = file("Hello,\n\twörld\n".as_bytes());
    let seen = home(&plain.url).on_terminal(&["file", "get", "work", "a.txt"]);
    assert!(seen.text.contains("Hello,\n"), "{}", seen.text);
    for bytes in [&b"a\x1b[2J"[..], b"\xff\xfe", "a\u{9b}b".as_bytes()] {
        let evil = file(bytes);
        let home = home(&evil.url);
        let seen = home.on_terminal(&["file", "get", "work", "a.txt"]);
        assert_eq!(seen.code, Some(1));
        assert!(seen.text.contains("-o FILE"), "{}", seen.text);
        check(&seen.text, "a file");
        // A pipe gets the bytes as they are.
        let mut piped = home.command();
        piped.args(["file", "get", "work", "a.txt"]).stderr(Stdio::null());
        assert_eq!(piped.output().unwrap().stdout, bytes);
    }
}

#[test]
fn colours_follow_the_environment() {
    let fake = server("200 OK");
    let home = home(&fake.url);
    let run = |set: &[(&str, &str)]| {
        let mut command = home.command();
        command.env("TERM", "xterm").envs(set.iter().copied()).args(["poll-status"]);
        crate::terminal::run(command).text.contains("\u{1b}[")
    };
    assert!(run(&[]));
    assert!(!run(&[("NO_COLOR", "1")]));
    assert!(!run(&[("CLICOLOR", "0")]));
    assert!(run(&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")]));
    assert!(!run(&[("TERM", "dumb")]));
}
