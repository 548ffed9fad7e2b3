//! How the time of a send and of a poll grows with the amount of data.

use crate::{
    Effort,
    http::Bytes,
    load,
    report::{Bar, Line, median},
    server::{SIDES, Seat, Server},
};
use anyhow::Result;
use std::time::Instant;

/// A ratio up to this counts as flat.
const FLAT: Bar = Bar::AtMost(1.2);

pub fn run(effort: &Effort) -> Result<Vec<Line>> {
    let mut lines = messages(effort)?;
    lines.extend(members(effort)?);
    lines.extend(sessions(effort)?);
    Ok(lines)
}

/// How many sessions of each size are asked alternately in each round. It is the same for all
/// sizes, because a session that was asked just before responds faster.
const AT_A_TIME: usize = 2;

/// Growth with the messages of a session. Each round uses other small sessions, because messages
/// that are sent meanwhile would make them large.
fn messages(effort: &Effort) -> Result<Vec<Line>> {
    let server = Server::start(SIDES[0])?;
    let mut groups = Vec::new();
    let rounds = effort.rounds.saturating_add(1);
    for (size, count) in effort.messages.into_iter().zip([rounds, 1, 1]) {
        let seats = server.sessions(count.saturating_mul(AT_A_TIME))?;
        server.fill(&seats, size, 80)?;
        let sends = seats.iter().map(|seat| seat.send(80)).collect();
        let last = format!("after={}&limit=10", size.saturating_sub(10));
        let polls = seats.iter().map(|seat| seat.poll(&last)).collect();
        groups.push((size, polls, sends));
    }
    compare(effort, &server, "messages", &groups)
}

/// Growth with the members of a session.
fn members(effort: &Effort) -> Result<Vec<Line>> {
    let server = Server::start(SIDES[0])?;
    let mut groups = Vec::new();
    for size in [2, 50] {
        let seats = server.sessions(10)?;
        for seat in &seats {
            join(&server, seat, size)?;
        }
        server.fill(&seats, 10, 80)?;
        let sends = seats.iter().map(|seat| seat.send(80)).collect();
        let polls = seats.iter().map(|seat| seat.poll("after=0&limit=10")).collect();
        groups.push((size, polls, sends));
    }
    compare(effort, &server, "members", &groups)
}

fn join(server: &Server, seat: &Seat, members: usize) -> Result<()> {
    let mut connection = server.connect()?;
    for number in 1..members {
        seat.join(server, &mut connection, &format!("member-{number}"))?;
    }
    Ok(())
}

/// Sends request after request over one connection, for each group in turn. The figure is the time
/// of the largest group.
fn compare(
    effort: &Effort,
    server: &Server,
    of: &str,
    groups: &[(usize, Vec<Bytes>, Vec<Bytes>)],
) -> Result<Vec<Line>> {
    let mut connection = server.connect()?;
    let mut times = vec![[Vec::new(), Vec::new()]; groups.len()];
    for round in 0..=effort.rounds {
        for (group, times) in groups.iter().zip(&mut times) {
            let work = [(200, &group.1), (201, &group.2)];
            for ((status, requests), times) in work.into_iter().zip(times) {
                let asked = requests.chunks(AT_A_TIME).cycle().nth(round).unwrap_or_default();
                for request in asked.iter().cycle().take(effort.timed / 2) {
                    let started = Instant::now();
                    connection.expect(status, request)?;
                    // The first round warms up.
                    if round > 0 {
                        times.push(started.elapsed().as_secs_f64() * 1e6);
                    }
                }
            }
        }
    }
    let sizes = groups.iter().map(|(size, ..)| size.to_string()).collect::<Vec<_>>().join(", ");
    let line = |at: usize, what: &str| {
        let medians: Vec<f64> = times.iter().map(|times| median(times[at].clone())).collect();
        let least = medians.first().copied().unwrap_or_default();
        let most = medians.iter().copied().fold(0.0, f64::max);
        let work = format!("{what}, {sizes} {of} in the session: slowest to the first");
        Line::shown(work, "us", most).compared(most / least, "x", FLAT)
    };
    Ok(vec![line(1, "send"), line(0, "poll of 10")])
}

/// Growth with the sessions of a relay, compared with the floor, whose growth is the platform's.
fn sessions(effort: &Effort) -> Result<Vec<Line>> {
    let servers = [Server::start(SIDES[0])?, Server::start(SIDES[1])?];
    let mut seats = Vec::new();
    for server in &servers {
        let most = effort.crowds.into_iter().max().unwrap_or_default();
        seats.push(server.sessions(most)?);
    }
    let mut lines = Vec::new();
    for (what, status) in [("send", 201), ("empty poll", 200)] {
        let requests: Vec<Vec<Bytes>> = seats
            .iter()
            .map(|seats| {
                let request = |seat: &Seat| match status {
                    201 => seat.send(80),
                    _ => seat.poll("after=1000000"),
                };
                seats.iter().map(request).collect()
            })
            .collect();
        // For each size: ours and the floor's, as processor time if the machine reports it.
        let mut speeds = Vec::new();
        for size in effort.crowds {
            let sides = [(&servers[0], &requests[0][..size]), (&servers[1], &requests[1][..size])];
            let fewer = Effort { rounds: effort.rounds.div_ceil(3), ..*effort };
            let pairs = load::turns(&fewer, sides, status)?;
            let side = |at: usize| median(pairs.iter().map(|pair| pair[at].per_second).collect());
            speeds.push([side(0), side(1)]);
        }
        let growth = |at: usize| {
            let most = speeds.iter().map(|speed| speed[at]).fold(0.0, f64::max);
            let least = speeds.iter().map(|speed| speed[at]).fold(f64::INFINITY, f64::min);
            most / least
        };
        let sizes = effort.crowds.map(|size| size.to_string()).join(", ");
        let work = format!("{what}, {sizes} sessions: fastest to slowest");
        lines.push(Line::bounded(work, "x", growth(0), FLAT).floor(growth(1)));
    }
    Ok(lines)
}
