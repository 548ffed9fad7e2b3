//! What a webhook receives: the challenge, and then whole messages or pointers.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Database, Outcome};
use nexus_protocol::{
    CreateSession, ErrorCode, Limits, Recipients, SendMessage, SetWebhook, Timestamp,
    WebhookDelivery, WebhookState,
};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use support::{
    Calls, World, agent, at, caller,
    hooks::{
        URL, accept, agree, agreed, body, cursor, header, hook, join_with_hooks, pass, post_all,
        response, set, status, texts, unasked,
    },
    refused, text,
};

#[test]
fn a_receiver_that_repeats_the_challenge_gets_whole_messages() {
    let (mut world, a, b) = unasked();
    assert_eq!(status(&mut world, 0, &b).delivery, WebhookDelivery::Unverified);
    world.send(1, &a, None, text("one")).unwrap();
    let posts = post_all(&mut world, 2, &mut agree);
    assert_eq!(posts[0]["type"], "webhook.verification");
    assert_eq!(posts[0]["challenge"].as_str().unwrap().len(), 32);
    assert_eq!(posts[0].as_object().unwrap().len(), 2, "the challenge tells nothing else");
    assert_eq!((&posts[1]["type"], texts(&posts)), (&"message".into(), vec!["one"]));
    assert_eq!(status(&mut world, 2, &b).delivery, WebhookDelivery::Whole);
    // A challenge is never used twice.
    set(&mut world, 3, &b, hook(URL)).unwrap();
    let again = post_all(&mut world, 3, &mut agree);
    assert_ne!(again[0]["challenge"], posts[0]["challenge"]);
}

#[test]
fn a_receiver_that_does_not_respond_gets_nothing_but_the_challenge() {
    let (mut world, a, b) = unasked();
    world.send(0, &a, None, text("one")).unwrap();
    let posts = pass(&mut world, 0, 2_000_000, &mut |_, _| Outcome::unanswered("no connection"));
    let times: Vec<i64> = posts.iter().map(|(now, _)| *now).collect();
    assert_eq!(times, [0, 1_000, 8_000, 53_000, 353_000, 1_253_000]);
    assert!(posts.iter().all(|(_, body)| *body == posts[0].1), "{posts:?}");
    let status = status(&mut world, 2_000_000, &b);
    assert_eq!(status.delivery, WebhookDelivery::Unverified);
    assert_eq!((status.state, status.failures), (WebhookState::Failing, 6));
    // Once it agrees, it gets what it has missed.
    let posts = pass(&mut world, 2_153_000, 2_200_000, &mut agree);
    assert_eq!(posts.last().unwrap().1["text"], "one");
}

#[test]
fn a_receiver_that_does_not_repeat_the_challenge_gets_pointers() {
    let (mut world, a, b) = unasked();
    for number in 0..20 {
        world.send(0, &a, None, text(&format!("secret {number}"))).unwrap();
    }
    let posts = post_all(&mut world, 0, &mut accept);
    assert_eq!(posts.len(), 2, "{posts:?}");
    let pointer = &posts[1];
    assert_eq!((&pointer["type"], &pointer["cursor"]), (&"pointer".into(), &"22".into()));
    assert_eq!(pointer["sessionId"], support::session_id().as_str());
    assert_eq!(pointer["agentId"], "b");
    assert_eq!(pointer.as_object().unwrap().len(), 4, "{pointer}");
    let status = status(&mut world, 0, &b);
    assert_eq!((status.delivery, status.cursor), (WebhookDelivery::Pointers, cursor("22")));
    // The next one waits, and stands for everything that has come since.
    world.send(1_000, &a, None, text("later")).unwrap();
    world.send(2_000, &a, None, text("latest")).unwrap();
    assert_eq!(post_all(&mut world, 5_999, &mut accept), Vec::<Value>::new());
    let posts = pass(&mut world, 2_000, 60_000, &mut accept);
    assert_eq!(posts.len(), 1);
    assert_eq!((posts[0].0, &posts[0].1["cursor"]), (6_000, &"24".into()));
    // What its agent has sent itself is nothing to point to.
    world.send(70_000, &b, None, text("own")).unwrap();
    assert_eq!(pass(&mut world, 70_000, 80_000, &mut accept), []);
}

