//! State that is damaged, unreadable or linked: the smallest thing stops, by name, and the rest works.

use crate::support::{Home, guest, text, texts};
use nexus_tests::relay;
use serde_json::json;
use std::{fs, path::PathBuf};

fn folder(home: &Home, session: &str) -> PathBuf {
    home.state().join("sessions").join(session)
}

/// Puts a folder in the place of a file. Nobody can read it as text, not even root.
fn block(path: &PathBuf) {
    let _ = fs::remove_file(path);
    fs::create_dir_all(path).unwrap();
}

#[test]
fn damaged_aliases_stop_only_what_needs_them() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let path = a.state().join("aliases.json");
    for damage in ["{\"half\":", "{\"x\":5}"] {
        fs::write(&path, damage).unwrap();
        for arguments in [
            &["send", &session, "x"][..],
            &["poll", &session],
            &["ls"],
            &["poll-all"],
            &["poll-status"],
            &["renew", &session],
            &["wait", &session, "--timeout", "0"],
        ] {
            let output = a.command().args(arguments).output().unwrap();
            assert_ne!(output.status.code(), Some(1), "{arguments:?}");
        }
        let told = a.nexus(&["ls"]).stderr;
        assert!(told.contains("warning: ") && told.contains("aliases.json"), "{told}");
        for arguments in [&["alias", &session, "y"][..], &["send", "y", "x"], &["unalias", "y"]] {
            let run = a.nexus(arguments);
            assert_eq!(run.error(), "state_corrupt", "{arguments:?}");
            assert!(text(&run.json["message"]).contains(path.to_str().unwrap()), "{}", run.json);
        }
    }
    a.nexus(&["end", &session]).done();
    assert!(!folder(&a, &session).exists());
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"x\":5}", "kept, to be mended");
}

#[test]
fn a_damaged_configuration_stops_only_what_needs_it() {
    let relay = relay();
    let mut home = Home::new(&relay.url());
    let session = home.create("a");
    home.url = None;
    let path = home.state().join("config.json");
    for damage in ["{\"serverUrl\":", "{\"serverUrl\":5}", "\u{0}"] {
        fs::write(&path, damage).unwrap();
        home.nexus(&["send", &session, "x"]).done();
        home.nexus(&["agents", "--url", &relay.url()]).done();
        for arguments in [&["agents"][..], &["config"], &["create"]] {
            let run = home.nexus(arguments);
            assert_eq!(run.error(), "state_corrupt", "{arguments:?}");
            assert!(text(&run.json["message"]).contains("config.json"), "{}", run.json);
        }
    }
    fs::write(&path, "{\"serverUrl\":\"nonsense\"}").unwrap();
    let run = home.nexus(&["agents"]);
    assert_eq!(run.error(), "invalid_url");
    assert!(text(&run.json["message"]).contains("config.json"), "{}", run.json);
    home.nexus(&["config", "set-url", &relay.url()]).done();
    home.nexus(&["agents"]).done();
}

#[test]
fn a_damaged_cursor_stops_only_reading() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let cursor = folder(&a, &session).join("cursor");
    for damage in ["block", "nonsense"] {
        match damage {
            "block" => block(&cursor),
            text => fs::write(&cursor, text).unwrap(),
        }
        let code = if damage == "block" { "state_unavailable" } else { "state_corrupt" };
        for arguments in
            [&["poll", &session][..], &["wait", &session, "--timeout", "0"], &["listen", &session]]
        {
            let run = a.nexus(arguments);
            assert_eq!(run.error(), code, "{arguments:?}");
            let message = text(&run.json["message"]);
            assert!(message.contains(cursor.to_str().unwrap()), "{message}");
        }
        a.nexus(&["send", &session, "x"]).done();
        a.nexus(&["ls"]).done();
        assert_eq!(texts(&a.nexus(&["poll", &session, "--after", "0"]).done())[0], "x");
        assert_eq!(a.nexus(&["doctor"]).error(), "unhealthy");
        if damage == "block" {
            fs::remove_dir(&cursor).unwrap();
        }
    }
    fs::remove_file(&cursor).unwrap();
    assert_eq!(a.poll(&session), ["x", "x"]);
}

