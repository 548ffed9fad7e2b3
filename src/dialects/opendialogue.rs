//! OpenDialogue, under `/opendialogue`: its HTTP calls, each a call of the native protocol to a mailbox.

use crate::{
    agents,
    calls::{self, DescribeAgent, Object},
    http::{self, Request, Response},
    log, platform,
    router::{Method, OpenDialogue as Call, Route},
};
use nexus_core::{Error, Fault, Result, SecretUse, opendialogue::sanitised};
use nexus_protocol::{
    AgentCard, AgentId, AgentList, Conversation, ConversationId, ErrorCode, Mail, MailDelivery,
    MailSent, Refusal, Register,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Value, json};
use worker::Env;

/// Bytes of content at most.
pub(crate) const MAX_CONTENT: usize = 65_536;

/// What went wrong, by the names of this protocol.
pub(crate) struct Problem {
    code: &'static str,
    status: u16,
    message: String,
    /// Seconds, where it is a matter of time.
    retry_after: Option<u32>,
}

impl Problem {
    pub(crate) const SIGNATURE: Kind = Kind("INVALID_SIGNATURE", 401);
    pub(crate) const REPLAY: Kind = Kind("REPLAY_ATTACK", 401);
    pub(crate) const EXPIRED: Kind = Kind("TIMESTAMP_EXPIRED", 401);
    pub(crate) const UNAUTHORIZED: Kind = Kind("UNAUTHORIZED", 401);
    pub(crate) const TOO_LARGE: Kind = Kind("MESSAGE_TOO_LARGE", 413);
    pub(crate) const TYPE: Kind = Kind("INVALID_MESSAGE_TYPE", 400);
    pub(crate) const CONTENT: Kind = Kind("INVALID_CONTENT", 400);
    pub(crate) const NO_AGENT: Kind = Kind("AGENT_NOT_FOUND", 404);

    /// The frame that says so.
    pub(crate) fn frame(self) -> Value {
        json!({ "type": "error", "code": self.code, "message": self.message })
    }
}

/// A name of a problem, and the HTTP status that goes with it.
#[derive(Clone, Copy)]
pub(crate) struct Kind(&'static str, u16);

impl Kind {
    pub(crate) fn with(self, message: &str) -> Problem {
        Problem { code: self.0, status: self.1, message: message.to_owned(), retry_after: None }
    }

    /// The answer to a request.
    pub(crate) fn answer(self, message: &str) -> Result<Response> {
        problem_answer(&self.with(message))
    }
}

fn problem_answer(problem: &Problem) -> Result<Response> {
    let body = json!({ "error": problem.message, "code": problem.code });
    Ok(super::with_retry(http::json(problem.status, &body)?, problem.retry_after))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let refusal = match error {
            Error::Refused(refusal) => refusal,
            fault @ Error::Fault(_) => {
                log::error("opendialogue", &fault);
                Refusal::internal()
            }
        };
        let code = match refusal.body.error {
            ErrorCode::AgentNotFound => "AGENT_NOT_FOUND",
            ErrorCode::Blocked => "AGENT_BLOCKED",
            ErrorCode::NotAllowed => "NOT_IN_ALLOWLIST",
            ErrorCode::ConversationEnded
            | ErrorCode::ConversationTurnsExceeded
            | ErrorCode::ConversationNotFound => "CONVERSATION_ENDED",
            ErrorCode::SenderRateExceeded | ErrorCode::RateLimitExceeded | ErrorCode::InboxFull => {
                "RATE_LIMITED"
            }
            ErrorCode::MessageTooLarge => "MESSAGE_TOO_LARGE",
            ErrorCode::MissingSecret | ErrorCode::InvalidSecret | ErrorCode::Forbidden => {
                "UNAUTHORIZED"
            }
            ErrorCode::InternalError => "INTERNAL_ERROR",
            _ => "INVALID_CONTENT",
        };
        let (status, message) = (refusal.status, refusal.body.message.to_string());
        Self { code, status, message, retry_after: refusal.retry_after }
    }
}

/// Answers a call over HTTP.
pub(crate) async fn answer(
    request: &Request,
    env: &Env,
    route: &Route,
    call: Call,
) -> Result<Response> {
    if call == Call::Socket {
        // Without an id, there is nobody whose signature it could be.
        return match http::sender(request) {
            Ok(agent) => {
                answered(Object::named(env, "MAILBOX", agent.as_str())?.forward(request).await)
            }
            Err(_) => unsigned(),
        };
    }
    answered(answer_call(request, env, route, call).await)
}

