//! `read`: what others have said since the last read, in a session or an inbox, with a wait if there is nothing.

use super::{
    desk::{Desk, Job},
    failing::unreadable,
    list::LONGEST,
    told::{After, Mark, Told, acknowledge},
};
use crate::{
    commands::poll::{self, Patience, Reading, until},
    context::Session,
    error::Result,
    http::Request,
    json::Json,
    mailbox::{Ack, Mailbox},
    message::{Me, Message, Page},
    state::NewCursor,
    team::Team,
};
use nexus_mcp::{PAGE, Read, shown};
use nexus_protocol::{AgentId, Cursor, SessionId};
use serde::de::IgnoredAny;
use serde_json::json;
use std::time::{Duration, Instant};

/// The most bytes of messages in one answer, after the first message. Hosts cut longer answers off, and what they cut
/// would be lost.
const MOST: usize = 48 << 10;

/// Reads a session.
pub(super) fn session(desk: &Desk, id: &SessionId, read: &Read, job: &Job) -> Result<Told> {
    let (json, mark) = page(desk, id, read, job)?;
    Ok(Told { json: shown::page(json.as_str()).map_err(unreadable)?, mark: Some(mark) })
}

/// A page of a session, in the native form.
pub(super) fn page(desk: &Desk, id: &SessionId, read: &Read, job: &Job) -> Result<(Json, Mark)> {
    let context = &desk.context;
    let team = Team::of(context, id.as_str())?;
    let (server, caller) = (&team.server, &team.caller);
    let patience = Patience::of(context, server, Some(ends(read, job)))?;
    let mut me = Me::new(caller);
    let begun = team.session.stored.cursor.clone();
    let mut after = read.after;
    loop {
        let asked = Instant::now();
        let page = Reading {
            after,
            members: read.members,
            wait: patience.next(),
            peek: true,
            waits: true,
            limit: Some(read.limit.unwrap_or(PAGE)),
            ..Reading::default()
        };
        let got = poll::read(context, server, &team.session, caller, page)?;
        let (json, others) = me.without_own(context, server, &team.session, &got.done.json)?;
        if others == 0 && !patience.is_over() && !job.is_cancelled() {
            after = got.next.or(after);
            if got.messages == 0 {
                patience.rest(asked);
            }
            continue;
        }
        let (json, next) = bounded(json, got.next);
        let new = mark(desk, &team.session, next, got.is_reset, read.after)?;
        let after = if read.after.is_some() { After::Asked } else { After::Stored(begun) };
        let mark = Mark::Session { session: id.clone(), after, new };
        return Ok((json, mark));
    }
}

/// When the wait of a read is over.
fn ends(read: &Read, job: &Job) -> Instant {
    until(job.began, read.wait.min(LONGEST).into())
}

/// Prepares to store up to where a session was read. Messages between the stored place and the one that was asked for
/// have not been told, so that one does not move over them.
fn mark(
    desk: &Desk,
    session: &Session,
    next: Option<Cursor>,
    is_reset: bool,
    asked: Option<Cursor>,
) -> Result<Option<NewCursor>> {
    let stored = session.stored.usable_cursor()?;
    let is_gap = asked.is_some_and(|asked| asked > stored.unwrap_or(Cursor::START));
    let Some(next) = next.filter(|_| !is_gap).map(|next| next.to_string()) else { return Ok(None) };
    let state = &desk.context.state;
    match (is_reset, asked) {
        (false, _) => state.new_cursor(&session.id, &next),
        (true, None) => state.reset_cursor(&session.id, &next),
        (true, Some(_)) => Ok(None),
    }
}

