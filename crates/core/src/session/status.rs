//! What a session tells about itself.

use super::{Session, Visitor};
use crate::{Database, Result};
use nexus_protocol::{Extent, Joining, SessionState, SessionStatus, Timestamp};
use serde::{Deserialize, Serialize};

/// The most characters of a greeting that the page behind a link shows.
const LONGEST_TOPIC: usize = 160;

/// What the page behind a link tells of a session before anybody has joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The creator's display name, or its id. `None` if there is no creator, or if it asked not to be shown.
    pub by: Option<String>,
    /// The first line of the greeting, cut to 160 characters. `None` without a greeting, or if the creator
    /// asked not to show it.
    pub topic: Option<String>,
    /// Whether the session is encrypted end to end.
    #[serde(default)]
    pub is_encrypted: bool,
    /// Whether every seat is taken, so that nobody can join now.
    pub is_full: bool,
    /// In seconds.
    pub ttl: u32,
    /// When the session ends if nothing happens.
    pub expires_at: Timestamp,
}

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
            encryption: state.encrypted(),
            created_at: state.created_at,
            expires_at: loaded.stored_deadline(),
        })
    }

    /// What the operator may see of the session: how much there is, and nothing of what was written or who is
    /// here.
    pub fn extent(&mut self, now: Timestamp) -> Result<Extent> {
        self.store.alive(now)?;
        let (bytes, file_bytes) = (self.log_bytes()?, self.file_bytes()?);
        let loaded = self.store.alive(now)?;
        Ok(Extent {
            members: loaded.state.seats(now, &self.limits).count(),
            messages: loaded.messages().unsigned_abs(),
            bytes: bytes.saturating_add(file_bytes),
            created_at: loaded.state.created_at,
            expires_at: loaded.stored_deadline(),
        })
    }

    /// What the page behind a link may show.
    pub fn invitation(&mut self, now: Timestamp) -> Result<Invitation> {
        let loaded = self.store.alive(now)?;
        let state = &loaded.state;
        let creator = state.creator.as_ref().filter(|_| !state.no_preview);
        let named = |id| state.members.get(id).and_then(|seat| seat.profile.name.clone());
        let is_encrypted = state.key_id.is_some();
        let is_shown = !state.no_preview && !is_encrypted;
        let greeting = state.greeting.as_deref().filter(|_| is_shown);
        let taken = state.seats(now, &self.limits).count();
        Ok(Invitation {
            by: creator.map(|id| named(id).unwrap_or_else(|| id.to_string())),
            topic: greeting.and_then(first_line),
            is_encrypted,
            is_full: u32::try_from(taken).unwrap_or(u32::MAX) >= state.max_agents,
            ttl: state.ttl,
            expires_at: loaded.stored_deadline(),
        })
    }

    /// The longest TTL that the session may have, in seconds.
    pub fn longest_ttl(&mut self, now: Timestamp) -> Result<u32> {
        let has_token = self.store.alive(now)?.state.token.is_some();
        Ok(if has_token { self.limits.max_team_ttl } else { self.limits.max_ttl })
    }
}

/// The first line that says something, without control characters, cut to [`LONGEST_TOPIC`].
fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let shown = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut topic: String = shown.take(LONGEST_TOPIC).collect();
    if topic.len() < line.len() {
        topic.push('\u{2026}');
    }
    Some(topic)
}
