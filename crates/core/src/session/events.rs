//! Events (section 3): members that join, leave or are removed, the approaching end of the session,
//! and a webhook that fails. Each is a message in the log that only readers with `events=true` see.
//!
//! Promises: an event is in the log exactly if the change that it reports is stored, because both
//! are one statement. It does not restart the TTL, takes no room from messages, and is never
//! counted as a message.

use super::{Session, delivery::Delivery, log::next_message, state::State};
use crate::{Database, Fault, Result};
use nexus_protocol::{AgentId, Kind, Message, Recipients, Timestamp};
use serde_json::{json, value::to_raw_value};

/// What the log tells readers that ask for events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An agent took a seat.
    Joined(AgentId),
    /// A member left.
    Left(AgentId),
    /// A member was removed.
    Removed {
        /// The member that was removed.
        agent: AgentId,
        /// The member that removed it.
        by: AgentId,
    },
    /// The session ends soon unless something happens.
    Ending,
    /// A webhook fails, or its receiver has ended it. Only its member reads this.
    WebhookFailing {
        /// The member that set it.
        agent: AgentId,
        /// The last error.
        why: String,
        /// Whether it is removed.
        is_removed: bool,
    },
}

impl<D: Database> Session<D> {
    /// Stores an event that changes nothing else, and returns it for delivery. Returns `None` if
    /// there is no room for more events, because an event is never a reason to refuse.
    pub fn log_event(&mut self, now: Timestamp, event: &Event) -> Result<Option<Delivery>> {
        let (state, _) = self.next_state(now)?;
        self.store_event(now, state, event)
    }

    /// Stores `state` together with the event that reports the change, and keeps the event for
    /// [`Self::take_events`]. Returns the deadline that a response may now report.
    pub(super) fn save_telling(
        &mut self,
        now: Timestamp,
        state: State,
        event: Option<&Event>,
    ) -> Result<Timestamp> {
        let Some(event) = event else { return Ok(self.store.save(state)?) };
        let (deadline, delivery) = self.store_with_event(now, state, event)?;
        self.untold.extend(delivery);
        self.store.tell_of_members();
        Ok(deadline)
    }

    /// The events that were stored since the last call. They must be delivered before anything that
    /// was stored after them.
    pub fn take_events(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.untold)
    }

    /// Tells members, once for each end, that it is near.
    pub fn settle_end(&mut self, now: Timestamp) -> Result<Option<Delivery>> {
        let loaded = self.store.alive(now)?;
        let end = loaded.deadline();
        if loaded.state.told_end == Some(end) || now < loaded.state.notice_at(end) {
            return Ok(None);
        }
        let mut state = loaded.state.clone();
        state.told_end = Some(end);
        self.store_event(now, state, &Event::Ending)
    }

    /// When the alarm must ring: first to tell of the end, and then to end the session.
    pub fn next_end_at(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let Some(loaded) = self.store.load()? else { return Ok(None) };
        let end = loaded.deadline();
        if loaded.state.told_end == Some(end) {
            return Ok(Some(end));
        }
        // An event that could not be stored is retried after a pause.
        let notice = loaded.state.notice_at(end);
        let at = if now < notice { notice } else { now.plus_millis(RETRY) };
        Ok(Some(at.min(end)))
    }

    /// Stores `state` together with the event that reports the change, and returns the event.
    pub(super) fn store_event(
        &mut self,
        now: Timestamp,
        state: State,
        event: &Event,
    ) -> Result<Option<Delivery>> {
        Ok(self.store_with_event(now, state, event)?.1)
    }

    fn store_with_event(
        &mut self,
        now: Timestamp,
        mut state: State,
        event: &Event,
    ) -> Result<(Timestamp, Option<Delivery>)> {
        let loaded = self.store.alive(now)?;
        if state.events >= self.limits.max_session_messages {
            return Ok((self.store.save_quietly(state)?, None));
        }
        let active = state.active.latest().max(loaded.last_sent_at);
        let mut message = next_message(loaded, now.max(loaded.last_sent_at), None);
        message.expires_at = active.plus_seconds(state.ttl);
        event.describe(&mut message)?;
        let record = serde_json::to_string(&message).map_err(Fault::new)?;
        state.events = state.events.saturating_add(1);
        let reader = event.reader().map_or("", AgentId::as_str);
        let deadline = self.store.save_telling(state, message.cursor, &record, reader)?;
        Ok((deadline, Some(Delivery { record, message })))
    }
}

/// After how many milliseconds storing an event is retried.
const RETRY: i64 = 1_000;

impl Event {
    /// The only agent that it is for. `None` if it is for everyone.
    fn reader(&self) -> Option<&AgentId> {
        match self {
            Self::WebhookFailing { agent, .. } => Some(agent),
            Self::Joined(_) | Self::Left(_) | Self::Removed { .. } | Self::Ending => None,
        }
    }

    /// Describes the event in a message.
    fn describe(&self, message: &mut Message) -> Result<(), Fault> {
        let (kind, text, json) = match self {
            Self::Joined(agent) => (
                Kind::Joined,
                format!("{agent} joined the session."),
                json!({ "type": "joined", "agentId": agent }),
            ),
            Self::Left(agent) => (
                Kind::Left,
                format!("{agent} left the session."),
                json!({ "type": "left", "agentId": agent }),
            ),
            Self::Removed { agent, by } => (
                Kind::Removed,
                format!("{by} removed {agent} from the session."),
                json!({ "type": "removed", "agentId": agent, "by": by }),
            ),
            Self::Ending => (
                Kind::Ending,
                format!(
                    "The session ends at {}. A message, a poll or a renew keeps it alive.",
                    message.expires_at
                ),
                json!({ "type": "ending", "expiresAt": message.expires_at }),
            ),
            Self::WebhookFailing { agent, why, is_removed } => (
                Kind::WebhookFailing,
                if *is_removed {
                    format!(
                        "Your webhook was removed because its receiver ended it ({why}). Poll, or set another one."
                    )
                } else {
                    format!(
                        "Your webhook has failed for some time ({why}). The relay keeps trying. Poll for what you miss."
                    )
                },
                json!({
                    "type": "webhook_failing", "agentId": agent, "lastError": why, "removed": is_removed,
                }),
            ),
        };
        (message.kind, message.text) = (Some(kind), Some(text));
        message.to = self.reader().cloned().map(Recipients::One);
        message.json = Some(to_raw_value(&json).map_err(Fault::new)?);
        Ok(())
    }
}
