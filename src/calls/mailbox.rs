//! The calls to a mailbox.

use super::object::Call;
use nexus_core::{About, Accepted, Facts, Letter, List, MailboxNeed, Notice, Proof, SecretUse};
use nexus_protocol::{
    AgentCard, AgentId, AgentStatus, ConversationId, IdempotencyKey, Mail, MailSent, MailStatus,
    MessageId, Region, Register, Registered, SendMail, Timestamp,
};
use serde::{Deserialize, Serialize};

/// To a `Mailbox`: register its agent.
#[derive(Serialize, Deserialize)]
pub(crate) struct RegisterAgent {
    /// In whose directory it is listed.
    #[serde(default)]
    pub(crate) region: Option<Region>,
    pub(crate) request: Register,
    pub(crate) used: SecretUse,
}

impl Call for RegisterAgent {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "register";
    type Answer = Registered;
}

/// To a `Mailbox`: its card, and whether its agent is online.
#[derive(Serialize, Deserialize)]
pub(crate) struct DescribeAgent {}

impl Call for DescribeAgent {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "describe";
    type Answer = AgentStatus;
}

/// To the `Mailbox` of a sender: send a message, if the proof holds.
#[derive(Serialize, Deserialize)]
pub(crate) struct SendFrom {
    /// What the table says that the call needs.
    pub(crate) need: MailboxNeed,
    pub(crate) proof: Option<Proof>,
    pub(crate) to: AgentId,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) message: SendMail,
}

impl Call for SendFrom {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "send-from";
    type Answer = MailSent;
}

/// To a `Mailbox`: something that is not kept, for those of its readers who know it. Answers whether
/// there was one.
#[derive(Serialize, Deserialize)]
pub(crate) struct Whisper {
    pub(crate) id: String,
    pub(crate) from: AgentId,
    pub(crate) kind: String,
    pub(crate) content: String,
    pub(crate) conversation: ConversationId,
}

impl Call for Whisper {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "whisper";
    type Answer = bool;
}

/// To a `Mailbox`: its card, and whether a socket of its agent is open.
#[derive(Serialize, Deserialize)]
pub(crate) struct LookAt {}

impl Call for LookAt {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "look-at";
    type Answer = (AgentCard, bool);
}

/// To a `Mailbox`: who is on a list of its agent's, and since when, if the proof holds; and whether only
/// those on the allow list may write.
#[derive(Serialize, Deserialize)]
pub(crate) struct ReadList {
    /// What the table says that the call needs.
    pub(crate) need: MailboxNeed,
    pub(crate) proof: Option<Proof>,
    pub(crate) list: List,
}

impl Call for ReadList {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "read-list";
    type Answer = (Vec<(AgentId, Timestamp)>, bool);
}

/// To a `Mailbox`: what waits in it, if the proof holds. It is acknowledged.
#[derive(Serialize, Deserialize)]
pub(crate) struct TakeMail {
    /// What the table says that the call needs.
    pub(crate) need: MailboxNeed,
    pub(crate) proof: Option<Proof>,
}

impl Call for TakeMail {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "take-mail";
    type Answer = Vec<Mail>;
}

/// To the `Mailbox` of a recipient: a message.
impl Call for Letter {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "deliver";
    type Answer = Accepted;
}

/// To the `Mailbox` of the other: what it knows of a conversation.
#[derive(Serialize, Deserialize)]
pub(crate) struct FactsOf(pub(crate) About);

impl Call for FactsOf {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "facts";
    type Answer = Option<Facts>;
}

/// To the `Mailbox` of the other: a conversation is ended.
#[derive(Serialize, Deserialize)]
pub(crate) struct EndOf(pub(crate) About);

impl Call for EndOf {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "end";
    type Answer = ();
}

/// To the `Mailbox` of a recipient: what became of a message that `sender` has sent.
#[derive(Serialize, Deserialize)]
pub(crate) struct StatusOf {
    pub(crate) sender: AgentId,
    pub(crate) message: MessageId,
}

impl Call for StatusOf {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "message-status";
    type Answer = MailStatus;
}

/// To the `Mailbox` of a sender: what became of its messages.
impl Call for Notice {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "notice";
    type Answer = ();
}
