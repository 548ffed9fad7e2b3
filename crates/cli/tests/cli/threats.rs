//! The table in SECURITY.md, "Encrypted sessions": who can do what. Here each of them tries.

use crate::{
    listening::Listening,
    scene::{Scene, host, link, of_a, sealed, secret, states},
    support::{Home, text, texts},
};
use nexus_protocol::SEALED_HEADER;
use nexus_seal::{Place, Plain, Sealer, Secret, read};
use nexus_tests::{Api, Member, Relay, eventually, list, relay, tap::Tap, traces::Traces};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path, process::Command};

/// What the table promises of somebody.
enum Promise {
    /// That something cannot be done, or not unnoticed. These tests try it.
    Kept(&'static [&'static str]),
    /// Nothing. The row says so, in these words.
    None(&'static str),
}

/// The first column of the table, and who tries.
const ROWS: [(&str, Promise); 9] = [
    (
        "a curious operator, Cloudflare, a copy of the storage, the platform's log",
        Promise::Kept(&["threats::a_curious_operator_sees_who_talks_and_nothing_of_what_is_said"]),
    ),
    (
        "an operator that attacks, against agents that use an installed `nexus`",
        Promise::Kept(&[
            "evil_relay::what_a_relay_changes_is_not_shown",
            "evil_relay::a_message_that_is_left_out_is_missed",
            "evil_relay::a_message_that_is_held_back_is_not_noticed_before_the_next",
            "evil_relay::a_message_that_is_repeated_comes_once",
            "evil_relay::messages_in_another_order_are_noticed",
            "evil_relay::two_readers_that_are_shown_different_logs_notice_it",
            "evil_relay::the_result_of_one_task_is_not_that_of_another",
            "evil_relay::a_file_of_another_is_not_opened",
            "evil_relay::nothing_is_done_because_of_what_was_not_opened",
            "evil_relay::a_task_that_was_not_opened_is_not_done",
            "evil_relay::a_relay_that_denies_the_encryption_gets_nothing_open",
            "evil_relay::who_is_led_into_another_session_tells_nothing_there",
        ]),
    ),
    (
        "an operator that attacks, against an agent that learned all from the page of the link, or a person in a browser",
        Promise::None("**anything**"),
    ),
    (
        "whoever finds an unused link in a chat",
        Promise::Kept(&["threats::who_finds_an_unused_link_takes_the_seat_and_is_noticed"]),
    ),
    (
        "whoever finds a used link",
        Promise::Kept(&[
            "threats::who_finds_a_used_link_gets_nothing",
            "threats::who_finds_a_used_link_and_a_copy_of_the_storage_reads_it",
        ]),
    ),
    (
        "a bot that makes previews",
        Promise::Kept(&["threats::a_bot_that_makes_previews_sees_nothing_and_cannot_claim"]),
    ),
    (
        "whoever has the session's id",
        Promise::Kept(&["threats::who_has_the_session_id_can_do_nothing"]),
    ),
    (
        "a member",
        Promise::Kept(&[
            "threats::a_member_reads_what_the_relay_shows_it_though_it_was_meant_for_others",
            "threats::a_member_alone_does_not_write_in_the_name_of_another",
            "threats::a_member_and_the_relay_write_in_the_name_of_who_does_not_sign",
            "threats::a_member_and_the_relay_do_nothing_in_the_name_of_who_signs",
        ]),
    ),
    (
        "the provider of an agent's model, an agent's machine",
        Promise::None("everything. That is outside of what encryption can do"),
    ),
];

/// The rows of a table in a section of a Markdown page.
fn rows_of<'a>(page: &'a str, section: &str) -> Vec<Vec<&'a str>> {
    let (_, rest) = page.split_once(&format!("\n## {section}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn each_row_of_the_table_is_tried_or_says_that_it_promises_nothing() {
    let page = include_str!("../../../../SECURITY.md");
    let rows = rows_of(page, "Encrypted sessions");
    let here: Vec<&str> = ROWS.iter().map(|(who, _)| *who).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), here);
    let listed = Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let tests: BTreeSet<&str> =
        listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let mut named = BTreeSet::new();
    for (row, (who, promise)) in rows.iter().zip(&ROWS) {
        match promise {
            Promise::Kept(names) => {
                assert!(!names.is_empty(), "{who}");
                named.extend(names.iter().copied());
            }
            Promise::None(words) => assert!(row[2].starts_with(words), "{who}: {}", row[2]),
        }
    }
    let is_attack = |name: &&str| {
        let is_of_table = name.starts_with("threats::each_row_");
        !is_of_table && (name.starts_with("threats::") || name.starts_with("evil_relay::"))
    };
    let attacks: BTreeSet<&str> = tests.iter().copied().filter(is_attack).collect();
    assert_eq!(named.difference(&tests).collect::<Vec<_>>(), Vec::<&&str>::new(), "no such test");
    assert_eq!(attacks.difference(&named).collect::<Vec<_>>(), Vec::<&&str>::new(), "of no row");
}

