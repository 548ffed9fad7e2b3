//! Who may do what with a mailbox (protocol, section 8). Only this module decides.
//!
//! Nothing else checks a secret or a signature. A proof is checked once for each request, and a
//! request whose proof is valid is counted for the rate limit.

use super::{Mailbox, Proof};
use crate::{Database, Digest, Fault, Result};
use nexus_protocol::{AgentId, Refusal, Timestamp};
use serde::{Deserialize, Serialize};

/// What a call to a mailbox needs of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailboxNeed {
    /// Nothing: anyone may call.
    Anyone,
    /// A proof that the caller is the agent of this mailbox. The call is about another agent.
    Sender,
    /// A proof that the caller is the agent of this mailbox. The call is about its own mailbox.
    Owner,
}

impl<D: Database> Mailbox<D> {
    /// Lets a caller in, or refuses it. `agent` is the id that the caller gives, if any. Whoever
    /// proves that it is the agent of this mailbox counts as heard, which is recorded in memory
    /// only.
    pub fn enter(
        &mut self,
        now: Timestamp,
        agent: Option<&AgentId>,
        proof: Option<&Proof>,
        need: MailboxNeed,
    ) -> Result<()> {
        match need {
            MailboxNeed::Anyone => return Ok(()),
            MailboxNeed::Owner if agent.is_some_and(|agent| *agent != self.id) => {
                return Err(Refusal::not_yourself().into());
            }
            MailboxNeed::Owner | MailboxNeed::Sender => {}
        }
        let proof = match (proof, need) {
            (Some(proof), _) => proof,
            (None, MailboxNeed::Sender) => return Err(Refusal::missing_secret().into()),
            (None, _) => {
                self.store.registered(&self.id)?;
                return Err(Refusal::missing_secret().into());
            }
        };
        // A sender that is not registered cannot have a valid secret.
        let Some(loaded) = self.store.load()? else {
            return Err(match need {
                MailboxNeed::Owner => Refusal::no_address(self.id.as_str()),
                MailboxNeed::Anyone | MailboxNeed::Sender => Refusal::invalid_secret(),
            }
            .into());
        };
        let state = &mut loaded.state;
        if !state.credential.is_proven(proof, state.salt)? {
            return Err(Refusal::invalid_secret().into());
        }
        state.heard.hear(now);
        Ok(self.meter.count(now, &self.id, true)?)
    }

    /// Identifies the secret that proofs are checked against. It changes when the secret is
    /// replaced, or when the address is deleted and registered again. A body may take long to
    /// arrive, so the stamp is compared again after that.
    pub fn stamp(&mut self) -> Result<Option<Digest>> {
        let Some(loaded) = self.store.load()? else { return Ok(None) };
        let state = &loaded.state;
        let credential = serde_json::to_string(&state.credential).map_err(Fault::new)?;
        Ok(Some(Digest::of(&["stamp", &nexus_protocol::hex(&state.salt), &credential])))
    }

    /// Counts a frame that arrived over one of the agent's sockets. Refuses a frame over the rate
    /// limit.
    pub fn count_frame(&mut self, now: Timestamp) -> Result<()> {
        Ok(self.meter.count(now, &self.id, true)?)
    }
}
