//! OpenDialogue, on the wire: every call, every frame, every code.

use crate::dialogue::{Agent, Line, agent, now, sign};
use nexus_tests::{Relay, list, live::Ended, relay, string};
use serde_json::json;
use std::{thread, time::Duration};

#[test]
fn agents_talk_over_sockets_and_each_delivery_is_signed_for_its_reader() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let (mut a_line, mut b_line) = (a.connect(), b.connect());
    assert_eq!(a_line.tell(&json!({ "type": "ping" })), json!({ "type": "pong" }));
    assert_eq!(b_line.tell(&json!({ "type": "ping" })), json!({ "type": "pong" }));
    let status = a_line.say(&b.id, "Tuesday?", "talk");
    assert_eq!((&status["type"], &status["status"]), (&json!("status"), &json!("sent")));
    let heard = b_line.hear();
    assert_eq!((&heard["from"], &heard["content"]), (&json!(a.id), &json!("Tuesday?")));
    assert_eq!((&heard["conversation_id"], &heard["turn_number"]), (&json!("talk"), &json!(1)));
    b_line.say(&a.id, "Fine | really.", "talk");
    assert_eq!(a_line.hear()["content"], "Fine | really.");
    // Not kept, and passed on.
    for kind in ["typing", "read_receipt"] {
        let frame = a_line.frame(&b.id, kind, "", "talk");
        assert_eq!(a_line.tell(&frame)["status"], "sent");
        assert_eq!(b_line.hear()["type"], kind);
    }
    let end = a_line.frame(&b.id, "end", "", "talk");
    a_line.socket.send(&end.to_string());
    for line in [&mut a_line, &mut b_line] {
        let ended = line.socket.expect("conversation_ended");
        assert_eq!(
            (&ended["conversation_id"], &ended["reason"]),
            (&json!("talk"), &json!("participant_ended"))
        );
    }
    assert_eq!(a_line.socket.expect("status")["status"], "sent");
    // What is said then begins it anew.
    assert_eq!(b_line.say(&a.id, "One more thing", "talk")["status"], "sent");
    assert_eq!(a_line.hear()["turn_number"], 1);
}

#[test]
fn what_is_passed_on_without_being_stored_is_short_and_of_no_stranger() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let (mut a_line, mut b_line) = (a.connect(), b.connect());
    let typing = a_line.frame(&b.id, "typing", "hello there", "talk");
    assert_eq!(a_line.tell(&typing)["status"], "rejected", "nothing was said yet");
    a_line.say(&b.id, "Tuesday?", "talk");
    assert_eq!(b_line.hear()["content"], "Tuesday?", "and nothing else came");
    let elsewhere = a_line.frame(&b.id, "typing", "", "another");
    assert_eq!(a_line.tell(&elsewhere)["status"], "rejected");
    for kind in ["typing", "read_receipt"] {
        let long = a_line.frame(&b.id, kind, &"x".repeat(256), "talk");
        assert_eq!(a_line.error(&long), "MESSAGE_TOO_LARGE", "{kind}");
        let most = a_line.frame(&b.id, kind, &"x".repeat(255), "talk");
        assert_eq!(a_line.tell(&most)["status"], "sent");
        assert_eq!(b_line.hear()["content"], "x".repeat(255));
    }
    let written = ["ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat();
    let told = a_line.frame(&b.id, "typing", &written, "talk");
    assert_eq!(a_line.tell(&told)["status"], "sent");
    assert!(!string(&b_line.hear()["content"]).contains("a1B2"));
}

#[test]
fn what_waits_comes_when_the_agent_connects_and_once_it_has_shown_life_not_again() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let mut a_line = a.connect();
    for number in 0..5 {
        assert_eq!(a_line.say(&b.id, &number.to_string(), "talk")["status"], "queued");
    }
    let mut lost = b.connect();
    assert_eq!(lost.hear()["content"], "0");
    drop(lost);
    let mut b_line = b.connect();
    for number in 0..5 {
        let heard = b_line.hear();
        assert_eq!(
            (&heard["content"], &heard["turn_number"]),
            (&json!(number.to_string()), &json!(number + 1))
        );
    }
    // The stream is live once a ping is answered after all that waited.
    assert_eq!(b_line.tell(&json!({ "type": "ping" })), json!({ "type": "pong" }));
    assert_eq!(b_line.tell(&json!({ "type": "ping" })), json!({ "type": "pong" }));
    drop(b_line);
    let mut again = b.connect();
    a_line.say(&b.id, "new", "talk");
    assert_eq!(again.hear()["content"], "new");
}

