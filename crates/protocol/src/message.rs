//! Messages (section 3): requests and answers.

use crate::{
    AgentId, Body, Cursor, Frame, IdempotencyKey, Limits, Member, MessageId, Refusal, Timestamp,
    label::is_label,
    profile::{TAGS, TOPIC, text},
    query::Query,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// The recipients of a message, written as one agent id or as a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Recipients {
    /// `"to": "a"`
    One(AgentId),
    /// `"to": ["a", "b"]`
    Many(Vec<AgentId>),
}

impl Recipients {
    /// The same, with each agent named once.
    fn each_once(self) -> Self {
        match self {
            Self::One(agent) => Self::One(agent),
            Self::Many(agents) => {
                let mut seen = BTreeSet::new();
                let agents = agents.into_iter().filter(|agent| seen.insert(agent.clone()));
                Self::Many(agents.collect())
            }
        }
    }

    /// The recipients as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[AgentId] {
        match self {
            Self::One(agent) => std::slice::from_ref(agent),
            Self::Many(agents) => agents,
        }
    }
}

/// `POST /v1/sessions/:id/messages`: at least one of `text` and `json`.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SendMessage {
    /// Text, at most [`Limits::max_text_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Any JSON value, kept exactly as it was written, at most [`Limits::max_json_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Box<RawValue>>,
    /// Only these and the sender may read the message. Everyone, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Recipients>,
    /// The message that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The topic, by which readers may filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Tags, by which readers may filter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether secrets are removed. False only with a proven key, where that is allowed.
    #[serde(default, skip_serializing_if = "Redact::is_on")]
    pub redact: Redact,
}

impl SendMessage {
    /// Reads the body. Refuses a message without content, one that is too large, and malformed
    /// fields.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        Self::read(Body::parse(bytes)?, limits)
    }

    /// As [`Self::parse`], from the fields of a body or a frame.
    pub fn read(mut body: Body<'_>, limits: &Limits) -> Result<Self, Refusal> {
        let content = Content::read(&mut body);
        let to: Option<Recipients> = body.field("to", "must be an agent id or a list of them");
        let most = usize::try_from(limits.max_agents).unwrap_or(usize::MAX);
        if to.as_ref().is_some_and(|to| to.as_slice().len() > most) {
            body.note("to", "must name no more agents than a session may have (MAX_AGENTS)");
        }
        let to = to.map(Recipients::each_once);
        let reply_to = body.field("replyTo", "must be the id of a message of this session");
        if to.as_ref().is_some_and(|to| to.as_slice().is_empty()) {
            body.note("to", "must name at least one agent; leave it out to reach everyone");
        }
        let topic = text(&mut body, "topic", TOPIC, 1..=64);
        let tags: Vec<String> = body.field("tags", TAGS).unwrap_or_default();
        if tags.len() > 20 || !tags.iter().all(|tag| is_label(tag)) {
            body.note("tags", TAGS);
        }
        let redact = Redact::read(&mut body);
        body.finish()?;
        let (text, json) = content.check(limits)?;
        Ok(Self { text, json, to, reply_to, topic, tags, redact })
    }
}

/// What a client sends over the socket of a session: `{"type":"send"}`.
#[derive(Clone, Debug)]
pub struct SessionFrame {
    /// How the send can be repeated.
    pub key: Option<IdempotencyKey>,
    /// What is sent.
    pub message: SendMessage,
}

impl SessionFrame {
    /// The rule for its type.
    pub const TYPES: &str = "must be `send`";

    /// Reads a frame. Refuses one of another type, and what a send over HTTP would refuse.
    pub fn read(frame: Frame<'_>, limits: &Limits) -> Result<Self, Refusal> {
        if frame.kind() != Some("send") {
            return Err(frame.wrong_type());
        }
        let mut body = frame.into_body();
        let key = body.field("idempotencyKey", IdempotencyKey::RULE);
        Ok(Self { key, message: SendMessage::read(body, limits)? })
    }
}

/// The content of a message, as its body gives it.
pub(crate) struct Content<'a> {
    text: Option<String>,
    json: Option<&'a RawValue>,
}

impl<'a> Content<'a> {
    /// Takes `text` and `json` out of a body.
    pub(crate) fn read(body: &mut Body<'a>) -> Self {
        Self { json: body.raw("json"), text: body.field("text", "must be a string") }
    }

