//! `cargo xtask abuse`: checks whether honest agents notice when a relay is attacked. The attacks and
//! the honest agents are in the tests' package, which knows the protocol.

use anyhow::Result;
use clap::Parser;

use crate::process;
use crate::setup::Tools;
use crate::worker;

/// Lets pairs of honest agents talk, first alone and then while attackers do all that callers without
/// a proof can do. Fails if a message of an honest agent is refused or lost. Prints how long messages
/// took, how much memory the relay used, and what the attackers were answered.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// How long each of the two phases takes, in seconds.
    #[arg(long, value_name = "N", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(3..=3600))]
    pub seconds: u64,
    /// Make only this attack, such as `frames`; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Start a new relay for the attack, and fail if its memory at the end is more than 1.3 times that
    /// of the other relay.
    #[arg(long)]
    pub fresh: bool,
    /// Print one JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
}

/// Builds what is needed, and runs it.
///
/// # Errors
/// Something does not build or start, or honest agents noticed the attack.
pub fn run(tools: &Tools, options: &Options) -> Result<()> {
    worker::build(tools)?;
    let mut command = tools.program_of_tests("abuse");
    command.arg(format!("--seconds={}", options.seconds));
    command.args(options.only.iter().map(|name| format!("--only={name}")));
    command.args(options.fresh.then_some("--fresh")).args(options.json.then_some("--json"));
    process::run(&mut command)
}
