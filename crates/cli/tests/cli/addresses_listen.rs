//! Addresses: `nexus listen @me`, against a real relay.

use crate::{
    addresses::{stored, two, waiting},
    listening::{Listening, Mode, Proxy},
    support::{text, texts},
};
use serde_json::{Value, json};
use std::fs;

#[test]
fn listening_prints_and_acknowledges() {
    let (_relay, alice, bob) = two();
    alice.nexus(&["send", "@bob", "before"]).done();
    let mut listening = Listening::start(&bob, "@me", &[]);
    assert_eq!(text(&listening.value()["text"]), "before");
    listening.until("listening over a socket");
    assert_eq!(alice.nexus(&["send", "@bob", "after"]).done()["delivery"], "live");
    assert_eq!(text(&listening.value()["text"]), "after");
    assert_eq!(bob.nexus(&["listen", "@bob"]).error(), "already_running");
    let end = listening.stop("-TERM");
    assert_eq!((&end["reason"], &end["messages"]), (&json!("signal"), &json!(2)));
    assert_eq!((&end["agentId"], &end["cursor"]), (&json!("bob"), &json!("2")));
    assert_eq!(waiting(&bob), 0);
    assert!(stored(&bob, "bob", "listen.json").is_none());
}

#[test]
fn unprinted_messages_are_not_acknowledged() {
    let (_relay, alice, bob) = two();
    alice.nexus(&["send", "@bob", "hello"]).done();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = bob.command().args(["listen", "@me"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(waiting(&bob), 1);
}

fn over(way: &str, refused: &'static [&'static str]) {
    let (relay, alice, bob) = two();
    let proxy = Proxy::new(relay.port(), refused, Mode::Refuses);
    alice.nexus(&["send", "@bob", "one"]).done();
    // The address is reached through the proxy from now on.
    fs::write(bob.state().join("agents/bob/server"), &proxy.url).unwrap();
    let mut listening = Listening::start(&bob, "@me", &[]);
    listening.until(&format!("listening over {way}"));
    assert_eq!(text(&listening.value()["text"]), "one");
    alice.nexus(&["send", "@bob", "two"]).done();
    assert_eq!(text(&listening.value()["text"]), "two");
    listening.stop("-TERM");
    assert_eq!(waiting(&bob), 0);
}

#[test]
fn an_inbox_is_read_over_an_event_stream_if_sockets_are_refused() {
    over("an event stream", &["/ws"]);
}

#[test]
fn an_inbox_is_polled_if_streams_are_refused_too() {
    over("long polls", &["/ws", "/events"]);
}

#[test]
fn nothing_is_lost_when_the_relay_is_killed() {
    let (mut relay, alice, bob) = two();
    let mut listening = Listening::start(&bob, "@me", &[]);
    listening.until("listening over");
    alice.nexus(&["send", "@bob", "one"]).done();
    assert_eq!(text(&listening.value()["text"]), "one");
    relay.kill();
    relay.restart().unwrap();
    alice.nexus(&["send", "@bob", "two"]).done();
    // A message that was printed while the relay was down is acknowledged when it is back. Nothing
    // is printed twice within one run.
    assert_eq!(text(&listening.value()["text"]), "two");
    assert_eq!(listening.stop("-TERM")["messages"], 2);
    assert_eq!(waiting(&bob), 0);
}

#[test]
fn a_message_wakes_an_agent_whose_answer_comes_into_the_inbox() {
    let (_relay, alice, bob) = two();
    let out = bob.state().join("out");
    let script =
        format!("env | sort > {0}; cat >> {0}; echo; echo ' Tuesday! '", out.to_str().unwrap());
    let mut listening = Listening::start(
        &bob,
        "@me",
        &["--exec", &script, "--envelope", "--reply", "--max-turns", "1"],
    );
    let sent = alice.nexus(&["send", "@bob", "Which day?"]).done();
    let conversation = text(&sent["conversationId"]);
    let answers = alice.nexus(&["inbox", "--wait", "30"]).done();
    let answer = &answers["messages"][0];
    assert_eq!((&answer["text"], &answer["replyTo"]), (&json!("Tuesday!"), &sent["id"]));
    assert_eq!(answer["conversationId"], sent["conversationId"]);
    let handled = listening.value();
    assert_eq!((&handled["handled"][0], &handled["reply"]), (&sent["id"], &answer["id"]));
    let told = fs::read_to_string(&out).unwrap();
    for line in [
        "NEXUS_ADDRESS=bob".to_owned(),
        format!("NEXUS_CONVERSATION={conversation}"),
        "NEXUS_FROM=alice".to_owned(),
        "NEXUS_CURSOR=1".to_owned(),
        "NEXUS_VERIFIED=true".to_owned(),
    ] {
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
    assert!(told.contains(&format!("To: @bob, conversation {conversation}")), "{told}");
    assert!(!told.contains("nxs_"), "the secret is in nothing that the command is given: {told}");

    // The limit is one answer per conversation. The agent says so once, and answers in another
    // conversation.
    let on = ["send", "@bob", "And then?", "--conversation", &conversation];
    alice.nexus(&on).done();
    listening.value();
    let notice = alice.nexus(&["inbox", "--wait", "30"]).done();
    assert!(text(&notice["messages"][0]["text"]).starts_with("(nexus) This agent has answered 1"));
    alice.nexus(&["send", "@bob", "Another matter"]).done();
    listening.value();
    assert_eq!(texts(&alice.nexus(&["inbox", "--wait", "30"]).done()), ["Tuesday!"]);
    let counts: Value =
        serde_json::from_str(&stored(&bob, "bob", "replies.json").unwrap()).unwrap();
    assert_eq!(counts[0], json!([format!("alice/{conversation}"), 1]));
    listening.stop("-TERM");
    assert_eq!(waiting(&bob), 0);
}

#[test]
fn a_message_waits_until_the_command_has_succeeded() {
    let (_relay, alice, bob) = two();
    alice.nexus(&["send", "@bob", "never"]).done();
    let mut listening = Listening::start(&bob, "@me", &["--exec", "exit 7", "--max-failures", "2"]);
    assert_eq!(listening.end()["error"], "exec_failed");
    assert_eq!(waiting(&bob), 1);
}

#[test]
fn a_refused_answer_blocks_nothing() {
    let (_relay, alice, bob) = two();
    alice.nexus(&["send", "@bob", "hi"]).done();
    alice.nexus(&["block", "bob"]).done();
    let mut listening = Listening::start(&bob, "@me", &["--exec", "echo no", "--reply"]);
    listening.until("blocked");
    assert_eq!(listening.value()["reply"], Value::Null);
    listening.stop("-TERM");
    assert_eq!(waiting(&bob), 0);
}

#[test]
fn a_hook_gets_the_envelope_and_the_conversation() {
    let (_relay, alice, bob) = two();
    let hook = crate::fake::Fake::answering("200 OK", "", "{}");
    let sent = alice.nexus(&["send", "@bob", "hi"]).done();
    let options = ["--hook", &hook.url, "--hook-session-key"];
    let mut listening = Listening::start(&bob, "@me", &options);
    listening.value();
    let request = hook.requests().remove(0);
    let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let conversation = text(&sent["conversationId"]);
    assert_eq!(body["sessionKey"], format!("nexus:@bob:alice:{conversation}"));
    assert_eq!(body["metadata"]["agent_id"], "bob");
    let id = text(&sent["id"]);
    let command = format!("nexus send @alice 'TEXT' --conversation {conversation} --reply-to {id}");
    assert!(text(&body["message"]).contains(&format!("answer: {command}\n")), "{body}");
    assert!(!request.contains("nxs_"));
    listening.stop("-TERM");
}

#[test]
fn what_is_left_out_of_an_answer_is_told_on_both_sides() {
    let (_relay, alice, bob) = two();
    let script = "head -c 300000 /dev/zero | tr '\\0' x";
    let mut listening = Listening::start(&bob, "@me", &["--exec", script, "--reply"]);
    alice.nexus(&["send", "@bob", "Tell me all"]).done();
    let told = listening.until("a conversation of addresses has no files: only its first 4");
    assert!(told.contains("the answer has 300000 bytes") && told.contains("left out"), "{told}");
    assert!(listening.value()["reply"].is_string());
    let answers = texts(&alice.nexus(&["inbox"]).done());
    assert_eq!(answers.len(), 4);
    assert!(
        answers[3].ends_with("bytes, was left out."),
        "{}",
        &answers[3][answers[3].len() - 99..]
    );
    listening.stop("-TERM");
}

#[test]
fn two_listeners_of_two_agents_come_to_an_end() {
    let (_relay, alice, bob) = two();
    let talk = ["--exec", "date +%N", "--reply", "--max-turns", "2"];
    let mut a = Listening::start(&alice, "@me", &talk);
    let mut b = Listening::start(&bob, "@me", &talk);
    a.until("listening over");
    b.until("listening over");
    alice.nexus(&["send", "@bob", "begin"]).done();
    // At most two answers and a notice from each agent, and then silence.
    a.until("its limit in one conversation");
    b.until("its limit in one conversation");
    let (a, b) = (a.stop_quietly(), b.stop_quietly());
    assert!(a <= 4 && b <= 4, "{a} {b}");
}
