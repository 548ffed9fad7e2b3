//! The links to a session (section 4): who may make one, which ones are open, and taking one back. What a
//! code leads to stands in its index. The session remembers the open ones for its members.

use super::{Session, Visitor, Who, state::Link};
use crate::{Database, Digest, Result};
use nexus_protocol::{PairingCode, Refusal, Timestamp};

/// Codes of a session that may be open at a time. Half of them are for members that prove their key.
const MOST_OPEN: usize = 100;

impl<D: Database> Session<D> {
    /// Notes a code that is about to be made, by a visitor with `Need::Entry`. Refuses one who may not make a
    /// link, and too many. A code that is never stored in its index is forgotten when it would expire.
    pub fn add_code(&mut self, now: Timestamp, visitor: &Visitor, code: PairingCode) -> Result<()> {
        let (mut state, _) = self.next_state(now)?;
        visitor.check_invite(&state)?;
        state.codes.retain(|open| now < open.expires_at);
        let proven = visitor.proven();
        let (open, most) = if proven {
            (state.codes.len(), MOST_OPEN)
        } else {
            (state.codes.iter().filter(|open| !open.proven).count(), MOST_OPEN / 2)
        };
        if open >= most {
            return Err(Refusal::too_many_links(most).into());
        }
        let expires_at = now.plus_seconds(self.limits.pairing_ttl);
        state.codes.push(Link { code, expires_at, proven });
        self.store.save_quietly(state)?;
        Ok(())
    }

    /// The codes that can still be claimed, and until when, for a member with `Need::Key`.
    pub fn open_codes(
        &mut self,
        now: Timestamp,
        who: &Who,
    ) -> Result<Vec<(PairingCode, Timestamp)>> {
        self.seated(now, who)?;
        let codes = &self.store.alive(now)?.state.codes;
        let open = codes.iter().filter(|open| now < open.expires_at);
        Ok(open.map(|open| (open.code.clone(), open.expires_at)).collect())
    }

    /// Forgets a code that a member takes back, with `Need::Key`, and the seats of claims whose end is unknown.
    pub fn forget_code(
        &mut self,
        now: Timestamp,
        who: &Who,
        code: &PairingCode,
        lost: &[Digest],
    ) -> Result<()> {
        self.seated(now, who)?;
        let (mut state, _) = self.next_state(now)?;
        state.codes.retain(|open| open.code != *code);
        state.vacate_claims(lost);
        self.store.save(state)?;
        Ok(())
    }
}
