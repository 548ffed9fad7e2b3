//! What the words of several dialects have in common.

use crate::http::{self, Response};
use nexus_core::Result;
use nexus_protocol::{Detail, Refusal};
use serde_json::json;
use std::borrow::Cow;

/// The answer to what was refused: `{"error": sentence, "code": name}`.
pub(super) fn refused(sentence: impl Fn(&Refusal) -> String, refusal: Refusal) -> Result<Response> {
    let body = json!({ "error": sentence(&refusal), "code": refusal.body.error });
    let mut response = with_retry(http::json(refusal.status, &body)?, refusal.retry_after);
    if let Some(methods) = refusal.allow {
        response.set("Allow", methods);
    }
    Ok(response)
}

/// The native sentence, with a dialect's own names in the place of native fields and headers.
pub(super) fn own_fields(refusal: &Refusal, names: &[(&'static str, &'static str)]) -> String {
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

/// An answer that says after how many seconds to try again.
pub(super) fn with_retry(response: Response, seconds: Option<u32>) -> Response {
    match seconds {
        Some(seconds) => response.with("Retry-After", seconds.to_string()),
        None => response,
    }
}

#[cfg(test)]
pub(super) mod tests {
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

    pub(in crate::dialects) fn assert_own_words(
        sentence: impl Fn(&Refusal) -> String,
        refusals: &[Refusal],
    ) {
        for refusal in refusals {
            let said = sentence(refusal);
            let native = NATIVE.into_iter().find(|word| said.contains(word));
            assert_eq!(native, None, "{said}");
        }
    }
}
