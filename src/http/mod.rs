//! HTTP, in one place: how answers and errors are made, how headers and bodies are read.

pub(crate) mod accept;
mod request;
mod response;

use crate::{log, platform, router};
use futures_util::Stream;
use nexus_core::{Caller, Error, Fault, Proof, Result};
use nexus_protocol::{
    AgentId, AgentSecret, Cursor, ErrorCode, IdempotencyKey, KeyId, LimitKind, Limits, Malformed,
    Refusal, SessionKey, Setting, Token,
};
pub(crate) use request::{
    ID_DIGITS, OF_SESSION, Request, broken_off, head_of, id_about, request_id,
};
pub(crate) use response::{JSON, Response};
use serde::Serialize;
use std::str::FromStr;
use worker::{Env, ResponseBuilder, WebSocket, web_sys};

/// On an answer that is an error: whose share it was taken from. `agent`: the caller has proven who it
/// is. `guess`: it named a code that was never made, or a wrong token of the operator.
pub(crate) const CLASS: &str = "X-Rate-Class";
pub(crate) const AGENT: &str = "agent";
pub(crate) const GUESS: &str = "guess";

/// On an answer that is an error: the limit that was hit, by its name. For the counts of the operator.
pub(crate) const LIMIT: &str = "X-Limit";

/// To the object of a new session: the region of its creator. Only the edge can set it.
pub(crate) const REGION: &str = "X-Region";

/// What clients may send (section 1).
const ALLOW_HEADERS: &str = "Content-Type, Authorization, X-Agent-Id, X-Session-Key, X-Key-Id, Idempotency-Key, \
    Last-Event-ID,     If-Match, If-None-Match, Range, If-Range, Cache-Control, Pragma, X-Requested-With, Traceparent, Tracestate, \
    Baggage";

/// An answer with a body that comes bit by bit.
pub(crate) fn stream(
    status: u16,
    content_type: &'static str,
    chunks: impl Stream<Item = worker::Result<Vec<u8>>> + 'static,
) -> Result<Response> {
    let made = ResponseBuilder::new().from_stream(chunks).map_err(platform::fault)?;
    let stream = web_sys::Response::from(made).body();
    let stream = stream.ok_or_else(|| Fault::new("a stream could not be made"))?;
    // Or a proxy keeps what comes until there is more of it.
    Ok(Response::stream(status, content_type, stream)
        .with("Cache-Control", "no-store, no-transform")
        .with("X-Accel-Buffering", "no"))
}

/// The answer that opens a socket. Of the sub-protocols that a client offers, `nexus` is the one: the
/// others say who it is.
pub(crate) fn upgraded(request: &Request, client: WebSocket) -> Result<Response> {
    let mut builder = ResponseBuilder::new().with_websocket(client).with_status(101);
    let offered = request.header("Sec-WebSocket-Protocol").unwrap_or_default();
    if offered.split(',').any(|item| item.trim() == "nexus") {
        let named = builder.with_header("Sec-WebSocket-Protocol", "nexus");
        builder = named.map_err(platform::fault)?;
    }
    Ok(Response::socket(builder.empty().into()))
}

/// Lets the platform compress an answer, if the client takes that.
pub(crate) fn compressed(request: &Request, response: Response) -> Response {
    if accept::takes_gzip(request.header("Accept-Encoding").unwrap_or_default()) {
        return response.with("Content-Encoding", "gzip");
    }
    response
}

/// A JSON answer.
pub(crate) fn json(status: u16, body: &impl Serialize) -> Result<Response> {
    Ok(Response::text(status, JSON, serde_json::to_string(body).map_err(Fault::new)?))
}

/// The answer to a preflight of CORS.
pub(crate) fn preflight(request: &Request) -> Result<Response> {
    let methods = router::allowed(request.path()).ok_or_else(Refusal::not_found)?;
    let asked = request.header("Access-Control-Request-Headers").unwrap_or_default();
    let of_mcp = |name: &&str| name.to_ascii_lowercase().starts_with("mcp-");
    let others = asked.split(',').map(str::trim).filter(of_mcp);
    let allowed = others.fold(ALLOW_HEADERS.to_owned(), |all, name| all + ", " + name);
    Ok(Response::text(204, "text/plain", String::new())
        .with("Access-Control-Allow-Methods", methods)
        .with("Access-Control-Allow-Headers", allowed)
        .with("Access-Control-Max-Age", "86400"))
}

