//! What is stored, and what it costs.

use crate::encrypted::{create, knowing, sealed};
use nexus_seal::{Place, Secret};
use nexus_tests::{Answer, Api, Call, Member, Relay, eventually, list, string};
use rusqlite::Connection;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// The tables of every object's database below `folder`, those of the platform left out.
pub(crate) fn tables(folder: &Path) -> Vec<String> {
    let mut tables = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            tables.extend(self::tables(&path));
        } else if path.extension().is_some_and(|ending| ending == "sqlite")
            && path.file_stem().unwrap() != "metadata"
        {
            let database = Connection::open(&path).unwrap();
            let mut statement = database
                .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'")
                .unwrap();
            tables.extend(statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap));
        }
    }
    tables.sort();
    tables
}

#[test]
fn what_does_not_exist_writes_nothing() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let api = Api::new(&relay.url());
    let session = format!("/v1/sessions/{}", "0".repeat(48));
    for answer in [
        api.get(&session).send(),
        api.post(&format!("{session}/join")).agent("a").send(),
        api.get(&format!("{session}/messages")).agent("a").send(),
        api.post(&format!("{session}/messages")).agent("a").json(&json!({ "text": "x" })).send(),
        api.post(&format!("{session}/renew")).agent("a").send(),
        api.call("DELETE", &format!("{session}/agents/a")).agent("a").key("k").send(),
        api.put("/v1/pair").json(&json!({ "sessionId": "0".repeat(48) })).send(),
        api.get("/p/PEARL-FOCAL-S5SJV").send(),
        api.get("/v1/pair/PEARL-FOCAL-S5SJV/status").send(),
        api.post("/v1/pair/PEARL-FOCAL-S5SJV/claim").agent("a").send(),
        api.put("/v1/sessions").json(&json!({ "ttl": 0 })).send(),
    ] {
        assert!((400..500).contains(&answer.status), "{}", answer.text());
    }
    relay.kill();
    assert_eq!(tables(state.path()), Vec::<String>::new());
}

#[test]
fn the_end_of_a_session_leaves_nothing_behind() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let api = Api::new(&relay.url());
    let (session, _) = api.create(&json!({ "ttl": 1, "greeting": "a secret greeting" }));
    let path = format!("/v1/sessions/{session}");
    assert_eq!(api.get(&path).send().status, 200);
    // Asking does not build the object's tables again.
    eventually("the session ends", || api.get(&path).send().status == 404);
    eventually("the alarm deletes it", || {
        relay.kill();
        let left = tables(state.path());
        relay.restart().unwrap();
        !left.contains(&"log".to_owned())
    });
}

fn proving<'a>(call: Call<'a>, secret: Option<&Secret>) -> Call<'a> {
    secret.into_iter().fold(call, knowing)
}

fn shown<'a>(call: Call<'a>, key: Option<&str>) -> Call<'a> {
    key.into_iter().fold(call, Call::key)
}

