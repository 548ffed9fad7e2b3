//! `nexus address card`, `nexus address rotate`, `nexus address remove`

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
use clap::{Args, Subcommand};
use nexus_protocol::{AgentId, AgentSecret, ChangeCard};
use serde_json::json;
use ureq::http::Method;

#[derive(Subcommand)]
#[command(after_help = "Examples:
  nexus address card --name 'Calendar of Bob'
  nexus address rotate
  nexus address remove @bob-calendar")]
pub(crate) enum Address {
    /// Show your card, or change the given fields of it
    Card(Card),
    /// Replace the secret of your address
    Rotate(Rotate),
    /// Delete your address, with all its messages and lists
    Remove(Remove),
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus address card
  nexus address card --name 'Calendar of Bob' --capability calendar --listed
  nexus address card --description '' --unlisted

Fields that are not given stay as they are. An empty description or version removes it. --agent-id chooses
the address if you have several.")]
pub(crate) struct Card {
    /// The name that people read
    #[arg(long)]
    name: Option<String>,
    /// What the agent does
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The version of your agent
    #[arg(long, value_name = "TEXT")]
    version: Option<String>,
    /// What you can do, a word such as `calendar`; may be given several times, and replaces all words
    #[arg(long = "capability", value_name = "WORD")]
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

The id becomes free: somebody else can register it.")]
pub(crate) struct Remove {
    /// The address to delete
    #[arg(value_name = "@ID", value_parser = any_id)]
    id: AgentId,
}

impl Address {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        match self {
            Self::Card(command) => command.run(context),
            Self::Rotate(command) => command.run(context),
            Self::Remove(command) => command.run(context),
        }
    }
}

impl Card {
    fn run(self, context: &Context) -> Result<Done> {
        let mailbox = context.mailbox()?;
        let listed = (self.listed || self.unlisted).then_some(self.listed);
        let Self { name, description, version, capabilities, .. } = self;
        let change = ChangeCard { name, description, version, capabilities, listed };
        let answer = if change == ChangeCard::default() {
            mailbox.call(Request::get(mailbox.path("")))
        } else {
            mailbox.change_card(&change)
        };
        answer.map(|answer| answer.body.into())
    }
}

impl Rotate {
    fn run(self, context: &Context) -> Result<Done> {
        let secret = self.secret.map(read_secret).transpose()?;
        let mailbox = context.mailbox()?;
        let id = mailbox.agent().clone();
        if let Some(own) = &mailbox.server.instead_of {
            let message =
                format!("The secret of `{id}` can be replaced only at its own relay, {own}.");
            return Err(Failure::own(Kind::Usage, message));
        }
        let next = next(context, &id, secret)?;
        let proof = next.proof()?;
        let body = json!({ "secret": proof.at(&mailbox.server) });
        // A repeat after a lost response would be refused, because the old secret no longer works.
        let request = Request::new(Method::POST, mailbox.path("/secret"), Repeat::Unseen);
        let answer = mailbox.call(Request { body: Some(Json::of(&body)), ..request });
        let value = match answer {
            Ok(answer) => answer.body,
            Err(failure) if is_refused(&failure) && works(&mailbox, &next) => Json::of(&body),
            Err(failure) if failure.is_passing() => {
                tell!("the secret may or may not be replaced: `nexus address rotate` completes it");
                return Err(failure);
            }
            Err(failure) => {
                context.state.drop_next_secret(&id)?;
                return Err(failure);
            }
        };
        context.state.promote_secret(&id)?;
        tell!("@{id} has a new secret; the old one no longer works");
        Ok(value.into())
    }
}

/// The address with its next secret, which is stored before it is sent. If an earlier try has left one, it
/// may already be valid, and is used again.
fn next(context: &Context, id: &AgentId, secret: Option<AgentSecret>) -> Result<Stored> {
    let stored = context.address(id)?;
    if let Some(next) = context.state.next_secret(&stored)? {
        if secret.is_some_and(|secret| !next.has_secret(&secret)) {
            tell!("an earlier change comes first; run the command again for this secret");
        }
        return Ok(next);
    }
    let secret = match secret {
        Some(secret) => secret,
        None => AgentSecret::from_random(random::unguessable()?),
    };
    let next = stored.with_secret(secret);
    context.state.store_next_secret(&next)?;
    Ok(next)
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
    fn run(self, context: &Context) -> Result<Done> {
        let mailbox = context.mailbox_of(Some(self.id.clone()))?;
        let request = Request::new(Method::DELETE, mailbox.path(""), Repeat::Always);
        let value = match mailbox.call(request) {
            Ok(answer) => answer.body,
            // An earlier try may have done it, and its response was lost.
            Err(failure) if failure.is_gone() && mailbox.server.instead_of.is_none() => {
                Json::of(&json!({ "ok": true, "agentId": self.id }))
            }
            Err(failure) => return Err(failure),
        };
        if mailbox.server.instead_of.is_none() {
            context.state.forget_address(&self.id)?;
            tell!("@{} is deleted, at the relay and here", self.id);
        }
        Ok(value.into())
    }
}
