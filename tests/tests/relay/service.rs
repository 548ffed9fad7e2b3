//! The service itself: health, counters, documents, CORS, the rate limit, what a broken deployment
//! says.

use nexus_tests::{Answer, Api, Relay, eventually, relay};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn the_service_describes_itself() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let health = api.get("/health").send().json();
    assert_eq!(
        (&health["status"], &health["capabilities"]["delivery"]),
        (&json!("ok"), &json!(["poll", "longpoll", "sse", "websocket", "webhook"]))
    );
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    let document = api.get("/openapi.json").send();
    assert_eq!(document.header("Content-Type"), "application/json; charset=utf-8");
    assert_eq!(document.json()["openapi"], "3.1.0");
    assert!(api.get("/llms.txt").send().text().contains(&relay.url()));
}

#[test]
fn sessions_are_counted() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let a = api.session();
    let _ = a.join("b");
    let stats = || api.get("/v1/stats").send().json();
    eventually("both agents are counted", || stats()["totalAgents"] == 2);
    assert_eq!(stats()["activeSessions"], 1);
    for number in 0..64 {
        a.send(&number.to_string());
    }
    eventually("the messages are counted", || stats()["totalMessages"] == 64);
}

#[test]
fn any_origin_may_call_and_read() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let path = format!("/v1/sessions/{}/messages", "0".repeat(48));
    let preflight = api.call("OPTIONS", &path).header("Origin", b"https://example.com").send();
    assert_eq!((preflight.status, preflight.header("Access-Control-Allow-Origin")), (204, "*"));
    assert_eq!(preflight.header("Access-Control-Allow-Methods"), "GET, POST");
    for name in ["X-Agent-Id", "X-Session-Key", "Idempotency-Key", "Content-Type"] {
        assert!(preflight.header("Access-Control-Allow-Headers").contains(name));
    }
    let refused = api.get(&path).agent("a").send();
    assert_eq!((refused.status, refused.header("Access-Control-Allow-Origin")), (404, "*"));
    assert!(refused.header("Access-Control-Expose-Headers").contains("X-Request-Id"));
    assert_eq!(refused.header("Access-Control-Allow-Credentials"), "");
}

#[test]
fn every_answer_has_a_request_id_of_its_own_and_the_relays_time() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let session = format!("/v1/sessions/{}", api.session().session);
    let paths = ["/health", "/", "/nope", "/v1/stats", &session, "/p/PEARL-FOCAL-S5SJV"];
    let answers: Vec<Answer> = paths.iter().map(|path| api.get(path).send()).collect();
    let ids: BTreeSet<&str> = answers.iter().map(|answer| answer.header("X-Request-Id")).collect();
    assert_eq!(ids.len(), paths.len());
    assert!(ids.iter().all(|id| id.len() == 16));
    for answer in &answers {
        let date = answer.header("Date");
        assert!(date.ends_with(" GMT") && date.len() == 29, "{date:?} is a time");
    }
}

#[test]
fn too_many_requests_of_one_client_are_refused() {
    let relay = Relay::builder()
        .rate_limit(Some(5))
        .var("CLIENT_IP_HEADER", "CF-Connecting-IP")
        .start()
        .unwrap();
    let api = Api::new(&relay.url());
    let ask = |ip: &str| api.get("/v1/stats").header("CF-Connecting-IP", ip.as_bytes()).send();
    // A new minute may begin between two requests: then the next client has a whole one.
    let refused = (1..=3)
        .flat_map(|client| {
            let ip = format!("192.0.2.{client}");
            let answers: Vec<_> = (0..8).map(|_| ask(&ip)).collect();
            assert!(answers.iter().take(5).all(|answer| answer.status == 200));
            answers.into_iter().skip(5)
        })
        .find(|answer| answer.status != 200)
        .expect("a refusal");
    assert_eq!(refused.error(), (429, "rate_limit_exceeded".into()));
    assert!(refused.header("Retry-After").parse::<u32>().unwrap() >= 1);
    assert_eq!(ask("192.0.2.9").status, 200);
    assert_eq!(api.get("/health").header("CF-Connecting-IP", b"192.0.2.1").send().status, 200);
}

#[test]
fn a_broken_deployment_fails_closed_and_tells_only_its_operator_why() {
    let relay = Relay::builder().var("MAX_AGENTS", "0").start().unwrap();
    let api = Api::new(&relay.url());
    let answer = api.put("/v1/sessions").send();
    assert_eq!(answer.error(), (500, "internal_error".into()));
    assert!(!answer.text().contains("MAX_AGENTS"));
    let id = answer.header("X-Request-Id").to_owned();
    eventually("the log explains the request id", || {
        relay.log().lines().any(|line| line.contains(&id) && line.contains("MAX_AGENTS"))
    });
}

#[test]
fn variables_set_the_limits() {
    let relay = Relay::builder()
        .var("MAX_AGENTS", "1")
        .var("PUBLIC_URL", "https://relay.example/")
        .start()
        .unwrap();
    let api = Api::new(&relay.url());
    assert_eq!(api.put("/v1/sessions").json(&json!({ "maxAgents": 2 })).send().status, 400);
    let a = api.session();
    assert_eq!(
        a.api.post(&format!("/v1/sessions/{}/join", a.session)).agent("b").send().status,
        409
    );
    let pair = api.put("/v1/pair").json(&json!({ "sessionId": a.session })).send().json();
    assert!(pair["url"].as_str().unwrap().starts_with("https://relay.example/p/"));
}

#[test]
fn a_silent_agent_loses_its_seat_where_the_deployment_says_so() {
    let relay = Relay::builder().var("AGENT_INACTIVITY_SECONDS", "1").start().unwrap();
    let a = Api::new(&relay.url()).session();
    let b = a.join("b");
    eventually("b is out", || {
        let status = a.api.get(&format!("/v1/sessions/{}", a.session)).send().json();
        status["agents"] == json!(["a"])
    });
    assert_eq!(b.call("GET", "/messages").send().error(), (403, "forbidden".into()));
}
