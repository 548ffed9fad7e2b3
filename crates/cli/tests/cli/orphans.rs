//! Which listener has the place, where it begins, and how long its session lives.

use crate::{
    fake::{Fake, Reply, forward, response},
    listening::Listening,
    support::{Home, pair, text},
};
use nexus_tests::{eventually, relay};
use std::{
    io::{BufRead, BufReader},
    process::Command,
    sync::{Mutex, mpsc},
};

/// The id of the process that listens.
fn listener(home: &Home, session: &str) -> String {
    home.nexus(&["poll-status", session]).done()["sessions"][0]["listen"]["pid"].to_string()
}

#[test]
fn a_running_listener_is_named_and_replaced_on_demand() {
    let (_relay, a, session, b) = pair();
    let out = b.state().join("out");
    let script = format!("echo > {}; sleep 600", out.display());
    let mut first = Listening::start(&b, &session, &["--exec", &script]);
    first.until("listening over");
    a.nexus(&["send", &session, "hello"]).done();
    eventually("it is handled", || out.exists());
    let refused = b.nexus(&["listen", &session]);
    let name = format!("(process {}, since 20", listener(&b, &session));
    assert_eq!(refused.error(), "already_running");
    let message = text(&refused.json["message"]);
    assert!(message.contains(&name) && message.contains("--takeover"), "{message}");

    let poll = b.nexus(&["poll", &session, "--peek"]);
    assert!(!poll.stderr.contains("nexus listen"), "it marks nothing: {}", poll.stderr);
    let mut second = Listening::start(&b, &session, &["--takeover"]);
    second.until("takes its place");
    assert_eq!(first.end()["reason"], "signal");
    assert_eq!(text(&second.value()["text"]), "hello", "it was not handled");
    let poll = b.nexus(&["poll", &session]);
    let note = format!("`nexus listen` (process {})", listener(&b, &session));
    assert!(poll.stderr.contains(&note), "{}", poll.stderr);
    second.stop("-TERM");
}

#[test]
fn what_the_first_handles_while_it_is_asked_to_end_does_not_come_again() {
    let (_relay, a, session, b) = pair();
    let (go_on, waits) = mpsc::channel::<()>();
    let waits = Mutex::new(waits);
    let gateway = Fake::new(move |_, _| {
        let _ = waits.lock().unwrap().recv();
        Reply::Bytes(response("200 OK", "", "{}"))
    });
    let mut first = Listening::start(&b, &session, &["--hook", &gateway.url]);
    a.nexus(&["send", &session, "hello"]).done();
    eventually("it is posted", || !gateway.requests().is_empty());
    let mut second = Listening::start(&b, &session, &["--takeover"]);
    second.until("is asked to end");
    go_on.send(()).unwrap();
    assert_eq!(first.value()["cursor"], "2");
    assert_eq!(first.end()["reason"], "signal");
    second.until("listening over");
    a.nexus(&["send", &session, "new"]).done();
    assert_eq!(text(&second.value()["text"]), "new");
    second.stop("-TERM");
}

#[test]
fn the_place_of_a_killed_listener_is_free_and_that_is_told() {
    let (_relay, a, session, b) = pair();
    let mut killed = Listening::start(&b, &session, &[]);
    killed.until("listening over");
    let id = listener(&b, &session);
    assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
    eventually("it has died", || listener(&b, &session) == "null");
    let mut next = Listening::start(&b, &session, &[]);
    next.until(&format!("(process {id}, since 20"));
    a.nexus(&["send", &session, "hello"]).done();
    assert_eq!(text(&next.value()["text"]), "hello");
    next.stop("-TERM");
}

#[test]
fn a_listener_whose_reader_has_died_ends() {
    let (_relay, a, session, b) = pair();
    for more in [&[][..], &["--exec", "cat"]] {
        let mut child = b.command().args(["listen", &session]).args(more).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.any(|line| line.starts_with("listening over")));
        drop(child.stdout.take());
        assert!(said.any(|line| line.starts_with("nobody reads the output")));
        assert_eq!(child.wait().unwrap().code(), Some(1));
        assert_eq!(listener(&b, &session), "null");
    }
    a.nexus(&["send", &session, "hello"]).done();
    assert_eq!(b.poll(&session), ["hello"]);
}

