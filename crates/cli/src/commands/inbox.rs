//! `nexus inbox`

use super::poll::{Patience, until};
use crate::{
    context::Context,
    error::Result,
    http::{Repeat, Request},
    json::Json,
    output::{Done, Then, tell},
};
use clap::Args;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use std::time::{Duration, Instant};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus inbox | jq -r '.messages[] | \"\\(.agentId): \\(.text)\"'
  nexus inbox --wait 60
  nexus inbox --keep

What was printed is acknowledged: it no longer waits, and its sender can see that. --keep leaves it waiting.")]
pub(crate) struct Inbox {
    /// If there is nothing, wait so many seconds for something
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "25")]
    wait: Option<u32>,
    /// Do not acknowledge what is printed
    #[arg(long)]
    keep: bool,
}

/// The part that matters of a page.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    messages: Vec<IgnoredAny>,
    next_cursor: String,
    #[serde(default)]
    has_more: bool,
}

impl Inbox {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let (address, server) = context.address()?;
        server.announce();
        let ends = until(Instant::now(), self.wait.unwrap_or(0).into());
        let patience = Patience::of(context, &server, Some(ends))?;
        let mailbox = format!("/v1/agents/{}", address.agent);
        let (answer, page) = loop {
            let (asked, wait) = (Instant::now(), patience.next());
            let hold = if wait > 0 { format!("?wait={wait}") } else { String::new() };
            let request = Request::get(format!("{mailbox}/messages{hold}"));
            let request = Request { wait: Duration::from_secs(wait.into()), ..request };
            let answer = context.call(&server, &address.sign(request))?;
            let page = answer.body.read::<Page>().filter(|page| !page.messages.is_empty());
            if page.is_some() || patience.is_over() {
                break (answer, page);
            }
            patience.rest(asked);
        };
        let mut done = Done::from(answer.body);
        let Some(page) = page else { return Ok(done) };
        if page.has_more {
            tell!("there is more: ask again");
        }
        if !self.keep {
            // Only what was printed has been dealt with.
            let http = context.http().clone();
            done.then = Some(Then(Box::new(move || {
                let body = Some(Json::of(&json!({ "cursor": page.next_cursor })));
                let request = Request::new(Method::POST, format!("{mailbox}/ack"), Repeat::Always);
                http.send(&server, &address.sign(Request { body, ..request })).map(drop)
            })));
        }
        Ok(done)
    }
}
