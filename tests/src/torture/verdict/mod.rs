//! Compares what was acknowledged with what can be read.

mod messages;
mod seats;
#[cfg(test)]
mod tests;

use super::history::History;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};

/// How many faults are kept as sentences. All of them are counted.
const SENTENCES: usize = 50;

/// The result of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many messages were acknowledged.
    pub acknowledged: usize,
    /// How many messages readers received while the relay was tortured.
    pub read: usize,
    /// Messages and seats that were acknowledged or delivered, and then are missing or have
    /// changed.
    pub lost: usize,
    /// Messages that exist more than once, or that nobody sent.
    pub doubled: usize,
    /// Messages at a wrong cursor, or out of order.
    pub disordered: usize,
    /// How many codes had each number of winners.
    pub claims: BTreeMap<usize, usize>,
    /// Members beyond the number of seats, in all sessions together.
    pub seats_over: usize,
    /// The number of sessions in which agents raced for seats.
    pub houses: usize,
    /// How much was acknowledged of each kind of load besides the talk in sessions.
    pub loads: BTreeMap<&'static str, usize>,
    /// How many posts to webhooks were repeated. That is no fault.
    pub posted_again: usize,
    /// The first faults, as sentences.
    pub faults: Vec<String>,
}

/// Judges a run.
pub fn judge(history: &History) -> Verdict {
    let mut verdict = Verdict::default();
    for session in &history.sessions {
        verdict.session(session);
    }
    for code in &history.codes {
        verdict.code(code);
    }
    for house in &history.houses {
        verdict.house(house);
    }
    verdict
}

impl Verdict {
    /// Whether the relay kept its promises.
    pub fn is_good(&self) -> bool {
        (self.lost, self.doubled, self.disordered, self.seats_over) == (0, 0, 0, 0)
            && self.claims.keys().all(|winners| *winners == 1)
    }

    /// The verdict as JSON.
    pub fn json(&self) -> Value {
        json!({
            "acknowledged": self.acknowledged,
            "read": self.read,
            "lost": self.lost,
            "doubled": self.doubled,
            "disordered": self.disordered,
            "codes": self.claims.values().sum::<usize>(),
            "fewestClaimsPerCode": self.claims.keys().next(),
            "mostClaimsPerCode": self.claims.keys().next_back(),
            "limitedSessions": self.houses,
            "seatsOverLimit": self.seats_over,
            "loads": self.loads,
            "postedAgain": self.posted_again,
            "faults": self.faults,
        })
    }

    pub(super) fn lost(&mut self, fault: &str) {
        self.lost += 1;
        self.say(format!("lost: {fault}"));
    }

    pub(super) fn doubled(&mut self, fault: &str) {
        self.doubled += 1;
        self.say(format!("doubled: {fault}"));
    }

    pub(super) fn disordered(&mut self, fault: &str) {
        self.disordered += 1;
        self.say(format!("disordered: {fault}"));
    }

    fn say(&mut self, fault: String) {
        if self.faults.len() < SENTENCES {
            self.faults.push(fault);
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: usize = self.claims.values().sum();
        let claims: Vec<String> = self.claims.keys().map(ToString::to_string).collect();
        writeln!(to, "acknowledged          {}", self.acknowledged)?;
        writeln!(to, "lost                  {}", self.lost)?;
        writeln!(to, "doubled               {}", self.doubled)?;
        writeln!(to, "disordered            {}", self.disordered)?;
        writeln!(to, "claims won per code   {} ({codes} codes)", claims.join(", "))?;
        writeln!(to, "seats over the limit  {} ({} sessions)", self.seats_over, self.houses)?;
        let loads = self.loads.iter().map(|(name, count)| format!("{count} {name}"));
        let loads = loads.collect::<Vec<_>>().join(", ");
        write!(to, "also acknowledged     {loads}; {} posts repeated", self.posted_again)
    }
}
