//! `cargo xtask fuzz`: sends requests that the OpenAPI document allows, and others. The tests'
//! package decides which ones, and with which credentials.

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use crate::process;
use crate::setup::{Tools, schemathesis};
use crate::worker;

/// Makes up requests from the OpenAPI document, as a stranger and as an agent that knows
/// everything. Fails if the relay fails, or gives an answer that the document does not list.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// How long, in seconds.
    #[arg(long, value_name = "N", default_value_t = 240,
        value_parser = clap::value_parser!(u64).range(5..=3600))]
    pub seconds: u64,
    /// Repeats the requests of an earlier run.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The path of schemathesis.
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
