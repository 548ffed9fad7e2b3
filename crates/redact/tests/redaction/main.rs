//! Secrets in messages (section 7): what is found, what is left alone, and that nothing else
//! changes.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod corpus;
mod docs;
mod kinds;
mod reports;
mod rules;
mod samples;

use nexus_redact::Redaction;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The text after redaction, and what was found.
fn text(text: &str) -> (String, BTreeMap<String, u32>) {
    let mut redaction = Redaction::default();
    let clean = redaction.text(text.to_owned());
    (clean, found(redaction))
}

/// The same for JSON.
fn json(text: &str) -> (String, BTreeMap<String, u32>) {
    let mut redaction = Redaction::default();
    let json = RawValue::from_string(text.to_owned()).unwrap();
    let clean = redaction.json(json).unwrap();
    (clean.get().to_owned(), found(redaction))
}

fn found(redaction: Redaction) -> BTreeMap<String, u32> {
    redaction.found().into_iter().map(|found| (found.kind.to_owned(), found.count)).collect()
}
