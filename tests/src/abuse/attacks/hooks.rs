//! A session full of webhooks at a receiver that never agreed to get anything.

use super::{attack::Attack, requests::members};
use crate::{
    Member,
    abuse::scene::Attacker,
    receiver::{Receiver, Reply},
};
use serde_json::json;

/// The members with a webhook, and the messages that are sent to each.
const MEMBERS: usize = 50;
const MESSAGES: usize = 40;

/// What an attacker has made of it.
pub(super) struct Hooks {
    receiver: Receiver,
    members: Option<Vec<Member>>,
    sent: usize,
}

impl Hooks {
    pub(super) fn new(who: &Attacker) -> Self {
        let receiver = Receiver::start(|_| Reply::status(200));
        let members = members(who, MEMBERS);
        let body = json!({ "url": receiver.url, "secret": "only for this run" });
        for member in members.iter().flatten().skip(1) {
            who.noted("webhook", member.call("PUT", "/webhook").json(&body).try_send());
        }
        Self { receiver, members, sent: 0 }
    }
}

impl Attack for Hooks {
    fn act(&mut self, who: &Attacker) {
        let Some(members) = &self.members else { return };
        if self.sent < MESSAGES {
            self.sent += 1;
            let body = json!({ "text": "x".repeat(60_000) });
            who.noted("message", members[0].call("POST", "/messages").json(&body).try_send());
        }
    }

    fn end(&mut self, who: &Attacker) {
        let posts = self.receiver.got();
        let bytes: usize = posts.iter().map(|post| post.text.len()).sum();
        who.add("posts to the receiver that never agreed", posts.len());
        who.add("MB of these posts", bytes / 1_000_000);
    }
}
