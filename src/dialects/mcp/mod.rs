//! MCP, at `POST /mcp`: any host that speaks it, over sessions and addresses (docs/mcp.md).
//!
//! ```text
//! host                         edge                                     object
//!   | POST {"method": ...}      | mod.rs: of which era, what for         |
//!   | ------------------------> | tools.rs: a tool is native calls, for  |
//!   |                           |   whom the seat says                   |
//!   |                           | native.rs ---------------------------> |
//!   |                           | events.rs: a webhook, for a host that  |
//!   |                           |   is to be woken                       |
//! ```
//!
//! Nothing is kept between two calls. Errors of tools are results, for the model reads these and no others.

mod events;
mod native;
mod tools;

use crate::{
    http::{self, JSON, Request, Response},
    log, platform, record,
};
use native::Of;
use nexus_core::{Error, Result};
use nexus_mcp::{
    Ask, Asked, Call, Headers, Incoming, Outcome, Reply, TOOLS, fields::Writer, sentence,
};
use nexus_protocol::{LimitKind, Refusal, Setting};
use worker::Env;

/// Answers a message.
pub(super) async fn answer(request: &Request, env: &Env) -> Result<Response> {
    if let Some(why) = stranger(request, env)? {
        return Ok(reply(Reply::refused(403, why)));
    }
    let of = Of::new(request, env);
    of.counted(answer_to(&of).await).await
}

async fn answer_to(of: &Of<'_>) -> Result<Response> {
    let (request, env) = (of.request, of.env);
    let body = http::body(request, &platform::limits(env)?).await?;
    let headers = Headers {
        version: request.header("MCP-Protocol-Version"),
        method: request.header("Mcp-Method"),
        name: request.header("Mcp-Name"),
    };
    Ok(reply(match Incoming::over_http(&body, headers) {
        Incoming::Note(_) => return Ok(Response::text(202, JSON, String::new())),
        Incoming::Wrong(wrong) => wrong,
        Incoming::Request(asked, Ask::Call { tool, arguments, .. }) => {
            match Call::parse(&tool, &arguments) {
                Some(call) => asked.outcome(&told(request, tools::run(of, call).await)),
                None => asked.invalid_params("There is no tool of this name."),
            }
        }
        Incoming::Request(asked, Ask::Other(method, params)) if events::is_one(&method) => {
            events::answer(of, &asked, (&method, &params)).await?
        }
        Incoming::Request(asked, ask) => about(&asked, &ask),
    }))
}

/// The answer to whoever asks what there is.
fn about(asked: &Asked, ask: &Ask) -> Reply {
    const CAPABILITIES: &str =
        r#"{"tools":{},"events":{},"extensions":{"io.modelcontextprotocol/events":{}}}"#;
    match ask {
        Ask::Initialize(proposed) => asked.initialized(proposed, CAPABILITIES),
        Ask::Discover => asked.discovered(CAPABILITIES),
        Ask::Ping => asked.nothing(),
        Ask::ListTools => asked.tools(TOOLS),
        Ask::Call { .. } | Ask::Other(..) => asked.no_method(),
    }
}

/// What a model is told of what became of its call. A fault is logged, and says nothing else to it.
fn told(request: &Request, outcome: Result<String>) -> Outcome {
    let refusal = match outcome {
        Ok(done) => return Outcome::Done(done),
        Err(Error::Refused(refusal)) => refusal,
        Err(fault) => {
            log::error(request.id(), &fault);
            Refusal::internal()
        }
    };
    if let Some(limit) = refusal.hit {
        record::count_limit(limit);
    }
    let sentence = sentence(&refusal.body).into_owned();
    let mut error = Writer::default();
    // A name always has a JSON form.
    error.raw("error", &serde_json::to_string(&refusal.body.error).unwrap_or_default());
    error.text("message", &sentence);
    if let Some(seconds) = refusal.retry_after {
        error.raw("retry_after", &seconds.to_string());
    }
    Outcome::Refused(sentence, error.end())
}

fn reply(reply: Reply) -> Response {
    Response::text(reply.status, JSON, reply.body)
}

/// An answer in which a refusal of the whole message is one of JSON-RPC, too.
pub(super) fn in_its_words(answer: Result<Response>) -> Result<Response> {
    let Err(Error::Refused(refusal)) = answer else { return answer };
    let reply = Reply::refused(refusal.status, &sentence(&refusal.body));
    let mut response = self::reply(reply);
    if let Some(seconds) = refusal.retry_after {
        response.set("Retry-After", seconds.to_string());
    }
    if let Some(methods) = refusal.allow {
        response.set("Allow", methods);
    }
    if let Some(limit) = refusal.hit {
        response.set(http::LIMIT, LimitKind::as_str(limit));
    }
    Ok(response)
}

/// Why a request is refused that a page may have made in the browser of somebody who runs a relay: under a name of
/// its own that leads to their machine (DNS rebinding), or from elsewhere. Over HTTPS there is no such danger: a page
/// has nothing there that anybody else has not.
fn stranger(request: &Request, env: &Env) -> Result<Option<&'static str>> {
    const ELSEWHERE: &str = "This origin may not use this relay over http.";
    let (host, origin) = (request.origin(), request.header("Origin"));
    if host.starts_with("https://") {
        return Ok(None);
    }
    if is_loopback(host) {
        return Ok(origin.is_some_and(|origin| !is_loopback(origin)).then_some(ELSEWHERE));
    }
    // A proxy may have taken the https off; which name is then the relay's, only its operator can say.
    let public = platform::setting(env, Setting::PUBLIC_URL)?;
    let name = |url: &str| {
        url.split_once("://").map(|(_, host)| host.trim_end_matches('/').to_ascii_lowercase())
    };
    match public {
        Some(public) if name(&public) == name(host) => {
            let is_ours = |origin: &str| name(origin) == name(&public);
            let is_open = public.starts_with("https://") || origin.is_none_or(is_ours);
            Ok((!is_open).then_some(ELSEWHERE))
        }
        _ => Ok(Some(
            "Over http this relay is used by the name in PUBLIC_URL only. Set it to this host.",
        )),
    }
}

/// Whether an origin is this very machine.
fn is_loopback(origin: &str) -> bool {
    let Some((_, host)) = origin.split_once("://") else { return false };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    matches!(name.to_ascii_lowercase().as_str(), "localhost" | "127.0.0.1" | "::1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_this_machine() {
        for origin in
            ["http://localhost:1", "http://127.0.0.1", "https://[::1]:9", "http://LOCALHOST"]
        {
            assert!(is_loopback(origin), "{origin}");
        }
        for origin in
            ["http://localhost.evil", "http://127.0.0.1.evil:1", "null", "http://[::2]", "evil"]
        {
            assert!(!is_loopback(origin), "{origin}");
        }
    }

    #[test]
    fn a_refused_message_says_when_to_come_again() {
        let refused = in_its_words(Err(Refusal::rate_limit_exceeded(60).into())).unwrap();
        assert_eq!((refused.status(), refused.header("Retry-After")), (429, Some("60")));
    }
}
