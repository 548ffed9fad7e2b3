//! One shard of the pairing codes: which session each code leads to, and whether it has been used.
//!
//! It owns one row for each code. The row is kept for a day after the code is over, so that a page
//! can say what became of it. At most one claim takes a code, however many are made. A claim whose
//! outcome is unknown blocks nobody for long: while its reservation lasts, only the same claimer
//! can continue, and afterwards anyone can. A later claim then removes the seat that the lost claim
//! may have taken.

use crate::{Database, Digest, Fault, Result, Row, migrations::Table};
use nexus_protocol::{
    AgentId, CodeState, CodeStatus, IdempotencyKey, KeyId, PairingCode, Profile, Refusal,
    SessionId, Timestamp,
};
use serde::{Deserialize, Serialize};

const CODE: Table = Table {
    name: "code",
    created: 1,
    create: &["CREATE TABLE code (
    code TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    claim TEXT,
    reserved_until INTEGER NOT NULL,
    claimed_until INTEGER NOT NULL,
    lost TEXT NOT NULL
) WITHOUT ROWID"],
    steps: &[],
};
const INSERT: &str = "INSERT OR IGNORE INTO code
    (code, session_id, expires_at, claim, reserved_until, claimed_until, lost)
    VALUES (?1, ?2, ?3, NULL, 0, 0, '') RETURNING 1";
const FIND: &str = "SELECT session_id, expires_at, claim, reserved_until, claimed_until, lost
    FROM code WHERE code = ?1";
const RESERVE: &str = "UPDATE code SET claim = ?2, reserved_until = ?3, lost = ?4 WHERE code = ?1";
const RELEASE: &str = "UPDATE code SET claim = NULL, reserved_until = 0
    WHERE code = ?1 AND claim = ?2 AND claimed_until = 0";
const FINISH: &str = "UPDATE code SET claimed_until = ?3
    WHERE code = ?1 AND claim = ?2 AND claimed_until = 0";
const REVOKE: &str = "UPDATE code SET claim = 'revoked', claimed_until = ?2
    WHERE code = ?1 AND claimed_until = 0";
const ANY: &str = "SELECT 1 FROM code LIMIT 1";
const PURGE: &str = "DELETE FROM code WHERE expires_at <= ?1";

/// For how many milliseconds a claim whose outcome is unknown reserves the code.
const RESERVATION: i64 = 10_000;

/// For how many milliseconds a code is kept after it is over, to say what became of it.
const KEEP: i64 = 24 * 3_600_000;

/// Milliseconds between two clean-ups while there are codes.
const CLEAN_UP: i64 = 3_600_000;

/// The agent that claims a code.
#[derive(Clone, Debug)]
pub struct Claimer {
    /// `X-Agent-Id`
    pub agent: AgentId,
    /// `Idempotency-Key`. Shows that a repeated claim comes from the same claimer.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The profile that the agent joins with.
    pub profile: Profile,
    /// `X-Key-Id`. Proves the key of an encrypted session.
    pub key_id: Option<KeyId>,
}

impl Claimer {
    /// Identifies the claim. A repeat with the same key has the same digest. Without a key, each
    /// digest is unique.
    pub(crate) fn claim(
        &self,
        code: &PairingCode,
        random: &mut impl crate::Random,
    ) -> Result<Digest, Fault> {
        match &self.idempotency_key {
            Some(key) => {
                Ok(Digest::of(&["claim", code.as_str(), self.agent.as_str(), key.as_str()]))
            }
            None => Ok(Digest::from_random(random.bytes()?)),
        }
    }
}

/// A code that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The session that the code leads to.
    pub session: SessionId,
    /// The code's status.
    pub status: CodeStatus,
}

/// The right to take the seat that a code gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The session to join.
    pub session: SessionId,
    /// Lost claims whose seats this claim replaces.
    pub supersedes: Vec<Digest>,
}

/// A code as it is stored.
struct Stored {
    session: SessionId,
    expires_at: Timestamp,
    claim: Option<Digest>,
    reserved_until: Timestamp,
    /// Until when the claimer can repeat its claim. Null until the code is claimed.
    claimed_until: Option<Timestamp>,
    /// Earlier claims whose outcome is unknown and whose reservations have expired.
    lost: Vec<Digest>,
}

impl Stored {
    fn read(row: &mut Row) -> Result<Self, Fault> {
        let session = row.text()?.parse().map_err(Fault::new)?;
        let expires_at = Timestamp::from_millis(row.integer()?);
        let claim = row.optional_text()?.map(Digest::from);
        let reserved_until = Timestamp::from_millis(row.integer()?);
        let claimed_until = Some(row.integer()?).filter(|at| *at > 0).map(Timestamp::from_millis);
        let lost = row.text()?;
        let lost = lost.split_terminator(',').map(|claim| Digest::from(claim.to_owned())).collect();
        Ok(Self { session, expires_at, claim, reserved_until, claimed_until, lost })
    }

    fn is_revoked(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.as_str() == REVOKED)
    }

    fn state(&self, now: Timestamp) -> CodeState {
        if self.is_revoked() {
            CodeState::Revoked
        } else if self.claimed_until.is_some() {
            CodeState::Claimed
        } else if now < self.expires_at {
            CodeState::Pending
        } else {
            CodeState::Expired
        }
    }
}

/// Stored in place of a claim when the code is revoked. No claim has this form.
const REVOKED: &str = "revoked";

/// A code that a member revokes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The session that the code leads to.
    pub session: SessionId,
    /// Claims of the code whose outcome is unknown.
    pub lost: Vec<Digest>,
    /// Whether the code was revoked before.
    pub is_done: bool,
}

