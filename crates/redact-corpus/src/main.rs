//! The command line of the measurements.

use anyhow::{Result, bail};
use nexus_redact_corpus::{harmless, scanners};
use std::env;

fn main() -> Result<()> {
    match env::args().nth(1).as_deref() {
        Some("harmless") => harmless::run(),
        Some("scanners") => scanners::run(),
        _ => bail!("say what to measure: harmless, scanners"),
    }
}
