//! What the relay writes of itself: its log, its counters, the operator's page.

use nexus_tests::{Api, Member, Relay, agents::done, eventually, list, relay, string};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The lines that tell of requests.
fn lines(relay: &Relay) -> Vec<Value> {
    let log = relay.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line.trim()).ok());
    lines.filter(|line| line["route"].is_string()).collect()
}

#[test]
fn every_request_is_one_line_that_tells_nothing_of_what_was_said() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (a, other) = (api.session(), api.session());
    let code = api.pair(&a.session);
    a.send("a text that is nobody's business");
    other.send("x");
    api.get(&format!("/p/{code}")).send();
    a.call("GET", "/messages?wait=1").send();
    let mut socket = a.socket(Some("1"));
    socket.expect("ready");
    let missing = api.get("/no/such/path").send();
    let wrong = Member { key: "nxk_wrong".to_owned(), ..a.clone() }.call("GET", "/messages").send();
    let last = wrong.header("X-Request-Id");
    eventually("all is logged", || lines(&relay).iter().any(|line| line["requestId"] == last));
    let lines = lines(&relay);
    let routes: Vec<&str> = lines.iter().map(|line| line["route"].as_str().unwrap()).collect();
    for route in [
        "PUT /v1/sessions",
        "PUT /v1/pair",
        "POST /v1/sessions/:session/messages",
        "GET /p/:code",
        "GET /v1/sessions/:session/messages",
        "GET /v1/sessions/:session/ws",
        "GET -",
    ] {
        assert!(routes.contains(&route), "{route} in {routes:?}");
    }
    let of = |id: &str| lines.iter().find(|line| line["requestId"] == id).expect("a line");
    assert_eq!(of(missing.header("X-Request-Id"))["status"], 404);
    let line = of(wrong.header("X-Request-Id"));
    assert_eq!(line["status"], wrong.status);
    assert!(line["ms"].is_u64());
    let sessions: BTreeSet<&str> =
        lines.iter().filter_map(|line| line["session"].as_str()).collect();
    assert_eq!(sessions.len(), 2, "each has a name of its own: {sessions:?}");
    let log = relay.log();
    for secret in [&a.session, &a.key, &code, "nobody's business", "nxk_"] {
        assert!(!log.contains(secret));
    }
}

#[test]
fn counters_are_true_before_long_however_few_messages_there_are() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let a = api.session();
    let stats = || api.get("/v1/stats").send().json();
    for number in 0..7 {
        a.send(&number.to_string());
    }
    let mut socket = a.socket(Some("7"));
    socket.expect("ready");
    socket.send(&json!({ "type": "send", "id": 1, "text": "x" }).to_string());
    eventually("all messages are counted", || stats()["totalMessages"] == 8);
}

#[test]
fn the_operator_sees_what_happens_and_nobody_else() {
    let token = "correct-horse-battery";
    let relay = Relay::builder()
        .rate_limit(Some(1000))
        .var("ADMIN_TOKEN", token)
        .var("CLIENT_IP_HEADER", "CF-Connecting-IP")
        .start()
        .unwrap();
    let api = Api::new(&relay.url());
    let ask = |ip: &str, token: Option<&str>| {
        let call = api.get("/v1/admin/activity").header("CF-Connecting-IP", ip.as_bytes());
        match token {
            Some(token) => call.header("Authorization", format!("Bearer {token}").as_bytes()),
            None => call,
        }
        .send()
    };
    let a = api.session();
    a.send("one");
    api.get("/no/such/path").send();
    assert_eq!(ask("192.0.2.1", None).error(), (401, "invalid_token".into()));
    assert_eq!(ask("192.0.2.1", Some("wrong")).error(), (401, "invalid_token".into()));
    let sum = |activity: &Value, name: &str| -> u64 {
        list(&activity["minutes"]).iter().map(|minute| minute[name].as_u64().unwrap()).sum()
    };
    eventually("what happened is told", || {
        let activity = done(&ask("192.0.2.2", Some(token)), 200);
        sum(&activity, "requests") >= 5
            && sum(&activity, "refused") >= 3
            && sum(&activity, "messages") == 1
            && activity["stats"]["activeSessions"] == 1
    });
    let at = string(&done(&ask("192.0.2.2", Some(token)), 200)["minutes"][0]["at"]);
    assert!(at.ends_with(":00.000Z"), "{at}");
    let page = api.get("/admin").header("Accept", b"text/html").send();
    assert_eq!(page.status, 200);
    // Who guesses waits, and then not even the right one helps.
    assert!((0..130).any(|_| ask("192.0.2.3", Some("wrong")).status == 429));
    assert_eq!(ask("192.0.2.3", Some(token)).status, 429);
}

#[test]
fn without_a_token_there_is_no_operator_and_a_short_one_is_refused() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let call = api.get("/v1/admin/activity").header("Authorization", b"Bearer ");
    assert_eq!(call.send().error(), (404, "not_found".into()));
    assert_eq!(api.get("/admin").send().status, 404);
    let short = Relay::builder().var("ADMIN_TOKEN", "short").start().unwrap();
    assert_eq!(Api::new(&short.url()).get("/admin").send().status, 500);
    eventually("the log says why", || short.log().contains("ADMIN_TOKEN must have"));
    assert!(!short.log().contains("short\""));
}
