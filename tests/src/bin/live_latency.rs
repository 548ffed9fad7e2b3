//! How long a message takes from one socket to another, while 20 sessions are active. Run by
//! `cargo xtask bench`; prints figures, checks nothing.

#![allow(clippy::disallowed_methods, clippy::expect_used, reason = "a bench may panic")]

use nexus_tests::{Api, relay};
use serde_json::json;
use std::{
    thread,
    time::{Duration, Instant},
};

/// Sessions that are active at a time, messages in each, and the pause between two: about 200 messages
/// a second in all.
const SESSIONS: usize = 20;
const MESSAGES: usize = 100;
const PAUSE: Duration = Duration::from_millis(100);

fn main() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|_| {
                let a = api.session();
                let b = a.join("b");
                scope.spawn(move || {
                    let (mut from, mut to) = (a.socket(Some("0")), b.socket(Some("0")));
                    from.expect("ready");
                    to.expect("ready");
                    let exchange = |number| {
                        thread::sleep(PAUSE);
                        let frame = json!({ "type": "send", "id": number, "text": "x".repeat(80) });
                        let started = Instant::now();
                        from.send(&frame.to_string());
                        to.expect("message");
                        let time = started.elapsed();
                        from.expect("message");
                        from.expect("sent");
                        time
                    };
                    (0..MESSAGES).map(exchange).collect::<Vec<_>>()
                })
            })
            .collect();
        sessions.into_iter().flat_map(|session| session.join().expect("a session")).collect()
    });
    times.sort();
    let percentile = |percent: usize| {
        let at = times.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
        times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    println!(
        "from socket to socket, {} messages in {SESSIONS} sessions: median {:.2} ms, p99 {:.2} ms",
        times.len(),
        percentile(50),
        percentile(99)
    );
}
