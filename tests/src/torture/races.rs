//! The racers: for codes, and for seats.

use super::{
    history::{Code, House, Stay},
    stage::Stage,
    talk::reason,
};
use crate::{Api, Member, list, random::Random, string};
use serde_json::json;
use std::{
    sync::{Mutex, PoisonError, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

/// How many agents race for a code, and how many for the seats of a session.
const CLAIMERS: usize = 4;
const JOINERS: usize = 6;

/// Makes codes for a session, one after the other, and lets several agents race for each.
pub(super) fn claims(stage: &Stage, session: &str, host: &Member) -> Vec<Code> {
    let mut random = stage.random(&format!("{session} codes"));
    let api = stage.api();
    let claimers: Vec<Api> = (0..CLAIMERS).map(|_| stage.api()).collect();
    let mut codes = Vec::new();
    while stage.is_loaded() {
        let body = json!({ "sessionId": host.session });
        let made = api.put("/v1/pair").json(&body).try_send();
        let Some(made) = made.filter(|answer| answer.status == 201) else {
            thread::sleep(random.time(Duration::from_millis(300)));
            continue;
        };
        let mut code = Code { code: string(&made.json()["code"]), ..Code::default() };
        let race = codes.len();
        let ends: Vec<End> = thread::scope(|scope| {
            let threads: Vec<_> = claimers
                .iter()
                .enumerate()
                .map(|(number, api)| {
                    let claimer = Claimer {
                        stage,
                        api: api.clone(),
                        code: code.code.clone(),
                        agent: format!("c{race}-{number}"),
                        random: stage.random(&format!("{session} code {race} {number}")),
                    };
                    scope.spawn(move || claimer.run())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("a claimer")).collect()
        });
        for end in ends {
            match end {
                End::Won(agent, key) => {
                    code.winners.push(agent.clone());
                    check_winner(stage, &mut code, &Member { agent, key, ..host.clone() });
                }
                End::Refused(why) => code.refused.push(why),
                End::Late => {}
                End::Undecided => stage.give_up(),
            }
        }
        codes.push(code);
        thread::sleep(random.time(Duration::from_secs(1)));
    }
    codes
}

/// How a race ended for one racer.
enum End {
    /// It has a seat and a key.
    Won(String, String),
    Late,
    /// It did not know before everything ended.
    Undecided,
    Refused(String),
}

struct Claimer<'a> {
    stage: &'a Stage,
    api: Api,
    code: String,
    agent: String,
    random: Random,
}

impl Claimer<'_> {
    /// Claims until there is an answer. A winner may claim again to get a new key.
    fn run(mut self) -> End {
        let key = self.random.key();
        thread::sleep(self.random.time(Duration::from_millis(20)));
        let first = self.claim(&key);
        if matches!(first, End::Won(..)) && self.random.percent(30) {
            return match self.claim(&key) {
                End::Late => End::Refused(format!("{} has won, and could not repeat", self.agent)),
                again => again,
            };
        }
        first
    }

    fn claim(&mut self, key: &str) -> End {
        let path = format!("/v1/pair/{}/claim", self.code);
        while !self.stage.is_over() {
            let call = self.api.post(&path).agent(&self.agent).idempotency_key(key);
            let answer = call.json(&json!({})).try_send();
            match answer.as_ref().map(|answer| (answer.status, answer.json())) {
                Some((200, body)) => {
                    return End::Won(self.agent.clone(), string(&body["sessionKey"]));
                }
                Some((404, body)) if body["error"] == "code_expired_or_used" => return End::Late,
                Some((409, body)) if body["error"] == "claim_in_progress" => {}
                _ => {
                    if let Some(why) = reason(answer.as_ref()) {
                        return End::Refused(format!("{}: {why}", self.agent));
                    }
                    self.stage.lost.fetch_add(1, Ordering::Relaxed);
                    // Sometimes waits longer than a lost claim reserves the code.
                    if self.random.percent(10) {
                        self.stage.sleep(Duration::from_secs(11));
                    }
                }
            }
            thread::sleep(self.random.time(Duration::from_millis(300)));
        }
        End::Undecided
    }
}

/// Records whether the winner, and nobody else, has a seat. The winner then leaves.
fn check_winner(stage: &Stage, code: &mut Code, winner: &Member) {
    let prefix = winner.agent.split('-').next().unwrap_or_default().to_owned() + "-";
    let winner = stage.own(winner);
    let works = stage.persist(|| {
        let answer = winner.call("GET", "/messages?limit=1").try_send()?;
        (answer.status < 500).then_some(answer.status)
    });
    if works.is_some_and(|status| status != 200) {
        code.refused.push(format!("the key of {}: {works:?}", winner.agent));
    }
    if let Some(members) = stage.persist(|| members(&winner.api, &winner.session)) {
        let own = members.into_iter().filter(|member| member.starts_with(&prefix));
        code.seated.extend(own);
    }
    leave(stage, &winner);
}

/// Gives up a seat.
fn leave(stage: &Stage, member: &Member) {
    let path = format!("/agents/{}", member.agent);
    stage.persist(|| {
        let answer = member.call("DELETE", &path).try_send()?;
        // If the first answer was lost, the key is no longer valid.
        (answer.status < 500).then_some(())
    });
}

/// The members of a session.
pub(super) fn members(api: &Api, session: &str) -> Option<Vec<String>> {
    let answer = api.get(&format!("/v1/sessions/{session}")).try_send()?;
    let body = (answer.status == 200).then(|| answer.json())?;
    Some(list(&body["agents"]).iter().map(string).collect())
}

/// Creates sessions with few seats, one after the other. Lets many agents join and leave each.
pub(super) fn seats(stage: &Stage, number: usize) -> Vec<House> {
    let mut random = stage.random(&format!("seats {number}"));
    let api = stage.api();
    let joiners: Vec<Api> = (0..JOINERS).map(|_| stage.api()).collect();
    let mut houses = Vec::new();
    while stage.is_loaded() {
        let limit = 2 + random.below(4);
        let body = json!({ "creatorAgentId": "a", "maxAgents": limit });
        let created = api.put("/v1/sessions").json(&body).try_send();
        let Some(created) = created.filter(|answer| answer.status == 201) else {
            thread::sleep(random.time(Duration::from_millis(300)));
            continue;
        };
        let session = string(&created.json()["sessionId"]);
        let name = format!("house {number}-{}", houses.len());
        let house = Mutex::new(House { name: name.clone(), limit, ..House::default() });
        let until = Instant::now() + Duration::from_secs(1) + random.time(Duration::from_secs(5));
        thread::scope(|scope| {
            for (number, api) in joiners.iter().enumerate() {
                let joiner = Joiner {
                    stage,
                    api: api.clone(),
                    session: &session,
                    house: &house,
                    random: stage.random(&format!("{name} {number}")),
                    name: format!("j{number}"),
                };
                scope.spawn(move || joiner.run(until));
            }
        });
        let mut house = house.into_inner().unwrap_or_else(PoisonError::into_inner);
        // If the relay does not come back, nobody can look. That is reported elsewhere.
        if let Some(members) = stage.persist(|| members(&api, &session)) {
            house.members = members;
            houses.push(house);
        }
    }
    houses
}

struct Joiner<'a> {
    stage: &'a Stage,
    api: Api,
    session: &'a str,
    house: &'a Mutex<House>,
    random: Random,
    name: String,
}

