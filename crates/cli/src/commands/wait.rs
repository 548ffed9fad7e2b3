//! `nexus wait`

use super::poll::{Patience, Reading, read, tell_listener, until};
use crate::{
    backoff::Backoff,
    context::Context,
    duration,
    error::Result,
    http::Repeat,
    interrupt,
    json::Json,
    message::Me,
    output::{self, Done},
    stderr::tell,
};
use clap::Args;
use serde_json::json;
use std::{thread, time::Instant};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus wait SESSION --jq '.messages[].text'
  nexus send SESSION 'Tuesday?' && nexus wait SESSION --timeout 5m

The exit code is 0 if a message came, 2 if the time ran out, and 1 on failure. The wait also ends when
somebody joins or leaves, and when the session is about to end: the relay tells so in a message of `system`
with a `kind`. Your own messages do not end the wait and are not printed. If the server cannot be reached,
the wait goes on.")]
pub(crate) struct Wait {
    /// The session's id or alias
    session: String,
    /// How long to wait, such as 90s or 10m; default: for ever
    #[arg(long, value_name = "TIME", value_parser = duration::seconds)]
    timeout: Option<u32>,
}

impl Wait {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        server.announce();
        interrupt::watch();
        let ends = self.timeout.map(|timeout| until(Instant::now(), timeout.into()));
        let mut me = Me::new(&caller);
        let mut backoff = Backoff::default();
        // The cursor of an agent that is not the stored one is kept in memory only.
        let is_ours = session.is_of(&caller);
        if is_ours {
            tell_listener(context, &session);
        }
        let mut after = None;
        loop {
            // Another process may have moved the cursor.
            let session = context.session_of(session.id.clone())?;
            let asked = Instant::now();
            let page = Patience::of(context, &server, ends).and_then(|patience| {
                let wait = patience.next();
                let (repeat, default) = (Repeat::Never, Reading::default());
                let reading = Reading { after, repeat, wait, waits: true, ..default };
                let page = read(context, &server, &session, &caller, reading)?;
                let others = me.without_own(context, &server, &session, &page.done.json)?;
                Ok((patience, page, others))
            });
            let (patience, page, (json, others)) = match page {
                Ok(page) => page,
                Err(failure) if failure.is_passing() => {
                    let left = Patience::left_until(ends);
                    let pause = backoff.next().max(failure.retry_after()).min(left);
                    tell!("{}", failure.sentence());
                    thread::sleep(pause);
                    if left.is_zero() {
                        return Err(failure);
                    }
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            backoff = Backoff::default();
            after = page.next.filter(|_| !is_ours);
            if others > 0 {
                return Ok(Done { json, ..page.done });
            }
            for cursor in page.done.cursors {
                cursor.save()?;
            }
            if patience.is_over() {
                let value = json!({ "status": "timeout", "sessionId": session.id, "messages": [] });
                return Ok(Done { code: output::NOTHING_CAME, ..Json::of(&value).into() });
            }
            if !page.has_more && page.messages == 0 {
                patience.rest(asked);
            }
        }
    }
}
