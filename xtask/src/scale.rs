//! `cargo xtask scale`: what one deployment bears and costs, and what a conversation costs in rows, by tests of `core`
//! that print it.

use anyhow::{Context, Result};

use crate::process;
use crate::setup::Tools;

/// Prints the tables of `docs/scale.md`, and checks that the document has them.
///
/// # Errors
/// The document has others.
pub fn run(tools: &Tools) -> Result<()> {
    process::run(tools.cargo().args(PRINTING).args([
        "--test",
        "scale",
        "--",
        "--nocapture",
        "the_document",
    ]))
}

const PRINTING: [&str; 4] = ["test", "--quiet", "--package", "nexus-core"];

/// The rows that a conversation of 20 messages costs from its creation until nothing is left of it, with this many
/// seconds between two messages, for each message.
///
/// # Errors
/// The rules do not keep to their budget.
pub fn rows_of_message(cargo: &mut std::process::Command, gap: u32) -> Result<f64> {
    cargo.args(PRINTING).args(["--test", "rhythm", "--", "--nocapture", "a_message_costs"]);
    let told = process::output(cargo)?;
    let begin = format!("{gap} s, keyed: false, Waiting: ");
    let line = told.lines().find_map(|line| line.split_once(&begin));
    let rows = line.and_then(|(_, rest)| rest.split(' ').next()?.parse::<f64>().ok());
    let rows = rows.with_context(|| format!("no figure for a gap of {gap} s"))?;
    Ok(rows / 20.0)
}
