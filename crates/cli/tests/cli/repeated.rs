//! Commands that are interrupted, run with stdout closed, or repeated: nothing is lost, and repeating what is
//! done succeeds.

use crate::{
    fake::{Fake, Reply},
    support::{Home, Run, guest, text},
};
use nexus_tests::relay;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::path::Path;

const SESSION: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn a_wait_that_is_interrupted_prints_one_value() {
    for arguments in [&["wait", SESSION][..], &["poll", SESSION, "--wait", "10m"]] {
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let fake = Fake::new(|_, _| Reply::Hang);
            let home = Home::new(&fake.url);
            let child = home.command().args(arguments).args(["--agent-id", "a"]).spawn().unwrap();
            nexus_tests::eventually("a request", || !fake.requests().is_empty());
            kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
            let run = Run::of(child.wait_with_output().unwrap());
            assert_eq!(run.error(), "interrupted");
        }
    }
}

#[test]
fn a_poll_without_stdout_consumes_nothing() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    a.nexus(&["send", &session, "x"]).done();
    let nexus = crate::support::NEXUS;
    let mut closed = a.wrapped(Path::new("/bin/sh"));
    let output = closed.args(["-c", &format!("exec {nexus} poll {session} >&-")]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(a.poll(&session), ["x"]);
    // Whoever throws the output away has read it.
    a.nexus(&["send", &session, "y"]).done();
    let mut thrown = a.wrapped(Path::new("/bin/sh"));
    let output =
        thrown.args(["-c", &format!("exec {nexus} poll {session} >/dev/null")]).output().unwrap();
    assert!(output.status.success());
    assert!(a.poll(&session).is_empty());
}

#[test]
fn what_is_done_already_succeeds_again() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    let give = || text(&a.nexus(&["task", "give", &session, "--to", "b", "x"]).done()["id"]);
    let (cancelled, done) = (give(), give());
    for _ in 0..2 {
        assert_eq!(a.nexus(&["cancel", &cancelled]).done()["status"], "cancelled");
        assert_eq!(b.nexus(&["done", &done, "--result", "ok"]).done()["status"], "completed");
    }
    assert_eq!(b.nexus(&["done", &done, "--result", "other"]).error(), "illegal_transition");

    a.nexus(&["file-put", &session, "x", "/dev/null"]).done();
    for _ in 0..2 {
        a.nexus(&["file-rm", &session, "x"]).done();
    }
    a.nexus(&["file-put", &session, "x", "/dev/null"]).done();
    assert_eq!(
        a.nexus(&["file-rm", &session, "x", "--if-version", "9"]).error(),
        "version_conflict"
    );

    a.nexus(&["alias", &session, "work"]).done();
    assert_eq!(a.nexus(&["unalias", "work"]).done()["removed"], true);
    assert_eq!(a.nexus(&["unalias", "work"]).done()["removed"], false);

    a.nexus(&["end", &session]).done();
    assert_eq!(b.nexus(&["leave", &session]).done()["status"], "ended");
    assert_eq!(b.stored(&session, "key"), None);
}

#[test]
fn a_file_is_written_with_the_usual_mode_or_its_own() {
    use std::os::unix::fs::PermissionsExt;
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    a.nexus(&["file", "put", &session, "x", "/dev/null"]).done();
    let folder = tempfile::tempdir().unwrap();
    let usual = folder.path().join("usual");
    std::fs::write(&usual, "").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (new, own) = (folder.path().join("new"), folder.path().join("own"));
    std::fs::write(&own, "").unwrap();
    std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o640)).unwrap();
    for path in [&new, &own] {
        a.nexus(&["file", "get", &session, "x", "-o", path.to_str().unwrap()]).done();
    }
    assert_eq!((mode(&new), mode(&own)), (mode(&usual), 0o640));
}

#[test]
fn a_worker_does_only_what_it_can_and_keeps_its_profile() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    b.nexus(&["profile", &session, "--capability", "test,build"]).done();
    let give = |capability: &str| {
        let given = a.nexus(&["task", "give", &session, "--capability", capability, capability]);
        text(&given.done()["id"])
    };
    let (build, test) = (give("build"), give("test"));
    let worker = ["work", &session, "--capability", "build,translate", "--exec", "cat"];
    let mut child = b.command().args(worker).spawn().unwrap();
    let status = |task: &str| {
        let tasks = a.nexus(&["task", "ls", &session]).done();
        let found = nexus_tests::list(&tasks["tasks"]).iter().find(|found| found["id"] == task);
        text(&found.unwrap()["status"])
    };
    nexus_tests::eventually("the task is done", || status(&build) == "completed");
    let own = text(&a.nexus(&["task", "give", &session, "--to", "b", "by name"]).done()["id"]);
    nexus_tests::eventually("the task is done", || status(&own) == "completed");
    assert_eq!(status(&test), "pending", "it is for another worker");
    let members = a.nexus(&["discover", &session]).done();
    let b = nexus_tests::list(&members["agents"]).iter().find(|member| member["agentId"] == "b");
    assert_eq!(b.unwrap()["capabilities"], serde_json::json!(["test", "build", "translate"]));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    child.wait().unwrap();
}
