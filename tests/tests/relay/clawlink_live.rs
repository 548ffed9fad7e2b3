//! ClawLink's socket, and that what it has brought no poll brings again.

use crate::clawlink_client::{ClawLink, content};
use nexus_tests::{
    Relay, eventually, list,
    live::{Ended, Socket},
    relay, string,
};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::{fs, path::Path, sync::Mutex, thread, time::Duration};

fn silent(socket: &mut Socket) {
    socket.patience(Duration::from_millis(300));
    assert_eq!(socket.read(), Err(Ended::Silent));
    socket.patience(Duration::from_secs(30));
}

/// How far an agent has read, by what is stored of the one session that there is.
fn stored_place(state: &Path, agent: &str) -> Option<String> {
    let mut objects = fs::read_dir(state.join("objects")).ok()?.map(Result::unwrap);
    let sessions =
        objects.find(|entry| entry.file_name().to_string_lossy().ends_with("Session"))?;
    let mut files = fs::read_dir(sessions.path()).ok()?.map(|entry| entry.unwrap().path());
    let is_object = |path: &std::path::PathBuf| {
        path.extension().is_some_and(|ending| ending == "sqlite")
            && path.file_stem().unwrap() != "metadata"
    };
    let file = files.find(is_object)?;
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    let record = database
        .query_row("SELECT record FROM log WHERE cursor = 0", [], |row| row.get::<_, String>(0));
    let state: Value = serde_json::from_str(&record.ok()?).ok()?;
    state["members"][agent]["read"].as_str().map(ToOwned::to_owned)
}

#[test]
fn a_socket_brings_every_kind_as_it_comes_and_what_waited_first() {
    let relay = relay();
    let claw = ClawLink::new(&relay, &json!({}));
    claw.register("ann");
    claw.register("ben");
    for number in 0..250 {
        claw.say("ann", &number.to_string());
    }
    let mut ben = claw.socket("ben");
    for number in 0..250 {
        assert_eq!(content(&ben.read().unwrap()), number.to_string());
    }
    let given = claw.delegate("ann", "ben", "t");
    assert_eq!(given["delivery"], "websocket");
    let task = ben.expect("task_delegation");
    assert_eq!((&task["message_id"], &task["task"]), (&given["message_id"], &json!("t")));
    let mut ann = claw.socket("ann");
    let answer = json!({ "from_agent": "ben", "to_agent": "ann", "message_id": given["message_id"], "result": 1 });
    assert_eq!(claw.done("/respond", &answer)["delivery"], "websocket");
    assert_eq!(ann.expect("task_response")["status"], "completed");
    claw.done("/files", &json!({ "file_key": "f", "content": "x", "agent_id": "ann" }));
    assert_eq!(ben.expect("file_updated")["version"], 1);
    // Who joins, in either way, is announced to both kinds, and not to itself.
    let native = nexus_tests::Member {
        api: claw.api.clone(),
        session: claw.session.clone(),
        agent: String::new(),
        key: String::new(),
    };
    let native = native.join("native");
    for socket in [&mut ann, &mut ben] {
        let joined = socket.expect("agent_joined");
        assert_eq!(
            (&joined["agent"]["agent_id"], &joined["agent"]["status"]),
            (&json!("native"), &json!("online"))
        );
    }
    let mut stream = native.socket(Some("999"));
    stream.expect("reset");
    stream.expect("ready");
    claw.register("eve");
    for socket in [&mut ann, &mut ben] {
        let joined = socket.expect("agent_joined");
        assert_eq!(joined["agent"]["name"], "eve by name");
    }
    let joined = stream.expect("event");
    assert_eq!((&joined["event"], &joined["agentId"]), (&json!("joined"), &json!("eve")));
    claw.register("eve");
    silent(&mut ann);
    silent(&mut ben);
    // No poll brings any of it, nor what was announced.
    assert!(
        claw.poll("ann").is_empty() && claw.poll("ben").is_empty() && claw.poll("eve").is_empty()
    );
}

