//! `nexus-redact-corpus COMMAND [OPTIONS]`: runs one of the measurements.

use std::env;
use std::process::ExitCode;

const USAGE: &str = "usage: nexus-redact-corpus secrets [--show FORM | --all] [--values N]";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    match arguments.next().as_deref() {
        Some("secrets") => nexus_redact_corpus::secrets::run(arguments),
        Some("help" | "--help") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
