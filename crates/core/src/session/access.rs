//! Who may do what with a session (protocol, section 1): the one place that decides.
//!
//! A call comes in by [`Session::enter`], which takes what the caller shows and what the call needs, and
//! counts it for the rate. Nothing else looks at a key or a token, and each is hashed once for a request.

use super::{
    Session,
    state::{Seat, State},
};
use crate::{Database, Digest, Result};
use nexus_protocol::{AgentId, Cursor, Filter, Refusal, SessionKey, Timestamp, Token};
use serde::{Deserialize, Serialize};

/// Who calls: what it shows, of which nothing is proven yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Caller {
    /// `X-Agent-Id`
    pub agent: Option<AgentId>,
    /// `X-Session-Key`
    pub key: Option<SessionKey>,
    /// `Authorization: Bearer TOKEN`
    pub token: Option<Token>,
}

/// What a call to a session needs of its caller. Each one includes those above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The session's id.
    Nothing,
    /// The right to come in: the token, or a member's key, where the session has a token.
    Entry,
    /// A member's name, and its key if the session requires keys. Where the session has a token, a key or
    /// the token.
    Member,
    /// The member's proven key. A seat that holds no key needs the token instead, where there is one.
    Key,
    /// The member's proven key. A seat that holds none has no way.
    OwnKey,
    /// The creator's proven key. Where no creator was named, any member's.
    Creator,
}

impl Need {
    /// Whether it takes a member.
    #[must_use]
    pub fn is_a_members(self) -> bool {
        match self {
            Self::Nothing | Self::Entry => false,
            Self::Member | Self::Key | Self::OwnKey | Self::Creator => true,
        }
    }
}

/// A member that was let in. It lasts as long as the seat: a socket keeps it between its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    pub(super) agent: AgentId,
    pub(super) seat: u32,
    pub(super) proven: bool,
    /// The caller may read directed messages only after this cursor; `Cursor::MAX` (none) if it holds a key
    /// and has not proven it.
    pub(super) since: Cursor,
    /// The same for messages about tasks, which the board shows without a key, too.
    pub(super) tasks_since: Cursor,
    /// What it wants to read.
    #[serde(default, skip_serializing_if = "Filter::is_open")]
    pub(super) filter: Filter,
}

/// A caller that was let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visitor {
    /// The member that it is: the one it names, where the call needs a member; else only one whose key it has
    /// proven.
    pub(super) who: Option<Who>,
    /// It knows more than the id of a session that has a token.
    pub(super) is_trusted: bool,
}

impl Visitor {
    /// The member that it is. Refused if it has not said which one.
    pub fn who(&self) -> Result<&Who, Refusal> {
        self.who.as_ref().ok_or_else(Refusal::missing_agent_id)
    }

    /// Whether it has proven a key.
    #[must_use]
    pub fn proven(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.proven)
    }
}

/// Whether something secret was shown, and was the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    Wrong,
    Right,
}

impl Shown {
    fn compare(shown: Option<&str>, stored: Option<&Digest>) -> Self {
        match (shown, stored) {
            (None, _) => Self::Nothing,
            (Some(text), Some(digest)) if Digest::of(&[text]) == *digest => Self::Right,
            (Some(_), _) => Self::Wrong,
        }
    }
}

/// What a caller has shown to a session.
struct Proof {
    key: Shown,
    token: Shown,
}

impl Proof {
    /// Hashes the key first. The token is looked at only if the key is not the right one.
    fn of(state: &State, seat: Option<&Seat>, caller: &Caller) -> Self {
        let key = caller.key.as_ref().map(SessionKey::as_str);
        let key = Shown::compare(key, seat.and_then(|seat| seat.key.as_ref()));
        let token = match (key, &state.token) {
            (Shown::Right, _) | (_, None) => Shown::Nothing,
            (_, Some(digest)) => {
                Shown::compare(caller.token.as_ref().map(Token::as_str), Some(digest))
            }
        };
        Self { key, token }
    }

    /// Whether the caller knows more than the session's id, where the session has a token.
    fn is_trusted(&self, state: &State) -> bool {
        state.token.is_none() || self.key == Shown::Right || self.token == Shown::Right
    }
}

impl<D: Database> Session<D> {
    /// Lets a caller in, or refuses it. Without a name, `Need::Member` is held against the members that hold no
    /// key, of which there must be one: ClawLink's clients read without saying who they are.
    pub fn enter(&mut self, now: Timestamp, caller: &Caller, need: Need) -> Result<Visitor> {
        let state = &self.store.alive(now)?.state;
        let found = caller.agent.as_ref().and_then(|agent| state.find(agent, now, &self.limits));
        let proof = Proof::of(state, found.map(|(_, seat)| seat), caller);
        let is_trusted = proof.is_trusted(state);
        match need {
            Need::Nothing => {}
            Need::Entry => check_token(&proof, is_trusted)?,
            Need::Member if caller.agent.is_none() => {
                check_token(&proof, is_trusted)?;
                if state.require_keys {
                    return Err(Refusal::keys_required().into());
                }
                if !state.seats(now, &self.limits).any(|(_, seat)| seat.key.is_none()) {
                    return Err(Refusal::not_in_session().into());
                }
            }
            Need::Member | Need::Key | Need::OwnKey | Need::Creator => {
                decide(state, found, &proof, need)?;
            }
        }
        let proven = proof.key == Shown::Right;
        let named = found.filter(|_| proven || need.is_a_members());
        let who = named.map(|(name, seat)| seat.occupied_by(name, proven));
        if let Some(who) = who.as_ref().filter(|who| who.proven) {
            self.meter.count(now, &who.agent, true)?;
        }
        Ok(Visitor { who, is_trusted })
    }

