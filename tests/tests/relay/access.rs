//! Who may do what with a session: every call of the documents' tables, by callers of every kind, in sessions
//! of every kind. What is expected follows from the need that the documents give the call.

use crate::needs::documented;
use nexus_tests::{Answer, Api, list, relay, string};
use serde_json::{Value, json};

/// The kinds of sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Open,
    Keys,
    Token,
    Link,
    Encrypted,
}

pub(crate) const KINDS: [Kind; 5] =
    [Kind::Open, Kind::Keys, Kind::Token, Kind::Link, Kind::Encrypted];
const TOKEN: &str = "the-right-token";
const KEY_ID: &str = "000102030405060708090a0b0c0d0e0f";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shown {
    Nothing,
    Wrong,
    Right,
}

/// One who calls, and what it shows.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    about: &'static str,
    pub(crate) agent: Option<&'static str>,
    pub(crate) key: (Shown, String),
    pub(crate) token: (Shown, &'static str),
    /// Of an encrypted session.
    key_id: (Shown, &'static str),
}

impl Caller {
    fn new(about: &'static str, agent: Option<&'static str>) -> Self {
        let nothing = (Shown::Nothing, "");
        let key = (Shown::Nothing, String::new());
        Self { about, agent, key, token: nothing, key_id: nothing }
    }

    fn key(self, shown: Shown, key: &str) -> Self {
        Self { key: (shown, key.to_owned()), ..self }
    }

    fn token(self, shown: Shown, token: &'static str) -> Self {
        Self { token: (shown, token), ..self }
    }

    fn key_id(self, shown: Shown, key_id: &'static str) -> Self {
        Self { key_id: (shown, key_id), ..self }
    }
}

/// A session of one kind, with a creator `alice`, a guest `bob`, one who left, and, where that can be, a member
/// `claw` that came without a key.
pub(crate) struct Fixture {
    api: Api,
    kind: Kind,
    session: String,
    alice: String,
    bob: String,
    gone: String,
    code: String,
    pub(crate) has_claw: bool,
}

impl Fixture {
    pub(crate) fn new(api: &Api, kind: Kind) -> Self {
        let body = match kind {
            Kind::Open => json!({ "creatorAgentId": "alice" }),
            Kind::Keys => json!({ "creatorAgentId": "alice", "requireKeys": true }),
            Kind::Token => json!({ "creatorAgentId": "alice", "token": TOKEN }),
            Kind::Link => json!({ "creatorAgentId": "alice", "join": "link" }),
            Kind::Encrypted => {
                json!({ "creatorAgentId": "alice", "encryption": { "v": 1, "keyId": KEY_ID } })
            }
        };
        let (session, alice) = api.create(&body);
        let alice = alice.unwrap();
        let mut fixture = Self {
            api: api.clone(),
            kind,
            session,
            alice,
            bob: String::new(),
            gone: String::new(),
            code: String::new(),
            has_claw: matches!(kind, Kind::Open | Kind::Token),
        };
        fixture.bob = fixture.claim("bob");
        fixture.gone = fixture.claim("gone");
        let left = fixture.ask(
            &Caller::new("", Some("gone")).key(Shown::Right, &fixture.gone),
            "DELETE",
            "/v1/sessions/:session/agents/:agent",
        );
        assert_eq!(left.status, 200, "{}", left.text());
        if fixture.has_claw {
            let path = format!("/clawlink/{}/register", fixture.session);
            let call = api.post(&path).json(&json!({ "agent_id": "claw", "name": "Claw" }));
            let call = call.header("Authorization", format!("Bearer {TOKEN}").as_bytes());
            assert_eq!(call.send().status, 200);
        }
        fixture.code = fixture.pair();
        fixture
    }

    fn pair(&self) -> String {
        let call = self.api.put("/v1/pair").agent("alice").key(&self.alice);
        string(&call.json(&json!({ "sessionId": self.session })).send().json()["code"])
    }

    fn claim(&self, agent: &str) -> String {
        let claim = self.api.post(&format!("/v1/pair/{}/claim", self.pair())).agent(agent);
        let claimed = claim.header("X-Key-Id", KEY_ID.as_bytes()).send();
        string(&claimed.json()["sessionKey"])
    }

    /// Everyone who may call.
    pub(crate) fn callers(&self, other_key: &str) -> Vec<Caller> {
        let (wrong, right) = (Shown::Wrong, Shown::Right);
        let mut callers = vec![
            Caller::new("nobody", None),
            Caller::new("a stranger", Some("stranger")),
            Caller::new("an outsider by the creator's name", Some("alice")),
            Caller::new("a wrong key", Some("alice")).key(wrong, "nxk_wrong"),
            Caller::new("another's key", Some("alice")).key(wrong, &self.bob),
            Caller::new("a key of another session", Some("alice")).key(wrong, other_key),
            Caller::new("one who left", Some("gone")).key(wrong, &self.gone),
            Caller::new("a guest", Some("bob")).key(right, &self.bob),
            Caller::new("a guest in another case", Some("BOB")).key(right, &self.bob),
            Caller::new("the creator", Some("alice")).key(right, &self.alice),
        ];
        if self.has_claw {
            callers.push(Caller::new("a member without a key", Some("claw")));
            callers.push(Caller::new("the same with a key", Some("claw")).key(wrong, &self.bob));
        }
        if self.kind == Kind::Token {
            callers.extend([
                Caller::new("the token alone", None).token(right, TOKEN),
                Caller::new("the token and a name", Some("alice")).token(right, TOKEN),
                Caller::new("the token and no member", Some("stranger")).token(right, TOKEN),
                Caller::new("the token without a key", Some("claw")).token(right, TOKEN),
                Caller::new("a wrong token", Some("alice")).token(wrong, "the-wrong-token"),
                Caller::new("a wrong token, a right key", Some("bob"))
                    .key(right, &self.bob)
                    .token(wrong, "the-wrong-token"),
            ]);
        }
        if self.kind == Kind::Encrypted {
            let other = "ffffffffffffffffffffffffffffffff";
            callers.extend([
                Caller::new("the key of the session alone", None).key_id(right, KEY_ID),
                Caller::new("the key of the session", Some("stranger")).key_id(right, KEY_ID),
                Caller::new("the same by a member's name", Some("bob")).key_id(right, KEY_ID),
                Caller::new("the same and a wrong key", Some("bob"))
                    .key(wrong, "nxk_wrong")
                    .key_id(right, KEY_ID),
                Caller::new("the key of another session", Some("stranger")).key_id(wrong, other),
                Caller::new("the same and a right key", Some("bob"))
                    .key(right, &self.bob)
                    .key_id(wrong, other),
            ]);
        }
        callers
    }

    /// Makes a call, with a body that would be refused for its form where it would change anything.
    pub(crate) fn ask(&self, caller: &Caller, method: &str, path: &str) -> Answer {
        let url = path
            .replace(":session", &self.session)
            .replace(":agent", caller.agent.unwrap_or("alice"))
            .replace(":task", "0000000000000000-1")
            .replace(":code", &self.code)
            .replace("*key", "no-such-file.md");
        let url = match (method, path) {
            ("GET", "/v1/pair") => format!("/v1/pair?sessionId={}", self.session),
            _ => url,
        };
        let by_name = caller.agent.unwrap_or_default();
        let body = match path {
            "/v1/pair" => json!({ "sessionId": self.session }),
            // ClawLink's bodies say who calls.
            _ if path.starts_with("/clawlink/") => json!({
                "agent_id": by_name, "from_agent": by_name, "to_agent": "nobody-at-all",
                "name": "n", "task": "t", "message_id": "0000000000000000-1", "result": 1,
                "file_key": "walk.md", "content": "x",
            }),
            _ => json!({ "ttl": "no number", "name": 5, "url": 5, "to": 5 }),
        };
        let mut call = self.api.call(method, &url);
        if let Some(agent) = caller.agent.filter(|_| !path.starts_with("/clawlink/")) {
            call = call.agent(agent);
        }
        if caller.key.0 != Shown::Nothing {
            call = call.key(&caller.key.1);
        }
        if caller.token.0 != Shown::Nothing {
            call = call.header("Authorization", format!("Bearer {}", caller.token.1).as_bytes());
        }
        if caller.key_id.0 != Shown::Nothing {
            call = call.header("X-Key-Id", caller.key_id.1.as_bytes());
        }
        if method == "GET" { call.send() } else { call.json(&body).send() }
    }

    /// How a call with this need is refused to a caller, as section 1 says; none if it is let in.
    pub(crate) fn expected(
        &self,
        need: &str,
        caller: &Caller,
        path: &str,
    ) -> Option<(u16, &'static str)> {
        let (key, token) = (caller.key.0, caller.token.0);
        let trusted = self.kind != Kind::Token || key == Shown::Right || token == Shown::Right;
        let no_token = match token {
            Shown::Wrong => (401, "invalid_token"),
            Shown::Nothing | Shown::Right => (401, "missing_token"),
        };
        let needs_key = matches!(self.kind, Kind::Keys | Kind::Encrypted) || need != "Member";
        let is_member = match caller.agent.map(str::to_lowercase).as_deref() {
            Some("alice" | "bob") => true,
            Some("claw") => self.has_claw,
            _ => false,
        };
        let holds_key = caller.agent != Some("claw");
        if need == "Nothing" {
            return None;
        }
        if need == "Entry" {
            return match self.kind {
                Kind::Token if !trusted => Some(no_token),
                Kind::Link | Kind::Encrypted if key != Shown::Right && path == "/v1/pair" => {
                    Some((401, "missing_session_key"))
                }
                Kind::Link if key != Shown::Right => Some((403, "link_required")),
                Kind::Encrypted if key != Shown::Right => match caller.key_id.0 {
                    Shown::Nothing => Some((403, "key_required")),
                    Shown::Wrong => Some((403, "wrong_key")),
                    Shown::Right => None,
                },
                _ => None,
            };
        }
        if caller.agent.is_none() {
            return Some((400, "missing_agent_id"));
        }
        if !trusted {
            return Some(match (key, token) {
                (Shown::Wrong, _) => (401, "invalid_session_key"),
                (_, Shown::Wrong) => (401, "invalid_token"),
                _ => (401, "missing_session_key"),
            });
        }
        if !is_member {
            let by_path = path.ends_with("/agents/:agent");
            return Some(if by_path { (404, "agent_not_found") } else { (403, "forbidden") });
        }
        match key {
            Shown::Wrong => Some((if needs_key { 401 } else { 403 }, "invalid_session_key")),
            Shown::Nothing if needs_key && (holds_key || need != "Key") => {
                Some((401, "missing_session_key"))
            }
            Shown::Right if need == "Creator" && caller.agent != Some("alice") => {
                Some((403, "forbidden"))
            }
            Shown::Nothing | Shown::Right => None,
        }
    }
}

/// The error that an answer is, if it refuses its caller; none if it refuses something else, or nothing.
pub(crate) fn refusal(answer: &Answer) -> Option<(u16, String)> {
    let body = if answer.status < 400 { Value::Null } else { answer.json() };
    let code = body["code"].as_str().or(body["error"].as_str()).unwrap_or_default().to_owned();
    let of_caller = [
        "missing_agent_id",
        "missing_session_key",
        "invalid_session_key",
        "missing_token",
        "invalid_token",
        "forbidden",
        "link_required",
        "key_required",
        "wrong_key",
    ];
    let is_missing = code == "agent_not_found" && answer.status == 404;
    (of_caller.contains(&code.as_str()) || is_missing).then_some((answer.status, code))
}

/// Calls that change the session for those who come after.
fn takes_effect(method: &str, path: &str) -> bool {
    let ends =
        [("DELETE", "/v1/sessions/:session"), ("DELETE", "/v1/sessions/:session/agents/:agent")];
    ends.contains(&(method, path)) || path.ends_with("/join")
}

#[test]
fn every_native_call_asks_for_what_the_document_says() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let other = api.session();
    let calls = documented(include_str!("../../../docs/protocol.md"));
    let of_sessions =
        |path: &str| path.starts_with("/v1/sessions/") || path.starts_with("/v1/pair");
    let mut cells = 0;
    for kind in KINDS {
        let shared = Fixture::new(&api, kind);
        for (need, method, path) in calls.iter().filter(|(_, _, path)| of_sessions(path)) {
            if path.ends_with("/claim") || path.ends_with("/status") {
                continue;
            }
            for caller in shared.callers(&other.key) {
                let fresh = takes_effect(method, path).then(|| Fixture::new(&api, kind));
                let fixture = fresh.as_ref().unwrap_or(&shared);
                let caller = if fresh.is_some() {
                    let mut all = fixture.callers(&other.key).into_iter();
                    all.find(|other| other.about == caller.about).unwrap()
                } else {
                    caller
                };
                let mut expected = fixture.expected(need, &caller, path);
                if path.ends_with("/join") && caller.agent.is_none() {
                    expected = Some((400, "missing_agent_id"));
                }
                if *method == "DELETE"
                    && path.ends_with(":agent")
                    && caller.agent == Some("alice")
                    && expected.is_none()
                {
                    // Let in, and then told that the creator stays.
                    expected = Some((403, "forbidden"));
                }
                let answer = fixture.ask(&caller, method, path);
                let status = answer.status;
                assert!(status < 500, "{method} {path} by {caller:?} in {kind:?}: {status}");
                let found = refusal(&answer);
                let expected = expected.map(|(status, code)| (status, code.to_owned()));
                assert_eq!(found, expected, "{method} {path} by {caller:?} in {kind:?}");
                cells += 1;
            }
        }
    }
    assert!(cells > 1000, "only {cells} cells");
}

