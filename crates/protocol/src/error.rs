//! The one table of errors (section 6): stable code, HTTP status, a sentence that says what to do.
//!
//! A [`Refusal`] is the caller's to mend. A fault of the relay itself is another type, in
//! `nexus-core`, and reaches the caller only as [`Refusal::internal`], which tells nothing of the
//! inside.

mod addresses;
mod teams;

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The stable names of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the table below says when each is used")]
pub enum ErrorCode {
    InvalidBody,
    InvalidRequest,
    MissingAgentId,
    MissingSessionKey,
    InvalidSessionKey,
    MissingSecret,
    InvalidSecret,
    MissingToken,
    InvalidToken,
    Forbidden,
    Blocked,
    NotAllowed,
    SessionNotFound,
    CodeNotFound,
    CodeExpiredOrUsed,
    AgentNotFound,
    MessageNotFound,
    ConversationNotFound,
    WebhookNotFound,
    TaskNotFound,
    FileNotFound,
    NotFound,
    MethodNotAllowed,
    SessionFull,
    AgentIdTaken,
    ClaimInProgress,
    ConversationEnded,
    ConversationTurnsExceeded,
    InboxFull,
    ListFull,
    LogFull,
    IllegalTransition,
    NoAgentAvailable,
    VersionConflict,
    MessageTooLarge,
    FileTooLarge,
    StorageFull,
    RateLimitExceeded,
    SenderRateExceeded,
    InternalError,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Detail {
    /// The field, header or query parameter.
    pub path: Cow<'static, str>,
    /// What it must be.
    pub message: Cow<'static, str>,
}

/// The body of every answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Error"))]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// The stable name.
    pub error: ErrorCode,
    /// One sentence that a person or a model can act on.
    pub message: Cow<'static, str>,
    /// Each thing that is wrong, for `invalid_request`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// Which kind of `forbidden`, or why a conversation has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// The limit that was passed, in bytes, agents, turns or messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// What a task is, where it cannot become what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Cow<'static, str>>,
    /// The current version of a file, where another was expected; 0: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// A request that is refused: what to answer, and nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Box<ErrorBody>,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u32>,
    /// `Allow`: the methods that the path has.
    pub allow: Option<String>,
}

impl Refusal {
    fn new(status: u16, error: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        let body = Box::new(ErrorBody {
            error,
            message: message.into(),
            details: Vec::new(),
            reason: None,
            limit: None,
            state: None,
            version: None,
        });
        Self { status, body, retry_after: None, allow: None }
    }

    /// The body is not JSON; `why` says where it stops being so.
    #[must_use]
    pub fn invalid_body(why: &str) -> Self {
        let message = format!(
            "The body is not JSON ({why}); send a JSON object in UTF-8 with Content-Type: application/json."
        );
        Self::new(400, ErrorCode::InvalidBody, message)
    }

    /// Fields, headers or query parameters that are missing, malformed or out of range.
    #[must_use]
    pub fn invalid_request(details: Vec<Detail>) -> Self {
        let list: Vec<String> =
            details.iter().map(|d| format!("{} {}", d.path, d.message)).collect();
        let message = format!("Correct the request and send it again: {}.", list.join("; "));
        let mut refusal = Self::new(400, ErrorCode::InvalidRequest, message);
        refusal.body.details = details;
        refusal
    }

    /// As [`Self::invalid_request`], for one thing.
    #[must_use]
    pub fn invalid(
        path: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::invalid_request(vec![Detail { path: path.into(), message: message.into() }])
    }

    /// No `X-Agent-Id`.
    #[must_use]
    pub fn missing_agent_id() -> Self {
        Self::new(
            400,
            ErrorCode::MissingAgentId,
            "Say who you are: add the header X-Agent-Id with your agent id (1 to 128 letters, digits, _ or -).",
        )
    }

