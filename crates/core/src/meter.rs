//! Limits how many requests each agent may make in a minute. Requests that prove the agent's
//! identity are counted apart from those that only use its name. The counts are in memory and are
//! lost when the object is evicted.

use nexus_protocol::{AgentId, Refusal, Timestamp};
use std::collections::BTreeMap;

/// The length of the window of every rate limit, in milliseconds.
pub(crate) const RATE_WINDOW: i64 = 60_000;

/// Seconds until a request made at `first` leaves the window. At least 1.
pub(crate) fn rate_wait(now: Timestamp, first: Timestamp) -> u32 {
    let free_at = first.plus_millis(RATE_WINDOW);
    let wait = free_at.millis_since(now).saturating_add(999).div_euclid(1000).max(1);
    u32::try_from(wait).unwrap_or(u32::MAX)
}

/// With this many agents, those whose windows have ended are removed.
const MANY: usize = 1000;

/// Counts requests.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Requests of one agent in a window. 0 sets no limit.
    most: u32,
    /// The windows of unproven requests, then those of proven ones. Whoever only uses a name must
    /// not use up the requests of its owner.
    windows: [BTreeMap<AgentId, (Timestamp, u32)>; 2],
}

impl Meter {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, windows: Default::default() }
    }

    /// Counts one request of `agent`. Refuses a request over the limit, and does not count it.
    pub(crate) fn count(
        &mut self,
        now: Timestamp,
        agent: &AgentId,
        proven: bool,
    ) -> Result<(), Refusal> {
        if self.most == 0 {
            return Ok(());
        }
        let [unproven, windows] = &mut self.windows;
        let windows = if proven { windows } else { unproven };
        // A clock that goes back also ends a window.
        let is_over = |began: Timestamp| !(0..RATE_WINDOW).contains(&now.millis_since(began));
        match windows.get_mut(agent) {
            Some((began, count)) if !is_over(*began) => {
                if *count >= self.most {
                    let wait = rate_wait(now, *began);
                    return Err(Refusal::agent_rate_exceeded(self.most, wait));
                }
                *count = count.saturating_add(1);
            }
            Some(window) => *window = (now, 1),
            None => {
                if windows.len() >= MANY {
                    windows.retain(|_, (began, _)| !is_over(*began));
                }
                windows.insert(agent.clone(), (now, 1));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn agent(number: u8) -> AgentId {
        format!("agent-{number}").parse().unwrap()
    }

    proptest! {
        /// Compares the meter with one counter for each agent.
        #[test]
        fn the_limit_is_exact_and_separate_for_each_agent(
            most in 1_u32..5,
            requests in prop::collection::vec((0_u8..3, 0_i64..20_000), 1..200),
        ) {
            let mut meter = Meter::new(most);
            let mut time = 0;
            let mut windows: BTreeMap<u8, (i64, u32)> = BTreeMap::new();
            for (who, pause) in requests {
                time += pause;
                let window = windows.entry(who).or_insert((time, 0));
                if time >= window.0 + RATE_WINDOW {
                    *window = (time, 0);
                }
                let answer = meter.count(Timestamp::from_millis(time), &agent(who), true);
                if window.1 < most {
                    window.1 += 1;
                    prop_assert!(answer.is_ok());
                } else {
                    let wait = i64::from(answer.unwrap_err().retry_after.unwrap()) * 1000;
                    let left = window.0 + RATE_WINDOW - time;
                    prop_assert!((left..left + 1000).contains(&wait), "{wait} for {left}");
                }
            }
        }
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let mut meter = Meter::new(0);
        for _ in 0..10_000 {
            meter.count(Timestamp::from_millis(0), &agent(0), true).unwrap();
        }
        assert!(meter.windows.iter().all(BTreeMap::is_empty));
    }

    #[test]
    fn agents_whose_windows_have_ended_are_removed() {
        let mut meter = Meter::new(1);
        for number in 0..5000_i64 {
            let name: AgentId = format!("agent-{number}").parse().unwrap();
            meter.count(Timestamp::from_millis(number * 100), &name, true).unwrap();
        }
        assert!(meter.windows[1].len() <= MANY, "{}", meter.windows[1].len());
    }

    #[test]
    fn unproven_requests_do_not_use_up_the_limit_of_the_owner() {
        let mut meter = Meter::new(1);
        let now = Timestamp::from_millis(0);
        meter.count(now, &agent(0), false).unwrap();
        assert!(meter.count(now, &agent(0), false).is_err());
        meter.count(now, &agent(0), true).unwrap();
        assert!(meter.count(now, &agent(0), true).is_err());
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out() {
        let mut meter = Meter::new(1);
        meter.count(Timestamp::from_millis(1_000_000), &agent(0), true).unwrap();
        meter.count(Timestamp::from_millis(0), &agent(0), true).unwrap();
    }
}
