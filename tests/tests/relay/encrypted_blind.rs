//! A relay learns nothing of what is said in an encrypted session (section 10): neither its storage nor its log nor
//! what it was sent contains a text or a key, in any form. The same conversation in the open shows that the search
//! would find them.

use crate::encrypted::{create, iv, knowing, opened, sealed, secret};
use nexus_protocol::{AgentId, Sealed};
use nexus_seal::{Part, Place, PlainFile, Sealer, Secret, read_file};
use nexus_tests::{
    Api, Member, Relay,
    agents::done,
    blind::values,
    list, string,
    tap::Tap,
    traces::{Traces, content_key, mac},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is said, and where. Each is a text that occurs nowhere else, and has letters that are escaped in JSON.
const GREETING: &str = "Gr\u{fc}\u{df}e! \"Lunch\" by the old mill?";
const MESSAGE: &str = "The caf\u{e9} \"Zum Anker\"\nat half past noon";
const DIRECTED: &str = "Only for bob: bring the \u{1f511} and say nothing";
const VALUE: &str = "a value with a \"quoted\" \u{fc}nicode word";
const FRAME: &str = "over the socket: gate \u{2116} 17, \"quickly\"";
const TASK: &str = "Find out who \"owns\" the m\u{fc}hle";
const CONTEXT: &str = "The owner\u{2019}s daughter \"knows\" the way";
const PROGRESS: &str = "I asked the \"baker\", na\u{ef}vely enough";
const RESULT: &str = "It is the \"b\u{fc}rgermeister\", as expected";
const FILE: &str = "Item 1: \"candles\"; item 2: cr\u{e8}me fra\u{ee}che";
const TEXTS: [&str; 10] =
    [GREETING, MESSAGE, DIRECTED, VALUE, FRAME, TASK, CONTEXT, PROGRESS, RESULT, FILE];

/// How the members write: sealed with a secret, or as it is.
#[derive(Clone, Copy)]
struct Writing<'a>(Option<&'a Secret>);

impl Writing<'_> {
    fn text(self, place: Place<'_>, agent: &str, text: &str) -> String {
        self.0.map_or_else(|| text.to_owned(), |secret| sealed(secret, place, agent, text))
    }

    /// A message that has a value and no text.
    fn value(self, agent: &str, value: &str) -> Value {
        let Some(secret) = self.0 else { return json!({ "json": { "said": value } }) };
        let name: AgentId = agent.parse().unwrap();
        let sealer = Sealer { secret, name: &name, signer: None };
        let value = serde_json::value::to_raw_value(&json!({ "said": value })).unwrap();
        let plain = nexus_seal::Plain::json(value);
        json!({ "text": sealer.seal(Place::Text, iv(), plain).unwrap() })
    }

    fn file(self, agent: &str, key: &str, content: &str) -> Vec<u8> {
        let Some(secret) = self.0 else { return content.as_bytes().to_vec() };
        let name: AgentId = agent.parse().unwrap();
        let sealer = Sealer { secret, name: &name, signer: None };
        let file = PlainFile::default();
        let sealed = sealer.seal_file(&key.parse().unwrap(), iv(), file, content.as_bytes());
        sealed.unwrap().into_bytes()
    }

    fn read(self, place: Place<'_>, agent: &Value, text: &Value) -> String {
        self.0.map_or_else(|| string(text), |secret| opened(secret, place, agent, text))
    }
}

