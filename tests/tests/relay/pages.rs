//! The pages behind a link.

use nexus_tests::{Api, relay, string};
use serde_json::json;
use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};
use xtask::project::Project;

#[test]
fn the_page_names_this_code_and_this_server_and_is_short() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let pair = a.api.put("/v1/pair").json(&json!({ "sessionId": a.session })).send().json();
    let code = string(&pair["code"]);
    let page = a.api.get(&format!("/p/{code}")).send();
    let text = page.text();
    assert!(text.split_whitespace().count() < 900);
    // A widespread tool shows no more than this of a page.
    let start: String = text.chars().take(5000).collect();
    for needed in
        ["/claim", "wait=25", "-X POST", "-X DELETE", "never an instruction", "No secrets"]
    {
        assert!(start.contains(needed), "{needed} comes too late");
    }
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

const BROWSER: &[u8] = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[test]
fn a_browser_gets_a_page_that_holds_what_agents_read() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let code = a.api.pair(&a.session);
    for path in ["/", "/s", "/docs", "/skill.md", &format!("/p/{code}"), "/p/PEARL-FOCAL-S5SJV"] {
        let page = a.api.get(path).header("Accept", BROWSER).send();
        assert_eq!(page.header("Content-Type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(page.header("Vary"), "Accept, Accept-Encoding, User-Agent");
        let text = page.text();
        assert!(text.starts_with("<!doctype html>") && !text.contains("{{"), "{path}");
        if path == "/s" {
            continue;
        }
        let markdown = a.api.get(path).send().text();
        let heading = markdown.lines().find_map(|line| line.strip_prefix("# ")).unwrap();
        assert!(text.contains(&format!(">{heading}</h")), "{path}: {heading}");
    }
}

#[test]
fn pages_forbid_all_but_their_own_files_and_tell_nobody_where_one_was() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let code = a.api.pair(&a.session);
    for path in ["/", "/s", "/docs", "/skill.md", &format!("/p/{code}"), "/p/PEARL-FOCAL-S5SJV"] {
        let page = a.api.get(path).header("Accept", BROWSER).send();
        let policy = page.header("Content-Security-Policy");
        for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{path}: {policy}");
        assert_eq!(page.header("Referrer-Policy"), "no-referrer", "{path}");
        assert_eq!(page.header("Cross-Origin-Opener-Policy"), "same-origin", "{path}");
        assert_eq!(page.header("X-Content-Type-Options"), "nosniff", "{path}");
        assert_eq!(page.header("Set-Cookie"), "", "{path}");
    }
}

/// The page behind a new link to a session that was created so, as a browser gets it.
fn page_of(api: &Api, create: &serde_json::Value) -> (String, String) {
    let (session, key) = api.create(create);
    let agent = string(&create["creatorAgentId"]);
    let member = nexus_tests::Member { api: api.clone(), session, agent, key: key.unwrap() };
    let pair = api.put("/v1/pair").json(&json!({ "sessionId": member.session }));
    let code = string(&pair.agent(&member.agent).key(&member.key).send().json()["code"]);
    let page = api.get(&format!("/p/{code}")).header("Accept", BROWSER).send().text();
    assert!(!page.contains(&member.session), "the page does not tell the session");
    (code, page)
}

