//! What is remembered of the sealed strings of a session, in `sessions/<ID>/sealed`: the counts of messages, which
//! strings were opened, and what was sent and may not have arrived.

use super::{Seal, outgoing::unwritable};
use crate::{error::Result, json::Json, random};
use nexus_seal::{History, Outgoing, Plain, SealedHash};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How many messages are kept that may not have arrived. Who repeats one does so soon.
const MOST_PENDING: usize = 20;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Ledger {
    pub(super) history: History,
    /// Messages that were sealed and may not have arrived, the oldest first.
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    pending: VecDeque<Pending>,
}

/// A message that was sealed and may not have arrived.
#[derive(Serialize, Deserialize)]
struct Pending {
    /// Its `Idempotency-Key`.
    once: String,
    /// What it says, so that another message under the same key is not taken for it.
    body: SealedHash,
    message: Outgoing,
}

impl Seal {
    /// Numbers a message, and seals it. One that is sent again under its `Idempotency-Key` is the same string again.
    /// The number is stored before the message is sent, so no other message has it.
    pub(super) fn number(&self, once: Option<&str>, body: &Json, plain: Plain) -> Result<String> {
        self.state.with_sealed(&self.session, |ledger: &mut Ledger| {
            let body = SealedHash::of(body.as_str());
            let is_it =
                |pending: &&Pending| Some(pending.once.as_str()) == once && pending.body == body;
            if let Some(pending) = ledger.pending.iter().find(is_it) {
                return Ok(pending.message.sealed.clone());
            }
            let iv = random::unguessable()?;
            let message = ledger.history.seal(&self.sealer(), iv, plain).map_err(unwritable)?;
            let sealed = message.sealed.clone();
            if let Some(once) = once {
                ledger.pending.push_back(Pending { once: once.to_owned(), body, message });
                if ledger.pending.len() > MOST_PENDING {
                    ledger.pending.pop_front();
                }
            }
            Ok(sealed)
        })
    }

    /// Notes that a message has arrived, or that it was refused, so that its number can be used again.
    pub(crate) fn settle(&self, once: &str, has_arrived: bool) -> Result<()> {
        self.state.with_sealed(&self.session, |ledger: &mut Ledger| {
            let at = ledger.pending.iter().position(|pending| pending.once == once);
            if let Some(Pending { message, .. }) = at.and_then(|at| ledger.pending.remove(at)) {
                if has_arrived {
                    ledger.history.stored(&message.n);
                } else {
                    ledger.history.refused(&message);
                }
            }
            Ok(())
        })
    }
}
