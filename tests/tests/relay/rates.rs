//! Who has to wait, and who does not (section 1).

use nexus_tests::{Answer, Api, Member, Relay, agents::done, string};
use serde_json::json;

const LIMIT: usize = 5;

/// The codes that an IP may name in a minute although they were never made.
const GUESSES: usize = 60;

/// A relay that takes so many requests a minute from one IP.
fn strict(agent_requests: &str) -> Relay {
    behind_a_proxy()
        .rate_limit(u32::try_from(LIMIT).ok())
        .var("AGENT_REQUESTS_PER_MINUTE", agent_requests)
        .start()
        .unwrap()
}

/// A relay that believes the header in which the platform names a client.
fn behind_a_proxy() -> xtask::relay::Builder {
    Relay::builder().var("CLIENT_IP_HEADER", "CF-Connecting-IP")
}

/// A session with one member, made from an address of its own.
fn session(api: &Api) -> Member {
    let answer = api
        .put("/v1/sessions")
        .header("CF-Connecting-IP", b"198.51.100.1")
        .json(&json!({ "creatorAgentId": "a" }))
        .send();
    let created = done(&answer, 201);
    let (session, key) = (string(&created["sessionId"]), string(&created["sessionKey"]));
    Member { api: api.clone(), session, agent: "a".to_owned(), key }
}

/// Asks until there is a 429: how many went well before, and the refusal. A minute of the limiter may
/// end between two requests, so that up to twice as many go well.
fn until_refused(mut ask: impl FnMut() -> Answer) -> (usize, Answer) {
    for well in 0..=3 * LIMIT {
        let answer = ask();
        if answer.status == 429 {
            assert_eq!(answer.error().1, "rate_limit_exceeded");
            assert!((1..=60).contains(&answer.header("Retry-After").parse::<u32>().unwrap()));
            return (well, answer);
        }
    }
    panic!("never refused");
}

#[test]
fn a_request_that_proves_its_key_is_not_counted_for_its_ip() {
    let relay = strict("600");
    let api = Api::new(&relay.url());
    let a = session(&api);
    let b = done(
        &api.post(&format!("/v1/sessions/{}/join", a.session))
            .header("CF-Connecting-IP", b"198.51.100.1")
            .agent("b")
            .send(),
        200,
    );
    let b = Member { agent: "b".to_owned(), key: string(&b["sessionKey"]), ..a.clone() };
    let from = |call: nexus_tests::Call<'_>| call.header("CF-Connecting-IP", b"192.0.2.1").send();
    for _ in 0..3 * LIMIT {
        assert_eq!(from(a.call("GET", "/messages")).status, 200);
        assert_eq!(from(b.call("POST", "/messages").json(&json!({ "text": "x" }))).status, 201);
        // What is refused after the key was proven costs nobody else anything either.
        assert_eq!(from(a.call("GET", "/files/none")).status, 404);
    }
    let keyless = || {
        let path = format!("/v1/sessions/{}/messages", a.session);
        from(api.get(&path).agent("a"))
    };
    let (well, _) = until_refused(keyless);
    assert!(well >= LIMIT, "{well}");
    assert_eq!(from(a.call("GET", "/messages")).status, 200);
}

#[test]
fn a_secret_of_an_address_counts_as_a_key_does() {
    let relay = strict("600");
    let api = Api::new(&relay.url());
    let register = api
        .post("/v1/agents")
        .header("CF-Connecting-IP", b"198.51.100.1")
        .json(&json!({ "agentId": "a", "name": "A" }));
    let secret = string(&done(&register.send(), 201)["secret"]);
    let ask = |secret: &str| {
        let call = api.get("/v1/agents/a/messages").header("CF-Connecting-IP", b"192.0.2.1");
        call.header("Authorization", format!("Bearer {secret}").as_bytes()).send()
    };
    for _ in 0..3 * LIMIT {
        assert_eq!(ask(&secret).status, 200);
    }
    let (well, _) = until_refused(|| ask("wrong-wrong-wrong"));
    assert!(well >= LIMIT, "{well}");
}

