//! `read` of `nexus mcp`: what counts as read, and what a wait keeps from happening.

use crate::{
    fake::{Fake, Reply, forward, response},
    mcp_host::{Host, done, pair, texts},
    support::{Home, text},
};
use nexus_tests::eventually;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

#[test]
fn a_wait_keeps_nothing_else_from_being_answered() {
    let (_relay, _homes, [mut alice, mut bob]) = pair();
    alice.read(&json!({}));
    let waiting = alice.begin_call("read", &json!({ "wait": 50 }));
    // These are answered first, or the answer would not be the next one.
    assert_eq!(alice.ask("ping", &json!({}))["result"], json!({}));
    alice.call("send", &json!({ "text": "to bob" }));
    assert_eq!(alice.call("task", &json!({}))["tasks"], json!([]));
    assert_eq!(texts(&bob.call("read", &json!({ "wait": 20 }))), ["to bob"]);
    bob.call("send", &json!({ "text": "to alice" }));
    assert_eq!(texts(&done(&alice.answer(waiting))), ["to alice"]);
    assert!(alice.end().success() && bob.end().success());
}

#[test]
fn a_read_that_was_cancelled_gets_no_answer_and_marks_nothing() {
    let (_relay, _homes, [mut alice, mut bob]) = pair();
    alice.read(&json!({}));
    let waiting = alice.begin_call("read", &json!({ "wait": 50 }));
    alice.ask("ping", &json!({}));
    alice.note("notifications/cancelled", &json!({ "requestId": waiting, "reason": "user" }));
    bob.call("send", &json!({ "text": "hello" }));
    // An answer to the cancelled read would come before this one, and fail here.
    assert_eq!(alice.read(&json!({ "wait": 20 })), ["hello"]);
    // The same id may be used again.
    alice.write(&json!({ "jsonrpc": "2.0", "id": waiting, "method": "ping" }).to_string());
    assert_eq!(alice.answer(waiting)["result"], json!({}));
    assert!(alice.end().success());
}

#[test]
fn two_reads_at_a_time_tell_each_message_once() {
    let (_relay, _homes, [mut alice, mut bob]) = pair();
    alice.read(&json!({}));
    let waiting: Vec<u64> =
        (0..3).map(|_| alice.begin_call("read", &json!({ "wait": 6 }))).collect();
    alice.ask("ping", &json!({}));
    bob.call("send", &json!({ "text": "once" }));
    let mut told = Vec::new();
    for _ in &waiting {
        told.extend(texts(&done(&alice.any_answer())));
    }
    assert_eq!(told, ["once"]);
    assert!(alice.end().success());
}

#[test]
fn nothing_is_lost_and_nothing_told_twice_when_it_is_killed() {
    let (_relay, homes, [mut alice, mut bob]) = pair();
    let mut told = Vec::new();
    for round in 0..6 {
        for number in 0..3 {
            bob.call("send", &json!({ "text": format!("{round}.{number}") }));
        }
        told.extend(alice.read(&json!({ "limit": 2 })));
        if round % 2 == 0 {
            // What was answered is stored before anything else is answered.
            alice.ask("ping", &json!({}));
        } else {
            // Killed while it waits for nothing, with an answer that was never written.
            alice.note("notifications/cancelled", &json!({ "requestId": 0 }));
            alice.ask("ping", &json!({}));
            alice.begin_call("read", &json!({ "wait": 50, "after": "1000" }));
        }
        alice.kill();
        alice = Host::start(&homes[0]);
    }
    loop {
        let rest = alice.call("read", &json!({}));
        told.extend(texts(&rest));
        if rest["more"] != true {
            break;
        }
    }
    let all: Vec<String> =
        (0..6).flat_map(|round| (0..3).map(move |number| format!("{round}.{number}"))).collect();
    assert_eq!(told, all);
    assert!(alice.end().success());
}

