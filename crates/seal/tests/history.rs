//! What a reader notices: nothing while the relay is honest, and every change that it makes.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use nexus_protocol::{AgentId, Cursor, FileKey, MessageId, Recipients};
use nexus_seal::{
    At, Count, Findings, History, Incoming, IncomingFile, Outgoing, Part, Place, Plain, PlainFile,
    Read, SealedHash, Sealer, Secret, Signer, State, seal,
};
use proptest::prelude::*;
use serde_json::json;

const NAMES: [&str; 3] = ["alice", "Bob", "carol"];

fn name(agent: usize) -> AgentId {
    NAMES[agent].parse().unwrap()
}

fn secret() -> Secret {
    Secret::from_random([1; 20])
}

fn cursor(at: u64) -> Cursor {
    at.to_string().parse().unwrap()
}

/// A message as the relay has it.
#[derive(Clone, Debug)]
struct Entry {
    cursor: u64,
    sender: AgentId,
    sealed: String,
    to: Vec<AgentId>,
    verified: bool,
}

impl Entry {
    fn is_for(&self, reader: &AgentId) -> bool {
        self.to.is_empty() || self.sender == *reader || self.to.iter().any(|to| to.is_same(reader))
    }

    fn read(&self, history: &mut History, reader: &AgentId, after: Option<u64>) -> Read {
        let incoming = Incoming {
            place: Place::Text,
            at: At::Log { cursor: cursor(self.cursor), after: after.map(cursor) },
            sender: &self.sender,
            sealed: &self.sealed,
            verified: self.verified,
            to: &self.to,
            reply_to: None,
            topic: None,
            tags: &[],
        };
        history.read(&secret(), reader, &incoming)
    }
}

/// A client: its history as it is on the disk, and how far it has read.
struct Client {
    name: AgentId,
    stored: String,
    position: u64,
    signer: Option<Signer>,
    ivs: u128,
    /// What was found at each cursor.
    found: Vec<(u64, Findings)>,
    in_flight: Vec<(Entry, Outgoing)>,
}

impl Client {
    fn new(agent: usize, position: u64, is_signing: bool) -> Self {
        Self {
            name: name(agent),
            stored: "{}".to_owned(),
            position,
            signer: is_signing.then(|| Signer::from_seed([u8::try_from(agent).unwrap(); 32])),
            ivs: u128::try_from(agent).unwrap() << 64,
            found: Vec::new(),
            in_flight: Vec::new(),
        }
    }

    fn history(&self) -> History {
        serde_json::from_str(&self.stored).unwrap()
    }

    fn store(&mut self, history: &History) {
        self.stored = serde_json::to_string(history).unwrap();
    }

    fn seal(&mut self, to: &[AgentId]) -> (Entry, Outgoing) {
        let mut history = self.history();
        self.ivs += 1;
        let secret = secret();
        let sealer = Sealer { secret: &secret, name: &self.name, signer: self.signer.as_ref() };
        let to_inside = (!to.is_empty()).then(|| Recipients::Many(to.to_vec()));
        let plain = Plain { to: to_inside, ..Plain::text(format!("text {}", self.ivs)) };
        let outgoing = history.seal(&sealer, self.ivs.to_be_bytes(), plain).unwrap();
        self.store(&history);
        let sealed = outgoing.sealed.clone();
        let sender = self.name.clone();
        (Entry { cursor: 0, sender, sealed, to: to.to_vec(), verified: true }, outgoing)
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// The agent sends to everyone, or to those whose bit is set.
    Send {
        agent: usize,
        to: u8,
        outcome: Outcome,
    },
    /// What was in flight arrives, or is refused.
    Arrive {
        agent: usize,
        which: usize,
        is_refused: bool,
    },
    /// A plain script of the agent sends.
    Script {
        agent: usize,
    },
    /// An event of the relay takes a cursor.
    Event,
    Poll {
        agent: usize,
        limit: usize,
        others: bool,
        crashes: bool,
    },
    /// The agent reads again, or for the first time, from somewhere before.
    Again {
        agent: usize,
        from: u64,
        limit: usize,
    },
}

#[derive(Clone, Copy, Debug)]
enum Outcome {
    Stored,
    StoredUnheard,
    NeverArrived,
    Refused,
    InFlight,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        5 => Just(Outcome::Stored),
        1 => Just(Outcome::StoredUnheard),
        1 => Just(Outcome::NeverArrived),
        1 => Just(Outcome::Refused),
        2 => Just(Outcome::InFlight),
    ];
    let agent = 0..NAMES.len();
    let step = prop_oneof![
        6 => (agent.clone(), prop_oneof![2 => Just(0_u8), 1 => 1_u8..8], outcome)
            .prop_map(|(agent, to, outcome)| Step::Send { agent, to, outcome }),
        2 => (agent.clone(), any::<usize>(), prop::bool::weighted(0.2))
            .prop_map(|(agent, which, is_refused)| Step::Arrive { agent, which, is_refused }),
        1 => agent.clone().prop_map(|agent| Step::Script { agent }),
        1 => Just(Step::Event),
        4 => (agent.clone(), 1_usize..6, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(agent, limit, others, crashes)| Step::Poll { agent, limit, others, crashes }),
        2 => (agent, 0_u64..40, 1_usize..20)
            .prop_map(|(agent, from, limit)| Step::Again { agent, from, limit }),
    ];
    proptest::collection::vec(step, 1..120)
}

