//! What the operator of a deployment sees, and nobody else: only where the variable `ADMIN_TOKEN` is set,
//! and only with that token.

use crate::{
    calls::{self, ReadActivity},
    http::{self, Request, Response},
    platform,
};
use nexus_core::{Digest, Fault, Result};
use nexus_protocol::{Refusal, Setting};
use worker::Env;

/// Characters that a token has at least: it is all that stands before the figures.
const SHORTEST: usize = 16;

/// The token; none where nobody is to see anything.
pub(crate) fn token(env: &Env) -> Result<Option<String>> {
    let token = platform::setting(env, Setting::ADMIN_TOKEN)?;
    if token.as_ref().is_some_and(|token| token.len() < SHORTEST) {
        return Err(Fault::new("the variable ADMIN_TOKEN must have at least 16 characters").into());
    }
    Ok(token)
}

/// `GET /v1/admin/activity`
pub(crate) async fn activity(request: &Request, env: &Env) -> Result<Response> {
    let token = token(env)?.ok_or_else(Refusal::not_found)?;
    // Hashes, so that how long the comparison takes tells nothing.
    let hash = |token: &str| Digest::of(&["admin", token]);
    let shown = http::bearer(request);
    if shown.is_none_or(|shown| hash(shown) != hash(&token)) {
        return Err(Refusal::not_the_operator().into());
    }
    let mut activity = calls::call(env, calls::THE_DIRECTORY, &ReadActivity {}).await?;
    activity.stats.uptime = platform::uptime();
    http::json(200, &activity)
}
