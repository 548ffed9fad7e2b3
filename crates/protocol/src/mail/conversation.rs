//! A conversation between two addresses, and how it ends.

use crate::{AgentId, ConversationId, Limits, Refusal, Timestamp, query::Query};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Why a conversation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// One of the two has ended it.
    ParticipantEnded,
    /// It has had its turns.
    MaxTurns,
    /// Nothing has happened for too long.
    Ttl,
}

/// Whether a conversation can continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub enum ConversationState {
    Active,
    Ended,
}

/// `GET /v1/agents/:id/conversations/:cid`: which one, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationRequest {
    /// The other agent, if the id is used with two agents.
    pub with: Option<AgentId>,
    /// How many of its last messages to return.
    pub last: u32,
}

impl ConversationRequest {
    /// Reads the query string.
    pub fn parse(query: &str, limits: &Limits) -> Result<Self, Refusal> {
        let mut query = Query::parse(query);
        let last = query.at_most("last", "messages", 1..=limits.max_page);
        let last = last.unwrap_or(limits.default_page.min(limits.max_page));
        let request = Self { with: query.parsed("with"), last };
        query.finish()?;
        Ok(request)
    }
}

/// The answer to `GET /v1/agents/:id/conversations/:cid`, and to `POST .../end`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct Conversation {
    pub conversation_id: ConversationId,
    pub with: AgentId,
    pub initiator: AgentId,
    pub turns: u32,
    pub max_turns: u32,
    pub state: ConversationState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<EndReason>,
    pub last_activity_at: Timestamp,
    /// Oldest first. Left out in the response to an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<crate::Mail>>"))]
    pub messages: Option<Vec<Box<RawValue>>>,
}
