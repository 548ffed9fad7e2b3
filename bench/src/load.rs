//! Load: the same requests to both sides, in alternating turns.

use crate::{
    Effort,
    http::Bytes,
    report::{Bar, Line, median},
    server::{CONNECTIONS, Server, joined},
};
use anyhow::Result;
use std::{
    thread,
    time::{Duration, Instant},
};

/// The result of one turn.
#[derive(Clone, Copy, Default)]
pub struct Turn {
    pub per_second: f64,
    /// Processor time of workerd for each request, in microseconds. 0 if the machine does not
    /// report it.
    pub processor: f64,
}

/// Sends requests over [`CONNECTIONS`] connections until the time is over. Each connection sends
/// them in order, starting at a different one.
pub fn turn(server: &Server, requests: &[Bytes], status: u16, time: Duration) -> Result<Turn> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(server.connect()?);
    }
    let before = server.processor_time();
    let started = Instant::now();
    let done = thread::scope(|scope| {
        let threads = connections.into_iter().enumerate().map(|(at, mut connection)| {
            let first = at * requests.len() / CONNECTIONS;
            scope.spawn(move || {
                let mut done = 0_u32;
                for request in requests.iter().cycle().skip(first) {
                    if started.elapsed() > time {
                        break;
                    }
                    connection.expect(status, request)?;
                    done += 1;
                }
                Ok(done)
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(joined).sum::<Result<u32>>()
    })?;
    let taken = started.elapsed();
    let processor = server.processor_time().saturating_sub(before);
    let done = f64::from(done.max(1));
    Ok(Turn {
        per_second: done / taken.as_secs_f64(),
        processor: processor.as_secs_f64() * 1e6 / done,
    })
}

/// The turns of both sides, in pairs. One pair before them warms up.
pub fn turns(
    effort: &Effort,
    sides: [(&Server, &[Bytes]); 2],
    status: u16,
) -> Result<Vec<[Turn; 2]>> {
    for (server, requests) in sides {
        turn(server, requests, status, effort.turn)?;
    }
    let mut pairs = Vec::new();
    for round in 0..effort.rounds {
        let mut pair = [Turn::default(); 2];
        // The sides take turns being first, because the machine may change during a pair.
        for at in [round % 2, 1 - round % 2] {
            let (server, requests) = sides[at];
            pair[at] = turn(server, requests, status, effort.turn)?;
        }
        pairs.push(pair);
    }
    Ok(pairs)
}

/// The turns as a line: requests per second, and the median ratio of ours to the floor's.
pub fn line(
    work: &str,
    effort: &Effort,
    sides: [(&Server, &[Bytes]); 2],
    status: u16,
    bar: Bar,
) -> Result<Line> {
    let pairs = turns(effort, sides, status)?;
    let of = |figure: fn(&Turn) -> f64| {
        let side = |at: usize| median(pairs.iter().map(|pair| figure(&pair[at])).collect());
        let ratio = pairs.iter().map(|[ours, floor]| figure(ours) / figure(floor).max(1e-9));
        [side(0), side(1), median(ratio.collect())]
    };
    let [ours, floor, ratio] = of(|turn| turn.per_second);
    Ok(Line {
        processor_micros: Some(of(|turn| turn.processor)),
        ..Line::shown(work, "/s", ours).floor(floor).compared(ratio, "x", bar)
    })
}
