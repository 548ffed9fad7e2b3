//! `nexus register`

use crate::{
    context::{Context, agent_id},
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    output::{Done, tell},
    random,
};
use clap::Args;
use nexus_protocol::{AgentId, AgentSecret, Register as Body};
use serde::Deserialize;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus register --name 'Bob, calendar' --capability calendar --listed
  nexus register --id bob --name Bob
  nexus register --id bob --name Bob --secret \"$(pass show nexus/bob)\"

The secret is kept in ~/.config/messaging/address, and shown this once. One folder of state has one address.")]
pub(crate) struct Register {
    /// What others see
    #[arg(long)]
    name: String,
    /// The id under which others reach you; default: eight digits that the relay chooses
    #[arg(long, value_name = "ID", value_parser = agent_id)]
    id: Option<AgentId>,
    /// A secret of your own, such as that of an address which you registered elsewhere
    #[arg(long)]
    secret: Option<String>,
    /// Let anyone find you in the directory
    #[arg(long)]
    listed: bool,
    /// What you can do; may be repeated
    #[arg(long = "capability", value_name = "WORD")]
    capabilities: Vec<String>,
    /// A few words about you
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Register {
    /// The secret is made here and is on disk before the relay is asked, so that it cannot get lost.
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        if let Some(address) =
            context.state.address()?.filter(|old| self.id.as_ref() != Some(&old.agent))
        {
            let message = format!(
                "Here you are already @{}. Set XDG_CONFIG_HOME to another folder for a second address.",
                address.agent
            );
            return Err(Failure::own(Kind::AlreadyRegistered, message));
        }
        let stored = context.state.address()?.map(|address| address.secret);
        let given = self.secret.map(|secret| chosen(&secret)).transpose()?;
        let secret = match given.or(stored) {
            Some(secret) => secret,
            None => AgentSecret::from_random(random::secret_bytes().map_err(|error| {
                let message =
                    format!("This system gives no random numbers ({error}): nothing was done.");
                Failure::own(Kind::StateUnavailable, message)
            })?),
        };
        let server = context.server(None)?;
        server.announce();
        let ready = context.state.new_secret(&secret)?;
        // With an id and a secret it is the same registration however often it is made.
        let repeat = if self.id.is_some() { Repeat::Always } else { Repeat::Unseen };
        let body = Json::of(&Body {
            agent_id: self.id,
            secret: Some(secret),
            name: self.name,
            description: self.description,
            version: None,
            capabilities: self.capabilities,
            listed: self.listed,
        });
        let request = Request::new(Method::POST, "/v1/agents", repeat);
        let answer = context.call(&server, &Request { body: Some(body), ..request })?;
        let registered: Answer = answer.body.read().ok_or_else(|| {
            Failure::own(
                Kind::StateNotSaved,
                "The server's answer names no address; nothing was kept.",
            )
        })?;
        context.state.store_address(&registered.agent_id, ready, &server.url)?;
        tell!("you are @{}; others write to you with `nexus send @{0} TEXT`", registered.agent_id);
        Ok(answer.body.into())
    }
}

/// The part that matters of the answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    agent_id: AgentId,
}

fn chosen(secret: &str) -> Result<AgentSecret> {
    let secret: Option<AgentSecret> = secret.parse().ok();
    secret.filter(AgentSecret::may_be_chosen).ok_or_else(|| {
        let message = format!("A secret {}; leave --secret out to get one.", AgentSecret::RULE);
        Failure::own(Kind::Usage, message)
    })
}
