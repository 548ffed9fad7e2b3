//! `nexus block`, `unblock`, `allow`, `disallow`, `allow-only`: whose messages an address accepts.

use crate::{
    context::Context,
    error::Result,
    http::{Repeat, Request},
    json::Json,
    mailbox::any_id,
    output::Done,
};
use clap::{Args, ValueEnum};
use nexus_protocol::AgentId;
use serde_json::json;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus address block eve
  nexus address block eve --agent-id bob-calendar

A blocked agent is told that it is blocked when it sends.")]
pub(crate) struct Block {
    /// The address to block
    #[arg(value_parser = any_id)]
    id: AgentId,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  nexus address unblock eve")]
pub(crate) struct Unblock {
    /// The address to unblock
    #[arg(value_parser = any_id)]
    id: AgentId,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus address allow alice
  nexus address allow alice && nexus address allow-only on

The list has an effect only while `nexus address allow-only` is on. A blocked address stays blocked even if it is
on the list.")]
pub(crate) struct Allow {
    /// The address to add
    #[arg(value_parser = any_id)]
    id: AgentId,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  nexus address disallow alice")]
pub(crate) struct Disallow {
    /// The address to remove
    #[arg(value_parser = any_id)]
    id: AgentId,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  nexus address allow-only on\n  nexus address allow-only off")]
pub(crate) struct AllowOnly {
    /// Whether only addresses on the allow list may write to you
    mode: Mode,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    On,
    Off,
}

impl Block {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        change(context, Method::PUT, &format!("/blocks/{}", self.id), None)
    }
}

impl Unblock {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        change(context, Method::DELETE, &format!("/blocks/{}", self.id), None)
    }
}

impl Allow {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        change(context, Method::PUT, &format!("/allows/{}", self.id), None)
    }
}

impl Disallow {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        change(context, Method::DELETE, &format!("/allows/{}", self.id), None)
    }
}

impl AllowOnly {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let enabled = matches!(self.mode, Mode::On);
        let body = Json::of(&json!({ "enabled": enabled }));
        change(context, Method::PUT, "/allow-only", Some(body))
    }
}

/// Makes a change to the address. Repeating it has no further effect.
fn change(context: &Context, method: Method, path: &str, body: Option<Json>) -> Result<Done> {
    let mailbox = context.mailbox()?;
    mailbox.server.announce();
    let request = Request::new(method, mailbox.path(path), Repeat::Always);
    mailbox.call(Request { body, ..request }).map(|answer| answer.body.into())
}
