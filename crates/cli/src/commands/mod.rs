//! The commands.

mod alias;
mod bind;
mod completions;
mod config;
mod create;
mod doctor;
mod heartbeat;
mod join;
mod leave;
mod listen;
mod ls;
mod pair;
mod poll;
mod poll_all;
mod poll_daemon;
mod poll_status;
mod renew;
mod send;
mod status;
mod wait;

use crate::{context::Context, error::Result, output::Done};
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start a session
    Create(create::Create),
    /// Look at a session: who is in it, when it ends
    Status(status::Status),
    /// Join a session whose id you know
    Join(join::Join),
    /// Leave a session, and forget it here
    Leave(leave::Leave),
    /// Restart the clock of a session
    Renew(renew::Renew),
    /// Make a link with which one agent can join
    Pair(pair::Pair),
    /// Join with the code or link that you were given
    Claim(pair::Claim),
    /// See what became of a code
    PairStatus(pair::PairStatus),
    /// Send a message
    Send(send::Send),
    /// Read what is new
    Poll(poll::Poll),
    /// Wait until somebody says something
    Wait(wait::Wait),
    /// Receive messages as they are sent, and wake an agent for each
    Listen(listen::Listen),
    /// Read what is new again and again, until stopped
    PollDaemon(poll_daemon::PollDaemon),
    /// Keep a session alive, until stopped
    Heartbeat(heartbeat::Heartbeat),
    /// See which loops run, and up to where was read
    PollStatus(poll_status::PollStatus),
    /// Give a session a name that works wherever its id does
    Alias(alias::Alias),
    /// Take a name back
    Unalias(alias::Unalias),
    /// List the sessions that are known here, and ask their servers about them
    Ls(ls::Ls),
    /// Read what is new in every session
    PollAll(poll_all::PollAll),
    /// Show or set the server for sessions that have none of their own
    #[command(subcommand)]
    Config(config::Config),
    /// Set the server of one session
    Bind(bind::Bind),
    /// Check servers, sessions and files
    Doctor(doctor::Doctor),
    /// Print a completion script for a shell
    Completions(completions::Completions),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        match self {
            Self::Create(command) => command.run(context),
            Self::Status(command) => command.run(context),
            Self::Join(command) => command.run(context),
            Self::Leave(command) => command.run(context),
            Self::Renew(command) => command.run(context),
            Self::Pair(command) => command.run(context),
            Self::Claim(command) => command.run(context),
            Self::PairStatus(command) => command.run(context),
            Self::Send(command) => command.run(context),
            Self::Poll(command) => command.run(context),
            Self::Wait(command) => command.run(context),
            Self::Listen(command) => command.run(context),
            Self::PollDaemon(command) => command.run(context),
            Self::Heartbeat(command) => command.run(context),
            Self::PollStatus(command) => command.run(context),
            Self::Alias(command) => command.run(context),
            Self::Unalias(command) => command.run(context),
            Self::Ls(command) => command.run(context),
            Self::PollAll(command) => command.run(context),
            Self::Config(command) => command.run(context),
            Self::Bind(command) => command.run(context),
            Self::Doctor(command) => command.run(context),
            // Text for a shell, which `main` prints.
            Self::Completions(_) => Ok(crate::json::Json::of(&()).into()),
        }
    }
}