#[test]
fn a_client_speaks_over_its_socket_and_hears_what_is_wrong() {
    let relay = relay();
    let claw = ClawLink::new(&relay, &json!({}));
    for id in ["ann", "ben"] {
        claw.register(id);
    }
    let (mut ann, mut ben) = (claw.socket("ann"), claw.socket("ben"));
    ann.send(r#"{"type":"heartbeat"}"#);
    ann.send(r#"{"type":"broadcast","content":"x","topic":"t","tags":["g"]}"#);
    let heard = ben.expect("knowledge_broadcast");
    assert_eq!(
        (&heard["from_agent"], &heard["topic"], &heard["tags"]),
        (&json!("ann"), &json!("t"), &json!(["g"]))
    );
    ann.send(
        r#"{"type":"delegate","from_agent":"ann","to_agent":"ben","task":"t","priority":"low"}"#,
    );
    assert_eq!(ben.expect("task_delegation")["priority"], "low");
    for wrong in [
        r#"{"type":"delegate","to_agent":"ben"}"#,
        r#"{"type":"delegate","to_agent":"nobody","task":"t"}"#,
        r#"{"type":"broadcast","from_agent":"ben","content":"forged"}"#,
        r#"{"type":"shout"}"#,
        "{}",
        "no JSON",
    ] {
        ann.send(wrong);
        let error = ann.expect("error");
        assert!(string(&error["error"]).len() > 20, "{error}");
    }
    ann.send("ping");
    assert_eq!(ann.read(), Ok(json!("pong")));
    silent(&mut ben);
    assert_eq!(claw.try_socket("nobody").err(), Some(Some(404)));
}

#[test]
fn a_message_comes_once_by_socket_or_by_poll_also_when_the_relay_restarts() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let claw = ClawLink::new(&relay, &json!({}));
    claw.register("ann");
    claw.register("ben");
    claw.say("ann", "polled");
    assert_eq!(claw.heard("ben"), ["polled"]);
    relay.restart().unwrap();
    assert!(claw.poll("ben").is_empty(), "what a poll brought is noted before its answer");
    claw.say("ann", "waiting");
    let mut ben = claw.socket("ben");
    assert_eq!(content(&ben.read().unwrap()), "waiting");
    claw.say("ann", "pushed");
    assert_eq!(content(&ben.read().unwrap()), "pushed");
    assert!(claw.poll("ben").is_empty(), "nor by a poll while the socket is open");
    eventually("what the socket brought is stored", || {
        stored_place(state.path(), "ben").as_deref() == Some("5")
    });
    relay.restart().unwrap();
    assert!(claw.poll("ben").is_empty());
    // One that closes is noted at once, and then what comes waits.
    let ben = claw.socket("ben");
    claw.say("ann", "last");
    drop(ben);
    eventually("the socket is gone", || claw.delegate("ann", "ben", "t")["delivery"] == "queued");
    assert!(claw.poll("ben").iter().all(|message| message["type"] == "task_delegation"));
    claw.say("ann", "after");
    let mut ben = claw.socket("ben");
    assert_eq!(content(&ben.read().unwrap()), "after");
    silent(&mut ben);
}

#[test]
fn many_readers_hear_everything_once_while_the_relay_restarts() {
    let mut relay = relay();
    let claw = ClawLink::new(&relay, &json!({ "maxAgents": 9 }));
    claw.register("ann");
    let readers = ["r0", "r1", "r2", "r3"];
    for reader in readers {
        claw.register(reader);
    }
    let said: Vec<String> = (0..120).map(|number| number.to_string()).collect();
    let heard = readers.map(|_| Mutex::new(Vec::<String>::new()));
    thread::scope(|scope| {
        for (reader, heard) in readers.iter().zip(&heard) {
            let (api, path) = (&claw.api, format!("/clawlink/{}/poll/{reader}", claw.session));
            scope.spawn(move || {
                while heard.lock().unwrap().len() < 120 {
                    eventually("a reader reads on", || {
                        let answer = api.get(&path).try_send();
                        let page = answer.filter(|answer| answer.status == 200);
                        let page = page.map(|answer| answer.json()).unwrap_or_default();
                        let new: Vec<String> =
                            list(&page["messages"]).iter().map(content).collect();
                        let is_more = !new.is_empty();
                        heard.lock().unwrap().extend(new);
                        is_more
                    });
                }
            });
        }
        for (part, texts) in (1..).zip(said.chunks(40)) {
            for text in texts {
                claw.say("ann", text);
            }
            // An answer that is lost with the relay is lost, so it is stopped when none brings anything.
            eventually("all of it is read", || {
                heard.iter().all(|heard| heard.lock().unwrap().len() >= part * 40)
            });
            relay.restart().unwrap();
        }
    });
    for texts in heard {
        assert_eq!(texts.into_inner().unwrap(), said);
    }
}

#[test]
fn an_object_sleeps_while_sockets_are_open_and_wakes_knowing_what_they_have() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let claw = ClawLink::new(&relay, &json!({}));
    claw.register("ann");
    claw.register("ben");
    let mut ben = claw.socket("ben");
    claw.say("ann", "before");
    assert_eq!(content(&ben.read().unwrap()), "before");
    let built = || -> u32 { claw.get("").header("X-Objects-Built").parse().unwrap() };
    let before = built();
    // The platform lets an object sleep after ten seconds of silence: here, after what was sent is noted.
    thread::sleep(Duration::from_secs(14));
    assert!(claw.poll("ben").is_empty());
    assert_eq!(built(), before + 1, "the object was built again");
    claw.say("ann", "after");
    assert_eq!(content(&ben.read().unwrap()), "after");
    assert!(claw.poll("ben").is_empty());
    let found = claw.get("/discover").json();
    let ids: Vec<String> =
        list(&found["agents"]).iter().map(|agent| string(&agent["agent_id"])).collect();
    assert!(ids.contains(&"ben".to_owned()));
}

#[test]
fn a_burst_over_a_socket_costs_a_row_and_a_poll_without_news_none() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let claw = ClawLink::new(&relay, &json!({}));
    claw.register("ann");
    claw.register("ben");
    let rows = || -> usize { claw.get("").header("X-Rows-Written").parse().unwrap() };
    let mut ben = claw.socket("ben");
    claw.say("ann", "first");
    ben.expect("knowledge_broadcast");
    // It and the directory are noted.
    thread::sleep(Duration::from_secs(3));
    let before = rows();
    for _ in 0..20 {
        claw.say("ann", "x");
        ben.expect("knowledge_broadcast");
    }
    thread::sleep(Duration::from_secs(3));
    let burst = rows() - before;
    // And the directory is told of the second, fourth, eighth and sixteenth: of those that come within a moment, once.
    assert!(
        (22..=26).contains(&burst),
        "20 messages, one or two notes, one to four reports: {burst}"
    );
    let before = rows();
    for _ in 0..20 {
        assert!(claw.poll("ben").is_empty());
    }
    assert_eq!(rows(), before);
}
