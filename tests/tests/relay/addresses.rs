//! Agents with an address: every call, and every error.

use nexus_tests::{
    Api, Relay,
    agents::{Resident, done},
    list, relay, shell_blocks, string,
};
use serde_json::{Value, json};

fn code(call: nexus_tests::Call) -> (u16, String) {
    call.send().error()
}

fn is(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

#[test]
fn an_agent_registers_changes_its_card_and_leaves() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let made = done(&api.post("/v1/agents").json(&json!({ "name": "N" })).send(), 201);
    let id = string(&made["agentId"]);
    assert!(id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    let secret = string(&made["secret"]);
    assert!(secret.starts_with("nxs_") && secret.len() == 47);
    assert_eq!(made["card"]["name"], "N");

    let chosen = json!({ "name": "Bob", "agentId": "bob", "secret": "0123456789abcdef",
        "description": "d", "version": "1.0.0", "capabilities": ["x", "y"], "listed": true });
    let first = done(&api.post("/v1/agents").json(&chosen).send(), 201);
    assert_eq!(done(&api.post("/v1/agents").json(&chosen).send(), 201), first, "repeated");
    let other = json!({ "name": "Eve", "agentId": "bob", "secret": "another-secret-16" });
    assert_eq!(code(api.post("/v1/agents").json(&other)), is(409, "agent_id_taken"));
    assert_eq!(code(api.post("/v1/agents").body(b"{")), is(400, "invalid_body"));
    for body in [json!({}), json!({ "name": "x", "agentId": "system" })] {
        assert_eq!(code(api.post("/v1/agents").json(&body)), is(400, "invalid_request"));
    }

    let bob =
        Resident { api: api.clone(), id: "bob".to_owned(), secret: "0123456789abcdef".to_owned() };
    let shown = done(&api.get("/v1/agents/bob").send(), 200);
    assert_eq!((&shown["card"], &shown["online"]), (&first["card"], &json!(true)));
    let change = json!({ "name": "Robert", "description": "", "capabilities": ["z"] });
    let changed = done(&bob.call("PATCH", "").json(&change).send(), 200);
    assert_eq!(changed["card"]["name"], "Robert");
    assert_eq!(changed["card"]["capabilities"], json!(["z"]));
    assert!(changed["card"].get("description").is_none());
    assert_eq!(changed["card"]["version"], "1.0.0");

    let given = done(&bob.call("POST", "/secret").send(), 200);
    assert_eq!(code(bob.call("DELETE", "")), is(401, "invalid_secret"));
    let bob = Resident { secret: string(&given["secret"]), ..bob };
    let chosen = json!({ "secret": "a-secret-of-my-own" });
    done(&bob.call("POST", "/secret").json(&chosen).send(), 200);
    let bob = Resident { secret: "a-secret-of-my-own".to_owned(), ..bob };
    let deleted = done(&bob.call("DELETE", "").send(), 200);
    assert_eq!(deleted, json!({ "ok": true, "agentId": "bob" }));
    assert_eq!(code(api.get("/v1/agents/bob")), is(404, "agent_not_found"));
    assert_eq!(done(&api.get("/v1/agents").send(), 200)["agents"], json!([]));
    // The id is free again, and nothing of the old address is left.
    let again = api.register("bob");
    assert_eq!(again.waiting().0, Vec::<String>::new());
}

#[test]
fn the_directory_shows_those_who_ask_for_it() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for (id, listed, capability) in [("a", true, "x"), ("b", false, "x"), ("c", true, "y")] {
        let body =
            json!({ "name": id, "agentId": id, "listed": listed, "capabilities": [capability] });
        done(&api.post("/v1/agents").json(&body).send(), 201);
    }
    let d = api.register("d");
    let ids = |query: &str| -> Vec<String> {
        let page = done(&api.get(&format!("/v1/agents{query}")).send(), 200);
        list(&page["agents"]).iter().map(|agent| string(&agent["card"]["agentId"])).collect()
    };
    assert_eq!(ids(""), ["c", "a"], "the one heard last comes first");
    assert_eq!(ids("?capability=y"), ["c"]);
    assert_eq!(ids("?after=c"), ["a"]);
    let page = done(&api.get("/v1/agents?limit=1").send(), 200);
    assert_eq!((&page["nextAfter"], &page["hasMore"]), (&json!("c"), &json!(true)));
    done(&d.call("PATCH", "").json(&json!({ "listed": true })).send(), 200);
    assert_eq!(ids(""), ["d", "c", "a"]);
    done(&d.call("PATCH", "").json(&json!({ "listed": false })).send(), 200);
    assert_eq!(ids(""), ["c", "a"]);
    assert_eq!(code(api.get("/v1/agents?limit=0")), is(400, "invalid_request"));
}

