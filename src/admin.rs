//! What the operator of a deployment sees and does, and nobody else: only where the variable `ADMIN_TOKEN` is
//! set, and only with that token.
//!
//! The operator ends a session by the id of a request about it, which stands in the log and in the answer. Its
//! first digits are those of the session's digest, which reveal nothing. The directory has the digest, and with
//! it the session's id, sealed with the operator's token ([`nexus_core::seal`]). So neither the log nor the
//! directory lets anyone into a session, and no request costs a row.

use crate::{
    calls::{self, ByOperator, ReadActivity, Trace},
    http::{self, ID_DIGITS, OF_SESSION, Request, Response},
    log, platform,
    router::Route,
};
use nexus_core::{Digest, Error, Fault, Result, sums, unseal};
use nexus_protocol::{ErrorCode, Extent, Refusal, SessionId, Setting, TracedSession};
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

/// The token, if the request shows it.
fn let_in(request: &Request, env: &Env) -> Result<String> {
    let token = token(env)?.ok_or_else(Refusal::not_found)?;
    // Hashes, so that how long the comparison takes tells nothing.
    let hash = |token: &str| Digest::of(&["admin", token]);
    let shown = http::bearer(request);
    if shown.is_none_or(|shown| hash(shown) != hash(&token)) {
        return Err(Refusal::not_the_operator().into());
    }
    Ok(token)
}

/// `GET /v1/admin/activity`
pub(crate) async fn activity(request: &Request, env: &Env) -> Result<Response> {
    let_in(request, env)?;
    let told = calls::ask_directories(request, env, &ReadActivity {}).await?;
    let mut activity = sums::activity(&told);
    activity.stats.uptime = platform::uptime();
    http::json(200, &activity)
}

/// `GET /v1/admin/requests/:request`: how much there is of the session that a request was about; or, with `ends`,
/// `POST /v1/admin/requests/:request/end`: ends that session for everybody, which may be repeated.
pub(crate) async fn trace(
    request: &Request,
    env: &Env,
    route: &Route,
    ends: bool,
) -> Result<Response> {
    let token = let_in(request, env)?;
    let request_id = asked(route)?;
    let session = match find(request, env, &token, &request_id).await? {
        Some(id) => of_living(calls::call(env, id.as_str(), &ByOperator { ends }).await)?,
        None => None,
    };
    if ends && session.is_some() {
        log::ended_by_operator(request.id(), &request_id);
    }
    let session = session.filter(|_| !ends);
    http::json(200, &TracedSession { request_id, ended: session.is_none(), session })
}

/// The request that is asked about.
fn asked(route: &Route) -> Result<String> {
    let id = route.request().to_ascii_lowercase();
    if id.len() != ID_DIGITS || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let rule =
            "must be the 16 hex digits of requestId in a line of the log, or of X-Request-Id";
        return Err(Refusal::invalid("requestId", rule).into());
    }
    Ok(id)
}

/// The session that a request was about; none if it is known to have ended. Whether it lives it knows best.
async fn find(
    request: &Request,
    env: &Env,
    token: &str,
    request_id: &str,
) -> Result<Option<SessionId>> {
    let digits = request_id.chars().take(OF_SESSION).collect();
    let told = calls::ask_each(request, env, &Trace { digits }).await?;
    let (known, unknown): (Vec<_>, Vec<_>) = told.into_iter().partition(Result::is_ok);
    // One that knows a session that lives is enough.
    let known = sums::traced(known.into_iter().filter_map(Result::ok).collect());
    let failure = unknown.into_iter().find_map(Result::err);
    let traced = match (known, failure) {
        (Some(known), _) if known.is_alive => known,
        (_, Some(failure)) => return Err(failure),
        (known, None) => known.ok_or_else(Refusal::no_session_of_request)?,
    };
    let id = traced.sealed.as_deref().map(|sealed| unseal(token, sealed)).transpose()?;
    match id.flatten() {
        None if traced.is_alive => Err(Refusal::session_not_sealed().into()),
        id => Ok(id),
    }
}

/// What a session has answered; none if it has ended meanwhile.
fn of_living(answer: Result<Extent>) -> Result<Option<Extent>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Refused(refusal)) if refusal.body.error == ErrorCode::SessionNotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
