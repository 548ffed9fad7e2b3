//! Addresses that write to each other, read in every way, and acknowledge.

use super::load::{Load, locked};
use crate::{
    agents::Resident,
    live::{Follow, Way},
    random::Random,
    string,
    torture::{
        history::{Entry, Outcome, Reader, Send, Session, body},
        stage::Stage,
        talk::{attempted, entries, log},
        verdict::Verdict,
    },
};
use serde_json::{Value, json};
use std::{sync::Mutex, time::Duration};

/// How many addresses one group has.
const ADDRESSES: usize = 3;

/// The addresses of a run. Each writes to any other.
pub(super) struct Mails(Vec<Mutex<Address>>);

struct Address {
    me: Resident,
    random: Random,
    /// The numbers of the recipients, and the mails.
    sends: Vec<(usize, Send)>,
    /// Mails with a key, for repeats: their content, the key, and their place in `sends`.
    keyed: Vec<(Value, String, usize)>,
    reader: Reader,
    cursor: u64,
    acknowledged: u64,
}

impl Mails {
    pub(super) fn new(stage: &Stage, groups: usize) -> Self {
        let address = |number| {
            let id = format!("mail{number}");
            Mutex::new(Address {
                me: stage.api().register(&id),
                random: stage.random(&id),
                sends: Vec::new(),
                keyed: Vec::new(),
                reader: Reader { agent: id, ..Reader::default() },
                cursor: 0,
                acknowledged: 0,
            })
        };
        Self((0..groups * ADDRESSES).map(address).collect())
    }
}

impl Load for Mails {
    fn name(&self) -> &'static str {
        "mails"
    }

    fn actors(&self) -> usize {
        self.0.len()
    }

    fn act(&self, stage: &Stage, actor: usize) {
        let mut address = locked(&self.0[actor]);
        match address.random.below(20) {
            0 => address.repeat(stage),
            1..=9 => {
                let to = (actor + 1 + address.random.below(self.0.len() - 1)) % self.0.len();
                address.send(stage, to);
            }
            10..=17 => address.read(),
            _ => address.acknowledge(stage),
        }
    }

    /// An inbox is judged as the log of a session with one reader.
    fn check(&self, stage: &Stage, verdict: &mut Verdict) -> usize {
        let before = verdict.acknowledged;
        let mut addresses: Vec<_> = self.0.iter().map(locked).collect();
        for address in &mut addresses {
            address.finish(stage);
        }
        for (number, address) in addresses.iter().enumerate() {
            let to_it = |other: &Address| {
                let to_it = other.sends.iter().filter(|(to, _)| *to == number);
                to_it.map(|(_, send)| send.clone()).collect::<Vec<_>>()
            };
            let inbox = Session {
                name: format!("inbox of {}", address.me.id),
                sends: addresses.iter().flat_map(|other| to_it(other)).collect(),
                readers: vec![address.reader.clone()],
                log: stage.persist(|| entries(&address.me)).unwrap_or_default(),
                ..Session::default()
            };
            verdict.session(&inbox);
            let waiting = stage.persist(|| waiting(&address.me)).unwrap_or_default();
            judge_waiting(&inbox, address.acknowledged, &waiting, verdict);
        }
        verdict.acknowledged - before
    }
}

impl Address {
    fn send(&mut self, stage: &Stage, to: usize) {
        let label = format!("{} {}", self.me.id, self.sends.len());
        let filler = "ö".repeat(self.random.below(200));
        let content = json!({ "text": format!("{label} {filler}"), "json": { "label": label } });
        let key = self.random.percent(85).then(|| self.random.key());
        let begun = stage.now();
        let outcome = self.deliver(stage, to, &content, key.as_deref());
        if let Some(key) = key {
            self.keyed.push((content.clone(), key, self.sends.len()));
        }
        let agent = self.me.id.clone();
        let body = body(&content);
        let send = Send { agent, body, proven: true, begun, outcome, again: Vec::new() };
        self.sends.push((to, send));
    }

    /// Repeats a send of some time ago. The mail must keep its id and cursor.
    fn repeat(&mut self, stage: &Stage) {
        if self.keyed.is_empty() {
            return;
        }
        let chosen = self.random.below(self.keyed.len());
        let (content, key, place) = self.keyed.swap_remove(chosen);
        let to = self.sends[place].0;
        if let Outcome::Acknowledged { id, cursor, .. } =
            self.deliver(stage, to, &content, Some(&key))
        {
            self.sends[place].1.again.push((id, cursor));
        }
    }

    fn deliver(&self, stage: &Stage, to: usize, content: &Value, key: Option<&str>) -> Outcome {
        stage.attempt(key.is_some(), || {
            let call = self.me.to(&format!("mail{to}")).json(content);
            let call = match key {
                Some(key) => call.idempotency_key(key),
                None => call,
            };
            attempted(call.try_send())
        })
    }

    /// Reads for a short time, after the last mail that was read.
    fn read(&mut self) {
        let way = Way::ALL[self.random.below(4)];
        let time = Duration::from_millis(300) + self.random.time(Duration::from_secs(2));
        let most = 1 + self.random.below(20);
        match self.me.take(way, &self.cursor.to_string(), most, time) {
            Ok(mails) => self.reader.read.extend(mails.iter().map(Entry::of)),
            Err(status) => self.reader.refused = Some(format!("{status} to {way:?}")),
        }
        self.cursor = self.reader.read.last().map_or(0, |last| last.cursor);
    }

    fn acknowledge(&mut self, stage: &Stage) {
        let body = json!({ "cursor": self.cursor.to_string() });
        let ask = || self.me.call("POST", "/ack").json(&body).try_send();
        if self.cursor == 0 {
            return;
        }
        match stage.answer(ask) {
            Some(answer) if answer.status == 200 => self.acknowledged = self.cursor,
            Some(answer) => self.reader.refused = Some(format!("{} to ack", answer.status)),
            None => {}
        }
    }

    /// Reads all that is left.
    fn finish(&mut self, stage: &Stage) {
        while let Some(answer) =
            stage.answer(|| self.me.page(&format!("?after={}&limit=500", self.cursor)))
        {
            if answer.status != 200 {
                self.reader.refused = Some(format!("{} to a poll", answer.status));
                return;
            }
            let page = answer.json();
            self.reader.read.extend(crate::list(&page["messages"]).iter().map(Entry::of));
            self.cursor = string(&page["nextCursor"]).parse().unwrap_or_default();
            if page["hasMore"] == false {
                self.reader.finished = true;
                return;
            }
        }
    }
}

/// The cursors of the mails that wait.
fn waiting(me: &Resident) -> Option<Vec<u64>> {
    let answer = me.page("?limit=500").filter(|answer| answer.status == 200)?;
    let first = crate::list(&answer.json()["messages"]).first().map(Entry::of);
    let Some(first) = first else { return Some(Vec::new()) };
    let all = log(me)?;
    Some(all.iter().map(|mail| Entry::of(mail).cursor).filter(|at| *at >= first.cursor).collect())
}

/// What was acknowledged waits no longer, and everything else does.
fn judge_waiting(inbox: &Session, acknowledged: u64, waiting: &[u64], verdict: &mut Verdict) {
    let due = inbox.log.iter().map(|entry| entry.cursor).filter(|cursor| *cursor > acknowledged);
    let due: Vec<u64> = due.collect();
    if due != waiting {
        let first = (due.first(), waiting.first());
        verdict
            .lost(&format!("{}: waiting from {first:?}, acknowledged {acknowledged}", inbox.name));
    }
}