/// A whole conversation of `a` and `bob`. Both read what the other wrote.
fn converse(api: &Api, writing: Writing<'_>) {
    let mut body = writing.0.map_or_else(|| json!({ "creatorAgentId": "a" }), create);
    body["greeting"] = json!(writing.text(Place::Greeting, "a", GREETING));
    let (session, key) = api.create(&body);
    let a = Member { api: api.clone(), session, agent: "a".to_owned(), key: key.unwrap() };
    let claiming = api.post(&format!("/v1/pair/{}/claim", a.pair())).agent("bob");
    let claiming = match writing.0 {
        Some(secret) => knowing(claiming, secret),
        None => claiming,
    };
    let claimed = done(&claiming.send(), 200);
    let greeting = &claimed["greeting"];
    assert_eq!(writing.read(Place::Greeting, &greeting["by"], &greeting["text"]), GREETING);
    let bob = Member { agent: "bob".to_owned(), key: string(&claimed["sessionKey"]), ..a.clone() };

    a.send(&writing.text(Place::Text, "a", MESSAGE));
    let directed = json!({ "text": writing.text(Place::Text, "a", DIRECTED), "to": "bob" });
    done(&a.call("POST", "/messages").json(&directed).send(), 201);
    done(&bob.call("POST", "/messages").json(&writing.value("bob", VALUE)).send(), 201);
    let frame = json!({ "type": "send", "id": 1, "text": writing.text(Place::Text, "bob", FRAME) });
    let mut socket = bob.socket(Some("99"));
    socket.expect("reset");
    socket.send(&frame.to_string());
    while socket.read().unwrap()["type"] != "sent" {}

    let task = writing.text(Place::Task, "a", TASK);
    let part = |part, agent, text| writing.text(Place::Part(part, &task), agent, text);
    let give = json!({ "to": "bob", "task": task, "context": part(Part::Context, "a", CONTEXT) });
    let id = string(&done(&a.call("POST", "/tasks").json(&give).send(), 201)["id"]);
    for change in [
        json!({ "status": "accepted" }),
        json!({ "status": "in_progress", "progress": part(Part::Progress, "bob", PROGRESS) }),
        json!({ "status": "completed", "result": part(Part::Result, "bob", RESULT) }),
    ] {
        done(&bob.call("POST", &format!("/tasks/{id}")).json(&change).send(), 200);
    }
    let file = writing.file("bob", "shopping.md", FILE);
    done(&bob.call("PUT", "/files/shopping.md").body(&file).send(), 201);

    let page = bob.poll("?limit=500");
    let said = list(&page["messages"]).iter().filter(|message| message.get("kind").is_none());
    let texts = said.filter(|message| message.get("json").is_none());
    let texts: Vec<&Value> = texts.collect();
    for (message, text) in texts.iter().zip([MESSAGE, DIRECTED]) {
        assert_eq!(writing.read(Place::Text, &message["agentId"], &message["text"]), text);
    }
    let last = texts.last().unwrap();
    assert_eq!(writing.read(Place::Text, &last["agentId"], &last["text"]), FRAME);
    let board = done(&a.call("GET", &format!("/tasks/{id}")).send(), 200);
    let place = Place::Part(Part::Result, &task);
    assert_eq!(writing.read(place, &board["assignee"], &board["result"]), RESULT);
    let file = a.call("GET", "/files/shopping.md").send().text();
    match writing.0 {
        Some(secret) => {
            let (key, by) = ("shopping.md".parse().unwrap(), "bob".parse().unwrap());
            assert_eq!(read_file(secret, &key, &by, &file).unwrap().bytes, FILE.as_bytes());
        }
        None => assert_eq!(file, FILE),
    }
}

/// Where the relay of a conversation was searched, and what was found there.
struct Found {
    storage: BTreeSet<String>,
    log: BTreeSet<String>,
    sent: BTreeSet<String>,
}

fn run(traces: &Traces, writing: Writing<'_>) -> Found {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let tap = Tap::start(relay.port()).unwrap();
    converse(&Api::new(&tap.url()), writing);
    relay.kill();
    let sent = tap.sent();
    assert!(sent.iter().any(|bytes| bytes.starts_with(b"PUT /v1/sessions HTTP/1.1\r\n")));
    let owned = |found: BTreeSet<&str>| found.into_iter().map(ToOwned::to_owned).collect();
    // The files first: SQLite tidies up when it opens them.
    let mut storage: BTreeSet<String> = owned(traces.in_folder(state.path()));
    storage.extend(owned(traces.in_bytes(&values(state.path()))));
    Found {
        storage,
        log: owned(traces.in_bytes(relay.log().as_bytes())),
        sent: sent.iter().flat_map(|bytes| owned(traces.in_bytes(bytes))).collect(),
    }
}

/// Searches for all keys of a session.
fn and_keys(traces: Traces, secret: &Secret) -> Traces {
    // These are the keys: one makes the tag of what the other crate has sealed.
    let whole = sealed(secret, Place::Text, "a", "x");
    let parts = Sealed::parse(&whole).unwrap();
    let header = whole.split_once("..").unwrap().0.as_bytes();
    let bits = (header.len() as u64 * 8).to_be_bytes();
    let cek = content_key(secret.as_str(), "text", "a");
    let tag = mac(&cek[..32], &[header, &parts.iv, &parts.ciphertext, &bits].concat());
    assert_eq!(tag[..32], parts.tag);
    traces.and_keys(secret.as_str(), &["shopping.md"], &["a", "bob"])
}

#[test]
fn nothing_that_was_said_and_no_key_is_stored_logged_or_sent() {
    let texts = || TEXTS.iter().fold(Traces::default(), |all, text| all.and(text, text.as_bytes()));
    let secret = secret();
    let traces = and_keys(texts(), &secret);
    assert_eq!(traces.names().len(), TEXTS.len() + 3 + 7 * 2 * 2);
    let found = run(&traces, Writing(Some(&secret)));
    let nothing = BTreeSet::new();
    assert_eq!((found.storage, found.log, found.sent), (nothing.clone(), nothing.clone(), nothing));

    // In the open, all of it is found, so the search is a good one. Logs contain nothing of it either.
    let found = run(&texts(), Writing(None));
    let all: BTreeSet<String> = TEXTS.iter().map(ToString::to_string).collect();
    assert_eq!((found.storage, found.sent, found.log), (all.clone(), all, BTreeSet::new()));
}

#[test]
fn not_even_the_proof_of_the_key_is_stored_or_logged() {
    let secret = secret();
    let id = secret.key_id();
    let traces = Traces::default().and("key id", id.as_str().as_bytes());
    let found = run(&traces, Writing(Some(&secret)));
    assert_eq!((found.storage, found.log), (BTreeSet::new(), BTreeSet::new()));
    assert_eq!(found.sent, BTreeSet::from(["key id".to_owned()]), "it is what proves the key");
}