/// Refuses a connection that does not say whose it is, and how that is proven.
pub(crate) fn unsigned() -> Result<Response> {
    Problem::UNAUTHORIZED.answer("Send x-agent-id, x-timestamp, x-nonce and x-signature.")
}

/// An answer in the words of this protocol.
pub(crate) fn answered(result: Result<Response>) -> Result<Response> {
    match result {
        Err(error @ Error::Refused(_)) => problem_answer(&error.into()),
        other => other,
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    blocked_id: String,
    allowed_id: String,
    enabled: Option<bool>,
    from: String,
    to: String,
    content: String,
    r#type: Option<String>,
    conversation_id: Option<String>,
}

async fn answer_call(request: &Request, env: &Env, route: &Route, call: Call) -> Result<Response> {
    let has_body = !matches!(request.method(), Method::Get | Method::Head);
    let body =
        if has_body { http::body(request, &platform::limits(env)?).await? } else { Vec::new() };
    if call == Call::Register {
        return register(env, &body).await;
    }
    let body = String::from_utf8(body).unwrap_or_else(|_| "not UTF-8".to_owned());
    let fields: Fields = match body.as_str() {
        "" => Fields::default(),
        body => serde_json::from_str(body).map_err(|_| {
            Refusal::invalid("body", "must be a JSON object with fields of the right types")
        })?,
    };
    let native = Native { env, authorization: request.header("Authorization") };
    match call {
        Call::Send => return send(&native, &fields).await,
        Call::History => return history(request, &native, route).await,
        Call::Card => {
            let id = route.address()?;
            let status = calls::call(env, id.as_str(), &DescribeAgent {}).await?;
            return http::json(
                200,
                &json!({ "card": card(&status.card), "online": status.online }),
            );
        }
        _ => {}
    }
    let id = route.address()?;
    let on = |list: &str, other: &str| format!("/{list}/{other}");
    match call {
        Call::ChangeCard => {
            let change: Value = serde_json::from_str(&body).unwrap_or_default();
            native.ask::<IgnoredAny>(&id, Method::Patch, "", None, Some(&change)).await?;
            http::json(200, &json!({ "ok": true }))
        }
        Call::Block | Call::Unblock | Call::Allow | Call::Disallow => {
            let (list, other) = match call {
                Call::Block | Call::Unblock => ("blocks", &fields.blocked_id),
                _ => ("allows", &fields.allowed_id),
            };
            let other: AgentId = other.parse().map_err(|_| Refusal::no_address("of that id"))?;
            let adds = matches!(call, Call::Block | Call::Allow);
            let method = if adds { Method::Put } else { Method::Delete };
            native.ask::<IgnoredAny>(&id, method, &on(list, other.as_str()), None, None).await?;
            http::json(200, &json!({ "ok": true }))
        }
        Call::Blocks => {
            let list: AgentList = native.ask(&id, Method::Get, "/blocks", None, None).await?;
            http::json(200, &json!({ "agent_id": id, "blocklist": list.agents }))
        }
        Call::Allows => {
            let list: AgentList = native.ask(&id, Method::Get, "/allows", None, None).await?;
            let enabled = list.allow_only.unwrap_or_default();
            http::json(
                200,
                &json!({ "agent_id": id, "allowlist_enabled": enabled, "allowlist": list.agents }),
            )
        }
        _ => {
            let enabled = fields
                .enabled
                .ok_or_else(|| Refusal::invalid("enabled", "must be true or false"))?;
            let body = json!({ "enabled": enabled });
            native.ask::<IgnoredAny>(&id, Method::Put, "/allow-only", None, Some(&body)).await?;
            http::json(200, &json!({ "ok": true, "allowlist_enabled": enabled }))
        }
    }
}

/// `POST api/agent/register`: its secret signs, and so is kept.
async fn register(env: &Env, body: &[u8]) -> Result<Response> {
    let given = Register::parse(body)?;
    let capabilities =
        if given.capabilities.is_empty() { vec!["text".to_owned()] } else { given.capabilities };
    let register = Register {
        agent_id: None,
        secret: None,
        version: given.version.or_else(|| Some("1.0.0".to_owned())),
        capabilities,
        listed: false,
        ..given
    };
    let registered = agents::register(env, register, SecretUse::Signs).await?;
    let secret = registered.secret.as_str();
    http::json(
        201,
        &json!({ "agent_id": registered.agent_id, "agent_secret": secret, "card": card(&registered.card) }),
    )
}

fn card(card: &AgentCard) -> Value {
    json!({
        "agent_id": card.agent_id,
        "name": card.name,
        "version": card.version.as_deref().unwrap_or("1.0.0"),
        "capabilities": card.capabilities,
        "description": card.description,
        "created_at": card.created_at.as_millis(),
        "updated_at": card.updated_at.as_millis(),
    })
}

/// `POST api/message`
async fn send(native: &Native<'_>, fields: &Fields) -> Result<Response> {
    if fields.r#type.as_deref().is_some_and(|kind| kind != "text") {
        return Problem::TYPE.answer("Over HTTP `type` must be text.");
    }
    let content = sanitised(&fields.content);
    if content.is_empty() {
        return Problem::CONTENT.answer("`content` must be a text that is not empty.");
    }
    let from: AgentId = fields.from.parse().map_err(|_| Refusal::invalid_secret())?;
    let to: AgentId = fields.to.parse().map_err(|_| Refusal::no_address("of that id"))?;
    let body = json!({ "text": content, "conversationId": fields.conversation_id });
    let path = format!("/v1/agents/{to}/messages");
    let sent: MailSent = native.ask_at(&from, Method::Post, &path, Some(&body)).await?;
    let (status, word) = match sent.delivery {
        MailDelivery::Live => (200, "sent"),
        MailDelivery::Queued => (202, "offline"),
    };
    let (message, conversation) = (sent.id, sent.conversation_id);
    http::json(
        status,
        &json!({ "status": word, "message_id": message, "conversation_id": conversation }),
    )
}

