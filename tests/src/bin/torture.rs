//! Run by `cargo xtask torture`, which describes it.

use nexus_tests::{random, torture};
use std::process::ExitCode;
use xtask::{Parser, torture::Options};

fn main() -> ExitCode {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(random::seed);
    eprintln!(
        "torture: {} sessions, {} kills, {} s, --seed {seed}",
        options.sessions, options.kills, options.seconds
    );
    match torture::run(&options, seed, |sentence| eprintln!("{sentence}")) {
        Ok(report) => {
            for fault in &report.verdict.faults {
                eprintln!("{fault}");
            }
            if options.json {
                println!("{}", report.json(&options, seed));
            } else {
                println!(
                    "{}\n{} kills, {} requests without an answer, {} messages given to readers; --seed {seed}",
                    report.verdict, report.kills, report.lost_answers, report.verdict.read
                );
            }
            if report.verdict.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error} (--seed {seed})");
            ExitCode::FAILURE
        }
    }
}