#[test]
fn a_new_listener_may_begin_with_what_comes_and_a_restarted_one_goes_on() {
    let (_relay, a, session, b) = pair();
    a.nexus(&["send", &session, "old"]).done();
    let mut new = Listening::start(&b, &session, &["--latest"]);
    new.until("listening over");
    a.nexus(&["send", &session, "new"]).done();
    assert_eq!(text(&new.value()["text"]), "new");
    new.stop("-TERM");
    a.nexus(&["send", &session, "meanwhile"]).done();
    let mut again = Listening::start(&b, &session, &["--latest"]);
    again.until("note: going on after message 3");
    assert_eq!(text(&again.value()["text"]), "meanwhile");
    again.stop("-TERM");

    // One that was stopped before anything came goes on there, too.
    let quiet = |more: &[&str]| {
        let mut command = b.command();
        command.env("NEXUS_READER", "quiet").args(["listen", &session]).args(more);
        Listening::of(&mut command)
    };
    let mut first = quiet(&["--latest"]);
    first.until("listening over");
    first.stop("-TERM");
    a.nexus(&["send", &session, "later"]).done();
    let mut second = quiet(&[]);
    assert_eq!(text(&second.value()["text"]), "later");
    second.stop("-TERM");
}

#[test]
fn latest_is_refused_where_it_would_lose_messages_or_cannot_work() {
    let (relay, _, session, _) = pair();
    let home = Home::new(&relay.url());
    home.nexus(&["register", "--id", "bob"]).done();
    assert_eq!(home.nexus(&["listen", "@me", "--latest"]).error(), "usage");
    let old = Fake::answering("200 OK", "", r#"{"messages":[],"nextCursor":"9007199254740991"}"#);
    let home = Home::new(&old.url);
    let run = home.nexus(&["listen", &session, "--latest", "--as", "a"]);
    assert_eq!(run.error(), "unsupported");
    assert_eq!(home.stored(&session, "cursor"), None);
}

#[test]
fn a_session_lives_while_it_is_listened_to() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = text(&a.nexus(&["create", "--as", "a", "--ttl", "600"]).done()["sessionId"]);
    let expires = || text(&a.nexus(&["status", &session]).done()["expiresAt"]);
    let before = expires();
    let mut idle = Listening::start(&a, &session, &["--no-renew"]);
    idle.until("listening over a socket");
    assert_eq!(expires(), before, "it only listens");
    idle.stop("-TERM");
    let listening = Listening::start(&a, &session, &[]);
    eventually("it is renewed", || expires() > before);
    listening.stop("-TERM");
    assert_eq!(a.nexus(&["status", &session]).done()["ttl"], 600);
}

#[test]
fn a_refused_renewal_is_told_once_and_listening_goes_on() {
    let (relay, a, session, b) = pair();
    let port = relay.port();
    let fake = Fake::new(move |_, request| {
        let line = request.lines().next().unwrap_or_default();
        Reply::Bytes(if line.contains("/renew") {
            response("403 Forbidden", "", r#"{"error":"forbidden","message":"not you"}"#)
        } else if line.contains("/ws") || line.contains("/events") {
            response("404 Not Found", "", "{}")
        } else {
            forward(port, request)
        })
    });
    b.nexus(&["bind", &session, "--url", &fake.url]).done();
    let mut listening = Listening::start(&b, &session, &[]);
    listening.until("listening does not keep the session alive: forbidden: not you");
    a.nexus(&["send", &session, "hello"]).done();
    assert_eq!(text(&listening.value()["text"]), "hello");
    assert!(!listening.rest().contains("keep the session alive"));
    listening.stop("-TERM");
    let requests = fake.requests();
    let renewals: Vec<_> = requests.iter().filter(|request| request.contains("/renew ")).collect();
    assert_eq!(renewals.len(), 1);
    assert!(renewals[0].ends_with("\r\n\r\n{}"), "it asks for no other TTL: {}", renewals[0]);
}