#[test]
fn a_pointer_is_short_whoever_it_is_for() {
    let mut world = World::with_session(3600, 9);
    let name = "n".repeat(128);
    join_with_hooks(&mut world, std::slice::from_ref(&name), URL);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    world.send(0, &a, None, text(&"x".repeat(60_000))).unwrap();
    world.session.next_post(at(0), &agent(&name)).unwrap().unwrap();
    let mut bodies = post_all(&mut world, 0, &mut accept);
    let pointer = bodies.pop().unwrap();
    assert_eq!(pointer["type"], "pointer");
    assert!(pointer.to_string().len() <= 512, "{pointer}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_host_that_has_not_agreed_gets_ten_pointers_a_minute_and_misses_nothing(
        gaps in prop::collection::vec(0..9_000_i64, 1..40),
        members in 1..7_usize,
    ) {
        let mut world = World::with_session(86_400, 9);
        let names: Vec<String> = (0..members).map(|number| format!("m{number}")).collect();
        join_with_hooks(&mut world, &names, "https://example.com:8443/x");
        let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
        let (mut now, mut posts, mut last) = (0, Vec::new(), None);
        for gap in gaps {
            last = Some(world.send(now, &a, None, text("x")).unwrap().cursor);
            posts.extend(pass(&mut world, now, now + gap, &mut accept));
            now += gap;
        }
        posts.extend(pass(&mut world, now, now + 60_000, &mut accept));
        let pointers: Vec<_> = posts.iter().filter(|(_, body)| body["type"] == "pointer").collect();
        for (first, _) in &pointers {
            let minute = pointers.iter().filter(|(at, _)| (*first..first + 60_000).contains(at));
            prop_assert!(minute.count() <= 10);
        }
        for name in &names {
            let mine = pointers.iter().rev().find(|(_, body)| body["agentId"] == name.as_str());
            prop_assert_eq!(&mine.unwrap().1["cursor"], &last.unwrap().to_string());
        }
        prop_assert!(posts.iter().all(|(_, body)| body.get("text").is_none()));
    }
}

#[test]
fn the_pointers_of_a_host_are_shared_fairly_while_messages_keep_coming() {
    let mut world = World::with_session(3600, 9);
    let names = ["m0", "m1", "m2", "m3"].map(ToOwned::to_owned);
    join_with_hooks(&mut world, &names, URL);
    let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
    let mut posts = Vec::new();
    for second in 0..60 {
        world.send(second * 1_000, &a, None, text("x")).unwrap();
        posts.extend(pass(&mut world, second * 1_000, second * 1_000 + 999, &mut accept));
    }
    for name in &names {
        let mine = posts.iter().filter(|(_, body)| body["agentId"] == name.as_str());
        assert!((2..=3).contains(&mine.count()), "{name}");
    }
}

#[test]
fn the_webhooks_of_a_session_lead_to_few_hosts() {
    let mut world = World::new(Limits { max_webhook_hosts: 2, ..Limits::default() });
    world.create(CreateSession::default());
    let [a, b, c] =
        ["a", "b", "c"].map(|name| caller(name, Some(&world.join(0, name).unwrap().session_key)));
    set(&mut world, 0, &a, hook("https://one.example/a")).unwrap();
    set(&mut world, 0, &b, hook("https://two.example/b")).unwrap();
    let third = hook("https://three.example/");
    assert_eq!(refused(set(&mut world, 0, &c, third.clone())), ErrorCode::ListFull);
    set(&mut world, 0, &c, hook("https://ONE.example:8443/c")).unwrap();
    // A member may replace its own host.
    set(&mut world, 0, &b, third.clone()).unwrap();
    world.session.removes_webhook(at(0), &b).unwrap();
    set(&mut world, 0, &c, third).unwrap();
}