#[test]
fn the_directory_gives_as_many_as_fit_a_page() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for number in 10..70 {
        let id = format!("agent-{number}");
        let body = json!({ "name": id, "agentId": id, "listed": true });
        done(&api.post("/v1/agents").json(&body).send(), 201);
    }
    let page = |query: &str| done(&api.get(&format!("/v1/agents{query}")).send(), 200);
    let first = page("");
    assert_eq!((list(&first["agents"]).len(), &first["hasMore"]), (50, &json!(true)));
    let next = format!("?after={}", string(&first["nextAfter"]));
    assert_eq!((list(&page(&next)["agents"]).len(), &page(&next)["hasMore"]), (10, &json!(false)));
    assert_eq!(list(&page("?limit=100")["agents"]).len(), 60);
}

#[test]
fn a_message_waits_is_read_and_acknowledged_as_its_sender_sees() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (a, b) = (api.register("a"), api.register("b"));
    let body = json!({ "text": "hi", "json": { "n": 1 }, "conversationId": "t", "replyTo": "x-1" });
    let sent = done(&a.to("b").json(&body).send(), 201);
    assert_eq!((&sent["delivery"], &sent["turn"]), (&json!("queued"), &json!(1)));
    let state = || string(&a.status("b", &sent["id"])["state"]);
    assert_eq!(state(), "queued");
    let page = b.poll("");
    let message = &list(&page["messages"])[0];
    for (field, value) in [
        ("id", &sent["id"]),
        ("agentId", &json!("a")),
        ("to", &json!("b")),
        ("text", &json!("hi")),
        ("json", &json!({ "n": 1 })),
        ("cursor", &sent["cursor"]),
        ("verified", &json!(true)),
        ("conversationId", &json!("t")),
        ("maxTurns", &json!(20)),
        ("replyTo", &json!("x-1")),
        ("expiresAt", &sent["expiresAt"]),
    ] {
        assert_eq!(&message[field], value, "{field}");
    }
    assert_eq!(state(), "delivered");
    assert_eq!(b.poll("")["messages"], page["messages"], "it waits on");
    assert_eq!(b.ack("1"), json!({ "cursor": "1", "waiting": 0 }));
    assert_eq!(b.poll("")["messages"], json!([]));
    assert_eq!(b.poll("?after=0")["messages"], page["messages"], "read again");
    let status = a.status("b", &sent["id"]);
    assert_eq!(status["state"], "acked");
    assert!(status["deliveredAt"].is_string() && status["ackedAt"].is_string());

    // And back, in the same conversation, repeated by the sender.
    let reply =
        || b.to("a").idempotency_key("k").json(&json!({ "text": "re", "conversationId": "t" }));
    let first = done(&reply().send(), 201);
    assert_eq!(first["turn"], 2);
    assert_eq!(done(&reply().send(), 201), first);
    assert_eq!(a.waiting().0, ["re"]);
    for resident in [&a, &b] {
        let shown = done(&resident.call("GET", "/conversations/t?last=1").send(), 200);
        assert_eq!((&shown["turns"], &shown["initiator"]), (&json!(2), &json!("a")));
        assert_eq!(list(&shown["messages"])[0]["text"], "re");
    }
    let ended = done(&a.call("POST", "/conversations/t/end").send(), 200);
    assert_eq!((&ended["state"], &ended["reason"]), (&json!("ended"), &json!("participant_ended")));
    let more = b.to("a").json(&json!({ "text": "x", "conversationId": "t" })).send();
    assert_eq!(more.json()["reason"], "participant_ended");
    assert_eq!(more.error(), is(409, "conversation_ended"));
}

