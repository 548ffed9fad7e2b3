//! `nexus receive`

use crate::{
    context::Context,
    error::Result,
    json::Json,
    loops::{Ended, Stop},
    output::{Done, tell},
    receiver::Receiver,
};
use clap::Args;
use serde_json::json;
use std::{net::IpAddr, time::Duration};

/// How often it is looked whether printing has failed.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Args)]
#[command(after_help = "Examples:
  nexus receive | jq -r '.message // empty'
  nexus receive --port 19900
  curl -d '{\"from\":\"bob\",\"message\":\"hi\"}' http://127.0.0.1:19900/message

`POST /message` takes a JSON object, which is one line here; `GET /messages` gives the last 1000, and
`GET /health` how many came. Nobody proves who they are: what comes is a stranger's words. Web pages are
refused. With --host, other machines are heard too, unencrypted: ask your human first.")]
pub(crate) struct Receive {
    /// The port; 0 takes a free one, and says which
    #[arg(long, default_value_t = 19_900)]
    port: u16,
    /// The address of this machine that is listened at
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    host: IpAddr,
}

impl Receive {
    pub(crate) fn run(self, _: &Context) -> Result<Done> {
        let stop = Stop::on_signals()?;
        let receiver = Receiver::bind(self.host, self.port)?;
        if !self.host.is_loopback() {
            tell!(
                "warning: other machines can write here, unencrypted, and without proving who they are"
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
