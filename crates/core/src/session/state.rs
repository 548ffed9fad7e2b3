//! Row 0 of the table: the session and its members.

use super::{
    hook::{Webhook, is_zero},
    past::Past,
};
use crate::{Digest, Fault, heard::Heard, record};
use nexus_protocol::{
    AgentId, Cursor, Encrypted, Limits, Member, PairingCode, Presence, Profile, Region, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the stored form. A newer version is rejected.
const SCHEMA: u32 = 4;

/// Members are told of the end at most this many milliseconds before it.
const MOST_NOTICE: i64 = 300_000;

/// A session and its members.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    schema: u32,
    /// Random. Every message id begins with it, so that ids differ between sessions.
    pub(super) salt: [u8; 8],
    pub(super) created_at: Timestamp,
    /// In seconds.
    pub(super) ttl: u32,
    pub(super) max_agents: u32,
    pub(super) creator: Option<AgentId>,
    pub(super) greeting: Option<String>,
    pub(super) require_keys: bool,
    /// The token that joining requires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<Digest>,
    /// Of the key id, if the session is encrypted end to end. Joining requires it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key_id: Option<Digest>,
    /// Whether joining requires a link.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) by_link_only: bool,
    /// Whether the pages of its links keep to themselves who invites and to what.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) no_preview: bool,
    /// The codes of this session that can still be claimed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) codes: Vec<Link>,
    /// Seats that were given up.
    #[serde(default, skip_serializing_if = "Past::is_empty")]
    pub(super) past: Past,
    /// When something last restarted the TTL. Messages restart it too, but their rows record that
    /// themselves.
    pub(super) active: Heard,
    pub(super) members: BTreeMap<AgentId, Seat>,
    /// How many seats were ever taken. Each new seat gets the next number.
    pub(super) seats_taken: u32,
    /// The number of events in the log. They are not counted as messages.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) events: u32,
    /// The region of the creator, in whose directory the session is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<Region>,
    /// The end that members have last been told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told_end: Option<Timestamp>,
    /// When the next pointer may go to each host of webhooks, if not at once. In memory it may be
    /// ahead of what is persisted while a pointer is being posted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) pointers: BTreeMap<String, Timestamp>,
}

/// An open link to the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) code: PairingCode,
    pub(super) expires_at: Timestamp,
    /// Whether the member that made it had proven its key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) proven: bool,
}

/// The place of one member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Seat {
    /// Distinguishes the seat from an earlier one of an agent of the same name.
    pub(super) number: u32,
    /// `None` if the seat was taken without a key. Anyone can act for it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Digest>,
    /// The claim that took the seat. The same claim gets the seat again.
    pub(super) claim: Option<Digest>,
    pub(super) joined_at: Timestamp,
    /// The end of the log when the seat was taken. Messages directed to an earlier agent of the
    /// same name are before it.
    pub(super) since: Cursor,
    pub(super) heard: Heard,
    /// When the agent was last heard with its key. `None` means the same time as `heard`, because
    /// nobody has acted for it without the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) proven: Option<Heard>,
    #[serde(default, skip_serializing_if = "is_blank")]
    pub(super) profile: Profile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) webhook: Option<Webhook>,
    /// How far a reader that keeps no cursor itself (ClawLink) has read. `None` if it has read
    /// nothing. In memory it may be ahead of the persisted value, like `heard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) read: Option<Cursor>,
}