#[test]
fn a_message_whose_answer_could_not_be_written_comes_again() {
    let (_relay, homes, [alice, mut bob]) = pair();
    assert!(alice.end().success());
    let mut command = homes[0].command();
    let mut child = command.arg("mcp").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let read = |id: u32, wait: u32| {
        let params = json!({ "name": "read", "arguments": { "wait": wait } });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    writeln!(input, "{}", read(1, 0)).unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    drop(output);
    writeln!(input, "{}", read(2, 50)).unwrap();
    bob.call("send", &json!({ "text": "hello" }));
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(told.any(|line| line.contains("could not write")), "it says so");
    drop(input);
    assert!(child.wait().unwrap().success());
    let mut again = Host::start(&homes[0]);
    assert_eq!(again.read(&json!({ "wait": 20 })), ["hello"]);
    assert!(again.end().success());
}

#[test]
fn another_program_of_the_same_agent_shares_the_place() {
    let (_relay, homes, [mut alice, mut bob]) = pair();
    alice.read(&json!({}));
    bob.call("send", &json!({ "text": "one" }));
    let session = text(&homes[0].nexus(&["ls"]).done()["sessions"][0]["sessionId"]);
    assert!(homes[0].poll(&session).contains(&"one".to_owned()));
    bob.call("send", &json!({ "text": "two" }));
    assert_eq!(alice.read(&json!({ "wait": 20 })), ["two"]);
    alice.ask("ping", &json!({}));
    assert_eq!(homes[0].poll(&session), Vec::<String>::new());
}

#[test]
fn reading_from_a_place_moves_the_stored_one_only_over_what_was_told() {
    let (_relay, _homes, [mut alice, mut bob]) = pair();
    let first = text(&alice.call("read", &json!({}))["next"]);
    let ids: Vec<Value> = ["one", "two", "three"]
        .map(|word| bob.call("send", &json!({ "text": word }))["id"].clone())
        .into();
    let page = alice.call("read", &json!({ "limit": 1 }));
    assert_eq!((texts(&page), page["more"].clone()), (vec!["one".to_owned()], json!(true)));
    let after_two: u64 = text(&page["next"]).parse::<u64>().unwrap() + 1;
    // Beyond what was told: "two" is not lost.
    assert_eq!(alice.read(&json!({ "after": after_two })), ["three"]);
    assert_eq!(alice.read(&json!({ "after": first })), ["one", "two", "three"]);
    assert_eq!(alice.read(&json!({})), Vec::<String>::new(), "all were told now");
    assert_eq!(ids.len(), 3);
    let beyond = alice.call("read", &json!({ "after": "100000" }));
    assert_eq!(beyond["reset"], true);
    bob.call("send", &json!({ "text": "four" }));
    assert_eq!(alice.read(&json!({ "wait": 20 })), ["four"]);
}

#[test]
fn an_answer_is_short_enough_for_a_host_and_the_rest_comes_next() {
    let (_relay, _homes, [mut alice, mut bob]) = pair();
    alice.read(&json!({}));
    let long = |n: usize| format!("{n}{}", "x".repeat(30_000));
    for number in 0..4 {
        bob.call("send", &json!({ "text": long(number) }));
    }
    for number in 0..4 {
        let page = alice.call("read", &json!({ "wait": 20 }));
        assert_eq!(texts(&page), [long(number)]);
        assert_eq!(page["more"] == true, number < 3, "{number}");
    }
}

#[test]
fn an_acknowledgement_that_was_lost_is_made_up_for() {
    let relay = nexus_tests::relay();
    let port: u16 = relay.url().rsplit(':').next().unwrap().parse().unwrap();
    let is_deaf = Arc::new(AtomicBool::new(false));
    let deaf = Arc::clone(&is_deaf);
    let between = Fake::new(move |_, request| {
        if deaf.load(Ordering::SeqCst) && request.starts_with("POST") && request.contains("/ack ") {
            return Reply::Bytes(response("503 Service Unavailable", "", "{}"));
        }
        Reply::Bytes(forward(port, request))
    });
    let (a, b) = (Home::new(&between.url), Home::new(&relay.url()));
    let (mut alice, mut bob) = (Host::start(&a), Host::start(&b));
    alice.call("address", &json!({ "id": "alice-mail" }));
    bob.call("address", &json!({ "id": "bob-mail" }));
    bob.call("send", &json!({ "text": "one", "to": ["alice-mail"] }));
    is_deaf.store(true, Ordering::SeqCst);
    assert_eq!(alice.read(&json!({ "wait": 20 })), ["one"]);
    alice.ask("ping", &json!({}));
    alice.kill();
    // It starts anew, and the relay still does not know.
    let mut alice = Host::start(&a);
    bob.call("send", &json!({ "text": "two", "to": ["alice-mail"] }));
    assert_eq!(alice.read(&json!({ "wait": 20 })), ["two"], "told once");
    is_deaf.store(false, Ordering::SeqCst);
    assert_eq!(alice.read(&json!({})), Vec::<String>::new());
    eventually("the relay knows", || {
        a.nexus(&["inbox", "--keep"]).done()["messages"] == json!([])
            && !a.state().join("agents/alice-mail/read").exists()
    });
    assert!(alice.end().success());
}

#[test]
fn a_lost_send_is_repeated_with_the_same_key() {
    let relay = nexus_tests::relay();
    let port: u16 = relay.url().rsplit(':').next().unwrap().parse().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let between = Fake::new(move |_, request| {
        let answer = forward(port, request);
        let is_send = request.starts_with("POST") && request.contains("/messages ");
        // The relay has stored it, and its first answer is lost.
        let is_lost = is_send && counted.fetch_add(1, Ordering::SeqCst) == 0;
        Reply::Bytes(if is_lost { Vec::new() } else { answer })
    });
    let home = Home::new(&between.url);
    let mut host = Host::start(&home);
    let seat = text(&host.call("invite", &json!({ "name": "a" }))["seat"]);
    host.call("send", &json!({ "text": "once" }));
    assert_eq!(count.load(Ordering::SeqCst), 2, "it was repeated");
    let page = home.nexus(&["poll", &seat, "--after", "0"]).done();
    assert_eq!(crate::support::texts(&page), ["once"]);
    assert!(host.end().success());
}

#[test]
fn a_wait_that_is_longer_than_a_poll_takes_several() {
    const SESSION: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&polls);
    // A relay whose polls end early, and which has something to say at the third.
    let fake = Fake::new(move |_, request| {
        let health = json!({ "capabilities": { "delivery": ["longpoll"] } });
        if request.starts_with("GET /health") {
            return Reply::Bytes(response("200 OK", "", &health.to_string()));
        }
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        let message = json!({
            "id": "8f14e45fceea167a-9", "agentId": "b", "text": "at last", "cursor": "9", "verified": true,
            "sentAt": "2026-03-01T12:00:10.000Z",
        });
        let messages = if number < 3 { vec![] } else { vec![message] };
        let next = number.to_string();
        let page = json!({ "messages": messages, "nextCursor": next, "hasMore": false });
        Reply::Bytes(response("200 OK", "", &page.to_string()))
    });
    let home = Home::new(&fake.url);
    for (name, line) in [("agent", "a"), ("key", "nxk_ours"), ("server", &fake.url)] {
        let folder = home.state().join("sessions").join(SESSION);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), line).unwrap();
    }
    let mut host = Host::start(&home);
    assert_eq!(host.read(&json!({ "wait": 1000 })), ["at last"]);
    // What an answer has told is stored before anything else is answered.
    host.ask("ping", &json!({}));
    let requests = fake.requests();
    let asked: Vec<&str> = requests
        .iter()
        .filter(|request| request.contains("/messages"))
        .map(|request| request.split(' ').nth(1).unwrap().split('?').nth(1).unwrap())
        .collect();
    assert_eq!(
        asked,
        [
            "others=true&events=true&wait=25&limit=20",
            "after=1&others=true&events=true&wait=25&limit=20",
            "after=2&others=true&events=true&wait=25&limit=20",
        ]
    );
    assert_eq!(home.stored(SESSION, "cursor").as_deref(), Some("3"));
    assert!(host.end().success());
}

