//! An encrypted session, and a relay that does what it can to deceive its members.

use crate::{
    fake::{Fake, Reply, forward, response},
    support::{Home, text},
};
use nexus_protocol::Recipients;
use nexus_seal::{Fragment, Place, Plain, Sealer, Secret};
use nexus_tests::{Relay, list, relay};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

/// A machine whose agent has created an encrypted session, the session, and a link to it.
pub(crate) fn host(url: &str) -> (Home, String, String) {
    let a = Home::new(url);
    let create = ["create", "--as", "a", "--encrypt", "--greeting", "Which day?"];
    let session = text(&a.nexus(&create).done()["sessionId"]);
    let link = link(&a, &session);
    (a, session, link)
}

pub(crate) fn link(home: &Home, session: &str) -> String {
    text(&home.nexus(&["pair", session]).done()["url"])
}

/// The key that a link ends with.
pub(crate) fn key(link: &str) -> &str {
    link.split_once('#').unwrap().1
}

/// The secret in a link, as somebody has it who found the link.
pub(crate) fn secret(link: &str) -> Secret {
    key(link).parse::<Fragment>().unwrap().secret
}

/// A text as its sender seals it without a client, so without a signature.
pub(crate) fn sealed(secret: &Secret, name: &str, to: Option<&str>, text: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let iv = u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
    let name = name.parse().unwrap();
    let to = to.map(|to| Recipients::One(to.parse().unwrap()));
    let sealer = Sealer { secret, name: &name, signer: None };
    sealer.seal(Place::Text, iv, Plain { to, ..Plain::text(text) }).unwrap()
}

/// The messages of a run, each with its state.
pub(crate) fn states(page: &Value) -> Vec<(String, String)> {
    let of = |message: &Value| {
        let state = message["seal"]["state"].as_str().unwrap_or("open").to_owned();
        (message["text"].as_str().unwrap_or_default().to_owned(), state)
    };
    list(&page["messages"]).iter().map(of).collect()
}

/// What an evil relay makes of the answer to a request.
type Tamper = Box<dyn FnMut(&str, &mut Value) + Send>;

/// A relay between b and the real one, which does what it is told with each answer.
pub(crate) struct Evil {
    pub(crate) fake: Fake,
    tamper: Arc<Mutex<Option<Tamper>>>,
}

impl Evil {
    pub(crate) fn before(relay: &Relay) -> Self {
        let tamper: Arc<Mutex<Option<Tamper>>> = Arc::default();
        let (port, shared) = (relay.port(), Arc::clone(&tamper));
        let fake = Fake::new(move |_, request| {
            let bytes = forward(port, request);
            let answer = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = answer.split_once("\r\n\r\n") else {
                return Reply::Bytes(bytes);
            };
            let Ok(mut body) = serde_json::from_str::<Value>(body) else {
                return Reply::Bytes(bytes);
            };
            if request.starts_with("GET /health") {
                // Only polls pass here.
                body["capabilities"]["delivery"] = json!(["poll"]);
            } else if let Some(tamper) = shared.lock().unwrap().as_mut() {
                tamper(request, &mut body);
            }
            let status = head.split_once(' ').and_then(|(_, rest)| rest.lines().next());
            Reply::Bytes(response(status.unwrap_or("500 -"), "", &body.to_string()))
        });
        Self { fake, tamper }
    }

    pub(crate) fn with(&self, tamper: impl FnMut(&str, &mut Value) + Send + 'static) {
        *self.tamper.lock().unwrap() = Some(Box::new(tamper));
    }
}

/// An encrypted session of a, who is at the real relay, and b, who is behind the evil one.
pub(crate) struct Scene {
    pub(crate) relay: Relay,
    pub(crate) evil: Evil,
    pub(crate) a: Home,
    pub(crate) b: Home,
    pub(crate) session: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let relay = relay();
        let (a, session, link) = host(&relay.url());
        let evil = Evil::before(&relay);
        let b = Home::without_url();
        let link = link.replace(&relay.url(), &evil.fake.url);
        b.nexus(&["claim", &link, "--as", "b"]).done();
        Self { relay, evil, a, b, session }
    }

    /// The secret of the session, as its members have it.
    pub(crate) fn secret(&self) -> Secret {
        secret(&format!("#{}", self.a.stored(&self.session, "secret").unwrap()))
    }

    pub(crate) fn say(&self, text: &str) {
        self.a.nexus(&["send", &self.session, text]).done();
    }

    /// The messages that b reads from the beginning, as the relay tampers with them.
    pub(crate) fn read(&self, mut tamper: impl FnMut(&mut Vec<Value>) + Send + 'static) -> Value {
        self.evil.with(move |request, body| {
            if let (true, Some(messages)) =
                (request.starts_with("GET "), body["messages"].as_array_mut())
            {
                tamper(messages);
            }
        });
        self.b.nexus(&["poll", &self.session, "--after", "0"]).done()
    }

    pub(crate) fn poll(&self) -> Value {
        self.b.nexus(&["poll", &self.session]).done()
    }
}

/// The message of `a` in a page, by its place among them.
pub(crate) fn of_a(messages: &mut [Value], at: usize) -> &mut Value {
    let is_of_a = |message: &&mut Value| message["agentId"] == "a" && message["kind"].is_null();
    messages.iter_mut().filter(is_of_a).nth(at).unwrap()
}
