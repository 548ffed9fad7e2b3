//! The service itself (section 5).

use serde::{Deserialize, Serialize};

/// What this server can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// `text`, `json`.
    pub message_format: Vec<String>,
    /// The ways to receive: `poll`.
    pub delivery: Vec<String>,
    /// Agents can have addresses (section 8).
    #[serde(default)]
    pub addresses: bool,
    /// Members have profiles, tasks and files (section 9).
    #[serde(default)]
    pub teams: bool,
}

/// The answer to `GET /health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Of the relay.
    pub version: String,
    /// Seconds that this instance has been running.
    pub uptime: i64,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// The answer to `GET /v1/stats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Sessions that can be used now.
    pub active_sessions: u64,
    /// Their members.
    pub total_agents: u64,
    /// Their messages.
    pub total_messages: u64,
    /// Seconds that this instance has been running.
    pub uptime: i64,
}
