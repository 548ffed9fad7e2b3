//! What a mailbox promises, rule by rule.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{List, Mailbox, MailboxNeed, Proof, SecretUse, hmac};
use nexus_protocol::{
    AgentListRequest, AllowOnly, ChangeCard, ErrorCode, Limits, MailDelivery, MailState, Register,
    Timestamp,
};
use support::{
    Counter, Sqlite, agent, at, faulted, refused,
    town::{Town, Way, mail, registration, secret},
};

const MINUTE: i64 = 60_000;

fn town() -> Town {
    Town::new(Limits::default(), &["a", "b", "c"])
}

fn state(town: &Town, of: &str, by: &str, id: &nexus_protocol::MessageId) -> MailState {
    let now = at(town.now.get());
    town.of(of, |mailbox| mailbox.message_status(now, &agent(by), id)).unwrap().state
}

#[test]
fn an_agent_registers_once_and_proves_its_secret() {
    let database = Sqlite::new();
    let mut mailbox = Mailbox::new(agent("a"), database.clone(), Limits::default());
    let mut random = Counter::default();
    let shown = |secret: &str| Some(Proof::Secret(secret.parse().unwrap()));
    assert_eq!(
        refused(mailbox.enter(at(0), None, shown("x").as_ref(), MailboxNeed::Owner)),
        ErrorCode::AgentNotFound
    );
    let sender = mailbox.enter(at(0), None, shown("x").as_ref(), MailboxNeed::Sender);
    assert_eq!(refused(sender), ErrorCode::InvalidSecret);
    let nobody = mailbox.enter(at(0), None, None, MailboxNeed::Sender);
    assert_eq!(refused(nobody), ErrorCode::MissingSecret);
    assert_eq!(database.tables(), Vec::<String>::new());

    let request = Register { secret: None, ..registration("a") };
    let made = mailbox.register(at(0), request.clone(), SecretUse::Shown, &mut random).unwrap();
    assert!(made.secret.as_str().starts_with("nxs_"));
    assert!(!database.dump().contains(made.secret.as_str()), "only a hash is stored");
    let again = mailbox.register(at(1), request, SecretUse::Shown, &mut random);
    assert_eq!(refused(again), ErrorCode::AgentIdTaken);
    let same = Register { secret: Some(made.secret.clone()), ..registration("other") };
    let same = mailbox.register(at(1), same, SecretUse::Shown, &mut random).unwrap();
    assert_eq!(same, made, "the same again");

    assert!(
        mailbox
            .enter(at(0), None, shown(made.secret.as_str()).as_ref(), MailboxNeed::Owner)
            .is_ok()
    );
    assert_eq!(
        refused(mailbox.enter(at(0), None, None, MailboxNeed::Owner)),
        ErrorCode::MissingSecret
    );
    let wrong = mailbox.enter(at(0), None, shown("wrong").as_ref(), MailboxNeed::Owner);
    assert_eq!(refused(wrong), ErrorCode::InvalidSecret);
    let given = mailbox.replace_secret(None, &mut random).unwrap().secret;
    assert!(mailbox.enter(at(0), None, shown(given.as_str()).as_ref(), MailboxNeed::Owner).is_ok());
    let old = mailbox.enter(at(0), None, shown(made.secret.as_str()).as_ref(), MailboxNeed::Owner);
    assert_eq!(refused(old), ErrorCode::InvalidSecret);
}

#[test]
fn an_agent_may_prove_itself_by_signatures() {
    let mut mailbox = Mailbox::new(agent("a"), Sqlite::new(), Limits::default());
    let mut random = Counter::default();
    mailbox.register(at(0), registration("a"), SecretUse::Signs, &mut random).unwrap();
    let signed = |key: &str| Proof::Signature {
        message: "a|b".to_owned(),
        signature: hmac(key, "a|b").unwrap(),
    };
    assert!(
        mailbox.enter(at(0), None, Some(&signed(secret("a").as_str())), MailboxNeed::Owner).is_ok()
    );
    let wrong = mailbox.enter(at(0), None, Some(&signed("wrong")), MailboxNeed::Owner);
    assert_eq!(refused(wrong), ErrorCode::InvalidSecret);
    // A new secret is used in the same way as the old one.
    let given = mailbox.replace_secret(Some(secret("b")), &mut random).unwrap().secret;
    assert!(mailbox.enter(at(0), None, Some(&signed(given.as_str())), MailboxNeed::Owner).is_ok());
}

