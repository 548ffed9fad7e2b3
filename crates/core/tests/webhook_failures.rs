//! What follows when the receiver of a webhook does not accept what is posted to it. Time is moved.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::Outcome;
use nexus_protocol::{Cursor, ErrorCode, WebhookState};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::{
    Calls, World, agent, at,
    hooks::{URL, agree, agreed, cursor, hook, pass, post_all, response, set, status, texts, told},
    refused, text,
};

const HOUR: i64 = 3_600_000;

fn times(posts: &[(i64, Value)]) -> Vec<i64> {
    posts.iter().map(|(now, _)| *now).collect()
}

#[test]
fn a_receiver_that_is_down_for_ten_minutes_misses_nothing_and_its_member_is_told_once() {
    let (mut world, a, b) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    world.send(0, &a, None, text("two")).unwrap();
    let mut receiver = |now: i64, body: &Value| match now {
        0..600_000 => response(now, 503, None),
        _ => agree(now, body),
    };
    let posts = pass(&mut world, 0, 200_000, &mut receiver);
    assert_eq!(times(&posts), [0, 1_000, 8_000, 53_000]);
    let at_first = status(&mut world, 200_000, &b);
    assert_eq!((at_first.state, at_first.failures), (WebhookState::Retrying, 4));
    assert_eq!(at_first.next_attempt_at, Some(at(353_000)));
    assert_eq!(at_first.last_error.as_deref(), Some("HTTP 503"));
    assert!(told(&mut world, 200_000, &b).is_empty());

    let posts = pass(&mut world, 200_000, 1_000_000, &mut receiver);
    assert_eq!(times(&posts), [353_000]);
    assert_eq!(status(&mut world, 1_000_000, &b).state, WebhookState::Failing);
    let messages = told(&mut world, 1_000_000, &b);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].sent_at, at(300_000));
    assert_eq!(messages[0].to.as_ref().unwrap().as_slice(), [agent("b")]);
    let reason: Value = serde_json::from_str(messages[0].json.as_ref().unwrap().get()).unwrap();
    let expected = json!({
        "type": "webhook_failing", "agentId": "b", "lastError": "HTTP 503", "removed": false,
    });
    assert_eq!(reason, expected);

    let posts = pass(&mut world, 1_000_000, 2_000_000, &mut receiver);
    assert_eq!(times(&posts), [1_253_000; 2]);
    assert_eq!(posts[1].1["text"], "two");
    let after = status(&mut world, 2_000_000, &b);
    assert_eq!((after.state, after.failures), (WebhookState::Active, 0));
    assert_eq!((after.last_error, after.next_attempt_at), (None, None));
    assert_eq!(told(&mut world, 2_000_000, &b).len(), 1);
}

#[test]
fn attempts_go_on_as_long_as_the_session_lives_and_a_new_failure_is_told_again() {
    let (mut world, a, b) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    let mut down = |now: i64, _: &Value| response(now, 500, None);
    let posts = pass(&mut world, 0, 10 * HOUR, &mut down);
    let gaps: Vec<i64> = times(&posts).windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps[..4], [1_000, 7_000, 45_000, 300_000]);
    assert!(gaps.len() > 40 && gaps[4..].iter().all(|gap| *gap == 900_000), "{gaps:?}");
    assert_eq!(told(&mut world, 10 * HOUR, &b).len(), 1);
    pass(&mut world, 10 * HOUR, 11 * HOUR, &mut agree);
    world.send(12 * HOUR, &a, None, text("two")).unwrap();
    pass(&mut world, 12 * HOUR, 13 * HOUR, &mut down);
    assert_eq!(told(&mut world, 13 * HOUR, &b).len(), 2);
}

#[test]
fn only_the_member_reads_that_its_webhook_is_failing_and_only_with_events() {
    let (mut world, a, b) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    pass(&mut world, 0, HOUR, &mut |now, _| response(now, 500, None));
    assert_eq!(told(&mut world, HOUR, &b).len(), 1);
    assert!(told(&mut world, HOUR, &a).is_empty());
    assert!(told(&mut world, HOUR, &support::caller("b", None)).is_empty(), "without the key");
    assert_eq!(world.poll(HOUR, &b, Some("0")).unwrap().len(), 1, "without events");
    // Nor does a later agent of that name, nor a webhook.
    world.session.leaves(at(HOUR), &b).unwrap();
    let key = world.join(HOUR, "b").unwrap().session_key;
    assert!(told(&mut world, HOUR, &support::caller("b", Some(&key))).is_empty());
}

