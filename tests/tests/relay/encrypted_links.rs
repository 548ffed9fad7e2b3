//! Links to encrypted sessions (section 10): what the relay does when it is shown their key, what their page says, and
//! who cannot take part at all.

use crate::{
    clawlink_client::{ClawLink, refused},
    encrypted::{Sealing, knowing, secret},
    needs::documented,
};
use nexus_tests::{Api, Member, Relay, agents::done, list, mcp::Mcp, relay, string};
use serde_json::{Value, json};

const BROWSER: &[u8] = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[test]
fn clawlink_is_told_that_it_cannot_take_part() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let key = Some(it.a.key.clone());
    let claw = ClawLink { api: api.clone(), session: it.a.session.clone(), token: None, key };
    let body = json!({
        "agent_id": "a", "from_agent": "a", "to_agent": "a", "name": "n", "task": "t", "content": "x",
        "message_id": "0000000000000000-1", "result": 1, "file_key": "walk.md",
    });
    let calls = documented(include_str!("../../../docs/dialects.md"));
    let before = it.a.poll("?events=true")["messages"].clone();
    let mut count = 0;
    for (_, method, path) in calls.iter().filter(|(_, _, path)| path.starts_with("/clawlink/")) {
        let rest = path.trim_start_matches("/clawlink/:session");
        let rest = rest.replace(":agent", "a").replace("*key", "walk.md");
        let answer = match method.as_str() {
            "GET" => claw.get(&rest),
            _ => claw.post(&rest, &body),
        };
        refused(&answer, 403);
        let told = string(&answer.json()["error"]);
        assert!(told.contains("encrypted end to end"), "{method} {path}: {told}");
        assert_eq!(answer.json()["code"], "key_required", "{method} {path}");
        count += 1;
    }
    assert_eq!(count, 12);
    assert_eq!(claw.try_socket("a").err(), Some(Some(403)));
    assert_eq!(it.a.poll("?events=true")["messages"], before);
    assert_eq!(it.members(), ["a"]);
}

#[test]
fn tools_are_told_that_they_cannot_take_part_and_when_a_key_was_shown() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let (code, key) = (it.a.pair(), it.secret.as_str());
    let page = format!("{}/p/{code}", relay.url());
    for host in [true, false].map(|is_modern| Mcp { api: &api, is_modern }) {
        let error = |link: &str| host.refused("join", json!({ "link": link, "name": "b" }));
        for link in [&page, &code, &format!("Open {page}#, please.")] {
            let error = error(link);
            assert_eq!(error["error"], "key_required", "{error}");
            let told = string(&error["message"]);
            assert!(told.contains("would read it") && told.contains("nexus mcp"), "{told}");
            assert!(told.contains("still good"), "{told}");
        }
        for link in [
            format!("{page}#{key}"),
            format!("{page}#{key}.abcdefghijklmnopqrst"),
            format!("{page}%23{key}"),
            format!("{code} {key}"),
            format!("https://other.example/p/{code}#{key}"),
        ] {
            let error = error(&link);
            assert_eq!(error["error"], "code_not_found", "{error}");
            let told = string(&error["message"]);
            assert!(told.contains("shown its key") && told.contains("new session"), "{told}");
            assert!(!error.to_string().contains(key), "{error}");
        }
    }
    assert_eq!((it.state(&code), it.members()), (json!("pending"), vec!["a".to_owned()]));
    assert!(!relay.log().contains(key));
}