#[test]
fn wrong_keys_are_counted_for_their_ip_and_right_ones_still_work() {
    let relay = strict("600");
    let api = Api::new(&relay.url());
    let (a, c) = (session(&api), session(&api));
    let from = |call: nexus_tests::Call<'_>| call.header("CF-Connecting-IP", b"192.0.2.1").send();
    assert_eq!(from(a.call("GET", "/messages")).status, 200);
    let mut number = 0;
    let mut wrong = || {
        number += 1;
        let key = format!("nxk_{number:043}");
        from(Member { key, ..a.clone() }.call("GET", "/messages"))
    };
    let (well, _) = until_refused(&mut wrong);
    assert!(well >= LIMIT, "{well}");
    // From now on the IP is counted before anyone looks at its keys, but for those known to be right.
    assert_eq!(wrong().status, 429);
    assert_eq!(from(a.call("GET", "/messages")).status, 200);
    assert_eq!(
        from(c.call("GET", "/messages")).status,
        429,
        "a right key that was not seen before"
    );
    let elsewhere = c.call("GET", "/messages").header("CF-Connecting-IP", b"192.0.2.2").send();
    assert_eq!(elsewhere.status, 200);
}

#[test]
fn a_member_has_a_limit_of_its_own_whether_it_asks_or_sends_frames() {
    let relay = strict("5");
    let api = Api::new(&relay.url());
    let a = session(&api);
    let mut socket = a.socket(None);
    socket.expect("ready");
    let mut number = 0;
    let refusal = loop {
        number += 1;
        assert!(number <= 3 * LIMIT, "never refused");
        socket.send(&json!({ "type": "send", "id": number, "text": "x" }).to_string());
        let frame = socket.read().unwrap();
        if frame["type"] == "error" {
            break frame;
        }
        socket.read().unwrap();
    };
    assert_eq!(
        (&refusal["error"], &refusal["id"]),
        (&json!("rate_limit_exceeded"), &serde_json::Value::Null),
        "nothing of it was parsed"
    );
    let refused = a.call("GET", "/messages").send();
    assert_eq!(refused.error(), (429, "rate_limit_exceeded".into()));
    assert!(refused.text().contains("5 requests"), "{}", refused.text());
    assert!((1..=60).contains(&refused.header("Retry-After").parse::<u32>().unwrap()));
    let join = api.post(&format!("/v1/sessions/{}/join", a.session)).agent("b").send();
    let key = string(&done(&join, 200)["sessionKey"]);
    let b = Member { agent: "b".to_owned(), key, ..a.clone() };
    assert_eq!(b.call("GET", "/messages").send().status, 200, "another member");
    let log = list_of_texts(&b);
    assert_eq!(log, vec!["x"; number - 1], "what was refused is not stored");
}

fn list_of_texts(member: &Member) -> Vec<String> {
    let path = format!("/v1/sessions/{}/messages?after=0", member.session);
    let call = member.api.get(&path).agent(&member.agent).key(&member.key);
    let page = done(&call.send(), 200);
    nexus_tests::list(&page["messages"]).iter().map(|message| string(&message["text"])).collect()
}

#[test]
fn who_guesses_codes_has_to_wait_also_for_right_ones() {
    let relay = behind_a_proxy().rate_limit(Some(1000)).start().unwrap();
    let api = Api::new(&relay.url());
    let member = api.session();
    let (code, other) = (api.pair(&member.session), api.pair(&member.session));
    let from = |ip: &str, method: &str, path: &str| {
        api.call(method, path).header("CF-Connecting-IP", ip.as_bytes()).agent("g").send()
    };
    // A code that was made is no guess, however often it is asked for, nor is one that is over.
    assert_eq!(from("192.0.2.1", "POST", &format!("/v1/pair/{other}/claim")).status, 200);
    for _ in 0..15 {
        assert_eq!(from("192.0.2.1", "GET", &format!("/p/{other}")).status, 404);
        assert_eq!(from("192.0.2.1", "GET", &format!("/v1/pair/{code}/status")).status, 200);
    }
    for (ip, method, path) in [
        ("192.0.2.1", "GET", "/v1/pair/CODE/status"),
        ("192.0.2.2", "POST", "/v1/pair/CODE/claim"),
        ("192.0.2.3", "GET", "/p/CODE"),
        ("2001:db8::1", "GET", "/p/CODE"),
    ] {
        let mut guesses = 0;
        let refused = loop {
            guesses += 1;
            assert!(guesses <= 2 * GUESSES + 1, "never refused");
            let answer = from(ip, method, &path.replace("CODE", "PEARL-FOCAL-S5SJV"));
            if answer.status == 429 {
                break answer;
            }
            assert_eq!(answer.status, 404);
        };
        assert!(guesses > GUESSES, "{guesses}");
        assert_eq!(refused.error().1, "rate_limit_exceeded");
        let next = from(ip, method, &path.replace("CODE", code.as_str()));
        assert_eq!(next.status, 429, "right, but too late");
        assert_eq!(from(ip, "GET", "/").status, 200, "what names no code goes on");
    }
    // Who has a network has every address of it.
    assert_eq!(from("2001:db8::2", "GET", &format!("/p/{code}")).status, 429);
    assert_eq!(from("192.0.2.9", "GET", &format!("/p/{code}")).status, 200);
}

