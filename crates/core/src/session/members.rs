//! Creating, joining, leaving, renewing: each one write of row 0.

use super::{
    Caller, Event, Session, Who,
    state::{Seat, State},
};
use crate::{Database, Digest, Fault, Random, Result, heard::Heard, redact::Redaction};
use nexus_protocol::{
    AgentId, CreateSession, Cursor, Joined, Left, Member, Members, MembersRequest, Profile,
    Refusal, Renew, Renewed, SessionCreated, SessionKey, SessionState, Timestamp, Token,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What one who joins brings along (section 9).
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// Of the session, if it has one.
    pub token: Option<Token>,
    /// What it tells of itself.
    pub profile: Profile,
}

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
    /// What the claimer tells of itself.
    #[serde(default)]
    pub profile: Profile,
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
        let mut redaction = Redaction::default();
        let greeting = request.greeting.filter(|greeting| !greeting.is_empty());
        state.greeting = greeting.map(|greeting| redaction.text(greeting));
        state.require_keys = request.require_keys;
        state.token = request.token.map(|token| Digest::of(&[token.as_str()]));
        state.creator.clone_from(&request.creator_agent_id);
        let session_key = match &request.creator_agent_id {
            Some(creator) => {
                let key = sit(&mut state, now, creator, None, Cursor::START, random)?;
                tell(&mut state, creator, request.profile);
                Some(key)
            }
            None => None,
        };
        self.store.create(state)?;
        self.log_bytes = Some(0);
        Ok(SessionCreated {
            session_id: self.id.clone(),
            ttl,
            max_agents,
            state: SessionState::Active,
            created_at: now,
            expires_at: now.plus_seconds(ttl),
            creator_agent_id: request.creator_agent_id,
            session_key,
            redacted: redaction.found(),
        })
    }

    /// `POST /v1/sessions/:id/join` (section 2). A member that proves its key keeps it.
    pub fn join(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        admission: Admission,
        random: &mut impl Random,
    ) -> Result<Joined> {
        let (mut state, last) = self.next_state(now)?;
        let event = joined(&state, &caller.agent);
        let key = match (state.members.get_mut(&caller.agent), &caller.key) {
            (Some(seat), Some(key)) if seat.prove(Some(key), false).is_ok() => {
                seat.hear(true, now);
                key.clone()
            }
            _ => {
                state.admit(admission.token.as_ref())?;
                sit(&mut state, now, &caller.agent, None, last, random)?
            }
        };
        tell(&mut state, &caller.agent, admission.profile);
        self.save_joined(now, state, key, event.as_ref())
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
        let event = joined(&state, &request.agent);
        let key = sit(&mut state, now, &request.agent, Some(&request.claim), last, random)?;
        tell(&mut state, &request.agent, request.profile.clone());
        self.save_joined(now, state, key, event.as_ref())
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
        self.save_telling(now, state, Some(&Event::Left(agent.clone())))?;
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
        let longest = self.longest_ttl(now)?;
        let (mut state, _) = self.next_state(now)?;
        if request.ttl.is_some_and(|ttl| ttl > longest) {
            let rule = format!("must be a whole number of seconds from 1 to {longest}");
            return Err(Refusal::invalid("ttl", rule).into());
        }
        let needed = state.require_keys;
        let seat = state.members.get(&caller.agent).ok_or_else(Refusal::not_in_session)?;
        let proven = seat.prove(caller.key.as_ref(), needed)?;
        state.hear(&caller.agent, proven, now);
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

    /// `PATCH /v1/sessions/:id/agents/:agentId` (section 9).
    pub fn change_profile(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        agent: &AgentId,
        change: Profile,
    ) -> Result<Member> {
        let (state, _) = self.next_state(now)?;
        if caller.agent != *agent {
            return Err(Refusal::not_yourself().into());
        }
        let seat = state.members.get(agent);
        seat.ok_or_else(|| Refusal::agent_not_found(agent.as_str()))?
            .prove(caller.key.as_ref(), true)?;
        self.save_told(now, state, agent, change, None)
    }

    /// Saves what a member that has proven itself, or has nothing to prove, tells of itself, and gives the
    /// member as others see it.
    pub(super) fn save_told(
        &mut self,
        now: Timestamp,
        mut state: State,
        agent: &AgentId,
        profile: Profile,
        event: Option<&Event>,
    ) -> Result<Member> {
        tell(&mut state, agent, profile);
        state.hear(agent, true, now);
        state.settle();
        let interval = state.save_interval(&self.limits);
        let seat = state.members.get(agent).ok_or_else(Refusal::not_in_session)?;
        let member = seat.shown(agent, now, interval, true);
        self.save_telling(now, state, event)?;
        Ok(member)
    }

    /// `GET /v1/sessions/:id/agents` (section 9). `connected` are the agents that have a socket open.
    pub fn members(
        &mut self,
        now: Timestamp,
        who: &Who,
        request: &MembersRequest,
        connected: &BTreeSet<AgentId>,
    ) -> Result<Members> {
        self.hear(now, who)?;
        let mut agents = self.show_members(now, connected)?;
        if let Some(capability) = &request.capability {
            agents.retain(|member| member.profile.can(capability));
        }
        Ok(Members { agents })
    }

    /// Refuses one who may not make a link: it needs the token, or a member's key.
    pub fn may_invite(
        &mut self,
        now: Timestamp,
        token: Option<&Token>,
        member: Option<&Caller>,
    ) -> Result<()> {
        let state = &self.store.alive(now)?.state;
        let seat = member.and_then(|caller| state.seat(&caller.agent, now, &self.limits));
        let key = member.and_then(|caller| caller.key.as_ref());
        if seat.is_some_and(|seat| key.is_some() && seat.prove(key, true).is_ok()) {
            return Ok(());
        }
        Ok(state.admit(token)?)
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
        event: Option<&Event>,
    ) -> Result<Joined> {
        state.active.hear(now);
        let agents_online = state.members.len();
        let expires_at = self.save_telling(now, state, event)?;
        Ok(Joined {
            status: "joined".to_owned(),
            session_id: self.id.clone(),
            agents_online,
            session_key,
            expires_at,
        })
    }
}

