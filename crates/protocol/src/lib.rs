//! The types of the wire contract: ids, requests, answers, errors and limits, as `docs/protocol.md`
//! describes them. The relay, the client and the tests share them.
//!
//! In scope: what goes over the wire, how it is written and read, and what is refused because of
//! its form. Out of scope: every rule that needs state (`nexus-core`), and every kind of I/O.

mod agent;
mod body;
mod cause;
mod clawlink;
mod error;
mod file;
mod frame;
mod ids;
mod label;
mod limit_kind;
mod limits;
mod mail;
mod message;
mod messenger;
mod pairing;
mod place;
mod profile;
mod query;
mod region;
#[cfg(feature = "schema")]
pub mod schema;
mod sealed;
mod service;
mod session;
mod task;
mod time;
mod webhook;
mod webhook_host;
mod words;
mod wrong;

pub use agent::{
    AgentCard, AgentDeleted, AgentPage, AgentStatus, AgentsRequest, ChangeCard, Register,
    Registered, SecretGiven, optional_secret,
};
pub use body::Body;
pub use clawlink::{
    ClawLinkAnswer, ClawLinkBroadcast, ClawLinkFile, ClawLinkFrame, ClawLinkRegister, ClawLinkTask,
    file_content, file_type, heartbeat,
};
pub use error::{Detail, ERRORS, ErrorBody, ErrorCode, ErrorLine, Refusal};
pub use file::{
    Condition, FileDeleted, FileEvent, FileInfo, FileKey, FileList, FileNews, FilesRequest,
    file_version,
};
pub use frame::Frame;
pub use ids::hex;
pub use ids::{
    AgentId, AgentSecret, ConversationId, IdempotencyKey, KeyId, Malformed, SessionId, SessionKey,
};
pub use limit_kind::LimitKind;
pub use limits::{AllowUnredacted, Limits, NumberVariable, Setting};
pub use mail::{
    Ack, Acked, AgentList, AgentListRequest, AllowOnly, Allowed, Blocked, Conversation,
    ConversationRequest, ConversationState, EndReason, Mail, MailDelivery, MailFrame, MailSent,
    MailState, MailStatus, SendMail,
};
pub use message::{
    Author, Kind, Message, Page, PageRequest, Recipients, Redact, Redacted, SendMessage, Sent,
    SessionFrame,
};
pub use messenger::{MessengerSend, messenger_registration};
pub use pairing::{
    Claimed, CodeRevoked, CodeState, CodeStatus, CreatePairing, Greeting, OpenCode, OpenCodes,
    PairingCode, PairingCreated, session_of_codes,
};
pub use place::{Cursor, MessageId};
pub use profile::{Filter, Member, Members, MembersRequest, Presence, Profile, Token};
pub use query::Query;
pub use region::Region;
pub use sealed::{Encrypted, Encryption, SEALED_HEADER, Sealed, shows_link_key};
pub use service::{
    Activity, Capabilities, Extent, Health, LimitHits, Minute, Stats, TracedSession,
};
pub use session::{
    CreateSession, Ended, Joined, Joining, Left, Renew, Renewed, SessionCreated, SessionState,
    SessionStatus,
};
pub use task::{
    Assignee, Board, BoardRequest, ChangeTask, Deadline, GiveTask, Priority, Progress, Task,
    TaskEvent, TaskNews, TaskStatus,
};
pub use time::Timestamp;
pub use webhook::{
    SetWebhook, WebhookDelivery, WebhookRemoved, WebhookState, WebhookStatus, webhook_key,
};
pub use webhook_host::webhook_host;
