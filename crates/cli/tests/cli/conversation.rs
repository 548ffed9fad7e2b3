//! Every command when it succeeds.

use crate::support::{Home, Run, guest, text, texts};
use nexus_tests::{list, relay};
use serde_json::{Value, json};

#[test]
fn two_agents_meet_by_a_link_and_talk() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let created =
        a.nexus(&["create", "--agent-id", "a", "--greeting", "Hello!", "--max-agents", "2"]);
    assert!(created.stderr.contains("default TTL"), "{}", created.stderr);
    assert!(
        created.stderr.contains(&format!("-> server: 127.0.0.1:{} ($NEXUS_URL)", relay.port()))
    );
    let created = created.done();
    let session = text(&created["sessionId"]);
    assert_eq!((&created["creatorAgentId"], &created["maxAgents"]), (&json!("a"), &json!(2)));
    assert_eq!(a.stored(&session, "agent").unwrap(), "a");
    assert_eq!(a.stored(&session, "key").unwrap(), text(&created["sessionKey"]));
    assert_eq!(a.stored(&session, "server").unwrap(), relay.url());
    assert_eq!(a.stored(&session, "cursor"), None);

    let pair = a.nexus(&["pair", &session]).done();
    let (code, link) = (text(&pair["code"]), text(&pair["url"]));
    assert_eq!(a.nexus(&["pair-status", &code]).done()["state"], "pending");

    // Without `--url`: the link names the server.
    let b = Home::without_url();
    let claimed = b.nexus(&["claim", &link, "--agent-id", "b"]);
    assert!(claimed.stderr.contains("(link)"), "{}", claimed.stderr);
    let claimed = claimed.done();
    assert_eq!(b.stored(&session, "key").unwrap(), text(&claimed["sessionKey"]));
    assert_eq!(b.stored(&session, "server").unwrap(), relay.url());
    assert_eq!(a.nexus(&["pair-status", &link]).done()["state"], "claimed");

    assert_eq!(b.poll(&session), ["Hello!"]);
    assert_eq!(b.stored(&session, "cursor").unwrap(), "0");
    let sent = b.nexus(&["send", &session, "-5 degrees"]).done();
    assert_eq!((&sent["verified"], &sent["cursor"]), (&json!(true), &json!("2")));
    assert_eq!(a.poll(&session), ["Hello!", "-5 degrees"]);
    assert!(a.poll(&session).is_empty());
    assert_eq!(a.stored(&session, "cursor").unwrap(), "2");

    let status = a.nexus(&["status", &session]).done();
    assert_eq!(status["agents"], json!(["a", "b"]));
    let renewed = a.nexus(&["renew", &session, "--ttl", "7200"]).done();
    assert_eq!(renewed["ttl"], 7200);

    let left = b.nexus(&["leave", &session]).done();
    assert_eq!(left["status"], "removed");
    assert!(!b.state().join("sessions").join(&session).exists());
}

#[test]
fn a_message_passes_as_it_is_where_the_relay_permits_it() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let written = ["ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat();
    let open = a.create("a");
    let refused = a.nexus(&["send", &open, &written, "--no-redact"]);
    assert_eq!(refused.error(), "redaction_required");
    let create = ["create", "--creator-agent-id", "t", "--token", "a-token-of-the-team"];
    let team = text(&a.nexus(&create).done()["sessionId"]);
    let sent = a.nexus(&["send", &team, &written, "--no-redact"]).done();
    assert_eq!((&sent["unredacted"], sent.get("redacted")), (&json!(true), None));
    let sent = a.nexus(&["send", &team, &written]).done();
    assert_eq!((sent.get("unredacted"), &sent["redacted"][0]["count"]), (None, &json!(1)));
    assert_eq!(a.poll(&team), [written, "[REDACTED:github_token]".to_owned()]);
}

#[test]
fn a_session_is_joined_and_joined_again_with_the_same_key() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let created = a.nexus(&["create", "--ttl", "60"]);
    assert!(!created.stderr.contains("default TTL"));
    let session = text(&created.done()["sessionId"]);
    assert_eq!(a.nexus(&["poll", &session]).error(), "missing_agent_id");
    let joined = a.nexus(&["join", &session, "--agent-id", "a"]).done();
    let again = a.nexus(&["join", &session]).done();
    assert_eq!(joined["sessionKey"], again["sessionKey"]);
    assert_eq!(a.nexus(&["send", &session, "x"]).done()["verified"], true);
}

