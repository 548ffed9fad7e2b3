//! What is shared is not taken away by one: connections, and the room of an inbox and a log.

use nexus_tests::{
    Member, eventually,
    live::{Ended, Events, Socket},
    relay, string,
};
use std::{collections::VecDeque, thread};

/// Sockets of one agent that has proven its key, and of one name without it.
const PROVEN: usize = 8;
const UNPROVEN: usize = 2;

/// A socket of a stranger, who knows only the names.
fn forged(member: &Member) -> Socket {
    let path = format!("/v1/sessions/{}/ws", member.session);
    let mut socket =
        Socket::open(member.api.base(), &path, &[("X-Agent-Id", &member.agent)]).unwrap();
    socket.expect("ready");
    socket
}

fn closed(socket: &mut Socket) -> Ended {
    loop {
        if let Err(end) = socket.read() {
            return end;
        }
    }
}

#[test]
fn an_agent_has_eight_sockets_and_the_next_one_closes_the_oldest() {
    let relay = relay();
    let a = nexus_tests::Api::new(&relay.url()).session();
    let b = a.join("b");
    let open = || {
        let mut socket = b.socket(None);
        socket.expect("ready");
        socket
    };
    let mut sockets: VecDeque<Socket> = (0..PROVEN).map(|_| open()).collect();
    for _ in 0..2 {
        sockets.push_back(open());
        let mut oldest = sockets.pop_front().unwrap();
        assert_eq!(closed(&mut oldest), Ended::Closed(4409));
    }
    a.send("for all that are left");
    for socket in &mut sockets {
        assert_eq!(socket.expect("message")["text"], "for all that are left");
    }
    // A stream and a poll that waits are connections, too.
    let mut events = b.try_events(None).unwrap();
    assert_eq!(closed(&mut sockets.pop_front().unwrap()), Ended::Closed(4409));
    thread::scope(|scope| {
        let after = string(&b.poll("")["nextCursor"]);
        let poll = scope.spawn(move || b.poll(&format!("?after={after}&wait=25")));
        assert_eq!(closed(&mut sockets.pop_front().unwrap()), Ended::Closed(4409));
        a.send("once more");
        assert_eq!(poll.join().unwrap()["messages"][0]["text"], "once more");
    });
    while events.message().unwrap().1 != "once more" {}
}

#[test]
fn strangers_who_use_a_name_close_each_others_sockets_and_not_its_owners() {
    let relay = relay();
    let a = nexus_tests::Api::new(&relay.url()).session();
    let b = a.join("b");
    let mut own = b.socket(None);
    own.expect("ready");
    let mut strangers: VecDeque<Socket> = (0..UNPROVEN).map(|_| forged(&b)).collect();
    for _ in 0..3 * PROVEN {
        strangers.push_back(forged(&b));
        assert_eq!(closed(&mut strangers.pop_front().unwrap()), Ended::Closed(4409));
    }
    a.send("still there");
    assert_eq!(own.expect("message")["text"], "still there");
    assert_eq!(strangers[0].expect("message")["text"], "still there");
    // Nor do they take away polls.
    let after = string(&b.poll("")["nextCursor"]);
    let path = format!("/v1/sessions/{}/messages?after={after}&wait=1", b.session);
    thread::scope(|scope| {
        let poll = scope.spawn(|| b.poll(&format!("?after={after}&wait=25")));
        for _ in 0..3 {
            let calls: Vec<_> = (0..UNPROVEN + 1)
                .map(|_| scope.spawn(|| a.api.get(&path).agent("b").send()))
                .collect();
            for call in calls {
                assert_eq!(call.join().unwrap().status, 200, "an early answer is empty");
            }
        }
        a.send("for the one who waits");
        assert_eq!(poll.join().unwrap()["messages"][0]["text"], "for the one who waits");
    });
}

#[test]
fn streams_that_do_not_read_the_log_are_few_and_those_that_do_are_not_counted() {
    let relay = relay();
    let a = nexus_tests::Api::new(&relay.url()).session();
    let b = a.join("b");
    // More than a client's and the kernel's buffers take.
    for _ in 0..220 {
        a.send(&"x".repeat(65_000));
    }
    let stream = |key: Option<&str>| {
        let path = format!("/v1/sessions/{}/events", b.session);
        let mut headers = vec![("X-Agent-Id", "b")];
        headers.extend(key.map(|key| ("X-Session-Key", key)));
        Events::open(&relay.url(), &path, &headers)
    };
    let lazy: Vec<_> = (0..UNPROVEN).map(|_| stream(None).unwrap()).collect();
    let one_more = stream(None).err().expect("one is too many");
    assert!(one_more.to_string().contains("429"), "{one_more}");
    let wrong = b.call("GET", "/events").key("nxk_wrong").send();
    assert_eq!(wrong.status, 403);
    let mut read = stream(Some(&b.key)).unwrap();
    for _ in 0..220 {
        read.message().unwrap();
    }
    let more: Vec<_> = (0..PROVEN).map(|_| stream(Some(&b.key)).unwrap()).collect();
    let one_more = stream(Some(&b.key)).err().expect("one is too many");
    assert!(one_more.to_string().contains("429"), "{one_more}");
    drop(more);
    eventually("a stream that was dropped is counted no longer", || stream(Some(&b.key)).is_ok());
    drop(lazy);
    eventually("those without a key, too", || stream(None).is_ok());
}