#[test]
fn cards_change_and_being_heard_is_being_online() {
    let town = town();
    let change = ChangeCard {
        description: Some("d".to_owned()),
        listed: Some(true),
        ..ChangeCard::default()
    };
    let before = town.of("a", Mailbox::listing).unwrap();
    town.of("a", |a| a.change(at(0), change)).unwrap();
    let after = town.of("a", Mailbox::listing).unwrap();
    assert!(after.listed && after.revision > before.revision, "also within a millisecond");
    let status = |now, connected| town.of("a", |a| a.status(at(now), connected)).unwrap();
    assert_eq!(status(0, false).card.description.as_deref(), Some("d"));
    let removed = ChangeCard { description: Some(String::new()), ..ChangeCard::default() };
    town.of("a", |a| a.change(at(0), removed)).unwrap();
    assert_eq!(status(0, false).card.description, None);

    assert!(status(60_000, false).online && !status(60_001, false).online);
    assert!(status(60_001, true).online);
    let _ = town.house("a").database.writes();
    let proof = Proof::Secret(secret("a"));
    town.of("a", |a| a.enter(at(50_000), None, Some(&proof), MailboxNeed::Owner)).unwrap();
    town.of("a", |a| a.hear(at(50_000))).unwrap();
    assert!(status(110_000, false).online);
    assert_eq!(town.house("a").database.writes().len(), 0, "not yet worth a write");
    town.of("a", |a| a.hear(at(60_000))).unwrap();
    assert_eq!(town.house("a").database.writes().len(), 1);
    town.evict();
    assert!(status(180_000, false).online && !status(180_001, false).online);
}

#[test]
fn a_message_waits_until_it_is_acknowledged() {
    let town = town();
    let one = town.send("a", "b", None, mail("one", None)).unwrap();
    assert_eq!((one.delivery, one.turn, one.max_turns), (MailDelivery::Queued, 1, 20));
    assert_eq!(state(&town, "b", "a", &one.id), MailState::Queued);
    town.house("b").live.set(true);
    let two = town.send("c", "b", None, mail("two", None)).unwrap();
    assert_eq!(two.delivery, MailDelivery::Live);
    assert_eq!(state(&town, "b", "c", &two.id), MailState::Delivered);
    assert_eq!(town.house("b").arrivals.borrow().len(), 2);

    let both = [("1".to_owned(), "one".to_owned()), ("2".to_owned(), "two".to_owned())];
    assert_eq!(town.poll("b", None, 10), both);
    assert_eq!(state(&town, "b", "a", &one.id), MailState::Delivered);
    town.evict();
    assert_eq!(town.poll("b", None, 10), both, "reading is not acknowledging");
    let acked = town.ack("b", "1").unwrap();
    assert_eq!((acked.cursor.to_string(), acked.waiting), ("1".to_owned(), 1));
    assert_eq!(town.poll("b", None, 10), both[1..]);
    assert_eq!(town.poll("b", Some("0"), 10), both, "it can be read again");
    assert_eq!(state(&town, "b", "a", &one.id), MailState::Acked);
    assert_eq!(town.ack("b", "0").unwrap().cursor.to_string(), "1", "never back");
    assert_eq!(refused(town.ack("b", "3")), ErrorCode::InvalidRequest);

    let status = |by| town.of("b", |b| b.message_status(at(0), &agent(by), &one.id));
    assert_eq!(refused(status("c")), ErrorCode::MessageNotFound);
    assert!(status("a").is_ok());
}

