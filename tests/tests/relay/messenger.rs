//! The messenger's protocol, spoken by hand as its own script does.

use nexus_tests::{Answer, Api, Relay, list, live::Socket, relay, string};
use serde_json::{Value, json};

/// What the tests call `secret`, as long as a secret must be.
fn whole(secret: &str) -> String {
    format!("{secret}-in-all-its-length")
}

fn register(api: &Api, id: &str, secret: &str) -> Answer {
    let (name, secret) = (format!("{id} by name"), whole(secret));
    api.post("/messenger/register")
        .json(&json!({ "id": id, "name": name, "secret": secret }))
        .send()
}

fn send(api: &Api, from: &str, to: &str, message: &str, secret: &str) -> Answer {
    let body = json!({ "from": from, "to": to, "message": message, "secret": whole(secret) });
    api.post("/messenger/send").json(&body).send()
}

fn poll(api: &Api, id: &str, secret: &str) -> Answer {
    let secret = whole(secret);
    api.get(&format!("/messenger/poll?id={id}&secret={secret}")).send()
}

fn texts(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let messages = list(&body["messages"]);
    assert_eq!(body["count"], messages.len());
    messages.iter().map(|message| string(&message["message"])).collect()
}

fn socket(relay: &Relay, id: &str, secret: &str) -> Result<Socket, Option<u16>> {
    let secret = whole(secret);
    Socket::open(&relay.url(), &format!("/messenger/ws?id={id}&secret={secret}"), &[])
}

fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.json()["error"].as_str().unwrap().len() > 20, "{}", answer.text());
}

#[test]
fn a_secret_that_a_poll_cannot_carry_is_refused_with_the_reason() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for secret in ["a b", "a+b", "a%b", "a&b", "a#b"] {
        let answer = register(&api, "ann", secret);
        refused(&answer, 400);
        assert!(
            string(&answer.json()["error"]).contains("a poll has it in its address"),
            "{secret}"
        );
    }
    assert_eq!(register(&api, "ann", "a=b?/:;,").status, 201);
    assert_eq!(poll(&api, "ann", "a=b?/:;,").status, 200);
}

#[test]
fn a_new_secret_is_not_short_and_one_that_was_stored_before_stays_good() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let api = Api::new(&relay.url());
    let with = |secret: &str| {
        api.post("/messenger/register").json(&json!({ "id": "ann", "secret": secret })).send()
    };
    for short in ["s", "1234567"] {
        refused(&with(short), 400);
        assert!(string(&with(short).json()["error"]).contains("at least 8 characters"));
    }
    assert_eq!(api.get("/v1/agents/ann").send().status, 404, "nothing was registered");
    assert_eq!(with("12345678").status, 201);
    // As an older version may have stored it, which took short ones.
    relay.kill();
    let shared = r#"json_set(record, '$.credential', json('{"shared":"s"}'))"#;
    assert_eq!(change_stored(state.path(), "ann", shared), 1);
    relay.restart().unwrap();
    let again = api.post("/messenger/register").json(&json!({ "id": "ann", "secret": "s" })).send();
    assert_eq!(again.status, 201, "{}", again.text());
    assert_eq!(api.get("/messenger/poll?id=ann&secret=s").send().status, 200);
}

#[test]
fn users_register_write_and_poll_each_message_once() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let registered = register(&api, "ann", "a");
    assert_eq!(registered.status, 201);
    assert_eq!(registered.json(), json!({ "ok": true, "id": "ann", "name": "ann by name" }));
    assert_eq!(register(&api, "ann", "a").status, 201, "the same again");
    refused(&register(&api, "ann", "another"), 409);
    register(&api, "ben", "b");

    let sent = send(&api, "ann", "ben", "Tuesday?", "a");
    assert_eq!((sent.status, &sent.json()["ok"]), (200, &json!(true)));
    send(&api, "ann", "ben", "At ten.", "a");
    let read = poll(&api, "ben", "b");
    assert_eq!(texts(&read), ["Tuesday?", "At ten."]);
    let first = list(&read.json()["messages"])[0].clone();
    assert_eq!(
        (&first["from"], &first["fromName"], &first["to"]),
        (&json!("ann"), &json!("ann by name"), &json!("ben"))
    );
    assert_eq!(first["timestamp"], sent.json()["timestamp"]);
    assert!(texts(&poll(&api, "ben", "b")).is_empty(), "what was returned is not returned again");
}

