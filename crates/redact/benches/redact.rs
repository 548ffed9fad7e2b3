//! How long the search takes: `cargo bench -p nexus-redact`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use divan::Bencher;
use nexus_redact::Redaction;

fn main() {
    divan::main();
}

/// Texts of 64 KiB, each full of one kind of content.
const TEXTS: [(&str, &str); 11] = [
    ("prose in many scripts", include_str!("../tests/redaction/prose.txt")),
    ("Markdown", include_str!("../../../docs/protocol.md")),
    ("source code", include_str!("../src/scan.rs")),
    ("JSON", "{\"id\": 4711, \"token\": \"abc12\", \"at\": \"2026-03-01T12:00:00Z\"},"),
    ("a lock file", include_str!("../../../Cargo.lock")),
    ("base64", "jxQYkj8dSIzc0cD6cMMNdOc1UVjqSqu8BZdor5s8cGjW2I8BjODt/kWPVdY+u9zj3ms75Q5q"),
    ("nothing but tokens", concat!("ghp_", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6 and text\n")),
    ("slow: what begins tokens", "eyJaaaaaaaaaaa-"),
    ("slow: what begins keys", "fo1_-"),
    ("slow: names and values", "secret=a:b@"),
    ("slow: names and tokens", "AGE-SECRET-KEY-PQ-1:AA"),
];

#[divan::bench(args = TEXTS.map(|(name, _)| name), sample_count = 50)]
fn redact_64_kib(bencher: Bencher, name: &str) {
    const LENGTH: usize = 64 * 1024;
    let (_, part) = TEXTS.into_iter().find(|(found, _)| *found == name).unwrap();
    let mut text = part.repeat(LENGTH.div_ceil(part.len()));
    text.truncate(text.floor_char_boundary(LENGTH));
    bencher.with_inputs(|| text.clone()).bench_values(|text| Redaction::default().text(text));
}

#[divan::bench]
fn redact_80_bytes(bencher: Bencher) {
    let text = "The tests of the parser are green, and the branch is ready for you to look at ok";
    bencher.with_inputs(|| text.to_owned()).bench_values(|text| Redaction::default().text(text));
}
