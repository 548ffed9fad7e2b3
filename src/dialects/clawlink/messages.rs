//! The translation: members, messages and files as ClawLink has them.

use nexus_core::{ClawLinkInfo, Fault};
use nexus_protocol::{
    AgentId, FileEvent, FileInfo, FileKey, FileNews, Kind, Member, Message, MessageId, Presence,
    Priority, Progress, TaskEvent, TaskNews, Timestamp, file_content, file_type,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};

/// The calls, as the service information lists them.
const ENDPOINTS: [(&str, &str); 12] = [
    ("info", "GET /"),
    ("register", "POST /register"),
    ("discover", "GET /discover"),
    ("heartbeat", "POST /heartbeat"),
    ("delegate", "POST /delegate"),
    ("respond", "POST /respond"),
    ("broadcast", "POST /broadcast"),
    ("poll", "GET /poll/:agent_id"),
    ("save_file", "POST /files"),
    ("list_files", "GET /files"),
    ("read_file", "GET /files/:key"),
    ("websocket", "GET /ws/:agent_id"),
];

/// `GET /`
pub(crate) fn info(info: &ClawLinkInfo, now: Timestamp) -> Value {
    let endpoints: Map<String, Value> =
        ENDPOINTS.iter().map(|(name, call)| ((*name).to_owned(), json!(call))).collect();
    json!({
        "service": "nexus-relay",
        "version": env!("CARGO_PKG_VERSION"),
        "auth_required": info.token_required,
        "agents_online": info.online,
        "total_broadcasts": info.broadcasts,
        "shared_files": info.files,
        "note": "A mesh is a session of this relay. Register, then poll or open a socket.",
        "endpoints": endpoints,
        "server_time": now,
    })
}

/// The name of an agent that registers without one.
pub(crate) fn name_of(agent: &AgentId) -> String {
    // Ids are of ASCII.
    format!("agent-{:.4}", agent.as_str())
}

/// A member. What it has not told of itself is empty, and its name its id.
pub(crate) fn agent(member: &Member) -> Value {
    let profile = &member.profile;
    json!({
        "agent_id": member.agent_id,
        "name": profile.name.as_deref().unwrap_or(member.agent_id.as_str()),
        "capabilities": profile.capabilities.as_deref().unwrap_or_default(),
        "machine": profile.machine.as_deref().unwrap_or_default(),
        "description": profile.description.as_deref().unwrap_or_default(),
        "registered_at": member.joined_at,
        "last_heartbeat": member.last_seen_at.as_millis().div_euclid(1000),
        "status": if member.presence == Presence::Stale { "stale" } else { "online" },
    })
}

/// How a message reaches its reader, who has a socket open or not.
pub(crate) fn delivery(connected: bool) -> &'static str {
    if connected { "websocket" } else { "queued" }
}

/// A file in a list, without its content.
pub(crate) fn listed_file(file: &FileInfo) -> Value {
    json!({
        "file_key": file.key,
        "file_type": file_type(&file.content_type),
        "last_editor": file.editor,
        "version": file.version,
        "updated_at": file.updated_at,
    })
}

/// A file with its content.
pub(crate) fn whole_file(file: &FileInfo, bytes: Vec<u8>) -> Value {
    let (content, kind) = file_content(&file.content_type, bytes);
    let mut whole = listed_file(file);
    if let Some(fields) = whole.as_object_mut() {
        fields.insert("file_type".to_owned(), kind.into());
        fields.insert("content".to_owned(), content.into());
    }
    whole
}

/// A message as its readers get it. Payloads stay as they were written.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum News {
    TaskDelegation {
        message_id: MessageId,
        from_agent: AgentId,
        to_agent: AgentId,
        task: String,
        context: Box<RawValue>,
        priority: Priority,
        timestamp: Timestamp,
    },
    TaskResponse {
        message_id: MessageId,
        response_id: MessageId,
        from_agent: String,
        to_agent: AgentId,
        result: Option<Box<RawValue>>,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        progress: Option<Progress>,
        timestamp: Timestamp,
    },
    KnowledgeBroadcast {
        message_id: MessageId,
        from_agent: String,
        content: Box<RawValue>,
        topic: String,
        tags: Vec<String>,
        timestamp: Timestamp,
    },
    FileUpdated {
        file_key: FileKey,
        version: u32,
        last_editor: AgentId,
        timestamp: Timestamp,
    },
}

impl News {
    /// A stored message, for the reader `me`.
    pub(crate) fn of(me: &AgentId, record: &str) -> Result<Self, Fault> {
        let message: Message = read(record)?;
        let timestamp = message.sent_at;
        match message.kind {
            Some(Kind::Task) => Self::of_task(me, message, timestamp),
            Some(Kind::File) => match payload(&message)? {
                FileNews { event: FileEvent::Saved, file } => Ok(Self::FileUpdated {
                    file_key: file.key,
                    version: file.version,
                    last_editor: file.editor,
                    timestamp,
                }),
                // It has no word for a file that is gone; the text says so.
                FileNews { event: FileEvent::Deleted, .. } => Self::broadcast(message, timestamp),
            },
            None
            | Some(
                Kind::Greeting
                | Kind::Invitation
                | Kind::Joined
                | Kind::Left
                | Kind::Removed
                | Kind::Ending
                | Kind::Ended
                | Kind::WebhookFailing,
            ) => Self::broadcast(message, timestamp),
        }
    }

