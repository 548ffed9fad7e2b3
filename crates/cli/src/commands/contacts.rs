//! `nexus contacts`

use super::send::read_text;
use crate::{
    clock,
    context::Context,
    error::{Failure, Kind, Result},
    gateway,
    json::Json,
    mailbox::any_id,
    output::Done,
    state::Contact,
    stderr::tell,
};
use clap::{ArgGroup, Args, Subcommand};
use nexus_protocol::AgentId;
use serde_json::{Value, json};

#[derive(Subcommand)]
#[command(after_help = "Examples:
  nexus contacts add bob --agent bob-calendar
  pass show bob-gateway | nexus contacts add bob-home --url ws://192.168.1.7:18789 --token -
  nexus send --to bob 'Tuesday at ten?'")]
pub(crate) enum Contacts {
    /// Add a contact, or replace one
    Add(Add),
    /// List the contacts, without their tokens
    #[command(after_help = "Examples:\n  nexus contacts list | jq -r '.contacts[].name'")]
    List,
    /// Remove a contact
    #[command(after_help = "Examples:\n  nexus contacts remove bob")]
    Remove {
        /// The name
        name: String,
    },
}

#[derive(Args)]
#[command(group = ArgGroup::new("way").required(true).args(["agent", "url"]))]
#[command(after_help = "Examples:
  nexus contacts add bob --agent bob-calendar --desc 'Finds a day with Bob'
  pass show bob-gateway | nexus contacts add bob-home --url ws://192.168.1.7:18789 --token -

A contact with the same name is replaced. Only your user can read the stored tokens, and they are never
printed.")]
pub(crate) struct Add {
    /// The name: 1 to 64 letters, digits, `.`, `_` or `-`
    name: String,
    /// The address of an agent, at the same relay as your own
    #[arg(long, value_name = "ID", value_parser = any_id)]
    agent: Option<AgentId>,
    /// The gateway of an agent on another machine: ws://, wss://, http:// or https://
    #[arg(long, requires = "token")]
    url: Option<String>,
    /// The token of that gateway; better as -, which reads it from standard input, where others cannot
    /// see it
    #[arg(long, requires = "url", allow_hyphen_values = true)]
    token: Option<String>,
    /// A description of the contact
    #[arg(long, value_name = "TEXT")]
    desc: Option<String>,
}

impl Contacts {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        match self {
            Self::Add(add) => add.run(context),
            Self::List => {
                let contacts = context.state.contacts()?;
                let contacts: Vec<Value> =
                    contacts.iter().map(|(name, contact)| shown(name, contact)).collect();
                Ok(Json::of(&json!({ "contacts": contacts })).into())
            }
            Self::Remove { name } => {
                let before =
                    context.state.update_contacts(|contacts| Ok(contacts.remove(&name)))?;
                let value = json!({ "name": name, "removed": before.is_some() });
                Ok(Json::of(&value).into())
            }
        }
    }
}

impl Add {
    fn run(self, context: &Context) -> Result<Done> {
        let name = self.name;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) || name.starts_with('-') {
            let message = "The name of a contact has 1 to 64 letters, digits, `.`, `_` or `-`, and does not begin with `-`.";
            return Err(Failure::own(Kind::InvalidContact, message));
        }
        let token = self.token.map(read_text).transpose()?;
        let mut url = None;
        if let (Some(address), Some(token)) = (&self.url, &token) {
            let address = gateway::Address::new(address, token)?;
            if address.is_open_to_others() {
                tell!(
                    "warning: the connection is not encrypted: others on the network can read messages and the token"
                );
            }
            url = Some(address.url().to_owned());
        }
        let added_at = Some(clock::now().to_string());
        let contact = Contact { agent: self.agent, url, token, description: self.desc, added_at };
        let value = shown(&name, &contact);
        let before =
            context.state.update_contacts(|contacts| Ok(contacts.insert(name.clone(), contact)))?;
        if before.is_some() {
            tell!("the earlier contact {name} is replaced");
        }
        Ok(Json::of(&value).into())
    }
}

/// The fields of a contact, except its token.
fn shown(name: &str, contact: &Contact) -> Value {
    json!({
        "name": name, "agentId": contact.agent, "url": contact.url,
        "description": contact.description, "addedAt": contact.added_at,
    })
}