#[test]
fn limits_are_exact() {
    let town = town();
    for number in 0..30 {
        town.now.set(number);
        town.send("a", "b", None, mail("x", None)).unwrap();
    }
    let refusal = match town.send("a", "b", None, mail("x", None)) {
        Err(nexus_core::Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal.body.error, ErrorCode::SenderRateExceeded);
    assert_eq!(refusal.retry_after, Some(60));
    assert!(town.send("c", "b", None, mail("x", None)).is_ok(), "another sender is free");
    town.evict();
    town.now.set(MINUTE - 1);
    assert_eq!(refused(town.send("a", "b", None, mail("x", None))), ErrorCode::SenderRateExceeded);
    town.now.set(MINUTE);
    assert!(town.send("a", "b", None, mail("x", None)).is_ok());
}

#[test]
fn a_listed_agent_tells_the_directory_once_a_day_that_it_was_heard() {
    const DAY: i64 = 24 * 60 * MINUTE;
    let town = town();
    let told = |now: i64| town.of("a", |a| a.hear(at(now))).unwrap().map(|told| told.heard);
    assert_eq!(told(2 * DAY), None, "it is not listed");
    let list = ChangeCard { listed: Some(true), ..ChangeCard::default() };
    town.of("a", |a| a.change(at(2 * DAY), list)).unwrap();
    assert_eq!(told(2 * DAY + MINUTE), None);
    assert_eq!(told(3 * DAY), Some(at(3 * DAY)));
    town.evict();
    assert_eq!(told(3 * DAY + 2 * MINUTE), None);
    assert_eq!(told(4 * DAY + MINUTE), Some(at(4 * DAY + MINUTE)));
}

#[test]
fn lists_decide_whom_an_agent_hears() {
    let town = town();
    let set = |list, other: &str, on| {
        town.of("b", |b| b.set_listed(at(0), list, &agent(other), on)).unwrap();
    };
    set(List::Blocks, "a", true);
    assert_eq!(refused(town.send("a", "b", None, mail("x", None))), ErrorCode::Blocked);
    assert!(town.send("b", "a", None, mail("x", None)).is_ok());
    set(List::Blocks, "a", false);
    assert!(town.send("a", "b", None, mail("x", None)).is_ok());
    town.of("b", |b| b.set_allow_only(AllowOnly { allow_only: true })).unwrap();
    town.evict();
    assert_eq!(refused(town.send("a", "b", None, mail("x", None))), ErrorCode::NotAllowed);
    set(List::Allows, "a", true);
    assert!(town.send("a", "b", None, mail("x", None)).is_ok());
    set(List::Blocks, "a", true);
    assert_eq!(refused(town.send("a", "b", None, mail("x", None))), ErrorCode::Blocked);

    for number in 0..999 {
        set(List::Blocks, &format!("x{number:03}"), true);
    }
    let full =
        |other: &str| town.of("b", |b| b.set_listed(at(0), List::Blocks, &agent(other), true));
    assert_eq!(refused(full("y")), ErrorCode::ListFull);
    let _ = town.house("b").database.writes();
    assert!(full("x001").is_ok(), "it is there already");
    assert_eq!(town.house("b").database.writes().len(), 0);
    let list = |after: Option<&str>, limit| {
        let request = AgentListRequest { after: after.map(agent), limit };
        town.of("b", |b| b.list(List::Blocks, &request)).unwrap()
    };
    let page = list(None, 2);
    assert_eq!((page.agents, page.has_more), (vec![agent("a"), agent("x000")], true));
    let page = list(Some("x997"), 2);
    assert_eq!((page.agents, page.has_more), (vec![agent("x998")], false));
}

#[test]
fn a_repeat_is_harmless_and_completes_an_interrupted_send() {
    let town = town();
    let send = |text: &str| town.send("a", "b", Some("k"), mail(text, None));
    town.way.set(Way::Lost);
    assert!(faulted(&send("one")));
    town.way.set(Way::AnswerLost);
    assert!(faulted(&send("one")));
    town.way.set(Way::Clear);
    town.evict();
    town.house("a").database.fail_after(0);
    assert!(faulted(&send("one")), "the copy cannot be stored");
    town.house("a").database.heal();
    town.now.set(5);
    let other = refused(send("another body"));
    assert_eq!(other, ErrorCode::IdempotencyKeyReused, "it would be lost in silence");
    let sent = send("one").unwrap();
    assert_eq!((sent.sent_at, sent.turn), (at(0), 1));
    assert_eq!(send("one").unwrap(), sent);
    assert_eq!(town.poll("b", None, 10).len(), 1);
    let shown = town.conversation("a", sent.conversation_id.as_str(), None, 9).unwrap();
    assert_eq!(shown.messages.unwrap().len(), 1, "the copy is there, once");

    town.house("b").database.fail_after(0);
    assert!(faulted(&town.send("a", "b", None, mail("two", None))));
    town.house("b").database.heal();
    assert_eq!(town.poll("b", None, 10).len(), 1, "what failed is not there");
    assert_eq!(town.send("a", "b", None, mail("two", None)).unwrap().cursor.to_string(), "2");
}

#[test]
fn expired_messages_are_gone_and_their_cursors_are_not_reused() {
    let limits = Limits { message_retention: 60, ..Limits::default() };
    let town = Town::new(limits, &["a", "b"]);
    let sent = town.send("a", "b", None, mail("x", Some("t"))).unwrap();
    town.now.set(59_999);
    assert_eq!(town.poll("b", None, 9).len(), 1);
    town.now.set(60_000);
    assert_eq!(town.poll("b", None, 9).len(), 0);
    assert_eq!(state(&town, "b", "a", &sent.id), MailState::Expired);
    assert_eq!(town.ack("b", "1").unwrap().waiting, 0);
    assert_eq!(state(&town, "b", "a", &sent.id), MailState::Expired, "that was too late");
    assert_eq!(town.conversation("b", "t", None, 9).unwrap().messages.unwrap().len(), 0);

    let clean_up = |name: &str, now| town.of(name, |mailbox| mailbox.clean_up(at(now))).unwrap();
    let day = 24 * 60 * MINUTE;
    assert_eq!(clean_up("b", day + 59_999), Some(at(2 * day + 59_999)));
    assert_eq!(clean_up("b", day + 60_000), None::<Timestamp>);
    assert_eq!(clean_up("a", day + 60_000), None);
    town.now.set(day + 60_000);
    town.evict();
    let status = town.of("b", |b| b.message_status(at(day), &agent("a"), &sent.id));
    assert_eq!(refused(status), ErrorCode::MessageNotFound);
    let next = town.send("a", "b", None, mail("y", Some("t"))).unwrap();
    assert_eq!((next.cursor.to_string().as_str(), next.turn), ("2", 1));
    assert_eq!(town.poll("b", None, 9), [("2".to_owned(), "y".to_owned())]);
}

#[test]
fn each_operation_is_one_write() {
    let town = town();
    let writes = |name: &str| town.house(name).database.writes().len();
    let both = || (writes("a"), writes("b"));
    both();
    town.send("a", "b", Some("k"), mail("x", Some("t"))).unwrap();
    assert_eq!(both(), (1, 1), "send");
    town.send("a", "b", Some("k"), mail("x", Some("t"))).unwrap();
    assert_eq!(both(), (0, 0), "repeat");
    town.poll("b", None, 9);
    assert_eq!(both(), (0, 1), "the first poll");
    town.poll("b", None, 9);
    assert_eq!(both(), (0, 0), "another poll");
    town.ack("b", "1").unwrap();
    assert_eq!(both(), (0, 1), "acknowledge");
    town.ack("b", "1").unwrap();
    town.conversation("a", "t", None, 9).unwrap();
    assert_eq!(both(), (0, 0), "look");
    town.end("a", "t").unwrap();
    assert_eq!(both(), (1, 1), "end");
    town.end("a", "t").unwrap();
    assert!(town.send("a", "b", None, mail("x", Some("t"))).is_err());
    assert_eq!(both(), (0, 0), "refused");
}

#[test]
fn lookups_use_keys() {
    let town = town();
    town.send("a", "b", None, mail("x", Some("t"))).unwrap();
    let database = &town.house("b").database;
    let _ = database.statements();
    town.send("a", "b", Some("k"), mail("x", Some("t"))).unwrap();
    town.poll("b", None, 9);
    town.ack("b", "2").unwrap();
    town.conversation("b", "t", None, 9).unwrap();
    for sql in database.statements() {
        for step in database.plan(sql) {
            let by_key = step.starts_with("SEARCH") || step.contains("sqlite_master");
            assert!(by_key || !step.starts_with("SCAN mail"), "{sql}: {step}");
        }
    }
}

#[test]
fn nonces_are_accepted_once_and_neither_they_nor_signed_frames_grow_without_limit() {
    let town = town();
    let sign = |now: i64, nonce: String| town.of("a", |mailbox| mailbox.use_nonce(at(now), &nonce));
    assert!(sign(0, "n".to_owned()).unwrap());
    assert!(!sign(10 * MINUTE - 1, "n".to_owned()).unwrap());
    assert!(sign(10 * MINUTE, "n".to_owned()).unwrap());
    // Ten for each of the 30 messages of a minute. The next minute counts separately.
    for minute in 20..35 {
        for number in 0..300 {
            assert!(sign(minute * MINUTE + number, format!("{minute} {number}")).unwrap());
        }
        let more = sign(minute * MINUTE + 300, "more".to_owned());
        assert_eq!(refused(more), ErrorCode::SenderRateExceeded);
        assert!(!sign(minute * MINUTE + 300, format!("{minute} 7")).unwrap(), "seen is seen");
    }
    let kept = town.houses[&agent("a")].database.dump().matches("nonce").count();
    assert!(kept <= 11 * 300, "as many as ten minutes can bring: {kept}");
}
