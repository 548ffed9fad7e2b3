//! What the directories of several regions say together, against a model: after evictions, lost reports and ends.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Directory, Need, Report, Search, Session, Tally, sums};
use nexus_protocol::{CreateSession, Limits, Profile, Region, SessionId, Stats};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::{Counter, Sqlite, agent, at, caller, text};

const REGIONS: usize = 3;
const TTL: i64 = 100_000;

/// What one step does to one of the sessions.
#[derive(Clone, Debug)]
enum Step {
    Create(Option<usize>),
    Join,
    Send(u8),
    Leave,
    Evict,
    /// Its next report does not arrive.
    Lose,
    /// Its next report arrives after the one that follows.
    Delay,
    End,
    Pass(i64),
    CleanUp,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        3 => prop::option::of(0..REGIONS).prop_map(Step::Create),
        3 => Just(Step::Join),
        6 => (1..20_u8).prop_map(Step::Send),
        1 => Just(Step::Leave),
        2 => Just(Step::Evict),
        1 => Just(Step::Lose),
        1 => Just(Step::Delay),
        1 => Just(Step::End),
        4 => (1..70_000_i64).prop_map(Step::Pass),
        1 => Just(Step::CleanUp),
    ];
    (0..4_usize, step)
}

struct One {
    session: Session<Sqlite>,
    id: SessionId,
    database: Sqlite,
    is_lost: bool,
    is_late: bool,
    late: Option<Report>,
    members: usize,
    messages: u64,
    /// Whether each of its reports has arrived.
    is_known: bool,
}

struct World {
    random: Counter,
    now: i64,
    directories: BTreeMap<Option<Region>, Directory<Sqlite>>,
    sessions: Vec<One>,
    /// The last report of each session that has arrived.
    told: BTreeMap<String, Report>,
}

impl World {
    fn new() -> Self {
        let regions = Region::ALL.into_iter().take(REGIONS).map(Some).chain([None]);
        Self {
            random: Counter::default(),
            now: 0,
            directories: regions.map(|region| (region, Directory::new(Sqlite::new()))).collect(),
            sessions: (0..4).map(One::new).collect(),
            told: BTreeMap::new(),
        }
    }

    fn deliver(&mut self, report: Report) {
        let directory = self.directories.get_mut(&report.region).unwrap();
        directory.report(at(self.now), std::slice::from_ref(&report)).unwrap();
        let id = report.session.as_str().to_owned();
        if self.told.get(&id).is_none_or(|before| before.at <= report.at) {
            self.told.insert(id, report);
        }
    }

    /// What follows each call and each alarm.
    fn report(&mut self, which: usize) {
        let one = &mut self.sessions[which];
        let Some(report) = one.session.take_report(at(self.now)).unwrap() else { return };
        if std::mem::take(&mut one.is_lost) {
            one.is_known = false;
            return;
        }
        if std::mem::take(&mut one.is_late) {
            one.late = Some(report);
            return;
        }
        one.is_known = true;
        let late = one.late.take();
        self.deliver(report);
        if let Some(late) = late {
            self.deliver(late);
        }
    }

