//! Other clients' protocols (docs/dialects.md), over the same mailboxes and sessions: they
//! translate, and own no state and no rules. Each has a path prefix of its own.

pub(crate) mod clawlink;
pub(crate) mod messenger;
pub(crate) mod opendialogue;

use crate::http::{self, Response};
use nexus_core::{Error, Result};
use nexus_protocol::{ErrorCode, Refusal};
use serde_json::json;

/// Errors are `{"error": sentence, "code": name}` in every dialect.
pub(crate) fn answer(result: Result<Response>) -> Result<Response> {
    let refusal = match result {
        Err(Error::Refused(refusal)) => refusal,
        other => return other,
    };
    let body = json!({ "error": refusal.body.message, "code": refusal.body.error });
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
        Some("messenger") => answer(result),
        Some("opendialogue") => opendialogue::answered(result),
        _ => result,
    }
}

fn with_retry(response: Response, seconds: Option<u32>) -> Response {
    match seconds {
        Some(seconds) => response.with("Retry-After", seconds.to_string()),
        None => response,
    }
}
