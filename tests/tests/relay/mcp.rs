//! The tools at `POST /mcp`, as a model uses them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use nexus_tests::{Api, Relay, eventually, list, mcp::Mcp, relay, string};
use serde_json::{Value, json};
use std::thread;

fn hosts(api: &Api) -> [Mcp<'_>; 2] {
    [true, false].map(|is_modern| Mcp { api, is_modern })
}

/// Two agents in one session, each in a host of another era: their seats.
fn pair(a: &Mcp<'_>, b: &Mcp<'_>) -> (String, String) {
    let invited = a.done("invite", json!({ "name": "alice", "greeting": "Hello! Which day?" }));
    let joined = b.done("join", json!({ "link": invited["link"], "name": "bob" }));
    (string(&invited["seat"]), string(&joined["seat"]))
}

fn texts(page: &Value) -> Vec<(String, String)> {
    let messages = list(&page["messages"]).iter();
    messages.map(|one| (string(&one["from"]), string(&one["text"]))).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(from, text)| ((*from).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn two_hosts_meet_by_a_link_talk_and_leave() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b] = hosts(&api);
    let invited = a.done("invite", json!({ "name": "alice", "greeting": "Hello! Which day?" }));
    let link = string(&invited["link"]);
    assert!(link.starts_with(&format!("{}/p/", relay.url())), "{link}");
    assert!(string(&invited["link_expires"]) < string(&invited["session_expires"]));
    let alice = invited["seat"].clone();
    let nobody = a.done("read", json!({ "seat": alice }));
    assert_eq!(
        nobody,
        json!({ "messages": [], "next": "0" }),
        "her own greeting is no news to her"
    );

    let joined = b.done("join", json!({ "link": format!("Open {link}, please."), "name": "bob" }));
    assert_eq!(texts(&joined), owned(&[("alice", "Hello! Which day?")]));
    assert_eq!(
        (&joined["me"], &joined["messages"][0]["kind"]),
        (&json!("bob"), &json!("greeting"))
    );
    let names: Vec<String> =
        list(&joined["members"]).iter().map(|one| string(&one["name"])).collect();
    assert_eq!(names, ["alice", "bob"]);
    let bob = joined["seat"].clone();

    let read = a.done("read", json!({ "seat": alice, "after": nobody["next"], "wait": 25 }));
    assert_eq!(texts(&read), owned(&[("relay", "bob joined the session.")]));
    let waiting = thread::scope(|scope| {
        let after = json!({ "seat": alice, "after": read["next"], "wait": 25 });
        let waiting = scope.spawn(|| a.done("read", after));
        let sent = b.done(
            "send",
            json!({ "seat": bob, "text": "Tuesday", "json": { "day": 2.50 }, "to": ["alice"] }),
        );
        let page = waiting.join().unwrap();
        assert_eq!(page["messages"][0]["id"], sent["id"]);
        page
    });
    assert_eq!(texts(&waiting), owned(&[("bob", "Tuesday")]));
    assert_eq!(waiting["messages"][0]["to"], json!(["alice"]));
    assert!(waiting["note"].is_string(), "others' words are marked");

    let reply = json!({ "seat": alice, "text": "Fine", "reply_to": waiting["messages"][0]["id"] });
    a.done("send", reply);
    let read = b.done("read", json!({ "seat": bob, "after": joined["next"] }));
    assert_eq!(texts(&read), owned(&[("alice", "Fine")]));
    assert_eq!(read["messages"][0]["reply_to"], waiting["messages"][0]["id"]);

    assert_eq!(b.done("leave", json!({ "seat": bob })), json!({ "left": true }));
    let after = json!({ "seat": alice, "after": waiting["next"] });
    assert_eq!(texts(&a.done("read", after)), owned(&[("relay", "bob left the session.")]));
    let gone = b.refused("send", json!({ "seat": bob, "text": "one more thing" }));
    assert_eq!(gone["error"], "forbidden");
    assert!(string(&gone["message"]).contains("new link"), "{gone}");
}