    /// A call that needs the key came without it.
    #[must_use]
    pub fn missing_session_key() -> Self {
        Self::new(
            401,
            ErrorCode::MissingSessionKey,
            "Prove who you are: add the header X-Session-Key with the sessionKey from your join, claim or create answer.",
        )
    }

    /// A key that is not the agent's. 401 where the call needs a key, 403 where it does not.
    #[must_use]
    pub fn invalid_session_key(needed: bool) -> Self {
        let status = if needed { 401 } else { 403 };
        Self::new(
            status,
            ErrorCode::InvalidSessionKey,
            "The X-Session-Key is not the one this session gave to this agent id; send the sessionKey from your own join, claim or create answer.",
        )
    }

    /// Not a member.
    #[must_use]
    pub fn not_in_session() -> Self {
        let message = "This agent id is not a member of the session; join it first (POST .../join), or claim a pairing code.";
        let mut refusal = Self::new(403, ErrorCode::Forbidden, message);
        refusal.body.reason = Some("agent_not_in_session".into());
        refusal
    }

    /// The creator tried to leave.
    #[must_use]
    pub fn creator_cannot_leave() -> Self {
        Self::new(
            403,
            ErrorCode::Forbidden,
            "The creator of a session cannot leave it; stop using it, and it deletes itself when its TTL runs out.",
        )
    }

    /// Acting for another agent.
    #[must_use]
    pub fn not_yourself() -> Self {
        Self::new(
            403,
            ErrorCode::Forbidden,
            "An agent can only act for itself; the agent id in the path must be that of X-Agent-Id.",
        )
    }

    /// No such session, or no longer.
    #[must_use]
    pub fn session_not_found() -> Self {
        Self::new(
            404,
            ErrorCode::SessionNotFound,
            "There is no such session: the id is wrong, or the session ended and deleted itself; start a new one (PUT /v1/sessions) or ask the other side for a new link.",
        )
    }

    /// A code that was never made.
    #[must_use]
    pub fn code_not_found() -> Self {
        Self::new(
            404,
            ErrorCode::CodeNotFound,
            "There is no such pairing code; check its spelling, or ask the person who gave it to you for a new link.",
        )
    }

    /// A code that is over.
    #[must_use]
    pub fn code_over() -> Self {
        Self::new(
            404,
            ErrorCode::CodeExpiredOrUsed,
            "This pairing code has been used or has expired; ask the person who gave it to you for a new link.",
        )
    }

    /// No such agent in the session.
    #[must_use]
    pub fn agent_not_found(agent: &str) -> Self {
        Self::new(
            404,
            ErrorCode::AgentNotFound,
            format!(
                "There is no agent {agent} in this session; its status (GET /v1/sessions/:id) lists who is."
            ),
        )
    }

    /// The agent has set no webhook.
    #[must_use]
    pub fn webhook_not_found() -> Self {
        Self::new(
            404,
            ErrorCode::WebhookNotFound,
            "You have no webhook in this session; set one with PUT /v1/sessions/:id/webhook.",
        )
    }

