//! `nexus contacts`, `nexus ping`: agents by names of ours.

use super::agents::at_agent;
use crate::{
    clock,
    context::Context,
    error::{Failure, Kind, Result},
    gateway,
    http::Request,
    json::Json,
    output::{Done, tell},
    state::Contact,
};
use clap::{Args, Subcommand};
use nexus_protocol::AgentId;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Instant;

#[derive(Subcommand)]
#[command(after_help = "Examples:
  nexus contacts add bob --agent @40817263 --desc 'plans meetings'
  nexus contacts add studio --url ws://192.168.1.7:18789 --token \"$(cat token)\"
  nexus contacts list
  nexus send --to bob 'Tuesday at ten?'")]
pub(crate) enum Contacts {
    /// Add a contact, or replace it
    Add(Add),
    /// List the contacts; their tokens are not shown
    List,
    /// Remove a contact
    Remove(Named),
}

/// With the gateway's address in `--url`, which stands everywhere.
#[derive(Args)]
pub(crate) struct Add {
    /// What you call it: 1 to 64 letters, digits, `.`, `_` or `-`
    #[arg(value_parser = name)]
    name: String,
    /// Its address at the relay
    #[arg(long, value_name = "ID", value_parser = at_agent)]
    agent: Option<AgentId>,
    /// What opens the gateway that --url names
    #[arg(long)]
    token: Option<String>,
    /// A few words about it
    #[arg(long, value_name = "TEXT", default_value = "")]
    desc: String,
}

#[derive(Args)]
pub(crate) struct Named {
    /// What you call it
    name: String,
}

fn name(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let plain = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
    if plain && !text.starts_with('-') {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 64 letters, digits, `.`, `_` or `-`, and begin with no `-`")
    }
}

impl Contacts {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        match self {
            Self::Add(add) => add.run(context),
            Self::List => {
                let contacts = context.state.contacts()?;
                let shown: Vec<_> =
                    contacts.iter().map(|(name, contact)| shown(name, contact)).collect();
                Ok(Json::of(&json!({ "contacts": shown })).into())
            }
            Self::Remove(Named { name }) => {
                context.state.update_contacts(|contacts| {
                    contacts.remove(&name).map(drop).ok_or_else(|| unknown(&name))
                })?;
                Ok(Json::of(&json!({ "name": name, "removed": true })).into())
            }
        }
    }
}

impl Add {
    fn run(self, context: &Context) -> Result<Done> {
        let usage = |message| Failure::own(Kind::Usage, message);
        let url = context.named_url().filter(|_| self.agent.is_none());
        let url = url.map(|url| gateway::address(url).map_err(usage)).transpose()?;
        if self.agent.is_none() && url.is_none() || self.token.is_some() && url.is_none() {
            return Err(usage(
                "Say how to reach it: --agent ID, or --url ws://... and its --token.",
            ));
        }
        let contact = Contact {
            agent: self.agent,
            url,
            token: self.token,
            description: self.desc,
            added_at: clock::now(),
        };
        let value = shown(&self.name, &contact);
        let before = context
            .state
            .update_contacts(|contacts| Ok(contacts.insert(self.name.clone(), contact)))?;
        if before.is_some() {
            tell!("{} was another until now", self.name);
        }
        Ok(Json::of(&value).into())
    }
}

fn shown(name: &str, contact: &Contact) -> Value {
    json!({
        "name": name,
        "agentId": contact.agent,
        "url": contact.url,
        "hasToken": contact.token.is_some(),
        "description": contact.description,
        "addedAt": contact.added_at,
    })
}

fn unknown(name: &str) -> Failure {
    let message =
        format!("There is no contact `{name}`; `nexus contacts list` shows those there are.");
    Failure::own(Kind::ContactNotFound, message)
}

/// The contact of this name.
pub(super) fn find(context: &Context, name: &str) -> Result<Contact> {
    context.state.contacts()?.remove(name).ok_or_else(|| unknown(name))
}

#[derive(Args)]
#[command(after_help = "Examples:\n  nexus ping studio | jq .milliseconds")]
pub(crate) struct Ping {
    /// What you call it
    name: String,
}

/// The part that matters of a card.
#[derive(Deserialize)]
struct Online {
    online: bool,
}

impl Ping {
    /// How long it takes to open a gateway, or to ask the relay whether an agent is online.
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let contact = find(context, &self.name)?;
        let started = Instant::now();
        let online = match (&contact.url, &contact.agent) {
            (Some(url), _) => {
                gateway::open(url, contact.token.as_deref(), gateway::PING_LIMIT).map(drop)?;
                json!(true)
            }
            (None, Some(agent)) => {
                let server = context
                    .address()
                    .map_or_else(|_| context.server(None), |(_, server)| Ok(server))?;
                let answer = context.call(&server, &Request::get(format!("/v1/agents/{agent}")))?;
                answer.body.read::<Online>().map_or(Value::Null, |answer| json!(answer.online))
            }
            (None, None) => return Err(unknown(&self.name)),
        };
        let milliseconds = started.elapsed().as_millis();
        Ok(Json::of(&json!({ "name": self.name, "online": online, "milliseconds": milliseconds }))
            .into())
    }
}
