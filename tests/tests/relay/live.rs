//! Messages that arrive when they are sent.

use nexus_tests::{
    Api, Member, Relay, eventually, list,
    live::{Ended, Socket},
    relay, string,
};
use serde_json::{Value, json};
use std::{thread, time::Duration};

fn session(relay: &Relay, body: &Value) -> Member {
    let api = Api::new(&relay.url());
    let (session, key) = api.create(body);
    Member { api, session, agent: "a".into(), key: key.unwrap() }
}

#[test]
fn a_long_poll_is_answered_when_a_message_comes_and_empty_when_none_does() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let empty = a.poll("?after=0&wait=1&members=true");
    assert_eq!((&empty["messages"], &empty["nextCursor"]), (&json!([]), &json!("0")));
    assert_eq!(list(&empty["members"]).len(), 2);
    thread::scope(|scope| {
        let polls: Vec<_> = (0..3).map(|_| scope.spawn(|| a.poll("?after=0&wait=25"))).collect();
        let other = scope.spawn(|| b.poll("?after=0&wait=25"));
        eventually("all four wait", || b.poll("?members=true")["members"][0]["online"] == true);
        b.call("POST", "/messages").json(&json!({ "text": "for a", "to": "a" })).send().json();
        for poll in polls {
            let page = poll.join().unwrap();
            assert_eq!(
                (&page["messages"][0]["text"], &page["nextCursor"]),
                (&json!("for a"), &json!("2"))
            );
        }
        assert_eq!(other.join().unwrap()["messages"][0]["text"], "for a", "its own");
    });
    // What is there already is answered at once, and with rules like any poll.
    assert_eq!(list(&a.poll("?after=0&wait=25")["messages"]).len(), 1);
    let wrong = a.call("GET", "/messages?after=2&wait=25").key("nxk_wrong").send();
    assert_eq!(wrong.error(), (403, "invalid_session_key".into()));
    let wrong = a.call("GET", "/messages?wait=-1").send();
    assert_eq!(wrong.error(), (400, "invalid_request".into()));
}