/// The one place where errors become HTTP. A fault is logged under the request id that the caller
/// gets, and says nothing else to the caller.
pub(crate) fn answer(id: &str, result: Result<Response>) -> Response {
    let refusal = match result {
        Ok(response) => return response,
        Err(Error::Refused(refusal)) => refusal,
        Err(fault) => {
            log::error(id, &fault);
            Refusal::internal()
        }
    };
    let is_guess = is_guess(&refusal);
    // A body that is made of words and numbers always has a JSON form.
    let body = serde_json::to_string(&refusal.body).unwrap_or_default();
    let mut response = Response::text(refusal.status, JSON, body);
    if let Some(seconds) = refusal.retry_after {
        response.set("Retry-After", seconds.to_string());
    }
    if let Some(allow) = refusal.allow {
        response.set("Allow", allow);
    }
    if is_guess {
        response.set(CLASS, GUESS);
    }
    if let Some(limit) = refusal.hit {
        response.set(LIMIT, limit.as_str());
    }
    response
}

/// The limit that was hit by what was answered so.
pub(crate) fn limit_hit(answer: &Result<Response>) -> Option<LimitKind> {
    match answer {
        Ok(response) if response.status() < 400 => None,
        Ok(response) => response.header(LIMIT).and_then(LimitKind::named),
        Err(Error::Refused(refusal)) => refusal.hit,
        Err(Error::Fault(_)) => None,
    }
}

/// Whether a refusal says that a code was never made, or that a secret of an address or the key of an encrypted
/// session is wrong. What is no code at all cannot be a guess at one.
pub(crate) fn is_guess(refusal: &Refusal) -> bool {
    match refusal.body.error {
        ErrorCode::CodeNotFound => refusal.body.reason.is_none(),
        ErrorCode::InvalidSecret | ErrorCode::WrongKey => true,
        _ => false,
    }
}

/// As [`answer`], of an object. What it refuses to a caller that has `proven` who it is, is not counted for
/// its IP.
pub(crate) fn answer_of_object(id: &str, result: Result<Response>, proven: bool) -> Response {
    let is_refused = matches!(result, Err(Error::Refused(_)));
    let mut response = answer(id, result);
    if is_refused && proven {
        response.set(CLASS, AGENT);
    }
    response
}

/// Whether an error is about an agent that has proven who it is: it asks too often.
pub(crate) fn is_of_agent(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.body.error == ErrorCode::RateLimitExceeded)
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

/// The headers of which a request has one at most.
const SINGLE: [&str; 6] = [
    "X-Agent-Id",
    "X-Session-Key",
    "X-Key-Id",
    "Authorization",
    "Idempotency-Key",
    "Last-Event-ID",
];

/// Refuses a request that has one of these headers twice, with different values.
pub(crate) fn check_headers(request: &Request) -> Result<(), Refusal> {
    // What the platform puts between two values of a header. Most requests have it nowhere.
    if !request.head().contains(", ") {
        return Ok(());
    }
    for name in SINGLE {
        let mut values = request.header(name).unwrap_or_default().split(", ");
        let first = values.next();
        // What has a comma in it looks like two: a second value of `Authorization` begins with its scheme.
        let is_value =
            |value: &str| name != "Authorization" || scheme(value) == first.and_then(scheme);
        if values.any(|value| is_value(value) && Some(value) != first) {
            return Err(Refusal::invalid(
                name,
                "was sent more than once, with different values: send it once",
            ));
        }
    }
    Ok(())
}

/// What stands before the first space, in lower case; none if nothing follows.
fn scheme(value: &str) -> Option<String> {
    value.split_once(' ').map(|(scheme, _)| scheme.to_ascii_lowercase())
}

/// A header of which a request has one at most. Where it was sent twice with one value, that is its value.
fn single<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let value = request.header(name)?;
    let half = value.len().saturating_sub(2).div_euclid(2);
    match (value.get(..half), value.get(half..)) {
        (Some(first), Some(rest)) if rest.strip_prefix(", ") == Some(first) => Some(first),
        _ => Some(value),
    }
}

/// A header in the form that `T` checks.
fn parsed<T: FromStr<Err = Malformed>>(
    request: &Request,
    name: &'static str,
) -> Result<Option<T>, Refusal> {
    let value = single(request, name).map(str::parse).transpose();
    value.map_err(|Malformed(rule)| Refusal::invalid(name, rule))
}

/// What the headers show: `X-Agent-Id`, `X-Session-Key`, `X-Key-Id`, and the token.
pub(crate) fn caller(request: &Request) -> Result<Caller, Refusal> {
    let (agent, key) = (optional_agent(request)?, session_key(request)?);
    Ok(Caller { agent, key, token: token(request), key_id: key_id(request)? })
}

