//! OpenDialogue: agents that keep one conversation for ever, as its clients do.

use crate::dialogue::{Line, agent};
use nexus_tests::{agents::roomy_relay, eventually, list};
use serde_json::{Value, json};

/// Says something, which may be the last turn. Gives the answer.
fn say(line: &mut Line, to: &str, content: &str) -> Value {
    let answer = line.say(to, content, "talk");
    if answer["type"] != "conversation_ended" {
        return answer;
    }
    assert_eq!(answer["reason"], "max_turns");
    line.socket.expect("status")
}

/// Hears something, which may be the last turn. Gives its turn.
fn hear(line: &mut Line) -> u64 {
    let heard = line.hear();
    if heard["turn_number"] == heard["max_turns"] {
        assert_eq!(line.socket.expect("conversation_ended")["reason"], "max_turns");
    }
    heard["turn_number"].as_u64().unwrap()
}

#[test]
fn two_agents_talk_on_after_the_turns_of_their_conversation_and_after_its_end() {
    let relay = roomy_relay();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let (mut a_line, mut b_line) = (a.connect(), b.connect());
    for line in [&mut a_line, &mut b_line] {
        assert_eq!(line.tell(&json!({ "type": "ping" }))["type"], "pong");
        assert_eq!(line.tell(&json!({ "type": "ping" }))["type"], "pong");
    }
    let mut heard = Vec::new();
    let mut refused = Vec::new();
    while heard.len() < 45 {
        let (from, to, id) = match heard.len() % 2 {
            0 => (&mut a_line, &mut b_line, &b.id),
            _ => (&mut b_line, &mut a_line, &a.id),
        };
        let answer = say(from, id, "x");
        if answer["type"] == "error" {
            assert_eq!(answer["code"], "CONVERSATION_ENDED");
            refused.push(heard.len());
            continue;
        }
        heard.push(hear(to));
    }
    assert_eq!(refused, [20, 40], "once after each twenty");
    let expected: Vec<u64> = (1..=20).chain(1..=20).chain(1..=5).collect();
    assert_eq!(heard, expected);

    let end = b_line.frame(&a.id, "end", "", "talk");
    b_line.socket.send(&end.to_string());
    for line in [&mut a_line, &mut b_line] {
        assert_eq!(line.socket.expect("conversation_ended")["reason"], "participant_ended");
    }
    assert_eq!(b_line.socket.expect("status")["status"], "sent");
    assert_eq!(say(&mut a_line, &b.id, "after the end")["status"], "sent");
    assert_eq!(hear(&mut b_line), 1);
    let history = a.get("conversation/talk/history?last=3").json();
    let turns: Vec<&Value> =
        list(&history["messages"]).iter().map(|message| &message["turn_number"]).collect();
    assert_eq!(turns, [&json!(4), &json!(5), &json!(1)], "in the order in which they were said");
    assert_eq!(history["conversation"]["current_turn"], 1);
}

#[test]
fn a_native_agent_keeps_its_rules_in_a_conversation_with_one_of_these() {
    let relay = roomy_relay();
    let a = agent(&relay, "a");
    let native = a.api.register("native");
    let send = |text: &str| {
        let body = json!({ "text": text, "conversationId": "talk", "maxTurns": 1 });
        native.to(&a.id).json(&body).send()
    };
    assert_eq!(send("the only turn").status, 201);
    for _ in 0..2 {
        assert_eq!(send("x").error(), (409, "conversation_turns_exceeded".to_owned()));
    }
    let body = json!({ "from": a.id, "to": "native", "content": "x", "conversation_id": "talk" });
    let refused = a.call("POST", "message", &body);
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("CONVERSATION_ENDED")));
    assert_eq!(a.call("POST", "message", &body).status, 202, "anew");
    assert_eq!(send("its second turn").json()["turn"], 2);
}

#[test]
fn a_conversation_that_was_silent_for_too_long_begins_anew() {
    let relay =
        nexus_tests::Relay::builder().var("CONVERSATION_IDLE_SECONDS", "1").start().unwrap();
    let (a, b) = (agent(&relay, "a"), agent(&relay, "b"));
    let (mut a_line, mut b_line) = (a.connect(), b.connect());
    a_line.say(&b.id, "Hi", "talk");
    b_line.hear();
    eventually("the conversation is over", || {
        b_line.tell(&json!({ "type": "ping" }));
        a.get("conversation/talk/history").json()["conversation"]["status"] == "ended"
    });
    assert_eq!(a_line.say(&b.id, "Still there?", "talk")["status"], "sent");
    let heard = b_line.hear();
    assert_eq!((&heard["content"], &heard["turn_number"]), (&json!("Still there?"), &json!(1)));
}
