//! OpenDialogue: what a client that misbehaves, stalls or errs gets, and what frames carry.

use crate::dialogue::agent;
use nexus_tests::{Relay, agents::roomy_relay, eventually, list, live::Socket, relay, string};
use serde_json::json;

#[test]
fn frames_that_are_not_kept_are_limited_too() {
    let relay = Relay::builder().var("SENDER_MESSAGES_PER_MINUTE", "2").start().unwrap();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let (mut a_line, mut b_line) = (a.connect(), b.connect());
    a_line.say(&b.id, "hello", "talk");
    assert_eq!(b_line.hear()["content"], "hello");
    let mut passed = 0;
    let refused = loop {
        let frame = a_line.frame(&b.id, "typing", "", "talk");
        let answer = a_line.tell(&frame);
        if answer["type"] == "error" {
            break answer;
        }
        passed += 1;
        assert!(passed < 50, "no end of it");
        assert_eq!(b_line.hear()["type"], "typing");
    };
    assert_eq!(refused["code"], "RATE_LIMITED");
    // Ten for each message; the connection and the message were signed, too.
    assert_eq!(passed, 18);
    assert_eq!(a_line.tell(&json!({ "type": "ping" })), json!({ "type": "pong" }));
}

#[test]
fn what_a_client_has_not_taken_is_not_acknowledged_by_its_next_frame() {
    let relay = roomy_relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let native = a.api.register("native");
    let (mut a_line, mut stalled) = (a.connect(), b.connect());
    assert_eq!(stalled.tell(&json!({ "type": "ping" })), json!({ "type": "pong" }));
    let text = "x".repeat(60_000);
    let mut sent = 0;
    // Until more waits in the relay than the buffers on the way hold. The client reads nothing, and yet
    // shows that it is there.
    loop {
        let answer = native.to(&b.id).json(&json!({ "text": format!("{sent} {text}") })).send();
        sent += 1;
        assert!(sent < 400, "no end of it");
        if answer.json()["delivery"] == "queued" {
            break;
        }
        stalled.socket.send(r#"{"type":"ping"}"#);
    }
    drop(stalled);
    let mut again = b.connect();
    a_line.say(&b.id, "last", "talk");
    let mut heard = Vec::new();
    loop {
        let content = string(&again.hear()["content"]);
        if content == "last" {
            break;
        }
        heard.push(content.split(' ').next().unwrap().parse::<usize>().unwrap());
    }
    // All that had not left the relay: 1 MiB.
    assert!(heard.len() >= 17, "{heard:?} of {sent}");
    assert_eq!(heard, (sent - heard.len()..sent).collect::<Vec<_>>());
}

#[test]
fn a_message_keeps_the_id_that_its_sender_gave_it() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let native = a.api.register("native");
    let (mut a_line, mut b_line) = (a.connect(), b.connect());
    let frame = a_line.frame(&b.id, "text", "Hi", "talk");
    assert_eq!(a_line.tell(&frame)["message_id"], frame["id"]);
    assert_eq!(b_line.hear()["id"], frame["id"]);
    // So that a receipt says which one was read.
    let receipt = b_line.frame(&a.id, "read_receipt", &string(&frame["id"]), "talk");
    b_line.tell(&receipt);
    let heard = a_line.hear();
    assert_eq!((&heard["content"], &heard["id"]), (&frame["id"], &receipt["id"]));
    // Natives give none.
    let sent = native.send(&b.id, "Hi");
    assert_eq!(b_line.hear()["id"], sent["id"]);
}

#[test]
fn a_secret_that_is_replaced_ends_what_a_closed_socket_may_still_say() {
    let relay = Relay::builder().var("OPENDIALOGUE_KEY_SECONDS", "1").start().unwrap();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let (mut writer, mut pinger) = (a.connect(), a.connect());
    eventually("the key has expired", || {
        pinger.socket.send(r#"{"type":"ping"}"#);
        !matches!(pinger.socket.read(), Ok(frame) if frame["type"] == "pong")
    });
    // It closes the socket, whose client has not read that yet.
    let message = json!({ "from": b.id, "to": a.id, "content": "x" });
    assert_eq!(b.call("POST", "message", &message).status, 202);
    let path = format!("/v1/agents/{}/secret", a.id);
    let given = a.api.post(&path).bearer(&a.secret).send().json();
    let frame = writer.frame(&b.id, "text", "too late", "talk");
    writer.socket.send(&frame.to_string());
    let message =
        json!({ "from": a.id, "to": b.id, "content": "in time", "conversation_id": "talk" });
    let call = a.api.post("/opendialogue/api/message").bearer(&string(&given["secret"]));
    assert_eq!(call.json(&message).send().status, 202);
    let history = b.get("conversation/talk/history").json();
    assert_eq!(
        (&history["total"], &history["messages"][0]["content"]),
        (&json!(1), &json!("in time"))
    );
}

#[test]
fn ids_in_a_path_are_nothing_but_ids() {
    let relay = relay();
    let a = agent(&relay, "a");
    for id in ["..%2Fmessages", "talk%2Fend", "..%2F..%2Fa", "t%3Fx=1", "%20"] {
        let answer = a.get(&format!("conversation/{id}/history"));
        assert_eq!(answer.status, 404, "{id}: {}", answer.text());
        assert!(answer.json()["code"].is_string());
    }
    let answer = a.get("conversation/talk/history?last=3%26with=b");
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[test]
fn refusals_have_the_words_of_the_protocol() {
    let relay = relay();
    let a = agent(&relay, "a");
    let upgrade = |call: nexus_tests::Call| {
        let answer = call.header("Upgrade", b"websocket").header("Connection", b"Upgrade").send();
        (answer.status, string(&answer.json()["code"]))
    };
    let path = "/opendialogue/connect";
    let unauthorized = (401, "UNAUTHORIZED".to_owned());
    assert_eq!(upgrade(a.api.get(path)), unauthorized, "who?");
    assert_eq!(upgrade(a.api.get(path).agent("no agent")), unauthorized);
    assert_eq!(upgrade(a.api.get(path).agent(&a.id)), unauthorized, "nothing signed");
    let opened = Socket::open(&relay.url(), path, &[]);
    assert_eq!(opened.err(), Some(Some(401)));
    let to_oneself = json!({ "from": a.id, "to": a.id, "content": "x" });
    let answer = a.call("POST", "message", &to_oneself);
    let error = string(&answer.json()["error"]);
    assert!(answer.status == 400 && error.contains(": to must be another agent"), "{error}");

    let relay = Relay::builder().rate_limit(Some(3)).start().unwrap();
    let api = nexus_tests::Api::new(&relay.url());
    let mut codes = [
        "/opendialogue/api/agent/register",
        "/messenger/register",
        "/messenger/send",
        "/messenger/send",
        "/opendialogue/api/message",
    ]
    .map(|path| {
        let answer = api.post(path).json(&json!({})).send();
        (answer.status, answer.json()["code"].clone(), answer.header("Retry-After").to_owned())
    })
    .to_vec();
    let limited = codes.split_off(3);
    let retry = "60".to_owned();
    assert_eq!(
        limited,
        [(429, json!("rate_limit_exceeded"), retry.clone()), (429, json!("RATE_LIMITED"), retry)]
    );
    assert!(list(&json!(codes)).iter().all(|code| code[0] == 400));
}
