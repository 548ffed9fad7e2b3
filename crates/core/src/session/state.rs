//! What row 0 holds: the session and its members.

use super::{hook::Webhook, past::Past};
use crate::{Digest, Fault, heard::Heard, record};
use nexus_protocol::{AgentId, Cursor, Limits, Member, PairingCode, Presence, Profile, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the stored form. A newer one is refused.
const SCHEMA: u32 = 3;

/// Milliseconds before the end at which members are told of it, at most.
const MOST_NOTICE: i64 = 300_000;

/// A session and its members.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    schema: u32,
    /// Random; the beginning of every message id, so that ids differ between sessions.
    pub(super) salt: [u8; 8],
    pub(super) created_at: Timestamp,
    /// Seconds.
    pub(super) ttl: u32,
    pub(super) max_agents: u32,
    pub(super) creator: Option<AgentId>,
    pub(super) greeting: Option<String>,
    pub(super) require_keys: bool,
    /// Joining needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<Digest>,
    /// Joining needs a link.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) by_link_only: bool,
    /// The codes that lead here and may still be claimed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) codes: Vec<Link>,
    /// Seats that were given up.
    #[serde(default, skip_serializing_if = "Past::is_empty")]
    pub(super) past: Past,
    /// When something last happened that restarts the TTL. Messages say so themselves.
    pub(super) active: Heard,
    pub(super) members: BTreeMap<AgentId, Seat>,
    /// Seats that were ever taken: each gets the next number.
    pub(super) seats_taken: u32,
    /// Events in the log. They are no messages where messages are counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) events: u32,
    /// The end that members have been told is near.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told_end: Option<Timestamp>,
}

/// A link to the session, which may be claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) code: PairingCode,
    pub(super) expires_at: Timestamp,
    /// Who made it has proven that it is a member.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) proven: bool,
}

/// The place of one member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Seat {
    /// Tells it from an earlier seat of an agent of the same name.
    pub(super) number: u32,
    /// None: it was taken without a proof, and anyone can act for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Digest>,
    /// The claim that took the seat, so that the same claimer gets it again.
    pub(super) claim: Option<Digest>,
    pub(super) joined_at: Timestamp,
    /// The end of the log when the seat was taken. What was directed to an earlier agent of the same
    /// name stands before it.
    pub(super) since: Cursor,
    pub(super) heard: Heard,
    /// When it was last heard with its key. None: as `heard`, for nobody has acted for it without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) proven: Option<Heard>,
    #[serde(default, skip_serializing_if = "is_blank")]
    pub(super) profile: Profile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) webhook: Option<Webhook>,
    /// How far a reader that keeps no cursor itself (ClawLink) has read; none: it has read nothing. Runs
    /// ahead of what is stored, as `heard` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) read: Option<Cursor>,
}

impl State {
    /// The state of a new session; the fields not named here are the creator's to set.
    pub(super) fn new(now: Timestamp, salt: [u8; 8], ttl: u32, max_agents: u32) -> Self {
        Self {
            schema: SCHEMA,
            salt,
            created_at: now,
            ttl,
            max_agents,
            creator: None,
            greeting: None,
            require_keys: false,
            token: None,
            by_link_only: false,
            codes: Vec::new(),
            past: Past::default(),
            active: Heard::at(now),
            members: BTreeMap::new(),
            seats_taken: 0,
            events: 0,
            told_end: None,
        }
    }

    pub(super) fn from_record(record: &str) -> Result<Self, Fault> {
        record::read("session", SCHEMA, record)
    }

    /// The schema in which it was stored. From here on it is of the newest.
    pub(super) fn upgrade(&mut self) -> u32 {
        std::mem::replace(&mut self.schema, SCHEMA)
    }

    pub(super) fn to_record(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(Fault::new)
    }

    /// How far the times in memory may run ahead of what is stored, in milliseconds.
    pub(super) fn save_interval(&self, limits: &Limits) -> i64 {
        let millis = |seconds: u32| i64::from(seconds).saturating_mul(1000);
        let interval = (millis(self.ttl) / 16).min(60_000);
        match limits.agent_inactivity {
            0 => interval,
            limit => interval.min(millis(limit) / 4),
        }
    }

    /// Notes that `agent` was heard, with its key or without, and so the session is active. Tells by how
    /// many milliseconds what is stored is now behind.
    pub(super) fn hear(&mut self, agent: &AgentId, proven: bool, now: Timestamp) -> i64 {
        let seat = self.members.get_mut(agent).map(|seat| seat.hear(proven, now));
        self.active.hear(now).max(seat.unwrap_or(0))
    }

