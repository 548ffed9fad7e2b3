//! `nexus status`

use crate::{context::Context, error::Result, http::Request, output::Done};
use clap::Args;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus status SESSION
  nexus status SESSION | jq -r '.agents[]'")]
pub(crate) struct Status {
    /// The session's id or alias
    session: String,
}

impl Status {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        context.pass_on(&context.server_of(&session)?, &Request::get(session.path("")))
    }
}
