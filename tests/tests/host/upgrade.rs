//! Today's relay over the data that an older one has written (`tests/fixtures/older-relays`).

use nexus_tests::{
    Member,
    agents::{Resident, done},
    dialogue::{self, now},
    eventually,
    hosted::{Hosted, package},
    list,
    older::{self, Life, OLD_SECRET, TOKEN},
    project::Project,
    receiver::Receiver,
    string,
};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// The forms in which sessions were stored before.
const VERSIONS: [&str; 3] = ["schema-1", "schema-2", "schema-3"];

/// How long ago the older relay was stopped. Meanwhile a session has ended and a task has become
/// overdue, and the codes can still be claimed.
const AGO: i64 = 150_000;

/// What moves with the time.
const MOVING: [&str; 5] = ["expiresAt", "lastSeenAt", "lastActivityAt", "online", "presence"];

/// Today's relay over the data of one version.
struct Upgraded {
    data: TempDir,
    hosted: Hosted,
    life: Life,
    answers: Vec<Value>,
    receiver: Receiver,
}

fn fixture(version: &str) -> PathBuf {
    Project::here().unwrap().path("tests/fixtures/older-relays").join(version)
}

fn upgraded(version: &str) -> Upgraded {
    let (fixture, data, then) = (fixture(version), tempfile::tempdir().unwrap(), now() - AGO);
    let receiver = Receiver::with([]);
    older::restore(&fixture, data.path(), &receiver.url, then);
    let (facts, answers) = older::answers(&fixture, then);
    let arguments = ["--rate-limit", "0", "--var", "ALLOW_PRIVATE_WEBHOOKS=true"];
    let hosted = package().serve(data.path(), &arguments);
    let life = Life { api: hosted.api(), facts };
    Upgraded { data, hosted, life, answers, receiver }
}

/// What is missing, or no longer the same.
fn lost(was: &Value, is: &Value, place: &str, found: &mut Vec<String>) {
    match (was, is) {
        (Value::Object(fields), Value::Object(_)) => {
            for (name, was) in fields.iter().filter(|(name, _)| !MOVING.contains(&name.as_str())) {
                lost(was, &is[name], &format!("{place}.{name}"), found);
            }
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            for (at, (was, is)) in was.iter().zip(is).enumerate() {
                lost(was, is, &format!("{place}[{at}]"), found);
            }
        }
        _ if was == is => {}
        _ => found.push(format!("{place} was {was} and is {is}")),
    }
}

/// Runs a check over the data of each version.
fn with_each(check: impl Fn(&Upgraded)) {
    for version in VERSIONS {
        eprintln!("{version}");
        let upgraded = upgraded(version);
        check(&upgraded);
        let errors = upgraded.hosted.errors();
        assert!(!errors.contains("\"fault\""), "{errors}");
    }
}

#[test]
fn everybody_reads_all_that_was_there() {
    with_each(|Upgraded { life, answers, .. }| {
        let mut found = Vec::new();
        for (read, was) in life.reads().iter().zip(answers) {
            lost(was, &life.read(read), &format!("{} {}", read.0, read.1), &mut found);
        }
        assert!(answers.len() > 40 && found.is_empty(), "{}", found.join("\n"));
    });
}