#[test]
fn the_page_and_its_preview_say_who_invites_and_to_what() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let greeting = "\n  <b>Lunch</b> & \"tea\"?\u{7}\nThe second line is only for members.";
    let create = json!({ "creatorAgentId": "ann", "name": "Ann <i>M\u{fc}ller</i> {{key}}", "greeting": greeting });
    let (code, page) = page_of(&api, &create);
    let (head, body) = page.split_once("</head>").unwrap();
    assert!(head.contains(r#"<meta property="og:site_name" content="nexus-relay">"#));
    for (part, property) in [(head, "content=\""), (body, ">")] {
        for shown in [
            "Ann &lt;i&gt;M\u{fc}ller&lt;/i&gt; {{key}} invites you to talk",
            "&lt;b&gt;Lunch&lt;/b&gt; &amp; &quot;tea&quot;? ",
        ] {
            assert!(part.contains(&format!("{property}{shown}")), "{shown}");
        }
    }
    assert!(!page.contains("second line") && !page.contains("<b>Lunch") && !head.contains(&code));
    let picture = head.split("og:image\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    let picture = api.get(picture.strip_prefix(&relay.url()).unwrap()).send();
    assert_eq!((picture.status, picture.header("Content-Type")), (200, "image/png"));
    assert!(picture.bytes().starts_with(b"\x89PNG") && picture.bytes().len() < 40_000);
}

#[test]
fn a_creator_can_keep_back_what_a_link_is_about() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let create = json!({ "creatorAgentId": "ann", "name": "Anna", "greeting": "A surprise", "preview": false });
    let (_, page) = page_of(&api, &create);
    assert!(page.contains(">Somebody invites you to talk</h1>"));
    assert!(!page.contains("Anna") && !page.contains("surprise"));
    let wrong = api.put("/v1/sessions").json(&json!({ "preview": "no" })).send();
    assert_eq!(wrong.error(), (400, "invalid_request".to_owned()));
}

#[test]
fn the_pages_say_who_runs_the_relay() {
    let relay = nexus_tests::Relay::builder()
        .var("OPERATOR_NAME", "Ann & <Co>")
        .var("OPERATOR_URL", "https://ann.example/?a=\"b\"")
        .start()
        .unwrap();
    let home = Api::new(&relay.url()).get("/").header("Accept", BROWSER).send().text();
    let said = "This relay is run by <a href=\"https://ann.example/?a=&quot;b&quot;\" rel=\"noopener\">Ann &amp; &lt;Co&gt;</a>.";
    assert!(home.contains(said), "{home}");
    let relay = nexus_tests::Relay::builder().var("OPERATOR_URL", "javascript:x").start();
    let page = relay.map(|relay| Api::new(&relay.url()).get("/").send().status);
    assert!(page.is_err() || page.is_ok_and(|status| status == 500));
}

#[test]
fn a_link_to_a_full_session_says_that_it_still_works() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let (code, page) = page_of(&api, &json!({ "creatorAgentId": "ann", "maxAgents": 1 }));
    assert!(page.contains(">This conversation is full</h1>") && page.contains("it still works"));
    let markdown = api.get(&format!("/p/{code}")).send();
    assert_eq!(markdown.status, 200);
    assert!(markdown.text().contains("every seat is taken. The code itself still works until"));
}

#[test]
fn people_get_a_page_where_nothing_is_and_programs_an_error() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for path in ["/nothing", "/p", "/p/", "/docs/99", "/assets/x/y.js", "/s/x"] {
        let page = api.get(path).header("Accept", BROWSER).send();
        assert_eq!(
            (page.status, page.header("Content-Type")),
            (404, "text/html; charset=utf-8"),
            "{path}"
        );
        assert!(page.text().contains(">There is nothing here</h1>"), "{path}");
        assert_eq!(api.get(path).send().error(), (404, "not_found".to_owned()), "{path}");
        let posted = api.post(path).header("Accept", BROWSER).send();
        assert_eq!(posted.header("Content-Type"), "application/json; charset=utf-8", "{path}");
    }
    let call = api.get("/v1/nothing").header("Accept", BROWSER).send();
    assert_eq!(call.error(), (404, "not_found".to_owned()));
}

#[test]
fn the_documents_have_an_index_of_their_sections() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let page = api.get("/docs").header("Accept", BROWSER).send().text();
    let sections: Vec<&str> =
        page.split("<h2 id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(sections.len() >= 9, "{sections:?}");
    for id in sections {
        assert!(page.contains(&format!("<li><a href=\"#{id}\">")), "{id}");
    }
    assert!(api.get("/docs/9").send().text().starts_with("## 9. "));
}

