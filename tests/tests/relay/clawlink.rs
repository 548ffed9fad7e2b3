//! ClawLink's calls, spoken by hand.

use crate::clawlink_client::{ClawLink, refused};
use nexus_tests::{Api, list, relay, string};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Unix seconds of this moment, as nearly as the relay knows them.
fn is_now(time: &Value) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    time.as_u64().is_some_and(|time| now.abs_diff(time) < 60)
}

/// A time as the original client shows it: the first 19 characters of a text.
fn shown(time: &Value) -> String {
    let text = time.as_str().unwrap_or_else(|| panic!("{time} is no text"));
    let shown = text.get(..19).unwrap().to_owned();
    let form: String = shown.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-00-00T00:00:00");
    assert!(text.ends_with('Z'), "{text}");
    shown
}

#[test]
fn agents_register_and_are_discovered() {
    let relay = relay();
    let claw = ClawLink::new(&relay, &json!({}));
    let body = json!({ "agent_id": "ann", "name": "Ann", "capabilities": ["translate"], "machine": "lab", "description": "d" });
    let registered = claw.done("/register", &body);
    assert_eq!(registered["status"], "registered");
    let ann = &registered["agent"];
    assert!(is_now(&ann["last_heartbeat"]), "{ann}");
    assert!(shown(&ann["registered_at"]) <= shown(&registered["server_time"]));
    let expected = json!({
        "agent_id": "ann", "name": "Ann", "capabilities": ["translate"], "machine": "lab", "description": "d",
        "registered_at": ann["registered_at"], "last_heartbeat": ann["last_heartbeat"], "status": "online",
    });
    assert_eq!(*ann, expected);
    // The same again refreshes it, and one without an id is given one.
    let again = claw
        .done("/register", &json!({ "agent_id": "ann", "name": "Ann", "capabilities": ["write"] }));
    assert_eq!(
        (&again["agent"]["capabilities"], &again["agent"]["machine"]),
        (&json!(["write"]), &json!("lab"))
    );
    assert_eq!(again["agent"]["registered_at"], ann["registered_at"]);
    let made = claw.done("/register", &json!({ "name": "Nameless", "capabilities": [] }));
    let made = string(&made["agent"]["agent_id"]);

    let found = claw.get("/discover").json();
    let mut ids: Vec<String> =
        list(&found["agents"]).iter().map(|agent| string(&agent["agent_id"])).collect();
    ids.sort();
    let mut expected = ["ann".to_owned(), made];
    expected.sort();
    assert_eq!((ids.as_slice(), &found["count"]), (expected.as_slice(), &json!(2)));
    shown(&found["server_time"]);

    assert_eq!(claw.done("/heartbeat", &json!({ "agent_id": "ann" })), json!({ "status": "ok" }));
    for unknown in ["ben", &"x".repeat(128)] {
        let answer = claw.done("/heartbeat", &json!({ "agent_id": unknown }));
        assert_eq!(answer, json!({ "status": "unknown_agent" }));
    }
    for body in [
        json!({ "name": 1 }),
        json!({ "capabilities": "c" }),
        json!({ "agent_id": "a b", "name": "n", "capabilities": [] }),
        json!({ "agent_id": "system", "name": "n", "capabilities": [] }),
    ] {
        refused(&claw.post("/register", &body), 400);
    }
    refused(&claw.post("/heartbeat", &json!({})), 400);
    let small = ClawLink::new(&relay, &json!({ "maxAgents": 1 }));
    small.register("ann");
    small.register("ann");
    refused(&small.post("/register", &json!({ "name": "n", "capabilities": [] })), 409);
}