impl State {
    /// The state of a new session. The caller sets the other fields.
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
            key_id: None,
            by_link_only: false,
            no_preview: false,
            codes: Vec::new(),
            past: Past::default(),
            active: Heard::at(now),
            members: BTreeMap::new(),
            seats_taken: 0,
            events: 0,
            region: None,
            told_end: None,
            pointers: BTreeMap::new(),
        }
    }

    /// If it is encrypted end to end.
    pub(super) fn encrypted(&self) -> Option<Encrypted> {
        self.key_id.as_ref().map(|_| Encrypted::V1)
    }

    pub(super) fn from_record(record: &str) -> Result<Self, Fault> {
        record::read("session", SCHEMA, record)
    }

    /// Sets the schema to the newest. Returns the schema that was stored.
    pub(super) fn upgrade(&mut self) -> u32 {
        std::mem::replace(&mut self.schema, SCHEMA)
    }

    pub(super) fn to_record(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(Fault::new)
    }

    /// By how many milliseconds polls may move the end in memory only.
    pub(super) fn save_interval(&self, limits: &Limits) -> i64 {
        within_silence(self.longest_save_interval(), limits)
    }

    /// The same where silence costs no seat. Agents that talk every quarter of the TTL never need it: their
    /// messages move the end, too.
    pub(super) fn longest_save_interval(&self) -> i64 {
        millis(self.ttl) / 4
    }

    /// By how many milliseconds the times at which members were last heard may be behind when they are shown.
    pub(super) fn fresh_for(&self, limits: &Limits) -> i64 {
        within_silence((millis(self.ttl) / 16).min(60_000), limits)
    }

    /// Records that `agent` was heard, with its key or without, which makes the session active.
    pub(super) fn hear(&mut self, agent: &AgentId, proven: bool, now: Timestamp) {
        if let Some(seat) = self.members.get_mut(agent) {
            seat.hear(proven, now);
        }
        self.active.hear(now);
    }

    /// By how many milliseconds the persisted times of members are behind, at most.
    pub(super) fn members_behind(&self) -> i64 {
        self.members.values().map(|seat| seat.heard.ahead()).max().unwrap_or(0)
    }

    /// Marks all times as the ones that the caller is about to persist.
    pub(super) fn settle(&mut self) {
        self.active.settle();
        for seat in self.members.values_mut() {
            seat.heard.settle();
            if let Some(proven) = &mut seat.proven {
                proven.settle();
            }
        }
    }

    /// When members are told that this end is near: when a tenth of the TTL or five minutes are
    /// left, whichever is less.
    pub(super) fn notice_at(&self, end: Timestamp) -> Timestamp {
        let tenth = i64::from(self.ttl).saturating_mul(100);
        end.plus_millis(tenth.min(MOST_NOTICE).saturating_neg())
    }

    /// When `agent` loses its seat if it stays silent. `None` if it cannot.
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

    /// Takes away the seat of an agent, and remembers what must not return.
    pub(super) fn vacate(&mut self, agent: &AgentId) {
        if let Some(seat) = self.members.remove(agent) {
            self.past.note(agent, seat.key.is_some(), seat.claim.as_ref());
        }
    }

    /// Makes every open code unclaimable.
    pub(super) fn void_codes(&mut self) {
        for open in std::mem::take(&mut self.codes) {
            self.past.void(&open.code);
        }
    }

    /// Takes away the seats that these claims have taken. Nobody holds their keys.
    pub(super) fn vacate_claims(&mut self, claims: &[Digest]) {
        let lost = |seat: &Seat| seat.claim.as_ref().is_some_and(|claim| claims.contains(claim));
        let lost = self.members.iter().filter(|(_, seat)| lost(seat));
        let lost: Vec<AgentId> = lost.map(|(agent, _)| agent.clone()).collect();
        for agent in lost {
            self.vacate(&agent);
        }
    }

    /// The member of a name, compared without case. Returns the name as the member spells it.
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

    /// The webhooks of members.
    pub(super) fn webhooks<'a>(
        &'a self,
        now: Timestamp,
        limits: &'a Limits,
    ) -> impl Iterator<Item = (&'a AgentId, &'a Webhook)> {
        let webhooks = self
            .seats(now, limits)
            .filter_map(|(agent, seat)| Some((agent, seat.webhook.as_ref()?)));
        webhooks.filter(move |(_, webhook)| webhook.is_on(now))
    }

    pub(super) fn seat(&self, agent: &AgentId, now: Timestamp, limits: &Limits) -> Option<&Seat> {
        self.find(agent, now, limits).map(|(_, seat)| seat)
    }
}

impl Seat {
    /// Records that the agent was heard, with its key or without.
    pub(super) fn hear(&mut self, proven: bool, now: Timestamp) {
        if self.key.is_some() && !proven && self.proven.is_none() {
            self.proven = Some(self.heard);
        }
        self.heard.hear(now);
        if let Some(heard) = self.proven.as_mut().filter(|_| proven) {
            heard.hear(now);
        }
    }

    /// Whether others look for it when they are not connected themselves: for whom a task is by its capabilities, or
    /// as one of those that are online, without a key (ClawLink).
    pub(super) fn is_looked_for(&self) -> bool {
        self.key.is_none() || !self.profile.capabilities.as_ref().is_none_or(Vec::is_empty)
    }

    /// By how many milliseconds the persisted times of the agent are behind.
    pub(super) fn ahead(&self) -> i64 {
        self.heard.ahead().max(self.proven.map_or(0, Heard::ahead))
    }

