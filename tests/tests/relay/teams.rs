//! Teams (section 9) over the wire.

use crate::files::put;
use nexus_tests::{
    Answer, Api, Member, Relay, eventually, list,
    live::{Events, Socket},
    relay, string,
};
use serde_json::{Value, json};

/// A session of three, each with a capability.
pub(crate) fn team(api: &Api) -> [Member; 3] {
    let a = api.session();
    let joined = ["b", "c"].map(|name| {
        let profile = json!({ "name": name, "capabilities": ["translate"], "machine": "m" });
        join(&a, name, &profile)
    });
    let [b, c] = joined;
    [a, b, c]
}

fn join(first: &Member, name: &str, profile: &Value) -> Member {
    let path = format!("/v1/sessions/{}/join", first.session);
    let answer = first.api.post(&path).agent(name).json(profile).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let key = string(&answer.json()["sessionKey"]);
    Member { agent: name.to_owned(), key, ..first.clone() }
}

/// Opens a socket with this query.
fn live(by: &Member, query: &str) -> Socket {
    let path = format!("/v1/sessions/{}/ws{query}", by.session);
    let headers = [("X-Agent-Id", by.agent.as_str()), ("X-Session-Key", by.key.as_str())];
    Socket::open(by.api.base(), &path, &headers).unwrap()
}

/// The next message that comes over a socket.
fn message(socket: &mut Socket) -> Value {
    loop {
        let frame = socket.read().unwrap();
        if frame["type"] == "message" {
            return frame;
        }
    }
}

fn give(from: &Member, body: &Value) -> Value {
    let answer = from.call("POST", "/tasks").json(body).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

fn change(by: &Member, task: &Value, body: &Value) -> Answer {
    by.call("POST", &format!("/tasks/{}", string(&task["id"]))).json(body).send()
}

#[test]
fn members_say_what_they_can_do() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b, _] = team(&api);
    let agents = a.call("GET", "/agents").send().json();
    let names: Vec<_> = list(&agents["agents"]).iter().map(|m| string(&m["agentId"])).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let shown = &agents["agents"][1];
    let told = (&shown["name"], &shown["machine"], &shown["presence"], &shown["verified"]);
    assert_eq!(told, (&json!("b"), &json!("m"), &json!("online"), &json!(true)));
    let patch = |who: &Member, path: &str, body: &Value| who.call("PATCH", path).json(body).send();
    let changed = patch(&b, "/agents/b", &json!({ "capabilities": ["code review"] }));
    assert_eq!(changed.json()["capabilities"], json!(["code review"]));
    let able = |capability: &str| {
        let found = a.call("GET", &format!("/agents?capability={capability}")).send().json();
        list(&found["agents"]).len()
    };
    assert_eq!((able("translate"), able("code%20review"), able("nothing")), (1, 1, 0));
    assert_eq!(patch(&a, "/agents/b", &json!({})).error(), (403, "forbidden".to_owned()));
    let keyless =
        api.call("PATCH", &format!("/v1/sessions/{}/agents/b", b.session)).agent("b").send();
    assert_eq!(keyless.error(), (401, "missing_session_key".to_owned()));
    let wrong = patch(&b, "/agents/b", &json!({ "capabilities": "x", "name": "" }));
    assert_eq!(list(&wrong.json()["details"]).len(), 2);
    // A poll with members shows the same, a claim and a creator bring a profile, too.
    let member = &a.poll("?members=true")["members"][1];
    assert_eq!(member["capabilities"], json!(["code review"]));
    let code = api.pair(&a.session);
    let claim = api.post(&format!("/v1/pair/{code}/claim")).agent("d");
    assert_eq!(claim.json(&json!({ "name": "Dora", "capabilities": ["dig"] })).send().status, 200);
    assert_eq!(able("dig"), 1);
    let (session, key) = api.create(&json!({ "creatorAgentId": "x", "name": "Xenia" }));
    let x = Member { api: api.clone(), session, agent: "x".to_owned(), key: key.unwrap() };
    assert_eq!(x.call("GET", "/agents").send().json()["agents"][0]["name"], "Xenia");
}

