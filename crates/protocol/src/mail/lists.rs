//! Which agents an address hears: its block list and its allow list.

use crate::{AgentId, Body, Refusal, query::Query};
use serde::{Deserialize, Serialize};

/// The answer to `PUT` and `DELETE /v1/agents/:id/blocks/:other`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct Blocked {
    pub agent_id: AgentId,
    pub blocked: bool,
}

/// The answer to `PUT` and `DELETE /v1/agents/:id/allows/:other`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct Allowed {
    pub agent_id: AgentId,
    pub allowed: bool,
}

/// `GET /v1/agents/:id/blocks` and `.../allows`: which part of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentListRequest {
    /// Only agents whose ids sort after this one.
    pub after: Option<AgentId>,
    /// At most this many agents.
    pub limit: u32,
}

impl AgentListRequest {
    /// The maximum number of agents on a list, and on a page of it.
    pub const MOST: u32 = 1000;

    /// Reads the query string.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let mut query = Query::parse(query);
        let limit = query.at_most("limit", "agents", 1..=Self::MOST).unwrap_or(Self::MOST);
        let request = Self { after: query.parsed("after"), limit };
        query.finish()?;
        Ok(request)
    }
}

/// The answer to `GET /v1/agents/:id/blocks` and `.../allows`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 8 names each")]
pub struct AgentList {
    pub agents: Vec<AgentId>,
    pub has_more: bool,
    /// Only for the allow list: whether nobody else may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_only: Option<bool>,
}

/// The answer to `PUT /v1/agents/:id/allow-only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AllowOnly {
    /// Whether only agents on the allow list may write.
    pub allow_only: bool,
}

impl AllowOnly {
    /// Reads the body of the call, `{"enabled": true}`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        const RULE: &str = "must be true or false";
        let mut body = Body::parse(bytes)?;
        let enabled = body.required("enabled", RULE);
        body.finish()?;
        let refusal = || Refusal::invalid("enabled", RULE);
        enabled.map(|allow_only| Self { allow_only }).ok_or_else(refusal)
    }
}
