//! One mailbox (section 8): the card and secret of an agent, the messages that wait for it (`inbox`),
//! what it has sent, its conversations (`conversation`), whom it hears (`lists`), and who may do what (`access`).
//!
//! Owns two tables (`store`). Every message that was received or sent is one row of `mail`, which
//! carries what its mailbox then knew of the conversation; so sending is one statement in each of the
//! two mailboxes, and what a mailbox knows of a conversation is what its rows know together. What
//! was delivered and acknowledged is a place in the inbox, not a state of each message.
//!
//! Promises: the recipient decides, with all that either side knows of the conversation; a message
//! that it has taken stays until it is acknowledged or expires, and is taken once, however often its
//! sender repeats it with the same key. What crashes between the two mailboxes leaves the recipient
//! right, and the repeat mends the sender's copy.

mod access;
mod conversation;
mod credential;
mod exchange;
mod facts;
mod inbox;
mod lists;
mod receive;
mod state;
mod store;

use crate::{Database, Fault, Listing, Random, Result, meter::Meter};
pub use access::MailboxNeed;
pub use conversation::About;
use credential::Credential;
pub use credential::{Proof, SecretUse};
pub use exchange::{Mailboxes, conversation, end_conversation, send};
pub use facts::Facts;
pub use inbox::Notice;
pub use lists::List;
use nexus_protocol::{
    AgentCard, AgentId, AgentSecret, AgentStatus, ChangeCard, Limits, Refusal, Register,
    Registered, SecretGiven, Timestamp,
};
pub use receive::{Accepted, Arrival, Letter};
use state::State;
use store::Store;

/// Milliseconds that what is stored of when the agent was last heard may be behind.
const SAVE_INTERVAL: i64 = 60_000;

/// The mailbox of an agent, or the place where one could be registered.
pub struct Mailbox<D> {
    id: AgentId,
    limits: Limits,
    meter: Meter,
    store: Store<D>,
}

impl<D: Database> Mailbox<D> {
    /// The mailbox of `id` in `database`, which may not exist there.
    pub fn new(id: AgentId, database: D, limits: Limits) -> Self {
        Self { id, meter: Meter::new(limits.agent_requests), limits, store: Store::new(database) }
    }

    /// `POST /v1/agents` under this id. With the secret that it was registered with before, the same
    /// again, and nothing changes; refused with another one.
    pub fn register(
        &mut self,
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
        let secret = match request.secret {
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
        self.store.create(State::new(now, salt, credential, card.clone()))?;
        Ok(Registered { agent_id: self.id.clone(), secret, card })
    }

    /// Stores when the agent was last heard, if what is stored has fallen behind: for calls that
    /// store nothing else.
    pub fn hear(&mut self, now: Timestamp) -> Result<()> {
        let state = &mut self.store.registered(&self.id)?.state;
        if state.heard.hear(now) >= SAVE_INTERVAL {
            let state = state.clone();
            self.store.save(state)?;
        }
        Ok(())
    }

    /// `GET /v1/agents/:id`. `connected`: a reader of its is.
    pub fn status(&mut self, now: Timestamp, connected: bool) -> Result<AgentStatus> {
        let state = &self.store.registered(&self.id)?.state;
        let online = connected || state.heard.is_online(now, SAVE_INTERVAL);
        Ok(AgentStatus { card: state.card.clone(), online })
    }

    /// `PATCH /v1/agents/:id`
    pub fn change(&mut self, now: Timestamp, change: ChangeCard) -> Result<()> {
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
        // The directory tells older news by it.
        card.updated_at = now.max(card.updated_at.plus_millis(1));
        self.store.save(state)?;
        Ok(())
    }

    /// `POST /v1/agents/:id/secret`: the secret that counts from now on, `chosen` or made. It is used
    /// as the one before was.
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

    /// Everything that is stored is about to be deleted.
    pub fn forget(&mut self) {
        self.store.forget();
    }

    /// What the directory should know.
    pub fn listing(&mut self) -> Result<Listing> {
        let card = &self.store.registered(&self.id)?.state.card;
        Ok(Listing {
            agent: self.id.clone(),
            capabilities: card.capabilities.clone(),
            listed: card.listed,
            revision: card.updated_at,
        })
    }

    /// Deletes what expired more than a day ago. Returns when to do so again, if anything is left.
    pub fn clean_up(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        self.store.clean_up(now, self.limits.message_retention)
    }

    /// When to clean up next, after something was stored.
    #[must_use]
    pub fn next_clean_up(now: Timestamp) -> Timestamp {
        now.plus_millis(store::CLEAN_UP)
    }
}
