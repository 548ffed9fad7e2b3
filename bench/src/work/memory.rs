//! How much memory workerd uses for sessions and sockets that sleep.

use super::sockets::Socket;
use crate::{
    Effort,
    report::{Bar, Line},
    server::{SIDES, Server, joined},
};
use anyhow::Result;
use std::thread;

/// How many sockets are opened to each of half the sessions.
const SOCKETS: usize = 4;

/// MiB per thousand: sessions in use, sleeping sessions, sleeping sockets.
#[derive(Clone, Copy)]
struct Held([f64; 3]);

pub fn run(effort: &Effort) -> Result<Vec<Line>> {
    // Both at the same time, because most of it is waiting.
    let [ours, floor] = thread::scope(|scope| {
        let sides = SIDES.map(|side| scope.spawn(move || measure(&Server::start(side)?, effort)));
        let [ours, floor] = sides.map(joined);
        Ok::<_, anyhow::Error>([ours?, floor?])
    })?;
    let line = |work: &str, at: usize, bar| {
        let (ours, floor) = (ours.0[at], floor.0[at]);
        Line::shown(work, "MiB", ours).floor(floor).compared(ours / floor, "x", bar)
    };
    Ok(vec![
        line("memory of 1,000 sessions that were just used", 0, Bar::None),
        line("memory of 1,000 idle sessions", 1, Bar::AtMost(1.3)),
        line("memory of 1,000 open sockets, four to a session", 2, Bar::AtMost(1.3)),
    ])
}

fn measure(server: &Server, effort: &Effort) -> Result<Held> {
    // The cost of the first sessions belongs to the isolate.
    server.fill(&server.sessions(20)?, 20, 80)?;
    thread::sleep(effort.asleep);
    let start = memory(server);
    let seats = server.sessions(effort.idle)?;
    server.fill(&seats, 2, 80)?;
    let used = memory(server);
    thread::sleep(effort.asleep);
    // Fill them again. An object leaves memory behind when it first sleeps, and objects that wake
    // use it. This memory belongs to sessions, not to the sockets that wake them.
    server.fill(&seats, 1, 80)?;
    thread::sleep(effort.asleep);
    let asleep = memory(server);
    let mut sockets = Vec::new();
    for seat in seats.iter().take(effort.idle / 2) {
        for _ in 0..SOCKETS {
            sockets.push(Socket::open(server, seat)?);
        }
    }
    thread::sleep(effort.asleep);
    let open = memory(server);
    let thousands = |count: usize| u32::try_from(count).map(|count| f64::from(count) / 1000.0);
    let (idle, held) = (thousands(effort.idle)?, thousands(sockets.len())?);
    Ok(Held([(used - start) / idle, (asleep - start) / idle, (open - asleep) / held]))
}

/// In MiB. 0 if the machine does not report it.
fn memory(server: &Server) -> f64 {
    let kib = server.relay.memory().unwrap_or_default() / 1024;
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}
