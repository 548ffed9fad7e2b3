//! The last messages of a session, which a conversation begins with.

use super::desk::Desk;
use crate::{
    error::Result,
    json::Json,
    message::{Message, read_cursor},
    output,
};
use nexus_protocol::Cursor;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// How many messages are shown.
const LAST: usize = 20;

/// How far back is looked first. Private messages and events of others also take places.
const SPAN: u64 = 64;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    messages: Vec<Box<RawValue>>,
    next_cursor: Value,
    has_more: bool,
}

/// Shows the last messages. Returns the cursor of the newest.
pub(super) fn show(desk: &mut Desk<'_>) -> Result<Option<Cursor>> {
    let (messages, newest) = last(desk)?;
    let before = desk.stored();
    let first = messages.first().and_then(|json| Message::of(json).cursor());
    if let (Some(before), Some(first)) = (before, first)
        && number(before).saturating_add(1) < number(first)
    {
        let text = format!(
            "earlier messages may be new to you: nexus poll {} --after {before}",
            desk.team.session.id
        );
        output::print_text(&output::note(&text))?;
    }
    for json in messages {
        let message = Message::of(&json);
        let number = desk.number(&message);
        output::print_text(&output::said(&json, number))?;
    }
    desk.mark_read(newest)?;
    Ok(newest)
}

fn number(cursor: Cursor) -> u64 {
    cursor.to_string().parse().unwrap_or(0)
}

/// The last messages, and the cursor of the end of the log.
fn last(desk: &Desk<'_>) -> Result<(Vec<Json>, Option<Cursor>)> {
    // A cursor past the end gets the newest one.
    let end = page(desk, Some(Cursor::MAX))?;
    let end = read_cursor(&end.next_cursor).filter(|end| *end != Cursor::MAX);
    let mut span = SPAN;
    loop {
        let start = end.map_or(0, |end| number(end).saturating_sub(span));
        let mut after = (start > 0).then(|| start.to_string().parse().ok()).flatten();
        let (mut found, mut newest) = (Vec::new(), end);
        loop {
            let page = page(desk, after)?;
            found.extend(page.messages);
            let next = read_cursor(&page.next_cursor);
            newest = next.max(newest);
            if !page.has_more || next <= after {
                break;
            }
            after = next;
        }
        if found.len() >= LAST || start == 0 {
            let found = found.split_off(found.len().saturating_sub(LAST));
            let found = found.iter().filter_map(|json| Json::parse(json.get()));
            return Ok((found.collect(), newest));
        }
        span = span.saturating_mul(8);
    }
}

fn page(desk: &Desk<'_>, after: Option<Cursor>) -> Result<Page> {
    let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
    let json = desk.team.get(&format!("/messages{after}"))?;
    Ok(json.read().unwrap_or_default())
}
