//! Every row of the table of errors, and everything that could break a parser: a 4xx that says what
//! to do, and nothing changed.

use nexus_tests::{Answer, Api, list, relay};
use serde_json::json;

#[test]
fn every_row_of_the_table_of_errors_is_met() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let a = api.session();
    let b = a.join("b");
    let unknown = format!("/v1/sessions/{}", "0".repeat(48));
    let messages = format!("/v1/sessions/{}/messages", a.session);
    let text = json!({ "text": "x" });
    let (full, _) = api.create(&json!({ "maxAgents": 1, "creatorAgentId": "a" }));
    let used = api.pair(&a.session);
    assert_eq!(api.post(&format!("/v1/pair/{used}/claim")).agent("c").send().status, 200);

    let rows: [(Answer, u16, &str); 25] = [
        (a.call("POST", "/messages").body(b"{").send(), 400, "invalid_body"),
        (a.call("POST", "/messages").json(&json!({ "text": 5 })).send(), 400, "invalid_request"),
        (api.get(&messages).send(), 400, "missing_agent_id"),
        (api.get(&messages).agent("").send(), 400, "missing_agent_id"),
        (api.get(&messages).agent("a b").send(), 400, "invalid_request"),
        (api.get(&messages).agent("system").send(), 400, "invalid_request"),
        (
            api.call("DELETE", &format!("/v1/sessions/{}/agents/b", a.session)).agent("b").send(),
            401,
            "missing_session_key",
        ),
        (a.call("DELETE", "/agents/a").key("nxk_wrong").send(), 401, "invalid_session_key"),
        (api.post(&messages).agent("b").key(&a.key).json(&text).send(), 403, "invalid_session_key"),
        (api.get(&messages).agent("b").key(&a.key).send(), 403, "invalid_session_key"),
        (api.get(&messages).agent("stranger").send(), 403, "forbidden"),
        (a.call("DELETE", "/agents/a").send(), 403, "forbidden"),
        (b.call("DELETE", "/agents/a").send(), 403, "forbidden"),
        (api.get(&unknown).send(), 404, "session_not_found"),
        (api.get("/v1/sessions/NOPE").send(), 404, "session_not_found"),
        (api.post("/v1/pair/PEARL-FOCAL-S5SJV/claim").agent("b").send(), 404, "code_not_found"),
        (api.post("/v1/pair/nonsense/claim").agent("b").send(), 404, "code_not_found"),
        (
            api.post(&format!("/v1/pair/{used}/claim")).agent("d").send(),
            404,
            "code_expired_or_used",
        ),
        (
            b.call("POST", "/messages").json(&json!({ "text": "x", "to": "nobody" })).send(),
            404,
            "agent_not_found",
        ),
        (api.get("/v1/nothing/here").send(), 404, "not_found"),
        (api.call("PATCH", "/v1/sessions").send(), 405, "method_not_allowed"),
        (api.post(&format!("/v1/sessions/{full}/join")).agent("b").send(), 409, "session_full"),
        (api.post(&format!("/v1/sessions/{full}/join")).agent("a").send(), 409, "agent_id_taken"),
        (
            a.call("POST", "/messages").json(&json!({ "text": "x".repeat(65_537) })).send(),
            413,
            "message_too_large",
        ),
        (
            api.call("DELETE", &format!("/v1/sessions/{}/agents/z", a.session))
                .agent("z")
                .key("k")
                .send(),
            404,
            "agent_not_found",
        ),
    ];
    for (answer, status, code) in &rows {
        assert_eq!(answer.error(), (*status, (*code).to_owned()), "{}", answer.text());
    }
    assert_eq!(rows[1].0.json()["details"][0]["path"], "text");
    assert_eq!(rows[10].0.json()["reason"], "agent_not_in_session");
    assert_eq!(rows[20].0.header("Allow"), "PUT");
    assert_eq!(rows[23].0.json()["limit"], 65_536);
    assert_eq!(list(&a.poll("")["messages"]).len(), 0, "nothing was stored");
}

#[test]
fn with_required_keys_every_call_of_a_member_proves_its_key() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (session, key) = api.create(&json!({ "creatorAgentId": "a", "requireKeys": true }));
    let key = key.unwrap();
    let calls = [("GET", "messages"), ("POST", "messages"), ("POST", "renew")];
    for (method, path) in calls {
        let call = || {
            api.call(method, &format!("/v1/sessions/{session}/{path}"))
                .agent("a")
                .body(b"{\"text\":\"x\"}")
        };
        assert_eq!(call().send().error(), (401, "missing_session_key".into()));
        assert_eq!(call().key("nxk_wrong").send().error(), (401, "invalid_session_key".into()));
        assert!(call().key(&key).send().status < 300);
    }
}

