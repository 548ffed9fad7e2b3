//! Honest agents: pairs that prove their keys, send to each other, and wait for messages.

use super::scene::{PATIENCE, SHARED};
use crate::{
    Api, Call, Member,
    agents::{Resident, done},
    list,
    live::Follow,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How many pairs meet in a session, and how many write mails, at IPs of their own.
const SESSIONS: usize = 14;
const INBOXES: usize = 6;
/// The same, at the IP of attackers.
const SHARED_SESSIONS: usize = 2;
const SHARED_INBOXES: usize = 2;
/// The pause before each message. An address may send 30 mails a minute to another.
const PAUSE: Duration = Duration::from_secs(1);
const MAIL_PAUSE: Duration = Duration::from_millis(2500);
/// How often the agent that is often away reads its inbox.
const AWAY: Duration = Duration::from_secs(15);
/// How often a send without a response is repeated.
const REPEATS: usize = 5;
/// How long readers may take for the rest, after the last send.
const GRACE: Duration = Duration::from_secs(30);

/// One direction of a pair.
pub(super) struct Line {
    /// Whether it uses the IP of attackers.
    pub(super) is_shared: bool,
    writer: Writer,
    reader: Reader,
}

/// Who sends.
enum Writer {
    Member(Member),
    /// With the id of the recipient.
    Resident(Resident, String),
}

/// Who reads, and from where on.
struct Reader {
    from: String,
    follow: Box<dyn Follow + Send>,
    /// Whose inbox it is, and whether it reads only now and then.
    inbox: Option<(Resident, bool)>,
    cursor: String,
}

/// What the writer tells the reader.
#[derive(Default)]
struct Progress {
    acknowledged: Mutex<BTreeSet<usize>>,
    is_over: AtomicBool,
}

/// What happened to some lines in a phase.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// How many messages were acknowledged.
    pub(super) sent: usize,
    /// The sends that were repeated because there was no response.
    pub(super) repeated: usize,
    /// The refusals of sends and of polls. No response, again and again, is the status 0.
    pub(super) refused: BTreeMap<String, usize>,
    /// Acknowledged messages that the reader did not get.
    pub(super) lost: usize,
    /// Messages that the reader got twice or out of order.
    pub(super) disordered: usize,
    /// How long sends took, and how long it took until the reader had the message.
    pub(super) sends: Vec<Duration>,
    pub(super) receipts: Vec<Duration>,
}

impl Outcome {
    pub(super) fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.repeated += other.repeated;
        self.lost += other.lost;
        self.disordered += other.disordered;
        self.sends.extend(other.sends);
        self.receipts.extend(other.receipts);
        for (what, count) in other.refused {
            *self.refused.entry(what).or_default() += count;
        }
    }

    fn refuse(&mut self, what: &str, status: u16) {
        *self.refused.entry(format!("{what} {status}")).or_default() += 1;
    }
}

/// All honest agents, and what attackers know of them: members of some sessions, and inboxes.
pub(super) struct Honest {
    pub(super) lines: Vec<Line>,
    pub(super) exposed: Vec<Member>,
    pub(super) inboxes: Vec<String>,
}

impl Honest {
    /// Makes all pairs.
    pub(super) fn new(base: &str) -> Self {
        let api = Api::patient(base, PATIENCE + Duration::from_secs(20));
        let mut honest = Self { lines: Vec::new(), exposed: Vec::new(), inboxes: Vec::new() };
        for number in 0..SESSIONS + SHARED_SESSIONS {
            let is_shared = number >= SESSIONS;
            let ip = if is_shared { SHARED.to_owned() } else { format!("192.0.2.{number}") };
            let a = api.as_client(&ip).session();
            let b = a.join("b");
            if number < 4 {
                honest.exposed.push(a.clone());
            }
            let line = |from: &Member, to: &Member| Line {
                is_shared,
                writer: Writer::Member(from.clone()),
                reader: Reader::new(&from.agent, Box::new(to.clone()), None),
            };
            honest.lines.extend([line(&a, &b), line(&b, &a)]);
        }
        for number in 0..INBOXES + SHARED_INBOXES {
            let is_shared = number >= INBOXES;
            let ip =
                if is_shared { SHARED.to_owned() } else { format!("192.0.2.{}", 100 + number) };
            honest.mails(&api.as_client(&ip), number, is_shared);
        }
        honest
    }

    /// Two addresses that allow each other. The first two inboxes are known, and the second of the
    /// first pair is read only now and then.
    fn mails(&mut self, api: &Api, number: usize, is_shared: bool) {
        let [a, b] = ["a", "b"].map(|name| api.register(&format!("honest-{number}-{name}")));
        for (me, other) in [(&a, &b), (&b, &a)] {
            done(&me.call("PUT", &format!("/allows/{}", other.id)).send(), 200);
        }
        if number == 0 {
            self.inboxes.extend([b.id.clone(), a.id.clone()]);
        }
        let line = |from: &Resident, to: &Resident, is_away: bool| Line {
            is_shared,
            writer: Writer::Resident(from.clone(), to.id.clone()),
            reader: Reader::new(&from.id, Box::new(to.clone()), Some((to.clone(), is_away))),
        };
        self.lines.extend([line(&a, &b, number == 0), line(&b, &a, false)]);
    }
}

