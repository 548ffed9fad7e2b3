//! MCP Events by webhook (docs/mcp.md, experimental): a host is told that there is something to read.
//!
//! A subscription is the webhook of its member (section 3 of the protocol) in another form. It ends by itself unless
//! the host renews it.

use super::native::{Native, Of};
use crate::{
    calls::{self, Subscribe},
    http::{self, Request},
    platform::{self, now},
    router::Method,
};
use nexus_core::{Caller, Digest, Error, Fault, Result, Subscription};
use nexus_mcp::{
    Asked, Reply, Seat,
    fields::{Fields, Writer},
    sentence,
};
use nexus_protocol::{Cursor, ErrorCode, SetWebhook, Setting, webhook_key};
use serde_json::value::RawValue;
use worker::Env;

/// The one event.
const NAME: &str = "message.received";

/// The answer to `events/list`, without what is of the era.
const LIST: &str = r#"[{"name":"message.received","description":"Somebody else has written in your session. The event says from whom; `read` with your seat brings the text.","delivery":["webhook"],"inputSchema":{"type":"object","properties":{"seat":{"type":"string"}},"required":["seat"]},"payloadSchema":{"type":"object","properties":{"from":{"type":"string"},"hint":{"type":"string"}},"required":["from","hint"]}}]"#;

/// For how many milliseconds a subscription is good, if the host does not say, and at most.
const LEASE: i64 = 3_600_000;
const LONGEST_LEASE: i64 = 86_400_000;
const SHORTEST_LEASE: i64 = 60_000;

/// The codes of the profile.
const NO_EVENT: i32 = -32011;
const FORBIDDEN: i32 = -32012;
const UNSUPPORTED: i32 = -32014;
const NOT_VERIFIED: i32 = -32015;

/// Whether a method is one of these.
pub(super) fn is_one(method: &str) -> bool {
    matches!(method, "events/list" | "events/subscribe" | "events/unsubscribe")
}

/// Answers one.
pub(super) async fn answer(
    of: &Of<'_>,
    asked: &Asked,
    (method, params): (&str, &RawValue),
) -> Result<Reply> {
    if method == "events/list" {
        let mut list = Writer::default();
        list.raw("events", LIST);
        return Ok(asked.result(list));
    }
    let (seat, url, secret) = match read(of.request, asked, params) {
        Ok(read) => read,
        Err(reply) => return Ok(reply),
    };
    let current = Native::of(&seat, Method::Get, "/webhook").make(of).await;
    let outcome = match current {
        Err(Error::Refused(refusal)) if refusal.retry_after.is_some() => {
            return Err(refusal.into());
        }
        Err(Error::Refused(refusal)) if refusal.body.error != ErrorCode::WebhookNotFound => {
            return Ok(asked.error(FORBIDDEN, &sentence(&refusal.body), None));
        }
        Err(Error::Fault(fault)) => return Err(Error::Fault(fault)),
        current if method == "events/unsubscribe" => {
            let is_it = current.is_ok_and(|status| {
                Fields::of(&status).and_then(|status| status.text("url")) == Some(url)
            });
            if is_it {
                Native::of(&seat, Method::Delete, "/webhook").make(of).await?;
            }
            return Ok(asked.nothing());
        }
        _ => subscribe(of.env, asked, &seat, (url, secret, params)).await,
    };
    match outcome {
        Err(Error::Refused(refusal)) if refusal.retry_after.is_none() => {
            Ok(asked.invalid_params(&sentence(&refusal.body)))
        }
        outcome => outcome,
    }
}

