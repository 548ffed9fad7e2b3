//! The command line of `cargo xtask`.

#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use xtask::checks::{self, Selection};
use xtask::dev::{self, Options};
use xtask::project::Project;
use xtask::{
    abuse, audit, bench, browsers, dist, encrypted, fuzz, hosts, instructions, latency, mcp,
    openapi, plugins, redaction, scale, setup, soak, torture, worker,
};

/// Builds, runs and checks the relay. Every command first installs what it needs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install the pinned tools and the WASM target, if they are not there yet.
    Setup,
    /// Build the Worker into build/, if its sources changed.
    Build,
    /// Build the relay and serve it on this machine until Ctrl-C.
    #[command(after_help = "Examples:\n  cargo xtask dev\n  \
        cargo xtask dev --port 9000 --rate-limit 0 --var DEFAULT_TTL_SECONDS=60")]
    Dev {
        /// The port on localhost.
        #[arg(long, default_value_t = 8787)]
        port: u16,
        /// Requests a minute per client IP; 0 sets no limit. Default: what wrangler.toml says.
        #[arg(long, value_name = "N")]
        rate_limit: Option<u32>,
        /// The folder that keeps the relay's data between runs.
        #[arg(long, value_name = "DIR", default_value = ".wrangler/nexus-dev")]
        state: PathBuf,
        /// Set a variable of wrangler.toml to another value; may be repeated.
        #[arg(long = "var", value_name = "NAME=VALUE", value_parser = parse_var)]
        vars: Vec<(String, String)>,
    },
    /// Run every check, in the order of their cost, up to the first that fails.
    Test {
        /// Run only the tests whose name contains this.
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
        /// Run only this step.
        #[arg(long, value_name = "STEP", value_parser = checks::step_names())]
        step: Option<String>,
    },
    Browsers(browsers::Options),
    Encrypted(encrypted::Options),
    Bench(bench::Options),
    /// Count the instructions that the rules take to send and to poll, with Valgrind.
    Instructions,
    /// Add up how long pairing and talking take between the regions of the world.
    Latency,
    /// Compute by the rules themselves what one deployment bears and costs.
    Scale,
    /// Bring docs/openapi.json up to date with the types of the code.
    Openapi,
    /// Copy the skill and the version into the plugins for agent hosts.
    Plugins,
    Audit(audit::Options),
    Dist(dist::Options),
    Fuzz(fuzz::Options),
    Hosts(hosts::Options),
    Torture(torture::Options),
    Mcp(mcp::Options),
    Soak(soak::Options),
    Abuse(abuse::Options),
    Redaction(redaction::Options),
}

fn parse_var(text: &str) -> Result<(String, String)> {
    let (name, value) = text
        .split_once('=')
        .context("write it as NAME=VALUE, for example DEFAULT_TTL_SECONDS=60")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn run(command: Command) -> Result<()> {
    let project = Project::here()?;
    match command {
        Command::Setup => setup::ensure(&project).map(drop),
        Command::Build => worker::build(&setup::ensure(&project)?),
        Command::Dev { port, rate_limit, state, vars } => {
            dev::run(&project, &Options { port, rate_limit, state, vars })
        }
        Command::Test { filter, step } => {
            checks::run(&setup::ensure(&project)?, &Selection { filter, step })
        }
        Command::Browsers(options) => browsers::run(&setup::ensure(&project)?, &options),
        Command::Encrypted(options) => encrypted::run(&setup::ensure(&project)?, &options),
        Command::Bench(options) => bench::run(&setup::ensure(&project)?, &options),
        Command::Instructions => instructions::run(&setup::ensure(&project)?),
        Command::Latency => latency::run(&project),
        Command::Scale => scale::run(&setup::ensure(&project)?),
        Command::Openapi => openapi::run(&project),
        Command::Plugins => plugins::run(&project),
        Command::Audit(options) => audit::run(&project, &options),
        Command::Dist(options) => dist::run(&setup::ensure(&project)?, &options),
        Command::Fuzz(options) => fuzz::run(&setup::ensure(&project)?, &options),
        Command::Mcp(options) => mcp::run(&setup::ensure(&project)?, &options),
        Command::Hosts(options) => hosts::run(&setup::ensure(&project)?, &options),
        Command::Torture(options) => torture::run(&setup::ensure(&project)?, &options),
        Command::Soak(options) => soak::run(&setup::ensure(&project)?, &options),
        Command::Abuse(options) => abuse::run(&setup::ensure(&project)?, &options),
        Command::Redaction(options) => redaction::run(&project, &options),
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