    /// Refuses one who would join by the session's id where that takes a link. A member may come back.
    pub fn check_join(&mut self, now: Timestamp, visitor: &Visitor) -> Result<()> {
        let by_link_only = self.store.alive(now)?.state.by_link_only;
        if by_link_only && !visitor.proven() {
            return Err(Refusal::link_required().into());
        }
        Ok(())
    }

    /// The same as [`Self::enter`], for a call of a member.
    pub fn member(&mut self, now: Timestamp, caller: &Caller, need: Need) -> Result<Who> {
        if caller.agent.is_none() {
            return Err(Refusal::missing_agent_id().into());
        }
        Ok(self.enter(now, caller, need)?.who()?.clone())
    }

    /// Counts a frame that came over a member's socket. Refused if there are too many.
    pub fn count_frame(&mut self, now: Timestamp, who: &Who) -> Result<()> {
        Ok(self.meter.count(now, &who.agent, who.proven)?)
    }
}

/// The decision. A token is asked for first, so that an outsider does not learn who the members are.
fn decide(
    state: &State,
    found: Option<(&AgentId, &Seat)>,
    proof: &Proof,
    need: Need,
) -> Result<(), Refusal> {
    let needs_key = state.require_keys || need != Need::Member;
    if !proof.is_trusted(state) {
        return Err(match (proof.key, proof.token) {
            (Shown::Wrong, _) => Refusal::invalid_session_key(true),
            (_, Shown::Wrong) => Refusal::invalid_token(),
            _ => Refusal::missing_session_key(),
        });
    }
    let (name, seat) = found.ok_or_else(Refusal::not_in_session)?;
    let holds_key = seat.key.is_some();
    match (proof.key, need) {
        (Shown::Wrong, _) => Err(Refusal::invalid_session_key(needs_key)),
        (Shown::Nothing, _)
            if state.require_keys || matches!(need, Need::OwnKey | Need::Creator) =>
        {
            Err(Refusal::missing_session_key())
        }
        (Shown::Nothing, Need::Key) if holds_key => Err(Refusal::missing_session_key()),
        (Shown::Right, Need::Creator) if !is_creator(state, name) => {
            Err(Refusal::not_the_creator())
        }
        (Shown::Nothing | Shown::Right, _) => Ok(()),
    }
}

fn check_token(proof: &Proof, is_trusted: bool) -> Result<(), Refusal> {
    match proof.token {
        _ if is_trusted => Ok(()),
        Shown::Wrong => Err(Refusal::invalid_token()),
        Shown::Nothing | Shown::Right => Err(Refusal::missing_token()),
    }
}

fn is_creator(state: &State, agent: &AgentId) -> bool {
    state.creator.as_ref().is_none_or(|creator| creator == agent)
}

impl Who {
    /// The agent.
    #[must_use]
    pub fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// Whether it has proven its key.
    #[must_use]
    pub fn proven(&self) -> bool {
        self.proven
    }

    /// Whether it acts for its seat beyond doubt: it has proven the key, or the seat has none.
    #[must_use]
    pub fn is_itself(&self) -> bool {
        self.since == self.tasks_since
    }

    /// Whether it reads events.
    #[must_use]
    pub fn wants_events(&self) -> bool {
        self.filter.events
    }

    /// Refuses one who may not do what is the creator's, of a call that turns out to need it once its body
    /// was read: a renewal that shortens the TTL.
    pub(super) fn check_creator(&self, state: &State) -> Result<(), Refusal> {
        if !self.proven {
            return Err(Refusal::missing_session_key());
        }
        if is_creator(state, &self.agent) { Ok(()) } else { Err(Refusal::not_the_creator()) }
    }
}

impl Visitor {
    /// Refuses one who may not make a link: where joining is by link only, that takes a member's key.
    pub(super) fn check_invite(&self, state: &State) -> Result<(), Refusal> {
        if state.by_link_only && !self.proven() {
            return Err(Refusal::missing_session_key());
        }
        Ok(())
    }
}

impl Seat {
    fn occupied_by(&self, agent: &AgentId, proven: bool) -> Who {
        Who {
            agent: agent.clone(),
            seat: self.number,
            proven,
            // One that holds no key has nothing to prove.
            since: if proven || self.key.is_none() { self.since } else { Cursor::MAX },
            tasks_since: self.since,
            filter: Filter::default(),
        }
    }
}
