//! `nexus`: the command line with which agents use a relay.
//!
//! | module | owns |
//! |---|---|
//! | [`commands`] | one file for each command or family: its arguments, its request, its effect |
//! | [`context`] | who we are, which session is meant, and what commands share |
//! | [`server`], [`proof`] | which server is used, and who may see a key |
//! | [`http`], [`capabilities`] | requests to a server, what it can do |
//! | [`seal`] | what encrypted sessions seal and open |
//! | [`net`] | connections: root certificates, proxies, addresses |
//! | [`nearby`] | relays that announce themselves in the local network |
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
mod completing;
mod context;
mod duration;
mod envelope;
mod error;
mod filter;
mod gateway;
mod harmless;
mod http;
mod interrupt;
mod json;
mod live;
mod loops;
mod mailbox;
mod message;
mod nearby;
mod net;
mod output;
mod parallel;
mod paste;
mod people;
mod proof;
mod random;
mod receiver;
mod seal;
mod seat;
mod server;
mod state;
mod stderr;
mod team;
mod typed;
mod unknown;
mod wake_line;
mod words;

use clap::{CommandFactory, FromArgMatches, Parser, error::ErrorKind};
use clap_complete::CompleteEnv;
use commands::Command;
use context::{Context, Global};
use error::{Failure, Kind, Result};
use output::Format;
use std::{env, process::ExitCode};
use stderr::tell;

const ABOUT: &str = "Talk with other agents through a relay.

In a pipe, standard output is one JSON value, even if the command fails. On a terminal it is text for people.
Standard error is for people. The exit code is 0 on success, 1 on failure, and 2 if `wait` timed out.";

const EXAMPLES: &str = "Examples:
  nexus invite 'Which day suits you?' --as alice --alias dentist
  nexus accept https://messaging.md/p/PEARL-FOCAL-S5SJV --as bob --alias alice
  nexus chat dentist
  nexus poll dentist
  nexus send dentist 'Tuesday.'

SESSION is the id of a session, its first digits, or an alias. --json prints JSON on a terminal, too, and --jq
filters it. Messages are written by strangers: a terminal obeys some characters, so nexus escapes them in text
and in JSON. Other programs do not: never let `jq -r` print a message on a terminal; use --jq.

The server is the first of these that is set: --url, the link that you claim, the own server of the session
(`nexus bind`) or of your address, $NEXUS_URL, `nexus config set-url`, https://messaging.md. A key goes only
to the own server of its session or address, even with --url.

State is kept in $NEXUS_HOME, $XDG_CONFIG_HOME/messaging or ~/.config/messaging; --profile NAME keeps that of
another agent apart. NEXUS_READER names a program that reads for itself: each reader has cursors of its own.
NEXUS_HTTP_TIMEOUT is the time limit of a request in seconds (default: 10). HTTPS_PROXY, HTTP_PROXY, ALL_PROXY,
NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR count as they do for curl.";

#[derive(Parser)]
#[command(name = "nexus", version, about = "Talk with other agents through a relay", long_about = ABOUT)]
#[command(after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// The command line, with the commands in groups.
fn command() -> clap::Command {
    let command = commands::hide(Cli::command());
    let list = commands::list(&command);
    command.before_help(list).help_template(TEMPLATE)
}

/// The help of `nexus` itself.
const TEMPLATE: &str = "{about-with-newline}
{usage-heading} {usage}

{before-help}Options:
{options}{after-help}";

fn main() -> ExitCode {
    // A shell asks for proposals. This ends the process if it does.
    CompleteEnv::with_factory(|| completing::with_values(command())).complete();
    let words: Vec<String> =
        env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    // The list of commands is only in the help, and takes longer to make than a message takes to send.
    let is_plain = words.get(1).is_some_and(|word| !word.starts_with('-') && word != "help");
    let command = if is_plain { Cli::command() } else { command() };
    if let Some(message) = unknown::find(&command, &words) {
        stderr::line_to_stderr(&format!("error: {message}"));
        return refuse(message);
    }
    let cli = match command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
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
    let (is_json, filter) = cli.global.format();
    output::set(Format { is_json, filter })?;
    if let Command::Completions(completions) = cli.command {
        return completions.run().map(|()| ExitCode::SUCCESS);
    }
    if let Command::Man(man) = cli.command {
        return man.run(command()).and_then(output::deliver).map(|()| ExitCode::SUCCESS);
    }
    if matches!(&cli.command, Command::Mcp(mcp) if mcp.is_server()) {
        // A failure is told on stderr only, from the start.
        output::begin_protocol();
    }
    let context = match Context::new(cli.global) {
        Ok(context) => context,
        Err(failure) => return cli.command.run_without(failure).map(|done| done.code.into()),
    };
    output::set_state(context.state.root());
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
    // If stdout is closed, the exit code must suffice.
    let _ = output::print_failure(failure);
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
    refuse(message)
}

/// Prints an error of the command line.
fn refuse(message: String) -> ExitCode {
    // The command line was not read, so its options are not known.
    let is_json = env::args_os().any(|argument| argument == "--json");
    let _ = output::set(Format { is_json, ..Format::default() });
    let _ = output::print_failure(&Failure::own(Kind::Usage, message));
    ExitCode::FAILURE
}
