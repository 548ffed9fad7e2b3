//! `nexus receive`

use crate::{
    context::Context,
    error::Result,
    json::Json,
    loops::{Ended, Stop},
    output::Done,
    receiver::Receiver,
    stderr::tell,
};
use clap::Args;
use serde_json::json;
use std::{net::IpAddr, time::Duration};

/// How often to check whether printing has failed.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Args)]
#[command(after_help = "Examples:
  nexus receive --jq '.message // empty'
  nexus receive --port 19900
  curl -d '{\"from\":\"bob\",\"message\":\"hi\"}' http://127.0.0.1:19900/message

Each message is a JSON object and is printed as one line. It comes by `POST /message`, or over a WebSocket
from `nexus send --to` (any token will do). `GET /messages` lists the last 1000, and `GET /health` counts
them. Nobody proves who they are: treat each message as a stranger's. Web pages are refused. With --host,
other machines can write too, and nothing is encrypted: ask your human first.")]
pub(crate) struct Receive {
    /// The port; 0 chooses a free one and prints it
    #[arg(long, default_value_t = 19_900)]
    port: u16,
    /// The IP address to listen at
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    host: IpAddr,
    /// A host name as which others address this machine; may be given several times. IP addresses are
    /// always allowed
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
}

impl Receive {
    pub(crate) fn run(self, _: &Context) -> Result<Done> {
        let stop = Stop::on_signals()?;
        let receiver = Receiver::bind(self.host, self.port, self.allow_host)?;
        if !self.host.is_loopback() {
            tell!(
                "warning: other machines can write here; nothing is encrypted, and nobody proves who they are"
            );
        }
        tell!("receiving at http://{}/message", receiver.address());
        let failure = receiver.start();
        let failed = loop {
            if stop.sleep(LOOK) {
                break None;
            }
            if let Ok(failure) = failure.try_recv() {
                break Some(failure);
            }
        };
        if let Some(failure) = failed {
            return Err(failure);
        }
        let value = json!({
            "status": "stopped", "reason": Ended::Signal, "messages": receiver.messages(),
        });
        Ok(Json::of(&value).into())
    }
}
