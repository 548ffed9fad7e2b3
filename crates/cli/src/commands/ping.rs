//! `nexus ping`

use crate::{
    context::Context,
    error::Result,
    gateway,
    http::{Repeat, Request},
    json::Json,
    output::Done,
    state::Reach,
};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use std::time::Instant;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus ping bob-home | jq .millis

For a gateway, this measures how long it takes to open a socket (at most 5 s). For an address, it measures
how long the relay takes to tell whether the agent is online.")]
pub(crate) struct Ping {
    /// A name in your contact book
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    online: bool,
}

impl Ping {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let name = self.name;
        let value = match context.state.contact(&name)?.reach(&name)? {
            Reach::Gateway(address) => {
                let millis = gateway::ping(&address)?;
                json!({ "contact": name, "url": address.url(), "millis": millis })
            }
            Reach::Agent(id) => {
                let server = context
                    .mailbox()
                    .map_or_else(|_| context.server(None), |mailbox| Ok(mailbox.server))?;
                server.announce();
                let begun = Instant::now();
                let request = Request::get(format!("/v1/agents/{id}"));
                let answer =
                    context.call(&server, &Request { repeat: Repeat::Never, ..request })?;
                let millis = gateway::millis(begun);
                let online = answer.body.read::<Status>().unwrap_or_default().online;
                json!({ "contact": name, "agentId": id, "online": online, "millis": millis })
            }
        };
        Ok(Json::of(&value).into())
    }
}
