//! `cargo xtask torture`: many sessions under load, a relay that is killed at random moments, and
//! the question whether everything that was promised is there.
//!
//! | module | owns |
//! |---|---|
//! | `talk`, `races` | the actors: who sends and reads, who races for codes and for seats |
//! | [`history`] | what they record |
//! | [`verdict`] | the comparison of what was acknowledged with what can be read |
//!
//! The actors know nothing of kills. What gets no answer they repeat, as clients do, or leave.

pub mod history;
mod races;
mod stage;
mod talk;
pub mod verdict;

use self::{
    history::{History, Session},
    stage::Stage,
    talk::Sender,
    verdict::{Verdict, judge},
};
use crate::{Api, Member, random::Random};
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};
use xtask::{relay::Relay, torture::Options};

/// Those who send, and those who read, in each session.
const SENDERS: usize = 2;
const READERS: usize = 2;
/// What all senders together send in a second, if the relay takes it.
const MESSAGES_PER_SECOND: usize = 250;
/// Of so many sessions, one has codes that are raced for; and to so many there is one with few seats.
const SESSIONS_FOR_CODES: usize = 10;
const SESSIONS_FOR_SEATS: usize = 20;
/// How long what is unanswered may take longer than the time given.
const GRACE: Duration = Duration::from_secs(20);
/// Where ports are that the kernel gives to no client: one that tries again and again to reach the
/// relay while it is down could be given the relay's own port, and so reach itself.
const PORTS: std::ops::Range<usize> = 20_000..30_000;

/// What a run has brought.
#[derive(Debug)]
pub struct Report {
    /// The comparison.
    pub verdict: Verdict,
    /// The kills.
    pub kills: usize,
    /// Requests without an answer, or with one of a relay that went down.
    pub lost_answers: usize,
}

/// Those who sit in one session.
struct Table {
    name: String,
    needs_key: bool,
    host: Member,
    senders: Vec<Member>,
    readers: Vec<Member>,
}

/// Tortures a relay. `tell` is given a sentence now and then.
///
/// # Errors
/// The run could not be made or finished. What it found is no error.
pub fn run(options: &Options, seed: u64, tell: impl Fn(&str)) -> Result<Report, String> {
    let started = Instant::now();
    let total = Duration::from_secs(options.seconds);
    let mut random = Random::new(seed, "kills");
    let mut relay = start(&mut random)?;
    let sessions = options.sessions.max(1);
    let mut stage = Stage {
        base: relay.url(),
        seed,
        started,
        // For reading and comparing everything.
        rest: started + total.saturating_sub(total / 10 + Duration::from_secs(5)).max(total / 2),
        over: started + total + GRACE,
        aborted: AtomicBool::new(false),
        pause: Duration::from_secs(2) * u32::try_from(sessions * SENDERS).unwrap_or(u32::MAX)
            / u32::try_from(MESSAGES_PER_SECOND).unwrap_or(u32::MAX),
        lost: AtomicUsize::new(0),
        unfinished: AtomicUsize::new(0),
    };
    let tables = tables(&stage, sessions);
    // Setting the tables takes its time on a busy machine; the load is to have its share.
    let set = Instant::now();
    stage.rest = stage.rest.max(set + total / 2);
    stage.over = stage.over.max(stage.rest + GRACE);
    tell(&format!("{sessions} sessions are set after {:.1} s", started.elapsed().as_secs_f32()));
    let load = stage.rest.saturating_duration_since(set);
    let mut moments: Vec<Duration> = (0..options.kills).map(|_| random.time(load)).collect();
    moments.sort();
    let (mut history, killed) = thread::scope(|scope| {
        let stage = &stage;
        let talks: Vec<_> =
            tables.iter().map(|table| scope.spawn(move || talk(stage, table))).collect();
        let claims: Vec<_> = tables
            .iter()
            .step_by(SESSIONS_FOR_CODES)
            .map(|table| scope.spawn(move || races::claims(stage, &table.name, &table.host)))
            .collect();
        let seats: Vec<_> = (0..sessions.div_ceil(SESSIONS_FOR_SEATS))
            .map(|number| scope.spawn(move || races::seats(stage, number)))
            .collect();
        let killed = kill(stage, &mut relay, set, &moments, &mut random, &tell);
        let history = History {
            sessions: joined(talks),
            codes: joined(claims).concat(),
            houses: joined(seats).concat(),
        };
        (history, killed)
    });
    killed?;
    tell("killed once more; reading everything");
    relay.restart().map_err(|error| format!("{error:#}"))?;
    for (session, table) in history.sessions.iter_mut().zip(&tables) {
        session.log = stage.persist(|| talk::log(&table.host)).unwrap_or_default();
        session.members = stage
            .persist(|| races::members(&table.host.api, &table.host.session))
            .unwrap_or_default();
    }
    let unfinished = stage.unfinished.load(Ordering::Relaxed);
    if unfinished > 0 {
        return Err(format!(
            "{unfinished} requests were still without an answer at the end: the relay hangs, or this \
             machine is too slow for --sessions {sessions}"
        ));
    }
    let verdict = judge(&history);
    if verdict.acknowledged == 0 || verdict.read == 0 || verdict.claims.is_empty() {
        return Err("nothing was acknowledged, read or claimed: give it more --seconds".to_owned());
    }
    Ok(Report { verdict, kills: moments.len(), lost_answers: stage.lost.load(Ordering::Relaxed) })
}

