//! What a webhook receives, and what follows when it does not respond.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::Caller;
use nexus_protocol::{
    ErrorCode, Recipients, SendMessage, SetWebhook, Timestamp, WebhookState, WebhookStatus,
};
use std::collections::BTreeSet;
use support::{Calls, World, agent, at, caller, refused, text};

fn webhook() -> SetWebhook {
    SetWebhook { url: "https://example.com/".into(), secret: "sixteen characters".into() }
}

/// A session where `a` sends and `b` has a webhook.
fn world() -> (World, Caller, Caller) {
    let mut world = World::with_session(3600, 9);
    let [a, b] = ["a", "b"].map(|name| {
        let key = world.join(0, name).unwrap().session_key;
        caller(name, Some(&key))
    });
    world.session.sets_webhook(at(0), &b, webhook()).unwrap();
    (world, a, b)
}

/// Posts everything that is due at `now`, each with this outcome. Returns the cursors.
fn post_all(world: &mut World, now: i64, outcome: Result<(), &str>) -> Vec<String> {
    let mut cursors = Vec::new();
    for agent in world.session.webhooks_due(at(now)).unwrap() {
        while let Some(post) = world.session.next_post(at(now), &agent).unwrap() {
            cursors.push(post.cursor.to_string());
            world.session.posted(at(now), &post, outcome.map_err(ToOwned::to_owned)).unwrap();
        }
    }
    cursors
}

#[test]
fn a_webhook_receives_every_readable_message_of_others_once_and_in_order() {
    let (mut world, a, b) = world();
    world.join(0, "c").unwrap();
    world.send(1, &a, None, text("one")).unwrap();
    world.send(2, &b, None, text("its own")).unwrap();
    let to_c = SendMessage { to: Some(Recipients::One(agent("c"))), ..text("for c") };
    world.send(3, &a, None, to_c).unwrap();
    let to_b = SendMessage { to: Some(Recipients::One(agent("b"))), ..text("for b") };
    world.send(4, &a, None, to_b).unwrap();
    assert_eq!(post_all(&mut world, 5, Ok(())), ["4", "7"]);
    world.evict();
    assert_eq!(post_all(&mut world, 6, Ok(())), Vec::<String>::new());
    world.send(7, &a, None, text("two")).unwrap();
    assert_eq!(post_all(&mut world, 8, Ok(())), ["8"]);
}

#[test]
fn a_post_is_the_signed_message() {
    let (mut world, a, _) = world();
    world.send(1, &a, None, text("one")).unwrap();
    let post = world.session.next_post(at(1), &agent("b")).unwrap().unwrap();
    let body: serde_json::Value = serde_json::from_str(&post.body).unwrap();
    assert_eq!((&body["type"], &body["text"]), (&"message".into(), &"one".into()));
    assert_eq!(body["sessionId"], support::session_id().as_str());
    assert_eq!(post.url, "https://example.com/");
    assert_eq!(post.signature.len(), "sha256=".len() + 64);
}

