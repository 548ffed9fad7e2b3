//! Creating, joining, leaving, renewing: each one write of row 0.

use super::{
    Caller, Session,
    state::{Seat, State},
};
use crate::{Database, Digest, Fault, Random, Result, heard::Heard};
use nexus_protocol::{
    AgentId, CreateSession, Cursor, Joined, Left, Refusal, Renew, Renewed, SessionCreated,
    SessionKey, SessionState, Timestamp,
};
use serde::{Deserialize, Serialize};

/// A seat that a claimed pairing code gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRequest {
    /// Who joins.
    pub agent: AgentId,
    /// The claim. A seat that the same claim took before is given again, with a fresh key.
    pub claim: Digest,
    /// Earlier claims of the same code whose end is unknown and whose time is over. If one of them
    /// took a seat nobody holds the key of it, so the seat is taken away.
    pub supersedes: Vec<Digest>,
}

impl<D: Database> Session<D> {
    /// `PUT /v1/sessions` (section 2).
    pub fn create(
        &mut self,
        now: Timestamp,
        request: CreateSession,
        random: &mut impl Random,
    ) -> Result<SessionCreated> {
        if self.store.load()?.is_some() {
            return Err(Fault::new("a new session's id is in use").into());
        }
        let ttl = request.ttl.unwrap_or(self.limits.default_ttl);
        let max_agents = request.max_agents.unwrap_or(self.limits.max_agents);
        let mut state = State::new(now, random.bytes()?, ttl, max_agents);
        state.greeting = request.greeting.filter(|greeting| !greeting.is_empty());
        state.require_keys = request.require_keys;
        state.creator.clone_from(&request.creator_agent_id);
        let session_key = match &request.creator_agent_id {
            Some(creator) => Some(sit(&mut state, now, creator, None, Cursor::START, random)?),
            None => None,
        };
        self.store.create(state)?;
        Ok(SessionCreated {
            session_id: self.id.clone(),
            ttl,
            max_agents,
            state: SessionState::Active,
            created_at: now,
            expires_at: now.plus_seconds(ttl),
            creator_agent_id: request.creator_agent_id,
            session_key,
        })
    }

    /// `POST /v1/sessions/:id/join` (section 2). A member that proves its key keeps it.
    pub fn join(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        random: &mut impl Random,
    ) -> Result<Joined> {
        let (mut state, last) = self.next_state(now)?;
        let key = match (state.members.get_mut(&caller.agent), &caller.key) {
            (Some(seat), Some(key)) if seat.prove(Some(key), false).is_ok() => {
                seat.heard.hear(now);
                key.clone()
            }
            _ => sit(&mut state, now, &caller.agent, None, last, random)?,
        };
        self.save_joined(now, state, key)
    }

    /// Joins for a claimed pairing code (section 4).
    pub fn take_seat(
        &mut self,
        now: Timestamp,
        request: &SeatRequest,
        random: &mut impl Random,
    ) -> Result<Joined> {
        let (mut state, last) = self.next_state(now)?;
        let lost = |claim: &Digest| request.supersedes.contains(claim);
        state.members.retain(|_, seat| !seat.claim.as_ref().is_some_and(lost));
        let key = sit(&mut state, now, &request.agent, Some(&request.claim), last, random)?;
        self.save_joined(now, state, key)
    }

    /// `DELETE /v1/sessions/:id/agents/:agentId` (section 2).
    pub fn leave(&mut self, now: Timestamp, caller: &Caller, agent: &AgentId) -> Result<Left> {
        let (mut state, _) = self.next_state(now)?;
        if caller.agent != *agent {
            return Err(Refusal::not_yourself().into());
        }
        let Some(seat) = state.members.remove(agent) else {
            return Err(Refusal::agent_not_found(agent.as_str()).into());
        };
        seat.prove(caller.key.as_ref(), true)?;
        if state.creator.as_ref() == Some(agent) {
            return Err(Refusal::creator_cannot_leave().into());
        }
        self.store.save(state)?;
        Ok(Left {
            ok: true,
            status: "removed".to_owned(),
            session_id: self.id.clone(),
            agent_id: agent.clone(),
            message: format!("{agent} has left the session; its key no longer works."),
        })
    }

    /// `POST /v1/sessions/:id/renew` (section 2).
    pub fn renew(&mut self, now: Timestamp, caller: &Caller, request: Renew) -> Result<Renewed> {
        let (mut state, _) = self.next_state(now)?;
        let needed = state.require_keys;
        let seat = state.members.get(&caller.agent).ok_or_else(Refusal::not_in_session)?;
        seat.prove(caller.key.as_ref(), needed)?;
        state.hear(&caller.agent, now);
        state.ttl = request.ttl.unwrap_or(state.ttl);
        let (ttl, agents) = (state.ttl, state.members.keys().cloned().collect());
        let expires_at = self.store.save(state)?;
        Ok(Renewed {
            session_id: self.id.clone(),
            state: SessionState::Active,
            ttl,
            expires_at,
            agents,
        })
    }

    /// A copy of the state to change and save, without the seats that were lost by silence, and the
    /// end of the log.
    pub(super) fn next_state(&mut self, now: Timestamp) -> Result<(State, Cursor)> {
        let loaded = self.store.alive(now)?;
        let (mut state, last) = (loaded.state.clone(), loaded.last);
        state.drop_lost(now, &self.limits);
        Ok((state, last))
    }

    fn save_joined(
        &mut self,
        now: Timestamp,
        mut state: State,
        session_key: SessionKey,
    ) -> Result<Joined> {
        state.active.hear(now);
        let agents_online = state.members.len();
        let expires_at = self.store.save(state)?;
        Ok(Joined {
            status: "joined".to_owned(),
            session_id: self.id.clone(),
            agents_online,
            session_key,
            expires_at,
        })
    }
}

/// Gives `agent` a seat with a fresh key: its own, if the same claim has taken it before, or a new
/// one at the end of the log. Refuses a name that is another's, and a session that is full.
fn sit(
    state: &mut State,
    now: Timestamp,
    agent: &AgentId,
    claim: Option<&Digest>,
    last: Cursor,
    random: &mut impl Random,
) -> Result<SessionKey> {
    let key = SessionKey::from_random(random.bytes()?);
    let digest = Digest::of(&[key.as_str()]);
    match state.members.get_mut(agent) {
        Some(seat) if claim.is_some() && seat.claim.as_ref() == claim => {
            seat.key = digest;
            seat.heard.hear(now);
        }
        Some(_) => return Err(Refusal::agent_id_taken().into()),
        None => {
            let seats = usize::try_from(state.max_agents).unwrap_or(usize::MAX);
            if state.members.len() >= seats {
                return Err(Refusal::session_full(seats).into());
            }
            state.seats_taken = state.seats_taken.saturating_add(1);
            let seat = Seat {
                number: state.seats_taken,
                key: digest,
                claim: claim.cloned(),
                joined_at: now,
                since: last,
                heard: Heard::at(now),
                webhook: None,
            };
            state.members.insert(agent.clone(), seat);
        }
    }
    Ok(key)
}