/// The codes that begin with the same word.
pub struct PairingIndex<D> {
    database: D,
    /// For how many seconds a code can be claimed. Afterwards the claimer can repeat its claim for
    /// as long.
    ttl: u32,
}

impl<D: Database> PairingIndex<D> {
    /// The shard in `database`. Its codes live for `ttl` seconds.
    pub fn new(database: D, ttl: u32) -> Self {
        Self { database, ttl }
    }

    /// Stores a new code. Returns when it expires, and when to clean up unless a clean-up was
    /// already due. Returns nothing if the code is in use and the caller must choose another.
    pub fn create(
        &mut self,
        now: Timestamp,
        code: &PairingCode,
        session: &SessionId,
    ) -> Result<Option<(Timestamp, Option<Timestamp>)>, Fault> {
        CODE.open_or_create(&self.database)?;
        let first = !self.any()?;
        let expires_at = now.plus_seconds(self.ttl);
        let values = [code.as_str().into(), session.as_str().into(), expires_at.as_millis().into()];
        let inserted = self.database.first(INSERT, &values, |_| Ok(()))?;
        Ok(inserted.map(|()| (expires_at, first.then(|| now.plus_millis(CLEAN_UP)))))
    }

    /// What became of a code (section 4). Refuses a code that was never made. Changes nothing.
    pub fn look(&self, now: Timestamp, code: &PairingCode) -> Result<Found> {
        let stored = self.find(code)?;
        let state = stored.state(now);
        // The row holds the end of the time for repeating the claim. That time begins with the
        // claim.
        let patience = i64::from(self.ttl).saturating_mul(-1000);
        let claimed_at = stored
            .claimed_until
            .filter(|_| state == CodeState::Claimed)
            .map(|until| until.plus_millis(patience));
        let status = CodeStatus { state, expires_at: stored.expires_at, claimed_at };
        Ok(Found { session: stored.session, status })
    }

    /// Reserves a code for one claim. Refuses a code that is over or that another claim has
    /// reserved.
    pub fn reserve(
        &mut self,
        now: Timestamp,
        code: &PairingCode,
        claim: &Digest,
    ) -> Result<Reservation> {
        let stored = self.find(code)?;
        let mine = stored.claim.as_ref() == Some(claim);
        if let Some(until) = stored.claimed_until {
            // This is the claimer whose response was lost.
            return if mine && now < until {
                Ok(Reservation { session: stored.session, supersedes: Vec::new() })
            } else {
                Err(Refusal::code_over().into())
            };
        }
        // The claimer may finish a claim that it began before the code expired.
        let in_time = now < stored.expires_at || (mine && now < stored.reserved_until);
        if !in_time {
            return Err(Refusal::code_over().into());
        }
        if !mine && now < stored.reserved_until {
            let wait = stored.reserved_until.millis_since(now).saturating_add(999) / 1000;
            return Err(Refusal::claim_in_progress(u32::try_from(wait).unwrap_or(1)).into());
        }
        let until = now.plus_millis(RESERVATION).as_millis();
        let mut supersedes = stored.lost;
        supersedes.extend(stored.claim);
        supersedes.retain(|lost| lost != claim);
        let lost: String = supersedes.iter().flat_map(|claim| [claim.as_str(), ","]).collect();
        let values = [code.as_str().into(), claim.as_str().into(), until.into(), lost.into()];
        self.database.execute(RESERVE, &values)?;
        Ok(Reservation { session: stored.session, supersedes })
    }

    /// The code that a member wants to revoke. Refuses a code that is used or has expired.
    pub fn find_to_revoke(&self, now: Timestamp, code: &PairingCode) -> Result<Revocation> {
        let stored = self.find(code)?;
        let is_done = stored.is_revoked();
        if !is_done && stored.state(now) != CodeState::Pending {
            return Err(Refusal::code_over().into());
        }
        let mut lost = stored.lost;
        lost.extend(stored.claim.filter(|_| !is_done));
        Ok(Revocation { session: stored.session, lost, is_done })
    }

    /// Revokes the code: nobody can claim it any more.
    pub fn revoke(&mut self, now: Timestamp, code: &PairingCode) -> Result<(), Fault> {
        self.database.execute(REVOKE, &[code.as_str().into(), now.as_millis().into()])
    }

    /// Marks the code as used, because the claim has its seat.
    pub fn finish(
        &mut self,
        now: Timestamp,
        code: &PairingCode,
        claim: &Digest,
    ) -> Result<(), Fault> {
        let until = now.plus_seconds(self.ttl).as_millis();
        self.database.execute(FINISH, &[code.as_str().into(), claim.as_str().into(), until.into()])
    }

    /// Makes the code claimable again, because the claim was refused its seat.
    pub fn release(&mut self, code: &PairingCode, claim: &Digest) -> Result<(), Fault> {
        self.database.execute(RELEASE, &[code.as_str().into(), claim.as_str().into()])
    }

    /// Deletes the codes that were over more than a day ago. Returns when to clean up again, if any
    /// are left.
    pub fn clean_up(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        if !CODE.open(&self.database)? {
            return Ok(None);
        }
        self.database.execute(PURGE, &[now.plus_millis(-KEEP).as_millis().into()])?;
        Ok(self.any()?.then(|| now.plus_millis(CLEAN_UP)))
    }

    fn find(&self, code: &PairingCode) -> Result<Stored> {
        let unknown = || Refusal::code_not_found().into();
        if !CODE.open(&self.database)? {
            return Err(unknown());
        }
        self.database.first(FIND, &[code.as_str().into()], Stored::read)?.ok_or_else(unknown)
    }

    fn any(&self) -> Result<bool, Fault> {
        Ok(self.database.first(ANY, &[], |_| Ok(()))?.is_some())
    }
}
