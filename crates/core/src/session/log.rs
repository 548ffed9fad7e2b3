//! The log: sending writes one row, polling none.

use super::{Caller, Session, state::Seat, store::Loaded};
use crate::{Database, Error, Fault, Result, Row, Value};
use nexus_protocol::{
    AgentId, Cursor, IdempotencyKey, Limits, Member, Message, MessageId, Page, PageRequest,
    Refusal, SendMessage, Sent, Timestamp,
};
use serde_json::value::{RawValue, to_raw_value};
use std::ops::ControlFlow;

const FIND_SENT: &str = "SELECT record FROM log WHERE agent_id = ?1 AND idempotency_key = ?2";
const READ: &str = "SELECT cursor, record FROM log
    WHERE cursor > ?1
      AND (recipients IS NULL
           OR (cursor > ?2 AND (agent_id = ?3 OR instr(recipients, ?4) > 0)))
    ORDER BY cursor LIMIT ?5";

/// A page is closed early when its messages reach this many bytes.
const PAGE_BYTES: usize = 1024 * 1024;

/// The directory is told at every so many messages.
const REPORT_EVERY: i64 = 64;

impl<D: Database> Session<D> {
    /// `POST /v1/sessions/:id/messages` (section 3). With an idempotency key that the same agent has
    /// used before, the first answer again, and nothing is stored.
    pub fn send(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        idempotency_key: Option<&IdempotencyKey>,
        request: SendMessage,
    ) -> Result<Sent> {
        let loaded = self.store.alive(now)?;
        let (seat, verified) = member(loaded, caller, now, &self.limits)?;
        // Of this seat, not of an earlier agent of the same name; and one who does not prove the key
        // must not be able to use up the keys of one who does.
        let scope = format!("{}{}", seat.number, if verified { "v" } else { "u" });
        let repeat = idempotency_key.map(|key| format!("{scope}:{key}"));
        if let Some(key) = &repeat
            && let Some(sent) = self.sent_before(&caller.agent, key)?
        {
            return Ok(sent);
        }
        let loaded = self.store.alive(now)?;
        // A clock that goes back must not bring the end nearer than was promised.
        let now = now.max(loaded.last_sent_at);
        let recipients = recipients(loaded, &request, now, &self.limits)?;
        let (salt, last) = (loaded.state.salt, loaded.last);
        let expires_at = now.plus_seconds(loaded.state.ttl);
        if let Some(id) = &request.reply_to
            && id.cursor_in(salt).is_none_or(|cursor| cursor > last)
        {
            return Err(
                Refusal::invalid("replyTo", "must be the id of a message of this session").into()
            );
        }

        let cursor = last.next();
        let sent = Sent { id: MessageId::new(salt, cursor), cursor, expires_at, verified };
        let message = Message {
            id: sent.id.clone(),
            agent_id: caller.agent.to_string(),
            text: request.text,
            json: request.json,
            cursor,
            verified,
            sent_at: now,
            expires_at: sent.expires_at,
            to: request.to,
            reply_to: request.reply_to,
        };
        let record = serde_json::to_string(&message).map_err(Fault::new)?;
        let values: [Value; 6] = [
            cursor.as_i64().into(),
            caller.agent.as_str().into(),
            recipients.into(),
            now.as_millis().into(),
            repeat.into(),
            record.into(),
        ];
        self.store.append(cursor, now, &values)?;
        self.store.report_due |= cursor.as_i64() % REPORT_EVERY == 0;
        // The message itself stores that the session is active, and is stored: that its sender was
        // heard is not worth a failure.
        let durable = self.limits.agent_inactivity > 0;
        let _ = self.hear(now, &caller.agent, durable);
        Ok(sent)
    }

    /// `GET /v1/sessions/:id/messages` (section 3).
    pub fn poll(&mut self, now: Timestamp, caller: &Caller, request: PageRequest) -> Result<Page> {
        let loaded = self.store.alive(now)?;
        let (seat, proven) = member(loaded, caller, now, &self.limits)?;
        // What is directed to someone is for proven readers only.
        let since = if proven { seat.since } else { Cursor::MAX };
        self.hear(now, &caller.agent, true)?;

        let loaded = self.store.alive(now)?;
        let greeting = match request.after {
            None => greeting(loaded)?,
            Some(_) => None,
        };
        let mut page = Page {
            messages: greeting.into_iter().collect(),
            next_cursor: request.after.unwrap_or(Cursor::START),
            has_more: false,
            members: None,
        };
        page.members = request.members.then(|| members(loaded, now, &self.limits));
        self.read_into(&mut page, &caller.agent, since, request.limit)?;
        Ok(page)
    }

