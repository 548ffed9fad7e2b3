//! What is stored of addresses: it survives a relay that is killed, and costs little.

use nexus_tests::{
    Answer, Api, Relay,
    agents::{done, roomy_relay},
};
use serde_json::json;
use std::{collections::BTreeMap, thread};

fn code(call: nexus_tests::Call) -> (u16, String) {
    call.send().error()
}

fn is(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

#[test]
fn what_waits_survives_a_relay_that_is_killed() {
    let mut relay = roomy_relay();
    let api = Api::new(&relay.url());
    let reader = api.register("reader");
    let senders: Vec<_> = ["s1", "s2", "s3", "s4"].map(|id| api.register(id)).into();
    thread::scope(|scope| {
        for sender in &senders {
            scope.spawn(move || {
                for number in 0..250 {
                    sender.send("reader", &format!("{} {number}", sender.id));
                }
            });
        }
    });
    relay.restart().unwrap();
    let (texts, cursor) = reader.waiting();
    assert_eq!((texts.len(), cursor.as_str()), (1000, "1000"));
    for sender in &senders {
        let of = |text: &&String| text.starts_with(&sender.id);
        let mine: Vec<_> = texts.iter().filter(of).cloned().collect();
        assert_eq!(mine, (0..250).map(|n| format!("{} {n}", sender.id)).collect::<Vec<_>>());
    }
    assert_eq!(reader.ack("600")["waiting"], 400);
    relay.restart().unwrap();
    assert_eq!(reader.waiting().0, texts[600..]);
    reader.ack("1000");
    relay.restart().unwrap();
    assert_eq!(reader.waiting().0, Vec::<String>::new());
    senders[0].send("reader", "after");
    assert_eq!(reader.waiting(), (vec!["after".to_owned()], "1001".to_owned()));
}

#[test]
fn a_refusal_survives_a_relay_that_is_killed() {
    let mut relay = Relay::builder().var("SENDER_MESSAGES_PER_MINUTE", "2").start().unwrap();
    let api = Api::new(&relay.url());
    let (a, b) = (api.register("a"), api.register("b"));
    done(&b.call("PUT", "/blocks/c").send(), 200);
    for _ in 0..2 {
        done(
            &a.to("b").json(&json!({ "text": "x", "conversationId": "t", "maxTurns": 2 })).send(),
            201,
        );
    }
    relay.restart().unwrap();
    let c = api.register("c");
    assert_eq!(code(c.to("b").json(&json!({ "text": "x" }))), is(403, "blocked"));
    assert_eq!(code(a.to("b").json(&json!({ "text": "x" }))), is(429, "sender_rate_exceeded"));
    let more = json!({ "text": "x", "conversationId": "t" });
    assert_eq!(code(b.to("a").json(&more)), is(409, "conversation_turns_exceeded"));
}

#[test]
fn what_each_call_costs_is_what_the_architecture_says() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    let written = |answer: &Answer| -> usize {
        assert!(answer.status < 300, "{}", answer.text());
        answer.header("X-Rows-Written").parse().unwrap()
    };
    let (a, b) = (api.register("a"), api.register("b"));
    let mut costs = BTreeMap::<&str, usize>::new();
    let mut cost = |name, make: &dyn Fn() -> Answer| {
        let before = written(&api.get("/v1/agents/a").send());
        let rows = {
            let _ = make();
            written(&api.get("/v1/agents/a").send()) - before
        };
        costs.insert(name, rows);
    };
    let send = |key: &str| a.to("b").idempotency_key(key).json(&json!({ "text": "x" })).send();
    cost("register", &|| {
        api.post("/v1/agents").json(&json!({ "name": "c", "agentId": "c" })).send()
    });
    // The first message sets the alarms.
    let _ = send("first");
    cost("send", &|| send("k"));
    cost("repeat", &|| send("k"));
    cost("first poll", &|| b.call("GET", "/messages").send());
    cost("poll", &|| b.call("GET", "/messages").send());
    cost("ack", &|| b.call("POST", "/ack").json(&json!({ "cursor": "2" })).send());
    cost("ack again", &|| b.call("POST", "/ack").json(&json!({ "cursor": "2" })).send());
    cost("block", &|| b.call("PUT", "/blocks/c").send());
    cost("look", &|| api.get("/v1/agents/b").send());
    println!("rows written: {costs:?}");
    let expected = [
        ("register", 6),
        ("send", 4),
        ("repeat", 0),
        ("first poll", 1),
        ("poll", 0),
        ("ack", 1),
        ("ack again", 0),
        ("block", 1),
        ("look", 0),
    ];
    assert_eq!(costs, BTreeMap::from(expected));
}
