//! Who may do what with an address: the cells that matter most, word by word.

use crate::{
    access_mailboxes::Words,
    access_mailboxes_calls::{Fixture, outcome},
    dialogue::{nonce, now, sign},
};
use nexus_tests::{Api, live::Socket, relay};
use serde_json::json;

#[test]
fn an_outsider_and_a_thief_do_no_harm_to_an_address() {
    let relay = relay();
    let it = Fixture::new(&relay, Words::Native);
    let (api, owner, thief) = (Api::new(&relay.url()), &it.owner, &it.thief);
    let before = it.everything();
    let own =
        |method: &str, rest: &str| api.call(method, &format!("/v1/agents/{}{rest}", owner.id));
    let inbox = format!("/v1/agents/{}/messages", it.friend.id);
    let status = format!("{inbox}/{}", it.message);
    let text = json!({ "text": "x" });
    let chosen = json!({ "secret": "the-thief-chose-this" });
    let again = json!({ "agentId": owner.id, "name": "n", "secret": thief.secret });
    let (session, _) = api.create(&json!({}));
    let invite = json!({ "sessionId": session, "invite": it.friend.id });
    let list = format!("/opendialogue/api/agent/{}/block", owner.id);
    let said = json!({ "from": owner.id, "to": it.friend.id, "content": "x" });
    let sent =
        json!({ "from": owner.id, "to": it.friend.id, "message": "x", "secret": thief.secret });
    let poll = format!("/messenger/poll?id={}&secret={}", owner.id, thief.secret);
    let history = "/opendialogue/api/conversation/t/history";
    let cells = [
        ("an outsider reads", own("GET", "/messages"), 401),
        ("a thief reads", own("GET", "/messages").bearer(&thief.secret), 401),
        (
            "a thief reads, as itself",
            own("GET", "/messages").bearer(&thief.secret).agent(&thief.id),
            403,
        ),
        ("a replaced secret reads", own("GET", "/messages").bearer(&it.replaced), 401),
        (
            "a replaced secret replaces",
            own("POST", "/secret").bearer(&it.replaced).json(&chosen),
            401,
        ),
        (
            "a thief replaces the secret",
            own("POST", "/secret").bearer(&thief.secret).json(&chosen),
            401,
        ),
        ("a thief deletes", own("DELETE", "").bearer(&thief.secret), 401),
        ("an outsider deletes", own("DELETE", ""), 401),
        ("a thief registers the id", api.post("/v1/agents").json(&again), 409),
        (
            "a thief writes as the owner",
            api.post(&inbox).agent(&owner.id).bearer(&thief.secret).json(&text),
            401,
        ),
        ("an outsider writes as the owner", api.post(&inbox).agent(&owner.id).json(&text), 401),
        (
            "the owner writes as the thief",
            api.post(&inbox).agent(&thief.id).bearer(&owner.secret).json(&text),
            401,
        ),
        (
            "a thief asks what became of it",
            api.get(&status).agent(&owner.id).bearer(&thief.secret),
            401,
        ),
        (
            "a thief invites as the owner",
            api.put("/v1/pair").agent(&owner.id).bearer(&thief.secret).json(&invite),
            401,
        ),
        ("a thief reads a list, in OpenDialogue", api.get(&list).bearer(&thief.secret), 401),
        (
            "a thief reads on, in OpenDialogue",
            api.get(history).agent(&owner.id).bearer(&thief.secret),
            401,
        ),
        (
            "a thief writes, in OpenDialogue",
            api.post("/opendialogue/api/message").bearer(&thief.secret).json(&said),
            401,
        ),
        ("a thief takes messages, by the messenger", api.get(&poll), 401),
        ("a thief writes, by the messenger", api.post("/messenger/send").json(&sent), 401),
    ];
    for (about, call, status) in cells {
        let answer = call.send();
        assert_eq!(answer.status, status, "{about}: {}", answer.text());
        assert_eq!(it.everything(), before, "{about}");
    }
    let path = format!("/v1/agents/{}/ws", owner.id);
    let bearer = format!("Bearer {}", thief.secret);
    let opened = Socket::open(&relay.url(), &path, &[("Authorization", &bearer)]);
    assert_eq!(opened.err(), Some(Some(401)), "a thief listens");
}

/// A signature holds for one agent, one moment and one connection; what is refused uses nothing up.
#[test]
fn a_signature_of_open_dialogue_opens_one_socket_of_its_agent() {
    let relay = relay();
    let it = Fixture::new(&relay, Words::Dialogue);
    let open = |id: &str, signer: &str, secret: &str, age: i64, nonce: &str| {
        let timestamp = (now() - age).to_string();
        let text = format!("{signer}|{signer}|server|connect|connect||{timestamp}|{nonce}");
        let signature = sign(secret, &text);
        let headers = [
            ("x-agent-id", id),
            ("x-timestamp", &timestamp),
            ("x-nonce", nonce),
            ("x-signature", &signature),
        ];
        let mut call = it.api.get("/opendialogue/connect");
        call = call.header("Upgrade", b"websocket").header("Connection", b"Upgrade");
        for (name, value) in headers {
            call = call.header(name, value.as_bytes());
        }
        Socket::open(&relay.url(), "/opendialogue/connect", &headers)
            .map(drop)
            .map_err(|_| outcome(&call.send()).1)
    };
    let (owner, thief, nonce) = (&it.owner, &it.thief, nonce());
    let before = it.everything();
    let refused = [
        (
            "its own, with the owner's id",
            open(&owner.id, &thief.id, &thief.secret, 0, &nonce),
            "INVALID_SIGNATURE",
        ),
        (
            "the owner's id, and its own secret",
            open(&owner.id, &owner.id, &thief.secret, 0, &nonce),
            "INVALID_SIGNATURE",
        ),
        (
            "the owner's, for its own id",
            open(&thief.id, &owner.id, &owner.secret, 0, &nonce),
            "INVALID_SIGNATURE",
        ),
        (
            "one that was replaced",
            open(&owner.id, &owner.id, &it.replaced, 0, &nonce),
            "INVALID_SIGNATURE",
        ),
        ("stale", open(&owner.id, &owner.id, &owner.secret, 301_000, &nonce), "TIMESTAMP_EXPIRED"),
        ("early", open(&owner.id, &owner.id, &owner.secret, -301_000, &nonce), "TIMESTAMP_EXPIRED"),
    ];
    for (about, answer, code) in refused {
        assert_eq!(answer, Err(code.to_owned()), "{about}");
    }
    assert_eq!(it.everything(), before);
    assert_eq!(open(&owner.id, &owner.id, &owner.secret, 0, &nonce), Ok(()));
    let again = open(&owner.id, &owner.id, &owner.secret, 0, &nonce);
    assert_eq!(again, Err("REPLAY_ATTACK".to_owned()), "signed anew, with a nonce that was used");
}