#[test]
fn a_socket_catches_up_then_gets_each_message_and_can_send() {
    let relay = relay();
    let a = session(&relay, &json!({ "creatorAgentId": "a", "greeting": "hello" }));
    let b = a.join("b");
    a.send("one");
    let mut socket = b.socket(None);
    assert_eq!(socket.expect("message")["text"], "hello");
    let one = socket.expect("message");
    assert_eq!(
        (&one["text"], &one["cursor"], &one["verified"]),
        (&json!("one"), &json!("2"), &json!(true))
    );
    assert_eq!(socket.expect("ready")["cursor"], "2");
    a.send("two");
    assert_eq!(socket.expect("message")["text"], "two");

    socket.send(
        &json!({ "type": "send", "id": 7, "text": "three", "to": ["a"], "replyTo": one["id"] })
            .to_string(),
    );
    assert_eq!(socket.expect("message")["text"], "three", "its own, like everyone's");
    let sent = socket.expect("sent");
    assert_eq!(
        (&sent["id"], &sent["cursor"], &sent["verified"]),
        (&json!(7), &json!("4"), &json!(true))
    );
    assert_eq!(a.poll("?after=3")["messages"][0]["replyTo"], one["id"]);

    for (frame, code) in [
        ("nonsense", "invalid_body"),
        (r#"{"type":"send","id":"x"}"#, "invalid_request"),
        (r#"{"type":"shout","id":"x","text":"x"}"#, "invalid_request"),
        (r#"{"type":"send","id":"x","text":"x","to":"nobody"}"#, "agent_not_found"),
    ] {
        socket.send(frame);
        let error = socket.expect("error");
        assert_eq!(error["error"], code, "{error}");
        assert_eq!(error["id"], if code == "invalid_body" { Value::Null } else { json!("x") });
    }
    // The same frame twice, with an idempotency key, is stored once.
    let frame =
        json!({ "type": "send", "id": 1, "text": "four", "idempotencyKey": "k" }).to_string();
    socket.send(&frame);
    socket.expect("message");
    let first = socket.expect("sent");
    socket.send(&frame);
    assert_eq!(socket.expect("sent"), first);
    socket.send("ping");
    assert_eq!(socket.read(), Ok(json!("pong")));
}

#[test]
fn a_socket_shows_only_what_its_reader_may_read() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let (b, c) = (a.join("b"), a.join("c"));
    let unproven = format!("/v1/sessions/{}/ws?after=0", a.session);
    let mut sockets = [
        (b.socket(Some("0")), vec!["for b", "for all"]),
        (c.socket(Some("0")), vec!["for all"]),
        (
            Socket::open(&relay.url(), &unproven, &[("X-Agent-Id", "b")]).ok().unwrap(),
            vec!["for all"],
        ),
    ];
    for (socket, _) in &mut sockets {
        socket.expect("ready");
    }
    a.call("POST", "/messages").json(&json!({ "text": "for b", "to": "b" })).send().json();
    a.send("for all");
    for (socket, texts) in &mut sockets {
        for text in texts {
            assert_eq!(socket.expect("message")["text"], *text);
        }
    }
    let wrong = [("X-Agent-Id", "b"), ("X-Session-Key", "nxk_wrong")];
    assert_eq!(Socket::open(&relay.url(), &unproven, &wrong).err(), Some(Some(403)));
    assert_eq!(
        Socket::open(&relay.url(), &unproven, &[("X-Agent-Id", "z")]).err(),
        Some(Some(403))
    );
    assert_eq!(Socket::open(&relay.url(), &unproven, &[]).err(), Some(Some(400)));
    let unknown = format!("/v1/sessions/{}/ws", "0".repeat(48));
    assert_eq!(Socket::open(&relay.url(), &unknown, &[("X-Agent-Id", "b")]).err(), Some(Some(404)));
    assert_eq!(a.call("GET", "/ws").send().error(), (400, "invalid_request".into()));
}

#[test]
fn a_browser_names_itself_in_the_query_or_the_sub_protocol() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    a.call("POST", "/messages").json(&json!({ "text": "for b", "to": "b" })).send().json();
    let base = format!("/v1/sessions/{}", a.session);
    let query = format!("{base}/ws?after=0&agentId=b&key={}", b.key);
    let mut socket = Socket::open(&relay.url(), &query, &[]).ok().unwrap();
    assert_eq!(socket.expect("message")["text"], "for b");
    let offered = format!("nexus, agent.b, key.{}", b.key);
    let headers = [("Sec-WebSocket-Protocol", offered.as_str())];
    let mut socket =
        Socket::open(&relay.url(), &format!("{base}/ws?after=0"), &headers).ok().unwrap();
    assert_eq!(socket.expect("message")["text"], "for b");
}

#[test]
fn events_carry_cursors_and_resume_after_them() {
    let relay = relay();
    let a = session(&relay, &json!({ "creatorAgentId": "a", "greeting": "hello" }));
    a.send("one");
    let mut events = a.try_events(None).unwrap();
    assert_eq!(events.message().unwrap(), ("0".into(), "hello".into()));
    assert_eq!(events.message().unwrap(), ("1".into(), "one".into()));
    assert_eq!(events.read().unwrap(), ("ready".into(), None, json!({ "cursor": "1" })));
    a.send("two\nlines");
    assert_eq!(events.message().unwrap(), ("2".into(), "two\nlines".into()));
    let mut resumed = a.try_events(Some("1")).unwrap();
    assert_eq!(resumed.message().unwrap(), ("2".into(), "two\nlines".into()));
    let refused = a.call("GET", "/events").key("nxk_wrong").send();
    assert_eq!(refused.error(), (403, "invalid_session_key".into()));
}

#[test]
fn members_see_who_joins_and_leaves_and_a_socket_makes_one_online() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let (mut of_a, mut of_b) = (a.socket(Some("0")), b.socket(Some("0")));
    of_a.expect("ready");
    of_b.expect("ready");
    let mut poll = None;
    thread::scope(|scope| {
        let waiting = scope.spawn(|| b.call("GET", "/messages?after=0&wait=25").send());
        let c = a.join("c");
        assert_eq!(
            of_a.expect("event"),
            json!({ "type": "event", "event": "joined", "agentId": "c" })
        );
        assert_eq!(c.call("DELETE", "/agents/c").send().status, 200);
        assert_eq!(
            of_a.expect("event"),
            json!({ "type": "event", "event": "left", "agentId": "c" })
        );
        a.send("x");
        poll = Some(waiting.join().unwrap());
    });
    assert_eq!(poll.unwrap().json()["messages"][0]["text"], "x");
    assert_eq!(b.call("DELETE", "/agents/b").send().status, 200);
    let end = loop {
        if let Err(end) = of_b.read() {
            break end;
        }
    };
    assert_eq!(end, Ended::Closed(4403));
}

