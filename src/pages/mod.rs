//! The pages that agents and people open. Agents get Markdown, browsers get the same as HTML.
//!
//! The text is in `public/`, `docs/protocol.md` and `skill/`. A `{{name}}` in it is replaced with what
//! belongs to this deployment or this code. `build.rs` renders the HTML when the Worker is built, and
//! [`crate::texts`] has all of it.
//! Scripts and styles are in `public/assets/`, in the form that browsers get.

mod link;
mod page;
mod template;

use crate::{
    admin,
    http::{self, Request, Response},
    platform,
    router::{self, Method, Route},
    texts,
};
use nexus_core::{Error, Result};
use nexus_protocol::{Capabilities, Encrypted, ErrorCode, Health, Refusal};
use page::{ADMIN, DOCS, HOME, MISSING, SESSION, SKILL, UNSET, token, wants_html};
use template::{Form, Value, fill};
use worker::Env;

/// The version of the assets, which is part of their path; and the name and content type of each.
const ASSETS: (&str, &[(&str, &str)]) = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The picture that previews of links show. It is the one asset that is no text.
const PREVIEW: &[u8] = include_bytes!("../../public/assets/preview.png");
const PNG: &str = "image/png";

/// Answers with a page.
pub(crate) async fn answer(
    request: &Request,
    env: &Env,
    route: &Route,
    page: router::Page,
) -> Result<Response> {
    match page {
        router::Page::Home => home(request, env).await,
        router::Page::Session => session(request, env).await,
        router::Page::Docs => DOCS.answer(request, env, 200, &[]).await,
        router::Page::Section => section(request, route).await,
        router::Page::Asset => asset(request, route).await,
        // The file that agents install, with this relay in place of the public one.
        router::Page::Skill => SKILL.answer(request, env, 200, &[]).await,
        router::Page::Llms => llms(request, env).await,
        router::Page::OpenApi => open_api(request).await,
        router::Page::Health => health(env),
        router::Page::Pair => link::answer(request, env, route).await,
        router::Page::Admin => admin(request, env).await,
    }
}

/// The page for people who opened an address that leads nowhere, or a call of the operator. Programs get the error
/// as it is, and so does whoever opens another call of the protocol.
pub(crate) async fn in_place_of(
    answer: Result<Response>,
    request: &Request,
    env: &Env,
) -> Result<Response> {
    let Err(Error::Refused(refusal)) = &answer else { return answer };
    let is_html = wants_html(request);
    if !matches!(request.method(), Method::Get | Method::Head) {
        return answer;
    }
    let has_key = refusal.body.reason.as_deref() == Some("key_shown");
    if has_key && (is_html || request.path().starts_with("/p/")) {
        return link::key_shown(request, env).await;
    }
    if !is_html {
        return answer;
    }
    let (is_missing, path) = (refusal.body.error == ErrorCode::NotFound, request.path());
    if path.starts_with("/v1/admin/") {
        let page = if is_missing { UNSET } else { ADMIN };
        return page.answer(request, env, refusal.status, &[]).await;
    }
    if is_missing && !path.starts_with("/v1/") {
        return MISSING.answer(request, env, 404, &[]).await;
    }
    answer
}

/// `GET /health` (section 5).
fn health(env: &Env) -> Result<Response> {
    let list = |items: &[&str]| items.iter().map(ToString::to_string).collect();
    http::json(
        200,
        &Health {
            status: "ok".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime: platform::uptime(),
            capabilities: Capabilities {
                message_format: list(&["text", "json"]),
                delivery: list(&["poll", "longpoll", "sse", "websocket", "webhook"]),
                addresses: true,
                teams: true,
                max_file_bytes: Some(platform::limits(env)?.max_file_bytes),
                encryption: vec![Encrypted::V1.v],
            },
        },
    )
}

/// `GET /` (section 5).
async fn home(request: &Request, env: &Env) -> Result<Response> {
    let limits = platform::limits(env)?;
    HOME.answer(
        request,
        env,
        200,
        &[
            ("agent", &format!("agent-{}", token()?)),
            ("ttl", &limits.default_ttl.to_string()),
            ("ttl_words", &duration(limits.default_ttl)),
            ("max_ttl_words", &duration(limits.max_ttl)),
            ("max_agents", &limits.max_agents.to_string()),
            ("max_ttl", &limits.max_ttl.to_string()),
            ("pairing_minutes", &limits.pairing_ttl.div_ceil(60).to_string()),
        ],
    )
    .await
}

