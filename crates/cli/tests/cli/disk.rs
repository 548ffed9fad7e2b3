//! The state folder: who may read it, and what happens if processes run at the same time, are
//! killed, or cannot write.

use crate::{
    fake::{Fake, Reply, response},
    support::{Home, NEXUS, Run, text},
};
use nexus_tests::relay;
use serde_json::Value;
use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::Stdio,
    sync::{Arc, Barrier},
};

/// Every path below a folder, with its mode.
fn modes(folder: &Path, found: &mut Vec<(String, u32)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, metadata) = (entry.path(), entry.metadata().unwrap());
        found.push((path.display().to_string(), metadata.permissions().mode() & 0o7777));
        if metadata.is_dir() {
            modes(&path, found);
        }
    }
}

#[test]
fn everything_is_for_its_owner_only() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    a.nexus(&["alias", &session, "x"]).done();
    a.nexus(&["config", "set-url", &relay.url()]).done();
    a.nexus(&["send", "x", "--json", "1"]).done();
    a.nexus(&["poll", "x"]).done();
    a.nexus(&["register", "--id", "a"]).done();
    a.nexus(&["contacts", "add", "h", "--url", "ws://h", "--token", "t"]).done();
    let mut found = Vec::new();
    modes(a.state().parent().unwrap(), &mut found);
    assert!(found.len() >= 16, "{found:?}");
    for (path, mode) in found {
        let wanted = if Path::new(&path).is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{path}: {mode:o}");
    }
}