#[test]
fn polling_reads_each_message_once_and_after_leaves_the_cursor_alone() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let created = a.nexus(&["create", "--agent-id", "a", "--greeting", "hi"]).done();
    let session = text(&created["sessionId"]);
    for number in 1..=3 {
        a.nexus(&["send", &session, &number.to_string()]).done();
    }
    let page = a.nexus(&["poll", &session, "--members"]).done();
    assert_eq!(texts(&page), ["hi", "1", "2", "3"]);
    assert_eq!(list(&page["members"]).len(), 1);
    let after = |cursor: &str| texts(&a.nexus(&["poll", &session, "--after", cursor]).done());
    assert_eq!(after("2"), ["3"]);
    assert_eq!(after("0"), ["hi", "1", "2", "3"]);
    assert_eq!(a.stored(&session, "cursor").unwrap(), "3");
    // Reading as another agent neither uses the stored cursor nor moves it.
    a.nexus(&["send", &session, "4"]).done();
    let other = a.nexus(&["join", &session, "--agent-id", "b"]);
    assert_eq!(other.error(), "already_member");
    assert_eq!(a.poll(&session), ["4"]);
}

#[test]
fn more_than_a_page_is_read_page_by_page() {
    let relay = nexus_tests::Relay::builder().var("PAGE_SIZE", "2").start().unwrap();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    for number in 1..=3 {
        a.nexus(&["send", &session, &number.to_string()]).done();
    }
    let first = a.nexus(&["poll", &session]);
    assert!(first.stderr.contains("there is more"), "{}", first.stderr);
    assert_eq!(texts(&first.done()), ["1", "2"]);
    assert_eq!(a.poll(&session), ["3"]);
}

