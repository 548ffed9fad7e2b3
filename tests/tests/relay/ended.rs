//! What is left of a session once it has ended, by its creator or by its TTL: nothing that anyone can read,
//! and nothing on disk but the memory of its codes.

use crate::storage::alarms;
use nexus_tests::{
    Api, Member, Relay, eventually,
    live::{Ended, Events, Socket},
    string,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{fs, path::Path};

const TEXT: &str = "a-text-that-nobody-else-writes";
const FILE: &str = "a-file-that-nobody-else-writes";
const TASK: &str = "a-task-that-nobody-else-gives";
const TOKEN: &str = "a-token-that-nobody-else-has";
const WEBHOOK: &str = "a-webhook-that-nobody-else-has";
const NAMES: [&str; 3] = ["alice-who-began-it", "bob-who-came-by-a-link", "claw-who-has-no-key"];

/// A relay with a session of which everything is in use.
struct Fixture {
    relay: Relay,
    alice: Member,
    bob: Member,
    task: String,
    codes: [String; 2],
    socket: Socket,
    claw: Socket,
    events: Events,
}

impl Fixture {
    fn new(state: &Path) -> Self {
        let on = "ALLOW_PRIVATE_WEBHOOKS";
        let relay = Relay::builder().state_dir(state).var(on, "on").start().unwrap();
        let api = Api::new(&relay.url());
        let body =
            json!({ "creatorAgentId": NAMES[0], "ttl": 600, "greeting": TEXT, "token": TOKEN });
        let (session, key) = api.create(&body);
        let alice = Member { api, session, agent: NAMES[0].into(), key: key.unwrap() };
        let codes = [(); 2].map(|()| alice.pair());
        let claim = alice.api.post(&format!("/v1/pair/{}/claim", codes[0])).agent(NAMES[1]);
        let key = string(&claim.send().json()["sessionKey"]);
        let bob = Member { agent: NAMES[1].into(), key, ..alice.clone() };
        let mesh = format!("/clawlink/{}", alice.session);
        let claw = json!({ "agent_id": NAMES[2], "name": NAMES[2] });
        let query = format!("?token={TOKEN}");
        let registered = alice.api.post(&format!("{mesh}/register{query}")).json(&claw).send();
        assert_eq!(registered.status, 200, "{}", registered.text());
        let hook = json!({ "url": "http://127.0.0.1:9/", "secret": WEBHOOK });
        assert_eq!(bob.call("PUT", "/webhook").json(&hook).send().status, 200);
        alice.send(TEXT);
        assert_eq!(alice.call("PUT", "/files/f").body(FILE.as_bytes()).send().status, 201);
        let task = json!({ "to": NAMES[1], "task": TASK });
        let task = string(&alice.call("POST", "/tasks").json(&task).send().json()["id"]);
        let claw = format!("{mesh}/ws/{}{query}", NAMES[2]);
        let claw = Socket::open(&relay.url(), &claw, &[]).unwrap();
        let (socket, events) = (bob.socket(None), bob.try_events(None).unwrap());
        Self { relay, alice, bob, task, codes, socket, claw, events }
    }

    /// What only this session has brought to disk, and under what name.
    fn traces(&self) -> Vec<(&'static str, String)> {
        let hash = |secret: &str| {
            let mut hash = Sha256::new();
            hash.update((secret.len() as u64).to_le_bytes());
            hash.update(secret.as_bytes());
            hash.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
        };
        let salt = self.task.split('-').next().unwrap().to_owned();
        let texts = [("text", TEXT), ("file", FILE), ("task", TASK), ("webhook", WEBHOOK)];
        let texts = texts.map(|(about, text)| (about, text.to_owned()));
        let names = NAMES.map(|name| ("name", name.to_owned()));
        let hashes = [&self.alice.key, &self.bob.key].map(|key| ("hash of a key", hash(key)));
        let others = [("hash of the token", hash(TOKEN)), ("beginning of its message ids", salt)];
        [texts.as_slice(), &names, &hashes, &others].concat()
    }

    /// Tries everything that reads. Each is told that there is no such session.
    fn assert_gone(&mut self) {
        let task = format!("/tasks/{}", self.task);
        let reads = ["", "/messages", "/messages?after=0&wait=1", "/events", "/webhook", "/agents"];
        let more = ["/tasks", task.as_str(), "/files", "/files/f", "/files/f?version=1"];
        for member in [&self.alice, &self.bob] {
            for path in reads.iter().chain(&more) {
                let call = member.call("GET", path);
                let call = call.header("Authorization", format!("Bearer {TOKEN}").as_bytes());
                assert_eq!(call.send().error(), (404, "session_not_found".into()), "{path}");
            }
            assert_eq!(member.try_socket(None).err(), Some(Some(404)));
            assert!(member.try_events(None).is_err());
            let codes = format!("/v1/pair?sessionId={}", member.session);
            let codes = member.api.get(&codes).agent(&member.agent).key(&member.key).send();
            assert_eq!(codes.error(), (404, "session_not_found".into()));
        }
        let mesh = format!("/clawlink/{}", self.alice.session);
        let poll = format!("/poll/{}", NAMES[2]);
        for path in ["", "/discover", "/discover?all=true", "/files", "/files/f", poll.as_str()] {
            let token = if path.contains('?') { "&token=" } else { "?token=" };
            let answer = self.alice.api.get(&format!("{mesh}{path}{token}{TOKEN}")).send();
            assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("session_not_found")));
        }
        let claw = format!("{mesh}/ws/{}?token={TOKEN}", NAMES[2]);
        assert_eq!(Socket::open(self.alice.api.base(), &claw, &[]).err(), Some(Some(404)));
        for (code, state) in self.codes.iter().zip(["claimed", "expired"]) {
            let status = self.alice.api.get(&format!("/v1/pair/{code}/status")).send().json();
            assert_eq!(status["state"], state, "{status}");
            let claim = self.alice.api.post(&format!("/v1/pair/{code}/claim")).agent("late");
            assert_eq!(claim.send().status, 404);
            let page = self.alice.api.get(&format!("/p/{code}")).send();
            assert!(page.status == 404 && !page.text().contains(&self.alice.session));
        }
    }

    /// What was open is closed, after nothing but the news of the end.
    fn assert_closed(&mut self, event: &str) {
        let mut last = Value::Null;
        let closed = loop {
            match self.socket.read() {
                Ok(frame) => last = frame,
                Err(why) => break why,
            }
        };
        assert_eq!((&last["event"], closed), (&json!(event), Ended::Closed(4404)));
        assert!(std::iter::from_fn(|| self.claw.read().ok()).count() < 10, "ClawLink's is closed");
        let kinds = std::iter::from_fn(|| self.events.read().ok().map(|event| event.0));
        assert_eq!(kinds.last().as_deref(), Some("end"));
    }
}