#[test]
fn wrong_secrets_unknown_users_and_bad_bodies_are_refused_and_nothing_is_delivered() {
    let relay = relay();
    let api = Api::new(&relay.url());
    register(&api, "ann", "a");
    register(&api, "ben", "b");
    refused(&send(&api, "ann", "ben", "forged", "wrong"), 401);
    refused(&send(&api, "nobody", "ben", "forged", "a"), 401);
    refused(&send(&api, "no body", "ben", "forged", "a"), 401);
    refused(&send(&api, "ann", "nobody", "x", "a"), 404);
    refused(&send(&api, "ann", "no body", "x", "a"), 404);
    refused(&send(&api, "ann", "ben", "", "a"), 400);
    refused(&api.post("/messenger/send").body(b"{").send(), 400);
    refused(
        &api.post("/messenger/register").json(&json!({ "id": "a b", "secret": "s" })).send(),
        400,
    );
    for query in
        ["", "?id=ben", "?id=ben&secret=wrong", "?id=nobody&secret=b", "?id=b%20n&secret=b"]
    {
        refused(&api.get(&format!("/messenger/poll{query}")).send(), 401);
        let opened = Socket::open(&relay.url(), &format!("/messenger/ws{query}"), &[]);
        assert_eq!(opened.err(), Some(Some(401)), "{query}");
    }
    assert!(texts(&poll(&api, "ben", "b")).is_empty());
}

#[test]
fn users_are_listed_and_seen_online() {
    let relay = relay();
    let api = Api::new(&relay.url());
    register(&api, "ann", "a");
    api.register("hidden");
    // A client that encodes its query is understood, too.
    register(&api, "ben", "s=t/é");
    let secret = concat!("s%3Dt", "%2F%C3%A9");
    let mut ben = socket(&relay, "ben", secret).unwrap();
    assert_eq!(
        ben.expect("connected"),
        json!({ "type": "connected", "id": "ben", "name": "ben by name" })
    );
    let users = api.get("/messenger/users").send().json();
    let ids: Vec<&Value> = list(&users["users"]).iter().map(|user| &user["id"]).collect();
    assert_eq!((&users["count"], ids), (&json!(2), vec![&json!("ben"), &json!("ann")]));
    assert_eq!(
        list(&users["users"])[0],
        json!({ "id": "ben", "name": "ben by name", "online": true })
    );
}

#[test]
fn a_socket_brings_what_waits_and_what_comes_once() {
    let relay = relay();
    let api = Api::new(&relay.url());
    register(&api, "ann", "a");
    register(&api, "ben", "b");
    for number in 0..25 {
        send(&api, "ann", "ben", &number.to_string(), "a");
    }
    let mut ben = socket(&relay, "ben", "b").unwrap();
    ben.expect("connected");
    for number in 0..25 {
        let frame = ben.expect("message");
        assert_eq!(frame["data"]["message"], number.to_string());
        assert_eq!(frame["data"]["fromName"], "ann by name");
    }
    nexus_tests::eventually("ben is live", || {
        send(&api, "ann", "ben", "ping", "a").json()["delivery"] == "live"
    });
    let live = ben.expect("message");
    assert_eq!(
        (&live["data"]["message"], &live["data"]["fromName"]),
        (&json!("ping"), &json!("ann by name"))
    );
    assert!(texts(&poll(&api, "ben", "b")).is_empty(), "a socket has taken it");
    drop(ben);
    nexus_tests::eventually("ben is gone", || {
        send(&api, "ann", "ben", "later", "a").json()["delivery"] == "queued"
    });
    let mut ben = socket(&relay, "ben", "b").unwrap();
    ben.expect("connected");
    assert_eq!(ben.expect("message")["data"]["message"], "later");
}

