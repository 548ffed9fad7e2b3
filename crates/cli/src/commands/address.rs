//! `nexus address ls`, `card`, `rotate`, `remove`

use crate::{
    context::Context,
    error::{Failure, Result},
    http::{Repeat, Request},
    json::Json,
    mailbox::{Mailbox, any_id},
    output::Done,
    random,
    state::Address,
    stderr::tell,
};
use clap::{Args, builder::BoolishValueParser};
use nexus_protocol::{AgentId, AgentSecret};
use serde_json::{Value, json};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:\n  nexus address ls")]
pub(crate) struct List {}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus address card
  nexus address card @bob-calendar
  nexus address card --description 'Finds a day with Bob' --listed yes

Without options, this shows the card of an address, by default of your own. Options change your own.")]
pub(crate) struct Card {
    /// The address; default: your own
    #[arg(value_name = "@ID", value_parser = any_id)]
    id: Option<AgentId>,
    /// The name that people read
    #[arg(long)]
    name: Option<String>,
    /// What the agent does; an empty text removes it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// What you can do; may be repeated, or separated by commas
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    capability: Vec<String>,
    /// Whether the directory lists the address
    #[arg(long, value_name = "yes|no", value_parser = BoolishValueParser::new())]
    listed: Option<bool>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus address rotate
  nexus address rotate --agent-id bob-calendar

The old secret stops working, and open connections are closed. The new one is stored here. If the response is
lost, the same command again completes it.")]
pub(crate) struct Rotate {}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus address remove @bob-calendar

Deletes the address at its relay, and then its secret here. The id becomes free for anybody. Removing an
address that does not exist any more succeeds.")]
pub(crate) struct Remove {
    /// The address
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
        let capabilities = Some(self.capability).filter(|words| !words.is_empty());
        let fields = [
            ("name", self.name.map(Value::from)),
            ("description", self.description.map(Value::from)),
            ("capabilities", capabilities.map(Value::from)),
            ("listed", self.listed.map(Value::from)),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let change: serde_json::Map<String, Value> = fields.collect();
        if change.is_empty() {
            let (server, id) = if let Some(id) = self.id {
                let mailbox = context.mailbox().map(|mailbox| mailbox.server);
                (mailbox.or_else(|_| context.server(None))?, id)
            } else {
                let mailbox = context.mailbox()?;
                (mailbox.server.clone(), mailbox.agent().clone())
            };
            server.announce();
            let answer = context.call(&server, &Request::get(format!("/v1/agents/{id}")))?;
            return Ok(answer.body.into());
        }
        let mailbox = context.mailbox_of(self.id)?;
        mailbox.server.announce();
        let request = Request::new(Method::PATCH, mailbox.path(""), Repeat::Always);
        let body = Some(Json::of(&change));
        mailbox.call(Request { body, ..request }).map(|answer| answer.body.into())
    }
}

impl Rotate {
    #[allow(clippy::unused_self, reason = "every command is run alike")]
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let mailbox = context.mailbox()?;
        mailbox.server.announce();
        let agent = mailbox.agent().clone();
        // One that an earlier try stored may be valid already.
        let secret = match context.state.next_secret(&agent)? {
            Some(secret) => secret,
            None => AgentSecret::from_random(random::unguessable()?),
        };
        context.state.store_next_secret(&agent, &secret)?;
        let request = Request::new(Method::POST, mailbox.path("/secret"), Repeat::Always);
        let body = Some(Json::of(&json!({ "secret": secret.as_str() })));
        let changed = mailbox.call(Request { body, ..request });
        if let Err(failure) = changed
            && !is_valid(&mailbox, &secret)
        {
            if failure.is_passing() {
                tell!("the secret may or may not be replaced: `nexus address rotate` completes it");
            }
            return Err(failure);
        }
        let server = mailbox.server.url.clone();
        context.state.new_address(&Address { id: agent.clone(), secret, server })?.save()?;
        context.state.forget_next_secret(&agent)?;
        tell!("the new secret is stored here; the old one does not work any more");
        Ok(Json::of(&json!({ "ok": true, "agentId": agent, "rotated": true })).into())
    }
}

/// Whether the relay accepts this secret.
fn is_valid(mailbox: &Mailbox, secret: &AgentSecret) -> bool {
    let mut new = mailbox.clone();
    new.caller.secret = Some(secret.clone());
    new.call(Request::get(new.path("/blocks?limit=1"))).is_ok()
}

impl Remove {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let gone = json!({ "ok": true, "agentId": self.id });
        if context.state.address(&self.id)?.is_none() {
            tell!("no address @{} is stored here", self.id);
            return Ok(Json::of(&gone).into());
        }
        let mailbox = context.mailbox_of(Some(self.id.clone()))?;
        mailbox.server.announce();
        let request = Request::new(Method::DELETE, mailbox.path(""), Repeat::Always);
        let body = match mailbox.call(request) {
            Ok(answer) => answer.body,
            Err(failure) if failure.is_gone() => Json::of(&gone),
            // After a deletion whose response was lost, the relay does not know the id.
            Err(Failure::Refused(answer))
                if answer.status == 401 && !is_known(context, &mailbox) =>
            {
                Json::of(&gone)
            }
            Err(failure) => return Err(failure),
        };
        context.state.forget_address(&self.id)?;
        Ok(body.into())
    }
}

fn is_known(context: &Context, mailbox: &Mailbox) -> bool {
    let card = context.call(&mailbox.server, &Request::get(mailbox.path("")));
    !card.is_err_and(|failure| failure.is_gone())
}
