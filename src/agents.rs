//! Addresses (section 8) at the edge: what no one mailbox can answer.

use crate::{
    admin,
    calls::{self, DescribeAgent, FindAgents, ReadStats, RegisterAgent, SendFrom, WhenHeard},
    http::{self, Request, Response},
    platform::{self, System},
    router::{Directory, Route},
};
use futures_util::future::join_all;
use nexus_core::{Error, Fault, MailboxNeed, Proof, Random, Result, Search, SecretUse, sums};
use nexus_protocol::{
    AgentId, AgentPage, AgentsRequest, ErrorCode, Kind, MailSent, PairingCreated, Region, Register,
    Registered, SendMail,
};
use worker::Env;

/// Answers a call that concerns the whole relay.
pub(crate) async fn answer(
    request: &Request,
    env: &Env,
    route: &Route,
    call: Directory,
) -> Result<Response> {
    match call {
        Directory::Agents => list(request, env).await,
        Directory::Register => answer_register(request, env).await,
        Directory::Activity => admin::activity(request, env).await,
        Directory::Trace => admin::trace(request, env, route, false).await,
        Directory::EndTraced => admin::trace(request, env, route, true).await,
        Directory::Stats => {
            let told = calls::ask_directories(request, env, &ReadStats {}).await?;
            let mut stats = sums::stats(told);
            stats.uptime = platform::uptime();
            http::json(200, &stats)
        }
    }
}

/// `POST /v1/agents`.
async fn answer_register(request: &Request, env: &Env) -> Result<Response> {
    let register = Register::parse(&http::body(request, &platform::limits(env)?).await?)?;
    let region = calls::place_of(request, env)?;
    http::json(201, &self::register(env, region, register, SecretUse::Shown).await?)
}

/// Registers an agent, under the id that it chooses, or else under one that is free.
pub(crate) async fn register(
    env: &Env,
    region: Option<Region>,
    request: Register,
    used: SecretUse,
) -> Result<Registered> {
    if let Some(id) = request.agent_id.clone() {
        return calls::call(env, id.as_str(), &RegisterAgent { region, request, used }).await;
    }
    // Even with a million agents, five tries fail less than once in ten thousand million.
    for _ in 0..5 {
        let id = AgentId::from_random(System.bytes()?);
        let register = RegisterAgent { region, request: request.clone(), used };
        match calls::call(env, id.as_str(), &register).await {
            Err(Error::Refused(refusal)) if refusal.body.error == ErrorCode::AgentIdTaken => {}
            registered => return registered,
        }
    }
    Err(Fault::new("no free agent id was found").into())
}

/// `GET /v1/agents`
async fn list(request: &Request, env: &Env) -> Result<Response> {
    let asked = AgentsRequest::parse(request.query())?;
    http::json(200, &page(request, env, asked).await?)
}

/// A page of the directory, which says who; their mailboxes say the rest.
pub(crate) async fn page(request: &Request, env: &Env, asked: AgentsRequest) -> Result<AgentPage> {
    let after = match &asked.after {
        // If it is not listed any more, the list begins anew.
        Some(agent) => {
            let when = WhenHeard { agent: agent.clone() };
            let heard = calls::ask_directories(request, env, &when).await?;
            // The earlier place, if it stands in two lists: so every list comes to an end.
            heard.into_iter().flatten().min().map(|heard| (heard, agent.clone()))
        }
        None => None,
    };
    let search = Search { capability: asked.capability, after, limit: asked.limit };
    let found = calls::ask_directories(request, env, &FindAgents { search }).await?;
    let (ids, has_more) = sums::agents(found, asked.limit);
    let next_after = ids.last().cloned().or(asked.after);
    let look = async |id: AgentId| calls::call(env, id.as_str(), &DescribeAgent {}).await;
    let mut agents = Vec::with_capacity(ids.len());
    for status in join_all(ids.into_iter().map(look)).await {
        match status {
            Ok(status) if status.card.listed => agents.push(status),
            // Deleted, or no longer listed, since the directory was told.
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(AgentPage { agents, next_after, has_more })
}

/// Puts a link into the inbox of `to` (section 8), as a message from the sender, who proves itself.
pub(crate) async fn invite(
    env: &Env,
    (sender, proof): (&AgentId, Option<Proof>),
    to: &AgentId,
    pairing: &PairingCreated,
) -> Result<MailSent> {
    let json = serde_json::json!({
        "type": "invitation",
        "url": pairing.url,
        "code": pairing.code,
        "expiresAt": pairing.expires_at,
    });
    let text = format!(
        "You are invited to a session. Open {} and follow the page; the link works once, until {}.",
        pairing.url, pairing.expires_at
    );
    let message = SendMail {
        text: Some(text),
        json: Some(serde_json::value::to_raw_value(&json).map_err(Fault::new)?),
        kind: Some(Kind::Invitation),
        ..SendMail::default()
    };
    // As `POST /v1/agents/:agent/messages`.
    let send = SendFrom { need: MailboxNeed::Sender, proof, to: to.clone(), key: None, message };
    calls::call(env, sender.as_str(), &send).await
}
