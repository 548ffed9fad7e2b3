//! What a conversation between two mailboxes promises.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_protocol::{ConversationState, EndReason, ErrorCode, Limits, SendMail};
use support::{
    Counter, agent, at, faulted, refused,
    town::{Town, Way, mail},
};

const MINUTE: i64 = 60_000;

fn town() -> Town {
    Town::new(Limits::default(), &["a", "b", "c"])
}

#[test]
fn a_conversation_has_a_limit_of_turns() {
    let town = town();
    for turn in 1..=20 {
        let (from, to) = if turn % 2 == 1 { ("a", "b") } else { ("b", "a") };
        let sent = town.send(from, to, None, mail("x", Some("t"))).unwrap();
        assert_eq!(sent.turn, turn);
    }
    for (from, to) in [("a", "b"), ("b", "a")] {
        let refusal = town.send(from, to, None, mail("x", Some("t")));
        assert_eq!(refused(refusal), ErrorCode::ConversationTurnsExceeded);
    }
    let last = town.house("a").arrivals.borrow().last().unwrap().last_turn.clone().unwrap();
    assert_eq!((last.with.as_str(), last.conversation.as_str()), ("b", "t"));
    let shown = town.conversation("a", "t", None, 3).unwrap();
    assert_eq!((shown.turns, shown.reason), (20, Some(EndReason::MaxTurns)));
    assert_eq!(shown.messages.unwrap().len(), 3);

    let first = SendMail { max_turns: Some(1), ..mail("x", Some("u")) };
    assert_eq!(town.send("a", "b", None, first).unwrap().max_turns, 1);
    let more = SendMail { max_turns: Some(9), ..mail("x", Some("u")) };
    assert_eq!(refused(town.send("b", "a", None, more)), ErrorCode::ConversationTurnsExceeded);
}

#[test]
fn a_conversation_expires_except_while_a_message_waits() {
    let town = town();
    town.send("a", "b", None, mail("x", Some("t"))).unwrap();
    town.now.set(100 * MINUTE);
    assert_eq!(town.conversation("a", "t", None, 1).unwrap().state, ConversationState::Active);
    assert!(town.send("a", "b", None, mail("y", Some("t"))).is_ok(), "it waits");
    town.ack("b", "2").unwrap();
    town.now.set(130 * MINUTE);
    // The recipient knows of the acknowledgement, and the sender does not.
    assert_eq!(town.conversation("a", "t", None, 1).unwrap().state, ConversationState::Active);
    assert!(town.send("b", "a", None, mail("z", Some("t"))).is_ok());
    town.ack("a", "1").unwrap();
    town.now.set(160 * MINUTE + 1);
    for (from, to) in [("a", "b"), ("b", "a")] {
        let refusal = town.send(from, to, None, mail("x", Some("t")));
        assert_eq!(refused(refusal), ErrorCode::ConversationEnded);
        let shown = town.conversation(from, "t", None, 1).unwrap();
        assert_eq!((shown.state, shown.reason), (ConversationState::Ended, Some(EndReason::Ttl)));
    }
}

#[test]
fn ending_a_conversation_ends_it_for_both() {
    let town = town();
    town.send("a", "b", None, mail("x", Some("t"))).unwrap();
    town.way.set(Way::Lost);
    assert!(faulted(&town.end("a", "t")));
    town.way.set(Way::Clear);
    // What the sender's mailbox knows counts even before the other has been told.
    let refusal = town.send("a", "b", None, mail("x", Some("t")));
    assert_eq!(refused(refusal), ErrorCode::ConversationEnded);
    let shown = town.end("a", "t").unwrap();
    assert_eq!(shown.reason, Some(EndReason::ParticipantEnded));
    town.evict();
    let refusal = town.send("b", "a", None, mail("x", Some("t")));
    assert_eq!(refused(refusal), ErrorCode::ConversationEnded);
    assert_eq!(refused(town.end("c", "t")), ErrorCode::ConversationNotFound);
}

/// A message that begins its conversation again if it is over.
fn anew(text: &str) -> SendMail {
    SendMail { renews: true, ..mail(text, Some("t")) }
}

fn have_all_turns(town: &Town) {
    for turn in 1..=20 {
        let (from, to) = if turn % 2 == 1 { ("a", "b") } else { ("b", "a") };
        assert_eq!(town.send(from, to, None, anew("x")).unwrap().turn, turn);
    }
}

#[test]
fn after_its_turns_one_message_is_refused_and_the_next_begins_a_round() {
    let town = town();
    have_all_turns(&town);
    let refusal = town.send("a", "b", None, anew("refused"));
    assert_eq!(refused(refusal), ErrorCode::ConversationTurnsExceeded);
    // A message that does not ask for a new round is refused.
    let refusal = town.send("b", "a", None, mail("x", Some("t")));
    assert_eq!(refused(refusal), ErrorCode::ConversationTurnsExceeded);
    town.evict();
    // Either of the two may begin a round.
    let first = SendMail { max_turns: Some(2), ..anew("first") };
    let sent = town.send("b", "a", None, first).unwrap();
    assert_eq!((sent.turn, sent.max_turns), (1, 2));
    town.evict();
    assert_eq!(town.send("a", "b", None, mail("second", Some("t"))).unwrap().turn, 2);
    for name in ["a", "b"] {
        let shown = town.conversation(name, "t", None, 3).unwrap();
        assert_eq!((shown.turns, shown.max_turns, shown.initiator.as_str()), (2, 2, "b"));
        let texts: Vec<String> =
            shown.messages.unwrap().iter().map(|record| text(record)).collect();
        assert_eq!(texts, ["x", "first", "second"], "in the order in which they were said");
    }
    let refusal = town.send("a", "b", None, anew("refused"));
    assert_eq!(refused(refusal), ErrorCode::ConversationTurnsExceeded, "once in each round");
    assert_eq!(town.send("a", "b", None, anew("third")).unwrap().turn, 1);
}

