//! Judges the log of a session and what its readers received.

use super::Verdict;
use crate::torture::history::{Entry, Outcome, Reader, Send, Session};
use std::collections::{HashMap, HashSet};

impl Verdict {
    pub(crate) fn session(&mut self, session: &Session) {
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

    /// Checks that each cursor occurs once, in increasing order.
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

    /// Checks that a message sent after another was acknowledged has a higher cursor, whoever sent
    /// the two.
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
            // A message that nobody knows to be stored may have been stored after this reader had
            // finished.
            let may_be_late = Some(entry.cursor) > last && !acknowledged.contains(&entry.cursor);
            if !read.contains(&entry.cursor) && !may_be_late {
                self.lost(&format!("{what} was never given {entry:?}"));
            }
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
