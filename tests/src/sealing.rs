//! Lets tests that know nothing of encryption run once more in encrypted sessions.
//!
//! While [`VARIABLE`] is set, every session that [`crate::Api`] creates is encrypted (section 10). What a test sends is
//! sealed on its way to the relay, and what comes back is opened, so that the test sees texts. A code that it gets has
//! the key behind it, like a whole link. Where it uses such a code, the key is taken off again and proved. Messages
//! carry no counts, so nothing is said here of what a relay leaves out: `crates/seal` has tests for that.

use crate::blind::note_key;
use nexus_protocol::{AgentId, FileKey};
use nexus_seal::{Part, Place, Plain, PlainFile, Sealer, Secret, read, read_file};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json, value::RawValue};
use std::{
    collections::HashMap,
    env,
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use ureq::http::{HeaderMap, HeaderValue, Method, Request};
use xtask::encrypted::VARIABLE;

/// Whether sessions of tests are encrypted.
pub fn is_on() -> bool {
    static IS_ON: LazyLock<bool> = LazyLock::new(|| env::var_os(VARIABLE).is_some());
    *IS_ON
}

/// The secrets of sessions, by their ids.
static SECRETS: LazyLock<Mutex<HashMap<String, Secret>>> = LazyLock::new(Mutex::default);
/// The sealed words of tasks, by their ids.
static TASKS: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

fn fresh<const N: usize>() -> [u8; N] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [6; N];
    bytes[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    // Several processes test at once.
    bytes[8..12].copy_from_slice(&std::process::id().to_be_bytes());
    bytes
}

fn secret_of(session: &str) -> Option<Secret> {
    SECRETS.lock().expect("no panic").get(session).cloned()
}

fn keep(session: &Value, secret: &Secret) {
    if let Some(session) = session.as_str() {
        SECRETS.lock().expect("no panic").insert(session.to_owned(), secret.clone());
    }
}

/// Takes the key out of a path whose code has one, or is the rest of an address.
pub(crate) fn without_key(path: &str) -> (String, Option<Secret>) {
    let found = is_on().then(|| path.split_once('#')).flatten().and_then(|(before, after)| {
        let (key, rest) = after.split_at(after.find('/').unwrap_or(after.len()));
        let secret: Secret = key.parse().ok()?;
        note_key(key);
        Some((format!("{before}{rest}"), Some(secret)))
    });
    found.unwrap_or_else(|| (path.to_owned(), None))
}

/// What a request is about, and how its answer is opened.
pub(crate) struct Sealing {
    secret: Secret,
    /// What the path names.
    asked: Asked,
}

enum Asked {
    Create,
    Link,
    Other,
    File(FileKey),
}

/// Seals a request. `None` if it is not about an encrypted session.
pub(crate) fn seal(request: &mut Request<Vec<u8>>, link: Option<&Secret>) -> Option<Sealing> {
    if !is_on() {
        return None;
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let mut sent: Option<Map<String, Value>> = serde_json::from_slice(request.body()).ok();
    let agent: Option<AgentId> = sent
        .as_ref()
        .and_then(|sent| sent.get("creatorAgentId")?.as_str()?.parse().ok())
        .or_else(|| request.headers().get("X-Agent-Id")?.to_str().ok()?.parse().ok());
    let (secret, asked) = match &parts[..] {
        ["v1", "sessions"] if method == Method::PUT || method == Method::POST => {
            let sent = sent.as_mut()?;
            if !sent.contains_key("creatorAgentId") || sent.contains_key("encryption") {
                return None;
            }
            let secret = Secret::from_random(fresh());
            note_key(secret.as_str());
            let key_id = secret.key_id().to_string();
            sent.insert("encryption".to_owned(), json!({ "v": 1, "keyId": key_id }));
            sent.remove("requireKeys");
            (secret, Asked::Create)
        }
        ["v1", "pair"] => (secret_of(sent.as_ref()?.get("sessionId")?.as_str()?)?, Asked::Link),
        ["v1", "pair", _, "claim"] => (link?.clone(), Asked::Create),
        ["v1", "sessions", session, "files", key @ ..] if !key.is_empty() => {
            let key = key.join("/");
            let key = percent_decode_str(&key).decode_utf8_lossy();
            (secret_of(session)?, key.parse().map_or(Asked::Other, Asked::File))
        }
        ["v1", "sessions", session, ..] => (secret_of(session)?, Asked::Other),
        _ => return None,
    };
    if matches!(&parts[..], [.., "claim" | "join"]) {
        let proof = HeaderValue::from_str(secret.key_id().as_str()).expect("a header");
        request.headers_mut().insert("X-Key-Id", proof);
    }
    let sealing = Sealing { secret, asked };
    let Some(agent) = agent else { return Some(sealing) };
    let sealer = Sealer { secret: &sealing.secret, name: &agent, signer: None };
    match (&sealing.asked, sent) {
        (Asked::File(key), _) if method == Method::PUT => {
            let kind = request.headers().get("Content-Type");
            let kind = kind.and_then(|kind| kind.to_str().ok());
            let file =
                PlainFile { content_type: kind.map(ToOwned::to_owned), ..PlainFile::default() };
            let sealed = sealer.seal_file(key, fresh(), file, request.body()).expect("a plaintext");
            *request.body_mut() = sealed.into_bytes();
        }
        (_, Some(mut sent)) => {
            let task = match &parts[..] {
                [.., "tasks", id] => TASKS.lock().expect("no panic").get(*id).cloned(),
                _ => None,
            };
            // As it was written, to the digit.
            let raw: HashMap<String, Box<RawValue>> =
                serde_json::from_slice(request.body()).unwrap_or_default();
            let value = raw.get("json").cloned();
            seal_fields(&sealer, &parts, task, value, &mut sent);
            *request.body_mut() = Value::from(sent).to_string().into_bytes();
        }
        _ => {}
    }
    Some(sealing)
}

fn seal_fields(
    sealer: &Sealer<'_>,
    parts: &[&str],
    task: Option<String>,
    value: Option<Box<RawValue>>,
    sent: &mut Map<String, Value>,
) {
    let sealed = |place: Place<'_>, value: &Value| {
        let plain = match value {
            Value::String(text) => Plain::text(text),
            value => Plain::json(serde_json::value::to_raw_value(value).expect("JSON")),
        };
        Value::from(sealer.seal(place, fresh(), plain).expect("a plaintext"))
    };
    let field = |sent: &mut Map<String, Value>, name: &str, place: Place<'_>| {
        if let Some(value) = sent.get_mut(name).filter(|value| !value.is_null()) {
            *value = sealed(place, value);
        }
    };
    match parts {
        ["v1", "sessions"] => field(sent, "greeting", Place::Greeting),
        [.., "messages"] => {
            let plain = Plain {
                text: sent.get("text").and_then(Value::as_str).map(ToOwned::to_owned),
                json: value,
                ..Plain::default()
            };
            sent.remove("json");
            if plain.text.is_some() || plain.json.is_some() {
                let sealed = sealer.seal(Place::Text, fresh(), plain).expect("a plaintext");
                sent.insert("text".to_owned(), Value::from(sealed));
            }
        }
        [.., "tasks"] | [.., "tasks", _] => {
            field(sent, "task", Place::Task);
            let words = sent.get("task").and_then(Value::as_str).map(ToOwned::to_owned);
            let words = words.or(task).unwrap_or_default();
            for (name, part) in PARTS {
                field(sent, name, Place::Part(part, &words));
            }
        }
        _ => {}
    }
}