/// The seat, the URL and the secret that the parameters name.
fn read(
    request: &Request,
    asked: &Asked,
    params: &RawValue,
) -> std::result::Result<(Seat, String, String), Reply> {
    let invalid = |why: &str| asked.invalid_params(why);
    let nothing = || Fields::of("{}");
    let params = Fields::of(params.get()).or_else(nothing);
    let params = params.ok_or_else(|| invalid("`params` must be an object."))?;
    if params.text("name").as_deref() != Some(NAME) {
        let why = "There is one event, `message.received`.";
        return Err(asked.error(NO_EVENT, why, None));
    }
    let delivery = params.get("delivery").and_then(Fields::of);
    let delivery = delivery.ok_or_else(|| invalid("`delivery` must be an object."))?;
    if delivery.text("mode").as_deref() != Some("webhook") {
        let why = "Events are delivered by `webhook` only.";
        return Err(asked.error(UNSUPPORTED, why, Some(r#"{"reason":"deliveryMode"}"#)));
    }
    let url = delivery.text("url").ok_or_else(|| invalid("`delivery.url` must be a URL."))?;
    let arguments = params.get("arguments").and_then(Fields::of);
    let seat = arguments.and_then(|arguments| arguments.text("seat"));
    let seat = seat.as_deref().or_else(|| http::bearer(request)).and_then(Seat::from_word);
    if let Some(seat @ Seat::Member { .. }) = seat {
        return Ok((seat, url, delivery.text("secret").unwrap_or_default()));
    }
    let why = "`arguments.seat` must be a seat in a session, as `invite` or `join` returned it.";
    Err(asked.error(FORBIDDEN, why, None))
}

/// Subscribes, or renews. The receiver is asked before the answer.
async fn subscribe(
    env: &Env,
    asked: &Asked,
    seat: &Seat,
    (url, secret, params): (String, String, &RawValue),
) -> Result<Reply> {
    let Seat::Member { session, agent, key } = seat else {
        return Err(Fault::new("a subscription is of a session").into());
    };
    let is_standard =
        secret.starts_with("whsec_") && (24..=64).contains(&webhook_key(&secret).len());
    if !is_standard {
        let why = "`delivery.secret` must be `whsec_` and the base64 of 24 to 64 bytes.";
        return Ok(asked.invalid_params(why));
    }
    let given = Fields::of(params.get());
    let given = |name: &str| given.as_ref().and_then(|given| given.get(name));
    let mut webhook = Writer::default();
    webhook.text("url", &url);
    webhook.text("secret", &secret);
    if let Some(cursor) = given("cursor") {
        if serde_json::from_str::<Cursor>(cursor).is_err() {
            return Ok(asked.invalid_params("`cursor` must be one that an event or an answer had."));
        }
        webhook.raw("after", cursor);
    }
    let allow_private = platform::setting(env, Setting::ALLOW_PRIVATE_WEBHOOKS)?.is_some();
    let webhook = SetWebhook::parse(webhook.end().as_bytes(), allow_private)?;
    let lease = match given("ttlMs").map(str::parse) {
        None => LEASE,
        Some(Ok(lease)) => lease,
        Some(Err(_)) => return Ok(asked.invalid_params("`ttlMs` must be a whole number.")),
    };
    let until = now().plus_millis(lease.clamp(SHORTEST_LEASE, LONGEST_LEASE));
    // The same for the same, so that repeating it renews.
    let id = Digest::of(&["events", session.as_str(), agent.as_str(), &url, NAME]);
    let id = id.as_str().get(..32).unwrap_or_default().to_owned();
    let caller = Caller::with_key(agent.clone(), key.clone());
    let subscription = Subscription { id: id.clone(), until };
    let subscribe = Subscribe { caller, webhook, subscription };
    let status = match calls::call(env, session.as_str(), &subscribe).await? {
        Ok(status) => status,
        Err(why) => {
            let mut data = Writer::default();
            data.text("reason", reason(&why));
            let why = "The receiver did not answer the challenge as it must.";
            return Ok(asked.error(NOT_VERIFIED, why, Some(&data.end())));
        }
    };
    let mut result = Writer::default();
    result.text("id", &id);
    result.text("refreshBefore", &until.to_string());
    result.text("cursor", &status.cursor.to_string());
    result.raw("truncated", "false");
    Ok(asked.result(result))
}

/// The profile's word for why a receiver is not believed.
fn reason(why: &str) -> &'static str {
    match why {
        _ if why.starts_with("HTTP 5") => "http_5xx",
        _ if why.starts_with("HTTP 4") => "http_4xx",
        _ if why.starts_with("no complete") => "timeout",
        _ if why.starts_with("no connection") => "connection_refused",
        _ => "challenge_failed",
    }
}
