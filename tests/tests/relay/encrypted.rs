//! Encrypted sessions (section 10): who gets in, and what it does to a code that somebody lacks the key.

use nexus_protocol::{AgentId, KeyId};
use nexus_seal::{Place, Plain, Sealer, Secret, read};
use nexus_tests::{Answer, Api, Call, Member, Relay, agents::done, list, relay, string};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A number that was not used before, as good as random for a test.
fn number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A new secret.
pub(crate) fn secret() -> Secret {
    let bytes = [number(), number(), number()].map(u64::to_le_bytes).concat();
    Secret::from_random(*bytes.first_chunk().unwrap())
}

/// A new initialization vector.
pub(crate) fn iv() -> [u8; 16] {
    (u128::from(number()) << 17).to_le_bytes()
}

/// The body that creates an encrypted session of `a`.
pub(crate) fn create(secret: &Secret) -> Value {
    let key_id = secret.key_id();
    json!({ "creatorAgentId": "a", "encryption": { "v": 1, "keyId": key_id.as_str() } })
}

/// A text as this agent seals it.
pub(crate) fn sealed(secret: &Secret, place: Place<'_>, agent: &str, text: &str) -> String {
    let name: AgentId = agent.parse().unwrap();
    let sealer = Sealer { secret, name: &name, signer: None };
    sealer.seal(place, iv(), Plain::text(text)).unwrap()
}

/// The text that this agent has sealed.
pub(crate) fn opened(secret: &Secret, place: Place<'_>, agent: &Value, sealed: &Value) -> String {
    let agent = string(agent).parse().unwrap();
    read(secret, place, &agent, &string(sealed)).unwrap().plain.text.unwrap()
}

/// An encrypted session with one member, `a`.
pub(crate) struct Sealing {
    pub(crate) secret: Secret,
    pub(crate) a: Member,
}

impl Sealing {
    pub(crate) fn new(api: &Api) -> Self {
        let secret = secret();
        let (session, key) = api.create(&create(&secret));
        let a = Member { api: api.clone(), session, agent: "a".to_owned(), key: key.unwrap() };
        Self { secret, a }
    }

    /// Begins to join by the session's id, without proving the key of the session.
    pub(crate) fn joining(&self, agent: &str) -> Call<'_> {
        self.a.api.post(&format!("/v1/sessions/{}/join", self.a.session)).agent(agent)
    }

    /// Joins under another name.
    pub(crate) fn join(&self, agent: &str) -> Member {
        let joined = done(&knowing(self.joining(agent), &self.secret).send(), 200);
        let key = string(&joined["sessionKey"]);
        Member { agent: agent.to_owned(), key, ..self.a.clone() }
    }

    /// Begins to claim a code, without proving the key.
    fn claiming(&self, code: &str, agent: &str) -> Call<'_> {
        self.a.api.post(&format!("/v1/pair/{code}/claim")).agent(agent)
    }

    pub(crate) fn state(&self, code: &str) -> Value {
        done(&self.a.api.get(&format!("/v1/pair/{code}/status")).send(), 200)["state"].clone()
    }

    /// The names of the members.
    pub(crate) fn members(&self) -> Vec<String> {
        let status = self.a.api.get(&format!("/v1/sessions/{}", self.a.session)).send();
        list(&done(&status, 200)["agents"]).iter().map(string).collect()
    }
}

/// Proves the key of a session.
pub(crate) fn knowing<'a>(call: Call<'a>, secret: &Secret) -> Call<'a> {
    call.header("X-Key-Id", secret.key_id().as_str().as_bytes())
}

fn guess() -> KeyId {
    KeyId::from_bytes(iv())
}

/// A relay that tells its clients apart, with all its rate limits.
fn behind_a_proxy() -> Relay {
    let relay = Relay::builder().var("CLIENT_IP_HEADER", nexus_tests::CLIENT_HEADER);
    relay.rate_limit(Some(5000)).start().unwrap()
}

