//! What is sealed by one client is opened by every other: `nexus-seal`, the three scripts that the
//! relay serves, and two libraries that read JWE and JWS.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use nexus_protocol::{AgentId, FileKey};
use nexus_seal::{
    Field, Part, Place, Plain, PlainFile, SealedHash, Sealer, Secret, Signer, open, read,
    read_file, seal, verify,
};
use nexus_tests::traces::content_key;
use proptest::prelude::*;
use serde_json::{Value, json, value::RawValue};
use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};
use xtask::project::Project;

const VECTORS: &str = include_str!("../../crates/seal/tests/vectors.json");

fn secret() -> Secret {
    Secret::from_random(std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

fn alice() -> AgentId {
    "alice".parse().unwrap()
}

fn signer() -> Signer {
    Signer::from_seed([7; 32])
}

/// A new initialization vector, as good as random for a test.
fn iv() -> [u8; 16] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let next = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u128::from(next) << 17).to_le_bytes()
}

/// Runs a program with an input.
fn run(command: &mut Command, input: &[u8]) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        // A program may end before it has read all.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    Python,
    Node,
    Bash,
}

use Script::{Bash, Node, Python};

impl Script {
    /// The script, which has no key yet.
    fn bare(self, arguments: &[&str]) -> Command {
        let project = Project::here().unwrap();
        let (program, file) = match self {
            Python => ("python3".into(), "nx.py"),
            Node => (project.npm_bin("node"), "nx.mjs"),
            Bash => ("bash".into(), "nx.sh"),
        };
        let mut command = Command::new(program);
        command.arg(project.path("public/assets").join(file)).args(arguments);
        command.env_remove("NX_KEY").env_remove("NX_KEY_FILE");
        command
    }

    fn try_run(self, arguments: &[&str], input: &[u8]) -> Output {
        run(self.bare(arguments).env("NX_KEY", secret().as_str()), input)
    }

    fn run(self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.try_run(arguments, input);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.is_empty(), "{self:?} {arguments:?}: {told}");
        output.stdout
    }

    fn json(self, arguments: &[&str], input: &Value) -> Value {
        serde_json::from_slice(&self.run(arguments, input.to_string().as_bytes())).unwrap()
    }
}

/// The content of a message, sealed by each.
fn sealed_by_all(text: &str, json: &str) -> Vec<(String, String)> {
    let secret = secret();
    let value: Value = serde_json::from_str(json).unwrap();
    let body = json!({ "text": text, "json": value });
    let mut all = Vec::new();
    for script in [Python, Node] {
        let sealed = script.json(&["seal", "alice"], &body);
        assert!(sealed.get("json").is_none(), "{sealed}");
        all.push((format!("{script:?}"), sealed["text"].as_str().unwrap().to_owned()));
    }
    let sealed = Bash.run(&["seal", "alice", "text"], body.to_string().as_bytes());
    all.push(("Bash".to_owned(), String::from_utf8(sealed).unwrap().trim_end().to_owned()));
    let signer = signer();
    for signer in [None, Some(&signer)] {
        let sealer = Sealer { secret: &secret, name: &alice(), signer };
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        let plain = Plain { json: Some(raw), ..Plain::text(text) };
        let name = format!("nexus-seal, signed: {}", signer.is_some());
        all.push((name, sealer.seal(Place::Text, iv(), plain).unwrap()));
    }
    all
}

/// Each opens what each has sealed.
fn each_opens_each(text: &str, json: &str) {
    let value: Value = serde_json::from_str(json).unwrap();
    let all = sealed_by_all(text, json);
    let page: Vec<Value> = all
        .iter()
        .map(|(_, sealed)| json!({ "agentId": "alice", "cursor": "3", "text": sealed }))
        .collect();
    for script in [Python, Node] {
        let opened = script.json(&["open"], &json!({ "messages": page, "hasMore": false }));
        assert_eq!(opened["hasMore"], false);
        for ((by, _), message) in all.iter().zip(opened["messages"].as_array().unwrap()) {
            assert_eq!(message["seal"], json!({ "state": "open" }), "{script:?} of {by}");
            assert_eq!((message["text"].as_str(), &message["json"]), (Some(text), &value), "{by}");
        }
    }
    for (by, sealed) in &all {
        let opened = Bash.run(&["open", "alice", "text"], sealed.as_bytes());
        let opened: Value = serde_json::from_slice(&opened).unwrap();
        assert_eq!((opened["text"].as_str(), &opened["json"]), (Some(text), &value), "{by}");
        let opened = read(&secret(), Place::Text, &alice(), sealed).unwrap().plain;
        assert_eq!(opened.text.as_deref(), Some(text), "{by}");
        assert_eq!(serde_json::from_str::<Value>(opened.json.unwrap().get()).unwrap(), value);
    }
}

