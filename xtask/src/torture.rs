//! `cargo xtask torture`: checks whether the relay keeps its promises while it is killed again and
//! again. The load and the comparison are in the tests' package, which knows the protocol.

use anyhow::Result;
use clap::Parser;

use crate::process;
use crate::setup::Tools;
use crate::worker;

/// Kills a relay with SIGKILL at random moments while many agents send, read, claim and join, write
/// mails, do tasks, save files and get posts to webhooks. Afterwards compares what was acknowledged
/// with what can be read. Fails if anything is lost, doubled or disordered, if a code was not won
/// exactly once, or if a session had more members than seats.
#[derive(Clone, Debug, Parser)]
#[command(
    after_help = "The seed decides when the relay is killed and what each actor chooses, but \
    not how the threads of a machine run: a fault may need several runs to show again."
)]
pub struct Options {
    /// Sessions in which agents talk. For every 20 of them there is one more with few seats. For
    /// every 10 there are three addresses, and one session each for tasks, files and a webhook.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = parse_sessions)]
    pub sessions: usize,
    /// How often the relay is killed.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub kills: usize,
    /// How long the run takes in seconds, including the comparison. Unanswered requests then get 20
    /// s more.
    #[arg(long, value_name = "N", default_value_t = 270,
        value_parser = clap::value_parser!(u64).range(10..=3600))]
    pub seconds: u64,
    /// Repeats the random choices of an earlier run.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print one JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
}

fn parse_sessions(text: &str) -> Result<usize> {
    let sessions = text.parse()?;
    anyhow::ensure!((1..=1000).contains(&sessions), "1 to 1000");
    Ok(sessions)
}

impl Options {
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--sessions={}", self.sessions),
            format!("--kills={}", self.kills),
            format!("--seconds={}", self.seconds),
        ];
        arguments.extend(self.seed.map(|seed| format!("--seed={seed}")));
        arguments.extend(self.json.then(|| "--json".to_owned()));
        arguments
    }
}

/// Builds what is needed, and runs it.
///
/// # Errors
/// Something does not build or start, or the relay broke a promise.
pub fn run(tools: &Tools, options: &Options) -> Result<()> {
    worker::build(tools)?;
    // Built with the tests' profile, because the relay does most of the work.
    let mut command = tools.program_of_tests("torture");
    process::run(command.args(options.arguments()))
}