#[test]
fn connections_that_are_not_signed_fresh_and_new_are_refused() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let refused = |timestamp: i64, nonce: &str, key: &str, cut: usize| {
        let signature = sign(key, &a.connect_text(timestamp, nonce));
        a.try_connect(timestamp, nonce, signature.get(..cut).unwrap()).err()
    };
    assert_eq!(refused(now(), "n1", &b.secret, 64), Some(Some(401)), "another's secret");
    assert_eq!(refused(now(), "n2", &a.secret, 63), Some(Some(401)), "truncated");
    assert_eq!(refused(now(), "n3", &a.secret, 0), Some(Some(401)), "unsigned");
    assert_eq!(refused(now() - 301_000, "n4", &a.secret, 64), Some(Some(401)), "stale");
    assert_eq!(refused(now() + 301_000, "n5", &a.secret, 64), Some(Some(401)), "from the future");
    assert_eq!(refused(now(), "n6", &a.secret, 64), None);
    assert_eq!(refused(now(), "n6", &a.secret, 64), Some(Some(401)), "replayed");
    // A relay that knows only the hash of a secret cannot check what is signed with it.
    let native = a.api.register("12345678");
    let native =
        Agent { id: native.id, secret: native.secret, api: a.api.clone(), url: a.url.clone() };
    let timestamp = now();
    let signature = sign(&native.secret, &native.connect_text(timestamp, "n7"));
    assert_eq!(native.try_connect(timestamp, "n7", &signature).err(), Some(Some(401)));
}

#[test]
fn every_frame_that_breaks_a_rule_gets_its_code_and_nothing_is_delivered() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let mut line = a.connect();
    let good = |line: &Line| line.frame(&b.id, "text", "x", "talk");
    let mut forged = good(&line);
    forged["from"] = json!(b.id);
    assert_eq!(line.error(&forged), "UNAUTHORIZED");
    let mut changed = good(&line);
    changed["content"] = json!("y");
    assert_eq!(line.error(&changed), "INVALID_SIGNATURE");
    let mut short = good(&line);
    short["signature"] = json!(string(&short["signature"]).get(..60));
    assert_eq!(line.error(&short), "INVALID_SIGNATURE");
    let mut stale = good(&line);
    stale["timestamp"] = json!(now() - 301_000);
    assert_eq!(line.error(&stale), "TIMESTAMP_EXPIRED");
    let kind = line.frame(&b.id, "shout", "x", "talk");
    assert_eq!(line.error(&kind), "INVALID_MESSAGE_TYPE");
    let empty = line.frame(&b.id, "text", "\u{200B}\u{202E}", "talk");
    assert_eq!(line.error(&empty), "INVALID_CONTENT");
    assert_eq!(line.error(&json!({ "type": "text" })), "INVALID_CONTENT");
    let nobody = line.frame("00000000", "text", "x", "talk");
    assert_eq!(line.error(&nobody), "AGENT_NOT_FOUND");
    let long = line.frame(&b.id, "text", &"x".repeat(65_537), "talk");
    assert_eq!(line.error(&long), "MESSAGE_TOO_LARGE");
    assert_eq!(
        b.call("POST", &format!("agent/{}/block", b.id), &json!({ "blocked_id": a.id })).status,
        200
    );
    let blocked = good(&line);
    assert_eq!(line.error(&blocked), "AGENT_BLOCKED");
    b.call("DELETE", &format!("agent/{}/block", b.id), &json!({ "blocked_id": a.id }));
    b.call("PUT", &format!("agent/{}/allowlist-mode", b.id), &json!({ "enabled": true }));
    let stranger = good(&line);
    assert_eq!(line.error(&stranger), "NOT_IN_ALLOWLIST");
    b.call("POST", &format!("agent/{}/allow", b.id), &json!({ "allowed_id": a.id }));
    let mut fine = good(&line);
    assert_eq!(line.tell(&fine)["status"], "queued");
    assert_eq!(line.error(&fine), "REPLAY_ATTACK");
    // The same nonce in another frame, too.
    fine["id"] = json!("other");
    assert_eq!(line.error(&fine), "INVALID_SIGNATURE");
    let mut reader = b.connect();
    assert_eq!(reader.hear()["content"], "x");
    reader.socket.patience(Duration::from_millis(300));
    assert!(reader.socket.read().is_err(), "nothing else came");
}

