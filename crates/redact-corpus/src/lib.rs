//! Measures the search for secrets: over texts without any, and beside other scanners.
//!
//! It owns the texts that must pass unchanged (`harmless`) and the comparison (`scanners`).

pub mod harmless;
pub mod process;
pub mod scanners;
pub mod secrets;
