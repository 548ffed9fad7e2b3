//! Keys and secrets go to their own server only. Every command is run while the environment, the
//! configuration or `--url` name a second server, which records what it is sent and answers with hostile
//! values.

use crate::{
    fake::{Fake, Reply, response},
    support::{Home, every_command, with_each},
};
use serde_json::json;
use std::{fs, io::Write, process::Stdio};

const SESSION: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";
const TASK: &str = "8f14e45fceea167a-7";
const CODE: &str = "PEARL-FOCAL-S5SJV";
const KEY: &str = "nxk_ours";
const SECRET: &str = "nxs_ours_0123456789abcdef";
const TOKEN: &str = "token_ours_0123456789abcdef";

/// Every command that may make a request, with arguments. `SESSION` is bound to the first server, and so is
/// the address `a`.
const COMMANDS: &[&[&str]] = &[
    &["status", SESSION],
    &["join", SESSION],
    &["leave", SESSION],
    &["end", SESSION],
    &["remove", SESSION, "b"],
    &["renew", SESSION],
    &["pair", SESSION],
    &["claim", CODE, "--agent-id", "a"],
    &["accept", CODE, "--as", "a"],
    &["chat", SESSION],
    &["invite", SESSION],
    &["invite", SESSION, "--no-wait"],
    &["invite", SESSION, "--to", "@b"],
    &["pair-status", CODE],
    &["pair-list", SESSION],
    &["revoke", CODE, "--session", SESSION],
    &["discover", SESSION],
    &["profile", SESSION, "--name", "x"],
    &["delegate", SESSION, "--to", "b", "x"],
    &["reassign", TASK, "--to", "b", "--session", SESSION],
    &["tasks", SESSION],
    &["accept", TASK, "--session", SESSION],
    &["progress", TASK, "1"],
    &["done", TASK],
    &["fail", TASK, "x"],
    &["decline", TASK],
    &["cancel", TASK],
    &["work", SESSION, "--exec", "true"],
    &["task", "give", SESSION, "--to", "b", "x"],
    &["task", "ls", SESSION],
    &["task", "take", TASK, "--session", SESSION],
    &["task", "progress", TASK, "1"],
    &["task", "done", TASK],
    &["task", "fail", TASK, "x"],
    &["task", "decline", TASK],
    &["task", "cancel", TASK],
    &["task", "reassign", TASK, "--to", "b", "--session", SESSION],
    &["broadcast", SESSION, "x"],
    &["export", SESSION],
    &["open", SESSION, "--print"],
    &["prune", "--dry-run"],
    &["file", "put", SESSION, "x", "/dev/null"],
    &["file", "get", SESSION, "x"],
    &["file", "ls", SESSION],
    &["file", "rm", SESSION, "x"],
    &["file-put", SESSION, "x", "/dev/null"],
    &["file-get", SESSION, "x"],
    &["file-list", SESSION],
    &["file-rm", SESSION, "x"],
    &["register", "--id", "a", "--name", "x"],
    &["address", "register", "--id", "a", "--name", "x"],
    &["address", "ls"],
    &["address", "find"],
    &["address", "block", "b"],
    &["address", "unblock", "b"],
    &["address", "allow", "b"],
    &["address", "disallow", "b"],
    &["address", "allow-only", "on"],
    &["address", "card"],
    &["address", "card", "@b"],
    &["address", "card", "--name", "x"],
    &["address", "rotate"],
    &["address", "remove", "@a"],
    &["agents"],
    &["inbox"],
    &["invite", SESSION, "@b"],
    &["block", "b"],
    &["unblock", "b"],
    &["allow", "b"],
    &["disallow", "b"],
    &["allow-only", "on"],
    &["ping", "x"],
    &["send", SESSION, "x"],
    &["send", "@b", "x"],
    &["poll", SESSION],
    &["wait", SESSION, "--timeout", "0"],
    &["listen", SESSION],
    &["listen", "@me"],
    &["peek"],
    &["poll-daemon", SESSION, "--yes", "--ttl", "1"],
    &["heartbeat", SESSION, "--interval", "1"],
    &["ls"],
    &["poll-all"],
    &["doctor"],
];

