//! One mailbox (section 8): an agent's card and secret, its inbox (`inbox`), its copies of sent
//! messages, its conversations (`conversation`), whom it hears (`lists`), how much of all this it
//! holds (`room`), and who may do what (`access`).
//!
//! It owns two tables (`store`). Each received or sent message is one row of `mail`. The row also
//! holds what the mailbox knew of the conversation at that time. So sending is one statement in
//! each of the two mailboxes, and a mailbox's knowledge of a conversation is what its rows say
//! together. What was delivered and acknowledged is stored as a cursor, not as a state of each
//! message.
//!
//! Promises: the recipient's mailbox decides, with everything that either mailbox knows of the
//! conversation. A message that it has accepted is kept until it is acknowledged, or expires, or its
//! sender is blocked. It is accepted once, however often the sender repeats it with the same key. If
//! a crash happens between the two writes, the recipient's mailbox is right, and a repeated send completes the sender's
//! copy.

mod access;
mod conversation;
mod credential;
mod exchange;
mod facts;
mod inbox;
mod lists;
mod receive;
mod room;
mod state;
mod store;

use crate::{
    Database, Fault, Listing, Random, Result,
    meter::Meter,
    redaction::{Redaction, check_name},
};
pub use access::MailboxNeed;
pub use conversation::About;
use credential::Credential;
pub use credential::{Proof, SecretUse};
pub use exchange::{Mailboxes, conversation, end_conversation, send};
pub use facts::Facts;
pub use inbox::Notice;
pub use lists::List;
use nexus_protocol::{
    AgentCard, AgentId, AgentSecret, AgentStatus, ChangeCard, Limits, Refusal, Region, Register,
    Registered, SecretGiven, Timestamp,
};
pub use receive::{Accepted, Arrival, Letter};
use state::State;
use store::Store;

/// Which day a time falls on.
fn day(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(24 * 3_600_000)
}

/// By how many milliseconds the stored time at which the agent was last heard may be behind.
const SAVE_INTERVAL: i64 = 60_000;

/// The mailbox of an agent, or the place where an agent may register.
pub struct Mailbox<D> {
    id: AgentId,
    limits: Limits,
    meter: Meter,
    store: Store<D>,
    /// The bytes of everything that is stored, if they were counted.
    bytes: Option<usize>,
}

impl<D: Database> Mailbox<D> {
    /// The mailbox of `id` in `database`, which may not exist there.
    pub fn new(id: AgentId, database: D, limits: Limits) -> Self {
        let meter = Meter::new(limits.agent_requests);
        Self { id, meter, limits, store: Store::new(database), bytes: None }
    }

    /// `POST /v1/agents` for this id. Repeating the call with the same secret returns the same
    /// answer and changes nothing. Refuses any other secret once the id is registered.
    pub fn register(
        &mut self,
        now: Timestamp,
        request: Register,
        used: SecretUse,
        random: &mut impl Random,
    ) -> Result<Registered> {
        self.register_in(None, now, request, used, random)
    }

    /// The same for somebody in this region.
    pub fn register_in(
        &mut self,
        region: Option<Region>,
        now: Timestamp,
        request: Register,
        used: SecretUse,
        random: &mut impl Random,
    ) -> Result<Registered> {
        if let Some(loaded) = self.store.load()? {
            let state = &loaded.state;
            let secret = request.secret.filter(|secret| state.credential.is(secret, state.salt));
            let secret = secret.ok_or_else(Refusal::address_taken)?;
            let card = state.card.clone();
            return Ok(Registered { agent_id: self.id.clone(), secret, card });
        }
        if self.id.is_reserved() {
            return Err(Refusal::invalid("agentId", AgentId::RESERVED).into());
        }
        check_name("agentId", self.id.as_str())?;
        let request = Redaction::default().clean(request)?.into_inner();
        let secret = match request.secret {
            Some(secret) if secret.is_short() => {
                return Err(Refusal::invalid("secret", AgentSecret::SHORT).into());
            }
            Some(secret) => secret,
            None => AgentSecret::from_random(random.bytes()?),
        };
        let salt = random.bytes()?;
        let card = AgentCard {
            agent_id: self.id.clone(),
            name: request.name,
            description: request.description.filter(|text| !text.is_empty()),
            version: request.version.filter(|text| !text.is_empty()),
            capabilities: request.capabilities,
            listed: request.listed,
            created_at: now,
            updated_at: now,
        };
        let credential = Credential::new(&secret, salt, used);
        let mut state = State::new(now, salt, credential, card.clone());
        state.region = region;
        self.store.create(state)?;
        Ok(Registered { agent_id: self.id.clone(), secret, card })
    }