#[test]
fn a_webhook_of_an_older_version_keeps_getting_whole_messages() {
    let (mut world, a, b) = unasked();
    let stored = "UPDATE log SET record = json_remove(record, '$.members.b.webhook.consent')
        WHERE cursor = 0";
    world.database.execute(stored, &[]).unwrap();
    world.evict();
    assert_eq!(status(&mut world, 0, &b).delivery, WebhookDelivery::Whole);
    world.send(1, &a, None, text("one")).unwrap();
    assert_eq!(texts(&post_all(&mut world, 1, &mut accept)), ["one"]);
    assert_eq!(status(&mut world, 1, &b).delivery, WebhookDelivery::Whole);
}

#[test]
fn a_webhook_receives_every_readable_message_of_others_once_and_in_order() {
    let (mut world, a, b) = agreed();
    world.join(0, "c").unwrap();
    world.send(1, &a, None, text("one")).unwrap();
    world.send(2, &b, None, text("its own")).unwrap();
    let to_c = SendMessage { to: Some(Recipients::One(agent("c"))), ..text("for c") };
    world.send(3, &a, None, to_c).unwrap();
    let to_b = SendMessage { to: Some(Recipients::One(agent("b"))), ..text("for b") };
    world.send(4, &a, None, to_b).unwrap();
    assert_eq!(texts(&post_all(&mut world, 5, &mut agree)), ["one", "for b"]);
    world.evict();
    assert_eq!(post_all(&mut world, 6, &mut agree), Vec::<Value>::new());
    world.send(7, &a, None, text("two")).unwrap();
    assert_eq!(texts(&post_all(&mut world, 8, &mut agree)), ["two"]);
}

#[test]
fn a_webhook_may_begin_after_a_cursor_and_continues_if_it_is_set_again() {
    let (mut world, a, b) = agreed();
    for word in ["one", "two", "three"] {
        world.send(1, &a, None, text(word)).unwrap();
    }
    let after = |url: &str, after: &str| SetWebhook { after: Some(cursor(after)), ..hook(url) };
    // The same URL continues where it stopped, another one begins at the end.
    set(&mut world, 2, &b, hook(URL)).unwrap();
    assert_eq!(texts(&post_all(&mut world, 2, &mut agree)), ["one", "two", "three"]);
    set(&mut world, 3, &b, hook("https://example.com/other")).unwrap();
    assert_eq!(texts(&post_all(&mut world, 3, &mut agree)), Vec::<&str>::new());
    // Either begins after a cursor that it names.
    for url in [URL, URL, "https://example.com/third"] {
        set(&mut world, 4, &b, after(url, "4")).unwrap();
        assert_eq!(texts(&post_all(&mut world, 4, &mut agree)), ["three"; 1][..]);
    }
    assert_eq!(refused(set(&mut world, 5, &b, after(URL, "6"))), ErrorCode::InvalidRequest);
    set(&mut world, 5, &b, after(URL, "5")).unwrap();
}

#[test]
fn every_attempt_is_signed_anew_under_the_same_id() {
    let (mut world, a, _) = agreed();
    world.send(1, &a, None, text("one")).unwrap();
    let first = world.session.next_post(at(1), &agent("b")).unwrap().unwrap();
    world.session.posted(at(1), &first, response(1, 500, None)).unwrap();
    let second = world.session.next_post(at(60_000), &agent("b")).unwrap().unwrap();
    assert_eq!(first.body, second.body);
    let id = header(&first, "webhook-id");
    assert!(id.starts_with("msg_") && id.len() == 36, "{id}");
    assert_eq!(id, header(&second, "webhook-id"));
    assert_eq!(header(&first, "webhook-timestamp"), "1700000000");
    assert_eq!(header(&second, "webhook-timestamp"), "1700000060");
    assert_ne!(header(&first, "webhook-signature"), header(&second, "webhook-signature"));
    let whole = format!("{:?}", first.headers);
    assert!(!whole.contains(support::session_id().as_str()) && !whole.contains("sixteen"));
    world.session.posted(at(60_000), &second, agree(0, &Value::Null)).unwrap();
    world.send(60_001, &a, None, text("two")).unwrap();
    let third = world.session.next_post(at(60_001), &agent("b")).unwrap().unwrap();
    assert_ne!(id, header(&third, "webhook-id"));
    assert_eq!(body(&third)["text"], "two");
}

