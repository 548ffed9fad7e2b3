//! Conversations (section 8). Each of the two mailboxes stores what it knows, and the merged
//! knowledge of both is what counts.

use super::{Facts, Mailbox, store::Mark};
use crate::{Database, Fault, Result, Row, Value, page::PAGE_BYTES};
use nexus_protocol::{
    AgentId, Conversation, ConversationId, ConversationRequest, ConversationState, Cursor,
    MessageId, Refusal, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::ops::ControlFlow;

const THREAD: &str = "SELECT cursor, sent_at, key, facts FROM mail
    WHERE conversation = ?1 AND other = ?2 ORDER BY cursor";
const FIRST_WITH: &str = "SELECT other FROM mail WHERE conversation = ?1 ORDER BY sent_at LIMIT 1";
const WITH_ANOTHER: &str = "SELECT 1 FROM mail WHERE conversation = ?1 AND other <> ?2 LIMIT 1";
const HISTORY: &str = "SELECT record FROM mail
    WHERE conversation = ?1 AND other = ?2 AND sent_at > ?3 AND record <> ''
    ORDER BY turn DESC, sent_at DESC LIMIT ?4 + 0";
const UPDATE_FACTS: &str = "UPDATE mail SET facts = ?2 WHERE cursor = ?1";

/// Identifies a conversation to the mailbox of the other agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The agent that asks.
    pub with: AgentId,
    /// The conversation.
    pub conversation: ConversationId,
}

/// A conversation in one mailbox.
pub(super) struct Thread {
    /// What the mailbox knows of the conversation. Null if it does not know the conversation.
    pub(super) facts: Option<Facts>,
    /// The row of each of its messages, with the row's key.
    rows: Vec<(i64, Option<String>)>,
    /// The row of its latest message, and when that was sent.
    latest: (i64, i64),
}

impl Thread {
    /// Where the message stands that was received with this idempotency key.
    pub(super) fn received(&self, key: &str) -> Option<(Cursor, &str)> {
        let mut received = self.rows.iter().filter(|(row, _)| *row > 0);
        received.find_map(|(row, stored)| {
            let stored = stored.as_deref()?;
            let rest = stored.strip_prefix(key)?;
            (rest.is_empty() || rest.starts_with(' ')).then(|| (Cursor::from_i64(*row), stored))
        })
    }

    /// Whether a copy of the sent message with this id is stored.
    pub(super) fn has_copy(&self, id: &MessageId) -> bool {
        self.rows.iter().any(|(row, its)| *row < 0 && its.as_deref() == Some(id.as_str()))
    }
}

