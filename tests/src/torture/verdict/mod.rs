//! Compares what was acknowledged with what can be read.

use super::history::{Code, Entry, History, House, Moment, Outcome, Reader, Send, Session};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

/// How many faults are kept as sentences; all are counted.
const SENTENCES: usize = 50;

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Messages that were acknowledged.
    pub acknowledged: usize,
    /// Messages that readers were given while the relay was tortured.
    pub read: usize,
    /// What was acknowledged or given out, and then is not there, or is something else.
    pub lost: usize,
    /// What is there more than once, or though nobody sent it.
    pub doubled: usize,
    /// What is not at its place: behind something that came after it.
    pub disordered: usize,
    /// How many codes had how many winners.
    pub claims: BTreeMap<usize, usize>,
    /// Members beyond the number of seats, of all sessions together.
    pub seats_over: usize,
    /// The sessions in which seats were raced for.
    pub houses: usize,
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

    /// As a machine reads it.
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
            "faults": self.faults,
        })
    }

    fn lost(&mut self, fault: &str) {
        self.lost += 1;
        self.say(format!("lost: {fault}"));
    }

    fn doubled(&mut self, fault: &str) {
        self.doubled += 1;
        self.say(format!("doubled: {fault}"));
    }

    fn disordered(&mut self, fault: &str) {
        self.disordered += 1;
        self.say(format!("disordered: {fault}"));
    }

    fn say(&mut self, fault: String) {
        if self.faults.len() < SENTENCES {
            self.faults.push(fault);
        }
    }

    fn session(&mut self, session: &Session) {
        let name = &session.name;
        for agent in session.seated.iter().filter(|agent| !session.members.contains(agent)) {
            self.lost(&format!("{name}: the seat of {agent}"));
        }
        self.order(&format!("{name}: the log"), &session.log);
        let mut stored: HashMap<&str, Vec<&Entry>> = HashMap::new();
        for entry in &session.log {
            stored.entry(&entry.body).or_default().push(entry);
        }
        let mut sent = HashSet::new();
        for send in &session.sends {
            sent.insert(send.body.as_str());
            let found = stored.get(send.body.as_str()).map_or(&[][..], Vec::as_slice);
            self.send(name, send, found);
        }
        for entry in session.log.iter().filter(|entry| !sent.contains(entry.body.as_str())) {
            self.doubled(&format!("{name}: nobody sent {entry:?}"));
        }
        self.overtaken(session, &stored);
        for reader in &session.readers {
            self.reader(session, reader);
        }
    }

    /// Each place once, and one after the other.
    fn order(&mut self, what: &str, entries: &[Entry]) {
        let (mut seen, mut last) = (HashSet::new(), None);
        for entry in entries {
            if !seen.insert(entry.cursor) {
                self.doubled(&format!("{what}: {entry:?}"));
            } else if last.is_some_and(|last| last > entry.cursor) {
                self.disordered(&format!("{what}: {entry:?} comes after {last:?}"));
            }
            last = last.max(Some(entry.cursor));
        }
    }

    fn send(&mut self, name: &str, send: &Send, found: &[&Entry]) {
        let what = format!("{name}: {} of {}", send.body, send.agent);
        for entry in found.iter().skip(1) {
            self.doubled(&format!("{what}, also at {}", entry.cursor));
        }
        for entry in found {
            if entry.agent != send.agent || entry.verified != send.proven {
                self.lost(&format!("{what}: whose it is has become {entry:?}"));
            }
        }
        match &send.outcome {
            Outcome::Acknowledged { id, cursor, .. } => {
                self.acknowledged += 1;
                if found.is_empty() {
                    self.lost(&format!("{what}, acknowledged at {cursor}"));
                } else if !found.iter().any(|entry| (entry.cursor, &entry.id) == (*cursor, id)) {
                    self.disordered(&format!("{what}, acknowledged at {cursor}, is at {found:?}"));
                }
                for again in send.again.iter().filter(|again| **again != (id.clone(), *cursor)) {
                    self.doubled(&format!("{what}, {id} at {cursor}, repeated: {again:?}"));
                }
            }
            Outcome::Unknown => {}
            Outcome::Refused(why) => self.lost(&format!("{what} was refused: {why}")),
        }
    }

    /// What is begun after another message was acknowledged stands behind that one, whoever sent them.
    fn overtaken(&mut self, session: &Session, stored: &HashMap<&str, Vec<&Entry>>) {
        let mut acknowledged = Vec::new();
        let mut begun = Vec::new();
        for send in &session.sends {
            let found = stored.get(send.body.as_str()).and_then(|found| found.first());
            if let Outcome::Acknowledged { at, cursor, .. } = send.outcome {
                acknowledged.push((at, cursor));
                begun.push((send.begun, cursor, send));
            } else if let Some(entry) = found {
                begun.push((send.begun, entry.cursor, send));
            }
        }
        acknowledged.sort_unstable();
        begun.sort_by_key(|(begun, ..)| *begun);
        let mut before = acknowledged.into_iter().peekable();
        let mut highest = 0;
        for (begun, cursor, send) in begun {
            while let Some((_, earlier)) = before.next_if(|(at, _)| *at < begun) {
                highest = highest.max(earlier);
            }
            if cursor <= highest {
                let name = &session.name;
                self.disordered(&format!(
                    "{name}: {} of {} is at {cursor}, and was sent after {highest} was acknowledged",
                    send.body, send.agent
                ));
            }
        }
    }

    fn reader(&mut self, session: &Session, reader: &Reader) {
        let what = format!("{}: {}", session.name, reader.agent);
        self.read += reader.read.len();
        if let Some(why) = &reader.refused {
            self.lost(&format!("{what} was refused: {why}"));
        }
        self.order(&what, &reader.read);
        let log: HashMap<u64, &Entry> =
            session.log.iter().map(|entry| (entry.cursor, entry)).collect();
        for entry in &reader.read {
            let found = log.get(&entry.cursor);
            if found != Some(&entry) {
                self.lost(&format!("{what} was given {entry:?}; now it is {found:?}"));
            }
        }
        let read: HashSet<u64> = reader.read.iter().map(|entry| entry.cursor).collect();
        let last = reader.read.iter().map(|entry| entry.cursor).max();
        let is_due = |entry: &Entry| reader.finished || Some(entry.cursor) <= last;
        let acknowledged: HashSet<u64> = session.sends.iter().filter_map(Send::cursor).collect();
        for entry in session.log.iter().filter(|entry| is_due(entry)) {
            // What nobody was told of can have been stored after this reader had finished.
            let may_be_late = Some(entry.cursor) > last && !acknowledged.contains(&entry.cursor);
            if !read.contains(&entry.cursor) && !may_be_late {
                self.lost(&format!("{what} was never given {entry:?}"));
            }
        }
    }

    fn code(&mut self, code: &Code) {
        let name = &code.code;
        let winners: BTreeSet<&String> = code.winners.iter().collect();
        let seated: BTreeSet<&String> = code.seated.iter().collect();
        let claims = if winners.is_empty() { 0 } else { winners.len().max(seated.len()) };
        *self.claims.entry(claims).or_default() += 1;
        if winners.len() != 1 || seated.len() > 1 {
            self.say(format!("claims: {name} was won by {winners:?}, and seated are {seated:?}"));
        }
        for winner in winners.difference(&seated) {
            self.lost(&format!("{name}: the seat of {winner}"));
        }
        for why in &code.refused {
            self.lost(&format!("{name}: {why}"));
        }
    }

    fn house(&mut self, house: &House) {
        let name = &house.name;
        self.houses += 1;
        let mut changes: Vec<(Moment, bool)> = Vec::new();
        for stay in &house.stays {
            changes.push((stay.from, true));
            changes.extend(stay.until.map(|until| (until, false)));
            if stay.until.is_none() && !house.members.contains(&stay.agent) {
                self.lost(&format!("{name}: the seat of {}", stay.agent));
            }
        }
        // Of what happens at the same moment, leaving comes first.
        changes.sort_unstable();
        let (mut taken, mut most) = (1_usize, house.members.len());
        for (_, arrives) in changes {
            taken = if arrives { taken.saturating_add(1) } else { taken.saturating_sub(1) };
            most = most.max(taken);
        }
        most = most.max(house.looks.iter().copied().max().unwrap_or_default());
        if most > house.limit {
            self.seats_over += most.saturating_sub(house.limit);
            self.say(format!("seats: {name} had {most} members in {} seats", house.limit));
        }
        for why in &house.refused {
            self.lost(&format!("{name}: {why}"));
        }
    }
}

