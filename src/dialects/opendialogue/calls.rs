//! OpenDialogue's calls at the edge: each is a call of the native protocol to a mailbox.

use super::words::{CONVERSATION, MAX_CONTENT, Problem, TOO_LONG};
use crate::{
    agents,
    calls::{self, LookAt, Object, ReadList, SendFrom},
    http::{self, Request, Response},
    platform,
    router::{Method, OpenDialogue as Call, Route},
};
use nexus_core::{Fault, List, MailboxNeed, Result, SecretUse, opendialogue::sanitised};
use nexus_protocol::{
    AgentCard, AgentId, Conversation, ConversationId, Mail, MailDelivery, Refusal, Register,
    SendMail, Timestamp,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Value, json};
use worker::Env;

/// `POST api/message`
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    from: String,
    to: String,
    content: String,
    r#type: Option<String>,
    conversation_id: Option<String>,
}

/// `PUT api/agent/:id/allowlist-mode`
#[derive(Default, Deserialize)]
#[serde(default)]
struct Mode {
    enabled: Option<bool>,
}

/// Answers a call.
pub(super) async fn answer(
    request: &Request,
    env: &Env,
    route: &Route,
    call: Call,
    need: MailboxNeed,
) -> Result<Response> {
    let has_body = !matches!(request.method(), Method::Get | Method::Head);
    let body =
        if has_body { http::body(request, &platform::limits(env)?).await? } else { Vec::new() };
    let native = Native { env, request, need };
    match call {
        Call::Socket => match http::sender(request) {
            Ok(agent) => {
                Object::named(env, "MAILBOX", agent.as_str(), None)?.forward(request).await
            }
            // Without an id, there is nobody whose signature it could be.
            Err(_) => Problem::unsigned(),
        },
        Call::Register => register(request, env, &body).await,
        Call::Card => {
            let (shown, online) = calls::call(env, route.address()?.as_str(), &LookAt {}).await?;
            http::json(200, &json!({ "card": card(&shown), "online": online }))
        }
        Call::ChangeCard => {
            let change: Value = read(&body)?;
            let id = route.address()?;
            native.ask::<IgnoredAny>(&id, Method::Patch, "", None, Some(&change)).await?;
            http::json(200, &json!({ "ok": true }))
        }
        Call::Blocks => {
            let id = route.address()?;
            let (blocked, _) = native.list(&id, List::Blocks, "blocked_id").await?;
            http::json(200, &json!({ "agent_id": id, "blocklist": blocked }))
        }
        Call::Allows => {
            let id = route.address()?;
            let (allowed, enabled) = native.list(&id, List::Allows, "allowed_id").await?;
            let allowed =
                json!({ "agent_id": id, "allowlist_enabled": enabled, "allowlist": allowed });
            http::json(200, &allowed)
        }
        Call::Block => native.set(route, Method::Put, "blocks", "blocked_id", &body).await,
        Call::Unblock => native.set(route, Method::Delete, "blocks", "blocked_id", &body).await,
        Call::Allow => native.set(route, Method::Put, "allows", "allowed_id", &body).await,
        Call::Disallow => native.set(route, Method::Delete, "allows", "allowed_id", &body).await,
        Call::AllowOnly => {
            let Mode { enabled } = read(&body)?;
            let enabled =
                enabled.ok_or_else(|| Refusal::invalid("enabled", "must be true or false"))?;
            let (id, body) = (route.address()?, json!({ "enabled": enabled }));
            native.ask::<IgnoredAny>(&id, Method::Put, "/allow-only", None, Some(&body)).await?;
            http::json(200, &json!({ "ok": true, "allowlist_enabled": enabled }))
        }
        Call::Send => send(&native, &read(&body)?).await,
        Call::History => history(request, &native, route).await,
    }
}

/// What a body says; nothing, if it is empty.
fn read<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T> {
    if body.is_empty() {
        return Ok(T::default());
    }
    let read = std::str::from_utf8(body).ok().and_then(|text| serde_json::from_str(text).ok());
    let rule = "must be a JSON object with fields of the right types";
    read.ok_or_else(|| Refusal::invalid("body", rule).into())
}