#[test]
fn text_comes_from_standard_input_and_json_goes_as_json() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let input = "two lines\nand \"quotes\" \u{1f980}\n".as_bytes();
    a.nexus_with_input(&["send", &session, "-"], input).done();
    let payload = r#"{ "n": [1.10, 12345678901234567890123] }"#;
    a.nexus(&["send", &session, "with", "--json", payload, "--strict"]).done();
    a.nexus(&["send", &session, "--json", "-1"]).done();
    let page = a.command().args(["poll", &session]).output().unwrap();
    let raw = String::from_utf8(page.stdout.clone()).unwrap();
    assert!(raw.contains(r#"{"n":[1.10,12345678901234567890123]}"#), "digits stay: {raw}");
    let page = Run::of(page).done();
    assert_eq!(page["messages"][0]["text"], "two lines\nand \"quotes\" \u{1f980}");
    assert_eq!(page["messages"][1]["text"], "with");
    assert_eq!(
        (&page["messages"][2]["json"], &page["messages"][2]["text"]),
        (&json!(-1), &Value::Null)
    );
    assert!(a.state().join("server-caps.json").exists());
}

#[test]
fn an_alias_works_wherever_a_session_does() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let named = a.nexus(&["alias", &session, "dentist"]).done();
    assert_eq!(named, json!({ "alias": "dentist", "sessionId": session }));
    let stored = std::fs::read_to_string(a.state().join("aliases.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&stored).unwrap(), json!({ "dentist": session }));
    a.nexus(&["send", "dentist", "x"]).done();
    for command in ["status", "renew", "pair", "poll", "poll-status", "bind", "join"] {
        a.nexus(&[command, "dentist"]).done();
    }
    a.nexus(&["alias", "dentist", "other"]).done();
    assert_eq!(a.nexus(&["unalias", "dentist"]).done()["sessionId"], json!(session));
    assert_eq!(a.nexus(&["status", "dentist"]).error(), "unknown_session");
    assert_eq!(a.nexus(&["status", "other"]).done()["sessionId"], json!(session));

    // Leaving also removes the alias.
    let b = guest(&a, &session);
    b.nexus(&["alias", &session, "mine"]).done();
    b.nexus(&["leave", "mine"]).done();
    assert_eq!(b.nexus(&["status", "mine"]).error(), "unknown_session");
}

#[test]
fn the_server_is_the_first_that_is_named() {
    let (one, two) = (relay(), relay());
    let (first, second) = (one.url(), two.url());
    let mut a = Home::without_url();
    let source = |a: &Home, more: &[&str]| {
        let shown = a.nexus(&[&["config", "show"], more].concat()).done();
        (text(&shown["effective"]["serverUrl"]), text(&shown["effective"]["source"]))
    };
    assert_eq!(source(&a, &[]), ("https://messaging.md".into(), "default".into()));
    let set = a.nexus(&["config", "set-url", &format!("{first}/")]).done();
    assert_eq!(set["serverUrl"], json!(first));
    assert!(text(&set["updatedAt"]).ends_with('Z'));
    let stored = std::fs::read_to_string(a.state().join("config.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&stored).unwrap(), set);
    assert_eq!(source(&a, &[]), (first.clone(), "config".into()));

    let session = a.create("a");
    assert!(a.nexus(&["status", &session]).stderr.contains("(session binding)"));
    a.url = Some(second.clone());
    assert_eq!(source(&a, &[]), (second.clone(), "env".into()));
    assert_eq!(source(&a, &["--url", &first]), (first.clone(), "flag".into()));
    // The session's own server beats the environment. Only the command line names another, and a warning
    // says so.
    a.nexus(&["status", &session]).done();
    let elsewhere = a.nexus(&["--url", &second, "status", &session]);
    assert_eq!(elsewhere.error(), "session_not_found");
    assert!(elsewhere.stderr.contains("--url overrides"), "{}", elsewhere.stderr);
    let here = a.nexus(&["--url", &first, "status", &session]);
    assert!(!here.stderr.contains("overrides"), "{}", here.stderr);
    here.done();

    // A code that was made here is asked for where it was made.
    let code = text(&a.nexus(&["pair", &session]).done()["code"]);
    assert_eq!(a.nexus(&["pair-status", &code]).done()["state"], "pending");

    a.url = None;
    let bound = a.nexus(&["bind", &session, "--url", &second]).done();
    assert_eq!((&bound["serverUrl"], &bound["source"]), (&json!(second), &json!("flag")));
    assert_eq!(a.nexus(&["status", &session]).error(), "session_not_found");
    assert_eq!(a.nexus(&["bind", &session]).done()["source"], "config");
    a.nexus(&["status", &session]).done();
    assert_eq!(a.nexus(&["config", "unset"]).done()["removed"], true);
    assert_eq!(a.nexus(&["config", "unset"]).done()["removed"], false);
}

#[test]
fn sessions_are_listed_and_polled_each_on_its_own_server() {
    let (one, mut two) = (relay(), relay());
    let a = Home::new(&one.url());
    let (here, ended) = (a.create("a"), a.create("a"));
    let there =
        text(&a.nexus(&["create", "--agent-id", "a2", "--url", &two.url()]).done()["sessionId"]);
    a.nexus(&["alias", &here, "here"]).done();
    a.nexus(&["send", &here, "one"]).done();
    a.nexus(&["send", &there, "two", "--url", &two.url()]).done();
    // The server that the session is now bound to does not know it.
    a.nexus(&["bind", &ended, "--url", &two.url()]).done();

    let listed = |arguments: &[&str]| {
        let run = a.nexus(arguments);
        assert!(!run.stderr.contains(&here), "told twice: {}", run.stderr);
        let sessions = run.done()["sessions"].clone();
        let state = |id: &String| {
            let found = list(&sessions).iter().find(|session| session["sessionId"] == json!(id));
            found.map(|session| text(&session["state"])).unwrap_or_default()
        };
        [state(&here), state(&there), state(&ended)].join(" ")
    };
    assert_eq!(listed(&["ls"]), "active active not_found");
    assert_eq!(listed(&["ls", "--active", "--json"]), "active active ");

    // Each active session gives a page. With all sessions, the one that has ended gives an error.
    let pages = a.nexus(&["poll-all", "--active", "--members"]).done();
    assert_eq!((&pages["newMessages"], list(&pages["sessions"]).len()), (&json!(2), 2));
    assert!(list(&pages["sessions"]).iter().all(|session| session["page"]["members"].is_array()));
    assert_eq!(a.stored(&here, "cursor").unwrap(), "1");
    let all = a.nexus(&["poll-all"]);
    assert!(!all.ok);
    assert_eq!(all.json["newMessages"], 0);
    let errors = list(&all.json["sessions"]).iter().filter(|session| session["error"].is_object());
    assert_eq!(
        errors.map(|session| &session["error"]["error"]).collect::<Vec<_>>(),
        ["session_not_found"]
    );

    two.kill();
    assert_eq!(listed(&["ls"]), "active unreachable unreachable");
}

#[test]
fn the_doctor_is_content_until_something_is_wrong() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    assert_eq!(a.nexus(&["doctor"]).done()["ok"], true);
    let complaints = |home: &Home| {
        let run = home.nexus(&["doctor"]);
        assert_eq!(run.error(), "unhealthy");
        let checks = list(&run.json["checks"]).to_vec();
        let bad = checks.into_iter().filter(|check| check["ok"] == false);
        bad.map(|check| text(&check["kind"])).collect::<Vec<_>>()
    };
    let key = a.state().join("sessions").join(&session).join("key");
    let mode = |mode| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o644);
    assert_eq!(complaints(&a), ["file"]);
    mode(0o600);
    std::fs::remove_file(&key).unwrap();
    assert_eq!(complaints(&a), ["session"]);
    let aliases = a.state().join("aliases.json");
    std::fs::write(&aliases, "{").unwrap();
    assert!(complaints(&a).contains(&"file".to_owned()));
    std::fs::remove_file(&aliases).unwrap();
    let mut away = Home::new("http://127.0.0.1:9");
    assert_eq!(complaints(&away), ["server"]);
    away.url = Some(relay.url());
    away.nexus(&["doctor"]).done();
}
