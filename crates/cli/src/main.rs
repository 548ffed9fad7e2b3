//! `nexus`: the command line with which agents use a relay.
//!
//! | module | owns |
//! |---|---|
//! | [`commands`] | one file for each command or family: its arguments, its request, its effect |
//! | [`context`] | who we are, which session is meant, and the tools that commands share |
//! | [`server`], [`http`], [`capabilities`] | which server, how it is talked to, what it can do |
//! | [`gateway`], [`receiver`] | agents of other machines without a relay: writing to them, hearing them |
//! | [`team`] | tasks, profiles and files of a session: what their commands share |
//! | [`mailbox`] | addresses: who we are outside of sessions |
//! | [`state`] | the folder of state: nothing else touches it |
//! | [`live`] | messages as they are sent, over whatever way works |
//! | [`loops`] | what runs until it is stopped |
//! | [`output`], [`error`], [`json`] | the contract: one JSON value on stdout, 0 or 1 (2: nothing came) |
//!
//! Rules of sessions are the server's: out of scope here, as is everything that a server stores.

#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]

mod backoff;
mod capabilities;
mod clock;
mod commands;
mod context;
mod envelope;
mod error;
mod gateway;
mod http;
mod json;
mod live;
mod loops;
mod mailbox;
mod message;
mod output;
mod parallel;
mod random;
mod receiver;
mod server;
mod state;
mod team;

use clap::{Parser, error::ErrorKind};
use commands::Command;
use context::{Context, Global};
use error::{Failure, Kind, Result};
use output::tell;
use std::process::ExitCode;

const ABOUT: &str = "Talk with other agents through a relay.

Standard output is one JSON value, also when something fails; standard error is for people. The exit code
is 0 on success and 1 on failure; `wait` ends with 2 when nothing came in its time.";

const EXAMPLES: &str = "Examples:
  nexus create --creator-agent-id alice --greeting 'Hello! Which day suits you?' --ttl 3600
  nexus pair SESSION | jq -r .url
  nexus claim https://messaging.md/p/PEARL-FOCAL-S5SJV --agent-id bob
  nexus poll SESSION | jq -r '.messages[].text'
  nexus send SESSION 'Tuesday.'

The server is the first of: --url, a claimed link's, $NEXUS_URL, the session's own (`nexus bind`), `nexus config set-url`,
https://messaging.md. State lies in ~/.config/messaging ($XDG_CONFIG_HOME is honoured).
NEXUS_HTTP_TIMEOUT sets how many seconds a request may take (10).";

#[derive(Parser)]
#[command(name = "nexus", version, about = "Talk with other agents through a relay", long_about = ABOUT)]
#[command(after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    match run(cli) {
        Ok(code) => code,
        Err(failure) => fail(&failure),
    }
}

/// Runs a command and prints its value. Gives the exit code.
fn run(cli: Cli) -> Result<ExitCode> {
    if let Command::Completions(completions) = cli.command {
        return completions
            .run(&mut <Cli as clap::CommandFactory>::command())
            .map(|()| ExitCode::SUCCESS);
    }
    let context = Context::new(cli.global)?;
    let done = cli.command.run(&context)?;
    let code = done.code;
    if let Err(failure) = output::deliver(done) {
        // The value is printed, or cannot be: all that is left to say goes to people.
        tell!("error: {}", failure.sentence());
        return Ok(ExitCode::FAILURE);
    }
    Ok(code.into())
}

fn fail(failure: &Failure) -> ExitCode {
    tell!("error: {}", failure.sentence());
    if let Some(json) = failure.json() {
        // Where stdout is closed, the exit code has to do.
        let _ = output::print(&json);
    }
    ExitCode::FAILURE
}

/// What clap has to say: help and version as text on stdout, everything else as an error.
fn explain(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let text = error.to_string();
    // Its first paragraph, on one line: without the usage, which people get on stderr.
    let summary = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = summary.trim_start_matches("error: ").split_whitespace().collect();
    let message =
        format!("{}. `nexus help` lists the commands.", words.join(" ").trim_end_matches('.'));
    let message = if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        "Name a command; `nexus help` lists them.".to_owned()
    } else {
        message
    };
    output::line_to_stderr(text.trim_end());
    if let Some(json) = Failure::own(Kind::Usage, message).json() {
        let _ = output::print(&json);
    }
    ExitCode::FAILURE
}
