//! `nexus address ls`, `card`, `rotate`, `remove`

use super::register::read_secret;
use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    mailbox::{Mailbox, any_id},
    output::Done,
    random,
    state::Address as Stored,
    stderr::tell,
};
use clap::Args;
use nexus_protocol::{AgentId, AgentSecret, ChangeCard};
use serde_json::{Value, json};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:\n  nexus address ls")]
pub(crate) struct List {}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus address card
  nexus address card @bob-calendar
  nexus address card --name 'Calendar of Bob' --capability calendar --listed
  nexus address card --description '' --unlisted

Without options, this shows the card of an address, by default of your own. Options change your own: fields
that are not given stay as they are, and an empty description or version removes it.")]
pub(crate) struct Card {
    /// The address; default: your own
    #[arg(value_name = "@ID", value_parser = any_id)]
    id: Option<AgentId>,
    /// The name that people read
    #[arg(long)]
    name: Option<String>,
    /// What the agent does
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The version of your agent
    #[arg(long, value_name = "TEXT")]
    version: Option<String>,
    /// What you can do, a word such as `calendar`; may be repeated, or separated by commas, and replaces all
    /// words
    #[arg(long = "capability", value_name = "WORD", value_delimiter = ',')]
    capabilities: Option<Vec<String>>,
    /// List the address in the directory
    #[arg(long, conflicts_with = "unlisted")]
    listed: bool,
    /// Do not list it any more
    #[arg(long)]
    unlisted: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus address rotate
  nexus address rotate --agent-id bob-calendar
  pass show nexus/bob | nexus address rotate --secret -

The old secret stops working at once, and programs that listen with it are cut off. The response shows the
new one once. nexus stores it before it is sent, so running the same command again completes a change whose
response was lost.")]
pub(crate) struct Rotate {
    /// A secret of your own, 16 to 256 visible ASCII characters; - reads it from standard input
    #[arg(long, allow_hyphen_values = true)]
    secret: Option<String>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus address remove @bob-calendar

Deletes the address at its relay, and then its secret here. The id becomes free: somebody else can register
it. Removing an address that does not exist any more succeeds.")]
pub(crate) struct Remove {
    /// The address to delete
    #[arg(value_name = "@ID", value_parser = any_id)]
    id: AgentId,
}

impl List {
    #[allow(clippy::unused_self, reason = "every command is run alike")]
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let addresses = context.state.addresses()?;
        let addresses: Vec<Value> = addresses
            .iter()
            .map(|address| json!({ "agentId": address.id, "server": address.server }))
            .collect();
        Ok(Json::of(&json!({ "addresses": addresses })).into())
    }
}

impl Card {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let listed = (self.listed || self.unlisted).then_some(self.listed);
        let Self { id, name, description, version, capabilities, .. } = self;
        let change = ChangeCard { name, description, version, capabilities, listed };
        let answer = if change != ChangeCard::default() {
            context.mailbox_of(id)?.change_card(&change)
        } else if let Some(id) = id {
            let own = context.mailbox_of(Some(id.clone())).or_else(|_| context.mailbox());
            let server = own.map(|own| own.server).or_else(|_| context.server(None))?;
            context.call(&server, &Request::get(format!("/v1/agents/{id}")))
        } else {
            let mailbox = context.mailbox()?;
            mailbox.call(Request::get(mailbox.path("")))
        };
        answer.map(|answer| answer.body.into())
    }
}

impl Rotate {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let secret = self.secret.map(read_secret).transpose()?;
        let mailbox = context.mailbox()?;
        let id = mailbox.agent().clone();
        if let Some(own) = &mailbox.server.instead_of {
            let message =
                format!("The secret of `{id}` can be replaced only at its own relay, {own}.");
            return Err(Failure::own(Kind::Usage, message));
        }
        let (next, is_new) = next(context, &id, secret)?;
        let proof = next.proof()?;
        let body = json!({ "secret": proof.at(&mailbox.server) });
        // A repeat after a lost response would be refused, because the old secret no longer works.
        let request = Request::new(Method::POST, mailbox.path("/secret"), Repeat::Unseen);
        let answer = mailbox.call(Request { body: Some(Json::of(&body)), ..request });
        match answer {
            Ok(_) => {}
            // An earlier try has done it.
            Err(failure) if is_refused(&failure) && works(&mailbox, &next) => {}
            Err(failure) if failure.is_passing() => {
                tell!("the secret may or may not be replaced: `nexus address rotate` completes it");
                return Err(failure);
            }
            Err(failure) => {
                // One of an earlier try may be valid already. Whoever refuses it now need not be the relay.
                if is_new && matches!(failure, Failure::Refused(_)) {
                    context.state.drop_next_secret(&id)?;
                }
                return Err(failure);
            }
        }
        context.state.promote_secret(&id)?;
        tell!("@{id} has a new secret; the old one no longer works");
        Ok(Json::of(&json!({ "agentId": id, "secret": proof.at(&mailbox.server) })).into())
    }
}

/// The address with its next secret, which is stored before it is sent, and whether it is new. If an earlier
/// try has left one, it may already be valid, and is used again.
fn next(context: &Context, id: &AgentId, secret: Option<AgentSecret>) -> Result<(Stored, bool)> {
    let stored = context.address(id)?;
    if let Some(next) = context.state.next_secret(&stored)? {
        if secret.is_some_and(|secret| !next.has_secret(&secret)) {
            tell!("an earlier change comes first; run the command again for this secret");
        }
        return Ok((next, false));
    }
    let secret = match secret {
        Some(secret) => secret,
        None => AgentSecret::from_random(random::unguessable()?),
    };
    let next = stored.with_secret(secret);
    context.state.store_next_secret(&next)?;
    Ok((next, true))
}

fn is_refused(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(answer) if answer.status == 401)
}

/// Whether the relay accepts the secret.
fn works(mailbox: &Mailbox, address: &Stored) -> bool {
    let Ok(proof) = address.proof() else { return false };
    let mut other = mailbox.clone();
    other.caller.secret = Some(proof);
    other.call(Request::get(other.path("/blocks?limit=1"))).is_ok()
}

impl Remove {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let gone = Json::of(&json!({ "ok": true, "agentId": self.id }));
        if context.state.address(&self.id)?.is_none() {
            tell!("no address @{} is stored here; `nexus address ls` lists yours", self.id);
            return Ok(gone.into());
        }
        let mailbox = context.mailbox_of(Some(self.id.clone()))?;
        let request = Request::new(Method::DELETE, mailbox.path(""), Repeat::Always);
        let is_elsewhere = mailbox.server.instead_of.is_some();
        let value = match mailbox.call(request) {
            Ok(answer) => answer.body,
            // An earlier try may have done it, and its response was lost.
            Err(failure) if !is_elsewhere && was_removed(context, &mailbox, &failure) => gone,
            Err(failure) => return Err(failure),
        };
        if !is_elsewhere {
            context.state.forget_address(&self.id)?;
            tell!("@{} is deleted, at the relay and here", self.id);
        }
        Ok(value.into())
    }
}

/// Whether the relay does not know the address any more. It then refuses the secret, too.
fn was_removed(context: &Context, mailbox: &Mailbox, failure: &Failure) -> bool {
    let card = || context.call(&mailbox.server, &Request::get(mailbox.path("")));
    failure.is_gone() || (is_refused(failure) && card().is_err_and(|failure| failure.is_gone()))
}