#[test]
fn a_message_is_read_exactly_as_it_was_sent() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b] = hosts(&api);
    let (alice, bob) = pair(&a, &b);
    // Not over a parsed value, which would write its numbers anew.
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"send","arguments":{{"seat":"{alice}","text":"\u00e9\n\"<&","json":{{"b":1.50,"a":12345678901234567890}}}}}}}}"#,
    );
    assert_eq!(api.post("/mcp").body(body.as_bytes()).send().status, 200);
    let raw = json!({ "name": "read", "arguments": { "seat": bob } });
    let answer = b.request("tools/call", raw).text();
    assert!(answer.contains(r#""json":{"b":1.50,"a":12345678901234567890}"#), "{answer}");
    let read = b.done("read", json!({ "seat": bob }));
    assert_eq!(texts(&read).last().unwrap().1, "\u{e9}\n\"<&");
}

#[test]
fn a_task_is_given_reported_and_seen_by_both() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b] = hosts(&api);
    let (alice, bob) = pair(&a, &b);
    let given = a.done("task", json!({ "seat": alice, "text": "Book a room", "to": "bob" }));
    assert_eq!((&given["status"], &given["from"]), (&json!("pending"), &json!("alice")));
    let news = b.done("read", json!({ "seat": bob }));
    let told = list(&news["messages"]).iter().find(|one| one["kind"] == "task").unwrap();
    assert!(string(&told["hint"]).contains(&string(&given["id"])), "{told}");
    assert!(told.to_string().contains(&string(&given["id"])), "it names the task: {told}");
    let open = b.done("task", json!({ "seat": bob }));
    assert_eq!(open["tasks"][0]["id"], given["id"]);
    for (status, progress) in [("accepted", Value::Null), ("in_progress", json!("50%"))] {
        b.done(
            "task",
            json!({ "seat": bob, "id": given["id"], "status": status, "progress": progress }),
        );
    }
    let done =
        json!({ "seat": bob, "id": given["id"], "status": "completed", "result": { "room": 7 } });
    b.done("task", done);
    let seen = a.done("task", json!({ "seat": alice, "id": given["id"] }));
    assert_eq!((&seen["status"], &seen["result"]), (&json!("completed"), &json!({ "room": 7 })));
    assert_eq!(a.done("task", json!({ "seat": alice }))["tasks"], json!([]), "none is open");
    let late = b.refused("task", json!({ "seat": bob, "id": given["id"], "status": "failed" }));
    assert_eq!(late["error"], "illegal_transition");
}

#[test]
fn an_address_has_an_inbox_and_invites() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b] = hosts(&api);
    let alice = a.done("address", json!({ "id": "alice-1", "name": "Alice" }));
    let bob = b.done("address", json!({}));
    assert_eq!(alice["id"], "alice-1");
    let (alice_seat, bob_seat) = (alice["seat"].clone(), bob["seat"].clone());
    let sent =
        a.done("send", json!({ "seat": alice_seat, "to": bob["id"], "text": "Are you there?" }));
    assert_eq!(sent["delivery"], "queued");
    let again = b.done("address", json!({ "id": bob["id"], "secret": bob["secret"] }));
    assert_eq!((&again["seat"], &again["waiting"]), (&bob_seat, &json!(true)));
    let page = b.done("read", json!({ "seat": bob_seat }));
    assert_eq!(texts(&page), owned(&[("alice-1", "Are you there?")]));
    assert_eq!(page["messages"][0]["conversation"], sent["conversation"]);
    assert_eq!(
        b.done("read", json!({ "seat": bob_seat }))["messages"],
        page["messages"],
        "not yet marked"
    );
    let reply = json!({ "seat": bob_seat, "to": "alice-1", "text": "Yes", "conversation": sent["conversation"] });
    assert_eq!(b.done("send", reply)["turn"], 2);
    let rest = b.done("read", json!({ "seat": bob_seat, "after": page["next"] }));
    assert_eq!(rest["messages"], json!([]));
    let anew = b.done("read", json!({ "seat": bob_seat }));
    assert_eq!(anew["messages"], json!([]), "what was read is marked, also without `after`");

    let invited = a.done("invite", json!({ "seat": alice_seat, "to": bob["id"] }));
    assert_eq!(invited["sent_to"], bob["id"]);
    let waits = json!({ "seat": bob_seat, "after": rest["next"], "wait": 25 });
    let invitation = b.done("read", waits);
    let link = &invitation["messages"][0]["json"]["url"];
    assert_eq!(
        (link, &invitation["messages"][0]["kind"]),
        (&invited["link"], &json!("invitation"))
    );
    let joined = b.done("join", json!({ "link": link, "name": bob["id"] }));
    let members: Vec<String> =
        list(&joined["members"]).iter().map(|one| string(&one["name"])).collect();
    assert!(members.contains(&"alice-1".to_owned()), "{members:?}");
}

