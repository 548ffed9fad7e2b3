//! What is refused, in the words of OpenDialogue: its codes, its fields, its headers.

use crate::{
    dialects::words::{own_fields, with_retry},
    http::{self, Response},
    log,
};
use nexus_core::{Error, Result};
use nexus_protocol::{ErrorCode, Refusal};
use serde_json::{Value, json};

/// Native fields and headers, and what they are called here.
const FIELDS: [(&str, &str); 5] = [
    ("agentId", "to"),
    ("conversationId", "conversation_id"),
    ("maxTurns", "max_turns"),
    ("text", "content"),
    ("X-Agent-Id", "x-agent-id"),
];

/// Bytes of content at most.
pub(super) const MAX_CONTENT: usize = 65_536;

pub(super) const TOO_LONG: &str = "Content is at most 64 KiB.";

/// What is passed on without being stored is a flag, or the id of a message.
pub(super) const MAX_WHISPER: usize = 255;

pub(super) const WHISPER_TOO_LONG: &str =
    "Of typing and read_receipt, id and content are at most 255 characters each.";

pub(super) const CONVERSATION: &str =
    "`conversation_id` must be 1 to 128 letters, digits, `_` or `-`.";

/// What went wrong, by the names of this protocol.
pub(super) struct Problem {
    code: &'static str,
    status: u16,
    message: String,
    /// Seconds, where it is a matter of time.
    retry_after: Option<u32>,
}

impl Problem {
    pub(super) const SIGNATURE: Kind = Kind("INVALID_SIGNATURE", 401);
    pub(super) const REPLAY: Kind = Kind("REPLAY_ATTACK", 401);
    pub(super) const EXPIRED: Kind = Kind("TIMESTAMP_EXPIRED", 401);
    pub(super) const UNAUTHORIZED: Kind = Kind("UNAUTHORIZED", 401);
    pub(super) const TOO_LARGE: Kind = Kind("MESSAGE_TOO_LARGE", 413);
    pub(super) const TYPE: Kind = Kind("INVALID_MESSAGE_TYPE", 400);
    pub(super) const CONTENT: Kind = Kind("INVALID_CONTENT", 400);
    pub(super) const NO_AGENT: Kind = Kind("AGENT_NOT_FOUND", 404);

    /// Refuses a connection that does not say whose it is, and how that is proven.
    pub(super) fn unsigned() -> Result<Response> {
        Self::UNAUTHORIZED.answer("Send x-agent-id, x-timestamp, x-nonce and x-signature.")
    }

    /// The frame that says so.
    pub(super) fn frame(self) -> Value {
        json!({ "type": "error", "code": self.code, "message": self.message })
    }

    /// The answer to a request.
    fn answer(&self) -> Result<Response> {
        let body = json!({ "error": self.message, "code": self.code });
        Ok(with_retry(http::json(self.status, &body)?, self.retry_after))
    }
}

/// A name of a problem, and the HTTP status that goes with it.
#[derive(Clone, Copy)]
pub(super) struct Kind(&'static str, u16);

impl Kind {
    pub(super) fn with(self, message: &str) -> Problem {
        Problem { code: self.0, status: self.1, message: message.to_owned(), retry_after: None }
    }

    /// The answer to a request.
    pub(super) fn answer(self, message: &str) -> Result<Response> {
        self.with(message).answer()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let refusal = match error {
            Error::Refused(refusal) => refusal,
            fault @ Error::Fault(_) => {
                log::error("opendialogue", &fault);
                Refusal::internal()
            }
        };
        let code = match refusal.body.error {
            ErrorCode::AgentNotFound => "AGENT_NOT_FOUND",
            ErrorCode::Blocked => "AGENT_BLOCKED",
            ErrorCode::NotAllowed => "NOT_IN_ALLOWLIST",
            ErrorCode::ConversationEnded
            | ErrorCode::ConversationTurnsExceeded
            | ErrorCode::ConversationNotFound => "CONVERSATION_ENDED",
            ErrorCode::SenderRateExceeded | ErrorCode::RateLimitExceeded | ErrorCode::InboxFull => {
                "RATE_LIMITED"
            }
            ErrorCode::MessageTooLarge => "MESSAGE_TOO_LARGE",
            ErrorCode::MissingSecret | ErrorCode::InvalidSecret | ErrorCode::Forbidden => {
                "UNAUTHORIZED"
            }
            ErrorCode::InternalError => "INTERNAL_ERROR",
            _ => "INVALID_CONTENT",
        };
        let (status, message) = (refusal.status, sentence(&refusal));
        Self { code, status, message, retry_after: refusal.retry_after }
    }
}

/// The answer to what was refused.
pub(super) fn refused(refusal: Refusal) -> Result<Response> {
    Problem::from(Error::Refused(refusal)).answer()
}

/// What the client is told. Where the native sentence names native calls, headers or fields, it is
/// another one.
fn sentence(refusal: &Refusal) -> String {
    let own = match refusal.body.error {
        ErrorCode::MissingSecret | ErrorCode::InvalidSecret => {
            "Send Authorization: Bearer <agent_secret>, with the secret that this agent was given when it registered."
        }
        ErrorCode::AgentNotFound => "There is no such agent.",
        ErrorCode::Forbidden => {
            "You use this conversation_id with another agent; take another one for this agent."
        }
        ErrorCode::ConversationEnded => {
            "This conversation has ended; your next message begins it anew."
        }
        ErrorCode::ConversationTurnsExceeded => {
            "This conversation has had its turns; send this again, and it begins anew."
        }
        ErrorCode::RateLimitExceeded => "Too many requests; wait a minute, then send fewer.",
        ErrorCode::InternalError => "The relay failed; send this again.",
        _ => return own_fields(refusal, &FIELDS),
    };
    own.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::words::tests::assert_own_words;

    #[test]
    fn no_sentence_names_native_calls_headers_or_fields() {
        assert_own_words(
            sentence,
            &[
                Refusal::missing_secret(),
                Refusal::invalid_secret(),
                Refusal::no_address("a"),
                Refusal::blocked(),
                Refusal::not_allowed(),
                Refusal::conversation_of_others(),
                Refusal::conversation_not_found(),
                Refusal::conversation_ended("ttl"),
                Refusal::conversation_turns_exceeded(20),
                Refusal::inbox_full(1, "messages"),
                Refusal::inbox_full_of_yours(1, "messages"),
                Refusal::inbox_full_of_strangers(1, "messages"),
                Refusal::list_full(1),
                Refusal::sender_rate_exceeded(1, 1),
                Refusal::signed_too_often(1, 1),
                Refusal::rate_limit_exceeded(1),
                Refusal::agent_rate_exceeded(1, 1),
                Refusal::message_too_large("body", 1),
                Refusal::invalid_body("why"),
                Refusal::invalid("agentId", "must be another agent than yourself"),
                Refusal::invalid("Upgrade", "must be `websocket`; or use /events"),
                Refusal::internal(),
            ],
        );
        let to_oneself = Refusal::invalid("agentId", "must be another agent than yourself");
        assert!(sentence(&to_oneself).contains(": to must be another agent"));
    }
}
