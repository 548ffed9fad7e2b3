//! Servers that give a wrong, late or incomplete response, or none. The client gives a clear error,
//! retries if that is safe, and keeps its state.

use crate::{
    fake::{Fake, Reply, forward, header, response},
    support::{Home, Run, guest, text},
};
use nexus_tests::relay;
use serde_json::json;
use std::{collections::BTreeSet, process::Command};

const SESSION: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";
const SENT: &str = r#"{"id":"x-1","cursor":"1","verified":true}"#;

/// A machine that is agent `a` in a session of this server, with state as earlier scripts stored
/// it.
fn member(url: &str) -> Home {
    let home = Home::without_url();
    let folder = home.state().join("sessions").join(SESSION);
    std::fs::create_dir_all(&folder).unwrap();
    // With and without line ends.
    for (name, line) in
        [("agent", "a\n"), ("key", "nxk_secret"), ("server", &format!("{url}/\r\n"))]
    {
        std::fs::write(folder.join(name), line).unwrap();
    }
    home
}

/// Runs the client with a short time limit.
fn impatient(home: &Home, arguments: &[&str]) -> Run {
    let mut command = home.command();
    Run::of(command.env("NEXUS_HTTP_TIMEOUT", "0.2").args(arguments).output().unwrap())
}

#[test]
fn a_page_of_a_proxy_is_recognised() {
    for status in ["200 OK", "404 Not Found", "502 Bad Gateway"] {
        let page = "<html>\x1b[31m It says nxk_secret, but not JSON </html>";
        let fake = Fake::answering(status, "Content-Type: text/html\r\n", page);
        let home = member(&fake.url);
        for arguments in [
            &["poll", SESSION][..],
            &["status", SESSION],
            &["leave", SESSION],
            &["send", SESSION, "x"],
            &["renew", SESSION],
            &["pair", SESSION],
            &["create"],
        ] {
            let arguments = &[arguments, &["--url", &fake.url]].concat();
            let run = home.nexus(arguments);
            assert_eq!(run.error(), "non_json_response", "{arguments:?}");
            assert!(
                run.stderr.contains("<html>") && !run.stderr.contains('\x1b'),
                "{}",
                run.stderr
            );
        }
        assert_eq!(home.stored(SESSION, "key").unwrap(), "nxk_secret", "{status}");
    }
}

#[test]
fn a_server_that_hangs_times_out() {
    let fake = Fake::new(|_, _| Reply::Hang);
    let home = member(&fake.url);
    let run = impatient(&home, &["send", SESSION, "x"]);
    assert_eq!(run.error(), "timeout");
    // The client has given up. The counting thread may not have seen its request yet.
    nexus_tests::eventually("three tries are seen", || fake.requests().len() == 3);
    let requests = fake.requests();
    let keys: BTreeSet<_> = requests.iter().map(|text| header(text, "idempotency-key")).collect();
    assert_eq!(keys.len(), 1, "tried again, as the same message");
    assert!(keys.iter().flatten().all(|key| key.len() == 32));
    // A request that is not safe to repeat is not repeated.
    assert_eq!(impatient(&home, &["create", "--url", &fake.url]).error(), "timeout");
    nexus_tests::eventually("one more is seen", || fake.requests().len() >= 4);
    assert_eq!(fake.requests().len(), 4);
    assert_eq!(impatient(&home, &["leave", SESSION]).error(), "timeout");
    assert_eq!(impatient(&home, &["poll", SESSION]).error(), "timeout");
    assert!(home.stored(SESSION, "cursor").is_none() && home.stored(SESSION, "key").is_some());
    let listed = impatient(&home, &["ls"]).done();
    assert_eq!(listed["sessions"][0]["state"], "unreachable");
}

