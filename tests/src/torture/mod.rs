//! `cargo xtask torture`: runs many sessions under load, kills the relay at random moments, and
//! checks that everything that was promised is there.
//!
//! | module | owns |
//! |---|---|
//! | `talk`, `races` | the actors: senders and readers, and racers for codes and seats |
//! | `loads` | the other actors: mails, tasks, files and webhooks |
//! | `stage` | where and when a run happens |
//! | [`history`] | what the actors record |
//! | [`verdict`] | the comparison of what was acknowledged with what can be read |
//!
//! The actors know nothing about kills. If a request gets no response, they repeat it as clients
//! do, or give up.

pub mod history;
mod loads;
mod races;
mod stage;
mod talk;
pub mod verdict;

use self::{
    history::{Code, History, House, Session},
    loads::Load,
    stage::Stage,
    talk::Sender,
    verdict::{Verdict, judge},
};
use crate::{Api, Member, random::Random};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};
use xtask::{relay::Relay, torture::Options};

/// The number of senders and of readers in each session.
const SENDERS: usize = 2;
const READERS: usize = 2;
/// How many messages all senders together send per second, if the relay accepts that many.
const MESSAGES_PER_SECOND: usize = 250;
/// One in this many sessions has codes that agents race for. For every this many sessions, there is
/// one more with few seats.
const SESSIONS_FOR_CODES: usize = 10;
const SESSIONS_FOR_SEATS: usize = 20;
/// For every this many sessions, there is one more team, folder and session with a webhook, and a
/// group of addresses.
const SESSIONS_FOR_LOADS: usize = 10;
/// How much longer than the given time unanswered requests may take.
const GRACE: Duration = Duration::from_secs(20);

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    /// The result of the comparison.
    pub verdict: Verdict,
    /// How often the relay was killed.
    pub kills: usize,
    /// Requests without a response, or with one of a relay that was stopping.
    pub lost_answers: usize,
}

/// The members of one session.
struct Table {
    name: String,
    needs_key: bool,
    host: Member,
    senders: Vec<Member>,
    readers: Vec<Member>,
}

/// Tortures a relay. Calls `tell` with a sentence now and then.
///
/// # Errors
/// The run could not be started or finished. Faults that it found are not errors.
pub fn run(options: &Options, seed: u64, tell: impl Fn(&str)) -> Result<Report, String> {
    let started = Instant::now();
    let total = Duration::from_secs(options.seconds);
    let mut random = Random::new(seed, "kills");
    let mut relay = start()?;
    let sessions = options.sessions.max(1);
    let mut stage = Stage {
        base: relay.url(),
        seed,
        started,
        // The rest of the time is for reading and comparing everything.
        rest: started + total.saturating_sub(total / 10 + Duration::from_secs(5)).max(total / 2),
        over: started + total + GRACE,
        aborted: AtomicBool::new(false),
        pause: Duration::from_secs(2) * u32::try_from(sessions * SENDERS).unwrap_or(u32::MAX)
            / u32::try_from(MESSAGES_PER_SECOND).unwrap_or(u32::MAX),
        lost: AtomicUsize::new(0),
        unfinished: AtomicUsize::new(0),
    };
    let tables = tables(&stage, sessions);
    // On a busy machine, creating the sessions takes long. The load must still get its share.
    stage.rest = stage.rest.max(Instant::now() + total / 2);
    stage.over = stage.over.max(stage.rest + GRACE);
    let loads = loads::all(&stage, sessions.div_ceil(SESSIONS_FOR_LOADS));
    tell(&format!("{sessions} sessions are set after {:.1} s", started.elapsed().as_secs_f32()));
    let set = Instant::now();
    let load = stage.rest.saturating_duration_since(set);
    let mut moments: Vec<Duration> = (0..options.kills).map(|_| random.time(load)).collect();
    moments.sort();
    let (mut history, killed) = thread::scope(|scope| {
        let acted = perform(scope, &stage, &tables, &loads);
        let killed = kill(&stage, &mut relay, set, &moments, &mut random, &tell);
        (acted.history(), killed)
    });
    killed?;
    tell("killed once more; reading everything");
    relay.restart().map_err(|error| format!("{error:#}"))?;
    read_back(&stage, &tables, &mut history);
    let mut verdict = judge(&history);
    for load in &loads {
        let acknowledged = load.check(&stage, &mut verdict);
        verdict.loads.insert(load.name(), acknowledged);
    }
    conclude(&stage, verdict, moments.len(), sessions)
}

