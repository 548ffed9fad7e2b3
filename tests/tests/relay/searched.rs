//! Where secrets are searched for (section 7): every way by which a text of one agent reaches
//! another, and the names that are refused.

use crate::{clawlink_client::ClawLink, dialogue::agent};
use nexus_tests::{Api, Member, Relay, agents::done, leaks::holds, relay, string};
use serde_json::{Value, json};

/// Something that must not be stored. Put together here, so that nothing looks like a secret in
/// these sources.
fn token() -> String {
    ["ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat()
}

const MARK: &str = "[REDACTED:github_token]";

fn profile() -> Value {
    let (token, words) = (token(), format!("My key: {}", token()));
    json!({ "name": words, "capabilities": ["x", token], "description": words, "machine": words })
}

#[test]
fn profiles_cards_topics_and_tags_are_searched_whichever_way_they_come() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let api = Api::new(&relay.url());
    let mut body = profile();
    body["creatorAgentId"] = json!("a");
    let created = done(&api.put("/v1/sessions").json(&body).send(), 201);
    assert_eq!(created["redacted"], json!([{ "type": "github_token", "count": 4 }]));
    let a = Member {
        api: api.clone(),
        session: string(&created["sessionId"]),
        agent: "a".into(),
        key: string(&created["sessionKey"]),
    };
    let path = format!("/v1/sessions/{}/join", a.session);
    let joined = done(&api.post(&path).agent("b").json(&profile()).send(), 200);
    assert_eq!(joined["redacted"][0]["count"], 4);
    let b = Member { agent: "b".into(), key: string(&joined["sessionKey"]), ..a.clone() };
    let changed = done(&b.call("PATCH", "/agents/b").json(&profile()).send(), 200);
    assert_eq!(changed["name"], format!("My key: {MARK}"));
    assert_eq!(changed["capabilities"], json!(["x", MARK]));
    let claim = format!("/v1/pair/{}/claim", api.pair(&a.session));
    let claimed = done(&api.post(&claim).agent("c").json(&profile()).send(), 200);
    assert_eq!(claimed["redacted"][0]["count"], 4);
    let (api_of_claw, session) = (api.clone(), a.session.clone());
    let claw = ClawLink { api: api_of_claw, session, token: None, key: None };
    let mut register = profile();
    register["agent_id"] = json!("d");
    let registered = claw.done("/register", &register);
    assert!(!registered.to_string().contains(&token()), "{registered}");
    let members = done(&b.call("GET", "/agents").send(), 200).to_string();
    assert_eq!(members.matches(MARK).count(), 16);

    // Topics and tags.
    let said = json!({ "text": "x", "topic": token(), "tags": [token(), "y"] });
    let sent = done(&a.call("POST", "/messages").json(&said).send(), 201);
    assert_eq!(sent["redacted"][0]["count"], 2);
    let mut socket = b.socket(Some("0"));
    let live = socket.expect("message");
    assert_eq!((&live["topic"], &live["tags"]), (&json!(MARK), &json!([MARK, "y"])));
    let tell = json!({ "from_agent": "d", "content": "x", "topic": token(), "tags": [token()] });
    claw.done("/broadcast", &tell);
    assert_eq!(b.poll("")["messages"][1]["topic"], MARK);

    // Cards.
    let (words, token) = (format!("My key: {}", token()), token());
    let card = json!({ "name": words, "description": words, "version": token, "capabilities": [token], "listed": true });
    let registered = done(&api.post("/v1/agents").json(&card).send(), 201);
    assert_eq!(registered["card"]["description"], format!("My key: {MARK}"));
    let path = format!("/v1/agents/{}", string(&registered["agentId"]));
    let secret = string(&registered["secret"]);
    let changed = api.call("PATCH", &path).bearer(&secret).json(&card).send();
    assert_eq!(done(&changed, 200)["card"]["capabilities"], json!([MARK]));
    let user = json!({ "id": "user", "name": words, "secret": "s-of-the-messenger" });
    assert_eq!(
        done(&api.post("/messenger/register").json(&user).send(), 201)["name"],
        format!("My key: {MARK}")
    );
    let dialogue =
        json!({ "name": words, "description": words, "version": token, "capabilities": [token] });
    let answer = api.post("/opendialogue/api/agent/register").json(&dialogue).send();
    assert_eq!(done(&answer, 201)["card"]["version"], MARK);

    relay.kill();
    assert!(holds(state.path(), "github_token"), "what is stored can be found");
    assert!(!holds(state.path(), &token) && !relay.log().contains(&token));
}

