//! ClawLink's requests (docs/dialects.md), and the types of its files.

use crate::{
    AgentId, Assignee, Body, FileKey, Frame, GiveTask, Limits, MessageId, Priority, Profile,
    Redact, Refusal, SendMessage, TaskStatus,
    label::is_label,
    profile::{TAGS, TOPIC, text},
    task::bounded,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::value::RawValue;

const NEEDED: &str = "must be a text that is not empty";
const TEXT: &str = "text/plain; charset=utf-8";
/// The parameter of a content type that stores a `file_type` which is not a content type itself.
const PARAMETER: &str = "; file-type=";

/// `POST register`
#[derive(Clone, Debug)]
pub struct ClawLinkRegister {
    /// The relay makes one if this is left out.
    pub agent: Option<AgentId>,
    /// The profile of the agent.
    pub profile: Profile,
}

impl ClawLinkRegister {
    /// Reads the body.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let agent = body.field("agent_id", AgentId::RULE);
        let profile = Profile::read(&mut body);
        body.finish()?;
        Ok(Self { agent, profile })
    }
}

/// What a client sends over its socket.
#[derive(Clone, Debug)]
pub enum ClawLinkFrame {
    /// It is there.
    Heartbeat,
    /// It gives a task.
    Delegate(ClawLinkTask),
    /// It tells everyone something.
    Broadcast(ClawLinkBroadcast),
}

impl ClawLinkFrame {
    /// The rule for its type.
    pub const TYPES: &str = "must be `heartbeat`, `delegate` or `broadcast`";

    /// Reads a frame of `caller`. Refuses one of another type, and what the same call over HTTP would refuse.
    pub fn read(frame: Frame<'_>, caller: &AgentId, limits: &Limits) -> Result<Self, Refusal> {
        let caller = Some(caller);
        match frame.kind() {
            Some("heartbeat") => Ok(Self::Heartbeat),
            Some("delegate") => {
                ClawLinkTask::read(frame.into_body(), caller, limits).map(Self::Delegate)
            }
            Some("broadcast") => {
                ClawLinkBroadcast::read(frame.into_body(), caller, limits).map(Self::Broadcast)
            }
            _ => Err(frame.wrong_type()),
        }
    }
}

/// `POST heartbeat`: the agent that sends it.
pub fn heartbeat(bytes: &[u8]) -> Result<AgentId, Refusal> {
    let mut body = Body::parse(bytes)?;
    let agent = body.required("agent_id", AgentId::RULE);
    finish(body, agent)
}

/// `POST delegate`, and the frame of the same name.
#[derive(Clone, Debug)]
pub struct ClawLinkTask {
    /// The asker.
    pub from: AgentId,
    /// The task and its assignee.
    pub give: GiveTask,
}

impl ClawLinkTask {
    /// Reads the body. Refuses one that lacks `from_agent`, `to_agent` or `task`, or is too large.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        Self::read(Body::parse(bytes)?, None, limits)
    }

    /// As [`Self::parse`]. Of a frame, the sender is its `caller`.
    pub fn read(
        mut body: Body<'_>,
        caller: Option<&AgentId>,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let from = sender(&mut body, caller);
        let to: Option<AgentId> = body.required("to_agent", AgentId::RULE);
        let task: Option<String> = body.required("task", NEEDED);
        if task.as_ref().is_some_and(String::is_empty) {
            body.note("task", NEEDED);
        }
        let context = body.raw("context").map(ToOwned::to_owned);
        let priority = body.field("priority", Priority::RULE).unwrap_or_default();
        let (from, assignee, task) = finish(body, all(from, to.map(Assignee::Agent), task))?;
        if task.len() > limits.max_text_bytes {
            return Err(Refusal::message_too_large("task", limits.max_text_bytes));
        }
        bounded("context", context.as_deref(), limits)?;
        let (deadline, redact) = (None, Redact::On);
        let give = GiveTask { assignee, task, context, priority, deadline, redact };
        Ok(Self { from, give })
    }
}