    /// Returns text and payload. Refuses if both are missing or one is too large.
    pub(crate) fn check(
        self,
        limits: &Limits,
    ) -> Result<(Option<String>, Option<Box<RawValue>>), Refusal> {
        let Self { text, json } = self;
        if json.is_none() && text.as_ref().is_none_or(String::is_empty) {
            return Err(Refusal::invalid(
                "text",
                "must be given and not be empty, unless `json` is given",
            ));
        }
        if text.as_ref().is_some_and(|text| text.len() > limits.max_text_bytes) {
            return Err(Refusal::message_too_large("text", limits.max_text_bytes));
        }
        if json.is_some_and(|json| json.get().len() > limits.max_json_bytes) {
            return Err(Refusal::message_too_large("json", limits.max_json_bytes));
        }
        Ok((text, json.map(ToOwned::to_owned)))
    }
}

/// Whether the relay removes secrets from what is sent (section 7): `redact` in a body, a boolean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Redact {
    /// Secrets are removed.
    #[default]
    On,
    /// Everything is stored as it was sent.
    Off,
}

impl Redact {
    /// Takes the field out of a body.
    pub(crate) fn read(body: &mut Body) -> Self {
        body.field("redact", "must be true or false").unwrap_or_default()
    }

    /// Whether secrets are removed.
    #[must_use]
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde takes")]
    pub fn is_on(&self) -> bool {
        *self == Self::On
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Redact {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Redact".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        bool::json_schema(generator)
    }
}

impl From<bool> for Redact {
    fn from(redact: bool) -> Self {
        if redact { Self::On } else { Self::Off }
    }
}

impl From<Redact> for bool {
    fn from(redact: Redact) -> Self {
        redact.is_on()
    }
}

/// Secrets that were removed from a message (section 7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Redacted {
    /// The type of the secrets.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many there were.
    pub count: u32,
}

/// The answer to a send. The message is persisted in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Always true, for clients that look for it.
    #[serde(default = "yes")]
    pub ok: bool,
    /// The id of the message.
    pub id: MessageId,
    /// Its place in the log.
    pub cursor: Cursor,
    /// The message is kept at least until then, unless a member shortens the TTL.
    pub expires_at: Timestamp,
    /// Whether the sender proved its key.
    pub verified: bool,
    /// What was removed, ordered by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Redacted>,
    /// Whether the message was stored without a search for secrets, as its sender asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unredacted: bool,
}

fn yes() -> bool {
    true
}

/// What a message is about, if the relay wrote or checked it (section 3). No sender can set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something became of a task (section 9).
    Task,
    /// Something became of a file (section 9).
    File,
    /// A link to a session, put into an inbox by the relay (section 8).
    Invitation,
    /// What the creator of a session wrote for everyone.
    Greeting,
    /// An agent took a seat.
    Joined,
    /// A member left.
    Left,
    /// A member was removed.
    Removed,
    /// The session ends soon unless something happens.
    Ending,
    /// The session is over.
    Ended,
    /// A webhook does not accept what is posted to it. Directed to the member that set it.
    WebhookFailing,
}

impl Kind {
    /// Whether it is an event, which only readers with `events=true` see.
    #[must_use]
    pub fn is_event(self) -> bool {
        match self {
            Self::Joined | Self::Left | Self::Removed | Self::Ending | Self::WebhookFailing => true,
            Self::Task | Self::File | Self::Invitation | Self::Greeting | Self::Ended => false,
        }
    }
}

/// The author of a greeting: the creator of the session, or null if none was named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Author(pub Option<AgentId>);

/// A message as readers get it, and as the log stores it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 3 names each")]
pub struct Message {
    pub id: MessageId,
    /// The sender. `system` for the greeting and for messages of the relay itself.
    pub agent_id: String,
    /// Set only by the relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The author, if this is the greeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Author>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Box<RawValue>>,
    /// How to answer, in the relay's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    pub cursor: Cursor,
    pub verified: bool,
    pub sent_at: Timestamp,
    /// The message is kept at least until then, unless a member shortens the TTL. Activity keeps it
    /// longer.
    pub expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Recipients>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Redacted>,
    /// Whether its sender asked that nothing be searched for secrets. Set only by the relay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unredacted: bool,
}

/// `GET /v1/sessions/:id/messages`: what to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Only messages after this cursor. From the beginning, with the greeting, if left out.
    pub after: Option<Cursor>,
    /// At most this many messages.
    pub limit: u32,
    /// Whether to add the members.
    pub members: bool,
    /// For how many seconds to hold an empty answer until a message arrives.
    pub wait: u32,
}