/// How many rows each call writes, in an open session or in one that is encrypted with this secret.
fn costs(api: &Api, secret: Option<&Secret>) -> BTreeMap<&'static str, usize> {
    let (session, creator) = api.create(&secret.map_or_else(|| json!({}), create));
    let status = || api.get(&format!("/v1/sessions/{session}")).send();
    let written = |answer: &Answer| -> usize {
        assert!(answer.status < 300, "{}", answer.text());
        answer.header("X-Rows-Written").parse().unwrap()
    };
    // The directory writes too, when it likes: so each figure is read off the answer to the call
    // itself, and is the least of several.
    let mut costs = BTreeMap::new();
    for round in 0..7 {
        let agent = format!("a{round}");
        let call = |method, path: &str| {
            let path = format!("/v1/sessions/{session}{path}");
            api.call(method, &path).agent(&agent)
        };
        let mut cost = |name, make: &dyn Fn() -> Answer| {
            let before = written(&status());
            let answer = make();
            let rows = written(&answer) - before;
            costs.entry(name).and_modify(|least| *least = rows.min(*least)).or_insert(rows);
            answer
        };
        let words = |place| {
            secret.map_or_else(|| "x".to_owned(), |secret| sealed(secret, place, &agent, "x"))
        };
        let text = json!({ "text": words(Place::Text) });
        let new = match secret {
            Some(_) => create(&crate::encrypted::secret()),
            None => json!({ "creatorAgentId": "a" }),
        };
        cost("create", &|| api.put("/v1/sessions").json(&new).send());
        let joined = cost("join", &|| proving(call("POST", "/join"), secret).send()).json();
        let key = string(&joined["sessionKey"]);
        // An open session asks for no key here.
        let asked_for = secret.map(|_| key.as_str());
        cost("send", &|| shown(call("POST", "/messages"), asked_for).json(&text).send());
        cost("send with key", &|| {
            shown(call("POST", "/messages"), asked_for).idempotency_key("k").json(&text).send()
        });
        cost("poll", &|| shown(call("GET", "/messages"), asked_for).send());
        cost("renew", &|| shown(call("POST", "/renew"), asked_for).send());
        let give = json!({ "to": agent, "task": words(Place::Task) });
        cost("task", &|| call("POST", "/tasks").key(&key).json(&give).send());
        let file = words(Place::Text);
        cost("file", &|| call("PUT", "/files/f").key(&key).body(file.as_bytes()).send());
        cost("leave", &|| call("DELETE", &format!("/agents/{agent}")).key(&key).send());
        let code = match &creator {
            Some(key) => {
                let (session, key) = (session.clone(), key.clone());
                Member { api: api.clone(), session, agent: "a".to_owned(), key }.pair()
            }
            None => api.pair(&session),
        };
        let path = format!("/v1/pair/{code}/claim");
        cost("claim", &|| proving(api.post(&path).agent(&agent), secret).send());
    }
    costs
}

#[test]
fn what_each_call_costs_is_what_the_architecture_says() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    for secret in [None, Some(crate::encrypted::secret())] {
        let mut costs = costs(&api, secret.as_ref());
        println!("rows written: {costs:?}");
        // Two in the index and two in the session, and mostly the directory's before the answer is out.
        let claim = costs.remove("claim");
        assert!(claim.is_some_and(|rows| (4..=5).contains(&rows)), "{claim:?}");
        let expected = [
            ("create", 4),
            ("join", 2),
            ("send", 1),
            ("send with key", 2),
            ("poll", 0),
            ("renew", 1),
            ("task", 2),
            ("file", 2),
            // And what tells that its task went back to nobody: the asker was itself.
            ("leave", 4),
        ];
        assert_eq!(costs, BTreeMap::from(expected), "encrypted: {}", secret.is_some());
    }
}

#[test]
fn polls_write_next_to_nothing() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let a = Api::new(&relay.url()).session();
    let rows =
        || -> usize { a.call("GET", "/messages").send().header("X-Rows-Written").parse().unwrap() };
    let before = settled("the directory knows the session", rows);
    for _ in 0..300 {
        let _ = a.poll("?members=true");
    }
    assert!(rows() - before <= 2);
}

/// How many rows were written once nothing more is.
fn settled(what: &str, rows: impl Fn() -> usize) -> usize {
    let (mut before, mut since) = (rows(), Instant::now());
    eventually(what, || {
        let now = rows();
        if now != before {
            (before, since) = (now, Instant::now());
        }
        since.elapsed() > Duration::from_secs(2)
    });
    before
}

/// The budget of the architecture, read off the platform's own counter: a session of two agents and 20 messages, from
/// its creation to its end, with readers that wait, and what the directory and the edge write.
#[test]
fn a_conversation_costs_what_its_budget_says() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    let (other, _) = api.create(&json!({ "creatorAgentId": "a" }));
    let rows = || -> usize {
        let answer = api.get(&format!("/v1/sessions/{other}")).send();
        answer.header("X-Rows-Written").parse().unwrap()
    };
    // The tables of the directory, and the first minute of the edge.
    let before = settled("the directory knows the first session", rows);
    let a = api.session();
    let b = a.join("b");
    for number in 0..20 {
        let (sender, reader) = if number % 2 == 0 { (&a, &b) } else { (&b, &a) };
        thread::scope(|scope| {
            let after = string(&reader.poll("?limit=500")["nextCursor"]);
            let waiting = scope.spawn(move || reader.poll(&format!("?after={after}&wait=25")));
            sender.send(&number.to_string());
            assert_eq!(list(&waiting.join().unwrap()["messages"]).len(), 1);
        });
    }
    assert_eq!(a.call("DELETE", "").send().status, 200);
    let written = settled("the directory knows the end", rows) - before;
    println!("rows written: {written}");
    // As in `crates/core/tests/rhythm.rs`, where the alarm counts and the deletion in the directory, which comes
    // later: 36 less 2. The edge adds at most 2 for each minute that it began to count, and dropping the table 2. Messages
    // come so fast here that one report stands for several.
    assert!((27..=38).contains(&written), "{written}");
}

