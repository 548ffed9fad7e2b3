//! `cargo xtask soak`: checks whether a relay under steady load grows or slows down. The load and
//! the comparison are in the tests' package.

use anyhow::Result;
use clap::Parser;

use crate::process;
use crate::setup::Tools;
use crate::worker;

/// Keeps a relay under steady load, measures its memory and how long messages take, and compares
/// the later part of the run with the earlier part. Fails on growth.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// How long, in minutes.
    #[arg(long, value_name = "N", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(5..=1440))]
    pub minutes: u64,
    /// Print one JSON object instead of sentences.
    #[arg(long)]
    pub json: bool,
}

/// Builds what is needed, and runs it.
///
/// # Errors
/// Something does not build or start, or the relay grew or slowed down.
pub fn run(tools: &Tools, options: &Options) -> Result<()> {
    worker::build(tools)?;
    let mut command = tools.program_of_tests("soak");
    command.arg(format!("--minutes={}", options.minutes));
    process::run(command.args(options.json.then_some("--json")))
}
