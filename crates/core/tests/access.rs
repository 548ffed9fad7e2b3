//! Who may do what when time passes between letting a caller in and acting for it, and what is
//! remembered about seats that were given up.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Caller, Digest, MailboxNeed, Need, Proof, SeatRequest, SecretUse};
use nexus_protocol::{
    CreateSession, ErrorCode, Joining, Limits, Profile, Register, Renew, SessionKey, SetWebhook,
};
use support::{Calls, World, agent, at, caller, refused};

const CODE: &str = "PEARL-FOCAL-S5SJV";

/// A session with the creator `a`.
fn created(request: CreateSession) -> (World, Caller) {
    let mut world = World::new(Limits::default());
    let key = world.create(CreateSession { creator_agent_id: Some(agent("a")), ..request });
    (world, caller("a", key.as_ref()))
}

fn claim(name: &str, claim: &str) -> SeatRequest {
    SeatRequest {
        agent: agent(name),
        code: CODE.parse().unwrap(),
        claim: Digest::of(&[claim]),
        supersedes: Vec::new(),
        profile: Profile::default(),
        key_id: None,
    }
}

fn take(world: &mut World, seat: &SeatRequest) -> nexus_core::Result<SessionKey> {
    Ok(world.session.take_seat(at(1), seat, &mut world.random)?.session_key)
}

fn webhook() -> SetWebhook {
    let body = br#"{"url":"https://agent.example/hook","secret":"0123456789abcdef"}"#;
    SetWebhook::parse(body, false).unwrap()
}

#[test]
fn admission_ends_with_the_seat_and_not_with_the_name() {
    let (mut world, _) = created(CreateSession::default());
    let b = caller("b", Some(&world.join(0, "b").unwrap().session_key));
    let who = world.session.member(at(0), &b, Need::OwnKey).unwrap();
    let visitor = world.session.enter(at(0), &b, Need::Entry).unwrap();
    world.session.leaves(at(0), &b).unwrap();
    world.join(0, "b").unwrap();
    let session = &mut world.session;
    let refusals = [
        refused(session.set_webhook(at(1), &who, webhook(), &mut world.random)),
        refused(session.remove_webhook(at(1), &who)),
        refused(session.change_profile(at(1), &who, Profile::default())),
        refused(session.renew(at(1), &who, Renew::default())),
        refused(session.end(at(1), &who)),
        refused(session.open_codes(at(1), &who)),
    ];
    assert_eq!(refusals, [ErrorCode::Forbidden; 6]);
    let again = session.join(at(1), &visitor, &b, Profile::default(), &mut world.random);
    assert_eq!(refused(again), ErrorCode::AgentIdTaken);
}

#[test]
fn a_repeated_claim_ends_the_access_of_the_old_key() {
    let (mut world, _) = created(CreateSession::default());
    let first = caller("b", Some(&take(&mut world, &claim("b", "c")).unwrap()));
    let who = world.session.member(at(1), &first, Need::OwnKey).unwrap();
    world.session.sets_webhook(at(1), &first, webhook()).unwrap();
    let second = caller("b", Some(&take(&mut world, &claim("b", "c")).unwrap()));
    let webhook = world.session.looks_at_webhook(at(2), &second);
    assert_eq!(refused(webhook), ErrorCode::WebhookNotFound);
    assert!(!world.session.is_seated(at(2), &who).unwrap());
}

#[test]
fn a_removed_member_may_return_only_by_a_new_link() {
    let (mut world, a) = created(CreateSession::default());
    let visitor = world.session.enter(at(0), &a, Need::Entry).unwrap();
    world.session.add_code(at(0), &visitor, CODE.parse().unwrap(), false).unwrap();
    world.join(0, "b").unwrap();
    world.session.removes(at(0), &a, "B").unwrap();
    for name in ["b", "c"] {
        assert_eq!(refused(world.join(1, name)), ErrorCode::LinkRequired);
        assert_eq!(refused(take(&mut world, &claim(name, "old"))), ErrorCode::CodeExpiredOrUsed);
    }
    world.evict();
    let new = SeatRequest { code: "PEARL-FOCAL-S5SJW".parse().unwrap(), ..claim("b", "new") };
    assert!(take(&mut world, &new).is_ok());
    assert_eq!(world.session.looks(at(2)).unwrap().join, Joining::Link);
}

#[test]
fn strangers_fill_at_most_half_of_the_open_links() {
    let (mut world, a) = created(CreateSession::default());
    let mut add = |caller: &Caller, number: u32| {
        let visitor = world.session.enter(at(0), caller, Need::Entry)?;
        let code = nexus_protocol::PairingCode::from_random(
            nexus_protocol::Region::DEFAULT,
            [u8::try_from(number).unwrap(); 16],
        );
        world.session.add_code(at(0), &visitor, code, false)
    };
    for number in 0..50 {
        add(&Caller::default(), number).unwrap();
    }
    assert_eq!(refused(add(&Caller::default(), 50)), ErrorCode::ListFull);
    for number in 50..100 {
        add(&a, number).unwrap();
    }
    assert_eq!(refused(add(&a, 100)), ErrorCode::ListFull);
}

#[test]
fn the_stamp_of_a_mailbox_changes_with_its_secret() {
    let database = support::Sqlite::new();
    let mut mailbox = nexus_core::Mailbox::new(agent("a"), database, Limits::default());
    assert_eq!(mailbox.stamp().unwrap(), None);
    let request = Register::parse(br#"{"name":"A","secret":"0123456789abcdef"}"#).unwrap();
    let mut random = support::Counter::default();
    mailbox.register(at(0), request, SecretUse::Shown, &mut random).unwrap();
    let before = mailbox.stamp().unwrap();
    let proof = Proof::Secret("0123456789abcdef".parse().unwrap());
    mailbox.enter(at(0), None, Some(&proof), MailboxNeed::Owner).unwrap();
    assert!(before.is_some() && mailbox.stamp().unwrap() == before);
    mailbox.replace_secret(None, &mut random).unwrap();
    assert_ne!(mailbox.stamp().unwrap(), before);
}
