//! People in control of their sessions (sections 2 and 4): ending one, removing a member, taking back a link,
//! joining by link only; and what must not come back.

use nexus_tests::{Answer, Api, Member, Relay, eventually, list, live::Socket, relay, string};
use serde_json::{Value, json};

/// A session with a creator `a` and a guest `b`, which came by a link.
fn pair(relay: &Relay, body: &Value) -> (Member, Member) {
    let api = Api::new(&relay.url());
    let mut create = json!({ "creatorAgentId": "a" });
    create.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let (session, key) = api.create(&create);
    let a = Member { api, session, agent: "a".to_owned(), key: key.unwrap() };
    let b = claim(&a, &a.pair(), "b", None);
    assert_eq!(b.status, 200, "{}", b.text());
    let b = Member { agent: "b".to_owned(), key: string(&b.json()["sessionKey"]), ..a.clone() };
    (a, b)
}

fn claim(any: &Member, code: &str, agent: &str, repeat: Option<&str>) -> Answer {
    let call = any.api.post(&format!("/v1/pair/{code}/claim")).agent(agent);
    match repeat {
        Some(key) => call.idempotency_key(key).send(),
        None => call.send(),
    }
}

fn join(any: &Member, agent: &str) -> Answer {
    any.api.post(&format!("/v1/sessions/{}/join", any.session)).agent(agent).send()
}

fn revoke(by: &Member, code: &str) -> Answer {
    by.api.call("DELETE", &format!("/v1/pair/{code}")).agent(&by.agent).key(&by.key).send()
}

fn state(any: &Member, code: &str) -> Value {
    any.api.get(&format!("/v1/pair/{code}/status")).send().json()["state"].clone()
}

fn code_of(answer: &Answer) -> (u16, String) {
    (answer.status, string(&answer.json()["error"]))
}

#[test]
fn a_session_that_was_ended_is_nowhere_to_be_found() {
    let relay = relay();
    let (a, b) = pair(&relay, &json!({}));
    a.send("a secret word");
    a.call("PUT", "/files/f").body(b"a secret file").send();
    let task = json!({ "to": "b", "task": "a secret task" });
    let task = string(&a.call("POST", "/tasks").json(&task).send().json()["id"]);
    let unused = a.pair();
    let path = format!("/v1/sessions/{}/ws?agentId=b&key={}", b.session, b.key);
    let mut socket = Socket::open(&relay.url(), &path, &[]).unwrap();
    while socket.read().unwrap()["type"] != "ready" {}

    let ended = a.call("DELETE", "").send();
    assert_eq!(ended.status, 200, "{}", ended.text());
    let told = json!({ "ok": true, "status": "ended", "sessionId": a.session });
    assert_eq!(ended.json(), told);
    let task = format!("/tasks/{task}");
    for (method, path) in [
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/messages"),
        ("POST", "/messages"),
        ("GET", "/agents"),
        ("GET", "/tasks"),
        ("GET", task.as_str()),
        ("GET", "/files"),
        ("GET", "/files/f"),
        ("GET", "/events"),
        ("GET", "/webhook"),
        ("POST", "/renew"),
        ("POST", "/join"),
    ] {
        let answer = b.call(method, path).json(&json!({ "text": "x" })).send();
        assert_eq!(code_of(&answer), (404, "session_not_found".to_owned()), "{method} {path}");
    }
    for path in ["", "/discover", "/files", "/files/f"] {
        let answer = a.api.get(&format!("/clawlink/{}{path}", a.session)).send();
        assert_eq!(answer.status, 404, "{path}");
    }
    let event = socket.expect("event");
    assert_eq!((&event["event"], &event["by"]), (&json!("ended"), &json!("a")));
    assert!(socket.read().is_err(), "the socket is closed");
    assert_eq!(state(&a, &unused), "expired");
    assert_eq!(claim(&a, &unused, "c", None).status, 404);
    assert_eq!(a.api.get(&format!("/p/{unused}")).send().status, 404);
    let stats = || a.api.get("/v1/stats").send().json()["activeSessions"].clone();
    eventually("the directory forgets it", || stats() == 0);
}