#[test]
fn a_request_is_retried_if_the_server_closes_halfway() {
    let fake = Fake::new(|number, _| {
        let mut bytes = response("201 Created", "", SENT);
        match number {
            0 => bytes.clear(),
            1 => bytes.truncate(bytes.len() - 5),
            _ => {}
        }
        Reply::Bytes(bytes)
    });
    let home = member(&fake.url);
    assert_eq!(home.nexus(&["send", SESSION, "x"]).done()["cursor"], "1");
    let keys: BTreeSet<_> =
        fake.requests().iter().map(|text| header(text, "idempotency-key")).collect();
    assert_eq!((fake.requests().len(), keys.len()), (3, 1));
    assert!(
        fake.requests().iter().all(|text| header(text, "x-session-key").unwrap() == "nxk_secret")
    );

    let broken =
        Fake::new(|_, _| Reply::Bytes(response("200 OK", "", "{\"messages\":[]}")[..60].to_vec()));
    let home = member(&broken.url);
    assert_eq!(home.nexus(&["poll", SESSION]).error(), "connection_lost");
    assert!(home.stored(SESSION, "cursor").is_none());
}

#[test]
fn a_claim_whose_answer_was_lost_gets_its_seat() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let code = text(&a.nexus(&["pair", &session]).done()["code"]);
    let port = relay.port();
    let fake = Fake::new(move |number, request| {
        let mut bytes = forward(port, request);
        bytes.truncate(if number == 0 { 0 } else { bytes.len() });
        Reply::Bytes(bytes)
    });
    let b = Home::new(&fake.url);
    b.nexus(&["claim", &code, "--agent-id", "b"]).done();
    assert_eq!(fake.requests().len(), 2);
    assert_eq!(b.nexus(&["send", &session, "hello"]).done()["verified"], true);
}

#[test]
fn a_message_whose_answer_was_lost_is_sent_once() {
    let relay = relay();
    let port = relay.port();
    let fake = Fake::new(move |number, request| {
        let mut bytes = forward(port, request);
        bytes.truncate(if number % 2 == 0 { 0 } else { bytes.len() });
        Reply::Bytes(bytes)
    });
    let a = Home::new(&relay.url());
    let session = a.create("a");
    for text in ["one", "two"] {
        a.nexus(&["send", &session, text, "--url", &fake.url]).done();
    }
    assert_eq!(a.poll(&session), ["one", "two"]);
}

#[test]
fn too_many_requests_are_repeated_when_the_server_says() {
    let refused = r#"{"error":"rate_limit_exceeded","message":"Too many requests from you."}"#;
    let fake = Fake::new(move |number, _| {
        Reply::Bytes(match number {
            0 => response("429 Too Many Requests", "Retry-After: 0\r\n", refused),
            _ => response("201 Created", "", SENT),
        })
    });
    let run = member(&fake.url).nexus(&["send", SESSION, "x"]);
    assert!(run.stderr.contains("trying again in 0.0 s"), "{}", run.stderr);
    run.done();
    // Longer than anybody waits for a command, so the error comes at once.
    let busy = Fake::answering("429 Too Many Requests", "Retry-After: 3600\r\n", refused);
    let home = member(&busy.url);
    assert_eq!(home.nexus(&["poll", SESSION]).error(), "rate_limit_exceeded");
    assert_eq!(busy.requests().len(), 1);
    assert_eq!(home.nexus(&["leave", SESSION]).error(), "rate_limit_exceeded");
    assert!(home.stored(SESSION, "key").is_some());
}

#[test]
fn requests_to_a_failing_server_are_retried_and_leave_the_state_alone() {
    let failed = r#"{"error":"internal_error","message":"The relay failed; repeat the request."}"#;
    let fake = Fake::answering("500 Internal Server Error", "", failed);
    let home = member(&fake.url);
    assert_eq!(home.nexus(&["leave", SESSION]).error(), "internal_error");
    assert_eq!(fake.requests().len(), 3);
    assert!(home.stored(SESSION, "key").is_some());
    // The path does not exist. That says nothing about the session.
    let lacking = r#"{"error":"not_found","message":"There is nothing at this path."}"#;
    let fake = Fake::answering("404 Not Found", "", lacking);
    let home = member(&fake.url);
    assert_eq!(home.nexus(&["leave", SESSION]).error(), "not_found");
    assert!(home.stored(SESSION, "key").is_some());
}