impl Line {
    /// Sends and reads until `until`, and then reads the rest.
    pub(super) fn talk(&mut self, started: Instant, until: Instant) -> Outcome {
        let progress = Progress::default();
        let (writer, reader) = (&self.writer, &mut self.reader);
        let (mut outcome, read) = thread::scope(|scope| {
            let reading = scope.spawn(|| reader.run(started, until + GRACE, &progress));
            let outcome = writer.run(started, until, &progress);
            progress.is_over.store(true, Ordering::Release);
            (outcome, reading.join().expect("a reader does not panic"))
        });
        outcome.add(read);
        outcome
    }
}

impl Writer {
    fn call(&self, text: &str, key: &str) -> Call<'_> {
        let call = match self {
            Self::Member(member) => member.call("POST", "/messages"),
            Self::Resident(me, to) => me.to(to),
        };
        call.idempotency_key(key).json(&json!({ "text": text }))
    }

    fn run(&self, started: Instant, until: Instant, progress: &Progress) -> Outcome {
        let mut outcome = Outcome::default();
        let pause = if matches!(self, Self::Member(_)) { PAUSE } else { MAIL_PAUSE };
        let run = started.elapsed().as_micros();
        for number in 0.. {
            thread::sleep(pause);
            if Instant::now() >= until {
                break;
            }
            let begun = Instant::now();
            let text = format!("{number} {}", started.elapsed().as_micros());
            let status = self.send(&text, &format!("{run}-{number}"), &mut outcome);
            if status == 201 {
                outcome.sent += 1;
                outcome.sends.push(begun.elapsed());
                let mut sent = progress.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
                sent.insert(number);
            } else {
                outcome.refuse("send", status);
            }
        }
        outcome
    }

    /// Sends, and repeats it if there is no response. Returns the status.
    fn send(&self, text: &str, key: &str, outcome: &mut Outcome) -> u16 {
        for _ in 0..REPEATS {
            if let Some(answer) = self.call(text, key).try_send() {
                return answer.status;
            }
            outcome.repeated += 1;
        }
        0
    }
}

impl Reader {
    fn new(from: &str, follow: Box<dyn Follow + Send>, inbox: Option<(Resident, bool)>) -> Self {
        Self { from: from.to_owned(), follow, inbox, cursor: "0".to_owned() }
    }

    fn run(&mut self, started: Instant, deadline: Instant, progress: &Progress) -> Outcome {
        let mut outcome = Outcome::default();
        let mut read = BTreeSet::new();
        loop {
            let is_over = progress.is_over.load(Ordering::Acquire);
            self.page(started, &mut read, &mut outcome);
            let sent = progress.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
            let lost = sent.difference(&read).count();
            drop(sent);
            if is_over && (lost == 0 || Instant::now() >= deadline) {
                outcome.lost = lost;
                return outcome;
            }
            if self.inbox.as_ref().is_some_and(|(_, is_away)| *is_away) && !is_over {
                let next = Instant::now() + AWAY;
                while Instant::now() < next && !progress.is_over.load(Ordering::Acquire) {
                    thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }

    /// Reads a page, waits for it if there is nothing yet, and acknowledges it.
    fn page(&mut self, started: Instant, read: &mut BTreeSet<usize>, outcome: &mut Outcome) {
        // A session also has this agent's own messages.
        let others = if self.inbox.is_none() { "&others=true" } else { "" };
        let query = format!("?after={}&wait=3{others}", self.cursor);
        let answer = self.follow.page(&query);
        let page = match answer {
            Some(answer) if answer.status == 200 => answer.json(),
            answer => {
                outcome.refuse("poll", answer.map_or(0, |answer| answer.status));
                thread::sleep(Duration::from_millis(200));
                return;
            }
        };
        let messages = list(&page["messages"]);
        for message in messages {
            self.take(started, message, read, outcome);
        }
        if let Some(cursor) = page["nextCursor"].as_str() {
            cursor.clone_into(&mut self.cursor);
        }
        if let (Some((me, _)), false) = (&self.inbox, messages.is_empty()) {
            let body = json!({ "cursor": self.cursor });
            let acknowledged = me.call("POST", "/ack").json(&body).try_send();
            let status = acknowledged.map_or(0, |answer| answer.status);
            if status != 200 {
                outcome.refuse("ack", status);
            }
        }
    }

    /// Notes a message of the writer. Those of attackers are not proven, or are another's.
    fn take(
        &self,
        started: Instant,
        message: &Value,
        read: &mut BTreeSet<usize>,
        outcome: &mut Outcome,
    ) {
        let is_of_writer = message["agentId"] == self.from.as_str() && message["verified"] == true;
        let text = message["text"].as_str().unwrap_or_default();
        let parsed = text.split_once(' ').and_then(|(number, at)| {
            Some((number.parse::<usize>().ok()?, at.parse::<u64>().ok()?))
        });
        let (true, Some((number, at))) = (is_of_writer, parsed) else { return };
        if read.last().is_some_and(|last| *last >= number) {
            outcome.disordered += 1;
        }
        read.insert(number);
        if !self.inbox.as_ref().is_some_and(|(_, is_away)| *is_away) {
            outcome.receipts.push(started.elapsed().saturating_sub(Duration::from_micros(at)));
        }
    }
}
