//! Rows written, as the cursors report them.

use crate::{
    Effort,
    http::{Bytes, Connection, request},
    report::{Bar, Line},
    server::{SIDES, Seat, Server},
};
use anyhow::{Context, Result};
use serde_json::json;
use xtask::relay::Relay;

/// How often each is measured. The directory writes at any time, so the least value counts.
const TRIES: usize = 7;

/// How many polls share a write.
const POLLS: u32 = 300;

pub fn run(_: &Effort) -> Result<Vec<Line>> {
    let server = Server::of(SIDES[0], Relay::builder().var("DIAGNOSTICS", "on"))?;
    let mut connection = server.connect()?;
    let seat = server.session(&mut connection)?;
    let create = request("PUT", "/v1/sessions", "", &json!({ "creatorAgentId": "a" }).to_string());
    let mut joins = 0;
    let mut join = || {
        joins += 1;
        let path = format!("/v1/sessions/{}/join", seat.session);
        request("POST", &path, &format!("X-Agent-Id: b{joins}\r\n"), "")
    };
    let created = least(&mut connection, &seat, || create.clone())?;
    let joined = least(&mut connection, &seat, &mut join)?;
    let sent = least(&mut connection, &seat, || seat.send(80))?;
    let renewed = least(&mut connection, &seat, || seat.call("POST", "/renew", ""))?;
    let poll = seat.poll("after=0");
    let before = rows(&mut connection, &poll)?;
    for _ in 1..POLLS {
        rows(&mut connection, &poll)?;
    }
    let polled = (rows(&mut connection, &poll)? - before) / f64::from(POLLS);
    let line = |work, rows, most| Line::bounded(work, "rows", rows, Bar::AtMost(most));
    Ok(vec![
        line("rows written: create and join", created + joined, 5.0),
        line("rows written: send", sent, 1.0),
        line("rows written: poll", polled, 0.02),
        line("rows written: renew", renewed, 1.0),
    ])
}

fn least(connection: &mut Connection, seat: &Seat, mut make: impl FnMut() -> Bytes) -> Result<f64> {
    let status = seat.call("GET", "", "");
    let mut least = f64::INFINITY;
    for _ in 0..TRIES {
        let before = rows(connection, &status)?;
        least = least.min(rows(connection, &make())? - before);
    }
    Ok(least)
}

/// Rows written until the call was answered.
fn rows(connection: &mut Connection, request: &[u8]) -> Result<f64> {
    let answer = connection.call(request)?;
    let rows = answer.header("X-Rows-Written").parse();
    rows.with_context(|| format!("no count of rows: {}", answer.head))
}
