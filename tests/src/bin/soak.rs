//! Run by `cargo xtask soak`, which describes it.

use nexus_tests::soak;
use std::{process::ExitCode, time::Duration};
use xtask::{Parser, soak::Options};

fn main() -> ExitCode {
    let options = Options::parse();
    match soak::run(Duration::from_mins(options.minutes), |sentence| eprintln!("{sentence}")) {
        Ok(report) => {
            if options.json {
                println!("{}", report.json());
            } else {
                print!("{report}");
            }
            let growth = report.growth();
            for sentence in &growth {
                eprintln!("{sentence}");
            }
            if growth.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
