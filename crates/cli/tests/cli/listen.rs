//! `listen` over each way to receive, with broken connections and restarts.

use crate::{
    fake::{Fake, Reply, forward, response},
    listening::{Listening, Mode, Proxy},
    support::{Home, guest, text},
};
use nexus_tests::relay;
use serde_json::json;

#[test]
fn messages_are_printed_as_they_arrive_except_our_own() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    a.nexus(&["send", &session, "before", "--json", "{\"n\":1.50}"]).done();
    let mut listening = Listening::start(&b, &session, &[]);
    let first = listening.line();
    assert!(first.contains(r#""json":{"n":1.50}"#), "as it was written: {first}");
    listening.until("listening over a socket");
    b.nexus(&["send", &session, "mine"]).done();
    a.nexus(&["send", &session, "after"]).done();
    let after = listening.value();
    assert_eq!((text(&after["text"]), text(&after["cursor"])), ("after".into(), "4".into()));
    assert_eq!(b.nexus(&["listen", &session]).error(), "already_running");
    let status = b.nexus(&["poll-status", &session]).done();
    assert!(status["sessions"][0]["listen"]["pid"].is_number());
    let guest = guest_of(&a, &session, "c");
    listening.until("c joined");
    guest.nexus(&["leave", &session]).done();
    listening.until("c left");
    let end = listening.stop("-TERM");
    assert_eq!((&end["reason"], &end["messages"]), (&json!("signal"), &json!(2)));
    assert!(b.poll(&session).is_empty(), "what was printed counts as read");

    let mut with_own = Listening::start(&b, &session, &["--own"]);
    with_own.until("listening over");
    b.nexus(&["send", &session, "mine too"]).done();
    assert_eq!(text(&with_own.value()["text"]), "mine too");
    with_own.stop("-INT");
}

fn guest_of(a: &Home, session: &str, agent: &str) -> Home {
    let link = text(&a.nexus(&["pair", session]).done()["url"]);
    let guest = Home::without_url();
    guest.nexus(&["claim", &link, "--agent-id", agent]).done();
    guest
}

#[test]
fn it_ends_with_the_session_and_with_the_seat() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    let mut left = Listening::start(&b, &session, &[]);
    left.until("listening over");
    b.nexus(&["leave", &session]).done();
    assert_eq!(left.end()["reason"], "left");

    let short = text(&a.nexus(&["create", "--agent-id", "a", "--ttl", "2"]).done()["sessionId"]);
    let mut over = Listening::start(&a, &short, &["--no-renew"]);
    over.until("listening over");
    assert_eq!(over.end()["reason"], "over");
    assert_eq!(a.nexus(&["listen", &short]).error(), "session_not_found");
}

/// Listens through a proxy that lets only some requests through.
fn over(way: &str, refused: &'static [&'static str], mode: Mode) {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    let proxy = Proxy::new(relay.port(), refused, mode);
    a.nexus(&["send", &session, "one"]).done();
    let mut command = b.command();
    b.nexus(&["bind", &session, "--url", &proxy.url]).done();
    command.args(["listen", &session]);
    if mode == Mode::Swallows {
        // A connection that is silent for that long counts as broken.
        command.env("NEXUS_HTTP_TIMEOUT", "1");
    }
    let mut listening = Listening::of(&mut command);
    listening.until(&format!("listening over {way}"));
    assert_eq!(text(&listening.value()["text"]), "one");
    a.nexus(&["send", &session, "two"]).done();
    assert_eq!(text(&listening.value()["text"]), "two");
    if way != "a socket" {
        // It reconnects in the way that worked before.
        proxy.cut_all();
        if way == "an event stream" {
            listening.until("again in");
            listening.until(&format!("listening over {way}"));
        }
        a.nexus(&["send", &session, "three"]).done();
        assert_eq!(text(&listening.value()["text"]), "three");
    }
    let end = listening.stop("-TERM");
    assert_eq!(end["reason"], "signal");
}

#[test]
fn it_reads_an_event_stream_if_sockets_are_refused() {
    over("an event stream", &["/ws"], Mode::Refuses);
}

#[test]
fn it_reads_an_event_stream_if_sockets_are_cut() {
    over("an event stream", &["/ws"], Mode::Cuts);
}

#[test]
fn it_reads_an_event_stream_if_sockets_stay_silent() {
    over("an event stream", &["/ws"], Mode::Swallows);
}

#[test]
fn it_polls_if_streams_are_refused_too() {
    over("long polls", &["/ws", "/events"], Mode::Refuses);
}

#[test]
fn nothing_is_lost_or_doubled_when_the_relay_is_killed() {
    let mut relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    for refused in [&[][..], &["/ws"], &["/ws", "/events"]] {
        let proxy = Proxy::new(relay.port(), refused, Mode::Refuses);
        b.nexus(&["bind", &session, "--url", &proxy.url]).done();
        let mut listening = Listening::start(&b, &session, &[]);
        listening.until("listening over");
        let mut expected = Vec::new();
        for round in 0..2 {
            for number in 0..4 {
                let said = format!("{round}-{number}");
                a.nexus(&["send", &session, &said]).done();
                expected.push(said);
                if number == 1 {
                    relay.kill();
                    relay.restart().unwrap();
                }
            }
        }
        let heard: Vec<String> =
            expected.iter().map(|_| text(&listening.value()["text"])).collect();
        assert_eq!(heard, expected);
        assert_eq!(listening.stop("-TERM")["messages"], 8);
    }
}

#[test]
fn a_server_with_polls_only_is_polled() {
    use crate::fake::{Fake, Reply, response};
    let fake = Fake::new(|number, request| {
        let body = match number {
            0 => "{}".to_owned(),
            _ if request.contains("after=5") => r#"{"messages":[],"nextCursor":5}"#.to_owned(),
            _ => r#"{"messages":[{"id":"x","agentId":"o","text":"hi","cursor":5}],"nextCursor":5}"#
                .to_owned(),
        };
        Reply::Bytes(response("200 OK", "", &body))
    });
    let home = Home::new(&fake.url);
    let mut listening = Listening::start(&home, &"c".repeat(48), &["--agent-id", "a"]);
    assert_eq!(text(&listening.value()["text"]), "hi");
    listening.until("listening over polls");
    assert_eq!(listening.stop("-TERM")["cursor"], "5");
}

#[test]
fn reconnecting_pauses_if_the_relay_greets_and_closes() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let port = relay.port();
    let fake = Fake::new(move |_, request| {
        let line = request.lines().next().unwrap_or_default();
        Reply::Bytes(if line.contains("/ws") {
            response("404 Not Found", "", "{}")
        } else if line.contains("/events") {
            let ready = "event: ready\ndata: {\"cursor\":\"0\"}\n\n";
            response("200 OK", "Content-Type: text/event-stream\r\n", ready)
        } else {
            forward(port, request)
        })
    });
    let mut listening = Listening::start(&a, &session, &["--url", &fake.url]);
    let mut pauses = Vec::new();
    for _ in 0..3 {
        listening.until("listening over an event stream");
        let line = listening.until("again in");
        let pause: f64 = line.split(' ').rev().nth(1).unwrap().parse().unwrap();
        pauses.push(pause);
    }
    // The shortest pause is at most 0.25 s, and the third is at least twice that.
    assert!(pauses[2] >= 0.5, "{pauses:?}");
    listening.stop("-TERM");
}