#[test]
fn an_alarm_that_fails_is_set_again() {
    let state = tempfile::tempdir().unwrap();
    let start =
        |max_agents| Relay::builder().state_dir(state.path()).var("MAX_AGENTS", max_agents).start();
    let mut relay = start("1").unwrap();
    let _ = Api::new(&relay.url()).create(&json!({ "ttl": 2 }));
    relay.kill();
    drop(relay);
    let mut relay = start("0").unwrap();
    eventually("the alarm fails, and says why", || {
        relay.log().lines().any(|line| line.contains("\"alarm\"") && line.contains("MAX_AGENTS"))
    });
    relay.kill();
    assert_eq!(alarms(state.path()).len(), 1);
}

/// When the alarms of all sessions ring, in milliseconds since 1970.
pub(crate) fn alarms(state: &Path) -> Vec<i64> {
    let mut objects = fs::read_dir(state.join("objects")).unwrap().map(Result::unwrap);
    let sessions = objects.find(|entry| entry.file_name().to_string_lossy().ends_with("Session"));
    let database = Connection::open(sessions.unwrap().path().join("metadata.sqlite")).unwrap();
    let mut statement = database.prepare("SELECT scheduled_time FROM _cf_ALARM").unwrap();
    let times = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    times.map(|nanos| nanos.unwrap() / 1_000_000).collect()
}

#[test]
fn a_webhook_under_way_does_not_put_off_the_end_of_the_session() {
    let state = tempfile::tempdir().unwrap();
    let on = "ALLOW_PRIVATE_WEBHOOKS";
    let mut relay = Relay::builder().state_dir(state.path()).var(on, "on").start().unwrap();
    let api = Api::new(&relay.url());
    let (session, key) = api.create(&json!({ "ttl": 20, "creatorAgentId": "a" }));
    let a = Member { api, session, agent: "a".into(), key: key.unwrap() };
    // Where nobody answers, and nobody refuses.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let hook = json!({ "url": url, "secret": "a secret of sixteen" });
    let b = a.join("b");
    assert_eq!(b.call("PUT", "/webhook").json(&hook).send().status, 200);
    a.send("x");
    let (_under_way, _) = silent.accept().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    relay.kill();
    let alarms = alarms(state.path());
    let ends = i64::try_from(now.as_millis()).unwrap() + 20_000;
    assert!(alarms.len() == 1 && alarms[0] <= ends, "{alarms:?} {ends}");
}

#[test]
fn nothing_that_is_secret_is_logged() {
    let state = tempfile::tempdir().unwrap();
    let relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let a = Api::new(&relay.url()).session();
    let code = a.api.pair(&a.session);
    a.send("a secret message");
    let refused = a.call("POST", "/messages").key("nxk_wrong").json(&json!({ "text": "x" })).send();
    assert_eq!(refused.status, 403);
    drop(relay);

    // And where requests that carry secrets fail, and are logged.
    let relay = Relay::builder().state_dir(state.path()).var("MAX_AGENTS", "0").start().unwrap();
    let api = Api::new(&relay.url());
    let path = format!("/v1/sessions/{}/messages", a.session);
    let send = api.post(&path).agent("a").key(&a.key).json(&json!({ "text": "a secret message" }));
    assert_eq!(send.send().status, 500);
    assert_eq!(api.post(&format!("/v1/pair/{code}/claim")).agent("b").send().status, 500);
    assert_eq!(api.get(&format!("/p/{code}")).send().status, 500);
    eventually("the failures are logged", || relay.log().matches("MAX_AGENTS").count() >= 3);
    let log = relay.log();
    for secret in [&a.session, &a.key, &code, "a secret message"] {
        assert!(!log.contains(secret));
    }
}
