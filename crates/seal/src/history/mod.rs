//! What a client remembers of a session, to notice what the relay may do to it although it cannot
//! read: repeat, leave out, reorder, pretend to others, and take words for those of another.
//!
//! | what | how it is noticed |
//! |---|---|
//! | a sealed string at a second place | its hash is known at the first: `replay` |
//! | a message left out | the next count of its sender: `missing` |
//! | a message held back, or taken from an earlier life of its sender | its count is not above the last: `restarted` |
//! | other messages shown to others | a message names one as the last that its sender has read: `fork` |
//! | words of one member as those of another | the key that was pinned: `signed`, `key_changed` |
//! | directed elsewhere | what is inside: `routing` |
//!
//! A count is compared only with what was read without a gap in front of it (`run`). So a reader
//! may begin anywhere, go back, and read again: what it has read is reported as it was then.

mod counters;
mod keys;
mod run;

use crate::{
    Count, Field, Fingerprint, Numbers, OpenedFile, Place, Plain, PublicKey, SealedHash, Sealer,
    Secret, Skip, Unopened, read, read_file,
};
use counters::Counters;
use keys::Keys;
use nexus_protocol::{AgentId, Cursor, FileKey, MessageId, Recipients};
use run::{Counted, Odd, Run};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many stretches that were read apart from each other are remembered.
const MOST_RUNS: usize = 8;

/// How many missing numbers are listed.
const MOST_MISSING: usize = 20;

/// Where something stands, as the relay says.
#[derive(Clone, Copy, Debug)]
pub enum At<'a> {
    /// In the log.
    Log {
        /// Its cursor.
        cursor: Cursor,
        /// The cursor with which its page was asked for, `START` for one from the beginning:
        /// everything behind it that is sealed was given to the history before, in its order, up to
        /// this message, one's own included. None if anything was left out, such as by a topic, or
        /// one's own by `others`. Then nothing is said of counts.
        after: Option<Cursor>,
    },
    /// In a task.
    Task(&'a MessageId),
}

/// Something that the relay shows.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// What it is.
    pub place: Place<'a>,
    /// Where it stands. The greeting is at `START`.
    pub at: At<'a>,
    /// Who is said to have sealed it.
    pub sender: &'a AgentId,
    /// What is to be opened.
    pub sealed: &'a str,
    /// Whether the relay says that the sender has proven its key.
    pub verified: bool,
    /// The recipients that the relay names.
    pub to: &'a [AgentId],
    /// What it answers, as the relay says.
    pub reply_to: Option<&'a MessageId>,
    /// The topic that the relay names.
    pub topic: Option<&'a str>,
    /// The tags that the relay names.
    pub tags: &'a [String],
}

/// A version of a file that the relay shows.
#[derive(Clone, Copy, Debug)]
pub struct IncomingFile<'a> {
    /// The key.
    pub key: &'a FileKey,
    /// Who is said to have sealed it.
    pub editor: &'a AgentId,
    /// The version.
    pub version: u32,
    /// Whether the relay says that this is the newest version.
    pub is_newest: bool,
    /// The cursor of the message about it.
    pub cursor: Cursor,
    /// Whether the relay says that the editor has proven its key.
    pub verified: bool,
    /// What is to be opened.
    pub sealed: &'a str,
}

/// What became of a sealed string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was opened.
    Open,
    /// [`Unopened::Altered`]
    Altered,
    /// [`Unopened::Newer`]
    Newer,
    /// [`Unopened::Unsealed`]
    Unsealed,
}

impl From<Unopened> for State {
    fn from(unopened: Unopened) -> Self {
        match unopened {
            Unopened::Altered => Self::Altered,
            Unopened::Newer => Self::Newer,
            Unopened::Unsealed => Self::Unsealed,
        }
    }
}

/// What a person should know of a sealed string: `seal` of a message that the client prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of what the client prints")]
pub struct Findings {
    /// Whether it was opened.
    pub state: State,
    /// The sender's count of its messages to everyone, or to the reader if it is directed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Messages of this sender that should have come before this one: the first 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<u32>,
    /// How many more than those are missing.
    #[serde(skip_serializing_if = "is_0")]
    pub missing_more: u64,
    /// It has a count that was used up, or stands where it was not before: it was held back, its
    /// sender has begun anew, or somebody else has sealed it. Of a file: a newer version was shown
    /// before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub restarted: bool,
    /// Its sender has read a message that was never shown here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fork: bool,
    /// Fields that the relay shows otherwise than the sender wrote them. What is inside counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routing: Vec<&'static str>,
    /// Whether the pinned key of the sender signed it. None if there is no such key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<bool>,
    /// Another key signed it than the pinned one, or none did.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub key_changed: bool,
    /// It was shown at another place before. It must not be taken for something new.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replay: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_0(number: &u64) -> bool {
    *number == 0
}

