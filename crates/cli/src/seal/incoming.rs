//! Opens what the relay brings: messages, tasks, greetings.

use super::{Seal, ledger::Ledger};
use crate::{error::Result, json::Json};
use nexus_protocol::{AgentId, Cursor, MessageId, Recipients};
use nexus_seal::{At, Incoming, IncomingFile, Part, Place, Plain, Read, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use std::collections::BTreeMap;

/// The fields of a message that the relay needs itself. No other one of a message is shown.
const MESSAGE: [&str; 13] = [
    "id",
    "agentId",
    "kind",
    "by",
    "hint",
    "cursor",
    "verified",
    "sentAt",
    "expiresAt",
    "to",
    "replyTo",
    "topic",
    "tags",
];

/// The same of a task.
const TASK: [&str; 11] = [
    "id",
    "from",
    "assignee",
    "capability",
    "priority",
    "deadline",
    "status",
    "createdAt",
    "updatedAt",
    "cursor",
    "progress",
];

/// What was found of a task.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    state: State,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    key_changed: bool,
}

/// A task as the relay writes it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct GivenTask {
    id: Option<MessageId>,
    from: Option<AgentId>,
    assignee: Option<AgentId>,
    task: Value,
    context: Value,
    progress: Value,
    result: Value,
}

impl Seal {
    /// An answer of the relay, opened: a page, a board, a task. `path` is what was asked for.
    pub(crate) fn open(&self, path: &str, answer: Json) -> Result<Json> {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Answer {
            messages: Option<Vec<Json>>,
            tasks: Option<Vec<Json>>,
            assignee: Option<Value>,
            next_cursor: Value,
        }
        let parts: Answer = answer.read().unwrap_or_default();
        if let Some(messages) = parts.messages {
            let opened = self.messages(&messages, Range::of(path, &parts.next_cursor))?;
            return Ok(answer.replacing("messages", &Json::of(&opened)));
        }
        if let Some(tasks) = parts.tasks {
            let tasks = self.with(|ledger| {
                tasks.iter().map(|task| self.task(ledger, task).0).collect::<Vec<_>>()
            })?;
            return Ok(answer.replacing("tasks", &Json::of(&tasks)));
        }
        if parts.assignee.is_some() {
            return self.with(|ledger| self.task(ledger, &answer).0);
        }
        Ok(answer)
    }

    /// A message that came over a connection, opened. `after`: where the connection began. `None` if it is one that
    /// came before, at another place.
    pub(crate) fn open_message(
        &self,
        message: Json,
        after: Option<Cursor>,
    ) -> Result<Option<Json>> {
        let cursor = message.read::<Message>().unwrap_or_default().cursor;
        let next = crate::message::read_cursor(&cursor);
        let range = Range { after: Some(after.unwrap_or(Cursor::START)), next };
        Ok(self.messages(&[message], range)?.pop())
    }

    /// The greeting of the answer to a claim, opened. Its author is the creator, whose key the link may name.
    pub(crate) fn open_claim(&self, answer: &Json) -> Result<Json> {
        #[derive(Deserialize)]
        struct Claimed {
            greeting: Option<Greeting>,
        }
        #[derive(Deserialize)]
        struct Greeting {
            by: Option<AgentId>,
            text: String,
        }
        let Some(Claimed { greeting: Some(Greeting { by, text }) }) = answer.read() else {
            return Ok(answer.without("greeting"));
        };
        let read = self.with(|ledger| {
            if let (Some(by), Some(fingerprint)) = (&by, self.fragment.fingerprint) {
                ledger.history.expect(by, fingerprint);
            }
            self.read(ledger, Place::Greeting, START, by.as_ref(), &text)
        })?;
        let greeting = shown(&Json::of(&json!({ "by": by })), read);
        Ok(answer.replacing("greeting", &greeting))
    }