    fn take(&mut self, which: usize, step: &Step) {
        let now = at(self.now);
        let one = &mut self.sessions[which];
        match step {
            Step::Pass(millis) => {
                for which in 0..self.sessions.len() {
                    let end = self.sessions[which].session.deadline().unwrap();
                    if let Some(end) = end.filter(|end| *end <= at(self.now + millis)) {
                        let before = std::mem::replace(&mut self.now, end.millis_since(at(0)));
                        assert_eq!(self.sessions[which].session.alarm(end).unwrap(), None);
                        (self.sessions[which].members, self.sessions[which].messages) = (0, 0);
                        self.report(which);
                        self.sessions[which].database.delete_all();
                        self.now = before;
                    }
                }
                self.now += millis;
            }
            Step::CleanUp => {
                for directory in self.directories.values_mut() {
                    directory.clean_up(now).unwrap();
                }
                self.told.retain(|_, report| report.expires_at > now);
            }
            Step::Lose => one.is_lost = true,
            Step::Delay => one.is_late = true,
            Step::Evict => one.evict(),
            Step::Create(region) if one.session.deadline().unwrap().is_none() => {
                let region = region.and_then(|number| Region::ALL.get(number).copied());
                *one = One::new(one.number() + 4);
                let create = CreateSession {
                    ttl: Some(u32::try_from(TTL / 1000).unwrap()),
                    creator_agent_id: Some(agent("a")),
                    ..CreateSession::default()
                };
                one.session.create_in(region, now, create, &mut self.random).unwrap();
                (one.members, one.is_known) = (1, true);
                // The name of the creator is not needed again: others send, and leave.
            }
            _ if one.session.deadline().unwrap().is_none_or(|end| end <= now) => {}
            Step::Join => {
                let name = caller(&format!("m{}", one.members), None);
                let visitor = one.session.enter(now, &name, Need::Entry).unwrap();
                let joined =
                    one.session.join(now, &visitor, &name, Profile::default(), &mut self.random);
                one.members += usize::from(joined.is_ok());
            }
            Step::Send(count) => {
                let name = caller("a", None);
                let who = one.session.member(now, &name, Need::Member).unwrap();
                one.messages += u64::from(one.session.send(now, &who, None, text("x")).is_ok());
                if one.messages.is_multiple_of(5) {
                    // Not before it has told what it knew.
                    self.report(which);
                    self.sessions[which].evict();
                }
                if *count > 1 {
                    self.report(which);
                    self.take(which, &Step::Send(count - 1));
                }
            }
            Step::Leave if one.members > 1 => {
                let name = caller(&format!("m{}", one.members - 1), None);
                let who = one.session.member(now, &name, Need::Member).unwrap();
                one.members -= usize::from(one.session.leave(now, &who).is_ok());
            }
            Step::End => {
                one.session.end_by_operator(now).unwrap();
                (one.members, one.messages) = (0, 0);
                one.database.delete_all();
            }
            Step::Create(_) | Step::Leave => {}
        }
        self.report(which);
    }

    fn stats(&mut self) -> Stats {
        let now = at(self.now);
        sums::stats(self.directories.values_mut().map(|directory| directory.stats(now).unwrap()))
    }
}

impl One {
    fn new(number: usize) -> Self {
        let id: SessionId = format!("{number:048x}").parse().unwrap();
        let database = Sqlite::new();
        Self {
            session: Session::new(id.clone(), database.clone(), Limits::default()),
            id,
            database,
            is_lost: false,
            is_late: false,
            late: None,
            members: 0,
            messages: 0,
            is_known: true,
        }
    }

    fn number(&self) -> usize {
        usize::from_str_radix(self.id.as_str(), 16).unwrap()
    }