#[test]
fn the_older_signature_is_that_of_other_implementations() {
    // Computed by `openssl dgst -sha256 -hmac "sixteen characters"` for the body.
    let (mut world, a, _) = agreed();
    world.send(1, &a, None, text("one")).unwrap();
    let post = world.session.next_post(at(1), &agent("b")).unwrap().unwrap();
    assert!(post.body.starts_with(r#"{"type":"message","sessionId":"0707"#), "{}", post.body);
    assert_eq!(
        header(&post, "X-Nexus-Signature"),
        "sha256=d1cf3dc8cbfc8270b30f72edb3ca805707996a8b2240f073121c47d2cd78158c"
    );
}

#[test]
fn for_an_hour_the_secret_before_the_present_one_signs_too() {
    let (mut world, a, b) = agreed();
    world.send(0, &a, None, text("one")).unwrap();
    let signatures = |world: &mut World, now: i64| -> Vec<String> {
        let post = world.session.next_post(at(now), &agent("b")).unwrap().unwrap();
        header(&post, "webhook-signature").split(' ').map(ToOwned::to_owned).collect()
    };
    let change = |world: &mut World, now, secret: &str, url| {
        let request = SetWebhook { secret: secret.to_owned(), ..hook(url) };
        set(world, now, &b, request).unwrap();
        assert_eq!(
            post_all(world, now, &mut |now, body| match body["challenge"].as_str() {
                Some(_) => agree(now, body),
                None => response(now, 503, None),
            })
            .len(),
            2
        );
    };
    let old = signatures(&mut world, 10_000);
    assert_eq!(old.len(), 1);
    change(&mut world, 9_000, "another secret of mine", URL);
    let both = signatures(&mut world, 10_000);
    assert_eq!((both.len(), &both[1]), (2, &old[0]), "the present one comes first");
    // Setting the same secret again does not end the hour.
    change(&mut world, 20_000, "another secret of mine", URL);
    assert_eq!(signatures(&mut world, 3_608_999).len(), 2);
    assert_eq!(signatures(&mut world, 3_609_000).len(), 1);
    // A receiver elsewhere never knew the former secret.
    set(&mut world, 3_610_000, &b, hook("https://example.com/other")).unwrap();
    assert_eq!(signatures(&mut world, 3_610_000).len(), 1);
}

#[test]
fn a_webhook_requires_a_key_and_ends_with_the_seat() {
    let (mut world, a, b) = agreed();
    let unproven = caller("b", None);
    let wrong = caller("b", a.key.as_ref());
    assert_eq!(refused(set(&mut world, 1, &unproven, hook(URL))), ErrorCode::MissingSessionKey);
    let session = &mut world.session;
    assert_eq!(refused(session.looks_at_webhook(at(1), &wrong)), ErrorCode::InvalidSessionKey);
    assert_eq!(refused(session.removes_webhook(at(1), &unproven)), ErrorCode::MissingSessionKey);
    assert_eq!(refused(session.looks_at_webhook(at(1), &a)), ErrorCode::WebhookNotFound);
    let nobody = set(&mut world, 1, &caller("z", None), hook(URL));
    assert_eq!(refused(nobody), ErrorCode::Forbidden);
    world.session.removes_webhook(at(1), &b).unwrap();
    let removed = world.session.looks_at_webhook(at(1), &b);
    assert_eq!(refused(removed), ErrorCode::WebhookNotFound);
    set(&mut world, 1, &b, hook(URL)).unwrap();
    world.session.leaves(at(2), &b).unwrap();
    world.send(3, &a, None, text("x")).unwrap();
    assert_eq!(world.session.webhooks_due(at(3)).unwrap(), []);
    assert_eq!(world.session.next_webhook_at(at(3), &BTreeSet::new()).unwrap(), None::<Timestamp>);
}

#[test]
fn a_lost_seat_gets_no_posts_and_only_a_receiver_that_has_agreed_keeps_a_seat() {
    for (receiver, kept) in [(agree as fn(i64, &Value) -> Outcome, true), (accept, false)] {
        let mut world = World::new(Limits { agent_inactivity: 60, ..Default::default() });
        let creator = CreateSession { creator_agent_id: Some(agent("a")), ..Default::default() };
        world.create(creator);
        let creator = caller("a", None);
        join_with_hooks(&mut world, &["b".to_owned()], URL);
        for minute in 1..5 {
            world.send(minute * 50_000, &creator, None, text("x")).unwrap();
            let posts = post_all(&mut world, minute * 50_000, &mut { receiver });
            assert_eq!(!posts.is_empty(), kept || minute < 2, "{minute}");
        }
        world.send(400_000, &creator, None, text("x")).unwrap();
        assert_eq!(world.session.webhooks_due(at(400_000)).unwrap(), []);
        assert_eq!(world.session.next_post(at(400_000), &agent("b")).unwrap(), None);
    }
}

#[test]
fn the_end_of_a_session_is_posted_to_receivers_that_respond() {
    let (mut world, a, b) = unasked();
    join_with_hooks(&mut world, &["c".to_owned(), "d".to_owned()], "https://other.example/");
    let who = world.session.member(at(0), &b, nexus_core::Need::OwnKey).unwrap();
    assert_eq!(world.session.last_posts(at(0), &who).unwrap(), [], "nobody has responded");
    post_all(&mut world, 0, &mut |now, body| match &body["agentId"] {
        Value::Null => accept(now, body),
        _ => response(now, 500, None),
    });
    set(&mut world, 0, &a, hook(URL)).unwrap();
    post_all(&mut world, 0, &mut agree);
    let posts = world.session.last_posts(at(0), &who).unwrap();
    let agents: Vec<&str> = posts.iter().map(|post| post.agent.as_str()).collect();
    assert_eq!(agents, ["a", "b", "c"], "one for each host that gets pointers");
    assert_eq!((&body(&posts[0])["event"], &body(&posts[0])["by"]), (&"ended".into(), &"b".into()));
}

#[test]
fn a_subscription_to_events_tells_who_writes_until_it_ends_and_not_what() {
    let (mut world, a, b) = unasked();
    let who = world.session.member(at(0), &b, nexus_core::Need::OwnKey).unwrap();
    let subscription = nexus_core::Subscription { id: "s-1".to_owned(), until: at(5_000) };
    let random = &mut world.random;
    let post =
        world.session.ask_subscriber(at(0), &who, &hook(URL), &subscription, random).unwrap();
    assert_eq!(body(&post)["type"], "verification");
    let before = status(&mut world, 0, &b);
    let mut subscribe = |outcome: Outcome| {
        let outcome = (&post, &outcome);
        world.session.subscribe(at(0), &who, hook(URL), subscription.clone(), outcome).unwrap()
    };
    // Whoever does not agree changes nothing.
    for outcome in [accept(0, &Value::Null), response(0, 503, None), response(0, 410, None)] {
        assert!(subscribe(outcome).is_err());
    }
    let agreed = subscribe(agree(0, &body(&post))).unwrap();
    assert_eq!(
        (before.delivery, agreed.delivery),
        (WebhookDelivery::Unverified, WebhookDelivery::Whole)
    );
    world.send(1, &a, None, text("a text")).unwrap();
    let posts = post_all(&mut world, 2, &mut agree);
    assert_eq!(
        (&posts[0]["name"], &posts[0]["data"]["from"]),
        (&"message.received".into(), &"a".into())
    );
    assert!(!posts[0].to_string().contains("a text"), "{}", posts[0]);
    world.send(3, &a, None, text("another")).unwrap();
    let post = world.session.next_post(at(4_999), &agent("b")).unwrap().unwrap();
    assert_eq!(body(&post)["eventId"], header(&post, "webhook-id"));
    assert_eq!(header(&post, "X-MCP-Subscription-Id"), "s-1");
    assert!(post_all(&mut world, 5_000, &mut agree).is_empty(), "it has ended");
    assert_eq!(world.session.next_webhook_at(at(5_000), &BTreeSet::new()).unwrap(), None);
    // One that is set in its place goes on where it stopped.
    set(&mut world, 6_000, &b, hook(URL)).unwrap();
    let posts = post_all(&mut world, 6_000, &mut agree);
    assert_eq!((texts(&posts), posts.len()), (vec!["another"], 2));
}
