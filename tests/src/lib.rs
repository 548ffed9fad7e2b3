//! Shared by the black-box tests: an HTTP client that knows the headers of the protocol but none of
//! its rules, and the sessions that most tests begin with.
//!
//! Every test starts its own relay ([`xtask::relay`]), on a free port, with its own data.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::panic,
    reason = "a test may panic"
)]
#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]

pub mod abuse;
pub mod agents;
pub mod blind;
pub mod browser;
pub mod dialogue;
pub mod hosted;
pub mod hosts;
pub mod leaks;
pub mod live;
pub mod mcp;
pub mod older;
pub mod proxy;
pub mod random;
pub mod receiver;
pub mod sealing;
pub mod soak;
pub mod torture;
pub mod traces;
pub mod watched;

use serde_json::{Value, json};
use std::{
    thread,
    time::{Duration, Instant},
};
use ureq::{Agent, http};
pub use xtask::project::Project;
pub use xtask::relay::{Relay, tap};
pub use xtask::setup::libraries;
pub use xtask::{dist, project};

/// A relay without rate limits.
pub fn relay() -> Relay {
    Relay::builder().start().expect("the relay starts")
}

/// Calls `done` again and again until it returns true. Only here do tests wait for real time,
/// because only real time brings the end of a session and its alarm.
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_mins(1), "in a minute not: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A client of one relay.
#[derive(Clone)]
pub struct Api {
    agent: Agent,
    base: String,
    client: Option<String>,
}

/// The header in which [`Api::as_client`] says whose request it is. Relays believe it only if the
/// variable `CLIENT_IP_HEADER` names it.
pub const CLIENT_HEADER: &str = "CF-Connecting-IP";

impl Api {
    /// A client of the relay at `base`.
    pub fn new(base: &str) -> Self {
        Self::patient(base, Duration::from_mins(1))
    }

    /// A client that waits this long for a response.
    pub fn patient(base: &str, patience: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(patience))
            .build();
        Self { agent: config.into(), base: base.to_owned(), client: None }
    }

    /// The same client at this IP.
    pub fn as_client(&self, ip: &str) -> Self {
        Self { client: Some(ip.to_owned()), ..self.clone() }
    }

    /// The address of the relay.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Begins a request.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let (path, link) = sealing::without_key(path);
        let request = http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = match &self.client {
            Some(ip) => request.header(CLIENT_HEADER, ip),
            None => request,
        };
        Call { api: self, request, body: Vec::new(), link }
    }

    /// GET
    pub fn get(&self, path: &str) -> Call<'_> {
        self.call("GET", path)
    }

    /// POST
    pub fn post(&self, path: &str) -> Call<'_> {
        self.call("POST", path)
    }

    /// PUT
    pub fn put(&self, path: &str) -> Call<'_> {
        self.call("PUT", path)
    }

    /// Creates a session, with a member if `body` names a creator.
    pub fn create(&self, body: &Value) -> (String, Option<String>) {
        let answer = self.put("/v1/sessions").json(body).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let created = answer.json();
        (string(&created["sessionId"]), created["sessionKey"].as_str().map(ToOwned::to_owned))
    }

    /// Creates a session with one member, `a`.
    pub fn session(&self) -> Member {
        let (session, key) = self.create(&json!({ "creatorAgentId": "a" }));
        Member { api: self.clone(), session, agent: "a".to_owned(), key: key.expect("a key") }
    }

    /// Makes a pairing code.
    pub fn pair(&self, session: &str) -> String {
        let answer = self.put("/v1/pair").json(&json!({ "sessionId": session })).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        string(&answer.json()["code"])
    }
}

/// A member of a session, with its key.
#[derive(Clone)]
pub struct Member {
    /// Its relay.
    pub api: Api,
    /// The id of the session.
    pub session: String,
    /// Its name.
    pub agent: String,
    /// Its key.
    pub key: String,
}

