//! `nexus register`

use super::send::read_text;
use crate::{
    answer::Answer,
    context::{Context, agent_id},
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    output::Done,
    random,
    state::{Address, NewAddress},
    stderr::tell,
};
use clap::Args;
use nexus_protocol::{AgentId, AgentSecret, AgentStatus, ChangeCard, Register as Body, Registered};
use ureq::http::Method;

/// The most ids that are tried if the user gives none.
const TRIES: u32 = 3;

#[derive(Args, Default)]
#[command(after_help = "Examples:
  nexus address register --id bob-calendar --name 'Calendar of Bob'
  nexus address register --id bob-calendar --listed --capability calendar --description 'Finds a day with Bob'
  pass show nexus/bob | nexus address register --id bob-calendar --secret -

Messages to an address wait in its mailbox while you are away. The response shows the secret of the address
once. nexus stores it and shows it to the relay for you. Running the same command again is safe, and
completes a registration whose response was lost. With other options it changes the card, as
`nexus address card` does. An address that is stored here stays at its relay, whatever the default is.")]
pub(crate) struct Register {
    /// Your address: 1 to 128 letters, digits, _ or - (--agent-id does the same); default: eight digits
    #[arg(long, value_name = "ID", value_parser = agent_id)]
    id: Option<AgentId>,
    /// The name that people read; default: the id
    #[arg(long)]
    name: Option<String>,
    /// A secret of your own, 16 to 256 visible ASCII characters. Better use -, which reads it from standard
    /// input, where other users cannot see it
    #[arg(long, allow_hyphen_values = true)]
    secret: Option<String>,
    /// List the address in the directory, where anyone can find it
    #[arg(long)]
    listed: bool,
    /// What you can do, a word such as `calendar`; may be given several times
    #[arg(long = "capability", value_name = "WORD")]
    capabilities: Vec<String>,
    /// What the agent does
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Register {
    /// An address that nobody has to find.
    pub(super) fn of(id: Option<AgentId>, name: Option<String>) -> Self {
        Self { id, name, ..Self::default() }
    }

    pub(crate) fn run(mut self, context: &Context) -> Result<Done> {
        let chosen = self.id.take().or_else(|| context.named_agent().cloned());
        let secret = self.secret.take().map(read_secret).transpose()?;
        let mut tried = 1;
        loop {
            let id = chosen.clone().unwrap_or_else(|| AgentId::from_random(random::bytes()));
            match self.try_with(context, id, secret.as_ref()) {
                Err(Failure::Refused(answer))
                    if chosen.is_none()
                        && tried < TRIES
                        && answer.error().error == "agent_id_taken" =>
                {
                    tried = tried.saturating_add(1);
                }
                result => return result,
            }
        }
    }

    fn try_with(
        &self,
        context: &Context,
        id: AgentId,
        secret: Option<&AgentSecret>,
    ) -> Result<Done> {
        let stored = context.state.address(&id)?;
        let own = stored.as_ref().map(|stored| stored.server.as_str());
        let server = context.server_of_address(own)?;
        if let Some(stored) = &stored
            && (server.instead_of.is_some() || secret.is_some_and(|new| !stored.has_secret(new)))
        {
            let message = format!(
                "`{id}` is already stored here as an address at {}, and its secret would be lost. Choose another id, or use another state folder: --profile NAME, or NEXUS_HOME. `nexus address rotate` replaces the secret.",
                stored.server
            );
            return Err(Failure::own(Kind::AlreadyRegistered, message));
        }
        server.announce();
        let address = match (stored, secret) {
            (Some(stored), _) => stored,
            (None, Some(secret)) => Address::new(id.clone(), secret.clone(), &server),
            // Because the client chooses the secret, the request can be repeated.
            (None, None) => {
                let secret = AgentSecret::from_random(random::unguessable()?);
                Address::new(id.clone(), secret, &server)
            }
        };
        let (place, proof) = (context.state.new_address(&address)?, address.proof()?);
        let body = Json::of(&Body {
            name: self.name.clone().unwrap_or_else(|| id.to_string()),
            agent_id: Some(id),
            secret: proof.at(&server).cloned(),
            description: self.description.clone(),
            version: None,
            capabilities: self.capabilities.clone(),
            listed: self.listed,
        });
        let request = Request::new(Method::POST, "/v1/agents", Repeat::Always);
        match context.call(&server, &Request { body: Some(body), ..request }) {
            Ok(answer) => {
                let done = keep(place, answer, &address.id)?;
                self.apply(context, &address.id, done)
            }
            Err(failure) => Err(give_up(place, failure, &address.id)),
        }
    }

    /// Changes the card if the address was registered before, with other options than now.
    fn apply(&self, context: &Context, id: &AgentId, done: Done) -> Result<Done> {
        let Some(Registered { card, .. }) = done.json.read() else { return Ok(done) };
        let change = ChangeCard {
            name: self.name.clone().filter(|name| *name != card.name),
            description: self
                .description
                .clone()
                .filter(|text| card.description.as_ref() != Some(text)),
            capabilities: Some(&self.capabilities)
                .filter(|words| !words.is_empty() && **words != card.capabilities)
                .cloned(),
            listed: Some(true).filter(|_| self.listed && !card.listed),
            ..ChangeCard::default()
        };
        if change == ChangeCard::default() {
            return Ok(done);
        }
        let answer = context.mailbox_of(Some(id.clone()))?.change_card(&change)?;
        tell!("@{id} was registered before; its card is changed");
        let card = answer.body.read::<AgentStatus>().map_or(card, |status| status.card);
        Ok(done.json.replacing("card", &Json::of(&card)).into())
    }
}

/// Stores the address. If that fails, the response is still printed, with an error added to it.
fn keep(place: NewAddress, answer: Answer, id: &AgentId) -> Result<Done> {
    match place.save() {
        Ok(()) => {
            tell!("you are @{id}; read with `nexus inbox`, write with `nexus send @ID`");
            Ok(answer.body.into())
        }
        Err(failure) => {
            let message = format!(
                "The address is registered, but its secret could not be stored here. Keep the secret of this response. {}",
                failure.sentence()
            );
            let error = Failure::own(Kind::StateNotSaved, message).json();
            Err(Failure::Report(
                error.map_or(answer.body.clone(), |error| answer.body.with(&error)),
            ))
        }
    }
}

/// If the relay may have registered the address, its secret is kept, so that running the command again
/// completes the registration.
fn give_up(place: NewAddress, failure: Failure, id: &AgentId) -> Failure {
    let is_open = failure.is_passing()
        && !matches!(&failure, Failure::Own(Kind::ServerUnreachable, _))
        && !matches!(&failure, Failure::Refused(answer) if answer.status == 429);
    if !is_open {
        place.forget();
    } else if place.save().is_ok() {
        tell!(
            "@{id} may or may not be registered: `nexus address register --id {id}` completes it"
        );
    }
    failure
}

pub(super) fn read_secret(text: String) -> Result<AgentSecret> {
    let secret: Option<AgentSecret> = read_text(text)?.parse().ok();
    secret.filter(AgentSecret::may_be_chosen).ok_or_else(|| {
        let message = format!("The secret {}. Nothing was sent.", AgentSecret::RULE);
        Failure::own(Kind::Usage, message)
    })
}