#[test]
fn malformed_bodies_are_told_apart_and_store_nothing() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let deep = format!("{{\"json\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let cases: [(&[u8], u16, &str); 16] = [
        (b"", 400, "invalid_request"),
        (b"nope", 400, "invalid_body"),
        (b"{\"text\":\"x\"", 400, "invalid_body"),
        (b"{\"text\":\"\xff\xfe\"}", 400, "invalid_body"),
        (b"{\"text\":\"\\ud800\"}", 400, "invalid_body"),
        (b"[]", 400, "invalid_request"),
        (b"null", 400, "invalid_request"),
        (b"{}", 400, "invalid_request"),
        (b"{\"text\":\"\"}", 400, "invalid_request"),
        (b"{\"text\":null,\"json\":null}", 400, "invalid_request"),
        (b"{\"text\":[\"x\"]}", 400, "invalid_request"),
        (b"{\"text\":\"x\",\"to\":7}", 400, "invalid_request"),
        (b"{\"text\":\"x\",\"to\":[]}", 400, "invalid_request"),
        (b"{\"text\":\"x\",\"to\":\"a'; DROP TABLE log; --\"}", 400, "invalid_request"),
        (b"{\"text\":\"x\",\"replyTo\":\"nope\"}", 400, "invalid_request"),
        (deep.as_bytes(), 400, "invalid_body"),
    ];
    for (body, status, code) in cases {
        let answer = a.call("POST", "/messages").body(body).send();
        assert_eq!(
            answer.error(),
            (status, code.to_owned()),
            "{:?}",
            String::from_utf8_lossy(&body[..body.len().min(60)])
        );
    }
    for body in [vec![b'x'; 500_000], vec![b' '; 5_000_000]] {
        assert_eq!(
            a.call("POST", "/messages").body(&body).send().error(),
            (413, "message_too_large".into())
        );
    }
    assert_eq!(list(&a.poll("")["messages"]).len(), 0);
}

#[test]
fn fields_out_of_range_are_all_named() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let body = json!({ "ttl": 0, "maxAgents": 51, "greeting": 1, "creatorAgentId": "a b", "requireKeys": "yes" });
    let answer = api.put("/v1/sessions").json(&body).send();
    assert_eq!(answer.error(), (400, "invalid_request".into()));
    let answer = answer.json();
    let paths: Vec<_> =
        list(&answer["details"]).iter().map(|detail| detail["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["ttl", "maxAgents", "greeting", "creatorAgentId", "requireKeys"]);
    for body in [
        json!({ "ttl": 86_401 }),
        json!({ "ttl": -1 }),
        json!({ "ttl": 1.5 }),
        json!({ "ttl": "60" }),
        json!({ "ttl": 1e20 }),
        json!({ "maxAgents": 0 }),
        json!({ "creatorAgentId": "system" }),
    ] {
        assert_eq!(
            api.put("/v1/sessions").json(&body).send().error(),
            (400, "invalid_request".into()),
            "{body}"
        );
    }
    for body in [json!({}), json!({ "sessionId": 5 })] {
        assert_eq!(
            api.put("/v1/pair").json(&body).send().error(),
            (400, "invalid_request".into()),
            "{body}"
        );
    }
    assert_eq!(api.get("/v1/stats").send().json()["activeSessions"], 0);
}

#[test]
fn absurd_cursors_and_headers_are_refused() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    a.send("x");
    let forty = "9".repeat(40);
    for query in [
        "after=-1",
        "after=1e99",
        "after=%00",
        "after=9007199254740992",
        "after=0x1",
        &format!("after={forty}"),
        "limit=0",
        "wait=-1",
        "limit=-5",
        "limit=1e3",
        "members=perhaps",
    ] {
        let answer = a.call("GET", &format!("/messages?{query}")).send();
        assert_eq!(answer.error(), (400, "invalid_request".into()), "{query}");
    }
    let page = a.poll("?after=9007199254740991&members=1&unknown=%ff");
    assert_eq!((&page["nextCursor"], &page["hasMore"]), (&json!("1"), &json!(false)));
    assert_eq!(page["cursorReset"], true);
    assert_eq!(list(&a.poll("?limit=501&wait=26&members")["messages"]).len(), 1);

    let messages = format!("/v1/sessions/{}/messages", a.session);
    let long = "a".repeat(129);
    for agent in [&b"\xff\xfe"[..], "é".as_bytes(), b"a/b", b"a,b", long.as_bytes()] {
        let answer = a.api.get(&messages).header("X-Agent-Id", agent).send();
        assert_eq!(answer.error(), (400, "invalid_request".into()), "{agent:?}");
    }
    let long_key = "k".repeat(300);
    for key in [&long_key, "two words"] {
        let answer =
            a.call("POST", "/messages").idempotency_key(key).json(&json!({ "text": "x" })).send();
        assert_eq!(answer.error(), (400, "invalid_request".into()), "{key}");
    }
    let answer = a.api.get(&messages).agent("a").key(&"k".repeat(5000)).send();
    assert!((400..404).contains(&answer.status), "{}", answer.text());
    assert_eq!(list(&a.poll("")["messages"]).len(), 1);
}

#[test]
fn no_path_and_no_method_makes_the_relay_fail() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let session = api.session().session;
    let paths = [
        "/",
        "//",
        "/v1",
        "/v1/",
        "/p/",
        "/p/%ff%fe",
        "/p/%00",
        "/v1/pair/%F0%9F%A6%80/status",
        "/internal/describe",
        "/v1/sessions/%2e%2e/join",
        "/v1/sessions//messages",
        "/internal/take-seat",
    ]
    .map(str::to_owned);
    let paths = paths.into_iter().chain([
        format!("/v1/sessions/{session}/agents/%20"),
        format!("/v1/sessions/{session}/nope"),
    ]);
    for path in paths {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "PROPFIND"] {
            let answer = api.call(method, &path).agent("a").send();
            assert!(answer.status < 500, "{method} {path}: {}", answer.status);
            assert_eq!(answer.header("X-Request-Id").len(), 16, "{method} {path}");
            if method != "HEAD" && answer.status >= 400 && !path.starts_with("/p/") {
                let _ = answer.error();
            }
        }
    }
    assert!(relay.log().lines().all(|line| !line.contains("fault")), "{}", relay.log());
}