    /// Fills `page` up to `limit` messages from the log after its `next_cursor`.
    fn read_into(
        &self,
        page: &mut Page,
        agent: &AgentId,
        since: Cursor,
        limit: u32,
    ) -> Result<(), Fault> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // One more than is returned, to know whether there is more.
        let rows = limit.saturating_sub(page.messages.len()).saturating_add(1);
        let values: [Value; 5] = [
            page.next_cursor.as_i64().into(),
            since.as_i64().into(),
            agent.as_str().into(),
            format!(",{agent},").into(),
            i64::try_from(rows).unwrap_or(i64::MAX).into(),
        ];
        let mut bytes = 0_usize;
        self.store.database.query(READ, &values, &mut |mut row| {
            if page.messages.len() >= limit || bytes >= PAGE_BYTES {
                page.has_more = true;
                return Ok(ControlFlow::Break(()));
            }
            page.next_cursor = Cursor::from_i64(row.integer()?);
            let record = row.text()?;
            bytes = bytes.saturating_add(record.len());
            page.messages.push(RawValue::from_string(record).map_err(Fault::new)?);
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Notes that `agent` was heard. Where `durable`, stores it if what is stored has fallen behind.
    fn hear(&mut self, now: Timestamp, agent: &AgentId, durable: bool) -> Result<()> {
        let state = &mut self.store.alive(now)?.state;
        let behind = state.hear(agent, now);
        if durable && behind >= state.save_interval(&self.limits) {
            let state = state.clone();
            self.store.save(state)?;
        }
        Ok(())
    }

    fn sent_before(&self, agent: &AgentId, key: &str) -> Result<Option<Sent>, Fault> {
        let values: [Value; 2] = [agent.as_str().into(), key.into()];
        let record = self.store.database.first(FIND_SENT, &values, Row::text)?;
        record
            .map(|record| {
                serde_json::from_str(&record)
                    .map_err(|_| Fault::new("a stored message cannot be read"))
            })
            .transpose()
    }
}

/// The caller's seat, and whether it proves its key; refused if it is not a member.
fn member<'a>(
    loaded: &'a Loaded,
    caller: &Caller,
    now: Timestamp,
    limits: &Limits,
) -> Result<(&'a Seat, bool), Refusal> {
    let seat = loaded.state.seat(&caller.agent, now, limits).ok_or_else(Refusal::not_in_session)?;
    Ok((seat, seat.prove(caller.key.as_ref(), loaded.state.require_keys)?))
}

/// The recipients as the table keeps them, `,a,b,`; none when the message is for everyone.
fn recipients(
    loaded: &Loaded,
    request: &SendMessage,
    now: Timestamp,
    limits: &Limits,
) -> Result<Option<String>, Error> {
    let Some(to) = &request.to else {
        return Ok(None);
    };
    let mut list = String::from(",");
    for agent in to.as_slice() {
        if loaded.state.seat(agent, now, limits).is_none() {
            return Err(Refusal::agent_not_found(agent.as_str()).into());
        }
        list.push_str(agent.as_str());
        list.push(',');
    }
    Ok(Some(list))
}

/// The members, for those who ask.
fn members(loaded: &Loaded, now: Timestamp, limits: &Limits) -> Vec<Member> {
    let interval = loaded.state.save_interval(limits);
    loaded.state.seats(now, limits).map(|(agent, seat)| seat.shown(agent, now, interval)).collect()
}

/// The greeting as a message.
fn greeting(loaded: &Loaded) -> Result<Option<Box<RawValue>>, Fault> {
    let state = &loaded.state;
    let Some(text) = state.greeting.clone() else {
        return Ok(None);
    };
    let message = Message {
        id: MessageId::new(state.salt, Cursor::START),
        agent_id: AgentId::SYSTEM.to_owned(),
        text: Some(text),
        json: None,
        cursor: Cursor::START,
        verified: false,
        sent_at: state.created_at,
        expires_at: loaded.stored_deadline(),
        to: None,
        reply_to: None,
    };
    to_raw_value(&message).map(Some).map_err(Fault::new)
}