/// The cells that matter most, word by word.
#[test]
fn an_outsider_a_guest_and_a_seat_without_a_key_do_no_harm() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let open = Fixture::new(&api, Kind::Open);
    let token = Fixture::new(&api, Kind::Token);
    let bob = |fixture: &Fixture| Caller::new("", Some("bob")).key(Shown::Right, &fixture.bob);
    let (alice, claw) = (Caller::new("", Some("alice")), Caller::new("", Some("claw")));
    let session = |fixture: &Fixture, rest: &str| format!("/v1/sessions/{}{rest}", fixture.session);
    let send = |fixture: &Fixture, caller: &Caller, method: &str, rest: &str, body: &Value| {
        let mut call = api.call(method, &session(fixture, rest)).agent(caller.agent.unwrap());
        if caller.key.0 == Shown::Right {
            call = call.key(&caller.key.1);
        }
        call.json(body).send().status
    };
    let short = json!({ "ttl": 1 });
    let task = json!({ "to": "alice", "task": "t" });
    let cells = [
        ("an outsider shortens", send(&open, &alice, "POST", "/renew", &short), 401),
        ("an outsider shortens, token", send(&token, &alice, "POST", "/renew", &short), 401),
        ("a guest shortens", send(&open, &bob(&open), "POST", "/renew", &short), 403),
        ("an outsider ends", send(&open, &alice, "DELETE", "", &json!({})), 401),
        ("a guest ends", send(&open, &bob(&open), "DELETE", "", &json!({})), 403),
        ("a guest removes", send(&open, &bob(&open), "DELETE", "/agents/claw", &json!({})), 403),
        ("an outsider reads, token", send(&token, &alice, "GET", "/messages", &json!({})), 401),
        (
            "an outsider sends, token",
            send(&token, &alice, "POST", "/messages", &json!({"text": "x"})),
            401,
        ),
        ("an outsider lists, token", send(&token, &alice, "GET", "/files", &json!({})), 401),
        ("no key and no token gives a task", send(&token, &claw, "POST", "/tasks", &task), 401),
        ("no key and no token writes", send(&token, &claw, "PUT", "/files/f", &json!({})), 401),
        ("no key sets a webhook", send(&open, &claw, "PUT", "/webhook", &json!({})), 401),
        (
            "no key and no token leaves",
            send(&token, &claw, "DELETE", "/agents/claw", &json!({})),
            401,
        ),
    ];
    for (about, status, expected) in cells {
        assert_eq!(status, expected, "{about}");
    }
    let status = api.get(&session(&token, "")).send().json();
    assert_eq!((list(&status["agents"]).len(), &status["creatorAgentId"]), (0, &Value::Null));
    let told = api.get(&session(&token, "")).agent("bob").key(&token.bob).send().json();
    assert_eq!(list(&told["agents"]).len(), 3);
}