/// The files below `folder` that hold these bytes.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if let Ok(bytes) = fs::read(&path)
            && bytes.windows(text.len()).any(|window| window == text.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Ends a session in this way, and looks for what is left of it.
fn assert_nothing_is_left(event: &str, end: impl FnOnce(&Member)) {
    let state = tempfile::tempdir().unwrap();
    let mut it = Fixture::new(state.path());
    let traces = it.traces();
    for (about, text) in &traces {
        assert!(!holding(state.path(), text).is_empty(), "{about} is on disk while it lasts");
    }
    end(&it.alice);
    let path = format!("/v1/sessions/{}", it.alice.session);
    eventually("it ends", || it.alice.api.get(&path).send().status == 404);
    it.assert_gone();
    it.assert_closed(event);
    let left = || traces.iter().filter(|(_, text)| !holding(state.path(), text).is_empty());
    eventually("nothing is on disk", || left().next().is_none());
    // Nor does it come back, when it is asked for once more, and after a crash.
    it.relay.kill();
    it.relay.restart().unwrap();
    it.assert_gone();
    eventually("no alarm is set", || {
        it.relay.kill();
        let none = alarms(state.path()).is_empty();
        it.relay.restart().unwrap();
        none
    });
    it.relay.kill();
    assert_eq!(left().collect::<Vec<_>>(), Vec::<&(&str, String)>::new());
    // A code is remembered for a day, and with it where it led.
    let id = holding(state.path(), &it.alice.session);
    // The list of alarms is the local server's own. It has no row for this session any more, as was seen.
    let known = |path: &String| path.contains("PairingIndex") || path.contains("metadata.sqlite");
    assert!(id.iter().all(known), "{id:?}");
}

#[test]
fn a_session_that_its_creator_ended_leaves_nothing() {
    assert_nothing_is_left("ended", |alice| {
        assert_eq!(alice.call("DELETE", "").send().status, 200);
    });
}

#[test]
fn a_session_whose_time_ran_out_leaves_nothing() {
    assert_nothing_is_left("expired", |alice| {
        let renewed = alice.call("POST", "/renew").json(&json!({ "ttl": 1 })).send();
        assert_eq!(renewed.status, 200, "{}", renewed.text());
    });
}
