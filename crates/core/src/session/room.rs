//! How much a session may still store, and how much of it is kept for members that prove who they are.
//!
//! In a session that anyone can write to who knows its id, strangers could fill the log for good. So the messages
//! that nobody has proven may take an eighth of it, as long as some member holds a key.

use super::{Session, size::Size, store::About};
use crate::{Database, Fault, Result, Row};
use nexus_protocol::{AgentId, Message, Refusal, Timestamp};

/// Unproven senders together may use this part of the messages and of the bytes.
const UNPROVEN_PART: u32 = 8;

const BYTES: &str = "SELECT coalesce(sum(length(CAST(record AS BLOB))), 0) FROM log
    WHERE cursor > 0 AND substr(recipients, 1, 1) IS NOT '!'";
const UNPROVEN: &str = "SELECT count(*), coalesce(sum(length(CAST(record AS BLOB))), 0) FROM log
    WHERE cursor > 0 AND agent_id IS NOT NULL AND NOT json_extract(record, '$.verified')";

impl<D: Database> Session<D> {
    /// Refuses a message that a full session has no room for. Otherwise returns what is known of the log's
    /// size once the message is stored. Messages that conclude existing work (a task that ends, a file that is
    /// deleted) may use up to twice the limit.
    pub(super) fn make_room(
        &mut self,
        now: Timestamp,
        message: &Message,
        size: usize,
        about: &About,
    ) -> Result<Size> {
        let mut known = self.size;
        if message.agent_id != AgentId::SYSTEM && !message.verified {
            known.unproven = self.size_of_unproven(now, size)?;
        }
        let bytes = self.log_bytes()?.saturating_add(size);
        known.bytes = Some(bytes);
        let count = self.store.load()?.map_or(0, |loaded| loaded.messages()).saturating_add(1);
        let begins = match about {
            About::Nothing | About::File(_, Some(_)) => true,
            About::Task(given) => *given == message.cursor,
            About::File(_, None) => false,
        };
        let times = if begins { 1_u32 } else { 2 };
        let (messages, most) = (self.limits.max_session_messages, self.limits.max_session_bytes);
        if count > i64::from(messages.saturating_mul(times)) {
            let limit = usize::try_from(messages).unwrap_or(usize::MAX);
            return Err(Refusal::log_full(limit, "messages").into());
        }
        let times = usize::try_from(times).unwrap_or(1);
        if bytes > most.saturating_mul(times) {
            return Err(Refusal::log_full(most, "bytes of messages").into());
        }
        Ok(known)
    }

    /// Refuses an unproven message if there are too many. Otherwise returns how many there are with it, and
    /// their bytes. Nothing is kept for others where nobody holds a key, or where each sender shows the token.
    fn size_of_unproven(&mut self, now: Timestamp, size: usize) -> Result<Option<(u32, usize)>> {
        let known = match self.size.unproven {
            Some(known) => known,
            None => self.count_unproven()?,
        };
        let (count, bytes) = (known.0.saturating_add(1), known.1.saturating_add(size));
        let state = &self.store.alive(now)?.state;
        let mut seats = state.seats(now, &self.limits);
        if state.token.is_some() || !seats.any(|(_, seat)| seat.key.is_some()) {
            return Ok(Some((count, bytes)));
        }
        let messages = self.limits.max_session_messages.div_ceil(UNPROVEN_PART);
        if count > messages {
            let limit = usize::try_from(messages).unwrap_or(usize::MAX);
            return Err(Refusal::unproven_full(limit, "messages").into());
        }
        let part = usize::try_from(UNPROVEN_PART).unwrap_or(1);
        let most = self.limits.max_session_bytes.div_ceil(part);
        if bytes > most {
            return Err(Refusal::unproven_full(most, "bytes of messages").into());
        }
        Ok(Some((count, bytes)))
    }

    fn count_unproven(&self) -> Result<(u32, usize), Fault> {
        let found =
            self.store.database.first(UNPROVEN, &[], |row| Ok((row.integer()?, row.integer()?)))?;
        let (count, bytes) = found.unwrap_or_default();
        Ok((u32::try_from(count).map_err(Fault::new)?, usize::try_from(bytes).map_err(Fault::new)?))
    }

    /// The bytes of all messages, except events.
    pub(super) fn log_bytes(&mut self) -> Result<usize, Fault> {
        if let Some(bytes) = self.size.bytes {
            return Ok(bytes);
        }
        let bytes = self.store.database.first(BYTES, &[], Row::integer)?.unwrap_or(0);
        usize::try_from(bytes).map_err(Fault::new)
    }
}
