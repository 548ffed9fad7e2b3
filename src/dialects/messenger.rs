//! The messenger's relay, under `/messenger`: ids with secrets, poll or socket.

use super::{answer_in, own_fields};
use crate::{
    agents,
    calls::{self, DescribeAgent, Object, SendFrom, TakeMail},
    http::{self, Request, Response},
    log, platform,
    router::{Messenger, Method},
};
use nexus_core::{Error, Proof, Result, SecretUse};
use nexus_protocol::{
    AgentId, AgentSecret, AgentsRequest, ErrorCode, Mail, MessengerSend, Refusal, SendMail,
    messenger_registration,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use worker::Env;

/// The most users that are listed.
const MOST_USERS: usize = 500;

/// Native fields, and what they are called here.
const FIELDS: [(&str, &str); 2] = [("agentId", "to"), ("text", "message")];

/// An answer in the words of this protocol.
pub(crate) fn answered(result: Result<Response>) -> Result<Response> {
    answer_in(sentence, result)
}

/// What the client is told. Where the native sentence names native calls, headers or fields, it is
/// another one.
pub(crate) fn sentence(refusal: &Refusal) -> String {
    let own = match refusal.body.error {
        ErrorCode::MissingSecret => "Send your secret with your id.",
        ErrorCode::InvalidSecret => {
            "This is not the secret of this id; send the one that you registered with, or register first."
        }
        ErrorCode::AgentNotFound => "There is no user of that id; GET users lists who is there.",
        ErrorCode::AgentIdTaken => {
            "This id is registered already, with another secret; choose another id."
        }
        ErrorCode::RateLimitExceeded => "Too many requests; wait a minute, then poll less often.",
        ErrorCode::InternalError => "The relay failed; try again.",
        _ => return own_fields(refusal, &FIELDS),
    };
    own.to_owned()
}

/// Answers a call.
pub(crate) async fn answer(request: &Request, env: &Env, call: Messenger) -> Result<Response> {
    match call {
        Messenger::Register => register(request, env).await,
        Messenger::Send => send(request, env).await,
        Messenger::Poll => poll(request, env).await,
        Messenger::Users => users(env).await,
        Messenger::Socket => {
            let (id, _) = caller(request)?;
            Object::named(env, "MAILBOX", id.as_str())?.forward(request).await
        }
    }
}

/// `POST /messenger/register`: who registers here is listed.
async fn register(request: &Request, env: &Env) -> Result<Response> {
    let body = http::body(request, &platform::limits(env)?).await?;
    let register = messenger_registration(&body)?;
    let registered = agents::register(env, register, SecretUse::Shown).await?;
    let (id, name) = (registered.agent_id, registered.card.name);
    http::json(201, &json!({ "ok": true, "id": id, "name": name }))
}

/// `POST /messenger/send`
async fn send(request: &Request, env: &Env) -> Result<Response> {
    let limits = platform::limits(env)?;
    let body = http::body(request, &limits).await?;
    let MessengerSend { from, to, message, secret } = MessengerSend::parse(&body, &limits)?;
    let message = SendMail { text: Some(message), ..SendMail::default() };
    let send = SendFrom { proof: Some(Proof::Secret(secret)), to, key: None, message };
    let sent = calls::call(env, from.as_str(), &send).await?;
    let timestamp = sent.sent_at.as_millis();
    let delivery = sent.delivery;
    http::json(
        200,
        &json!({ "ok": true, "id": sent.id, "delivery": delivery, "timestamp": timestamp }),
    )
}

/// `GET /messenger/poll`: what waits, which then no longer does.
async fn poll(request: &Request, env: &Env) -> Result<Response> {
    if request.method() == Method::Head {
        // An answer without a body would lose what it takes.
        return Err(Refusal::method_not_allowed(Method::Get.as_str().to_owned()).into());
    }
    let (id, proof) = caller(request)?;
    let records = calls::call(env, id.as_str(), &TakeMail { proof }).await?;
    let mut names = Names::default();
    let mut messages = Vec::with_capacity(records.len());
    for mail in &records {
        messages.push(message(mail, names.of(env, &mail.agent_id).await));
    }
    http::json(200, &json!({ "count": messages.len(), "messages": messages }))
}

/// `GET /messenger/users`: the directory, from its beginning.
async fn users(env: &Env) -> Result<Response> {
    let mut users = Vec::new();
    let mut after = None;
    loop {
        let page = AgentsRequest { capability: None, after, limit: 100 };
        let page = agents::page(env, page).await?;
        let listed = page.agents.iter().map(|agent| {
                    json!({ "id": agent.card.agent_id, "name": agent.card.name, "online": agent.online })
                });
        users.extend(listed);
        if !page.has_more || users.len() >= MOST_USERS {
            return http::json(200, &json!({ "count": users.len(), "users": users }));
        }
        after = page.next_after;
    }
}

/// The `id` and `secret` of a query.
pub(crate) fn caller(request: &Request) -> Result<(AgentId, Option<Proof>)> {
    let id = request.in_query("id").and_then(|id| id.parse().ok());
    let id = id.ok_or_else(Refusal::invalid_secret)?;
    let secret = request.in_query("secret");
    let secret: Option<AgentSecret> = secret.and_then(|secret| secret.parse().ok());
    Ok((id, secret.map(Proof::Secret)))
}

/// The names on the cards of agents, each asked for once.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<AgentId, String>);

impl Names {
    /// The name of an agent; its id, if it is gone, or its mailbox fails: a message that was taken must
    /// not be lost for want of a name.
    pub(crate) async fn of(&mut self, env: &Env, id: &AgentId) -> &str {
        if !self.0.contains_key(id) {
            let name = match calls::call(env, id.as_str(), &DescribeAgent {}).await {
                Ok(status) => status.card.name,
                Err(error) => {
                    if matches!(error, Error::Fault(_)) {
                        log::error("name", &error);
                    }
                    id.to_string()
                }
            };
            self.0.insert(id.clone(), name);
        }
        self.0.get(id).map_or("", String::as_str)
    }
}

/// A message in the messenger's form. Where there is no text, the payload stands for it.
pub(crate) fn message(mail: &Mail, name: &str) -> Value {
    json!({
        "from": mail.agent_id,
        "fromName": name,
        "to": mail.to,
        "message": mail.as_text(),
        "timestamp": mail.sent_at.as_millis(),
        "id": mail.id,
        "conversationId": mail.conversation_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::tests::assert_own_words;

    #[test]
    fn no_sentence_names_native_calls_headers_or_fields() {
        assert_own_words(
            sentence,
            &[
                Refusal::missing_secret(),
                Refusal::invalid_secret(),
                Refusal::no_address("a"),
                Refusal::address_taken(),
                Refusal::blocked(),
                Refusal::not_allowed(),
                Refusal::inbox_full(1),
                Refusal::sender_rate_exceeded(1, 1),
                Refusal::rate_limit_exceeded(1),
                Refusal::agent_rate_exceeded(1, 1),
                Refusal::message_too_large("message", 1),
                Refusal::invalid_body("why"),
                Refusal::invalid("agentId", "must be another agent than yourself"),
                Refusal::invalid("Upgrade", "must be `websocket`; or use /events"),
                Refusal::internal(),
            ],
        );
    }
}
