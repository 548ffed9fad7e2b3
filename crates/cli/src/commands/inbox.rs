//! `nexus inbox`

use super::poll::{Patience, tell_reset, until};
use crate::{
    context::Context, duration, error::Result, http::Request, interrupt, mailbox::Ack,
    message::Page, output::Done, stderr::tell,
};
use clap::Args;
use nexus_protocol::Cursor;
use serde::de::IgnoredAny;
use std::time::{Duration, Instant};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus inbox
  nexus inbox --wait 60s
  nexus inbox --keep
  nexus inbox --agent-id bob-calendar --after 0

Messages are acknowledged after they were printed, and then do not come again. --keep and --after do not
acknowledge.")]
pub(crate) struct Inbox {
    /// If there is nothing, wait this long for a message, such as 30s or 10m
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "25", value_parser = duration::seconds)]
    wait: Option<u32>,
    /// Do not acknowledge, so that the same messages come again
    #[arg(long)]
    keep: bool,
    /// Read the messages after this cursor, including acknowledged ones; 0 reads all
    #[arg(long, value_name = "CURSOR", value_parser = super::poll::cursor)]
    after: Option<Cursor>,
}

impl Inbox {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let mailbox = context.mailbox()?;
        mailbox.server.announce();
        if self.wait.is_some() {
            interrupt::watch();
        }
        let ends = until(Instant::now(), self.wait.unwrap_or(0).into());
        let patience = Patience::of(context, &mailbox.server, Some(ends))?;
        let after = self.after.map(|after| format!("after={after}"));
        let (answer, page) = loop {
            let (asked, held) = (Instant::now(), patience.next());
            let wait = (held > 0).then(|| format!("wait={held}"));
            let query: Vec<String> = after.iter().cloned().chain(wait).collect();
            let mark = if query.is_empty() { "" } else { "?" };
            let path = mailbox.path(&format!("/messages{mark}{}", query.join("&")));
            let wait = Duration::from_secs(held.into());
            let answer = mailbox.call(Request { wait, ..Request::get(path) })?;
            let page: Page<IgnoredAny> = answer.body.read().unwrap_or_default();
            if !page.messages.is_empty() || patience.is_over() {
                break (answer, page);
            }
            patience.rest(asked);
        };
        if page.has_more {
            tell!("there is more: read again");
        }
        if page.cursor_reset {
            let after = self.after.map(|after| after.to_string());
            tell_reset(after.as_deref(), page.next());
        }
        let cursor =
            page.next().filter(|_| !page.messages.is_empty() && !self.keep && self.after.is_none());
        let ack = cursor.map(|cursor| Ack { mailbox, cursor });
        Ok(Done { ack, ..answer.body.into() })
    }
}