    /// By how many milliseconds the stored time of some member is behind.
    pub(super) fn members_behind(&self) -> i64 {
        self.members.values().map(|seat| seat.heard.ahead()).max().unwrap_or(0)
    }

    /// Takes every time that was heard as the one to store.
    pub(super) fn settle(&mut self) {
        self.active.settle();
        for seat in self.members.values_mut() {
            seat.heard.settle();
            if let Some(proven) = &mut seat.proven {
                proven.settle();
            }
        }
    }

    /// When members are to be told that this end is near: when a tenth of the TTL or five minutes are
    /// left, whichever is less.
    pub(super) fn notice_at(&self, end: Timestamp) -> Timestamp {
        let tenth = i64::from(self.ttl).saturating_mul(100);
        end.plus_millis(tenth.min(MOST_NOTICE).saturating_neg())
    }

    /// When `agent` will have been silent for so long that it has lost its seat, if that can be.
    pub(super) fn lost_at(&self, agent: &AgentId, limits: &Limits) -> Option<Timestamp> {
        let seat = self.members.get(agent)?;
        let limit = i64::from(limits.agent_inactivity).saturating_mul(1000);
        let slack = seat.heard.slack(self.save_interval(limits));
        let silence = limit.saturating_add(slack).saturating_add(1);
        (limit > 0 && self.creator.as_ref() != Some(agent))
            .then(|| seat.heard.latest().plus_millis(silence))
    }

    /// Whether `agent` has been silent for so long that it has lost its seat.
    fn lost(&self, agent: &AgentId, seat: &Seat, now: Timestamp, limits: &Limits) -> bool {
        let limit = i64::from(limits.agent_inactivity).saturating_mul(1000);
        let silent = now.millis_since(seat.heard.latest());
        let is_creator = self.creator.as_ref() == Some(agent);
        let slack = seat.heard.slack(self.save_interval(limits));
        limit > 0 && !is_creator && silent > limit.saturating_add(slack)
    }

    /// Takes away the seats that were lost by silence.
    pub(super) fn drop_lost(&mut self, now: Timestamp, limits: &Limits) {
        let lost = self.members.iter().filter(|(agent, seat)| self.lost(agent, seat, now, limits));
        let lost: Vec<AgentId> = lost.map(|(agent, _)| agent.clone()).collect();
        for agent in lost {
            self.vacate(&agent);
        }
    }

    /// Takes away the seat of an agent, and remembers what must not come back.
    pub(super) fn vacate(&mut self, agent: &AgentId) {
        if let Some(seat) = self.members.remove(agent) {
            self.past.note(agent, seat.key.is_some(), seat.claim.as_ref());
        }
    }

    /// From now on nobody can claim a code that is open.
    pub(super) fn void_codes(&mut self) {
        for open in std::mem::take(&mut self.codes) {
            self.past.void(&open.code);
        }
    }

    /// Takes away the seats that these claims have taken: nobody holds their keys.
    pub(super) fn vacate_claims(&mut self, claims: &[Digest]) {
        let lost = |seat: &Seat| seat.claim.as_ref().is_some_and(|claim| claims.contains(claim));
        let lost = self.members.iter().filter(|(_, seat)| lost(seat));
        let lost: Vec<AgentId> = lost.map(|(agent, _)| agent.clone()).collect();
        for agent in lost {
            self.vacate(&agent);
        }
    }

    /// The member of a name, which is compared without case, and its name as it was given.
    pub(super) fn find(
        &self,
        agent: &AgentId,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<(&AgentId, &Seat)> {
        let exact = self.members.get_key_value(agent);
        let same = |(name, _): &(&AgentId, &Seat)| name.is_same(agent);
        let found = exact.or_else(|| self.members.iter().find(same));
        found.filter(|(name, seat)| !self.lost(name, seat, now, limits))
    }

    /// The members, in alphabetical order.
    pub(super) fn seats<'a>(
        &'a self,
        now: Timestamp,
        limits: &'a Limits,
    ) -> impl Iterator<Item = (&'a AgentId, &'a Seat)> {
        self.members.iter().filter(move |(agent, seat)| !self.lost(agent, seat, now, limits))
    }

    pub(super) fn seat(&self, agent: &AgentId, now: Timestamp, limits: &Limits) -> Option<&Seat> {
        self.find(agent, now, limits).map(|(_, seat)| seat)
    }
}

