//! How long the rules take, natively. These are figures, not checks. `cargo bench --package
//! nexus-core`
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "this never runs in WASM, and may panic"
)]
#![allow(missing_docs, reason = "a program")]

mod hot;

use divan::{Bencher, black_box};
use hot::Hot;
use nexus_protocol::{PairingCode, Region, SessionId, SessionKey};

fn main() {
    divan::main();
}

#[divan::bench]
fn make_a_pairing_code() -> PairingCode {
    PairingCode::from_random(black_box(Region::DEFAULT), black_box([7; 16]))
}

#[divan::bench]
fn make_a_session_id_and_a_key() -> (SessionId, SessionKey) {
    (SessionId::from_random(black_box([7; 24])), SessionKey::from_random(black_box([7; 32])))
}

#[divan::bench]
fn send(bencher: Bencher) {
    let mut hot = Hot::new();
    bencher.bench_local(|| hot.send());
}

#[divan::bench(args = [0, 1, 10, 100])]
fn poll(bencher: Bencher, messages: usize) {
    let mut hot = Hot::new();
    (0..messages).for_each(|_| hot.send());
    bencher.bench_local(|| hot.poll(black_box("after=0")));
}
