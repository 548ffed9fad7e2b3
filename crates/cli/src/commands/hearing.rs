//! `nexus block`, `unblock`, `allow`, `disallow`, `allow-only`: whom an address hears.

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
  nexus block eve
  nexus block eve --agent-id bob-calendar

A blocked agent is told so when it sends.")]
pub(crate) struct Block {
    /// Who is not to write to you any more
    #[arg(value_parser = any_id)]
    id: AgentId,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  nexus unblock eve")]
pub(crate) struct Unblock {
    /// Who may write to you again
    #[arg(value_parser = any_id)]
    id: AgentId,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus allow alice
  nexus allow alice && nexus allow-only on

The list counts while `nexus allow-only` is on. A block counts before an allow.")]
pub(crate) struct Allow {
    /// Who may write to you
    #[arg(value_parser = any_id)]
    id: AgentId,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  nexus disallow alice")]
pub(crate) struct Disallow {
    /// Whom to take off the list
    #[arg(value_parser = any_id)]
    id: AgentId,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  nexus allow-only on\n  nexus allow-only off")]
pub(crate) struct AllowOnly {
    /// Whether only those on the allow list may write to you
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

/// Repeating such a change changes nothing.
fn change(context: &Context, method: Method, path: &str, body: Option<Json>) -> Result<Done> {
    let mailbox = context.mailbox()?;
    mailbox.server.announce();
    let request = Request::new(method, mailbox.path(path), Repeat::Always);
    mailbox.call(Request { body, ..request }).map(|answer| answer.body.into())
}
