//! What every browser can be told, and how it is told over HTTP. Each command is one of the standard
//! `WebDriver`.

use crate::{eventually, string, watched::Watched};
use serde_json::{Value, json};
use std::{net::TcpStream, time::Duration};
use ureq::Agent;

/// Ends when the page has been drawn. Before that, it may look as it was, and has not heard of a new size.
pub(super) const DRAWN: &str =
    "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() => done()))";

/// A command. Elements are named by the ids that `Find` gives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Command<'a> {
    /// Open an address, and wait until the page is loaded.
    Open(&'a str),
    Reload,
    Back,
    Address,
    /// Run the body of a function.
    Run(&'a str),
    /// The same, with a function as its last argument that is called with the result.
    RunUntilCalled(&'a str),
    /// The first element that matches.
    Find(&'a str),
    /// What an element is to a screen reader, and what that calls it.
    Role(&'a str),
    Name(&'a str),
    Click(&'a str),
    Type(&'a str, &'a str),
    Clear(&'a str),
    /// Press keys one after the other, wherever the focus is.
    Keys(&'a str),
    /// The name of the tab in which everything happens.
    Tab,
    NewTab,
    TurnTo(&'a str),
    /// A picture of what the window shows, in base64.
    Picture,
    Resize(u32, u32),
}

/// A way to a browser.
pub(super) trait Wire: Send + Sync {
    /// Sends a command, and returns its value, or what the browser says against it.
    fn send(&self, command: Command<'_>) -> Result<Value, String>;
}

/// A session of a driver that listens to HTTP.
pub(super) struct Http {
    agent: Agent,
    /// The address of the session.
    session: String,
}

impl Http {
    /// Begins a session with these wishes, at the driver on this port. Returns what the browser says of
    /// itself.
    pub(super) fn begin(port: u16, wishes: &Value) -> Result<(Self, Value), String> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(2)))
            .build();
        let mut http =
            Self { agent: config.into(), session: format!("http://127.0.0.1:{port}/session") };
        let wishes = json!({ "capabilities": { "alwaysMatch": wishes } });
        let begun = http.call("POST", "", &wishes)?;
        http.session = format!("{}/{}", http.session, string(&begun["sessionId"]));
        Ok((http, begun["capabilities"].clone()))
    }

    /// Sends a request of the driver's own, below the session.
    pub(super) fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let request = ureq::http::Request::builder().method(method).uri(url);
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let mut response = self
            .agent
            .run(request.body(body).expect("a request"))
            .map_err(|error| format!("no answer of the driver: {error}"))?;
        let text = response.body_mut().with_config().limit(64 << 20).read_to_string();
        let mut answer: Value = serde_json::from_str(&text.expect("text")).expect("JSON");
        let value = answer["value"].take();
        if response.status().is_success() { Ok(value) } else { Err(value.to_string()) }
    }
}

impl Wire for Http {
    fn send(&self, command: Command<'_>) -> Result<Value, String> {
        let post = |path: &str, body: Value| self.call("POST", path, &body);
        match command {
            Command::Open(url) => post("/url", json!({ "url": url })),
            Command::Reload => post("/refresh", json!({})),
            Command::Back => post("/back", json!({})),
            Command::Address => self.call("GET", "/url", &Value::Null),
            Command::Run(script) => post("/execute/sync", json!({ "script": script, "args": [] })),
            Command::RunUntilCalled(script) => {
                post("/execute/async", json!({ "script": script, "args": [] }))
            }
            Command::Find(css) => {
                let found = post("/element", json!({ "using": "css selector", "value": css }))?;
                Ok(id_of(&found))
            }
            Command::Role(id) => {
                self.call("GET", &format!("/element/{id}/computedrole"), &Value::Null)
            }
            Command::Name(id) => {
                self.call("GET", &format!("/element/{id}/computedlabel"), &Value::Null)
            }
            Command::Click(id) => post(&format!("/element/{id}/click"), json!({})),
            Command::Type(id, text) => {
                post(&format!("/element/{id}/value"), json!({ "text": text }))
            }
            Command::Clear(id) => post(&format!("/element/{id}/clear"), json!({})),
            Command::Keys(keys) => post("/actions", strokes(keys)),
            Command::Tab => self.call("GET", "/window", &Value::Null),
            Command::NewTab => Ok(post("/window/new", json!({ "type": "tab" }))?["handle"].take()),
            Command::TurnTo(tab) => post("/window", json!({ "handle": tab })),
            Command::Picture => self.call("GET", "/screenshot", &Value::Null),
            Command::Resize(width, height) => {
                post("/window/rect", json!({ "width": width, "height": height }))
            }
        }
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        // The browser must have ended before its profile is removed. If the driver is gone, there is
        // nothing to end.
        let _ = self.agent.delete(&self.session).call();
    }
}

/// The actions that press these keys.
pub(super) fn strokes(keys: &str) -> Value {
    let strokes = keys.chars().flat_map(|key| {
        ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
    });
    let strokes: Vec<Value> = strokes.collect();
    json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] })
}

/// The id in the only field of an element.
pub(super) fn id_of(element: &Value) -> Value {
    let id = element.as_object().and_then(|fields| fields.values().next());
    id.expect("an element has an id").clone()
}

/// Starts a driver that is told its port, and begins a session of it.
///
/// Another program may take the port first: it is then tried again with another one.
pub(super) fn begin_on_free_port(
    start: impl Fn(u16) -> Watched,
    wishes: &Value,
) -> (Watched, Http, Value) {
    let mut said = String::new();
    for _ in 0..5 {
        let port = xtask::relay::free_port().expect("a port");
        let driver = start(port);
        eventually("the driver listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        match Http::begin(port, wishes) {
            Ok((http, about)) => return (driver, http, about),
            Err(error) => said = error,
        }
    }
    panic!("the browser does not start: {said}");
}
