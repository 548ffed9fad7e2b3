//! A message between addresses: sending it, reading it, acknowledging it.

use crate::{
    AgentId, Body, ConversationId, Cursor, Frame, IdempotencyKey, Kind, Limits, MessageId, Redact,
    Redacted, Refusal, Timestamp, message::Content,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The maximum number of turns that the first message of a conversation may ask for.
const MOST_TURNS: u32 = 1000;

/// `POST /v1/agents/:id/messages`: at least one of `text` and `json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SendMail {
    /// Text, at most [`Limits::max_text_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Any JSON value, kept exactly as it was written, at most [`Limits::max_json_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Box<RawValue>>,
    /// A new conversation if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// The number of turns, if this message begins a conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u32>,
    /// The message that this one answers. It is passed on without a check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Whether secrets are removed. False only where that is allowed.
    #[serde(default, skip_serializing_if = "Redact::is_on")]
    pub redact: Redact,
    /// The sender's own id for the message, in protocols that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub client_id: Option<String>,
    /// Begins the conversation again if it is over, as in OpenDialogue (docs/dialects.md).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub renews: bool,
    /// What the message is about, if the relay itself wrote it. Clients cannot set it in a body or
    /// a frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub kind: Option<Kind>,
}

impl SendMail {
    /// Reads the body. Refuses a message without content, one that is too large, and malformed
    /// fields.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        Self::read(Body::parse(bytes)?, limits)
    }

    /// As [`Self::parse`], from the fields of a body or a frame.
    pub fn read(mut body: Body<'_>, limits: &Limits) -> Result<Self, Refusal> {
        let content = Content::read(&mut body);
        let conversation_id = body.field("conversationId", ConversationId::RULE);
        let max_turns = body.number("maxTurns", "turns", 1..=MOST_TURNS);
        let reply_to = body.field("replyTo", "must be the id of a message");
        let redact = Redact::read(&mut body);
        body.finish()?;
        let (text, json) = content.check(limits)?;
        Ok(Self {
            text,
            json,
            conversation_id,
            max_turns,
            reply_to,
            redact,
            client_id: None,
            renews: false,
            kind: None,
        })
    }
}

/// What a client sends over the socket of its mailbox.
#[derive(Clone, Debug)]
pub enum MailFrame {
    /// `{"type":"send"}`: the recipient, the idempotency key, and the message.
    Send(AgentId, Option<IdempotencyKey>, SendMail),
    /// `{"type":"ack"}`
    Ack(Ack),
    /// `{"type":"end"}`
    End(ConversationId),
}

impl MailFrame {
    /// The rule for its type.
    pub const TYPES: &str = "must be `send`, `ack` or `end`";

    /// Reads a frame. Refuses one of another type, and what the same call over HTTP would refuse.
    pub fn read(frame: Frame<'_>, limits: &Limits) -> Result<Self, Refusal> {
        match frame.kind() {
            Some("send") => {
                let mut body = frame.into_body();
                let to = body.required("to", AgentId::RULE);
                let key = body.field("idempotencyKey", IdempotencyKey::RULE);
                let message = SendMail::read(body, limits)?;
                let to = to.ok_or_else(|| Refusal::invalid("to", AgentId::RULE))?;
                Ok(Self::Send(to, key, message))
            }
            Some("ack") => Ack::read(frame.into_body()).map(Self::Ack),
            Some("end") => {
                let mut body = frame.into_body();
                let conversation = body.required("conversationId", ConversationId::RULE);
                body.finish()?;
                let rule = ConversationId::RULE;
                conversation.map(Self::End).ok_or_else(|| Refusal::invalid("conversationId", rule))
            }
            _ => Err(frame.wrong_type()),
        }
    }
}

/// How a message reached the recipient's mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MailDelivery {
    /// A reader was connected, and has been sent it.
    Live,
    /// It waits.
    Queued,
}

/// The answer to a send. The message is persisted in the recipient's mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct MailSent {
    pub id: MessageId,
    /// The message's cursor in the recipient's inbox.
    pub cursor: Cursor,
    pub delivery: MailDelivery,
    pub conversation_id: ConversationId,
    pub turn: u32,
    pub max_turns: u32,
    pub sent_at: Timestamp,
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Redacted>,
    /// Whether the message was stored without a search for secrets, as its sender asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unredacted: bool,
}

/// A message as readers get it, and as both mailboxes store it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct Mail {
    pub id: MessageId,
    /// The sender.
    pub agent_id: AgentId,
    pub to: AgentId,
    /// Set only by the relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Box<RawValue>>,
    /// The message's cursor in the inbox. The sender's copy has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Always true, because every sender proves its secret.
    pub verified: bool,
    pub conversation_id: ConversationId,
    pub turn: u32,
    pub max_turns: u32,
    pub sent_at: Timestamp,
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Redacted>,
    /// Whether its sender asked that nothing be searched for secrets. Set only by the relay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unredacted: bool,
    /// The sender's own id for the message, in protocols that have one (docs/dialects.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

