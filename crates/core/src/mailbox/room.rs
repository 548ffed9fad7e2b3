//! How much a mailbox holds, and for whom.
//!
//! Anyone may register addresses and write to another. So one sender may have a fifth of the inbox
//! waiting, and a quarter of it is kept for agents on the allow list: strangers together cannot
//! fill it. What a blocked agent has waiting is dropped.
//!
//! Everything that is stored counts for the mailbox's bytes. If they are used up, the oldest
//! messages that need not be kept are deleted: those that were acknowledged, and copies of sent
//! ones.

use super::{Mailbox, lists::List};
use crate::{Database, Fault, Result, Row, Value};
use nexus_protocol::{AgentId, Refusal, Timestamp};
use std::ops::ControlFlow;

/// One sender may have this part of the inbox waiting.
const SENDER_PART: u32 = 5;

/// This part of the inbox is kept for agents on the allow list.
const KEPT_PART: u32 = 4;

/// This part of the bytes is made free at a time, so that it is not done for each message.
const FREED_PART: usize = 8;

/// About the bytes that a row takes besides its message.
const ROW: usize = 512;

/// How many messages wait and their bytes, then the same of one sender.
const WAITING: &str = "SELECT count(*), coalesce(sum(octet_length(record)), 0),
    coalesce(sum(other = ?3), 0), coalesce(sum(octet_length(record) * (other = ?3)), 0)
    FROM mail WHERE cursor > ?1 AND sent_at > ?2 AND record <> ''";
const STORED: &str = "SELECT count(*), coalesce(sum(octet_length(record)), 0) FROM mail";
const REMOVABLE: &str = "SELECT sent_at, octet_length(record) FROM mail
    WHERE cursor <> 0 AND (cursor <= ?1 OR sent_at <= ?2) ORDER BY sent_at";
const REMOVE: &str = "DELETE FROM mail
    WHERE cursor <> 0 AND (cursor <= ?1 OR sent_at <= ?2) AND sent_at <= ?3";
// Without its key, too: a repeat would look for the message.
const DROP: &str = "UPDATE mail SET record = '', key = NULL
    WHERE cursor > ?1 AND sent_at > ?2 AND other = ?3 AND record <> ''";

/// Messages and their bytes.
#[derive(Clone, Copy, Default)]
struct Amount {
    messages: u32,
    bytes: usize,
}

impl Amount {
    fn of(row: &mut Row) -> Result<Self, Fault> {
        let messages = u32::try_from(row.integer()?).map_err(Fault::new)?;
        let bytes = usize::try_from(row.integer()?).map_err(Fault::new)?;
        let rows = usize::try_from(messages).map_err(Fault::new)?.saturating_mul(ROW);
        Ok(Self { messages, bytes: bytes.saturating_add(rows) })
    }

    /// With one message more.
    fn and(self, size: usize) -> Self {
        Self {
            messages: self.messages.saturating_add(1),
            bytes: self.bytes.saturating_add(size).saturating_add(ROW),
        }
    }

    /// The limit that this exceeds, and its unit.
    fn beyond(self, most: Self) -> Option<(usize, &'static str)> {
        if self.messages > most.messages {
            return Some((usize::try_from(most.messages).unwrap_or(usize::MAX), "messages"));
        }
        (self.bytes > most.bytes).then_some((most.bytes, "bytes of messages"))
    }

    /// One of so many equal parts.
    fn part(self, parts: u32) -> Self {
        let of_bytes = usize::try_from(parts).unwrap_or(1);
        Self { messages: self.messages.div_ceil(parts), bytes: self.bytes.div_ceil(of_bytes) }
    }

