//! What the directories of a deployment say together.

use crate::{Place, Traced, directory::CLEAN_UP};
use nexus_protocol::{Activity, AgentId, LimitHits, Minute, Stats, Timestamp};
use std::cmp::Reverse;

/// The sum of what several say of sessions. As old as the oldest.
#[must_use]
pub fn stats(all: impl IntoIterator<Item = Stats>) -> Stats {
    let plus = |one: Stats, other: Stats| Stats {
        active_sessions: one.active_sessions.saturating_add(other.active_sessions),
        total_agents: one.total_agents.saturating_add(other.total_agents),
        total_messages: one.total_messages.saturating_add(other.total_messages),
        as_of: one.as_of.min(other.as_of),
        uptime: one.uptime,
    };
    all.into_iter().reduce(plus).unwrap_or_default()
}

/// The same for what happened lately. Where nothing happened in a region in some minute, its sessions are those of
/// the last minute in which something did, which is not long before if there are any.
#[must_use]
pub fn activity(all: &[Activity]) -> Activity {
    let now = all.iter().map(|activity| activity.now).max().unwrap_or_default();
    let mut times: Vec<Timestamp> =
        all.iter().flat_map(|activity| &activity.minutes).map(|minute| minute.at).collect();
    times.sort_unstable();
    times.dedup();
    let empty = |at| Minute {
        at,
        sessions: 0,
        messages: 0,
        requests: 0,
        refused: 0,
        limited: 0,
        failed: 0,
    };
    let mut minutes: Vec<Minute> = times.into_iter().map(empty).collect();
    let mut limits: Vec<LimitHits> = Vec::new();
    for activity in all {
        let (mut told, mut last) = (activity.minutes.iter().peekable(), None::<&Minute>);
        for sum in &mut minutes {
            if let Some(minute) = told.next_if(|minute| minute.at == sum.at) {
                add(sum, minute);
                last = Some(minute);
            }
            let known = last.filter(|last| sum.at.millis_since(last.at) <= CLEAN_UP + 60_000);
            sum.sessions = sum.sessions.saturating_add(known.map_or(0, |last| last.sessions));
        }
        for hits in &activity.limits {
            match limits.iter_mut().find(|sum| sum.limit == hits.limit) {
                Some(sum) => add_hits(sum, hits),
                None => limits.push(*hits),
            }
        }
    }
    limits.sort_by_key(|hits| (Reverse(hits.last_at), hits.limit.as_str()));
    Activity { now, stats: stats(all.iter().map(|activity| activity.stats)), minutes, limits }
}

/// All but the sessions.
fn add(sum: &mut Minute, minute: &Minute) {
    for (sum, count) in [
        (&mut sum.messages, minute.messages),
        (&mut sum.requests, minute.requests),
        (&mut sum.refused, minute.refused),
        (&mut sum.limited, minute.limited),
        (&mut sum.failed, minute.failed),
    ] {
        *sum = sum.saturating_add(count);
    }
}

fn add_hits(sum: &mut LimitHits, hits: &LimitHits) {
    sum.last_hour = sum.last_hour.saturating_add(hits.last_hour);
    sum.last_day = sum.last_day.saturating_add(hits.last_day);
    sum.last_at = sum.last_at.max(hits.last_at);
}

/// One page of the listed addresses, those heard last first, from the pages of several directories that begin at
/// the same place; and whether there are more.
#[must_use]
pub fn agents(pages: Vec<(Vec<Place>, bool)>, limit: u32) -> (Vec<AgentId>, bool) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = pages.iter().any(|(_, more)| *more);
    let mut places: Vec<Place> = pages.into_iter().flat_map(|(places, _)| places).collect();
    places.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.cmp(b)));
    // One that was registered again elsewhere may be listed twice for a while.
    let mut agents: Vec<AgentId> = Vec::new();
    for (_, agent) in places {
        if !agents.contains(&agent) {
            agents.push(agent);
        }
    }
    let more = more || agents.len() > limit;
    agents.truncate(limit);
    (agents, more)
}

/// What several know of one session: of those that know it, the one where it lives. `None` if nobody knows it, or if
/// two that live may be meant.
#[must_use]
pub fn traced(all: Vec<Option<Traced>>) -> Option<Traced> {
    let mut all: Vec<Traced> = all.into_iter().flatten().collect();
    all.sort_by_key(|traced| !traced.is_alive);
    let is_one = all.get(1).is_none_or(|second| !second.is_alive);
    all.into_iter().next().filter(|_| is_one)
}
