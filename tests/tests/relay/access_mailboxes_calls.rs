//! Those who call addresses, in [`crate::access_mailboxes`]: who they are, and the calls that they make.

use crate::{
    access_mailboxes::{Agent, Caller, Line, Place, Secret, Words},
    dialogue::{agent, nonce, now, sign},
};
use nexus_tests::{
    Answer, Api, Relay,
    agents::{Resident, done},
    live::{Events, Socket},
    string,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Registers an agent in these words.
fn register(relay: &Relay, words: Words) -> Resident {
    let api = Api::new(&relay.url());
    let id = nonce();
    match words {
        Words::Native => api.register(&id),
        Words::Dialogue => {
            let agent = agent(relay, "an agent");
            Resident { api, id: agent.id, secret: agent.secret }
        }
        Words::Messenger => {
            let secret = format!("the-first-secret-of-{id}");
            let body = json!({ "id": id, "secret": secret });
            done(&api.post("/messenger/register").json(&body).send(), 201);
            Resident { api, id, secret }
        }
    }
}

/// The status of an answer, and the code of an error.
pub(crate) fn outcome(answer: &Answer) -> (u16, String) {
    if answer.status < 400 {
        return (answer.status, String::new());
    }
    // A dialect has a sentence where the native words have a code.
    let body = answer.json();
    (answer.status, string(if body["code"].is_null() { &body["error"] } else { &body["code"] }))
}

/// An owner that has replaced its secret once, a friend that it talks with, a thief with an address of its
/// own, and one that was deleted.
pub(crate) struct Fixture {
    pub(crate) api: Api,
    pub(crate) owner: Resident,
    pub(crate) replaced: String,
    pub(crate) friend: Resident,
    pub(crate) thief: Resident,
    gone: Resident,
    pub(crate) message: String,
}

impl Fixture {
    pub(crate) fn new(relay: &Relay, words: Words) -> Self {
        let mut owner = register(relay, words);
        let [friend, thief, gone] = [(); 3].map(|()| register(relay, words));
        let new = format!("the-second-secret-{}", nonce());
        let changed = owner.call("POST", "/secret").json(&json!({ "secret": new })).send();
        assert_eq!(changed.status, 200, "{}", changed.text());
        let replaced = std::mem::replace(&mut owner.secret, new);
        assert_eq!(gone.call("DELETE", "").send().status, 200);
        for (method, path) in [("PUT", "/blocks/foe"), ("PUT", "/allows/pal")] {
            assert_eq!(owner.call(method, path).send().status, 200);
        }
        let say = |from: &Resident, to: &Resident| {
            let body = json!({ "text": "a secret message", "conversationId": "t" });
            string(&done(&from.to(&to.id).json(&body).send(), 201)["id"])
        };
        say(&friend, &owner);
        let message = say(&owner, &friend);
        let api = Api::patient(&relay.url(), Duration::from_secs(10));
        Self { api, owner, replaced, friend, thief, gone, message }
    }

    fn id(&self, agent: Agent) -> &str {
        match agent {
            Agent::Owner => &self.owner.id,
            Agent::Friend => &self.friend.id,
            Agent::Thief => &self.thief.id,
            Agent::Gone => &self.gone.id,
            Agent::Stranger => "never-was-there",
        }
    }

    fn secret(&self, secret: Secret) -> Option<&str> {
        match secret {
            Secret::Nothing => None,
            Secret::Wrong => Some("nxs_this-is-no-secret-of-anyone"),
            Secret::Of(Agent::Owner) => Some(&self.owner.secret),
            Secret::Of(Agent::Friend) => Some(&self.friend.secret),
            Secret::Of(Agent::Thief) => Some(&self.thief.secret),
            Secret::Of(Agent::Gone | Agent::Stranger) => Some(&self.gone.secret),
            Secret::Replaced => Some(&self.replaced),
        }
    }

    /// All that the owner and its friend have. What waits stays, and so does what either may read.
    pub(crate) fn everything(&self) -> Vec<Value> {
        let of = |agent: &Resident| {
            let paths =
                ["/messages?after=0", "/messages", "/blocks", "/allows", "/conversations/t"];
            let mut all = paths.map(|path| {
                let answer = agent.call("GET", path).send();
                let mut seen = done(&answer, 200);
                // Of a conversation in which a message waits, that is always now.
                seen["lastActivityAt"].take();
                seen
            });
            let card = self.api.get(&format!("/v1/agents/{}", agent.id)).send().json();
            all[1]["card"] = card["card"].clone();
            all
        };
        [of(&self.owner), of(&self.friend)].concat()
    }

    /// Makes a call that would take effect: its status, and the code of its error.
    pub(crate) fn ask(&self, line: &Line, caller: &Caller, is_let_in: bool) -> (u16, String) {
        let (url, headers) = (self.url(line, caller), self.headers(line, caller));
        let pairs: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let is_events = line.path.ends_with("/events");
        if is_let_in && line.is_socket() {
            let opened = Socket::open(self.api.base(), &url, &pairs);
            let mut socket = opened.unwrap_or_else(|status| panic!("{status:?}: {caller:?}"));
            assert!(socket.read().unwrap()["type"].is_string());
            return (101, String::new());
        }
        if is_let_in && is_events {
            let mut events = Events::open(self.api.base(), &url, &pairs).unwrap();
            assert_eq!(events.message().unwrap().1, "a secret message");
            return (200, String::new());
        }
        let mut call = self.api.call(&line.method, &url);
        for (name, value) in &pairs {
            call = call.header(name, value.as_bytes());
        }
        if line.is_socket() {
            call = call.header("Upgrade", b"websocket").header("Connection", b"Upgrade");
        }
        let body = self.body(line, caller);
        let call = if body.is_null() { call } else { call.json(&body) };
        // A stream that should have been refused does not end.
        call.try_send().map_or((0, "it goes on".to_owned()), |answer| outcome(&answer))
    }

    fn url(&self, line: &Line, caller: &Caller) -> String {
        let named = if line.need == "Sender" { Agent::Friend } else { caller.of };
        let url = line
            .path
            .replace(":agent", self.id(named))
            .replace(":other", "another")
            .replace(":message", &self.message)
            .replace(":conversation", "t");
        let mut query = Vec::new();
        if let Some(agent) = caller.agent.filter(|_| line.words == Words::Messenger) {
            query.push(format!("id={}", self.id(agent)));
        }
        if let Some(secret) = self.secret(caller.secret)
            && line.place(caller) == Place::Query
        {
            query.push(format!("secret={secret}"));
        }
        format!("{url}?{}", query.join("&"))
    }

    fn headers(&self, line: &Line, caller: &Caller) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if let Some(agent) = caller.agent.filter(|_| line.words != Words::Messenger) {
            headers.push(("X-Agent-Id", self.id(agent).to_owned()));
            if line.is_signed() {
                headers.extend(self.signed(self.id(agent), line, caller));
            }
        }
        let secret = self.secret(caller.secret).unwrap_or_default();
        match line.place(caller) {
            _ if secret.is_empty() => {}
            Place::Bearer => headers.push(("Authorization", format!("Bearer {secret}"))),
            Place::Basic => headers.push(("Authorization", format!("Basic {secret}"))),
            Place::SessionKey => headers.push(("X-Session-Key", secret.to_owned())),
            Place::Query | Place::Body | Place::Signature | Place::Own => {}
        }
        headers
    }

    /// What the socket of OpenDialogue asks for, signed with the secret where that is how it is shown.
    fn signed(&self, id: &str, line: &Line, caller: &Caller) -> Vec<(&'static str, String)> {
        let (timestamp, nonce) = (now().to_string(), nonce());
        let text = format!("{id}|{id}|server|connect|connect||{timestamp}|{nonce}");
        let secret = self.secret(caller.secret);
        let secret = secret.filter(|_| line.place(caller) == Place::Signature);
        let signature = secret.map(|secret| ("x-signature", sign(secret, &text)));
        [("x-timestamp", timestamp), ("x-nonce", nonce)].into_iter().chain(signature).collect()
    }

    fn body(&self, line: &Line, caller: &Caller) -> Value {
        let from = caller.agent.map_or("", |agent| self.id(agent));
        let to = &self.friend.id;
        match (line.method.as_str(), line.path.rsplit('/').next().unwrap_or_default()) {
            ("GET", _) => Value::Null,
            ("PATCH", _) => json!({ "name": "stolen", "listed": true }),
            ("POST", "secret") => json!({ "secret": "the-caller-chose-this" }),
            ("POST", "messages") => json!({ "text": "x" }),
            ("POST", "message") => json!({ "from": from, "to": to, "content": "x" }),
            ("POST", "ack") => json!({ "cursor": "1" }),
            ("POST", "register") => {
                json!({ "id": nonce(), "name": "n", "secret": "a-secret-of-a-new-one" })
            }
            ("POST", "send") => {
                let secret = self.secret(caller.secret);
                let secret = secret.filter(|_| line.place(caller) == Place::Body);
                json!({ "from": from, "to": to, "message": "x", "secret": secret })
            }
            (_, "block") => json!({ "blocked_id": "another" }),
            (_, "allow") => json!({ "allowed_id": "another" }),
            (_, "allow-only" | "allowlist-mode") => json!({ "enabled": true }),
            _ => Value::Null,
        }
    }
}
