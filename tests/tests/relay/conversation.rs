//! Conversations, as agents have them.

use nexus_tests::{Api, Member, Relay, eventually, list, relay, shell_blocks, string};
use serde_json::{Value, json};
use std::process::Command;

/// An agent that knows nothing but what the page says: it runs the page's commands in their order,
/// in one shell, and puts what an answer gave in the place of `<name>`.
struct Reader {
    blocks: std::vec::IntoIter<String>,
    /// What was set so far: the page says to set it in every new shell.
    variables: String,
}

impl Reader {
    fn new(markdown: &str) -> Self {
        Self { blocks: shell_blocks(markdown).into_iter(), variables: String::new() }
    }

    /// Runs the next block of the page.
    fn run(&mut self, known: &[(&str, &str)]) -> Value {
        let mut block = self.blocks.next().expect("another block of commands");
        for (name, value) in known {
            block = block.replace(&format!("<{name}>"), value);
        }
        let script = format!("{}{block}", self.variables);
        let output = Command::new("bash").args(["-euc", &script]).output().expect("bash");
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        let sets_variable = |line: &&str| {
            let name = line.split('=').next().unwrap_or_default();
            name.bytes().all(|byte| byte.is_ascii_uppercase()) && !line.contains("$(")
        };
        let sets = block.lines().filter(sets_variable);
        sets.for_each(|line| self.variables.extend([line, "\n"]));
        let text = String::from_utf8(output.stdout).unwrap();
        // A loop prints what it reads, a line each; the last line is what it waited for.
        text.lines().last().map_or(Value::Null, |line| serde_json::from_str(line).expect(line))
    }
}

#[test]
fn two_agents_pair_by_a_link_and_talk() {
    let mut relay = relay();
    let api = Api::new(&relay.url());

    // A creates a session with a greeting, and makes a link.
    let (session, key) =
        api.create(&json!({ "creatorAgentId": "alice", "greeting": "Hello! Let us count." }));
    let alice = Member { api: api.clone(), session, agent: "alice".into(), key: key.unwrap() };
    let pair = api.put("/v1/pair").json(&json!({ "sessionId": alice.session })).send().json();
    let path = string(&pair["url"]).replace(&relay.url(), "");

    // B opens the link, and runs what the page prints.
    let page = api.get(&path).send();
    assert_eq!((page.status, page.header("Content-Type")), (200, "text/markdown; charset=utf-8"));
    let mut reader = Reader::new(&page.text());
    let claimed = reader.run(&[]);
    assert_eq!(claimed["status"], "claimed");
    let (session, key) = (string(&claimed["sessionId"]), string(&claimed["sessionKey"]));
    assert_eq!(session, alice.session);
    reader.run(&[("sessionId", &session), ("sessionKey", &key)]);
    let first = reader.run(&[]);
    assert_eq!(first["messages"][0]["text"], "Hello! Let us count.");
    assert_eq!(first["messages"][0]["agentId"], "system");
    assert_eq!(list(&first["members"]).len(), 2);
    assert!(list(&first["members"]).iter().all(|member| member["online"] == true));
    let sent = reader.run(&[]);
    assert_eq!(sent["verified"], true);
    // B waits, with its own message before the answer; A answers meanwhile.
    let answering = alice.clone();
    let answer = std::thread::spawn(move || {
        while list(&answering.poll("?after=0&wait=20")["messages"]).is_empty() {}
        answering.send("I count from zero.")
    });
    let waited = reader.run(&[("nextCursor", first["nextCursor"].as_str().unwrap())]);
    assert_eq!(list(&waited["messages"]).last().unwrap()["text"], "I count from zero.");
    answer.join().unwrap();
    let guest = string(&alice.poll("?after=0")["messages"][0]["agentId"]);
    assert_eq!(alice.poll("?after=0")["messages"][0]["id"], sent["id"]);
    let bob = Member { api: api.clone(), session, agent: guest, key };

    // Both exchange 50 messages, and the relay is restarted in the middle.
    let (mut alice_at, mut bob_at) = ("3".to_owned(), "3".to_owned());
    for number in 0..50 {
        if number == 25 {
            relay.restart().unwrap();
        }
        alice.send(&format!("alice {number}"));
        bob.send(&format!("bob {number}"));
        let expected = [format!("alice {number}"), format!("bob {number}")];
        for (member, cursor) in [(&alice, &mut alice_at), (&bob, &mut bob_at)] {
            let (texts, next) = member.read_after(cursor);
            assert_eq!(texts, expected);
            *cursor = next;
        }
    }
    let all = alice.poll("?limit=500");
    assert_eq!(list(&all["messages"]).len(), 103);
    assert!(list(&all["messages"])[1..].iter().all(|message| message["verified"] == true));

    // B leaves with the page's last command, and the slot is free.
    let left = reader.run(&[]);
    assert_eq!(left["status"], "removed");
    assert_eq!(bob.call("GET", "/messages").send().error(), (403, "forbidden".into()));
    let status = api.get(&format!("/v1/sessions/{}", alice.session)).send().json();
    assert_eq!(status["agents"], json!(["alice"]));
}