#[test]
fn rate_turns_and_room_are_limited() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let mut line = a.connect();
    for _ in 0..19 {
        assert_eq!(line.say(&b.id, "x", "talk")["status"], "queued");
    }
    let ended = line.say(&b.id, "x", "talk");
    assert_eq!(
        (&ended["type"], &ended["reason"]),
        (&json!("conversation_ended"), &json!("max_turns"))
    );
    assert_eq!(line.socket.expect("status")["status"], "queued");
    let one_more = line.frame(&b.id, "text", "x", "talk");
    assert_eq!(line.error(&one_more), "CONVERSATION_ENDED", "the 21st turn");
    for _ in 20..30 {
        assert_eq!(line.say(&b.id, "x", "other")["status"], "queued");
    }
    let one_more = line.frame(&b.id, "text", "x", "other");
    assert_eq!(line.error(&one_more), "RATE_LIMITED", "the 31st in a minute");
    // One sender may have a fifth of it waiting.
    let relay = Relay::builder().var("MAX_WAITING_MESSAGES", "15").start().unwrap();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let mut line = a.connect();
    for _ in 0..3 {
        assert_eq!(line.say(&b.id, "x", "talk")["status"], "queued");
    }
    let one_more = line.frame(&b.id, "text", "x", "talk");
    assert_eq!(line.error(&one_more), "RATE_LIMITED", "the inbox is full");
}

#[test]
fn content_is_without_what_hides_or_turns_text() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let native = a.api.register("native");
    let dirty = "one\u{202E}two\u{200B}three\u{7}\nfour";
    let mut line = b.connect();
    a.call("POST", "message", &json!({ "from": a.id, "to": b.id, "content": dirty }));
    assert_eq!(line.hear()["content"], "onetwothree\nfour");
    native.to(&b.id).json(&json!({ "text": dirty })).send();
    assert_eq!(line.hear()["content"], "onetwothree\nfour");
}

#[test]
fn cards_and_lists_are_kept_over_http() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let own = |path: &str| format!("agent/{}/{path}", a.id);
    assert_eq!(
        a.call("PATCH", &own("card"), &json!({ "description": "d" })).json(),
        json!({ "ok": true })
    );
    let seen = b.get(&format!("agent/{}", a.id)).json();
    assert_eq!(
        (&seen["card"]["description"], &seen["online"]),
        (&json!("d"), &json!(false)),
        "it has called, and no socket of its is open"
    );
    assert_eq!(b.get("agent/00000000").status, 404);
    assert!(b.get("agent/00000000").json()["error"].is_string());
    a.call("POST", &own("block"), &json!({ "blocked_id": b.id, "reason": "r" }));
    let blocks = a.get(&own("block")).json();
    let since = &blocks["blocklist"][0]["created_at"];
    assert!(since.as_i64().is_some_and(|since| now().abs_diff(since) < 60_000), "{blocks}");
    let expected = json!([{ "blocked_id": b.id, "created_at": since }]);
    assert_eq!(blocks, json!({ "agent_id": a.id, "blocklist": expected }));
    a.call("DELETE", &own("block"), &json!({ "blocked_id": b.id }));
    a.call("POST", &own("allow"), &json!({ "allowed_id": b.id }));
    let mode = a.call("PUT", &own("allowlist-mode"), &json!({ "enabled": true }));
    assert_eq!(mode.json(), json!({ "ok": true, "allowlist_enabled": true }));
    let allows = a.get(&own("allow")).json();
    let expected =
        json!([{ "allowed_id": b.id, "created_at": allows["allowlist"][0]["created_at"] }]);
    assert_eq!(
        allows,
        json!({ "agent_id": a.id, "allowlist_enabled": true, "allowlist": expected })
    );
    for (method, path) in
        [("POST", "block"), ("DELETE", "block"), ("POST", "allow"), ("DELETE", "allow")]
    {
        let answer = a.call(method, &own(path), &json!({}));
        assert_eq!((answer.status, answer.json()["code"].clone()), (400, json!("INVALID_CONTENT")));
    }
}

#[test]
fn messages_are_sent_and_read_over_http() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let message = json!({ "from": b.id, "to": a.id, "content": "Hi", "conversation_id": "talk" });
    let queued = b.call("POST", "message", &message);
    assert_eq!((queued.status, &queued.json()["status"]), (202, &json!("offline")));
    let mut line = a.connect();
    assert_eq!(line.hear()["content"], "Hi");
    assert_eq!(b.get(&format!("agent/{}", a.id)).json()["online"], true);
    assert_eq!(line.tell(&json!({ "type": "ping" }))["type"], "pong");
    let sent = b.call("POST", "message", &message);
    assert_eq!((sent.status, &sent.json()["status"]), (200, &json!("sent")));
    let history = b.get("conversation/talk/history?last=1").json();
    let conversation = &history["conversation"];
    assert_eq!(
        (&conversation["initiator_id"], &conversation["participant_id"]),
        (&json!(b.id), &json!(a.id))
    );
    assert_eq!(
        (&conversation["current_turn"], &conversation["max_turns"]),
        (&json!(2), &json!(20))
    );
    assert_eq!((&conversation["status"], &history["total"]), (&json!("active"), &json!(1)));
    let last = &list(&history["messages"])[0];
    assert_eq!((&last["turn_number"], &last["from_agent_id"]), (&json!(2), &json!(b.id)));
    let eve = agent(&relay, "eve");
    assert_eq!(eve.get("conversation/talk/history").status, 404, "not one of hers");
}

