//! What is said of a delivery is true, and nothing is lost, whatever becomes of a reader.

use nexus_tests::{
    Api, Relay,
    agents::{done, roomy_relay},
    list,
    live::{Ended, Socket},
    string,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, thread};

/// Sends over a socket without waiting for answers; then gives the ids of the messages.
fn send_at_once(socket: &mut Socket, to: &str, texts: &[&str]) -> Vec<(String, Value)> {
    for text in texts {
        let frame = json!({ "type": "send", "id": 1, "to": to, "text": text });
        socket.send(&frame.to_string());
    }
    let mut sent = Vec::new();
    while sent.len() < texts.len() {
        let frame = socket.read().unwrap();
        if frame["type"] == "sent" {
            sent.push((string(&frame["messageId"]), frame["delivery"].clone()));
        }
    }
    sent
}

#[test]
fn a_poll_that_has_its_answer_is_no_reader_any_more() {
    let relay = roomy_relay();
    let api = Api::new(&relay.url());
    let (a, b) = (api.register("a"), api.register("b"));
    let mut socket = a.socket();
    socket.expect("ready");
    for round in 0..20 {
        let reader = b.clone();
        let poll = thread::spawn(move || reader.poll("?wait=25"));
        if round % 2 == 0 {
            nexus_tests::eventually("b is there", || {
                api.get("/v1/agents/b").send().json()["online"] == true
            });
        }
        let sent = send_at_once(&mut socket, "b", &["1", "2", "3", "4"]);
        let page = poll.join().unwrap();
        let given: BTreeSet<String> =
            list(&page["messages"]).iter().map(|message| string(&message["id"])).collect();
        for (id, delivery) in &sent {
            let state = a.status("b", &json!(id))["state"].clone();
            if given.contains(id) {
                assert_eq!(state, "delivered", "{sent:?} {page}");
            } else {
                assert_eq!(
                    (delivery, &state),
                    (&json!("queued"), &json!("queued")),
                    "{round} {sent:?} {page}"
                );
            }
        }
        let last = b.waiting().1;
        b.ack(&last);
    }
}

fn messenger(relay: &Relay, id: &str) -> Socket {
    Socket::open(&relay.url(), &format!("/messenger/ws?id={id}&secret=s-of-the-messenger"), &[])
        .unwrap()
}

#[test]
fn what_comes_for_a_messenger_that_stalls_waits() {
    let relay = roomy_relay();
    let api = Api::new(&relay.url());
    let a = api.register("a");
    let body = json!({ "id": "ben", "secret": "s-of-the-messenger" });
    assert_eq!(api.post("/messenger/register").json(&body).send().status, 201);
    let mut stalled = messenger(&relay, "ben");
    stalled.expect("connected");
    nexus_tests::eventually("ben is live", || {
        a.to("ben").json(&json!({ "text": "-" })).send().json()["delivery"] == "live"
    });
    let text = "x".repeat(60_000);
    for number in 0..400 {
        a.send("ben", &format!("{number} {text}"));
    }
    let mut got = Vec::new();
    let end = loop {
        match stalled.read() {
            Ok(frame) => got.push(string(&frame["data"]["message"])),
            Err(end) => break end,
        }
    };
    assert!(matches!(end, Ended::Closed(4413) | Ended::Gone), "{end:?}");
    loop {
        let polled = api.get("/messenger/poll?id=ben&secret=s-of-the-messenger").send().json();
        if polled["count"] == 0 {
            break;
        }
        got.extend(list(&polled["messages"]).iter().map(|message| string(&message["message"])));
    }
    let numbers: Vec<usize> = got
        .iter()
        .filter(|text| *text != "-")
        .map(|text| text.split(' ').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(numbers, (0..400).collect::<Vec<_>>());
}

#[test]
fn a_socket_that_was_closed_does_nothing_more_for_a_client_that_goes_on() {
    let relay = roomy_relay();
    let api = Api::new(&relay.url());
    let (a, b) = (api.register("a"), api.register("b"));
    let mut old = a.socket();
    old.expect("ready");
    done(&a.call("POST", "/secret").send(), 200);
    // Its client has not read that it is closed, and may never do.
    let frame = json!({ "type": "send", "id": 1, "to": "b", "text": "with the old secret" });
    old.send(&frame.to_string());
    assert_eq!(old.read(), Err(Ended::Closed(4403)));
    // Once the connection is gone, all that came over it was read.
    assert_eq!(old.read(), Err(Ended::Gone));
    assert_eq!(b.waiting().0, Vec::<String>::new());
}

#[test]
fn a_client_that_does_not_wait_for_answers_is_cut_off_before_it_fills_the_relay() {
    let relay = roomy_relay();
    let api = Api::new(&relay.url());
    let (a, b) = (api.register("a"), api.register("b"));
    let mut socket = a.socket();
    socket.expect("ready");
    let text = "x".repeat(60_000);
    let frame = json!({ "type": "send", "id": 1, "to": "b", "text": text }).to_string();
    let mut writer = socket.writer();
    let (sent, end) = thread::scope(|scope| {
        // However fast the relay is, it goes on until it is cut off.
        let writing = scope.spawn(move || while writer.send(&frame).is_ok() {});
        let mut sent = 0;
        let end = loop {
            match socket.read() {
                Ok(frame) => sent += usize::from(frame["type"] == "sent"),
                Err(end) => break end,
            }
        };
        socket.cut();
        writing.join().expect("writing does not panic");
        (sent, end)
    });
    assert_eq!(end, Ended::Closed(4429));
    // What was answered is there.
    assert!(b.waiting().0.len() >= sent);
}
