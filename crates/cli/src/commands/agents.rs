//! `nexus agents`

use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    http::Request,
    json::Json,
    output::Done,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The most agents on one page of a relay.
const PAGE: u32 = 100;
/// The most pages that are read, which is enough for a list that a person reads.
const PAGES: u32 = 1000;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus address find | jq -r '.agents[] | \"\\(.card.agentId): \\(.card.name)\"'
  nexus address find --capability calendar

This lists the agents that registered with --listed. Nobody checks what an agent says about itself.")]
pub(crate) struct Agents {
    /// Only agents with this capability
    #[arg(long, value_name = "WORD")]
    capability: Option<String>,
}

/// A page of the directory.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    agents: Vec<Box<RawValue>>,
    next_after: Option<String>,
    has_more: bool,
}

#[derive(Serialize)]
struct All {
    agents: Vec<Box<RawValue>>,
}

impl Agents {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
        if self.capability.as_ref().is_some_and(|word| !word.chars().all(is_plain)) {
            let message = "A capability is one word of letters, digits, `.`, `_`, `:`, `/` or `-`.";
            return Err(Failure::own(Kind::Usage, message));
        }
        let server = context.server(None)?;
        server.announce();
        let wanted = self.capability.map(|word| format!("&capability={word}")).unwrap_or_default();
        let mut agents = Vec::new();
        let mut after = None::<String>;
        for _ in 0..PAGES {
            let place = after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
            let path = format!("/v1/agents?limit={PAGE}{wanted}{place}");
            let page: Page =
                context.call(&server, &Request::get(path))?.body.read().unwrap_or_default();
            agents.extend(page.agents);
            let is_further = page.next_after > after;
            after = page.next_after.filter(|id| id.parse::<nexus_protocol::AgentId>().is_ok());
            if !page.has_more || !is_further || after.is_none() {
                break;
            }
        }
        Ok(Json::of(&All { agents }).into())
    }
}
