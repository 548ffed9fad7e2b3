//! `nexus join`

use super::pair::Claim;
use crate::{
    context::{Caller, Context, missing_agent_id},
    error::Result,
    http::{Repeat, Request},
    output::Done,
    paste,
    stderr::tell,
    team::{self, ProfileArgs},
};
use clap::Args;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus join SESSION --agent-id bob
  nexus join SESSION --agent-id bob --url http://localhost:8787")]
pub(crate) struct Join {
    /// The session's id or alias; a link is claimed
    session: String,
    /// The token of the session, if it has one. Better set `$NEXUS_TOKEN`
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    #[command(flatten)]
    profile: ProfileArgs,
}

impl Join {
    /// Joins. An agent that has already joined from here shows its key again and keeps its seat.
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = match context.session(&self.session) {
            Err(_) if paste::is_invitation(&self.session) => {
                let code = vec![self.session];
                return Claim { code, alias: None, profile: self.profile }.run(context);
            }
            session => session?,
        };
        let named = context.named_agent().or(session.stored.agent.as_ref());
        let agent = named.ok_or_else(missing_agent_id)?.clone();
        context.free_for(&session.id, Some(&agent))?;
        let key =
            session.stored.key.clone().filter(|_| session.stored.agent.as_ref() == Some(&agent));
        let server = context.server_of(&session)?;
        server.announce();
        context.state.check_writable()?;
        let caller = Caller { agent, key, secret: None };
        // If the response of a first join is lost, so is its key, and the server would refuse a second.
        let repeat = if caller.key.is_some() { Repeat::Always } else { Repeat::Unseen };
        let request = Request::new(Method::POST, session.path("/join"), repeat);
        let (token, body) = (team::token(self.token)?, self.profile.body());
        let request = Request { token, body, ..request };
        let answer = context.call(&server, &caller.sign(request))?;
        tell!("you are in it as {}; read with `nexus poll`", caller.agent);
        context.keep_seat(answer, Some(&session.id), Some(&caller.agent), &server)
    }
}