#[test]
fn a_url_with_a_key_is_not_served_and_its_code_is_not_used() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let (code, key, id) = (it.a.pair(), it.secret.as_str(), it.secret.key_id());
    let session = &it.a.session;
    let mut last = String::new();
    for (method, path) in [
        ("GET", format!("/p/{code}%23{key}")),
        ("HEAD", format!("/p/{code}%23{key}")),
        ("GET", format!("/p/{code}%2523{key}")),
        ("GET", format!("/p/{code}/{key}")),
        ("GET", format!("/p/{code}?{key}")),
        ("GET", format!("/p/{code}?key={key}")),
        ("GET", format!("/p/{code}%23{key}.abcdefghijklmnopqrst")),
        ("GET", format!("/p/{code}%23{key}&data=05%7C01")),
        ("GET", format!("/v1/pair/{code}%23{key}/skill")),
        ("GET", format!("/v1/pair/{code}%23{key}/status")),
        ("POST", format!("/v1/pair/{code}%23{key}/claim")),
        ("POST", format!("/v1/pair/{code}%2523{key}/claim")),
        ("POST", format!("/v1/pair/{code}/claim?key={key}")),
        ("DELETE", format!("/v1/pair/{code}%23{key}")),
        ("GET", format!("/s%23{session}.{key}")),
        ("GET", format!("/s/{session}.{key}")),
        ("GET", format!("/?{key}")),
        ("GET", format!("/v1/sessions/{session}?key={key}")),
        ("POST", format!("/v1/sessions/{session}/join?key={key}")),
        ("GET", format!("/v1/sessions/{session}/messages?key={key}")),
        ("GET", format!("/no/such/path/{key}")),
        ("GET", format!("/assets/1/{key}")),
    ] {
        for accept in [b"*/*".as_slice(), BROWSER] {
            let call = api.call(method, &path).agent("b").header("Accept", accept);
            let call = call.header("X-Key-Id", id.as_str().as_bytes());
            let call = if method == "POST" { call.json(&json!({})) } else { call };
            let answer = call.send();
            assert_eq!(answer.status, 404, "{method} {path}");
            let text = answer.text();
            assert!(!text.contains(key) && !text.contains(&code), "{method} {path}: {text}");
            let is_html = accept == BROWSER && matches!(method, "GET" | "HEAD");
            if is_html || path.starts_with("/p/") {
                assert_eq!(
                    answer.header("Content-Type").starts_with("text/html"),
                    accept == BROWSER,
                    "{method} {path}"
                );
                let is_told = text.contains("This link is no longer secret");
                assert!(is_told || method == "HEAD", "{method} {path}: {text}");
            } else if method != "HEAD" {
                assert_eq!(answer.error().1, "code_not_found", "{method} {path}");
                assert_eq!(answer.json()["reason"], "key_shown", "{method} {path}");
            }
            last = answer.header("X-Request-Id").to_owned();
        }
        assert_eq!(it.state(&code), "pending", "{method} {path}");
    }
    assert_eq!(it.members(), ["a"]);
    nexus_tests::eventually("all is logged", || relay.log().contains(&last));
    let log = relay.log();
    for part in [key, key.split_at(2).1, id.as_str(), &code, session] {
        assert!(!log.contains(part), "{part}");
    }
    // What only looks like a key is no reason to refuse.
    let page = api.get(&format!("/p/{code}?{}", key.split_at(41).0)).send();
    assert_eq!(page.status, 200);
    let claiming = api.post(&format!("/v1/pair/{code}/claim")).agent("b");
    assert_eq!(knowing(claiming, &it.secret).send().status, 200);
}

