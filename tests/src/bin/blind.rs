//! Searches the records of encrypted sessions for what was said: `cargo xtask encrypted` runs it. Its arguments are
//! the folders of a run that was encrypted and of one that was not.

#![allow(clippy::print_stdout, reason = "it reports to the terminal")]

use nexus_tests::blind::compare;
use std::{env, path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let folders: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [encrypted, plain] = &folders[..] else {
        println!("Give it two folders: of an encrypted run and of one in the open.");
        return ExitCode::FAILURE;
    };
    let verdict = compare(encrypted, plain);
    println!(
        "{} relays, {} sealed strings of which {} were opened, {} texts and {} keys searched for.",
        verdict.relays, verdict.sealed, verdict.opened, verdict.texts, verdict.keys
    );
    for (relay, what) in &verdict.leaks {
        println!("In the records of {relay}: {what:?}");
    }
    for text in &verdict.unfound {
        println!("Not found in the open: {text:?}");
    }
    // Some tests send what is sealed with no key that is known here, or with a wrong one.
    let is_open =
        verdict.opened.saturating_mul(10) > verdict.sealed.saturating_mul(9) && verdict.texts > 300;
    let is_good = verdict.leaks.is_empty() && verdict.unfound.is_empty() && is_open;
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
