//! `nexus discover`, `nexus profile`

use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    output::Done,
    team::{ProfileArgs, Team, encoded},
};
use clap::Args;
use nexus_protocol::Profile;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus discover SESSION
  nexus discover SESSION --capability translate | jq -r '.agents[].agentId'

`stale` means: not heard for two minutes.")]
pub(crate) struct Discover {
    /// The session's id or alias
    session: String,
    /// Only members with this capability
    #[arg(long, value_name = "X")]
    capability: Option<String>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus profile SESSION --name 'Bob the builder' --capability build,test
  nexus profile SESSION --machine lab-3

Options that you leave out change nothing. `nexus create`, `join` and `claim` take the same options.")]
pub(crate) struct SetProfile {
    /// The session's id or alias
    session: String,
    #[command(flatten)]
    profile: ProfileArgs,
}

impl Discover {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let query = self.capability.map(|word| format!("?capability={}", encoded(&word)));
        let json = team.get(&format!("/agents{}", query.unwrap_or_default()))?;
        Ok(json.into())
    }
}

impl SetProfile {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let profile = self.profile.profile();
        if profile == Profile::default() {
            let message =
                "Name something to change: --name, --capability, --description or --machine.";
            return Err(Failure::own(Kind::Usage, message));
        }
        let team = Team::of(context, &self.session)?;
        let path = format!("/agents/{}", team.caller.agent);
        team.change(Method::PATCH, &path, &profile).map(Done::from)
    }
}
