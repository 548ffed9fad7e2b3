//! Creating a session, joining, leaving, removing and renewing are each one write of row 0. Ending
//! deletes the table.

use super::{
    Caller, Event, Session, Visitor, Who,
    size::Size,
    state::{Seat, State},
};
use crate::redaction::{Clean, Redaction, check_name};
use crate::{Database, Digest, Fault, Random, Result, heard::Heard};
use nexus_protocol::{
    AgentId, CreateSession, Cursor, Encrypted, Ended, Greeting, Joined, Joining, KeyId, Left,
    Member, Members, MembersRequest, PairingCode, Profile, Refusal, Region, Renew, Renewed,
    SessionCreated, SessionKey, SessionState, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A request for the seat that a claimed code gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRequest {
    /// The agent that joins.
    pub agent: AgentId,
    /// The code.
    pub code: PairingCode,
    /// The claim. If it took a seat before, it gets the same seat again with a new key.
    pub claim: Digest,
    /// Earlier claims of the same code whose outcome is unknown and whose reservations have
    /// expired. If one of them took a seat, nobody holds its key, so the seat is taken away.
    pub supersedes: Vec<Digest>,
    /// The profile that the claimer joins with.
    #[serde(default)]
    pub profile: Profile,
    /// Proves the key of an encrypted session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
}

impl<D: Database> Session<D> {
    /// `PUT /v1/sessions` (section 2).
    pub fn create(
        &mut self,
        now: Timestamp,
        request: CreateSession,
        random: &mut impl Random,
    ) -> Result<SessionCreated> {
        self.create_in(None, now, request, random)
    }

    /// The same for a creator in this region.
    pub fn create_in(
        &mut self,
        region: Option<Region>,
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
        state.region = region;
        let encryption = request.encryption.as_ref().map(|_| Encrypted::V1);
        let mut redaction =
            if encryption.is_some() { Redaction::sealed() } else { Redaction::default() };
        let request = redaction.clean(request)?;
        let profile = request.part(|request| request.profile.clone());
        let request = request.into_inner();
        state.greeting = request.greeting.filter(|greeting| !greeting.is_empty());
        // A seat without a key would be anybody's who knows the session's id.
        state.require_keys = request.require_keys || encryption.is_some();
        let key_id = request.encryption.map(|encryption| encryption.key_id);
        state.key_id = key_id.map(|id| Digest::of(&[id.as_str()]));
        state.token = request.token.map(|token| Digest::of(&[token.as_str()]));
        state.by_link_only = request.join == Joining::Link;
        state.no_preview = request.preview == Some(false);
        state.creator.clone_from(&request.creator_agent_id);
        let session_key = match &request.creator_agent_id {
            Some(creator) => {
                let key = sit(&mut state, now, creator, None, Cursor::START, random)?;
                tell(&mut state, creator, profile);
                Some(key)
            }
            None => None,
        };
        self.store.create(state)?;
        self.size = Size::empty();
        Ok(SessionCreated {
            session_id: self.id.clone(),
            ttl,
            max_agents,
            state: SessionState::Active,
            created_at: now,
            expires_at: now.plus_seconds(ttl),
            creator_agent_id: request.creator_agent_id,
            session_key,
            encryption,
            redacted: redaction.found(),
        })
    }

    /// `POST /v1/sessions/:id/join` (section 2), by a visitor with `Need::Entry`. A member that
    /// proves its key keeps its seat. Refuses others if the session requires a link.
    pub fn join(
        &mut self,
        now: Timestamp,
        visitor: &Visitor,
        caller: &Caller,
        profile: Profile,
        random: &mut impl Random,
    ) -> Result<Joined> {
        // The member may have lost its seat while the body arrived.
        let is_seated = match &visitor.who {
            Some(who) => self.is_seated(now, who)?,
            None => false,
        };
        let (mut state, last) = self.next_state(now)?;
        let (agent, key, event) = match (&visitor.who, &caller.key) {
            (Some(who), Some(key)) if is_seated => {
                state.hear(&who.agent, true, now);
                (who.agent.clone(), key.clone(), None)
            }
            _ => {
                let agent = caller.agent.clone().ok_or_else(Refusal::missing_agent_id)?;
                if state.by_link_only || state.past.was_removed(&agent) {
                    return Err(Refusal::link_required().into());
                }
                state.check_key_id(caller.key_id.as_ref())?;
                let key = sit(&mut state, now, &agent, None, last, random)?;
                let event = Event::Joined(agent.clone());
                (agent, key, Some(event))
            }
        };
        let mut redaction = Redaction::default();
        tell(&mut state, &agent, redaction.clean(profile)?);
        let joined = self.save_joined(now, state, key, event.as_ref())?;
        Ok(Joined { redacted: redaction.found(), ..joined })
    }

    /// Joins with a claimed code (section 4). Refuses a claim whose seat was given up.
    pub fn take_seat(
        &mut self,
        now: Timestamp,
        request: &SeatRequest,
        random: &mut impl Random,
    ) -> Result<Joined> {
        let (mut state, last) = self.next_state(now)?;
        if state.past.has_claim(&request.claim) || state.past.is_void(&request.code) {
            return Err(Refusal::code_over().into());
        }
        state.check_key_id(request.key_id.as_ref())?;
        state.vacate_claims(&request.supersedes);
        let event = joined(&state, &request.agent);
        let key = sit(&mut state, now, &request.agent, Some(&request.claim), last, random)?;
        state.past.readmit(&request.agent);
        state.codes.retain(|open| open.code != request.code);
        let mut redaction = Redaction::default();
        tell(&mut state, &request.agent, redaction.clean(request.profile.clone())?);
        let by = state.creator.clone();
        let greeting = state.greeting.clone().map(|text| Greeting { by, text });
        let joined = self.save_joined(now, state, key, event.as_ref())?;
        Ok(Joined { greeting, redacted: redaction.found(), ..joined })
    }

    /// `DELETE /v1/sessions/:id/agents/:agentId` (section 2), for a member that leaves.
    pub fn leave(&mut self, now: Timestamp, who: &Who) -> Result<Left> {
        let (state, name) = self.without(now, &who.agent)?;
        self.save_telling(now, state, Some(&Event::Left(name)))?;
        Ok(self.left(&who.agent, "has left the session; its key no longer works"))
    }

    /// The same call, by the creator (`Need::Creator`) to remove a member. The member may return
    /// only by a new link. Otherwise it could return at once under another name, by the session's
    /// id, its token, or an older link.
    pub fn remove(&mut self, now: Timestamp, who: &Who, agent: &AgentId) -> Result<Left> {
        who.check_creator(&self.store.alive(now)?.state)?;
        let (mut state, name) = self.without(now, agent)?;
        state.past.note_removed(&name);
        state.by_link_only = true;
        // The removed member may know unused links.
        state.void_codes();
        let event = Event::Removed { agent: name.clone(), by: who.agent.clone() };
        self.save_telling(now, state, Some(&event))?;
        Ok(self.left(&name, "was removed from the session; its key no longer works"))
    }

    /// The state without a member's seat. Refuses to take away the creator's.
    fn without(&mut self, now: Timestamp, agent: &AgentId) -> Result<(State, AgentId)> {
        let (mut state, _) = self.next_state(now)?;
        let name = state.find(agent, now, &self.limits).map(|(name, _)| name.clone());
        let name = name.ok_or_else(|| Refusal::agent_not_found(agent.as_str()))?;
        if state.creator.as_ref() == Some(&name) {
            return Err(Refusal::creator_cannot_leave().into());
        }
        state.vacate(&name);
        Ok((state, name))
    }

    fn left(&self, agent: &AgentId, what: &str) -> Left {
        Left {
            ok: true,
            status: "removed".to_owned(),
            session_id: self.id.clone(),
            agent_id: agent.clone(),
            message: format!("{agent} {what}."),
        }
    }

    /// `DELETE /v1/sessions/:id` (section 2), with `Need::Creator`. Afterwards there is no session.
    /// The caller deletes what is left in storage.
    pub fn end(&mut self, now: Timestamp, who: &Who) -> Result<Ended> {
        self.seated(now, who)?;
        who.check_creator(&self.store.alive(now)?.state)?;
        self.end_for_all(now)?;
        Ok(Ended { ok: true, status: "ended".to_owned(), session_id: self.id.clone() })
    }

    /// Ends the session for the operator (section 5). Otherwise the same as [`Self::end`].
    pub fn end_by_operator(&mut self, now: Timestamp) -> Result<()> {
        self.store.alive(now)?;
        self.end_for_all(now)
    }

    fn end_for_all(&mut self, now: Timestamp) -> Result<()> {
        let report = self.last_words(now)?;
        self.store.end()?;
        self.note_end(report);
        self.untold.clear();
        Ok(())
    }

    /// `POST /v1/sessions/:id/renew` (section 2). Only the creator may shorten the TTL.
    pub fn renew(&mut self, now: Timestamp, who: &Who, request: Renew) -> Result<Renewed> {
        self.seated(now, who)?;
        let longest = self.longest_ttl(now)?;
        let (mut state, _) = self.next_state(now)?;
        if request.ttl.is_some_and(|ttl| ttl > longest) {
            let rule = format!("must be a whole number of seconds from 1 to {longest}");
            return Err(Refusal::invalid("ttl", rule).into());
        }
        if request.ttl.is_some_and(|ttl| ttl < state.ttl) {
            who.check_creator(&state)?;
        }
        state.hear(&who.agent, who.proven, now);
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

    /// `PATCH /v1/sessions/:id/agents/:agentId` (section 9), by the member itself.
    pub fn change_profile(&mut self, now: Timestamp, who: &Who, change: Profile) -> Result<Member> {
        self.seated(now, who)?;
        let (state, _) = self.next_state(now)?;
        let change = Redaction::default().clean(change)?;
        self.save_told(now, state, &who.agent, change, None)
    }

    /// Saves the new profile of a member that has proven its key or has none. Returns the member as
    /// others see it.
    pub(super) fn save_told(
        &mut self,
        now: Timestamp,
        mut state: State,
        agent: &AgentId,
        profile: Clean<Profile>,
        event: Option<&Event>,
    ) -> Result<Member> {
        tell(&mut state, agent, profile);
        state.hear(agent, true, now);
        state.settle();
        let interval = state.fresh_for(&self.limits);
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

    /// A copy of the state, to be changed and saved, and the end of the log. The copy lacks the
    /// seats that were lost by silence.
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
        let encryption = state.encrypted();
        let agents_online = state.members.len();
        let expires_at = self.save_telling(now, state, event)?;
        Ok(Joined {
            status: "joined".to_owned(),
            session_id: self.id.clone(),
            agents_online,
            session_key,
            expires_at,
            encryption,
            redacted: Vec::new(),
            greeting: None,
        })
    }
}

/// The event that reports that an agent takes a seat. `None` if the agent has one already.
pub(super) fn joined(state: &State, agent: &AgentId) -> Option<Event> {
    (!state.members.contains_key(agent)).then(|| Event::Joined(agent.clone()))
}

/// Updates the profile of `agent`.
fn tell(state: &mut State, agent: &AgentId, profile: Clean<Profile>) {
    if let Some(seat) = state.members.get_mut(agent) {
        seat.profile.change(profile.into_inner());
    }
}

/// Gives `agent` a seat with a new key: its own seat, if the same claim took it before, or a new
/// one at the end of the log. Refuses a name that is reserved or taken, and a full session.
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
            // Sockets and bodies that were let in with the old key stop being valid.
            state.seats_taken = state.seats_taken.saturating_add(1);
            (seat.number, seat.webhook) = (state.seats_taken, None);
            seat.key = Some(digest);
            seat.hear(true, now);
        }
        _ => {
            let seat = take_free(state, now, agent, true, last)?;
            (seat.key, seat.claim) = (Some(digest), claim.cloned());
        }
    }
    Ok(key)
}

/// Gives `agent` a new seat at the end of the log. The caller sets its key. Refuses a name that is
/// reserved, that a member has in any case, or that an earlier seat of the other kind had: messages
/// sent without proof must not look proven later. Also refuses a full session.
pub(super) fn take_free<'a>(
    state: &'a mut State,
    now: Timestamp,
    agent: &AgentId,
    is_keyed: bool,
    last: Cursor,
) -> Result<&'a mut Seat, Refusal> {
    if agent.is_reserved() {
        return Err(Refusal::invalid("agentId", AgentId::RESERVED));
    }
    check_name("agentId", agent.as_str())?;
    if state.members.keys().any(|name| name.is_same(agent))
        || state.past.was_other_kind(agent, is_keyed)
    {
        return Err(Refusal::agent_id_taken());
    }
    let seats = usize::try_from(state.max_agents).unwrap_or(usize::MAX);
    if state.members.len() >= seats || (!is_keyed && state.past.has_no_room_for(agent)) {
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