#[test]
fn a_name_with_a_secret_is_refused_and_says_its_kind() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let (api, token) = (a.api.clone(), token());
    let refused = |answer: &nexus_tests::Answer, field: &str| {
        assert_eq!(answer.error(), (400, "invalid_request".into()), "{field}: {}", answer.text());
        let detail = answer.json()["details"][0].clone();
        assert_eq!(detail["path"], field);
        assert!(string(&detail["message"]).contains("(github_token)"), "{detail}");
        assert!(!answer.text().contains(&token), "the answer does not repeat it");
    };
    let put = |key: &str| a.call("PUT", &format!("/files/{key}"));
    refused(&put(&format!("keys/{token}.txt")).body(b"x").send(), "key");
    let of_a_kind = format!("text/plain; key={token}");
    let typed = put("x.txt").header("Content-Type", of_a_kind.as_bytes()).body(b"x").send();
    refused(&typed, "Content-Type");
    assert_eq!(done(&a.call("GET", "/files").send(), 200)["files"], json!([]));
    // Its content is not searched.
    assert_eq!(put("x.txt").body(token.as_bytes()).send().status, 201);
    assert_eq!(a.call("GET", "/files/x.txt").send().text(), token);

    let path = format!("/v1/sessions/{}/join", a.session);
    refused(&api.post(&path).agent(&token).send(), "agentId");
    let claim = format!("/v1/pair/{}/claim", api.pair(&a.session));
    refused(&api.post(&claim).agent(&token).send(), "agentId");
    assert_eq!(api.post(&claim).agent("b").send().status, 200, "the code is as it was");
    let create = json!({ "creatorAgentId": token });
    refused(&api.put("/v1/sessions").json(&create).send(), "agentId");
    let register = json!({ "agentId": token, "name": "n" });
    refused(&api.post("/v1/agents").json(&register).send(), "agentId");
    assert_eq!(api.get(&format!("/v1/agents/{token}")).send().status, 404);
    let (ann, ben) = (api.register("ann"), api.register("ben"));
    for field in ["conversationId", "replyTo"] {
        refused(&ann.to("ben").json(&json!({ "text": "x", field: token })).send(), field);
    }
    assert_eq!(ben.poll("")["messages"], json!([]));

    // By the dialects, under the names of their fields.
    let claw = ClawLink { api: api.clone(), session: a.session.clone(), token: None, key: None };
    claw.register("d");
    let file = json!({ "agent_id": "d", "file_key": format!("{token}.txt"), "content": "x" });
    let answer = claw.post("/files", &file);
    assert!(answer.status == 400 && answer.text().contains("file_key"), "{}", answer.text());
    let user = json!({ "id": token, "secret": "s-of-the-messenger" });
    let answer = api.post("/messenger/register").json(&user).send();
    assert!(answer.status == 400 && answer.text().contains("github_token"), "{}", answer.text());
    let (one, two) = (agent(&relay, "one"), agent(&relay, "two"));
    let (mut line, mut other) = (one.connect(), two.connect());
    line.say(&two.id, "hello", "talk");
    other.hear();
    for kind in ["text", "typing"] {
        let frame = line.frame(&two.id, kind, "x", &token);
        assert_eq!(line.error(&frame), "INVALID_CONTENT", "{kind}");
    }
}
