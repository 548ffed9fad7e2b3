//! The edge of the relay: HTTP in, HTTP out. No rules: those are in `nexus-core`.
//!
//! A request flows like this: [`router`] names it; [`rates`] counts it; then the object that owns the
//! thing answers it, to which it is handed as it came, or, where no object owns it, a function here.
//! Every answer is made in [`http`], errors included.
//!
//! | module | owns |
//! |---|---|
//! | [`router`] | the one table of URLs |
//! | [`http`] | requests and answers, errors, reading headers and bodies |
//! | [`bridge`] | what crosses to the platform and back for each request |
//! | [`waiting`] | waiting for what the platform promises |
//! | [`admin`] | what the operator sees |
//! | [`agents`] | addresses: registering, the directory, invitations |
//! | [`rates`] | who has to wait |
//! | [`log`] | one line for each request, and what is counted |
//! | [`live`] | long polls and event streams, held at the edge |
//! | [`calls`] | the calls between objects, each defined once |
//! | [`platform`] | the platform for `nexus-core`: storage, clock, random numbers, variables |
//! | [`objects`] | one file per Durable Object class |
//! | [`dialects`] | other clients' protocols, over addresses and sessions |
//! | [`pages`] | the pages that agents and people open |

mod admin;
mod agents;
mod bridge;
mod calls;
mod dialects;
mod http;
mod live;
mod log;
mod objects;
mod pages;
mod platform;
mod rates;
mod router;
mod waiting;

use bridge::Exchange;
use calls::{CreateCode, MayInvite, Object, ReadStats};
use dialects::{messenger, opendialogue};
use http::{Request, Response};
use nexus_core::{Error, Random, Result};
use nexus_protocol::{
    Capabilities, CreatePairing, Health, PageRequest, PairingCode, PairingCreated, Refusal,
    SessionId,
};
use platform::System;
use router::{Endpoint, Route};
use waiting::Outcome;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Context, Env, Method, event, web_sys, worker_sys};

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// The edge, as `worker.js` calls it.
#[derive(Default)]
#[wasm_bindgen]
pub struct Edge {}

#[wasm_bindgen]
impl Edge {
    /// There is one for as long as the instance lives.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }

    /// Answers a request.
    pub fn fetch(
        &self,
        request: &web_sys::Request,
        env: Env,
        context: worker_sys::Context,
    ) -> Outcome {
        platform::note_start();
        let exchange = Exchange::new(request, &http::request_id());
        let (request, context) = (Request::of(&exchange), Context::new(context));
        waiting::begin(async move {
            let route = router::route(request.method(), request.path());
            let record = log::Record::begin(request.method(), route.as_ref().ok());
            let answer = answer(&request, &env, route).await;
            let response = http::answer(request.id(), dialects::refused(request.path(), answer));
            record.end(request.id(), &response, &env, &context);
            response.into_platform(&exchange)
        })
    }
}

/// Answers a request, if its client need not wait.
async fn answer(
    request: &Request,
    env: &Env,
    route: std::result::Result<Route, Refusal>,
) -> Result<Response> {
    if *request.method() == Method::Options {
        return http::preflight(request.path());
    }
    let visit = rates::enter(request, env, route.as_ref().ok()).await?;
    let answer = dispatch(request, env, &route?).await;
    platform::panic_if(platform::asks_for_panic(request, env, "edge"));
    visit.leave(env, &answer).await?;
    answer
}

async fn dispatch(request: &Request, env: &Env, route: &Route) -> Result<Response> {
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
        | Endpoint::RemoveWebhook
        | Endpoint::Members
        | Endpoint::ChangeProfile
        | Endpoint::Board
        | Endpoint::GiveTask
        | Endpoint::Task
        | Endpoint::ChangeTask
        | Endpoint::Files
        | Endpoint::File
        | Endpoint::PutFile
        | Endpoint::DeleteFile => forward(request, env, "SESSION", route.session()?.as_str()).await,
        Endpoint::Poll | Endpoint::Events => {
            let session = Object::named(env, "SESSION", route.session()?.as_str())?;
            let events = route.endpoint == Endpoint::Events;
            read(request, env, session, events.then_some(live::member)).await
        }
        Endpoint::ReadMail | Endpoint::MailEvents => {
            let mailbox = Object::named(env, "MAILBOX", route.address()?.as_str())?;
            let events = route.endpoint == Endpoint::MailEvents;
            read(request, env, mailbox, events.then_some(live::agent)).await
        }
        // The sender's mailbox knows whether it is the sender.
        Endpoint::SendMail | Endpoint::MailStatus => {
            route.address()?;
            let sender = http::sender(request)?;
            forward(request, env, "MAILBOX", sender.as_str()).await
        }
        Endpoint::Agent
        | Endpoint::ChangeAgent
        | Endpoint::DeleteAgent
        | Endpoint::ReplaceSecret
        | Endpoint::AckMail
        | Endpoint::MailSocket
        | Endpoint::Blocks
        | Endpoint::Block
        | Endpoint::Unblock
        | Endpoint::Allows
        | Endpoint::Allow
        | Endpoint::Disallow
        | Endpoint::AllowOnly
        | Endpoint::Conversation
        | Endpoint::EndConversation => {
            forward(request, env, "MAILBOX", route.address()?.as_str()).await
        }
        Endpoint::Register => agents::answer_register(request, env).await,
        Endpoint::MessengerRegister
        | Endpoint::MessengerSend
        | Endpoint::MessengerPoll
        | Endpoint::MessengerUsers
        | Endpoint::MessengerSocket
        | Endpoint::OpenDialogue(_)
        | Endpoint::OpenDialogueSocket
        | Endpoint::ClawLink(_) => dialect(request, env, route).await,
        Endpoint::Agents => agents::list(request, env).await,
        Endpoint::Claim | Endpoint::CodeStatus => {
            forward(request, env, "PAIRING_INDEX", route.code()?.first_word()).await
        }
        Endpoint::CreatePairing => create_pairing(request, env).await,
        Endpoint::PairPage => pages::pairing(request, env, route).await,
        Endpoint::Home => pages::home(request, env),
        Endpoint::SessionPage => pages::session(request, env),
        Endpoint::Docs => Ok(pages::docs(request)),
        Endpoint::Asset => pages::asset(request, route),
        Endpoint::Skill => Ok(pages::skill(request)),
        Endpoint::Llms => pages::llms(request, env),
        Endpoint::OpenApi => Ok(pages::open_api(request)),
        Endpoint::Health => health(),
        Endpoint::Admin => pages::admin(request, env),
        Endpoint::AdminActivity => admin::activity(request, env).await,
        Endpoint::Stats => {
            let mut stats = calls::call(env, calls::THE_DIRECTORY, &ReadStats {}).await?;
            stats.uptime = platform::uptime();
            http::json(200, &stats)
        }
    }
}

