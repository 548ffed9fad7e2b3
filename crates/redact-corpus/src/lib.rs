//! Measures the redaction: how many secrets it finds, and what else it changes.
//!
//! It owns the texts that must pass unchanged (`harmless`), and the comparison with other scanners
//! (`scanners`).
//!
//! `secrets` makes up secrets, puts them into texts as agents paste them, and counts those that are
//! found. No value is ever written down: all are assembled at run time, the same in every run.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::format_collect,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a measurement may end with a panic, and need not be fast"
)]

pub mod harmless;
pub mod process;
pub mod scanners;
pub mod secrets;