#[test]
fn a_conversation_goes_on() {
    with_each(|Upgraded { life, receiver, .. }| {
        let [ada, bob, cleo, eve] =
            ["ada", "bob", "cleo", "eve"].map(|name| life.member(&format!("talk/{name}")));
        let again = ada.call("POST", "/messages").idempotency_key("first");
        let again =
            done(&again.json(&json!({ "text": "Good morning: Grüße, 你好 🦊" })).send(), 201);
        assert_eq!(string(&again["id"]), life.fact("first"), "a repeated send is known");

        assert_eq!(life.claim(&life.fact("used"), "finn").error().0, 404);
        let key = string(&done(&life.claim(&life.fact("open"), "finn"), 200)["sessionKey"]);
        let texts = Member { agent: "finn".to_owned(), key, ..ada.clone() }.read_after("").0;
        assert_eq!((texts[0].as_str(), texts.len()), ("Welcome.", 14), "{texts:?}");
        let revoke = format!("/v1/pair/{}", life.fact("invited"));
        done(&life.api.call("DELETE", &revoke).agent("ada").key(&ada.key).send(), 200);
        assert_eq!(life.claim(&life.fact("invited"), "gus").error().0, 404);

        let newest = string(&bob.send("I go on.")["cursor"]);
        ada.send("So do I.");
        assert_eq!(cleo.read_after(&newest).0, ["So do I."]);
        let posted =
            (1..=10).map(|n| format!("Number {n}")).chain(["I go on.".into(), "So do I.".into()]);
        let posted: Vec<String> = posted.collect();
        eventually("the webhook takes up what waited", || receiver.texts() == posted);

        let task = json!({ "to": "bob", "task": "Do what older relays did not have." });
        done(&ada.call("POST", "/tasks").json(&task).send(), 201);
        done(&ada.call("PUT", "/files/new.txt").body(b"new").send(), 201);
        assert_eq!(bob.call("GET", "/files/new.txt").send().bytes(), b"new");

        done(&life.claim(&life.fact("used"), "bob"), 200);
        assert_eq!(
            bob.call("GET", "/messages").send().status,
            403,
            "the same claim gives a new key"
        );
        assert_eq!(eve.call("GET", "/messages").send().status, 403, "who left is no member");
        let join = |agent| {
            life.api.post(&format!("/v1/sessions/{}/join", ada.session)).agent(agent).send()
        };
        assert_eq!(join("ada").error(), (409, "agent_id_taken".to_owned()));
        let over = life.member("over/ada").call("GET", "/messages").send();
        assert_eq!(over.error(), (404, "session_not_found".to_owned()));
        let sessions = if life.has_teams() { 4 } else { 2 };
        let counted = || life.api.get("/v1/stats").send().json()["activeSessions"] == sessions;
        eventually("the session that has ended is no longer counted", counted);
        for member in life.odd_members() {
            assert_eq!(member.read_after("0").0[0], format!("For {}.", member.agent));
            member.send("I am still here.");
        }
    });
}

#[test]
fn letters_wait_and_go_on() {
    with_each(|Upgraded { life, hosted, .. }| {
        let [ada, bob, cleo, eve] =
            ["@ada", "@bob", "@cleo", "@eve"].map(|name| life.resident(name));
        let old = Resident { secret: OLD_SECRET.to_owned(), ..ada.clone() };
        assert_eq!(old.call("GET", "/messages").send().error(), (401, "invalid_secret".to_owned()));
        let (mut texts, cursor) = ada.waiting();
        // The first relays kept what waited from an agent that was blocked.
        texts.retain(|text| text != "Before I was blocked.");
        assert_eq!(texts, ["Unread.", "Hello.", "Hello, I am Odo."]);
        assert_eq!(ada.ack(&cursor)["waiting"], 0);
        let third = json!({ "text": "Third.", "conversationId": "c" });
        assert_eq!(done(&bob.to("ada").json(&third).send(), 201)["turn"], 3);
        assert_eq!(ada.waiting().0, ["Third."]);
        assert_eq!(bob.status("ada", &life.facts["letter"])["state"], "acked");
        ada.send("bob", "Is this allowed?");

        let refused =
            |from: &Resident, to: &str, body: Value| from.to(to).json(&body).send().error();
        assert_eq!(refused(&eve, "ada", json!({ "text": "t" })), (403, "blocked".to_owned()));
        assert_eq!(refused(&eve, "bob", json!({ "text": "t" })), (403, "not_allowed".to_owned()));
        let ended = json!({ "text": "t", "conversationId": "ended" });
        assert_eq!(refused(&bob, "cleo", ended), (409, "conversation_ended".to_owned()));
        assert_eq!(cleo.waiting().0, ["From one that goes."]);
        assert_eq!(life.api.get("/v1/agents/gone").send().status, 404);
        life.api.register("gone");

        let secret = life.resident("@mia").secret;
        let mia = life.api.get(&format!("/messenger/poll?id=mia&secret={secret}")).send();
        assert_eq!(mia.json()["messages"][0]["message"], "Dear Mia.");
        let Resident { api, id, secret } = life.resident("@odo");
        let mut odo = dialogue::Agent { api, url: hosted.url.clone(), id, secret }.connect();
        assert_eq!(odo.hear()["content"], "Dear Odo.");
        odo.say("ada", "Dear Ada.", "o");
        assert_eq!(ada.waiting().0, ["Third.", "Dear Ada."]);
    });
}

