//! Live delivery to addresses: sockets, event streams, long polls, and several of them at once.

use nexus_tests::{
    Api, Relay,
    agents::done,
    eventually, list,
    live::{Ended, Socket},
    relay, string,
};
use serde_json::json;
use std::{
    thread,
    time::{Duration, Instant},
};

#[test]
fn every_device_gets_every_message_and_one_acknowledges_for_all() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (a, b) = (api.register("a"), api.register("b"));
    a.send("b", "before");
    let (mut one, mut two) = (b.socket(), b.socket());
    let mut events = b.try_events("").unwrap();
    assert_eq!(events.message().unwrap(), ("1".to_owned(), "before".to_owned()));
    assert_eq!(events.read().unwrap().0, "ready");
    for socket in [&mut one, &mut two] {
        assert_eq!(socket.expect("message")["text"], "before");
        assert_eq!(socket.expect("ready")["cursor"], "1");
    }
    let sent = a.send("b", "live");
    assert_eq!(sent["delivery"], "live");
    assert_eq!(a.status("b", &sent["id"])["state"], "delivered");
    for socket in [&mut one, &mut two] {
        assert_eq!(socket.expect("message")["text"], "live");
    }
    assert_eq!(events.message().unwrap(), ("2".to_owned(), "live".to_owned()));
    one.send(r#"{"type":"ack","id":7,"cursor":"2"}"#);
    let acked = one.expect("acked");
    assert_eq!((&acked["id"], &acked["waiting"]), (&json!(7), &json!(0)));
    assert_eq!(b.poll("")["messages"], json!([]));
    assert_eq!(b.try_events("").unwrap().read().unwrap().0, "ready");
    let mut again = b.try_socket("?after=1").unwrap();
    assert_eq!(again.expect("message")["text"], "live");
    one.send("ping");
    assert_eq!(one.read(), Ok(json!("pong")));
    assert_eq!(done(&api.get("/v1/agents/b").send(), 200)["online"], true);
}

#[test]
fn a_socket_sends_in_order_and_hears_what_becomes_of_it() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (a, b) = (api.register("a"), api.register("b"));
    let mut socket = a.socket();
    socket.expect("ready");
    for number in 0..10 {
        let frame = json!({ "type": "send", "id": number, "to": "b", "text": number.to_string(),
            "conversationId": "t", "maxTurns": 12 });
        socket.send(&frame.to_string());
    }
    for number in 0..10 {
        let sent = socket.expect("sent");
        assert_eq!((&sent["id"], &sent["turn"]), (&json!(number), &json!(number + 1)));
    }
    let (texts, cursor) = b.waiting();
    assert_eq!(texts, (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    let mut told = Vec::new();
    while told.len() < 10 {
        let event = socket.expect("event");
        assert_eq!((&event["event"], &event["agentId"]), (&json!("delivered"), &json!("b")));
        told.extend(list(&event["messageIds"]).iter().map(string));
    }
    b.ack(&cursor);
    let event = socket.expect("event");
    assert_eq!((&event["event"], list(&event["messageIds"]).len()), (&json!("acked"), 10));

    for (frame, error) in [
        (json!({ "type": "send", "id": "x", "to": "nobody", "text": "x" }), "agent_not_found"),
        (json!({ "type": "send", "id": "x", "to": "b" }), "invalid_request"),
        (json!({ "type": "other", "id": "x" }), "invalid_request"),
        (json!({ "type": "ack", "id": "x", "cursor": "9" }), "invalid_request"),
        (json!({ "type": "end", "id": "x", "conversationId": "u" }), "conversation_not_found"),
    ] {
        socket.send(&frame.to_string());
        let answer = socket.expect("error");
        assert_eq!((&answer["id"], &answer["error"]), (&json!("x"), &json!(error)));
    }

    // The last turns: both hear that it is over.
    b.to("a").json(&json!({ "text": "11", "conversationId": "t" })).send();
    assert_eq!(socket.expect("message")["turn"], 11);
    let last = json!({ "type": "send", "id": 1, "to": "b", "text": "12", "conversationId": "t" });
    socket.send(&last.to_string());
    let mut kinds = [socket.read().unwrap(), socket.read().unwrap()];
    kinds.sort_by_key(|frame| string(&frame["type"]));
    assert_eq!(kinds[0]["reason"], "max_turns");
    assert_eq!(kinds[1]["turn"], 12);

    let mut other = b.socket();
    while other.read().unwrap()["type"] != "ready" {}
    a.to("b").json(&json!({ "text": "x", "conversationId": "u" })).send();
    other.expect("message");
    socket.send(r#"{"type":"end","id":2,"conversationId":"u"}"#);
    let event = other.expect("event");
    assert_eq!(event["event"], "conversation_ended");
    assert_eq!((&event["agentId"], &event["reason"]), (&json!("a"), &json!("participant_ended")));
}

#[test]
fn a_poll_is_held_open_until_something_comes() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (a, b) = (api.register("a"), api.register("b"));
    let started = Instant::now();
    assert_eq!(b.poll("?wait=1")["messages"], json!([]));
    assert!(started.elapsed() >= Duration::from_secs(1));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| b.poll("?wait=20"));
        eventually("somebody waits", || {
            done(&api.get("/v1/agents/b").send(), 200)["online"] == true
        });
        thread::sleep(Duration::from_millis(300));
        assert_eq!(a.send("b", "x")["delivery"], "live");
        assert_eq!(list(&waiting.join().unwrap()["messages"])[0]["text"], "x");
    });
}

