//! Mail between agents of the three protocols that mailboxes serve.

use crate::dialogue::{Agent, agent};
use nexus_tests::{Relay, agents::Resident, list, live::Socket, relay, string};
use serde_json::{Value, json};

fn read(native: &Resident) -> Vec<Value> {
    let page = native.call("GET", "/messages").send().json();
    list(&page["messages"]).to_vec()
}

/// Three agents of three kinds, and what each has to say to another. Says whether it was live.
struct Town {
    dialogue: Agent,
    native: Resident,
}

impl Town {
    const MESSENGER: &'static str = "messenger";

    fn new(relay: &Relay, native: &str) -> Self {
        let dialogue = agent(relay, "dialogue");
        let native = dialogue.api.register(native);
        let body = json!({ "id": Self::MESSENGER, "secret": "s-of-the-messenger" });
        // Of the second town it is the same one.
        assert_eq!(native.api.post("/messenger/register").json(&body).send().status, 201);
        Self { dialogue, native }
    }

    /// Each of the three ways to send, with the id of its sender.
    fn send_all(&self, to: &str, text: &str) -> Vec<(String, bool)> {
        let from_native = self.native.to(to).json(&json!({ "text": text })).send();
        assert_eq!(from_native.status, 201, "{}", from_native.text());
        let body = json!({ "from": Self::MESSENGER, "to": to, "message": text, "secret": "s-of-the-messenger" });
        let from_messenger = self.native.api.post("/messenger/send").json(&body).send();
        assert_eq!(from_messenger.status, 200, "{}", from_messenger.text());
        let body = json!({ "from": self.dialogue.id, "to": to, "content": text });
        let from_dialogue = self.dialogue.call("POST", "message", &body);
        vec![
            (self.native.id.clone(), from_native.json()["delivery"] == "live"),
            (Self::MESSENGER.to_owned(), from_messenger.json()["delivery"] == "live"),
            (self.dialogue.id.clone(), from_dialogue.json()["status"] == "sent"),
        ]
    }
}

#[test]
fn every_kind_writes_to_every_other_online_and_offline() {
    let relay = relay();
    let town = Town::new(&relay, "native");
    let reader = Town::new(&relay, "reader");
    let api = &town.native.api;
    let second = json!({ "id": "second", "secret": "t-of-the-messenger" });
    assert_eq!(api.post("/messenger/register").json(&second).send().status, 201);

    // Offline: it waits, for a reader of each kind.
    for id in [&reader.native.id, &reader.dialogue.id, "second"] {
        assert!(town.send_all(id, "offline").iter().all(|(_, live)| !live), "{id}");
    }
    let senders = [&town.native.id, Town::MESSENGER, &town.dialogue.id];
    let waiting = read(&reader.native);
    let found: Vec<&Value> = waiting.iter().map(|message| &message["agentId"]).collect();
    assert_eq!(found, senders);
    let polled = api.get("/messenger/poll?id=second&secret=t-of-the-messenger").send().json();
    let found: Vec<&Value> =
        list(&polled["messages"]).iter().map(|message| &message["from"]).collect();
    assert_eq!(found, senders);
    let mut line = reader.dialogue.connect();
    for from in senders {
        let heard = line.hear();
        assert_eq!((&heard["from"], &heard["content"]), (&json!(from), &json!("offline")));
    }

    // Online: it comes at once.
    let headers = [("Authorization", format!("Bearer {}", reader.native.secret))];
    let headers: Vec<(&'static str, &str)> =
        headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path =
        format!("/v1/agents/{}/ws?after={}", reader.native.id, string(&waiting[2]["cursor"]));
    let mut native = Socket::open(&relay.url(), &path, &headers).unwrap();
    native.expect("ready");
    let mut messenger =
        Socket::open(&relay.url(), "/messenger/ws?id=second&secret=t-of-the-messenger", &[])
            .unwrap();
    messenger.expect("connected");
    nexus_tests::eventually("the messenger is live", || {
        town.send_all("second", "are you there?")[0].1
    });
    assert_eq!(line.tell(&json!({ "type": "ping" }))["type"], "pong");
    for id in [&reader.native.id, &reader.dialogue.id, "second"] {
        assert!(town.send_all(id, "online").iter().all(|(_, live)| *live), "{id}");
    }
    for from in senders {
        let frame = native.expect("message");
        assert_eq!((&frame["agentId"], &frame["text"]), (&json!(from), &json!("online")));
        let heard = line.hear();
        assert_eq!((&heard["from"], &heard["content"]), (&json!(from), &json!("online")));
    }
    let mut found = Vec::new();
    while found.len() < 3 {
        let frame = messenger.expect("message");
        if frame["data"]["message"] == "online" {
            found.push(string(&frame["data"]["from"]));
        }
    }
    assert_eq!(found, senders);
}
