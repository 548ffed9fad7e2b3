//! Secrets in messages (section 7), wherever messages go in and come out.

use nexus_tests::{Api, Relay, agents::done, leaks::holds, list, string};
use serde_json::{Value, json};

/// Something that must not be stored, told from everything else by `mark`. Put together here, so that
/// nothing looks like a secret in these sources.
fn token(mark: &str) -> String {
    let rest = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9".chars().skip(mark.len());
    ["ghp_", mark].concat() + &rest.collect::<String>()
}

const REDACTED: &str = "[REDACTED:github_token]";

fn told(answer: &Value) -> &Value {
    &answer["redacted"]
}

fn one() -> Value {
    json!([{ "type": "github_token", "count": 1 }])
}

#[test]
fn no_secret_is_stored_or_logged_or_comes_out_again() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let api = Api::new(&relay.url());
    let greeting = format!("Use {}", token("greet"));
    let created = done(
        &api.put("/v1/sessions")
            .json(&json!({ "creatorAgentId": "a", "greeting": greeting }))
            .send(),
        201,
    );
    assert_eq!(*told(&created), one());
    let a = nexus_tests::Member {
        api: api.clone(),
        session: string(&created["sessionId"]),
        agent: "a".into(),
        key: string(&created["sessionKey"]),
    };
    let b = a.join("b");
    let mut socket = b.socket(Some("0"));
    socket.expect("ready");

    // A message, repeated.
    let body = json!({ "text": format!("take {}.", token("text")), "json": { "n": 1.50, "deep": [token("json")] } });
    let send = || a.call("POST", "/messages").idempotency_key("k").json(&body).send().json();
    let (first, again) = (send(), send());
    assert_eq!(*told(&first), json!([{ "type": "github_token", "count": 2 }]));
    assert_eq!(first, again);
    assert_eq!(a.send("nothing to hide").get("redacted"), None);

    // A task: what it is, its context, its progress and result.
    let give = json!({ "to": "b", "task": token("task"), "context": { "key": token("context") } });
    let task = done(&a.call("POST", "/tasks").idempotency_key("t").json(&give).send(), 201);
    assert_eq!((&task["task"], &task["context"]), (&json!(REDACTED), &json!({ "key": REDACTED })));
    assert_eq!(*told(&task), json!([{ "type": "github_token", "count": 2 }]));
    assert_eq!(done(&a.call("POST", "/tasks").idempotency_key("t").json(&give).send(), 201), task);
    let path = format!("/tasks/{}", string(&task["id"]));
    for (change, found) in [
        (json!({ "status": "accepted" }), Value::Null),
        (
            json!({ "status": "in_progress", "progress": format!("found {}", token("progress")) }),
            one(),
        ),
        (json!({ "status": "completed", "result": [token("result")] }), one()),
    ] {
        let changed = done(&b.call("POST", &path).json(&change).send(), 200);
        assert_eq!(*told(&changed), found, "{changed}");
    }
    let board = done(&a.call("GET", "/tasks").send(), 200);
    assert_eq!(board["tasks"][0]["result"], json!([REDACTED]));

    // What readers get, by a socket and by a poll.
    let live = socket.expect("message");
    assert_eq!(live["text"], json!(format!("take {REDACTED}.")));
    assert_eq!(live["json"], json!({ "n": 1.50, "deep": [REDACTED] }));
    assert_eq!(live["redacted"], first["redacted"], "readers see what was taken out");
    let page = b.poll("");
    let texts: Vec<String> =
        list(&page["messages"]).iter().map(|message| string(&message["text"])).collect();
    assert_eq!(texts[..2], [format!("Use {REDACTED}"), format!("take {REDACTED}.")]);
    assert!(page.to_string().contains(r#""n":1.5"#) && !page.to_string().contains("a1B2"));

    // Between addresses, and by a dialect.
    let (ann, ben) = (api.register("ann"), api.register("ben"));
    let mail =
        json!({ "text": token("mail"), "json": { "password": (["Tr0ub4", "dor&3x!"].concat()) } });
    let send = || ann.to("ben").idempotency_key("m").json(&mail).send().json();
    let (first, again) = (send(), send());
    assert_eq!(
        *told(&first),
        json!([{ "type": "github_token", "count": 1 }, { "type": "password", "count": 1 }])
    );
    assert_eq!(told(&first), told(&again));
    let waiting = &ben.poll("")["messages"][0];
    assert_eq!(waiting["json"], json!({ "password": "[REDACTED:password]" }));
    for (id, secret) in [("cat", "cat-has-a-secret"), ("dan", "dan-has-a-secret")] {
        let body = json!({ "id": id, "name": id, "secret": secret });
        assert_eq!(api.post("/messenger/register").json(&body).send().status, 201);
    }
    let body = json!({ "from": "cat", "to": "dan", "message": token("messenger"), "secret": "cat-has-a-secret" });
    assert_eq!(api.post("/messenger/send").json(&body).send().status, 200);
    let polled = api.get("/messenger/poll?id=dan&secret=dan-has-a-secret").send().text();
    assert!(polled.contains(REDACTED), "{polled}");

    relay.kill();
    assert!(holds(state.path(), "github_token"), "what is stored can be found");
    for mark in
        ["greet", "text", "json", "task", "context", "progress", "result", "mail", "messenger"]
    {
        let secret = token(mark);
        assert!(!holds(state.path(), &secret) && !relay.log().contains(&secret), "{mark}");
    }
    assert!(!holds(state.path(), "Tr0ub4dor"));
}
