//! Which agents this agent hears: its block list and its allow list.

use super::Mailbox;
use crate::{
    Database, Digest, Result, Row, Value,
    meter::{RATE_WINDOW, rate_wait},
};
use nexus_protocol::{AgentId, AgentList, AgentListRequest, AllowOnly, Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

const HAS: &str = "SELECT 1 FROM note WHERE kind = ?1 AND key = ?2";
const COUNT: &str = "SELECT count(*) FROM note WHERE kind = ?1";
const PUT: &str = "INSERT INTO note (kind, key, at) VALUES (?1, ?2, ?3)";
const REMOVE: &str = "DELETE FROM note WHERE kind = ?1 AND key = ?2";
const READ_ALL: &str = "SELECT key, at FROM note WHERE kind = ?1 ORDER BY key";
const READ: &str = "SELECT key FROM note WHERE kind = ?1 AND key > ?2 ORDER BY key LIMIT ?3 + 0";

/// How many frames an agent may sign for each message that it may send. For most messages, clients
/// also sign that the agent is typing and that the message was read.
const SIGNED_FOR_EACH_MESSAGE: u32 = 10;

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum List {
    /// Agents that may not write.
    Blocks,
    /// Agents that may write even if nobody else may.
    Allows,
}

impl List {
    fn kind(self) -> &'static str {
        match self {
            Self::Blocks => "block",
            Self::Allows => "allow",
        }
    }
}

impl<D: Database> Mailbox<D> {
    /// Whether this agent accepts anything from `from`.
    pub fn hears(&mut self, from: &AgentId) -> Result<bool> {
        let allow_only = self.store.registered(&self.id)?.state.allow_only;
        Ok(!self.is_on(List::Blocks, from)? && (!allow_only || self.is_on(List::Allows, from)?))
    }

    /// Uses up a nonce that this agent signed with. Returns whether the nonce is new: each is
    /// accepted once while its signature is valid. Refuses an agent that signs too often, at ten
    /// times the rate of messages that it may send to one agent.
    pub fn use_nonce(&mut self, now: Timestamp, nonce: &str) -> Result<bool> {
        self.store.registered(&self.id)?;
        let nonce = Digest::of(&["nonce", nonce]);
        if self.store.is_nonce_used(now, &nonce)? {
            return Ok(false);
        }
        let most = self.limits.sender_rate.saturating_mul(SIGNED_FOR_EACH_MESSAGE);
        let (kept, recent, first) = self.store.nonces(now.plus_millis(-RATE_WINDOW))?;
        if recent >= i64::from(most) {
            return Err(Refusal::signed_too_often(most, rate_wait(now, first)).into());
        }
        self.store.note_nonce(now, &nonce, kept)?;
        Ok(true)
    }

    /// Adds an agent to a list, or removes it. Refuses if the list is full. What waits from an agent
    /// that is blocked is dropped. Repeating the call writes nothing.
    pub fn set_listed(
        &mut self,
        now: Timestamp,
        list: List,
        other: &AgentId,
        on: bool,
    ) -> Result<()> {
        self.store.registered(&self.id)?;
        if self.is_on(list, other)? != on {
            self.put_on(now, list, other, on)?;
        }
        // Whoever is blocked is no longer heard, not even with what it sent before. If this fails,
        // blocking again does it.
        if on && list == List::Blocks { self.drop_waiting(now, other) } else { Ok(()) }
    }

    /// Adds an agent that is not on a list, or removes one that is.
    fn put_on(&self, now: Timestamp, list: List, other: &AgentId, on: bool) -> Result<()> {
        let database = &self.store.database;
        let (kind, key): (Value, Value) = (list.kind().into(), other.as_str().into());
        if !on {
            return Ok(database.execute(REMOVE, &[kind, key])?);
        }
        let most = AgentListRequest::MOST;
        let count = database.first(COUNT, std::slice::from_ref(&kind), Row::integer)?;
        if count.unwrap_or(0) >= i64::from(most) {
            return Err(Refusal::list_full(most).into());
        }
        Ok(database.execute(PUT, &[kind, key, now.as_millis().into()])?)
    }

    /// One page of a list.
    pub fn list(&mut self, list: List, request: &AgentListRequest) -> Result<AgentList> {
        let allow_only = self.store.registered(&self.id)?.state.allow_only;
        let mut answer = AgentList {
            agents: Vec::new(),
            has_more: false,
            allow_only: (list == List::Allows).then_some(allow_only),
        };
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let values: [Value; 3] = [
            list.kind().into(),
            request.after.as_ref().map_or("", AgentId::as_str).into(),
            i64::from(request.limit).saturating_add(1).into(),
        ];
        self.store.database.query(READ, &values, &mut |mut row| {
            if answer.agents.len() >= limit {
                answer.has_more = true;
                return Ok(ControlFlow::Break(()));
            }
            answer.agents.push(row.text()?.parse().map_err(crate::Fault::new)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(answer)
    }

    /// A whole list, with the time at which each agent was added.
    pub fn whole_list(&mut self, list: List) -> Result<Vec<(AgentId, Timestamp)>> {
        self.store.registered(&self.id)?;
        let mut agents = Vec::new();
        self.store.database.query(READ_ALL, &[list.kind().into()], &mut |mut row| {
            let agent = row.text()?.parse().map_err(crate::Fault::new)?;
            agents.push((agent, Timestamp::from_millis(row.integer()?)));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(agents)
    }

    /// Whether only agents on the allow list may write.
    pub fn is_allow_only(&mut self) -> Result<bool> {
        Ok(self.store.registered(&self.id)?.state.allow_only)
    }

    /// `PUT /v1/agents/:id/allow-only`
    pub fn set_allow_only(&mut self, wanted: AllowOnly) -> Result<AllowOnly> {
        let mut state = self.store.registered(&self.id)?.state.clone();
        if state.allow_only != wanted.allow_only {
            state.allow_only = wanted.allow_only;
            self.store.save(state)?;
        }
        Ok(wanted)
    }

    pub(super) fn is_on(&self, list: List, other: &AgentId) -> Result<bool> {
        let values: [Value; 2] = [list.kind().into(), other.as_str().into()];
        Ok(self.store.database.first(HAS, &values, |_| Ok(()))?.is_some())
    }
}