impl Findings {
    fn of(state: State) -> Self {
        Self {
            state,
            n: None,
            missing: Vec::new(),
            missing_more: 0,
            restarted: false,
            fork: false,
            routing: Vec::new(),
            signed: None,
            key_changed: false,
            replay: false,
        }
    }

    fn with(mut self, odd: &Odd) -> Self {
        self.missing = odd.missing.iter().take(MOST_MISSING).collect();
        self.missing_more = odd.missing.count().saturating_sub(MOST_MISSING as u64);
        self.restarted = odd.restarted;
        self.fork = odd.fork;
        self
    }
}

/// Something that was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// What was found.
    pub seal: Findings,
    /// What it says. None if it was not opened, or is a replay.
    pub plain: Option<Plain>,
    /// Which key signed it.
    pub signed_by: Option<PublicKey>,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct ReadFile {
    /// What was found.
    pub seal: Findings,
    /// The file. None if it was not opened, or is a replay.
    pub opened: Option<OpenedFile>,
}

/// A message that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The sealed string.
    pub sealed: String,
    /// Its count, by which [`History::stored`] and [`History::refused`] know it.
    pub n: Count,
}

/// Where a sealed string was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Spot {
    Log(u64),
    /// The id of a task, or a key and version of a file.
    Named(String),
}

/// What a member remembers of a session. It belongs to one seat, contains no secrets, and is stored
/// as JSON beside the key of the session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct History {
    counters: Counters,
    /// What was sealed here and not yet seen in the log.
    sealed: BTreeSet<SealedHash>,
    /// What was opened, or is for newer clients, and where. Of what is signed also the hash of the
    /// signed text, for any member can seal it again.
    seen: BTreeMap<SealedHash, Spot>,
    /// What was odd about it, if anything was.
    odd: BTreeMap<SealedHash, Odd>,
    /// The last message to everyone that was opened.
    newest: Option<(Cursor, SealedHash)>,
    keys: Keys,
    runs: Vec<Run>,
    /// The newest version of each file that was shown.
    files: BTreeMap<FileKey, u32>,
}

impl History {
    /// Remembers with which key an agent signs, from the link.
    pub fn expect(&mut self, agent: &AgentId, fingerprint: Fingerprint) {
        self.keys.expect(agent, fingerprint);
    }

    /// Takes another key for that of an agent, because its owner says so, from a message on.
    pub fn accept(&mut self, agent: &AgentId, key: PublicKey, since: Cursor) {
        self.keys.accept(agent, key, since);
    }

    /// Seals a message with the next count of its stream. The history must be stored before the
    /// message is sent. A send whose outcome is unknown is repeated with the same sealed string, or
    /// given up: later messages then say that its count may never come.
    pub fn seal(
        &mut self,
        sealer: &Sealer<'_>,
        iv: [u8; 16],
        plain: Plain,
    ) -> Result<Outgoing, serde_json::Error> {
        let (n, skip) = self.counters.next(plain.to.as_ref().map(Recipients::as_slice));
        let prev = self.newest.map(|(_, hash)| hash);
        let plain = Plain { n: Some(n.clone()), skip, prev, ..plain };
        let sealed = sealer.seal(Place::Text, iv, plain)?;
        self.sealed.insert(SealedHash::of(&sealed));
        Ok(Outgoing { sealed, n })
    }

    /// The relay has stored a message.
    pub fn stored(&mut self, n: &Count) {
        self.counters.stored(n);
    }

    /// The relay has refused a message, and certainly not stored it. Its count can be used again.
    pub fn refused(&mut self, outgoing: &Outgoing) {
        self.sealed.remove(&SealedHash::of(&outgoing.sealed));
        self.counters.refused(&outgoing.n);
    }

    /// A page was read to its end: everything sealed behind `after`, up to `next`, was given to
    /// [`Self::read`], one's own included.
    pub fn read_to(&mut self, after: Cursor, next: Cursor) {
        if !self.runs.iter().any(|run| run.contains(after)) {
            self.runs.push(Run::new(after));
        }
        for run in self.runs.iter_mut().filter(|run| run.contains(after)) {
            run.to = run.to.max(next);
        }
        self.tidy();
    }

