//! What the operator of a relay can do (section 5): end a session by the id of a request, see which limits are hit.

use nexus_tests::{
    Answer, Api, Member, Relay, agents::done, eventually, list, live::Socket, receiver::Receiver,
    string,
};
use serde_json::{Value, json};

const TOKEN: &str = "correct-horse-battery";
const BROWSER: &[u8] = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn relay() -> Relay {
    Relay::builder().var("ADMIN_TOKEN", TOKEN).start().unwrap()
}

fn ask(api: &Api, method: &str, path: &str, token: Option<&str>) -> Answer {
    let call = api.call(method, &format!("/v1/admin/{path}"));
    match token {
        Some(token) => call.header("Authorization", format!("Bearer {token}").as_bytes()),
        None => call,
    }
    .send()
}

fn trace(api: &Api, id: &str) -> Answer {
    ask(api, "GET", &format!("requests/{id}"), Some(TOKEN))
}

fn end(api: &Api, id: &str) -> Answer {
    ask(api, "POST", &format!("requests/{id}/end"), Some(TOKEN))
}

fn id_of(answer: &Answer) -> String {
    answer.header("X-Request-Id").to_owned()
}

/// The session of a request, once the directory has heard of it.
fn found(api: &Api, id: &str) -> Value {
    eventually("the directory knows the session", || trace(api, id).status == 200);
    done(&trace(api, id), 200)
}

fn reason(answer: &Answer) -> (u16, String, Value) {
    let (status, code) = answer.error();
    (status, code, answer.json()["reason"].clone())
}

#[test]
fn the_operator_ends_a_session_by_the_id_of_a_request_about_it() {
    let relay = Relay::builder()
        .var("ADMIN_TOKEN", TOKEN)
        .var("ALLOW_PRIVATE_WEBHOOKS", "on")
        .start()
        .unwrap();
    let api = Api::new(&relay.url());
    let (a, other) = (api.session(), api.session());
    let b = a.join("b");
    let receiver = Receiver::with([]);
    let hook = json!({ "url": receiver.url, "secret": "a secret of sixteen" });
    done(&b.call("PUT", "/webhook").json(&hook).send(), 200);
    eventually("the receiver has agreed", || {
        b.call("GET", "/webhook").send().json()["delivery"] == "whole"
    });
    a.send("nobody else's business");
    b.call("PUT", "/files/f").body(&[b'x'; 1000]).send();
    let code = api.pair(&a.session);
    let path = format!("/v1/sessions/{}/ws?agentId=b&key={}", b.session, b.key);
    let mut socket = Socket::open(&relay.url(), &path, &[]).unwrap();
    while socket.read().unwrap()["type"] != "ready" {}

    let id = id_of(&a.call("GET", "/messages").send());
    let shown = found(&api, &id);
    assert_eq!((&shown["requestId"], &shown["ended"]), (&json!(id), &json!(false)));
    let session = &shown["session"];
    // The message, and the one of the file.
    assert_eq!((&session["members"], &session["messages"]), (&json!(2), &json!(2)));
    assert!(session["bytes"].as_u64() > Some(1000), "{session}");
    let names: Vec<&String> = session.as_object().unwrap().keys().collect();
    assert_eq!(names, ["bytes", "createdAt", "expiresAt", "members", "messages"]);
    assert!(!shown.to_string().contains(&a.session));
    assert_eq!(a.call("GET", "").send().status, 200, "looking ends nothing");

    let ended = json!({ "requestId": id, "ended": true });
    assert_eq!(done(&end(&api, &id.to_uppercase()), 200), ended);
    let event = socket.expect("event");
    assert_eq!((&event["event"], &event["by"]), (&json!("ended"), &json!("operator")));
    assert!(socket.read().is_err(), "the socket is closed");
    for (method, path) in
        [("GET", "/messages"), ("GET", ""), ("POST", "/join"), ("GET", "/files/f")]
    {
        let answer = b.call(method, path).send();
        assert_eq!(answer.error(), (404, "session_not_found".to_owned()), "{method} {path}");
    }
    assert_eq!(api.get(&format!("/v1/pair/{code}/status")).send().json()["state"], "expired");
    assert_eq!(api.post(&format!("/v1/pair/{code}/claim")).agent("c").send().status, 404);
    eventually("the webhook is told", || {
        receiver
            .of("event")
            .iter()
            .any(|got| got.body["event"] == "ended" && got.body["by"] == "operator")
    });
    assert_eq!(other.call("GET", "").send().status, 200, "the other one goes on");

    // Again, it has ended.
    assert_eq!(done(&end(&api, &id), 200), ended);
    assert_eq!(done(&trace(&api, &id), 200), ended);
    let line = format!(r#""operatorEnded":"{id}""#);
    eventually("the log says so", || relay.log().contains(&line));
    assert_eq!(relay.log().matches(&line).count(), 1, "once, and not when it was repeated");
    for secret in [&a.session, &b.key, TOKEN, "nobody else's business"] {
        assert!(!relay.log().contains(secret));
    }
}

#[test]
fn every_request_whose_path_names_a_session_leads_to_it() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let a = api.session();
    let first = |answer: &Answer| id_of(answer).chars().take(10).collect::<String>();
    let expected = first(&a.call("GET", "").send());
    let wrong = Member { key: "nxk_wrong".to_owned(), ..a.clone() };
    let path = |rest: &str| format!("/v1/sessions/{}{rest}", a.session);
    // The last one is longer than what the edge hands on at once.
    for answer in [
        a.call("POST", "/messages").json(&json!({ "text": "x" })).send(),
        a.call("GET", "/messages?wait=1").send(),
        a.call("GET", "/nothing/of/it").send(),
        wrong.call("GET", "/messages").send(),
        api.call("DELETE", &path("")).send(),
        api.get(&format!("/clawlink/{}", a.session)).send(),
        a.call("PUT", "/files/big").body(&vec![b'x'; 400 * 1024]).send(),
    ] {
        let is_known = !answer.text().contains("nothing at this path");
        assert_eq!(first(&answer) == expected, is_known, "{}: {}", answer.status, answer.text());
        assert_eq!(id_of(&answer).len(), 16);
    }
    let mut socket = a.socket(Some("2"));
    socket.expect("ready");
    eventually("all is logged", || relay.log().contains("/ws\""));
    let log = relay.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line.trim()).ok());
    let about = lines.filter(|line| line["session"].is_string());
    let ids: Vec<String> = about
        .inspect(|line| assert!(string(&line["session"]).starts_with(&expected), "{line}"))
        .map(|line| string(&line["requestId"]))
        .collect();
    assert!(ids.len() >= 8 && ids.iter().all(|id| id.starts_with(&expected)), "{ids:?}");
    // A line of the log is as good as the header.
    assert_eq!(found(&api, ids.last().unwrap())["ended"], false);
}