/// The page with no more messages than an answer may hold, and where it then ends.
fn bounded(page: Json, next: Option<Cursor>) -> (Json, Option<Cursor>) {
    let Some(Page { mut messages, .. }) = page.read::<Page>() else { return (page, next) };
    let mut bytes = 0_usize;
    let fits = messages.iter().take_while(|message| {
        let is_first = bytes == 0;
        bytes = bytes.saturating_add(message.get().len());
        is_first || bytes <= MOST
    });
    let count = fits.count();
    let last =
        count.checked_sub(1).and_then(|last| messages.get(last)).filter(|_| count < messages.len());
    let cursor =
        last.and_then(|last| Json::parse(last.get())).and_then(|last| Message::of(&last).cursor());
    let Some(cursor) = cursor else { return (page, next) };
    messages.truncate(count);
    let page = page.replacing("messages", &Json::of(&messages));
    let page =
        page.replacing("nextCursor", &Json::of(&cursor)).replacing("hasMore", &Json::of(&true));
    (page, Some(cursor))
}

/// Reads the inbox of an address. What was told before, and the relay does not know yet, does not come again.
pub(super) fn inbox(desk: &Desk, agent: &AgentId, read: &Read, job: &Job) -> Result<Told> {
    let context = &desk.context;
    let mailbox = context.mailbox_of(Some(agent.clone()))?;
    mailbox.server.announce();
    if let Some(cursor) = context.state.unacknowledged(agent)? {
        acknowledge(context, &Ack { mailbox: mailbox.clone(), cursor });
    }
    let patience = Patience::of(context, &mailbox.server, Some(ends(read, job)))?;
    let mut begun = desk.inboxes.place(context, agent)?;
    loop {
        let (asked, wait) = (Instant::now(), patience.next());
        let answer = mailbox.call(request(&mailbox, read, read.after.or(begun), wait))?;
        let page: Page<IgnoredAny> = answer.body.read().unwrap_or_default();
        if page.cursor_reset && read.after.is_none() && begun.is_some() {
            desk.inboxes.forget(context, agent)?;
            begun = None;
            continue;
        }
        if page.messages.is_empty() && !patience.is_over() && !job.is_cancelled() {
            patience.rest(asked);
            continue;
        }
        let (json, next) = bounded(answer.body, page.next());
        let is_gap = match (read.after, begun) {
            (None, _) => false,
            (Some(after), Some(place)) => after > place,
            (Some(after), None) => oldest(&mailbox)?.is_some_and(|oldest| oldest <= after),
        };
        let next = next.filter(|_| !is_gap && !page.messages.is_empty());
        let new = next.map(|cursor| {
            let new = context.state.new_unacknowledged(agent, cursor)?;
            let after = if read.after.is_some() { After::Asked } else { After::Stored(begun) };
            Ok(Mark::Inbox { mailbox: mailbox.clone(), after, cursor, new })
        });
        let json = shown::page(json.as_str()).map_err(unreadable)?;
        return Ok(Told { json, mark: new.transpose()? });
    }
}

/// The first message of an inbox that nobody has acknowledged.
fn oldest(mailbox: &Mailbox) -> Result<Option<Cursor>> {
    let answer = mailbox.call(Request::get(mailbox.path("/messages?limit=1")))?;
    let page: Page<Message> = answer.body.read().unwrap_or_default();
    Ok(page.messages.first().and_then(Message::cursor))
}

fn request<'a>(mailbox: &Mailbox, read: &Read, after: Option<Cursor>, wait: u32) -> Request<'a> {
    let parts = [
        Some(format!("limit={}", read.limit.unwrap_or(PAGE))),
        after.map(|after| format!("after={after}")),
        (wait > 0).then(|| format!("wait={wait}")),
    ];
    let query = parts.into_iter().flatten().collect::<Vec<_>>().join("&");
    let wait = Duration::from_secs(wait.into());
    Request { wait, ..Request::get(mailbox.path(&format!("/messages?{query}"))) }
}

/// An empty page, for who has joined and cannot read yet.
pub(super) fn nothing() -> Json {
    Json::of(&json!({ "messages": [], "nextCursor": "0", "hasMore": false }))
}
