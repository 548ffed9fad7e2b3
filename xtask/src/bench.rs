//! `cargo xtask bench`: compares the relay with the least that the platform allows. `bench/` says
//! what is measured and how. `docs/performance.md` has the latest results.

use anyhow::Result;
use clap::Parser;

use crate::process;
use crate::setup::Tools;
use crate::worker;

/// Measures the relay and a floor that checks nothing, in turns on one machine. Prints ratios, and
/// fails only if something could not be measured.
#[derive(Clone, Debug, Default, Parser)]
pub struct Options {
    /// Print JSON rather than a table.
    #[arg(long)]
    pub json: bool,
    /// Run only the section of this name, such as `send`, `poll`, `socket` or `memory`.
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,
    /// Do a little of everything, to see that it works. The figures mean nothing.
    #[arg(long)]
    pub smoke: bool,
}

/// Builds what is needed, and measures.
///
/// # Errors
/// Something does not build, start or work.
pub fn run(tools: &Tools, options: &Options) -> Result<()> {
    worker::build(tools)?;
    let profile = if options.smoke { "dev" } else { "dist" };
    let client = ["build", "--quiet", "--profile", profile, "--package", "nexus-cli"];
    process::run(tools.cargo().args(client))?;
    let mut command = tools.cargo();
    command.args(["run", "--quiet", "--package", "nexus-bench", "--"]);
    command.args(options.json.then_some("--json")).args(options.smoke.then_some("--smoke"));
    process::run(command.args(options.only.iter().flat_map(|name| ["--only", name])))
}
