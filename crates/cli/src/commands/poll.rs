//! `nexus poll`

use super::tasks::FilterArgs;
use crate::{
    capabilities,
    context::{Caller, Context, Session},
    duration,
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    interrupt,
    message::{Me, Page},
    output::Done,
    server::Server,
    state::{Loop, NewCursor},
    stderr::tell,
};
use clap::Args;
use nexus_protocol::Cursor;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::time::{Duration, Instant};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus poll SESSION
  nexus poll SESSION --members | jq -r '.members[] | select(.online) | .agentId'
  nexus poll SESSION --after 0
  nexus poll SESSION --wait 60s --jq '.messages[].text'
  nexus poll SESSION --peek

Each message is printed once: the cursor is stored after each poll. With --peek, --after, --topic or --tags the
stored cursor stays as it is.")]
pub(crate) struct Poll {
    /// The session's id or alias
    session: String,
    /// Read the messages after this cursor; 0 reads everything again, including the greeting
    #[arg(long, value_name = "CURSOR", value_parser = cursor)]
    after: Option<Cursor>,
    /// Read without moving the stored cursor, so that the same messages come again
    #[arg(long)]
    peek: bool,
    /// Also list the members
    #[arg(long)]
    members: bool,
    /// If there is nothing, wait this long (30s, 10m) until somebody else says something, joins or leaves.
    /// Your own messages are then left out
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "25", value_parser = duration::seconds)]
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
        let filter = self.filter.query();
        let (after, members, filter) = (self.after, self.members, filter.as_deref());
        let reading = Reading { after, members, filter, peek: self.peek, ..Reading::default() };
        if session.is_of(&caller) && reading.moves_cursor() {
            tell_listener(context, &session);
        }
        let read = match self.wait {
            None => read(context, &server, &session, &caller, reading)?,
            Some(seconds) => wait(context, &server, &session, &caller, reading, seconds)?,
        };
        if read.has_more {
            tell!("there is more: poll again");
        }
        Ok(read.done)
    }
}

/// Polls until there is a message of somebody else, or the time is over.
fn wait(
    context: &Context,
    server: &Server,
    session: &Session,
    caller: &Caller,
    mut reading: Reading<'_>,
    seconds: u32,
) -> Result<Read> {
    interrupt::watch();
    let ends = until(Instant::now(), seconds.into());
    let patience = Patience::of(context, server, Some(ends))?;
    let mut me = Me::new(caller);
    let moves_cursor = reading.moves_cursor() && session.is_of(caller);
    loop {
        // Another process may have moved the cursor.
        let session = context.session_of(session.id.clone())?;
        let asked = Instant::now();
        let page = Reading { wait: patience.next(), waits: true, ..reading };
        let read = read(context, server, &session, caller, page)?;
        let (json, others) = me.without_own(context, server, &session, &read.done.json)?;
        if others > 0 || patience.is_over() {
            let done = Done { json, ..read.done };
            return Ok(Read { done, messages: others, ..read });
        }
        if moves_cursor {
            read.done.cursors.into_iter().try_for_each(NewCursor::save)?;
        } else {
            reading.after = read.next.or(reading.after);
        }
        if read.messages == 0 {
            patience.rest(asked);
        }
    }
}

/// The longest that a server holds a poll, in seconds.
const LONGEST: u64 = 25;
/// The pause between polls of a server that does not hold them.
const INTERVAL: Duration = Duration::from_secs(3);

/// How long to wait for a message, and whether the server has long polls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// `None` waits for ever.
    ends: Option<Instant>,
    has_long_poll: bool,
}

/// The time after this many seconds. Extreme values are cut to a time that the clock can represent.
pub(super) fn until(now: Instant, seconds: u64) -> Instant {
    now.checked_add(Duration::from_secs(seconds.min(1 << 31))).unwrap_or(now)
}

impl Patience {
    /// If no time is left, one page is read at once, and the server's capabilities are not asked for.
    pub(super) fn of(context: &Context, server: &Server, ends: Option<Instant>) -> Result<Self> {
        let none = ends.is_some_and(|ends| ends <= Instant::now());
        let has_long_poll = !none && capabilities::of(context, server)?.delivers("longpoll");
        Ok(Self { ends, has_long_poll })
    }

    fn left(&self) -> Duration {
        Self::left_until(self.ends)
    }

    /// The time that is left until then.
    pub(super) fn left_until(ends: Option<Instant>) -> Duration {
        ends.map_or(Duration::MAX, |ends| ends.saturating_duration_since(Instant::now()))
    }

    pub(super) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// For how many seconds to ask the server to hold the next poll.
    pub(super) fn next(&self) -> u32 {
        let left = if self.has_long_poll { self.left() } else { Duration::ZERO };
        // With less than a second left, the poll is not held.
        u32::try_from(left.as_secs().min(LONGEST)).unwrap_or(0)
    }