const PARTS: [(&str, Part); 3] =
    [("context", Part::Context), ("progress", Part::Progress), ("result", Part::Result)];

impl Sealing {
    /// Opens an answer that is no error.
    pub(crate) fn open(&self, headers: &mut HeaderMap, answer: &mut Vec<u8>) {
        if let Asked::File(key) = &self.asked {
            self.open_file(key, headers, answer);
        }
        let Ok(mut body) = serde_json::from_slice::<Value>(answer) else { return };
        match self.asked {
            Asked::Create => keep(&body["sessionId"], &self.secret),
            Asked::Link => {
                for name in ["code", "url"] {
                    if let Some(text) = body[name].as_str() {
                        body[name] = Value::from(format!("{text}#{}", self.secret.as_str()));
                    }
                }
            }
            Asked::Other | Asked::File(_) => {}
        }
        self.open_value(&mut body);
        *answer = body.to_string().into_bytes();
    }

    fn open_file(&self, key: &FileKey, headers: &mut HeaderMap, answer: &mut Vec<u8>) {
        let editor =
            headers.get("X-File-Editor").and_then(|editor| editor.to_str().ok()?.parse().ok());
        let sealed = std::str::from_utf8(answer).unwrap_or_default();
        let Some(opened) =
            editor.and_then(|editor| read_file(&self.secret, key, &editor, sealed).ok())
        else {
            return;
        };
        if let Some(kind) =
            opened.file.content_type.and_then(|kind| HeaderValue::from_str(&kind).ok())
        {
            headers.insert("Content-Type", kind);
        }
        *answer = opened.bytes;
    }

