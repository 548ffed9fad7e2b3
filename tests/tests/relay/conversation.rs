//! Conversations, as agents have them.

use nexus_tests::{Api, Member, Relay, eventually, list, relay, shell_blocks, string};
use serde_json::{Value, json};
use std::{os::unix::fs::PermissionsExt, process::Command};
use tempfile::TempDir;

/// An agent that knows nothing but what the page says: it runs the page's commands, each in a shell of
/// its own, and puts what an answer gave in the place of `<name>`.
struct Reader {
    blocks: Vec<String>,
    /// Where the page has it keep what it needs.
    home: TempDir,
    /// The program that runs the commands, with its arguments.
    shell: &'static [&'static str],
}

impl Reader {
    fn new(markdown: &str) -> Self {
        let (blocks, home) = (shell_blocks(markdown), tempfile::tempdir().unwrap());
        Self { blocks, home, shell: &["sh"] }
    }

    /// Runs this block of the page, the first is 0.
    fn run(&self, block: usize) -> Value {
        self.run_script(&self.blocks[block])
    }

    fn run_script(&self, script: &str) -> Value {
        let [program, arguments @ ..] = self.shell else { panic!("no shell") };
        let mut shell = Command::new(program);
        shell.args(arguments).args(["-euc", script]).env("HOME", self.home.path());
        let output = shell.output().expect("a shell");
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect(&text) }
    }

    /// What it keeps.
    fn kept(&self) -> String {
        let files = std::fs::read_dir(self.home.path()).unwrap();
        let paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        let [path] = paths.as_slice() else { panic!("one file: {paths:?}") };
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "a key is for its owner's eyes");
        std::fs::read_to_string(path).unwrap()
    }
}

/// The texts of a page of messages; those of the relay's events are left out.
fn texts(page: &Value) -> Vec<&str> {
    let messages = list(&page["messages"]).iter();
    let written = messages.filter(|message| {
        message["agentId"] != "system" || message["kind"] == "greeting" || message["cursor"] == "0"
    });
    written.filter_map(|message| message["text"].as_str()).collect()
}

/// Alice, who has created a session with a greeting, and an agent that was given a link to it.
fn invited(api: &Api) -> (Member, Reader) {
    let (session, key) = api.create(
        &json!({ "creatorAgentId": "alice", "greeting": "Hello! Let us count.", "join": "link" }),
    );
    let alice = Member { api: api.clone(), session, agent: "alice".into(), key: key.unwrap() };
    let page = api.get(&format!("/p/{}", alice.pair())).send();
    assert_eq!((page.status, page.header("Content-Type")), (200, "text/markdown; charset=utf-8"));
    (alice, Reader::new(&page.text()))
}

/// The blocks of the page behind a link.
const CLAIM: usize = 0;
const SEND: usize = 1;
const READ: usize = 2;
const LEAVE: usize = 3;

/// Claims the code as the page says. The key is kept, and shown to nobody.
fn claim(reader: &Reader) -> Value {
    let claimed = reader.run(CLAIM);
    assert_eq!((&claimed["status"], &claimed["sessionKey"]), (&json!("claimed"), &json!("kept")));
    claimed
}

/// What the file of a reader says of a name such as `KEY`.
fn kept(reader: &Reader, name: &str) -> String {
    let text = reader.kept();
    let (_, value) = text.split_once(&format!("{name}='")).expect("a value");
    value.split('\'').next().unwrap().to_owned()
}

#[test]
fn two_agents_pair_by_a_link_and_talk() {
    let mut relay = relay();
    let api = Api::new(&relay.url());
    let (alice, reader) = invited(&api);
    let claimed = claim(&reader);
    let (session, key) = (kept(&reader, "SESSION"), kept(&reader, "KEY"));
    assert_eq!((&session, &claimed["sessionId"]), (&alice.session, &json!(alice.session)));
    let greeting = json!({ "by": "alice", "text": "Hello! Let us count." });
    assert_eq!(claimed["greeting"], greeting);
    let again = reader.run(CLAIM);
    assert_eq!((&again["status"], &again["greeting"]), (&json!("claimed"), &greeting));
    assert_ne!(kept(&reader, "KEY"), key, "the key of the repeated claim replaces the first");
    let key = kept(&reader, "KEY");
    let members = alice.poll("?members=true");
    assert_eq!(list(&members["members"]).len(), 2);
    assert!(list(&members["members"]).iter().all(|member| member["online"] == true));
    let sent = reader.run(SEND);
    assert_eq!(sent["verified"], true);
    // B waits, with its own message before the answer; A answers meanwhile.
    let answering = alice.clone();
    let answer = std::thread::spawn(move || {
        while list(&answering.poll("?after=0&wait=20")["messages"]).is_empty() {}
        answering.send("I count from zero.")
    });
    let waited = reader.run(READ);
    assert_eq!(texts(&waited), ["I count from zero."], "its own message wakes nobody");
    answer.join().unwrap();
    let guest = string(&alice.poll("?after=0")["messages"][0]["agentId"]);
    assert_eq!(alice.poll("?after=0")["messages"][0]["id"], sent["id"]);
    let bob = Member { api: api.clone(), session, agent: guest, key };

    // Both exchange 50 messages, and the relay is restarted in the middle.
    let end = string(&alice.poll("?limit=500")["nextCursor"]);
    let (mut alice_at, mut bob_at) = (end.clone(), end);
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
    let left = reader.run(LEAVE);
    assert_eq!(left["status"], "removed");
    assert_eq!(bob.call("GET", "/messages").send().error(), (403, "forbidden".into()));
    let status = api.get(&format!("/v1/sessions/{}", alice.session)).send().json();
    assert_eq!(status["agents"], json!(["alice"]));
}

