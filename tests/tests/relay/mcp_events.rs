//! MCP Events by webhook, against receivers on this machine.

use nexus_tests::{
    Api, Relay, eventually,
    mcp::Mcp,
    receiver::{Receiver, Reply},
    relay, string,
};
use serde_json::{Value, json};

/// A secret in the standard form.
fn secret() -> String {
    ["whsec_", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"].concat()
}

fn subscription(seat: &Value, url: &str) -> Value {
    json!({
        "name": "message.received", "arguments": { "seat": seat }, "cursor": null, "ttlMs": 3_600_000,
        "delivery": { "mode": "webhook", "url": url, "secret": secret() },
    })
}

/// A session over MCP: the seats of `alice`, and of `bob` who has joined.
fn seats(mcp: &Mcp<'_>) -> (Value, Value) {
    let invited = mcp.done("invite", json!({ "name": "alice" }));
    let joined = mcp.done("join", json!({ "link": invited["link"], "name": "bob" }));
    (invited["seat"].clone(), joined["seat"].clone())
}

#[test]
fn a_host_that_subscribes_is_told_of_messages_and_of_no_text() {
    let relay = Relay::builder().var("ALLOW_PRIVATE_WEBHOOKS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    for is_modern in [true, false] {
        let mcp = Mcp { api: &api, is_modern };
        let event = mcp.result("events/list", json!({}))["events"][0].clone();
        assert_eq!(
            (&event["name"], &event["delivery"]),
            (&json!("message.received"), &json!(["webhook"]))
        );
        assert!(event["inputSchema"].is_object() && event["payloadSchema"].is_object());
        let (alice, bob) = seats(&mcp);
        let receiver = Receiver::with([]);
        let asked = subscription(&alice, &receiver.url);
        let subscribed = mcp.result("events/subscribe", asked.clone());
        let challenge = receiver.got()[0].body.clone();
        assert_eq!(challenge["type"], "verification", "it was asked before the answer");
        assert!(string(&subscribed["refreshBefore"]).ends_with('Z'));
        assert_eq!(
            (&subscribed["truncated"], subscribed["cursor"].is_string()),
            (&json!(false), true)
        );

        mcp.done("send", json!({ "seat": bob, "text": "a text that wakes nobody" }));
        eventually("it is told", || receiver.got().len() == 2);
        let told = receiver.got()[1].clone();
        assert_eq!(told.body["eventId"], told.headers["webhook-id"].as_str());
        assert_eq!(told.headers["x-mcp-subscription-id"], string(&subscribed["id"]));
        assert_eq!(
            (&told.body["name"], &told.body["data"]["from"]),
            (&json!("message.received"), &json!("bob"))
        );
        assert!(told.body.get("type").is_none() && !told.text.contains("wakes nobody"));
        assert!(told.body["timestamp"].is_string() && told.body["cursor"].is_string());

        let renewed = mcp.result("events/subscribe", asked.clone());
        assert_eq!(renewed["id"], subscribed["id"]);
        mcp.result("events/unsubscribe", asked.clone());
        mcp.result("events/unsubscribe", asked);
        let before = receiver.got().len();
        mcp.done("send", json!({ "seat": bob, "text": "one more" }));
        mcp.done("send", json!({ "seat": alice, "text": "and one back" }));
        assert_eq!(receiver.got().len(), before, "nobody is told any more");
    }
}

#[test]
fn a_receiver_that_does_not_agree_is_told_nothing() {
    let relay = Relay::builder().var("ALLOW_PRIVATE_WEBHOOKS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    let mcp = Mcp { api: &api, is_modern: false };
    let (alice, bob) = seats(&mcp);
    let silent = Receiver::start(|_| Reply::status(204));
    let failing = Receiver::start(|_| Reply::status(503));
    let unknown = Receiver::start(|_| Reply::status(404));
    for (url, reason) in [
        (silent.url.as_str(), "challenge_failed"),
        (failing.url.as_str(), "http_5xx"),
        (unknown.url.as_str(), "http_4xx"),
        ("http://127.0.0.1:1/", "connection_refused"),
    ] {
        let error =
            mcp.request("events/subscribe", subscription(&alice, url)).json()["error"].clone();
        assert_eq!(
            (&error["code"], &error["data"]["reason"]),
            (&json!(-32015), &json!(reason)),
            "{error}"
        );
    }
    mcp.done("send", json!({ "seat": bob, "text": "x" }));
    // Nothing is left that could be tried again.
    let right = Receiver::with([]);
    mcp.result("events/subscribe", subscription(&alice, &right.url));
    mcp.done("send", json!({ "seat": bob, "text": "y" }));
    eventually("who agrees is told", || right.got().len() == 2);
    let posts = || [&silent, &failing, &unknown].map(|receiver| receiver.got().len());
    assert_eq!(posts(), [1, 1, 1], "each was asked once");
}

#[test]
fn what_cannot_be_subscribed_to_is_refused_by_its_code() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let mcp = Mcp { api: &api, is_modern: true };
    let (alice, _) = seats(&mcp);
    let right = subscription(&alice, "https://receiver.example/hook");
    let with = |path: &str, value: Value| {
        let mut wrong = right.clone();
        *wrong.pointer_mut(path).unwrap() = value;
        wrong
    };
    for (params, code) in [
        (with("/name", json!("message.sent")), -32011),
        (with("/arguments/seat", json!("nxt_x")), -32012),
        (with("/arguments/seat", mcp.done("address", json!({}))["seat"].clone()), -32012),
        (with("/delivery/mode", json!("poll")), -32014),
        (with("/delivery/secret", json!("whsec_AAEC")), -32602),
        (with("/delivery/secret", json!("sixteen characters")), -32602),
        (with("/delivery/url", json!("http://receiver.example/")), -32602),
        (with("/delivery/url", json!("https://10.0.0.1/")), -32602),
        (with("/delivery", json!(null)), -32602),
    ] {
        let answer = mcp.request("events/subscribe", params.clone());
        assert_eq!(answer.json()["error"]["code"], code, "{params}: {}", answer.text());
    }
    let found = mcp.result("server/discover", json!({}));
    assert!(found["capabilities"]["events"].is_object());
}