#[test]
fn at_the_end_of_the_session_sockets_close_and_streams_end() {
    let relay = relay();
    let a = session(&relay, &json!({ "creatorAgentId": "a", "ttl": 3 }));
    let mut socket = a.socket(None);
    let mut events = a.try_events(None).unwrap();
    socket.expect("ready");
    assert_eq!(
        socket.expect("event"),
        json!({ "type": "event", "event": "expired", "agentId": null })
    );
    assert_eq!(socket.read(), Err(Ended::Closed(4404)));
    let ended = loop {
        let (kind, _, data) = events.read().unwrap();
        if kind == "end" {
            break data;
        }
    };
    assert_eq!(ended, "the session is over");
}

#[test]
fn a_reader_that_is_too_slow_is_cut_off_and_can_resume() {
    // The messages take 24 MB.
    let relay = Relay::builder().var("MAX_SESSION_BYTES", "33554432").start().unwrap();
    let a = Api::new(&relay.url()).session();
    let mut slow = a.socket(Some("0"));
    slow.expect("ready");
    let text = "x".repeat(60_000);
    // More than the buffers of both ends and the relay's allowance together.
    for _ in 0..400 {
        a.send(&text);
    }
    let mut read = 0;
    let end = loop {
        match slow.read() {
            Ok(frame) => {
                read += 1;
                assert_eq!(frame["cursor"], read.to_string(), "nothing is left out before the end");
            }
            Err(end) => break end,
        }
    };
    assert!(matches!(end, Ended::Closed(4413) | Ended::Gone), "{end:?}");
    assert!(read < 400);
    let mut resumed = a.socket(Some(&read.to_string()));
    for cursor in read + 1..=400 {
        assert_eq!(resumed.expect("message")["cursor"], cursor.to_string());
    }
    resumed.expect("ready");
}

#[test]
fn a_reader_of_events_gets_a_long_log_as_fast_as_it_takes_it() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let text = "x".repeat(60_000);
    for _ in 0..80 {
        a.send(&text);
    }
    let mut events = a.try_events(Some("0")).unwrap();
    for cursor in 1..=80 {
        assert_eq!(events.message().unwrap().0, cursor.to_string());
    }
    assert_eq!(events.read().unwrap().0, "ready");
    // A payload may be written over many lines.
    let body = b"{\"json\": {\n \"n\": 1\n}}";
    assert_eq!(a.call("POST", "/messages").body(body).send().status, 201);
    assert_eq!(events.read().unwrap().2["json"], json!({ "n": 1 }));
}

#[test]
fn sockets_end_with_the_seat_and_with_the_key() {
    let relay = Relay::builder().var("AGENT_INACTIVITY_SECONDS", "1").start().unwrap();
    let a = Api::new(&relay.url()).session();
    let code = a.api.pair(&a.session);
    let claim = || {
        let claim = a.api.post(&format!("/v1/pair/{code}/claim")).agent("b").idempotency_key("k");
        string(&claim.send().json()["sessionKey"])
    };
    let b = Member { agent: "b".into(), key: claim(), ..a.clone() };
    let mut socket = b.socket(Some("0"));
    socket.expect("ready");
    // An open socket is no silence.
    let started = std::time::Instant::now();
    eventually("b stays", || {
        let status = a.api.get(&format!("/v1/sessions/{}", a.session)).send().json();
        assert_eq!(status["agents"], json!(["a", "b"]));
        started.elapsed().as_secs() >= 3
    });
    // The claim is repeated: the key that opened the socket is replaced.
    let key = claim();
    assert_ne!(key, b.key);
    assert_eq!(socket.read(), Err(Ended::Closed(4403)));
    assert_eq!(Member { key, ..b }.send("still here")["verified"], true);
}

#[test]
fn an_object_sleeps_while_its_sockets_are_open_and_wakes_for_a_message() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let mut socket = b.socket(Some("0"));
    socket.expect("ready");
    let built = || -> u32 {
        let answer = a.call("POST", "/messages").json(&json!({ "text": "x" })).send();
        answer.header("X-Objects-Built").parse().unwrap()
    };
    let before = built();
    assert_eq!(socket.expect("message")["text"], "x");
    // The platform lets an object sleep after ten seconds of silence; a ping does not wake it.
    thread::sleep(Duration::from_secs(6));
    socket.send("ping");
    assert_eq!(socket.read(), Ok(json!("pong")));
    thread::sleep(Duration::from_secs(6));
    assert_eq!(built(), before + 1, "the object was built again");
    assert_eq!(socket.expect("message")["text"], "x", "and the socket is still open");
}