#[test]
fn sockets_end_with_the_secret_and_with_the_address() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let b = api.register("b");
    let mut socket = b.socket();
    socket.expect("ready");
    let secret = string(&done(&b.call("POST", "/secret").send(), 200)["secret"]);
    assert_eq!(socket.read(), Err(Ended::Closed(4403)));
    assert_eq!(b.try_socket("").err(), Some(Some(401)));
    let b = nexus_tests::agents::Resident { secret, ..b };
    let mut socket = b.socket();
    socket.expect("ready");
    done(&b.call("DELETE", "").send(), 200);
    assert_eq!(socket.read(), Err(Ended::Closed(4404)));
    assert_eq!(b.try_socket("").err(), Some(Some(404)));
}

#[test]
fn a_browser_says_who_it_is_by_sub_protocols_or_in_the_query() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let b = api.register("b");
    let offered = format!("nexus, agent.b, secret.{}", b.secret);
    let mut socket =
        Socket::open(&relay.url(), "/v1/agents/b/ws", &[("Sec-WebSocket-Protocol", &offered)])
            .expect("a socket");
    socket.expect("ready");
    let path = format!("/v1/agents/b/events?secret={}", b.secret);
    let mut events = nexus_tests::live::Events::open(&relay.url(), &path, &[]).unwrap();
    assert_eq!(events.read().unwrap().0, "ready");
    assert_eq!(b.call("GET", "/ws").send().error().0, 400);
    // A secret that it chose is written in a query as all is that stands in one.
    let (chosen, written) = ("a&b=c%25d+e#f/0123", "a%26b%3Dc%2525d%2Be%23f/0123");
    done(&b.call("POST", "/secret").json(&json!({ "secret": chosen })).send(), 200);
    let path = format!("/v1/agents/b/ws?secret={written}");
    Socket::open(&relay.url(), &path, &[]).expect("a socket").expect("ready");
    let wrong = "nexus, agent.b, secret.wrong";
    let refused =
        Socket::open(&relay.url(), "/v1/agents/b/ws", &[("Sec-WebSocket-Protocol", wrong)]);
    assert_eq!(refused.err(), Some(Some(401)));
}

#[test]
fn a_mailbox_sleeps_while_its_sockets_are_open_and_wakes_for_a_message() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    let (a, b) = (api.register("a"), api.register("b"));
    let mut socket = b.socket();
    socket.expect("ready");
    let built = || -> u32 {
        let answer = api.get("/v1/agents/a").send();
        answer.header("X-Objects-Built").parse().unwrap()
    };
    a.send("b", "x");
    assert_eq!(socket.expect("message")["text"], "x");
    let before = built();
    thread::sleep(Duration::from_secs(12));
    assert_eq!(a.send("b", "y")["delivery"], "live");
    assert_eq!(socket.expect("message")["text"], "y");
    assert_eq!(built(), before + 2, "both mailboxes were built again");
    socket.send(r#"{"type":"ack","cursor":"2"}"#);
    assert_eq!(socket.expect("acked")["waiting"], 0);
}