#[test]
fn what_live_readers_are_sent_is_what_a_poll_shows() {
    let (mut world, a, b) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    post_all(&mut world, 0, &mut |now, _| response(now, 500, None));
    let deliveries = world.session.settle_webhooks(at(300_000)).unwrap();
    assert_eq!(deliveries.len(), 1);
    for (caller, reads) in [(&a, false), (&b, true), (&support::caller("b", None), false)] {
        let who = world.session.as_member(at(300_000), caller).unwrap();
        assert!(!who.may_read(&deliveries[0]), "without events");
        let filter = nexus_protocol::Filter { events: true, others: true, ..Default::default() };
        assert_eq!(who.wanting(filter).may_read(&deliveries[0]), reads);
    }
    assert!(world.session.settle_webhooks(at(300_001)).unwrap().is_empty());
}

#[test]
fn one_message_that_is_always_rejected_is_skipped_after_five_attempts() {
    for refusal in [413, 422] {
        let (mut world, a, b) = agreed();
        for word in ["good", "bad", "better"] {
            world.send(0, &a, None, text(word)).unwrap();
        }
        let mut receiver = |now: i64, body: &Value| match body["text"].as_str() {
            Some("bad") => response(now, refusal, None),
            _ => agree(now, body),
        };
        let posts = pass(&mut world, 0, 352_999, &mut receiver);
        let bodies: Vec<Value> = posts.into_iter().map(|(_, body)| body).collect();
        assert_eq!(texts(&bodies), ["good", "bad", "bad", "bad", "bad"]);
        // The fifth attempt, after which the next message follows at once.
        let bad = world.session.next_post(at(353_000), &agent("b")).unwrap().unwrap();
        world.session.posted(at(353_000), &bad, response(0, refusal, None)).unwrap();
        let skipped = status(&mut world, 353_000, &b);
        assert_eq!((skipped.cursor, skipped.last_skipped), (cursor("4"), Some(cursor("4"))));
        let why = format!("HTTP {refusal}, 5 times: the message was skipped");
        assert_eq!(skipped.last_error, Some(why));
        assert_ne!(skipped.state, WebhookState::Active);
        let posts = pass(&mut world, 353_000, 400_000, &mut receiver);
        assert_eq!((times(&posts), &posts[0].1["text"]), (vec![353_000], &json!("better")));
        let after = status(&mut world, 400_000, &b);
        assert_eq!((after.state, after.last_skipped), (WebhookState::Active, Some(cursor("4"))));
    }
}

#[test]
fn failures_of_another_kind_do_not_count_towards_skipping() {
    let (mut world, a, b) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    let mut attempts = 0;
    let posts = pass(&mut world, 0, 10 * HOUR, &mut |now, body| {
        attempts += 1;
        match attempts {
            1..=20 => response(now, 503, None),
            21..=24 => response(now, 422, None),
            _ => agree(now, body),
        }
    });
    assert_eq!((posts.len(), posts.last().unwrap().1["text"].as_str()), (25, Some("one")));
    assert_eq!(status(&mut world, 10 * HOUR, &b).last_skipped, None::<Cursor>);
}

#[test]
fn a_receiver_may_ask_for_a_later_attempt_but_not_for_an_earlier_one() {
    for (status, asked, wait) in [
        (429, "120", 120_000),
        (503, "Tue, 14 Nov 2023 22:15:20 GMT", 120_000),
        (404, "120", 120_000),
        (302, "120", 120_000),
        (429, "0", 1_000),
        (429, "999999999", 24 * HOUR),
        (429, "soon", 1_000),
    ] {
        let (mut world, a, b) = agreed();
        world.send(0, &a, None, text("one")).unwrap();
        post_all(&mut world, 0, &mut |now, _| response(now, status, Some(asked)));
        let next = support::hooks::status(&mut world, 0, &b).next_attempt_at;
        assert_eq!(next, Some(at(wait)), "{status} {asked}");
        assert_eq!(post_all(&mut world, wait - 1, &mut agree), Vec::<Value>::new());
        if wait < 24 * HOUR {
            assert_eq!(texts(&post_all(&mut world, wait, &mut agree)), ["one"]);
        }
    }
    // However soon it asks for the next attempt, there is at most one in 15 minutes at last.
    let (mut world, a, _) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    let posts = pass(&mut world, 0, HOUR, &mut |now, _| response(now, 429, Some("1")));
    assert_eq!(times(&posts), [0, 1_000, 8_000, 53_000, 353_000, 1_253_000, 2_153_000, 3_053_000]);
}

#[test]
fn a_member_is_told_even_if_its_receiver_asks_for_a_long_wait() {
    let (mut world, a, b) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    let posts = pass(&mut world, 0, HOUR, &mut |now, _| response(now, 503, Some("36000")));
    assert_eq!(times(&posts), [0]);
    assert_eq!(told(&mut world, HOUR, &b)[0].sent_at, at(300_000));
}

