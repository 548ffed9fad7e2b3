//! `nexus-redact-corpus COMMAND [OPTIONS]`: runs one of the measurements.

use nexus_redact_corpus::{harmless, scanners, secrets};
use std::env;
use std::process::ExitCode;

const USAGE: &str =
    "usage: nexus-redact-corpus secrets [--show FORM | --all] [--values N] | harmless | scanners";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some("secrets") => return secrets::run(arguments),
        Some("harmless") => harmless::run(),
        Some("scanners") => scanners::run(),
        Some("help" | "--help") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
