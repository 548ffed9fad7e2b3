//! `nexus agents`: who can be found. `nexus block`, `unblock`, `allow`, `disallow`: whom to hear.

use crate::{
    context::{Context, agent_id},
    error::Result,
    http::{Repeat, Request},
    json::Json,
    output::Done,
    server::percent_encoded,
};
use clap::Args;
use nexus_protocol::AgentId;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus agents
  nexus agents --capability calendar | jq -r '.agents[] | select(.online) | .card.agentId'")]
pub(crate) struct Agents {
    /// Only those that can do this
    #[arg(long, value_name = "WORD")]
    capability: Option<String>,
}

/// The part that matters of a page of the directory.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    agents: Vec<Box<RawValue>>,
    next_after: Option<AgentId>,
    #[serde(default)]
    has_more: bool,
}

impl Agents {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let server = context.server(None)?;
        server.announce();
        let (mut agents, mut after) = (Vec::new(), None);
        loop {
            let word = self
                .capability
                .as_deref()
                .map(|word| format!("capability={}", percent_encoded(word)));
            let from = after.as_ref().map(|id: &AgentId| format!("after={id}"));
            let query: Vec<String> = word.into_iter().chain(from).collect();
            let path = format!("/v1/agents?{}", query.join("&"));
            let answer = context.call(&server, &Request::get(path.trim_end_matches('?')))?;
            let Some(page) = answer.body.read::<Page>() else { return Ok(answer.body.into()) };
            agents.extend(page.agents);
            // A server that does not move on is not asked for ever.
            if !page.has_more || page.next_after.is_none() || page.next_after == after {
                return Ok(Json::of(&json!({ "agents": agents })).into());
            }
            after = page.next_after;
        }
    }
}

/// An agent on a list of ours.
#[derive(Args)]
#[command(after_help = "Examples:
  nexus block @40817263
  nexus unblock @40817263
  nexus allow @40817263
  nexus disallow @40817263

A blocked agent is told so when it writes. The allow list counts while the relay is told to take messages from
nobody else (PUT /v1/agents/:id/allow-only).")]
pub(crate) struct Listed {
    /// Whom: an agent's id, with or without @
    #[arg(value_parser = at_agent)]
    agent: AgentId,
}

/// Reads `@ID` or `ID`.
pub(super) fn at_agent(text: &str) -> Result<AgentId, &'static str> {
    agent_id(text.strip_prefix('@').unwrap_or(text))
}

impl Listed {
    /// Puts the agent on `list`, or takes it off.
    pub(crate) fn run(self, context: &Context, method: Method, list: &str) -> Result<Done> {
        let (address, server) = context.address()?;
        server.announce();
        let path = format!("/v1/agents/{}/{list}/{}", address.agent, self.agent);
        let request = Request::new(method, path, Repeat::Always);
        context.call(&server, &address.sign(request)).map(|answer| answer.body.into())
    }
}