    /// Opens whatever is sealed in a value: messages, greetings and tasks have their own fields.
    fn open_value(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.open_value(item)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|field| self.open_value(field));
                let name = |fields: &Map<String, Value>, name: &str| {
                    fields.get(name)?.as_str()?.parse::<AgentId>().ok()
                };
                if let Some(sender) = name(fields, "agentId") {
                    self.open_field(fields, "text", Place::Text, &sender);
                }
                if let Some(by) = name(fields, "by") {
                    self.open_field(fields, "text", Place::Greeting, &by);
                }
                let (Some(from), Some(words)) =
                    (name(fields, "from"), fields.get("task").and_then(Value::as_str))
                else {
                    return;
                };
                let words = words.to_owned();
                if let Some(id) = fields.get("id").filter(|_| words.starts_with("eyJ")) {
                    let id = id.as_str().unwrap_or_default().to_owned();
                    TASKS.lock().expect("no panic").insert(id, words.clone());
                }
                let assignee = name(fields, "assignee");
                for (field, part) in PARTS {
                    let by = if part == Part::Context { Some(&from) } else { assignee.as_ref() };
                    if let Some(by) = by {
                        self.open_field(fields, field, Place::Part(part, &words), by);
                    }
                }
                self.open_field(fields, "task", Place::Task, &from);
            }
            _ => {}
        }
    }

    /// Puts what was sealed in the place of the sealed string. If it cannot be opened, it stays.
    fn open_field(
        &self,
        fields: &mut Map<String, Value>,
        field: &str,
        place: Place<'_>,
        by: &AgentId,
    ) {
        let Some(sealed) = fields.get(field).and_then(Value::as_str) else { return };
        let Ok(opened) = read(&self.secret, place, by, sealed) else { return };
        let value =
            opened.plain.json.map(|raw| serde_json::from_str::<Value>(raw.get()).expect("JSON"));
        match (opened.plain.text, value) {
            (Some(text), value) => {
                fields.insert(field.to_owned(), Value::from(text));
                fields.extend(value.map(|value| ("json".to_owned(), value)));
            }
            (None, Some(value)) if place == Place::Text => {
                fields.remove(field);
                fields.insert("json".to_owned(), value);
            }
            (None, Some(value)) => {
                fields.insert(field.to_owned(), value);
            }
            (None, None) => {}
        }
    }
}

/// What every page does before its own scripts: a person who starts a conversation has it encrypted.
pub(crate) const START_ENCRYPTED: &str = "addEventListener('DOMContentLoaded', () => {
    const box = document.querySelector('#encrypted');
    if (box) box.checked = true;
});";