fn text(record: &serde_json::value::RawValue) -> String {
    serde_json::from_str::<nexus_protocol::Mail>(record.get()).unwrap().text.unwrap()
}

#[test]
fn after_an_end_or_expiry_the_next_message_begins_a_round() {
    let town = town();
    town.send("a", "b", None, anew("x")).unwrap();
    town.end("a", "t").unwrap();
    let refusal = town.send("b", "a", None, mail("x", Some("t")));
    assert_eq!(refused(refusal), ErrorCode::ConversationEnded);
    assert_eq!(town.send("b", "a", None, anew("y")).unwrap().turn, 1);
    town.ack("a", "1").unwrap();
    town.ack("b", "1").unwrap();
    town.now.set(31 * MINUTE);
    let refusal = town.send("b", "a", None, mail("x", Some("t")));
    assert_eq!(refused(refusal), ErrorCode::ConversationEnded);
    assert_eq!(town.send("a", "b", None, anew("z")).unwrap().turn, 1);
    // The same if it also used up its turns.
    for after in ["end", "silence"] {
        let town = self::town();
        have_all_turns(&town);
        town.ack("a", "10").unwrap();
        town.ack("b", "10").unwrap();
        if after == "end" {
            town.end("a", "t").unwrap();
        } else {
            town.now.set(31 * MINUTE);
        }
        assert_eq!(town.send("b", "a", None, anew("y")).unwrap().turn, 1, "{after}");
    }
}

#[test]
fn an_end_that_one_side_missed_does_not_end_the_next_round() {
    let town = town();
    town.send("a", "b", None, anew("x")).unwrap();
    town.way.set(Way::Lost);
    assert!(faulted(&town.end("a", "t")));
    town.way.set(Way::Clear);
    assert_eq!(town.send("a", "b", None, anew("y")).unwrap().turn, 1, "anew");
    assert_eq!(town.send("b", "a", None, mail("z", Some("t"))).unwrap().turn, 2);
}

#[test]
fn a_repeat_from_an_earlier_round_is_recognised() {
    let town = town();
    let first = town.send("a", "b", Some("k"), anew("x")).unwrap();
    town.end("a", "t").unwrap();
    town.send("b", "a", None, anew("y")).unwrap();
    assert_eq!(town.send("a", "b", Some("k"), anew("x")).unwrap(), first);
}

#[test]
fn a_conversation_belongs_to_two() {
    let town = town();
    town.send("a", "b", None, mail("for b", Some("t"))).unwrap();
    assert_eq!(refused(town.send("a", "c", None, mail("x", Some("t")))), ErrorCode::Forbidden);
    // A third agent that uses the same id has its own conversation, and learns nothing.
    let sent = town.send("c", "b", None, mail("from c", Some("t"))).unwrap();
    assert_eq!(sent.turn, 1);
    assert_eq!(town.conversation("c", "t", None, 9).unwrap().messages.unwrap().len(), 1);
    let refusal = town.conversation("c", "t", Some("a"), 9);
    assert_eq!(refused(refusal), ErrorCode::ConversationNotFound);
    let shown = town.conversation("b", "t", None, 9).unwrap();
    assert_eq!((shown.with.as_str(), shown.turns), ("a", 1), "the one it has had for longer");
    assert_eq!(town.conversation("b", "t", Some("c"), 9).unwrap().with.as_str(), "c");
    assert!(town.send("b", "c", None, mail("x", Some("t"))).is_ok());
    assert!(town.send("b", "a", None, mail("x", Some("t"))).is_ok());
    assert_eq!(refused(town.send("a", "a", None, mail("x", None))), ErrorCode::InvalidRequest);
}

#[test]
fn messages_that_cross_both_count() {
    let town = town();
    town.send("a", "b", None, mail("x", Some("t"))).unwrap();
    let (now, mut random) = (at(0), Counter::default());
    let mut letter = |from: &str, to: &str| {
        let message = mail("crossing", Some("t"));
        town.of(from, |house| house.letter(now, &agent(to), None, message, &mut random)).unwrap()
    };
    let (to_b, to_a) = (letter("a", "b"), letter("b", "a"));
    let receive = |to: &str, letter| {
        let accepted = town.of(to, |house| house.receive(now, letter, false)).unwrap().0;
        assert_eq!(accepted.sent.turn, 2);
        accepted
    };
    let (by_b, by_a) = (receive("b", &to_b), receive("a", &to_a));
    for (from, to, letter, accepted) in [("a", "b", to_b, by_b), ("b", "a", to_a, by_a)] {
        town.of(from, |house| house.keep_copy(now, &agent(to), &letter, &accepted)).unwrap();
    }
    assert_eq!(town.send("a", "b", None, mail("y", Some("t"))).unwrap().turn, 4);
    for name in ["a", "b"] {
        let shown = town.conversation(name, "t", None, 9).unwrap();
        assert_eq!((shown.turns, shown.messages.unwrap().len()), (4, 4));
    }
}
