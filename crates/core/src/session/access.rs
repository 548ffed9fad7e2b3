//! Who may do what with a session (protocol, section 1). Only this module decides.
//!
//! Every call passes [`Session::enter`], which takes what the caller shows and what the call needs,
//! and counts the call for the rate limit. Nothing else checks a key or a token, and each is hashed
//! once for a request.

use super::{
    Session,
    state::{Seat, State},
};
use crate::{Database, Digest, Result};
use nexus_protocol::{AgentId, Cursor, Filter, KeyId, Refusal, SessionKey, Timestamp, Token};
use serde::{Deserialize, Serialize};

/// Whoever calls, and what it shows. Nothing is proven yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Caller {
    /// `X-Agent-Id`
    pub agent: Option<AgentId>,
    /// `X-Session-Key`
    pub key: Option<SessionKey>,
    /// `Authorization: Bearer TOKEN`
    pub token: Option<Token>,
    /// `X-Key-Id`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
}

impl Caller {
    /// A member that shows its key.
    #[must_use]
    pub fn with_key(agent: AgentId, key: SessionKey) -> Self {
        Self { agent: Some(agent), key: Some(key), ..Self::default() }
    }
}

/// What a call to a session requires of its caller. Each need includes those above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Need {
    /// Nothing beyond the session's id.
    Nothing,
    /// The right to join: the token or a member's key, if the session has a token.
    Entry,
    /// A member's name, and its key if the session requires keys. If the session has a token, the
    /// key or the token.
    Member,
    /// The member's proven key. For a seat without a key, the session's token instead, if there is
    /// one.
    Key,
    /// The member's proven key. Refused to a seat without a key.
    OwnKey,
    /// The creator's proven key. If no creator was named, any member's.
    Creator,
}

impl Need {
    /// Whether the caller must be a member.
    #[must_use]
    pub fn is_a_members(self) -> bool {
        match self {
            Self::Nothing | Self::Entry => false,
            Self::Member | Self::Key | Self::OwnKey | Self::Creator => true,
        }
    }
}

/// A member that was let in. It is valid as long as the seat exists, so a socket keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    pub(super) agent: AgentId,
    pub(super) seat: u32,
    pub(super) proven: bool,
    /// The caller may read directed messages only after this cursor. It is `Cursor::MAX` (none at
    /// all) if the caller holds a key and has not proven it.
    pub(super) since: Cursor,
    /// The same for messages about tasks, which members without a key may also read on the board.
    pub(super) tasks_since: Cursor,
    /// Which messages it wants to read.
    #[serde(default, skip_serializing_if = "Filter::is_open")]
    pub(super) filter: Filter,
}

/// A caller that was let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visitor {
    /// The member that the caller is. If the call needs a member, this is the one that the caller
    /// names. Otherwise it is set only if the caller has proven the member's key.
    pub(super) who: Option<Who>,
    /// Whether it knows more than the session's id, if the session has a token.
    pub(super) is_trusted: bool,
}

impl Visitor {
    /// The member that the caller is. Refuses a caller that names none.
    pub fn who(&self) -> Result<&Who, Refusal> {
        self.who.as_ref().ok_or_else(Refusal::missing_agent_id)
    }

    /// Whether the caller has proven a key.
    #[must_use]
    pub fn proven(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.proven)
    }
}

/// Whether a secret was shown, and whether it was right.
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

/// What a caller has proven to a session.
struct Proof {
    key: Shown,
    token: Shown,
}

impl Proof {
    /// Checks the key first, and the token only if the key is not right.
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

    /// Whether the caller knows more than the session's id, if the session has a token.
    fn is_trusted(&self, state: &State) -> bool {
        state.token.is_none() || self.key == Shown::Right || self.token == Shown::Right
    }
}

impl<D: Database> Session<D> {
    /// Lets a caller in, or refuses it. A caller without a name passes `Need::Member` if some
    /// member has no key, because ClawLink's clients read without saying who they are.
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

    /// Refuses to join by the session's id if the session requires a link, and without the key if it
    /// is encrypted. A member may join again.
    pub fn check_join(&mut self, now: Timestamp, visitor: &Visitor, caller: &Caller) -> Result<()> {
        let state = &self.store.alive(now)?.state;
        if visitor.proven() {
            return Ok(());
        }
        if state.by_link_only {
            return Err(Refusal::link_required().into());
        }
        Ok(state.check_key_id(caller.key_id.as_ref())?)
    }

    /// Refuses a dialect, whose clients cannot seal, if the session is encrypted.
    pub fn check_open(&mut self, now: Timestamp) -> Result<()> {
        match self.store.alive(now)?.state.key_id {
            Some(_) => Err(Refusal::key_required_of_dialect().into()),
            None => Ok(()),
        }
    }

    /// Whether what is sent must be sealed.
    pub fn is_encrypted(&mut self, now: Timestamp) -> Result<bool> {
        Ok(self.store.alive(now)?.state.key_id.is_some())
    }

    /// Like [`Self::enter`], for a call that needs a member.
    pub fn member(&mut self, now: Timestamp, caller: &Caller, need: Need) -> Result<Who> {
        if caller.agent.is_none() {
            return Err(Refusal::missing_agent_id().into());
        }
        Ok(self.enter(now, caller, need)?.who()?.clone())
    }

    /// Counts a frame that arrived over a member's socket. Refuses a frame over the rate limit.
    pub fn count_frame(&mut self, now: Timestamp, who: &Who) -> Result<()> {
        Ok(self.meter.count(now, &who.agent, who.proven)?)
    }
}

/// Decides. The token is checked first, so that an outsider does not learn who the members are.
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

    /// Whether it certainly acts for its seat: it has proven the key, or the seat has none.
    #[must_use]
    pub fn is_itself(&self) -> bool {
        self.since == self.tasks_since
    }

    /// Whether it reads events.
    #[must_use]
    pub fn wants_events(&self) -> bool {
        self.filter.events
    }

    /// Refuses a member that is not the creator. For a call that turns out to need the creator only
    /// after its body was read: a renewal that shortens the TTL.
    pub(super) fn check_creator(&self, state: &State) -> Result<(), Refusal> {
        if !self.proven {
            return Err(Refusal::missing_session_key());
        }
        if is_creator(state, &self.agent) { Ok(()) } else { Err(Refusal::not_the_creator()) }
    }
}

impl State {
    /// Refuses who does not know the key of an encrypted session.
    pub(super) fn check_key_id(&self, shown: Option<&KeyId>) -> Result<(), Refusal> {
        let Some(stored) = &self.key_id else { return Ok(()) };
        match Shown::compare(shown.map(KeyId::as_str), Some(stored)) {
            Shown::Right => Ok(()),
            Shown::Wrong => Err(Refusal::wrong_key_id()),
            Shown::Nothing => Err(Refusal::key_required()),
        }
    }
}

impl Visitor {
    /// Refuses a member that may not make a link. If joining requires a link or a key, making one
    /// requires a member's key.
    pub(super) fn check_invite(&self, state: &State) -> Result<(), Refusal> {
        if (state.by_link_only || state.key_id.is_some()) && !self.proven() {
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
            // A seat without a key has nothing to prove.
            since: if proven || self.key.is_none() { self.since } else { Cursor::MAX },
            tasks_since: self.since,
            filter: Filter::default(),
        }
    }
}
