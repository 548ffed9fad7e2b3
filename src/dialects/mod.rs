//! Other clients' protocols (docs/dialects.md), over the same mailboxes and sessions: they
//! translate, and own no state and no rules. Each has a path prefix of its own, and its own words for
//! what is refused.

pub(crate) mod clawlink;
mod clawlink_words;
pub(crate) mod messenger;
pub(crate) mod opendialogue;
mod opendialogue_words;

use crate::http::{self, Response};
use nexus_core::{Error, Result};
use nexus_protocol::{Detail, ErrorCode, Refusal};
use serde_json::json;
use std::borrow::Cow;

/// Errors are `{"error": sentence, "code": name}` in every dialect.
fn answer_in(sentence: impl Fn(&Refusal) -> String, result: Result<Response>) -> Result<Response> {
    let refusal = match result {
        Err(Error::Refused(refusal)) => refusal,
        other => return other,
    };
    let body = json!({ "error": sentence(&refusal), "code": refusal.body.error });
    let mut response = with_retry(http::json(refusal.status, &body)?, refusal.retry_after);
    if let Some(methods) = refusal.allow {
        response.set("Allow", methods);
    }
    Ok(response)
}

/// What the edge refuses before a dialect is asked, in the words of the dialect that `path` belongs to.
/// That there is no such path or method, no dialect has words for.
pub(crate) fn refused(path: &str, result: Result<Response>) -> Result<Response> {
    let has_words = |refusal: &Refusal| {
        !matches!(refusal.body.error, ErrorCode::NotFound | ErrorCode::MethodNotAllowed)
    };
    match &result {
        Err(Error::Refused(refusal)) if has_words(refusal) => {}
        _ => return result,
    }
    match path.split('/').nth(1) {
        Some("messenger") => messenger::answered(result),
        Some("opendialogue") => opendialogue::answered(result),
        Some("clawlink") => clawlink::answered(result),
        _ => result,
    }
}

/// The native sentence, with a dialect's own names in the place of native fields and headers.
fn own_fields(refusal: &Refusal, names: &[(&'static str, &'static str)]) -> String {
    if refusal.body.details.is_empty() {
        return refusal.body.message.to_string();
    }
    let own = |detail: &Detail| {
        let name = names.iter().find(|(native, _)| *native == detail.path);
        let path = name.map_or_else(|| detail.path.clone(), |(_, own)| Cow::Borrowed(*own));
        // Natives have another way to listen.
        let is_upgrade = detail.path == "Upgrade";
        let message =
            if is_upgrade { "must be `websocket`".into() } else { detail.message.clone() };
        Detail { path, message }
    };
    let details = refusal.body.details.iter().map(own).collect();
    Refusal::invalid_request(details).body.message.into_owned()
}

fn with_retry(response: Response, seconds: Option<u32>) -> Response {
    match seconds {
        Some(seconds) => response.with("Retry-After", seconds.to_string()),
        None => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client of another protocol can do nothing with.
    const NATIVE: [&str; 9] = [
        "/v1/",
        "/events",
        "/p/",
        "wait=",
        "Idempotency-Key",
        "conversationId",
        "agentId",
        "sessionKey",
        "X-Request-Id",
    ];

    pub(super) fn assert_own_words(sentence: impl Fn(&Refusal) -> String, refusals: &[Refusal]) {
        for refusal in refusals {
            let said = sentence(refusal);
            let native = NATIVE.into_iter().find(|word| said.contains(word));
            assert_eq!(native, None, "{said}");
        }
    }
}