    fn less(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(other.messages),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

impl<D: Database> Mailbox<D> {
    /// Refuses a message for which the inbox has no room. Otherwise sees to it that the mailbox has
    /// it. A sender that has nothing waiting may always send one message, however large, within
    /// what is open to it.
    pub(super) fn make_room(&mut self, now: Timestamp, from: &AgentId, size: usize) -> Result<()> {
        let (all, theirs) = self.amounts(now, from.as_str())?;
        let most =
            Amount { messages: self.limits.max_waiting, bytes: self.limits.max_mailbox_bytes };
        if let Some((limit, unit)) = all.and(size).beyond(most) {
            return Err(Refusal::inbox_full(limit, unit).into());
        }
        let theirs = if theirs.messages == 0 { Amount::default() } else { theirs.and(size) };
        if let Some((limit, unit)) = theirs.beyond(most.part(SENDER_PART)) {
            return Err(Refusal::inbox_full_of_yours(limit, unit).into());
        }
        // Of a very small inbox nothing can be kept.
        let kept = Amount { messages: most.messages / KEPT_PART, ..most.part(KEPT_PART) };
        if let Some((limit, unit)) = all.and(size).beyond(most.less(kept))
            && !self.is_on(List::Allows, from)?
        {
            return Err(Refusal::inbox_full_of_strangers(limit, unit).into());
        }
        self.keep_within(now, size)
    }

    /// How many messages are waiting.
    pub(super) fn waiting(&mut self, now: Timestamp) -> Result<u32> {
        Ok(self.amounts(now, "")?.0.messages)
    }

    /// What waits in the inbox, and what of it is from one sender.
    fn amounts(&mut self, now: Timestamp, from: &str) -> Result<(Amount, Amount)> {
        let until = self.expired_until(now);
        let acked = self.store.registered(&self.id)?.acked;
        let values: [Value; 3] = [acked.as_i64().into(), until.as_millis().into(), from.into()];
        let both = self
            .store
            .database
            .first(WAITING, &values, |row| Ok((Amount::of(row)?, Amount::of(row)?)))?;
        Ok(both.unwrap_or_default())
    }

    /// Messages sent at or before this time have expired.
    pub(super) fn expired_until(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(i64::from(self.limits.message_retention).saturating_mul(-1000))
    }

    /// Drops what waits from an agent. What is known of its conversations stays.
    pub(super) fn drop_waiting(&mut self, now: Timestamp, from: &AgentId) -> Result<()> {
        if self.amounts(now, from.as_str())?.1.messages == 0 {
            return Ok(());
        }
        let until = self.expired_until(now);
        let acked = self.store.registered(&self.id)?.acked;
        let values: [Value; 3] =
            [acked.as_i64().into(), until.as_millis().into(), from.as_str().into()];
        self.bytes = None;
        Ok(self.store.database.execute(DROP, &values)?)
    }

    /// Deletes the oldest messages that need not be kept, if the mailbox would otherwise exceed its
    /// bytes.
    pub(super) fn keep_within(&mut self, now: Timestamp, size: usize) -> Result<()> {
        let most = self.limits.max_mailbox_bytes;
        let stored = match self.bytes {
            Some(bytes) => bytes,
            None => self.stored()?,
        };
        let bytes = Amount { bytes: stored, messages: 0 }.and(size).bytes;
        self.bytes = Some(bytes).filter(|bytes| *bytes <= most);
        if self.bytes.is_some() {
            return Ok(());
        }
        let wanted = bytes.saturating_sub(most).saturating_add(most / FREED_PART);
        let acked: Value = self.store.registered(&self.id)?.acked.as_i64().into();
        let expired: Value = self.expired_until(now).as_millis().into();
        let (mut freed, mut until) = (0_usize, None);
        let values = [acked.clone(), expired.clone()];
        self.store.database.query(REMOVABLE, &values, &mut |mut row| {
            until = Some(row.integer()?);
            let size = usize::try_from(row.integer()?).map_err(Fault::new)?;
            freed = freed.saturating_add(size).saturating_add(ROW);
            let enough = freed >= wanted;
            Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if let Some(until) = until {
            self.store.remove(REMOVE, &[acked, expired, until.into()])?;
        }
        Ok(())
    }

    /// The bytes of everything that is stored.
    fn stored(&self) -> Result<usize, Fault> {
        Ok(self.store.database.first(STORED, &[], Amount::of)?.unwrap_or_default().bytes)
    }
}
