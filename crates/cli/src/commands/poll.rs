//! `nexus poll`

use super::tasks::FilterArgs;
use crate::{
    capabilities,
    context::{Caller, Context, Session},
    error::Result,
    http::{Repeat, Request},
    output::{Done, tell},
    server::Server,
};
use clap::Args;
use nexus_protocol::Cursor;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use std::time::{Duration, Instant};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus poll SESSION
  nexus poll SESSION --members | jq -r '.members[] | select(.online) | .agentId'
  nexus poll SESSION --after 0
  nexus poll SESSION --wait 60 | jq -r '.messages[].text'

Each message is given once: up to where you have read is kept. --after, --topic and --tags leave that as
it is.")]
pub(crate) struct Poll {
    /// The session's id or alias
    session: String,
    /// Read what stands after this cursor; 0 replays everything, the greeting too
    #[arg(long, value_name = "CURSOR", value_parser = cursor)]
    after: Option<Cursor>,
    /// Tell who is in the session
    #[arg(long)]
    members: bool,
    /// If there is nothing, wait so many seconds for something; your own messages count too
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "25")]
    wait: Option<u32>,
    #[command(flatten)]
    filter: FilterArgs,
}

pub(super) fn cursor(text: &str) -> Result<Cursor, &'static str> {
    text.parse().map_err(|nexus_protocol::Malformed(rule)| rule)
}

impl Poll {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        server.announce();
        let ends = until(Instant::now(), self.wait.unwrap_or(0).into());
        let patience = Patience::of(context, &server, Some(ends))?;
        let (filter, default) = (self.filter.query(), Reading::default());
        let filter = filter.as_deref();
        let reading = Reading { after: self.after, members: self.members, filter, ..default };
        let read = loop {
            let (asked, wait) = (Instant::now(), patience.next());
            let read = read(context, &server, &session, &caller, Reading { wait, ..reading })?;
            if read.messages > 0 || patience.is_over() {
                break read;
            }
            patience.rest(asked);
        };
        if read.has_more {
            tell!("there is more: poll again");
        }
        Ok(read.done)
    }
}

/// The longest that a server holds a poll, in seconds.
const LONGEST: u64 = 25;
/// How often a server is asked that does not hold polls.
const INTERVAL: Duration = Duration::from_secs(3);

/// How long to wait for a message, and how: by long polls where the server has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// None: for ever.
    ends: Option<Instant>,
    has_long_poll: bool,
}

/// So many seconds later. A time that no clock can show is as far off as makes no difference.
pub(super) fn until(now: Instant, seconds: u64) -> Instant {
    now.checked_add(Duration::from_secs(seconds.min(1 << 31))).unwrap_or(now)
}

impl Patience {
    /// None that is left: one page, at once, and no question to the server.
    pub(super) fn of(context: &Context, server: &Server, ends: Option<Instant>) -> Result<Self> {
        let none = ends.is_some_and(|ends| ends <= Instant::now());
        let has_long_poll = !none && capabilities::of(context, server)?.delivers("longpoll");
        Ok(Self { ends, has_long_poll })
    }

    fn left(&self) -> Duration {
        Self::left_until(self.ends)
    }

    /// How much time there is until then.
    pub(super) fn left_until(ends: Option<Instant>) -> Duration {
        ends.map_or(Duration::MAX, |ends| ends.saturating_duration_since(Instant::now()))
    }

    pub(super) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// For how many seconds to ask the server to hold the next poll.
    pub(super) fn next(&self) -> u32 {
        let left = if self.has_long_poll { self.left() } else { Duration::ZERO };
        // What is less than a second is polled without waiting.
        u32::try_from(left.as_secs().min(LONGEST)).unwrap_or(0)
    }

    /// Sleeps, if the server did not hold the poll that was begun then.
    pub(super) fn rest(&self, asked: Instant) {
        if asked.elapsed() < Duration::from_secs(1) {
            std::thread::sleep(self.left().min(INTERVAL));
        }
    }
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    /// After this; default: after what was read last.
    pub(super) after: Option<Cursor>,
    pub(super) members: bool,
    pub(super) repeat: Repeat,
    /// Seconds for which the server may hold the answer.
    pub(super) wait: u32,
    /// Only what this query asks for; then the cursor stays.
    pub(super) filter: Option<&'a str>,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        Self { after: None, members: false, repeat: Repeat::Always, wait: 0, filter: None }
    }
}

/// A page that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) done: Done,
    pub(super) messages: usize,
    pub(super) has_more: bool,
    /// Up to where it was read.
    pub(super) next: Option<Cursor>,
}

/// The part that matters of a page. Other servers may leave out what they have nothing to say of, and
/// write `nextCursor` as a number.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    messages: Option<Vec<IgnoredAny>>,
    next_cursor: Value,
    has_more: Option<bool>,
}

/// Reads a page, with the cursor that is to be saved once the page is printed.
pub(super) fn read(
    context: &Context,
    server: &Server,
    session: &Session,
    caller: &Caller,
    reading: Reading<'_>,
) -> Result<Read> {
    let stored = &session.stored;
    let is_ours = session.is_of(caller);
    let after = match reading.after {
        // Without `after` the greeting comes too, which has cursor 0 itself.
        Some(cursor) if cursor == Cursor::START => None,
        Some(cursor) => Some(cursor.to_string()),
        None => stored.cursor.clone().filter(|_| is_ours),
    };
    let after = after.filter(|cursor| cursor.parse::<Cursor>().is_ok());
    let after = after.map(|cursor| format!("after={cursor}"));
    let members = reading.members.then(|| "members=true".to_owned());
    let wait = (reading.wait > 0).then(|| format!("wait={}", reading.wait));
    let query: Vec<String> = after
        .into_iter()
        .chain(members)
        .chain(wait)
        .chain(reading.filter.map(str::to_owned))
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let path = session.path(&format!("/messages{mark}{}", query.join("&")));
    let wait = Duration::from_secs(reading.wait.into());
    let request = Request { repeat: reading.repeat, wait, ..Request::get(path) };
    let answer = context.call(server, &caller.sign(request))?;
    let page: Page = answer.body.read().unwrap_or_default();
    let next = match page.next_cursor {
        Value::String(cursor) => Some(cursor),
        Value::Number(cursor) => Some(cursor.to_string()),
        _ => None,
    };
    let place = next.as_deref().and_then(|cursor| cursor.parse().ok());
    let mut done = Done::from(answer.body);
    if let Some(next) =
        next.filter(|_| is_ours && reading.after.is_none() && reading.filter.is_none())
    {
        done.cursors.extend(context.state.new_cursor(&session.id, &next)?);
    }
    let messages = page.messages.map_or(0, |messages| messages.len());
    Ok(Read { done, messages, has_more: page.has_more.unwrap_or_default(), next: place })
}
