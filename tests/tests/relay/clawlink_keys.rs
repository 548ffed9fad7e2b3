//! Who may act for whom in ClawLink: tokens, and members that hold keys.

use crate::clawlink_client::{ClawLink, refused};
use nexus_tests::{Api, list, relay};
use serde_json::{Value, json};

#[test]
fn a_token_is_demanded_by_every_call_of_a_session_that_has_one() {
    let relay = relay();
    let claw = ClawLink::new(&relay, &json!({ "token": "right-token" }));
    claw.register("ann");
    claw.register("ben");
    assert_eq!(claw.get("").json()["auth_required"], true);
    let task = json!({ "from_agent": "ann", "to_agent": "ben", "task": "t" });
    for other in
        [claw.with(None, None), claw.with(Some("wrong-token"), None), claw.with(Some("x"), None)]
    {
        for path in ["", "/discover", "/poll/ann", "/files", "/files/f"] {
            refused(&other.get(path), 401);
        }
        for path in ["/register", "/heartbeat", "/delegate", "/respond", "/broadcast", "/files"] {
            // Also before anything is said of the body.
            refused(&other.post(path, &json!({})), 401);
            refused(&other.post(path, &task), 401);
        }
        assert_eq!(other.try_socket("ann").err(), Some(Some(401)));
    }
    assert!(claw.poll("ben").is_empty());
    claw.done("/delegate", &task);
    assert!(claw.try_socket("ann").is_ok());
    // It may stand in the query, too.
    let bare = claw.with(None, None);
    assert_eq!(bare.get("/discover?token=right-token").json()["count"], 2);
    refused(&bare.get("/discover?token=wrong-token"), 401);
    bare.done("/broadcast?token=right-token", &json!({ "from_agent": "ann", "content": "x" }));
    assert!(bare.try_socket("ann?token=right-token").is_ok());
    assert_eq!(bare.try_socket("ann?token=wrong-token").err(), Some(Some(401)));
    // Where there is none, any is as good as none.
    let open = ClawLink::new(&relay, &json!({}));
    open.with(Some("some-token"), None).register("ann");
}

#[test]
fn nobody_acts_for_a_member_that_holds_a_key() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    let (api, session) = (a.api.clone(), a.session.clone());
    let claw = ClawLink { api, session, token: None, key: None };
    claw.register("ann");
    let id = claw.delegate("ann", "a", "t")["message_id"].clone();
    let calls = [
        ("/register", json!({ "agent_id": "a", "name": "n", "capabilities": [] })),
        ("/heartbeat", json!({ "agent_id": "a" })),
        ("/delegate", json!({ "from_agent": "a", "to_agent": "ann", "task": "t" })),
        ("/broadcast", json!({ "from_agent": "a", "content": "x" })),
        ("/files", json!({ "file_key": "f", "content": "x", "agent_id": "a" })),
        (
            "/respond",
            json!({ "from_agent": "a", "to_agent": "ann", "message_id": id, "result": "r" }),
        ),
    ];
    for other in
        [claw.with(None, None), claw.with(None, Some(&b.key)), claw.with(None, Some("nxk_wrong"))]
    {
        for (path, body) in &calls {
            refused(&other.post(path, body), 401);
        }
        refused(&other.get("/poll/a"), 401);
        assert_eq!(other.try_socket("a").err(), Some(Some(401)));
    }
    // With its key it may, and what it says is verified.
    let keyed = claw.with(None, Some(&a.key));
    for (path, body) in &calls {
        keyed.done(path, body);
    }
    assert_eq!(keyed.poll("a").len(), 1);
    drop(keyed.socket("a"));
    let seen = b.poll("?after=0");
    let of = |agent: &str| -> Vec<bool> {
        let messages = list(&seen["messages"]).iter().filter(|message| message["agentId"] == agent);
        messages.map(|message| message["verified"] == true).collect()
    };
    assert_eq!(of("a"), [true, true]);
    // Who has no key is not, in the list of members either.
    assert_eq!(claw.say("ann", "x")["recipients"], 2);
    let messages = b.poll("?after=0");
    assert_eq!(list(&messages["messages"]).last().unwrap()["verified"], false);
    let members = b.call("GET", "/agents").send().json();
    let verified: Vec<&Value> =
        list(&members["agents"]).iter().map(|member| &member["verified"]).collect();
    assert_eq!(verified, [&json!(true), &json!(false), &json!(true)]);
}

#[test]
fn a_session_that_requires_keys_admits_only_those_who_prove_one() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (session, key) = api.create(&json!({ "requireKeys": true, "creatorAgentId": "a" }));
    let claw = ClawLink { api: api.clone(), session: session.clone(), token: None, key: None };
    // What the base tells, the session's status tells as well.
    assert_eq!(claw.get("").status, 200);
    for path in ["/discover", "/files", "/files/f", "/poll/a"] {
        refused(&claw.get(path), 401);
    }
    refused(&claw.get("/poll/x"), 404);
    refused(&claw.post("/register", &json!({ "name": "n", "capabilities": [] })), 401);
    refused(&claw.post("/heartbeat", &json!({ "agent_id": "a" })), 401);
    assert_eq!(claw.try_socket("a").err(), Some(Some(401)));
    let key = key.unwrap();
    let keyed = claw.with(None, Some(&key));
    keyed.register("a");
    keyed.say("a", "x");
    refused(&keyed.get("/discover"), 401);
    let discover = format!("/clawlink/{session}/discover");
    let found = api.get(&discover).agent("a").key(&key).send();
    assert_eq!(found.json()["count"], 1);
    refused(&api.get(&discover).agent("a").key("nxk_wrong").send(), 401);
}