#[test]
fn a_session_says_wherever_it_is_shown_that_it_is_encrypted() {
    let relay = relay();
    let api = Api::new(&relay.url());
    assert_eq!(api.get("/health").send().json()["capabilities"]["encryption"], json!([1]));
    for is_encrypted in [true, false] {
        let secret = secret();
        let said = if is_encrypted { json!({ "v": 1 }) } else { Value::Null };
        let (mut body, mut greeting) = (json!({ "creatorAgentId": "a" }), "hello".to_owned());
        if is_encrypted {
            body = create(&secret);
            greeting = sealed(&secret, Place::Greeting, "a", &greeting);
        }
        body["greeting"] = json!(greeting);
        let created = done(&api.put("/v1/sessions").json(&body).send(), 201);
        assert_eq!(created["encryption"], said);
        let (session, key) = (string(&created["sessionId"]), string(&created["sessionKey"]));
        let a = Member { api: api.clone(), session, agent: "a".to_owned(), key };
        let path = format!("/v1/sessions/{}", a.session);
        assert_eq!(done(&api.get(&path).send(), 200)["encryption"], said);
        // The key of an encrypted session does no harm where there is none.
        let joining = knowing(api.post(&format!("{path}/join")).agent("b"), &secret);
        assert_eq!(done(&joining.send(), 200)["encryption"], said);
        let claiming = api.post(&format!("/v1/pair/{}/claim", a.pair())).agent("c");
        let claimed = done(&knowing(claiming, &secret).send(), 200);
        assert_eq!(claimed["encryption"], said);
        assert_eq!(claimed["greeting"], json!({ "by": "a", "text": greeting }));
        // A member that comes back with its own key need not prove the other.
        assert_eq!(done(&a.call("POST", "/join").send(), 200)["encryption"], said);
        // The keys of members are required, whatever was asked for.
        let unproven = api.get(&format!("{path}/messages")).agent("a").send();
        assert_eq!(unproven.status, if is_encrypted { 401 } else { 200 });
    }
}

#[test]
fn what_does_not_say_how_to_encrypt_creates_nothing() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let secret = secret();
    let key_id = secret.key_id();
    let with = |encryption: Value| json!({ "creatorAgentId": "a", "encryption": encryption });
    let id = key_id.as_str();
    for (body, path) in [
        (json!({ "encryption": { "v": 1, "keyId": id } }), "creatorAgentId"),
        (with(json!({ "v": 2, "keyId": id })), "encryption"),
        (with(json!({ "v": 1 })), "encryption"),
        (with(json!({ "keyId": id })), "encryption"),
        (with(json!(true)), "encryption"),
        (with(json!({ "v": 1, "keyId": id.to_uppercase() })), "encryption"),
        (with(json!({ "v": 1, "keyId": secret.as_str() })), "encryption"),
    ] {
        let refused = api.put("/v1/sessions").json(&body).send();
        assert_eq!(refused.error(), (400, "invalid_request".to_owned()), "{body}");
        assert_eq!(refused.json()["details"][0]["path"], path, "{body}");
        assert!(!refused.text().contains(secret.as_str()) && !refused.text().contains(id));
    }
    let shown = api.put("/v1/sessions").json(&with(json!({ "v": 1, "keyId": secret.as_str() })));
    let told = string(&shown.send().json()["details"][0]["message"]);
    assert!(told.contains("never the key itself"), "{told}");
}

