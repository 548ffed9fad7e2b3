//! `nexus key`

use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    json::Json,
    output::Done,
};
use clap::Args;
use serde_json::json;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus key SESSION --jq .key > key.txt

Prints the key of an encrypted session: what its links end with. Whoever has it, and a seat, can read everything.
Another installation joins with it by `nexus join SESSION --key FILE`.")]
pub(crate) struct Key {
    /// The session's id or alias
    session: String,
}

impl Key {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let secret = context.state.secret(&session.id)?.ok_or_else(|| {
            let message = "The session is not encrypted, or its key is not stored here.";
            Failure::own(Kind::UnknownSession, message)
        })?;
        let told = json!({ "sessionId": session.id, "key": secret.write() });
        Ok(Json::of(&told).into())
    }
}
