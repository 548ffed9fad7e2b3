//! Secrets in what agents say to each other (section 7): where they are searched for, what is
//! refused, and who may have them left in.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{
    Caller, Content, Digest, Error, Mailbox, Result, SeatRequest, SecretUse, check_name,
};
use nexus_protocol::{
    AllowUnredacted, ChangeCard, ChangeTask, ClawLinkAnswer, Condition, CreateSession, ErrorCode,
    GiveTask, Limits, Profile, Register, SendMail, SendMessage, SessionKey, Task,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use support::{
    Calls, Counter, Sqlite, World, agent, at, caller, messages, refused,
    team::Team,
    town::{Town, mails},
};

/// Something that must not be stored. Put together here, so that nothing looks like a secret in
/// these sources.
fn token() -> String {
    ["ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat()
}

const MARK: &str = "[REDACTED:github_token]";

fn profile(words: &str) -> Profile {
    let token = token();
    let body = format!(
        r#"{{"name":"{words}","capabilities":["x","{token}"],"description":"{words}","machine":"{words}"}}"#
    );
    Profile::parse(body.as_bytes()).unwrap()
}

/// A session of `a`, its creator, and `b`, with or without a token.
fn pair(unredacted: AllowUnredacted, token: Option<&str>) -> (World, Caller, Caller) {
    let mut world = World::new(Limits { unredacted, ..Limits::default() });
    let key = world.create(CreateSession {
        creator_agent_id: Some(agent("a")),
        token: token.map(|token| token.parse().unwrap()),
        ..CreateSession::default()
    });
    let with_token = |name: &str, key: Option<&SessionKey>| Caller {
        token: token.map(|token| token.parse().unwrap()),
        ..caller(name, key)
    };
    let joined = world.join_as(0, &with_token("b", None), Profile::default()).unwrap();
    (world, with_token("a", key.as_ref()), with_token("b", Some(&joined.session_key)))
}

fn send(body: &str) -> SendMessage {
    SendMessage::parse(body.as_bytes(), &Limits::default()).unwrap()
}

fn mail(body: &str) -> SendMail {
    SendMail::parse(body.as_bytes(), &Limits::default()).unwrap()
}

fn give(world: &mut World, caller: &Caller, body: &str) -> Result<Task> {
    let give = GiveTask::parse(body.as_bytes(), &Limits::default()).unwrap();
    let who = world.session.with_key(at(1), caller)?;
    Ok(world.session.give_task(at(1), &who, None, give, &BTreeSet::new())?.0)
}

fn change(world: &mut World, caller: &Caller, task: &Task, body: &str) -> Result<Task> {
    let change = ChangeTask::parse(body.as_bytes(), &Limits::default()).unwrap();
    let who = world.session.with_key(at(2), caller)?;
    Ok(world.session.change_task(at(2), &who, None, &task.id, change, &BTreeSet::new())?.0)
}

/// The code and the reason of the refusal.
fn why<T: std::fmt::Debug>(result: Result<T>) -> (ErrorCode, Option<String>) {
    match result {
        Err(Error::Refused(refusal)) => {
            (refusal.body.error, refusal.body.reason.map(std::borrow::Cow::into_owned))
        }
        other => panic!("not refused: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Every request of a session and of an address whose words another agent may read, with a
    /// secret in each of its texts.
    #[test]
    fn no_text_that_others_read_keeps_a_secret(before in "[a-z]{0,9}", after in "[a-z.]{0,9}") {
        let token = token();
        let words = format!("{before} {token} {after}");
        let mut world = World::new(Limits::default());
        let created = CreateSession::parse(
            format!(
                r#"{{"creatorAgentId":"a","greeting":"{words}","name":"{words}","capabilities":["{token}"],"description":"{words}","machine":"{words}"}}"#
            )
            .as_bytes(),
            &Limits::default(),
        );
        let created =
            world.session.create(at(0), created.unwrap(), &mut Counter::default()).unwrap();
        prop_assert_eq!(created.redacted[0].count, 5);
        let a = caller("a", created.session_key.as_ref());

        // Profiles, however they come.
        let joined = world.join_as(0, &caller("b", None), profile(&words)).unwrap();
        prop_assert_eq!(joined.redacted[0].count, 4);
        let b = caller("b", Some(&joined.session_key));
        let who = world.session.with_key(at(0), &b).unwrap();
        let changed = world.session.change_profile(at(0), &who, profile(&words)).unwrap();
        prop_assert_eq!(changed.profile.capabilities.unwrap(), ["x", MARK]);
        prop_assert_eq!(changed.profile.name.unwrap(), format!("{before} {MARK} {after}"));
        let seat = SeatRequest {
            agent: agent("c"),
            code: "PEARL-FOCAL-S5SJV".parse().unwrap(),
            claim: Digest::of(&["claim"]),
            supersedes: Vec::new(),
            profile: profile(&words),
            key_id: None,
        };
        let claimed = world.session.take_seat(at(0), &seat, &mut Counter::default()).unwrap();
        prop_assert_eq!(claimed.redacted[0].count, 4);
        world.session.enrols(at(0), &caller("d", None), profile(&words)).unwrap();

        // Messages and tasks.
        let body = format!(
            r#"{{"text":"{words}","json":["{words}"],"topic":"{token}","tags":["x","{token}"]}}"#
        );
        let sent = world.send(1, &a, None, send(&body)).unwrap();
        prop_assert_eq!((sent.redacted[0].count, sent.unredacted), (4, false));
        let body = format!(r#"{{"to":"b","task":"{words}","context":{{"x":"{words}"}}}}"#);
        let task = give(&mut world, &a, &body).unwrap();
        prop_assert_eq!(task.redacted[0].count, 2);
        change(&mut world, &b, &task, r#"{"status":"accepted"}"#).unwrap();
        let body = format!(r#"{{"status":"in_progress","progress":"{words}","result":"{words}"}}"#);
        prop_assert_eq!(change(&mut world, &b, &task, &body).unwrap().redacted[0].count, 2);
        let answer = format!(
            r#"{{"from_agent":"b","to_agent":"a","message_id":"{}","result":"{words}"}}"#,
            task.id
        );
        let answer = ClawLinkAnswer::parse(answer.as_bytes(), &Limits::default()).unwrap();
        world.session.answer_task(at(3), &who, answer).unwrap();
        let dump = world.database.dump();
        prop_assert!(dump.contains(MARK) && !dump.contains(&token), "{dump}");

        // Addresses.
        let database = Sqlite::new();
        let mut mailbox = Mailbox::new(agent("m"), database.clone(), Limits::default());
        let body = format!(
            r#"{{"name":"{words}","description":"{words}","version":"{token}","capabilities":["{token}"]}}"#
        );
        let register = Register::parse(body.as_bytes()).unwrap();
        mailbox.register(at(0), register, SecretUse::Shown, &mut Counter::default()).unwrap();
        mailbox.change(at(1), ChangeCard::parse(body.as_bytes()).unwrap()).unwrap();
        let card = mailbox.status(at(1), false).unwrap().card;
        prop_assert_eq!((card.version.as_deref(), &*card.capabilities[0]), (Some(MARK), MARK));
        prop_assert!(!database.dump().contains(&token));
        let town = Town::new(Limits::default(), &["a", "b"]);
        let body = format!(r#"{{"text":"{words}","json":{{"x":"{words}"}}}}"#);
        prop_assert_eq!(town.send("a", "b", None, mail(&body)).unwrap().redacted[0].count, 2);
        for name in ["a", "b"] {
            prop_assert!(!town.house(name).database.dump().contains(&token));
        }
    }
}

#[test]
fn a_name_with_a_secret_is_refused_and_nothing_is_stored() {
    let token = token();
    let mut team = Team::new(&["a"]);
    let a = team.caller("a");
    let who = team.world.session.with_key(at(0), &a).unwrap();
    team.world.database.statements();
    let mut put = |key: &str, content_type: &str| {
        let content = Content { content_type: content_type.to_owned(), bytes: vec![1] };
        let key = key.parse().unwrap();
        team.world.session.put_file(at(0), &who, None, &key, &Condition::None, content)
    };
    for (key, content_type) in [
        (format!("keys/{token}.txt"), "a/b".to_owned()),
        ("x".to_owned(), format!("a/b; c={token}")),
    ] {
        let Err(Error::Refused(refusal)) = put(&key, &content_type) else { panic!("stored {key}") };
        let detail = &refusal.body.details[0];
        assert_eq!(refusal.body.error, ErrorCode::InvalidRequest);
        assert!(detail.message.contains("(github_token)") && !detail.message.contains(&token));
    }
    assert!(put("keys/today.txt", "text/plain").is_ok());
    assert!(team.world.database.dump().lines().all(|row| !row.contains(&token)));

    // Ids, as they are chosen.
    let before = team.world.database.dump();
    let named = caller(&token, None);
    assert_eq!(refused(team.world.join(1, &token)), ErrorCode::InvalidRequest);
    let enrolled = team.world.session.enrols(at(1), &named, Profile::default());
    assert_eq!(refused(enrolled), ErrorCode::InvalidRequest);
    assert_eq!(team.world.database.dump(), before);
    let mut mailbox = Mailbox::new(agent(&token), Sqlite::new(), Limits::default());
    let register = Register::parse(br#"{"name":"n"}"#).unwrap();
    let registered = mailbox.register(at(0), register, SecretUse::Shown, &mut Counter::default());
    assert_eq!(refused(registered), ErrorCode::InvalidRequest);
    let town = Town::new(Limits::default(), &["a", "b"]);
    let body = format!(r#"{{"text":"x","conversationId":"{token}"}}"#);
    assert_eq!(refused(town.send("a", "b", None, mail(&body))), ErrorCode::InvalidRequest);
    let own = SendMail { client_id: Some(token.clone()), ..mail(r#"{"text":"x"}"#) };
    assert_eq!(refused(town.send("a", "b", None, own)), ErrorCode::InvalidRequest);
    assert!(town.poll("b", None, 10).is_empty());
    assert!(check_name("id", "40817263").is_ok());
}

#[test]
fn a_member_that_proves_its_key_may_have_everything_left_in() {
    let token = token();
    let (mut world, a, b) = pair(AllowUnredacted::WithToken, Some("a-token-of-the-team"));
    let body =
        format!(r#"{{"text":"{token}","topic":"{token}","tags":["{token}"],"redact":false}}"#);
    let key = "k".parse().ok();
    let sent = world.send(1, &a, key.as_ref(), send(&body)).unwrap();
    assert!(sent.unredacted && sent.redacted.is_empty());
    assert_eq!(world.send(2, &a, key.as_ref(), send(&body)).unwrap(), sent, "a repeat");
    let other = send(&body.replace(r#","redact":false"#, ""));
    let reused = world.send(2, &a, key.as_ref(), other);
    assert_eq!(refused(reused), ErrorCode::IdempotencyKeyReused);
    let page = world.page(3, &b, None, 10).unwrap();
    let read = messages(&page).pop().unwrap();
    assert!(read.unredacted && read.text.as_ref() == Some(&token) && read.tags == [token.clone()]);

    // What was not searched once stays in the task, whoever changes it.
    let body = format!(r#"{{"to":"b","task":"{token}","redact":false}}"#);
    let task = give(&mut world, &a, &body).unwrap();
    assert!(task.unredacted && task.task == token);
    let changed = change(&mut world, &b, &task, r#"{"status":"accepted"}"#).unwrap();
    assert!(changed.unredacted);
    world.evict();
    let page = messages(&world.page(3, &b, None, 10).unwrap());
    let about_it = page.iter().filter(|message| message.kind.is_some());
    assert_eq!(about_it.filter(|message| message.unredacted).count(), 2);

    // An answer to a searched task.
    let task = give(&mut world, &a, r#"{"to":"b","task":"t"}"#).unwrap();
    assert!(!task.unredacted);
    change(&mut world, &b, &task, r#"{"status":"accepted"}"#).unwrap();
    let body = format!(r#"{{"status":"in_progress","progress":"{token}","redact":false}}"#);
    assert!(change(&mut world, &b, &task, &body).unwrap().unredacted);
    let body = r#"{"status":"completed","result":1,"redact":true}"#;
    assert!(change(&mut world, &b, &task, body).unwrap().unredacted);
}

#[test]
fn nobody_else_may_and_nothing_is_stored() {
    use AllowUnredacted::{Off, On, WithToken};
    let body = r#"{"text":"x","redact":false}"#;
    let not = |reason: &str| (ErrorCode::RedactionRequired, Some(reason.to_owned()));
    for (unredacted, token, expected) in [
        (WithToken, None, Some("not_permitted")),
        (WithToken, Some("a-token-of-the-team"), None),
        (On, None, None),
        (Off, Some("a-token-of-the-team"), Some("not_permitted")),
    ] {
        let (mut world, a, b) = pair(unredacted, token);
        let task = give(&mut world, &b, r#"{"to":"a","task":"t"}"#).unwrap();
        let before = world.database.dump();
        // Without its key, nobody may.
        let unproven = Caller { key: None, ..a.clone() };
        let reason = expected.unwrap_or("not_proven");
        assert_eq!(why(world.send(1, &unproven, None, send(body))), not(reason));
        let tasks =
            [r#"{"to":"b","task":"t","redact":false}"#, r#"{"status":"accepted","redact":false}"#];
        if let Some(reason) = expected {
            assert_eq!(why(world.send(1, &a, None, send(body))), not(reason));
            assert_eq!(why(give(&mut world, &a, tasks[0])), not(reason));
            assert_eq!(why(change(&mut world, &a, &task, tasks[1])), not(reason));
            assert_eq!(world.database.dump(), before);
        } else {
            assert!(world.send(1, &a, None, send(body)).unwrap().unredacted);
            assert!(give(&mut world, &a, tasks[0]).unwrap().unredacted);
            assert!(change(&mut world, &a, &task, tasks[1]).unwrap().unredacted);
        }
    }
    // A seat without a key has nothing to prove, even where the token lets it give tasks.
    let (mut world, _, _) = pair(WithToken, Some("a-token-of-the-team"));
    let keyless = Caller { token: "a-token-of-the-team".parse().ok(), ..caller("c", None) };
    world.session.enrols(at(0), &keyless, Profile::default()).unwrap();
    let task = r#"{"to":"a","task":"t","redact":false}"#;
    assert_eq!(why(give(&mut world, &keyless, task)), not("not_proven"));
    // Nobody has proven a key when a session begins.
    let greeting = CreateSession::parse(br#"{"redact":false}"#, &Limits::default());
    assert_eq!(greeting.unwrap_err().body.error, ErrorCode::RedactionRequired);
}

#[test]
fn addresses_may_where_the_deployment_says_so() {
    let token = token();
    let body = format!(r#"{{"text":"{token}","redact":false}}"#);
    for unredacted in [AllowUnredacted::WithToken, AllowUnredacted::Off] {
        let town = Town::new(Limits { unredacted, ..Limits::default() }, &["a", "b"]);
        let refusal = why(town.send("a", "b", None, mail(&body)));
        assert_eq!(refusal, (ErrorCode::RedactionRequired, Some("not_permitted".to_owned())));
        assert!(town.poll("b", None, 10).is_empty());
    }
    let limits = Limits { unredacted: AllowUnredacted::On, ..Limits::default() };
    let town = Town::new(limits, &["a", "b"]);
    let sent = town.send("a", "b", Some("k"), mail(&body)).unwrap();
    assert!(sent.unredacted && sent.redacted.is_empty());
    assert_eq!(town.send("a", "b", Some("k"), mail(&body)).unwrap(), sent, "a repeat");
    let read = mails(&town.page("b", None, 10)).pop().unwrap();
    assert!(read.unredacted && read.text == Some(token));
    let id = sent.conversation_id.to_string();
    let copy = town.conversation("a", &id, None, 1).unwrap().messages.unwrap().remove(0);
    assert!(copy.get().contains(r#""unredacted":true"#), "{}", copy.get());
}

#[test]
fn the_field_is_a_boolean_and_its_absence_is_true() {
    let limits = Limits::default();
    let wrong = |result: std::result::Result<(), nexus_protocol::Refusal>| {
        result.unwrap_err().body.details[0].path.to_string()
    };
    for value in ["0", "\"no\"", "[]"] {
        let body =
            format!(r#"{{"text":"x","to":"a","task":"t","status":"accepted","redact":{value}}}"#);
        let body = body.as_bytes();
        assert_eq!(wrong(SendMessage::parse(body, &limits).map(drop)), "redact");
        assert_eq!(wrong(SendMail::parse(body, &limits).map(drop)), "redact");
        assert_eq!(wrong(GiveTask::parse(body, &limits).map(drop)), "redact");
        let change = format!(r#"{{"status":"accepted","redact":{value}}}"#);
        assert_eq!(wrong(ChangeTask::parse(change.as_bytes(), &limits).map(drop)), "redact");
    }
    for value in ["", r#","redact":true"#, r#","redact":null"#] {
        let message = send(&format!(r#"{{"text":"x"{value}}}"#));
        // The stored digests of idempotency keys are made of this form.
        assert_eq!(serde_json::to_string(&message).unwrap(), r#"{"text":"x"}"#);
    }
}
