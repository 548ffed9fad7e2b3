//! Run by `cargo xtask abuse`, which describes it.

use nexus_tests::abuse;
use std::process::ExitCode;
use xtask::{Parser, abuse::Options};

fn main() -> ExitCode {
    let options = Options::parse();
    match abuse::run(&options, |sentence| eprintln!("{sentence}")) {
        Ok(report) => {
            if options.json {
                println!("{}", report.json());
            } else {
                println!("{report}");
            }
            let noticed = report.noticed();
            for sentence in &noticed {
                eprintln!("{sentence}");
            }
            if noticed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
