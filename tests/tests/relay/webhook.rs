//! Webhooks, against receivers on this machine.

use nexus_tests::{
    Answer, Api, Member, Relay, eventually,
    receiver::{Got, Receiver, Reply},
};
use serde_json::{Value, json};
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

const SECRET: &str = "a secret of sixteen";

fn set(member: &Member, url: &str) -> Value {
    let answer = put(member, &json!({ "url": url, "secret": SECRET }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn put(member: &Member, body: &Value) -> Answer {
    member.call("PUT", "/webhook").json(body).send()
}

fn status(member: &Member) -> Value {
    member.call("GET", "/webhook").send().json()
}

fn relay() -> Relay {
    Relay::builder().var("ALLOW_PRIVATE_WEBHOOKS", "on").start().unwrap()
}

#[test]
fn messages_are_posted_signed_and_in_order_and_a_dead_receiver_delays_nobody() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let (b, c, d) = (a.join("b"), a.join("c"), a.join("d"));
    let (good, hanging) = (Receiver::with([]), Receiver::with([0]));
    let answer = set(&b, &good.url);
    assert_eq!((&answer["state"], &answer["delivery"]), (&json!("active"), &json!("unverified")));
    set(&c, &hanging.url);
    set(&d, "http://127.0.0.1:1/");
    eventually("receivers have agreed", || {
        [&b, &c].iter().all(|member| status(member)["delivery"] == "whole")
    });
    let texts: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    for text in &texts {
        a.send(text);
    }
    eventually("the good receiver has them all", || good.texts() == texts);
    eventually("the other one has one at a time", || hanging.texts() == ["0"]);
    let message = &good.of("message")[0];
    assert_eq!(message.body["sessionId"], a.session.as_str());
    assert_eq!(message.body["agentId"], "a");
    let signature = &message.headers["x-nexus-signature"];
    assert!(signature.starts_with("sha256=") && signature.len() == 7 + 64);
    eventually("the dead one is visible to its owner", || {
        let status = status(&d);
        status["state"] == "retrying" && status["lastError"] == "no connection"
    });
}

#[test]
fn a_receiver_that_has_not_agreed_gets_only_pointers() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let receiver = Receiver::start(|_| Reply::status(204));
    set(&b, &receiver.url);
    eventually("it has answered", || status(&b)["delivery"] == "pointers");
    for number in 0..30 {
        a.send(&format!("a secret text {number}"));
    }
    let newest = a.poll("?limit=500")["nextCursor"].clone();
    eventually("it knows the newest cursor", || {
        receiver.of("pointer").last().is_some_and(|got| got.body["cursor"] == newest)
    });
    let got = receiver.got();
    assert_eq!(got[0].body["type"], "webhook.verification");
    // The first one comes at once. The others wait, and then one stands for all.
    assert!(got.len() <= 4, "{}", got.len());
    assert!(got.iter().all(|got| got.text.len() <= 512 && !got.text.contains("secret text")));
    assert_eq!(status(&b)["cursor"], newest);
}

#[test]
fn a_library_of_the_standard_verifies_every_post() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let receiver = Receiver::with([500]);
    let keys = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "FxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA"];
    let [old, new] = keys.map(|key| format!("whsec_{key}"));
    let hook = |secret: &str| json!({ "url": receiver.url, "secret": secret });
    assert_eq!(put(&b, &hook(&old)).status, 200);
    a.send("one");
    eventually("it is repeated", || receiver.texts() == ["one", "one"]);
    let messages = receiver.of("message");
    assert_eq!(messages[0].headers["webhook-id"], messages[1].headers["webhook-id"]);
    verify(&old, &receiver.got());
    // For an hour, whoever has the former secret or the new one can verify.
    let before = receiver.got().len();
    assert_eq!(put(&b, &hook(&new)).status, 200);
    a.send("two");
    eventually("the next comes", || receiver.texts() == ["one", "one", "two"]);
    verify(&old, &receiver.got()[before..]);
    verify(&new, &receiver.got()[before..]);
}