#[test]
fn an_invitation_that_cannot_be_delivered_leaves_nothing_behind() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b] = hosts(&api);
    let alice = a.done("address", json!({ "id": "alice-2" }));
    let bob = b.done("address", json!({ "id": "bob-2" }));
    let secret = string(&bob["secret"]);
    let path = "/v1/agents/bob-2/blocks/alice-2";
    assert!(api.put(path).bearer(&secret).agent("bob-2").send().status < 300);
    for to in ["nobody-2", "bob-2"] {
        let refused = a.refused("invite", json!({ "seat": alice["seat"], "to": to }));
        assert!(
            ["agent_not_found", "blocked"].contains(&refused["error"].as_str().unwrap()),
            "{refused}"
        );
    }
    let stats = || api.get("/v1/stats").send().json()["activeSessions"].clone();
    eventually("no session is left", || stats() == 0);
    let without = a.refused("invite", json!({ "name": "alice", "to": "bob-2" }));
    assert!(string(&without["message"]).contains("address"), "{without}");
}

#[test]
fn what_is_called_wrongly_is_told_so_in_the_words_of_the_tools() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b] = hosts(&api);
    let (alice, bob) = pair(&a, &b);
    let cut = alice.get(..alice.len() - 9).unwrap();
    let elsewhere = json!({ "link": "https://relay.example/p/PEARL-FOCAL-S5SJV", "name": "x" });
    for (tool, arguments, says) in [
        ("invite", json!({}), "name"),
        ("invite", json!({ "name": "two words" }), "name"),
        ("invite", json!({ "name": "admin" }), "name"),
        ("invite", json!({ "name": "x", "ttl": "soon" }), "ttl"),
        ("join", json!({ "link": "nonsense", "name": "x" }), "not a pairing code"),
        ("join", json!({ "link": "PEARL-FOCAL-S5SJV", "name": "x" }), "no such pairing code"),
        ("join", elsewhere, "https://relay.example/mcp"),
        ("send", json!({ "text": "x" }), "seat"),
        ("send", json!({ "seat": cut, "text": "x" }), "seat"),
        ("send", json!({ "seat": "s1", "text": "x" }), "seat"),
        ("send", json!({ "seat": alice }), "text"),
        ("send", json!({ "seat": alice, "text": "x", "to": ["carol"] }), "members"),
        ("send", json!({ "seat": alice, "text": "x", "to": [] }), "to"),
        ("read", json!({ "seat": bob, "after": "soon" }), "after"),
        ("read", json!({ "seat": bob, "wait": "long" }), "wait"),
        ("task", json!({ "seat": bob, "status": "completed" }), "text"),
        ("task", json!({ "seat": bob, "text": "x" }), "to"),
        ("task", json!({ "seat": bob, "id": "nonsense", "status": "completed" }), "id"),
        ("leave", json!({ "seat": alice }), "keeps its seat"),
        ("address", json!({ "secret": "abcdefghijklmnop" }), "id"),
    ] {
        for host in [&a, &b] {
            let refused = host.refused(tool, arguments.clone());
            let said = string(&refused["message"]);
            assert!(said.contains(says), "{tool} {arguments}: {said}");
            for native in ["/v1/", "X-", "header", "agentId", "sessionKey"] {
                assert!(!said.contains(native), "{tool}: {said}");
            }
        }
    }
    assert_eq!(texts(&a.done("read", json!({ "seat": alice }))).len(), 1, "nothing else was said");
}

