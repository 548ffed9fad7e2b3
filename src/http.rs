//! HTTP, in one place: how answers and errors are made, how headers and bodies are read.

use crate::{
    log,
    platform::{self, System, fault},
    rates, router,
};
use futures_util::{Stream, StreamExt};
use nexus_core::{Caller, Error, Fault, Proof, Random, Result};
use nexus_protocol::{
    AgentId, Cursor, ErrorCode, IdempotencyKey, Limits, Malformed, Refusal, SessionKey, Token,
};
use serde::Serialize;
use std::str::FromStr;
use worker::{Env, Headers, Request, Response, ResponseBuilder, WebSocket, web_sys};

/// What clients may send (section 1).
const ALLOW_HEADERS: &str = "Content-Type, Authorization, X-Agent-Id, X-Session-Key, Idempotency-Key, Last-Event-ID, \
    If-Match, If-None-Match, Range, If-Range";
/// What browsers may read (section 1).
const EXPOSE_HEADERS: &str =
    "X-Request-Id, Retry-After, Allow, ETag, X-File-Version, Content-Range";

/// Bytes of a body that is too long that are read before its sender is cut off.
const MOST_READ: usize = 32 * 1024 * 1024;

/// An answer with the headers that every answer has.
pub(crate) fn respond(status: u16, content_type: &str, body: Vec<u8>) -> Result<Response> {
    Ok(builder(status, content_type)?.fixed(body))
}

/// As [`respond`], with a body that comes bit by bit.
pub(crate) fn stream(
    status: u16,
    content_type: &str,
    chunks: impl Stream<Item = worker::Result<Vec<u8>>> + 'static,
) -> Result<Response> {
    builder(status, content_type)?.from_stream(chunks).map_err(fault)
}

/// The answer that opens a socket. Of the sub-protocols that a client offers, `nexus` is the one: the
/// others say who it is.
pub(crate) fn upgraded(request: &Request, client: WebSocket) -> Result<Response> {
    let mut builder = ResponseBuilder::new().with_websocket(client).with_status(101);
    let offered = header(request, "Sec-WebSocket-Protocol")?.unwrap_or_default();
    if offered.split(',').any(|item| item.trim() == "nexus") {
        builder = builder.with_header("Sec-WebSocket-Protocol", "nexus").map_err(fault)?;
    }
    Ok(builder.empty())
}

/// Lets the platform compress an answer, if the client takes that.
pub(crate) fn compressed(request: &Request, response: Response) -> Result<Response> {
    if header(request, "Accept-Encoding")?.is_some_and(|encodings| encodings.contains("gzip")) {
        response.headers().set("Content-Encoding", "gzip").map_err(fault)?;
    }
    Ok(response)
}

/// The type of JSON answers.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// A JSON answer.
pub(crate) fn json(status: u16, body: &impl Serialize) -> Result<Response> {
    let body = serde_json::to_vec(body).map_err(Fault::new)?;
    respond(status, JSON, body)
}

/// The answer to a preflight of CORS.
pub(crate) fn preflight(path: &str) -> Result<Response> {
    let methods = router::allowed(path).ok_or_else(Refusal::not_found)?;
    let response = (|| {
        builder(204, "text/plain")?
            .with_header("Access-Control-Allow-Methods", &methods)
            .and_then(|builder| builder.with_header("Access-Control-Allow-Headers", ALLOW_HEADERS))
            .and_then(|builder| builder.with_header("Access-Control-Max-Age", "86400"))
            .map_err(fault)
    })()?;
    Ok(response.empty())
}

