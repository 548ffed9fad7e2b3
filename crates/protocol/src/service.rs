//! The service itself (section 5).

use crate::{LimitKind, Timestamp};
use serde::{Deserialize, Serialize};

/// What this server can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// `text`, `json`.
    pub message_format: Vec<String>,
    /// The ways to receive messages, such as `poll`.
    pub delivery: Vec<String>,
    /// Whether agents can have addresses (section 8).
    #[serde(default)]
    pub addresses: bool,
    /// Whether members have profiles, tasks and files (section 9).
    #[serde(default)]
    pub teams: bool,
    /// The most bytes of one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_file_bytes: Option<usize>,
    /// The versions of section 10 by which sessions can be encrypted end to end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encryption: Vec<u32>,
}

/// The answer to `GET /health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// The version of the relay.
    pub version: String,
    /// For how many seconds this instance has been running.
    pub uptime: i64,
    /// What this server can do.
    pub capabilities: Capabilities,
}

/// The answer to `GET /v1/stats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Sessions that can be used now.
    pub active_sessions: u64,
    /// Their members.
    pub total_agents: u64,
    /// Their messages, as each session has last told: when their number reached a power of two, or its members
    /// changed.
    pub total_messages: u64,
    /// When the session that has been silent for longest last told its figures. No figure is older.
    #[cfg_attr(not(feature = "schema"), serde(default))]
    pub as_of: Timestamp,
    /// For how many seconds this instance has been running.
    pub uptime: i64,
}

/// What the operator sees: the answer to `GET /v1/admin/activity`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Activity {
    /// The time by the relay's clock.
    pub now: Timestamp,
    /// The figures as they are now.
    pub stats: Stats,
    /// The minutes of the last day in which something happened, oldest first.
    pub minutes: Vec<Minute>,
    /// The limits that were hit within the last day, those hit last first.
    pub limits: Vec<LimitHits>,
}

/// How often a limit was hit. Says nothing about who hit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LimitHits {
    /// The limit.
    pub limit: LimitKind,
    /// How often within the last hour.
    pub last_hour: u64,
    /// How often within the last day.
    pub last_day: u64,
    /// The minute in which it was last hit.
    pub last_at: Timestamp,
}

/// The session that a request was about, as its operator sees it. It names nobody and shows no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TracedSession {
    /// The request.
    pub request_id: String,
    /// Whether the session has ended.
    pub ended: bool,
    /// How much there is of it. Missing if it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Extent>,
}

/// How much there is of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Extent {
    /// Its members.
    pub members: usize,
    /// Its messages.
    pub messages: u64,
    /// The bytes of its messages and files.
    pub bytes: usize,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends if nothing more happens.
    pub expires_at: Timestamp,
}

/// What happened in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Minute {
    /// When it began.
    pub at: Timestamp,
    /// Sessions that could be used when something of this minute was first told.
    pub sessions: u64,
    /// New messages of sessions. Those that came in frames may be counted a minute later, and a repeated call
    /// counts again.
    pub messages: u64,
    /// All requests.
    pub requests: u64,
    /// Requests that were refused (4xx), except those over a rate limit.
    pub refused: u64,
    /// Requests over a rate limit (429).
    pub limited: u64,
    /// Requests that failed (5xx).
    pub failed: u64,
}
