//! `nexus invite`

use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    mailbox::any_id,
    output::Done,
};
use clap::Args;
use nexus_protocol::{AgentId, CreatePairing};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus invite SESSION @bob-calendar
  nexus invite SESSION @bob-calendar --agent-id alice

The link arrives in the mailbox of that agent, as a message from your address. The agent claims it with
`nexus claim`. `nexus pair-status` tells whether it did.")]
pub(crate) struct Invite {
    /// The session's id or alias
    session: String,
    /// The address to invite
    #[arg(value_name = "@ID", value_parser = any_id)]
    id: AgentId,
}

impl Invite {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let mailbox = context.mailbox()?;
        let server = context.server_of(&session)?;
        if server.url != mailbox.server.url {
            let message = format!(
                "The session is at {}, but your address {} is at {}. Invitations work only within one relay. Make a link with `nexus pair` and pass it on instead.",
                server.host(),
                mailbox.agent(),
                mailbox.server.host()
            );
            return Err(Failure::own(Kind::Usage, message));
        }
        mailbox.server.announce();
        let session_id = session.id.clone();
        let body = Json::of(&CreatePairing { session_id, invite: Some(self.id) });
        // A repeated request would send two invitations.
        let request = Request::new(Method::PUT, "/v1/pair", Repeat::Unseen);
        let seat = context.caller(&session).ok();
        // A seat with the same name as the address proves that we may make links.
        let same = seat.as_ref().filter(|seat| seat.agent == *mailbox.agent());
        let key = same.and_then(|seat| seat.key.as_ref());
        let answer = mailbox.call(Request { body: Some(body), key, ..request })?;
        super::pair::remember(context, &session, seat.as_ref(), &answer.body);
        Ok(answer.body.into())
    }
}