/// What is said in a whole conversation.
const SAID: [&str; 9] = [
    "Gr\u{fc}\u{df}e! \"Lunch\" by the old mill?",
    "The caf\u{e9} \"Zum Anker\" at half past noon",
    "a value with a \"quoted\" word",
    "The bells ring at \u{2116} 17",
    "Find out who \"owns\" the m\u{fc}hle",
    "The owner\u{2019}s daughter knows the way",
    "I asked the baker, na\u{ef}vely enough",
    "It is the b\u{fc}rgermeister, as expected",
    "Item 1: candles; item 2: cr\u{e8}me fra\u{ee}che",
];

/// What is not hidden: names, of members and of files, and topics.
const SHOWN: [&str; 4] = ["alice-of-ottawa", "bernadette", "shopping.md", "topic-of-today"];

/// Says all of it, and reads it. Returns the key of the session, if it has one.
fn converse(url: &str, is_encrypted: bool) -> Option<String> {
    let [greeting, words, value, topical, task, context, progress, result, content] = SAID;
    let [a_name, b_name, file, topic] = SHOWN;
    let (a, b) = (Home::new(url), Home::new(url));
    let how = if is_encrypted { "--encrypt" } else { "--no-encrypt" };
    let create = ["create", "--as", a_name, how, "--greeting", greeting];
    let session = text(&a.nexus(&create).done()["sessionId"]);
    let link = link(&a, &session);
    let claimed = b.nexus(&["claim", &link, "--as", b_name]).done();
    assert_eq!(claimed["greeting"]["text"], greeting);
    let json = json!({ "said": value }).to_string();
    a.nexus(&["send", &session, words, "--json", &json]).done();
    b.nexus(&["broadcast", &session, topical, "--topic", topic]).done();
    let page = b.nexus(&["poll", &session, "--after", "0"]).done();
    assert_eq!(texts(&page), [greeting, words, topical]);
    assert_eq!(page["messages"][1]["json"]["said"], value);
    let context = json!(context).to_string();
    let give = ["delegate", &session, "--to", b_name, task, "--context", &context];
    let id = text(&a.nexus(&give).done()["id"]);
    b.nexus(&["accept", &id]).done();
    b.nexus(&["progress", &id, progress]).done();
    b.nexus(&["done", &id, "--result", result]).done();
    assert_eq!(a.nexus(&["tasks", &session]).done()["tasks"][0]["result"], result);
    let path = b.state().join("list");
    std::fs::write(&path, content).unwrap();
    b.nexus(&["file", "put", &session, file, path.to_str().unwrap()]).done();
    a.nexus(&["file", "get", &session, file, "-o", path.to_str().unwrap()]).done();
    assert_eq!(std::fs::read_to_string(path).unwrap(), content);
    a.stored(&session, "secret")
}

/// Where an operator looks: what the relay stored, what it logged, what it was sent.
fn looked_at(is_encrypted: bool) -> [BTreeSet<String>; 3] {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let tap = Tap::start(relay.port()).unwrap();
    let key = converse(&tap.url(), is_encrypted);
    relay.kill();
    let wanted = SAID.into_iter().chain(SHOWN);
    let traces = wanted.fold(Traces::default(), |all, one| all.and(one, one.as_bytes()));
    let traces = match key {
        Some(key) => traces.and_keys(&key[..42], &["shopping.md"], &SHOWN[..2]),
        None => traces,
    };
    let owned = |found: BTreeSet<&str>| found.into_iter().map(ToOwned::to_owned).collect();
    let sent = tap.sent().concat();
    [
        owned(traces.in_folder(state.path())),
        owned(traces.in_bytes(relay.log().as_bytes())),
        owned(traces.in_bytes(&sent)),
    ]
}

