//! The edge of the relay: HTTP in, HTTP out. No rules: those are in `nexus-core`.
//!
//! A request flows like this: [`router`] names it; [`rates`] counts it; then the object that owns the
//! thing answers it, to which it is handed as it came, or, where no object owns it, a function here.
//! Every answer is made in [`http`], errors included.
//!
//! | module | owns |
//! |---|---|
//! | [`router`] | the one table of URLs |
//! | [`frames`] | the frame around a message |
//! | [`http`] | requests and answers, errors, reading headers and bodies |
//! | [`bridge`] | what crosses to the platform and back for each request |
//! | [`waiting`] | waiting for what the platform promises |
//! | [`admin`] | what the operator sees and does |
//! | [`codes`] | making a link |
//! | [`agents`] | addresses: registering, the directory, invitations |
//! | [`rates`] | who has to wait |
//! | [`log`] | one line for each failure |
//! | [`record`] | one line for each request, and what is counted |
//! | [`live`] | long polls and event streams, held at the edge |
//! | [`calls`] | the calls between objects, each defined once |
//! | [`platform`] | the platform for `nexus-core`: storage, clock, random numbers, variables |
//! | [`objects`] | one file per Durable Object class |
//! | [`dialects`] | other clients' protocols, over addresses and sessions: a folder each |
//! | [`pages`] | the pages that agents and people open |
//! | [`texts`] | what they say, and all else that is served as it is |

mod admin;
mod agents;
mod bridge;
mod calls;
mod codes;
mod dialects;
mod frames;
mod http;
mod live;
mod log;
mod objects;
mod pages;
mod platform;
mod rates;
mod record;
mod reports;
mod router;
mod texts;
mod waiting;

use bridge::Exchange;
use calls::Object;
use http::{Request, Response};
use nexus_core::{MailboxNeed, Random, Result};
use nexus_protocol::{PageRequest, Refusal, SessionId, session_of_codes, shows_link_key};
use platform::System;
use record::Record;
use router::{Code, Endpoint, Mailbox, Method, Route, Session};
use waiting::Outcome;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Context, Env, event, web_sys, worker_sys};

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
        let (mut request, context) = (Request::of(&exchange), Context::new(context));
        waiting::begin(async move {
            let route = if shows_link_key(request.url()) {
                Err(Refusal::key_shown())
            } else {
                router::route(request.method(), request.path())
            };
            let mut record = Record::begin(request.method(), route.as_ref().ok());
            if let Some(session) = record.session() {
                request.name(session);
            }
            let foreign = route.as_ref().ok().and_then(Route::foreign);
            let answer = answer(&request, &env, route).await;
            record.note(&answer);
            let answer = match foreign {
                Some(call) => dialects::in_its_words(call, answer),
                None => answer,
            };
            let response = http::answer(request.id(), answer);
            record.end(&request, &response, &env, &context);
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
    if request.method() == Method::Options {
        return http::preflight(request);
    }
    let visit = rates::enter(request, env, route.as_ref().ok()).await?;
    let answer = match http::check_headers(request).and(route) {
        Ok(route) => dispatch(request, env, &route).await,
        Err(refusal) => Err(refusal.into()),
    };
    platform::panic_if(platform::asks_for_panic(request.header(platform::PANIC), env, "edge"));
    visit.leave(env, &answer).await?;
    pages::in_place_of(answer, request, env).await
}

/// Hands a request to who owns the call.
async fn dispatch(request: &Request, env: &Env, route: &Route) -> Result<Response> {
    match route.endpoint {
        Endpoint::Session(call, _) => {
            let session = session_of(request, route, call)?;
            // Any other call finds it where it is.
            let is_new = call == Session::Create;
            let region = if is_new { calls::place_of(request, env)? } else { None };
            if let Some(region) = region {
                request.exchange()?.tell_region(region.hint());
            }
            let object = Object::named(env, "SESSION", session.as_str(), region)?;
            ask(request, env, &object, call == Session::Poll).await
        }
        Endpoint::SessionEvents(_) => {
            let session = route.session()?;
            let object = Object::named(env, "SESSION", session.as_str(), None)?;
            stream(request, env, object, live::member).await
        }
        Endpoint::Mailbox(call, need) => {
            let agent = route.address()?;
            // The sender's mailbox knows whether it is the sender.
            let is_sender = need == MailboxNeed::Sender;
            let agent = if is_sender { http::sender(request)? } else { agent };
            let object = Object::named(env, "MAILBOX", agent.as_str(), None)?;
            ask(request, env, &object, call == Mailbox::Read).await
        }
        Endpoint::MailboxEvents(_) => {
            let agent = route.address()?;
            let object = Object::named(env, "MAILBOX", agent.as_str(), None)?;
            stream(request, env, object, live::agent).await
        }
        Endpoint::Code(Code::Create, need) => codes::create(request, env, need).await,
        Endpoint::Code(Code::Claim | Code::Status | Code::Revoke, _) => {
            let code = route.code()?;
            let index = Object::named(env, "PAIRING_INDEX", code.first_word(), code.region())?;
            ask(request, env, &index, false).await
        }
        Endpoint::Directory(call) => agents::answer(request, env, route, call).await,
        Endpoint::Page(page) => pages::answer(request, env, route, page).await,
        Endpoint::Foreign(call) => dialects::answer(request, env, route, call).await,
    }
}

/// The session that a call is about: a new one, where one is to be created.
fn session_of(request: &Request, route: &Route, call: Session) -> Result<SessionId> {
    match call {
        Session::Create => Ok(SessionId::from_random(System.bytes()?)),
        Session::Codes => Ok(session_of_codes(request.query())?),
        _ => Ok(route.session()?),
    }
}

/// Hands the request to an object as it came, and the answer back as it was made. A poll that waits is held
/// here.
async fn ask(request: &Request, env: &Env, object: &Object, may_wait: bool) -> Result<Response> {
    // Most polls do not wait: their query is for the object to read.
    let waits = may_wait && request.query().split('&').any(|pair| pair.starts_with("wait="));
    if waits {
        let poll = PageRequest::parse(request.query(), &platform::limits(env)?)?;
        if poll.wait > 0 {
            return live::long_poll(request.head(), object, poll.wait).await;
        }
    }
    object.forward(request).await
}

/// Reads from an object as a stream of events, for who the request shows.
async fn stream(
    request: &Request,
    env: &Env,
    object: Object,
    shown: live::Shown,
) -> Result<Response> {
    let poll = PageRequest::parse(request.query(), &platform::limits(env)?)?;
    live::events(request, object, shown(request)?, poll).await
}
