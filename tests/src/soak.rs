//! `cargo xtask soak`: compares the later part of a relay under steady load with the earlier part.
//!
//! Sessions come and go all the time, as in real use. If ended sessions leave anything behind, it
//! shows as growth.

use crate::{Api, Member, list, string};
use serde_json::{Value, json};
use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use xtask::relay::Relay;

/// How many pairs of agents talk at the same time.
const PAIRS: usize = 16;
/// How many messages a conversation has, and the pause before each.
const MESSAGES: usize = 40;
const PAUSE: Duration = Duration::from_millis(100);
/// After how many seconds a session ends.
const TTL: &str = "20";
/// How much growth is allowed for the machine and the garbage collector.
const MEMORY_ROOM: u64 = 16 * 1024 * 1024;
const LATENCY_ROOM: Duration = Duration::from_millis(2);

/// A measured value, and when it was measured since the start.
#[derive(Clone, Copy, Debug)]
struct Reading<T> {
    at: Duration,
    value: T,
}

/// The least time that a relay warms up. Within it, objects are first evicted and memory is first
/// collected.
const WARM_UP: Duration = Duration::from_mins(2);

/// The medians of an early quarter and of the last one. The first quarter is for warming up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trend<T> {
    /// The median of the quarter after the warm-up.
    pub early: T,
    /// The median of the last quarter.
    pub late: T,
}

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    /// How many messages were sent and received.
    pub messages: usize,
    /// How many bytes of memory the relay used.
    pub memory: Trend<u64>,
    /// The time from the start of a send to its receipt over the other agent's socket.
    pub receipt: Trend<Duration>,
    /// How long a poll took.
    pub poll: Trend<Duration>,
}

impl Report {
    /// What has grown, as sentences.
    pub fn growth(&self) -> Vec<String> {
        let Self { memory, receipt, poll, .. } = self;
        let mut growth = Vec::new();
        if memory.late > memory.early / 10 * 11 + MEMORY_ROOM {
            growth.push(format!("memory grew: {memory:?} bytes"));
        }
        for (name, trend) in [("receipt", receipt), ("poll", poll)] {
            if trend.late > trend.early * 3 / 2 + LATENCY_ROOM {
                growth.push(format!("{name} became slower: {trend:?}"));
            }
        }
        growth
    }

    /// The report as JSON.
    pub fn json(&self) -> Value {
        let micros = |trend: Trend<Duration>| json!({ "early": trend.early.as_micros(), "late": trend.late.as_micros() });
        json!({
            "messages": self.messages,
            "memoryBytes": { "early": self.memory.early, "late": self.memory.late },
            "receiptMicroseconds": micros(self.receipt),
            "pollMicroseconds": micros(self.poll),
            "growth": self.growth(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes >> 20;
        writeln!(
            to,
            "                    early quarter  last quarter   ({} messages)",
            self.messages
        )?;
        let Trend { early, late } = self.memory;
        writeln!(to, "memory             {:>10} MiB  {:>8} MiB", mib(early), mib(late))?;
        for (name, trend) in [("send to receipt", self.receipt), ("poll", self.poll)] {
            let millis = |time: Duration| time.as_secs_f64() * 1000.0;
            let Trend { early, late } = trend;
            writeln!(to, "{name:<18} {:>11.2} ms  {:>9.2} ms", millis(early), millis(late))?;
        }
        Ok(())
    }
}

/// Puts a relay under load for this time. Calls `tell` with a sentence now and then.
///
/// # Errors
/// The relay did not start, or gave an unexpected answer.
pub fn run(time: Duration, tell: impl Fn(&str)) -> Result<Report, String> {
    let relay = Relay::builder()
        .var("DEFAULT_TTL_SECONDS", TTL)
        .start()
        .map_err(|error| format!("{error:#}"))?;
    let (started, over) = (Instant::now(), AtomicBool::new(false));
    let (receipts, polls) = (Mutex::default(), Mutex::default());
    let mut memory = Vec::new();
    thread::scope(|scope| {
        let pairs: Vec<_> = (0..PAIRS)
            .map(|_| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        conversation(&relay.url(), started, &over, &receipts, &polls);
                    }
                })
            })
            .collect();
        while started.elapsed() < time && !pairs.iter().any(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(Duration::from_secs(1));
            let value =
                relay.memory().ok_or("this machine does not tell the memory of a process")?;
            memory.push(Reading { at: started.elapsed(), value });
            if memory.len() % 30 == 0 {
                tell(&format!("{} s: {} MiB", started.elapsed().as_secs(), value >> 20));
            }
        }
        over.store(true, Ordering::Relaxed);
        Ok::<_, String>(())
    })?;
    let receipts = receipts.into_inner().map_err(|_| "a conversation failed")?;
    Ok(Report {
        messages: receipts.len(),
        memory: trend(&memory, time).ok_or("too few readings")?,
        receipt: trend(&receipts, time).ok_or("too few messages")?,
        poll: trend(&polls.into_inner().map_err(|_| "a conversation failed")?, time)
            .ok_or("too few polls")?,
    })
}