#[test]
fn a_token_lets_in_and_lengthens_the_life() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let month = 2_592_000;
    let long = api.put("/v1/sessions").json(&json!({ "ttl": month })).send();
    assert_eq!(long.error(), (400, "invalid_request".to_owned()));
    let body = json!({ "ttl": month, "token": "let-me-in", "creatorAgentId": "a" });
    let (session, key) = api.create(&body);
    let a = Member { api: api.clone(), session, agent: "a".to_owned(), key: key.unwrap() };
    let path = format!("/v1/sessions/{}", a.session);
    assert_eq!(api.get(&path).send().json()["tokenRequired"], true);
    let join = |token: &str| {
        api.post(&format!("{path}/join"))
            .agent("b")
            .header("Authorization", token.as_bytes())
            .send()
    };
    let unsaid = api.post(&format!("{path}/join")).agent("b").send();
    assert_eq!(unsaid.error(), (401, "missing_token".to_owned()));
    assert_eq!(join("Bearer let-me-out").error(), (401, "invalid_token".to_owned()));
    assert_eq!(api.get(&path).send().json()["agents"], json!([]), "to one who knows only the id");
    let told = api.get(&path).header("Authorization", b"Bearer let-me-in").send().json();
    assert_eq!(told["agents"], json!(["a"]));
    let joined = join("Bearer let-me-in");
    assert_eq!(joined.status, 200);
    // Coming back needs the key only.
    let back = api.post(&format!("{path}/join")).agent("b");
    assert_eq!(back.key(&string(&joined.json()["sessionKey"])).send().status, 200);
    // A link is for those who may give one, and lets in by itself.
    let body = json!({ "sessionId": a.session });
    assert_eq!(api.put("/v1/pair").json(&body).send().error(), (401, "missing_token".to_owned()));
    let other = string(&joined.json()["sessionKey"]);
    let stolen = api.put("/v1/pair").agent("a").key(&other).json(&body).send();
    assert_eq!(stolen.error(), (401, "missing_token".to_owned()));
    let by_token = api.put("/v1/pair").header("Authorization", b"Bearer let-me-in");
    assert_eq!(by_token.json(&body).send().status, 201);
    let code = a.pair();
    assert_eq!(api.post(&format!("/v1/pair/{code}/claim")).agent("c").send().status, 200);
    // Renewing keeps to what the session may have.
    assert_eq!(a.call("POST", "/renew").json(&json!({ "ttl": month })).send().status, 200);
    let plain = api.session();
    let renewed = plain.call("POST", "/renew").json(&json!({ "ttl": month })).send();
    assert_eq!(renewed.error(), (400, "invalid_request".to_owned()));
}