/// The threads that have something to report.
struct Acted<'scope> {
    talks: Vec<thread::ScopedJoinHandle<'scope, Session>>,
    claims: Vec<thread::ScopedJoinHandle<'scope, Vec<Code>>>,
    seats: Vec<thread::ScopedJoinHandle<'scope, Vec<House>>>,
}

impl Acted<'_> {
    /// Waits for them.
    fn history(self) -> History {
        History {
            sessions: joined(self.talks),
            codes: joined(self.claims).concat(),
            houses: joined(self.seats).concat(),
        }
    }
}

/// Starts all actors.
fn perform<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    stage: &'scope Stage,
    tables: &'scope [Table],
    loads: &'scope [Box<dyn Load + '_>],
) -> Acted<'scope> {
    loads::run(scope, stage, loads);
    let racing = tables.iter().step_by(SESSIONS_FOR_CODES);
    let seats = 0..tables.len().div_ceil(SESSIONS_FOR_SEATS);
    Acted {
        talks: tables.iter().map(|table| scope.spawn(move || talk(stage, table))).collect(),
        claims: racing
            .map(|table| scope.spawn(move || races::claims(stage, &table.name, &table.host)))
            .collect(),
        seats: seats.map(|number| scope.spawn(move || races::seats(stage, number))).collect(),
    }
}

/// Reads the log and the members of every session.
fn read_back(stage: &Stage, tables: &[Table], history: &mut History) {
    for (session, table) in history.sessions.iter_mut().zip(tables) {
        session.log = stage.persist(|| talk::entries(&table.host)).unwrap_or_default();
        session.members = stage
            .persist(|| races::members(&table.host.api, &table.host.session))
            .unwrap_or_default();
    }
}

/// Judges the run. Fails if requests were left without a response, or if nothing was measured.
fn conclude(
    stage: &Stage,
    verdict: Verdict,
    kills: usize,
    sessions: usize,
) -> Result<Report, String> {
    let unfinished = stage.unfinished.load(Ordering::Relaxed);
    if unfinished > 0 {
        return Err(format!(
            "{unfinished} requests were still without an answer at the end: the relay hangs, or this \
             machine is too slow for --sessions {sessions}"
        ));
    }
    let is_empty = verdict.acknowledged == 0 || verdict.read == 0 || verdict.claims.is_empty();
    if is_empty || verdict.loads.values().any(|acknowledged| *acknowledged == 0) {
        return Err("of something, nothing was done: give it more --seconds".to_owned());
    }
    Ok(Report { verdict, kills, lost_answers: stage.lost.load(Ordering::Relaxed) })
}

fn joined<T>(threads: Vec<thread::ScopedJoinHandle<'_, T>>) -> Vec<T> {
    threads.into_iter().map(|thread| thread.join().expect("an actor does not panic")).collect()
}

/// Starts a relay.
fn start() -> Result<Relay, String> {
    let many = "10000";
    Relay::builder()
        .var("SENDER_MESSAGES_PER_MINUTE", many)
        .var("MAX_WAITING_MESSAGES", many)
        .var("ALLOW_PRIVATE_WEBHOOKS", "on")
        .start()
        .map_err(|error| format!("{error:#}"))
}

/// Kills the relay at each of these moments after `set`, and restarts it.
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

/// Creates the sessions with all their members.
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

/// Lets all members of a session send and read until they are done.
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
    /// The report as JSON.
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