    /// Stores when the agent was last heard, if the stored time is too far behind. For calls that
    /// store nothing else. Once a day, returns what to tell the directory of a listed agent, so that
    /// it stays listed.
    pub fn hear(&mut self, now: Timestamp) -> Result<Option<Listing>> {
        let state = &mut self.store.registered(&self.id)?.state;
        let before = state.heard.saved();
        state.heard.hear(now);
        if state.heard.ahead() < SAVE_INTERVAL {
            return Ok(None);
        }
        let state = state.clone();
        let is_due = state.card.listed && day(before) != day(now);
        self.store.save(state)?;
        is_due.then(|| self.listing()).transpose()
    }

    /// `GET /v1/agents/:id`. `connected` is whether one of the agent's readers is connected.
    pub fn status(&mut self, now: Timestamp, connected: bool) -> Result<AgentStatus> {
        let state = &self.store.registered(&self.id)?.state;
        let online = connected || state.heard.is_online(now, SAVE_INTERVAL);
        Ok(AgentStatus { card: state.card.clone(), online })
    }

    /// `PATCH /v1/agents/:id`
    pub fn change(&mut self, now: Timestamp, change: ChangeCard) -> Result<()> {
        let change = Redaction::default().clean(change)?.into_inner();
        let mut state = self.store.registered(&self.id)?.state.clone();
        let card = &mut state.card;
        card.name = change.name.unwrap_or_else(|| card.name.clone());
        for (field, text) in
            [(&mut card.description, change.description), (&mut card.version, change.version)]
        {
            if let Some(text) = text {
                *field = Some(text).filter(|text| !text.is_empty());
            }
        }
        card.capabilities = change.capabilities.unwrap_or_else(|| card.capabilities.clone());
        card.listed = change.listed.unwrap_or(card.listed);
        // The directory recognises older reports by this time, so it must increase.
        card.updated_at = now.max(card.updated_at.plus_millis(1));
        self.store.save(state)?;
        Ok(())
    }

    /// `POST /v1/agents/:id/secret`. The new secret is `chosen`, or a random one. It is used in the
    /// same way as the old one.
    pub fn replace_secret(
        &mut self,
        chosen: Option<AgentSecret>,
        random: &mut impl Random,
    ) -> Result<SecretGiven> {
        let mut state = self.store.registered(&self.id)?.state.clone();
        let secret = match chosen {
            Some(secret) => secret,
            None => AgentSecret::from_random(random.bytes()?),
        };
        state.credential = Credential::new(&secret, state.salt, state.credential.used());
        self.store.save(state)?;
        Ok(SecretGiven { secret })
    }

    /// Forgets what is in memory, because everything stored is about to be deleted.
    pub fn forget(&mut self) {
        self.store.forget();
    }

    /// What the directory should store.
    pub fn listing(&mut self) -> Result<Listing> {
        let state = &self.store.registered(&self.id)?.state;
        let card = &state.card;
        Ok(Listing {
            agent: self.id.clone(),
            capabilities: card.capabilities.clone(),
            listed: card.listed,
            revision: card.updated_at,
            heard: state.heard.latest(),
            region: state.region,
        })
    }

    /// Deletes messages that expired more than a day ago. Returns when to clean up again, if any
    /// are left.
    pub fn clean_up(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        self.bytes = None;
        self.store.clean_up(now, self.limits.message_retention)
    }

    /// When to clean up next, after something was stored.
    #[must_use]
    pub fn next_clean_up(now: Timestamp) -> Timestamp {
        now.plus_millis(store::CLEAN_UP)
    }
}
