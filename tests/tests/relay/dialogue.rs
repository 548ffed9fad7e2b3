//! An agent that speaks OpenDialogue, by hand: what is signed, and how, is worked out here.

use hmac::{Hmac, KeyInit, Mac};
use nexus_tests::{Answer, Api, Relay, live::Socket, string};
use serde_json::{Value, json};
use sha2::Sha256;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

pub(crate) fn nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("nonce-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn sign(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// An agent of this kind.
pub(crate) struct Agent {
    pub(crate) api: Api,
    pub(crate) url: String,
    pub(crate) id: String,
    pub(crate) secret: String,
}

pub(crate) fn agent(relay: &Relay, name: &str) -> Agent {
    let api = Api::new(&relay.url());
    let answer = api.post("/opendialogue/api/agent/register").json(&json!({ "name": name })).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.json();
    let (id, secret) = (string(&body["agent_id"]), string(&body["agent_secret"]));
    assert!(id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    assert!(secret.starts_with("nxs_"));
    let card = &body["card"];
    assert_eq!((&card["version"], &card["capabilities"]), (&json!("1.0.0"), &json!(["text"])));
    assert!(card["created_at"].is_i64());
    Agent { api, url: relay.url(), id, secret }
}

/// A connection, with its session key.
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) expires_in: u64,
    pub(crate) socket: Socket,
}

impl Agent {
    pub(crate) fn try_connect(
        &self,
        timestamp: i64,
        nonce: &str,
        signature: &str,
    ) -> Result<Socket, Option<u16>> {
        let timestamp = timestamp.to_string();
        let headers = [
            ("x-agent-id", self.id.as_str()),
            ("x-timestamp", &timestamp),
            ("x-nonce", nonce),
            ("x-signature", signature),
        ];
        Socket::open(&self.url, "/opendialogue/connect", &headers)
    }

    pub(crate) fn connect_text(&self, timestamp: i64, nonce: &str) -> String {
        format!("{0}|{0}|server|connect|connect||{timestamp}|{nonce}", self.id)
    }

    pub(crate) fn connect(&self) -> Line {
        let (timestamp, nonce) = (now(), nonce());
        let signature = sign(&self.secret, &self.connect_text(timestamp, &nonce));
        let mut socket = self.try_connect(timestamp, &nonce, &signature).unwrap();
        let session = socket.expect("session");
        let expires_in = session["expires_in"].as_u64().unwrap();
        Line { id: self.id.clone(), key: string(&session["session_key"]), expires_in, socket }
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("/opendialogue/api/{path}");
        self.api.call(method, &path).bearer(&self.secret).agent(&self.id).json(body).send()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        let path = format!("/opendialogue/api/{path}");
        self.api.get(&path).bearer(&self.secret).agent(&self.id).send()
    }
}

impl Line {
    /// A frame that is signed as it must be.
    pub(crate) fn frame(&self, to: &str, kind: &str, content: &str, conversation: &str) -> Value {
        let (timestamp, nonce, id) = (now(), nonce(), format!("m-{}", nonce()));
        let text =
            format!("{id}|{}|{to}|{kind}|{content}|{conversation}|{timestamp}|{nonce}", self.id);
        json!({
            "id": id, "from": self.id, "to": to, "type": kind, "content": content,
            "conversation_id": conversation, "timestamp": timestamp, "nonce": nonce,
            "signature": sign(&self.key, &text),
        })
    }

    pub(crate) fn say(&mut self, to: &str, content: &str, conversation: &str) -> Value {
        let frame = self.frame(to, "text", content, conversation);
        self.tell(&frame)
    }

    pub(crate) fn tell(&mut self, frame: &Value) -> Value {
        self.socket.send(&frame.to_string());
        self.socket.read().unwrap()
    }

    /// The next delivery, checked as a client checks it.
    pub(crate) fn hear(&mut self) -> Value {
        let frame = self.socket.read().unwrap();
        let field = |name: &str| frame[name].as_str().unwrap_or_default();
        assert!(matches!(field("type"), "text" | "typing" | "read_receipt"), "{frame}");
        let timestamp = frame["timestamp"].as_i64().unwrap();
        assert!(now().abs_diff(timestamp) < 300_000, "fresh: {frame}");
        let turn = frame["turn_number"].as_u64().map(|turn| format!("|{turn}")).unwrap_or_default();
        let text = format!(
            "{}|{}|{}|{}|{}|{}{turn}|{timestamp}|{}",
            field("id"),
            field("from"),
            field("to"),
            field("type"),
            field("content"),
            field("conversation_id"),
            field("nonce"),
        );
        assert_eq!(field("signature"), sign(&self.key, &text), "{frame}");
        assert_eq!(field("to"), self.id);
        assert!(frame["delivered_at"].is_i64());
        frame
    }

    pub(crate) fn error(&mut self, frame: &Value) -> String {
        let answer = self.tell(frame);
        assert_eq!(answer["type"], "error", "{answer}");
        string(&answer["code"])
    }
}
