//! What a new isolate costs: the time until it responds, and the size of what it loads.

use crate::{
    Effort,
    report::{Bar, Line, median},
    server::{SIDES, Server},
};
use anyhow::Result;
use std::time::Instant;
use xtask::{project::Project, worker};

/// From the start of workerd to the first response. Starting workerd itself takes the same for
/// both.
pub fn run(effort: &Effort) -> Result<Vec<Line>> {
    let mut servers = [Server::start(SIDES[0])?, Server::start(SIDES[1])?];
    let mut times: [Vec<f64>; 2] = Default::default();
    for round in 0..effort.starts {
        for at in [round % 2, 1 - round % 2] {
            servers[at].relay.kill();
            let started = Instant::now();
            servers[at].relay.restart()?;
            times[at].push(started.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let over = times[0].iter().zip(&times[1]).map(|(ours, floor)| ours - floor);
    let over = median(over.collect());
    let [ours, floor] = times.map(median);
    let work = "start of workerd to the first answer";
    Ok(vec![Line::shown(work, "ms", ours).floor(floor).compared(
        over,
        "ms over",
        Bar::AtMost(40.0),
    )])
}

pub fn size(_: &Effort) -> Result<Vec<Line>> {
    let project = Project::here()?;
    let mut bytes = 0.0;
    for file in [worker::ENTRY, worker::SCRIPT, worker::WASM] {
        let size = u32::try_from(worker::gzipped_size(&project.path(file))?)?;
        bytes += f64::from(size);
    }
    Ok(vec![Line::bounded("the Worker, gzipped", "KiB", bytes / 1024.0, Bar::AtMost(300.0))])
}