/// Commands that ask no server, and `create`, which tells a new session's server the token that it is given.
const OTHERS: &[&str] = &[
    "create",
    "contacts add",
    "contacts list",
    "contacts remove",
    "receive",
    "poll-status",
    "alias",
    "unalias",
    "config set-url",
    "config set",
    "config show",
    "config unset",
    "bind",
    "scan",
    "whoami",
    "key",
    "completions",
    "man",
    "version",
    "mcp install",
];

/// A machine with a seat in `SESSION` and the address `a`, both at this server.
fn machine(own: &str) -> Home {
    let home = Home::without_url();
    let (session, address) =
        (home.state().join("sessions").join(SESSION), home.state().join("agents/a"));
    let files = [
        (&session, "agent", "a"),
        (&session, "key", KEY),
        (&session, "server", own),
        (&session, "cursor", "3"),
        (&address, "secret", SECRET),
        (&address, "server", own),
    ];
    for (folder, name, line) in files {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), format!("{line}\n")).unwrap();
    }
    fs::write(home.state().join("contacts.json"), r#"{"x":{"agent":"b"}}"#).unwrap();
    home
}

/// What the machine holds.
fn held(home: &Home) -> Vec<Option<String>> {
    let address = |name: &str| fs::read_to_string(home.state().join("agents/a").join(name)).ok();
    let session = ["agent", "key", "server", "cursor"].map(|name| home.stored(SESSION, name));
    session.into_iter().chain(["secret", "server"].map(address)).collect()
}

/// A server that wants to take over the session. After this many answers it says that the session is gone,
/// so that loops end.
fn hostile(answers: usize) -> Fake {
    let evil = json!({
        "sessionId": SESSION, "sessionKey": "nxk_evil", "status": "joined", "secret": "nxs_evil_0123456789",
        "agents": [], "messages": [], "nextCursor": "999999", "cursorReset": true, "ok": true,
        "code": CODE, "state": "revoked", "url": "https://evil.example",
    });
    let gone = json!({ "error": "session_not_found", "message": "It has ended, or never was." });
    Fake::new(move |number, _| {
        let (status, body) =
            if number >= answers { ("404 Not Found", &gone) } else { ("200 OK", &evil) };
        Reply::Bytes(response(status, "", &body.to_string()))
    })
}

/// A server on which nothing exists any more, so that every command ends.
fn own() -> Fake {
    let gone = json!({ "error": "agent_not_found", "message": "This agent is not known here." });
    Fake::answering("403 Forbidden", "", &gone.to_string())
}

fn run(home: &Home, other: &str, arguments: &[&str], by: &str) {
    let mut command = home.command();
    command.args(arguments).env("NEXUS_TOKEN", TOKEN).env("NEXUS_HTTP_TIMEOUT", "2");
    match by {
        "env" => drop(command.env("NEXUS_URL", other)),
        "config" => {
            let config = json!({ "serverUrl": other }).to_string();
            fs::write(home.state().join("config.json"), config).unwrap();
        }
        _ => drop(command.args(["--url", other])),
    }
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"x").unwrap_or_default();
    nexus_tests::eventually(&format!("{arguments:?} ends"), || child.try_wait().unwrap().is_some());
}

fn shows(requests: &[String]) -> Option<&String> {
    requests.iter().find(|text| [KEY, SECRET, TOKEN].iter().any(|proof| text.contains(proof)))
}

