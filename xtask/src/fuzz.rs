//! `cargo xtask fuzz`: asks a relay all that its OpenAPI document allows, and more. What is asked, and
//! of whom, is in the tests' package.

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use crate::process;
use crate::setup::{Tools, schemathesis};
use crate::worker;

/// Makes up requests from the OpenAPI document, as a stranger and as an agent that knows everything.
/// Fails if the relay fails, or answers what the document does not say.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// How long.
    #[arg(long, value_name = "N", default_value_t = 240,
        value_parser = clap::value_parser!(u64).range(5..=3600))]
    pub seconds: u64,
    /// Repeats the requests of an earlier run.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The program that makes them up.
    #[arg(long, hide = true, default_value = "schemathesis")]
    pub program: PathBuf,
}

/// Builds what is needed, and runs it.
///
/// # Errors
/// Something does not build or start, or a fault was found.
pub fn run(tools: &Tools, options: &Options) -> Result<()> {
    worker::build(tools)?;
    let mut command = tools.program_of_tests("fuzz");
    command.arg("--program").arg(schemathesis::ensure()?);
    command.arg(format!("--seconds={}", options.seconds));
    process::run(command.args(options.seed.map(|seed| format!("--seed={seed}"))))
}
