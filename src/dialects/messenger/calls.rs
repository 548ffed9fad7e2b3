//! The messenger's calls at the edge: each is a call to a mailbox.

use super::messages::{Names, caller, message};
use crate::{
    agents,
    calls::{self, Object, SendFrom, TakeMail},
    http::{self, Request, Response},
    platform, rates,
    router::{Messenger, Method},
};
use nexus_core::{MailboxNeed, Proof, Result, SecretUse};
use nexus_protocol::{AgentsRequest, MessengerSend, Refusal, SendMail, messenger_registration};
use serde_json::json;
use worker::Env;

/// The most users that are listed: each is asked for its card.
const MOST_USERS: u32 = 100;

/// Answers a call.
pub(super) async fn answer(
    request: &Request,
    env: &Env,
    call: Messenger,
    need: MailboxNeed,
) -> Result<Response> {
    match call {
        Messenger::Register => register(request, env).await,
        Messenger::Send => send(request, env, need).await,
        Messenger::Poll => poll(request, env, need).await,
        Messenger::Users => users(request, env).await,
        Messenger::Socket => {
            let (id, secret) = caller(request)?;
            let mailbox = Object::named(env, "MAILBOX", id.as_str(), None)?;
            let shown = (&id, secret.as_ref());
            rates::with_secret(request, env, shown, mailbox.forward(request)).await
        }
    }
}

/// `POST /messenger/register`: who registers here is listed.
async fn register(request: &Request, env: &Env) -> Result<Response> {
    let body = http::body(request, &platform::limits(env)?).await?;
    let register = messenger_registration(&body)?;
    if let Some(id) = &register.agent_id {
        nexus_core::check_name("id", id.as_str())?;
    }
    let region = calls::place_of(request, env)?;
    let registered = agents::register(env, region, register, SecretUse::Shown).await?;
    let (id, name) = (registered.agent_id, registered.card.name);
    http::json(201, &json!({ "ok": true, "id": id, "name": name }))
}

/// `POST /messenger/send`
async fn send(request: &Request, env: &Env, need: MailboxNeed) -> Result<Response> {
    let limits = platform::limits(env)?;
    let body = http::body(request, &limits).await?;
    let MessengerSend { from, to, message, secret } = MessengerSend::parse(&body, &limits)?;
    let message = SendMail { text: Some(message), ..SendMail::default() };
    let proof = Some(Proof::Secret(secret.clone()));
    let send = SendFrom { need, proof, to, key: None, message };
    rates::with_secret(request, env, (&from, Some(&secret)), async {
        let sent = calls::call(env, from.as_str(), &send).await?;
        let timestamp = sent.sent_at.as_millis();
        let delivery = sent.delivery;
        http::json(
            200,
            &json!({ "ok": true, "id": sent.id, "delivery": delivery, "timestamp": timestamp }),
        )
    })
    .await
}

/// `GET /messenger/poll`: what waits, which then no longer does.
async fn poll(request: &Request, env: &Env, need: MailboxNeed) -> Result<Response> {
    if request.method() == Method::Head {
        // An answer without a body would lose what it takes.
        return Err(Refusal::method_not_allowed(Method::Get.as_str().to_owned()).into());
    }
    let (id, secret) = caller(request)?;
    rates::with_secret(request, env, (&id, secret.as_ref()), async {
        let proof = secret.clone().map(Proof::Secret);
        let records = calls::call(env, id.as_str(), &TakeMail { need, proof }).await?;
        let mut names = Names::default();
        let mut messages = Vec::with_capacity(records.len());
        for mail in &records {
            messages.push(message(mail, names.of(env, &mail.agent_id).await));
        }
        http::json(200, &json!({ "count": messages.len(), "messages": messages }))
    })
    .await
}

/// `GET /messenger/users`: the beginning of the directory, those who were heard last.
async fn users(request: &Request, env: &Env) -> Result<Response> {
    let first = AgentsRequest { capability: None, after: None, limit: MOST_USERS };
    let page = agents::page(request, env, first).await?;
    let users = page.agents.iter().map(|agent| {
        json!({ "id": agent.card.agent_id, "name": agent.card.name, "online": agent.online })
    });
    let users: Vec<_> = users.collect();
    http::json(200, &json!({ "count": users.len(), "users": users }))
}
