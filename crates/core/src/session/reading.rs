//! Reading the log: a page for one reader, as a value or as JSON.

use super::{Session, Who, log::next_message, state::Seat, store::Loaded};
use crate::{Database, Fault, Result, Value, page};
use nexus_protocol::{
    AgentId, Author, Cursor, Kind, Member, MessageId, Page, PageRequest, Timestamp,
};
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeSet;

/// The messages that a reader may read. The `+ 0` is needed: with a bare parameter as the limit,
/// `SQLite` plans the statement again each time, which takes longer than running it.
macro_rules! readable {
    ($before:literal, $filter:literal, $after:literal) => {
        concat!(
            $before,
            "SELECT cursor, record FROM log
    WHERE cursor > ?1
      AND (recipients IS NULL
           OR ((cursor > ?2 OR (task IS NOT NULL AND cursor > ?6))
               AND (agent_id = ?3 OR instr(recipients, ?4) > 0))",
            $filter,
            "
    ORDER BY cursor LIMIT ?5 + 0",
            $after
        )
    };
}

/// A statement over readable messages, for readers without a filter and with one. ?7 is the topic,
/// ?8 the tags as JSON, and ?9 whether events are read. ?10 is whether own messages are read: yes
/// (0), no (1), or only unverified ones (2). The recipients of an event are `!`, which is nobody, or
/// `!` and the name of its one reader, which must have proven its key. An event to everyone that is
/// about the reader is one of its own.
macro_rules! for_all_and_filtered {
    ($before:literal, $after:literal) => {
        [
            readable!($before, ")", $after),
            readable!(
                $before,
                "
           OR (?9 AND ((recipients = '!'
                        AND (?10 = 0 OR json_extract(record, '$.json.agentId') IS NOT ?3))
                       OR (recipients = '!' || ?3 AND cursor > ?2))))
      AND (substr(recipients, 1, 1) IS '!'
           OR ((?7 IS NULL OR json_extract(record, '$.topic') = ?7)
               AND (?8 IS NULL OR EXISTS (SELECT 1 FROM json_each(record, '$.tags') AS tag
                                          WHERE tag.value IN (SELECT value FROM json_each(?8))))
               AND (?10 = 0 OR agent_id IS NOT ?3
                    OR (?10 = 2 AND NOT json_extract(record, '$.verified')))))",
                $after
            ),
        ]
    };
}
const READ: [&str; 2] = for_all_and_filtered!("", "");
const MEASURE: [&str; 2] =
    for_all_and_filtered!("SELECT count(*), coalesce(sum(octet_length(record)), 0) FROM (", ")");
/// The join keeps the order of the inner query. The result is a blob, because bytes cross to WASM
/// faster than text.
const JOIN: [&str; 2] = for_all_and_filtered!(
    "SELECT count(*), coalesce(max(cursor), 0), CAST(group_concat(record, ',') AS BLOB) FROM (",
    ")"
);

impl<D: Database> Session<D> {
    /// Reads more for a member that was heard before: `GET /v1/sessions/:id/messages` (section 3),
    /// without restarting the TTL. `connected` are the agents that have a socket open.
    pub fn read(
        &mut self,
        now: Timestamp,
        who: &Who,
        request: PageRequest,
        connected: &BTreeSet<AgentId>,
    ) -> Result<Page> {
        self.seated(now, who)?;
        let shown = request.members.then(|| self.show_members(now, connected)).transpose()?;
        let loaded = self.store.alive(now)?;
        let end = loaded.last;
        let greeting = match request.after {
            None if greets(loaded, who) => greeting(loaded)?,
            _ => None,
        };
        let after = request.after.unwrap_or(Cursor::START);
        let mut page = Page {
            messages: greeting.into_iter().collect(),
            next_cursor: after.min(end),
            has_more: false,
            cursor_reset: after > end,
            members: shown,
        };
        self.read_into(&mut page, who, request.limit)?;
        if !page.has_more {
            page.next_cursor = who.reached(page.next_cursor, end);
        }
        Ok(page)
    }

    /// Like [`Session::read`], but returns the JSON of a [`Page`].
    pub fn read_json(
        &mut self,
        now: Timestamp,
        who: &Who,
        request: PageRequest,
        connected: &BTreeSet<AgentId>,
    ) -> Result<String> {
        self.seated(now, who)?;
        let loaded = self.store.alive(now)?;
        let end = loaded.last;
        let after = request.after.unwrap_or(Cursor::START);
        let greets = request.after.is_none() && greets(loaded, who);
        // If all messages of the log fit a page, these do too. Events are not counted with them.
        let is_small =
            self.size.bytes.is_some_and(|bytes| bytes <= page::PAGE_BYTES) && !who.filter.events;
        let limit = i64::from(request.limit);
        let (count, bytes) = if is_small { (limit, 0) } else { self.measure(after, who, limit)? };
        if greets || request.members || bytes > page::PAGE_BYTES || after > end {
            let page = self.read(now, who, request, connected)?;
            return Ok(serde_json::to_string(&page).map_err(Fault::new)?);
        }
        if count == 0 {
            return Ok(json_page("", who.reached(after, end), false));
        }
        let (filtered, values) = selection(after, who, limit)?;
        let joined = self.store.database.first(either(JOIN, filtered), &values, |row| {
            let (count, last) = (row.integer()?, Cursor::from_i64(row.integer()?));
            let records = row.optional_blob()?.unwrap_or_default();
            Ok((count, last, String::from_utf8(records).map_err(Fault::new)?))
        })?;
        let (count, last, records) = joined.unwrap_or((0, after, String::new()));
        let last = last.max(after);
        let more = count == limit && last < end && self.measure(last, who, 1)?.0 > 0;
        let next = if more { last } else { who.reached(last, end) };
        Ok(json_page(&records, next, more))
    }

