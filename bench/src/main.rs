//! `cargo xtask bench`: the relay, compared with the least that the platform allows.
//!
//! Both run on the same machine in one run, each as `workerd serve` with the same kind of storage,
//! under the same load in alternating turns. The ratio is what matters. The absolute figures depend
//! on the machine.
//!
//! | module | owns |
//! |---|---|
//! | [`server`] | the two sides, and the requests to them |
//! | [`http`] | a client that uses little processor time |
//! | [`load`] | many requests, in turns |
//! | [`work`] | one file for each section of the table |
//! | [`report`] | the table, and JSON |

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark may panic, and is a program of its own"
)]
#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]

mod http;
mod load;
mod report;
mod server;
mod work;

use anyhow::{Context, Result};
use clap::Parser;
use report::{Line, Report};
use std::{fs, thread, time::Duration};
use std::{process::Command, time::Instant};

/// Measures the relay against the floor. It is run by `cargo xtask bench`, which builds the Worker first.
#[derive(Parser)]
struct Arguments {
    /// Print JSON rather than a table.
    #[arg(long)]
    json: bool,
    /// Run only the section of this name.
    #[arg(long, value_name = "NAME", value_parser = work::names())]
    only: Option<String>,
    /// Do a little of everything, to see that it works. The figures mean nothing.
    #[arg(long)]
    smoke: bool,
}

/// How much to do.
pub struct Effort {
    /// The number of pairs of turns.
    pub rounds: usize,
    /// The length of a turn.
    pub turn: Duration,
    /// How many requests are timed one by one in each turn.
    pub timed: usize,
    /// How often a start is timed.
    pub starts: usize,
    /// How many sessions are under load at the same time.
    pub sessions: usize,
    /// The sizes at which growth is measured.
    pub messages: [usize; 3],
    pub crowds: [usize; 3],
    /// How many sessions and sockets the memory is measured for, and how long until they sleep.
    pub idle: usize,
    pub asleep: Duration,
    /// The folder in which the client was built.
    pub client: &'static str,
}

const FULL: Effort = Effort {
    rounds: 9,
    turn: Duration::from_millis(600),
    timed: 300,
    starts: 7,
    sessions: 200,
    messages: [10, 1000, 10_000],
    crowds: [10, 1000, 5000],
    idle: 1000,
    asleep: Duration::from_secs(13),
    client: "target/dist/nexus",
};

const SMOKE: Effort = Effort {
    rounds: 1,
    turn: Duration::from_millis(100),
    timed: 10,
    starts: 1,
    sessions: 20,
    messages: [10, 20, 30],
    crowds: [5, 10, 20],
    idle: 20,
    asleep: Duration::from_millis(100),
    client: "target/debug/nexus",
};

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let effort = if arguments.smoke { SMOKE } else { FULL };
    let started = Instant::now();
    let mut lines: Vec<Line> = Vec::new();
    for section in &work::SECTIONS {
        if arguments.only.as_deref().is_none_or(|only| only == section.name) {
            eprintln!("{} ...", section.name);
            let measured = (section.run)(&effort);
            lines.extend(measured.with_context(|| format!("{} failed", section.name))?);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let report = Report { machine: machine(), workerd: workerd()?, seconds, lines };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}; {}; {seconds:.0} s\n", report.machine, report.workerd);
        print!("{}", report.table());
    }
    Ok(())
}

/// The machine's processor: its name, count and speed.
fn machine() -> String {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = told.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value)
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let model = field("model name").unwrap_or("a processor that does not say its name");
    let clock = field("cpu MHz").and_then(|clock| clock.parse().ok());
    let clock = clock.map(|mhz: f64| format!(" at {:.1} GHz", mhz / 1000.0)).unwrap_or_default();
    format!("{cores} cores, {model}{clock}")
}

fn workerd() -> Result<String> {
    let project = xtask::project::Project::here()?;
    let output = Command::new(project.npm_bin("workerd")).arg("--version").output();
    let output = output.context("workerd is missing: run `cargo xtask setup`")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
