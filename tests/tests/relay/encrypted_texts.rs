//! What the members of an encrypted session write (section 10): what is not sealed is refused, and what is sealed
//! arrives as it was sent.

use crate::encrypted::{Sealing, create, iv, opened, sealed, secret};
use nexus_protocol::{AgentId, SEALED_HEADER, Sealed};
use nexus_seal::{Part, Place, PlainFile, Sealer, read_file};
use nexus_tests::{
    Answer, Api, Member, Relay,
    agents::done,
    eventually, list,
    live::{Follow, Way},
    receiver::Receiver,
    relay, string,
};
use serde_json::{Value, json};
use std::time::Duration;

/// A sealed string of this many blocks. Nobody can open it.
fn blocks(count: usize) -> String {
    Sealed { iv: iv(), ciphertext: vec![7; count * 16], tag: [3; 32] }.write()
}

/// What is not sealed, though some of it looks like it.
fn not_sealed() -> Vec<String> {
    let whole = blocks(2);
    let (start, last) = whole.split_at(whole.len() - 1);
    let one_of_rsa = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
    vec![
        "Meet me at noon.".to_owned(),
        format!("{whole}."),
        format!("{whole} "),
        format!(" {whole}"),
        format!("See: {whole}"),
        format!("{whole}="),
        start.to_owned(),
        // The last digit has bits that say nothing.
        format!("{start}{}", char::from(last.as_bytes()[0] + 1)),
        whole.replacen("..", ".AAAA.", 1),
        whole.replacen(SEALED_HEADER, one_of_rsa, 1),
        whole.replace('-', "+").replace(SEALED_HEADER, &format!("{SEALED_HEADER}=")),
        format!("{SEALED_HEADER}...."),
        Sealed { iv: iv(), ciphertext: Vec::new(), tag: [3; 32] }.write(),
        Sealed { iv: iv(), ciphertext: vec![7; 24], tag: [3; 32] }.write(),
    ]
}

fn give(by: &Member, body: &Value) -> Value {
    done(&by.call("POST", "/tasks").json(body).send(), 201)
}

fn change(by: &Member, task: &Value, body: &Value) -> Answer {
    by.call("POST", &format!("/tasks/{}", string(&task["id"]))).json(body).send()
}

fn put(by: &Member, key: &str, body: &[u8]) -> Answer {
    let call = by.call("PUT", &format!("/files/{key}"));
    call.header("Content-Type", b"text/plain").body(body).send()
}

/// All that a session holds.
fn everything(by: &Member) -> Value {
    let log = by.poll("?events=true&limit=500")["messages"].clone();
    let got = |path: &str| done(&by.call("GET", path).send(), 200);
    json!([log, got("/tasks"), got("/files")])
}

fn check_refused(answer: &Answer, about: &str) {
    assert_eq!(answer.error(), (400, "encryption_required".to_owned()), "{about}");
    assert_eq!(answer.json()["reason"], "not_sealed", "{about}");
    assert!(string(&answer.json()["message"]).contains("Nothing was stored"), "{about}");
}

#[test]
fn what_is_not_sealed_is_refused_by_every_call_and_nothing_is_stored() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let (a, b) = (&it.a, it.join("b"));
    let whole = blocks(1);
    let task = give(a, &json!({ "to": "b", "task": whole }));
    assert_eq!(change(&b, &task, &json!({ "status": "accepted" })).status, 200);
    let mut socket = a.socket(None);
    let cursor = a.poll("?limit=500")["nextCursor"].clone();
    while socket.read().unwrap()["cursor"] != cursor {}
    let before = everything(a);
    for open in not_sealed() {
        for message in [
            json!({ "text": open }),
            json!({ "text": open, "to": "b" }),
            json!({ "json": open }),
            json!({ "json": { "text": whole } }),
            json!({ "json": whole }),
            json!({ "text": whole, "json": whole }),
            json!({ "text": open, "redact": false }),
        ] {
            let call = a.call("POST", "/messages").idempotency_key("k").json(&message);
            check_refused(&call.send(), &message.to_string());
            let mut frame = message.clone();
            (frame["type"], frame["id"]) = (json!("send"), json!(7));
            socket.send(&frame.to_string());
            let error = loop {
                let frame = socket.read().unwrap();
                match frame["type"].as_str() {
                    Some("error") => break frame,
                    _ => assert_eq!(frame["type"], "ready"),
                }
            };
            let told = (&error["error"], &error["id"]);
            assert_eq!(told, (&json!("encryption_required"), &json!(7)), "{message}");
        }
        for task in [
            json!({ "to": "b", "task": open }),
            json!({ "to": "b", "task": whole, "context": open }),
            json!({ "to": "b", "task": whole, "context": { "text": whole } }),
            json!({ "to": "b", "task": whole, "context": [whole] }),
            json!({ "to": "b", "task": whole, "context": 5 }),
        ] {
            let call = a.call("POST", "/tasks").idempotency_key("k").json(&task);
            check_refused(&call.send(), &task.to_string());
        }
        for body in [
            json!({ "status": "in_progress", "progress": open }),
            json!({ "status": "in_progress", "progress": whole, "result": open }),
            json!({ "status": "in_progress", "result": { "text": whole } }),
            json!({ "status": "in_progress", "result": true }),
        ] {
            check_refused(&change(&b, &task, &body), &body.to_string());
        }
        check_refused(&put(a, "plan.md", open.as_bytes()), &open);
        let mut body = create(&secret());
        body["greeting"] = json!(open);
        check_refused(&api.put("/v1/sessions").json(&body).send(), &open);
    }
    check_refused(&put(a, "plan.md", b""), "an empty file");
    check_refused(&put(a, "plan.md", &[0xff, 0xfe, 0]), "a file of bytes");
    assert_eq!(everything(a), before);
    // The idempotency key of what was refused is free.
    let call = a.call("POST", "/messages").idempotency_key("k");
    assert_eq!(call.json(&json!({ "text": whole })).send().status, 201);
}