#[test]
fn nobody_else_finds_or_ends_anything() {
    let relay = Relay::builder().rate_limit(Some(1000)).var("ADMIN_TOKEN", TOKEN).start().unwrap();
    let api = Api::new(&relay.url());
    let a = api.session();
    let id = id_of(&a.call("GET", "").send());
    found(&api, &id);
    for (method, path) in
        [("GET", format!("requests/{id}")), ("POST", format!("requests/{id}/end"))]
    {
        for token in [None, Some(""), Some("wrong-wrong-wrong-wrong"), Some(a.key.as_str())] {
            let refused = ask(&api, method, &path, token);
            assert_eq!(refused.error(), (401, "invalid_token".to_owned()), "{method} {token:?}");
        }
    }
    let read = ask(&api, "GET", &format!("requests/{id}/end"), Some(TOKEN));
    assert_eq!((read.status, read.header("Allow")), (405, "POST"));
    assert_eq!(a.call("GET", "").send().status, 200, "it lives");
    // Who guesses waits, and then not even the right one helps.
    assert!(
        (0..130)
            .any(|_| ask(&api, "POST", &format!("requests/{id}/end"), Some("no")).status == 429)
    );
    assert_eq!(end(&api, &id).status, 429);
    assert_eq!(a.call("GET", "").send().status, 200, "it still lives");

    let unset = nexus_tests::relay();
    let api = Api::new(&unset.url());
    let a = api.session();
    let id = id_of(&a.call("GET", "").send());
    assert_eq!(end(&api, &id).error(), (404, "not_found".to_owned()));
    assert_eq!(trace(&api, &id).error(), (404, "not_found".to_owned()));
    assert_eq!(a.call("GET", "").send().status, 200);
}

#[test]
fn an_id_that_leads_nowhere_says_why() {
    let (relay, another) = (relay(), relay());
    let (api, elsewhere) = (Api::new(&relay.url()), Api::new(&another.url()));
    let a = api.session();
    let right = id_of(&a.call("GET", "").send());
    found(&api, &right);
    let none = (404, "session_not_found".to_owned());
    for id in [
        id_of(&api.get("/health").send()),
        id_of(&api.get("/v1/sessions/nonsense/messages").send()),
        id_of(&elsewhere.session().call("GET", "").send()),
        "0000000000000000".to_owned(),
    ] {
        assert_eq!(trace(&api, &id).error(), none, "{id}");
        assert_eq!(end(&api, &id).error(), none, "{id}");
    }
    for id in ["x", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeg", "%20", &a.session] {
        let refused = end(&api, id);
        assert_eq!(refused.error(), (400, "invalid_request".to_owned()), "{id}");
        assert!(refused.text().contains("16 hex digits"), "{}", refused.text());
    }
    assert_eq!(a.call("GET", "").send().status, 200, "nothing was ended");
    // One that its members have ended is over for the operator, too.
    assert_eq!(a.call("DELETE", "").send().status, 200);
    assert_eq!(done(&trace(&api, &right), 200)["ended"], true);
    assert_eq!(done(&end(&api, &right), 200)["ended"], true);
    assert!(!relay.log().contains("operatorEnded"), "the operator has ended nothing");
}