/// Verifies requests as a receiver with the library `standardwebhooks` does.
fn verify(secret: &str, got: &[Got]) {
    const PROGRAM: &str = "
import json, sys
from standardwebhooks import Webhook
for got in json.load(sys.stdin):
    assert Webhook(got['secret']).verify(got['text'], got['headers'])['type'] == got['type']
    try:
        Webhook(got['secret']).verify(got['text'] + ' ', got['headers'])
    except Exception:
        continue
    sys.exit('another body was verified too')
";
    let got: Vec<Value> = got
        .iter()
        .map(|Got { headers, text, body }| {
            json!({ "secret": secret, "headers": headers, "text": text, "type": body["type"] })
        })
        .collect();
    assert!(!got.is_empty());
    let python = xtask::setup::libraries::STANDARD_WEBHOOKS.python().unwrap();
    let mut program = Command::new(python);
    let mut running = program.args(["-c", PROGRAM]).stdin(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(&serde_json::to_vec(&got).unwrap()).unwrap();
    assert!(running.wait().unwrap().success());
}

#[test]
fn a_failed_post_is_repeated_after_a_restart_too() {
    let mut relay = relay();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let redirect = "Location: http://127.0.0.1:9/\r\n";
    let mut first = true;
    // A redirect is a failure: it is not followed.
    let receiver = Receiver::start(move |got| {
        let is_first = got.body["type"] == "message" && std::mem::take(&mut first);
        if is_first { Reply::Response(302, redirect, String::new()) } else { Reply::agree(got) }
    });
    set(&b, &receiver.url);
    a.send("one");
    eventually("it failed once", || receiver.texts().len() == 1);
    eventually("which is stored", || status(&b)["lastError"] == "HTTP 302");
    relay.restart().unwrap();
    eventually("it is repeated", || receiver.texts() == ["one", "one"]);
    a.send("two");
    eventually("and goes on", || receiver.texts() == ["one", "one", "two"]);
    assert_eq!(b.call("DELETE", "/webhook").send().json(), json!({ "ok": true }));
    assert_eq!(b.call("GET", "/webhook").send().error(), (404, "webhook_not_found".into()));
}

#[test]
fn a_slow_receiver_is_cut_off_and_a_busy_one_is_left_alone() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let (b, c, d) = (a.join("b"), a.join("c"), a.join("d"));
    let with = |reply: fn() -> Reply| {
        Receiver::start(move |got| match got.body["type"].as_str() {
            Some("message") => reply(),
            _ => Reply::agree(got),
        })
    };
    let slow = with(|| Reply::Drip);
    let busy = with(|| Reply::Response(429, "Retry-After: 7200\r\n", String::new()));
    let wordy = with(|| Reply::Response(200, "", "x".repeat(1_000_000)));
    for (member, receiver) in [(&b, &slow), (&c, &busy), (&d, &wordy)] {
        set(member, &receiver.url);
    }
    let sent = a.send("one");
    eventually("the slow one has failed", || {
        status(&b)["lastError"] == "no complete response within 10 seconds"
    });
    let busy = status(&c);
    assert_eq!((&busy["lastError"], &busy["failures"]), (&json!("HTTP 429"), &json!(1)));
    // In two hours. The session lives for one, from now.
    assert!(busy["nextAttemptAt"].as_str() > sent["expiresAt"].as_str(), "{busy}");
    let wordy = status(&d);
    assert_eq!((&wordy["cursor"], &wordy["failures"]), (&sent["cursor"], &json!(0)));
}

#[test]
fn a_receiver_that_is_gone_ends_its_webhook_and_a_waiting_member_learns_of_it() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let receiver = Receiver::with([410]);
    set(&b, &receiver.url);
    let sent = a.send("one");
    let query = format!("?after={}&events=true&wait=25", sent["cursor"].as_str().unwrap());
    let page = b.poll(&query);
    let message = &page["messages"][0];
    assert_eq!((&message["kind"], &message["to"]), (&json!("webhook_failing"), &json!("b")));
    assert_eq!(
        (&message["json"]["removed"], &message["agentId"]),
        (&json!(true), &json!("system"))
    );
    assert_eq!(b.call("GET", "/webhook").send().error(), (404, "webhook_not_found".into()));
    assert_eq!(a.poll(&query.replace("wait=25", "wait=0"))["messages"], json!([]));
}

#[test]
fn a_webhook_may_begin_at_an_earlier_message() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let receiver = Receiver::with([]);
    let [one, _] = ["one", "two"].map(|text| a.send(text));
    let hook = |after: &Value| json!({ "url": receiver.url, "secret": SECRET, "after": after });
    let refused = put(&b, &hook(&json!("99")));
    assert_eq!(refused.error(), (400, "invalid_request".into()));
    assert_eq!(refused.json()["details"][0]["path"], "after");
    assert_eq!(put(&b, &hook(&one["cursor"])).json()["cursor"], one["cursor"]);
    eventually("it begins there", || receiver.texts() == ["two"]);
}

#[test]
fn the_webhooks_of_a_session_lead_to_five_hosts_at_most() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    for number in 1..=6 {
        let member = a.join(&format!("m{number}"));
        let url = format!("http://127.0.0.{number}:1/");
        let answer = put(&member, &json!({ "url": url, "secret": SECRET }));
        if number < 6 {
            assert_eq!(answer.status, 200);
        } else {
            assert_eq!(answer.error(), (409, "list_full".into()));
            assert_eq!(answer.json()["limit"], 5);
        }
    }
}

#[test]
fn without_the_setting_nothing_private_is_reached_whatever_is_stored() {
    let state = tempfile::tempdir().unwrap();
    let start = |state: &Path, allowed: &str| {
        let relay = Relay::builder().state_dir(state).var("ALLOW_PRIVATE_WEBHOOKS", allowed);
        relay.start().unwrap()
    };
    let relay = start(state.path(), "on");
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let receiver = Receiver::with([]);
    set(&b, &receiver.url);
    a.send("one");
    eventually("it is reached", || receiver.texts() == ["one"]);
    drop(relay);
    // The address is as private as that of a public name that resolves to it.
    let relay = start(state.path(), "");
    let [a, b] = [a, b].map(|member| Member { api: Api::new(&relay.url()), ..member });
    a.send("two");
    eventually("it is not reached", || status(&b)["lastError"] == "no connection");
    assert_eq!(receiver.texts(), ["one"]);
}

#[test]
fn a_webhook_leads_nowhere_private() {
    let relay = nexus_tests::relay();
    let a = Api::new(&relay.url()).session();
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://localhost.localdomain/",
        "https://router.lan/",
        "https://example.com./",
        "https://127.0.0.1.nip.io/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[2001:0:7f00:1::]/",
        "nonsense",
    ] {
        let refused = put(&a, &json!({ "url": url, "secret": SECRET }));
        assert_eq!(refused.error(), (400, "invalid_request".into()), "{url}");
        assert_eq!(refused.json()["details"][0]["path"], "url");
    }
    let path = format!("/v1/sessions/{}/webhook", a.session);
    assert_eq!(a.api.get(&path).agent("a").send().error(), (401, "missing_session_key".into()));
    assert_eq!(a.call("GET", "/webhook").send().error(), (404, "webhook_not_found".into()));
}