#[test]
fn a_wrong_code_of_one_does_not_stop_the_others_behind_its_address() {
    let relay = behind_a_proxy().rate_limit(Some(1000)).start().unwrap();
    let api = Api::new(&relay.url());
    let code = api.pair(&api.session().session);
    let ask = |path: &str| from(api.get(path), "192.0.2.1").status;
    for _ in 0..GUESSES / 2 {
        assert_eq!(ask("/p/PEARL-FOCAL-S5SJV"), 404);
        // What is no code is no guess at one.
        for part in ["PEARL-FOCAL", "nonsense", "PEARL-FOCAL-S5SJ"] {
            assert_eq!(ask(&format!("/p/{part}")), 404);
            assert_eq!(ask(&format!("/v1/pair/{part}/status")), 404);
        }
    }
    for around in ["", ".", ")", "%3E", ",", "%E2%80%9D", "__;!!x", "&data=05"] {
        assert_eq!(ask(&format!("/p/{code}{around}")), 200, "{around}");
    }
}

#[test]
fn no_header_names_a_client_unless_the_operator_says_so() {
    let relay = Relay::builder().rate_limit(u32::try_from(LIMIT).ok()).start().unwrap();
    let api = Api::new(&relay.url());
    let mut number = 0;
    let (well, _) = until_refused(|| {
        number += 1;
        from(api.get("/v1/stats"), &format!("192.0.2.{number}"))
    });
    assert!(well >= LIMIT, "{well}");
    assert_eq!(from(api.get("/v1/stats"), "198.51.100.1").status, 429);
}

#[test]
fn making_sessions_codes_and_addresses_has_limits_of_its_own() {
    let relay = behind_a_proxy().rate_limit(Some(1000)).start().unwrap();
    let api = Api::new(&relay.url());
    let member = api.session();
    let from = |call: nexus_tests::Call<'_>| call.header("CF-Connecting-IP", b"192.0.2.1").send();
    let pair = json!({ "sessionId": member.session });
    let mut number = 0;
    for (limit, status, mut make) in [
        (30, 201, Box::new(|_| from(api.put("/v1/sessions"))) as Box<dyn FnMut(usize) -> Answer>),
        (30, 201, Box::new(|_| from(api.put("/v1/pair").json(&pair)))),
        (
            10,
            201,
            Box::new(|number| {
                let id = format!("agent-{number}");
                from(api.post("/v1/agents").json(&json!({ "agentId": id, "name": "x" })))
            }),
        ),
    ] {
        let mut well = 0;
        loop {
            number += 1;
            let answer = make(number);
            if answer.status == 429 {
                break;
            }
            assert_eq!(answer.status, status, "{}", answer.text());
            well += 1;
            assert!(well <= 2 * limit, "never refused");
        }
        assert!(well >= limit, "{well}");
    }
    assert_eq!(from(api.get("/v1/stats")).status, 200);
}

/// Asks from one address.
fn from(call: nexus_tests::Call<'_>, ip: &str) -> Answer {
    call.header("CF-Connecting-IP", ip.as_bytes()).send()
}

#[test]
fn who_uses_a_name_without_its_key_takes_nothing_from_its_owner() {
    let relay = strict("5");
    let api = Api::new(&relay.url());
    let alice = session(&api);
    let path = format!("/v1/sessions/{}/ws?agentId=a", alice.session);
    let mut mallory = nexus_tests::live::Socket::open(&relay.url(), &path, &[]).unwrap();
    mallory.expect("ready");
    let refused = (0..4 * LIMIT).any(|_| {
        mallory.send("nothing that is a frame");
        mallory.expect("error")["error"] == "rate_limit_exceeded"
    });
    assert!(refused, "it has a limit, too");
    assert_eq!(alice.call("GET", "/messages").send().status, 200);
}