#[test]
fn no_other_server_is_shown_a_key_or_changes_what_is_held() {
    let runs: Vec<_> = COMMANDS
        .iter()
        .flat_map(|arguments| ["env", "config", "--url"].map(|by| (arguments, by)))
        .collect();
    with_each(&runs, |(arguments, by)| {
        let (own, other) = (own(), hostile(2));
        let home = machine(&own.url);
        let before = held(&home);
        run(&home, &other.url, arguments, by);
        let told = shows(&other.requests()).cloned();
        assert_eq!(told, None, "{arguments:?} with {by}");
        if *by == "--url" || ["claim", "accept"].contains(&arguments[0]) {
            assert_eq!(held(&home), before, "{arguments:?} with {by}");
        }
    });
}

#[test]
fn the_own_server_is_used_whatever_the_environment_and_the_configuration_say() {
    for by in ["env", "config"] {
        for arguments in [&["send", SESSION, "x"][..], &["poll", SESSION], &["inbox"]] {
            let (own, other) = (own(), hostile(usize::MAX));
            let home = machine(&own.url);
            run(&home, &other.url, arguments, by);
            assert!(shows(&own.requests()).is_some(), "{arguments:?} with {by}");
            assert_eq!(other.requests(), Vec::<String>::new(), "{arguments:?} with {by}");
        }
    }
}

#[test]
fn the_walk_knows_every_command() {
    for command in every_command() {
        let words: Vec<&str> = command.split(' ').collect();
        let is_walked = COMMANDS.iter().any(|arguments| arguments.starts_with(&words));
        assert!(is_walked || OTHERS.contains(&command.as_str()), "add {command} to COMMANDS");
    }
}

#[test]
fn a_hostile_link_replaces_nothing() {
    let (own, other) = (own(), hostile(usize::MAX));
    let home = machine(&own.url);
    let before = held(&home);
    let link = format!("{}/p/{CODE}", other.url);
    let run = home.nexus(&["claim", &link, "--agent-id", "a"]);
    assert_eq!(run.error(), "already_member");
    assert_eq!(run.json["sessionKey"], "nxk_evil", "the answer is not lost");
    assert_eq!(held(&home), before);
    assert_eq!(
        home.nexus(&["create", "--agent-id", "a", "--url", &other.url]).error(),
        "already_member"
    );
    assert_eq!(held(&home), before);
    // A state folder of an earlier version may not say which server has the session.
    fs::remove_file(home.state().join("sessions").join(SESSION).join("server")).unwrap();
    assert_eq!(home.nexus(&["claim", &link, "--agent-id", "a"]).error(), "already_member");
    assert_eq!(home.stored(SESSION, "key").unwrap(), KEY);
}

#[test]
fn a_session_that_has_moved_is_bound_first() {
    let (own, other) = (own(), hostile(usize::MAX));
    let home = machine(&own.url);
    let run = home.nexus(&["renew", SESSION, "--url", &other.url]);
    assert!(run.stderr.contains("nexus bind"), "{}", run.stderr);
    assert!(shows(&other.requests()).is_none());
    home.nexus(&["bind", SESSION, "--url", &other.url]).done();
    home.nexus(&["renew", SESSION]).done();
    home.nexus(&["renew", SESSION, "--url", &format!("{}/", other.url)]).done();
    let shown = other.requests().iter().filter(|text| text.contains(KEY)).count();
    assert_eq!(shown, 2, "and is then shown the key");
}

#[test]
fn the_default_server_is_never_silent() {
    let home = Home::without_url();
    for arguments in [&["config"][..], &["config", "show"]] {
        let run = home.nexus(arguments);
        assert!(run.stderr.contains("messaging.md (default"), "{}", run.stderr);
        assert_eq!(run.json["effective"]["source"], "default");
    }
    // No request leaves the machine: the proxy does not exist.
    let mut command = home.command();
    command.env("HTTPS_PROXY", "http://127.0.0.1:9").args(["agents"]);
    let run = crate::support::Run::of(command.output().unwrap());
    assert_eq!(run.stderr.matches("messaging.md (default").count(), 1, "{}", run.stderr);
}