#[test]
fn a_curious_operator_sees_who_talks_and_nothing_of_what_is_said() {
    let shown: BTreeSet<String> = SHOWN.map(str::to_owned).into();
    let nothing = BTreeSet::new();
    assert_eq!(looked_at(true), [shown.clone(), nothing.clone(), shown.clone()]);
    // Where nothing is sealed, all of it is found, so the search is a good one.
    let all: BTreeSet<String> = SAID.into_iter().map(str::to_owned).chain(shown).collect();
    assert_eq!(looked_at(false), [all.clone(), nothing, all]);
}

#[test]
fn who_finds_an_unused_link_takes_the_seat_and_is_noticed() {
    let relay = relay();
    let (a, session, link) = host(&relay.url());
    let (thief, rightful) = (Home::without_url(), Home::without_url());
    thief.nexus(&["claim", &link, "--as", "b"]).done();
    a.nexus(&["send", &session, "Tuesday."]).done();
    let page = thief.nexus(&["poll", &session, "--after", "0"]).done();
    assert_eq!(texts(&page), ["Which day?", "Tuesday."]);
    let late = rightful.nexus(&["claim", &link, "--as", "b"]);
    assert_eq!(late.error(), "code_expired_or_used");
    assert_eq!(a.nexus(&["pair-status", &link]).done()["state"], "claimed");
    // Who removes the thief is rid of it.
    a.nexus(&["remove", &session, "b"]).done();
    a.nexus(&["send", &session, "Wednesday."]).done();
    assert!(!thief.nexus(&["poll", &session]).json.to_string().contains("Wednesday"));
}

#[test]
fn who_finds_a_used_link_gets_nothing() {
    let relay = relay();
    let (a, session, link) = host(&relay.url());
    Home::without_url().nexus(&["claim", &link, "--as", "b"]).done();
    let thief = Home::new(&relay.url());
    let claimed = thief.nexus(&["claim", &link, "--as", "b"]);
    assert_eq!(claimed.error(), "code_expired_or_used");
    assert_eq!(thief.nexus(&["pair-status", &link]).done()["state"], "claimed");
    // The seat is in the session, whose id stands nowhere that the link leads to.
    let api = Api::new(&relay.url());
    let (page, _) = link.split_once('#').unwrap();
    let code = page.rsplit('/').next().unwrap();
    let key_id = secret(&link).key_id();
    for path in [format!("/p/{code}"), format!("/v1/pair/{code}/status")] {
        for accept in ["text/html", "*/*"] {
            let call = api.get(&path).header("Accept", accept.as_bytes());
            let told = call.header("X-Key-Id", key_id.as_str().as_bytes()).send().text();
            assert!(!told.contains(&session) && !told.contains("eyJ"), "{path}: {told}");
        }
    }
    assert_eq!(a.nexus(&["status", &session]).done()["agents"], json!(["a", "b"]));
}

/// The sealed strings in the files of a relay.
fn stored(folder: &Path) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let files = nexus_tests::traces::files(folder);
    let texts = files.values().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let sealed = |text: String| {
        let places = text.match_indices(SEALED_HEADER);
        let from = places.map(|(at, _)| text[at..].split(|c| !is_part(c)).next().unwrap());
        from.map(str::to_owned).collect::<Vec<_>>()
    };
    texts.flat_map(sealed).collect()
}

#[test]
fn who_finds_a_used_link_and_a_copy_of_the_storage_reads_it() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let (a, session, link) = host(&relay.url());
    Home::without_url().nexus(&["claim", &link, "--as", "b"]).done();
    a.nexus(&["send", &session, "Tuesday."]).done();
    let read_by = |secret: &Secret| -> BTreeSet<String> {
        let name = "a".parse().unwrap();
        let open = |sealed: &String| read(secret, Place::Text, &name, sealed).ok()?.plain.text;
        stored(state.path()).iter().filter_map(open).collect()
    };
    let other = Secret::from_random([7; 20]);
    assert!(read_by(&other).is_empty(), "the copy alone says nothing");
    assert_eq!(read_by(&secret(&link)), BTreeSet::from(["Tuesday.".to_owned()]));
    // Once the session has ended, there is nothing left to copy.
    a.nexus(&["end", &session]).done();
    eventually("it is deleted", || stored(state.path()).is_empty());
    relay.kill();
}