/// Everything that could be sent instead of the right key id, and how it is refused.
fn wrong(secret: &Secret) -> Vec<(Option<String>, (u16, &'static str))> {
    let right = secret.key_id().as_str().to_owned();
    let (_, less) = right.split_at(1);
    let malformed = (400, "invalid_request");
    let mut all = vec![
        (None, (403, "key_required")),
        (Some(String::new()), (403, "key_required")),
        (Some(guess().as_str().to_owned()), (403, "wrong_key")),
        (Some("0".repeat(32)), (403, "wrong_key")),
    ];
    let others = [
        less.to_owned(),
        format!("{right}0"),
        right.replace(|c: char| c.is_ascii_alphabetic(), "g"),
        format!("{less}F"),
        format!("#{right}"),
        format!("\"{right}\""),
        secret.as_str().to_owned(),
        format!("#{}", secret.as_str()),
    ];
    all.extend(others.map(|other| (Some(other), malformed)));
    all
}

#[test]
fn who_lacks_the_key_does_not_get_in_and_leaves_the_code_as_it_was() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let code = it.a.pair();
    for (shown, (status, error)) in wrong(&it.secret) {
        for call in [it.claiming(&code, "b"), it.joining("b")] {
            let call = match &shown {
                Some(shown) => call.header("X-Key-Id", shown.as_bytes()),
                None => call,
            };
            let refused = call.idempotency_key("k").send();
            assert_eq!(refused.error(), (status, error.to_owned()), "{shown:?}");
            let (told, text) = (string(&refused.json()["message"]), refused.text());
            match error {
                "invalid_request" => {
                    assert_eq!(refused.json()["details"][0]["path"], "X-Key-Id");
                    assert!(told.contains("never send the key itself"), "{told}");
                }
                _ => assert!(told.contains("code is still good") && told.contains('#'), "{told}"),
            }
            let shown = shown.as_deref().filter(|shown| !shown.is_empty());
            assert!(shown.is_none_or(|shown| !text.contains(shown)), "it repeats what was sent");
        }
        assert_eq!(it.state(&code), "pending", "{shown:?}");
    }
    let twice = it.claiming(&code, "b").header("X-Key-Id", guess().as_str().as_bytes());
    assert_eq!(knowing(twice, &it.secret).send().error(), (400, "invalid_request".to_owned()));
    assert_eq!((it.state(&code), it.members()), (json!("pending"), vec!["a".to_owned()]));
    let claiming = || knowing(it.claiming(&code, "b"), &it.secret).idempotency_key("k").send();
    let claimed = done(&claiming(), 200);
    // The response was lost, and somebody else tries, before it is repeated.
    assert_eq!(it.claiming(&code, "b").idempotency_key("k").send().status, 403);
    let again = done(&claiming(), 200);
    assert_eq!(again["sessionId"], claimed["sessionId"]);
    assert_eq!(it.members(), ["a", "b"]);
    let late = knowing(it.claiming(&code, "c"), &it.secret).send();
    assert_eq!(late.error(), (404, "code_expired_or_used".to_owned()));
}

#[test]
fn a_token_and_a_link_are_asked_for_as_well() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let secret = secret();
    for (field, value, refusal) in
        [("token", "let-me-in", (401, "missing_token")), ("join", "link", (403, "link_required"))]
    {
        let mut body = create(&secret);
        body[field] = json!(value);
        let (session, key) = api.create(&body);
        let a = Member { api: api.clone(), session, agent: "a".to_owned(), key: key.unwrap() };
        let it = Sealing { secret: secret.clone(), a };
        let refused = knowing(it.joining("b"), &secret).send();
        assert_eq!(refused.error(), (refusal.0, refusal.1.to_owned()));
        if field == "token" {
            let with_token = || it.joining("b").header("Authorization", b"Bearer let-me-in");
            assert_eq!(with_token().send().error(), (403, "key_required".to_owned()));
            assert_eq!(knowing(with_token(), &secret).send().status, 200);
        }
        let code = it.a.pair();
        let unproven = it.claiming(&code, "c").send();
        assert_eq!(unproven.error(), (403, "key_required".to_owned()));
        assert_eq!(knowing(it.claiming(&code, "c"), &secret).send().status, 200);
        // Who knows no more than the session's id and its key makes no links.
        let pair = json!({ "sessionId": it.a.session });
        let made = knowing(api.put("/v1/pair").bearer("let-me-in"), &secret).json(&pair).send();
        assert_eq!(made.error(), (401, "missing_session_key".to_owned()));
    }
}