/// As [`caller`], from a browser, which cannot set headers on a socket or an event source: then
/// `agentId` and `key` stand in the query, or, as `agent.ID` and `key.KEY`, among the sub-protocols.
pub(crate) fn browser_caller(request: &Request) -> Result<Caller, Refusal> {
    if request.header("X-Agent-Id").is_some() {
        return caller(request);
    }
    let find = |name: &str, prefix: &str| from_browser(request, name, prefix);
    let agent = find("agentId", "agent.").map(|agent| agent.parse());
    let agent = agent.transpose().map_err(|Malformed(rule)| Refusal::invalid("agentId", rule))?;
    let key = find("key", "key.").and_then(|key| key.parse().ok());
    // A browser opens sockets and event sources only for who has joined.
    Ok(Caller { agent, key, token: token(request), key_id: None })
}

/// What a browser put into the query under `name`, or among the sub-protocols after `prefix`.
fn from_browser(request: &Request, name: &str, prefix: &str) -> Option<String> {
    let offered = || {
        let mut items = request.header("Sec-WebSocket-Protocol")?.split(',').map(str::trim);
        items.find_map(|item| item.strip_prefix(prefix)).filter(|value| !value.is_empty())
    };
    let in_query = request.in_query(name);
    in_query.map(Into::into).or_else(|| offered().map(ToOwned::to_owned))
}

/// `Authorization: Bearer SECRET` (section 8).
pub(crate) fn proof(request: &Request) -> Option<Proof> {
    bearer(request).and_then(|secret| secret.parse().ok()).map(Proof::Secret)
}