#[test]
fn an_agent_that_tells_nothing_gets_a_name_and_keeps_the_one_that_it_gave() {
    let relay = relay();
    let claw = ClawLink::new(&relay, &json!({}));
    let made = claw.done("/register", &json!({}))["agent"].clone();
    let id = string(&made["agent_id"]);
    assert_eq!(made["name"], format!("agent-{}", id.get(..4).unwrap()));
    assert_eq!(made["capabilities"], json!([]));
    let short = claw.done("/register", &json!({ "agent_id": "ann" }));
    assert_eq!(short["agent"]["name"], "agent-ann");
    claw.done("/register", &json!({ "agent_id": "ann", "name": "Ann", "capabilities": ["c"] }));
    let again = claw.done("/register", &json!({ "agent_id": "ann" }))["agent"].clone();
    assert_eq!((&again["name"], &again["capabilities"]), (&json!("Ann"), &json!(["c"])));
}

#[test]
fn the_base_says_what_it_is() {
    let relay = relay();
    let claw = ClawLink::new(&relay, &json!({}));
    claw.register("ann");
    claw.say("ann", "x");
    claw.done("/files", &json!({ "file_key": "f", "content": "x", "agent_id": "ann" }));
    for path in ["", "/"] {
        let info = claw.get(path).json();
        assert!(info["service"].is_string() && info["version"].is_string(), "{info}");
        assert_eq!(
            (
                &info["auth_required"],
                &info["agents_online"],
                &info["total_broadcasts"],
                &info["shared_files"]
            ),
            (&json!(false), &json!(1), &json!(1), &json!(1))
        );
        assert_eq!(info["endpoints"].as_object().unwrap().len(), 12);
        assert_eq!(info["endpoints"]["poll"], "GET /poll/:agent_id");
        assert!(info["note"].is_string());
        shown(&info["server_time"]);
    }
}

