//! What a session tells about itself.

use super::{Session, Visitor};
use crate::{Database, Result};
use nexus_protocol::{Joining, SessionState, SessionStatus, Timestamp};

impl<D: Database> Session<D> {
    /// `GET /v1/sessions/:id` (section 2). If the session has a token, a visitor that knows only
    /// the id does not learn who the members are.
    pub fn status(&mut self, now: Timestamp, visitor: &Visitor) -> Result<SessionStatus> {
        let status = self.describe(now)?;
        if visitor.is_trusted {
            return Ok(status);
        }
        Ok(SessionStatus { agents: Vec::new(), creator_agent_id: None, ..status })
    }

    /// The status with every field, for the relay itself.
    pub fn describe(&mut self, now: Timestamp) -> Result<SessionStatus> {
        let loaded = self.store.alive(now)?;
        let state = &loaded.state;
        Ok(SessionStatus {
            session_id: self.id.clone(),
            state: SessionState::Active,
            agents: state.seats(now, &self.limits).map(|(agent, _)| agent.clone()).collect(),
            ttl: state.ttl,
            max_agents: state.max_agents,
            creator_agent_id: state.creator.clone(),
            join: if state.by_link_only { Joining::Link } else { Joining::Open },
            token_required: state.token.is_some(),
            created_at: state.created_at,
            expires_at: loaded.stored_deadline(),
        })
    }

    /// The longest TTL that the session may have, in seconds.
    pub fn longest_ttl(&mut self, now: Timestamp) -> Result<u32> {
        let has_token = self.store.alive(now)?.state.token.is_some();
        Ok(if has_token { self.limits.max_team_ttl } else { self.limits.max_ttl })
    }
}
