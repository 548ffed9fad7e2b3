//! Text that is not composed (NFC), as some systems write it, between clients of every kind.

use crate::{clawlink_client::ClawLink, dialogue::agent};
use nexus_tests::{Api, list, relay, string};
use serde_json::{Value, json};

/// Hangul, Vietnamese and French, each in parts.
const PARTS: &str =
    "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} Vie\u{323}\u{302}t cafe\u{301}";
const WHOLE: &str = "한글 Việt café";

#[test]
fn between_addresses_it_arrives_and_where_it_is_signed_it_verifies() {
    let relay = relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let native = a.api.register("native");
    let user = json!({ "id": "user", "secret": "s-of-the-messenger" });
    assert_eq!(a.api.post("/messenger/register").json(&user).send().status, 201);
    let (mut a_line, mut b_line) = (a.connect(), b.connect());

    // To a client that checks the signature over the composed text: `hear` does so.
    a_line.say(&b.id, PARTS, "talk");
    assert_eq!(b_line.hear()["content"], WHOLE);
    let typing = a_line.frame(&b.id, "typing", PARTS, "talk");
    a_line.tell(&typing);
    assert_eq!(b_line.hear()["content"], WHOLE);
    native.to(&b.id).json(&json!({ "text": PARTS })).send();
    assert_eq!(b_line.hear()["content"], WHOLE);
    let message =
        json!({ "from": "user", "to": b.id, "message": PARTS, "secret": "s-of-the-messenger" });
    assert_eq!(a.api.post("/messenger/send").json(&message).send().status, 200);
    assert_eq!(b_line.hear()["content"], WHOLE);
    let history = a.get("conversation/talk/history").json();
    assert_eq!(list(&history["messages"])[0]["content"], WHOLE);

    // From it, to the others.
    for to in ["native", "user"] {
        let body = json!({ "from": a.id, "to": to, "content": PARTS });
        assert_eq!(a.call("POST", "message", &body).status, 202);
    }
    let page = native.call("GET", "/messages").send().json();
    assert_eq!(page["messages"][0]["text"], WHOLE);
    let polled = a.api.get("/messenger/poll?id=user&secret=s-of-the-messenger").send().json();
    assert_eq!(polled["messages"][0]["message"], WHOLE);

    // Where nothing is signed, a text comes as it was sent.
    native.to("user").json(&json!({ "text": PARTS })).send();
    let polled = a.api.get("/messenger/poll?id=user&secret=s-of-the-messenger").send().json();
    assert_eq!(polled["messages"][0]["message"], PARTS);
}

#[test]
fn in_a_session_it_comes_as_it_was_sent() {
    let relay = relay();
    let member = Api::new(&relay.url()).session();
    let (api, session) = (member.api.clone(), member.session.clone());
    let claw = ClawLink { api, session, token: None, key: None };
    claw.register("ann");
    member.send(PARTS);
    assert_eq!(claw.heard("ann"), [PARTS]);
    claw.say("ann", PARTS);
    let texts: Vec<String> = list(&member.poll("")["messages"])
        .iter()
        .map(|message: &Value| {
            message["text"].as_str().map_or_else(String::new, |_| string(&message["text"]))
        })
        .collect();
    assert_eq!(texts.last().map(String::as_str), Some(PARTS));
}
