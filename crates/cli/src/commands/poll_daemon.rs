//! `nexus poll-daemon`

use super::poll::{Reading, read};
use crate::{
    context::Context,
    duration,
    error::{Failure, Kind, Result},
    http::Repeat,
    json::Json,
    loops::{self, Pace},
    output::{self, Done},
    state::Loop,
    stderr::tell,
    typed,
};
use clap::Args;
use serde_json::json;
use std::io::{self, IsTerminal, Write};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus poll-daemon SESSION
  nexus poll-daemon SESSION --yes --interval 10s --ttl 10m --jq '.messages[]?.text'

Every page with messages is printed as one line of JSON. The last line says why it ended. It stops on Ctrl-C
or SIGTERM, after --ttl, or when the session ends.")]
pub(crate) struct PollDaemon {
    /// The session's id or alias
    session: String,
    /// The time between two polls
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::at_least_one)]
    interval: u32,
    /// Stop after this time
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration::at_least_one)]
    ttl: u32,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl PollDaemon {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        server.announce();
        if !session.is_of(&caller) {
            let message = "The stored cursor belongs to another agent. Run the daemon as the stored agent, or with a state folder of its own (--profile NAME).";
            return Err(Failure::own(Kind::Usage, message));
        }
        if !self.yes {
            self.ask()?;
        }
        let (mut polls, mut messages) = (0_u64, 0_usize);
        let reading = Reading { repeat: Repeat::Never, ..Reading::default() };
        let pace = Pace { interval: self.interval, ttl: Some(self.ttl) };
        let ended = loops::run(&context.state, &session.id, Loop::PollDaemon, pace, || {
            loop {
                // Another process may have moved the cursor.
                let session = context.session_of(session.id.clone())?;
                let page = read(context, &server, &session, &caller, reading)?;
                polls = polls.saturating_add(1);
                if page.messages == 0 {
                    return Ok(());
                }
                messages = messages.saturating_add(page.messages);
                output::deliver_anyway(page.done)?;
                if !page.has_more {
                    return Ok(());
                }
            }
        })?;
        let value = json!({
            "status": "stopped", "reason": ended, "sessionId": session.id, "polls": polls, "messages": messages,
        });
        Ok(Json::of(&value).into())
    }

    /// Asks at the terminal, because polling keeps the session alive and costs requests.
    fn ask(&self) -> Result<()> {
        let refused = |message: &str| Err(Failure::own(Kind::NotConfirmed, message));
        tell!(
            "This polls every {} s for {} s, and so keeps the session alive.",
            self.interval,
            self.ttl
        );
        if !io::stdin().is_terminal() {
            return refused("There is no terminal to ask at. Ask your human, then add --yes.");
        }
        let _ = write!(io::stderr(), "Go on? [y/N] ");
        let answer = typed::line().unwrap_or_default();
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => refused("The answer was not yes; nothing was started."),
        }
    }
}
