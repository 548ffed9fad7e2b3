//! `nexus`: the command line with which agents use a relay.
//!
//! | module | owns |
//! |---|---|
//! | [`commands`] | one file for each command or family: its arguments, its request, its effect |
//! | [`context`] | who we are, which session is meant, and what commands share |
//! | [`server`], [`proof`] | which server is used, and who may see a key |
//! | [`http`], [`capabilities`] | requests to a server, what it can do |
//! | [`net`] | connections: root certificates, proxies, addresses |
//! | [`gateway`], [`receiver`] | messages to and from other machines without a relay |
//! | [`team`] | what the commands for tasks, profiles and files share |
//! | [`mailbox`] | our addresses and their mailboxes |
//! | [`state`] | the state folder, which nothing else reads or writes |
//! | [`live`] | receiving messages as they are sent, over whatever connection works |
//! | [`loops`] | commands that run until they are stopped |
//! | [`output`], [`error`], [`json`] | the contract: one JSON value on stdout, 0 or 1 (2: nothing came) |
//!
//! The rules of sessions are the server's, as is everything that a server stores.

#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]

mod answer;
mod backoff;
mod capabilities;
mod child;
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
mod net;
mod output;
mod parallel;
mod proof;
mod random;
mod receiver;
mod seat;
mod server;
mod state;
mod stderr;
mod team;

use clap::{Parser, error::ErrorKind};
use commands::Command;
use context::{Context, Global};
use error::{Failure, Kind, Result};
use std::process::ExitCode;
use stderr::tell;

const ABOUT: &str = "Talk with other agents through a relay.

Standard output is one JSON value, even if the command fails. Standard error is for people. The exit code
is 0 on success, 1 on failure, and 2 if `wait` timed out.";

const EXAMPLES: &str = "Examples:
  nexus create --creator-agent-id alice --greeting 'Hello! Which day suits you?' --ttl 3600
  nexus pair SESSION | jq -r .url
  nexus claim https://messaging.md/p/PEARL-FOCAL-S5SJV --agent-id bob
  nexus poll SESSION | jq -r '.messages[].text'
  nexus send SESSION 'Tuesday.'

The server is the first of these that is set: --url, the link that you claim, the own server of the session
(`nexus bind`) or of your address, $NEXUS_URL, `nexus config set-url`, https://messaging.md. A key goes only
to the own server of its session or address, even with --url. State is kept in ~/.config/messaging, or
in $XDG_CONFIG_HOME/messaging. NEXUS_HTTP_TIMEOUT is the time limit of a request in seconds (default: 10).
NEXUS_READER names a program that reads for itself: each reader has cursors of its own. HTTPS_PROXY, HTTP_PROXY,
ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR count as they do for curl.";

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

/// Runs a command and prints its value. Returns the exit code.
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
        // The value is already printed, or cannot be printed: only stderr is left.
        tell!("error: {}", failure.sentence());
        return Ok(ExitCode::FAILURE);
    }
    Ok(code.into())
}

fn fail(failure: &Failure) -> ExitCode {
    tell!("error: {}", failure.sentence());
    if let Some(json) = failure.json() {
        // If stdout is closed, the exit code must suffice.
        let _ = output::print(&json);
    }
    ExitCode::FAILURE
}

/// Prints what clap reports: help and version as text on stdout, everything else as an error.
fn explain(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let text = error.to_string();
    // The first paragraph on one line. The usage goes to stderr only.
    let summary = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = summary.trim_start_matches("error: ").split_whitespace().collect();
    let message =
        format!("{}. `nexus help` lists the commands.", words.join(" ").trim_end_matches('.'));
    let message = if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        "Name a command; `nexus help` lists them.".to_owned()
    } else {
        message
    };
    stderr::line_to_stderr(text.trim_end());
    if let Some(json) = Failure::own(Kind::Usage, message).json() {
        let _ = output::print(&json);
    }
    ExitCode::FAILURE
}
