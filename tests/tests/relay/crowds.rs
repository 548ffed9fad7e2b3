//! What is shared is not taken away by strangers: connections, the log, seats, links, files, inboxes, the
//! directory, and what an IP may ask.

use nexus_tests::{
    Answer, Api, Call, Member, Relay,
    agents::{Resident, done},
    eventually, list,
    live::{Ended, Events, Socket},
    relay, string,
};
use serde_json::json;
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
    let a = Api::new(&relay.url()).session();
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
    let a = Api::new(&relay.url()).session();
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
            let calls: Vec<_> = (0..=UNPROVEN)
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
    let a = Api::new(&relay.url()).session();
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

/// A call from an IP, as a proxy names it.
fn from(call: Call<'_>, ip: &str) -> Answer {
    call.header("CF-Connecting-IP", ip.as_bytes()).send()
}

/// Two members of an open session and two addresses of theirs, all behind one IP.
#[derive(Clone)]
struct Honest {
    alice: Member,
    bob: Member,
    ann: Resident,
    ben: Resident,
    ip: &'static str,
}

impl Honest {
    fn new(api: &Api, ip: &'static str) -> Self {
        let create = json!({ "creatorAgentId": "alice", "maxAgents": 6 });
        let created = done(&from(api.put("/v1/sessions").json(&create), "198.51.100.1"), 201);
        let (session, key) = (string(&created["sessionId"]), string(&created["sessionKey"]));
        let alice = Member { api: api.clone(), session, agent: "alice".to_owned(), key };
        let path = format!("/v1/sessions/{}/join", alice.session);
        let joined = done(&from(api.post(&path).agent("bob"), "198.51.100.1"), 200);
        let key = string(&joined["sessionKey"]);
        let bob = Member { agent: "bob".to_owned(), key, ..alice.clone() };
        let [ann, ben] = ["ann", "ben"].map(|id| {
            let body = json!({ "agentId": id, "name": id, "listed": true });
            let answer = done(&from(api.post("/v1/agents").json(&body), "198.51.100.1"), 201);
            let secret = string(&answer["secret"]);
            Resident { api: api.clone(), id: id.to_owned(), secret }
        });
        done(&from(ben.call("PUT", "/allows/ann"), "198.51.100.1"), 200);
        Self { alice, bob, ann, ben, ip }
    }

    /// All that they do with what they share.
    fn go_on(&self, round: u32) {
        let text = format!("round {round}");
        let (alice, bob, ip) = (&self.alice, &self.bob, self.ip);
        let message = json!({ "text": text });
        let sent = done(&from(alice.call("POST", "/messages").json(&message), ip), 201);
        let cursor: u32 = string(&sent["cursor"]).parse().unwrap();
        let after = format!("/messages?after={}", cursor - 1);
        let read = done(&from(bob.call("GET", &after), ip), 200);
        assert_eq!(read["messages"][0]["text"], text);
        let file = format!("/files/{round}.md");
        done(&from(alice.call("PUT", &file).body(text.as_bytes()), ip), 201);
        assert_eq!(from(bob.call("GET", &file), ip).text(), text);
        let task = json!({ "task": text, "to": "bob" });
        done(&from(alice.call("POST", "/tasks").json(&task), ip), 201);
        let link = json!({ "sessionId": alice.session });
        let call = alice.api.put("/v1/pair").agent("alice").key(&alice.key);
        let code = string(&done(&from(call.json(&link), ip), 201)["code"]);
        let call = alice.api.call("DELETE", &format!("/v1/pair/{code}"));
        done(&from(call.agent("alice").key(&alice.key), ip), 200);
        done(&from(self.ann.to("ben").json(&message), ip), 201);
        let inbox = done(&from(self.ben.call("GET", "/messages"), ip), 200);
        let cursor = list(&inbox["messages"]).iter().find(|m| m["text"] == json!(text)).unwrap();
        assert_eq!(cursor["agentId"], "ann");
    }
}

/// What strangers can do who know the session, its names, and the addresses.
fn attack(api: &Api, honest: &Honest, ip: &str) {
    let session = &honest.alice.session;
    let path = |rest: &str| format!("/v1/sessions/{session}{rest}");
    let name = format!("-{}", ip.replace('.', "-"));
    // The log: as the members, without their keys.
    let filling = json!({ "text": "\u{1}".repeat(65_000) });
    for agent in ["alice", "bob"] {
        from(api.post(&path("/messages")).agent(agent).json(&filling), ip);
    }
    for agent in ["alice", "bob", &name] {
        from(api.put(&path("/files/plan.md")).agent(agent).body(b"x"), ip);
        from(api.call("DELETE", &path("/files/1.md")).agent(agent), ip);
        from(api.post(&path("/tasks")).agent(agent).json(&json!({"task": "x", "to": "bob"})), ip);
        from(api.call("DELETE", &path("/agents/bob")).agent(agent), ip);
        from(api.post(&path("/renew")).agent(agent).json(&json!({ "ttl": 1 })), ip);
        from(api.get(&path("/messages")).agent(agent).key("nxk_wrong"), ip);
    }
    // Seats and links.
    from(api.post(&path("/join")).agent(&name), ip);
    for _ in 0..10 {
        from(api.put("/v1/pair").json(&json!({ "sessionId": session })), ip);
        from(api.post("/v1/pair/PEARL-FOCAL-S5SJV/claim").agent(&name), ip);
    }
    // The inbox and the directory.
    let register = json!({ "agentId": name, "name": name, "listed": true });
    let registered = from(api.post("/v1/agents").json(&register), ip);
    if registered.status == 201 {
        let secret = string(&registered.json()["secret"]);
        for _ in 0..35 {
            let mail = api.post("/v1/agents/ben/messages").agent(&name).bearer(&secret);
            from(mail.json(&json!({ "text": "x" })), ip);
        }
    }
    from(api.get("/messenger/users"), ip);
}

#[test]
fn strangers_at_their_worst_take_nothing_from_those_who_were_there() {
    let limits = Relay::builder().var("CLIENT_IP_HEADER", "CF-Connecting-IP");
    let relay = limits.configured_rate_limits().start().unwrap();
    let api = Api::new(&relay.url());
    // They have an IP of their own, and then that of a stranger.
    let honest = Honest::new(&api, "192.0.2.100");
    let behind = Honest { ip: "192.0.2.1", ..honest.clone() };
    honest.go_on(1);
    behind.go_on(2);
    for round in 0..3 {
        for stranger in 1..=10 {
            attack(&api, &honest, &format!("192.0.2.{stranger}"));
        }
        honest.go_on(3 + 2 * round);
        behind.go_on(4 + 2 * round);
    }
    let members = done(&from(honest.alice.call("GET", "/agents"), "192.0.2.100"), 200);
    let names: Vec<_> = list(&members["agents"]).iter().map(|a| string(&a["agentId"])).collect();
    let have_seats = ["alice", "bob"].iter().all(|name| names.contains(&(*name).to_owned()));
    assert!(have_seats, "{names:?}");
    let listed = done(&from(api.get("/v1/agents?limit=100"), "192.0.2.100"), 200);
    let ids: Vec<_> =
        list(&listed["agents"]).iter().map(|a| string(&a["card"]["agentId"])).collect();
    assert!(ids.contains(&"ann".to_owned()) && ids.contains(&"ben".to_owned()), "{ids:?}");
}
