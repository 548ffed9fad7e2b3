//! The manners of HTTP (section 1): what is forgiven, what is refused with its cause, and what passes through
//! proxies and browsers.

use nexus_tests::{
    Api, Member, eventually, list,
    live::{Ended, Events},
    relay, string,
};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// The most bytes of a frame, as of a whole body.
const MOST: usize = 6 * 65_536 + 65_536 + 16 * 1024;

fn texts(member: &Member) -> Vec<String> {
    let page = member.poll("?after=0");
    list(&page["messages"]).iter().map(|message| string(&message["text"])).collect()
}

#[test]
fn a_body_that_cannot_be_read_is_refused_with_its_cause_and_stores_nothing() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let utf16: Vec<u8> = r#"{"text":"x"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xff, 0xfe][..], &utf16].concat();
    let many = json!({ "text": "x", "to": vec!["a"; 60_000] }).to_string();
    for (body, status, error, cause) in [
        (&b"text=hello"[..], 400, "invalid_body", "form data"),
        (b"{\"text\":\"a\nb\"}", 400, "invalid_body", "write \\n"),
        (br#"{"text":"\ud83d"}"#, 400, "invalid_body", "half of a pair"),
        (b"{\"text\":\"\xe4\"}", 400, "invalid_body", "Latin-1"),
        (&utf16, 400, "invalid_body", "UTF-16"),
        (&marked, 400, "invalid_body", "UTF-16"),
        (b"\x1f\x8b\x08\x00\x00", 415, "unsupported_encoding", "compressed"),
        (many.as_bytes(), 400, "invalid_request", "to must name no more agents"),
    ] {
        let answer = a.call("POST", "/messages").body(body).send();
        assert_eq!(answer.error(), (status, error.to_owned()), "{cause}");
        assert!(answer.text().contains(&cause.replace('\\', "\\\\")), "{cause}: {}", answer.text());
    }
    let named = a.call("POST", "/messages").header("Content-Encoding", b"gzip");
    assert_eq!(named.json(&json!({ "text": "x" })).send().status, 415);
    assert!(texts(&a).is_empty());

    let marked = a.call("POST", "/messages").body(b"\xef\xbb\xbf{\"text\":\"marked\"}").send();
    assert_eq!(marked.status, 201);
    let twice = json!({ "text": "twice", "to": ["a", "a"] });
    assert_eq!(a.call("POST", "/messages").json(&twice).send().status, 201);
    assert_eq!(texts(&a), ["marked", "twice"]);
    assert_eq!(a.poll("?after=1")["messages"][0]["to"], json!(["a"]));
}

#[test]
fn a_key_that_was_used_for_another_request_stores_nothing() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let call = |method, path, body: &str| {
        a.call(method, path).idempotency_key("k").body(body.as_bytes()).send()
    };
    for (method, path, first, other) in [
        ("POST", "/messages", r#"{"text":"one"}"#, r#"{"text":"two"}"#),
        ("POST", "/tasks", r#"{"task":"one","to":"a"}"#, r#"{"task":"two","to":"a"}"#),
        ("PUT", "/files/f", "one", "two"),
    ] {
        let stored = call(method, path, first);
        assert_eq!(stored.status, 201, "{}", stored.text());
        assert_eq!(call(method, path, first).text(), stored.text(), "{path}: a repeat");
        let refused = call(method, path, other).error();
        assert_eq!(refused, (422, "idempotency_key_reused".to_owned()), "{path}");
        assert_eq!(call(method, path, first).text(), stored.text(), "{path}: still a repeat");
    }
    let page = a.poll("?after=0");
    assert_eq!(list(&page["messages"]).len(), 3);
    assert_eq!(a.call("GET", "/files/f").send().text(), "one");
}

#[test]
fn headers_and_paths_are_read_as_people_write_them() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let a = api.session();
    assert_eq!(api.get("//v1//stats/").send().status, 200);
    assert_eq!(api.get(&format!("//v1/sessions//{}", a.session)).send().status, 200);
    let put = |etag: &[u8]| a.call("PUT", "/files/f").header("If-Match", etag).body(b"x").send();
    assert_eq!(a.call("PUT", "/files/f").body(b"x").send().status, 201);
    assert_eq!(put(b"W/\"1\"").status, 200);
    assert_eq!(put(b"W/\"1\"").error(), (412, "version_conflict".to_owned()));
    let path = format!("/v1/sessions/{}/messages", a.session);
    let twice = api.get(&path).agent("a").agent("b").key(&a.key).send();
    assert_eq!(twice.error(), (400, "invalid_request".to_owned()));
    assert!(twice.text().contains("more than once"), "{}", twice.text());
    assert_eq!(api.get(&path).agent("a").agent("a").key(&a.key).send().status, 200);
    let section = api.get("/docs/9").send();
    assert!(section.text().starts_with("## 9. Teams"), "{}", section.text());
    assert_eq!(section.header("Content-Type"), "text/markdown; charset=utf-8");
    assert_eq!(api.get("/docs/11").send().status, 404);
    let page = |encodings: &[u8]| api.get("/docs").header("Accept-Encoding", encodings).send();
    assert_eq!(page(b"gzip;q=0").header("Content-Encoding"), "");
}

