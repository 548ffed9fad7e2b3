//! What not every engine can do here, and which tests are left out for it. Nothing else leaves a test out.

use std::{env, fs, path::PathBuf, thread};
use xtask::setup::browser::{Engine, REPORT};

/// Something that a test needs, and that an engine may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Windows of different sizes, and the dark scheme.
    Looks,
}

/// The one list of what cannot be done, and why.
const LACKING: [(Engine, Capability, &str); 1] =
    [(Engine::Wpe, Capability::Looks, "its window has one size and one scheme")];

/// Whether the engine lacks what the running test needs. The test then ends, and the run tells that it was
/// left out.
#[must_use]
pub fn lacks(capability: Capability) -> bool {
    let engine = Engine::chosen().expect("an engine");
    let mut reasons =
        LACKING.iter().filter(|(whose, what, _)| (*whose, *what) == (engine, capability));
    let Some((.., reason)) = reasons.next() else { return false };
    let test = thread::current().name().unwrap_or_default().to_owned();
    println!("{test} is left out in {}: {reason}", engine.name());
    report(&format!("{}.left-out", test.replace("::", ".")), reason);
    true
}

/// Tells something to `cargo xtask browsers`, if that runs the tests.
pub(super) fn report(name: &str, text: &str) {
    if let Some(folder) = env::var_os(REPORT) {
        fs::write(PathBuf::from(folder).join(name), text).expect("a report");
    }
}