/// A duration in words, in the largest unit of which it holds at least two.
fn duration(seconds: u32) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds.div_euclid(60)),
        7200..172_800 => format!("{} hours", seconds.div_euclid(3600)),
        _ => format!("{} days", seconds.div_euclid(86_400)),
    }
}

/// `GET /s`: a conversation in the browser. The browser does not send which one: that stands after the
/// `#`.
async fn session(request: &Request, env: &Env) -> Result<Response> {
    let agent = format!("guest-{}", token()?);
    SESSION.answer(request, env, 200, &[("agent", &agent)]).await
}

/// `GET /admin`: the operator's figures. Refused where no `ADMIN_TOKEN` is set; people get a page that says how to
/// set it.
async fn admin(request: &Request, env: &Env) -> Result<Response> {
    match admin::token(env)? {
        Some(_) => ADMIN.answer(request, env, 200, &[]).await,
        None if wants_html(request) => UNSET.answer(request, env, 404, &[]).await,
        None => Err(Refusal::not_found().into()),
    }
}

/// `GET /docs/:section`: one section of the protocol, as Markdown. Browsers are led to its place on the page.
async fn section(request: &Request, route: &Route) -> Result<Response> {
    let document = texts::read(DOCS.markdown).await?;
    let text = section_of(&document, route.section()?).ok_or_else(Refusal::not_found)?;
    if wants_html(request) {
        let heading = text.lines().next().unwrap_or_default();
        return Ok(Response::text(302, "text/plain; charset=utf-8", String::new())
            .with("Location", format!("/docs#{}", slug(heading)))
            .with("Vary", "Accept, User-Agent"));
    }
    let response = Response::text(200, "text/markdown; charset=utf-8", text.to_owned());
    Ok(http::compressed(request, response.with("Vary", "Accept, Accept-Encoding, User-Agent")))
}

/// The id that a heading has on the page (`build.rs` makes the same).
fn slug(heading: &str) -> String {
    let kept = heading.trim_start_matches(['#', ' ']).chars();
    let kept = kept.filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The section of this number, with its heading.
fn section_of(document: &str, number: u32) -> Option<&str> {
    let heading = format!("\n## {number}. ");
    let start = document.find(&heading)?.saturating_add(1);
    let section = document.get(start..)?;
    let end = section.find("\n## ").map_or(section.len(), |end| end.saturating_add(1));
    section.get(..end)
}

/// `GET /assets/:version/:file`. An open page may ask for an older version: it gets the file of this
/// version, which it must not cache.
async fn asset(request: &Request, route: &Route) -> Result<Response> {
    let (version, assets) = ASSETS;
    let (asked, file) = route.asset();
    let found = assets.iter().find(|(name, _)| *name == file);
    let (name, content_type) = found.ok_or_else(Refusal::not_found)?;
    let mut response = match *content_type {
        PNG => Response::bytes(200, PNG, PREVIEW.to_vec()),
        text => Response::text(200, text, texts::read(name).await?),
    };
    if asked == version {
        response.set("Cache-Control", "public, max-age=31536000, immutable");
    }
    Ok(http::compressed(request, response.with("Vary", "Accept-Encoding")))
}

/// `GET /llms.txt` (section 5).
async fn llms(request: &Request, env: &Env) -> Result<Response> {
    let origin = http::origin(request, env)?;
    let template = texts::read("llms.txt").await?;
    let text = fill(&template, &[("origin", Value::Text(&origin))], Form::Markdown);
    Ok(Response::text(200, "text/plain; charset=utf-8", text))
}

/// `GET /openapi.json` (section 5): the API as OpenAPI 3.1.
async fn open_api(request: &Request) -> Result<Response> {
    let text = texts::read("openapi.json").await?;
    Ok(http::compressed(request, Response::text(200, http::JSON, text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_of_the_protocol_can_be_read_alone() {
        let document = include_str!("../../docs/protocol.md");
        for number in 1..=9 {
            let section = section_of(document, number).unwrap();
            assert!(section.starts_with(&format!("## {number}. ")), "{number}");
            assert_eq!(section.matches("\n## ").count(), 0, "{number}");
        }
        assert_eq!(section_of("# a\n\n## 1. x\ny\n## 2. z\n", 1), Some("## 1. x\ny\n"));
        assert_eq!((section_of("## 1. x\n", 3), section_of("\n## 10. x", 1)), (None, None));
    }
}
