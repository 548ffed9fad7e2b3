//! `nexus mcp`: the protocol, and every tool.

use crate::{
    mcp_host::{Host, done, texts},
    support::{Home, text},
};
use nexus_tests::relay;
use serde_json::{Value, json};

const MODERN: &str = "2026-07-28";

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {},
    })
}

#[test]
fn both_eras_begin() {
    let home = Home::without_url();
    for (asked, given) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let mut host = Host::start(&home);
        let answer =
            host.ask("initialize", &json!({ "protocolVersion": asked, "capabilities": {} }));
        let result = &answer["result"];
        assert_eq!(result["protocolVersion"], given);
        assert_eq!(
            result["capabilities"],
            json!({ "tools": {}, "experimental": { "claude/channel": {} } })
        );
        host.note("notifications/initialized", &json!({}));
        assert_eq!(host.ask("ping", &json!({}))["result"], json!({}));
        let listed = host.ask("tools/list", &json!({}));
        assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 7);
        assert_eq!(listed["result"].get("resultType"), None);
        assert!(host.end().success());
    }
    let mut host = Host::start(&home);
    let found = host.ask("server/discover", &json!({ "_meta": meta() }));
    let result = &found["result"];
    assert_eq!(result["supportedVersions"][0], MODERN);
    // A channel cannot be had in this era.
    assert_eq!(result["capabilities"], json!({ "tools": {} }));
    assert!(!text(&result["instructions"]).contains("secret"));
    let listed = host.ask("tools/list", &json!({ "_meta": meta() }));
    assert_eq!(listed["result"]["resultType"], "complete");
    let params = json!({ "name": "read", "arguments": {}, "_meta": meta() });
    let refused = host.ask("tools/call", &params);
    assert_eq!(refused["result"]["isError"], true);
    assert_eq!(refused["result"]["resultType"], "complete");
    assert!(host.end().success());
}

#[test]
fn a_failure_to_begin_is_no_line_of_the_protocol() {
    let mut command = Home::without_url().command();
    let output = command.arg("mcp").env("NEXUS_HTTP_TIMEOUT", "never").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("NEXUS_HTTP_TIMEOUT must be"), "{told}");
}