/// `POST respond`
#[derive(Clone, Debug)]
pub struct ClawLinkAnswer {
    /// The assignee.
    pub from: AgentId,
    /// The member that gave the task.
    pub to: AgentId,
    /// The task.
    pub task: MessageId,
    /// The result.
    pub result: Box<RawValue>,
    /// `in_progress`, `completed` or `failed`.
    pub status: TaskStatus,
}

impl ClawLinkAnswer {
    /// Reads the body. Refuses one that lacks a field other than `status`, or is too large.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        const STATUS: &str = "must be `in_progress`, `completed` or `failed`";
        const TASK: &str = "must be the `message_id` of the task";
        let mut body = Body::parse(bytes)?;
        let from: Option<AgentId> = body.required("from_agent", AgentId::RULE);
        let to: Option<AgentId> = body.required("to_agent", AgentId::RULE);
        let task: Option<String> = body.required("message_id", TASK);
        if !body.has("result") {
            body.note("result", "must be given: a text, or any other JSON value");
        }
        let result = body.raw("result").map(ToOwned::to_owned);
        let status = body.field("status", STATUS).unwrap_or(TaskStatus::Completed);
        if !TaskStatus::Pending.may_be_answered(status) {
            body.note("status", STATUS);
        }
        let ((from, to, task), result, ()) =
            finish(body, all(all(from, to, task), result, Some(())))?;
        bounded("result", Some(&result), limits)?;
        // A malformed id was never given to a task.
        let task = task.parse().map_err(|_| Refusal::task_not_found())?;
        Ok(Self { from, to, task, result, status })
    }
}

/// `POST broadcast`, and the frame of the same name.
#[derive(Clone, Debug)]
pub struct ClawLinkBroadcast {
    /// The sender.
    pub from: AgentId,
    /// The message, which is for all.
    pub message: SendMessage,
}

impl ClawLinkBroadcast {
    /// Reads the body. Content that is not a text is a payload.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        Self::read(Body::parse(bytes)?, None, limits)
    }

    /// As [`Self::parse`]. Of a frame, the sender is its `caller`.
    pub fn read(
        mut body: Body<'_>,
        caller: Option<&AgentId>,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let from = sender(&mut body, caller);
        let content = body.raw("content").filter(|content| content.get() != "\"\"");
        if content.is_none() {
            body.note("content", NEEDED);
        }
        let topic = text(&mut body, "topic", TOPIC, 1..=64).unwrap_or_else(|| "general".to_owned());
        let tags: Vec<String> = body.field("tags", TAGS).unwrap_or_default();
        if tags.len() > 20 || !tags.iter().all(|tag| is_label(tag)) {
            body.note("tags", TAGS);
        }
        let (from, content, ()) = finish(body, all(from, content, Some(())))?;
        let text: Option<String> = serde_json::from_str(content.get()).ok();
        if text.as_ref().is_some_and(|text| text.len() > limits.max_text_bytes) {
            return Err(Refusal::message_too_large("content", limits.max_text_bytes));
        }
        let json = text.is_none().then_some(content);
        bounded("content", json, limits)?;
        let json = json.map(ToOwned::to_owned);
        let message =
            SendMessage { text, json, topic: Some(topic), tags, ..SendMessage::default() };
        Ok(Self { from, message })
    }
}

/// `POST files`
#[derive(Clone, Debug)]
pub struct ClawLinkFile {
    /// The key of the file.
    pub key: FileKey,
    /// The member that saves the file.
    pub editor: AgentId,
    /// The value of `Content-Type`.
    pub content_type: String,
    /// The content.
    pub content: Vec<u8>,
}

impl ClawLinkFile {
    /// Reads the body. Refuses one without `file_key`, `content` or `agent_id`, and content that
    /// claims to be `base64` but is not.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        const TYPE: &str = "must be a word such as `text` or `json`, `base64`, or a content type";
        let mut body = Body::parse(bytes)?;
        let key: Option<FileKey> = body.required("file_key", FileKey::RULE);
        let editor: Option<AgentId> = body.required("agent_id", AgentId::RULE);
        let content: Option<String> = body.required("content", "must be a text");
        let kind: Option<String> = body.field("file_type", TYPE);
        let kind = kind.filter(|kind| !kind.is_empty()).unwrap_or_else(|| "text".to_owned());
        let content_type = content_type(&kind);
        if content_type.is_none() {
            body.note("file_type", TYPE);
        }
        let content = if kind == "base64" {
            let content = content.map(|text| text.split_ascii_whitespace().collect::<String>());
            let decoded = content.map(|text| STANDARD.decode(text));
            if matches!(decoded, Some(Err(_))) {
                body.note("content", "must be base64, as `file_type` says");
            }
            decoded.and_then(Result::ok)
        } else {
            content.map(String::into_bytes)
        };
        let ((key, editor, content), content_type, ()) =
            finish(body, all(all(key, editor, content), content_type, Some(())))?;
        Ok(Self { key, editor, content_type, content })
    }
}

