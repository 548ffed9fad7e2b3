//! What is refused, in the words of ClawLink.

use crate::{
    dialects::words::{self, own_fields},
    http::Response,
    log,
};
use nexus_core::{Error, Result};
use nexus_protocol::{ErrorCode, Refusal};
use serde_json::json;

/// Native fields, and what they are called here.
const FIELDS: [(&str, &str); 6] = [
    ("text", "content"),
    ("json", "content"),
    ("to", "to_agent"),
    ("agentId", "agent_id"),
    ("key", "file_key"),
    ("Content-Type", "file_type"),
];

/// The answer to what was refused.
pub(super) fn refused(refusal: Refusal) -> Result<Response> {
    words::refused(sentence, own(refusal))
}

/// A refusal as this protocol has it: an agent that is not a member is one that is not found.
pub(super) fn own(refusal: Refusal) -> Refusal {
    let is_nobody = refusal.body.reason.as_deref() == Some("agent_not_in_session");
    if is_nobody { Refusal::not_registered() } else { refusal }
}

/// The frame that says what was wrong with one of the client's.
pub(super) fn error_frame(error: Error) -> String {
    let refusal = match error {
        Error::Refused(refusal) => refusal,
        fault @ Error::Fault(_) => {
            log::error("clawlink", &fault);
            Refusal::internal()
        }
    };
    let (error, code) = (sentence(&refusal), refusal.body.error);
    json!({ "type": "error", "error": error, "code": code }).to_string()
}

/// What the client is told. Where the native sentence names native calls or fields, it is another one.
pub(super) fn sentence(refusal: &Refusal) -> String {
    let own = match refusal.body.error {
        ErrorCode::MissingToken => {
            "This mesh asks for its token: send Authorization: Bearer TOKEN, or add ?token=TOKEN."
        }
        ErrorCode::InvalidToken => {
            "This is not the token of this mesh; ask who created it for the right one."
        }
        ErrorCode::SessionNotFound => {
            "There is no such mesh: its address is wrong, or it has ended; ask who gave it to you for another one."
        }
        ErrorCode::AgentNotFound | ErrorCode::Forbidden if is_about_members(refusal) => {
            "There is no such agent in this mesh; it must register first (POST register), also again after it was away for long. GET discover lists who is there."
        }
        ErrorCode::MissingSessionKey => {
            "Every call to this mesh must prove a key: its agents come by a link, and send X-Agent-Id and X-Session-Key."
        }
        ErrorCode::InvalidSessionKey => "This X-Session-Key is not the one of this agent.",
        ErrorCode::LogFull => {
            "This mesh has as many messages as it may, and takes no more; begin another one."
        }
        ErrorCode::TaskNotFound => "There is no task of this message_id in this mesh.",
        ErrorCode::FileNotFound => {
            "There is no such file in this mesh; GET files lists those there are."
        }
        ErrorCode::RateLimitExceeded => "Too many requests; wait a minute, then poll less often.",
        ErrorCode::InternalError => "The relay failed; try again.",
        _ => return own_fields(refusal, &FIELDS),
    };
    own.to_owned()
}

/// Whether a refusal says that an agent is no member.
pub(super) fn is_about_members(refusal: &Refusal) -> bool {
    let reason = refusal.body.reason.as_deref();
    refusal.body.error == ErrorCode::AgentNotFound || reason == Some("agent_not_in_session")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::words::tests::assert_own_words;

    #[test]
    fn no_sentence_names_native_calls_or_fields() {
        assert_own_words(
            sentence,
            &[
                Refusal::missing_token(),
                Refusal::invalid_token(),
                Refusal::session_not_found(),
                Refusal::agent_not_found("a"),
                Refusal::not_registered(),
                Refusal::not_in_session(),
                Refusal::keys_required(),
                Refusal::invalid_session_key(true),
                Refusal::session_full(2),
                Refusal::log_full(1, "messages"),
                Refusal::task_not_found(),
                Refusal::not_the_assignee(),
                Refusal::illegal_transition("failed", "completed"),
                Refusal::file_not_found(),
                Refusal::file_too_large(1),
                Refusal::storage_full(1, "bytes"),
                Refusal::rate_limit_exceeded(1),
                Refusal::agent_rate_exceeded(1, 1),
                Refusal::message_too_large("content", 1),
                Refusal::invalid_body("why"),
                Refusal::invalid("Upgrade", "must be `websocket`; or use /events"),
                Refusal::internal(),
            ],
        );
        assert!(sentence(&Refusal::not_in_session()).contains("register first"));
        assert!(sentence(&Refusal::missing_session_key()).contains("X-Session-Key"));
    }
}
