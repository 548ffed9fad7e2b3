//! The links to a session (section 4): who may make one, which ones are open, and how one is
//! revoked. The index of codes knows where a code leads. The session remembers the open codes for
//! its members.

use super::{Session, Visitor, Who, state::Link};
use crate::{Database, Digest, Result};
use nexus_protocol::{PairingCode, Refusal, Timestamp};

/// How many codes of a session may be open at a time. Half of them are reserved for members that
/// prove their key.
const MOST_OPEN: usize = 100;

impl<D: Database> Session<D> {
    /// Stores that a code is about to be made, by a visitor with `Need::Entry`. Refuses a visitor
    /// that may not make a link, and refuses too many open links. Refuses to pass a link on
    /// (`invites`) that lacks the key which it must end with. A code that never reaches its index
    /// is forgotten when it would expire.
    pub fn add_code(
        &mut self,
        now: Timestamp,
        visitor: &Visitor,
        code: PairingCode,
        invites: bool,
    ) -> Result<()> {
        let (mut state, _) = self.next_state(now)?;
        visitor.check_invite(&state)?;
        if invites && state.key_id.is_some() {
            return Err(Refusal::link_lacks_key().into());
        }
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

    /// The codes that can still be claimed, with their expiry times. For a member with `Need::Key`.
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

    /// Forgets a code that a member with `Need::Key` revokes, and takes away the seats of claims
    /// whose outcome is unknown.
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
