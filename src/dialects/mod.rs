//! Other clients' protocols (docs/dialects.md), over the same mailboxes and sessions: they
//! translate, and own no state and no rules. Each has a path prefix of its own.

pub(crate) mod clawlink;
pub(crate) mod messenger;
pub(crate) mod opendialogue;

use crate::{http, platform};
use nexus_core::{Error, Result};
use serde_json::json;
use worker::Response;

/// Errors are `{"error": sentence, "code": name}` in every dialect.
pub(crate) fn answer(result: Result<Response>) -> Result<Response> {
    let refusal = match result {
        Err(Error::Refused(refusal)) => refusal,
        other => return other,
    };
    let body = json!({ "error": refusal.body.message, "code": refusal.body.error });
    let response = http::json(refusal.status, &body)?;
    if let Some(seconds) = refusal.retry_after {
        let set = response.headers().set("Retry-After", &seconds.to_string());
        set.map_err(platform::fault)?;
    }
    Ok(response)
}
