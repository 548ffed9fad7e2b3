//! A sender that has its message pass as it is (section 7): who may, where, and what readers see.

use crate::clawlink_client::ClawLink;
use nexus_tests::{
    Api, Member, Relay,
    agents::{Resident, done},
    eventually, list,
    live::Socket,
    receiver::Receiver,
    relay, string,
};
use serde_json::{Value, json};

const TEAM: &str = "a-token-of-the-team";

/// What looks like a secret. Put together here, so that nothing does in these sources.
fn token() -> String {
    ["ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat()
}

/// A session of `a` and `b`, with or without a token.
fn pair(api: &Api, token: Option<&str>) -> (Member, Member) {
    let (session, key) = api.create(&json!({ "creatorAgentId": "a", "token": token }));
    let a = Member { api: api.clone(), session, agent: "a".into(), key: key.unwrap() };
    let path = format!("/v1/sessions/{}/join", a.session);
    let join = api.post(&path).agent("b");
    let join = if let Some(token) = token { join.bearer(token) } else { join };
    let key = string(&done(&join.send(), 200)["sessionKey"]);
    let b = Member { agent: "b".into(), key, ..a.clone() };
    (a, b)
}

fn with(variable: &str) -> Relay {
    Relay::builder()
        .var("ALLOW_UNREDACTED", variable)
        .var("ALLOW_PRIVATE_WEBHOOKS", "on")
        .start()
        .unwrap()
}

fn body() -> Value {
    json!({ "text": token(), "topic": "t", "redact": false })
}

fn count(member: &Member) -> usize {
    list(&member.poll("")["messages"]).len()
}

#[test]
fn a_proven_member_of_a_session_with_a_token_may_and_every_reader_sees_it() {
    let relay = with("");
    let (a, b) = pair(&Api::new(&relay.url()), Some(TEAM));
    let receiver = Receiver::with([]);
    let hook = json!({ "url": receiver.url, "secret": "a-secret-for-signatures" });
    assert_eq!(b.call("PUT", "/webhook").json(&hook).send().status, 200);
    eventually("the receiver has agreed", || {
        b.call("GET", "/webhook").send().json()["delivery"] == "whole"
    });
    let mut socket = b.socket(None);
    socket.expect("ready");
    let mut own = a.socket(None);
    own.expect("ready");
    let mut events = b.try_events(None).unwrap();

    let send = || done(&a.call("POST", "/messages").idempotency_key("k").json(&body()).send(), 201);
    let sent = send();
    assert_eq!((&sent["unredacted"], sent.get("redacted")), (&json!(true), None));
    assert_eq!(send(), sent, "a repeat");
    let live = socket.expect("message");
    assert_eq!((&live["text"], &live["unredacted"]), (&json!(token()), &json!(true)));
    loop {
        let (kind, _, data) = events.read().unwrap();
        if kind.is_empty() || kind == "message" {
            assert_eq!((&data["text"], &data["unredacted"]), (&json!(token()), &json!(true)));
            break;
        }
    }
    assert_eq!(b.poll("")["messages"][0]["unredacted"], true);
    eventually("it is posted", || !receiver.of("message").is_empty());
    assert_eq!(receiver.of("message")[0].body["unredacted"], true);

    // As before: searched, and no sender sets the mark.
    for searched in [
        json!({ "text": token(), "unredacted": true }),
        json!({ "text": token(), "redact": true }),
        json!({ "text": token(), "redact": null }),
    ] {
        let sent = done(&a.call("POST", "/messages").json(&searched).send(), 201);
        assert_eq!((sent.get("unredacted"), &sent["redacted"][0]["count"]), (None, &json!(1)));
        assert_eq!(socket.expect("message").get("unredacted"), None);
    }
    let wrong = a.call("POST", "/messages").json(&json!({ "text": "x", "redact": "no" })).send();
    assert_eq!(wrong.error(), (400, "invalid_request".into()));
    assert_eq!(wrong.json()["details"][0]["path"], "redact");

    // Over a socket.
    let mut frame = body();
    (frame["type"], frame["id"]) = (json!("send"), json!(1));
    own.send(&frame.to_string());
    let answered = |own: &mut Socket, kind: &str| {
        let mut frames = std::iter::repeat_with(|| own.read().unwrap());
        frames.find(|frame| frame["type"] == kind).unwrap()
    };
    assert_eq!(answered(&mut own, "sent")["unredacted"], true);
    own.send(&json!({ "type": "send", "id": 2, "text": token() }).to_string());
    let sent = answered(&mut own, "sent");
    assert_eq!((sent.get("unredacted"), &sent["redacted"][0]["count"]), (None, &json!(1)));

    // A task, and what becomes of it.
    let give = json!({ "to": "b", "task": token(), "redact": false });
    let task = done(&a.call("POST", "/tasks").json(&give).send(), 201);
    assert_eq!((&task["task"], &task["unredacted"]), (&json!(token()), &json!(true)));
    let path = format!("/tasks/{}", string(&task["id"]));
    let accept = json!({ "status": "accepted" });
    assert_eq!(done(&b.call("POST", &path).json(&accept).send(), 200)["unredacted"], true);
    assert_eq!(done(&b.call("GET", &path).send(), 200)["unredacted"], true);
    let news = b.poll("");
    let last = list(&news["messages"]).last().unwrap();
    assert_eq!((&last["kind"], &last["unredacted"]), (&json!("task"), &json!(true)));
    let result = json!({ "status": "in_progress", "result": token(), "redact": false });
    assert_eq!(done(&b.call("POST", &path).json(&result).send(), 200)["result"], token());
}

#[test]
fn whoever_may_not_is_told_what_to_do_and_nothing_is_stored() {
    for (variable, team, permitted) in
        [("", None, false), ("", Some(TEAM), true), ("on", None, true), ("off", Some(TEAM), false)]
    {
        let relay = with(variable);
        let api = Api::new(&relay.url());
        let (a, b) = pair(&api, team);
        let path = format!("/v1/sessions/{}/messages", a.session);
        let call = api.post(&path).agent("a");
        let call = if let Some(token) = team { call.bearer(token) } else { call };
        let unproven = call.json(&body()).send();
        assert_eq!(unproven.error(), (403, "redaction_required".into()), "{variable}");
        let reason = if permitted { "not_proven" } else { "not_permitted" };
        assert_eq!(unproven.json()["reason"], reason);
        assert!(string(&unproven.json()["message"]).contains("leave `redact` out") || !permitted);
        let sent = a.call("POST", "/messages").json(&body()).send();
        let give = json!({ "to": "b", "task": "t", "redact": false });
        let given = a.call("POST", "/tasks").json(&give).send();
        if permitted {
            assert_eq!((sent.status, given.status), (201, 201), "{variable}");
            continue;
        }
        for answer in [sent, given] {
            assert_eq!(answer.error(), (403, "redaction_required".into()), "{variable}");
        }
        let mut socket = a.socket(None);
        socket.expect("ready");
        socket.send(&json!({ "type": "send", "id": 1, "text": "x", "redact": false }).to_string());
        assert_eq!(socket.expect("error")["error"], "redaction_required");
        let task = json!({ "to": "b", "task": "t" });
        let task = done(&a.call("POST", "/tasks").json(&task).send(), 201);
        let path = format!("/tasks/{}", string(&task["id"]));
        let accept = json!({ "status": "accepted", "redact": false });
        let answer = b.call("POST", &path).json(&accept).send();
        assert_eq!(answer.error(), (403, "redaction_required".into()), "{variable}");
        assert_eq!(count(&b), 1, "only the task is stored");
    }
    let relay = relay();
    let create = json!({ "greeting": "x", "redact": false });
    let created = Api::new(&relay.url()).put("/v1/sessions").json(&create).send();
    assert_eq!(created.error(), (403, "redaction_required".into()));
}

#[test]
fn a_seat_without_a_key_proves_nothing_and_dialects_have_no_such_field() {
    let relay = with("on");
    let api = Api::new(&relay.url());
    let (a, b) = pair(&api, Some(TEAM));
    let (of_claw, session) = (api.clone(), a.session.clone());
    let claw = ClawLink { api: of_claw, session, token: Some(TEAM.into()), key: None };
    claw.register("c");
    let give = json!({ "to": "b", "task": "t", "redact": false });
    let path = format!("/v1/sessions/{}/tasks", a.session);
    let given = api.post(&path).agent("c").bearer(TEAM).json(&give).send();
    assert_eq!(given.error(), (403, "redaction_required".into()));
    let told = json!({ "from_agent": "c", "content": token(), "redact": false });
    claw.done("/broadcast", &told);
    let heard = b.poll("")["messages"][0].clone();
    assert_eq!(heard["text"], "[REDACTED:github_token]");
    assert_eq!(heard.get("unredacted"), None);
}

#[test]
fn between_addresses_it_needs_the_deployments_word() {
    let residents = |relay: &Relay| {
        let api = Api::new(&relay.url());
        (api.register("ann"), api.register("ben"))
    };
    let mail = json!({ "text": token(), "redact": false });
    for variable in ["", "off"] {
        let relay = with(variable);
        let (ann, ben) = residents(&relay);
        let refused = ann.to("ben").json(&mail).send();
        assert_eq!(refused.error(), (403, "redaction_required".into()));
        assert_eq!(refused.json()["reason"], "not_permitted");
        assert_eq!(ben.poll("")["messages"], json!([]));
    }
    let relay = with("on");
    let (ann, ben) = residents(&relay);
    let mut inbox = ben.socket();
    inbox.expect("ready");
    let send = || done(&ann.to("ben").idempotency_key("k").json(&mail).send(), 201);
    let sent = send();
    assert_eq!(sent["unredacted"], true);
    assert_eq!(send(), sent, "a repeat");
    let live = inbox.expect("message");
    assert_eq!((&live["text"], &live["unredacted"]), (&json!(token()), &json!(true)));
    let mut own = ann.socket();
    own.expect("ready");
    let frame = json!({ "type": "send", "id": 1, "to": "ben", "text": token(), "redact": false });
    own.send(&frame.to_string());
    assert_eq!(own.expect("sent")["unredacted"], true);
    let copy = |resident: &Resident| {
        let path = format!("/conversations/{}", string(&sent["conversationId"]));
        done(&resident.call("GET", &path).send(), 200)["messages"][0].clone()
    };
    assert_eq!(
        (&copy(&ann)["unredacted"], &copy(&ben)["unredacted"]),
        (&json!(true), &json!(true))
    );
    // Without the secret, nobody may send at all.
    let stranger = Resident { secret: "another-secret-of-ann".into(), ..ann.clone() };
    assert_eq!(stranger.to("ben").json(&mail).send().error(), (401, "invalid_secret".into()));
}

#[test]
fn a_variable_that_cannot_be_read_permits_nothing() {
    let relay = Relay::builder().var("ALLOW_UNREDACTED", "yes").start();
    if let Ok(relay) = relay {
        let created = Api::new(&relay.url()).put("/v1/sessions").json(&json!({})).send();
        assert_eq!(created.status, 500);
    }
}
