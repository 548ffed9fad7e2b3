//! Every command when it is refused: by the server, in its own words, or by the client.

use crate::support::{Home, Run, guest, text};
use nexus_tests::{Api, relay};
use serde_json::json;

const NOBODY: &str = "000000000000000000000000000000000000000000000000";

#[test]
fn a_wrong_command_line_is_an_error_in_json() {
    let home = Home::without_url();
    for arguments in [
        &[][..],
        &["nonsense"],
        &["send"],
        &["send", NOBODY],
        &["create", "--ttl", "soon"],
        &["poll", NOBODY, "--after", "yesterday"],
        &["join", NOBODY, "--agent-id", "a b"],
        &["create", "--agent-id", "system"],
        &["poll-daemon", NOBODY, "--interval", "0"],
        &["completions", "cobol"],
        &["register", "--id", "a b"],
        &["send", NOBODY, "x", "--max-turns", "3"],
        &["send", "@a b", "x"],
        &["send", "--to", "bob"],
        &["block", "a b"],
        &["allow-only", "maybe"],
        &["contacts"],
        &["receive", "--host", "everywhere"],
        &["address"],
        &["config", "set-url"],
    ] {
        let output = home.command().args(arguments).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let json: serde_json::Value = serde_json::from_str(&stdout).expect(&stdout);
        assert_eq!((&json["error"], output.status.code()), (&json!("usage"), Some(1)));
        assert!(!output.stderr.is_empty(), "people are told");
    }
    assert!(!home.state().exists(), "nothing was stored");
}

#[test]
fn help_carries_examples_that_name_real_commands() {
    let home = Home::without_url();
    let help = |arguments: &[&str]| {
        let output = home.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let overview = help(&["--help"]);
    assert!(overview.contains("\nTalk:\n") && overview.contains("\nThis machine:\n"), "{overview}");
    let commands = crate::support::commands(&overview);
    assert!(commands.len() > 30, "{commands:?}");
    for command in &commands {
        let text = help(&[command, "--help"]);
        assert!(
            text.contains("Examples:\n  ") && text.contains(&format!("nexus {command}")),
            "{text}"
        );
    }
    assert!(help(&["--version"]).starts_with("nexus 0."));
    assert!(help(&["help", "send"]).contains("--strict"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(help(&["completions", shell]).contains("COMPLETE"), "{shell}");
    }
}

#[test]
fn invalid_input_is_refused_before_a_request() {
    // Nobody listens there, so a request would give another error.
    let home = Home::new("http://127.0.0.1:9");
    for (arguments, error) in [
        (&["status", "nope"][..], "unknown_session"),
        (&["alias", "nope", "x"], "unknown_session"),
        (&["alias", NOBODY, NOBODY], "invalid_alias"),
        (&["alias", NOBODY, "a/b"], "invalid_alias"),
        (&["join", NOBODY], "missing_agent_id"),
        (&["leave", NOBODY], "missing_agent_id"),
        (&["renew", NOBODY], "missing_agent_id"),
        (&["send", NOBODY, "x"], "missing_agent_id"),
        (&["poll", NOBODY], "missing_agent_id"),
        (&["heartbeat", NOBODY], "missing_agent_id"),
        (&["poll-daemon", NOBODY], "missing_agent_id"),
        (&["poll-daemon", NOBODY, "--agent-id", "a"], "not_confirmed"),
        (&["claim", "PEARL-FOCAL-S5SJV"], "missing_agent_id"),
        (&["claim", "../x", "--agent-id", "a"], "invalid_code"),
        (&["pair-status", "http://127.0.0.1:9/elsewhere"], "invalid_code"),
        (&["send", NOBODY, "--json", "{", "--agent-id", "a"], "invalid_json"),
        (&["config", "set-url", "ftp://x"], "invalid_url"),
        (&["status", NOBODY, "--url", "localhost"], "invalid_url"),
        (&["bind", NOBODY, "--url", "localhost"], "invalid_url"),
    ] {
        assert_eq!(home.nexus(arguments).error(), error, "{arguments:?}");
    }
    let latin = home.nexus_with_input(&["send", NOBODY, "-", "--agent-id", "a"], b"\xe9\n");
    assert_eq!(latin.error(), "usage");
    for limit in ["0", "-1", "soon", "inf"] {
        let run = home.command().env("NEXUS_HTTP_TIMEOUT", limit).args(["ls"]).output().unwrap();
        assert_eq!(Run::of(run).error(), "invalid_environment");
    }
}

#[test]
fn refusals_of_the_server_are_passed_on_unchanged() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let refused = |arguments: &[&str]| {
        let run = a.nexus(arguments);
        assert!(run.json["message"].as_str().unwrap().len() > 20);
        (run.error().to_owned(), run)
    };
    for (arguments, error) in [
        (&["create", "--ttl", "0"][..], "invalid_request"),
        (&["status", NOBODY], "session_not_found"),
        (&["join", NOBODY, "--agent-id", "a"], "session_not_found"),
        (&["renew", NOBODY, "--agent-id", "a"], "session_not_found"),
        (&["pair", NOBODY], "session_not_found"),
        (&["send", NOBODY, "x", "--agent-id", "a"], "session_not_found"),
        (&["poll", NOBODY, "--agent-id", "a"], "session_not_found"),
        (&["heartbeat", NOBODY, "--agent-id", "a"], "session_not_found"),
        (&["poll-daemon", NOBODY, "--yes", "--agent-id", "a"], "session_not_found"),
        (&["claim", "PEARL-FOCAL-S5SJV", "--agent-id", "a"], "code_not_found"),
        (&["pair-status", "PEARL-FOCAL-S5SJV"], "code_not_found"),
        (&["send", &session, "x", "--agent-id", "stranger"], "forbidden"),
        (&["poll", &session, "--agent-id", "stranger"], "forbidden"),
        (&["send", &session, ""], "invalid_request"),
        (&["send", &session, &"x".repeat(70_000)], "message_too_large"),
        (&["leave", &session], "forbidden"),
    ] {
        assert_eq!(refused(arguments).0, error, "{arguments:?}");
    }
    // The client passes on everything that the server says, even fields that it does not know.
    let (_, run) = refused(&["renew", &session, "--ttl", "0"]);
    assert_eq!(run.json["details"][0]["path"], "ttl");
    assert!(a.stored(&session, "key").is_some(), "a creator that cannot leave stays a member");
}

#[test]
fn a_full_session_and_a_name_that_is_taken() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let created = a.nexus(&["create", "--agent-id", "a", "--max-agents", "2"]).done();
    let session = text(&created["sessionId"]);
    let b = Home::new(&relay.url());
    assert_eq!(b.nexus(&["join", &session, "--agent-id", "a"]).error(), "agent_id_taken");
    let code = text(&a.nexus(&["pair", &session]).done()["code"]);
    assert_eq!(b.nexus(&["claim", &code, "--agent-id", "a"]).error(), "agent_id_taken");
    assert_eq!(b.stored(&session, "agent"), None);
    b.nexus(&["claim", &code, "--agent-id", "b"]).done();
    let c = Home::new(&relay.url());
    assert_eq!(c.nexus(&["claim", &code, "--agent-id", "c"]).error(), "code_expired_or_used");
    assert_eq!(c.nexus(&["join", &session, "--agent-id", "c"]).error(), "session_full");
}

