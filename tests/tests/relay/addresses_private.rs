//! Nobody reads or changes what is another agent's.

use nexus_tests::{Api, agents::Resident, relay, string};
use serde_json::{Value, json};

/// The calls of an agent below its path, with a body where they read one.
fn own_calls() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("PATCH", "", json!({ "name": "stolen", "listed": true })),
        ("POST", "/secret", json!({ "secret": "the-thief-chose-this" })),
        ("GET", "/messages", json!(null)),
        ("GET", "/messages?after=0&wait=1", json!(null)),
        ("GET", "/events", json!(null)),
        ("POST", "/ack", json!({ "cursor": "1" })),
        ("GET", "/blocks", json!(null)),
        ("PUT", "/blocks/friend", json!(null)),
        ("DELETE", "/blocks/foe", json!(null)),
        ("GET", "/allows", json!(null)),
        ("PUT", "/allows/foe", json!(null)),
        ("DELETE", "/allows/friend", json!(null)),
        ("PUT", "/allow-only", json!({ "enabled": true })),
        ("GET", "/conversations/t", json!(null)),
        ("GET", "/conversations/t?with=friend", json!(null)),
        ("POST", "/conversations/t/end", json!(null)),
        ("DELETE", "", json!(null)),
    ]
}

/// Everything that can be seen of an agent with its secret.
fn all_of(agent: &Resident) -> Vec<Value> {
    let paths = ["/messages?after=0", "/messages", "/blocks", "/allows", "/conversations/t"];
    let own = paths.iter().map(|path| {
        let mut seen = agent.call("GET", path).send().json();
        // Of a conversation in which a message waits, that is always now.
        seen["lastActivityAt"].take();
        seen
    });
    let card = agent.api.get(&format!("/v1/agents/{}", agent.id)).send().json()["card"].clone();
    own.chain([card]).collect()
}

#[test]
fn no_call_reads_or_changes_what_is_another_agents() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let names = ["victim", "friend", "foe", "thief"];
    let [victim, friend, foe, thief] = names.map(|id| api.register(id));
    let send = |from: &Resident, to: &Resident| {
        let body = json!({ "text": "a secret message", "conversationId": "t" });
        let answer = from.to(&to.id).json(&body).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        string(&answer.json()["id"])
    };
    let message = send(&friend, &victim);
    send(&victim, &friend);
    for (method, path) in [("PUT", "/blocks/foe"), ("PUT", "/allows/friend")] {
        assert_eq!(victim.call(method, path).send().status, 200);
    }
    let before = all_of(&victim);

    let wrong = "nxs_wrong".to_owned();
    for (method, path, body) in own_calls() {
        let whole = format!("/v1/agents/victim{path}");
        let call = || {
            let call = api.call(method, &whole);
            if body.is_null() { call } else { call.json(&body) }
        };
        // The thief has a secret of its own, and tries every way to say who it is.
        for (name, call, status) in [
            ("nothing", call(), 401),
            ("a name", call().agent("victim"), 401),
            ("a wrong secret", call().bearer(&wrong), 401),
            ("its own secret", call().bearer(&thief.secret), 401),
            ("its own secret and the name", call().bearer(&thief.secret).agent("victim"), 401),
            ("itself", call().bearer(&thief.secret).agent("thief"), 403),
            ("another scheme", call().header("Authorization", b"Basic dGhpZWY6eA=="), 401),
        ] {
            let answer = call.send();
            assert_eq!(answer.status, status, "{method} {path} with {name}: {}", answer.text());
            assert!(!answer.text().contains("a secret message"));
        }
    }
    let bearer = format!("Bearer {}", thief.secret);
    let socket = |headers: &[(&'static str, &str)]| {
        nexus_tests::live::Socket::open(api.base(), "/v1/agents/victim/ws", headers).err()
    };
    assert_eq!(socket(&[]), Some(Some(401)));
    assert_eq!(socket(&[("Authorization", &bearer)]), Some(Some(401)));

    // About a message, and in the name of another.
    let status = format!("/v1/agents/victim/messages/{message}");
    let look = |agent: &str, secret: &str| api.get(&status).agent(agent).bearer(secret).send();
    assert_eq!(look("thief", &thief.secret).error(), (404, "message_not_found".to_owned()));
    assert_eq!(look("foe", &foe.secret).error(), (404, "message_not_found".to_owned()));
    assert_eq!(look("friend", &thief.secret).error(), (401, "invalid_secret".to_owned()));
    assert_eq!(look("friend", &friend.secret).status, 200);
    let forged = api.post("/v1/agents/victim/messages").agent("friend").bearer(&thief.secret);
    assert_eq!(forged.json(&json!({ "text": "x" })).send().status, 401);

    // The thief knows the id of the conversation: it gets one of its own.
    let known = thief.call("GET", "/conversations/t?with=victim").send();
    assert_eq!(known.error(), (404, "conversation_not_found".to_owned()));
    assert_eq!(all_of(&victim), before, "nothing has changed");
    send(&thief, &victim);
    let own = thief.call("GET", "/conversations/t").send().json();
    assert_eq!(
        (own["turns"].as_u64(), own["messages"].as_array().map(Vec::len)),
        (Some(1), Some(1))
    );
    assert_eq!(thief.call("POST", "/conversations/t/end").send().status, 200);
    let shown = victim.call("GET", "/conversations/t").send().json();
    assert_eq!((&shown["state"], &shown["with"]), (&json!("active"), &json!("friend")));
}

#[test]
fn internal_calls_cannot_be_made_from_outside() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for name in ["deliver", "facts", "end", "register", "send-from", "notice", "describe"] {
        for path in [format!("/internal/{name}"), format!("/v1/agents/b/internal/{name}")] {
            assert_eq!(api.post(&path).json(&json!({})).send().status, 404, "{path}");
        }
    }
}

#[test]
fn what_does_not_exist_writes_nothing() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = nexus_tests::Relay::builder().state_dir(state.path()).start().unwrap();
    let api = Api::new(&relay.url());
    let nobody = Resident { api: api.clone(), id: "victim".to_owned(), secret: "nxs_x".to_owned() };
    for (method, path, body) in own_calls() {
        let call = nobody.call(method, path);
        let call = if body.is_null() { call } else { call.json(&body) };
        assert_eq!(call.send().error(), (404, "agent_not_found".to_owned()), "{method} {path}");
    }
    let sent = nobody.to("b").json(&json!({ "text": "x" })).send();
    assert_eq!(sent.error(), (401, "invalid_secret".to_owned()));
    assert_eq!(api.get("/v1/agents/b").send().status, 404);
    assert_eq!(api.get("/v1/agents").send().status, 200);
    assert_eq!(api.post("/v1/agents").json(&json!({ "agentId": "b" })).send().status, 400);
    relay.kill();
    assert_eq!(super::storage::tables(state.path()), Vec::<String>::new());
}