impl Send {
    fn cursor(&self) -> Option<u64> {
        match self.outcome {
            Outcome::Acknowledged { cursor, .. } => Some(cursor),
            Outcome::Unknown | Outcome::Refused(_) => None,
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
        write!(to, "seats over the limit  {} ({} sessions)", self.seats_over, self.houses)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::history::{Stay, body},
        *,
    };

    fn said(number: u64) -> String {
        body(&json!({ "text": format!("message {number}") }))
    }

    fn entry(number: u64) -> Entry {
        Entry {
            cursor: number,
            id: format!("id {number}"),
            agent: "a".to_owned(),
            body: said(number),
            verified: true,
        }
    }

    /// Five messages, the third without an answer; read by one, who has read all.
    fn session() -> Session {
        let outcome = |number: u64| match number {
            3 => Outcome::Unknown,
            _ => Outcome::Acknowledged {
                at: number * 10 + 5,
                id: format!("id {number}"),
                cursor: number,
            },
        };
        let send = |number: u64| Send {
            agent: "a".to_owned(),
            body: said(number),
            proven: true,
            begun: number * 10,
            outcome: outcome(number),
            again: Vec::new(),
        };
        let log: Vec<Entry> = (1..=5).map(entry).collect();
        let reader = Reader { read: log.clone(), finished: true, ..Reader::default() };
        Session {
            seated: vec!["a".to_owned()],
            members: vec!["a".to_owned()],
            sends: (1..=5).map(send).collect(),
            readers: vec![reader],
            log,
            ..Session::default()
        }
    }

    fn house() -> House {
        let stay = |agent: &str, from, until| Stay { agent: agent.to_owned(), from, until };
        House {
            limit: 2,
            stays: vec![stay("b", 10, Some(20)), stay("c", 20, None)],
            looks: vec![1, 2],
            members: vec!["a".to_owned(), "c".to_owned()],
            ..House::default()
        }
    }

    fn code() -> Code {
        let winner = || vec!["b".to_owned()];
        Code { winners: winner(), seated: winner(), ..Code::default() }
    }

    /// What is counted: lost, doubled, disordered, seats over the limit; and whether it is good.
    fn counts(history: &History) -> ((usize, usize, usize, usize), bool) {
        let verdict = judge(history);
        assert_eq!(verdict.faults.is_empty(), verdict.is_good(), "{verdict:?}");
        let Verdict { lost, doubled, disordered, seats_over, .. } = verdict;
        ((lost, doubled, disordered, seats_over), verdict.is_good())
    }

    fn of_session(change: impl FnOnce(&mut Session)) -> (usize, usize, usize) {
        let mut session = session();
        change(&mut session);
        let history = History { sessions: vec![session], ..History::default() };
        let ((lost, doubled, disordered, _), _) = counts(&history);
        (lost, doubled, disordered)
    }

    #[test]
    fn a_relay_that_keeps_its_promises_is_found_to() {
        let history =
            History { sessions: vec![session()], codes: vec![code()], houses: vec![house()] };
        assert_eq!(counts(&history), ((0, 0, 0, 0), true));
        assert_eq!(judge(&history).acknowledged, 4);
        // What nobody was told of may be there, or not.
        let without_third = |session: &mut Session| {
            session.log.remove(2);
            session.readers[0].read.remove(2);
        };
        assert_eq!(of_session(without_third), (0, 0, 0));
    }

    #[test]
    fn what_is_gone_is_lost() {
        let gone = |session: &mut Session| {
            session.log.remove(4);
            session.readers[0].read.remove(4);
        };
        assert_eq!(of_session(gone), (1, 0, 0));
        // Once from the log, and once for its reader, who was given it.
        assert_eq!(of_session(|session| drop(session.log.remove(4))), (2, 0, 0));
        assert_eq!(of_session(|session| drop(session.readers[0].read.remove(1))), (1, 0, 0));
        assert_eq!(of_session(|session| session.members.clear()), (1, 0, 0));
        let refused = |session: &mut Session| {
            session.readers[0].refused = Some("404".to_owned());
        };
        assert_eq!(of_session(refused), (1, 0, 0));
        let anothers = |session: &mut Session| {
            session.log[0].verified = false;
            session.readers.clear();
        };
        assert_eq!(of_session(anothers), (1, 0, 0));
    }

    #[test]
    fn what_is_there_twice_or_unasked_is_doubled() {
        let twice = |session: &mut Session| {
            session.log.push(Entry { cursor: 6, ..entry(5) });
            session.readers.clear();
        };
        assert_eq!(of_session(twice), (0, 1, 0));
        let unasked = |session: &mut Session| {
            session.log.push(entry(6));
            session.readers.clear();
        };
        assert_eq!(of_session(unasked), (0, 1, 0));
        let read_again = |session: &mut Session| session.readers[0].read.push(entry(5));
        assert_eq!(of_session(read_again), (0, 1, 0));
        let repeat = |session: &mut Session| session.sends[0].again.push(("id 7".to_owned(), 7));
        assert_eq!(of_session(repeat), (0, 1, 0));
    }

    #[test]
    fn what_is_not_at_its_place_is_disordered() {
        let swapped = |session: &mut Session| session.readers[0].read.swap(0, 1);
        assert_eq!(of_session(swapped), (0, 0, 1));
        let moved = |session: &mut Session| {
            session.log[4].cursor = 9;
            session.readers.clear();
        };
        assert_eq!(of_session(moved), (0, 0, 1));
        // The fifth was begun when the fourth had been acknowledged.
        let overtaken = |session: &mut Session| session.sends[3].begun = 60;
        assert_eq!(of_session(overtaken), (0, 0, 1));
    }

    #[test]
    fn a_code_is_won_once() {
        let of = |change: fn(&mut Code)| {
            let mut code = code();
            change(&mut code);
            counts(&History { codes: vec![code], ..History::default() })
        };
        assert_eq!(of(|_| ()), ((0, 0, 0, 0), true));
        assert!(!of(|code| code.winners.push("c".to_owned())).1);
        assert!(!of(|code| code.seated.push("c".to_owned())).1);
        assert!(!of(|code| code.winners.clear()).1);
        assert_eq!(of(|code| code.seated.clear()), ((1, 0, 0, 0), false));
    }

    #[test]
    fn a_session_has_no_more_members_than_seats() {
        let of = |change: fn(&mut House)| {
            let mut house = house();
            change(&mut house);
            counts(&History { houses: vec![house], ..History::default() }).0
        };
        assert_eq!(of(|house| house.stays[0].until = Some(21)), (0, 0, 0, 1));
        assert_eq!(of(|house| house.looks.push(4)), (0, 0, 0, 2));
        assert_eq!(of(|house| house.members.truncate(1)), (1, 0, 0, 0));
    }
}