/// A call of another protocol.
async fn dialect(request: &Request, env: &Env, route: &Route) -> Result<Response> {
    match route.endpoint {
        Endpoint::MessengerRegister => messenger::register(request, env).await,
        Endpoint::OpenDialogue(call) => opendialogue::answer(request, env, route, call).await,
        Endpoint::OpenDialogueSocket => {
            // Without an id, there is nobody whose signature it could be.
            match http::sender(request) {
                Ok(agent) => forward(request, env, "MAILBOX", agent.as_str()).await,
                Err(_) => opendialogue::unsigned(),
            }
        }
        Endpoint::MessengerSend => messenger::send(request, env).await,
        Endpoint::MessengerPoll => messenger::poll(request, env).await,
        Endpoint::MessengerUsers => messenger::users(env).await,
        Endpoint::MessengerSocket => dialects::answer(match messenger::caller(request) {
            Ok((id, _)) => forward(request, env, "MAILBOX", id.as_str()).await,
            Err(error) => Err(error),
        }),
        Endpoint::ClawLink(_) => dialects::answer(match route.session() {
            Ok(session) => forward(request, env, "SESSION", session.as_str()).await,
            Err(refusal) => Err(refusal.into()),
        }),
        _ => Err(Refusal::not_found().into()),
    }
}

/// Hands the request to an object as it came, and the answer back as it was made.
async fn forward(
    request: &Request,
    env: &Env,
    binding: &'static str,
    name: &str,
) -> Result<Response> {
    Object::named(env, binding, name)?.forward(request).await
}

/// Reads from an object: as a stream of events, for `events` with who they show, or as a poll, which is
/// held here if it waits.
async fn read(
    request: &Request,
    env: &Env,
    object: Object,
    events: Option<live::Shown>,
) -> Result<Response> {
    // Most polls do not wait: their query is for the object to read.
    if events.is_none() && !request.query().split('&').any(|pair| pair.starts_with("wait=")) {
        return object.forward(request).await;
    }
    let poll = PageRequest::parse(request.query(), &platform::limits(env)?)?;
    match (events, poll.wait) {
        (Some(credentials), _) => live::events(request, object, credentials(request)?, poll).await,
        (None, 0) => object.forward(request).await,
        (None, wait) => live::long_poll(request, &object, wait).await,
    }
}

/// `PUT /v1/pair` (section 4), and with `invite` (section 8).
async fn create_pairing(request: &Request, env: &Env) -> Result<Response> {
    let limits = platform::limits(env)?;
    let CreatePairing { session_id, invite } =
        CreatePairing::parse(&http::body(request, &limits).await?)?;
    let origin = http::origin(request, env)?;
    let agent = if invite.is_none() { http::optional_agent(request)? } else { None };
    let may = MayInvite { token: http::token(request), agent, key: http::session_key(request)? };
    calls::call(env, session_id.as_str(), &may).await?;
    // Codes that are in use are rare; five tries never meet five of them.
    for _ in 0..5 {
        let code = PairingCode::from_random(System.bytes()?);
        let create = CreateCode { code: code.clone(), session: session_id.clone() };
        if let Some(expires_at) = calls::call(env, code.first_word(), &create).await? {
            let url = format!("{origin}/p/{code}");
            let mut created = PairingCreated { code, url, expires_at, invitation: None };
            if let Some(to) = invite {
                created.invitation = Some(agents::invite(request, env, &to, &created).await?);
            }
            return http::json(201, &created);
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
                addresses: true,
                teams: true,
            },
        },
    )
}