#[derive(Default)]
struct Relay {
    log: Vec<Entry>,
    cursor: u64,
}

impl Relay {
    fn store(&mut self, entry: Entry) {
        self.cursor += 1;
        self.log.push(Entry { cursor: self.cursor, ..entry });
    }

    /// Gives a page to a reader, which must find nothing odd. Where the page ends.
    fn page(
        &self,
        client: &mut Client,
        history: &mut History,
        after: u64,
        limit: usize,
        others: bool,
    ) -> u64 {
        let reader = client.name.clone();
        let shown = |entry: &&Entry| {
            entry.cursor > after && entry.is_for(&reader) && !(others && entry.sender == reader)
        };
        let page: Vec<&Entry> = self.log.iter().filter(shown).take(limit).collect();
        let next = if page.len() < limit { self.cursor } else { page.last().unwrap().cursor };
        let next = next.max(after);
        for entry in page {
            let read = entry.read(history, &reader, (!others).then_some(after));
            let text = read.plain.unwrap().text.unwrap();
            assert!(text.starts_with("text ") || text == "a script");
            let Findings { n, signed, .. } = read.seal;
            assert_ne!(signed, Some(false));
            let clean = Findings { n: None, signed: None, ..read.seal.clone() };
            let json = serde_json::to_value(&clean).unwrap();
            assert_eq!(json, json!({"state": "open"}), "{entry:?} {n:?}");
            if let Some((_, before)) = client.found.iter().find(|(at, _)| *at == entry.cursor) {
                let signed = before.signed.or(signed);
                assert_eq!(Findings { signed, ..before.clone() }, read.seal);
            }
            client.found.push((entry.cursor, read.seal));
        }
        if !others {
            history.read_to(cursor(after), cursor(next));
        }
        next
    }
}