#[test]
fn natives_and_messengers_write_to_each_other() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let native = api.register("native");
    register(&api, "ann", "a");
    assert_eq!(native.to("ann").body(br#"{"json":{"n":1.50}}"#).send().status, 201);
    assert_eq!(texts(&poll(&api, "ann", "a")), [r#"{"n":1.50}"#]);
    send(&api, "ann", "native", "Hello!", "a");
    let page = native.call("GET", "/messages").send().json();
    let message = &list(&page["messages"])[0];
    assert_eq!((&message["agentId"], &message["text"]), (&json!("ann"), &json!("Hello!")));
    // What the native agent says of whom it hears, holds here too.
    assert_eq!(native.call("PUT", "/blocks/ann").send().status, 200);
    refused(&send(&api, "ann", "native", "Hello again!", "a"), 403);
}

#[test]
fn a_message_is_no_longer_here_than_anywhere() {
    let relay = relay();
    let api = Api::new(&relay.url());
    register(&api, "ann", "a");
    register(&api, "ben", "b");
    refused(&send(&api, "ann", "ben", &"x".repeat(65_537), "a"), 413);
    assert_eq!(send(&api, "ann", "ben", &"x".repeat(65_536), "a").status, 200);
    assert_eq!(texts(&poll(&api, "ben", "b")), ["x".repeat(65_536)]);
}

#[test]
fn a_look_without_a_body_takes_nothing() {
    let relay = relay();
    let api = Api::new(&relay.url());
    register(&api, "ann", "a");
    register(&api, "ben", "b");
    send(&api, "ann", "ben", "Tuesday?", "a");
    let look = api.call("HEAD", "/messenger/poll?id=ben&secret=b").send();
    assert_eq!((look.status, look.header("Allow")), (405, "GET"));
    assert_eq!(texts(&poll(&api, "ben", "b")), ["Tuesday?"]);
}

/// Changes what is stored of an agent itself, by an expression over the `record`.
fn change_stored(folder: &std::path::Path, id: &str, expression: &str) -> usize {
    let mut changed = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            changed += change_stored(&path, id, expression);
        } else if path.extension().is_some_and(|ending| ending == "sqlite") {
            let sql = format!(
                "UPDATE mail SET record = {expression} WHERE cursor = 0 AND record LIKE ?1"
            );
            let database = rusqlite::Connection::open(&path).unwrap();
            // The databases of other objects have no such table.
            let rows = database.execute(&sql, [format!("%\"agentId\":\"{id}\"%")]);
            changed += rows.unwrap_or(0);
        }
    }
    changed
}

#[test]
fn what_a_broken_sender_wrote_is_not_lost_and_holds_nothing_up() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let api = Api::new(&relay.url());
    for (id, secret) in [("ann", "a"), ("ben", "b"), ("eve", "e")] {
        register(&api, id, secret);
    }
    send(&api, "eve", "ben", "one", "e");
    send(&api, "ann", "ben", "two", "a");
    send(&api, "eve", "ann", "three", "e");
    relay.kill();
    assert_eq!(change_stored(state.path(), "eve", "'{}'"), 1, "its mailbox now fails");
    relay.restart().unwrap();
    assert_eq!(api.get("/v1/agents/eve").send().status, 500);
    let read = poll(&api, "ben", "b");
    assert_eq!(texts(&read), ["one", "two"]);
    assert_eq!(list(&read.json()["messages"])[0]["fromName"], "eve", "its id, for want of a name");
    let mut ann = socket(&relay, "ann", "a").unwrap();
    ann.expect("connected");
    assert_eq!(ann.expect("message")["data"]["message"], "three");
    nexus_tests::eventually("ann is live", || {
        send(&api, "ben", "ann", "four", "b").json()["delivery"] == "live"
    });
}

#[test]
fn every_device_gets_what_comes() {
    let relay = relay();
    let api = Api::new(&relay.url());
    register(&api, "ann", "a");
    register(&api, "ben", "b");
    let mut devices = [(); 2].map(|()| socket(&relay, "ben", "b").unwrap());
    for device in &mut devices {
        device.expect("connected");
    }
    nexus_tests::eventually("ben is live", || {
        send(&api, "ann", "ben", "ping", "a").json()["delivery"] == "live"
    });
    assert_eq!(send(&api, "ann", "ben", "Tuesday?", "a").json()["delivery"], "live");
    for device in &mut devices {
        while device.expect("message")["data"]["message"] != "Tuesday?" {}
    }
    assert!(texts(&poll(&api, "ben", "b")).is_empty(), "it is acknowledged for all");
}

#[test]
fn devices_that_catch_up_at_once_each_get_all_that_follows() {
    let relay = nexus_tests::agents::roomy_relay();
    let api = Api::new(&relay.url());
    register(&api, "ann", "a");
    register(&api, "ben", "b");
    for number in 0..100 {
        send(&api, "ann", "ben", &number.to_string(), "a");
    }
    let mut devices = [(); 4].map(|()| socket(&relay, "ben", "b").unwrap());
    for number in 100..200 {
        send(&api, "ann", "ben", &number.to_string(), "a");
    }
    for device in &mut devices {
        device.expect("connected");
        let mut number =
            || -> u32 { string(&device.expect("message")["data"]["message"]).parse().unwrap() };
        // What another had acknowledged before it came it does not get; from there on, all.
        let mut last = number();
        while last < 199 {
            let next = number();
            assert_eq!(next, last + 1);
            last = next;
        }
    }
}
