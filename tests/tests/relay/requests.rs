//! What must not be taken, and what must: requests as strangers, other clients and careless people send them, each
//! with its answer. None of those that are refused changes anything.

use nexus_tests::{
    Answer, Api, Member, Relay,
    agents::{Resident, done},
};
use serde_json::{Value, json};

/// A small relay: what is a share of something is soon used up.
struct World {
    api: Api,
    alice: Member,
    bob: Member,
    /// The one who is written to, and three who write.
    inbox: Resident,
    friend: Resident,
    stranger: Resident,
    code: String,
}

impl World {
    fn new(relay: &Relay) -> Self {
        let api = Api::new(&relay.url());
        let (session, key) = api.create(&json!({ "creatorAgentId": "alice" }));
        let agent = "alice".to_owned();
        let alice = Member { api: api.clone(), session, agent, key: key.unwrap() };
        let bob = alice.join("bob");
        alice.send("hello");
        assert_eq!(alice.call("PUT", "/files/plan.md").body(b"one").send().status, 201);
        let code = api.pair(&alice.session);
        let [inbox, friend, stranger] = ["inbox", "friend", "stranger"].map(|id| api.register(id));
        done(&inbox.call("PUT", "/allows/friend").send(), 200);
        let world = Self { api, alice, bob, inbox, friend, stranger, code };
        world.fill();
        world
    }

    /// Uses up what strangers may use.
    fn fill(&self) {
        let keyless = || {
            let path = format!("/v1/sessions/{}/messages", self.alice.session);
            self.api.post(&path).agent("bob").json(&json!({ "text": "x" })).send().status
        };
        let taken = (0..20).take_while(|_| keyless() == 201).count();
        assert_eq!(taken, 5, "an eighth of 40");
        for sender in [&self.stranger, &self.friend] {
            let send = || sender.to("inbox").json(&json!({ "text": "x" })).send().status;
            assert_eq!((0..9).take_while(|_| send() == 201).count(), 2, "a fifth of 10");
        }
        done(
            &self
                .alice
                .call("POST", "/messages")
                .idempotency_key("used")
                .json(&json!({"text":"x"}))
                .send(),
            201,
        );
    }

    /// Everything that a refused request must not change.
    fn state(&self) -> Value {
        let session = &self.alice.session;
        let page = self.alice.poll("?limit=500");
        json!({
            "messages": page["messages"],
            "members": self.api.get(&format!("/v1/sessions/{session}")).send().json()["agents"],
            "files": done(&self.alice.call("GET", "/files").send(), 200)["files"],
            "board": done(&self.alice.call("GET", "/tasks").send(), 200)["tasks"],
            "code": self.api.get(&format!("/v1/pair/{}/status", self.code)).send().json()["state"],
            "inbox": done(&self.inbox.call("GET", "/messages?after=0").send(), 200)["messages"],
            "users": self.api.get("/messenger/users").send().json()["users"],
        })
    }
}

/// Who asks.
#[derive(Clone, Copy)]
enum Who {
    Nobody,
    Alice,
    /// Knows the session and the name `bob`, and nothing else.
    AsBob,
    Stranger,
    Friend,
}

