//! `nexus whoami`

use crate::{context::Context, error::Result, json::Json, output::Done};
use clap::Args;
use serde_json::json;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus whoami
  nexus whoami --jq .fingerprint

In encrypted sessions, this installation signs what it sends. Compare the fingerprint with what others see, by
telephone or face to face, to know that nobody else writes in your name.")]
pub(crate) struct Whoami {}

impl Whoami {
    #[allow(clippy::unused_self, reason = "the form of all commands")]
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let key = context.state.signer()?.public();
        let agents: Vec<_> =
            context.state.addresses()?.into_iter().map(|address| address.id).collect();
        let told = json!({
            "fingerprint": key.fingerprint().to_string(),
            "publicKey": key,
            "addresses": agents,
            "stateDir": context.state.root(),
        });
        Ok(Json::of(&told).into())
    }
}