#[test]
fn what_is_no_request_is_refused_and_nothing_ends() {
    let mut host = Host::start(&Home::without_url());
    let code = |answer: &Value| answer["error"]["code"].as_i64().unwrap();
    host.write("{ not json");
    let answer = host.line();
    assert_eq!((code(&answer), answer.get("id")), (-32700, None));
    host.write("");
    host.write("[]");
    let answer = host.line();
    assert_eq!(code(&answer), -32600);
    host.write(&"x".repeat(5 << 20));
    let answer = host.line();
    assert_eq!(code(&answer), -32700, "one answer to one line, however long");
    for (method, params, expected) in [
        ("resources/list", json!({}), -32601),
        ("server/discover", json!({}), -32601),
        ("initialize", json!({ "_meta": meta() }), -32601),
        ("tools/call", json!({ "name": "delete_everything" }), -32602),
        ("tools/call", json!({}), -32602),
    ] {
        let answer = host.ask(method, &params);
        assert_eq!(code(&answer), expected, "{method} {params}");
    }
    // Neither a notification nor an answer gets one.
    host.note("notifications/unknown", &json!({}));
    host.note("notifications/cancelled", &json!({ "requestId": 999 }));
    host.write(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert_eq!(host.ask("ping", &json!({}))["result"], json!({}));
    assert!(host.end().success());
}

#[test]
fn two_agents_talk_with_every_tool() {
    let relay = relay();
    let (a, b) = (Home::new(&relay.url()), Home::without_url());
    let (mut alice, mut bob) = (Host::legacy(&a), Host::legacy(&b));
    let invited = alice.call("invite", &json!({ "name": "alice", "greeting": "Which day?" }));
    let seat = text(&invited["seat"]);
    assert!(seat.len() == 8 && invited["session_expires"].is_string(), "{invited}");
    // A link as a person pastes it.
    let link = format!("Open <{}>, please.", text(&invited["link"]));
    let joined = bob.call("join", &json!({ "link": link, "name": "bob" }));
    assert_eq!((&joined["seat"], &joined["me"]), (&json!(seat), &json!("bob")));
    assert_eq!(texts(&joined), ["Which day?"]);
    assert_eq!(joined["members"].as_array().unwrap().len(), 2);
    assert_eq!(joined["session_expires"].as_str().map(str::len), Some(24));

    let came = alice.call("read", &json!({ "wait": 5 }));
    assert_eq!(came["messages"][0]["kind"], "joined");
    assert_eq!(came["messages"][0]["text"], "bob joined the session.");
    let sent = bob.call("send", &json!({ "text": "Tuesday.", "json": { "n": 1.50 } }));
    let page = alice.call("read", &json!({ "seat": seat, "wait": "5", "members": true }));
    assert_eq!(texts(&page), ["Tuesday."]);
    assert_eq!(page["messages"][0]["id"], sent["id"]);
    assert!(page["members"][0]["name"].is_string());
    alice.call("send", &json!({ "text": "Fine.", "to": ["bob"], "reply_to": sent["id"] }));
    assert_eq!(bob.read(&json!({ "wait": 5 })), ["Fine."], "its own is not told");
    assert_eq!(bob.read(&json!({})), Vec::<String>::new());

    let task = alice.call("task", &json!({ "text": "Book it", "to": "bob" }));
    let listed = bob.call("task", &json!({}));
    assert_eq!(listed["tasks"][0]["id"], task["id"]);
    let id = &task["id"];
    bob.call("task", &json!({ "id": id, "status": "in_progress", "progress": "50%" }));
    assert_eq!(alice.call("task", &json!({ "id": id }))["progress"], 50);
    let done = bob.call("task", &json!({ "id": id, "status": "completed", "result": "Room 4" }));
    assert_eq!((&done["status"], &done["result"]), (&json!("completed"), &json!("Room 4")));
    assert_eq!(alice.call("task", &json!({}))["tasks"], json!([]));

    // Another link into the same session.
    let more = alice.call("invite", &json!({ "seat": seat }));
    assert_eq!(more["seat"], seat);
    assert_ne!(more["link"], invited["link"]);
    assert_eq!(bob.call("leave", &json!({})), json!({ "left": true }));
    assert!(bob.refused("read", &json!({})).contains("`join`"));
    assert!(alice.refused("leave", &json!({})).contains("keeps its seat"));
    assert!(alice.end().success() && bob.end().success());
}

#[test]
fn an_address_has_a_seat_and_its_secret_stays_here() {
    let relay = relay();
    let (a, b) = (Home::new(&relay.url()), Home::new(&relay.url()));
    let (mut alice, mut bob) = (Host::start(&a), Host::start(&b));
    let address = alice.call("address", &json!({ "id": "alice-mail", "name": "Alice" }));
    assert_eq!(address, json!({ "seat": "@alice-mail", "id": "alice-mail", "waiting": false }));
    assert_eq!(alice.call("address", &json!({})), address, "it is opened again");
    let other = bob.call("address", &json!({}));
    let id = text(&other["id"]);
    let sent = alice.call("send", &json!({ "text": "Hello", "to": [id] }));
    assert!(sent["conversation"].is_string(), "{sent}");
    let page = bob.call("read", &json!({ "wait": 5 }));
    assert_eq!(texts(&page), ["Hello"]);
    assert_eq!(bob.read(&json!({})), Vec::<String>::new(), "told once");
    // The relay knows, too: another program of the same agent does not get it.
    nexus_tests::eventually("it is acknowledged", || {
        b.nexus(&["inbox", "--keep"]).done()["messages"] == json!([])
    });
    let conversation = &page["messages"][0]["conversation"];
    let answer = json!({ "text": "Hi", "to": "alice-mail", "conversation": conversation });
    bob.call("send", &answer);
    assert_eq!(alice.read(&json!({ "seat": "@alice-mail", "wait": 5 })), ["Hi"]);
    // Read again on demand, which changes nothing.
    let again = json!({ "seat": "alice-mail", "after": "0" });
    assert_eq!(alice.read(&again), ["Hi"]);
    assert_eq!(alice.read(&json!({})), Vec::<String>::new());

    // An invitation into a new session.
    let invited = alice.call("invite", &json!({ "seat": "@alice-mail", "to": id }));
    let mail = bob.call("read", &json!({ "wait": 5 }));
    assert!(mail.to_string().contains(&text(&invited["link"])), "{mail}");
    bob.call("join", &json!({ "link": invited["link"], "name": "bob" }));
    // Now there are two.
    let sentence = alice.refused("read", &json!({}));
    assert!(sentence.contains("`@alice-mail`") && sentence.contains(&text(&invited["seat"])));
    assert!(alice.refused("task", &json!({ "seat": "@alice-mail" })).contains("session"));
    assert!(alice.end().success() && bob.end().success());
}

#[test]
fn refusals_say_what_to_do() {
    let relay = relay();
    let home = Home::new(&relay.url());
    let mut host = Host::start(&home);
    for (tool, arguments, expected) in [
        ("invite", json!({}), "your name"),
        ("read", json!({}), "`invite`, `join`"),
        ("read", json!({ "seat": "nowhere" }), "no such seat"),
        ("read", json!({ "wait": "long" }), "wait"),
        ("join", json!({ "name": "a" }), "link"),
        ("join", json!({ "name": "a", "link": "-" }), "neither a pairing code"),
        ("join", json!({ "name": "a", "link": "PEARL-FOCAL-S5SJV" }), ""),
        ("invite", json!({ "name": "a", "to": "x" }), "register one"),
        ("address", json!({ "id": "a", "secret": "x".repeat(20) }), "standard input"),
        ("send", json!({ "seat": "@nobody", "text": "x" }), "no such seat"),
    ] {
        let sentence = host.refused(tool, &arguments);
        assert!(sentence.contains(expected), "{tool} {arguments}: {sentence}");
    }
    assert!(home.nexus(&["ls"]).done()["sessions"] == json!([]), "nothing was made");
    host.call("invite", &json!({ "name": "a" }));
    let sentence = host.refused("send", &json!({ "text": "x", "to": ["nobody"] }));
    assert!(sentence.contains("`read` with `members`"), "{sentence}");
    // A seat of the relay's own server is a secret, and is not repeated.
    let sentence = host.refused("read", &json!({ "seat": "nxt_abc" }));
    assert!(!sentence.contains("abc"), "{sentence}");
    assert!(host.end().success());
}

#[test]
fn a_seat_is_named_as_elsewhere_on_this_machine() {
    let relay = relay();
    let home = Home::new(&relay.url());
    let created = home.nexus(&["create", "--agent-id", "a", "--alias", "dentist"]).done();
    let id = text(&created["sessionId"]);
    let mut host = Host::of(home.command().args(["mcp", "--as", "someone"]));
    for seat in ["dentist", &id, id.get(..8).unwrap()] {
        host.call("send", &json!({ "seat": seat, "text": seat }));
    }
    let board = host.call("invite", &json!({ "seat": id }));
    assert_eq!(board["seat"], "dentist");
    // The name of the command line is for new sessions only.
    let page = home.nexus(&["poll", "dentist", "--after", "0"]).done();
    assert_eq!(page["messages"][0]["agentId"], "a");
    assert_eq!(page["messages"][0]["verified"], true);
    let new = host.call("invite", &json!({}));
    let status = home.nexus(&["status", &text(&new["seat"])]).done();
    assert_eq!(status["creatorAgentId"], "someone");
    assert!(host.end().success());
}

#[test]
fn a_relay_that_is_gone_is_a_sentence_and_not_the_end() {
    let home = Home::new("http://127.0.0.1:9");
    let mut host = Host::start(&home);
    assert!(host.refused("invite", &json!({ "name": "a" })).contains("No connection"));
    let id = host.begin_call("address", &json!({ "id": "a" }));
    let answer = host.answer(id);
    assert_eq!(answer["result"]["structuredContent"]["error"], "server_unreachable");
    assert!(host.end().success());
}

#[test]
fn what_does_something_is_finished_when_the_input_ends() {
    let (_relay, homes, [mut alice, mut bob]) = crate::mcp_host::pair();
    bob.begin_call("read", &json!({ "wait": 50, "after": "100" }));
    let began = std::time::Instant::now();
    assert!(bob.end().success(), "it does not wait for a wait");
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    let id = alice.begin_call("send", &json!({ "text": "last words" }));
    let answer = alice.last_answer(id);
    assert!(done(&answer)["id"].is_string());
    let page = homes[1].nexus(&["poll", "--after", "0", &seat(&homes[1])]).done();
    assert!(page.to_string().contains("last words"), "{page}");
}

fn seat(home: &Home) -> String {
    text(&home.nexus(&["ls"]).done()["sessions"][0]["sessionId"])
}