    /// How many messages a reader finds after a cursor, up to a limit, and how many bytes these
    /// have.
    fn measure(&self, after: Cursor, who: &Who, limit: i64) -> Result<(i64, usize), Fault> {
        let (filtered, values) = selection(after, who, limit)?;
        let measured = self.store.database.first(either(MEASURE, filtered), &values, |row| {
            Ok((row.integer()?, usize::try_from(row.integer()?).map_err(Fault::new)?))
        })?;
        Ok(measured.unwrap_or_default())
    }

    /// The members, if the reader asks for them. `connected` are the agents that have a socket
    /// open.
    ///
    /// The times shown are persisted ones, so that none ever goes back. They are persisted here
    /// first if they are too far behind.
    pub(super) fn show_members(
        &mut self,
        now: Timestamp,
        connected: &BTreeSet<AgentId>,
    ) -> Result<Vec<Member>> {
        let state = &self.store.alive(now)?.state;
        let interval = state.fresh_for(&self.limits);
        if state.members_behind() >= interval {
            let state = state.clone();
            self.store.save_quietly(state)?;
        }
        let state = &self.store.alive(now)?.state;
        let shown = |(agent, seat): (&AgentId, &Seat)| {
            seat.shown(agent, now, interval, connected.contains(agent))
        };
        Ok(state.seats(now, &self.limits).map(shown).collect())
    }

    /// Fills `page` up to `limit` messages from the log after its `next_cursor`.
    pub(super) fn read_into(&self, page: &mut Page, who: &Who, limit: u32) -> Result<(), Fault> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // One more than is returned, to know whether there are more.
        let rows = limit.saturating_sub(page.messages.len()).saturating_add(1);
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let (filtered, values) = selection(page.next_cursor, who, rows)?;
        page::fill(
            &self.store.database,
            either(READ, filtered),
            &values,
            page,
            limit,
            &mut |_, _| Ok(()),
        )
    }
}

impl Who {
    /// The `nextCursor` for a reader that has read everything: the last cursor that it was given,
    /// or the end of the log if its own messages are skipped.
    fn reached(&self, last: Cursor, end: Cursor) -> Cursor {
        if self.filter.others { last.max(end) } else { last }
    }
}

/// Whether a reader that starts at the beginning is shown the greeting. A reader that wants only
/// messages of others is not, if it wrote the greeting itself.
fn greets(loaded: &Loaded, who: &Who) -> bool {
    let is_own = loaded.state.creator.as_ref() == Some(&who.agent);
    who.filter.takes_any_topic() && !(who.filter.others && is_own)
}

/// The JSON of a [`Page`] without members.
fn json_page(records: &str, next: Cursor, more: bool) -> String {
    format!(r#"{{"messages":[{records}],"nextCursor":"{next}","hasMore":{more}}}"#)
}

fn either([for_all, for_filtered]: [&'static str; 2], is_filtered: bool) -> &'static str {
    if is_filtered { for_filtered } else { for_all }
}

/// Whether to use the statement with a filter for `who`, and the values to bind.
fn selection(after: Cursor, who: &Who, limit: i64) -> Result<(bool, Vec<Value>), Fault> {
    let mut values: Vec<Value> = vec![
        after.as_i64().into(),
        who.since.as_i64().into(),
        who.agent.as_str().into(),
        format!(",{},", who.agent).into(),
        limit.into(),
        who.tasks_since.as_i64().into(),
    ];
    if who.filter.is_open() {
        return Ok((false, values));
    }
    let tags = Some(&who.filter.tags).filter(|tags| !tags.is_empty());
    let tags = tags.map(serde_json::to_string).transpose().map_err(Fault::new)?;
    let own = match (who.filter.others, who.proven) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    values.extend([
        who.filter.topic.clone().into(),
        tags.into(),
        i64::from(who.filter.events).into(),
        own.into(),
    ]);
    Ok((true, values))
}

/// The greeting as a message.
pub(super) fn greeting(loaded: &Loaded) -> Result<Option<Box<RawValue>>, Fault> {
    let state = &loaded.state;
    let Some(text) = state.greeting.clone() else {
        return Ok(None);
    };
    let mut message = next_message(loaded, state.created_at, None);
    (message.kind, message.by) = (Some(Kind::Greeting), Some(Author(state.creator.clone())));
    (message.id, message.cursor) = (MessageId::new(state.salt, Cursor::START), Cursor::START);
    (message.text, message.expires_at) = (Some(text), loaded.stored_deadline());
    to_raw_value(&message).map(Some).map_err(Fault::new)
}
