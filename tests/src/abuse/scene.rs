//! Where an attack happens: the relay, the addresses of everyone, and what attackers know.

use crate::{Answer, Api, CLIENT_HEADER, Member};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{Shutdown, TcpStream},
    sync::{Mutex, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// The IP of the attackers that have only one, and of some honest agents.
pub(super) const SHARED: &str = "203.0.113.1";
/// The IP of attackers with keys that are right. Whoever shares their IP shares one quota with them.
const APART: &str = "203.0.113.2";
/// How long an attacker waits for an answer, and how often it looks whether it is over.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);

/// Whose IPs an attacker uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crew {
    /// One IP, which some honest agents share.
    One,
    /// One IP of its own.
    Apart,
    /// Ten IPs, in turns, which no other attack uses.
    Ten,
}

/// What the attackers share.
pub(super) struct Scene {
    pub(super) base: String,
    /// When the attack ends.
    pub(super) until: OnceLock<Instant>,
    /// Members of sessions of honest agents. Attackers know the ids and the names, but use no key.
    pub(super) exposed: Vec<Member>,
    /// Addresses of honest agents.
    pub(super) inboxes: Vec<String>,
    /// What each attack got as answers.
    pub(super) tallies: Mutex<BTreeMap<&'static str, Tally>>,
}

/// Answers, and how often each came.
pub(super) type Tally = BTreeMap<String, usize>;

/// What one attacker has.
pub(super) struct Attacker<'a> {
    pub(super) scene: &'a Scene,
    pub(super) attack: &'static str,
    /// The number of the attack.
    place: usize,
    pub(super) crew: Crew,
    /// Differs between all attackers.
    pub(super) number: usize,
    /// Counts its steps.
    pub(super) turn: usize,
    api: Api,
}

impl Scene {
    pub(super) fn is_over(&self) -> bool {
        self.until.get().is_some_and(|until| Instant::now() >= *until)
    }

    /// Sleeps, but not much beyond the end of the attack.
    pub(super) fn sleep(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until && !self.is_over() {
            thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
        }
    }
}

impl<'a> Attacker<'a> {
    /// The attacker of this number, for the attack of this place and name.
    pub(super) fn new(
        scene: &'a Scene,
        (place, attack): (usize, &'static str),
        crew: Crew,
        number: usize,
    ) -> Self {
        let api = Api::patient(&scene.base, PATIENCE);
        Self { scene, attack, place, crew, number, turn: number, api }
    }

    /// Its IP at this step.
    pub(super) fn ip(&self) -> String {
        match self.crew {
            Crew::One => SHARED.to_owned(),
            Crew::Apart => APART.to_owned(),
            Crew::Ten => format!("100.64.{}.{}", self.place, self.turn % 10),
        }
    }

    /// A client at its IP.
    pub(super) fn api(&self) -> Api {
        self.api.as_client(&self.ip())
    }

    /// The client that it was before the attack, when nothing was refused to it yet.
    pub(super) fn earlier(&self) -> Api {
        self.api.as_client(&format!("198.51.100.{}", self.number))
    }

    /// A member whose session it knows.
    pub(super) fn target(&self) -> &'a Member {
        &self.scene.exposed[self.number % self.scene.exposed.len()]
    }

    /// Counts an answer.
    pub(super) fn note(&self, what: &str, answer: &str) {
        self.add(&format!("{what}: {answer}"), 1);
    }

    /// Counts several answers at once.
    pub(super) fn add(&self, what: &str, count: usize) {
        let mut tallies = self.scene.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        *tallies.entry(self.attack).or_default().entry(what.to_owned()).or_default() += count;
    }

    /// Counts the answer to a request, with the code of an error. Returns it if it is no error.
    pub(super) fn noted(&self, what: &str, answer: Option<Answer>) -> Option<Answer> {
        let Some(answer) = answer else {
            self.note(what, "no answer");
            return None;
        };
        let error = answer.json()["error"].as_str().map(|error| format!(" {error}"));
        self.note(what, &format!("{}{}", answer.status, error.unwrap_or_default()));
        (answer.status < 400).then_some(answer)
    }

    /// Sends a request by hand: its head declares a body of `length` bytes, of which only some are
    /// sent. Returns the status.
    pub(super) fn raw(&self, head: &str, length: usize, sent: &[u8]) -> Option<u16> {
        let mut stream = TcpStream::connect(self.scene.base.trim_start_matches("http://")).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        let fixed = format!("Host: relay\r\n{CLIENT_HEADER}: {}\r\n", self.ip());
        let head = format!("{head}\r\n{fixed}Content-Length: {length}\r\n\r\n");
        // The relay may answer before it has everything, so that the rest cannot be sent.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
        if sent.len() < length {
            stream.shutdown(Shutdown::Write).ok()?;
        }
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        line.split(' ').nth(1)?.parse().ok()
    }
}
