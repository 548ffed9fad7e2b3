//! Sessions in which clients of ClawLink and members that joined by a link work together.

use crate::clawlink_client::{ClawLink, refused};
use nexus_tests::{Api, Member, Relay, list, relay, string};
use serde_json::{Value, json};

/// A session with two agents: `pair` joined by a link, and `ann` over ClawLink.
fn pair_and_ann(relay: &Relay) -> (Member, ClawLink) {
    let api = Api::new(&relay.url());
    let a = api.session();
    let claim = api.post(&format!("/v1/pair/{}/claim", api.pair(&a.session))).agent("pair").send();
    let pair =
        Member { agent: "pair".into(), key: string(&claim.json()["sessionKey"]), ..a.clone() };
    let claw = ClawLink { api, session: a.session.clone(), token: None, key: None };
    claw.register("ann");
    (pair, claw)
}

#[test]
fn members_by_link_and_members_by_clawlink_see_each_other_and_exchange_messages() {
    let relay = relay();
    let (pair, claw) = pair_and_ann(&relay);
    let found = claw.get("/discover").json();
    let agent = |id: &str| {
        list(&found["agents"]).iter().find(|agent| agent["agent_id"] == id).cloned().unwrap()
    };
    assert_eq!(
        (&agent("pair")["name"], &agent("pair")["capabilities"]),
        (&json!("pair"), &json!([]))
    );
    let members = pair.call("GET", "/agents?capability=c").send().json();
    assert_eq!(
        (&members["agents"][0]["agentId"], &members["agents"][0]["name"]),
        (&json!("ann"), &json!("ann by name"))
    );

    // Messages, both ways.
    pair.send("hello from a link");
    pair.call("POST", "/messages").json(&json!({ "json": { "n": 1 }, "to": "ann" })).send();
    let polled = claw.poll("ann");
    assert_eq!(
        (&polled[0]["from_agent"], &polled[0]["content"]),
        (&json!("pair"), &json!("hello from a link"))
    );
    assert_eq!(
        (&polled[0]["topic"], &polled[1]["content"]),
        (&json!("general"), &json!({ "n": 1 }))
    );
    claw.say("ann", "hello from ClawLink");
    let read = pair.poll("");
    let message = list(&read["messages"]).last().unwrap();
    assert_eq!(
        (&message["agentId"], &message["text"], &message["topic"]),
        (&json!("ann"), &json!("hello from ClawLink"), &json!("general"))
    );
}

#[test]
fn members_by_link_and_members_by_clawlink_give_each_other_tasks() {
    let relay = relay();
    let (pair, claw) = pair_and_ann(&relay);
    let task = pair
        .call("POST", "/tasks")
        .json(&json!({ "to": "ann", "task": "t", "context": [1] }))
        .send()
        .json();
    let polled = claw.poll("ann");
    assert_eq!(
        (&polled[0]["type"], &polled[0]["message_id"], &polled[0]["context"]),
        (&json!("task_delegation"), &task["id"], &json!([1]))
    );
    claw.done(
        "/respond",
        &json!({ "from_agent": "ann", "to_agent": "pair", "message_id": task["id"], "result": 7 }),
    );
    let path = format!("/tasks/{}", string(&task["id"]));
    let ended = pair.call("GET", &path).send().json();
    assert_eq!((&ended["status"], &ended["result"]), (&json!("completed"), &json!(7)));
    let id = string(&claw.delegate("ann", "pair", "u")["message_id"]);
    let path = format!("/tasks/{id}");
    for body in [
        json!({ "status": "accepted" }),
        json!({ "status": "in_progress", "progress": 50 }),
        json!({ "status": "completed", "result": "r" }),
    ] {
        assert_eq!(pair.call("POST", &path).json(&body).send().status, 200);
    }
    let polled = claw.poll("ann");
    let seen: Vec<&Value> = polled.iter().map(|message| &message["status"]).collect();
    assert_eq!(seen, ["accepted", "in_progress", "completed"]);
    assert_eq!((&polled[1]["progress"], &polled[2]["result"]), (&json!(50), &json!("r")));
    // To its first assignee, a reassigned task looks cancelled.
    let task = pair.call("POST", "/tasks").json(&json!({ "to": "ann", "task": "v" })).send().json();
    let path = format!("/tasks/{}", string(&task["id"]));
    pair.call("POST", &path).json(&json!({ "to": "a" })).send();
    let polled = claw.poll("ann");
    assert_eq!(
        (&polled[0]["type"], &polled[1]["status"]),
        (&json!("task_delegation"), &json!("cancelled"))
    );
}

#[test]
fn members_by_link_and_members_by_clawlink_share_files() {
    let relay = relay();
    let pair = Api::new(&relay.url()).session();
    let (api, session) = (pair.api.clone(), pair.session.clone());
    let claw = ClawLink { api, session, token: None, key: None };
    claw.register("ann");
    claw.done("/files", &json!({ "file_key": "docs/a b.md", "content": "ü", "agent_id": "ann" }));
    let file = pair.call("GET", "/files/docs/a%20b.md").send();
    assert_eq!(
        (file.text().as_str(), file.header("Content-Type")),
        ("ü", "text/plain; charset=utf-8")
    );
    pair.call("PUT", "/files/docs/a%20b.md")
        .header("Content-Type", b"text/markdown")
        .body(b"new")
        .send();
    pair.call("PUT", "/files/picture").header("Content-Type", b"image/png").body(&[0xff, 0]).send();
    let file = claw.get("/files/docs/a%20b.md").json();
    assert_eq!(
        (&file["content"], &file["version"], &file["last_editor"]),
        (&json!("new"), &json!(2), &json!("a"))
    );
    assert_eq!(file["file_type"], "text/markdown");
    let picture = claw.get("/files/picture").json();
    assert_eq!((&picture["content"], &picture["file_type"]), (&json!("/wA="), &json!("base64")));
    let polled = claw.poll("ann");
    let seen: Vec<&Value> = polled.iter().map(|message| &message["type"]).collect();
    assert_eq!(seen, ["file_updated", "file_updated"]);
    pair.call("DELETE", "/files/picture").send();
    assert_eq!(claw.heard("ann"), ["a deleted picture"]);
    refused(&claw.get("/files/picture"), 404);
}