    /// Opens what the relay shows, and compares it with everything that was read before.
    pub fn read(&mut self, secret: &Secret, me: &AgentId, incoming: &Incoming<'_>) -> Read {
        let hash = SealedHash::of(incoming.sealed);
        let (spot, cursor) = match incoming.at {
            At::Log { cursor, .. } => (Spot::Log(cursor.as_i64().unsigned_abs()), cursor),
            At::Task(id) => (Spot::Named(id.to_string()), created(id)),
        };
        let opened = match read(secret, incoming.place, incoming.sender, incoming.sealed) {
            Ok(opened) => opened,
            Err(unopened) => {
                if unopened == Unopened::Newer {
                    self.seen.entry(hash).or_insert(spot);
                }
                if let (Place::Text, At::Log { cursor, after: Some(after) }) =
                    (incoming.place, incoming.at)
                {
                    self.read_to(after, cursor);
                }
                return Read { seal: Findings::of(unopened.into()), plain: None, signed_by: None };
            }
        };
        let mut seal = Findings::of(State::Open);
        if !self.is_first_at(&[Some(hash), opened.jws], &spot) {
            seal.replay = true;
            return Read { seal, plain: None, signed_by: opened.signed_by };
        }
        let plain = opened.plain;
        if incoming.place == Place::Text {
            seal.n = plain.n.as_ref().and_then(|n| count_for(n, me)).map(|(n, _)| n);
            seal.routing = routing(&plain, incoming);
            let odd = self.follow(me, incoming, &plain, hash, cursor);
            seal = seal.with(&odd);
            if odd == Odd::default() {
                self.odd.remove(&hash);
            } else {
                self.odd.insert(hash, odd);
            }
            let is_directed = plain.to.is_some() || !incoming.to.is_empty();
            let is_newer = self.newest.is_none_or(|(newest, _)| cursor > newest);
            if !is_directed && is_newer {
                self.newest = Some((cursor, hash));
            }
        }
        let keys = self.keys.check(incoming.sender, opened.signed_by, cursor, incoming.verified);
        (seal.signed, seal.key_changed) = (keys.signed, keys.key_changed);
        for hash in [Some(hash), opened.jws].into_iter().flatten() {
            self.sealed.remove(&hash);
            self.seen.insert(hash, spot.clone());
        }
        Read { seal, plain: Some(plain), signed_by: opened.signed_by }
    }

    /// Opens a version of a file.
    pub fn read_file(&mut self, secret: &Secret, incoming: &IncomingFile<'_>) -> ReadFile {
        let IncomingFile { key, editor, version, .. } = *incoming;
        let opened = match read_file(secret, key, editor, incoming.sealed) {
            Ok(opened) => opened,
            Err(unopened) => {
                return ReadFile { seal: Findings::of(unopened.into()), opened: None };
            }
        };
        let mut seal = Findings::of(State::Open);
        let hash = SealedHash::of(incoming.sealed);
        let spot = Spot::Named(format!("{}@{version}", Field::File(key)));
        if !self.is_first_at(&[Some(hash)], &spot) {
            seal.replay = true;
            return ReadFile { seal, opened: None };
        }
        self.seen.insert(hash, spot);
        let newest = self.files.entry(key.clone()).or_default();
        seal.restarted = incoming.is_newest && version < *newest;
        *newest = version.max(*newest);
        if opened.file.base.is_some_and(|base| base.saturating_add(1) != version) {
            seal.routing.push("base");
        }
        let keys = self.keys.check(editor, opened.signed_by, incoming.cursor, incoming.verified);
        (seal.signed, seal.key_changed) = (keys.signed, keys.key_changed);
        ReadFile { seal, opened: Some(opened) }
    }

    /// Whether none of these was seen anywhere else.
    fn is_first_at(&self, hashes: &[Option<SealedHash>], spot: &Spot) -> bool {
        hashes.iter().flatten().all(|hash| self.seen.get(hash).is_none_or(|first| first == spot))
    }

