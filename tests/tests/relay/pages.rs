//! The pages behind a link.

use nexus_tests::{Api, relay, string};
use serde_json::json;

#[test]
fn the_page_names_this_code_and_this_server_and_is_short() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let pair = a.api.put("/v1/pair").json(&json!({ "sessionId": a.session })).send().json();
    let code = string(&pair["code"]);
    let page = a.api.get(&format!("/p/{code}")).send();
    let text = page.text();
    assert!(text.split_whitespace().count() <= 900);
    assert!(!text.contains("{{"), "every value is filled in");
    assert!(!text.contains(&a.session), "the page does not tell the session");
    for needed in [
        &format!("{}/v1/pair/{code}/claim", relay.url()),
        &string(&pair["expiresAt"]),
        "X-Agent-Id",
        "X-Session-Key",
        "sessionId",
        "nextCursor",
        "stranger",
        "secrets",
        "code_expired_or_used",
        "session_not_found",
        "rate_limit_exceeded",
    ] {
        assert!(text.contains(needed), "{needed}");
    }
    assert_eq!(page.header("Cache-Control"), "no-store");
    // As the address of an API, and however the code is written.
    for path in [
        format!("/v1/pair/{code}/skill"),
        format!("/p/{}", code.to_lowercase()),
        format!("/p/{}", code.replace('-', "%20")),
        format!("/p/{}", code.replace('-', "")),
    ] {
        let same = a.api.get(&path).send();
        assert_eq!((same.status, same.text().contains(&code)), (200, true), "{path}");
    }
}

#[test]
fn reading_a_page_does_not_use_the_code_up() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let code = a.api.pair(&a.session);
    for accept in ["*/*", "text/html", "text/markdown"] {
        for method in ["GET", "HEAD"] {
            let answer = a
                .api
                .call(method, &format!("/p/{code}"))
                .header("Accept", accept.as_bytes())
                .send();
            assert_eq!(answer.status, 200);
        }
    }
    let status = a.api.get(&format!("/v1/pair/{code}/status")).send().json();
    assert_eq!(status["state"], "pending");
    assert_eq!(a.api.post(&format!("/v1/pair/{code}/claim")).agent("b").send().status, 200);
}

#[test]
fn a_browser_gets_a_page_with_the_same_words() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let code = a.api.pair(&a.session);
    let browser = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for path in ["/", "/skill.md", &format!("/p/{code}"), "/p/PEARL-FOCAL-S5SJV"] {
        let page = a.api.get(path).header("Accept", browser).send();
        assert_eq!(page.header("Content-Type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(page.header("Vary"), "Accept");
        let text = page.text();
        assert!(text.starts_with("<!doctype html>") && !text.contains("{{"), "{path}");
        let heading = a.api.get(path).send().text();
        let heading = heading.lines().find_map(|line| line.strip_prefix("# ")).unwrap();
        assert!(text.contains(&format!("<h1>{heading}</h1>")), "{path}: {heading}");
    }
}

#[test]
fn an_agent_that_takes_html_too_gets_markdown() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for accept in ["text/markdown, text/html, */*", "text/html;q=0.9, text/markdown"] {
        let page = api.get("/").header("Accept", accept.as_bytes()).send();
        assert_eq!(page.header("Content-Type"), "text/markdown; charset=utf-8", "{accept}");
    }
}

#[test]
fn the_skill_is_served_as_it_is_installed() {
    let relay = relay();
    let page = Api::new(&relay.url()).get("/skill.md").send();
    assert_eq!(page.header("Content-Type"), "text/markdown; charset=utf-8");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../skill/SKILL.md");
    assert_eq!(page.text(), std::fs::read_to_string(file).unwrap());
    assert!(page.text().starts_with("---\nname: "));
    let browser =
        Api::new(&relay.url()).get("/skill.md").header("Accept", b"text/html").send().text();
    assert!(!browser.contains("name: nexus"), "without the front matter");
}

#[test]
fn a_code_that_is_gone_gets_a_page_that_says_what_to_ask_for() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let used = a.api.pair(&a.session);
    assert_eq!(a.api.post(&format!("/v1/pair/{used}/claim")).agent("b").send().status, 200);
    for (code, reason) in [
        (used.as_str(), "has been used or has expired"),
        ("PEARL-FOCAL-S5SJV", "was never made"),
        ("nonsense", "was never made"),
    ] {
        let page = a.api.get(&format!("/p/{code}")).send();
        assert_eq!(
            (page.status, page.header("Content-Type")),
            (404, "text/markdown; charset=utf-8")
        );
        assert!(page.text().contains(reason) && page.text().contains("new one"), "{code}");
    }
}

#[test]
fn a_code_expires() {
    let relay = nexus_tests::Relay::builder().var("PAIRING_TTL_SECONDS", "1").start().unwrap();
    let a = Api::new(&relay.url()).session();
    let code = a.api.pair(&a.session);
    let status = || a.api.get(&format!("/v1/pair/{code}/status")).send().json();
    nexus_tests::eventually("the code expires", || status()["state"] == "expired");
    let claim = a.api.post(&format!("/v1/pair/{code}/claim")).agent("b").send();
    assert_eq!(claim.error(), (404, "code_expired_or_used".into()));
    assert_eq!(a.api.get(&format!("/p/{code}")).send().status, 404);
}
