//! How long sealing and opening take: `cargo bench -p nexus-seal`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use divan::{Bencher, counter::BytesCount};
use nexus_protocol::AgentId;
use nexus_seal::{Field, Secret, Signer, open, seal, verify};

fn main() {
    divan::main();
}

const SIZES: [usize; 2] = [1024, 64 * 1024];

#[divan::bench(args = SIZES)]
fn seal_and_open(bencher: Bencher, size: usize) {
    let (secret, alice, text) = (Secret::from_random([1; 20]), agent(), vec![b'a'; size]);
    bencher.counter(BytesCount::new(size)).bench(|| {
        let sealed = seal(&secret, Field::Text, &alice, [7; 16], &text);
        open(&secret, Field::Text, &alice, &sealed).unwrap()
    });
}

#[divan::bench(args = SIZES)]
fn sign_and_verify(bencher: Bencher, size: usize) {
    let (signer, text) = (Signer::from_seed([1; 32]), vec![b'a'; size]);
    bencher.counter(BytesCount::new(size)).bench(|| verify(&signer.sign(&text)).unwrap());
}

fn agent() -> AgentId {
    "alice".parse().unwrap()
}
