//! The edge of the relay: HTTP in, HTTP out. No rules: those are in `nexus-core`.
//!
//! A request flows like this: the rate limit; [`router`] names it; then the object that owns the
//! thing answers it, to which it is handed as it came, or, where no object owns it, a function here.
//! Every answer is made in [`http`], errors included.
//!
//! | module | owns |
//! |---|---|
//! | [`router`] | the one table of URLs |
//! | [`http`] | answers, errors, reading headers and bodies |
//! | [`live`] | long polls and event streams, held at the edge |
//! | [`calls`] | the calls between objects, each defined once |
//! | [`platform`] | the platform for `nexus-core`: storage, clock, random numbers, variables |
//! | [`objects`] | one file per Durable Object class |
//! | [`pages`] | the pages that agents and people open |

mod calls;
mod http;
mod live;
mod objects;
mod pages;
mod platform;
mod router;

use calls::{CreateCode, Describe, ReadStats};
use nexus_core::{Error, Random, Result};
use nexus_protocol::{
    Capabilities, CreatePairing, Health, PageRequest, PairingCode, PairingCreated, Refusal,
    SessionId,
};
use platform::{System, fault};
use router::Endpoint;
use worker::{Context, Env, Request, Response, event};

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    platform::note_start();
    http::answer(answer(request, &env).await)
}

async fn answer(mut request: Request, env: &Env) -> Result<Response> {
    let (method, path) = (request.method(), request.path());
    if method == worker::Method::Options {
        return http::preflight(&path);
    }
    // One page asks for a dozen assets.
    if path != "/health" && !path.starts_with("/assets/") {
        limit_rate(&request, env).await?;
    }
    let route = router::route(&method, &path)?;
    match route.endpoint {
        Endpoint::CreateSession => {
            let session = SessionId::from_random(System.bytes()?);
            forward(request, env, "SESSION", session.as_str()).await
        }
        Endpoint::SessionStatus
        | Endpoint::Join
        | Endpoint::Leave
        | Endpoint::Renew
        | Endpoint::Send
        | Endpoint::Socket
        | Endpoint::SetWebhook
        | Endpoint::Webhook
        | Endpoint::RemoveWebhook => {
            forward(request, env, "SESSION", route.session()?.as_str()).await
        }
        Endpoint::Poll | Endpoint::Events => {
            let session = calls::stub(env, "SESSION", route.session()?.as_str())?;
            // Most polls do not wait: their URL is for the object to read.
            if route.endpoint == Endpoint::Poll && !request.inner().url().contains("wait=") {
                return session.fetch_with_request(request).await.map_err(fault);
            }
            let url = request.url().map_err(fault)?;
            let query = url.query().unwrap_or_default();
            let poll = PageRequest::parse(query, &platform::limits(env)?)?;
            match (route.endpoint, poll.wait) {
                (Endpoint::Events, _) => live::events(&request, session, poll).await,
                (_, 0) => session.fetch_with_request(request).await.map_err(fault),
                (_, wait) => live::long_poll(&request, &session, wait).await,
            }
        }
        Endpoint::Claim | Endpoint::CodeStatus => {
            forward(request, env, "PAIRING_INDEX", route.code()?.first_word()).await
        }
        Endpoint::CreatePairing => create_pairing(&mut request, env).await,
        Endpoint::PairPage => pages::pairing(&request, env, &route).await,
        Endpoint::Home => pages::home(&request, env),
        Endpoint::SessionPage => pages::session(&request, env),
        Endpoint::Docs => pages::docs(&request),
        Endpoint::Asset => pages::asset(&request, &route),
        Endpoint::Skill => pages::skill(&request),
        Endpoint::Llms => pages::llms(&request, env),
        Endpoint::OpenApi => pages::open_api(&request),
        Endpoint::Health => health(),
        Endpoint::Stats => {
            let mut stats = calls::call(env, calls::THE_DIRECTORY, &ReadStats {}).await?;
            stats.uptime = platform::uptime();
            http::json(200, &stats)
        }
    }
}

/// Hands the request to an object as it came, and the answer back as it was made.
async fn forward(request: Request, env: &Env, binding: &str, name: &str) -> Result<Response> {
    let stub = calls::stub(env, binding, name)?;
    stub.fetch_with_request(request).await.map_err(fault)
}

/// Refuses a client IP that asks too often. Without the binding there is no limit.
async fn limit_rate(request: &Request, env: &Env) -> Result<()> {
    let Ok(limiter) = env.rate_limiter("RATE_LIMITER") else {
        return Ok(());
    };
    let ip = http::header(request, "CF-Connecting-IP")?.unwrap_or_else(|| "local".to_owned());
    let outcome = limiter.limit(ip).await.map_err(fault)?;
    if outcome.success { Ok(()) } else { Err(Refusal::rate_limit_exceeded(60).into()) }
}

/// `PUT /v1/pair` (section 4).
async fn create_pairing(request: &mut Request, env: &Env) -> Result<Response> {
    let limits = platform::limits(env)?;
    let CreatePairing { session_id } = CreatePairing::parse(&http::body(request, &limits).await?)?;
    let origin = http::origin(request, env)?;
    calls::call(env, session_id.as_str(), &Describe {}).await?;
    // Codes that are in use are rare; five tries never meet five of them.
    for _ in 0..5 {
        let code = PairingCode::from_random(System.bytes()?);
        let create = CreateCode { code: code.clone(), session: session_id.clone() };
        if let Some(expires_at) = calls::call(env, code.first_word(), &create).await? {
            let url = format!("{origin}/p/{code}");
            return http::json(201, &PairingCreated { code, url, expires_at });
        }
    }
    Err(Error::Fault(nexus_core::Fault::new("no free pairing code was found")))
}

/// `GET /health` (section 5).
fn health() -> Result<Response> {
    let list = |items: &[&str]| items.iter().map(ToString::to_string).collect();
    http::json(
        200,
        &Health {
            status: "ok".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime: platform::uptime(),
            capabilities: Capabilities {
                message_format: list(&["text", "json"]),
                delivery: list(&["poll", "longpoll", "sse", "websocket", "webhook"]),
            },
        },
    )
}