/// The content type that stores a `file_type`, or `None` if it is not a valid one.
fn content_type(kind: &str) -> Option<String> {
    let visible = |byte: u8| matches!(byte, b' '..=b'~');
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    match kind {
        "text" => Some(TEXT.to_owned()),
        "base64" => Some(format!("application/octet-stream{PARAMETER}base64")),
        kind if kind.contains('/') => {
            let right = kind.bytes().all(visible) && !kind.contains(PARAMETER);
            // A content type that would be read back as `text` is stored in the parameter.
            let shown = file_type(kind) == kind;
            let stored = if shown { kind.to_owned() } else { format!("{kind}{PARAMETER}{kind}") };
            Some(stored).filter(|stored| right && stored.len() <= 256)
        }
        kind if kind.len() > 64 || !kind.bytes().all(word) => None,
        word => Some(format!("{TEXT}{PARAMETER}{word}")),
    }
}

/// The `file_type` for a content type: the one that the file was saved with. For a file that was
/// not saved through ClawLink, `text` or the content type itself.
#[must_use]
pub fn file_type(content_type: &str) -> &str {
    if let Some((_, kind)) = content_type.rsplit_once(PARAMETER) {
        return kind;
    }
    let bare = content_type.split(';').next().unwrap_or_default().trim();
    if matches!(bare, "text/plain" | "application/octet-stream") { "text" } else { content_type }
}

/// The content of a file as ClawLink shows it, with its `file_type`. Content that is not text
/// becomes `base64`.
#[must_use]
pub fn file_content(content_type: &str, bytes: Vec<u8>) -> (String, &str) {
    let kind = file_type(content_type);
    if kind == "base64" {
        return (STANDARD.encode(bytes), kind);
    }
    match String::from_utf8(bytes) {
        Ok(text) => (text, kind),
        Err(error) => (STANDARD.encode(error.as_bytes()), "base64"),
    }
}

/// Reads `from_agent`. On a socket it may be left out, but must not name another agent.
fn sender(body: &mut Body, caller: Option<&AgentId>) -> Option<AgentId> {
    let Some(caller) = caller else { return body.required("from_agent", AgentId::RULE) };
    let from: Option<AgentId> = body.field("from_agent", AgentId::RULE);
    if from.is_some_and(|from| from != *caller) {
        body.note("from_agent", "must be the agent whose socket this is, or be left out");
    }
    Some(caller.clone())
}

/// All three values, if all are present.
fn all<A, B, C>(a: Option<A>, b: Option<B>, c: Option<C>) -> Option<(A, B, C)> {
    Some((a?, b?, c?))
}

