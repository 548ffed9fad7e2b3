//! Claiming a code: reserve it, take the seat, mark it used.
//!
//! The three steps happen in two objects, and each may fail. After a failure, the code can still be
//! claimed, or the claimer gets its seat by repeating the claim with the same `Idempotency-Key`
//! (section 4).

use crate::{Claimer, Database, Error, PairingIndex, Random, Result, SeatRequest};
use nexus_protocol::{Claimed, Joined, PairingCode, SessionId, Timestamp};
use std::cell::RefCell;

/// How a claim reaches the session that a code leads to.
pub trait Seats {
    /// Calls [`crate::Session::take_seat`] of that session. After a fault, the seat may or may not
    /// be taken.
    fn take(
        &self,
        session: &SessionId,
        request: SeatRequest,
    ) -> impl Future<Output = Result<Joined>>;
}

/// `POST /v1/pair/:code/claim` (section 4).
pub async fn claim<D: Database>(
    index: &RefCell<PairingIndex<D>>,
    seats: &impl Seats,
    clock: impl Fn() -> Timestamp,
    random: &mut impl Random,
    code: &PairingCode,
    claimer: &Claimer,
) -> Result<Claimed> {
    let claim = claimer.claim(code, random)?;
    let reservation = index.borrow_mut().reserve(clock(), code, &claim)?;
    let request = SeatRequest {
        agent: claimer.agent.clone(),
        code: code.clone(),
        claim: claim.clone(),
        supersedes: reservation.supersedes,
        profile: claimer.profile.clone(),
        key_id: claimer.key_id.clone(),
    };
    let joined = match seats.take(&reservation.session, request).await {
        Ok(joined) => joined,
        Err(Error::Refused(refusal)) => {
            index.borrow_mut().release(code, &claim)?;
            return Err(refusal.into());
        }
        // The seat may or may not be taken, so the reservation stands until it expires.
        Err(fault) => return Err(fault),
    };
    index.borrow_mut().finish(clock(), code, &claim)?;
    Ok(Claimed {
        session_id: joined.session_id,
        status: "claimed".to_owned(),
        session_key: joined.session_key,
        expires_at: joined.expires_at,
        encryption: joined.encryption,
        redacted: joined.redacted,
        greeting: joined.greeting,
    })
}