/// Two agents meet by a code, talk, and leave. One reads over a socket, and the other polls.
fn conversation(
    base: &str,
    started: Instant,
    over: &AtomicBool,
    receipts: &Mutex<Vec<Reading<Duration>>>,
    polls: &Mutex<Vec<Reading<Duration>>>,
) {
    let note = |into: &Mutex<Vec<_>>, begun: Instant| {
        let reading = Reading { at: started.elapsed(), value: begun.elapsed() };
        into.lock().expect("nobody failed").push(reading);
    };
    let host = Api::new(base).session();
    let code = host.api.pair(&host.session);
    let claim = host.api.post(&format!("/v1/pair/{code}/claim")).agent("b").send();
    assert_eq!(claim.status, 200, "{}", claim.text());
    let key = string(&claim.json()["sessionKey"]);
    let guest = Member { agent: "b".to_owned(), key, ..host.clone() };
    let mut socket = guest.try_socket(None).expect("a socket");
    socket.expect("ready");
    let mut cursor = "0".to_owned();
    for number in 0..MESSAGES {
        if over.load(Ordering::Relaxed) {
            return;
        }
        thread::sleep(PAUSE);
        let text = format!("message {number} of a conversation, as long as most");
        let begun = Instant::now();
        host.send(&text);
        assert_eq!(socket.expect("message")["text"], *text);
        note(receipts, begun);
        let begun = Instant::now();
        let page = host.poll(&format!("?after={cursor}"));
        note(polls, begun);
        assert_eq!(list(&page["messages"]).len(), 1);
        cursor = string(&page["nextCursor"]);
    }
    assert_eq!(guest.call("DELETE", "/agents/b").send().status, 200);
}

/// The medians of two quarters. `None` if one of them has no readings.
fn trend<T: Copy + Ord>(readings: &[Reading<T>], time: Duration) -> Option<Trend<T>> {
    let median = |from: Duration, to: Duration| {
        let within = readings.iter().filter(|reading| (from..to).contains(&reading.at));
        let mut values: Vec<T> = within.map(|reading| reading.value).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied()
    };
    let quarter = time / 4;
    Some(Trend {
        early: median(quarter.max(WARM_UP), quarter.max(WARM_UP) + quarter)?,
        late: median(quarter * 3, Duration::MAX)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady() -> Report {
        let time = Duration::from_millis(5);
        Report {
            messages: 1,
            memory: Trend { early: 200 << 20, late: 220 << 20 },
            receipt: Trend { early: time, late: time * 3 / 2 },
            poll: Trend { early: time, late: time },
        }
    }

    #[test]
    fn growth_is_noticed_and_noise_is_not() {
        assert_eq!(steady().growth(), Vec::<String>::new());
        let fat = Report { memory: Trend { early: 200 << 20, late: 240 << 20 }, ..steady() };
        assert_eq!(fat.growth().len(), 1);
        let slow = Trend { early: Duration::from_millis(5), late: Duration::from_millis(10) };
        let slow = Report { receipt: slow, poll: slow, ..steady() };
        assert_eq!(slow.growth().len(), 2);
    }

    #[test]
    fn an_early_quarter_is_compared_with_the_last() {
        let readings: Vec<Reading<u64>> =
            (0..1000).map(|at| Reading { at: Duration::from_secs(at), value: at }).collect();
        let long = trend(&readings, Duration::from_secs(1000)).unwrap();
        assert_eq!(long, Trend { early: 375, late: 875 });
        let short = trend(&readings[..300], Duration::from_mins(5)).unwrap();
        assert_eq!(short, Trend { early: 157, late: 262 });
        assert_eq!(trend(&readings, Duration::from_secs(10_000)), None);
    }
}