/// `GET api/conversation/:id/history?last=N`, of the agent that `x-agent-id` names.
async fn history(request: &Request, native: &Native<'_>, route: &Route) -> Result<Response> {
    let me = http::sender(request)?;
    // Nothing but a value, and nothing but an id: both become part of a URL.
    let last = request.in_query("last");
    let last = last.map(|last| utf8_percent_encode(&last, NON_ALPHANUMERIC).to_string());
    let query = last.map(|last| format!("?last={last}")).unwrap_or_default();
    let id: ConversationId =
        route.parameter(0).parse().map_err(|_| Refusal::conversation_not_found())?;
    let path = format!("/conversations/{id}");
    let shown: Conversation = native.ask(&me, Method::Get, &path, Some(&query), None).await?;
    let stored = shown.messages.unwrap_or_default();
    let mail: serde_json::Result<Vec<Mail>> =
        stored.iter().map(|record| serde_json::from_str(record.get())).collect();
    let mail = mail.map_err(|_| Fault::new("a stored message cannot be read"))?;
    let message = |mail: &Mail| {
        json!({
            "conversation_id": mail.conversation_id,
            "turn_number": mail.turn,
            "from_agent_id": mail.agent_id,
            "type": "text",
            "content": sanitised(mail.as_text()),
            "timestamp": mail.sent_at.as_millis(),
        })
    };
    let messages: Vec<Value> = mail.iter().map(message).collect();
    let participant = if shown.initiator == me { &shown.with } else { &me };
    let conversation = json!({
        "conversation_id": shown.conversation_id,
        "initiator_id": shown.initiator,
        "participant_id": participant,
        "max_turns": shown.max_turns,
        "current_turn": shown.turns,
        "status": shown.state,
        "created_at": mail.first().map(|mail| mail.sent_at.as_millis()),
        "updated_at": shown.last_activity_at.as_millis(),
    });
    http::json(
        200,
        &json!({ "conversation": conversation, "messages": messages, "total": shown.turns }),
    )
}

/// Calls of the native protocol, with the caller's own `Authorization`.
struct Native<'a> {
    env: &'a Env,
    authorization: Option<&'a str>,
}

impl Native<'_> {
    /// Asks an agent's mailbox about the agent itself.
    async fn ask<T: DeserializeOwned>(
        &self,
        id: &AgentId,
        method: Method,
        below: &str,
        query: Option<&str>,
        body: Option<&Value>,
    ) -> Result<T> {
        let path = format!("/v1/agents/{id}{below}{}", query.unwrap_or_default());
        self.ask_at(id, method, &path, body).await
    }

    /// Asks the mailbox of `id`, which is the caller.
    async fn ask_at<T: DeserializeOwned>(
        &self,
        id: &AgentId,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T> {
        let authorization = self.authorization.map(|value| ("Authorization", value));
        let headers = [("X-Agent-Id", id.as_str())].into_iter().chain(authorization);
        let head = http::head_of(method, &format!("https://object{path}"), headers);
        let body = body.map(ToString::to_string).unwrap_or_default();
        let mailbox = Object::named(self.env, "MAILBOX", id.as_str())?;
        let answer = mailbox.outcome(&head, &body, "a mailbox").await?;
        Ok(serde_json::from_str(&answer).map_err(Fault::new)?)
    }
}
