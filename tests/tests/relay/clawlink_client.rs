//! A client of ClawLink, by hand: its paths and its fields are worked out here.

use nexus_tests::{Answer, Api, Relay, list, live::Socket, string};
use serde_json::{Value, json};

/// A ClawLink base, as its clients see it: a base address, and a token where there is one.
pub(crate) struct ClawLink {
    pub(crate) api: Api,
    pub(crate) session: String,
    pub(crate) token: Option<String>,
    /// The key of a member that holds one.
    pub(crate) key: Option<String>,
}

impl ClawLink {
    /// A session that was created like this.
    pub(crate) fn new(relay: &Relay, body: &Value) -> Self {
        let api = Api::new(&relay.url());
        let (session, _) = api.create(body);
        let token = body["token"].as_str().map(ToOwned::to_owned);
        Self { api, session, token, key: None }
    }

    /// The same, with what another client brings along.
    pub(crate) fn with(&self, token: Option<&str>, key: Option<&str>) -> Self {
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        let (api, session) = (self.api.clone(), self.session.clone());
        Self { api, session, token: owned(token), key: owned(key) }
    }

    fn call(&self, method: &str, path: &str) -> nexus_tests::Call<'_> {
        let mut call = self.api.call(method, &format!("/clawlink/{}{path}", self.session));
        if let Some(token) = &self.token {
            call = call.bearer(token);
        }
        if let Some(key) = &self.key {
            call = call.key(key);
        }
        call
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path).json(body).send()
    }

    /// As [`Self::post`], which must succeed.
    pub(crate) fn done(&self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, body);
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
        answer.json()
    }

    pub(crate) fn register(&self, id: &str) -> Value {
        let body =
            json!({ "agent_id": id, "name": format!("{id} by name"), "capabilities": ["c"] });
        self.done("/register", &body)
    }

    /// What a poll brings.
    pub(crate) fn poll(&self, id: &str) -> Vec<Value> {
        let answer = self.get(&format!("/poll/{id}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json();
        let messages = list(&page["messages"]).to_vec();
        assert_eq!(page["count"], messages.len());
        messages
    }

    /// The contents of the broadcasts that a poll brings, which are all that it brings.
    pub(crate) fn heard(&self, id: &str) -> Vec<String> {
        self.poll(id).iter().map(content).collect()
    }

    pub(crate) fn say(&self, id: &str, content: &str) -> Value {
        self.done("/broadcast", &json!({ "from_agent": id, "content": content }))
    }

    pub(crate) fn delegate(&self, from: &str, to: &str, task: &str) -> Value {
        let body = json!({ "from_agent": from, "to_agent": to, "task": task });
        self.done("/delegate", &body)
    }

    pub(crate) fn try_socket(&self, id: &str) -> Result<Socket, Option<u16>> {
        let bearer = format!("Bearer {}", self.token.as_deref().unwrap_or_default());
        let mut headers = vec![];
        if self.token.is_some() {
            headers.push(("Authorization", bearer.as_str()));
        }
        if let Some(key) = &self.key {
            headers.push(("X-Session-Key", key));
        }
        let path = format!("/clawlink/{}/ws/{id}", self.session);
        Socket::open(self.api.base(), &path, &headers)
    }

    pub(crate) fn socket(&self, id: &str) -> Socket {
        self.try_socket(id).expect("a socket")
    }
}

/// What a broadcast says.
pub(crate) fn content(message: &Value) -> String {
    assert_eq!(message["type"], "knowledge_broadcast", "{message}");
    string(&message["content"])
}

/// Checks that this is an error with this status, and says what is wrong.
pub(crate) fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
    assert!(error.len() > 20 && error.ends_with('.'), "{}", answer.text());
}