#[test]
fn the_page_of_a_link_is_short_and_has_no_key() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let code = it.a.pair();
    let page = api.get(&format!("/p/{code}")).send();
    assert_eq!(page.header("Content-Type"), "text/markdown; charset=utf-8");
    let markdown = page.text();
    // A widespread tool shows no more than this of a page.
    assert!(markdown.chars().count() < 5000, "{}", markdown.chars().count());
    for needed in ["encrypted end to end", "X-Key-Id", "nexus claim", "nx.py", &code] {
        assert!(markdown.contains(needed), "{needed}");
    }
    let (top, _) = markdown.split_at(700);
    assert!(top.contains("never put it into a URL") && top.contains('#'), "{top}");
    let html = api.get(&format!("/p/{code}")).header("Accept", BROWSER).send().text();
    assert!(html.contains(r#"data-encrypted="true""#), "{html}");
    let open = api.session();
    let other = api.get(&format!("/p/{}", open.pair())).header("Accept", BROWSER).send().text();
    assert!(!other.contains(r#"data-encrypted="true""#), "{other}");
    let id = it.secret.key_id();
    for text in [&markdown, &html] {
        assert!(!text.contains("{{") && !text.contains(&it.a.session));
        assert!(!text.contains(it.secret.as_str()) && !text.contains(id.as_str()));
        for rest in text.split("k1").skip(1) {
            let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
            assert!(digits < 40, "a key: {rest}");
        }
    }
}

#[test]
fn the_page_shows_nothing_of_a_greeting_that_is_sealed() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let secret = secret();
    let greeting = crate::encrypted::sealed(&secret, nexus_seal::Place::Greeting, "a", "Lunch?");
    let mut body = crate::encrypted::create(&secret);
    (body["greeting"], body["name"]) = (json!(greeting), json!("Ann"));
    let (session, key) = api.create(&body);
    let a = Member { api: api.clone(), session, agent: "a".to_owned(), key: key.unwrap() };
    let page = api.get(&format!("/p/{}", a.pair())).header("Accept", BROWSER).send().text();
    assert!(!page.contains("eyJ") && page.contains("An encrypted conversation."), "{page}");
}

#[test]
fn the_relay_passes_no_link_on_that_lacks_its_key() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let it = Sealing::new(&api);
    let (a, ben) = (api.register("a"), api.register("ben"));
    let pair = |member: &Member| {
        let body = json!({ "sessionId": member.session, "invite": "ben" });
        let call = api.put("/v1/pair").agent(&member.agent).key(&member.key);
        call.bearer(&a.secret).json(&body).send()
    };
    let refused = pair(&it.a);
    assert_eq!(refused.error(), (409, "encryption_required".to_owned()), "{}", refused.text());
    assert_eq!(refused.json()["reason"], "no_key");
    assert_eq!(ben.poll("")["messages"], json!([]));
    let path = format!("/v1/pair?sessionId={}", it.a.session);
    let open = done(&api.get(&path).agent("a").key(&it.a.key).send(), 200);
    assert_eq!(list(&open["codes"]).len(), 0, "no code was made");
    // That of an open session is passed on.
    assert_eq!(pair(&api.session()).status, 201);
    assert_eq!(list(&ben.poll("")["messages"]).len(), 1);
}

#[test]
fn browsers_may_prove_a_key() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for path in
        ["/v1/pair/PEARL-FOCAL-S5SJV/claim", &format!("/v1/sessions/{}/join", "0".repeat(48))]
    {
        let call = api.call("OPTIONS", path).header("Origin", b"https://example.com");
        let call = call.header("Access-Control-Request-Method", b"POST");
        let preflight = call.header("Access-Control-Request-Headers", b"x-key-id").send();
        assert_eq!(preflight.status, 204, "{path}");
        let allowed = preflight.header("Access-Control-Allow-Headers").to_lowercase();
        assert!(allowed.split(", ").any(|name| name == "x-key-id"), "{path}: {allowed}");
    }
}

#[test]
fn the_key_of_a_link_is_taken_out_of_open_messages() {
    let state = tempfile::tempdir().unwrap();
    let mut relay = Relay::builder().state_dir(state.path()).start().unwrap();
    let a = Api::new(&relay.url()).session();
    let key = secret().as_str().to_owned();
    let link = format!("{}/p/PEARL-FOCAL-S5SJV#{key}", relay.url());
    let body = json!({ "text": format!("Join us: {link}"), "json": { "link": link, "key": key } });
    let sent = done(&a.call("POST", "/messages").json(&body).send(), 201);
    assert_eq!(sent["redacted"], json!([{ "type": "nexus_link_key", "count": 3 }]));
    let read: Value = a.poll("")["messages"][0].clone();
    let marked = link.replace(&key, "[REDACTED:nexus_link_key]");
    assert_eq!(read["text"], json!(format!("Join us: {marked}")));
    assert_eq!(read["json"], json!({ "link": marked, "key": "[REDACTED:nexus_link_key]" }));
    relay.kill();
    assert!(!nexus_tests::leaks::holds(state.path(), &key));
}
