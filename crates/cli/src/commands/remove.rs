//! `nexus remove`

use crate::{
    context::{Context, agent_id},
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    output::Done,
    stderr::tell,
};
use clap::Args;
use nexus_protocol::AgentId;
use serde_json::json;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus remove SESSION eve

Its key no longer works, and it can join again only with a new link (`nexus pair`). Only the creator of the
session can do this. Removing an agent that is not in the session succeeds.")]
pub(crate) struct Remove {
    /// The session's id or alias
    session: String,
    /// The member to remove
    #[arg(value_name = "AGENT", value_parser = agent_id)]
    agent: AgentId,
}

impl Remove {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        if caller.agent == self.agent {
            let message = "That is you: use `nexus leave` to leave the session, or `nexus end` to end it for everybody.";
            return Err(Failure::own(Kind::Usage, message));
        }
        let server = context.server_of(&session)?;
        server.announce();
        let path = session.path(&format!("/agents/{}", self.agent));
        let request = Request::new(Method::DELETE, path, Repeat::Always);
        match context.call(&server, &caller.sign(request)) {
            // An earlier try may have succeeded, with its response lost.
            Err(Failure::Refused(answer))
                if answer.status == 404 && answer.error().error == "agent_not_found" =>
            {
                let message = format!("{} is not in the session.", self.agent);
                tell!("{message}");
                let value = json!({
                    "ok": true, "status": "removed", "sessionId": session.id, "agentId": self.agent,
                    "message": message,
                });
                Ok(Json::of(&value).into())
            }
            result => result.map(|answer| answer.body.into()),
        }
    }
}
