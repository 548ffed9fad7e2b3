//! `cargo xtask hosts`: shows the real agent hosts what this checkout has for them.
//!
//! Nothing of it needs a login or a model: [`scene`] starts a relay, and `xtask/hosts/model.mjs` in the place of the
//! models. A host runs with an environment and a home of its own, so no setting of this machine counts.
//!
//! | module | owns |
//! |---|---|
//! | [`install`] | the hosts in their pinned versions, in `target/hosts` |
//! | [`scene`] | what one host is shown: a relay, a model, another agent; and what became of each check |
//! | [`record`] | what a host sends to an MCP server, as it is kept in `tests/hosts` |
//! | [`terminal`] | a terminal for hosts that need one |
//! | [`claude`], [`codex`], [`openclaw`], [`opencode`], [`gemini`] | the checks of one host |

#![allow(
    clippy::indexing_slicing,
    reason = "only JSON is indexed, where what is missing is null; what is written to is an object"
)]

mod claude;
mod codex;
mod gemini;
mod install;
mod openclaw;
mod opencode;
mod record;
mod scene;
mod terminal;

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};

use self::install::Host;
use self::scene::{Scene, Stage};
use crate::setup::Tools;
use crate::worker;

/// Installs the agent hosts (Claude Code, Codex, `OpenClaw`, opencode, Gemini CLI) and shows for each that it connects
/// to the relay's MCP server, calls its tools, loads the plugin, and is woken by a message. Needs 2 GB of disk.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Only this host; may be repeated.
    #[arg(long, value_name = "HOST")]
    only: Vec<Host>,
    /// Replace the recorded requests in tests/hosts by those of this run.
    #[arg(long)]
    record: bool,
}

/// Shows everything to every host.
///
/// # Errors
/// Something cannot be installed or started, or a check failed.
pub fn run(tools: &Tools, options: &Options) -> Result<()> {
    let hosts = if options.only.is_empty() { Host::value_variants() } else { &options.only };
    worker::build(tools)?;
    terminal::ensure()?;
    let mut failed = Vec::new();
    for host in hosts {
        install::ensure(tools.project(), *host)?;
        let stage = Stage::new(tools, *host)?;
        println!("\n== {} {}", host.name(), host.version());
        let mut scene = Scene::new(&stage)?;
        match host {
            Host::ClaudeCode => claude::run(&mut scene),
            Host::Codex => codex::run(&mut scene),
            Host::Openclaw => openclaw::run(&mut scene),
            Host::Opencode => opencode::run(&mut scene),
            Host::Gemini => gemini::run(&mut scene),
        }
        if options.record {
            record::save(tools.project(), *host, &scene.recorded()?)?;
        }
        failed.extend(scene.failed());
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    println!("\nAll is well.");
    Ok(())
}