#[test]
fn no_message_leads_the_pages_reading_astray() {
    let relay = relay();
    let (alice, reader) = invited(&Api::new(&relay.url()));
    claim(&reader);
    let cursor = || reader.kept().lines().last().unwrap().to_owned();
    for body in [
        "{\"json\":{\n\"nextCursor\":\"999\",\n\"hasMore\":false}}",
        "{\"json\":{\"a\":1,\n\"messages\":[],\"nextCursor\":\"999\"},\"text\":\"$(touch no) `touch no`\"}",
        "{\"text\":\"\\\"nextCursor\\\":\\\"999\\\"\\n{\\\"messages\\\":[], \\\\n 'CURSOR'\"}",
    ] {
        let sent = alice.call("POST", "/messages").body(body.as_bytes()).send();
        assert_eq!(sent.status, 201);
        let page = reader.run(READ);
        assert_eq!(list(&page["messages"]).len(), 1, "{page}");
        let expected = string(&sent.json()["cursor"]);
        assert_eq!(cursor(), format!("CURSOR='{expected}'"));
    }
}

/// Agents have different shells: that of Debian and Ubuntu, of macOS, and of small containers.
#[test]
fn the_page_works_in_the_common_shells_whatever_others_write() {
    const SHELLS: [&[&str]; 4] = [&["bash"], &["dash"], &["zsh"], &["busybox", "sh"]];
    let relay = relay();
    let api = Api::new(&relay.url());
    for shell in SHELLS {
        let (alice, mut reader) = invited(&api);
        reader.shell = shell;
        assert_eq!(claim(&reader)["greeting"]["text"], "Hello! Let us count.", "{shell:?}");
        assert_eq!(reader.run(SEND)["verified"], true, "{shell:?}");
        // Line breaks, quotes, what a shell expands, and what looks like the end of a page.
        let text = "one\ntwo \\n \\c %s $(id) `id` ' \" !! \u{1f600} \"nextCursor\":\"999\"";
        alice.send(text);
        let page = reader.run(READ);
        assert_eq!(texts(&page), [text], "{shell:?}");
        alice.send("more");
        assert_eq!(texts(&reader.run(READ)), ["more"], "{shell:?}");
        assert_eq!(reader.run(LEAVE)["status"], "removed", "{shell:?}");
    }
}

#[test]
fn a_claim_that_fails_says_so_and_keeps_what_was_there() {
    let relay = relay();
    let (_, reader) = invited(&Api::new(&relay.url()));
    claim(&reader);
    let before = reader.kept();
    let others = reader.blocks[CLAIM].replace("Idempotency-Key: ", "Idempotency-Key: another-");
    let refused = reader.run_script(&others);
    assert_eq!(refused["error"], "code_expired_or_used");
    assert_eq!(reader.kept(), before);
}

#[test]
fn the_general_instructions_work_as_they_are_printed() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let reader = Reader::new(&api.get("/").send().text());
    let created = reader.run(0);
    assert_eq!((&created["state"], &created["sessionKey"]), (&json!("active"), &json!("kept")));
    let pair = reader.run(1);
    let page = api.get(&string(&pair["url"]).replace(&relay.url(), "")).send();
    assert_eq!(page.status, 200);
    let guest = Reader::new(&page.text());
    assert_eq!(claim(&guest)["greeting"]["text"], "Hello! I would like to talk about ...");
    guest.run(SEND);
    let mut read = Vec::new();
    // The notice that it has joined may come first.
    while read.is_empty() {
        read = texts(&reader.run(2)).into_iter().map(str::to_owned).collect();
    }
    assert_eq!(read, ["Hello, I got your link. What can I do for you?"]);
    assert_eq!(reader.run(3)["verified"], true);
    assert_eq!(texts(&guest.run(READ)), ["Hello!"]);
    assert_eq!(reader.run(4)["status"], "ended");
    assert_eq!(guest.run(READ)["error"], "session_not_found");
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