    /// No such path.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            404,
            ErrorCode::NotFound,
            "There is nothing at this path; GET /openapi.json lists what there is, GET / explains it.",
        )
    }

    /// The path exists, the method does not.
    #[must_use]
    pub fn method_not_allowed(allow: String) -> Self {
        let message = format!("This path does not take that method; use {allow}.");
        Self { allow: Some(allow), ..Self::new(405, ErrorCode::MethodNotAllowed, message) }
    }

    /// Every seat is taken.
    #[must_use]
    pub fn session_full(seats: usize) -> Self {
        let message = format!(
            "All {seats} seats of the session are taken; ask the agent that invited you to remove a member, then repeat this request (a link stays good until its time is over)."
        );
        let mut refusal = Self::new(409, ErrorCode::SessionFull, message);
        refusal.body.limit = Some(seats);
        refusal
    }

    /// The name is another agent's.
    #[must_use]
    pub fn agent_id_taken() -> Self {
        Self::new(
            409,
            ErrorCode::AgentIdTaken,
            "Another agent of this session has this agent id; choose another one (if it is yours, join with your X-Session-Key).",
        )
    }

    /// An earlier claim of the same code has not come to an end.
    #[must_use]
    pub fn claim_in_progress(retry_after: u32) -> Self {
        let message = format!(
            "Another claim of this code is not finished; try again in {retry_after} seconds (at once, if you repeat your own claim with the same Idempotency-Key)."
        );
        Self {
            retry_after: Some(retry_after),
            ..Self::new(409, ErrorCode::ClaimInProgress, message)
        }
    }

    /// `what` (a text, a payload, the body) is longer than `limit` bytes.
    #[must_use]
    pub fn message_too_large(what: &str, limit: usize) -> Self {
        let message = format!(
            "The {what} is larger than {limit} bytes; shorten it or split it over several messages."
        );
        let mut refusal = Self::new(413, ErrorCode::MessageTooLarge, message);
        refusal.body.limit = Some(limit);
        refusal
    }

    /// The session has as many messages as it may.
    #[must_use]
    pub fn log_full(limit: usize, unit: &str) -> Self {
        let message = format!(
            "This session has {limit} {unit}, as many as it may; nothing more is taken. Start a new session (PUT /v1/sessions), and send its link while you can, by another way."
        );
        let mut refusal = Self::new(409, ErrorCode::LogFull, message);
        refusal.body.limit = Some(limit);
        refusal
    }

    /// Too many requests from one client IP.
    #[must_use]
    pub fn rate_limit_exceeded(retry_after: u32) -> Self {
        let message = format!(
            "Too many requests from your address; wait {retry_after} seconds, then poll less often."
        );
        Self {
            retry_after: Some(retry_after),
            ..Self::new(429, ErrorCode::RateLimitExceeded, message)
        }
    }

    /// Too many requests from an agent that has proven who it is.
    #[must_use]
    pub fn agent_rate_exceeded(requests: u32, retry_after: u32) -> Self {
        let message = format!(
            "You have made {requests} requests here within a minute; wait {retry_after} seconds, then ask less often: wait=25 or a socket saves polls."
        );
        Self {
            retry_after: Some(retry_after),
            ..Self::new(429, ErrorCode::RateLimitExceeded, message)
        }
    }

    /// Too many codes from one address that do not exist.
    #[must_use]
    pub fn too_many_guesses(retry_after: u32) -> Self {
        let message = format!(
            "Too many codes from your address do not exist; wait {retry_after} seconds, then use the link exactly as it was given to you."
        );
        Self {
            retry_after: Some(retry_after),
            ..Self::new(429, ErrorCode::RateLimitExceeded, message)
        }
    }

    /// One who asks for what only the operator may see.
    #[must_use]
    pub fn not_the_operator() -> Self {
        Self::new(
            401,
            ErrorCode::InvalidToken,
            "Send the operator's token, the value of ADMIN_TOKEN, as Authorization: Bearer TOKEN.",
        )
    }

    /// A fault of the relay.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            500,
            ErrorCode::InternalError,
            "The relay failed; repeat the request (a message with its Idempotency-Key, or poll first to see whether it arrived), and report the X-Request-Id if it fails again.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_code_message_details_and_named_extras() {
        let wire = |refusal: Refusal| serde_json::to_value(refusal.body).unwrap();
        let json = wire(Refusal::invalid("ttl", "must be a number"));
        assert_eq!(json["error"], "invalid_request");
        assert_eq!(json["details"][0]["path"], "ttl");
        assert_eq!(json["message"], "Correct the request and send it again: ttl must be a number.");
        let json = wire(Refusal::not_in_session());
        assert_eq!(
            (&json["error"], &json["reason"]),
            (&"forbidden".into(), &"agent_not_in_session".into())
        );
        assert_eq!(wire(Refusal::message_too_large("text", 7))["limit"], 7);
        assert_eq!(wire(Refusal::code_over())["error"], "code_expired_or_used");
    }
}
