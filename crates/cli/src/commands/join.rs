//! `nexus join`

use crate::{
    context::{Caller, Context, missing_agent_id},
    error::Result,
    http::{Repeat, Request},
    output::{Done, tell},
    team::{self, ProfileArgs},
};
use clap::Args;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus join SESSION --agent-id bob
  nexus join SESSION --agent-id bob --url http://localhost:8787")]
pub(crate) struct Join {
    /// The session's id or alias
    session: String,
    /// Of the session, where it has one; better given as `$NEXUS_TOKEN`
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    #[command(flatten)]
    profile: ProfileArgs,
}

impl Join {
    /// Whoever has joined from here already comes back with the same key.
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let named = context.named_agent().or(session.stored.agent.as_ref());
        let agent = named.ok_or_else(missing_agent_id)?.clone();
        context.free_for(&session.id, Some(&agent))?;
        let key =
            session.stored.key.clone().filter(|_| session.stored.agent.as_ref() == Some(&agent));
        let server = context.server_of(&session)?;
        server.announce();
        context.state.check_writable()?;
        let caller = Caller { agent, key, secret: None };
        // A join whose answer was lost has given the key away: a second one would be refused.
        let repeat = if caller.key.is_some() { Repeat::Always } else { Repeat::Unseen };
        let request = Request::new(Method::POST, session.path("/join"), repeat);
        let (token, body) = (team::token(self.token)?, self.profile.body());
        let request = Request { token, body, ..request };
        let answer = context.call(&server, &caller.sign(request))?;
        tell!("you are in it as {}; read with `nexus poll`", caller.agent);
        context.keep_seat(answer, Some(&session.id), Some(&caller.agent), &server)
    }
}