#[test]
fn a_seat_can_come_as_a_bearer_and_then_no_model_sees_it() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b] = hosts(&api);
    let (alice, _) = pair(&a, &b);
    let call = |bearer: &str| {
        let call = json!({ "name": "send", "arguments": { "text": "x" } });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call });
        api.post("/mcp").bearer(bearer).json(&body).send().json()["result"].clone()
    };
    assert!(call(&alice)["structuredContent"]["id"].is_string());
    // A host may send a token of its own, which is none of ours.
    assert_eq!(call("another-token")["isError"], true);
}

#[test]
fn a_seat_in_a_message_is_a_secret() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b] = hosts(&api);
    let (alice, bob) = pair(&a, &b);
    let sent = a.done("send", json!({ "seat": alice, "text": format!("my seat is {alice}") }));
    assert_eq!(sent["redacted"][0]["count"], 1, "{sent}");
    let heard = texts(&b.done("read", json!({ "seat": bob })));
    assert!(heard.iter().all(|(_, text)| !text.contains("nxt_")), "{heard:?}");
}

#[test]
fn the_log_and_the_counts_know_of_tools_and_of_no_seat() {
    let token = "a token of the operator";
    let relay = Relay::builder().var("ADMIN_TOKEN", token).start().unwrap();
    let api = Api::new(&relay.url());
    let [a, b] = hosts(&api);
    let (alice, _) = pair(&a, &b);
    for text in ["one", "two", "three"] {
        a.done("send", json!({ "seat": alice, "text": text }));
    }
    eventually("the operator sees the messages", || {
        let activity = api.get("/v1/admin/activity").bearer(token).send().json();
        let minutes = list(&activity["minutes"]).iter();
        minutes.filter_map(|minute| minute["messages"].as_u64()).sum::<u64>() == 3
    });
    let log = relay.log();
    assert!(log.contains("POST /mcp"), "{log}");
    assert!(!log.contains(&alice) && !log.contains("nxt_"), "{log}");
}

#[test]
fn what_stands_in_an_argument_is_no_part_of_a_request() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let native = api.session();
    let mcp = Mcp { api: &api, is_modern: false };
    let seat = mcp.done("join", json!({ "link": native.pair(), "name": "bob" }))["seat"].clone();
    // Of the same form as the native member's, with another key.
    let bytes = [&[1], [0xab; 24].as_slice(), &[7; 32], b"a"].concat();
    let wrong = format!("nxt_{}", URL_SAFE_NO_PAD.encode(bytes));
    for id in [
        format!("x\nX-Session-Key:{}", native.key),
        format!("x\r\nx-agent-id: {}", native.agent),
        "x HTTP/1.1".to_owned(),
    ] {
        let id = id.get(..64.min(id.len())).unwrap();
        let refused = mcp.refused("task", json!({ "seat": wrong, "id": id }));
        assert_ne!(refused["error"], "task_not_found", "the key is wrong: {refused}");
        let refused = mcp.refused("task", json!({ "seat": seat, "id": id }));
        assert_eq!(refused["error"], "task_not_found", "{id}: {refused}");
    }
    for id in ["?status=open", "../messages", "%2e%2e", "#", "a/b"] {
        let refused = mcp.refused("task", json!({ "seat": seat, "id": id }));
        assert_eq!(refused["error"], "task_not_found", "{id}");
        let change = json!({ "seat": seat, "id": id, "to": native.agent });
        assert_eq!(mcp.refused("task", change)["error"], "task_not_found", "{id}");
    }
    let agent = mcp.done("address", json!({ "id": "of-lines" }));
    let secret = format!("{}\nX-Agent-Id: another", string(&agent["secret"]));
    let refused = mcp.refused("address", json!({ "id": "of-lines", "secret": secret }));
    assert_eq!(refused["error"], "invalid_request");
    let word = ["\u{2}of-lines\n", &secret].concat();
    let forged = format!("nxt_{}", URL_SAFE_NO_PAD.encode(word));
    assert_eq!(mcp.refused("read", json!({ "seat": forged }))["error"], "invalid_session_key");
}