    /// Compares the count of a message with those before it.
    fn follow(
        &mut self,
        me: &AgentId,
        incoming: &Incoming<'_>,
        plain: &Plain,
        hash: SealedHash,
        cursor: Cursor,
    ) -> Odd {
        let was_seen = self.seen.contains_key(&hash);
        let mut odd = was_seen.then(|| self.odd.get(&hash).cloned().unwrap_or_default());
        let is_mine = incoming.sender == me;
        if is_mine && odd.is_none() {
            let restarted = plain.n.as_ref().is_some_and(|n| {
                if self.sealed.contains(&hash) {
                    self.counters.stored(n);
                    false
                } else {
                    self.counters.met(n)
                }
            });
            odd = Some(Odd { restarted, ..Odd::default() });
        }
        let At::Log { after: Some(after), .. } = incoming.at else {
            return odd.unwrap_or_default();
        };
        if !self.runs.iter().any(|run| run.contains(after)) {
            self.runs.push(Run::new(after));
        }
        // The run that goes back farthest knows most.
        self.runs.sort_by_key(|run| run.from);
        let knows_prev = plain
            .prev
            .is_none_or(|prev| self.seen.contains_key(&prev) || self.sealed.contains(&prev));
        let prev = plain.prev.and_then(|prev| match self.seen.get(&prev) {
            Some(Spot::Log(cursor)) => Some(Cursor::from_i64(cursor.cast_signed())),
            Some(Spot::Named(_)) | None => None,
        });
        let mut is_first = true;
        for run in self.runs.iter_mut().filter(|run| run.contains(after)) {
            let is_covered = cursor <= run.to;
            run.to = run.to.max(cursor);
            // One's own are compared with what was sealed here.
            if !is_mine {
                if is_covered {
                    // It was not here when this was read.
                    odd.get_or_insert(Odd { restarted: true, ..Odd::default() });
                } else {
                    let count = plain.n.as_ref().and_then(|n| count_for(n, me));
                    let counted = count.map(|(n, is_directed)| Counted {
                        sender: incoming.sender,
                        is_directed,
                        n,
                        skip: skip_for(plain.skip.as_ref(), me, is_directed),
                        prev,
                    });
                    let mut found = counted.map(|counted| run.count(counted)).unwrap_or_default();
                    found.fork = !knows_prev && run.from == Cursor::START;
                    if is_first {
                        odd = Some(found);
                    }
                }
            }
            is_first = false;
        }
        self.tidy();
        odd.unwrap_or_default()
    }

    /// Forgets runs that are part of others, and the oldest of too many.
    fn tidy(&mut self) {
        self.runs.sort_by_key(|run| (run.from, std::cmp::Reverse(run.to)));
        let mut reached: Option<Cursor> = None;
        self.runs.retain(|run| {
            let is_new = reached.is_none_or(|reached| run.to > reached);
            reached = reached.max(Some(run.to));
            is_new
        });
        while self.runs.len() > MOST_RUNS {
            // The first one may begin at the beginning.
            self.runs.remove(1);
        }
    }
}

/// The number of a count that concerns a reader, and whether it counts what is directed to it.
fn count_for(count: &Count, me: &AgentId) -> Option<(u32, bool)> {
    match count {
        Count::Everyone(n) => Some((*n, false)),
        Count::Each(counts) => {
            let mine = counts.iter().find(|(agent, _)| agent.is_same(me));
            mine.map(|(_, n)| (*n, true))
        }
    }
}

fn skip_for(skip: Option<&Skip>, me: &AgentId, is_directed: bool) -> Numbers {
    let numbers = match (skip, is_directed) {
        (Some(Skip::Everyone(numbers)), false) => Some(numbers),
        (Some(Skip::Each(each)), true) => {
            each.iter().find(|(agent, _)| agent.is_same(me)).map(|(_, numbers)| numbers)
        }
        _ => None,
    };
    numbers.cloned().unwrap_or_default()
}

/// The cursor of the message with which a task began. 0 if its id has another form.
fn created(id: &MessageId) -> Cursor {
    let (_, cursor) = id.as_str().rsplit_once('-').unwrap_or_default();
    cursor.parse().unwrap_or(Cursor::START)
}

/// What the relay shows otherwise than the sender wrote it.
fn routing(plain: &Plain, incoming: &Incoming<'_>) -> Vec<&'static str> {
    let names = |agents: &[AgentId]| -> BTreeSet<String> {
        agents.iter().map(|agent| agent.as_str().to_ascii_lowercase()).collect()
    };
    let is_directed = !incoming.to.is_empty();
    let to = plain.to.as_ref().map_or_else(
        || plain.n.as_ref().is_some_and(|n| matches!(n, Count::Each(_)) != is_directed),
        |to| names(to.as_slice()) != names(incoming.to),
    );
    let reply_to = plain.reply_to.as_ref().is_some_and(|id| incoming.reply_to != Some(id));
    // A client may keep topic and tags inside only.
    let topic = plain
        .topic
        .as_deref()
        .is_some_and(|topic| incoming.topic.is_some_and(|shown| shown != topic));
    let tags = plain.tags.as_ref().is_some_and(|tags| {
        let set = |tags: &[String]| tags.iter().cloned().collect::<BTreeSet<_>>();
        !incoming.tags.is_empty() && set(tags) != set(incoming.tags)
    });
    [("to", to), ("replyTo", reply_to), ("topic", topic), ("tags", tags)]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
}
