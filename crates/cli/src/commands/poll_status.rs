//! `nexus poll-status`

use super::ls::{List, names_of};
use crate::{
    context::Context,
    error::{Result, usable},
    json::Json,
    output::Done,
    state::{Loop, Running},
};
use clap::Args;
use serde::Serialize;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus poll-status
  nexus poll-status SESSION | jq '.sessions[0].pollDaemon'

This looks at this machine only and makes no request.")]
pub(crate) struct PollStatus {
    /// The session's id or alias; default: every session known here
    session: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    session_id: String,
    aliases: Vec<String>,
    agent_id: Option<String>,
    cursor: Option<String>,
    /// `null` if it is not running.
    poll_daemon: Option<Running>,
    heartbeat: Option<Running>,
    listen: Option<Running>,
}

impl PollStatus {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let ids = match &self.session {
            Some(session) => vec![context.session(session)?.id],
            None => context.state.sessions()?,
        };
        let aliases = context.state.known_aliases();
        let mut lines = Vec::new();
        for id in ids {
            // A damaged session is told, and listed all the same.
            let stored = usable(context.state.membership(&id)).unwrap_or_default();
            lines.push(Line {
                session_id: id.to_string(),
                aliases: names_of(&aliases, &id),
                agent_id: stored.agent.map(|agent| agent.to_string()),
                cursor: stored.cursor,
                poll_daemon: context.state.running(&id, Loop::PollDaemon)?,
                heartbeat: context.state.running(&id, Loop::Heartbeat)?,
                listen: context.state.running(&id, Loop::Listen)?,
            });
        }
        Ok(Json::of(&List { sessions: lines }).into())
    }
}
