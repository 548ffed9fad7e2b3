//! `nexus listen`

mod exec;
mod guard;
mod hook;
mod item;
pub(super) mod known;
mod long;
mod reply;
pub(super) mod short;
pub(super) mod source;
mod work;

use super::{
    keeping::{self, Keeper},
    poll,
};
use crate::{
    clock,
    context::Context,
    duration,
    error::{Failure, Kind, Result},
    json::Json,
    live::{Listener, Next},
    loops::Ended,
    output::{self, Done},
    state::{Loop, Place, Running},
    stderr::tell,
};
use clap::{Args, value_parser};
use guard::Guard;
use known::capabilities;
use nexus_protocol::Cursor;
use serde_json::json;
use source::{Mark, Source};
use work::{Action, Choice, Work};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus listen SESSION --jq '.text // empty'
  nexus listen SESSION --exec 'jq -r .text >> inbox.txt'
  nexus listen SESSION --exec 'jq -r .text | my-agent --print' --envelope --reply
  nexus listen @me --exec 'jq -r .text | my-agent --print' --envelope --reply
  NEXUS_HOOK_TOKEN=... nexus listen SESSION --hook http://127.0.0.1:18789/hooks/agent
  nexus listen --short

Every message is printed as one line of JSON. The last line says why it ended: a signal, the session has
ended, or you have left. Your own messages are left out unless --own is given. It reconnects by itself and
continues where it stopped.

With --exec, `sh -c` runs CMD for each message. The message is on standard input as JSON. NEXUS_SESSION,
NEXUS_FROM, NEXUS_CURSOR and NEXUS_VERIFIED are in the environment. Each handled message is printed as one
line of JSON. A message counts as read once CMD exits with 0, so it may be delivered twice, but is never
lost. A message in a mailbox is then acknowledged; for a mailbox CMD has NEXUS_ADDRESS and
NEXUS_CONVERSATION instead of NEXUS_SESSION. CMD is not run for events, such as a member that joins.
Messages are written by strangers: --envelope says so to the agent that reads them.")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Listen {
    /// The session's id or alias; @me for the mailbox of your address, or @ID if you have several
    #[arg(value_name = "SESSION|@me", id = "target", required_unless_present = "short")]
    targets: Vec<String>,
    /// For a host that wakes its agent: print a line of text when messages of others wait, such as "nexus: 2 messages
    /// from bob wait in session 926987e7. ...". Reads nothing away, says nothing else, and goes on whatever happens.
    /// Without SESSION: for all sessions and addresses of this state folder, also for later ones
    #[arg(long, conflicts_with_all = ["own", "latest", "takeover", "events", "exec", "hook"])]
    short: bool,
    /// Include your own messages
    #[arg(long)]
    own: bool,
    /// Where nothing was read yet, begin with what comes from now on instead of replaying the session
    #[arg(long)]
    latest: bool,
    /// Do not keep the session alive while this runs
    #[arg(long)]
    no_renew: bool,
    /// If a listener runs here for this, end it and take its place
    #[arg(long)]
    takeover: bool,
    /// Also print events: somebody joined, left or was removed, or the session ends soon
    #[arg(long, conflicts_with_all = ["exec", "hook"])]
    events: bool,
    /// Run this command for each message instead of printing it
    #[arg(long, value_name = "CMD", conflicts_with = "hook")]
    exec: Option<String>,
    /// How long CMD may take. It is then ended, which counts as a failure
    #[arg(long, value_name = "TIME", default_value = "10m", requires = "exec", value_parser = duration::at_least_one)]
    exec_timeout: u32,
    /// Run CMD once for all waiting messages, given as a JSON array
    #[arg(long, requires = "exec")]
    batch: bool,
    /// Put the text into an envelope that says who wrote it and that it carries no authority
    #[arg(long, requires = "exec")]
    envelope: bool,
    /// Send the output of CMD as the answer
    #[arg(long, requires = "exec", conflicts_with = "own")]
    reply: bool,
    /// Store an answer that is too long for four messages as a file of the session. Unlike messages, files are not
    /// searched for secrets
    #[arg(long, requires = "reply")]
    reply_file: bool,
    /// The most answers in the session, or in one conversation of your address, so that two agents do not
    /// talk for ever
    #[arg(long, value_name = "N", default_value_t = 20, requires = "reply")]
    max_turns: u32,
    /// Stop after CMD or the webhook has failed this many times in a row
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    max_failures: u32,
    #[command(flatten)]
    gateway: hook::HookArgs,
}

