//! `nexus listen`

mod child;
mod exec;
mod hook;
mod reply;
mod work;

use crate::{
    capabilities::{self, Capabilities},
    clock,
    context::{Caller, Context, Session},
    error::Result,
    json::Json,
    live::{Listener, Next, Target},
    loops::Ended,
    message::Me,
    output::{Done, tell},
    server::Server,
    state::{Loop, Place, Running},
};
use clap::{Args, value_parser};
use serde_json::json;
use work::{Action, Work};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus listen SESSION | jq -r '.text // empty'
  nexus listen SESSION --exec 'jq -r .text >> inbox.txt'
  nexus listen SESSION --exec 'jq -r .text | my-agent --print' --envelope --reply
  NEXUS_HOOK_TOKEN=... nexus listen SESSION --hook http://127.0.0.1:18789/hooks/agent

Every message is one line of JSON; the last line says why it ended: a signal, the session is over, or
you left. Your own messages are left out, unless --own is given. It keeps the connection by itself, and
goes on where it stopped.

CMD is run by `sh -c` for each message, with the message as JSON on standard input and NEXUS_SESSION,
NEXUS_FROM, NEXUS_CURSOR and NEXUS_VERIFIED in its environment. Each message that it has dealt with is one
line of JSON. A message counts as read once CMD exits with 0: it can come twice, and never not at all.
What others write is a stranger's: --envelope says so to whoever reads it.")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Listen {
    /// The session's id or alias
    session: String,
    /// Your own messages too
    #[arg(long)]
    own: bool,
    /// Run this for each message, rather than print it
    #[arg(long, value_name = "CMD", conflicts_with = "hook")]
    exec: Option<String>,
    /// Run CMD once for all messages that wait, given as a JSON array
    #[arg(long, requires = "exec")]
    batch: bool,
    /// Put the text into an envelope that says who wrote it, and that it carries no authority
    #[arg(long, requires = "exec")]
    envelope: bool,
    /// Send what CMD prints as the answer
    #[arg(long, requires = "exec", conflicts_with = "own")]
    reply: bool,
    /// The most answers in this session, so that two agents do not talk without end
    #[arg(long, value_name = "N", default_value_t = 20, requires = "reply")]
    max_turns: u32,
    /// How often in a row CMD or the hook may fail before this ends
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    max_failures: u32,
    /// Post each message, in an envelope, to the webhook of an agent gateway
    #[arg(long, value_name = "URL")]
    hook: Option<String>,
    /// Proves to the hook who calls; better given as `$NEXUS_HOOK_TOKEN`, which others cannot see
    #[arg(long, value_name = "TOKEN", requires = "hook")]
    hook_token: Option<String>,
}

impl Listen {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        let action = self.action(context, &session)?;
        server.announce();
        let record = Running {
            pid: std::process::id(),
            interval: 0,
            started_at: clock::now(),
            ends_at: None,
            last_at: None,
            last_error: None,
        };
        let place = context.state.begin_loop(&session.id, Loop::Listen, &record)?;
        let listener = listener(context, &server, &session, &caller);
        let ended = listener.and_then(|listener| {
            let me = Me::new(&caller);
            let of = (context, &server, &session, &caller);
            let mut work = Work::new(of, me, listener, action, self.max_failures);
            let ended = go(&mut work, self.own, &place, record)?;
            Ok(Json::of(&json!({
                "status": "stopped", "reason": ended, "sessionId": session.id,
                "messages": work.messages, "cursor": work.cursor(),
            })))
        });
        place.end();
        Ok(ended?.into())
    }

    fn action(&self, context: &Context, session: &Session) -> Result<Action> {
        let alias = || -> Result<Option<String>> {
            let aliases = context.state.aliases()?;
            Ok(super::ls::names_of(&aliases, &session.id).into_iter().next())
        };
        Ok(if let Some(url) = &self.hook {
            Action::Hook(hook::Hook::new(url, self.hook_token.clone(), alias()?)?)
        } else if let Some(command) = &self.exec {
            let guard = if self.reply {
                let replies = context.state.replies(&session.id)?;
                Some(reply::Guard::new(self.max_turns, replies))
            } else {
                None
            };
            Action::Exec(exec::Exec {
                command: command.clone(),
                is_batch: self.batch,
                has_envelope: self.envelope,
                alias: alias()?,
                guard,
            })
        } else {
            Action::Print
        })
    }
}

fn listener(
    context: &Context,
    server: &Server,
    session: &Session,
    caller: &Caller,
) -> Result<Listener> {
    let capabilities = match capabilities::of(context, server) {
        Ok(capabilities) => capabilities,
        // What it has will show.
        Err(failure) if failure.is_passing() => {
            tell!("{}", failure.sentence());
            let all = ["websocket", "sse", "longpoll"];
            let delivery = all.map(str::to_owned).to_vec();
            Capabilities { delivery, ..Capabilities::default() }
        }
        Err(failure) => return Err(failure),
    };
    let is_ours = session.is_of(caller);
    let after = session.stored.cursor.as_deref().filter(|_| is_ours);
    let target = Target {
        http: context.http().clone(),
        server: server.clone(),
        caller: caller.clone(),
        session: session.id.clone(),
    };
    Listener::new(target, &capabilities, after.and_then(|cursor| cursor.parse().ok()))
}

/// Takes what comes until it is over.
fn go(work: &mut Work<'_>, own: bool, place: &Place, mut record: Running) -> Result<Ended> {
    loop {
        let goes_on = match work.next()? {
            Some(Next::Message(json, message)) => work.take(json, *message, own)?,
            Some(Next::Caught(cursor)) => {
                let goes_on = work.caught_up(cursor)?;
                record.last_at = Some(clock::now());
                if let Err(failure) = place.update(&record) {
                    tell!("warning: {}", failure.sentence());
                }
                goes_on
            }
            None => work.flush()?,
            Some(Next::Stopped) => return Ok(Ended::Signal),
            // What waits was received, and cannot be read again.
            Some(Next::Over) => return Ok(work.flush()?.unwrap_or(Ended::Over)),
            Some(Next::Left) => return Ok(work.flush()?.unwrap_or(Ended::Left)),
        };
        if let Some(ended) = goes_on {
            return Ok(ended);
        }
    }
}