/// The longest time that an empty poll is held, in seconds.
const MAX_WAIT: u32 = 25;

impl PageRequest {
    /// Reads the query string. Refuses malformed cursors and numbers. A number above the maximum
    /// counts as the maximum.
    pub fn parse(query: &str, limits: &Limits) -> Result<Self, Refusal> {
        let mut query = Query::parse(query);
        let request = Self {
            after: query.parsed("after"),
            limit: query
                .at_most("limit", "messages", 1..=limits.max_page)
                .unwrap_or(limits.default_page.min(limits.max_page)),
            members: query.flag("members"),
            wait: query.at_most("wait", "seconds", 0..=MAX_WAIT).unwrap_or(0),
        };
        query.finish()?;
        Ok(request)
    }
}

/// The answer to a poll. Messages are passed on as the JSON that was stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Page {
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Message>"))]
    /// Ordered by cursor.
    pub messages: Vec<Box<RawValue>>,
    /// The `after` for the next poll.
    pub next_cursor: Cursor,
    /// Whether more can be read at once.
    pub has_more: bool,
    /// Whether the given cursor is past the end of the log. Continue from `nextCursor`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cursor_reset: bool,
    /// Only with `members=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Member>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use proptest::prelude::*;

    fn send(body: &str) -> Result<SendMessage, Refusal> {
        SendMessage::parse(body.as_bytes(), &Limits::default())
    }

    #[test]
    fn a_payload_is_kept_as_it_was_written() {
        let message = send(r#"{"json": {"n": 1e40, "big":12345678901234567890123}}"#).unwrap();
        assert_eq!(message.json.unwrap().get(), r#"{"n": 1e40, "big":12345678901234567890123}"#);
    }

    #[test]
    fn both_forms_of_to_are_written_as_they_were_read() {
        for (body, to) in [
            (r#"{"text":"x","to":"a"}"#, r#""a""#),
            (r#"{"text":"x","to":["a","b"]}"#, r#"["a","b"]"#),
        ] {
            let message = send(body).unwrap();
            assert_eq!(serde_json::to_string(&message.to).unwrap(), to);
        }
    }

    #[test]
    fn content_is_required_and_bounded() {
        for body in [
            "{}",
            r#"{"text":""}"#,
            r#"{"json":null}"#,
            r#"{"text":5}"#,
            r#"{"text":"x","to":[]}"#,
            r#"{"text":"x","to":"a b"}"#,
            r#"{"text":"x","replyTo":1}"#,
        ] {
            assert_eq!(send(body).unwrap_err().body.error, ErrorCode::InvalidRequest, "{body}");
        }
        let limits = Limits { max_text_bytes: 4, max_json_bytes: 4, ..Limits::default() };
        let code =
            |body: &str| SendMessage::parse(body.as_bytes(), &limits).err().map(|r| r.body.error);
        assert_eq!(code(r#"{"text":"1234"}"#), None);
        assert_eq!(code(r#"{"text":"12345"}"#), Some(ErrorCode::MessageTooLarge));
        assert_eq!(code(r#"{"json":1234}"#), None);
        assert_eq!(code(r#"{"json":12345}"#), Some(ErrorCode::MessageTooLarge));
    }

    #[test]
    fn a_query_is_read_and_bounded() {
        let page = |query: &str| PageRequest::parse(query, &Limits::default());
        assert_eq!(
            page("").unwrap(),
            PageRequest { after: None, limit: 500, members: false, wait: 0 }
        );
        let full = page("after=7&limit=500&members=true&wait=25&other=1").unwrap();
        let most = PageRequest { after: "7".parse().ok(), limit: 500, members: true, wait: 25 };
        assert_eq!(full, most);
        assert_eq!(page("after=7&limit=1000&members&wait=60").unwrap(), most);
        for query in [
            "after=-1",
            "after=1e99",
            "limit=0",
            "limit=x",
            "limit=-5",
            "members=maybe",
            "wait=x",
            "wait=-1",
        ] {
            assert_eq!(page(query).unwrap_err().body.error, ErrorCode::InvalidRequest, "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_body_and_no_query_make_it_panic(text in ".{0,200}") {
            let _ = send(&text);
            let _ = PageRequest::parse(&text, &Limits::default());
        }
    }
}