    /// Opens a version of a file.
    pub(crate) fn open_file(&self, file: &IncomingFile<'_>) -> Result<nexus_seal::ReadFile> {
        self.with(|ledger| ledger.history.read_file(&self.fragment.secret, file))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Ledger) -> T) -> Result<T> {
        self.state.with_sealed(&self.session, |ledger: &mut Ledger| Ok(work(ledger)))
    }

    fn messages(&self, messages: &[Json], range: Range) -> Result<Vec<Json>> {
        if messages.is_empty() && range.next.is_none() {
            return Ok(Vec::new());
        }
        self.with(|ledger| {
            let opened = messages.iter().filter_map(|message| self.one(ledger, range, message));
            let opened = opened.collect();
            if let Some((after, next)) = range.after.zip(range.next) {
                ledger.history.read_to(after, next);
            }
            opened
        })
    }

    /// One message, opened. `None` if it is a replay.
    fn one(&self, ledger: &mut Ledger, range: Range, message: &Json) -> Option<Json> {
        let parts: Message = message.read().unwrap_or_default();
        let open = only(message, &MESSAGE);
        match parts.kind.as_deref() {
            Some("task") => Some(self.task_news(ledger, &open, &parts)),
            Some("file") => Some(file_news(&open, &parts)),
            Some("greeting") => {
                let by = parts.by.and_then(|by| by.parse().ok());
                let text = parts.text.unwrap_or_default();
                let read = self.read(ledger, Place::Greeting, START, by.as_ref(), &text);
                Some(shown(&open, read))
            }
            // The relay tells something itself. Nobody else can have this name.
            Some(_) if parts.agent_id == AgentId::SYSTEM => {
                let told = parts.json.map(|json| object("json", &Json::of(&json)));
                let open = open.with(&Json::of(&json!({ "text": parts.text })));
                Some(told.map_or(open.clone(), |told| open.with(&told)))
            }
            Some(_) => Some(unopened(&open)),
            None => {
                let sender: Option<AgentId> = parts.agent_id.parse().ok();
                let (Some(sender), Some(sealed)) = (sender, &parts.text) else {
                    return Some(unopened(&open));
                };
                let cursor = parts.cursor();
                let incoming = Incoming {
                    place: Place::Text,
                    at: At::Log { cursor, after: range.after },
                    sender: &sender,
                    sealed,
                    verified: parts.verified,
                    to: parts.to.as_ref().map_or(&[], Recipients::as_slice),
                    reply_to: parts.reply_to.as_ref(),
                    topic: parts.topic.as_deref(),
                    tags: &parts.tags,
                };
                let read = ledger.history.read(&self.fragment.secret, &self.me, &incoming);
                (!read.seal.replay).then(|| shown(&open, Some(read)))
            }
        }
    }
}

impl Seal {
    /// A message about a task, with a sentence of our own, because the relay cannot read the task.
    fn task_news(&self, ledger: &mut Ledger, open: &Json, parts: &Message) -> Json {
        #[derive(Deserialize)]
        struct News {
            r#type: String,
            event: String,
            task: Json,
        }
        let news =
            parts.json.as_ref().and_then(|json| serde_json::from_str::<News>(json.get()).ok());
        let Some(News { event, task, .. }) = news.filter(|news| news.r#type == "task") else {
            return unopened(open);
        };
        let (task, found) = self.task(ledger, &task);
        let json = Json::of(&json!({ "type": "task", "event": event }));
        let json = json.with(&object("task", &task));
        let text = sentence(&task).filter(|_| found.state == State::Open);
        let told = json!({ "text": text, "seal": found });
        open.with(&Json::of(&told)).with(&object("json", &json))
    }

    /// A task, opened, and the worst of what was found of its parts.
    fn task(&self, ledger: &mut Ledger, task: &Json) -> (Json, Found) {
        let given: GivenTask = task.read().unwrap_or_default();
        let (from, assignee) = (given.from.as_ref(), given.assignee.as_ref());
        let sealed = given.task.as_str().unwrap_or_default().to_owned();
        let at = given.id.as_ref().map_or(START, At::Task);
        let is_percent = given.progress.is_number();
        let parts = [
            ("task", from, Place::Task, given.task),
            ("context", from, Place::Part(Part::Context, &sealed), given.context),
            ("progress", assignee, Place::Part(Part::Progress, &sealed), given.progress),
            ("result", assignee, Place::Part(Part::Result, &sealed), given.result),
        ];
        let mut open = only(task, &TASK);
        if !is_percent {
            open = open.without("progress");
        }
        let (mut state, mut key_changed) = (State::Open, false);
        for (name, sender, place, value) in parts {
            if value.is_null() || (name == "progress" && is_percent) {
                continue;
            }
            let value = value.as_str().unwrap_or_default();
            let read = self.read(ledger, place, at, sender, value);
            let plain = match &read {
                Some(Read { seal, plain: Some(plain), .. }) if !seal.replay => plain,
                _ => {
                    if state == State::Open {
                        state = read.map_or(State::Unsealed, |read| read.seal.state);
                    }
                    if state == State::Open {
                        // It is of another task.
                        state = State::Altered;
                    }
                    continue;
                }
            };
            key_changed |= read.as_ref().is_some_and(|read| read.seal.key_changed);
            let content =
                plain.text.as_ref().map(Json::of).or_else(|| plain.json.as_ref().map(Json::of));
            if let Some(content) = content {
                open = open.with(&object(name, &content));
            }
        }
        if state != State::Open {
            // Nothing may be done with a part of it.
            let parts = ["task", "context", "progress", "result"];
            open = parts.iter().fold(open, |open, name| open.without(name));
        }
        let found = Found { state, key_changed };
        (open.with(&object("seal", &Json::of(&found))), found)
    }

