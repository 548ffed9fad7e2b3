//! `nexus invite`

use super::agents::at_agent;
use crate::{
    context::Context,
    error::Result,
    http::{Repeat, Request},
    json::Json,
    output::Done,
};
use clap::Args;
use nexus_protocol::{AgentId, CreatePairing};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus invite SESSION @40817263

The link goes into the agent's inbox; you need an address of your own (`nexus register`).")]
pub(crate) struct Invite {
    /// The session's id or alias
    session: String,
    /// Whom: an agent's id, with or without @
    #[arg(value_parser = at_agent)]
    agent: AgentId,
}

impl Invite {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let (address, server) = context.address()?;
        server.announce();
        let body =
            Some(Json::of(&CreatePairing { session_id: session.id, invite: Some(self.agent) }));
        // Twice would be two links.
        let request = Request::new(Method::POST, "/v1/pair", Repeat::Unseen);
        let request = Request { body, ..request };
        context.call(&server, &address.sign(request)).map(|answer| answer.body.into())
    }
}