#[test]
fn sealed_strings_arrive_byte_for_byte_whichever_way_they_are_sent_and_read() {
    let relay = Relay::builder().var("ALLOW_PRIVATE_WEBHOOKS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let (a, b) = (&it.a, it.join("b"));
    let receiver = Receiver::with([]);
    let hook = json!({ "url": receiver.url, "secret": "a secret of sixteen" });
    assert_eq!(b.call("PUT", "/webhook").json(&hook).send().status, 200);
    eventually("the receiver has agreed", || {
        b.call("GET", "/webhook").send().json()["delivery"] == "whole"
    });
    let start = string(&b.poll("?limit=500")["nextCursor"]);
    // What the search for secrets takes out of open texts, too.
    let written = ["ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat();
    let texts = [
        "x".to_owned(),
        "Gr\u{fc}\u{df}e \"an\"\nalle \u{1f642}".to_owned(),
        format!("My key is {written}."),
        "0123456789abcde".repeat(4000),
    ];
    let mut socket = a.socket(Some(&start));
    socket.expect("ready");
    let mut sent = Vec::new();
    for text in &texts {
        let text = sealed(&it.secret, Place::Text, "a", text);
        let body = json!({ "text": text, "topic": "open", "redact": false });
        // Keys have 255 characters at most.
        let key = text.chars().rev().take(40).collect::<String>();
        let send = || a.call("POST", "/messages").idempotency_key(&key).json(&body).send();
        let first = done(&send(), 201);
        assert_eq!(send().json(), first, "the same, and stored once");
        assert_eq!((first.get("redacted"), first.get("unredacted")), (None, None));
        let other = json!({ "text": blocks(1) });
        let reused = a.call("POST", "/messages").idempotency_key(&key).json(&other).send();
        assert_eq!(reused.error(), (422, "idempotency_key_reused".to_owned()));
        sent.push(text);
    }
    for text in &texts {
        let text = sealed(&it.secret, Place::Text, "a", text);
        let frame = json!({ "type": "send", "id": 1, "text": text, "to": ["b"] });
        socket.send(&frame.to_string());
        while socket.read().unwrap()["type"] != "sent" {}
        sent.push(text);
    }
    for way in Way::ALL {
        let read = b.take(way, &start, sent.len(), Duration::from_secs(20)).unwrap();
        let got: Vec<String> = read.iter().map(|message| string(&message["text"])).collect();
        assert_eq!(got, sent, "{way:?}");
        for (message, text) in read.iter().zip(texts.iter().chain(&texts)) {
            let by = &message["agentId"];
            assert_eq!(opened(&it.secret, Place::Text, by, &message["text"]), *text, "{way:?}");
            assert_eq!((message.get("json"), message.get("redacted")), (None, None));
            assert_eq!(message.get("unredacted"), None);
        }
    }
    eventually("the webhook has posted them all", || receiver.texts().len() == sent.len());
    assert_eq!(receiver.texts(), sent);
}

#[test]
fn a_task_and_its_parts_arrive_sealed_and_are_not_quoted() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let (a, b, c) = (&it.a, it.join("b"), it.join("c"));
    let whole = sealed(&it.secret, Place::Task, "a", "Translate the readme");
    let part = |part, by, text| sealed(&it.secret, Place::Part(part, &whole), by, text);
    let (context, progress) =
        (part(Part::Context, "a", "in French"), part(Part::Progress, "b", "half"));
    let result = part(Part::Result, "b", "voil\u{e0}");
    let given = give(a, &json!({ "to": "b", "task": whole, "context": context, "redact": false }));
    assert_eq!((&given["task"], &given["context"]), (&json!(whole), &json!(context)));
    let all = json!({ "status": "in_progress", "progress": progress, "result": result });
    for body in [
        json!({ "status": "accepted" }),
        // Percent stays open.
        json!({ "status": "in_progress", "progress": 40 }),
        all.clone(),
    ] {
        let changed = done(&change(&b, &given, &body), 200);
        if let Some(said) = body.get("progress") {
            assert_eq!(changed["progress"], *said);
        }
    }
    let board = done(&c.call("GET", "/tasks").send(), 200)["tasks"][0].clone();
    for (place, by, field) in [
        (Place::Task, "from", "task"),
        (Place::Part(Part::Context, &whole), "from", "context"),
        (Place::Part(Part::Progress, &whole), "assignee", "progress"),
        (Place::Part(Part::Result, &whole), "assignee", "result"),
    ] {
        let text = opened(&it.secret, place, &board[by], &board[field]);
        assert!(["Translate the readme", "in French", "half", "voil\u{e0}"].contains(&&*text));
    }
    // What one has sealed, the next cannot be taken for.
    let handed = done(&change(a, &given, &json!({ "to": "c" })), 200);
    let left = (&handed["assignee"], &handed["progress"], &handed["result"]);
    assert_eq!(left, (&json!("c"), &Value::Null, &Value::Null));
    assert_eq!((&handed["task"], &handed["context"]), (&json!(whole), &json!(context)));
    assert_eq!(change(&c, &given, &json!({ "status": "accepted" })).status, 200);
    let done_by_c = sealed(&it.secret, Place::Part(Part::Progress, &whole), "c", "half");
    let body = json!({ "status": "in_progress", "progress": done_by_c, "result": done_by_c });
    assert_eq!(change(&c, &given, &body).status, 200);
    assert_eq!(c.call("DELETE", "/agents/c").send().status, 200);
    let returned = done(&a.call("GET", &format!("/tasks/{}", string(&given["id"]))).send(), 200);
    let left = (&returned["assignee"], &returned["progress"], &returned["result"]);
    assert_eq!(left, (&json!("a"), &Value::Null, &Value::Null));
    let page = a.poll("?limit=500");
    let told: Vec<&Value> =
        list(&page["messages"]).iter().filter(|message| message["kind"] == "task").collect();
    assert_eq!(told.len(), 8);
    for message in told {
        let said = format!("{} {}", message["text"], message["hint"]);
        assert!(!said.contains("eyJ") && said.contains("sealed"), "{message}");
        assert_eq!(message["json"]["task"]["task"], json!(whole));
        if message["json"]["event"] == "assigned" {
            assert!(string(&message["hint"]).contains("section 10"), "{message}");
        }
    }
}

#[test]
fn the_result_of_an_open_task_stays_when_it_is_handed_on() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let (b, _) = (a.join("b"), a.join("c"));
    let given = give(&a, &json!({ "to": "b", "task": "Translate the readme" }));
    assert_eq!(change(&b, &given, &json!({ "status": "accepted" })).status, 200);
    let body = json!({ "status": "in_progress", "result": "voil\u{e0}" });
    assert_eq!(change(&b, &given, &body).status, 200);
    let handed = done(&change(&a, &given, &json!({ "to": "c" })), 200);
    assert_eq!(handed["result"], "voil\u{e0}");
}