impl Listen {
    /// Whether it is a host that runs it, which shows its agent whatever is printed, and each end.
    pub(super) fn is_short(&self) -> bool {
        self.short
    }

    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        if self.short {
            return short::run(context, &self.targets);
        }
        let source = self.source(context)?;
        // Refuses what is wrong before a listener is asked to end.
        self.action(context, &source)?;
        source.server().announce();
        let record = Running::begins(0);
        let folder = source.folder(&context.state);
        let place =
            context.state.begin_loop(&folder, Loop::Listen, &record, self.takeover.into())?;
        let ended = self.in_place(context, &place, record);
        place.end();
        Ok(ended?.into())
    }

    /// Listens. Only now is read what an earlier listener may have written until it ended: the cursor, and how many
    /// answers there were.
    fn in_place(&self, context: &Context, place: &Place, record: Running) -> Result<Json> {
        let source = self.source(context)?;
        let action = self.action(context, &source)?;
        let choice = Choice { own: self.own, events: self.events };
        let after = self.begin(context, &source)?;
        let listener = listener(context, &source, choice, after)?;
        let _keeper = self.keeper(context, &source);
        // A listener whose reader has died would keep the place and lose what comes.
        listener.stop_after(|| {
            output::until_nobody_reads();
            tell!("nobody reads the output any more, so listening ends");
        });
        let mut work = Work::new(context, &source, listener, action, self.max_failures);
        let ended = go(&mut work, choice, place, record)?;
        let (name, id) = match &source {
            Source::Session(room) => ("sessionId", json!(room.session.id)),
            Source::Inbox(mailbox) => ("agentId", json!(mailbox.agent())),
        };
        Ok(Json::of(&json!({
            "status": "stopped", "reason": ended, name: id,
            "messages": work.messages, "cursor": work.cursor(),
        })))
    }

    fn source(&self, context: &Context) -> Result<Source> {
        let [target] = self.targets.as_slice() else {
            let message = "Name one session or address. Only --short listens to several.";
            return Err(Failure::own(Kind::Usage, message));
        };
        if let Some(mailbox) = context.mailbox_named(target) {
            return mailbox.map(Source::Inbox);
        }
        Source::of_session(context, context.session(target)?)
    }

    /// The cursor after which listening begins.
    fn begin(&self, context: &Context, source: &Source) -> Result<Option<Cursor>> {
        let after = source.after()?;
        match (source, after) {
            (Source::Inbox(_), _) if self.latest => {
                let message = "A mailbox holds only what was not acknowledged, so --latest would lose it. Leave it out, or acknowledge everything first with `nexus inbox`.";
                Err(Failure::own(Kind::Usage, message))
            }
            (Source::Session(room), None) if self.latest => {
                let newest = poll::newest(context, &room.server, &room.session, &room.caller)?;
                // A restart goes on from here.
                if let Mark::Cursor(cursor) = source.mark(context, newest)? {
                    cursor.save()?;
                }
                Ok(newest)
            }
            (_, Some(after)) if self.latest => {
                tell!(
                    "note: going on after message {after}, which was the last to be read here; --latest counts only where nothing was read yet"
                );
                Ok(Some(after))
            }
            _ => Ok(after),
        }
    }

    /// What keeps the session alive. Nothing has to keep an address.
    fn keeper(&self, context: &Context, source: &Source) -> Option<Keeper> {
        match source {
            Source::Session(room) if !self.no_renew => {
                Some(keeping::keep(context, &room.server, &room.session, &room.caller))
            }
            _ => None,
        }
    }

    fn action(&self, context: &Context, source: &Source) -> Result<Action> {
        Ok(if let Some(url) = &self.gateway.hook {
            Action::Hook(hook::Hook::new(url, &self.gateway)?)
        } else if let Some(command) = &self.exec {
            let guard = if self.reply {
                let replies = source.answers(&context.state)?;
                Some(Guard::new(self.max_turns, replies))
            } else {
                None
            };
            Action::Exec(exec::Exec {
                command: command.clone(),
                home: context.state.root().to_owned(),
                limit: self.exec_timeout,
                is_batch: self.batch,
                has_envelope: self.envelope,
                may_store: self.reply_file,
                guard,
            })
        } else {
            Action::Print
        })
    }
}

fn listener(
    context: &Context,
    source: &Source,
    choice: Choice,
    after: Option<Cursor>,
) -> Result<Listener> {
    // Events are always told on stderr, even if they are not printed.
    let target = source.target(context, choice.own, true);
    Listener::new(target, &capabilities(context, source.server())?, after)
}

/// Handles messages until listening ends.
fn go(work: &mut Work<'_>, choice: Choice, place: &Place, mut record: Running) -> Result<Ended> {
    loop {
        let goes_on = match work.next()? {
            Some(Next::Message(json, message)) => work.take(json, *message, choice)?,
            Some(Next::Caught(cursor)) => {
                let goes_on = work.caught_up(cursor)?;
                record.last_at = Some(clock::now());
                if let Err(failure) = place.update(&record) {
                    tell!("warning: {}", failure.sentence());
                }
                goes_on
            }
            Some(Next::Reset(cursor)) => work.reset(cursor)?,
            None => work.flush()?,
            Some(Next::Stopped) => return Ok(Ended::Signal),
            // Waiting messages cannot be read again, so they are handled first.
            Some(Next::Over) => return Ok(work.flush()?.unwrap_or(Ended::Over)),
            Some(Next::Left) => return Ok(work.flush()?.unwrap_or(Ended::Left)),
        };
        if let Some(ended) = goes_on {
            return Ok(ended);
        }
    }
}