    /// Opens what is no message. `None` if nobody is named who has sealed it.
    fn read(
        &self,
        ledger: &mut Ledger,
        place: Place<'_>,
        at: At<'_>,
        sender: Option<&AgentId>,
        sealed: &str,
    ) -> Option<Read> {
        let incoming = Incoming {
            place,
            at,
            sender: sender?,
            sealed,
            verified: true,
            to: &[],
            reply_to: None,
            topic: None,
            tags: &[],
        };
        Some(ledger.history.read(&self.fragment.secret, &self.me, &incoming))
    }
}

/// Where the greeting stands.
const START: At<'static> = At::Log { cursor: Cursor::START, after: None };

/// A message as the relay writes it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Message {
    agent_id: String,
    kind: Option<String>,
    by: Option<String>,
    text: Option<String>,
    json: Option<Box<RawValue>>,
    verified: bool,
    to: Option<Recipients>,
    reply_to: Option<MessageId>,
    topic: Option<String>,
    tags: Vec<String>,
    cursor: Value,
}

impl Message {
    fn cursor(&self) -> Cursor {
        crate::message::read_cursor(&self.cursor).unwrap_or(Cursor::START)
    }
}

/// Which part of the log was read.
#[derive(Clone, Copy)]
struct Range {
    /// From here on, nothing was left out that the relay would show. `None` if something was.
    after: Option<Cursor>,
    next: Option<Cursor>,
}

impl Range {
    /// That of a page.
    fn of(path: &str, next: &Value) -> Self {
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name));
        let after = value("after=").map_or(Some(Cursor::START), |after| after.parse().ok());
        let is_filtered = value("topic=").or_else(|| value("tags=")).is_some();
        Self { after: after.filter(|_| !is_filtered), next: crate::message::read_cursor(next) }
    }
}

/// Only these fields of an object.
fn only(object: &Json, fields: &[&str]) -> Json {
    let names = object.names();
    let others = names.iter().filter(|name| !fields.contains(&name.as_str()));
    others.fold(object.clone(), |object, name| object.without(name))
}

/// An object with one field, whose value stays as it was written.
fn object(name: &str, value: &Json) -> Json {
    Json::of(&BTreeMap::from([(name, value)]))
}

/// A message without content, because it is not sealed.
fn unopened(open: &Json) -> Json {
    open.with(&Json::of(&json!({ "seal": { "state": State::Unsealed } })))
}

/// A message as it is shown: with its content if it was opened, and in any case with what was found.
fn shown(open: &Json, read: Option<Read>) -> Json {
    let Some(Read { seal, plain, .. }) = read else { return unopened(open) };
    let open = plain.map_or_else(|| open.clone(), |plain| content(open, &plain));
    open.with(&object("seal", &Json::of(&seal)))
}

/// A message with what was in the sealed string.
fn content(shown: &Json, plain: &Plain) -> Json {
    let mut shown = shown.clone();
    let parts = [
        ("text", plain.text.as_ref().map(Json::of)),
        ("json", plain.json.as_ref().map(Json::of)),
        ("to", plain.to.as_ref().map(Json::of)),
        ("replyTo", plain.reply_to.as_ref().map(Json::of)),
        ("topic", plain.topic.as_ref().map(Json::of)),
        ("tags", plain.tags.as_ref().map(Json::of)),
        ("redacted", Some(&plain.redacted).filter(|found| !found.is_empty()).map(Json::of)),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            shown = shown.without(name).with(&object(name, &value));
        }
    }
    shown
}

/// What happened to a task, for people and for models that know no tasks.
fn sentence(task: &Json) -> Option<String> {
    #[derive(Deserialize)]
    struct Task {
        from: String,
        assignee: String,
        status: String,
        #[serde(rename = "task")]
        text: String,
    }
    let Task { from, assignee, status, text } = task.read()?;
    Some(format!("Task for {assignee} from {from} ({status}): {text}"))
}

/// A message about a file, with a sentence of our own.
fn file_news(shown: &Json, parts: &Message) -> Json {
    #[derive(Deserialize, Serialize)]
    struct News {
        r#type: String,
        event: String,
        file: nexus_protocol::FileInfo,
    }
    let news = parts.json.as_ref().and_then(|json| serde_json::from_str::<News>(json.get()).ok());
    let Some(news) = news.filter(|news| news.r#type == "file") else {
        return unopened(shown);
    };
    let nexus_protocol::FileInfo { key, version, editor, .. } = &news.file;
    let text = match news.event.as_str() {
        "deleted" => format!("{editor} deleted {key}"),
        _ => format!("{editor} saved {key} (version {version})"),
    };
    shown.with(&Json::of(&json!({ "text": text, "json": news })))
}
