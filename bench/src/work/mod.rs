//! The sections of the table, in their order.

mod client;
mod growth;
mod memory;
mod prices;
mod rows;
mod sockets;
mod start;
mod throughput;

use crate::{Effort, report::Line};
use anyhow::Result;
use clap::builder::PossibleValuesParser;

/// A part of the table that can be measured alone.
pub struct Section {
    pub name: &'static str,
    pub run: fn(&Effort) -> Result<Vec<Line>>,
}

pub const SECTIONS: [Section; 12] = [
    Section { name: "send", run: throughput::send },
    Section { name: "poll", run: throughput::poll },
    Section { name: "page", run: throughput::page },
    Section { name: "one-session", run: throughput::one_session },
    Section { name: "socket", run: sockets::run },
    Section { name: "start", run: start::run },
    Section { name: "size", run: start::size },
    Section { name: "rows", run: rows::run },
    Section { name: "growth", run: growth::run },
    Section { name: "memory", run: memory::run },
    Section { name: "price", run: prices::run },
    Section { name: "client", run: client::run },
];

pub fn names() -> PossibleValuesParser {
    SECTIONS.iter().map(|section| section.name).collect::<Vec<_>>().into()
}
