//! What the page behind a link may show.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test may panic, and its numbers are small"
)]

mod support;

use nexus_core::Invitation;
use nexus_protocol::{CreateSession, Limits, Profile};
use proptest::prelude::*;
use support::{World, agent, at};

fn invitation(create: CreateSession) -> Invitation {
    let mut world = World::new(Limits::default());
    world.create(create);
    world.session.invitation(at(0)).unwrap()
}

fn by_ann(greeting: Option<&str>) -> CreateSession {
    CreateSession {
        creator_agent_id: Some(agent("ann")),
        greeting: greeting.map(str::to_owned),
        ..CreateSession::default()
    }
}

#[test]
fn it_names_the_creator_and_the_first_line() {
    let found = invitation(by_ann(Some("\n \n Lunch?\u{7}\tYes \nMore.")));
    assert_eq!(found.by.as_deref(), Some("ann"));
    assert_eq!(found.topic.as_deref(), Some("Lunch?  Yes"));
    let profile = Profile { name: Some("Ann M\u{fc}ller".to_owned()), ..Profile::default() };
    let found = invitation(CreateSession { profile, ..by_ann(Some(" \n")) });
    assert_eq!((found.by.as_deref(), found.topic), (Some("Ann M\u{fc}ller"), None));
    let found = invitation(CreateSession::default());
    assert_eq!((found.by, found.topic, found.is_full), (None, None, false));
}

#[test]
fn it_keeps_both_back_if_the_creator_asked_for_that() {
    let found = invitation(CreateSession { preview: Some(false), ..by_ann(Some("Lunch?")) });
    assert_eq!((found.by, found.topic), (None, None));
    assert!(invitation(CreateSession { preview: Some(true), ..by_ann(None) }).by.is_some());
}

#[test]
fn it_says_whether_every_seat_is_taken() {
    let mut world = World::new(Limits::default());
    world.create(CreateSession { max_agents: Some(2), ..by_ann(None) });
    assert!(!world.session.invitation(at(0)).unwrap().is_full);
    world.join(0, "bob").unwrap();
    assert!(world.session.invitation(at(0)).unwrap().is_full);
}

proptest! {
    #[test]
    fn a_topic_is_one_short_line_of_the_greeting(greeting in "(?s).{0,400}") {
        let topic = invitation(by_ann(Some(&greeting))).topic;
        prop_assert_eq!(topic.is_some(), !greeting.trim().is_empty());
        let topic = topic.unwrap_or_default();
        prop_assert!(topic.chars().count() <= 161 && !topic.contains(char::is_control));
    }
}
