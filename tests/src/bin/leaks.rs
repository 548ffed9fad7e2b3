//! Run by `cargo xtask test` after the black-box tests: checks everything that their relays have
//! logged.

use nexus_tests::leaks;
use std::{env, error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::var_os(leaks::FOLDER).ok_or("no folder of logs is named")?;
    let found = leaks::check(Path::new(&folder))?;
    for leak in found.leaks.iter().take(20) {
        eprintln!("{leak}");
    }
    let leaks::Found { requests, others, secrets, leaks } = &found;
    println!(
        "{requests} requests and {others} other lines logged; {secrets} secrets looked for; {} found.",
        leaks.len()
    );
    if *requests < 1000 || *secrets < 500 {
        return Err("that is too little to tell anything".into());
    }
    if leaks.is_empty() { Ok(()) } else { Err("the log of a relay holds what it must not".into()) }
}