fn run(steps: Vec<Step>, late: [bool; 3], signing: [bool; 3]) {
    let mut relay = Relay::default();
    let mut clients: Vec<Client> =
        (0..3).map(|agent| Client::new(agent, 0, signing[agent])).collect();
    let half = steps.len() / 2;
    for (at, step) in steps.into_iter().enumerate() {
        if at == half {
            for (client, late) in clients.iter_mut().zip(late) {
                if late && client.found.is_empty() {
                    client.position = relay.cursor;
                }
            }
        }
        match step {
            Step::Send { agent, to, outcome } => {
                let to: Vec<AgentId> =
                    (0..3).filter(|bit| to & (1 << bit) != 0).map(name).collect();
                let (entry, outgoing) = clients[agent].seal(&to);
                let mut history = clients[agent].history();
                match outcome {
                    Outcome::Stored => {
                        relay.store(entry);
                        history.stored(&outgoing.n);
                    }
                    Outcome::StoredUnheard => relay.store(entry),
                    Outcome::NeverArrived => {}
                    Outcome::Refused => history.refused(&outgoing),
                    Outcome::InFlight => clients[agent].in_flight.push((entry, outgoing)),
                }
                clients[agent].store(&history);
            }
            Step::Arrive { agent, which, is_refused } => {
                let client = &mut clients[agent];
                if client.in_flight.is_empty() {
                    continue;
                }
                let (entry, outgoing) = client.in_flight.remove(which % client.in_flight.len());
                let mut history = client.history();
                if is_refused {
                    history.refused(&outgoing);
                } else {
                    relay.store(entry);
                    history.stored(&outgoing.n);
                }
                client.store(&history);
            }
            Step::Script { agent } => {
                // A script of an agent that signs would be taken for another's.
                if clients[agent].signer.is_some() {
                    continue;
                }
                let iv = (relay.cursor << 32 | 7).to_be_bytes();
                let iv = std::array::from_fn(|at| iv[at % 8]);
                let bytes = br#"{"text":"a script"}"#;
                let sealed = seal(&secret(), Place::Text.field(), &name(agent), iv, bytes);
                relay.store(Entry {
                    cursor: 0,
                    sender: name(agent),
                    sealed,
                    to: vec![],
                    verified: true,
                });
            }
            Step::Event => relay.cursor += 1,
            Step::Poll { agent, limit, others, crashes } => {
                let client = &mut clients[agent];
                let (mut history, after) = (client.history(), client.position);
                let found = client.found.len();
                let next = relay.page(client, &mut history, after, limit, others);
                if crashes {
                    client.found.truncate(found);
                } else {
                    client.position = next;
                    client.store(&history);
                }
            }
            Step::Again { agent, from, limit } => {
                let client = &mut clients[agent];
                let mut history = client.history();
                relay.page(client, &mut history, from.min(relay.cursor), limit, false);
                client.store(&history);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is sent, lost, refused, overtaken and read again: an honest relay is never accused.
    #[test]
    fn an_honest_relay_is_not_accused(steps in steps(), late: [bool; 3], signing: [bool; 3]) {
        run(steps, late, signing);
    }
}

/// A log of counted messages of all, each of which had read all before.
fn log(messages: usize) -> Vec<Entry> {
    let mut relay = Relay::default();
    let mut clients: Vec<Client> = (0..3).map(|agent| Client::new(agent, 0, true)).collect();
    for message in 0..messages {
        for client in &mut clients {
            let (mut history, after) = (client.history(), client.position);
            client.position = relay.page(client, &mut history, after, 1000, false);
            client.store(&history);
        }
        let client = &mut clients[message % 3];
        let (entry, outgoing) = client.seal(&[]);
        let mut history = client.history();
        history.stored(&outgoing.n);
        client.store(&history);
        relay.store(entry);
    }
    relay.log
}

/// What a new reader finds in a log from the beginning, whose cursors are made to increase.
fn found(log: &[Entry]) -> Vec<Findings> {
    let (mut history, dave) = (History::default(), "dave".parse().unwrap());
    let read = |(at, entry): (usize, &Entry)| {
        let entry = Entry { cursor: at as u64 + 1, ..entry.clone() };
        entry.read(&mut history, &dave, Some(0)).seal
    };
    log.iter().enumerate().map(read).collect()
}

fn is_odd(findings: &Findings) -> bool {
    let Findings { state, missing, restarted, fork, routing, key_changed, replay, .. } = findings;
    *state != State::Open
        || !missing.is_empty()
        || *restarted
        || *fork
        || !routing.is_empty()
        || *key_changed
        || *replay
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_left_out_is_missed(messages in 4_usize..20, at: usize) {
        let mut log = log(messages);
        prop_assert!(!found(&log).iter().any(is_odd));
        let at = at % (messages - 1);
        log.remove(at);
        let found = found(&log);
        // The next message was sealed by one who had read it.
        prop_assert!(found[at].fork);
        prop_assert!(!found[..at].iter().any(is_odd));
        // The sender's own next message.
        let n = u32::try_from(at / 3 + 1).unwrap();
        for (later, found) in found.iter().enumerate().skip(at) {
            let expected = if later == at + 2 { vec![n] } else { vec![] };
            prop_assert_eq!(&found.missing, &expected);
        }
    }

    #[test]
    fn what_is_repeated_is_dropped(messages in 2_usize..20, from: usize, to: usize) {
        let mut log = log(messages);
        let from = from % messages;
        let to = from + 1 + to % (messages - from);
        log.insert(to, log[from].clone());
        let found = found(&log);
        for (at, found) in found.iter().enumerate() {
            prop_assert_eq!(is_odd(found), at == to);
            prop_assert_eq!(found.replay, at == to);
        }
    }

    #[test]
    fn what_is_moved_is_noticed(messages in 4_usize..20, from: usize, to: usize) {
        let mut log = log(messages);
        let (from, to) = (from % messages, to % messages);
        prop_assume!(from != to);
        let moved = log.remove(from);
        log.insert(to, moved);
        let found = found(&log);
        prop_assert!(found.iter().any(is_odd));
        // Held back beyond its sender's next, its count is used up.
        if to >= from + 3 {
            prop_assert!(found[to].restarted);
        }
        // Shown too early, it names what was not shown yet.
        if to < from {
            prop_assert!(found[to].fork);
        }
    }

    #[test]
    fn another_sender_is_not_believed(messages in 2_usize..12, at: usize, other in 1_usize..3) {
        let mut log = log(messages);
        let at = at % messages;
        log[at].sender = name((at + other) % 3);
        prop_assert_eq!(found(&log)[at].state, State::Altered);
    }

    /// Two readers are shown two logs, which differ in one message each. Who reads on in either
    /// learns of it from the next message that comes over from the other.
    #[test]
    fn two_truths_are_told_apart(messages in 1_usize..8) {
        let log = log(messages * 3 + 1);
        // Everything but the last message of alice is shown to Bob, who answers.
        let mut bob = Client::new(1, 0, true);
        let (mut history, bobs) = (History::default(), &log[..messages * 3]);
        for entry in bobs {
            entry.read(&mut history, &bob.name, Some(0));
        }
        bob.store(&history);
        let secret_entry = {
            let mut alice = Client { ivs: 1 << 100, ..Client::new(0, 0, true) };
            alice.seal(&[]).0
        };
        let mut history = bob.history();
        let only_bob = Entry { cursor: 99, ..secret_entry };
        only_bob.read(&mut history, &bob.name, Some(0));
        bob.store(&history);
        let (answer, _) = bob.seal(&[]);
        let mut shown = log.clone();
        shown.push(answer);
        prop_assert!(found(&shown).last().unwrap().fork);
    }
}

fn incoming<'a>(sender: &'a AgentId, sealed: &'a str, at: u64) -> Incoming<'a> {
    Incoming {
        place: Place::Text,
        at: At::Log { cursor: cursor(at), after: Some(Cursor::START) },
        sender,
        sealed,
        verified: true,
        to: &[],
        reply_to: None,
        topic: None,
        tags: &[],
    }
}

fn sealed_by(agent: &AgentId, iv: u8, plain: Plain, signer: Option<&Signer>) -> String {
    let secret = secret();
    Sealer { secret: &secret, name: agent, signer }.seal(Place::Text, [iv; 16], plain).unwrap()
}

#[test]
fn what_is_not_open_has_no_text() {
    let (alice, bob, mut history) = (name(0), name(1), History::default());
    let sealed = sealed_by(&alice, 1, Plain::text("hello"), None);
    let newer = sealed.replacen("eyJhbGciOiJkaXIi", "eyJhbGciOiJkaXIy", 1);
    for (at, (text, expected)) in [
        ("hello", State::Unsealed),
        (&*newer, State::Newer),
        (&*format!("{sealed}A"), State::Altered),
        (&*sealed, State::Open),
    ]
    .into_iter()
    .enumerate()
    {
        let read = history.read(&secret(), &bob, &incoming(&alice, text, at as u64 + 1));
        assert_eq!(read.seal.state, expected);
        assert_eq!(read.plain.is_some(), expected == State::Open);
        let json = serde_json::to_value(&read.seal).unwrap();
        assert_eq!(json["state"], expected_word(expected));
    }
}

fn expected_word(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Altered => "altered",
        State::Newer => "newer",
        State::Unsealed => "unsealed",
    }
}

/// What is inside names where it belongs. Only what it names is compared.
#[test]
fn what_the_relay_shows_otherwise_is_named() {
    let (alice, bob, carol) = (name(0), name(1), name(2));
    let id = |id: &str| -> MessageId { id.parse().unwrap() };
    let plain: Plain = serde_json::from_value(json!({
        "n": {"Bob": 1}, "to": "Bob", "replyTo": "00-1", "topic": "a", "tags": ["x", "y"], "text": ""
    }))
    .unwrap();
    let sealed = sealed_by(&alice, 1, plain, None);
    let bare = sealed_by(&alice, 2, Plain::text("hello"), None);
    let counted: Plain = serde_json::from_value(json!({"n": 1, "text": ""})).unwrap();
    let counted = sealed_by(&alice, 3, counted, None);
    let (to, other) = (vec!["bob".parse().unwrap()], vec![bob.clone(), carol.clone()]);
    let (tags, other_tags) = (["y", "x"].map(str::to_owned), ["x".to_owned()]);
    let (one, two) = (id("00-1"), id("00-2"));
    let right = Incoming {
        to: &to,
        reply_to: Some(&one),
        topic: Some("a"),
        tags: &tags,
        ..incoming(&alice, &sealed, 1)
    };
    for (shown, expected) in [
        (right, &[][..]),
        (Incoming { to: &other, ..right }, &["to"]),
        (Incoming { to: &[], ..right }, &["to"]),
        (Incoming { reply_to: None, ..right }, &["replyTo"]),
        (Incoming { reply_to: Some(&two), ..right }, &["replyTo"]),
        (Incoming { topic: None, tags: &[], ..right }, &[]),
        (Incoming { topic: Some("b"), tags: &other_tags, ..right }, &["topic", "tags"]),
        (Incoming { sealed: &bare, ..right }, &[]),
        (Incoming { sealed: &counted, ..right }, &["to"]),
        (Incoming { sealed: &counted, to: &[], ..right }, &[]),
    ] {
        let read = History::default().read(&secret(), &bob, &shown);
        assert_eq!(read.seal.routing, expected, "{shown:?}");
        assert_eq!(read.seal.state, State::Open);
    }
}

#[test]
fn a_key_is_pinned_by_who_has_proven_its_seat() {
    let (alice, bob) = (name(0), name(1));
    let (first, second) = (Signer::from_seed([1; 32]), Signer::from_seed([2; 32]));
    let mut history = History::default();
    let mut iv = 0;
    let mut read = |history: &mut History, signer: Option<&Signer>, verified| {
        iv += 1;
        let sealed = sealed_by(&alice, iv, Plain::text(format!("text {iv}")), signer);
        let shown = Incoming { verified, ..incoming(&alice, &sealed, iv.into()) };
        let seal = history.read(&secret(), &bob, &shown).seal;
        (seal.signed, seal.key_changed)
    };
    let (unknown, right, changed) = ((None, false), (Some(true), false), (Some(false), true));
    assert_eq!(read(&mut history, None, true), unknown);
    assert_eq!(read(&mut history, Some(&second), false), unknown);
    assert_eq!(read(&mut history, Some(&first), true), right);
    assert_eq!(read(&mut history, Some(&first), false), right);
    assert_eq!(read(&mut history, Some(&second), true), changed);
    assert_eq!(read(&mut history, None, true), changed);
    history.accept(&alice, second.public(), cursor(7));
    assert_eq!(read(&mut history, Some(&second), true), right);
    assert_eq!(read(&mut history, Some(&first), true), changed);
    // The link names the key, so it is known before the first message.
    let mut history = History::default();
    history.expect(&alice, second.public().fingerprint());
    let stored = serde_json::to_string(&history).unwrap();
    let mut history: History = serde_json::from_str(&stored).unwrap();
    assert_eq!(read(&mut history, None, true), changed);
    assert_eq!(read(&mut history, Some(&first), true), changed);
    assert_eq!(read(&mut history, Some(&second), false), right);
}

/// A member can seal again what another has signed, but it is known.
#[test]
fn what_was_signed_is_not_sealed_again_unseen() {
    let (alice, bob, signer) = (name(0), name(1), Signer::from_seed([1; 32]));
    let mut history = History::default();
    let yes = || Plain { n: Some(Count::Everyone(1)), ..Plain::text("yes") };
    let first = sealed_by(&alice, 1, yes(), Some(&signer));
    let again = sealed_by(&alice, 2, yes(), Some(&signer));
    assert!(!history.read(&secret(), &bob, &incoming(&alice, &first, 1)).seal.replay);
    let read = history.read(&secret(), &bob, &incoming(&alice, &again, 2));
    assert!(read.seal.replay && read.plain.is_none());
}

#[test]
fn a_task_and_its_parts_stay_together() {
    let (alice, bob, secret) = (name(0), name(1), secret());
    let task = |iv| {
        let sealer = Sealer { secret: &secret, name: &alice, signer: None };
        sealer.seal(Place::Task, [iv; 16], Plain::text("do it")).unwrap()
    };
    let (one, two) = (task(1), task(2));
    let sealer = Sealer { secret: &secret, name: &bob, signer: None };
    let result =
        sealer.seal(Place::Part(Part::Result, &one), [3; 16], Plain::text("done")).unwrap();
    let ids: [MessageId; 2] = ["00-1", "00-2"].map(|id| id.parse().unwrap());
    let mut history = History::default();
    let mut read = |place, id, sender, sealed| {
        let shown = Incoming { place, at: At::Task(id), ..incoming(sender, sealed, 1) };
        let seal = history.read(&secret, &bob, &shown).seal;
        (seal.state, seal.replay)
    };
    // A message about the task shows it again, and so does the board.
    for _ in 0..2 {
        assert_eq!(read(Place::Task, &ids[0], &alice, &one), (State::Open, false));
        let part = Place::Part(Part::Result, &one);
        assert_eq!(read(part, &ids[0], &bob, &result), (State::Open, false));
    }
    assert_eq!(read(Place::Task, &ids[1], &alice, &two), (State::Open, false));
    let other = Place::Part(Part::Result, &two);
    assert_eq!(read(other, &ids[1], &bob, &result), (State::Altered, false));
    let progress = Place::Part(Part::Progress, &one);
    assert_eq!(read(progress, &ids[0], &bob, &result), (State::Altered, false));
    assert_eq!(read(Place::Task, &ids[1], &alice, &one), (State::Open, true));
}

#[test]
fn an_older_file_is_not_the_newest() {
    let (alice, secret) = (name(0), secret());
    let key: FileKey = "docs/plan.md".parse().unwrap();
    let sealer = Sealer { secret: &secret, name: &alice, signer: None };
    let version = |version: u32| {
        let iv = [u8::try_from(version).unwrap(); 16];
        let file = PlainFile { base: Some(version - 1), ..PlainFile::default() };
        sealer.seal_file(&key, iv, file, &[version.to_le_bytes()[0]]).unwrap()
    };
    let mut history = History::default();
    let mut read = |version, is_newest, sealed: &str| {
        let shown = IncomingFile {
            key: &key,
            editor: &alice,
            version,
            is_newest,
            cursor: cursor(version.into()),
            verified: true,
            sealed,
        };
        let read = history.read_file(&secret, &shown);
        (read.opened.is_some(), read.seal.restarted, read.seal.replay, read.seal.routing)
    };
    let (one, two, four) = (version(1), version(2), version(4));
    assert_eq!(read(1, true, &one), (true, false, false, vec![]));
    assert_eq!(read(2, true, &two), (true, false, false, vec![]));
    assert_eq!(read(1, false, &one), (true, false, false, vec![]));
    assert_eq!(read(1, true, &one), (true, true, false, vec![]));
    assert_eq!(read(3, true, &two), (false, false, true, vec![]));
    assert_eq!(read(5, true, &four), (true, false, false, vec!["base"]));
    assert_eq!(read(6, true, "hello"), (false, false, false, vec![]));
}

/// Who knows the secret can seal under my name, but did not get my numbers.
#[test]
fn what_i_did_not_write_is_not_taken_for_mine() {
    let (alice, secret) = (name(0), secret());
    let sealer = Sealer { secret: &secret, name: &alice, signer: None };
    let mut history = History::default();
    let mine = history.seal(&sealer, [1; 16], Plain::text("mine")).unwrap();
    history.stored(&mine.n);
    let read = |history: &mut History, sealed: &str, at| {
        history.read(&secret, &alice, &incoming(&alice, sealed, at)).seal.restarted
    };
    assert!(!read(&mut history, &mine.sealed, 1));
    let forged = History::default().seal(&sealer, [2; 16], Plain::text("not mine")).unwrap();
    assert!(read(&mut history, &forged.sealed, 2));
    assert!(!read(&mut history, &mine.sealed, 1));
    assert!(read(&mut history, &forged.sealed, 2));
}

/// A seat whose history was lost takes up its counts where they were, from the log.
#[test]
fn counts_go_on_from_the_log() {
    let (alice, secret) = (name(0), secret());
    let sealer = Sealer { secret: &secret, name: &alice, signer: None };
    let (mut lost, mut history) = (History::default(), History::default());
    for at in 1..4_u8 {
        let sent = lost.seal(&sealer, [at; 16], Plain::text("x")).unwrap();
        let shown = incoming(&alice, &sent.sealed, at.into());
        assert!(!history.read(&secret, &alice, &shown).seal.restarted);
    }
    let next = history.seal(&sealer, [9; 16], Plain::text("x")).unwrap();
    assert_eq!(serde_json::to_value(&next.n).unwrap(), json!(4));
}

/// Numbers that were given up are named in every later message, as ranges.
#[test]
fn a_long_outage_is_no_gap() {
    let (alice, bob, secret) = (name(0), name(1), secret());
    let sealer = Sealer { secret: &secret, name: &alice, signer: None };
    let (mut writer, mut reader) = (History::default(), History::default());
    let send =
        |writer: &mut History, iv: u8| writer.seal(&sealer, [iv; 16], Plain::text("x")).unwrap();
    let first = send(&mut writer, 1);
    (0..2000).for_each(|_| drop(send(&mut writer, 2)));
    let last = send(&mut writer, 3);
    let mut read = |sealed: &str, at| reader.read(&secret, &bob, &incoming(&alice, sealed, at));
    assert!(!is_odd(&read(&first.sealed, 1).seal));
    let read = read(&last.sealed, 2);
    assert!(!is_odd(&read.seal) && read.seal.n == Some(2002), "{:?}", read.seal);
    assert!(last.sealed.len() < 700, "{}", last.sealed.len());
}

#[test]
fn many_missing_are_counted() {
    let (alice, bob, mut history) = (name(0), name(1), History::default());
    let plain: Plain = serde_json::from_value(json!({"n": 31, "text": "x"})).unwrap();
    let sealed = sealed_by(&alice, 1, plain, None);
    let seal = history.read(&secret(), &bob, &incoming(&alice, &sealed, 1)).seal;
    assert_eq!((seal.missing, seal.missing_more), ((1..=20).collect(), 10));
}

/// What is stored names members and hashes, and nothing of what was said.
#[test]
fn what_is_stored_is_no_secret_and_is_short() {
    let log = log(90);
    let mut history = History::default();
    let dave: AgentId = "dave".parse().unwrap();
    for entry in &log {
        entry.read(&mut history, &dave, Some(0));
    }
    let stored = serde_json::to_string(&history).unwrap();
    assert!(!stored.contains(secret().as_str()) && !stored.contains(secret().key_id().as_str()));
    assert!(!stored.contains("text"));
    // Two hashes for each signed message.
    assert!(stored.len() < 90 * 64 + 600, "{}", stored.len());
    let log: std::collections::BTreeSet<_> =
        log.iter().map(|entry| SealedHash::of(&entry.sealed)).collect();
    assert!(log.iter().all(|hash| stored.contains(&hash.to_string())));
}
