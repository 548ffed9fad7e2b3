//! From the socket of one member to the socket of another.

use crate::{
    Effort,
    report::{Bar, Line, median},
    server::{SIDES, Seat, Server, words},
};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::{
    net::{Ipv4Addr, TcpStream},
    time::{Duration, Instant},
};
use tungstenite::{Message, WebSocket, client::IntoClientRequest};

/// An open socket.
pub struct Socket(WebSocket<TcpStream>);

impl Socket {
    pub fn open(server: &Server, seat: &Seat) -> Result<Self> {
        let port = server.relay.port();
        let url = format!("ws://127.0.0.1:{port}/v1/sessions/{}/ws?after=0", seat.session);
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("X-Agent-Id", seat.agent.parse()?);
        request.headers_mut().insert("X-Session-Key", seat.key.parse()?);
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let (socket, _) = tungstenite::client(request, stream)
            .map_err(|error| anyhow::anyhow!("no socket: {error}"))?;
        Ok(Self(socket))
    }

    pub fn send(&mut self, text: &str) -> Result<()> {
        Ok(self.0.send(Message::text(text))?)
    }

    /// Reads until the next frame of this type.
    pub fn wait_for(&mut self, kind: &str) -> Result<()> {
        let kind = format!("\"type\":\"{kind}\"");
        loop {
            match self.0.read().context("a socket brings nothing")? {
                Message::Text(text) if text.contains(&kind) => return Ok(()),
                Message::Close(frame) => bail!("a socket was closed: {frame:?}"),
                _ => {}
            }
        }
    }
}

pub fn run(effort: &Effort) -> Result<Vec<Line>> {
    let servers = [Server::start(SIDES[0])?, Server::start(SIDES[1])?];
    let mut pairs = Vec::new();
    for server in &servers {
        let mut connection = server.connect()?;
        let a = server.session(&mut connection)?;
        let b = a.join(server, &mut connection, "b")?;
        pairs.push([Socket::open(server, &a)?, Socket::open(server, &b)?]);
    }
    let frame = json!({ "type": "send", "id": 1, "text": words(80) }).to_string();
    let mut times: [Vec<f64>; 2] = Default::default();
    for round in 0..=effort.rounds {
        for at in [round % 2, 1 - round % 2] {
            let [from, to] = &mut pairs[at];
            for _ in 0..effort.timed {
                let started = Instant::now();
                from.send(&frame)?;
                to.wait_for("message")?;
                let time = started.elapsed();
                from.wait_for("sent")?;
                // The first round warms up.
                if round > 0 {
                    times[at].push(time.as_secs_f64() * 1000.0);
                }
            }
        }
    }
    let [ours, floor] = times;
    let (fast, floor_fast) = (median(ours.clone()), median(floor.clone()));
    let (slow, floor_slow) = (percentile_99(ours), percentile_99(floor));
    Ok(vec![
        Line::bounded("send to receipt over sockets, median", "ms", fast, Bar::AtMost(3.0))
            .floor(floor_fast),
        Line::shown("the same, held against the floor", "ms", fast).floor(floor_fast).compared(
            fast / floor_fast,
            "x",
            Bar::AtMost(1.0),
        ),
        Line::shown("send to receipt over sockets, p99", "ms", slow).floor(floor_slow).compared(
            slow / floor_slow,
            "x",
            Bar::None,
        ),
    ])
}

fn percentile_99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}
