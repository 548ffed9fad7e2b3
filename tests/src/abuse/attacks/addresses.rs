//! Fresh addresses: they fill inboxes, list themselves under names that come first, and send signals
//! that nobody wants.

use super::attack::Attack;
use crate::{
    abuse::scene::Attacker,
    agents::Resident,
    dialogue::{Agent, Line},
    random::Random,
    string,
};
use serde_json::json;
use std::time::Duration;

/// Mails of one address to one inbox. It may send 30 a minute.
const MAILS: usize = 30;

/// Fills the inbox of an honest agent from ever new addresses.
pub(super) struct Inboxes(Random);

impl Inboxes {
    pub(super) fn new(who: &Attacker) -> Self {
        Self(drawer(who, "inboxes"))
    }
}

impl Attack for Inboxes {
    fn act(&mut self, who: &Attacker) {
        let Some(to) = who.scene.inboxes.get(who.number % who.scene.inboxes.len().max(1)) else {
            return;
        };
        let Some(me) = register(who, &self.0.key(), false) else { return };
        for number in 0..MAILS {
            if who.scene.is_over() {
                return;
            }
            let call = me.to(to).json(&json!({ "text": format!("unwanted {number}") }));
            who.noted("mail", call.try_send());
        }
    }
}

/// Lists addresses whose ids come before all others, and asks for the list.
pub(super) struct Directory(Random);

impl Directory {
    pub(super) fn new(who: &Attacker) -> Self {
        Self(drawer(who, "directory"))
    }
}

impl Attack for Directory {
    fn act(&mut self, who: &Attacker) {
        register(who, &format!("-{}", self.0.key()), true);
        who.noted("users", who.api().get("/messenger/users").try_send());
        who.noted("agents", who.api().get("/v1/agents?limit=100").try_send());
    }
}

/// Sends signals of 60 KB to an agent that speaks OpenDialogue.
pub(super) struct Signals(Option<(Line, Line)>);

impl Signals {
    pub(super) fn new(who: &Attacker) -> Self {
        Self(connected(who, "sender").zip(connected(who, "victim")))
    }
}

impl Attack for Signals {
    fn act(&mut self, who: &Attacker) {
        let Some((sender, victim)) = &mut self.0 else { return };
        let kind = if who.turn.is_multiple_of(2) { "typing" } else { "read_receipt" };
        let frame = sender.frame(&victim.id, kind, &"x".repeat(60_000), "talk");
        let answer = sender.socket.try_send(&frame.to_string()).and_then(|()| sender.socket.read());
        match answer {
            Ok(answer) => {
                let told = answer["code"].as_str().or(answer["status"].as_str());
                who.note(kind, told.unwrap_or("another answer"));
            }
            Err(ended) => {
                who.note(kind, &format!("{ended:?}"));
                self.0 = None;
                return;
            }
        }
        victim.socket.patience(Duration::from_millis(1));
        if let Ok(frame) = victim.socket.read() {
            let length = frame["content"].as_str().map_or(0, str::len);
            who.note("victim", if length > 1000 { "got a long signal" } else { "got a frame" });
        }
    }
}

/// Registers an agent that speaks OpenDialogue, and connects it, before the attack.
fn connected(who: &Attacker, name: &str) -> Option<Line> {
    let agent = match Agent::register(&who.earlier(), name) {
        Ok(agent) => agent,
        Err(refused) => {
            who.note("registration", &refused.status.to_string());
            return None;
        }
    };
    match agent.open() {
        Ok(line) => Some(line),
        Err(status) => {
            who.note("connection", &status.map_or(0, u16::from).to_string());
            None
        }
    }
}

fn register(who: &Attacker, id: &str, listed: bool) -> Option<Resident> {
    let api = who.api();
    let body = json!({ "agentId": id, "name": "x", "listed": listed });
    let answer = who.noted("registration", api.post("/v1/agents").json(&body).try_send())?;
    let secret = string(&answer.json()["secret"]);
    Some(Resident { api, id: id.to_owned(), secret })
}

/// Ids that no other attacker draws.
fn drawer(who: &Attacker, what: &str) -> Random {
    Random::new(crate::random::seed(), &format!("{what} {:?} {}", who.crew, who.number))
}