#[test]
fn only_the_creator_ends_removes_and_shortens() {
    let relay = relay();
    let (a, b) = pair(&relay, &json!({ "ttl": 600 }));
    let c = b.join("c");
    let refused = [
        (b.call("DELETE", "").send(), 403),
        (b.call("DELETE", "/agents/c").send(), 403),
        (b.call("POST", "/renew").json(&json!({ "ttl": 599 })).send(), 403),
        (a.call("DELETE", "/agents/a").send(), 403),
        (a.call("DELETE", "/agents/nobody").send(), 404),
    ];
    for (answer, status) in &refused {
        assert_eq!(answer.status, *status, "{}", answer.text());
    }
    // Whoever is a member may keep the session alive, without a key too.
    let path = format!("/v1/sessions/{}/renew", a.session);
    for ttl in [json!({}), json!({ "ttl": 600 }), json!({ "ttl": 700 })] {
        assert_eq!(a.api.post(&path).agent("b").json(&ttl).send().status, 200, "{ttl}");
    }
    let shorter = a.call("POST", "/renew").json(&json!({ "ttl": 60 })).send();
    assert_eq!(shorter.json()["ttl"], 60);
    assert_eq!(a.call("DELETE", "/agents/C").send().json()["agentId"], "c");
    assert_eq!(c.call("GET", "/messages").send().status, 403);
}

#[test]
fn a_member_that_was_removed_comes_back_by_a_new_link_only() {
    let relay = relay();
    for body in [json!({}), json!({ "token": "the-right-token" })] {
        let (a, _) = pair(&relay, &body);
        let (code, before) = (a.pair(), a.pair());
        let first = claim(&a, &code, "eve", Some("one-key"));
        let eve = Member {
            agent: "eve".to_owned(),
            key: string(&first.json()["sessionKey"]),
            ..a.clone()
        };
        let path = format!("/v1/sessions/{}/ws?agentId=eve&key={}", a.session, eve.key);
        let mut socket = Socket::open(&relay.url(), &path, &[]).unwrap();
        socket.expect("ready");
        assert_eq!(a.call("DELETE", "/agents/eve").send().status, 200);
        assert!(std::iter::from_fn(|| socket.read().ok()).count() < 3, "the socket is closed");
        assert!(matches!(eve.call("GET", "/messages").send().status, 401 | 403));
        // Neither by the id, or by the token, nor by repeating its claim.
        let again = a.api.post(&format!("/v1/sessions/{}/join", a.session)).agent("Eve");
        let again = again.header("Authorization", b"Bearer the-right-token").send();
        assert_eq!(code_of(&again), (403, "link_required".to_owned()));
        let again = claim(&a, &code, "eve", Some("one-key"));
        assert_eq!(code_of(&again), (404, "code_expired_or_used".to_owned()));
        let again = claim(&a, &before, "mallory", None);
        assert_eq!(code_of(&again), (404, "code_expired_or_used".to_owned()), "an older link");
        for path in [
            format!("/v1/sessions/{}/join", a.session),
            format!("/clawlink/{}/register", a.session),
        ] {
            let renamed = a.api.post(&path).agent("mallory");
            let renamed = renamed.header("Authorization", b"Bearer the-right-token");
            let renamed = renamed.json(&json!({ "agent_id": "mallory", "name": "m" })).send();
            assert_eq!(renamed.status, 403, "another name: {}", renamed.text());
        }
        assert_eq!(claim(&a, &a.pair(), "eve", None).status, 200);
    }
}

#[test]
fn a_claim_whose_seat_was_left_is_over() {
    let relay = relay();
    let (a, _) = pair(&relay, &json!({}));
    let code = a.pair();
    let key = string(&claim(&a, &code, "c", Some("guessed")).json()["sessionKey"]);
    let c = Member { agent: "c".to_owned(), key, ..a.clone() };
    assert_eq!(c.call("DELETE", "/agents/c").send().status, 200);
    let again = claim(&a, &code, "c", Some("guessed"));
    assert_eq!(code_of(&again), (404, "code_expired_or_used".to_owned()));
}