#[test]
fn a_task_is_given_done_and_told() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b, c] = team(&api);
    let mut socket = live(&b, "?after=0");
    let task =
        give(&a, &json!({ "to": "b", "task": "t", "context": { "n": 1 }, "priority": "high" }));
    assert_eq!((&task["status"], &task["assignee"]), (&json!("pending"), &json!("b")));
    // Live, and by a poll.
    let pushed = message(&mut socket);
    assert_eq!((&pushed["kind"], &pushed["json"]["event"]), (&json!("task"), &json!("assigned")));
    assert_eq!(pushed["json"]["task"], task);
    let illegal = change(&b, &task, &json!({ "status": "completed" }));
    assert_eq!(illegal.json()["state"], "pending");
    assert_eq!(illegal.error(), (409, "illegal_transition".to_owned()));
    let steps = [
        json!({ "status": "accepted" }),
        json!({ "status": "in_progress", "progress": 50 }),
        json!({ "status": "completed", "result": ["done"] }),
    ];
    for step in &steps {
        assert_eq!(change(&a, &task, step).error(), (403, "forbidden".to_owned()));
        let answer = change(&b, &task, step);
        assert_eq!((answer.status, &answer.json()["status"]), (200, &step["status"]));
    }
    let told = a.poll("");
    let states: Vec<_> =
        list(&told["messages"]).iter().map(|m| string(&m["json"]["task"]["status"])).collect();
    assert_eq!(states, ["pending", "accepted", "in_progress", "completed"]);
    assert_eq!(list(&c.poll("")["messages"]).len(), 0);
    let board = c.call("GET", "/tasks?assignee=b&status=completed&from=a").send().json();
    assert_eq!(board["tasks"][0]["result"], json!(["done"]));
    let one = c.call("GET", &format!("/tasks/{}", string(&task["id"]))).send().json();
    assert_eq!(one, board["tasks"][0]);
    let missing = c.call("GET", "/tasks/0000000000000000-1").send();
    assert_eq!(missing.error(), (404, "task_not_found".to_owned()));
    // By capability: to one of the two who have it.
    let first = give(&a, &json!({ "capability": "translate", "task": "t" }));
    let second = give(&a, &json!({ "capability": "translate", "task": "t" }));
    assert_eq!((&first["assignee"], &second["assignee"]), (&json!("b"), &json!("c")));
    let nobody = a.call("POST", "/tasks").json(&json!({ "capability": "fly", "task": "t" })).send();
    assert_eq!(nobody.error(), (409, "no_agent_available".to_owned()));
    // Repeated, it is one task.
    let again = || {
        let call = a.call("POST", "/tasks").idempotency_key("k");
        call.json(&json!({ "to": "c", "task": "once" })).send().json()["id"].clone()
    };
    assert_eq!(again(), again());
    // One who leaves gives back what it had.
    assert_eq!(c.call("DELETE", "/agents/c").send().status, 200);
    let back = a.call("GET", "/tasks?assignee=a&status=pending").send().json();
    assert_eq!(list(&back["tasks"]).len(), 2);
    let last = a.poll("?after=0&limit=500");
    let last = list(&last["messages"]).last().unwrap().clone();
    assert_eq!((&last["agentId"], &last["json"]["event"]), (&json!("system"), &json!("returned")));
    let handed = change(&a, &back["tasks"][0], &json!({ "to": "b" }));
    assert_eq!((handed.status, &handed.json()["assignee"]), (200, &json!("b")));
}

#[test]
fn a_deadline_that_passes_is_told_without_anyone_asking() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b, _] = team(&api);
    let mut socket = live(&b, "?after=0");
    give(&a, &json!({ "to": "b", "task": "t", "deadline": 1 }));
    assert_eq!(message(&mut socket)["json"]["task"]["status"], "pending");
    assert_eq!(message(&mut socket)["json"]["task"]["status"], "overdue");
}

#[test]
fn a_member_lost_by_silence_gives_its_tasks_back() {
    let relay = Relay::builder().var("AGENT_INACTIVITY_SECONDS", "2").start().unwrap();
    let api = Api::new(&relay.url());
    let [a, _, _] = team(&api);
    let mut socket = live(&a, "?after=0");
    give(&a, &json!({ "to": "b", "task": "t" }));
    assert_eq!(message(&mut socket)["json"]["task"]["assignee"], "b");
    let returned = message(&mut socket);
    assert_eq!(returned["json"]["event"], "returned");
    assert_eq!(returned["json"]["task"]["assignee"], "a");
}

#[test]
fn readers_choose_topics_and_tags() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b, _] = team(&api);
    let mut builds = live(&b, "?after=0&topic=build%20status");
    let events = format!("/v1/sessions/{}/events?after=0&tags=red,blue", b.session);
    let mut events =
        Events::open(api.base(), &events, &[("X-Agent-Id", "b"), ("X-Session-Key", &b.key)])
            .unwrap();
    for (topic, tags, text) in [
        (json!("build status"), json!(["red"]), "1"),
        (json!(null), json!(["green"]), "2"),
        (json!("other"), json!(["blue", "green"]), "3"),
    ] {
        let body = json!({ "topic": topic, "tags": tags, "text": text });
        assert_eq!(a.call("POST", "/messages").json(&body).send().status, 201);
    }
    a.send("4");
    let texts = |query: &str| -> Vec<String> {
        list(&b.poll(query)["messages"]).iter().map(|m| string(&m["text"])).collect()
    };
    assert_eq!(texts("?topic=build+status"), ["1"]);
    assert_eq!(texts("?tags=green"), ["2", "3"]);
    assert_eq!(texts("?tags=blue,red"), ["1", "3"]);
    assert_eq!(texts("?topic=other&tags=red"), Vec::<String>::new());
    assert_eq!(texts(""), ["1", "2", "3", "4"]);
    assert_eq!(texts("?topic=other&wait=5"), ["3"]);
    let told = message(&mut builds);
    assert_eq!((&told["text"], &told["topic"]), (&json!("1"), &json!("build status")));
    assert_eq!(["1", "3"].map(|_| events.message().unwrap().1), ["1", "3"]);
    // What does not pass the filter does not come later, either.
    a.call("POST", "/messages").json(&json!({ "topic": "build status", "text": "5" })).send();
    assert_eq!(message(&mut builds)["text"], "5");
    let wrong = a.call("POST", "/messages").json(&json!({ "text": "x", "tags": ["a,b"] })).send();
    assert_eq!(wrong.error(), (400, "invalid_request".to_owned()));
    let wrong = b.call("GET", "/messages?tags=a,,b").send();
    assert_eq!(wrong.error(), (400, "invalid_request".to_owned()));
}