    /// Takes note that the agent sent something, with its key or without.
    pub(super) fn know(&mut self, proven: bool, sent_at: Timestamp) {
        self.heard.know(sent_at);
        if let Some(heard) = self.proven.as_mut().filter(|_| proven) {
            heard.know(sent_at);
        }
    }

    /// Whether the agent itself was heard recently, and not only a caller that uses its name.
    /// `interval` is [`State::fresh_for`].
    pub(super) fn is_attended(&self, now: Timestamp, interval: i64) -> bool {
        self.key.is_none() || self.proven.unwrap_or(self.heard).is_recent(now, interval)
    }

    /// The member as others see it. `connected` is whether it has a socket open. `interval` is
    /// [`State::fresh_for`].
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

fn millis(seconds: u32) -> i64 {
    i64::from(seconds).saturating_mul(1000)
}

/// An interval that is no longer than a quarter of the silence that costs a seat.
fn within_silence(interval: i64, limits: &Limits) -> i64 {
    match limits.agent_inactivity {
        0 => interval,
        limit => interval.min(millis(limit) / 4),
    }
}

fn is_blank(profile: &Profile) -> bool {
    *profile == Profile::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = r#"{"schema":4,"salt":[1,2,3,4,5,6,7,8],"created_at":"1970-01-01T00:00:01.000Z","ttl":60,"max_agents":2,"creator":"a","greeting":"hi","require_keys":false,"token":"t","key_id":"i","by_link_only":true,"no_preview":true,"codes":[{"code":"PEARL-FOCAL-S5SJV","expires_at":"1970-01-01T00:00:03.000Z","proven":true}],"past":{"keyed":[1],"keyless":[2],"removed":[3],"claims":[4],"codes":[5]},"active":"1970-01-01T00:00:02.000Z","members":{"a":{"number":1,"key":"k","claim":null,"joined_at":"1970-01-01T00:00:01.000Z","since":"0","heard":"1970-01-01T00:00:02.000Z","proven":"1970-01-01T00:00:01.500Z","profile":{"name":"A","capabilities":["c"]}},"b":{"number":2,"claim":null,"joined_at":"1970-01-01T00:00:01.000Z","since":"0","heard":"1970-01-01T00:00:02.000Z","webhook":{"url":"u","secret":"s","cursor":"3","failures":0,"last_error":null,"next_attempt_at":null},"read":"5"}},"seats_taken":2,"events":3,"told_end":"1970-01-01T00:01:02.000Z","pointers":{"h":"1970-01-01T00:00:06.000Z"}}"#;

    #[test]
    fn the_stored_form_does_not_change() {
        // Sessions outlive upgrades of the relay. Change this form only together with SCHEMA.
        let state = State::from_record(STORED).unwrap();
        assert_eq!(state.to_record().unwrap(), STORED);
    }

    #[test]
    fn an_older_schema_is_accepted() {
        let older = r#"{"schema":1,"salt":[1,2,3,4,5,6,7,8],"created_at":"1970-01-01T00:00:01.000Z","ttl":60,"max_agents":2,"creator":"a","greeting":"hi","require_keys":false,"active":"1970-01-01T00:00:02.000Z","members":{"a":{"number":1,"key":"k","claim":null,"joined_at":"1970-01-01T00:00:01.000Z","since":"0","heard":"1970-01-01T00:00:02.000Z"}},"seats_taken":1}"#;
        for schema in [1, 2, 3] {
            let older = older.replace("\"schema\":1", &format!("\"schema\":{schema}"));
            let newer = older.replace(&format!("\"schema\":{schema}"), "\"schema\":4");
            let mut state = State::from_record(&older).unwrap();
            assert_eq!((state.upgrade(), state.upgrade()), (schema, SCHEMA));
            assert_eq!(state.to_record().unwrap(), newer);
        }
    }

    #[test]
    fn a_newer_schema_is_refused_and_stored_data_is_not_revealed() {
        let newer = STORED.replace("\"schema\":4", "\"schema\":5");
        let fault = State::from_record(&newer).unwrap_err().to_string();
        assert_eq!(fault, "a stored session has the newer schema 5");
        let broken = STORED.replace("\"hi\"", "5");
        assert_eq!(
            State::from_record(&broken).unwrap_err().to_string(),
            "a stored session cannot be read"
        );
    }
}
