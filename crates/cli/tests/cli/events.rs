//! How waiting commands handle events, and a cursor beyond the end of the log.

use crate::{
    fake::{Fake, Reply, header, response},
    listening::Listening,
    support::{Home, Run, guest, texts},
};
use nexus_tests::relay;
use serde_json::{Value, json};
use std::fs;

fn session() -> String {
    "c".repeat(48)
}

/// A message from the relay itself.
fn event(kind: &str, agent: &str, cursor: u32) -> Value {
    json!({
        "id": format!("x-{cursor}"), "agentId": "system", "kind": kind, "text": format!("{agent} {kind}"),
        "json": { "type": kind, "agentId": agent, "by": "owner" }, "cursor": cursor.to_string(), "verified": true,
    })
}

fn message(agent: &str, text: &str, cursor: u32) -> Value {
    json!({
        "id": format!("x-{cursor}"), "agentId": agent, "text": text, "cursor": cursor.to_string(),
        "verified": true,
    })
}

/// Every kind of event.
fn all_events() -> Vec<Value> {
    let kinds = ["joined", "left", "removed", "ending", "ended"];
    (1..).zip(kinds).map(|(cursor, kind)| event(kind, "bob", cursor)).collect()
}

/// A server that delivers messages in this way. It answers requests for messages with the next of
/// its pages, and then with empty ones.
fn pages(delivery: &str, pages: Vec<Value>) -> Fake {
    let health = format!(r#"{{"capabilities":{{"delivery":["{delivery}"]}}}}"#);
    let left = std::sync::Mutex::new(pages.into_iter());
    Fake::new(move |_, request| {
        let target = request.split(' ').nth(1).unwrap_or_default();
        let body = if target == "/health" {
            health.clone()
        } else if request.starts_with("POST") {
            r#"{"id":"x-99","cursor":"99","verified":true}"#.to_owned()
        } else {
            let next = left.lock().unwrap().next();
            next.unwrap_or(json!({ "messages": [] })).to_string()
        };
        Reply::Bytes(response("200 OK", "", &body))
    })
}

fn page(messages: &[Value]) -> Value {
    let last = messages.last().map_or(json!("0"), |message| message["cursor"].clone());
    json!({ "messages": messages, "nextCursor": last, "hasMore": false })
}

/// The targets of the requests for messages.
fn polls(fake: &Fake) -> Vec<String> {
    let requests = fake.requests();
    let targets = requests.iter().filter_map(|request| request.split(' ').nth(1));
    targets.filter(|target| target.contains("/messages")).map(str::to_owned).collect()
}

/// A machine that is `me` in the session and has read up to a cursor.
fn seated(url: &str, cursor: &str) -> Home {
    let home = Home::without_url();
    let folder = home.state().join("sessions").join(session());
    fs::create_dir_all(&folder).unwrap();
    for (name, line) in [("agent", "me"), ("key", "a-key"), ("server", url), ("cursor", cursor)] {
        fs::write(folder.join(name), format!("{line}\n")).unwrap();
    }
    home
}

#[test]
fn waiting_ends_when_somebody_else_joins_and_not_with_our_own_events() {
    for command in [&["wait"][..], &["poll", "--wait", "9"]] {
        let ours = [event("joined", "me", 1), message("me", "mine", 2)];
        let mixed = [message("me", "mine too", 3), event("joined", "bob", 4)];
        let fake = pages("longpoll", vec![page(&ours), page(&mixed)]);
        let home = seated(&fake.url, "0");
        let id = session();
        let all = [&command[..1], &[id.as_str()], &command[1..]].concat();
        let value = home.nexus(&all).done();
        assert_eq!(texts(&value), ["bob joined"], "{command:?}");
        assert_eq!(value["messages"][0]["kind"], "joined");
        assert_eq!(home.stored(&session(), "cursor").unwrap(), "4");
        let polls = polls(&fake);
        assert_eq!(polls.len(), 2, "{polls:?}");
        assert!(
            polls.iter().all(|poll| poll.contains("&others=true&events=true&wait=")),
            "{polls:?}"
        );
        assert!(polls[1].contains("?after=2&"), "{polls:?}");
    }
}

#[test]
fn waiting_for_a_topic_requests_only_that_topic() {
    let fake = pages("longpoll", vec![page(&[message("bob", "green", 1)])]);
    let home = seated(&fake.url, "0");
    home.nexus(&["poll", &session(), "--wait", "9", "--topic", "build"]).done();
    let polls = polls(&fake);
    assert!(polls[0].contains("others=true") && !polls[0].contains("events"), "{polls:?}");
    assert_eq!(home.stored(&session(), "cursor").unwrap(), "0");
}

#[test]
fn a_poll_without_waiting_returns_our_messages_and_no_events() {
    let fake = pages("longpoll", vec![page(&[message("me", "mine", 1)])]);
    let home = seated(&fake.url, "0");
    assert_eq!(home.poll(&session()), ["mine"]);
    assert_eq!(polls(&fake), [format!("/v1/sessions/{}/messages?after=0", session())]);
}

#[test]
fn the_greeting_of_a_server_that_names_its_writer_is_not_asked_about() {
    for (by, ends) in [(json!("me"), false), (json!("bob"), true), (Value::Null, true)] {
        let greeting = json!({
            "agentId": "system", "kind": "greeting", "by": by, "text": "hello", "cursor": "0",
        });
        let fake = pages("longpoll", vec![page(&[greeting])]);
        let home = seated(&fake.url, "");
        let output = home.command().args(["wait", &session(), "--timeout", "0"]).output().unwrap();
        assert_eq!(output.status.code(), Some(if ends { 0 } else { 2 }), "{by}");
        assert_eq!(fake.requests().len(), 1);
    }
}

#[test]
fn a_cursor_beyond_the_end_is_set_back_to_the_end() {
    let reset = json!({ "messages": [], "nextCursor": "4", "hasMore": false, "cursorReset": true });
    let fake = pages("poll", vec![reset.clone(), page(&[message("bob", "five", 5)]), reset]);
    let home = seated(&fake.url, "999");
    let run = home.nexus(&["poll", &session()]);
    assert!(run.stderr.contains("999 is beyond the end of the log, which is 4"), "{}", run.stderr);
    run.done();
    assert_eq!(home.stored(&session(), "cursor").unwrap(), "4");
    assert_eq!(home.poll(&session()), ["five"]);
    assert!(polls(&fake)[1].ends_with("?after=4"));
    // `--after` does not move the cursor.
    let run = home.nexus(&["poll", &session(), "--after", "777"]);
    assert!(run.stderr.contains("777 is beyond"), "{}", run.stderr);
    assert_eq!(home.stored(&session(), "cursor").unwrap(), "5");
}

#[test]
fn waiting_continues_from_the_true_end() {
    let reset = json!({ "messages": [], "nextCursor": "4", "cursorReset": true });
    let fake = pages("longpoll", vec![reset, page(&[message("bob", "five", 5)])]);
    let home = seated(&fake.url, "999");
    assert_eq!(texts(&home.nexus(&["wait", &session()]).done()), ["five"]);
    assert_eq!(home.stored(&session(), "cursor").unwrap(), "5");
}

/// Listens to this server from a cursor that is too high until a message comes.
fn listens_after_a_reset(fake: &Fake) {
    let home = seated(&fake.url, "999");
    let mut listening = Listening::start(&home, &session(), &[]);
    assert_eq!(listening.value()["text"], "five");
    listening.until("the log ends at cursor 4");
    assert_eq!(listening.stop("-TERM")["cursor"], "5");
    assert_eq!(home.stored(&session(), "cursor").unwrap(), "5");
    let requests = fake.requests();
    let first = requests.iter().find(|request| request.contains("after=")).unwrap();
    assert!(first.contains("?after=999&others=true&events=true"), "{first}");
}

#[test]
fn polls_that_listen_are_set_back() {
    let reset = json!({ "messages": [], "nextCursor": "4", "cursorReset": true });
    listens_after_a_reset(&pages("poll", vec![reset, page(&[message("bob", "five", 5)])]));
}

#[test]
fn an_event_stream_is_set_back() {
    let health = r#"{"capabilities":{"delivery":["sse"]}}"#;
    listens_after_a_reset(&Fake::new(move |_, request| {
        let five = message("bob", "five", 5);
        let events = format!("event: reset\ndata: {{\"cursor\":\"4\"}}\n\ndata: {five}\n\n");
        match request.split(' ').nth(1) {
            Some("/health") => Reply::Bytes(response("200 OK", "", health)),
            Some(target) if target.contains("/events") => {
                let kind = "Content-Type: text/event-stream\r\n";
                Reply::Bytes(response("200 OK", kind, &events))
            }
            _ => Reply::Hang,
        }
    }));
}

/// A text frame as a server sends it.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let head = if length < 126 {
        vec![0x81, u8::try_from(length).unwrap()]
    } else {
        [vec![0x81, 126], length.to_be_bytes().to_vec()].concat()
    };
    [head, text.as_bytes().to_vec()].concat()
}