#[test]
fn a_link_is_listed_while_it_is_open_and_can_be_taken_back() {
    let relay = relay();
    let (a, b) = pair(&relay, &json!({}));
    let codes = || -> Vec<String> {
        let path = format!("/v1/pair?sessionId={}", a.session);
        let open = a.api.get(&path).agent("b").key(&b.key).send().json();
        list(&open["codes"]).iter().map(|open| string(&open["code"])).collect()
    };
    assert!(codes().is_empty(), "the one that was used is not open");
    let (one, two) = (a.pair(), b.pair());
    assert_eq!(codes(), [one.clone(), two.clone()]);
    let outsider = a.api.call("DELETE", &format!("/v1/pair/{one}")).agent("a").send();
    assert_eq!(code_of(&outsider), (401, "missing_session_key".to_owned()));
    let taken_back = revoke(&b, &one);
    assert_eq!(taken_back.json(), json!({ "ok": true, "state": "revoked" }));
    assert_eq!(revoke(&a, &one).status, 200, "repeating changes nothing");
    assert_eq!((state(&a, &one), codes()), (json!("revoked"), vec![two.clone()]));
    let late = claim(&a, &one, "c", None);
    assert_eq!(code_of(&late), (404, "code_expired_or_used".to_owned()));
    let page = a.api.get(&format!("/p/{one}")).send();
    assert!(page.status == 404 && page.text().contains("taken back"), "{}", page.text());
    assert_eq!(claim(&a, &two, "c", None).status, 200);
    assert_eq!(code_of(&revoke(&a, &two)), (404, "code_expired_or_used".to_owned()));
    assert_eq!(code_of(&revoke(&a, "PEARL-FOCAL-S5SJV")), (404, "code_not_found".to_owned()));
}

#[test]
fn where_joining_is_by_link_only_an_id_lets_nobody_in() {
    let relay = relay();
    let (a, b) = pair(&relay, &json!({ "join": "link" }));
    let path = format!("/v1/sessions/{}", a.session);
    assert_eq!(a.api.get(&path).send().json()["join"], "link");
    assert_eq!(code_of(&join(&a, "c")), (403, "link_required".to_owned()));
    let bare = a.api.put("/v1/pair").json(&json!({ "sessionId": a.session })).send();
    assert_eq!(code_of(&bare), (401, "missing_session_key".to_owned()));
    let back = a.api.post(&format!("{path}/join")).agent("b").key(&b.key).send();
    assert_eq!(back.json()["sessionKey"], json!(b.key), "a member comes back with its key");
    assert_eq!(claim(&a, &b.pair(), "c", None).status, 200);
    // As scripts in the field do it.
    let (open, _) = a.api.create(&json!({}));
    assert_eq!(a.api.post(&format!("/v1/sessions/{open}/join")).agent("x").send().status, 200);
}

#[test]
fn a_name_that_held_no_key_never_speaks_proven_and_case_makes_no_other() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let register = |name: &str| {
        let call = a.api.post(&format!("/clawlink/{}/register", a.session));
        call.json(&json!({ "agent_id": name, "name": "n" })).send().status
    };
    assert_eq!(register("claw"), 200);
    let left = a.api.call("DELETE", &format!("/v1/sessions/{}/agents/claw", a.session));
    assert_eq!(left.agent("claw").send().status, 200, "whoever acts for it may");
    assert_eq!(code_of(&join(&a, "Claw")), (409, "agent_id_taken".to_owned()));
    let b = a.join("Bob");
    assert_eq!(code_of(&join(&a, "bob")), (409, "agent_id_taken".to_owned()));
    let sent = a.call("POST", "/messages").json(&json!({ "text": "x", "to": "BOB" })).send();
    assert_eq!(sent.status, 201, "{}", sent.text());
    assert_eq!(list(&b.poll("?after=0")["messages"])[0]["to"], "Bob");
    assert_eq!(b.call("DELETE", "/agents/bob").send().status, 200);
    assert_eq!(register("BOB"), 409, "a name that held a key");
    for name in ["System", "relay", "Nexus-Relay", "ADMIN", "operator"] {
        assert_eq!(join(&a, name).status, 400, "{name}");
        assert_eq!(register(name), 400, "{name}");
        let create = a.api.put("/v1/sessions").json(&json!({ "creatorAgentId": name })).send();
        assert_eq!(create.status, 400, "{name}");
        let address =
            a.api.post("/v1/agents").json(&json!({ "agentId": name, "name": "n" })).send();
        assert_eq!(address.status, 400, "{name}");
    }
}

#[test]
fn methods_that_are_not_known_are_not_answered_as_get() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    for method in ["PROPFIND", "PURGE", "COPY", "LOCK", "QUERY", "SEARCH"] {
        for path in ["/health".to_owned(), format!("/v1/sessions/{}", a.session)] {
            assert_eq!(a.api.call(method, &path).send().status, 405, "{method} {path}");
        }
    }
}
