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
    eventually("the relay knows", || a.nexus(&["inbox", "--keep"]).done()["messages"] == json!([]));
    assert!(!a.state().join("agents/alice-mail/read").exists());
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
