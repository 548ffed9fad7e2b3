//! Makes the fixtures of older relays, as `tests/fixtures/older-relays/README.md` says.

#![allow(clippy::print_stdout, reason = "it reports to the terminal")]

use nexus_tests::{Api, dialogue::now, older};
use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["live", url, fixture] => {
            older::keep_answers(&older::Life::lived(Api::new(url)), Path::new(fixture));
        }
        ["keep", data, fixture] => older::keep_data(Path::new(data), Path::new(fixture), now()),
        _ => {
            println!("Give it `live URL FIXTURE`, or `keep DATA FIXTURE`.");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