impl Mail {
    /// The message as text. A message without text is shown as its payload.
    #[must_use]
    pub fn as_text(&self) -> &str {
        let payload = || self.json.as_ref().map_or("", |json| json.get());
        self.text.as_deref().unwrap_or_else(payload)
    }
}

/// `POST /v1/agents/:id/ack`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ack {
    /// Everything up to here was handled.
    pub cursor: Cursor,
}

impl Ack {
    /// Reads the body.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::read(Body::parse(bytes)?)
    }

    /// As [`Self::parse`], from the fields of a body or a frame.
    pub fn read(mut body: Body<'_>) -> Result<Self, Refusal> {
        const RULE: &str = "must be a cursor that this inbox gave, such as \"42\"";
        let cursor = body.required("cursor", RULE);
        body.finish()?;
        cursor.map(|cursor| Self { cursor }).ok_or_else(|| Refusal::invalid("cursor", RULE))
    }
}

/// The answer to an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Acked {
    /// Everything up to here is acknowledged.
    pub cursor: Cursor,
    /// How many messages are waiting.
    pub waiting: u32,
}

/// The state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MailState {
    /// It waits, and no reader has been given it.
    Queued,
    /// It waits, and was given to a reader.
    Delivered,
    /// The recipient has acknowledged it.
    Acked,
    /// It was not acknowledged in time.
    Expired,
}

/// The answer to `GET /v1/agents/:id/messages/:messageId`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct MailStatus {
    pub id: MessageId,
    pub state: MailState,
    pub sent_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked_at: Option<Timestamp>,
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AgentListRequest, AllowOnly, ConversationRequest};

    fn paths<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Vec<String> {
        let details = result.unwrap_err().body.details;
        details.into_iter().map(|detail| detail.path.into_owned()).collect()
    }

    #[test]
    fn a_send_is_read_and_bounded() {
        let send = |body: &str| SendMail::parse(body.as_bytes(), &Limits::default());
        let sent =
            send(r#"{"json": {"n":1.50},"conversationId":"c_1-a","maxTurns":1000}"#).unwrap();
        assert_eq!(sent.json.unwrap().get(), r#"{"n":1.50}"#);
        assert_eq!(paths(send(r#"{"text":""}"#)), ["text"]);
        assert_eq!(
            paths(send(r#"{"text":"x","conversationId":"a b","maxTurns":0,"replyTo":1}"#)),
            ["conversationId", "maxTurns", "replyTo"]
        );
        assert_eq!(paths(send(r#"{"text":"x","maxTurns":1001}"#)), ["maxTurns"]);
        // Only the relay itself can set `kind`.
        let forged = send(r#"{"text":"x","kind":"invitation","clientId":"1"}"#).unwrap();
        assert_eq!((forged.kind, forged.client_id), (None, None));
    }

    #[test]
    fn a_frame_is_one_of_three() {
        let frame = |text: &str| {
            let frame = Frame::parse(text.as_bytes(), MailFrame::TYPES)?;
            MailFrame::read(frame, &Limits::default())
        };
        let sent = frame(r#"{"type":"send","to":"bob","text":"x","idempotencyKey":"k"}"#);
        assert!(matches!(sent, Ok(MailFrame::Send(to, Some(_), _)) if to.as_str() == "bob"));
        assert!(matches!(frame(r#"{"type":"ack","cursor":"7"}"#), Ok(MailFrame::Ack(_))));
        assert!(matches!(frame(r#"{"type":"end","conversationId":"c"}"#), Ok(MailFrame::End(_))));
        assert_eq!(paths(frame("{}")), ["type"]);
        assert_eq!(paths(frame(r#"{"type":"other"}"#)), ["type"]);
        assert_eq!(paths(frame(r#"{"type":"send","text":"x"}"#)), ["to"]);
        assert_eq!(paths(frame(r#"{"type":"ack","cursor":7}"#)), ["cursor"]);
        assert_eq!(paths(frame(r#"{"type":"end"}"#)), ["conversationId"]);
    }

    #[test]
    fn the_other_requests_are_read() {
        assert_eq!(paths(Ack::parse(b"{}")), ["cursor"]);
        assert!(AllowOnly::parse(br#"{"enabled":true}"#).unwrap().allow_only);
        assert_eq!(paths(AllowOnly::parse(b"{}")), ["enabled"]);
        let limits = Limits::default();
        let request = ConversationRequest::parse("last=3&with=bob", &limits).unwrap();
        assert_eq!((request.last, request.with.unwrap().as_str()), (3, "bob"));
        assert_eq!(paths(ConversationRequest::parse("last=0", &limits)), ["last"]);
        assert_eq!(AgentListRequest::parse("").unwrap().limit, 1000);
        assert_eq!(paths(AgentListRequest::parse("limit=0")), ["limit"]);
    }
}
