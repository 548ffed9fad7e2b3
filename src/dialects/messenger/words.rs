//! What is refused, in the words of the messenger.

use crate::{
    dialects::words::{self, own_fields},
    http::Response,
};
use nexus_core::Result;
use nexus_protocol::{ErrorCode, Refusal};

/// Native fields, and what they are called here.
const FIELDS: [(&str, &str); 2] = [("agentId", "to"), ("text", "message")];

/// The answer to what was refused.
pub(super) fn refused(refusal: Refusal) -> Result<Response> {
    words::refused(sentence, refusal)
}

/// What the client is told. Where the native sentence names native calls, headers or fields, it is
/// another one.
fn sentence(refusal: &Refusal) -> String {
    let own = match refusal.body.error {
        ErrorCode::MissingSecret => "Send your secret with your id.",
        ErrorCode::InvalidSecret => {
            "This is not the secret of this id; send the one that you registered with, or register first."
        }
        ErrorCode::AgentNotFound => "There is no user of that id; GET users lists who is there.",
        ErrorCode::AgentIdTaken => {
            "This id is registered already, with another secret; choose another id."
        }
        ErrorCode::RateLimitExceeded => "Too many requests; wait a minute, then poll less often.",
        ErrorCode::InternalError => "The relay failed; try again.",
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
                Refusal::address_taken(),
                Refusal::blocked(),
                Refusal::not_allowed(),
                Refusal::inbox_full(1, "messages"),
                Refusal::inbox_full_of_yours(1, "messages"),
                Refusal::inbox_full_of_strangers(1, "messages"),
                Refusal::sender_rate_exceeded(1, 1),
                Refusal::rate_limit_exceeded(1),
                Refusal::agent_rate_exceeded(1, 1),
                Refusal::message_too_large("message", 1),
                Refusal::invalid_body("why"),
                Refusal::invalid("agentId", "must be another agent than yourself"),
                Refusal::invalid("Upgrade", "must be `websocket`; or use /events"),
                Refusal::internal(),
            ],
        );
    }
}