fn joined<T>(threads: Vec<thread::ScopedJoinHandle<'_, T>>) -> Vec<T> {
    threads.into_iter().map(|thread| thread.join().expect("an actor does not panic")).collect()
}

/// A relay on a port of its own.
fn start(random: &mut Random) -> Result<Relay, String> {
    let free = (0..100)
        .map(|_| u16::try_from(PORTS.start + random.below(PORTS.len())).unwrap_or_default())
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    let port = free.ok_or("no port is free")?;
    Relay::builder().port(port).start().map_err(|error| format!("{error:#}"))
}

/// Kills the relay at each of these moments after `set`, and starts it again.
fn kill(
    stage: &Stage,
    relay: &mut Relay,
    set: Instant,
    moments: &[Duration],
    random: &mut Random,
    tell: impl Fn(&str),
) -> Result<(), String> {
    for (number, moment) in moments.iter().enumerate() {
        thread::sleep((set + *moment).saturating_duration_since(Instant::now()));
        relay.kill();
        let at = set.elapsed().as_secs_f32();
        tell(&format!("kill {} of {} after {at:.1} s", number + 1, moments.len()));
        thread::sleep(random.time(Duration::from_millis(300)));
        if let Err(error) = relay.restart() {
            stage.aborted.store(true, Ordering::Relaxed);
            return Err(format!("the relay did not start again after a kill: {error:#}"));
        }
    }
    Ok(())
}

/// Makes the sessions, and has everyone join.
fn tables(stage: &Stage, count: usize) -> Vec<Table> {
    let next = AtomicUsize::new(0);
    let make = || {
        let api = stage.api();
        let mut made = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return made;
            }
            made.push((number, table(&api, number)));
        }
    };
    let mut made: Vec<_> = thread::scope(|scope| {
        joined((0..8).map(|_| scope.spawn(make)).collect()).into_iter().flatten().collect()
    });
    made.sort_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, table)| table).collect()
}

fn table(api: &Api, number: usize) -> Table {
    let needs_key = number % 4 == 3;
    let body = json!({ "creatorAgentId": "a", "requireKeys": needs_key, "greeting": "Hello" });
    let (session, key) = api.create(&body);
    let key = key.expect("a creator has a key");
    let host = Member { api: api.clone(), session, agent: "a".to_owned(), key };
    let join = |kind: &str, count| {
        (0..count).map(|n| host.join(&format!("{kind}{n}"))).collect::<Vec<_>>()
    };
    let (senders, readers) = (join("sender", SENDERS), join("reader", READERS));
    Table { name: format!("session {number}"), needs_key, host, senders, readers }
}

/// Has everyone in a session send and read, until all are done.
fn talk(stage: &Stage, table: &Table) -> Session {
    let sending = AtomicUsize::new(table.senders.len());
    let (sends, readers) = thread::scope(|scope| {
        let sending = &sending;
        let senders = table.senders.iter().map(|member| {
            let sender = Sender::new(stage, &table.name, member, table.needs_key);
            scope.spawn(move || {
                let sends = sender.run();
                sending.fetch_sub(1, Ordering::Release);
                sends
            })
        });
        let senders = senders.collect();
        let readers = table
            .readers
            .iter()
            .map(|member| scope.spawn(move || talk::read(stage, &table.name, member, sending)))
            .collect();
        (joined(senders).concat(), joined(readers))
    });
    let seated = [&table.senders, &table.readers].into_iter().flatten();
    Session {
        name: table.name.clone(),
        seated: seated.map(|member| member.agent.clone()).collect(),
        sends,
        readers,
        ..Session::default()
    }
}

impl Report {
    /// As a machine reads it.
    pub fn json(&self, options: &Options, seed: u64) -> Value {
        let mut report = self.verdict.json();
        report["good"] = self.verdict.is_good().into();
        report["seed"] = seed.into();
        report["sessions"] = options.sessions.into();
        report["seconds"] = options.seconds.into();
        report["kills"] = self.kills.into();
        report["lostAnswers"] = self.lost_answers.into();
        report
    }
}
