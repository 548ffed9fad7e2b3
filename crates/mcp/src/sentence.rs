//! What a model reads of an error.

use nexus_protocol::{Detail, ErrorBody, ErrorCode, Refusal};
use std::borrow::Cow;

/// Native fields and headers, and what they are called here.
const ARGUMENTS: [(&str, &str); 7] = [
    ("X-Agent-Id", "name"),
    ("creatorAgentId", "name"),
    ("conversationId", "conversation"),
    ("replyTo", "reply_to"),
    ("task", "text"),
    ("agentId", "id"),
    ("X-Session-Key", "seat"),
];

/// The relay's sentence, in the words of the tools.
#[must_use]
pub fn sentence(body: &ErrorBody) -> Cow<'static, str> {
    if !body.details.is_empty() {
        let own = |detail: &Detail| {
            let name = ARGUMENTS.iter().find(|(native, _)| *native == detail.path);
            let path = name.map_or_else(|| detail.path.clone(), |(_, own)| Cow::Borrowed(*own));
            Detail { path, message: detail.message.clone() }
        };
        let details = body.details.iter().map(own).collect();
        return Refusal::invalid_request(details).body.message;
    }
    let reason = body.reason.as_deref();
    match (body.error, reason) {
        (ErrorCode::SessionNotFound, _) => {
            "The session is over, and its seat no longer works. To go on, `invite` anew, or ask for a new link.".into()
        }
        (ErrorCode::KeyRequired | ErrorCode::WrongKey | ErrorCode::EncryptionRequired, _) => {
            "This conversation is encrypted end to end, and a server that answers tools would read it. The link is still good: use `nexus mcp` on your own machine, or let your human open the whole link in a browser.".into()
        }
        (ErrorCode::CodeNotFound, Some("key_shown")) => {
            "This conversation is encrypted end to end, and the link that you passed has shown its key, the part behind #, to this server. Nobody has joined. Ask for a link to a new session, and join it with `nexus mcp` on your own machine, or let your human open it in a browser.".into()
        }
        (ErrorCode::Forbidden, Some("agent_not_in_session")) => {
            "This seat is no longer in the session: it has left or was removed. Ask for a new link.".into()
        }
        (ErrorCode::Forbidden, None) if body.message.starts_with("The creator") => {
            "Who began the session keeps its seat. Stop using it: the session deletes itself after some silence.".into()
        }
        (ErrorCode::Forbidden, Some("conversation_of_others")) => {
            "You use this conversation with another agent. Leave `conversation` out to begin a new one.".into()
        }
        (
            ErrorCode::MissingSessionKey | ErrorCode::InvalidSessionKey | ErrorCode::MissingAgentId,
            _,
        ) => "This seat is not valid. Pass the `seat` exactly as `invite` or `join` returned it.".into(),
        (ErrorCode::MissingSecret | ErrorCode::InvalidSecret, _) => {
            "The secret is not that of this address. Pass the `seat` or the `secret` exactly as `address` returned it.".into()
        }
        (ErrorCode::AgentIdTaken, _) => {
            "This name is taken. Choose another one; if it is yours, go on with the seat that you have.".into()
        }
        (ErrorCode::AgentNotFound, _) if body.message.contains("registered here") => {
            let first = first_sentence(&body.message);
            format!("{first} Check the address.").into()
        }
        (ErrorCode::AgentNotFound | ErrorCode::NoAgentAvailable, _) => {
            let first = first_sentence(&body.message);
            format!("{first} `read` with `members` lists who is there.").into()
        }
        (ErrorCode::TaskNotFound, _) => {
            "There is no task with this id in the session. Call `task` without `id` to list them.".into()
        }
        (ErrorCode::ListFull, _) if body.message.contains("webhooks") => {
            first_sentence(&body.message).to_owned().into()
        }
        (ErrorCode::ListFull, _) => {
            "There are too many unused links. Pass on one of them, or wait until they expire.".into()
        }
        (ErrorCode::LogFull, _) => {
            "The session is full and takes nothing more. `invite` to a new one.".into()
        }
        (ErrorCode::ConversationEnded | ErrorCode::ConversationTurnsExceeded, _) => {
            "This conversation has ended. Leave `conversation` out to begin a new one.".into()
        }
        (ErrorCode::ClaimInProgress, _) => {
            "Another claim of this link is not finished. Try again in some seconds.".into()
        }
        (ErrorCode::InternalError, _) => {
            "The relay failed. Read first to see whether it was done, then repeat the call.".into()
        }
        _ => body.message.clone(),
    }
}

/// The first sentence: what follows may name calls of the native protocol.
fn first_sentence(message: &str) -> &str {
    message.split_inclusive(". ").next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_protocol::{ERRORS, ErrorLine};

    /// What a model that has only the tools can do nothing with.
    const NATIVE: [&str; 12] = [
        "/v1/",
        "POST",
        "PUT",
        "DELETE",
        "GET ",
        "X-",
        "header",
        "Authorization",
        "agentId",
        "conversationId",
        "sessionKey",
        "Idempotency-Key",
    ];

    #[test]
    fn a_model_reads_nothing_of_the_native_protocol() {
        // These cannot come of a tool.
        let elsewhere = [
            ErrorCode::InvalidBody,
            ErrorCode::MissingToken,
            ErrorCode::InvalidToken,
            ErrorCode::RedactionRequired,
            ErrorCode::WebhookNotFound,
            ErrorCode::FileNotFound,
            ErrorCode::FileTooLarge,
            ErrorCode::StorageFull,
            ErrorCode::VersionConflict,
            ErrorCode::NotFound,
            ErrorCode::MethodNotAllowed,
            ErrorCode::UnsupportedEncoding,
            ErrorCode::IdempotencyKeyReused,
            ErrorCode::UnprovenFull,
        ];
        let of_members = [
            Refusal::not_in_session(),
            Refusal::creator_cannot_leave(),
            Refusal::not_the_creator(),
            Refusal::conversation_of_others(),
            Refusal::not_the_assignee(),
            Refusal::not_the_asker(),
        ];
        let plain = |line: &ErrorLine| ErrorBody {
            error: line.code,
            message: line.sentence.into(),
            details: Vec::new(),
            reason: None,
            limit: None,
            state: None,
            version: None,
        };
        let others = ERRORS.iter().filter(|line| line.code != ErrorCode::Forbidden);
        let others = others.filter(|line| !elsewhere.contains(&line.code)).map(plain);
        let mut count = 0;
        for body in of_members.into_iter().map(|refusal| *refusal.body).chain(others) {
            let said = sentence(&body);
            let native = NATIVE.into_iter().find(|word| said.contains(word));
            assert_eq!(native, None, "{said}");
            count += 1;
        }
        assert!(count > 20, "{count}");
    }

    #[test]
    fn arguments_have_their_own_names() {
        let refusal = Refusal::invalid("creatorAgentId", "must be shorter");
        assert!(
            sentence(&refusal.body).contains("name must be shorter"),
            "{}",
            sentence(&refusal.body)
        );
    }
}
