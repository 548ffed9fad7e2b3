//! `nexus bind`

use crate::{context::Context, error::Result, json::Json, output::Done};
use clap::Args;
use serde_json::json;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus bind SESSION --url http://localhost:8787

Without --url, the session is bound to the default server (`nexus config show`).")]
pub(crate) struct Bind {
    /// The session's id or alias
    session: String,
}

impl Bind {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let server = context.server(None)?;
        context.state.store_server(&session.id, &server.url)?;
        let value =
            json!({ "sessionId": session.id, "serverUrl": server.url, "source": server.source });
        Ok(Json::of(&value).into())
    }
}