#[test]
fn tasks_are_given_and_answered_over_polls() {
    let relay = relay();
    let claw = ClawLink::new(&relay, &json!({}));
    for id in ["ann", "ben", "eve"] {
        claw.register(id);
    }
    let body = json!({ "from_agent": "ann", "to_agent": "ben", "task": "Translate", "context": { "n": 1 }, "priority": "urgent" });
    let given = claw.done("/delegate", &body);
    assert_eq!((&given["status"], &given["delivery"]), (&json!("delegated"), &json!("queued")));
    let id = &given["message_id"];
    let polled = claw.poll("ben");
    shown(&polled[0]["timestamp"]);
    assert_eq!(
        polled,
        [
            json!({ "type": "task_delegation", "message_id": id, "from_agent": "ann", "to_agent": "ben", "task": "Translate",
            "context": { "n": 1 }, "priority": "urgent", "timestamp": polled[0]["timestamp"] })
        ]
    );
    claw.delegate("ann", "ben", "without a context");
    assert_eq!(claw.poll("ben")[0]["context"], json!({}));
    assert!(
        claw.poll("ben").is_empty() && claw.poll("ann").is_empty() && claw.poll("eve").is_empty()
    );

    let answer = |from: &str, to: &str, fields: Value| {
        let mut body =
            json!({ "from_agent": from, "to_agent": to, "message_id": id, "result": "r" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        claw.post("/respond", &body)
    };
    refused(&answer("eve", "ann", json!({})), 403);
    refused(&answer("ann", "ben", json!({})), 403);
    refused(&answer("ben", "eve", json!({})), 400);
    refused(&answer("nobody", "ann", json!({})), 404);
    refused(&answer("ben", "ann", json!({ "message_id": "unknown" })), 404);
    refused(&answer("ben", "ann", json!({ "status": "declined" })), 400);
    refused(&answer("ben", "ann", json!({ "result": null })), 400);
    assert!(claw.poll("ann").is_empty(), "what is refused is told to nobody");
    let sent = answer("ben", "ann", json!({ "status": "in_progress", "result": "half" }));
    assert_eq!(sent.json(), json!({ "status": "response_sent", "delivery": "queued" }));
    assert_eq!(answer("ben", "ann", json!({ "result": { "words": 3 } })).status, 200);
    refused(&answer("ben", "ann", json!({})), 409);
    let polled = claw.poll("ann");
    let fields =
        |name: &str| polled.iter().map(|message| message[name].clone()).collect::<Vec<_>>();
    assert_eq!(fields("type"), ["task_response", "task_response"]);
    assert_eq!(fields("message_id"), [id.clone(), id.clone()]);
    assert_eq!(fields("status"), ["in_progress", "completed"]);
    assert_eq!(fields("result"), [json!("half"), json!({ "words": 3 })]);
    assert_eq!((&polled[1]["from_agent"], &polled[1]["to_agent"]), (&json!("ben"), &json!("ann")));
    assert_ne!(polled[0]["response_id"], polled[1]["response_id"]);
    assert!(
        claw.poll("ann").is_empty() && claw.poll("ben").is_empty() && claw.poll("eve").is_empty()
    );
}

#[test]
fn incomplete_large_and_misdirected_tasks_are_refused() {
    let relay = relay();
    let claw = ClawLink::new(&relay, &json!({}));
    claw.register("ann");
    claw.register("ben");
    for missing in ["from_agent", "to_agent", "task"] {
        let mut body = json!({ "from_agent": "ann", "to_agent": "ben", "task": "Translate" });
        body.as_object_mut().unwrap().remove(missing);
        refused(&claw.post("/delegate", &body), 400);
    }
    refused(
        &claw.post("/delegate", &json!({ "from_agent": "ann", "to_agent": "nobody", "task": "t" })),
        404,
    );
    refused(
        &claw.post("/delegate", &json!({ "from_agent": "nobody", "to_agent": "ann", "task": "t" })),
        404,
    );
    let long = json!({ "from_agent": "ann", "to_agent": "ben", "task": "x".repeat(65_537) });
    refused(&claw.post("/delegate", &long), 413);
}

#[test]
fn broadcasts_reach_everyone_else_once() {
    let relay = relay();
    let claw = ClawLink::new(&relay, &json!({}));
    for id in ["ann", "ben", "eve"] {
        claw.register(id);
    }
    let sent = claw.say("ann", "plain");
    assert_eq!((&sent["status"], &sent["recipients"]), (&json!("broadcast_sent"), &json!(2)));
    let tagged = json!({ "from_agent": "ann", "content": "tagged", "topic": "build status", "tags": ["red"] });
    claw.done("/broadcast", &tagged);
    for id in ["ben", "eve"] {
        let polled = claw.poll(id);
        let plain = json!({ "type": "knowledge_broadcast", "message_id": sent["message_id"], "from_agent": "ann", "content": "plain",
            "topic": "general", "tags": [], "timestamp": polled[0]["timestamp"] });
        assert_eq!(polled[0], plain);
        assert_eq!(
            (&polled[1]["content"], &polled[1]["topic"], &polled[1]["tags"]),
            (&json!("tagged"), &json!("build status"), &json!(["red"]))
        );
        assert_eq!((polled.len(), claw.poll(id).len()), (2, 0));
    }
    claw.done("/broadcast", &json!({ "from_agent": "ann", "content": { "build": ["red", 1.5] } }));
    assert_eq!(claw.poll("ben")[0]["content"], json!({ "build": ["red", 1.5] }));
    assert!(claw.poll("ann").is_empty(), "not its own");
    claw.register("late");
    assert!(claw.poll("late").is_empty(), "only since it came");
    refused(&claw.post("/broadcast", &json!({ "from_agent": "ann" })), 400);
    refused(&claw.post("/broadcast", &json!({ "content": "x" })), 400);
    refused(&claw.post("/broadcast", &json!({ "from_agent": "nobody", "content": "x" })), 404);
    refused(
        &claw.post("/broadcast", &json!({ "from_agent": "ann", "content": "x".repeat(65_537) })),
        413,
    );
    refused(&claw.get("/poll/nobody"), 404);
}

#[test]
fn files_are_shared_with_their_types_and_versions() {
    let relay = relay();
    let claw = ClawLink::new(&relay, &json!({}));
    claw.register("ann");
    claw.register("ben");
    let save = |key: &str, content: &str, rest: Value| {
        let mut body = json!({ "file_key": key, "content": content, "agent_id": "ann" });
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        claw.post("/files", &body)
    };
    assert_eq!(
        save("docs/plan", "one", json!({})).json(),
        json!({ "status": "saved", "version": 1 })
    );
    assert_eq!(save("docs/plan", "zwei ü", json!({})).json()["version"], 2);
    assert_eq!(save("notes", "# n", json!({ "file_type": "markdown" })).status, 200);
    assert_eq!(save("bytes", "/wA=", json!({ "file_type": "base64" })).status, 200);
    let plan = claw.get("/files/docs/plan").json();
    shown(&plan["updated_at"]);
    let expected = json!({ "file_key": "docs/plan", "content": "zwei ü", "file_type": "text", "last_editor": "ann", "version": 2,
        "updated_at": plan["updated_at"] });
    assert_eq!(plan, expected);
    assert_eq!(claw.get("/files/notes").json()["file_type"], "markdown");
    let bytes = claw.get("/files/bytes").json();
    assert_eq!((&bytes["content"], &bytes["file_type"]), (&json!("/wA="), &json!("base64")));
    let files = claw.get("/files").json();
    let keys: Vec<&Value> = list(&files["files"]).iter().map(|file| &file["file_key"]).collect();
    assert_eq!(
        (keys, &files["count"]),
        (vec![&json!("bytes"), &json!("docs/plan"), &json!("notes")], &json!(3))
    );
    assert!(
        list(&files["files"])
            .iter()
            .all(|file| file.get("content").is_none() && file["version"].is_u64())
    );
    // As the original client lists them.
    let lines: Vec<String> = list(&files["files"])
        .iter()
        .map(|file| {
            format!(
                "{} v{} {}",
                string(&file["file_key"]),
                file["version"],
                shown(&file["updated_at"])
            )
        })
        .collect();
    assert!(lines[1].starts_with("docs/plan v2 2"), "{lines:?}");
    let polled = claw.poll("ben");
    assert_eq!(polled.len(), 4);
    let updated = json!({ "type": "file_updated", "file_key": "docs/plan", "version": 2, "last_editor": "ann",
        "timestamp": polled[1]["timestamp"] });
    assert_eq!(polled[1], updated);

    refused(&claw.get("/files/nope"), 404);
    refused(&save("../up", "x", json!({})), 400);
    refused(&save("f", "no base64!", json!({ "file_type": "base64" })), 400);
    refused(&save("f", "x", json!({ "agent_id": "nobody" })), 404);
    refused(&claw.post("/files", &json!({ "file_key": "f", "agent_id": "ann" })), 400);
    refused(&save("f", &"x".repeat(1_048_577), json!({})), 413);
    // As long as may be, and every byte as an escape.
    assert_eq!(save("f", &"\u{1}".repeat(1_048_576), json!({})).status, 200);
}

#[test]
fn a_session_that_is_not_there_is_not_found() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for session in ["0".repeat(48), "nope".to_owned()] {
        let claw = ClawLink { api: api.clone(), session, token: None, key: None };
        for path in ["", "/discover", "/poll/a", "/files", "/files/f"] {
            refused(&claw.get(path), 404);
        }
        for path in ["/register", "/heartbeat", "/delegate", "/respond", "/broadcast", "/files"] {
            refused(&claw.post(path, &json!({ "agent_id": "a" })), 404);
        }
        assert_eq!(claw.try_socket("a").err(), Some(Some(404)));
    }
    let claw = ClawLink::new(&relay, &json!({}));
    assert_eq!(claw.get("/nope").status, 404);
    assert_eq!(claw.get("/register").status, 405);
    refused(&claw.get("/ws/a"), 404);
    claw.register("a");
    refused(&claw.get("/ws/a"), 400);
}
