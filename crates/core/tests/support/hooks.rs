//! Webhooks: sessions that have some, receivers, and time that passes for them.

use super::{Calls, World, agent, at, caller};
use nexus_core::{Caller, Outcome, Post, Result};
use nexus_protocol::{
    Cursor, Filter, Message, SetWebhook, WebhookDelivery, WebhookState, WebhookStatus,
};
use serde_json::Value;
use std::collections::BTreeSet;

pub const URL: &str = "https://example.com/hook";

pub fn hook(url: &str) -> SetWebhook {
    SetWebhook { url: url.to_owned(), secret: "sixteen characters".to_owned(), after: None }
}

pub fn set(
    world: &mut World,
    now: i64,
    caller: &Caller,
    request: SetWebhook,
) -> Result<WebhookStatus> {
    let who = world.session.member(at(now), caller, nexus_core::Need::OwnKey)?;
    world.session.set_webhook(at(now), &who, request, &mut world.random)
}

pub fn status(world: &mut World, now: i64, caller: &Caller) -> WebhookStatus {
    world.session.looks_at_webhook(at(now), caller).unwrap()
}

/// A session where `a` sends and `b` has set a webhook. Its receiver has not been asked yet.
pub fn unasked() -> (World, Caller, Caller) {
    let mut world = World::with_session(86_400, 9);
    let [a, b] = ["a", "b"].map(|name| {
        let key = world.join(0, name).unwrap().session_key;
        caller(name, Some(&key))
    });
    set(&mut world, 0, &b, hook(URL)).unwrap();
    (world, a, b)
}

/// The same, where the receiver has agreed.
pub fn agreed() -> (World, Caller, Caller) {
    let (mut world, a, b) = unasked();
    post_all(&mut world, 0, &mut agree);
    assert_eq!(status(&mut world, 0, &b).delivery, WebhookDelivery::Whole);
    assert_eq!(status(&mut world, 0, &b).state, WebhookState::Active);
    (world, a, b)
}

/// A receiver that agrees and accepts everything.
pub fn agree(_: i64, body: &Value) -> Outcome {
    Outcome::Accepted(body["challenge"].as_str().unwrap_or_default().to_owned())
}

/// A receiver that accepts everything and does not know challenges.
pub fn accept(_: i64, _: &Value) -> Outcome {
    Outcome::Accepted("ok".to_owned())
}

/// What a receiver responds with.
pub fn response(now: i64, status: u16, retry_after: Option<&str>) -> Outcome {
    Outcome::of(at(now), status, retry_after, String::new())
}

pub fn body(post: &Post) -> Value {
    serde_json::from_str(&post.body).unwrap()
}

pub fn header<'a>(post: &'a Post, name: &str) -> &'a str {
    post.headers.iter().find(|(key, _)| *key == name).unwrap().1.as_str()
}

/// Posts everything that is due at `now`, as the object does. Returns the bodies.
pub fn post_all(
    world: &mut World,
    now: i64,
    receiver: &mut dyn FnMut(i64, &Value) -> Outcome,
) -> Vec<Value> {
    let mut bodies = Vec::new();
    for agent in world.session.webhooks_due(at(now)).unwrap() {
        while let Some(post) = world.session.next_post(at(now), &agent).unwrap() {
            let body = body(&post);
            let outcome = receiver(now, &body);
            world.session.posted(at(now), &post, outcome).unwrap();
            bodies.push(body);
        }
    }
    bodies
}

/// Lets time pass from `from` to `until`, as the alarms of the object do. Returns when each post was
/// made, and its body.
pub fn pass(
    world: &mut World,
    from: i64,
    until: i64,
    receiver: &mut dyn FnMut(i64, &Value) -> Outcome,
) -> Vec<(i64, Value)> {
    world.evict();
    let (mut now, mut posts) = (from, Vec::new());
    for _ in 0..10_000 {
        world.session.settle_webhooks(at(now)).unwrap();
        posts.extend(post_all(world, now, receiver).into_iter().map(|body| (now, body)));
        let next = world.session.next_webhook_at(at(now), &BTreeSet::new()).unwrap();
        match next.map(|next| next.millis_since(at(0))) {
            Some(next) if next <= until => now = next,
            _ => return posts,
        }
    }
    panic!("the alarm rings for ever at {now}");
}

/// The messages about failing webhooks that a reader of events sees.
pub fn told(world: &mut World, now: i64, caller: &Caller) -> Vec<Message> {
    let filter = Filter { events: true, others: true, ..Filter::default() };
    let page = world.page_of(now, caller, filter, Some("0"), 500).unwrap();
    let messages = super::messages(&page);
    messages.into_iter().filter(|m| m.kind == Some(nexus_protocol::Kind::WebhookFailing)).collect()
}

pub fn texts(bodies: &[Value]) -> Vec<&str> {
    bodies.iter().filter_map(|body| body["text"].as_str()).collect()
}

pub fn cursor(text: &str) -> Cursor {
    text.parse().unwrap()
}

/// Lets `names` join, each with a webhook at the URL.
pub fn join_with_hooks(world: &mut World, names: &[String], url: &str) -> Vec<Caller> {
    let join = |name: &String| {
        let key = world.join(0, name).unwrap().session_key;
        let caller = caller(agent(name).as_str(), Some(&key));
        set(world, 0, &caller, hook(url)).unwrap();
        caller
    };
    names.iter().map(join).collect()
}