#[test]
fn what_is_refused_is_told_to_the_sender() {
    let relay = Relay::builder()
        .var("SENDER_MESSAGES_PER_MINUTE", "3")
        .var("MAX_WAITING_MESSAGES", "10")
        .start()
        .unwrap();
    let api = Api::new(&relay.url());
    let (a, b, c) = (api.register("a"), api.register("b"), api.register("c"));
    let x = json!({ "text": "x" });
    assert_eq!(code(a.to("nobody").json(&x)), is(404, "agent_not_found"));
    assert_eq!(code(a.to("a%20b").json(&x)), is(404, "agent_not_found"));
    assert_eq!(code(a.to("a").json(&x)), is(400, "invalid_request"));
    assert_eq!(code(a.to("b").json(&json!({}))), is(400, "invalid_request"));
    assert_eq!(code(a.to("b").body(b"{")), is(400, "invalid_body"));
    let long = json!({ "text": "x".repeat(65_537) });
    assert_eq!(code(a.to("b").json(&long)), is(413, "message_too_large"));
    let path = "/v1/agents/b/messages";
    assert_eq!(code(api.post(path).json(&x)), is(400, "missing_agent_id"));
    assert_eq!(code(api.post(path).agent("a").json(&x)), is(401, "missing_secret"));
    let stranger = || api.post(path).bearer("wrong").json(&x);
    assert_eq!(code(stranger().agent("a")), is(401, "invalid_secret"));
    assert_eq!(code(stranger().agent("nobody")), is(401, "invalid_secret"));

    let two = json!({ "text": "x", "conversationId": "t", "maxTurns": 1 });
    done(&a.to("b").json(&two).send(), 201);
    assert_eq!(code(b.to("a").json(&two)), is(409, "conversation_turns_exceeded"));
    let others = a.to("c").json(&two).send();
    assert_eq!(others.json()["reason"], "conversation_of_others");
    assert_eq!(others.error(), is(403, "forbidden"));
    a.send("b", "2");
    let share = a.to("b").json(&x).send();
    assert_eq!(share.json()["reason"], "sender_share");
    assert_eq!(share.error(), is(409, "inbox_full"));
    b.ack("2");
    a.send("b", "3");
    let rate = a.to("b").json(&x).send();
    assert!((1..=60).contains(&rate.header("Retry-After").parse::<u32>().unwrap()));
    assert_eq!(rate.error(), is(429, "sender_rate_exceeded"));
    c.send("b", "4");

    done(&b.call("PUT", "/blocks/c").send(), 200);
    assert_eq!(code(c.to("b").json(&x)), is(403, "blocked"));
    assert_eq!(done(&b.call("GET", "/blocks").send(), 200)["agents"], json!(["c"]));
    done(&b.call("DELETE", "/blocks/c").send(), 200);
    done(&b.call("PUT", "/allow-only").json(&json!({ "enabled": true })).send(), 200);
    assert_eq!(code(c.to("b").json(&x)), is(403, "not_allowed"));
    assert_eq!(
        done(&b.call("PUT", "/allows/c").send(), 200),
        json!({ "agentId": "c", "allowed": true })
    );
    let allows = done(&b.call("GET", "/allows").send(), 200);
    assert_eq!(allows, json!({ "agents": ["c"], "hasMore": false, "allowOnly": true }));
    c.send("b", "5");
    assert_eq!(b.waiting().0, ["3", "5"]);

    assert_eq!(code(b.call("PUT", "/allow-only")), is(400, "invalid_request"));
    assert_eq!(
        code(b.call("POST", "/ack").json(&json!({ "cursor": "9" }))),
        is(400, "invalid_request")
    );
    assert_eq!(code(b.call("GET", "/messages?limit=x")), is(400, "invalid_request"));
    assert_eq!(code(b.call("GET", "/conversations/none")), is(404, "conversation_not_found"));
    assert_eq!(code(b.call("GET", "/messages").agent("a")), is(403, "forbidden"));
    assert_eq!(code(api.post("/v1/agents/b/ack")), is(401, "missing_secret"));
}

#[test]
fn an_invitation_comes_to_the_inbox() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (a, b) = (api.register("a"), api.register("b"));
    let session = api.session();
    let body = json!({ "sessionId": session.session, "invite": "b" });
    let invite = |method: &str| api.call(method, "/v1/pair").json(&body).agent("a");
    assert_eq!(code(invite("POST")), is(401, "missing_secret"));
    assert_eq!(code(api.post("/v1/pair").json(&body)), is(400, "missing_agent_id"));
    assert_eq!(code(invite("POST").bearer("wrong")), is(401, "invalid_secret"));
    for method in ["POST", "PUT"] {
        let made = done(&invite(method).bearer(&a.secret).send(), 201);
        let page = b.poll("");
        let message = list(&page["messages"]).last().unwrap().clone();
        assert_eq!(message["id"], made["invitation"]["id"]);
        assert_eq!(message["agentId"], "a");
        assert_eq!(message["json"]["type"], "invitation");
        for field in ["url", "code", "expiresAt"] {
            assert_eq!(message["json"][field], made[field], "{field}");
        }
        assert!(string(&message["text"]).contains(made["url"].as_str().unwrap()));
        let claim = format!("/v1/pair/{}/claim", string(&message["json"]["code"]));
        done(&api.post(&claim).agent(&format!("guest-{method}")).send(), 200);
    }
    done(&b.call("PUT", "/blocks/a").send(), 200);
    assert_eq!(code(invite("PUT").bearer(&a.secret)), is(403, "blocked"));
}

#[test]
fn registrations_are_limited_for_each_client() {
    let relay = Relay::builder().configured_rate_limits().start().unwrap();
    let api = Api::new(&relay.url());
    let statuses: Vec<u16> = (0..11)
        .map(|_| api.post("/v1/agents").json(&json!({ "name": "n" })).send().status)
        .collect();
    assert_eq!(statuses[..10], [201; 10]);
    assert_eq!(statuses[10], 429);
    assert_eq!(api.get("/v1/agents").send().status, 200, "other calls go on");
}

#[test]
fn the_readme_shows_what_works() {
    let relay = relay();
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let section = readme.split("## An address").nth(1).unwrap().split("\n## ").next().unwrap();
    let script = shell_blocks(section).concat().replace("http://localhost:8787", &relay.url());
    let script =
        format!("set -e\n{}", script.replace("curl -sS", "echo; curl -sS --fail-with-body"));
    let run = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let answers = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{answers}");
    let last: Vec<Value> =
        answers.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(last.last().unwrap(), &json!({ "cursor": "1", "waiting": 0 }), "{answers}");
}