#[test]
fn calls_over_http_with_the_secret_of_another_agent_are_refused() {
    let relay = relay();
    let (a, b, eve) = (agent(&relay, "a"), agent(&relay, "b"), agent(&relay, "eve"));
    let own = |path: &str| format!("agent/{}/{path}", a.id);
    a.call("POST", &own("allow"), &json!({ "allowed_id": b.id }));
    a.call("PUT", &own("allowlist-mode"), &json!({ "enabled": true }));
    let allows = a.get(&own("allow")).json();
    a.call(
        "POST",
        "message",
        &json!({ "from": a.id, "to": b.id, "content": "Hi", "conversation_id": "talk" }),
    );
    for (method, path) in [
        ("PATCH", own("card")),
        ("POST", own("block")),
        ("DELETE", own("block")),
        ("GET", own("block")),
        ("POST", own("allow")),
        ("DELETE", own("allow")),
        ("GET", own("allow")),
        ("PUT", own("allowlist-mode")),
        ("POST", "message".to_owned()),
    ] {
        let body = json!({ "from": a.id, "to": b.id, "content": "x", "enabled": false,
            "blocked_id": b.id, "allowed_id": b.id });
        let call = eve.api.call(method, &format!("/opendialogue/api/{path}")).bearer(&eve.secret);
        let answer = if method == "GET" { call.send() } else { call.json(&body).send() };
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
    }
    let theirs = eve.api.get("/opendialogue/api/conversation/talk/history").bearer(&eve.secret);
    assert_eq!(theirs.agent(&a.id).send().status, 401);
    for (agent, secret) in [(None, None), (None, Some(&a.secret)), (Some(&a.id), None)] {
        let mut call = eve.api.get("/opendialogue/api/conversation/talk/history");
        call = if let Some(agent) = agent { call.agent(agent) } else { call };
        call = if let Some(secret) = secret { call.bearer(secret) } else { call };
        assert_eq!(call.send().status, 401);
    }
    assert_eq!(a.get(&own("allow")).json(), allows);
}

#[test]
fn a_session_key_and_the_nonces_outlive_a_sleep() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let mut line = a.connect();
    let first = line.frame(&b.id, "text", "first", "talk");
    assert_eq!(line.tell(&first)["status"], "queued");
    let built = || -> u32 {
        // A look wakes no other object than this one.
        let answer = a.api.get(&format!("/v1/agents/{}", a.id)).send();
        answer.header("X-Objects-Built").parse().unwrap()
    };
    let before = built();
    // The platform lets an object sleep after ten seconds of silence.
    thread::sleep(Duration::from_secs(12));
    assert_eq!(line.error(&first), "REPLAY_ATTACK");
    assert_eq!(line.say(&b.id, "second", "talk")["status"], "queued");
    assert!(built() > before, "the object was built again");
    let body = json!({ "from": b.id, "to": a.id, "content": "back", "conversation_id": "talk" });
    assert_eq!(b.call("POST", "message", &body).status, 200);
    assert_eq!(line.hear()["content"], "back");
}

#[test]
fn a_session_key_expires_and_nothing_is_lost_until_its_client_knows() {
    let relay = Relay::builder().var("OPENDIALOGUE_KEY_SECONDS", "1").start().unwrap();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let mut lines = [(); 3].map(|()| {
        let line = a.connect();
        assert_eq!(line.expires_in, 1);
        line
    });
    let [reader, writer, pinger] = &mut lines;
    nexus_tests::eventually("the last key has expired, and a ping tells", || {
        pinger.socket.send(r#"{"type":"ping"}"#);
        match pinger.socket.read() {
            Ok(frame) => frame["type"] != "pong",
            Err(ended) => ended == Ended::Closed(4401),
        }
    });
    // A client that has not pinged since goes on with the old key.
    assert_eq!(writer.say(&b.id, "signed with the old key", "talk")["status"], "queued");
    // A message closes the sockets: it is not sent under an old key, and waits.
    let body = json!({ "from": b.id, "to": a.id, "content": "late" });
    assert_eq!(b.call("POST", "message", &body).status, 202);
    let on_its_way = writer.frame(&b.id, "text", "on its way", "talk");
    writer.socket.send(&on_its_way.to_string());
    assert_eq!(reader.socket.read(), Err(Ended::Closed(4401)));
    assert_eq!(writer.socket.read(), Err(Ended::Closed(4401)));
    nexus_tests::eventually("what was on its way has come, too", || {
        b.get("conversation/talk/history").json()["total"] == 2
    });
    assert_eq!(a.connect().hear()["content"], "late", "that did not acknowledge it");
}