#[test]
fn a_second_agent_of_the_same_machine_does_not_take_the_first_ones_key() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let key = a.stored(&session, "key");
    let code = text(&a.nexus(&["pair", &session]).done()["code"]);
    let refused = a.nexus(&["accept", &code, "--as", "b"]);
    assert_eq!(refused.error(), "already_member");
    // So the code is good for what the message says.
    assert!(refused.stderr.contains("--profile"), "{}", refused.stderr);
    a.nexus(&["accept", &code, "--as", "b", "--profile", "second"]).done();
    let code = text(&a.nexus(&["pair", &session]).done()["code"]);
    let claimed = a.nexus(&["claim", &code, "--agent-id", "c"]);
    // The seat is taken, and only this response has its key.
    assert_eq!(claimed.error(), "already_member");
    assert!(text(&claimed.json["sessionKey"]).starts_with("nxk_"));
    assert_eq!(
        (a.stored(&session, "agent").unwrap().as_str(), a.stored(&session, "key")),
        ("a", key)
    );
}

#[test]
fn leaving_forgets_a_session_only_if_it_is_over() {
    let mut relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    let folder = b.state().join("sessions").join(&session);
    let write_key = |key: &str| std::fs::write(folder.join("key"), key).unwrap();
    let key = b.stored(&session, "key").unwrap();

    write_key("nxk_wrong");
    assert_eq!(b.nexus(&["leave", &session]).error(), "invalid_session_key");
    assert!(folder.exists(), "a wrong key, while still a member");
    std::fs::remove_file(folder.join("key")).unwrap();
    assert_eq!(b.nexus(&["leave", &session]).error(), "missing_session_key");
    assert!(folder.exists());

    write_key(&key);
    relay.kill();
    let away =
        b.command().env("NEXUS_HTTP_TIMEOUT", "5").args(["leave", &session]).output().unwrap();
    assert_eq!(Run::of(away).error(), "server_unreachable");
    assert!(folder.exists(), "no network");
    relay.restart().unwrap();

    // Another server does not know the session, so its response does not count.
    let other = nexus_tests::relay();
    let elsewhere = b.nexus(&["leave", &session, "--url", &other.url()]);
    assert_eq!(elsewhere.error(), "session_not_found");
    assert!(folder.exists());

    // The seat was given up elsewhere. The server says so, so it is removed here too.
    let path = format!("/v1/sessions/{session}/agents/b");
    let left = Api::new(&relay.url()).call("DELETE", &path).agent("b").key(&key).send();
    assert_eq!(left.status, 200);
    assert_eq!(b.nexus(&["leave", &session]).done()["status"], "removed");
    assert!(!folder.exists());
}