#[test]
fn a_team_goes_on() {
    with_each(|Upgraded { life, .. }| {
        if !life.has_teams() {
            return;
        }
        let [ada, bob, hurried] =
            ["team/ada", "team/bob", "hurry/ada"].map(|name| life.member(name));
        let path = |name| format!("/tasks/{}", life.fact(name));
        let late = || hurried.call("GET", &path("late")).send().json()["status"] == "overdue";
        eventually("a task becomes overdue", late);
        for status in ["accepted", "in_progress", "completed"] {
            done(
                &bob.call("POST", &path("pending")).json(&json!({ "status": status })).send(),
                200,
            );
        }
        assert_eq!(ada.call("GET", &path("pending")).send().json()["status"], "completed");

        let page = done(&life.claw("GET", "/poll/dan").send(), 200);
        let task = list(&page["messages"]).iter().find(|message| message["task"] == "Draw.");
        let respond = json!({ "from_agent": "dan", "to_agent": "ada", "message_id": task.unwrap()["message_id"], "result": "drawn" });
        done(&life.claw("POST", "/respond").json(&respond).send(), 200);

        let save = |key: &str| bob.call("PUT", &format!("/files/{key}")).body(b"three");
        done(&save("docs/plan.md").header("If-Match", b"\"2\"").send(), 200);
        assert_eq!(done(&save("gone.txt").send(), 201)["version"], 3, "it goes on counting");
        assert_eq!(ada.call("GET", "/files/docs/plan.md?version=1").send().bytes(), b"one");
        let join = || life.api.post(&format!("/v1/sessions/{}/join", ada.session)).agent("hal");
        assert_eq!(join().send().error(), (401, "missing_token".to_owned()));
        done(&join().bearer(TOKEN).send(), 200);
    });
}

/// Every database of a relay that was stopped, by its path, without what the platform notes.
fn contents(data: &Path) -> BTreeMap<PathBuf, String> {
    let read = |path: PathBuf| {
        let sql = older::dump(&Connection::open(&path).unwrap());
        let rows = sql.lines().filter(|row| !row.starts_with("INSERT INTO _cf_"));
        (path, rows.collect())
    };
    older::databases(&data.join("objects"), "sqlite").into_iter().map(read).collect()
}

/// Says in every database that a version later than today's has written it.
fn make_newer(data: &Path) {
    for path in older::databases(&data.join("objects"), "sqlite") {
        let database = Connection::open(&path).unwrap();
        let sql = |sql: &str| database.execute_batch(sql).is_ok();
        let has_record = ["log", "mail"].map(|table| {
            sql(&format!(
                "UPDATE {table} SET record = json_set(record, '$.schema', 99) WHERE cursor = 0"
            ))
        });
        if has_record == [false, false] && !path.ends_with("metadata.sqlite") {
            let create = "CREATE TABLE IF NOT EXISTS schema_version (name TEXT PRIMARY KEY, version INTEGER NOT NULL)
                WITHOUT ROWID;";
            let put = "INSERT OR REPLACE INTO schema_version SELECT name, 99 FROM sqlite_master
                WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name != 'schema_version';";
            assert!(sql(create) && sql(put));
        }
    }
}

#[test]
fn used_data_is_in_the_newest_form_and_that_of_a_newer_version_is_not_touched() {
    let Upgraded { data, hosted, life, .. } = upgraded("schema-2");
    let has = |text: &str| contents(data.path()).into_values().find(|sql| sql.contains(text));
    eventually("what has ended is deleted", || has("Nobody will read this.").is_none());
    life.member("talk/ada").send("In the newest form.");
    hosted.stop();
    let talk = has("In the newest form.").unwrap();
    assert!(talk.contains("{\"schema\":") && !talk.contains("{\"schema\":2,"), "{talk}");

    let hosted = package().serve(data.path(), &[]);
    let again = Life { api: hosted.api(), facts: life.facts.clone() };
    let texts = again.member("talk/bob").read_after("").0;
    assert_eq!(texts.last().unwrap(), "In the newest form.");
    hosted.stop();

    make_newer(data.path());
    let before = contents(data.path());
    let hosted = package().serve(data.path(), &["--rate-limit", "0"]);
    let life = Life { api: hosted.api(), ..life };
    let (ada, bob) = (life.member("talk/ada"), life.resident("@bob"));
    let calls = [
        ada.call("GET", "/messages"),
        ada.call("POST", "/messages").json(&json!({ "text": "t" })),
        ada.call("DELETE", ""),
        bob.call("GET", "/messages"),
        bob.to("ada").json(&json!({ "text": "t" })),
        life.api.get("/v1/agents"),
    ];
    for call in calls {
        assert_eq!(call.send().error(), (500, "internal_error".to_owned()));
    }
    assert_eq!(life.claim(&life.fact("open"), "finn").error(), (500, "internal_error".to_owned()));
    hosted.stop();
    let after = contents(data.path());
    for (path, was) in &before {
        assert_eq!(&after[path], was, "{}", path.display());
    }
}