/// `Authorization: Bearer VALUE`
pub(crate) fn bearer(request: &Request) -> Option<&str> {
    let (scheme, value) = single(request, "Authorization")?.split_once(' ')?;
    Some(value.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer"))
}

/// As [`proof`], from a browser: then `secret` stands in the query, or among the sub-protocols, as
/// `secret.SECRET` or, for a secret with characters that a sub-protocol cannot have, as `secret64.BASE64URL`.
pub(crate) fn browser_proof(request: &Request) -> Option<Proof> {
    let plain = || from_browser(request, "secret", "secret.")?.parse().ok();
    let encoded = || AgentSecret::from_base64url(&from_browser(request, "secret64", "secret64.")?);
    proof(request).or_else(|| plain().or_else(encoded).map(Proof::Secret))
}

/// `X-Agent-Id`, of a call that may be nobody's.
pub(crate) fn optional_agent(request: &Request) -> Result<Option<AgentId>, Refusal> {
    parsed(request, "X-Agent-Id")
}

/// `X-Session-Key`
pub(crate) fn session_key(request: &Request) -> Result<Option<SessionKey>, Refusal> {
    parsed(request, "X-Session-Key")
}

/// `X-Key-Id` (section 10).
pub(crate) fn key_id(request: &Request) -> Result<Option<KeyId>, Refusal> {
    parsed(request, "X-Key-Id")
}

/// `Authorization: Bearer TOKEN` (section 9).
pub(crate) fn token(request: &Request) -> Option<Token> {
    bearer(request).and_then(|token| token.parse().ok())
}

/// `X-Agent-Id`: who calls.
pub(crate) fn sender(request: &Request) -> Result<AgentId, Refusal> {
    optional_agent(request)?.ok_or_else(Refusal::missing_agent_id)
}

/// Whether the request asks for a socket.
pub(crate) fn wants_upgrade(request: &Request) -> bool {
    request.header("Upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// `Last-Event-ID`: where an event source resumes.
pub(crate) fn last_event_id(request: &Request) -> Result<Option<Cursor>, Refusal> {
    parsed(request, "Last-Event-ID")
}

/// `Idempotency-Key`.
pub(crate) fn idempotency_key(request: &Request) -> Result<Option<IdempotencyKey>, Refusal> {
    parsed(request, "Idempotency-Key")
}

/// The body, if it is no longer than any valid request. What is too long is read on for a while, and
/// not kept: a client that is cut off while it sends does not see the answer.
pub(crate) async fn body(request: &Request, limits: &Limits) -> Result<Vec<u8>> {
    let limit = limits.max_body_bytes();
    body_up_to(request, limit, Refusal::message_too_large("body", limit)).await
}

/// The same, of at most `limit` bytes.
pub(crate) async fn body_up_to(
    request: &Request,
    limit: usize,
    refusal: Refusal,
) -> Result<Vec<u8>> {
    let encoding = request.header("Content-Encoding").unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        return Err(Refusal::compressed_body().into());
    }
    request.body(limit).await?.ok_or_else(|| refusal.into())
}

/// Scheme and host of this deployment, as links name it: the variable `PUBLIC_URL`, or what the
/// request was sent to. Stands in commands that people paste into shells, so a host that is not one
/// is refused.
pub(crate) fn origin(request: &Request, env: &Env) -> Result<String> {
    if let Some(url) = platform::setting(env, Setting::PUBLIC_URL)? {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let origin = request.origin();
    // A proxy that names its clients also says how they reached it.
    let is_behind = platform::client_ip_header(env)?.is_some();
    let forwarded = request.header("X-Forwarded-Proto").filter(|_| is_behind);
    let is_https = forwarded.is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
    let origin = match origin.strip_prefix("http://") {
        Some(host) if is_https => format!("https://{host}"),
        _ => origin.to_owned(),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_[]".contains(c);
    if origin.chars().all(plain) {
        Ok(origin.to_ascii_lowercase())
    } else {
        Err(Refusal::invalid("Host", "must be a host name").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_becomes_its_status_and_headers() {
        let refused = answer("", Err(Refusal::rate_limit_exceeded(60).into()));
        assert_eq!((refused.status(), refused.header("Retry-After")), (429, Some("60")));
        let refused = answer("", Err(Refusal::method_not_allowed("GET".to_owned()).into()));
        assert_eq!((refused.status(), refused.header("Allow")), (405, Some("GET")));
    }

    #[test]
    fn a_header_that_must_be_one_is_refused_where_it_is_two() {
        let request = |headers: &str| Request::asked(format!("0 GET http://h/\n{headers}"), None);
        for twice in [
            "x-agent-id: a, b",
            "x-session-key: k, l",
            "authorization: Bearer a, Bearer b",
            "authorization: Bearer a, bearer b",
            "idempotency-key: 1, 2, 1",
        ] {
            let refusal = check_headers(&request(twice)).unwrap_err();
            assert!(refusal.body.message.contains("more than once"), "{twice}");
        }
        for once in
            ["x-agent-id: a", "x-agent-id: a, a", "authorization: Bearer a, b", "accept: x, y"]
        {
            assert!(check_headers(&request(once)).is_ok(), "{once}");
        }
        let same = request("x-agent-id: al, al\nauthorization: Bearer a-b+c-d-e, Bearer a-b+c-d-e");
        assert_eq!(sender(&same).unwrap().as_str(), "al");
        assert_eq!(bearer(&same), Some("a-b+c-d-e"));
        assert_eq!(bearer(&request("authorization: Bearer a, b")), Some("a, b"));
    }

    #[test]
    fn a_browser_shows_who_it_is_in_the_query_or_among_the_sub_protocols() {
        let key = "k".repeat(43);
        let in_query = format!("0 GET http://h/ws?agentId=a&key={key}");
        let offered =
            format!("0 GET http://h/ws\nsec-websocket-protocol: nexus, agent.a, key.{key}");
        for head in [in_query, offered] {
            let caller = browser_caller(&Request::asked(head, None)).unwrap();
            assert_eq!(caller.agent.unwrap().as_str(), "a");
            assert_eq!(caller.key.unwrap().as_str(), key);
        }
    }
}

#[cfg(all(test, target_arch = "wasm32"))]
mod wasm_tests {
    use super::*;
    use crate::bridge::Exchange;
    use wasm_bindgen::JsCast;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn for_client(answer: Response) -> web_sys::Response {
        let request = web_sys::Request::new_with_str("http://h/").unwrap();
        answer.into_platform(&Exchange::new(&request, "0123")).unwrap().unchecked_into()
    }

    #[wasm_bindgen_test]
    fn every_answer_has_the_headers_of_section_1() {
        let refused = answer("0123", Err(Refusal::rate_limit_exceeded(60).into()));
        let refused = for_client(refused);
        let header = |name: &str| refused.headers().get(name).unwrap().unwrap_or_default();
        assert_eq!(refused.status(), 429);
        assert_eq!((header("X-Request-Id"), header("Retry-After")), ("0123".into(), "60".into()));
        assert_eq!(header("Access-Control-Allow-Origin"), "*");
        assert_eq!(header("Content-Type"), JSON);
    }

    #[wasm_bindgen_test]
    fn what_an_object_answers_comes_out_as_it_went_in() {
        let reply = Response::text(201, JSON, "{}\n\n".to_owned()).with("Allow", "GET");
        let reply = Response::reply(reply.into_reply());
        assert_eq!((reply.status(), reply.header("Allow")), (201, Some("GET")));
        let answer = for_client(reply);
        assert_eq!(
            (answer.status(), answer.headers().get("Allow").unwrap()),
            (201, Some("GET".into()))
        );
    }

    #[wasm_bindgen_test]
    fn a_fault_tells_nothing_of_the_inside() {
        let failed = answer("0", Err(Fault::new("the inside").into()));
        assert_eq!(failed.status(), 500);
        let reply: String = failed.into_reply().unchecked_into::<js_sys::JsString>().into();
        assert!(!reply.contains("inside"));
    }
}