#[test]
fn a_session_from_before_the_token_is_found_once_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let builder = || Relay::builder().state_dir(folder.path());
    let first = builder().start().unwrap();
    let a = Api::new(&first.url()).session();
    let id = id_of(&a.call("GET", "").send());
    let known = || a.api.get("/v1/stats").send().json()["activeSessions"] == 1;
    eventually("the directory knows the session", known);
    drop(first);
    for (token, guest) in [(TOKEN, "b"), ("another-correct-horse", "c")] {
        let relay = builder().var("ADMIN_TOKEN", token).start().unwrap();
        let a = Member { api: Api::new(&relay.url()), ..a.clone() };
        let ask = || ask(&a.api, "GET", &format!("requests/{id}"), Some(token));
        let expected = (404, "session_not_found".to_owned(), json!("not_heard"));
        assert_eq!(reason(&ask()), expected, "{token}");
        // What members change is reported at once.
        a.join(guest);
        eventually("it is found", || ask().status == 200);
    }
}

#[test]
fn limits_that_were_hit_are_counted_by_kind_and_by_nobody() {
    let relay = Relay::builder()
        .rate_limit(Some(1000))
        .var("ADMIN_TOKEN", TOKEN)
        .var("CLIENT_IP_HEADER", "CF-Connecting-IP")
        .var("MAX_SESSION_MESSAGES", "3")
        .start()
        .unwrap();
    let api = Api::new(&relay.url());
    let limits = || {
        let activity = done(&ask(&api, "GET", "activity", Some(TOKEN)), 200);
        assert!(string(&activity["now"]).ends_with('Z'));
        list(&activity["limits"]).to_vec()
    };
    assert_eq!(limits(), Vec::<Value>::new());
    let body = json!({ "creatorAgentId": "a", "maxAgents": 1 });
    let (session, key) = api.create(&body);
    let a = Member { api: api.clone(), session, agent: "a".into(), key: key.unwrap() };
    let full = api.post(&format!("/v1/sessions/{}/join", a.session)).agent("b").send();
    assert_eq!((full.status, full.header("X-Limit")), (409, "seats"));
    for _ in 0..5 {
        a.call("POST", "/messages").json(&json!({ "text": "x" })).send();
    }
    let code = format!("/p/PEARL-FOCAL-{}", "S5SJV");
    let guess = || api.get(&code).header("CF-Connecting-IP", b"192.0.2.9").send().status;
    assert!((0..130).any(|_| guess() == 429));
    // ClawLink's words for the same limit.
    let claw = api.post(&format!("/clawlink/{}/register", a.session));
    claw.json(&json!({ "agent_id": "claw", "name": "claw" })).send();
    let of = |name: &str| limits().into_iter().find(|limit| limit["limit"] == name);
    eventually("all are counted", || {
        let count = |name: &str| of(name).map_or(0, |limit| limit["lastHour"].as_u64().unwrap());
        (count("seats"), count("messages")) == (2, 2) && count("guesses") >= 1
    });
    let seats = of("seats").unwrap();
    assert_eq!((&seats["lastDay"], seats.as_object().unwrap().len()), (&json!(2), 4));
    assert!(string(&seats["lastAt"]).ends_with(":00.000Z"));
    let told = Value::from(limits()).to_string();
    for secret in ["192.0.2.9", a.session.as_str(), "PEARL"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn a_browser_gets_a_page_of_the_operator_and_never_json() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for (path, status) in
        [("/admin", 200), ("/v1/admin/activity", 401), ("/v1/admin/requests/0000000000000000", 401)]
    {
        let page = api.get(path).header("Accept", BROWSER).send();
        let kind = (page.status, page.header("Content-Type"));
        assert_eq!(kind, (status, "text/html; charset=utf-8"), "{path}");
        assert!(page.text().contains("The operator's token"), "{path}");
    }
    assert_eq!(api.get("/v1/admin/activity").send().error(), (401, "invalid_token".to_owned()));

    let unset = nexus_tests::relay();
    let api = Api::new(&unset.url());
    for path in ["/admin", "/v1/admin/activity"] {
        let page = api.get(path).header("Accept", BROWSER).send();
        let kind = (page.status, page.header("Content-Type"));
        assert_eq!(kind, (404, "text/html; charset=utf-8"), "{path}");
        assert!(page.text().contains("wrangler secret put ADMIN_TOKEN"), "{path}");
        assert_eq!(api.get(path).send().error(), (404, "not_found".to_owned()), "{path}");
    }
}
