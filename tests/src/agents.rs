//! Agents with an address, and their readers.

use crate::{
    Answer, Api, Call, Relay, list,
    live::{Events, Follow, Socket},
    string,
};
use serde_json::{Value, json};

/// A relay without rate limits. Tests may send as much as they like.
pub fn roomy_relay() -> Relay {
    let most = "10000";
    Relay::builder()
        .var("SENDER_MESSAGES_PER_MINUTE", most)
        .var("MAX_WAITING_MESSAGES", most)
        .var("MAX_MAILBOX_BYTES", "1073741824")
        .start()
        .expect("the relay starts")
}

/// A registered agent with its secret.
#[derive(Clone)]
pub struct Resident {
    /// Its relay.
    pub api: Api,
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl Api {
    /// Registers an agent.
    pub fn register(&self, id: &str) -> Resident {
        let body = json!({ "agentId": id, "name": id });
        let answer = self.post("/v1/agents").json(&body).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let secret = string(&answer.json()["secret"]);
        Resident { api: self.clone(), id: id.to_owned(), secret }
    }
}

impl Call<'_> {
    /// `Authorization: Bearer`
    #[must_use]
    pub fn bearer(self, secret: &str) -> Self {
        self.header("Authorization", format!("Bearer {secret}").as_bytes())
    }
}

impl Resident {
    /// Begins a request of this agent. The path is below its own.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        self.api.call(method, &format!("/v1/agents/{}{path}", self.id)).bearer(&self.secret)
    }

    /// Begins a send to another agent.
    pub fn to(&self, other: &str) -> Call<'_> {
        let path = format!("/v1/agents/{other}/messages");
        self.api.post(&path).bearer(&self.secret).agent(&self.id)
    }

    /// Sends a text, and returns the answer.
    pub fn send(&self, other: &str, text: &str) -> Value {
        done(&self.to(other).json(&json!({ "text": text })).send(), 201)
    }

    /// Polls with this query.
    pub fn poll(&self, query: &str) -> Value {
        done(&self.call("GET", &format!("/messages{query}")).send(), 200)
    }

    /// The texts of all waiting messages, page by page, and the last cursor.
    pub fn waiting(&self) -> (Vec<String>, String) {
        let mut page = self.poll("?limit=7");
        let mut texts = Vec::new();
        loop {
            texts.extend(list(&page["messages"]).iter().map(|message| string(&message["text"])));
            let cursor = string(&page["nextCursor"]);
            if page["hasMore"] == false {
                return (texts, cursor);
            }
            page = self.poll(&format!("?limit=7&after={cursor}"));
        }
    }

    /// Acknowledges everything up to `cursor`.
    pub fn ack(&self, cursor: &str) -> Value {
        done(&self.call("POST", "/ack").json(&json!({ "cursor": cursor })).send(), 200)
    }

    /// The state of a message that this agent has sent.
    pub fn status(&self, to: &str, id: &Value) -> Value {
        let path = format!("/v1/agents/{to}/messages/{}", string(id));
        done(&self.api.get(&path).bearer(&self.secret).agent(&self.id).send(), 200)
    }

    /// Opens a socket.
    pub fn try_socket(&self, query: &str) -> Result<Socket, Option<u16>> {
        let path = format!("/v1/agents/{}/ws{query}", self.id);
        let bearer = format!("Bearer {}", self.secret);
        Socket::open(self.api.base(), &path, &[("Authorization", &bearer)])
    }

    /// Like [`Self::try_socket`], but fails the test if there is no socket.
    pub fn socket(&self) -> Socket {
        self.try_socket("").expect("a socket")
    }

    /// Opens a stream of events.
    pub fn try_events(&self, query: &str) -> std::io::Result<Events> {
        let path = format!("/v1/agents/{}/events{query}", self.id);
        let bearer = format!("Bearer {}", self.secret);
        Events::open(self.api.base(), &path, &[("Authorization", &bearer)])
    }
}

impl Follow for Resident {
    fn page(&self, query: &str) -> Option<Answer> {
        self.call("GET", &format!("/messages{query}")).try_send()
    }

    fn socket_after(&self, cursor: &str) -> Result<Socket, Option<u16>> {
        self.try_socket(&format!("?after={cursor}"))
    }

    fn events_after(&self, cursor: &str) -> std::io::Result<Events> {
        self.try_events(&format!("?after={cursor}"))
    }
}

/// The body of a response, which must have this status.
pub fn done(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.json()
}
