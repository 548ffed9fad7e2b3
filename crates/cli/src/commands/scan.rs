//! `nexus scan`

use crate::{
    duration,
    error::{Failure, Kind, Result},
    json::Json,
    nearby::{self, Protocol},
    output::Done,
    stderr::tell,
};
use clap::Args;
use serde_json::json;
use std::{
    net::SocketAddrV4,
    time::{Duration, Instant},
};

/// The longest scan, in seconds.
const LONGEST: u32 = 60;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus scan
  nexus scan --timeout 10s | jq -r '.relays[].url'
  nexus config set-url http://192.168.1.20:8787

This finds relays that announce themselves (`nexus-relay --lan`) and those of ClawLink. Nobody checks what a relay
says of itself, and anybody in the network can announce one.")]
pub(crate) struct Scan {
    /// How long to listen, such as 10s
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration::at_least_one)]
    timeout: u32,
    /// Listen at this address and port only. For tests.
    #[arg(long, value_name = "ADDRESS:PORT", hide = true)]
    at: Option<SocketAddrV4>,
}

impl Scan {
    pub(crate) fn run(self) -> Result<Done> {
        if self.timeout > LONGEST {
            let message = format!("--timeout may be at most {LONGEST}s.");
            return Err(Failure::own(Kind::Usage, message));
        }
        let now = Instant::now();
        let until = now.checked_add(Duration::from_secs(self.timeout.into())).unwrap_or(now);
        let relays = nearby::find(until, self.at)?;
        if relays.is_empty() {
            tell!(
                "No relay announces itself in this network. `npx nexus-relay --lan` hosts one that does."
            );
        } else {
            tell!(
                "Anybody in the network can announce a relay: ask its owner whether a URL is the right one."
            );
        }
        if relays.iter().any(|relay| relay.kind == Protocol::Nexus) {
            tell!("`nexus config set-url URL` makes one your server.");
        }
        Ok(Json::of(&json!({ "relays": relays })).into())
    }
}