#[test]
fn a_damaged_session_or_address_leaves_the_others_alone() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let (damaged, whole) = (a.create("a"), a.create("a"));
    block(&folder(&a, &damaged).join("key"));
    a.nexus(&["register", "--id", "whole"]).done();
    block(&a.state().join("agents/broken/secret"));
    a.nexus(&["inbox"]).done();
    a.nexus(&["send", &whole, "x"]).done();
    let run = a.nexus(&["send", &damaged, "x"]);
    assert_eq!(run.error(), "state_unavailable");
    assert!(text(&run.json["message"]).contains("/key"), "{}", run.json);
    let listed = a.nexus(&["poll-status"]).done();
    assert_eq!(nexus_tests::list(&listed["sessions"]).len(), 2);
    let all = a.nexus(&["poll-all"]);
    assert!(!all.ok);
    let pages = nexus_tests::list(&all.json["sessions"]);
    let read: Vec<bool> = pages.iter().map(|page| page["error"].is_null()).collect();
    assert_eq!(read.iter().filter(|read| **read).count(), 1, "{pages:?}");
    // A session whose server is not one.
    fs::write(folder(&a, &whole).join("server"), "nonsense").unwrap();
    let run = a.nexus(&["send", &whole, "x"]);
    assert_eq!(run.error(), "invalid_url");
    assert!(text(&run.json["message"]).contains("nexus bind"), "{}", run.json);
    a.nexus(&["bind", &whole]).done();
    a.nexus(&["send", &whole, "x"]).done();
}

#[test]
fn a_seat_whose_name_was_lost_is_joined_with_its_key() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    fs::remove_file(folder(&a, &session).join("agent")).unwrap();
    let key = a.stored(&session, "key");
    assert_eq!(a.nexus(&["status", &session]).done()["creatorAgentId"], "a");
    a.nexus(&["join", &session, "--agent-id", "a"]).done();
    assert_eq!(
        (a.stored(&session, "agent").unwrap(), a.stored(&session, "key")),
        ("a".into(), key)
    );
    assert_eq!(a.nexus(&["send", &session, "x"]).done()["verified"], true);
}

#[cfg(unix)]
#[test]
fn what_a_link_leads_to_is_written() {
    use std::os::unix::fs::symlink;
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let elsewhere = a.state().with_file_name("dotfiles");
    fs::create_dir(&elsewhere).unwrap();
    let link = |name: &str, path: PathBuf| {
        let _ = fs::remove_file(&path);
        symlink(elsewhere.join(name), &path).unwrap();
        path
    };
    // The first leads to a file, the second to none yet, and the third is relative.
    fs::write(elsewhere.join("config.json"), "{}").unwrap();
    let config = link("config.json", a.state().join("config.json"));
    let cursor = link("cursor", folder(&a, &session).join("cursor"));
    let aliases = a.state().join("aliases.json");
    symlink("../dotfiles/aliases.json", &aliases).unwrap();
    a.nexus(&["config", "set-url", "http://h"]).done();
    a.nexus(&["alias", &session, "x"]).done();
    a.nexus(&["send", "x", "hello"]).done();
    assert_eq!(a.poll("x"), ["hello"]);
    for (path, content) in [(config, "http://h"), (cursor, "1"), (aliases, &session)] {
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink(), "{}", path.display());
        let name = path.file_name().unwrap();
        assert!(fs::read_to_string(elsewhere.join(name)).unwrap().contains(content));
    }
}

#[test]
fn each_reader_has_a_place_of_its_own() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    a.nexus(&["send", &session, "one"]).done();
    let poll = |reader: &str| {
        let mut command = b.command();
        command.env("NEXUS_READER", reader).args(["poll", &session]);
        texts(&crate::support::Run::of(command.output().unwrap()).done())
    };
    assert_eq!(poll("helper"), ["one"]);
    assert_eq!(b.poll(&session), ["one"], "not eaten");
    a.nexus(&["send", &session, "two"]).done();
    assert_eq!(
        (poll("other"), poll("helper")),
        (vec!["one".into(), "two".into()], vec!["two".into()])
    );
    assert!(poll("helper").is_empty());
    assert_eq!(b.poll(&session), ["two"]);
    let mut wrong = b.command();
    wrong.env("NEXUS_READER", "../x").args(["poll", &session]);
    assert_eq!(crate::support::Run::of(wrong.output().unwrap()).error(), "invalid_environment");
    b.nexus(&["leave", &session]).done();
    assert!(!folder(&b, &session).exists());
}

#[test]
fn programs_that_share_a_place_are_told() {
    use crate::fake::{Fake, Reply, response};
    // Another program saves its cursor while this one reads.
    let session = "a".repeat(48);
    let home = Home::without_url();
    let cursor = folder(&home, &session).join("cursor");
    fs::create_dir_all(cursor.parent().unwrap()).unwrap();
    let fake = Fake::new(move |number, _| {
        if number == 1 {
            fs::write(&cursor, "6\n").unwrap();
        }
        let next = (number + 7).to_string();
        let page = json!({ "messages": [{ "text": "x" }], "nextCursor": next, "hasMore": false });
        Reply::Bytes(response("200 OK", "", &page.to_string()))
    });
    let poll = ["poll", &session, "--agent-id", "a", "--url", &fake.url];
    assert!(!home.nexus(&poll).stderr.contains("NEXUS_READER"));
    assert!(home.nexus(&poll).stderr.contains("NEXUS_READER"));
    assert!(!home.nexus(&poll).stderr.contains("NEXUS_READER"));
    assert_eq!(home.stored(&session, "cursor").unwrap(), "9");
}
