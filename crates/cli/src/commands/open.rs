//! `nexus open`

use crate::{context::Context, error::Result, json::Json, output::Done, stderr::tell};
use clap::Args;
use serde_json::json;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus open SESSION
  nexus open SESSION --print | jq -r .url

Opens the page of a session in the browser, where a person can watch or take part under a name of their own.
The address holds the session's id and, of an encrypted session, the key of its links. It does not hold the key
of your seat.")]
pub(crate) struct Open {
    /// The session's id or alias
    session: String,
    /// Only print the address
    #[arg(long)]
    print: bool,
}

impl Open {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let server = context.server_of(&session)?;
        let secret = context.state.secret(&session.id)?;
        let key = secret.map(|secret| format!(".{}", secret.secret.as_str())).unwrap_or_default();
        let url = format!("{}/s#{}{key}", server.url, session.id);
        let opened = !self.print && open::that_detached(&url).is_ok();
        if !opened && !self.print {
            tell!("no browser could be started here: open the address yourself");
        }
        Ok(Json::of(&json!({ "sessionId": session.id, "url": url, "opened": opened })).into())
    }
}