#[test]
fn a_file_arrives_sealed_and_its_type_is_not_shown() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let (a, b) = (&it.a, it.join("b"));
    let name: AgentId = "a".parse().unwrap();
    let sealer = Sealer { secret: &it.secret, name: &name, signer: None };
    let key = "docs/plan.md".parse().unwrap();
    let bytes: Vec<u8> = (0..=255).cycle().take(700_000).collect();
    let plain = PlainFile { content_type: Some("text/x-plan".to_owned()), ..PlainFile::default() };
    let whole = sealer.seal_file(&key, iv(), plain, &bytes).unwrap();
    for kind in ["text/x-plan", "application/octet-stream", "application/jose"] {
        let call = a.call("PUT", "/files/docs/plan.md").header("Content-Type", kind.as_bytes());
        let saved = call.body(whole.as_bytes()).send();
        assert!(matches!(saved.status, 200 | 201), "{}", saved.text());
        assert_eq!(saved.json()["contentType"], "application/jose", "{kind}");
    }
    let read = b.call("GET", "/files/docs/plan.md").send();
    assert_eq!((read.header("Content-Type"), read.text()), ("application/jose", whole));
    let opened = read_file(&it.secret, &key, &name, &read.text()).unwrap();
    assert_eq!((opened.bytes, opened.file.content_type.as_deref()), (bytes, Some("text/x-plan")));
    let listed = done(&b.call("GET", "/files").send(), 200);
    assert_eq!(listed["files"][0]["contentType"], "application/jose");
    for message in list(&b.poll("?limit=500")["messages"]) {
        assert_eq!(message["json"]["file"]["contentType"], "application/jose");
    }
    // A part of it is no sealed string, but the reader's own affair.
    let part = b.call("GET", "/files/docs/plan.md").header("Range", b"bytes=0-9").send();
    assert_eq!((part.status, part.text()), (206, "eyJhbGciOi".to_owned()));
}

