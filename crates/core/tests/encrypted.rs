//! Encrypted sessions (section 10): who gets in, what is taken, and what stays as it was sent.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Caller, Content, Digest, Need, Result, SeatRequest};
use nexus_protocol::{
    ChangeTask, Condition, CreateSession, ErrorCode, GiveTask, Joined, KeyId, Limits, Profile,
    Sealed, SendMessage, TaskNews,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use support::{Calls, World, agent, at, caller, messages, refused};

fn key_id(byte: u8) -> KeyId {
    KeyId::from_bytes([byte; 16])
}

fn sealed(blocks: usize) -> String {
    Sealed { iv: [1; 16], ciphertext: vec![7; blocks * 16], tag: [3; 32] }.write()
}

fn knowing(caller: Caller) -> Caller {
    Caller { key_id: Some(key_id(1)), ..caller }
}

fn create(more: &str) -> Result<CreateSession, nexus_protocol::Refusal> {
    let id = key_id(1);
    let body = format!(r#"{{"creatorAgentId":"a","encryption":{{"v":1,"keyId":"{id}"}}{more}}}"#);
    CreateSession::parse(body.as_bytes(), &Limits::default())
}

/// An encrypted session of `a`, its creator, and `b`.
fn pair() -> (World, Caller, Caller) {
    let mut world = World::new(Limits::default());
    let key = world.create(create("").unwrap());
    let b = knowing(caller("b", None));
    let joined = world.join_as(0, &b, Profile::default()).unwrap();
    (world, caller("a", key.as_ref()), caller("b", Some(&joined.session_key)))
}

fn send(world: &mut World, from: &Caller, body: &str) -> Result<nexus_protocol::Sent> {
    let send = SendMessage::parse(body.as_bytes(), &Limits::default().sealed()).unwrap();
    world.send(1, from, None, send)
}

#[test]
fn only_who_knows_the_key_joins() {
    let (mut world, a, _) = pair();
    for (shown, expected) in
        [(None, ErrorCode::KeyRequired), (Some(key_id(2)), ErrorCode::WrongKey)]
    {
        let stranger = Caller { key_id: shown.clone(), ..caller("c", None) };
        let visitor = world.session.enter(at(1), &stranger, Need::Entry).unwrap();
        assert_eq!(refused(world.session.check_join(at(1), &visitor, &stranger)), expected);
        assert_eq!(refused(world.join_as(1, &stranger, Profile::default())), expected);
        let claim = |key_id| SeatRequest {
            agent: agent("c"),
            code: "PEARL-FOCAL-S5SJV".parse().unwrap(),
            claim: Digest::of(&["claim"]),
            supersedes: Vec::new(),
            profile: Profile::default(),
            key_id,
        };
        let taken = world.session.take_seat(at(1), &claim(shown), &mut world.random);
        assert_eq!(refused(taken), expected);
        assert_eq!(world.session.looks(at(1)).unwrap().agents, [agent("a"), agent("b")]);
    }
    let joined: Joined = world.join_as(1, &knowing(caller("c", None)), Profile::default()).unwrap();
    assert_eq!(joined.encryption.unwrap().v, 1);
    // A member comes back with its own key.
    assert_eq!(world.join_as(2, &a, Profile::default()).unwrap().encryption.unwrap().v, 1);
    world.evict();
    let status = world.session.looks(at(3)).unwrap();
    assert_eq!(status.encryption.unwrap().v, 1);
}

#[test]
fn the_id_alone_reads_nothing_and_makes_no_link() {
    let (mut world, a, _) = pair();
    let nobody = caller("b", None);
    let read = world.session.as_member(at(1), &nobody);
    assert_eq!(refused(read), ErrorCode::MissingSessionKey);
    let code = || "PEARL-FOCAL-S5SJV".parse().unwrap();
    let stranger = world.session.enter(at(1), &Caller::default(), Need::Entry).unwrap();
    let made = world.session.add_code(at(1), &stranger, code(), false);
    assert_eq!(refused(made), ErrorCode::MissingSessionKey);
    let creator = world.session.enter(at(1), &a, Need::Entry).unwrap();
    world.session.add_code(at(1), &creator, code(), false).unwrap();
    // The relay cannot write the whole link.
    let sent_on = world.session.add_code(at(1), &creator, code(), true);
    assert_eq!(refused(sent_on), ErrorCode::EncryptionRequired);
    assert_eq!(refused(world.session.check_open(at(1))), ErrorCode::KeyRequired);
}

#[test]
fn an_encrypted_session_needs_a_creator_and_a_known_version() {
    let id = key_id(1);
    for wrong in [
        format!(r#"{{"encryption":{{"v":1,"keyId":"{id}"}}}}"#),
        format!(r#"{{"creatorAgentId":"a","encryption":{{"v":2,"keyId":"{id}"}}}}"#),
        format!(r#"{{"creatorAgentId":"a","encryption":{{"v":1,"keyId":"k1{id}"}}}}"#),
        r#"{"creatorAgentId":"a","encryption":{"v":1}}"#.to_owned(),
        r#"{"creatorAgentId":"a","encryption":true}"#.to_owned(),
    ] {
        let refusal = CreateSession::parse(wrong.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(refusal.body.error, ErrorCode::InvalidRequest, "{wrong}");
    }
    let open = create(r#","greeting":"hello""#).unwrap();
    let mut world = World::new(Limits::default());
    let created = world.session.create(at(0), open, &mut world.random);
    assert_eq!(refused(created), ErrorCode::EncryptionRequired);
    assert_eq!(refused(world.session.looks(at(0))), ErrorCode::SessionNotFound);
    let greeting = sealed(9000);
    world.create(create(&format!(r#","greeting":"{greeting}""#)).unwrap());
    let invitation = world.session.invitation(at(0)).unwrap();
    assert!(invitation.is_encrypted);
    assert_eq!(invitation.topic, None, "nobody can read its first line");
}

/// What is no sealed string, though it may look like one.
fn not_sealed() -> impl Strategy<Value = String> {
    let whole = sealed(2);
    prop_oneof![
        "[ -~]{0,80}".prop_filter("a sealed string", |text| Sealed::parse(text).is_none()),
        Just(format!("{whole}.")),
        Just(format!(" {whole}")),
        Just(whole.replacen("..", ".AAAA.", 1)),
        Just(whole.chars().take(140).collect()),
        Just(whole.replacen("ZGlyIi", "ZGlyIj", 1) + "="),
    ]
}

proptest! {
    #[test]
    fn what_is_not_sealed_is_refused_everywhere_and_nothing_is_stored(open in not_sealed()) {
        let (mut world, a, b) = pair();
        let quoted = serde_json::to_string(&open).unwrap();
        let whole = sealed(1);
        let given = format!(r#"{{"to":"b","task":"{whole}","context":"{whole}"}}"#);
        let who = world.session.with_key(at(1), &a).unwrap();
        let online = BTreeSet::new();
        let parsed = |body: &str| GiveTask::parse(body.as_bytes(), &Limits::default().sealed());
        let task = world.session.give_task(at(1), &who, None, parsed(&given).unwrap(), &online).unwrap().0;
        let done_by = world.session.with_key(at(1), &b).unwrap();
        let accept = ChangeTask::parse(br#"{"status":"accepted"}"#, &Limits::default()).unwrap();
        world.session.change_task(at(1), &done_by, None, &task.id, accept, &online).unwrap();
        let before = world.page(2, &a, None, 500).unwrap().messages.len();
        let mut refusals = Vec::new();
        if !open.is_empty() {
            refusals.push(send(&mut world, &a, &format!(r#"{{"text":{quoted}}}"#)).map(drop));
            let task = format!(r#"{{"to":"b","task":{quoted}}}"#);
            refusals.push(world.session.give_task(at(2), &who, None, parsed(&task).unwrap(), &online).map(drop));
        }
        refusals.push(send(&mut world, &a, &format!(r#"{{"json":{quoted}}}"#)).map(drop));
        refusals.push(send(&mut world, &a, &format!(r#"{{"text":"{whole}","json":"{whole}"}}"#)).map(drop));
        let context = format!(r#"{{"to":"b","task":"{whole}","context":{{"a":{quoted}}}}}"#);
        refusals.push(world.session.give_task(at(2), &who, None, parsed(&context).unwrap(), &online).map(drop));
        for change in [
            format!(r#"{{"status":"in_progress","progress":{quoted}}}"#),
            format!(r#"{{"status":"in_progress","result":{quoted}}}"#),
            format!(r#"{{"status":"in_progress","result":[{quoted}]}}"#),
        ] {
            let change = ChangeTask::parse(change.as_bytes(), &Limits::default().sealed()).unwrap();
            refusals.push(world.session.change_task(at(2), &done_by, None, &task.id, change, &online).map(drop));
        }
        let key = "a.txt".parse().unwrap();
        let content = Content { content_type: "text/plain".to_owned(), bytes: open.into_bytes() };
        refusals.push(world.session.put_file(at(2), &who, None, &key, &Condition::default(), content).map(drop));
        for refusal in refusals {
            prop_assert_eq!(refused(refusal), ErrorCode::EncryptionRequired);
        }
        prop_assert_eq!(world.page(3, &a, None, 500).unwrap().messages.len(), before);
    }

    #[test]
    fn what_is_sealed_comes_out_as_it_went_in(blocks in 1_usize..5000) {
        let (mut world, a, b) = pair();
        let whole = sealed(blocks);
        send(&mut world, &a, &format!(r#"{{"text":"{whole}","redact":false}}"#)).unwrap();
        let read = messages(&world.page(2, &b, None, 10).unwrap()).remove(0);
        prop_assert_eq!(read.text.as_ref(), Some(&whole));
        prop_assert!(read.redacted.is_empty() && !read.unredacted);
        let who = world.session.with_key(at(2), &a).unwrap();
        let key = "a.txt".parse().unwrap();
        let content = Content { content_type: "text/plain".to_owned(), bytes: whole.clone().into_bytes() };
        let saved = world.session.put_file(at(2), &who, None, &key, &Condition::default(), content).unwrap();
        prop_assert_eq!(saved.file.content_type, "application/jose");
        prop_assert_eq!(world.session.file(at(2), &who, &key, None).unwrap().1, whole.into_bytes());
    }
}

#[test]
fn a_task_is_told_without_a_piece_of_what_is_sealed() {
    let (mut world, a, b) = pair();
    let online = BTreeSet::new();
    let whole = sealed(20);
    let limits = Limits::default().sealed();
    let give = format!(r#"{{"to":"b","task":"{whole}"}}"#);
    let give = GiveTask::parse(give.as_bytes(), &limits).unwrap();
    let asker = world.session.with_key(at(1), &a).unwrap();
    let task = world.session.give_task(at(1), &asker, None, give, &online).unwrap().0;
    let doer = world.session.with_key(at(1), &b).unwrap();
    for body in [
        r#"{"status":"accepted"}"#.to_owned(),
        format!(r#"{{"status":"in_progress","progress":"{whole}","result":"{whole}"}}"#),
    ] {
        let change = ChangeTask::parse(body.as_bytes(), &limits).unwrap();
        world.session.change_task(at(1), &doer, None, &task.id, change, &online).unwrap();
    }
    // What the last assignee has sealed cannot be opened in the name of the next.
    let hand_on = ChangeTask::parse(br#"{"to":"a"}"#, &limits).unwrap();
    let handed = world.session.change_task(at(2), &asker, None, &task.id, hand_on, &online);
    let handed = handed.unwrap().0;
    assert!(handed.progress.is_none() && handed.result.is_none());
    let told = messages(&world.page(3, &a, None, 10).unwrap());
    assert_eq!(told.len(), 4);
    for message in told {
        let text = message.text.unwrap();
        assert!(!text.contains("eyJ") && text.contains("sealed"), "{text}");
        let news: TaskNews = serde_json::from_str(message.json.unwrap().get()).unwrap();
        assert_eq!(news.task.task, whole);
    }
}