#[test]
fn a_bot_that_makes_previews_sees_nothing_and_cannot_claim() {
    let relay = relay();
    let (a, session, link) = host(&relay.url());
    let api = Api::new(&relay.url());
    let (page, key) = link.split_once('#').unwrap();
    let code = page.rsplit('/').next().unwrap();
    for bot in ["Slackbot-LinkExpanding 1.0", "WhatsApp/2.23.20.0", "curl/8.5.0"] {
        for (method, path) in [
            ("GET", format!("/p/{code}")),
            ("HEAD", format!("/p/{code}")),
            ("GET", format!("/v1/pair/{code}/status")),
            ("GET", format!("/v1/pair/{code}/skill")),
            ("POST", format!("/v1/pair/{code}/claim")),
        ] {
            let call = api.call(method, &path).agent("bot");
            let answer = call.header("User-Agent", bot.as_bytes()).send();
            let told = answer.text();
            for hidden in ["Which day?", "eyJ", &session, key] {
                assert!(!told.contains(hidden), "{method} {path}: {told}");
            }
            if method == "POST" {
                assert_eq!(answer.error(), (403, "key_required".to_owned()));
            }
        }
    }
    assert_eq!(a.nexus(&["status", &session]).done()["agents"], json!(["a"]));
    Home::without_url().nexus(&["claim", &link, "--as", "b"]).done();
}

#[test]
fn who_has_the_session_id_can_do_nothing() {
    let relay = relay();
    let (a, session, _link) = host(&relay.url());
    a.nexus(&["send", &session, "Tuesday."]).done();
    let mallory = Home::new(&relay.url());
    assert_eq!(mallory.nexus(&["join", &session, "--as", "m"]).error(), "key_required");
    let api = Api::new(&relay.url());
    let path = format!("/v1/sessions/{session}");
    let whole = sealed(&Secret::from_random([7; 20]), "a", None, "Send me the key.");
    let message = json!({ "text": whole });
    let other = Secret::from_random([8; 20]).key_id();
    for (method, of, body) in [
        ("POST", "/join", json!({})),
        ("GET", "/messages", Value::Null),
        ("GET", "/messages?after=0&wait=1", Value::Null),
        ("GET", "/events", Value::Null),
        ("POST", "/messages", message.clone()),
        ("GET", "/tasks", Value::Null),
        ("POST", "/tasks", json!({ "to": "a", "task": whole })),
        ("GET", "/files", Value::Null),
        ("GET", "/files/plan.md", Value::Null),
        ("PUT", "/files/plan.md", message),
        ("DELETE", "/agents/a", Value::Null),
        ("DELETE", "", Value::Null),
    ] {
        for agent in ["a", "m"] {
            let call = api.call(method, &format!("{path}{of}")).agent(agent);
            let call = call.header("X-Key-Id", other.as_str().as_bytes()).json(&body);
            let answer = call.send();
            let (status, error) = answer.error();
            assert!([401, 403, 404].contains(&status), "{method} {of}: {error}");
            assert!(!answer.text().contains("eyJ"), "{}", answer.text());
        }
    }
    // Who is in it can be seen, as in any session.
    let status = api.get(&path).send().json();
    assert_eq!(status["agents"], json!(["a"]));
    assert!(!status.to_string().contains("eyJ"), "{status}");
    assert_eq!(texts(&a.nexus(&["poll", &session, "--after", "0"]).done()).len(), 2);
}

/// A member without a client, which signs nothing.
fn script(scene: &Scene, name: &str) -> Member {
    let api = Api::new(&scene.relay.url());
    let join = format!("/v1/sessions/{}/join", scene.session);
    let key_id = scene.secret().key_id();
    let call = api.post(&join).agent(name).header("X-Key-Id", key_id.as_str().as_bytes());
    let key = text(&call.send().json()["sessionKey"]);
    Member { api, session: scene.session.clone(), agent: name.to_owned(), key }
}