#[test]
fn the_general_instructions_work_as_they_are_printed() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let mut reader = Reader::new(&api.get("/").send().text());
    let created = reader.run(&[]);
    let (session, key) = (string(&created["sessionId"]), string(&created["sessionKey"]));
    reader.run(&[("sessionId", &session), ("sessionKey", &key)]);
    let pair = reader.run(&[]);
    assert_eq!(api.get(&string(&pair["url"]).replace(&relay.url(), "")).send().status, 200);
    // The wait comes before the send; so something is there to read.
    let a = Member { api: api.clone(), session, agent: string(&created["creatorAgentId"]), key };
    a.send("hello");
    assert_eq!(list(&reader.run(&[])["messages"]).len(), 1);
    assert_eq!(reader.run(&[])["verified"], true);
}

/// The blocks of the README's conversation, each in the terminal where it is to be pasted.
#[test]
fn the_conversation_of_the_readme_works_as_it_is_printed() {
    let relay = relay();
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let conversation =
        readme.split("\n## ").find(|section| section.starts_with("A conversation")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    let blocks: Vec<String> = shell_blocks(conversation)
        .iter()
        .map(|block| block.replace("http://localhost:8787", &relay.url()))
        .map(|block| block.replace("/tmp/nexus-link", link.to_str().unwrap()))
        .collect();
    let [alice, bob, answer] = blocks.as_slice() else { panic!("three blocks: {blocks:?}") };
    let paste = |text: &str| {
        let output = Command::new("bash").args(["-euc", text]).output().expect("bash");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // What Alice's terminal keeps between its two blocks is kept by running them as one, with Bob's
    // between them.
    let bobs_terminal = folder.path().join("bob.sh");
    std::fs::write(&bobs_terminal, bob).unwrap();
    let said = paste(&format!("{alice}\nbash -eu {}\n{answer}", bobs_terminal.display()));
    assert!(
        said.contains("Hello! Which day suits you?") && said.contains("\"text\":\"Tuesday.\""),
        "{said}"
    );
}

#[test]
fn renewing_extends_and_the_end_removes_everything() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (short, _) = api.create(&json!({ "ttl": 2, "greeting": "gone soon" }));
    let (session, key) = api.create(&json!({ "creatorAgentId": "a", "greeting": "gone soon" }));
    let a = Member { api: api.clone(), session, agent: "a".into(), key: key.unwrap() };
    let code = api.pair(&a.session);
    a.send("gone soon");
    let renewed = a.call("POST", "/renew").json(&json!({ "ttl": 7200 })).send().json();
    assert_eq!((&renewed["ttl"], &renewed["agents"]), (&json!(7200), &json!(["a"])));
    assert_eq!(list(&a.poll("")["messages"]).len(), 2);
    assert_eq!(a.call("POST", "/renew").json(&json!({ "ttl": 2 })).send().status, 200);
    let gone = || api.get(&format!("/v1/sessions/{short}")).send().status == 404;
    eventually("the short session ends", gone);

    let status = format!("/v1/sessions/{}", a.session);
    eventually("the session ends", || api.get(&status).send().status == 404);
    for call in [
        a.call("GET", "/messages"),
        a.call("POST", "/messages").json(&json!({ "text": "x" })),
        a.call("POST", "/join"),
        a.call("POST", "/renew"),
        api.put("/v1/pair").json(&json!({ "sessionId": a.session })),
        api.post(&format!("/v1/pair/{code}/claim")).agent("b"),
    ] {
        assert_eq!(call.send().error(), (404, "session_not_found".into()));
    }
    let page = api.get(&format!("/p/{code}")).send();
    assert_eq!(page.status, 404);
    assert!(page.text().contains("leads to a session that has ended"));
}

#[test]
fn polling_keeps_a_session_alive() {
    let relay = relay();
    let (session, key) = Api::new(&relay.url()).create(&json!({ "ttl": 5, "creatorAgentId": "a" }));
    let a = Member { api: Api::new(&relay.url()), session, agent: "a".into(), key: key.unwrap() };
    let started = std::time::Instant::now();
    eventually("two lifetimes pass", || {
        assert_eq!(a.call("GET", "/messages").send().status, 200);
        started.elapsed().as_secs() >= 10
    });
}

#[test]
fn messages_carry_what_was_sent_and_reach_whom_they_are_for() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let (b, c) = (a.join("b"), a.join("c"));
    let payload = json!({ "n": [1, 2.5, null], "s": "ü\u{0}\"\n🦀" });
    let first = a
        .call("POST", "/messages")
        .json(&json!({ "text": "ü\u{0}🦀", "json": payload }))
        .send()
        .json();
    let reply = json!({ "text": "only b", "to": "b", "replyTo": first["id"] });
    assert_eq!(a.call("POST", "/messages").json(&reply).send().status, 201);
    let page = b.poll("?after=0");
    let [one, two] = list(&page["messages"]) else { panic!("{page}") };
    assert_eq!((&one["text"], &one["json"]), (&json!("ü\u{0}🦀"), &payload));
    assert_eq!((&two["to"], &two["replyTo"]), (&json!("b"), &first["id"]));
    assert_eq!(one["cursor"], "3");
    assert!(
        string(&one["sentAt"]).ends_with('Z') && string(&one["expiresAt"]) > string(&one["sentAt"])
    );
    assert_eq!(list(&c.poll("?after=0")["messages"]).len(), 1);
    // Who only claims to be b does not read what is for b.
    let path = format!("/v1/sessions/{}/messages?after=0", a.session);
    let unproven = a.api.get(&path).agent("b").send().json();
    assert_eq!(list(&unproven["messages"]).len(), 1);
}