/// The one place where errors become HTTP. A fault is logged under the request id that the caller
/// gets, and says nothing else to the caller.
pub(crate) fn answer(result: Result<Response>) -> worker::Result<Response> {
    let (refusal, fault) = match result {
        Ok(response) => return Ok(response),
        Err(Error::Refused(refusal)) => (refusal, None),
        Err(Error::Fault(fault)) => (Refusal::internal(), Some(fault)),
    };
    let response = json(refusal.status, &refusal.body).map_err(|_| "an error has no JSON form")?;
    if let Some(fault) = fault {
        let id = response.headers().get("X-Request-Id")?.unwrap_or_default();
        log::error(&id, &Error::Fault(fault));
    }
    if let Some(seconds) = refusal.retry_after {
        response.headers().set("Retry-After", &seconds.to_string())?;
    }
    if let Some(allow) = &refusal.allow {
        response.headers().set("Allow", allow)?;
    }
    if refusal.body.error == ErrorCode::CodeNotFound {
        response.headers().set(rates::CLASS, rates::GUESS)?;
    }
    Ok(response)
}

/// With the variable `DIAGNOSTICS`, the answer tells how many rows this instance has written so far,
/// and how many session objects it has built.
pub(crate) fn with_diagnostics(response: Response, env: &Env) -> Result<Response> {
    // The answer that opens a socket has no headers to add to.
    if response.status_code() != 101 && platform::text_variable(env, "DIAGNOSTICS")?.is_some() {
        let set = |name: &str, value: usize| response.headers().set(name, &value.to_string());
        set("X-Rows-Written", platform::rows_written()).map_err(fault)?;
        set("X-Objects-Built", platform::objects_built()).map_err(fault)?;
    }
    Ok(response)
}

/// As [`answer`], of an object. What it refuses to a caller that has `proven` who it is, is not counted for
/// its IP.
pub(crate) fn answer_of_object(result: Result<Response>, proven: bool) -> worker::Result<Response> {
    let is_refused = matches!(result, Err(Error::Refused(_)));
    let response = answer(result)?;
    if is_refused && proven {
        response.headers().set(rates::CLASS, rates::AGENT)?;
    }
    Ok(response)
}

/// What is told of an error where there is no HTTP: the fields of its body. A fault is logged.
pub(crate) fn error_fields(error: Error) -> serde_json::Value {
    let refusal = match error {
        Error::Refused(refusal) => refusal,
        Error::Fault(_) => {
            log::error("frame", &error);
            Refusal::internal()
        }
    };
    serde_json::to_value(refusal.body).unwrap_or_default()
}

fn common() -> worker::Result<web_sys::Headers> {
    let headers = Headers::new();
    headers.set("Access-Control-Allow-Origin", "*")?;
    headers.set("Access-Control-Expose-Headers", EXPOSE_HEADERS)?;
    headers.set("Cache-Control", "no-store")?;
    headers.set("X-Content-Type-Options", "nosniff")?;
    Ok(headers.0)
}

fn builder(status: u16, content_type: &str) -> Result<ResponseBuilder> {
    thread_local! {
        /// What every answer has: one copy crosses to the platform faster than each by itself.
        static COMMON: Option<web_sys::Headers> = common().ok();
    }
    let id = u64::from_le_bytes(System.bytes()?);
    let copy = COMMON.with(|common| {
        common.as_ref().and_then(|common| web_sys::Headers::new_with_headers(common).ok())
    });
    let headers = Headers(copy.ok_or_else(|| Fault::new("the platform makes no headers"))?);
    let set = |name: &str, value: &str| headers.set(name, value).map_err(fault);
    set("Content-Type", content_type)?;
    set("X-Request-Id", &format!("{id:016x}"))?;
    Ok(ResponseBuilder::new().with_status(status).with_headers(headers))
}

/// The query of the request's URL, as it is written. The platform has parsed the URL already; to parse it
/// again takes longer than all that a poll does.
pub(crate) fn query(request: &Request) -> String {
    let url = request.inner().url();
    let (_, query) = url.split_once('?').unwrap_or_default();
    query.split('#').next().unwrap_or_default().to_owned()
}

/// A header; one that is empty is one that is missing.
pub(crate) fn header(request: &Request, name: &str) -> Result<Option<String>> {
    let value = request.headers().get(name).map_err(fault)?;
    Ok(value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()))
}