impl Joiner<'_> {
    /// Joins and leaves, each time under another name. May keep its last seat.
    fn run(mut self, until: Instant) {
        let mut turn = 0;
        while Instant::now() < until && self.stage.is_loaded() {
            let agent = format!("{}-{turn}", self.name);
            turn += 1;
            let path = format!("/v1/sessions/{}/join", self.session);
            let answer = self.api.post(&path).agent(&agent).try_send();
            match answer.as_ref().map(|answer| (answer.status, answer.json())) {
                Some((200, body)) => {
                    let from = self.stage.now();
                    let key = string(&body["sessionKey"]);
                    let api = self.api.clone();
                    if self
                        .stay(&Member { api, session: self.session.to_owned(), agent, key }, from)
                    {
                        return;
                    }
                }
                Some((409, body)) if body["error"] == "session_full" => self.look(),
                _ => {
                    if let Some(why) = reason(answer.as_ref()) {
                        self.note(|house| house.refused.push(format!("{agent}: {why}")));
                    }
                    self.stage.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
            thread::sleep(self.random.time(Duration::from_millis(100)));
        }
    }

    /// Stays for a while, and then leaves. Returns true if it keeps the seat.
    fn stay(&mut self, seat: &Member, from: u64) -> bool {
        thread::sleep(self.random.time(Duration::from_millis(300)));
        let works = self.stage.persist(|| {
            let answer = seat.call("GET", "/messages?limit=1").try_send()?;
            (answer.status < 500).then_some(answer.status)
        });
        if works.is_some_and(|status| status != 200) {
            let fault = format!("the key of {}: {works:?}", seat.agent);
            self.note(|house| house.refused.push(fault));
        }
        let stays = self.random.percent(15);
        let until = (!stays).then(|| self.stage.now());
        self.note(|house| house.stays.push(Stay { agent: seat.agent.clone(), from, until }));
        if !stays {
            leave(self.stage, seat);
        }
        stays
    }

    /// Records how many members there are.
    fn look(&self) {
        if let Some(members) = members(&self.api, self.session) {
            self.note(|house| house.looks.push(members.len()));
        }
    }

    fn note(&self, what: impl FnOnce(&mut House)) {
        what(&mut self.house.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