impl Seat {
    /// Notes that its agent was heard, with its key or without. Tells by how many milliseconds what is
    /// stored is now behind.
    pub(super) fn hear(&mut self, proven: bool, now: Timestamp) -> i64 {
        if self.key.is_some() && !proven && self.proven.is_none() {
            self.proven = Some(self.heard);
        }
        let behind = self.heard.hear(now);
        match &mut self.proven {
            Some(heard) if proven => behind.max(heard.hear(now)),
            _ => behind,
        }
    }

    /// Whether it may be given what is for whoever is there: whether its own agent was heard lately, and
    /// not only one who knows its name. `interval` is [`State::save_interval`].
    pub(super) fn is_attended(&self, now: Timestamp, interval: i64) -> bool {
        self.key.is_none() || self.proven.unwrap_or(self.heard).is_recent(now, interval)
    }

    /// The member as others see it, `connected` or not. `interval` is [`State::save_interval`].
    pub(super) fn shown(
        &self,
        agent: &AgentId,
        now: Timestamp,
        interval: i64,
        connected: bool,
    ) -> Member {
        let presence =
            if connected { Presence::Online } else { self.heard.presence(now, interval) };
        Member {
            agent_id: agent.clone(),
            profile: self.profile.clone(),
            verified: self.key.is_some(),
            presence,
            joined_at: self.joined_at,
            last_seen_at: self.heard.saved(),
            online: presence == Presence::Online,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde takes")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn is_blank(profile: &Profile) -> bool {
    *profile == Profile::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = r#"{"schema":3,"salt":[1,2,3,4,5,6,7,8],"created_at":"1970-01-01T00:00:01.000Z","ttl":60,"max_agents":2,"creator":"a","greeting":"hi","require_keys":false,"token":"t","by_link_only":true,"codes":[{"code":"PEARL-FOCAL-S5SJV","expires_at":"1970-01-01T00:00:03.000Z","proven":true}],"past":{"keyed":[1],"keyless":[2],"removed":[3],"claims":[4],"codes":[5]},"active":"1970-01-01T00:00:02.000Z","members":{"a":{"number":1,"key":"k","claim":null,"joined_at":"1970-01-01T00:00:01.000Z","since":"0","heard":"1970-01-01T00:00:02.000Z","proven":"1970-01-01T00:00:01.500Z","profile":{"name":"A","capabilities":["c"]}},"b":{"number":2,"claim":null,"joined_at":"1970-01-01T00:00:01.000Z","since":"0","heard":"1970-01-01T00:00:02.000Z","read":"5"}},"seats_taken":2,"events":3,"told_end":"1970-01-01T00:01:02.000Z"}"#;

    #[test]
    fn the_stored_form_does_not_change() {
        // Sessions live on through an upgrade of the relay: change this only with SCHEMA.
        let state = State::from_record(STORED).unwrap();
        assert_eq!(state.to_record().unwrap(), STORED);
    }

    #[test]
    fn an_older_schema_is_taken() {
        let older = r#"{"schema":1,"salt":[1,2,3,4,5,6,7,8],"created_at":"1970-01-01T00:00:01.000Z","ttl":60,"max_agents":2,"creator":"a","greeting":"hi","require_keys":false,"active":"1970-01-01T00:00:02.000Z","members":{"a":{"number":1,"key":"k","claim":null,"joined_at":"1970-01-01T00:00:01.000Z","since":"0","heard":"1970-01-01T00:00:02.000Z"}},"seats_taken":1}"#;
        for schema in [1, 2] {
            let older = older.replace("\"schema\":1", &format!("\"schema\":{schema}"));
            let newer = older.replace(&format!("\"schema\":{schema}"), "\"schema\":3");
            let mut state = State::from_record(&older).unwrap();
            assert_eq!((state.upgrade(), state.upgrade()), (schema, SCHEMA));
            assert_eq!(state.to_record().unwrap(), newer);
        }
    }

    #[test]
    fn a_newer_schema_is_refused_and_nothing_stored_is_told() {
        let newer = STORED.replace("\"schema\":3", "\"schema\":4");
        let fault = State::from_record(&newer).unwrap_err().to_string();
        assert_eq!(fault, "a stored session has the newer schema 4");
        let broken = STORED.replace("\"hi\"", "5");
        assert_eq!(
            State::from_record(&broken).unwrap_err().to_string(),
            "a stored session cannot be read"
        );
    }
}