#[test]
fn the_signature_is_that_of_other_implementations() {
    // Computed by `openssl dgst -sha256 -hmac "sixteen characters"` for the body.
    let (mut world, a, _) = world();
    world.send(1, &a, None, text("one")).unwrap();
    let post = world.session.next_post(at(1), &agent("b")).unwrap().unwrap();
    assert!(post.body.starts_with(r#"{"type":"message","sessionId":"0707"#), "{}", post.body);
    assert_eq!(
        post.signature,
        "sha256=1e07bb18ff16dda3ae4ca73c3f1f740160acc2e1406de5d6ccda5553fba2f6e7"
    );
}

#[test]
fn a_delivery_is_tried_five_times_and_then_reported() {
    let (mut world, a, b) = world();
    world.send(0, &a, None, text("one")).unwrap();
    world.send(0, &a, None, text("two")).unwrap();
    let mut now = 0;
    let mut waits = Vec::new();
    let status = |world: &mut World, now| -> WebhookStatus {
        world.session.looks_at_webhook(at(now), &b).unwrap()
    };
    while let Some(next) = {
        assert_eq!(post_all(&mut world, now, Err("HTTP 500")), ["3"], "one message at a time");
        world.evict();
        world.session.next_webhook_at(at(now), &BTreeSet::new()).unwrap()
    } {
        let wait = next.millis_since(at(now));
        assert_eq!(post_all(&mut world, now + wait - 1, Ok(())), Vec::<String>::new(), "too early");
        assert_eq!(status(&mut world, now).state, WebhookState::Retrying);
        waits.push(wait);
        now += wait;
    }
    assert_eq!(waits, [1_000, 7_000, 45_000, 300_000]);
    let failing = status(&mut world, now);
    assert_eq!((failing.state, failing.failures), (WebhookState::Failing, 5));
    assert_eq!(failing.last_error.as_deref(), Some("HTTP 500"));
    world.send(now, &a, None, text("three")).unwrap();
    assert_eq!(post_all(&mut world, now + 900_000, Ok(())), Vec::<String>::new(), "given up");
    // When it is set again, it begins with the next message.
    world.session.sets_webhook(at(now), &b, webhook()).unwrap();
    world.send(now, &a, None, text("four")).unwrap();
    assert_eq!(post_all(&mut world, now, Ok(())), ["6"]);
    assert_eq!(status(&mut world, now).state, WebhookState::Active);
}

#[test]
fn a_success_after_a_failure_continues_where_it_stopped() {
    let (mut world, a, _) = world();
    for number in 0..3 {
        world.send(0, &a, None, text(&number.to_string())).unwrap();
    }
    assert_eq!(post_all(&mut world, 0, Err("no connection")), ["3"]);
    assert_eq!(post_all(&mut world, 1000, Ok(())), ["3", "4", "5"]);
}

#[test]
fn a_webhook_requires_a_key_and_ends_with_the_seat() {
    let (mut world, a, b) = world();
    let unproven = caller("b", None);
    let wrong = caller("b", a.key.as_ref());
    let session = &mut world.session;
    assert_eq!(
        refused(session.sets_webhook(at(1), &unproven, webhook())),
        ErrorCode::MissingSessionKey
    );
    assert_eq!(refused(session.looks_at_webhook(at(1), &wrong)), ErrorCode::InvalidSessionKey);
    assert_eq!(refused(session.removes_webhook(at(1), &unproven)), ErrorCode::MissingSessionKey);
    assert_eq!(refused(session.looks_at_webhook(at(1), &a)), ErrorCode::WebhookNotFound);
    assert_eq!(
        refused(session.sets_webhook(at(1), &caller("z", None), webhook())),
        ErrorCode::Forbidden
    );
    session.removes_webhook(at(1), &b).unwrap();
    assert_eq!(refused(session.looks_at_webhook(at(1), &b)), ErrorCode::WebhookNotFound);
    session.sets_webhook(at(1), &b, webhook()).unwrap();
    session.leaves(at(2), &b).unwrap();
    world.send(3, &a, None, text("x")).unwrap();
    assert_eq!(world.session.webhooks_due(at(3)).unwrap(), []);
    assert_eq!(world.session.next_webhook_at(at(3), &BTreeSet::new()).unwrap(), None::<Timestamp>);
}

#[test]
fn a_webhook_that_is_being_posted_to_sets_no_alarm() {
    let (mut world, a, b) = world();
    world.send(0, &a, None, text("one")).unwrap();
    assert_eq!(post_all(&mut world, 0, Err("HTTP 500")), ["3"]);
    let posting = BTreeSet::from([agent("b")]);
    // The time of its retry has come, and the retry is being made.
    assert_eq!(world.session.next_webhook_at(at(5000), &posting).unwrap(), None);
    assert!(world.session.next_webhook_at(at(5000), &BTreeSet::new()).unwrap().is_some());
    world.session.leaves(at(5001), &b).unwrap();
}

#[test]
fn a_lost_seat_gets_no_posts_and_a_responding_receiver_keeps_its_seat() {
    let mut world =
        World::new(nexus_protocol::Limits { agent_inactivity: 60, ..Default::default() });
    world.create(nexus_protocol::CreateSession {
        creator_agent_id: Some(agent("a")),
        ..Default::default()
    });
    let creator = caller("a", None);
    let b = caller("b", Some(&world.join(0, "b").unwrap().session_key));
    world.session.sets_webhook(at(0), &b, webhook()).unwrap();
    for minute in 1..5 {
        world.send(minute * 50_000, &creator, None, text("x")).unwrap();
        assert_eq!(post_all(&mut world, minute * 50_000, Ok(())).len(), 1, "it answers");
    }
    world.send(400_000, &creator, None, text("x")).unwrap();
    assert_eq!(world.session.webhooks_due(at(400_000)).unwrap(), []);
    assert_eq!(world.session.next_post(at(400_000), &agent("b")).unwrap(), None);
}

#[test]
fn an_outcome_that_comes_too_late_changes_nothing() {
    let (mut world, a, b) = world();
    world.send(1, &a, None, text("one")).unwrap();
    let post = world.session.next_post(at(1), &agent("b")).unwrap().unwrap();
    world.session.sets_webhook(at(2), &b, webhook()).unwrap();
    world.session.posted(at(3), &post, Err("late".into())).unwrap();
    assert_eq!(world.session.looks_at_webhook(at(3), &b).unwrap().state, WebhookState::Active);
    world.session.removes_webhook(at(4), &b).unwrap();
    world.session.posted(at(5), &post, Ok(())).unwrap();
}