/// A header in the form that `T` checks.
fn parsed<T: FromStr<Err = Malformed>>(request: &Request, name: &'static str) -> Result<Option<T>> {
    let Some(value) = header(request, name)? else {
        return Ok(None);
    };
    value.parse().map(Some).map_err(|Malformed(rule)| Refusal::invalid(name, rule).into())
}

/// `X-Agent-Id` and `X-Session-Key`.
pub(crate) fn caller(request: &Request) -> Result<Caller> {
    let agent = parsed(request, "X-Agent-Id")?.ok_or_else(Refusal::missing_agent_id)?;
    let key = parsed::<SessionKey>(request, "X-Session-Key")?;
    Ok(Caller { agent, key })
}

/// As [`caller`], from a browser, which cannot set headers on a socket or an event source: then
/// `agentId` and `key` stand in the query, or, as `agent.ID` and `key.KEY`, among the sub-protocols.
pub(crate) fn browser_caller(request: &Request, query: &str) -> Result<Caller> {
    if header(request, "X-Agent-Id")?.is_some() {
        return caller(request);
    }
    let find = |name: &str, prefix: &str| from_browser(request, query, name, prefix);
    let agent = find("agentId", "agent.")?.ok_or_else(Refusal::missing_agent_id)?;
    let agent = agent.parse().map_err(|Malformed(rule)| Refusal::invalid("agentId", rule))?;
    let key = find("key", "key.")?.and_then(|key| key.parse().ok());
    Ok(Caller { agent, key })
}

/// What a browser put into the query under `name`, or among the sub-protocols after `prefix`.
fn from_browser(
    request: &Request,
    query: &str,
    name: &str,
    prefix: &str,
) -> Result<Option<String>> {
    let offered = header(request, "Sec-WebSocket-Protocol")?.unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let in_query = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next();
    let in_query = in_query
        .map(|value| percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned());
    let mut protocols = offered.split(',').map(str::trim);
    let offered = || protocols.find_map(|item| item.strip_prefix(prefix)).map(ToOwned::to_owned);
    Ok(in_query.or_else(offered).filter(|value| !value.is_empty()))
}

/// `Authorization: Bearer SECRET` (section 8).
pub(crate) fn proof(request: &Request) -> Result<Option<Proof>> {
    Ok(bearer(request)?.and_then(|secret| secret.parse().ok()).map(Proof::Secret))
}

/// `Authorization: Bearer VALUE`
pub(crate) fn bearer(request: &Request) -> Result<Option<String>> {
    let header = header(request, "Authorization")?.unwrap_or_default();
    let (scheme, value) = header.split_once(' ').unwrap_or_default();
    Ok(Some(value.trim().to_owned()).filter(|_| scheme.eq_ignore_ascii_case("bearer")))
}

/// As [`proof`], from a browser: then `secret` stands in the query, or, as `secret.SECRET`, among the
/// sub-protocols.
pub(crate) fn browser_proof(request: &Request, query: &str) -> Result<Option<Proof>> {
    if let Some(proof) = proof(request)? {
        return Ok(Some(proof));
    }
    let secret = from_browser(request, query, "secret", "secret.")?;
    Ok(secret.and_then(|secret| secret.parse().ok()).map(Proof::Secret))
}

/// `X-Agent-Id`, of a call that may be nobody's.
pub(crate) fn optional_agent(request: &Request) -> Result<Option<AgentId>> {
    parsed(request, "X-Agent-Id")
}

/// `X-Session-Key`
pub(crate) fn session_key(request: &Request) -> Result<Option<SessionKey>> {
    parsed(request, "X-Session-Key")
}

/// `Authorization: Bearer TOKEN` (section 9).
pub(crate) fn token(request: &Request) -> Result<Option<Token>> {
    Ok(bearer(request)?.and_then(|token| token.parse().ok()))
}