    /// Sleeps if the server did not hold the poll that began at `asked`.
    pub(super) fn rest(&self, asked: Instant) {
        if asked.elapsed() < Duration::from_secs(1) {
            std::thread::sleep(self.left().min(INTERVAL));
        }
    }
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    /// After this cursor; default: after the stored one.
    pub(super) after: Option<Cursor>,
    pub(super) members: bool,
    pub(super) repeat: Repeat,
    /// For how many seconds the server may hold the poll.
    pub(super) wait: u32,
    /// Whether the stored cursor stays as it is.
    pub(super) peek: bool,
    /// Whether we wait for others. Our own messages are then not wanted, and events are.
    pub(super) waits: bool,
    /// The query of `--topic` and `--tags`. The stored cursor then stays as it is.
    pub(super) filter: Option<&'a str>,
    /// The most messages of the page; default: as many as the server gives.
    pub(super) limit: Option<u32>,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        let (after, filter) = (None, None);
        let (members, repeat, limit) = (false, Repeat::Always, None);
        Self { after, members, repeat, wait: 0, peek: false, waits: false, filter, limit }
    }
}

impl Reading<'_> {
    /// Whether the stored cursor moves.
    fn moves_cursor(&self) -> bool {
        self.after.is_none() && self.filter.is_none() && !self.peek
    }

    /// The query of the request.
    fn query(&self, after: Option<&str>) -> String {
        let flag = |is_set: bool, parameter: &str| is_set.then(|| parameter.to_owned());
        let parts = [
            after.map(|cursor| format!("after={cursor}")),
            flag(self.members, "members=true"),
            flag(self.waits, "others=true"),
            // Events have no topic, so they are not wanted with a filter.
            flag(self.waits && self.filter.is_none(), "events=true"),
            (self.wait > 0).then(|| format!("wait={}", self.wait)),
            self.limit.map(|limit| format!("limit={limit}")),
            self.filter.map(str::to_owned),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }
}

/// A page that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) done: Done,
    pub(super) messages: usize,
    pub(super) has_more: bool,
    /// The cursor of the end of the page.
    pub(super) next: Option<Cursor>,
    /// The cursor that we asked for is beyond the end of the log, which is `next`.
    pub(super) is_reset: bool,
}

/// Reads a page. The result contains the cursor that must be saved after the page was printed.
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
        None if is_ours => stored.usable_cursor()?.map(|cursor| cursor.to_string()),
        None => None,
    };
    let path = session.path(&format!("/messages{}", reading.query(after.as_deref())));
    let wait = Duration::from_secs(reading.wait.into());
    let request = Request { repeat: reading.repeat, wait, ..Request::get(path) };
    let answer = context.call(server, &caller.sign(request))?;
    let page: Page<IgnoredAny> = answer.body.read().unwrap_or_default();
    let next = match &page.next_cursor {
        Value::String(cursor) => Some(cursor.clone()),
        Value::Number(cursor) => Some(cursor.to_string()),
        _ => None,
    };
    let place = page.next();
    let mut done = Done::from(answer.body);
    if is_ours && reading.moves_cursor() && context.state.is_shared(&session.id, stored) {
        tell!(
            "note: another program reads this session from the same state folder, so a message may go to only one of you; NEXUS_READER=NAME gives each a place of its own"
        );
    }
    // A cursor that is not a number could not be read back.
    let is_usable = place.is_some() && is_ours && reading.after.is_none();
    if let Some(next) = next.filter(|_| is_usable) {
        if page.cursor_reset && !reading.peek {
            done.cursors.extend(context.state.reset_cursor(&session.id, &next)?);
        } else if reading.moves_cursor() {
            done.cursors.extend(context.state.new_cursor(&session.id, &next)?);
        }
    }
    if page.cursor_reset {
        tell_reset(after.as_deref(), place);
    }
    let Page { messages, has_more, cursor_reset: is_reset, .. } = page;
    Ok(Read { done, messages: messages.len(), has_more, next: place, is_reset })
}

/// Tells people that a listener reads the same messages, so that each is read by one of them only.
pub(super) fn tell_listener(context: &Context, session: &Session) {
    let listener = context.state.running(&session.id, Loop::Listen).ok().flatten();
    if let Some(listener) = listener {
        tell!(
            "note: `nexus listen` (process {}) reads this session, too, and both mark messages as read; --peek marks nothing, and NEXUS_READER=NAME gives a program a place of its own",
            listener.pid
        );
    }
}

/// The cursor of the newest message: the server tells it to those who ask for what is beyond the end.
pub(super) fn newest(
    context: &Context,
    server: &Server,
    session: &Session,
    caller: &Caller,
) -> Result<Option<Cursor>> {
    let path = session.path(&format!("/messages?after={}&limit=1", Cursor::MAX));
    let answer = context.call(server, &caller.sign(Request::get(path)))?;
    let page: Page<IgnoredAny> = answer.body.read().unwrap_or_default();
    if !page.cursor_reset {
        let message = format!(
            "The server {} does not say where its log ends: its software is older than --latest. Leave --latest out.",
            server.host()
        );
        return Err(Failure::own(Kind::Unsupported, message));
    }
    Ok(page.next())
}

/// Tells people that a cursor was beyond the end of the log.
pub(super) fn tell_reset(after: Option<&str>, end: Option<Cursor>) {
    let end = end.map(|end| end.to_string()).unwrap_or_default();
    let after = after.unwrap_or("0");
    tell!(
        "note: the cursor {after} is beyond the end of the log, which is {end}; reading goes on from {end}"
    );
}