    fn evict(&mut self) {
        self.session = Session::new(self.id.clone(), self.database.clone(), Limits::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_sums_are_those_of_what_was_told(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for (which, step) in &steps {
            world.take(*which, step);
        }
        let now = at(world.now);
        let stats = world.stats();
        let told: Vec<&Report> =
            world.told.values().filter(|report| report.expires_at > now).collect();
        prop_assert_eq!(stats.active_sessions, told.len() as u64);
        prop_assert_eq!(stats.total_agents, told.iter().map(|report| report.agents as u64).sum::<u64>());
        let messages = told.iter().map(|report| report.messages.as_i64().unsigned_abs());
        prop_assert_eq!(stats.total_messages, messages.sum::<u64>());
        prop_assert_eq!(stats.as_of, told.iter().map(|report| report.at).min().unwrap_or(now));

        // And what was told is what is, as long as nothing was lost or is late.
        let is_whole = |one: &One| one.is_known && one.late.is_none() && !one.is_late;
        if steps.iter().all(|(_, step)| !matches!(step, Step::Lose | Step::Delay))
            && world.sessions.iter().all(is_whole)
        {
            let alive = world.sessions.iter_mut().filter(|one| one.members > 0);
            let (mut sessions, mut members, mut messages) = (0, 0, 0);
            for one in alive {
                (sessions, members, messages) =
                    (sessions + 1, members + one.members as u64, messages + one.messages);
            }
            prop_assert_eq!((stats.active_sessions, stats.total_agents), (sessions, members));
            let told = stats.total_messages;
            prop_assert!(told <= messages && 2 * told >= messages, "{told} of {messages}");
        }
    }

    #[test]
    fn minutes_of_regions_are_summed(
        tallies in prop::collection::vec((0..REGIONS, 0..5_i64, 0..9_u32), 0..20),
    ) {
        let mut directories: Vec<_> = (0..REGIONS).map(|_| Directory::new(Sqlite::new())).collect();
        let mut tallies = tallies;
        tallies.sort_by_key(|(_, minute, _)| *minute);
        let mut expected = BTreeMap::<i64, u64>::new();
        for (region, minute, requests) in &tallies {
            let tally = Tally { requests: *requests, messages: 2 * requests, ..Tally::EMPTY };
            directories[*region].tally(at(minute * 60_000), &tally).unwrap();
            *expected.entry(*minute).or_default() += u64::from(*requests);
        }
        let all = directories.iter_mut().map(|directory| directory.activity(at(300_000)).unwrap());
        let sum = sums::activity(&all.collect::<Vec<_>>());
        let got: Vec<u64> = sum.minutes.iter().map(|minute| minute.requests).collect();
        prop_assert_eq!(&got, &expected.values().copied().collect::<Vec<_>>());
        prop_assert!(sum.minutes.iter().all(|minute| minute.messages == 2 * minute.requests));
        prop_assert!(sum.minutes.is_sorted_by_key(|minute| minute.at));
    }

    #[test]
    fn pages_of_several_regions_are_one_list(
        agents in prop::collection::btree_map("[a-z]{1,2}", (0..REGIONS, 0..5_i64), 0..30),
        limit in 1..7_u32,
    ) {
        let mut directories: Vec<_> = (0..REGIONS).map(|_| Directory::new(Sqlite::new())).collect();
        for (name, (region, heard)) in &agents {
            let listing = nexus_core::Listing {
                agent: agent(name),
                capabilities: Vec::new(),
                listed: true,
                revision: at(0),
                heard: at(*heard),
                region: None,
            };
            directories[*region].enlist(&listing).unwrap();
        }
        let mut expected: Vec<_> = agents.iter().map(|(name, (_, heard))| (-heard, name)).collect();
        expected.sort();
        let (mut got, mut after) = (Vec::new(), None);
        loop {
            let search = Search { capability: None, after: after.clone(), limit };
            let pages = directories.iter_mut().map(|one| one.agents(at(9), &search).unwrap());
            let (page, more) = sums::agents(pages.collect(), limit);
            prop_assert!(page.len() <= limit as usize && (page.len() == limit as usize || !more));
            got.extend(page.iter().map(ToString::to_string));
            let Some(last) = page.last().filter(|_| more) else { break };
            let heard = directories.iter_mut().find_map(|one| one.heard(last).unwrap());
            after = heard.map(|heard| (heard, last.clone()));
        }
        prop_assert_eq!(got, expected.into_iter().map(|(_, name)| name.clone()).collect::<Vec<_>>());
    }
}

/// Where nothing happened in a region for a minute, its sessions are those of the minute before.
#[test]
fn sessions_of_a_quiet_region_are_counted_in_the_minutes_of_a_busy_one() {
    let [mut quiet, mut busy] = [(); 2].map(|()| Directory::new(Sqlite::new()));
    let report = Report {
        session: nexus_core::Digest::of(&["x"]),
        agents: 1,
        messages: nexus_protocol::Cursor::START,
        expires_at: at(900_000),
        at: at(0),
        sealed: None,
        region: None,
    };
    quiet.report(at(0), std::slice::from_ref(&report)).unwrap();
    quiet.tally(at(1), &Tally::EMPTY).unwrap();
    for minute in 0..3 {
        busy.tally(at(minute * 60_000), &Tally::EMPTY).unwrap();
    }
    let all = [&mut quiet, &mut busy].map(|one| one.activity(at(180_000)).unwrap());
    let sessions = sums::activity(&all).minutes.into_iter().map(|minute| minute.sessions);
    assert_eq!(sessions.collect::<Vec<_>>(), [1, 1, 1]);

    // Not for ever: a region in which nothing at all happens has none after its next clean-up.
    busy.tally(at(720_000), &Tally::EMPTY).unwrap();
    let all = [&mut quiet, &mut busy].map(|one| one.activity(at(720_000)).unwrap());
    assert_eq!(sums::activity(&all).minutes.last().unwrap().sessions, 0);
    quiet.clean_up(at(700_000)).unwrap();
    let all = [&mut quiet, &mut busy].map(|one| one.activity(at(720_000)).unwrap());
    assert_eq!(sums::activity(&all).minutes.last().unwrap().sessions, 1, "it lives on in silence");
}
