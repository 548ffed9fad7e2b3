//! `nexus heartbeat`

use super::renew;
use crate::{
    context::Context,
    duration,
    error::{Failure, Kind, Result},
    http::Repeat,
    json::Json,
    loops::{self, Pace},
    output::Done,
    state::Loop,
    stderr::tell,
};
use clap::Args;
use serde::Deserialize;
use serde_json::json;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus heartbeat SESSION
  nexus heartbeat SESSION --interval 300

This renews the session and reads no messages. It stops on Ctrl-C or SIGTERM, or when the session ends.")]
pub(crate) struct Heartbeat {
    /// The session's id or alias
    session: String,
    /// The time between two renewals; must be less than the session's TTL
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration::at_least_one)]
    interval: u32,
}

/// The part of a response that the client needs.
#[derive(Default, Deserialize)]
struct Renewed {
    ttl: Option<u32>,
}

impl Heartbeat {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        server.announce();
        let mut beats = 0_u64;
        let pace = Pace { interval: self.interval, ttl: None };
        let ended = loops::run(&context.state, &session.id, Loop::Heartbeat, pace, || {
            let answer =
                context.call(&server, &renew::request(&session, &caller, None, Repeat::Never))?;
            let ttl = answer.body.read::<Renewed>().unwrap_or_default().ttl;
            if ttl.is_some_and(|ttl| self.interval >= ttl) {
                let message = format!(
                    "The TTL of the session is {} s: --interval must be less.",
                    ttl.unwrap_or_default()
                );
                return Err(Failure::own(Kind::Usage, message));
            }
            beats = beats.saturating_add(1);
            if beats == 1 {
                tell!("the session stays alive as long as this runs");
            }
            Ok(())
        })?;
        let value = json!({
            "status": "stopped", "reason": ended, "sessionId": session.id, "beats": beats,
        });
        Ok(Json::of(&value).into())
    }
}
