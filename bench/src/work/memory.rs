//! What workerd holds for sessions and sockets that sleep.

use super::sockets::Socket;
use crate::{
    Effort,
    report::{Bar, Line},
    server::{SIDES, Server, joined},
};
use anyhow::Result;
use std::{ops::Sub, thread};

/// MiB for each thousand: sessions in use, sessions asleep, sockets asleep, the same again.
#[derive(Clone, Copy)]
struct Held([f64; 4]);

pub fn run(effort: &Effort) -> Result<Vec<Line>> {
    // Both at once: most of it is waiting.
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
        line("memory of 1,000 open sockets, two to a session", 2, Bar::AtMost(1.3)),
        line("memory of 1,000 more, on the same sessions", 3, Bar::None),
    ])
}

fn measure(server: &Server, effort: &Effort) -> Result<Held> {
    // What the first sessions cost belongs to the isolate.
    server.fill(&server.sessions(20)?, 20, 80)?;
    thread::sleep(effort.asleep);
    let start = memory(server);
    let seats = server.sessions(effort.idle)?;
    server.fill(&seats, 2, 80)?;
    let used = memory(server);
    thread::sleep(effort.asleep);
    let asleep = memory(server);
    let mut sockets = Vec::new();
    let mut open = [0.0; 2];
    for held in &mut open {
        for seat in seats.iter().take(effort.idle / 2) {
            sockets.push(Socket::open(server, seat)?);
            sockets.push(Socket::open(server, seat)?);
        }
        thread::sleep(effort.asleep);
        *held = memory(server);
    }
    drop(sockets);
    let thousands = f64::from(u32::try_from(effort.idle)?) / 1000.0;
    let [first, second] = open;
    let held = [used.sub(start), asleep.sub(start), first.sub(asleep), second.sub(first)];
    Ok(Held(held.map(|mib| mib / thousands)))
}

/// MiB; 0 where the machine does not tell.
fn memory(server: &Server) -> f64 {
    let kib = server.relay.memory().unwrap_or_default() / 1024;
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}