#[test]
fn a_receiver_that_is_gone_ends_its_webhook_and_its_member_is_told_why() {
    let (mut world, a, b) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    world.send(0, &a, None, text("two")).unwrap();
    let posts = pass(&mut world, 0, HOUR, &mut |now, _| response(now, 410, None));
    assert_eq!(times(&posts), [0]);
    assert_eq!(refused(world.session.looks_at_webhook(at(1), &b)), ErrorCode::WebhookNotFound);
    let messages = told(&mut world, 1, &b);
    assert_eq!(messages.len(), 1);
    let reason: Value = serde_json::from_str(messages[0].json.as_ref().unwrap().get()).unwrap();
    assert_eq!((&reason["lastError"], &reason["removed"]), (&json!("HTTP 410"), &json!(true)));
    // Another one can be set, and begins after a cursor that it names.
    let request = nexus_protocol::SetWebhook { after: Some(cursor("2")), ..hook(URL) };
    set(&mut world, 2, &b, request).unwrap();
    assert_eq!(texts(&post_all(&mut world, 2, &mut agree)), ["one", "two"]);
}

#[test]
fn redirects_and_slow_receivers_are_failures() {
    for outcome in [
        response(0, 301, None),
        response(0, 307, None),
        response(0, 199, None),
        Outcome::unanswered("no complete response within 10 seconds"),
    ] {
        let (mut world, a, b) = agreed();
        world.send(0, &a, None, text("one")).unwrap();
        post_all(&mut world, 0, &mut |_, _| outcome.clone());
        let status = status(&mut world, 0, &b);
        assert_eq!((status.state, status.failures), (WebhookState::Retrying, 1));
        assert_eq!(texts(&post_all(&mut world, 1_000, &mut agree)), ["one"]);
    }
}

#[test]
fn setting_a_failing_webhook_again_tries_at_once() {
    let (mut world, a, b) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    pass(&mut world, 0, HOUR, &mut |now, _| response(now, 500, None));
    set(&mut world, HOUR, &b, hook(URL)).unwrap();
    assert_eq!(status(&mut world, HOUR, &b).state, WebhookState::Active);
    assert_eq!(texts(&post_all(&mut world, HOUR, &mut agree)), ["one"]);
}

#[test]
fn a_webhook_that_is_being_posted_to_sets_no_alarm() {
    let (mut world, a, _) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    post_all(&mut world, 0, &mut |now, _| response(now, 500, None));
    let posting = BTreeSet::from([agent("b")]);
    // The time of its retry has come, and the retry is being made.
    let mut next = |except| world.session.next_webhook_at(at(5_000), except).unwrap();
    assert_eq!(next(&posting), None);
    // If it could not be made, the alarm does not ring without a pause.
    assert_eq!(next(&BTreeSet::new()), Some(at(6_000)));
}

#[test]
fn an_outcome_that_comes_too_late_changes_nothing() {
    let (mut world, a, b) = agreed();
    world.send(1, &a, None, text("one")).unwrap();
    let message = world.session.next_post(at(1), &agent("b")).unwrap().unwrap();
    set(&mut world, 2, &b, hook(URL)).unwrap();
    let before = status(&mut world, 2, &b);
    let challenge = world.session.next_post(at(2), &agent("b")).unwrap().unwrap();
    set(&mut world, 3, &b, hook(URL)).unwrap();
    for (post, outcome) in [
        (&message, response(3, 500, None)),
        (&message, response(3, 200, None)),
        (&message, response(3, 410, None)),
        (&challenge, response(3, 200, None)),
        (&challenge, agree(3, &support::hooks::body(&challenge))),
    ] {
        world.session.posted(at(3), post, outcome).unwrap();
        assert_eq!(status(&mut world, 3, &b), before);
    }
    world.session.removes_webhook(at(4), &b).unwrap();
    world.session.posted(at(5), &message, response(5, 200, None)).unwrap();
}

#[test]
fn a_failure_to_store_the_notice_is_made_good() {
    let (mut world, a, b) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    post_all(&mut world, 0, &mut |now, _| response(now, 500, None));
    world.database.fail_after(0);
    assert!(world.session.settle_webhooks(at(300_000)).is_err());
    world.database.heal();
    let next =
        |world: &mut World| world.session.next_webhook_at(at(300_000), &BTreeSet::new()).unwrap();
    assert_eq!(next(&mut world), Some(at(301_000)));
    assert_eq!(world.session.settle_webhooks(at(300_000)).unwrap().len(), 1);
    assert_eq!(told(&mut world, 300_000, &b).len(), 1);
}