#[test]
fn state_stored_by_earlier_scripts_is_used() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let created = a.nexus(&["create", "--agent-id", "a", "--greeting", "hi"]).done();
    let (session, key) = (text(&created["sessionId"]), text(&created["sessionKey"]));
    let old = Home::without_url();
    let folder = old.state().join("sessions").join(&session);
    fs::create_dir_all(&folder).unwrap();
    let server = relay.url();
    for (name, line) in [("agent", "a"), ("key", &key), ("cursor", "0"), ("server", &server)] {
        fs::write(folder.join(name), line).unwrap();
    }
    fs::write(old.state().join("aliases.json"), format!(r#"{{"x":"{session}"}}"#)).unwrap();
    fs::write(
        old.state().join("config.json"),
        r#"{"serverUrl":"http://127.0.0.1:9","updatedAt":"x"}"#,
    )
    .unwrap();
    fs::write(old.state().join("server-caps.json"), r#"{"other":"form"}"#).unwrap();
    assert_eq!(old.nexus(&["send", "x", "hello", "--json", "1"]).done()["verified"], true);
    assert_eq!(old.poll("x"), ["hello"], "without the greeting, which was read");
}

/// A poll gets its page. Then another poll gets a later page and saves its cursor, and then the
/// first one continues.
#[test]
fn a_slow_poll_does_not_move_the_cursor_back() {
    let meeting = Arc::new(Barrier::new(2));
    let at_server = Arc::clone(&meeting);
    let fake = Fake::new(move |number, _| {
        if number == 0 {
            at_server.wait();
        }
        let cursor = if number == 0 { 3 } else { 12 };
        let page = format!(r#"{{"messages":[],"nextCursor":"{cursor}","hasMore":false}}"#);
        Reply::Bytes(response("200 OK", "", &page))
    });
    let home = Home::new(&fake.url);
    let session = "a".repeat(48);
    let poll = ["poll", &session, "--agent-id", "a"];
    let slow = home.command().args(poll).spawn().unwrap();
    nexus_tests::eventually("the first poll has asked", || fake.requests().len() == 1);
    assert_eq!(home.nexus(&poll).done()["nextCursor"], "12");
    meeting.wait();
    assert_eq!(Run::of(slow.wait_with_output().unwrap()).done()["nextCursor"], "3");
    assert_eq!(home.stored(&session, "cursor").unwrap(), "12");
}

#[test]
fn many_polls_at_once_lose_nothing() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let mut read = Vec::new();
    for round in 0..5 {
        a.nexus(&["send", &session, &round.to_string()]).done();
        let polls: Vec<_> =
            (0..4).map(|_| a.command().args(["poll", &session]).spawn().unwrap()).collect();
        for poll in polls {
            let page = Run::of(poll.wait_with_output().unwrap()).done();
            read.extend(crate::support::texts(&page));
        }
        assert_eq!(a.stored(&session, "cursor").unwrap(), (round + 1).to_string());
    }
    read.dedup();
    read.sort();
    read.dedup();
    assert_eq!(read, ["0", "1", "2", "3", "4"]);
    assert!(a.poll(&session).is_empty());
}

#[test]
fn aliases_made_at_the_same_time_are_all_kept() {
    let home = Home::without_url();
    let session = "e".repeat(48);
    let names: Vec<String> = (0..12).map(|number| format!("name-{number}")).collect();
    let give = |name: &String| home.command().args(["alias", &session, name]).spawn().unwrap();
    let giving: Vec<_> = names.iter().map(give).collect();
    for child in giving {
        Run::of(child.wait_with_output().unwrap()).done();
    }
    let text = fs::read_to_string(home.state().join("aliases.json")).unwrap();
    let aliases: Value = serde_json::from_str(&text).unwrap();
    assert!(names.iter().all(|name| aliases[name] == session.as_str()), "{text}");
}

#[test]
fn a_page_that_could_not_be_printed_is_read_again() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    a.nexus(&["send", &session, "hello"]).done();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = a.command().args(["poll", &session]).stdout(Stdio::from(full)).status().unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(a.stored(&session, "cursor"), None);
    assert_eq!(a.poll(&session), ["hello"]);
}

#[test]
fn a_kill_in_the_middle_of_writing_leaves_whole_files() {
    let home = Home::without_url();
    let session = "b".repeat(48);
    let mut names: Vec<String> = Vec::new();
    for round in 0..60 {
        let name = format!("name-{round}-{}", "x".repeat(40));
        let mut child = home.command().args(["alias", &session, &name]).spawn().unwrap();
        // From before the start of the process until after its end.
        std::thread::sleep(std::time::Duration::from_micros(100 * round));
        child.kill().unwrap();
        let done = child.wait().unwrap().success();
        let text = fs::read_to_string(home.state().join("aliases.json")).unwrap_or("{}".into());
        let aliases: Value = serde_json::from_str(&text).expect("a whole file");
        names.extend(done.then_some(name));
        let kept = names.iter().all(|name| aliases[name] == session.as_str());
        assert!(kept, "what was confirmed stays: {names:?} {aliases}");
    }
    home.nexus(&["alias", &session, "last"]).done();
}

#[test]
fn a_damaged_file_is_reported_and_not_overwritten() {
    let home = Home::without_url();
    fs::create_dir_all(home.state()).unwrap();
    for (name, arguments) in [
        ("aliases.json", &["alias", &"c".repeat(48), "x"][..]),
        ("config.json", &["config", "show"]),
    ] {
        let path = home.state().join(name);
        fs::write(&path, "{\"half\":").unwrap();
        let run = home.nexus(arguments);
        assert_eq!(run.error(), "state_corrupt");
        assert!(text(&run.json["message"]).contains(path.to_str().unwrap()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"half\":");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_home_that_does_not_exist_is_an_error_before_anything_is_done() {
    let relay = relay();
    let home = Home::new(&relay.url());
    let nowhere = home.state().join("no/such/home");
    let run = |arguments: &[&str]| {
        let mut command = home.command();
        command.env_remove("XDG_CONFIG_HOME").env("HOME", &nowhere);
        Run::of(command.args(arguments).output().unwrap())
    };
    for arguments in [&["create", "--agent-id", "a"][..], &["config", "set-url", "http://x"]] {
        let run = run(arguments);
        assert_eq!(run.error(), "state_unavailable", "{arguments:?}");
        assert!(text(&run.json["message"]).contains("does not exist"));
    }
    // Commands that store nothing still work.
    run(&["config", "show"]).done();
    assert_eq!(run(&["ls"]).done()["sessions"], Value::from(Vec::<Value>::new()));
    let stats = nexus_tests::Api::new(&relay.url()).get("/v1/stats").send().json();
    assert_eq!(stats["activeSessions"], 0, "no session was created whose key would be lost");
    assert!(!nowhere.exists());
}

/// Nothing is read-only for root, so root runs the client as another user, who can reach it only in
/// a folder of its own.
#[test]
fn a_read_only_folder_keeps_its_content() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    a.nexus(&["send", &session, "hello"]).done();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let client = folder.path().join("nexus");
    fs::copy(NEXUS, &client).unwrap();
    let mut all = Vec::new();
    modes(a.state().parent().unwrap(), &mut all);
    let root = a.state().parent().unwrap().to_owned();
    all.push((root.display().to_string(), 0));
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    for (path, _) in &all {
        let mode = if Path::new(path).is_dir() { 0o555 } else { 0o444 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let run = |arguments: &[&str]| {
        let mut command = a.wrapped(&client);
        if is_root {
            command.uid(65_534).gid(65_534);
        }
        Run::of(command.current_dir("/").args(arguments).output().unwrap())
    };
    run(&["status", &session]).done();
    assert_eq!(run(&["send", &session, "--json", "1"]).done()["verified"], true);
    for arguments in [
        &["poll", &session][..],
        &["create", "--agent-id", "a"],
        &["claim", "PEARL-FOCAL-S5SJV", "--agent-id", "a"],
        &["alias", &session, "x"],
        &["config", "set-url", "http://x"],
        &["bind", &session],
        &["poll-daemon", &session, "--yes"],
    ] {
        assert_eq!(run(arguments).error(), "state_unavailable", "{arguments:?}");
    }
    // Reading still works, but the cursor is not saved.
    assert_eq!(run(&["poll", &session, "--after", "0"]).done()["messages"][0]["text"], "hello");
    assert_eq!(run(&["doctor"]).error(), "unhealthy");
    for (path, _) in &all {
        let mode = if Path::new(path).is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    assert_eq!(a.nexus(&["poll", &session]).done()["messages"][0]["text"], "hello");
}

#[test]
fn a_full_disk_is_reported_before_anything_is_lost() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    a.nexus(&["alias", &session, "x"]).done();
    a.nexus(&["send", "x", "hello"]).done();
    let full = |arguments: &[&str]| {
        // No file may grow, as on a full disk.
        let mut command = a.wrapped(Path::new("bash"));
        command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "full", NEXUS]);
        Run::of(command.args(arguments).output().unwrap())
    };
    for arguments in [
        &["poll", "x"][..],
        &["create", "--agent-id", "a"],
        &["alias", "x", "y"],
        &["config", "set-url", "http://x"],
        &["bind", "x"],
    ] {
        assert_eq!(full(arguments).error(), "state_unavailable", "{arguments:?}");
    }
    full(&["send", "x", "again"]).done();
    assert_eq!(a.poll("x"), ["hello", "again"]);
    a.nexus(&["doctor"]).done();
}
