//! `nexus poll`

use crate::{
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

#[derive(Args)]
#[command(after_help = "Examples:
  nexus poll SESSION
  nexus poll SESSION --members | jq -r '.members[] | select(.online) | .agentId'
  nexus poll SESSION --after 0

Each message is given once: up to where you have read is kept. --after leaves that as it is.")]
pub(crate) struct Poll {
    /// The session's id or alias
    session: String,
    /// Read what stands after this cursor; 0 replays everything, the greeting too
    #[arg(long, value_name = "CURSOR", value_parser = cursor)]
    after: Option<Cursor>,
    /// Tell who is in the session
    #[arg(long)]
    members: bool,
}

fn cursor(text: &str) -> Result<Cursor, &'static str> {
    text.parse().map_err(|nexus_protocol::Malformed(rule)| rule)
}

impl Poll {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        server.announce();
        let (after, repeat) = (self.after, Repeat::Always);
        let read = read(
            context,
            &server,
            &session,
            &caller,
            Reading { after, members: self.members, repeat },
        )?;
        if read.has_more {
            tell!("there is more: poll again");
        }
        Ok(read.done)
    }
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// After this; default: after what was read last.
    pub(super) after: Option<Cursor>,
    pub(super) members: bool,
    pub(super) repeat: Repeat,
}

/// A page that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) done: Done,
    pub(super) messages: usize,
    pub(super) has_more: bool,
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
    reading: Reading,
) -> Result<Read> {
    let stored = &session.stored;
    // Up to where another agent has read is not ours to use or to move.
    let is_ours = stored.agent.as_ref().is_none_or(|agent| *agent == caller.agent);
    let after = match reading.after {
        // Without `after` the greeting comes too, which has cursor 0 itself.
        Some(cursor) if cursor == Cursor::START => None,
        Some(cursor) => Some(cursor.to_string()),
        None => stored.cursor.clone().filter(|_| is_ours),
    };
    let after = after.filter(|cursor| cursor.parse::<Cursor>().is_ok());
    let after = after.map(|cursor| format!("after={cursor}"));
    let members = reading.members.then(|| "members=true".to_owned());
    let query: Vec<String> = after.into_iter().chain(members).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let path = session.path(&format!("/messages{mark}{}", query.join("&")));
    let request = Request { repeat: reading.repeat, ..Request::get(path) };
    let answer = context.call(server, &caller.sign(request))?;
    let page: Page = answer.body.read().unwrap_or_default();
    let next = match page.next_cursor {
        Value::String(cursor) => Some(cursor),
        Value::Number(cursor) => Some(cursor.to_string()),
        _ => None,
    };
    let mut done = Done::from(answer.body);
    if let Some(next) = next.filter(|_| is_ours && reading.after.is_none()) {
        done.cursors.extend(context.state.new_cursor(&session.id, &next)?);
    }
    let messages = page.messages.map_or(0, |messages| messages.len());
    Ok(Read { done, messages, has_more: page.has_more.unwrap_or_default() })
}