#[test]
fn what_is_wrong_counts_as_what_is_right() {
    let relay = strict("5");
    let api = Api::new(&relay.url());
    let a = session(&api);
    let (well, refused) =
        until_refused(|| from(a.call("POST", "/messages").body(b"{"), "192.0.2.1"));
    assert!(well >= LIMIT, "{well}");
    assert_eq!(refused.header("X-Rate-Class"), "agent");
}

#[test]
fn a_key_that_nobody_checks_and_one_of_elsewhere_are_counted_for_the_ip() {
    let relay = strict("600");
    let api = Api::new(&relay.url());
    let a = session(&api);
    let mut number = 0;
    // With the name in the query, the header is not looked at.
    let (well, _) = until_refused(|| {
        number += 1;
        let path = format!("/v1/sessions/{}/messages?after=0&wait=0", a.session);
        let events = format!("/v1/sessions/{}/ws?agentId=a", a.session);
        let call = if number % 2 == 0 { api.get(&path) } else { api.get(&events) };
        from(call.key(&format!("nxk_{number:043}")), "192.0.2.1")
    });
    assert!(well >= LIMIT, "{well}");
    // A right key opens no other door.
    assert_eq!(from(a.call("GET", "/messages"), "192.0.2.2").status, 200);
    let (well, _) = until_refused(|| {
        number += 1;
        let elsewhere = Member { session: format!("{number:048x}"), ..a.clone() };
        from(elsewhere.call("GET", "/messages"), "192.0.2.2")
    });
    assert!(well >= LIMIT, "{well}");
    number += 1;
    let elsewhere = Member { session: format!("{number:048x}"), ..a.clone() };
    let next = from(elsewhere.call("GET", "/messages"), "192.0.2.2");
    assert_eq!((next.status, next.header("X-Rate-Class")), (429, ""));
    assert_eq!(from(a.call("GET", "/messages"), "192.0.2.2").status, 200, "its own");
}

#[test]
fn a_range_behind_the_end_of_a_file_is_nobodys_fault() {
    let relay = strict("600");
    let api = Api::new(&relay.url());
    let a = session(&api);
    done(&from(a.call("PUT", "/files/f").body(b"x"), "192.0.2.1"), 201);
    for _ in 0..3 * LIMIT {
        let call = a.call("GET", "/files/f").header("Range", b"bytes=9-");
        assert_eq!(from(call, "192.0.2.1").status, 416);
    }
}

#[test]
fn wrong_secrets_of_the_messenger_are_guesses_and_a_right_one_is_not_stopped_by_them() {
    let relay = behind_a_proxy().rate_limit(Some(1000)).start().unwrap();
    let api = Api::new(&relay.url());
    let secret = |name: &str| format!("the-secret-of-{name}");
    for name in ["ann", "ben", "eve"] {
        let body = json!({ "id": name, "secret": secret(name) });
        let register = from(api.post("/messenger/register").json(&body), "198.51.100.1");
        assert_eq!(register.status, 201);
    }
    let poll = |name: &str, secret: &str, ip: &str| {
        from(api.get(&format!("/messenger/poll?id={name}&secret={secret}")), ip).status
    };
    let send = |secret: &str, ip: &str| {
        let body = json!({ "from": "ben", "to": "eve", "message": "x", "secret": secret });
        from(api.post("/messenger/send").json(&body), ip).status
    };
    assert_eq!(poll("ann", &secret("ann"), "192.0.2.1"), 200);
    let wrong = |number: usize| {
        let guess = format!("wrong-{number}");
        if number.is_multiple_of(2) {
            poll("ann", &guess, "192.0.2.1")
        } else {
            send(&guess, "192.0.2.1")
        }
    };
    let tried = (0..=2 * GUESSES).find(|number| wrong(*number) == 429).unwrap();
    assert!(tried >= GUESSES, "{tried}");
    assert_eq!(send("wrong-again", "192.0.2.1"), 429);
    assert_eq!(poll("eve", &secret("eve"), "192.0.2.1"), 429, "it might be a guess");
    assert_eq!(poll("ann", &secret("ann"), "192.0.2.1"), 200, "it was right before");
    assert_eq!(send(&secret("ben"), "192.0.2.2"), 200, "another address");
}
