//! The figures of a run.

use super::{honest::Outcome, scene::Tally};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt, time::Duration};

/// How much more memory a relay may have after an attack than a relay that was not attacked.
const MEMORY_BAR: f64 = 1.3;

/// What happened in one phase.
pub(super) struct Phase {
    /// The honest agents at IPs of their own.
    pub(super) own: Outcome,
    /// Those at the IP of attackers.
    pub(super) shared: Outcome,
    /// The memory of the relay at the end, and the most.
    pub(super) memory: u64,
    pub(super) peak: u64,
    /// What attackers were answered.
    pub(super) tallies: BTreeMap<&'static str, Tally>,
}

/// The result of a run.
pub struct Report {
    pub(super) before: u64,
    pub(super) control: Phase,
    pub(super) attack: Phase,
    /// Failures that the relay of the attack has logged.
    pub(super) faults: Vec<String>,
    /// Whether the two phases had a relay each.
    pub(super) is_fresh: bool,
}

impl Report {
    /// What honest agents have noticed of the attack, as sentences.
    pub fn noticed(&self) -> Vec<String> {
        let phases = [("alone", &self.control), ("under attack", &self.attack)];
        let groups = phases.iter().flat_map(|(when, phase)| {
            [(*when, "own IP", &phase.own), (*when, "shared IP", &phase.shared)]
        });
        let mut noticed = Vec::new();
        for (when, whose, outcome) in groups {
            if !outcome.refused.is_empty() {
                noticed.push(format!("{when}, {whose}: refused: {:?}", outcome.refused));
            }
            let Outcome { lost, disordered, .. } = outcome;
            if (*lost, *disordered) != (0, 0) {
                noticed.push(format!("{when}, {whose}: {lost} lost, {disordered} disordered"));
            }
        }
        if self.is_fresh && self.ratio() > MEMORY_BAR {
            noticed.push(format!("memory: {:.2} times that of the control", self.ratio()));
        }
        noticed
    }

    /// The memory after the attack, compared with the memory after the control.
    #[allow(clippy::cast_precision_loss, reason = "megabytes are precise enough")]
    fn ratio(&self) -> f64 {
        self.attack.memory as f64 / self.control.memory.max(1) as f64
    }

    /// The report as JSON.
    pub fn json(&self) -> Value {
        let phase = |phase: &Phase| {
            let [own, shared] = [&phase.own, &phase.shared].map(outcome);
            json!({ "ownIp": own, "sharedIp": shared, "memoryBytes": phase.memory, "peakBytes": phase.peak })
        };
        json!({
            "memoryBefore": self.before,
            "control": phase(&self.control),
            "attack": phase(&self.attack),
            "memoryRatio": self.ratio(),
            "answersToAttackers": self.attack.tallies,
            "faultsLogged": self.faults.len(),
            "noticed": self.noticed(),
        })
    }
}

fn outcome(outcome: &Outcome) -> Value {
    let millis = |times: &[Duration]| {
        let [half, most] = [50, 99].map(|percent| percentile(times, percent).as_secs_f64() * 1e3);
        json!({ "p50": half, "p99": most })
    };
    json!({
        "sent": outcome.sent,
        "repeated": outcome.repeated,
        "refused": outcome.refused,
        "lost": outcome.lost,
        "disordered": outcome.disordered,
        "sendMilliseconds": millis(&outcome.sends),
        "receiptMilliseconds": millis(&outcome.receipts),
    })
}

/// The value below which this part of the values lies.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or_default()
}

impl fmt::Display for Report {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { control, attack, .. } = self;
        writeln!(
            to,
            "{:<28}{:>12}{:>14}{:>12}{:>14}",
            "", "own IP", "under attack", "shared IP", "under attack"
        )?;
        let columns = [&control.own, &attack.own, &control.shared, &attack.shared];
        let mut line = |name: &str, value: &dyn Fn(&Outcome) -> String| {
            let [a, b, c, d] = columns.map(value);
            writeln!(to, "{name:<28}{a:>12}{b:>14}{c:>12}{d:>14}")
        };
        line("sent", &|outcome| outcome.sent.to_string())?;
        line("refused", &|outcome| outcome.refused.values().sum::<usize>().to_string())?;
        line("lost", &|outcome| outcome.lost.to_string())?;
        line("disordered", &|outcome| outcome.disordered.to_string())?;
        line("sends repeated", &|outcome| outcome.repeated.to_string())?;
        for (name, percent) in [("p50", 50), ("p99", 99)] {
            let millis = |times: &[Duration]| {
                format!("{:.1} ms", percentile(times, percent).as_secs_f64() * 1e3)
            };
            line(&format!("send {name}"), &|outcome| millis(&outcome.sends))?;
            line(&format!("send to receipt {name}"), &|outcome| millis(&outcome.receipts))?;
        }
        let mib = |bytes: u64| bytes >> 20;
        writeln!(
            to,
            "memory: {} MiB before, {} after the control (at most {}), {} after the attack (at most {}): {:.2} times",
            mib(self.before),
            mib(control.memory),
            mib(control.peak),
            mib(attack.memory),
            mib(attack.peak),
            self.ratio()
        )?;
        for (attack, tally) in &attack.tallies {
            writeln!(to, "{attack}")?;
            for (answer, count) in tally {
                writeln!(to, "  {count:>8}  {answer}")?;
            }
        }
        write!(to, "{} failures logged by the relay", self.faults.len())?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for fault in &self.faults {
            *counts.entry(fault).or_default() += 1;
        }
        counts.iter().take(5).try_for_each(|(fault, count)| write!(to, "\n  {count:>8}  {fault}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(change: impl FnOnce(&mut Report)) -> Vec<String> {
        let phase = |memory| Phase {
            own: Outcome { sent: 1, ..Outcome::default() },
            shared: Outcome::default(),
            memory,
            peak: memory,
            tallies: BTreeMap::new(),
        };
        let (control, attack) = (phase(100 << 20), phase(140 << 20));
        let mut report = Report { before: 0, control, attack, faults: Vec::new(), is_fresh: false };
        change(&mut report);
        report.noticed()
    }

    #[test]
    fn what_honest_agents_notice_is_told() {
        assert_eq!(report(|_| ()), Vec::<String>::new());
        assert_eq!(report(|report| report.attack.own.lost = 1).len(), 1);
        assert_eq!(report(|report| report.control.shared.disordered = 1).len(), 1);
        let refuse = |report: &mut Report| {
            report.attack.shared.refused.insert("send 429".to_owned(), 3);
        };
        assert!(report(refuse)[0].contains("under attack, shared IP"));
        assert!(report(|report| report.is_fresh = true)[0].contains("1.40 times"));
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let times: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(51));
        assert_eq!(percentile(&times, 99), Duration::from_millis(100));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