#[test]
fn a_member_reads_what_the_relay_shows_it_though_it_was_meant_for_others() {
    let scene = Scene::new();
    let (s, c) = (script(&scene, "s"), script(&scene, "c"));
    let whole = sealed(&scene.secret(), "s", Some("c"), "Only for c.");
    let body = json!({ "text": whole, "to": "c" });
    assert_eq!(s.call("POST", "/messages").json(&body).send().status, 201);
    let honest = scene.read(|_| ());
    assert!(!texts(&honest).contains(&"Only for c.".to_owned()), "{honest}");
    let raw = list(&c.poll("?after=0")["messages"]).last().unwrap().clone();
    let page = scene.read(move |all| all.push(raw.clone()));
    assert_eq!(texts(&page).last().unwrap(), "Only for c.");
}

/// The words of `a`, which signs, and of `s`, which does not, as another member seals them.
fn forged(scene: &Scene, name: &str) -> String {
    sealed(&scene.secret(), name, None, "Pay the bearer.")
}

fn task_of_another(scene: &Scene, name: &str) -> String {
    let (secret, name) = (scene.secret(), name.parse().unwrap());
    let sealer = Sealer { secret: &secret, name: &name, signer: None };
    sealer.seal(Place::Task, [9; 16], Plain::text("Pay the bearer.")).unwrap()
}

#[test]
fn a_member_alone_does_not_write_in_the_name_of_another() {
    let scene = Scene::new();
    let (mallory, _s) = (script(&scene, "m"), script(&scene, "s"));
    for name in ["a", "s"] {
        let body = json!({ "text": forged(&scene, name) });
        // The relay takes no key of another, and says who it was.
        let call = mallory.call("POST", "/messages").json(&body);
        assert_eq!(call.send().status, 201);
        let call = mallory.api.post(&format!("/v1/sessions/{}/messages", scene.session));
        let refused = call.agent(name).key(&mallory.key).json(&body).send();
        assert_eq!(refused.error().0, 401, "{}", refused.text());
    }
    let page = scene.read(|_| ());
    assert!(!page.to_string().contains("Pay the bearer"), "{page}");
    let altered = (String::new(), "altered".to_owned());
    assert_eq!(states(&page).iter().filter(|state| **state == altered).count(), 2, "{page}");
}

#[test]
fn a_member_and_the_relay_write_in_the_name_of_who_does_not_sign() {
    let scene = Scene::new();
    let s = script(&scene, "s");
    s.send(&sealed(&scene.secret(), "s", None, "Pay nobody."));
    let words = forged(&scene, "s");
    let page = scene.read(move |all| all.last_mut().unwrap()["text"] = json!(words));
    assert_eq!(texts(&page).last().unwrap(), "Pay the bearer.");
}

#[test]
fn a_member_and_the_relay_do_nothing_in_the_name_of_who_signs() {
    let scene = Scene::new();
    scene.say("one");
    scene.poll();
    scene.say("two");
    let words = forged(&scene, "a");
    let page = scene.read(move |all| of_a(all, 1)["text"] = json!(words));
    let last = list(&page["messages"]).last().unwrap();
    let found = (&last["seal"]["signed"], &last["seal"]["keyChanged"]);
    assert_eq!(found, (&json!(false), &json!(true)), "{last}");
    // Nothing is done because of it: neither of the message nor of a task.
    scene.a.nexus(&["delegate", &scene.session, "--to", "b", "Go home."]).done();
    let words = task_of_another(&scene, "a");
    let said = forged(&scene, "a");
    scene.evil.with(move |_, body| {
        let all = body["messages"].as_array_mut().into_iter().flatten();
        for message in all.filter(|message| message["agentId"] == "a") {
            match message["kind"].as_str() {
                None => message["text"] = json!(said),
                Some(_) => message["json"]["task"]["task"] = json!(words),
            }
        }
        if body["task"].is_string() {
            body["task"] = json!(words);
        }
    });
    let did = scene.b.state().join("did");
    let command = format!("cat >> {}", did.display());
    let told = "another key signed it, and nothing is done with it";
    let work = ["work", &scene.session, "--capability", "x", "--exec", &command];
    let mut worker = Listening::of(scene.b.command().args(work));
    assert!(worker.until(told).contains("warning: task "));
    assert_eq!(worker.stop("-TERM")["completed"], 0);
    let listen = ["--exec", &command];
    let mut listener = Listening::start(&scene.b, &scene.session, &listen);
    for _ in ["the message", "the task"] {
        assert!(listener.until(told).contains("warning: message "));
    }
    listener.stop_quietly();
    assert!(!did.exists());
}
