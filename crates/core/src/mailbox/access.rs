//! Who may do what with a mailbox (protocol, section 8): the one place that decides.
//!
//! Nothing else looks at a secret or a signature. A proof is looked at once for a request, which is counted
//! for the rate when it holds.

use super::{Mailbox, Proof};
use crate::{Database, Digest, Fault, Result};
use nexus_protocol::{AgentId, Refusal, Timestamp};

/// What a call to a mailbox needs of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxNeed {
    /// Nothing.
    Anyone,
    /// That it is the agent of this mailbox, which calls about another's.
    Sender,
    /// That it is the agent of this mailbox, which calls about its own.
    Owner,
}

impl<D: Database> Mailbox<D> {
    /// Lets a caller in, or refuses it: `agent` is who it says that it is, if it says so. Who proves that it
    /// is the agent of this mailbox was heard, which is noted in memory.
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
        // A sender that is not registered has no secret that could be right.
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

    /// What a proof was held against: another one once the secret was replaced, or the address was deleted and
    /// registered anew. What goes on after a body has come compares it, for a body may take its time.
    pub fn stamp(&mut self) -> Result<Option<Digest>> {
        let Some(loaded) = self.store.load()? else { return Ok(None) };
        let state = &loaded.state;
        let credential = serde_json::to_string(&state.credential).map_err(Fault::new)?;
        Ok(Some(Digest::of(&["stamp", &nexus_protocol::hex(&state.salt), &credential])))
    }

    /// Counts a frame that came over a socket of the agent. Refused if there are too many.
    pub fn count_frame(&mut self, now: Timestamp) -> Result<()> {
        Ok(self.meter.count(now, &self.id, true)?)
    }
}
