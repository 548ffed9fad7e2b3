//! Makes one kind of call many times, for a tool that counts instructions: `hot_paths send 1000`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "this never runs in WASM, and may panic"
)]

#[path = "../benches/hot/mod.rs"]
mod hot;

use hot::Hot;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("a path: send, poll or page");
    let times: u32 = arguments.next().and_then(|times| times.parse().ok()).expect("how often");
    let mut hot = Hot::new();
    (0..100).for_each(|_| hot.send());
    for _ in 0..times {
        match path.as_str() {
            "send" => hot.send(),
            "poll" => assert!(hot.poll("after=100") > 0),
            "page" => assert!(hot.poll("after=0") > 0),
            other => panic!("no path is called {other}"),
        }
    }
}