impl<D: Database> Mailbox<D> {
    /// What this mailbox stores of its conversation with another agent.
    pub(super) fn thread(&mut self, now: Timestamp, about: &About) -> Result<Thread> {
        self.store.registered(&self.id)?;
        let mut thread = Thread { facts: None, rows: Vec::new(), latest: (0, 0) };
        let mut received = Vec::new();
        self.store.database.query(THREAD, &values(about), &mut |mut row| {
            let (cursor, sent_at) = (row.integer()?, row.integer()?);
            thread.rows.push((cursor, row.optional_text()?));
            if sent_at >= thread.latest.1 {
                thread.latest = (cursor, sent_at);
            }
            let facts: Facts = serde_json::from_str(&row.text()?)
                .map_err(|_| Fault::new("a stored conversation cannot be read"))?;
            thread.facts = Some(match thread.facts.take() {
                Some(known) => known.merge(facts),
                None => facts,
            });
            if cursor > 0 {
                received.push((Cursor::from_i64(cursor), Timestamp::from_millis(sent_at)));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if let Some(facts) = &mut thread.facts {
            facts.active = facts.active.max(self.last_reached(now, &received)?);
        }
        Ok(thread)
    }

    /// When the last of these messages was delivered or acknowledged. While one of them waits, this
    /// is now, so that the conversation does not expire. A message that is reached only after it
    /// expired does not count.
    fn last_reached(
        &mut self,
        now: Timestamp,
        received: &[(Cursor, Timestamp)],
    ) -> Result<Timestamp> {
        let acked = self.store.registered(&self.id)?.acked;
        let retention = self.limits.message_retention;
        let mut last = Timestamp::default();
        for mark in [Mark::Acked, Mark::Delivered] {
            // An earlier message cannot have been reached after a later one.
            for (cursor, sent_at) in received.iter().rev() {
                let end = sent_at.plus_seconds(retention);
                if *cursor > acked && now < end {
                    return Ok(now);
                }
                let reached = self.store.reached(mark, *cursor)?;
                if let Some(reached) = reached.filter(|at| *at < end) {
                    last = last.max(reached);
                    break;
                }
            }
        }
        Ok(last)
    }

    /// What this mailbox knows of its conversation with another agent. For that agent's mailbox.
    pub fn facts(&mut self, now: Timestamp, about: &About) -> Result<Option<Facts>> {
        Ok(self.thread(now, about)?.facts)
    }

    /// Identifies one of this agent's conversations to the mailbox of the other.
    pub(super) fn about_me(&self, conversation: &ConversationId) -> About {
        About { with: self.id.clone(), conversation: conversation.clone() }
    }

    /// Refuses an id that is already used for a conversation with another agent.
    pub(super) fn check_not_of_others(&self, about: &About) -> Result<()> {
        match self.store.database.first(WITH_ANOTHER, &values(about), |_| Ok(()))? {
            Some(()) => Err(Refusal::conversation_of_others().into()),
            None => Ok(()),
        }
    }

    /// The agent with whom this mailbox has the conversation: `with`, or the agent with whom it
    /// began first. Refuses if there is none.
    pub(super) fn find_conversation(
        &mut self,
        now: Timestamp,
        id: &ConversationId,
        with: Option<AgentId>,
    ) -> Result<(About, Facts)> {
        self.store.registered(&self.id)?;
        let longest = || self.store.database.first(FIRST_WITH, &[id.as_str().into()], Row::text);
        let with = match with {
            None => longest()?.map(|other| other.parse().map_err(Fault::new)).transpose()?,
            with => with,
        };
        let with = with.ok_or_else(Refusal::conversation_not_found)?;
        let about = About { with, conversation: id.clone() };
        let facts = self.facts(now, &about)?.ok_or_else(Refusal::conversation_not_found)?;
        Ok((about, facts))
    }

    /// Ends a conversation in this mailbox, either for its agent or because `about.with` has ended
    /// it. Returns whether it was open until now. A conversation that seems to have expired is
    /// ended too, because the other mailbox may know of later activity.
    pub fn end(&mut self, now: Timestamp, about: &About) -> Result<bool> {
        let thread = self.thread(now, about)?;
        let Some(mut facts) = thread.facts.clone() else { return Ok(false) };
        if facts.ended {
            return Ok(false);
        }
        let is_news = !facts.has_had_its_turns();
        facts.ended = true;
        self.note(&thread, &facts)?;
        Ok(is_news)
    }

    /// Records that a message was refused because all turns of the conversation are used. Returns
    /// false if there is no row to record it in, because only the other mailbox knows the
    /// conversation.
    pub(super) fn note_refused(&self, thread: &Thread, facts: &Facts) -> Result<bool, Fault> {
        if thread.facts.is_none() {
            return Ok(false);
        }
        let mut facts = facts.clone();
        facts.refused = true;
        self.note(thread, &facts)?;
        Ok(true)
    }

    /// Stores what is known of a conversation that has messages here.
    fn note(&self, thread: &Thread, facts: &Facts) -> Result<(), Fault> {
        let values: [Value; 2] = [thread.latest.0.into(), facts.to_record()?.into()];
        self.store.database.execute(UPDATE_FACTS, &values)
    }

    /// The conversation as its agent sees it. `facts` is what both mailboxes know.
    pub(super) fn show_conversation(
        &self,
        now: Timestamp,
        about: About,
        facts: Facts,
    ) -> Conversation {
        let reason = facts.over(now, self.limits.conversation_idle);
        let over = reason.is_some();
        Conversation {
            conversation_id: about.conversation,
            with: about.with,
            turns: facts.taken(),
            max_turns: facts.max_turns,
            state: if over { ConversationState::Ended } else { ConversationState::Active },
            reason,
            last_activity_at: facts.active,
            initiator: facts.initiator,
            messages: None,
        }
    }

    /// The last messages of a conversation, oldest first. Returns fewer than asked for if they are
    /// long.
    pub(super) fn history(
        &self,
        now: Timestamp,
        about: &About,
        request: &ConversationRequest,
    ) -> Result<Vec<Box<RawValue>>, Fault> {
        let (mut messages, mut bytes) = (Vec::new(), 0_usize);
        let [conversation, other] = values(about);
        let until = self.expired_until(now).as_millis().into();
        let values = [conversation, other, until, i64::from(request.last).into()];
        self.store.database.query(HISTORY, &values, &mut |mut row| {
            let record = row.text()?;
            bytes = bytes.saturating_add(record.len());
            messages.push(RawValue::from_string(record).map_err(Fault::new)?);
            let full = bytes >= PAGE_BYTES;
            Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        messages.reverse();
        Ok(messages)
    }
}

fn values(about: &About) -> [Value; 2] {
    [about.conversation.as_str().into(), about.with.as_str().into()]
}