#[test]
fn a_session_that_is_over_is_not_meant_any_more() {
    let (_relay, homes, [mut alice, mut bob]) = pair();
    alice.read(&json!({}));
    let session = text(&homes[0].nexus(&["ls"]).done()["sessions"][0]["sessionId"]);
    homes[0].nexus(&["end", &session]).done();
    assert!(bob.refused("read", &json!({})).contains("The session is over"));
    let link = alice.call("invite", &json!({ "name": "alice" }))["link"].clone();
    bob.call("join", &json!({ "name": "bob", "link": link }));
    bob.call("send", &json!({ "text": "in the new one" }));
    assert!(bob.end().success());
}

#[test]
fn a_hostile_server_gets_no_key_into_a_transcript() {
    let (_relay, homes, [alice, bob]) = pair();
    assert!(alice.end().success() && bob.end().success());
    let session = text(&homes[0].nexus(&["ls"]).done()["sessions"][0]["sessionId"]);
    let key = homes[0].stored(&session, "key");
    let evil = json!({
        "sessionId": session, "sessionKey": "nxk_evil", "secret": "nxs_evil_0123456789", "agentId": "x",
        "status": "claimed", "messages": [], "nextCursor": "1", "hasMore": false, "code": "PEARL-FOCAL-S5SJV",
        "url": "https://evil.example", "expiresAt": "2026-01-01T00:00:00.000Z", "ttl": 30, "card": { "name": "x" },
    });
    for status in ["200 OK", "409 Conflict"] {
        let fake = Fake::answering(status, "", &evil.to_string());
        let mut command = homes[0].command();
        let mut host = Host::of(command.env("NEXUS_URL", &fake.url).arg("mcp"));
        // It names our session, whose key would be lost. The answer holds the new key, which is not told.
        let link = format!("{}/p/PEARL-FOCAL-S5SJV", fake.url);
        let refused = host.refused("join", &json!({ "name": "x", "link": link }));
        assert!(status != "200 OK" || refused.contains("nothing was replaced"), "{refused}");
        host.refused("invite", &json!({ "name": "x" }));
        host.begin_call("address", &json!({ "id": "x" }));
        host.any_answer();
        assert!(host.end().success());
        let told = fake.requests().concat();
        assert!(!told.contains("nxk_"), "{told}");
    }
    assert_eq!(homes[0].stored(&session, "key"), key);
}

#[test]
fn keys_go_to_the_server_of_the_seat_only() {
    let (relay, homes, [alice, _bob]) = pair();
    assert!(alice.end().success());
    let gone = json!({ "error": "session_not_found", "message": "nothing is here" }).to_string();
    let other = Fake::answering("404 Not Found", "", &gone);
    let mut command = homes[0].command();
    let mut host = Host::of(command.env("NEXUS_URL", &other.url).arg("mcp"));
    host.shake_hands();
    host.call("send", &json!({ "text": "hi" }));
    host.refused(
        "join",
        &json!({ "name": "x", "link": format!("{}/p/PEARL-FOCAL-S5SJV", other.url) }),
    );
    host.refused("invite", &json!({ "name": "x" }));
    let requests = other.requests();
    assert!(requests.len() >= 2, "{requests:?}");
    assert!(requests.iter().all(|request| !request.contains("nxk_")), "{requests:?}");
    assert!(host.end().success());
    drop(relay);
}