/// What is to be told of an agent that is given a seat, unless it has one.
pub(super) fn joined(state: &State, agent: &AgentId) -> Option<Event> {
    (!state.members.contains_key(agent)).then(|| Event::Joined(agent.clone()))
}

/// Notes what `agent` tells of itself.
fn tell(state: &mut State, agent: &AgentId, profile: Profile) {
    if let Some(seat) = state.members.get_mut(agent) {
        seat.profile.change(profile);
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
            seat.key = Some(digest);
            seat.hear(true, now);
        }
        Some(_) => return Err(Refusal::agent_id_taken().into()),
        None => {
            let seat = take_free(state, now, agent, last)?;
            (seat.key, seat.claim) = (Some(digest), claim.cloned());
        }
    }
    Ok(key)
}

/// A new seat at the end of the log, without a key, for `agent`, which has none. Refuses if the session
/// is full.
pub(super) fn take_free<'a>(
    state: &'a mut State,
    now: Timestamp,
    agent: &AgentId,
    last: Cursor,
) -> Result<&'a mut Seat, Refusal> {
    let seats = usize::try_from(state.max_agents).unwrap_or(usize::MAX);
    if state.members.len() >= seats {
        return Err(Refusal::session_full(seats));
    }
    state.seats_taken = state.seats_taken.saturating_add(1);
    let seat = Seat {
        number: state.seats_taken,
        key: None,
        claim: None,
        joined_at: now,
        since: last,
        heard: Heard::at(now),
        proven: None,
        profile: Profile::default(),
        webhook: None,
        read: None,
    };
    Ok(state.members.entry(agent.clone()).or_insert(seat))
}