#[test]
fn a_key_does_not_follow_a_redirect() {
    let thief = Fake::answering("200 OK", "", "{}");
    let location = format!("Location: {}/x\r\n", thief.url);
    let fake = Fake::answering("301 Moved Permanently", &location, "");
    let run = member(&fake.url).nexus(&["poll", SESSION]);
    assert_eq!(run.error(), "redirected");
    assert!(text(&run.json["message"]).contains(&thief.url));
    assert!(thief.requests().is_empty());
}

#[test]
fn a_server_without_json_gets_text() {
    let fake = Fake::new(|_, request| {
        Reply::Bytes(if request.starts_with("GET /health") {
            response("200 OK", "", r#"{"status":"ok"}"#)
        } else {
            response("201 Created", "", SENT)
        })
    });
    let home = member(&fake.url);
    assert_eq!(
        home.nexus(&["send", SESSION, "--json", "{}", "--strict"]).error(),
        "json_unsupported"
    );
    let run = home.nexus(&["send", SESSION, "look:", "--json", "{ \"a\": 1 }"]);
    assert!(run.stderr.contains("warning: ") && run.stderr.contains("text only"), "{}", run.stderr);
    run.done();
    let requests = fake.requests();
    assert_eq!(requests.len(), 2, "what the server has is remembered: {requests:?}");
    assert!(requests[1].ends_with(r#"{"text":"look:\n\n{\"a\":1}"}"#), "{}", requests[1]);
}

#[test]
fn a_server_that_tells_less_is_good_enough() {
    let fake = Fake::new(|_, request| {
        let body = match request.split_whitespace().nth(1).unwrap_or_default() {
            path if path.contains("/claim") => json!({ "sessionId": SESSION, "extra": 1 }),
            path if path.ends_with("/join") => json!({ "status": "joined" }),
            path if path.ends_with("after=7") => json!({ "messages": [] }),
            path if path.contains("/messages") => {
                json!({ "messages": [{ "text": "x" }], "nextCursor": 7, "hasMore": null })
            }
            _ => json!({ "sessionId": SESSION }),
        };
        Reply::Bytes(response("200 OK", "", &body.to_string()))
    });
    let home = Home::new(&fake.url);
    assert_eq!(home.nexus(&["claim", "OTHER-WORDS-99", "--agent-id", "b"]).done()["extra"], 1);
    assert!(fake.requests()[0].starts_with("POST /v1/pair/OTHER-WORDS-99/claim "));
    assert_eq!(
        (home.stored(SESSION, "agent").as_deref(), home.stored(SESSION, "key")),
        (Some("b"), None)
    );
    home.nexus(&["join", SESSION]).done();
    assert_eq!(home.poll(SESSION), ["x"]);
    assert_eq!(home.stored(SESSION, "cursor").unwrap(), "7");
    home.nexus(&["poll", SESSION]).done();
    assert_eq!(home.stored(SESSION, "cursor").unwrap(), "7");
    home.nexus(&["create"]).done();
    home.nexus(&["ls"]).done();
    let empty = Fake::answering("204 No Content", "", "");
    assert_eq!(home.nexus(&["leave", SESSION, "--url", &empty.url]).done(), json!({ "ok": true }));
}

#[test]
fn keys_appear_neither_in_process_lists_nor_in_later_answers() {
    let hanging = Fake::new(|_, _| Reply::Hang);
    let home = member(&hanging.url);
    let mut child = home.command().args(["send", SESSION, "x"]).spawn().unwrap();
    nexus_tests::eventually("the request is under way", || !hanging.requests().is_empty());
    let listed = Command::new("ps").args(["-o", "args=", "-p", &child.id().to_string()]).output();
    let arguments = match listed {
        Ok(output) => output.stdout,
        Err(_) => std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap(),
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let arguments = String::from_utf8(arguments).unwrap();
    assert!(arguments.contains(SESSION) && !arguments.contains("nxk_"), "{arguments}");

    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    for arguments in [
        &["status", &session][..],
        &["send", &session, "x"],
        &["poll", &session, "--members"],
        &["renew", &session],
        &["ls"],
        &["poll-all"],
        &["poll-status"],
        &["doctor"],
        &["config", "show"],
        &["leave", &session],
    ] {
        let run = b.nexus(arguments);
        assert!(!run.json.to_string().contains("nxk_"), "{arguments:?}");
        run.done();
    }
}