#[test]
fn a_socket_is_set_back() {
    let health = r#"{"capabilities":{"delivery":["websocket"]}}"#;
    listens_after_a_reset(&Fake::new(move |_, request| match request.split(' ').nth(1) {
        Some("/health") => Reply::Bytes(response("200 OK", "", health)),
        Some(target) if target.contains("/ws") => {
            let key = header(request, "sec-websocket-key").unwrap();
            let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            let five = message("bob", "five", 5).to_string();
            let five = five.replacen('{', r#"{"type":"message","#, 1);
            let reset = frame(r#"{"type":"reset","cursor":"4"}"#);
            Reply::Bytes([head.into_bytes(), reset, frame(&five)].concat())
        }
        _ => Reply::Hang,
    }));
}

#[test]
fn events_are_printed_only_on_request() {
    // Other notices are only for their reader and need not be asked for.
    let failing = event("webhook_failing", "me", 6);
    let log = [all_events(), vec![failing, message("bob", "hi", 7)]].concat();
    for (arguments, printed) in [(&[][..], 2), (&["--events"], 7)] {
        let fake = pages("poll", vec![page(&log)]);
        let home = seated(&fake.url, "0");
        let mut listening = Listening::start(&home, &session(), arguments);
        for _ in 1..printed {
            assert_eq!(listening.value()["agentId"], "system");
        }
        assert_eq!(listening.value()["text"], "hi");
        listening.until("bob joined");
        listening.until("me webhook_failing");
        assert_eq!(listening.stop("-TERM")["messages"], printed);
    }
    let home = Home::without_url();
    for what in ["--exec", "--hook"] {
        let run = home.nexus(&["listen", &session(), "--events", what, "x"]);
        assert_eq!(run.error(), "usage");
    }
}

#[test]
fn nothing_is_run_posted_or_answered_for_an_event() {
    let failing = event("webhook_failing", "me", 6);
    let log = [all_events(), vec![failing, message("bob", "hi", 7)]].concat();
    for batch in [&[][..], &["--batch"], &["--own"]] {
        let fake = pages("poll", vec![page(&log)]);
        let home = seated(&fake.url, "0");
        let out = home.state().join("out");
        let script = format!("cat >> {}; echo answer", out.display());
        let reply = if batch == ["--own"] { &[][..] } else { &["--reply"] };
        let all = [&["--exec", &script][..], batch, reply].concat();
        let mut listening = Listening::start(&home, &session(), &all);
        assert_eq!(listening.value()["handled"], json!(["x-7"]), "{all:?}");
        listening.stop("-TERM");
        let heard = fs::read_to_string(&out).unwrap();
        assert!(heard.contains("\"hi\"") && !heard.contains("system"), "{heard}");
        let sends = |request: &&String| {
            request.starts_with("POST") && request.split(' ').nth(1).unwrap().ends_with("/messages")
        };
        let sent = fake.requests().iter().filter(sends).count();
        assert_eq!(sent, reply.len());
    }
    let hook = Fake::answering("200 OK", "", "{}");
    let fake = pages("poll", vec![page(&log)]);
    let home = seated(&fake.url, "0");
    let mut listening = Listening::start(&home, &session(), &["--hook", &hook.url]);
    assert_eq!(listening.value()["handled"], json!(["x-7"]));
    listening.stop("-TERM");
    assert_eq!(hook.requests().len(), 1);
    assert_eq!(home.stored(&session(), "cursor").unwrap(), "7");
}

#[test]
fn a_command_is_told_who_wrote_the_greeting_and_what_the_relay_adds() {
    let greeting = json!({
        "id": "x-0", "agentId": "system", "kind": "greeting", "by": "alice", "text": "Run env!",
        "cursor": "0", "hint": "the relay's own words",
    });
    let fake = pages("poll", vec![page(&[greeting])]);
    let home = seated(&fake.url, "");
    let out = home.state().join("out");
    let script = format!("cat > {0}; echo $NEXUS_FROM >> {0}", out.display());
    let all = ["--exec", &script, "--envelope"];
    let mut listening = Listening::start(&home, &session(), &all);
    listening.value();
    listening.stop("-TERM");
    let told = fs::read_to_string(&out).unwrap();
    let (json, from) = told.trim_end().rsplit_once('\n').unwrap();
    let value: Value = serde_json::from_str(json).unwrap();
    let text = value["text"].as_str().unwrap();
    assert!(text.contains("From: alice (greeting of the session's creator)\n"), "{text}");
    assert!(text.ends_with("not part of the message: the relay's own words\n"), "{text}");
    assert_eq!(
        (&value["by"], &value["kind"], from),
        (&json!("alice"), &json!("greeting"), "alice")
    );
}

#[test]
fn a_creator_that_waits_learns_that_its_link_was_claimed() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let waiting = a.command().args(["wait", &session, "--timeout", "60"]).spawn().unwrap();
    let b = guest(&a, &session);
    let page = Run::of(waiting.wait_with_output().unwrap()).done();
    assert_eq!(page["messages"][0]["kind"], "joined");
    assert_eq!(page["messages"][0]["json"]["agentId"], "b");
    // The agent's own join is not news.
    let output = b.command().args(["wait", &session, "--timeout", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_real_log_is_read_on_from_its_end() {
    let relay = relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    fs::write(a.state().join("sessions").join(&session).join("cursor"), "999999\n").unwrap();
    let run = a.nexus(&["poll", &session]);
    assert!(run.stderr.contains("beyond the end of the log"), "{}", run.stderr);
    b.nexus(&["send", &session, "hello"]).done();
    assert_eq!(a.poll(&session), ["hello"]);
}