    fn of_task(me: &AgentId, message: Message, timestamp: Timestamp) -> Result<Self, Fault> {
        let TaskNews { event, task } = payload(&message)?;
        if event == TaskEvent::Assigned && task.assignee == *me {
            return Ok(Self::TaskDelegation {
                message_id: task.id,
                from_agent: task.from,
                to_agent: task.assignee,
                task: task.task,
                context: task.context.unwrap_or_else(no_context),
                priority: task.priority,
                timestamp,
            });
        }
        // For one that has to do with it no more, because another has it now, it is over.
        let concerned = task.from == *me || task.assignee == *me;
        let status = if concerned { task.status.as_str() } else { "cancelled" };
        Ok(Self::TaskResponse {
            message_id: task.id,
            response_id: message.id,
            from_agent: message.agent_id,
            to_agent: me.clone(),
            result: task.result,
            status,
            progress: task.progress,
            timestamp,
        })
    }

    /// Anyone's own word. Where there is no text, the payload stands for it, as it was written.
    fn broadcast(message: Message, timestamp: Timestamp) -> Result<Self, Fault> {
        let content = match (message.text, message.json) {
            (None, Some(payload)) => payload,
            (text, _) => to_raw_value(&text.unwrap_or_default()).map_err(Fault::new)?,
        };
        Ok(Self::KnowledgeBroadcast {
            message_id: message.id,
            from_agent: message.agent_id,
            content,
            topic: message.topic.unwrap_or_else(|| "general".to_owned()),
            tags: message.tags,
            timestamp,
        })
    }
}

/// The context of a task that was given none.
fn no_context() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}

/// The answer to a poll.
#[derive(Serialize)]
pub(crate) struct Polled {
    messages: Vec<News>,
    count: usize,
}

impl Polled {
    pub(crate) fn new(messages: Vec<News>) -> Self {
        Self { count: messages.len(), messages }
    }
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, Fault> {
    serde_json::from_str(json).map_err(|_| Fault::new("a stored message cannot be read"))
}

fn payload<T: DeserializeOwned>(message: &Message) -> Result<T, Fault> {
    let payload = message.json.as_ref();
    read(payload.ok_or_else(|| Fault::new("a stored message has no payload"))?.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = r#"{"id":"s-3","from":"ann","assignee":"ben","task":"t","context":{"n":1.50},"priority":"high","status":"STATUS","result":[1e40],"createdAt":"1970-01-01T00:00:01.000Z","updatedAt":"1970-01-01T00:00:02.000Z","cursor":"4"}"#;

    fn message(from: &str, rest: &str) -> String {
        format!(
            r#"{{"id":"s-4","agentId":"{from}",{rest},"cursor":"4","verified":true,"sentAt":"1970-01-01T00:00:02.999Z","expiresAt":"1970-01-01T01:00:00.000Z"}}"#
        )
    }

    fn task(from: &str, event: &str, status: &str) -> String {
        let task = TASK.replace("STATUS", status);
        let json = format!(r#"{{"type":"task","event":"{event}","task":{task}}}"#);
        message(from, &format!(r#""kind":"task","text":"x","json":{json}"#))
    }

    fn told(me: &str, record: &str) -> String {
        serde_json::to_string(&News::of(&me.parse().unwrap(), record).unwrap()).unwrap()
    }

    #[test]
    fn who_has_a_task_is_given_it_and_the_others_hear_what_became_of_it() {
        assert_eq!(
            told("ben", &task("ann", "assigned", "pending")),
            r#"{"type":"task_delegation","message_id":"s-3","from_agent":"ann","to_agent":"ben","task":"t","context":{"n":1.50},"priority":"high","timestamp":"1970-01-01T00:00:02.999Z"}"#
        );
        assert_eq!(
            told("ann", &task("ben", "changed", "completed")),
            r#"{"type":"task_response","message_id":"s-3","response_id":"s-4","from_agent":"ben","to_agent":"ann","result":[1e40],"status":"completed","timestamp":"1970-01-01T00:00:02.999Z"}"#
        );
        assert!(
            told("eve", &task("ann", "assigned", "pending")).contains(r#""status":"cancelled""#)
        );
        assert!(
            told("ben", &task("ann", "changed", "cancelled")).contains(r#""from_agent":"ann""#)
        );
        assert!(
            told("ann", &task("system", "returned", "pending")).contains(r#""status":"pending""#)
        );
    }

    #[test]
    fn what_anyone_says_is_a_broadcast() {
        assert_eq!(
            told("ben", &message("ann", r#""text":"hi""#)),
            r#"{"type":"knowledge_broadcast","message_id":"s-4","from_agent":"ann","content":"hi","topic":"general","tags":[],"timestamp":"1970-01-01T00:00:02.999Z"}"#
        );
        let payload =
            told("ben", &message("ann", r#""json":{"type":"task"},"topic":"t","tags":["x"]"#));
        assert_eq!(
            payload,
            r#"{"type":"knowledge_broadcast","message_id":"s-4","from_agent":"ann","content":{"type":"task"},"topic":"t","tags":["x"],"timestamp":"1970-01-01T00:00:02.999Z"}"#
        );
    }

    #[test]
    fn files_are_told_of() {
        let file = |event: &str| {
            let file = r#"{"key":"a/b","version":2,"etag":"\"2\"","size":1,"contentType":"text/plain","editor":"ann","verified":true,"updatedAt":"1970-01-01T00:00:02.000Z","cursor":"4"}"#;
            let json = format!(r#"{{"type":"file","event":"{event}","file":{file}}}"#);
            told("ben", &message("ann", &format!(r#""kind":"file","text":"x","json":{json}"#)))
        };
        assert_eq!(
            file("saved"),
            r#"{"type":"file_updated","file_key":"a/b","version":2,"last_editor":"ann","timestamp":"1970-01-01T00:00:02.999Z"}"#
        );
        assert!(file("deleted").starts_with(r#"{"type":"knowledge_broadcast""#));
    }
}
