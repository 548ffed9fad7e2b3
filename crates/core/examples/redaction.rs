//! How long it takes to look for secrets in 64 KiB: figures, not checks. Run with `--release`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "this never runs in WASM, and may panic"
)]

use nexus_core::redact::Redaction;
use std::{hint::black_box, time::Instant};

const LENGTH: usize = 64 * 1024;
const ROUNDS: usize = 50;

fn main() {
    let prose = include_str!("../tests/redaction/prose.txt");
    let token = format!("ghp_{} and text\n", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6");
    for (name, text) in [
        ("prose in many scripts", prose),
        ("Markdown", include_str!("../../../docs/protocol.md")),
        ("source code", include_str!("../src/session/tasks.rs")),
        ("JSON", "{\"id\": 4711, \"token\": \"abc12\", \"at\": \"2026-03-01T12:00:00Z\"},"),
        ("a lock file", include_str!("../../../Cargo.lock")),
        ("base64", "jxQYkj8dSIzc0cD6cMMNdOc1UVjqSqu8BZdor5s8cGjW2I8BjODt/kWPVdY+u9zj3ms75Q5q"),
        ("nothing but tokens", &token),
        ("slow: what begins tokens", "eyJaaaaaaaaaaa-"),
        ("slow: what begins keys", "fo1_-"),
        ("slow: names and values", "secret=a:b@"),
        ("slow: names and tokens", "AGE-SECRET-KEY-PQ-1:AA"),
    ] {
        let mut text = text.repeat(LENGTH.div_ceil(text.len()));
        text.truncate(text.floor_char_boundary(LENGTH));
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let text = text.clone();
                let started = Instant::now();
                black_box(Redaction::default().text(text));
                started.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{name:28} median {:.2} ms, most {:.2} ms", times[ROUNDS / 2], times[ROUNDS - 1]);
    }
}
