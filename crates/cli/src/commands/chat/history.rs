//! The messages of a session that a conversation begins with: the last ones, and all that were not read.

use super::desk::Desk;
use crate::{
    error::Result,
    json::Json,
    message::{Message, Page},
    output,
};
use nexus_protocol::Cursor;

/// How many messages are shown at least.
const LAST: usize = 20;

/// How far back is looked first. Private messages and events of others also take places.
const SPAN: u64 = 64;

/// Shows the last messages, and in any case all that were not read. Returns the cursor of the newest: everything up to
/// it is read now.
pub(super) fn show(desk: &mut Desk<'_>) -> Result<Option<Cursor>> {
    let read = desk.is_ours().then_some(desk.stored()?.map_or(0, number));
    let (messages, newest) = last(desk, read)?;
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

/// The last messages, and the cursor of the end of the log. `read`: the cursor up to which they were read, if one is
/// kept.
fn last(desk: &Desk<'_>, read: Option<u64>) -> Result<(Vec<Json>, Option<Cursor>)> {
    // A cursor past the end gets the newest one.
    let end = page(desk, Some(Cursor::MAX))?;
    let end = end.next().filter(|end| *end != Cursor::MAX);
    let mut span = SPAN;
    loop {
        let start = end.map_or(0, |end| number(end).saturating_sub(span));
        let start = read.map_or(start, |read| start.min(read));
        let mut after = (start > 0).then(|| start.to_string().parse().ok()).flatten();
        let (mut found, mut newest) = (Vec::new(), end);
        loop {
            let page = page(desk, after)?;
            found.extend(page.messages.iter().filter_map(|json| Json::parse(json.get())));
            let next = page.next();
            newest = next.max(newest);
            if !page.has_more || next <= after {
                break;
            }
            after = next;
        }
        let is_new = |json: &&Json| {
            let place = Message::of(json).cursor().map_or(0, number);
            read.is_some_and(|read| place > read)
        };
        let wanted = LAST.max(found.iter().filter(is_new).count());
        if found.len() >= wanted || start == 0 {
            return Ok((found.split_off(found.len().saturating_sub(wanted)), newest));
        }
        span = span.saturating_mul(8);
    }
}

fn page(desk: &Desk<'_>, after: Option<Cursor>) -> Result<Page> {
    let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
    let json = desk.team.get(&format!("/messages{after}"))?;
    Ok(json.read().unwrap_or_default())
}