/// Returns what was read, unless something was noted as wrong.
fn finish<T>(body: Body, read: Option<T>) -> Result<T, Refusal> {
    body.finish()?;
    read.ok_or_else(|| Refusal::invalid("body", "must have every field"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrong<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Vec<String> {
        let details = result.unwrap_err().body.details;
        details.into_iter().map(|detail| detail.path.into_owned()).collect()
    }

    #[test]
    fn every_missing_field_is_named() {
        let limits = Limits::default();
        assert!(
            ClawLinkRegister::parse(b"{}").is_ok(),
            "what it does not tell, the relay makes up"
        );
        assert_eq!(wrong(heartbeat(b"{}")), ["agent_id"]);
        assert_eq!(wrong(ClawLinkTask::parse(b"{}", &limits)), ["from_agent", "to_agent", "task"]);
        assert_eq!(
            wrong(ClawLinkAnswer::parse(b"{}", &limits)),
            ["from_agent", "to_agent", "message_id", "result"]
        );
        assert_eq!(wrong(ClawLinkBroadcast::parse(b"{}", &limits)), ["from_agent", "content"]);
        assert_eq!(wrong(ClawLinkFile::parse(b"{}")), ["file_key", "agent_id", "content"]);
        let empty = br#"{"from_agent":"a","content":""}"#;
        assert_eq!(wrong(ClawLinkBroadcast::parse(empty, &limits)), ["content"]);
        let status =
            br#"{"from_agent":"a","to_agent":"b","message_id":"m","result":1,"status":"declined"}"#;
        assert_eq!(wrong(ClawLinkAnswer::parse(status, &limits)), ["status"]);
    }

    #[test]
    fn on_a_socket_the_sender_cannot_be_another_agent() {
        let (me, limits) = ("me".parse().unwrap(), Limits::default());
        let parse = |frame: &str| {
            let body = Body::parse(frame.as_bytes())?;
            ClawLinkBroadcast::read(body, Some(&me), &limits)
        };
        assert_eq!(parse(r#"{"content":"x"}"#).unwrap().from, me);
        assert_eq!(parse(r#"{"content":"x","from_agent":"me"}"#).unwrap().from, me);
        assert_eq!(wrong(parse(r#"{"content":"x","from_agent":"you"}"#)), ["from_agent"]);
    }

    #[test]
    fn a_broadcast_is_a_text_or_a_payload_with_a_topic() {
        let parse = |body: &str| ClawLinkBroadcast::parse(body.as_bytes(), &Limits::default());
        let message = parse(r#"{"from_agent":"a","content":"x"}"#).unwrap().message;
        assert_eq!(
            (message.text.as_deref(), message.topic.as_deref()),
            (Some("x"), Some("general"))
        );
        let message =
            parse(r#"{"from_agent":"a","content":{"n":1.50},"topic":"t"}"#).unwrap().message;
        assert_eq!(message.json.unwrap().get(), r#"{"n":1.50}"#);
        assert_eq!((message.text, message.topic.as_deref()), (None, Some("t")));
    }

    #[test]
    fn the_type_of_a_file_is_returned_as_it_was_given() {
        for kind in [
            "text",
            "markdown",
            "json",
            "base64",
            "text/plain",
            "text/markdown; charset=utf-8",
            "image/png",
        ] {
            let stored = content_type(kind).unwrap();
            assert_eq!(file_type(&stored), kind);
        }
        assert_eq!(file_type("text/plain"), "text");
        assert_eq!(file_type("application/octet-stream"), "text");
        for kind in ["a b", "a/\n", "a\"", &"x".repeat(65)] {
            assert_eq!(content_type(kind), None, "{kind}");
        }
        let text = |kind, bytes: &[u8]| file_content(kind, bytes.to_vec()).0;
        assert_eq!(file_content("image/png", vec![0xff, 0]), ("/wA=".to_owned(), "base64"));
        assert_eq!(text("application/octet-stream; file-type=base64", b"hi"), "aGk=");
        assert_eq!(text("application/octet-stream", b"hi"), "hi");
    }

    #[test]
    fn base64_content_is_stored_as_bytes() {
        let post = |content: &str| {
            let body = serde_json::json!({ "file_key": "k", "agent_id": "a", "content": content, "file_type": "base64" });
            ClawLinkFile::parse(body.to_string().as_bytes())
        };
        assert_eq!(post("/w\nA=").unwrap().content, [0xff, 0]);
        assert_eq!(wrong(post("no!")), ["content"]);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".{0,200}") {
            let (bytes, limits) = (text.as_bytes(), Limits::default());
            let _ = (ClawLinkRegister::parse(bytes).is_ok(), heartbeat(bytes).is_ok());
            let _ = ClawLinkTask::parse(bytes, &limits).is_ok();
            let _ = (ClawLinkAnswer::parse(bytes, &limits).is_ok(), ClawLinkFile::parse(bytes).is_ok());
            let _ = ClawLinkBroadcast::parse(bytes, &limits).is_ok();
            if let Some(stored) = content_type(&text) { prop_assert_eq!(file_type(&stored), text); }
        }
    }
}
