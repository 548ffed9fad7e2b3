//! Requests of callers that prove nothing, prove it wrongly, or ask too often.

use super::attack::Attack;
use crate::{Member, abuse::scene::Attacker, random::Random, string};
use serde_json::json;

/// Fills a session with messages of control characters, which are long as JSON.
pub(super) struct Unproven(String);

impl Unproven {
    pub(super) fn new() -> Self {
        Self("\u{1}".repeat(65_000))
    }
}

impl Attack for Unproven {
    fn act(&mut self, who: &Attacker) {
        let path = format!("/v1/sessions/{}/messages", who.target().session);
        let api = who.api();
        let call = api.post(&path).agent(&who.target().agent).json(&json!({ "text": self.0 }));
        who.noted("message", call.try_send());
    }
}

/// Sends a message to one name 60,000 times.
pub(super) struct Names(serde_json::Value);

impl Names {
    pub(super) fn new() -> Self {
        Self(json!({ "text": "x", "to": vec!["b"; 60_000] }))
    }
}

impl Attack for Names {
    fn act(&mut self, who: &Attacker) {
        let path = format!("/v1/sessions/{}/messages", who.target().session);
        let api = who.api();
        let call = api.post(&path).agent(&who.target().agent).json(&self.0);
        who.noted("message", call.try_send());
    }
}

/// Guesses codes.
pub(super) struct Codes(Random);

impl Codes {
    pub(super) fn new(who: &Attacker) -> Self {
        Self(Random::new(u64::try_from(who.number).unwrap_or_default(), "codes"))
    }
}

impl Attack for Codes {
    fn act(&mut self, who: &Attacker) {
        let digits = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
        let end: String = (0..5).map(|_| char::from(digits[self.0.below(digits.len())])).collect();
        let api = who.api();
        let call = api.get(&format!("/v1/pair/PEARL-FOCAL-{end}/status"));
        who.noted("guess", call.try_send());
    }
}

/// Uploads that show a wrong key and break off.
#[derive(Default)]
pub(super) struct Uploads(usize);

impl Attack for Uploads {
    fn act(&mut self, who: &Attacker) {
        self.0 += 1;
        let target = who.target();
        let (path, method) = match self.0 % 2 {
            0 => ("files/upload", "PUT"),
            _ => ("messages", "POST"),
        };
        let head = format!(
            "{method} /v1/sessions/{}/{path} HTTP/1.1\r\nX-Agent-Id: {}\r\nX-Session-Key: nxk_{:043}",
            target.session,
            target.agent,
            self.0 + who.number * 1_000_000
        );
        let status = who.raw(&head, 400_000, &[b'x'; 1000]);
        who.note(method, &status.map_or("broken off".to_owned(), |status| status.to_string()));
    }
}

/// Polls with keys that are right, of a session of its own, as often as it can.
pub(super) struct Polls(Option<Vec<Member>>);

impl Polls {
    pub(super) fn new(who: &Attacker) -> Self {
        Self(members(who, MEMBERS))
    }
}

/// The members of that session, and the polls in one step.
const MEMBERS: usize = 5;
const STEP: usize = 25;

impl Attack for Polls {
    fn act(&mut self, who: &Attacker) {
        let Some(members) = &self.0 else { return };
        for number in 0..STEP {
            if who.scene.is_over() {
                return;
            }
            let member = &members[number % members.len()];
            let path = format!("/v1/sessions/{}/messages", member.session);
            let api = who.api();
            let call = api.call("GET", &path).agent(&member.agent).key(&member.key);
            who.noted("poll", call.try_send());
        }
    }
}

/// Makes a session of its own with this many members, before the attack. `None` if something of it
/// was refused.
pub(super) fn members(who: &Attacker, count: usize) -> Option<Vec<Member>> {
    let api = who.earlier();
    let call = api.put("/v1/sessions").json(&json!({ "creatorAgentId": "m0" }));
    let made = who.noted("session", call.try_send())?.json();
    let session = string(&made["sessionId"]);
    let mut members = vec![Member {
        api: api.clone(),
        session: session.clone(),
        agent: "m0".to_owned(),
        key: string(&made["sessionKey"]),
    }];
    for number in 1..count {
        let agent = format!("m{number}");
        let call = api.post(&format!("/v1/sessions/{session}/join")).agent(&agent);
        let joined = who.noted("join", call.try_send())?.json();
        let key = string(&joined["sessionKey"]);
        members.push(Member { api: api.clone(), session: session.clone(), agent, key });
    }
    Some(members)
}