/// A relay with limits that sealed strings of whole blocks reach exactly: 3 blocks are 64 characters, and the rest of
/// a sealed string takes 116. A value has two quotes, and one block more takes 22 characters.
#[test]
fn what_is_sealed_may_be_four_times_as_long_and_no_longer() {
    const MOST: usize = 1000;
    let (texts, values) = (29 + 16 * MOST, 35 + 16 * MOST);
    let start = |texts: usize, values: usize| {
        let relay = Relay::builder().var("MAX_TEXT_BYTES", &texts.to_string());
        relay.var("MAX_JSON_BYTES", &values.to_string()).start().unwrap()
    };
    let (text, value) = (blocks(3 * MOST), blocks(3 * MOST + 1));
    assert_eq!((text.len(), value.len() + 2), (4 * texts, 4 * values));
    for less in [0, 1] {
        let relay = start(texts - less, values - less);
        let api = Api::new(&relay.url());
        let it = Sealing::new(&api);
        let (a, b) = (&it.a, it.join("b"));
        let small = give(a, &json!({ "to": "b", "task": blocks(1) }));
        assert_eq!(change(&b, &small, &json!({ "status": "accepted" })).status, 200);
        let mut greeting = create(&secret());
        greeting["greeting"] = json!(text);
        let task = |body: Value| a.call("POST", "/tasks").json(&body).send();
        let answers = [
            (texts, a.call("POST", "/messages").json(&json!({ "text": text })).send()),
            (texts, api.put("/v1/sessions").json(&greeting).send()),
            (texts, task(json!({ "to": "b", "task": text }))),
            (values, task(json!({ "to": "b", "task": blocks(1), "context": value }))),
            (values, change(&b, &small, &json!({ "status": "in_progress", "result": value }))),
        ];
        for (at, (limit, answer)) in answers.into_iter().enumerate() {
            if less == 0 {
                assert!(matches!(answer.status, 200 | 201), "{at}: {}", answer.text());
            } else {
                assert_eq!(answer.error(), (413, "message_too_large".to_owned()), "{at}");
                assert_eq!(answer.json()["limit"], 4 * (limit - less), "{at}");
            }
        }
        // One character more is too long, before it is not sealed.
        if less == 0 {
            let longer = json!({ "text": format!("{text}A") });
            let refused = a.call("POST", "/messages").json(&longer).send();
            assert_eq!(refused.error(), (413, "message_too_large".to_owned()));
        }
        // An open session takes no more than before.
        let open = api.session();
        let refused = open.call("POST", "/messages").json(&json!({ "text": text })).send();
        assert_eq!(refused.json()["limit"], texts - less);
        assert_eq!(refused.error(), (413, "message_too_large".to_owned()));
        // How far a task is, in words.
        for (count, status) in [(186, 200), (187, 400)] {
            let body = json!({ "status": "in_progress", "progress": blocks(count) });
            let said = change(&b, &small, &body);
            assert_eq!(said.status, status, "{}", said.text());
        }
        assert!(blocks(186).len() <= 4096 && blocks(187).len() > 4096);
    }
}

#[test]
fn the_longest_text_can_be_sealed_under_the_defaults() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let b = it.join("b");
    // In JSON, it is twice as long.
    let text = "\n".repeat(65536);
    let name: AgentId = "a".parse().unwrap();
    let signer = nexus_seal::Signer::from_seed([7; 32]);
    let sealer = Sealer { secret: &it.secret, name: &name, signer: Some(&signer) };
    let whole = sealer.seal(Place::Text, iv(), nexus_seal::Plain::text(&text)).unwrap();
    let start = string(&b.poll("")["nextCursor"]);
    it.a.send(&whole);
    let read = b.poll(&format!("?after={start}"));
    assert_eq!(read["messages"][0]["text"], json!(whole));
    assert_eq!(opened(&it.secret, Place::Text, &json!("a"), &json!(whole)), text);
}