/// `X-Agent-Id`, of a call that is about another agent than the caller.
pub(crate) fn sender(request: &Request) -> Result<AgentId> {
    Ok(parsed(request, "X-Agent-Id")?.ok_or_else(Refusal::missing_agent_id)?)
}

/// Refuses a caller that says it is another agent than the one whose path it calls.
pub(crate) fn check_yourself(request: &Request, id: &AgentId) -> Result<()> {
    match parsed::<AgentId>(request, "X-Agent-Id")? {
        Some(other) if other != *id => Err(Refusal::not_yourself().into()),
        _ => Ok(()),
    }
}

/// Whether the request asks for a socket.
pub(crate) fn wants_upgrade(request: &Request) -> Result<bool> {
    Ok(header(request, "Upgrade")?.is_some_and(|value| value.eq_ignore_ascii_case("websocket")))
}

/// `Last-Event-ID`: where an event source resumes.
pub(crate) fn last_event_id(request: &Request) -> Result<Option<Cursor>> {
    parsed(request, "Last-Event-ID")
}

/// `Idempotency-Key`.
pub(crate) fn idempotency_key(request: &Request) -> Result<Option<IdempotencyKey>> {
    parsed(request, "Idempotency-Key")
}

/// The body, if it is no longer than any valid request. What is too long is read on for a while, and
/// not kept: a client that is cut off while it sends does not see the answer.
pub(crate) async fn body(request: &mut Request, limits: &Limits) -> Result<Vec<u8>> {
    let limit = limits.max_body_bytes();
    body_up_to(request, limit, Refusal::message_too_large("body", limit)).await
}

/// The same, of at most `limit` bytes.
pub(crate) async fn body_up_to(
    request: &mut Request,
    limit: usize,
    refusal: Refusal,
) -> Result<Vec<u8>> {
    let length = header(request, "Content-Length")?.and_then(|length| length.parse().ok());
    if length.is_some_and(|length: usize| length <= limit) {
        return request.bytes().await.map_err(fault);
    }
    let (mut bytes, mut read) = (Vec::new(), 0_usize);
    // No stream is no body.
    let Ok(mut stream) = request.stream() else { return Ok(bytes) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(fault)?;
        read = read.saturating_add(chunk.len());
        if read <= limit {
            bytes.extend(chunk);
        } else if read > MOST_READ {
            break;
        }
    }
    if read > limit { Err(refusal.into()) } else { Ok(bytes) }
}

/// Scheme and host of this deployment, as links name it: the variable `PUBLIC_URL`, or what the
/// request was sent to. Stands in commands that people paste into shells, so a host that is not one
/// is refused.
pub(crate) fn origin(request: &Request, env: &Env) -> Result<String> {
    if let Some(url) = platform::text_variable(env, "PUBLIC_URL")? {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let origin = request.url().map_err(fault)?.origin().ascii_serialization();
    let plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_[]".contains(c);
    if origin.chars().all(plain) {
        Ok(origin)
    } else {
        Err(Refusal::invalid("Host", "must be a host name").into())
    }
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn header(response: &Response, name: &str) -> String {
        response.headers().get(name).unwrap().unwrap_or_default()
    }

    #[wasm_bindgen_test]
    fn a_refusal_becomes_its_status_and_headers() {
        let refused = answer(Err(Refusal::rate_limit_exceeded(60).into())).unwrap();
        assert_eq!((refused.status_code(), header(&refused, "Retry-After").as_str()), (429, "60"));
        let refused = answer(Err(Refusal::method_not_allowed("GET".to_owned()).into())).unwrap();
        assert_eq!((refused.status_code(), header(&refused, "Allow").as_str()), (405, "GET"));
        assert_eq!(header(&refused, "X-Request-Id").len(), 16);
    }

    #[wasm_bindgen_test]
    async fn a_fault_tells_nothing_of_the_inside() {
        let mut failed = answer(Err(Fault::new("the inside").into())).unwrap();
        assert_eq!(failed.status_code(), 500);
        assert!(!failed.text().await.unwrap().contains("inside"));
    }
}