#[test]
fn each_opens_what_each_seals() {
    let many = "ab\"\\ \u{1f980}\n".repeat(65_536 / 10);
    for (text, json) in [
        ("x", "null"),
        ("Grüße, 世界 \u{1f980} \u{2028} e\u{301}", r#"{"a": [1, -2.5, true, null, "\u0000"]}"#),
        ("\"quoted\" 'and' \\ $HOME `id` %s %% \t\r\n\n", "[]"),
        ("", "\"\""),
        (&many, "{}"),
    ] {
        each_opens_each(text, json);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_opens_any_text_of_each(text: String, name: String, number: i32) {
        each_opens_each(&text, &json!({ name: [number] }).to_string());
    }
}

/// A creation, a task and a change of one, as the relay shows them afterwards.
#[test]
fn tasks_and_greetings_are_opened_where_they_stand() {
    let bob: AgentId = "bob".parse().unwrap();
    for by in [Python, Node] {
        let creation =
            by.json(&["seal", "alice"], &json!({ "ttl": 9, "greeting": "Hi \u{1f980}" }));
        let body =
            json!({ "to": "bob", "task": "do it", "context": { "a": [1] }, "priority": "low" });
        let given = by.json(&["seal", "alice"], &body);
        assert_eq!((&given["to"], &given["priority"]), (&json!("bob"), &json!("low")));
        let task = given["task"].as_str().unwrap();
        let change = json!({ "status": "completed", "progress": "half", "result": "it is done" });
        let changed = by.json(&["seal", "bob", "--of", task], &change);
        assert_eq!(changed["status"], "completed");
        let percent = by.json(&["seal", "bob"], &json!({ "progress": 50 }));
        assert_eq!(percent, json!({ "progress": 50 }));
        let shown = json!({
            "id": "00-3", "from": "alice", "assignee": "bob", "status": "completed", "cursor": "4",
            "task": task, "context": given["context"], "progress": changed["progress"],
            "result": changed["result"],
        });
        let news = json!({
            "agentId": "bob", "cursor": "4", "kind": "task", "text": "bob has done it",
            "hint": "Thank bob.", "json": { "type": "task", "event": "changed", "task": shown },
        });
        let greeting = json!({ "by": "alice", "text": creation["greeting"] });
        let first = json!({
            "agentId": "system", "cursor": "0", "kind": "greeting", "by": "alice",
            "text": creation["greeting"],
        });
        let answer = json!({
            "tasks": [shown], "messages": [first, news], "greeting": greeting, "agentsOnline": 2,
        });
        let is_open = json!({ "state": "open" });
        for script in [Python, Node] {
            let opened = script.json(&["open"], &answer);
            assert_eq!(opened["agentsOnline"], 2);
            assert_eq!(
                opened["greeting"],
                json!({ "by": "alice", "text": "Hi \u{1f980}", "seal": is_open })
            );
            let [first, news] = [0, 1].map(|at| &opened["messages"][at]);
            assert_eq!((&first["text"], &first["seal"]), (&json!("Hi \u{1f980}"), &is_open));
            assert_eq!((&news["hint"], news.get("text")), (&json!("Thank bob."), None));
            for task in [&opened["tasks"][0], &news["json"]["task"]] {
                assert_eq!(task["task"], "do it");
                assert_eq!(task["context"], json!({ "a": [1] }));
                assert_eq!(
                    (&task["progress"], &task["result"]),
                    (&json!("half"), &json!("it is done"))
                );
                assert_eq!(task["status"], "completed");
                for name in ["task", "context", "progress", "result"] {
                    assert_eq!(task["seal"][name], is_open, "{name}");
                }
            }
            // The result of one task is not that of another.
            let mut other = shown.clone();
            other["task"] =
                script.json(&["seal", "alice"], &json!({ "task": "another" }))["task"].clone();
            let other = script.json(&["open"], &other);
            assert_eq!((other.get("result"), &other["task"]), (None, &json!("another")));
            assert_eq!(other["seal"]["result"]["state"], "altered");
        }
        for (place, sender, sealed, expected) in [
            (Place::Greeting, &alice(), &creation["greeting"], "Hi \u{1f980}"),
            (Place::Task, &alice(), &given["task"], "do it"),
            (Place::Part(Part::Progress, task), &bob, &changed["progress"], "half"),
            (Place::Part(Part::Result, task), &bob, &changed["result"], "it is done"),
        ] {
            let opened = read(&secret(), place, sender, sealed.as_str().unwrap()).unwrap().plain;
            assert_eq!(opened.text.as_deref(), Some(expected));
            assert_eq!(opened.of, matches!(place, Place::Part(..)).then(|| SealedHash::of(task)));
        }
        let context = given["context"].as_str().unwrap();
        let opened = read(&secret(), Place::Part(Part::Context, task), &alice(), context).unwrap();
        assert_eq!(opened.plain.json.unwrap().get(), r#"{"a":[1]}"#);
    }
}

#[test]
fn files_are_opened_by_all() {
    let (secret, signer, key) = (secret(), signer(), "docs/plän.md".parse::<FileKey>().unwrap());
    let bytes: Vec<u8> =
        (0..70_000_u32).map(|at| (at.wrapping_mul(at) / 7).to_le_bytes()[0]).collect();
    for content in [&b""[..], b"\n", b"# Plan\n", &bytes] {
        let mut all: Vec<String> = [Python, Node]
            .map(|script| {
                let sealed =
                    script.run(&["seal-file", "alice", key.as_str(), "text/markdown"], content);
                // To the byte what the relay takes.
                String::from_utf8(sealed).unwrap()
            })
            .into();
        for signer in [None, Some(&signer)] {
            let sealer = Sealer { secret: &secret, name: &alice(), signer };
            let content_type = Some("text/markdown".to_owned());
            let file = PlainFile { content_type, ..PlainFile::default() };
            all.push(sealer.seal_file(&key, iv(), file, content).unwrap());
        }
        for sealed in &all {
            for script in [Python, Node] {
                let opened = script.run(&["open-file", "alice", key.as_str()], sealed.as_bytes());
                assert!(opened == content, "{script:?}");
                let other = script.try_run(&["open-file", "bob", key.as_str()], sealed.as_bytes());
                assert!(!other.status.success() && other.stdout.is_empty());
            }
            let opened = read_file(&secret, &key, &alice(), sealed).unwrap();
            assert_eq!(opened.file.content_type.as_deref(), Some("text/markdown"));
            assert!(opened.bytes == content);
            let plaintext = Bash.run(&["open", "alice", &format!("file/{key}")], sealed.as_bytes());
            assert!(plaintext.ends_with(content));
        }
    }
}

#[test]
fn the_scripts_meet_the_vectors() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    for script in [Python, Node, Bash] {
        let id = script.run(&["id"], b"");
        assert_eq!(String::from_utf8(id).unwrap().trim_end(), vectors["keyId"]);
    }
    for case in cases {
        let [sender, field, sealed] =
            ["sender", "field", "sealed"].map(|name| case[name].as_str().unwrap());
        let plaintext = STANDARD.decode(case["plaintext"].as_str().unwrap()).unwrap();
        let payload = verify(&String::from_utf8_lossy(&plaintext)).map(|(_, payload)| payload);
        let opened = Bash.run(&["open", sender, field], sealed.as_bytes());
        let expected = payload.unwrap_or(plaintext);
        assert_eq!(opened.trim_ascii_end(), expected.trim_ascii_end(), "{field}");
        for script in [Python, Node] {
            if let Some(key) = field.strip_prefix("file/") {
                let opened = script.run(&["open-file", sender, key], sealed.as_bytes());
                assert!(expected.ends_with(&opened) && opened == b"# Plan\n");
                continue;
            }
            let plain: Value = serde_json::from_slice(&expected).unwrap();
            let shown = match field {
                "greeting" => {
                    json!({ "kind": "greeting", "agentId": "system", "by": sender, "text": sealed })
                }
                _ => json!({ "agentId": sender, "text": sealed }),
            };
            let opened = script.json(&["open"], &shown);
            assert_eq!(opened["text"], plain["text"], "{script:?} {field}");
        }
    }
}

/// Whatever the relay shows in place of what was sealed, its text is not passed on.
#[test]
fn what_is_not_open_is_left_out() {
    let (secret, alice) = (secret(), alice());
    let inside = |json: &str| seal(&secret, Field::Text, &alice, iv(), json.as_bytes());
    let right = inside(r#"{"text":"evil"}"#);
    let parts: Vec<&str> = right.split('.').collect();
    let other_secret = Secret::from_random([9; 20]);
    let jws = signer().sign(br#"{"text":"evil"}"#);
    let cases = [
        ("open", right.clone()),
        ("unsealed", "evil".to_owned()),
        ("unsealed", String::new()),
        ("unsealed", right.replacen("eyJ", "eyK", 1)),
        ("newer", right.replacen("eyJhbGciOiJkaXIi", "eyJhbGciOiJkaXIy", 1)),
        ("altered", format!("{}..{}.{}.{}", parts[0], parts[2], parts[3], parts[2])),
        ("altered", format!("{}.AAAA.{}.{}.{}", parts[0], parts[2], parts[3], parts[4])),
        ("altered", format!("{right}.")),
        ("altered", format!("{right}=")),
        ("altered", seal(&secret, Field::Task, &alice, iv(), br#"{"text":"evil"}"#)),
        (
            "altered",
            seal(&secret, Field::Text, &"bob".parse().unwrap(), iv(), br#"{"text":"evil"}"#),
        ),
        ("altered", seal(&other_secret, Field::Text, &alice, iv(), br#"{"text":"evil"}"#)),
        ("altered", inside("evil")),
        ("altered", inside("[\"evil\"]")),
        ("altered", inside("{}")),
        ("altered", inside("")),
        ("altered", inside(r#"{"text":["evil"]}"#)),
        ("altered", inside(r#"{"text":"evil","f":"task"}"#)),
        ("altered", inside(r#"{"text":"evil","from":"bob"}"#)),
        ("altered", inside(r#"{"text":"evil","s":"00"}"#)),
        ("altered", inside(r#"{"text":"evil","iv":"AAAA"}"#)),
        // Who signs must say where it belongs.
        ("altered", inside(&jws)),
    ];
    let message = |text: &str| {
        json!({
            "agentId": "alice", "cursor": "1", "text": text, "json": "evil",
            "seal": { "state": "open", "evil": true },
        })
    };
    let messages: Vec<Value> = cases.iter().map(|(_, text)| message(text)).collect();
    for script in [Python, Node] {
        let opened = script.json(&["open"], &json!({ "messages": messages }));
        for ((expected, text), message) in cases.iter().zip(opened["messages"].as_array().unwrap())
        {
            assert_eq!(message["seal"], json!({ "state": expected }), "{script:?} {text}");
            let is_shown = message.to_string().contains("evil");
            assert_eq!(is_shown, *expected == "open", "{script:?} {message}");
            assert!(message.get("json").is_none());
        }
        // In other forms than those of the relay.
        for forged in [
            json!({ "agentId": "alice", "text": "evil" }),
            json!({ "agentId": "alice", "json": { "text": "evil" }, "cursor": "1" }),
            json!({ "agentId": "alice", "kind": "joined", "text": "evil", "cursor": "1" }),
            json!({ "greeting": { "by": "alice", "text": "evil", "seal": { "state": "open" } } }),
            json!({ "from": "alice", "assignee": "bob", "task": "evil", "context": "evil", "result": "evil", "progress": "evil" }),
            json!([{ "task": "evil", "seal": { "task": { "state": "open" } } }]),
        ] {
            let opened = script.json(&["open"], &forged).to_string();
            assert!(
                !opened.contains("evil") && !opened.contains("\"open\""),
                "{script:?} {opened}"
            );
        }
    }
    // This script knows no JSON, so it does not look inside.
    for (expected, text) in cases.iter().take(12) {
        let output = Bash.try_run(&["open", "alice", "text"], text.as_bytes());
        let told = String::from_utf8(output.stderr).unwrap();
        let word = match *expected {
            "open" => "",
            "unsealed" => "not sealed",
            expected => expected,
        };
        assert!(told.contains(word) && told.is_empty() == word.is_empty(), "{told} {text}");
        assert_eq!(output.status.code(), Some(i32::from(!word.is_empty())));
        assert_eq!(output.stdout.is_empty(), !word.is_empty());
    }
}

#[test]
fn every_single_change_is_refused() {
    let sealed = seal(&secret(), Field::Text, &alice(), iv(), br#"{"text":"x"}"#);
    let changed = |at: usize, with: char| {
        let mut chars: Vec<char> = sealed.chars().collect();
        chars[at] = if chars[at] == with { '_' } else { with };
        chars.into_iter().collect::<String>()
    };
    for script in [Python, Node] {
        for with in ['A', '.', '='] {
            let page: Vec<Value> = (0..sealed.len())
                .map(|at| json!({ "agentId": "alice", "cursor": "1", "text": changed(at, with) }))
                .collect();
            let opened = script.json(&["open"], &Value::from(page));
            for (at, message) in opened.as_array().unwrap().iter().enumerate() {
                let is_same = changed(at, with) == sealed;
                assert_eq!(message["seal"]["state"] == "open", is_same, "{script:?} {at}");
                assert_eq!(message.get("text").is_some(), is_same);
            }
        }
    }
    for at in (0..sealed.len()).step_by(11).chain([sealed.len() - 1]) {
        let output = Bash.try_run(&["open", "alice", "text"], changed(at, 'A').as_bytes());
        assert!(!output.status.success() && output.stdout.is_empty(), "{at}");
    }
}

#[test]
fn the_key_may_come_as_the_link_or_in_a_file_and_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, file) = (secret(), folder.path().join("key"));
    let digits = secret.as_str().strip_prefix("k1").unwrap();
    let id = format!("{}\n", secret.key_id());
    for script in [Python, Node, Bash] {
        for key in [
            secret.as_str().to_owned(),
            format!("#{}", secret.as_str()),
            format!("{}.abcdefghijklmnopqrst", secret.as_str()),
            format!("https://relay.example/p/PEARL-FOCAL-S5SJV#{}.abcdefghij", secret.as_str()),
            format!("https://relay.example/s#{}.{}", "0a".repeat(24), secret.as_str()),
        ] {
            let found = run(script.bare(&["id"]).env("NX_KEY", &key), b"");
            assert_eq!(String::from_utf8(found.stdout).unwrap(), id, "{script:?} {key}");
            std::fs::write(&file, format!("{key}\n")).unwrap();
            let found = run(script.bare(&["id"]).env("NX_KEY_FILE", &file), b"");
            assert_eq!(String::from_utf8(found.stdout).unwrap(), id, "{script:?} {key}");
        }
        let wrong = [
            run(&mut script.bare(&["id"]), b""),
            run(script.bare(&["id"]).env("NX_KEY", format!("k2{digits}")), b""),
            run(script.bare(&["id"]).env("NX_KEY", format!("{}0", secret.as_str())), b""),
            run(script.bare(&["id"]).env("NX_KEY_FILE", folder.path().join("none")), b""),
            script.try_run(&[], b""),
            script.try_run(&["seal"], b"{}"),
            script.try_run(&["open-file", "alice", "x"], secret.as_str().as_bytes()),
            script.try_run(&["open", "alice", "text", "more"], b"{}"),
        ];
        for output in wrong {
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{script:?} {told}");
            assert!(output.stdout.is_empty() && !told.contains(digits), "{told}");
            assert!(told.starts_with("nx.") && told.lines().count() == 1, "{told}");
            assert!(!told.contains("Traceback") && !told.contains("    at "), "{told}");
        }
        if script != Bash {
            for input in [&b"hello"[..], b"", b"\xff", b"[]"] {
                let output = script.try_run(&["seal", "alice"], input);
                let told = String::from_utf8(output.stderr).unwrap();
                assert_eq!(output.status.code(), Some(1), "{script:?} {told}");
                assert_eq!(told.lines().count(), 1, "{told}");
            }
        }
        let bytes = std::fs::read(script.bare(&[]).get_args().next().unwrap()).unwrap();
        assert!(bytes.len() < 12 * 1024, "{script:?} is to be read before it is run");
    }
}

/// Opens and verifies what comes as JSON, and seals and signs the same for the way back.
const JWCRYPTO: &str = r#"
import base64, json, sys
from jwcrypto import jwe, jwk, jws
b64 = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
HEADER = '{"alg":"dir","enc":"A256CBC-HS512"}'
def answer(case):
    key = jwk.JWK(kty="oct", k=case["key"])
    opened = jwe.JWE()
    opened.deserialize(case["sealed"], key)
    sealed = jwe.JWE(opened.payload, HEADER)
    sealed.add_recipient(key)
    signed = jws.JWS()
    signed.deserialize(case["signed"])
    header = json.loads(base64.urlsafe_b64decode(case["signed"].split(".")[0] + "=="))
    signed.verify(jwk.JWK(**header["jwk"]))
    assert signed.payload == opened.payload
    private = jwk.JWK(**header["jwk"], d=case["seed"])
    again = jws.JWS(opened.payload)
    again.add_signature(private, alg="EdDSA", protected=json.dumps(header, separators=(",", ":")))
    return {"payload": b64(opened.payload), "sealed": sealed.serialize(compact=True), "signed": again.serialize(compact=True)}
json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
"#;

const JOSE: &str = r#"
import { readFileSync } from "node:fs";
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify, decodeProtectedHeader, importJWK } from "jose";
async function answer({ key, sealed, signed, seed }) {
  const bytes = Buffer.from(key, "base64url");
  const { plaintext } = await compactDecrypt(sealed, bytes);
  const header = decodeProtectedHeader(signed);
  const { payload } = await compactVerify(signed, await importJWK(header.jwk, "EdDSA"));
  if (Buffer.compare(Buffer.from(payload), Buffer.from(plaintext)) !== 0) throw new Error("another payload");
  const again = new CompactEncrypt(plaintext).setProtectedHeader({ alg: "dir", enc: "A256CBC-HS512" });
  const signer = await importJWK({ ...header.jwk, d: seed }, "EdDSA");
  return {
    payload: Buffer.from(plaintext).toString("base64url"),
    sealed: await again.encrypt(bytes),
    signed: await new CompactSign(plaintext).setProtectedHeader(header).sign(signer),
  };
}
console.log(JSON.stringify(await Promise.all(JSON.parse(readFileSync(0, "utf8")).map(answer))));
"#;

#[test]
fn the_libraries_open_what_is_sealed_here_and_the_reverse() {
    let (secret, signer, key) = (secret(), signer(), "docs/plan.md".parse::<FileKey>().unwrap());
    let fields = [Field::Text, Field::Greeting, Field::Result, Field::File(&key)];
    let long = "\u{1f980} ".repeat(20_000);
    // jwcrypto takes an empty plaintext for none.
    let texts = ["{}", r#"{"text":"Grüße"}"#, " ", &long];
    let seed = URL_SAFE_NO_PAD.encode([7; 32]);
    let cases: Vec<(Field<'_>, &str, Value)> = fields
        .into_iter()
        .flat_map(|field| texts.map(|text| (field, text)))
        .map(|(field, text)| {
            let key = content_key(secret.as_str(), &field.to_string(), "alice");
            let key = URL_SAFE_NO_PAD.encode(key);
            let sealed = seal(&secret, field, &alice(), iv(), text.as_bytes());
            let signed = signer.sign(text.as_bytes());
            (field, text, json!({ "key": key, "sealed": sealed, "signed": signed, "seed": seed }))
        })
        .collect();
    let input = Value::from(cases.iter().map(|(.., case)| case.clone()).collect::<Vec<_>>());
    let project = Project::here().unwrap();
    let mut jwcrypto = Command::new(xtask::setup::libraries::JWCRYPTO.python().unwrap());
    let mut jose = Command::new(project.npm_bin("node"));
    jwcrypto.args(["-c", JWCRYPTO]);
    jose.current_dir(project.root()).args(["--input-type=module", "-e", JOSE]);
    for library in [&mut jwcrypto, &mut jose] {
        let output = run(library, input.to_string().as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answers.len(), cases.len());
        for ((field, text, _), answer) in cases.iter().zip(&answers) {
            let part = |name: &str| answer[name].as_str().unwrap();
            assert_eq!(part("payload"), URL_SAFE_NO_PAD.encode(text));
            let opened = open(&secret, *field, &alice(), part("sealed"));
            assert_eq!(opened.as_deref(), Ok(text.as_bytes()), "{library:?}");
            let (signed_by, payload) = verify(part("signed")).unwrap();
            assert_eq!((signed_by, payload), (signer.public(), text.as_bytes().to_vec()));
        }
    }
}