/// `POST api/agent/register`: its secret signs, and so is kept.
async fn register(request: &Request, env: &Env, body: &[u8]) -> Result<Response> {
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
    let region = calls::place_of(request, env)?;
    let registered = agents::register(env, region, register, SecretUse::Signs).await?;
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
    let content = sanitised(&fields.content, platform::composed);
    if content.is_empty() {
        return Problem::CONTENT.answer("`content` must be a text that is not empty.");
    }
    if content.len() > MAX_CONTENT {
        return Problem::TOO_LARGE.answer(TOO_LONG);
    }
    let from: AgentId = fields.from.parse().map_err(|_| Refusal::invalid_secret())?;
    let to: AgentId = fields.to.parse().map_err(|_| Refusal::no_address("of that id"))?;
    let conversation = fields.conversation_id.as_deref().map(str::parse).transpose();
    let Ok(conversation_id) = conversation else {
        return Problem::CONTENT.answer(CONVERSATION);
    };
    let message =
        SendMail { text: Some(content), conversation_id, renews: true, ..SendMail::default() };
    let send =
        SendFrom { need: native.need, proof: http::proof(native.request), to, key: None, message };
    let sent = native.call(&from, &send).await?;
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
    let Ok(me) = http::sender(request) else {
        return Problem::UNAUTHORIZED.answer(
            "Send x-agent-id, and Authorization: Bearer <agent_secret> with the secret of that agent.",
        );
    };
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
            "content": sanitised(mail.as_text(), platform::composed),
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
        &json!({ "conversation": conversation, "messages": messages, "total": messages.len() }),
    )
}

/// Calls of mailboxes, with the caller's own `Authorization`.
struct Native<'a> {
    env: &'a Env,
    request: &'a Request,
    /// What the table says that the dialect's call needs.
    need: MailboxNeed,
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
        let body = body.map(ToString::to_string).unwrap_or_default();
        self.outcome(id, method, &path, &body).await
    }

    /// Who is on a list of the caller's, each under this name and with the time; and whether only those on
    /// the allow list may write.
    async fn list(&self, id: &AgentId, list: List, name: &str) -> Result<(Vec<Value>, bool)> {
        let proof = http::proof(self.request);
        let (agents, is_allow_only) =
            self.call(id, &ReadList { need: self.need, proof, list }).await?;
        let entry = |(agent, at): &(AgentId, Timestamp)| json!({ name: agent, "created_at": at.as_millis() });
        Ok((agents.iter().map(entry).collect(), is_allow_only))
    }

    /// Puts the agent that a field of the body names on a list of the caller's, or takes it off.
    async fn set(
        &self,
        route: &Route,
        method: Method,
        list: &str,
        field: &str,
        body: &[u8],
    ) -> Result<Response> {
        let fields: Value = read(body)?;
        let other = fields.get(field).and_then(Value::as_str).unwrap_or_default();
        if other.is_empty() {
            return Problem::CONTENT.answer(&format!("`{field}` must be the id of an agent."));
        }
        let other: AgentId = other.parse().map_err(|_| Refusal::no_address("of that id"))?;
        let below = format!("/{list}/{other}");
        self.ask::<IgnoredAny>(&route.address()?, method, &below, None, None).await?;
        http::json(200, &json!({ "ok": true }))
    }

    /// Calls the mailbox of `id`, which is the caller, and is counted there.
    async fn call<C: calls::Call>(&self, id: &AgentId, call: &C) -> Result<C::Answer> {
        let body = serde_json::to_string(call).map_err(Fault::new)?;
        self.outcome(id, Method::Post, &format!("/internal/{}", C::NAME), &body).await
    }

    /// Asks the mailbox of `id`, which is the caller.
    async fn outcome<T: DeserializeOwned>(
        &self,
        id: &AgentId,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<T> {
        let authorization = self.request.header("Authorization");
        let authorization = authorization.map(|value| ("Authorization", value));
        let headers = [("X-Agent-Id", id.as_str())].into_iter().chain(authorization);
        let head = http::head_of(method, &format!("https://object{path}"), headers);
        let mailbox = Object::named(self.env, "MAILBOX", id.as_str(), None)?;
        let answer = mailbox.outcome(&head, body, "a mailbox").await?;
        Ok(serde_json::from_str(&answer).map_err(Fault::new)?)
    }
}
