//! Requests per second.

use crate::{
    Effort,
    http::Bytes,
    load,
    report::{Bar, Line},
    server::{SIDES, Seat, Server},
};
use anyhow::Result;
use xtask::relay::Relay;

/// Measures a call that is made in each of many sessions.
fn in_sessions(
    work: &str,
    effort: &Effort,
    status: u16,
    bar: Bar,
    prepare: impl Fn(&Server, &[Seat]) -> Result<Vec<Bytes>>,
) -> Result<Line> {
    let servers = [Server::start(SIDES[0])?, Server::start(SIDES[1])?];
    let requests = |server: &Server| prepare(server, &server.sessions(effort.sessions)?);
    let (ours, floor) = (requests(&servers[0])?, requests(&servers[1])?);
    load::line(work, effort, [(&servers[0], &ours), (&servers[1], &floor)], status, bar)
}

/// Sends of 80 bytes, with the key of the sender.
pub fn send(effort: &Effort) -> Result<Vec<Line>> {
    let work = format!("send, {} sessions", effort.sessions);
    let line = in_sessions(&work, effort, 201, Bar::AtLeast(0.95), |_, seats| {
        Ok(seats.iter().map(|seat| seat.send(80)).collect())
    })?;
    Ok(vec![line, limited(effort)?])
}

/// The cost of the stand-in for the rate limit during sends. It is not the platform's own.
fn limited(effort: &Effort) -> Result<Line> {
    let limited = Relay::builder().rate_limits_never_reached();
    let servers = [Server::of(SIDES[0], limited)?, Server::start(SIDES[0])?];
    let mut requests = Vec::new();
    for server in &servers {
        let seats = server.sessions(effort.sessions)?;
        requests.push(seats.iter().map(|seat| seat.send(80)).collect::<Vec<_>>());
    }
    let sides = [(&servers[0], &requests[0][..]), (&servers[1], &requests[1][..])];
    let work = "send with the local rate limit, against without";
    load::line(work, effort, sides, 201, Bar::None)
}

pub fn poll(effort: &Effort) -> Result<Vec<Line>> {
    let work = format!("empty poll, {} sessions", effort.sessions);
    let bar = Bar::AtLeast(0.85);
    let line = in_sessions(&work, effort, 200, bar, |server, seats| {
        server.fill(seats, 3, 80)?;
        Ok(seats.iter().map(|seat| seat.poll("after=3")).collect())
    })?;
    Ok(vec![line])
}

pub fn page(effort: &Effort) -> Result<Vec<Line>> {
    let work = "poll that brings 100 messages of 200 bytes";
    // Fewer sessions, because each must be filled before the page is measured.
    let effort = &Effort { sessions: effort.sessions / 10, ..*effort };
    let line = in_sessions(work, effort, 200, Bar::AtLeast(1.3), |server, seats| {
        server.fill(seats, 100, 200)?;
        Ok(seats.iter().map(|seat| seat.poll("after=0")).collect())
    })?;
    Ok(vec![line])
}

pub fn one_session(effort: &Effort) -> Result<Vec<Line>> {
    let effort = &Effort { sessions: 1, ..*effort };
    let line =
        in_sessions("send into one session", effort, 201, Bar::AtLeast(0.95), |_, seats| {
            Ok(seats.iter().map(|seat| seat.send(80)).collect())
        })?;
    Ok(vec![line])
}