#[test]
fn who_did_not_join_sees_none_of_it() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [a, b, _] = team(&api);
    let task = give(&a, &json!({ "to": "b", "task": "a secret task" }));
    put(&a, "f", b"a secret file");
    let id = string(&task["id"]);
    let calls = [
        ("GET", "/agents".to_owned(), json!(null), false),
        ("PATCH", "/agents/b".to_owned(), json!({ "name": "stolen" }), true),
        ("GET", "/tasks".to_owned(), json!(null), false),
        ("POST", "/tasks".to_owned(), json!({ "to": "b", "task": "x" }), true),
        ("GET", format!("/tasks/{id}"), json!(null), false),
        ("POST", format!("/tasks/{id}"), json!({ "status": "accepted" }), true),
        ("GET", "/files".to_owned(), json!(null), false),
        ("GET", "/files/f".to_owned(), json!(null), false),
        ("PUT", "/files/f".to_owned(), json!("x"), true),
        ("DELETE", "/files/f".to_owned(), json!(null), true),
    ];
    for (method, path, body, changes) in &calls {
        let path = format!("/v1/sessions/{}{path}", a.session);
        let call = || {
            if body.is_null() {
                api.call(method, &path)
            } else {
                api.call(method, &path).json(body)
            }
        };
        let stranger = call().agent("eve").send();
        assert!(!stranger.text().contains("secret"), "{method} {path}");
        assert_eq!(stranger.error(), (403, "forbidden".to_owned()), "{method} {path}");
        assert_eq!(call().send().error(), (400, "missing_agent_id".to_owned()), "{method} {path}");
        let wrong = call().agent("b").key(&a.key).send();
        assert!(matches!(wrong.status, 401 | 403), "{method} {path}: {}", wrong.text());
        if *changes {
            let unproven = call().agent("b").send();
            assert_eq!(
                unproven.error(),
                (401, "missing_session_key".to_owned()),
                "{method} {path}"
            );
        }
    }
    let after = b.call("GET", &format!("/tasks/{id}")).send().json();
    assert_eq!(after, task);
    assert_eq!(b.call("GET", "/files/f").send().text(), "a secret file");
}

#[test]
fn tasks_and_files_outlive_the_relay_and_go_with_the_session() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let api = Api::new(&relay.url());
    let [a, b, _] = team(&api);
    let task = give(&a, &json!({ "to": "b", "task": "t" }));
    put(&a, "f", b"kept");
    relay.kill();
    relay.restart().unwrap();
    assert_eq!(b.call("GET", "/tasks?status=open").send().json()["tasks"][0], task);
    assert_eq!(b.call("GET", "/files/f").send().text(), "kept");
    assert_eq!(change(&b, &task, &json!({ "status": "accepted" })).status, 200);
    assert_eq!(a.call("POST", "/renew").json(&json!({ "ttl": 1 })).send().status, 200);
    // Asking for the file would keep the session alive.
    eventually("the session ends", || b.call("GET", "").send().status == 404);
    assert_eq!(b.call("GET", "/files/f").send().error(), (404, "session_not_found".to_owned()));
    eventually("everything is deleted", || {
        relay.kill();
        let left = crate::storage::tables(state.path());
        relay.restart().unwrap();
        !left.contains(&"log".to_owned())
    });
}
