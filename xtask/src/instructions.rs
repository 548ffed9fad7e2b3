//! `cargo xtask instructions`: counts the instructions of the hot paths of `core`. Unlike times,
//! the counts are the same on a busy machine. `docs/performance.md` has the latest figures.

use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::project::Project;
use crate::setup::{Tools, debian};

/// How often a path is run in the first count, and how much more often in the second. Only the
/// difference counts, so the start does not matter.
const FEW: u64 = 100;
const MORE: u64 = 1000;

/// Counts, and prints a line for each path.
///
/// # Errors
/// Valgrind is missing, or something does not build or run.
pub fn run(tools: &Tools) -> Result<()> {
    if process::find("valgrind").is_none() && debian::is_possible() {
        debian::install(&["valgrind"])?;
    }
    let build = ["build", "--quiet", "--release", "--package", "nexus-core", "--example"];
    process::run(tools.cargo().args(build).arg("hot_paths"))?;
    for (path, about) in [
        ("send", "send a message of 80 bytes"),
        ("poll", "poll that finds nothing"),
        ("page", "poll that brings 100 messages"),
    ] {
        let [few, many] = [FEW, FEW + MORE].map(|times| count(tools.project(), path, times));
        let each = many?.saturating_sub(few?) / MORE;
        println!("{about}: {each} instructions");
    }
    Ok(())
}

fn count(project: &Project, path: &str, times: u64) -> Result<u64> {
    let program = project.path("target/release/examples/hot_paths");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([path, &times.to_string()])
        .output()
        .context("install Valgrind (Debian: `apt install valgrind`)")?;
    let told = String::from_utf8_lossy(&output.stderr);
    let counted = told.lines().find_map(|line| line.split_once("Collected :"));
    let counted = counted.and_then(|(_, count)| count.trim().parse().ok());
    counted.with_context(|| format!("Valgrind did not count:\n{told}"))
}
