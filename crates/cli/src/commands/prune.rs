//! `nexus prune`

use super::ls::{Probe, probe_all};
use crate::{context::Context, error::Result, json::Json, output::Done};
use clap::Args;
use nexus_protocol::SessionId;
use serde_json::json;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus prune --dry-run
  nexus prune

Deletes what is stored here about sessions that have ended: keys, cursors and aliases. A session whose server
does not answer is kept.")]
pub(crate) struct Prune {
    /// Only show which sessions it would be
    #[arg(long)]
    dry_run: bool,
}

impl Prune {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let known = probe_all(context, &context.state.known_aliases())?;
        let ended = known.into_iter().filter(|known| known.state == Probe::NotFound);
        let ended: Vec<SessionId> = ended.map(|known| known.session_id).collect();
        if !self.dry_run {
            ended.iter().try_for_each(|session| context.state.forget(session))?;
        }
        Ok(Json::of(&json!({ "pruned": ended, "dryRun": self.dry_run })).into())
    }
}
