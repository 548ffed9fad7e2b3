//! An agent that speaks OpenDialogue. What is signed, and how, is written here once more, so that a
//! mistake of the relay shows.

use crate::{Answer, Api, CLIENT_HEADER, live::Socket, string};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// Milliseconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A text that no other call returns.
pub fn nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("nonce-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The signature of a text.
pub fn sign(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any key will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// An agent of this kind.
pub struct Agent {
    /// Its relay.
    pub api: Api,
    /// The address of its relay.
    pub url: String,
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl Agent {
    /// Registers an agent, or returns the answer that refuses it.
    pub fn register(api: &Api, name: &str) -> Result<Self, Box<Answer>> {
        let call = api.post("/opendialogue/api/agent/register");
        let answer = call.json(&json!({ "name": name })).send();
        if answer.status != 201 {
            return Err(Box::new(answer));
        }
        let body = answer.json();
        let (id, secret) = (string(&body["agent_id"]), string(&body["agent_secret"]));
        assert!(id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
        assert!(secret.starts_with("nxs_"));
        let card = &body["card"];
        assert_eq!((&card["version"], &card["capabilities"]), (&json!("1.0.0"), &json!(["text"])));
        assert!(card["created_at"].is_i64());
        Ok(Self { api: api.clone(), url: api.base().to_owned(), id, secret })
    }
}

/// A connection, with its session key.
pub struct Line {
    /// The id of the agent.
    pub id: String,
    /// The key that frames are signed with.
    pub key: String,
    /// How many seconds the key is valid.
    pub expires_in: u64,
    /// The socket.
    pub socket: Socket,
}

impl Agent {
    /// Opens a socket with these values, which may be wrong.
    pub fn try_connect(
        &self,
        timestamp: i64,
        nonce: &str,
        signature: &str,
    ) -> Result<Socket, Option<u16>> {
        let timestamp = timestamp.to_string();
        let mut headers = vec![
            ("x-agent-id", self.id.as_str()),
            ("x-timestamp", &timestamp),
            ("x-nonce", nonce),
            ("x-signature", signature),
        ];
        headers.extend(self.api.client.as_deref().map(|ip| (CLIENT_HEADER, ip)));
        Socket::open(&self.url, "/opendialogue/connect", &headers)
    }

    /// What is signed to connect.
    pub fn connect_text(&self, timestamp: i64, nonce: &str) -> String {
        format!("{0}|{0}|server|connect|connect||{timestamp}|{nonce}", self.id)
    }

    /// Connects.
    pub fn connect(&self) -> Line {
        self.open().expect("a socket")
    }

    /// Connects, or returns the status of the refusal.
    pub fn open(&self) -> Result<Line, Option<u16>> {
        let (timestamp, nonce) = (now(), nonce());
        let signature = sign(&self.secret, &self.connect_text(timestamp, &nonce));
        let mut socket = self.try_connect(timestamp, &nonce, &signature)?;
        let session = socket.expect("session");
        let expires_in = session["expires_in"].as_u64().expect("a number");
        Ok(Line { id: self.id.clone(), key: string(&session["session_key"]), expires_in, socket })
    }

    /// A call with a body.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("/opendialogue/api/{path}");
        self.api.call(method, &path).bearer(&self.secret).agent(&self.id).json(body).send()
    }

    /// A call without a body.
    pub fn get(&self, path: &str) -> Answer {
        let path = format!("/opendialogue/api/{path}");
        self.api.get(&path).bearer(&self.secret).agent(&self.id).send()
    }
}

impl Line {
    /// A frame that is signed as it must be.
    pub fn frame(&self, to: &str, kind: &str, content: &str, conversation: &str) -> Value {
        let (timestamp, nonce, id) = (now(), nonce(), format!("m-{}", nonce()));
        let text =
            format!("{id}|{}|{to}|{kind}|{content}|{conversation}|{timestamp}|{nonce}", self.id);
        json!({
            "id": id, "from": self.id, "to": to, "type": kind, "content": content,
            "conversation_id": conversation, "timestamp": timestamp, "nonce": nonce,
            "signature": sign(&self.key, &text),
        })
    }

    /// Sends a text, and returns the answer.
    pub fn say(&mut self, to: &str, content: &str, conversation: &str) -> Value {
        let frame = self.frame(to, "text", content, conversation);
        self.tell(&frame)
    }

    /// Sends a frame, and returns the answer.
    pub fn tell(&mut self, frame: &Value) -> Value {
        self.socket.send(&frame.to_string());
        self.socket.read().expect("a frame")
    }

    /// The next delivery, checked as a client checks it.
    pub fn hear(&mut self) -> Value {
        let frame = self.socket.read().expect("a frame");
        let field = |name: &str| frame[name].as_str().unwrap_or_default();
        assert!(matches!(field("type"), "text" | "typing" | "read_receipt"), "{frame}");
        let timestamp = frame["timestamp"].as_i64().expect("a time");
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

    /// Sends a frame that is refused, and returns the code.
    pub fn error(&mut self, frame: &Value) -> String {
        let answer = self.tell(frame);
        assert_eq!(answer["type"], "error", "{answer}");
        string(&answer["code"])
    }
}
