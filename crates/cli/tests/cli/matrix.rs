//! Who reaches whom: every kind of client that a session or an address can have, in both directions.

use crate::support::Home;
use nexus_tests::{Api, agents::Resident, dialogue, list, mcp::Mcp, relay, string};
use serde_json::{Value, json};
use std::{cell::RefCell, collections::BTreeSet};

/// What was heard: from whom, and what.
type Heard = BTreeSet<(String, String)>;

/// Says something to somebody.
type Say<'a> = Box<dyn Fn(&str, &str) + 'a>;

/// Reads all that was said.
type Hear<'a> = Box<dyn Fn() -> Heard + 'a>;

/// A client of one kind, under its name.
struct Client<'a> {
    name: String,
    say: Say<'a>,
    hear: Hear<'a>,
}

fn pairs(messages: &Value, from: &str, text: &str) -> Heard {
    let texts = list(messages).iter().filter(|one| one[text].is_string());
    texts.map(|one| (string(&one[from]), string(&one[text]))).collect()
}

/// Each says something to each, or to all at once if that is one saying, and each hears it.
fn assert_all_reach_all(clients: &[Client<'_>], to_all: bool) {
    for speaker in clients {
        if to_all {
            (speaker.say)("", &format!("from {}", speaker.name));
            continue;
        }
        for other in clients.iter().filter(|other| other.name != speaker.name) {
            (speaker.say)(&other.name, &format!("from {}", speaker.name));
        }
    }
    for reader in clients {
        let heard = (reader.hear)();
        for speaker in clients.iter().filter(|speaker| speaker.name != reader.name) {
            let said = (speaker.name.clone(), format!("from {}", speaker.name));
            assert!(heard.contains(&said), "{} reaches {}: {heard:?}", speaker.name, reader.name);
        }
    }
}

fn member_over_mcp<'a>(mcp: &'a Mcp<'a>, link: &str, name: &str) -> Client<'a> {
    let joined = mcp.done("join", json!({ "link": link, "name": name }));
    let (seat, again) = (joined["seat"].clone(), joined["seat"].clone());
    Client {
        name: name.to_owned(),
        say: Box::new(move |_, text| {
            mcp.done("send", json!({ "seat": seat, "text": text }));
        }),
        hear: Box::new(move || {
            pairs(&mcp.done("read", json!({ "seat": again }))["messages"], "from", "text")
        }),
    }
}

#[test]
fn in_a_session_every_kind_of_client_reaches_every_other() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let native = api.session();
    let [modern, legacy] = [true, false].map(|is_modern| Mcp { api: &api, is_modern });
    let home = Home::new(&relay.url());
    home.nexus(&["claim", &native.pair(), "--agent-id", "cli", "--alias", "s"]).done();
    let clawlink = format!("/clawlink/{}", native.session);
    let register = json!({ "agent_id": "claw", "name": "claw", "capabilities": [] });
    assert_eq!(api.post(&format!("{clawlink}/register")).json(&register).send().status, 200);
    let clients = [
        member_over_mcp(&modern, &native.pair(), "modern"),
        member_over_mcp(&legacy, &native.pair(), "legacy"),
        Client {
            name: native.agent.clone(),
            say: Box::new(|_, text| drop(native.send(text))),
            hear: Box::new(|| pairs(&native.poll("")["messages"], "agentId", "text")),
        },
        Client {
            name: "cli".to_owned(),
            say: Box::new(|_, text| drop(home.nexus(&["send", "s", text]).done())),
            hear: Box::new(|| {
                let page = home.nexus(&["poll", "s", "--after", "0"]).done();
                pairs(&page["messages"], "agentId", "text")
            }),
        },
        Client {
            name: "claw".to_owned(),
            say: Box::new(|_, text| {
                let body = json!({ "from_agent": "claw", "content": text });
                let said = api.post(&format!("{clawlink}/broadcast")).json(&body).send();
                assert_eq!(said.status, 200);
            }),
            hear: Box::new(|| {
                let page = api.get(&format!("{clawlink}/poll/claw")).send().json();
                pairs(&page["messages"], "from_agent", "content")
            }),
        },
    ];
    assert_all_reach_all(&clients, true);
}

fn address_over_mcp<'a>(mcp: &'a Mcp<'a>, id: &str) -> Client<'a> {
    let seat = mcp.done("address", json!({ "id": id }))["seat"].clone();
    let again = seat.clone();
    Client {
        name: id.to_owned(),
        say: Box::new(move |to, text| {
            mcp.done("send", json!({ "seat": seat, "to": to, "text": text }));
        }),
        hear: Box::new(move || {
            pairs(&mcp.done("read", json!({ "seat": again }))["messages"], "from", "text")
        }),
    }
}

#[test]
fn between_addresses_every_kind_of_client_reaches_every_other() {
    const SECRET: &str = "a-secret-of-some-length";
    let relay = relay();
    let api = Api::new(&relay.url());
    let [modern, legacy] = [true, false].map(|is_modern| Mcp { api: &api, is_modern });
    let native: Resident = api.register("native");
    let home = Home::new(&relay.url());
    home.nexus(&["register", "--id", "cli"]).done();
    let register = json!({ "id": "messenger", "name": "m", "secret": SECRET });
    assert_eq!(api.post("/messenger/register").json(&register).send().status, 201);
    let agent = dialogue::Agent::register(&api, "dialogue").ok().unwrap();
    let line = RefCell::new(agent.connect());
    let clients = [
        address_over_mcp(&modern, "modern"),
        address_over_mcp(&legacy, "legacy"),
        Client {
            name: "native".to_owned(),
            say: Box::new(|to, text| drop(native.send(to, text))),
            hear: Box::new(|| pairs(&native.poll("")["messages"], "agentId", "text")),
        },
        Client {
            name: "cli".to_owned(),
            say: Box::new(|to, text| {
                home.nexus(&["send", &format!("@{to}"), text]).done();
            }),
            hear: Box::new(|| pairs(&home.nexus(&["inbox"]).done()["messages"], "agentId", "text")),
        },
        Client {
            name: "messenger".to_owned(),
            say: Box::new(|to, text| {
                let body =
                    json!({ "from": "messenger", "to": to, "message": text, "secret": SECRET });
                assert_eq!(api.post("/messenger/send").json(&body).send().status, 200);
            }),
            hear: Box::new(|| {
                let page = api.get(&format!("/messenger/poll?id=messenger&secret={SECRET}"));
                pairs(&page.send().json()["messages"], "from", "message")
            }),
        },
        Client {
            name: agent.id.clone(),
            say: Box::new(|to, text| {
                let body = json!({ "from": agent.id, "to": to, "content": text });
                let sent = agent.call("POST", "message", &body);
                assert!(sent.status < 300, "{}", sent.text());
            }),
            hear: Box::new(|| {
                // One from each of the others.
                let mut line = line.borrow_mut();
                let frames = (0..5).map(|_| line.hear());
                frames.map(|one| (string(&one["from"]), string(&one["content"]))).collect()
            }),
        },
    ];
    assert_all_reach_all(&clients, false);
}