/// What esbuild makes of a script or stylesheet: nothing of its comments and spaces.
fn minified(text: &str, kind: &str) -> String {
    let mut command = Command::new(Project::here().unwrap().npm_bin("esbuild"));
    command.args([&format!("--loader={kind}"), "--minify", "--legal-comments=none"]);
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{text:.200}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn only_comments_of_scripts_and_stylesheets_are_left_out() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let page = api.get("/").header("Accept", b"text/html").send().text();
    let (_, rest) = page.split_once("href=\"/assets/").unwrap();
    let (version, _) = rest.split_once('/').unwrap();
    let (mut all, mut served) = (0, 0);
    for entry in fs::read_dir(Project::here().unwrap().path("public/assets")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let asset = || api.get(&format!("/assets/{version}/{name}")).send().text();
        match path.extension().unwrap().to_str().unwrap() {
            kind @ ("js" | "css") => {
                let (text, asset) = (fs::read_to_string(&path).unwrap(), asset());
                assert_eq!(minified(&asset, kind), minified(&text, kind), "{name}");
                all += text.len();
                served += asset.len();
            }
            // These are programs that people run, and compare with what the releases have.
            "mjs" | "py" | "sh" => {
                assert_eq!(asset(), fs::read_to_string(&path).unwrap(), "{name}");
            }
            _ => {}
        }
    }
    assert!(served * 10 < all * 9, "{served} of {all} bytes");
}

#[test]
fn assets_are_kept_for_good_under_the_version_that_pages_name() {
    let relay = nexus_tests::Relay::builder().rate_limit(Some(5)).start().unwrap();
    let api = Api::new(&relay.url());
    let page = api.get("/s").header("Accept", BROWSER).send().text();
    let (_, rest) = page.split_once("href=\"/assets/").unwrap();
    let version = rest.split('/').next().unwrap();
    for (file, content_type) in [
        ("style.css", "text/css; charset=utf-8"),
        ("session.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        // Not limited in rate: a page asks for a dozen.
        for _ in 0..4 {
            let asset = api.get(&format!("/assets/{version}/{file}")).send();
            assert_eq!((asset.status, asset.header("Content-Type")), (200, content_type));
            assert!(asset.header("Cache-Control").contains("immutable"), "{file}");
        }
        let old = api.get(&format!("/assets/0123456789abcdef/{file}")).send();
        assert_eq!((old.status, old.header("Cache-Control")), (200, "no-store"), "{file}");
    }
    assert_eq!(api.get(&format!("/assets/{version}/pair.md")).send().error().0, 404);
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
fn the_skill_is_served_as_it_is_installed_and_names_the_relay_that_serves_it() {
    let relay = relay();
    let page = Api::new(&relay.url()).get("/skill.md").send();
    assert_eq!(page.header("Content-Type"), "text/markdown; charset=utf-8");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../skill/SKILL.md");
    let installed = std::fs::read_to_string(file).unwrap();
    assert_eq!(page.text(), installed.replace("https://messaging.md", &relay.url()));
    assert!(page.text().contains(&format!("nexus config set-url {}", relay.url())));
    assert!(page.text().starts_with("---\nname: "));
    let browser =
        Api::new(&relay.url()).get("/skill.md").header("Accept", b"text/html").send().text();
    assert!(!browser.contains("name: nexus"), "without the front matter");
    assert!(browser.contains(&relay.url()) && !browser.contains("messaging.md"), "no other server");
}

#[test]
fn a_code_that_is_gone_gets_a_page_that_says_what_to_ask_for() {
    let relay = relay();
    let a = Api::new(&relay.url()).session();
    let used = a.api.pair(&a.session);
    assert_eq!(a.api.post(&format!("/v1/pair/{used}/claim")).agent("b").send().status, 200);
    let status = a.api.get(&format!("/v1/pair/{used}/status")).send().json();
    for (code, reason) in [
        (used.as_str(), "somebody else may have taken the seat"),
        (used.as_str(), &format!("has been used, at {}", string(&status["claimedAt"]))),
        ("PEARL-FOCAL-S5SJV", "was never made"),
        ("nonsense", "is not complete, or is misspelt"),
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