#[test]
fn a_repeated_send_is_stored_once() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let send = || {
        a.call("POST", "/messages").idempotency_key("k-1").json(&json!({ "text": "once" })).send()
    };
    let (first, again) = (send(), send());
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json(), again.json());
    assert_eq!(list(&a.poll("")["messages"]).len(), 1);
}

#[test]
fn a_lost_claim_is_repeated_with_the_same_key() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let code = a.api.pair(&a.session);
    let claim = |key: &str| {
        a.api.post(&format!("/v1/pair/{code}/claim")).agent("b").idempotency_key(key).send()
    };
    let first = claim("k-1").json();
    let again = claim("k-1").json();
    assert_eq!(first["sessionId"], again["sessionId"]);
    assert_ne!(first["sessionKey"], again["sessionKey"]);
    let b = Member { agent: "b".into(), key: string(&again["sessionKey"]), ..a.clone() };
    assert_eq!(b.send("hello")["verified"], true);
    assert_eq!(claim("k-2").error(), (404, "code_expired_or_used".into()));
    let status = a.api.get(&format!("/v1/pair/{code}/status")).send().json();
    assert_eq!(status["state"], "claimed");
}

#[test]
fn an_acknowledged_message_survives_a_kill() {
    let mut relay: Relay = relay();
    let a = Api::new(&relay.url()).session();
    for round in 0..5 {
        for number in 0..20 {
            a.send(&format!("{round}.{number}"));
        }
        relay.kill();
        relay.restart().unwrap();
    }
    let (texts, cursor) = a.read_after("0");
    let expected: Vec<String> =
        (0..5).flat_map(|round| (0..20).map(move |number| format!("{round}.{number}"))).collect();
    assert_eq!((texts, cursor.as_str()), (expected, "100"));
}
