//! The inbox: reading it, acknowledging messages, and the state of a message.

use super::{Mailbox, store::Mark};
use crate::{Database, Fault, Result, Row, Value, page};
use nexus_protocol::{
    Ack, Acked, AgentId, Cursor, MailState, MailStatus, MessageId, Page, PageRequest, Refusal,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::ControlFlow};

const READ: &str = "SELECT cursor, record, other, delivered_at FROM mail
    WHERE cursor > ?1 AND sent_at > ?2 AND record <> '' ORDER BY cursor LIMIT ?3 + 0";
const BETWEEN: &str = "SELECT cursor, other FROM mail
    WHERE cursor > ?1 AND cursor <= ?2 AND sent_at > ?3 AND record <> '' ORDER BY cursor";
const LAST_BY: &str = "SELECT cursor FROM mail
    WHERE cursor > 0 AND sent_at <= ?1 ORDER BY cursor DESC LIMIT 1";
const LOOK: &str =
    "SELECT sent_at, delivered_at FROM mail WHERE cursor = ?1 AND other = ?2 AND record <> ''";

/// What a sender should be told about its messages, if it listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The sender.
    pub to: AgentId,
    /// The agent in whose inbox the messages are.
    pub from: AgentId,
    /// Their new state.
    pub state: MailState,
    /// The messages.
    pub messages: Vec<MessageId>,
}

impl<D: Database> Mailbox<D> {
    /// `GET /v1/agents/:id/messages`. Without `after`, begins at the first message that is not
    /// acknowledged. Marks messages as delivered that no reader was given before, in one write.
    /// Returns the senders to notify.
    pub fn read(&mut self, now: Timestamp, request: PageRequest) -> Result<(Page, Vec<Notice>)> {
        let until = self.expired_until(now);
        let loaded = self.store.registered(&self.id)?;
        let (salt, delivered) = (loaded.state.salt, loaded.delivered);
        let after = request.after.unwrap_or(loaded.acked);
        let mut page = Page {
            messages: Vec::new(),
            next_cursor: after.min(loaded.last),
            has_more: false,
            cursor_reset: after > loaded.last,
            members: None,
        };
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let values: [Value; 3] = [
            page.next_cursor.as_i64().into(),
            until.as_millis().into(),
            i64::from(request.limit).saturating_add(1).into(),
        ];
        let mut fresh = BTreeMap::<String, Vec<MessageId>>::new();
        page::fill(&self.store.database, READ, &values, &mut page, limit, &mut |cursor, row| {
            let other = row.text()?;
            if row.optional_integer()?.is_none() && cursor > delivered {
                fresh.entry(other).or_default().push(MessageId::new(salt, cursor));
            }
            Ok(())
        })?;
        if !fresh.is_empty() {
            self.store.mark(now, Mark::Delivered, page.next_cursor)?;
        }
        Ok((page, self.notices(MailState::Delivered, fresh)?))
    }

    /// The cursor of the last message in the inbox.
    pub fn last(&mut self) -> Result<Cursor> {
        Ok(self.store.registered(&self.id)?.last)
    }

    /// The cursor of the last message that had arrived by `time`.
    pub fn last_by(&mut self, time: Timestamp) -> Result<Cursor> {
        self.store.registered(&self.id)?;
        let values = [time.as_millis().into()];
        let cursor = self.store.database.first(LAST_BY, &values, Row::integer)?;
        Ok(Cursor::from_i64(cursor.unwrap_or(0)))
    }

    /// `POST /v1/agents/:id/ack`. Refuses a cursor that the inbox has not given out. Returns the
    /// senders to notify.
    pub fn ack(&mut self, now: Timestamp, ack: Ack) -> Result<(Acked, Vec<Notice>)> {
        let until = self.expired_until(now);
        let loaded = self.store.registered(&self.id)?;
        let (salt, acked, last) = (loaded.state.salt, loaded.acked, loaded.last);
        if ack.cursor > last {
            return Err(Refusal::invalid("cursor", "must be a cursor that this inbox gave").into());
        }
        let mut done = BTreeMap::<String, Vec<MessageId>>::new();
        if ack.cursor > acked {
            let values: [Value; 3] =
                [acked.as_i64().into(), ack.cursor.as_i64().into(), until.as_millis().into()];
            self.store.database.query(BETWEEN, &values, &mut |mut row| {
                let cursor = Cursor::from_i64(row.integer()?);
                done.entry(row.text()?).or_default().push(MessageId::new(salt, cursor));
                Ok(ControlFlow::Continue(()))
            })?;
            self.store.mark(now, Mark::Acked, ack.cursor)?;
        }
        let answer = Acked { cursor: acked.max(ack.cursor), waiting: self.waiting(now)? };
        Ok((answer, self.notices(MailState::Acked, done)?))
    }

    /// The state of a message that `sender` has sent here (section 8).
    pub fn message_status(
        &mut self,
        now: Timestamp,
        sender: &AgentId,
        id: &MessageId,
    ) -> Result<MailStatus> {
        let loaded = self.store.registered(&self.id)?;
        let cursor = id.cursor_in(loaded.state.salt).filter(|cursor| *cursor > Cursor::START);
        let cursor = cursor.ok_or_else(Refusal::message_not_found)?;
        let values: [Value; 2] = [cursor.as_i64().into(), sender.as_str().into()];
        let row = self
            .store
            .database
            .first(LOOK, &values, |row| Ok((row.integer()?, row.optional_integer()?)))?;
        let (sent_at, live) = row.ok_or_else(Refusal::message_not_found)?;
        let sent_at = Timestamp::from_millis(sent_at);
        let expires_at = sent_at.plus_seconds(self.limits.message_retention);
        // Reaching a message after it expired does not count.
        let in_time = |at: &Timestamp| *at < expires_at;
        let acked_at = self.store.reached(Mark::Acked, cursor)?.filter(in_time);
        let read_at = self.store.reached(Mark::Delivered, cursor)?.filter(in_time);
        let ways = [live.map(Timestamp::from_millis), read_at, acked_at];
        let delivered_at = ways.into_iter().flatten().min();
        let state = if acked_at.is_some() {
            MailState::Acked
        } else if now >= expires_at {
            MailState::Expired
        } else if delivered_at.is_some() {
            MailState::Delivered
        } else {
            MailState::Queued
        };
        Ok(MailStatus { id: id.clone(), state, sent_at, delivered_at, acked_at, expires_at })
    }

    fn notices(
        &self,
        state: MailState,
        messages: BTreeMap<String, Vec<MessageId>>,
    ) -> Result<Vec<Notice>, Fault> {
        let notice = |(to, messages): (String, Vec<MessageId>)| {
            let to = to.parse().map_err(Fault::new)?;
            Ok(Notice { to, from: self.id.clone(), state, messages })
        };
        messages.into_iter().map(notice).collect()
    }
}