#[test]
fn previews_of_a_link_change_nothing_and_say_that_it_is_encrypted() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let code = it.a.pair();
    for bot in [
        "facebookexternalhit/1.1",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Twitterbot/1.0",
        "WhatsApp/2.23.20.0",
        "TelegramBot (like TwitterBot)",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
        "curl/8.5.0",
    ] {
        for method in ["GET", "HEAD"] {
            let call = api.call(method, &format!("/p/{code}"));
            let page = call.header("User-Agent", bot.as_bytes()).header("Accept", b"*/*").send();
            assert_eq!(page.status, 200, "{bot}");
            let is_preview = !bot.starts_with("curl") && method == "GET";
            let (head, _) = page.text().split_once("</head>").map_or_else(
                || (String::new(), String::new()),
                |(head, body)| (head.to_owned(), body.to_owned()),
            );
            assert_eq!(head.contains("An encrypted conversation."), is_preview, "{bot}");
        }
        assert_eq!(it.state(&code), "pending", "{bot}");
    }
    assert_eq!(knowing(it.claiming(&code, "b"), &it.secret).send().status, 200);
}

#[test]
fn a_thousand_guesses_never_get_in() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let code = it.a.pair();
    let claimed = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for at in 0..250 {
                    let guess = guess();
                    let call = if at % 5 == 0 { it.joining("g") } else { it.claiming(&code, "g") };
                    let call = call.header("X-Key-Id", guess.as_str().as_bytes());
                    let (status, error) = call.send().error();
                    // Once the right one has claimed it, there is nothing left to guess.
                    let is_over = (status, error.as_str()) == (404, "code_expired_or_used");
                    assert!(is_over || (status, error.as_str()) == (403, "wrong_key"), "{error}");
                }
            });
        }
        let right = scope.spawn(|| {
            for _ in 0..50 {
                assert_eq!(it.state(&code), "pending");
            }
            knowing(it.claiming(&code, "b"), &it.secret).send()
        });
        right.join().unwrap()
    });
    assert_eq!(claimed.status, 200, "guesses do not stop the right one: {}", claimed.text());
    assert_eq!(it.members(), ["a", "b"]);
}

/// How many of the answers are refusals of this status, until one says to wait.
fn until_told_to_wait(mut ask: impl FnMut() -> Answer) -> usize {
    for tried in 0..=200 {
        let answer = ask();
        if answer.status == 429 {
            assert_eq!(answer.error().1, "rate_limit_exceeded");
            return tried;
        }
        assert_eq!(answer.error(), (403, "wrong_key".to_owned()));
    }
    panic!("never told to wait");
}

#[test]
fn who_guesses_keys_has_to_wait_and_who_has_none_has_not() {
    let relay = behind_a_proxy();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let code = it.a.pair();
    let from =
        |call: Call<'_>, ip: &str| call.header(nexus_tests::CLIENT_HEADER, ip.as_bytes()).send();
    let guessing =
        |call: Call<'_>, ip: &str| from(call.header("X-Key-Id", guess().as_str().as_bytes()), ip);
    // A lost key is no guess at one, nor is what cannot be one.
    for _ in 0..100 {
        assert_eq!(from(it.claiming(&code, "b"), "192.0.2.1").status, 403);
        let cut = it.claiming(&code, "b").header("X-Key-Id", b"0a");
        assert_eq!(from(cut, "192.0.2.1").status, 400);
    }
    let tried = until_told_to_wait(|| guessing(it.claiming(&code, "b"), "192.0.2.1"));
    assert!(tried >= 60, "{tried}");
    let tried = until_told_to_wait(|| guessing(it.joining("b"), "192.0.2.2"));
    assert!(tried >= 60, "{tried}");
    for ip in ["192.0.2.1", "192.0.2.2"] {
        let late = from(knowing(it.claiming(&code, "b"), &it.secret), ip);
        assert_eq!(late.status, 429, "right, but too late");
    }
    assert_eq!((it.state(&code), it.members()), (json!("pending"), vec!["a".to_owned()]));
    let right = from(knowing(it.claiming(&code, "b"), &it.secret), "192.0.2.3");
    assert_eq!(right.status, 200, "{}", right.text());
}