impl Member {
    /// Begins a request of this member. The path is below the session.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let path = format!("/v1/sessions/{}{path}", self.session);
        self.api.call(method, &path).agent(&self.agent).key(&self.key)
    }

    /// Makes a pairing code, with its key.
    pub fn pair(&self) -> String {
        let call = self.api.put("/v1/pair").agent(&self.agent).key(&self.key);
        let answer = call.json(&json!({ "sessionId": self.session })).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        string(&answer.json()["code"])
    }

    /// Joins the same session under another name.
    pub fn join(&self, agent: &str) -> Self {
        let path = format!("/v1/sessions/{}/join", self.session);
        let answer = self.api.post(&path).agent(agent).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let key = string(&answer.json()["sessionKey"]);
        Self { agent: agent.to_owned(), key, ..self.clone() }
    }

    /// Sends a text, and returns the answer.
    pub fn send(&self, text: &str) -> Value {
        let answer = self.call("POST", "/messages").json(&json!({ "text": text })).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// Polls with this query.
    pub fn poll(&self, query: &str) -> Value {
        let answer = self.call("GET", &format!("/messages{query}")).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The texts of everything after `cursor`, page by page, and the last cursor.
    pub fn read_after(&self, cursor: &str) -> (Vec<String>, String) {
        let (mut texts, mut cursor) = (Vec::new(), cursor.to_owned());
        loop {
            let page = self.poll(&format!("?after={cursor}&limit=7"));
            texts.extend(list(&page["messages"]).iter().map(|message| string(&message["text"])));
            cursor = string(&page["nextCursor"]);
            if page["hasMore"] == false {
                return (texts, cursor);
            }
        }
    }
}

/// A request that is being made.
pub struct Call<'a> {
    api: &'a Api,
    request: http::request::Builder,
    body: Vec<u8>,
    /// The key that stood behind a code in the path.
    link: Option<nexus_seal::Secret>,
}

impl Call<'_> {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &[u8]) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// `X-Agent-Id`
    pub fn agent(self, agent: &str) -> Self {
        self.header("X-Agent-Id", agent.as_bytes())
    }

    /// `X-Session-Key`, in place of one that was set before.
    pub fn key(mut self, key: &str) -> Self {
        let key = http::HeaderValue::from_str(key).expect("a header");
        let headers = self.request.headers_mut().expect("a valid request");
        headers.insert("X-Session-Key", key);
        self
    }

    /// `Idempotency-Key`
    pub fn idempotency_key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key.as_bytes())
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string().as_bytes())
    }

    /// A body of any bytes.
    pub fn body(mut self, body: &[u8]) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// Sends the request.
    pub fn send(self) -> Answer {
        self.try_send().expect("an answer")
    }

    /// Sends the request to a relay that may not be running. Of an event stream, only the head is read.
    pub fn try_send(self) -> Option<Answer> {
        leaks::note(&self.body);
        let mut request = self.request.body(self.body.clone()).expect("a valid request");
        let sealing = sealing::seal(&mut request, self.link.as_ref());
        let mut response = self.api.agent.run(request).ok()?;
        let headers = response.headers().clone();
        let kind = headers.get("Content-Type").map(http::HeaderValue::as_bytes).unwrap_or_default();
        let body = if kind.starts_with(b"text/event-stream") {
            Vec::new()
        } else {
            response.body_mut().with_config().limit(64 << 20).read_to_vec().ok()?
        };
        let mut answer = Answer { status: response.status().as_u16(), headers, body };
        if let Some(sealing) = sealing.filter(|_| answer.status < 400) {
            sealing.open(&mut answer.headers, &mut answer.body);
        }
        leaks::note(&answer.body);
        if answer.status >= 400 && answer.header("Content-Type").starts_with("application/json") {
            leaks::check_error(&self.body, &answer.text());
        }
        Some(answer)
    }
}

/// A response.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    headers: http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// The value of a header, or an empty text if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| Value::from(self.text()))
    }

    /// The status and the code of an error. Checks that its sentence says what to do.
    pub fn error(&self) -> (u16, String) {
        let body = self.json();
        let message = body["message"].as_str().unwrap_or_default();
        assert!(message.len() > 30 && message.ends_with('.'), "says what to do: {body}");
        (self.status, string(&body["error"]))
    }
}

/// The value as a string. Fails the test if it is not one.
pub fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}

/// The value as a list. Fails the test if it is not one.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The `sh` blocks of a Markdown page, in order.
pub fn shell_blocks(markdown: &str) -> Vec<String> {
    let blocks = markdown.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}