#[test]
fn browsers_may_send_what_their_libraries_add() {
    let relay = relay();
    let asked = "cache-control, pragma, x-requested-with, traceparent, baggage, mcp-session-id";
    let answer = Api::new(&relay.url())
        .call("OPTIONS", "/v1/stats")
        .header("Access-Control-Request-Headers", asked.as_bytes())
        .send();
    let allowed = answer.header("Access-Control-Allow-Headers").to_ascii_lowercase();
    let allowed: Vec<&str> = allowed.split(", ").collect();
    for name in asked.split(", ") {
        assert!(allowed.contains(&name), "{name}");
    }
}

#[test]
fn a_frame_that_is_too_long_or_no_text_closes_its_socket() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let mut socket = a.socket(None);
    socket.expect("ready");
    // A binary frame is taken for the text that it holds.
    socket.send_bytes(br#"{"type":"send","id":1,"text":"bytes"}"#);
    socket.expect("message");
    assert_eq!(socket.expect("sent")["id"], 1);
    // What is as long as it may be is read: and refused for its text, not for its length.
    let fill = |bytes: usize| {
        let empty = r#"{"type":"send","id":2,"text":""}"#.len();
        json!({ "type": "send", "id": 2, "text": "x".repeat(bytes - empty) }).to_string()
    };
    socket.send(&fill(MOST));
    let error = socket.expect("error");
    assert_eq!((&error["error"], &error["id"]), (&json!("message_too_large"), &json!(2)));
    socket.send(&fill(MOST + 1));
    assert_eq!(socket.read(), Err(Ended::Closed(1009)));

    let mut other = a.socket(Some("9"));
    other.expect("reset");
    other.expect("ready");
    other.send_bytes(b"\xff\xfe\xfd");
    assert_eq!(other.read(), Err(Ended::Closed(1007)));
    assert_eq!(texts(&a), ["bytes"]);
}

#[test]
fn a_secret_that_no_sub_protocol_can_hold_opens_a_socket() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let secret = "a/b=c@d,e/f=g@h,i";
    let register = json!({ "agentId": "a", "name": "A", "secret": secret });
    assert_eq!(api.post("/v1/agents").json(&register).send().status, 201);
    let open = |offered: &str| {
        let offered = format!("nexus, agent.a, {offered}");
        let headers = [("Sec-WebSocket-Protocol", offered.as_str())];
        nexus_tests::live::Socket::open(api.base(), "/v1/agents/a/ws", &headers)
    };
    open("secret64.YS9iPWNAZCxlL2Y9Z0BoLGk").unwrap().expect("ready");
    assert_eq!(open("secret64.d3Jvbmc").err(), Some(Some(401)));
}

/// The head of a response, by hand.
fn head(base: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

#[test]
fn a_stream_of_events_passes_through_proxies_at_once() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let path = format!("/v1/sessions/{}/events", a.session);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: h\r\nX-Agent-Id: a\r\nX-Session-Key: {}\r\n\r\n",
        a.key
    );
    let head = head(&relay.url(), &request);
    assert!(head.contains("\r\ncache-control: no-store, no-transform\r\n"), "{head}");
    assert!(head.contains("\r\nx-accel-buffering: no\r\n"), "{head}");
    let headers = [("X-Agent-Id", "a"), ("X-Session-Key", a.key.as_str())];
    assert!(Events::open(&relay.url(), &path, &headers).is_ok());
}

#[test]
fn a_body_that_breaks_off_is_not_a_failure_of_the_relay() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let path = format!("/v1/sessions/{}/messages", a.session);
    for length in [100, 400_000] {
        let mut stream = TcpStream::connect(relay.url().trim_start_matches("http://")).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: h\r\nX-Agent-Id: a\r\nX-Session-Key: {}\r\nContent-Length: {length}\r\n\r\n{{",
            a.key
        )
        .unwrap();
        drop(stream);
    }
    let message = a.send("after");
    assert_eq!(message["cursor"], "1");
    let lines = || relay.log().matches("POST /v1/sessions/:session/messages").count();
    eventually("all requests are logged", || lines() == 3);
    assert!(!relay.log().contains("\"fault\""), "{}", relay.log());
}

#[test]
fn a_preview_of_a_link_names_the_product_and_does_not_use_it_up() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let code = api.pair(&api.session().session);
    for agent in ["facebookexternalhit/1.1", "Slackbot-LinkExpanding 1.0", "WhatsApp/2.23"] {
        let call = api.get(&format!("/p/{code}")).header("User-Agent", agent.as_bytes());
        let page = call.header("Accept", b"*/*").send();
        assert_eq!((page.status, page.header("Content-Type")), (200, "text/html; charset=utf-8"));
        let text = page.text();
        assert!(text.contains("property=\"og:title\"") && text.contains("og:description"));
    }
    let status = api.get(&format!("/v1/pair/{code}/status")).send().json();
    assert_eq!(status["state"], "pending");
}
