//! Sessions (section 2): requests and answers.

use crate::{
    AgentId, Body, Encrypted, Encryption, Greeting, Limits, Profile, Redact, Redacted, Refusal,
    SessionId, SessionKey, Timestamp, Token,
};
use serde::{Deserialize, Serialize};

/// `PUT /v1/sessions`. Every field may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreateSession {
    /// For how many seconds without activity the session lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// The number of seats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_agents: Option<u32>,
    /// What every member reads on its first poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// The creator takes the first seat at once, and keeps it as long as the session lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator_agent_id: Option<AgentId>,
    /// Whether every call of a member must prove its key.
    pub require_keys: bool,
    /// The token that joining requires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// How agents may join.
    #[serde(skip_serializing_if = "Joining::is_open")]
    pub join: Joining,
    /// Whether the page behind a link shows who invites, and the first line of the greeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<bool>,
    /// That its members seal what they write, and whose key they have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// The creator's profile.
    #[serde(flatten)]
    pub profile: Profile,
}

/// How agents may join a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Joining {
    /// With the session's id (and its token, if it has one), or by a link.
    #[default]
    Open,
    /// By a link only.
    Link,
}

impl Joining {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde takes")]
    fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

impl CreateSession {
    const ENCRYPTION: &str =
        "must be {\"v\": 1, \"keyId\": \"32 hex digits\"} (section 10), and never the key itself";

    /// Reads the body. Refuses fields of a wrong type or out of range, a greeting that is too long,
    /// and one that is to pass without a search for secrets.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let token = body.field("token", Token::RULE);
        let max_ttl = if token.is_some() { limits.max_team_ttl } else { limits.max_ttl };
        let request = Self {
            ttl: body.number("ttl", "seconds", 1..=max_ttl),
            max_agents: body.number("maxAgents", "agents", 1..=limits.max_agents),
            greeting: body.field("greeting", "must be a string"),
            creator_agent_id: body.field("creatorAgentId", AgentId::RULE),
            require_keys: body.field("requireKeys", "must be true or false").unwrap_or(false),
            token,
            join: body.field("join", "must be `open` or `link`").unwrap_or_default(),
            preview: body.field("preview", "must be true or false"),
            encryption: body.field("encryption", Self::ENCRYPTION),
            profile: Profile::read(&mut body),
        };
        if request.creator_agent_id.as_ref().is_some_and(AgentId::is_reserved) {
            body.note("creatorAgentId", AgentId::RESERVED);
        }
        if request.encryption.as_ref().is_some_and(|encryption| encryption.v != Encrypted::V1.v) {
            body.note("encryption", Self::ENCRYPTION);
        }
        if request.encryption.is_some() && request.creator_agent_id.is_none() {
            body.note("creatorAgentId", "must be given, because a greeting is sealed in its name");
        }
        let redact = Redact::read(&mut body);
        body.finish()?;
        if redact == Redact::Off {
            return Err(Refusal::greeting_is_redacted());
        }
        let greeting = request.greeting.as_ref().map_or(0, String::len);
        let most = match &request.encryption {
            Some(_) => limits.sealed().max_text_bytes,
            None => limits.max_text_bytes,
        };
        if greeting > most {
            return Err(Refusal::message_too_large("greeting", most));
        }
        Ok(request)
    }
}

/// Always `active`, because a session that has ended is not found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    /// It can be used.
    #[default]
    Active,
}

/// The answer to `PUT /v1/sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 2 names each")]
pub struct SessionCreated {
    pub session_id: SessionId,
    pub ttl: u32,
    pub max_agents: u32,
    pub state: SessionState,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator_agent_id: Option<AgentId>,
    /// The creator's key, if the creator joined at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// If it is encrypted end to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encrypted>,
    /// What was removed from the greeting and the profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Redacted>,
}

/// The answer to `GET /v1/sessions/:id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 2 names each")]
pub struct SessionStatus {
    pub session_id: SessionId,
    pub state: SessionState,
    pub agents: Vec<AgentId>,
    pub ttl: u32,
    pub max_agents: u32,
    /// `null` if the session was created without a creator.
    pub creator_agent_id: Option<AgentId>,
    /// How agents may join. `open` is left out.
    #[serde(default, skip_serializing_if = "Joining::is_open")]
    pub join: Joining,
    /// Whether joining requires a token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub token_required: bool,
    /// If it is encrypted end to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encrypted>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The answer to `POST /v1/sessions/:id/join`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 2 names each")]
pub struct Joined {
    /// Always `joined`.
    pub status: String,
    pub session_id: SessionId,
    /// The number of members, including the new one.
    pub agents_online: usize,
    pub session_key: SessionKey,
    pub expires_at: Timestamp,
    /// If it is encrypted end to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encrypted>,
    /// What was removed from the profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Redacted>,
    /// For whoever has claimed a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub greeting: Option<Greeting>,
}

/// The answer to `DELETE /v1/sessions/:id/agents/:agentId`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 2 names each")]
pub struct Left {
    pub ok: bool,
    /// Always `removed`.
    pub status: String,
    pub session_id: SessionId,
    pub agent_id: AgentId,
    pub message: String,
}

/// The answer to `DELETE /v1/sessions/:id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 2 names each")]
pub struct Ended {
    pub ok: bool,
    /// Always `ended`.
    pub status: String,
    pub session_id: SessionId,
}

/// `POST /v1/sessions/:id/renew`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Renew {
    /// A new TTL in seconds. The TTL stays the same if this is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

impl Renew {
    /// Reads the body. Refuses a TTL above `longest` seconds, which depends on the session.
    pub fn parse(bytes: &[u8], longest: u32) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let ttl = body.number("ttl", "seconds", 1..=longest);
        body.finish()?;
        Ok(Self { ttl })
    }
}

/// The answer to a renew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 2 names each")]
pub struct Renewed {
    pub session_id: SessionId,
    pub state: SessionState,
    pub ttl: u32,
    pub expires_at: Timestamp,
    pub agents: Vec<AgentId>,
}
