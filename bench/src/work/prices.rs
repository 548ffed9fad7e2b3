//! What Cloudflare charges, computed from the resources of each call.

use crate::{Effort, report::Line};
use anyhow::Result;
use std::{env, process::Command};
use xtask::scale;

// Dollars per million, beyond what the plan "Workers Paid" includes, as published in 2026-11 under
// developers.cloudflare.com/workers/platform/pricing and /durable-objects/platform/pricing.
const WORKER_REQUEST: f64 = 0.30;
const PROCESSOR_MILLISECOND: f64 = 0.02;
const OBJECT_REQUEST: f64 = 0.15;
/// A message that arrives over a socket. Outgoing messages are free.
const OBJECT_MESSAGE: f64 = OBJECT_REQUEST / 20.0;
const GIGABYTE_SECOND: f64 = 12.50;
const ROW_WRITTEN: f64 = 1.00;
const ROW_READ: f64 = 0.001;

/// An object is billed as 128 MB while it works. A call is assumed to take 5 ms, which is more than
/// it does.
const OBJECT_CALL: f64 = 0.128 * 0.005 * GIGABYTE_SECOND;

/// A call to an object through the Worker, which takes at most a millisecond.
const CALL: f64 = WORKER_REQUEST + PROCESSOR_MILLISECOND + OBJECT_REQUEST + OBJECT_CALL;

pub fn run(_: &Effort) -> Result<Vec<Line>> {
    let poll = CALL + ROW_READ;
    // The end of a session whose agents only poll is stored once in a quarter of its TTL, of 3660 s.
    let presence = 3600.0 / 915.0 * ROW_WRITTEN;
    // All of a conversation of 20 messages, from its creation until nothing is left of it, divided by them: a send
    // and what both wait with.
    let conversation = |gap: u32, polls: f64| -> Result<f64> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let rows = scale::rows_of_message(&mut Command::new(cargo), gap)?;
        Ok(CALL + polls * poll + rows * ROW_WRITTEN)
    };
    let line = |work: &str, price| Line::shown(work, "$ a million", price);
    Ok(vec![
        line("price of a message, one of 20, every 26 s", conversation(26, 2.0 * 26.0 / 25.0)?),
        line("price of a message, one of 20 in a burst", conversation(0, 1.0)?),
        line("price of one message more", CALL + ROW_READ + ROW_WRITTEN),
        line("price of a message over a socket", OBJECT_MESSAGE + OBJECT_CALL + ROW_WRITTEN),
        line("price of an idle agent's hour, poll every 30 s", 120.0 * poll + presence),
        line("price of an idle agent's hour, long polls of 25 s", 144.0 * poll + presence),
        // The object sleeps. Pings are answered without waking it, and outgoing messages are free.
        line("price of an idle agent's hour, socket", 0.0),
    ])
}
