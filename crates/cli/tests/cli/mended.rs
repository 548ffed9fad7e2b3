//! Bugs that were fixed and must not return.

use crate::{
    fake::{Fake, Reply, response},
    support::{Home, guest, text},
};
use nexus_tests::relay;
use serde_json::json;

#[test]
fn a_link_is_claimed_at_the_server_of_the_link() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let link = text(&a.nexus(&["pair", &session]).done()["url"]);
    let b = Home::new("http://127.0.0.1:1");
    assert_eq!(b.nexus(&["claim", &link, "--agent-id", "b"]).done()["status"], "claimed");
}

#[test]
fn a_seat_does_not_inherit_an_anonymous_cursor() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    a.nexus(&["send", &session, "one"]).done();
    let other = Home::new(&relay.url());
    assert_eq!(other.nexus(&["poll", &session, "--agent-id", "a"]).done()["nextCursor"], "1");
    other.nexus(&["join", &session, "--agent-id", "b"]).done();
    assert_eq!(other.poll(&session), ["one"]);
}

#[test]
fn poll_all_reports_an_unreachable_server_even_for_active_sessions_only() {
    let mut relay = relay();
    let a = Home::new(&relay.url());
    a.create("a");
    relay.kill();
    let run = a.nexus(&["poll-all", "--active"]);
    assert!(!run.ok);
    assert_eq!(run.json["sessions"][0]["error"]["error"], "server_unreachable");
}

#[test]
fn a_heartbeat_that_would_come_too_late_is_refused() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let created = a.nexus(&["create", "--creator-agent-id", "a", "--ttl", "100"]).done();
    let session = text(&created["sessionId"]);
    assert_eq!(a.nexus(&["heartbeat", &session, "--interval", "100"]).error(), "usage");
}

#[test]
fn a_daemon_for_another_agent_is_refused_because_it_would_never_advance() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let run = a.nexus(&["poll-daemon", &session, "--yes", "--agent-id", "b"]);
    assert_eq!(run.error(), "usage");
}

#[test]
fn a_leave_whose_answer_was_lost_is_a_leave() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    // The server of the second half. `b` is no longer in the session.
    let status = json!({ "agents": ["a"] }).to_string();
    let refusal =
        json!({ "error": "forbidden", "message": "Not a member, as far as is known here." });
    let fake = Fake::new(move |_, request| {
        Reply::Bytes(if request.starts_with("DELETE") {
            response("403 Forbidden", "", &refusal.to_string())
        } else {
            response("200 OK", "", &status)
        })
    });
    std::fs::write(b.state().join("sessions").join(&session).join("server"), &fake.url).unwrap();
    assert_eq!(b.nexus(&["leave", &session]).done()["status"], "removed");
    assert_eq!(b.stored(&session, "key"), None);
}

#[test]
fn a_servers_text_cannot_control_a_terminal() {
    let body = json!({ "error": "x", "message": "a sentence with \u{1b}[2Jsomething in it" });
    let fake = Fake::answering("400 Bad Request", "", &body.to_string());
    let run = Home::new(&fake.url).nexus(&["status", &"0".repeat(48)]);
    assert!(!run.ok && !run.stderr.contains('\u{1b}'), "{}", run.stderr);
}

#[test]
fn a_payload_of_any_form_is_read() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    let payload = r#"{"$serde_json::private::RawValue":5}"#;
    a.nexus(&["send", &session, "--json", payload]).done();
    // The JSON library of these tests also reads this as another value.
    let page = b.command().args(["poll", &session]).output().unwrap();
    assert!(page.status.success() && String::from_utf8(page.stdout).unwrap().contains(payload));
}

#[test]
fn waiting_under_another_name_does_not_poll_needlessly() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let path = format!("/v1/sessions/{session}/join");
    nexus_tests::Api::new(&relay.url()).post(&path).agent("b").send();
    a.nexus(&["send", &session, "mine", "--agent-id", "b"]).done();
    // A proxy that counts requests. It holds polls as the relay does, and passes everything on.
    let api = nexus_tests::Api::new(&relay.url());
    let fake = Fake::new(move |_, request| {
        let path = request.split_whitespace().nth(1).unwrap_or_default();
        let agent = if request.contains("messages") { "b" } else { "" };
        Reply::Bytes(response("200 OK", "", &api.get(path).agent(agent).send().text()))
    });
    let url = ["--url", &fake.url, "--agent-id", "b", "--timeout", "2"];
    let output = a.command().args(["wait", &session]).args(url).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "its own message is nothing new");
    assert!(fake.requests().len() < 12, "{}", fake.requests().len());
}