/// A request, and its answer: the status, and the code of the error or what the answer contains.
struct Row(
    &'static str,
    Who,
    &'static str,
    &'static str,
    Vec<(&'static str, String)>,
    Vec<u8>,
    u16,
    &'static str,
);

fn ask(world: &World, row: &Row) -> Answer {
    let Row(_, who, method, path, headers, body, ..) = row;
    let path = path.replace("SESSION", &world.alice.session).replace("CODE", &world.code);
    let mut call = world.api.call(method, &path);
    call = match who {
        Who::Nobody => call,
        Who::Alice => call.agent("alice").key(&world.alice.key),
        Who::AsBob => call.agent("bob"),
        Who::Stranger => call.agent("stranger").bearer(&world.stranger.secret),
        Who::Friend => call.agent("friend").bearer(&world.friend.secret),
    };
    for (name, value) in headers {
        call = call.header(name, value.as_bytes());
    }
    if body.is_empty() { call.send() } else { call.body(body).send() }
}

/// Asks, and compares the answer with what the row says, and the state with what it was `before`.
fn check(world: &World, row: &Row, before: &Value) -> Answer {
    let Row(about, .., status, expected) = row;
    let answer = ask(world, row);
    let body = answer.text();
    assert_eq!(answer.status, *status, "{about}: {body}");
    assert!(body.contains(expected), "{about}: {body}");
    assert_eq!(world.state(), *before, "{about}");
    answer
}

fn small_relay() -> Relay {
    let builder = Relay::builder().var("MAX_SESSION_MESSAGES", "40");
    builder.var("MAX_WAITING_MESSAGES", "10").start().unwrap()
}

const MESSAGES: &str = "/v1/sessions/SESSION/messages";
const FILE: &str = "/v1/sessions/SESSION/files/plan.md";
const INBOX: &str = "/v1/agents/inbox/messages";

fn one(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    vec![(name, value.to_owned())]
}

fn text(body: &str) -> Vec<u8> {
    body.as_bytes().to_vec()
}

#[rustfmt::skip]
fn refused() -> Vec<Row> {
    use Who::{Alice, AsBob, Friend, Nobody, Stranger};
    let none = Vec::new;
    let many = json!({ "text": "x", "to": vec!["bob"; 60_000] }).to_string();
    let short = r#"{"id":"new","secret":"1234567"}"#;
    vec![
        // Load and abuse.
        Row("unproven messages beyond their share", AsBob, "POST", MESSAGES, none(), text(r#"{"text":"x"}"#), 409, "unproven_full"),
        Row("an inbox, one sender", Stranger, "POST", INBOX, none(), text(r#"{"text":"x"}"#), 409, "inbox_full"),
        Row("an inbox, a friend's share", Friend, "POST", INBOX, none(), text(r#"{"text":"x"}"#), 409, "inbox_full"),
        Row("one name 60,000 times", Alice, "POST", MESSAGES, none(), text(&many), 400, "invalid_request"),
        Row("a short secret", Nobody, "POST", "/messenger/register", none(), text(short), 400, "at least 8 characters"),
        Row("a wrong secret", Nobody, "GET", "/messenger/poll?id=inbox&secret=wrong", none(), Vec::new(), 401, "not the secret"),
        Row("a webhook by a stranger", AsBob, "PUT", "/v1/sessions/SESSION/webhook", none(), text(r#"{"url":"https://a.example/","secret":"0123456789abcdef"}"#), 401, "missing_session_key"),
        Row("a code that was never made", Nobody, "POST", "/v1/pair/PEARL-FOCAL-S5SJV/claim", one("X-Agent-Id", "eve"), Vec::new(), 404, "code_not_found"),
        Row("no code at all", Nobody, "POST", "/v1/pair/nonsense/claim", one("X-Agent-Id", "eve"), Vec::new(), 404, "code_not_found"),
        // Bodies.
        Row("form data", Alice, "POST", MESSAGES, none(), text("text=hello"), 400, "form data"),
        Row("a raw line break", Alice, "POST", MESSAGES, none(), text("{\"text\":\"a\nb\"}"), 400, "line 1"),
        Row("half an emoji", Alice, "POST", MESSAGES, none(), text(r#"{"text":"\ud83d"}"#), 400, "half of a pair"),
        Row("Latin-1", Alice, "POST", MESSAGES, none(), b"{\"text\":\"\xe4\"}".to_vec(), 400, "Latin-1"),
        Row("UTF-16", Alice, "POST", MESSAGES, none(), b"\xff\xfe{\0\"\0t\0".to_vec(), 400, "UTF-16"),
        Row("compressed, and says so", Alice, "POST", MESSAGES, one("Content-Encoding", "gzip"), text("{}"), 415, "unsupported_encoding"),
        Row("compressed, and does not", Alice, "POST", MESSAGES, none(), b"\x1f\x8b\x08\0".to_vec(), 415, "unsupported_encoding"),
        Row("a used key with another body", Alice, "POST", MESSAGES, one("Idempotency-Key", "used"), text(r#"{"text":"y"}"#), 422, "idempotency_key_reused"),
        // Headers and methods.
        Row("an old version", Alice, "PUT", FILE, one("If-Match", "W/\"7\""), text("two"), 412, "version_conflict"),
        Row("two names", Alice, "GET", MESSAGES, one("X-Agent-Id", "bob"), Vec::new(), 400, "more than once"),
        Row("a method that is none", Nobody, "PROPFIND", "/v1/sessions/SESSION", none(), Vec::new(), 405, "method_not_allowed"),
        Row("a section that is none", Nobody, "GET", "/docs/77", none(), Vec::new(), 404, "not_found"),
    ]
}

#[rustfmt::skip]
fn taken() -> Vec<Row> {
    use Who::{Alice, AsBob, Nobody};
    let none = Vec::new;
    let robot = |agent: &str| vec![("User-Agent", agent.to_owned()), ("Accept", "*/*".to_owned())];
    let mut rows = vec![
        Row("HTML in capitals", Nobody, "GET", "/p/CODE", one("Accept", "text/HTML"), Vec::new(), 200, "<html"),
        Row("no HTML", Nobody, "GET", "/p/CODE", one("Accept", "text/html;q=0, */*"), Vec::new(), 200, "# Another agent"),
        Row("past the end", Alice, "GET", "/v1/sessions/SESSION/messages?after=999999", none(), Vec::new(), 200, "\"cursorReset\":true"),
        Row("a boolean in capitals", AsBob, "GET", "/v1/sessions/SESSION/messages?members=True", none(), Vec::new(), 200, "\"members\":["),
        Row("a bare boolean", AsBob, "GET", "/v1/sessions/SESSION/messages?members", none(), Vec::new(), 200, "\"members\":["),
        Row("too long a wait", Alice, "GET", "/v1/sessions/SESSION/messages?after=0&wait=60&limit=1000", none(), Vec::new(), 200, "hello"),
        Row("two slashes", Alice, "GET", "//v1//sessions/SESSION/messages?after=0", none(), Vec::new(), 200, "hello"),
        Row("the same name twice", Alice, "GET", MESSAGES, one("X-Agent-Id", "alice"), Vec::new(), 200, "messages"),
        Row("one section", Nobody, "GET", "/docs/9", none(), Vec::new(), 200, "## 9. Teams"),
        Row("a point after a link", Nobody, "GET", "/p/CODE.", none(), Vec::new(), 200, "Another agent"),
        Row("a bracket after a link", Nobody, "GET", "/p/CODE)%3E,", none(), Vec::new(), 200, "Another agent"),
        Row("what a browser's libraries add", Nobody, "OPTIONS", MESSAGES, one("Access-Control-Request-Headers", "cache-control, pragma, x-requested-with, traceparent, baggage, mcp-session-id"), Vec::new(), 204, ""),
    ];
    for agent in ["facebookexternalhit/1.1", "Slackbot-LinkExpanding 1.0", "Twitterbot/1.0", "WhatsApp/2.23", "TelegramBot (like TwitterBot)", "Mozilla/5.0 (compatible; Discordbot/2.0)"] {
        rows.push(Row("a preview", Nobody, "GET", "/p/CODE", robot(agent), Vec::new(), 200, "property=\"og:title\""));
    }
    rows
}

#[test]
fn what_is_refused_says_why_and_changes_nothing() {
    let relay = small_relay();
    let world = World::new(&relay);
    let before = world.state();
    for row in refused() {
        let body = check(&world, &row, &before).json();
        assert!(body["message"].is_string() || body["error"].is_string(), "{}", row.0);
    }
    // And those who were there first go on.
    world.bob.send("still here");
    world.alice.send("me, too");
    done(&world.inbox.call("POST", "/ack").json(&json!({ "cursor": "4" })).send(), 200);
    done(&world.friend.to("inbox").json(&json!({ "text": "hello" })).send(), 201);
}

#[test]
fn what_other_clients_send_is_taken_and_uses_nothing_up() {
    let relay = small_relay();
    let world = World::new(&relay);
    let before = world.state();
    for row in taken() {
        check(&world, &row, &before);
    }
    let marked = b"\xef\xbb\xbf{\"text\":\"after a mark\"}";
    done(&world.alice.call("POST", "/messages").body(marked).send(), 201);
    let weak =
        world.alice.call("PUT", "/files/plan.md").header("If-Match", b"W/\"1\"").body(b"two");
    done(&weak.send(), 200);
}
