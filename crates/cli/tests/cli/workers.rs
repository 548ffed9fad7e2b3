//! `work`: its place and its time limit.

use crate::{
    listening::Listening,
    support::{Home, guest, text},
};
use nexus_tests::{eventually, relay};
use std::fs;

#[test]
fn a_task_that_takes_too_long_fails_and_a_worker_can_be_replaced() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    let out = b.state().join("out");
    let script = format!("echo $$ >> {}; echo busy >&2; exec sleep 600", out.display());
    let work = ["work", &session, "--capability", "x", "--exec", &script];
    let mut first = Listening::of(b.command().args(work).args(["--exec-timeout", "1s"]));
    a.nexus(&["delegate", &session, "--to", "b", "slow"]).done();
    assert_eq!(first.value()["status"], "failed");
    first.until("did not finish within 1s and was ended; --exec-timeout gives it more time");
    let board = a.nexus(&["tasks", &session]).done();
    let result = &board["tasks"][0]["result"];
    assert_eq!(text(&result["error"]), "the command did not finish within 1s and was ended");
    assert_eq!(text(&result["stderr"]), "busy");
    let pid = fs::read_to_string(&out).unwrap();
    eventually("it is gone", || !fs::exists(format!("/proc/{}", pid.trim())).unwrap());

    let refused = b.nexus(&work);
    assert_eq!(refused.error(), "already_running");
    assert!(text(&refused.json["message"]).contains("(process "), "{}", refused.json);
    let mut second = Listening::of(b.command().args(work).arg("--takeover"));
    second.until("takes its place");
    assert_eq!(first.end()["failed"], 1);
    second.until("listening over");
    assert_eq!(second.stop("-TERM")["reason"], "signal");
}
