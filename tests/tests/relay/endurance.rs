//! Live delivery under load, and while everything breaks.

use nexus_tests::{
    Api, Member, eventually, list,
    live::{Ended, Follow, Socket, Way},
    relay, string,
};
use serde_json::json;
use std::{thread, time::Duration};

/// A hundred sockets of one session: an agent has eight at most.
fn hundred(a: &Member) -> Vec<Socket> {
    let guests = (1..=12).map(|number| a.join(&format!("guest-{number}")));
    let members: Vec<Member> = [a.clone()].into_iter().chain(guests).collect();
    (0..100).map(|number| members[number / 8].socket(Some("0"))).collect()
}

#[test]
fn a_thousand_sockets_are_open_and_a_message_reaches_a_hundred() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let mut rest = Vec::new();
    for _ in 0..9 {
        rest.extend(hundred(&api.session()));
    }
    let before = relay.memory().unwrap();
    let a = api.session();
    let mut readers = hundred(&a);
    for socket in readers.iter_mut().chain(&mut rest) {
        socket.expect("ready");
    }
    let each = relay.memory().unwrap().saturating_sub(before) / 100;
    println!("memory of one idle socket: about {} KiB", each / 1024);
    a.send("to all");
    for socket in &mut readers {
        assert_eq!(socket.expect("message")["text"], "to all");
    }
    for socket in rest.iter_mut().take(3) {
        socket.patience(Duration::from_millis(50));
        assert_eq!(socket.read(), Err(Ended::Silent));
    }
}

#[test]
fn every_reader_gets_every_message_once_whatever_breaks() {
    let mut relay = relay();
    let a = Api::new(&relay.url()).session();
    let senders: Vec<_> = ["s1", "s2", "s3", "s4"].map(|name| a.join(name)).into();
    let readers: Vec<_> = (0..8).map(|number| a.join(&format!("r{number}"))).collect();
    let each = 1250;
    let read = thread::scope(|scope| {
        for sender in &senders {
            scope.spawn(move || {
                for number in 0..each {
                    send_until_acknowledged(sender, number);
                }
            });
        }
        let threads: Vec<_> = readers
            .iter()
            .enumerate()
            .map(|(seed, reader)| scope.spawn(move || read_all(reader, seed, 4 * each)))
            .collect();
        let mut end = 0;
        for part in 1..=5 {
            eventually("part of it is sent", || {
                end = log_end(&a, end);
                end >= part * 4 * each / 7
            });
            relay.restart().unwrap();
        }
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let mut expected: Vec<String> = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let page = a.poll(&format!("?after={cursor}&limit=500"));
        expected.extend(list(&page["messages"]).iter().map(|message| string(&message["text"])));
        cursor = string(&page["nextCursor"]);
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(expected.len(), 4 * each);
    for sender in &senders {
        let own = expected.iter().filter(|text| text.starts_with(&sender.agent));
        assert!(own.eq(
            (0..each).map(|number| format!("{} {number}", sender.agent)).collect::<Vec<_>>().iter()
        ));
    }
    for texts in read {
        assert!(texts == expected, "a reader misses or repeats something");
    }
}

/// How many messages there are, by looking for the last page from further and further on; as far as the relay
/// tells.
fn log_end(member: &Member, mut cursor: usize) -> usize {
    loop {
        let answer = member.call("GET", &format!("/messages?after={cursor}&limit=500")).try_send();
        let Some(page) = answer.filter(|answer| answer.status == 200).map(|answer| answer.json())
        else {
            return cursor;
        };
        cursor = string(&page["nextCursor"]).parse().unwrap();
        if page["hasMore"] == false {
            return cursor;
        }
    }
}

/// Repeats a send, with one idempotency key, until it is acknowledged.
fn send_until_acknowledged(sender: &Member, number: usize) {
    let text = format!("{} {number}", sender.agent);
    eventually("a message is acknowledged", || {
        let call = sender.call("POST", "/messages").idempotency_key(&number.to_string());
        call.json(&json!({ "text": text })).try_send().is_some_and(|answer| answer.status == 201)
    });
}

/// Reads until it has `count` messages, each few of them another way, whatever breaks.
fn read_all(reader: &Member, seed: usize, count: usize) -> Vec<String> {
    let (mut texts, mut cursor, mut turn) = (Vec::new(), "0".to_owned(), seed);
    while texts.len() < count {
        eventually("a reader reads on", || {
            turn = turn.wrapping_mul(31).wrapping_add(7);
            let most = (20 + turn % 150).min(count - texts.len());
            let way = Way::ALL[turn % 4];
            let messages = reader.take(way, &cursor, most, Duration::from_secs(2)).unwrap();
            if let Some(last) = messages.last() {
                cursor = string(&last["cursor"]);
            }
            texts.extend(messages.iter().map(|message| string(&message["text"])));
            !messages.is_empty()
        });
    }
    texts
}
