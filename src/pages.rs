//! The pages that agents and people open. Agents get Markdown, browsers get the same as HTML.
//!
//! The text is in `public/`, `docs/protocol.md` and `skill/`. A `{{name}}` in it is replaced with what
//! belongs to this deployment or this code. `build.rs` renders the HTML when the Worker is built, and
//! [`crate::texts`] has all of it.
//! Scripts and styles are in `public/assets/`, in the form that browsers get.

use crate::{
    admin,
    calls::{self, Describe, Look},
    http::{self, Request, Response, accept},
    platform::{self, System, now},
    router::{self, Route},
    texts,
};
use nexus_core::{Error, Fault, Found, Random, Result};
use nexus_protocol::{
    Capabilities, CodeState, ErrorCode, Health, PairingCode, Refusal, SessionStatus, Timestamp,
};
use qrcodegen::{QrCode, QrCodeEcc};
use std::{borrow::Cow, fmt::Write as _};
use worker::Env;

/// The version of the assets, which is part of their path; and the name and content type of each.
const ASSETS: (&str, &[(&str, &str)]) = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A page loads nothing from elsewhere, runs nothing inline, and cannot turn text into HTML.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// A page in both forms.
struct Page {
    markdown: &'static str,
    html: &'static str,
}

macro_rules! page {
    ($name:literal) => {
        Page { markdown: concat!($name, ".md"), html: concat!($name, ".html") }
    };
}

const PAIR: Page = page!("pair");
const GONE: Page = page!("gone");
const HOME: Page = page!("home");
const SESSION: Page = page!("session");
const ADMIN: Page = page!("admin");
const DOCS: Page = page!("docs");
const SKILL: Page = page!("skill");

impl Page {
    /// Answers with the form that the reader asks for.
    async fn answer(
        &self,
        request: &Request,
        status: u16,
        values: &[(&str, &str)],
    ) -> Result<Response> {
        let header = |name| request.header(name).unwrap_or_default();
        let html = accept::wants_html(header("Accept"), header("User-Agent"));
        let (content_type, template) = if html {
            ("text/html; charset=utf-8", self.html)
        } else {
            ("text/markdown; charset=utf-8", self.markdown)
        };
        let template = texts::read(template).await?;
        let mut response = Response::text(status, content_type, fill(template, values))
            .with("Vary", "Accept, Accept-Encoding, User-Agent")
            .with("Content-Security-Policy", SECURITY_POLICY)
            .with("Referrer-Policy", "no-referrer");
        if html {
            // Another page that opens this one cannot reach into its window.
            response.set("Cross-Origin-Opener-Policy", "same-origin");
        }
        Ok(http::compressed(request, response))
    }
}

/// Replaces each `{{name}}` with its value.
fn fill(template: String, values: &[(&str, &str)]) -> String {
    values
        .iter()
        .fold(template, |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

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
        router::Page::Docs => DOCS.answer(request, 200, &[]).await,
        router::Page::Section => section(request, route).await,
        router::Page::Asset => asset(request, route).await,
        // The file that agents install, with this relay in place of the public one.
        router::Page::Skill => {
            SKILL.answer(request, 200, &[("origin", &http::origin(request, env)?)]).await
        }
        router::Page::Llms => llms(request, env).await,
        router::Page::OpenApi => open_api(request).await,
        router::Page::Health => health(env),
        router::Page::Pair => pairing(request, env, route).await,
        router::Page::Admin => admin(request, env).await,
    }
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
            },
        },
    )
}

/// `GET /p/:code` (section 4). Chat programs fetch links to preview them, so this changes nothing.
async fn pairing(request: &Request, env: &Env, route: &Route) -> Result<Response> {
    let found = match route.code() {
        Ok(code) => find(env, code).await?,
        // What is no code cannot be a guess at one.
        Err(_) => return gone(request, env, "is not complete, or is misspelt").await,
    };
    let (code, expires_at, session) = match found {
        Behind::Session(code, expires_at, session) => (code, expires_at, *session),
        Behind::Gone(reason) => return gone(request, env, &reason).await,
        Behind::Nothing => {
            let reason = "was never made, or is misspelt, or is more than a day old";
            let page = gone(request, env, reason).await?;
            return Ok(page.with(http::CLASS, http::GUESS));
        }
    };
    let origin = http::origin(request, env)?;
    let left = expires_at.millis_since(now()).max(0);
    let until = expires_at.to_string();
    let (qr_size, qr_path) = qr_code(&format!("{origin}/p/{}", code.as_str()))?;
    PAIR.answer(
        request,
        200,
        &[
            ("origin", &origin),
            ("code", code.as_str()),
            ("code_minutes", &left.div_euclid(60_000).to_string()),
            ("code_ends_in", &left.to_string()),
            ("code_expires_at", &until),
            ("code_expires_time", until.get(11..16).unwrap_or(&until)),
            ("qr_size", &qr_size.to_string()),
            ("qr_path", &qr_path),
            ("session_expires_at", &session.expires_at.to_string()),
            ("ttl_minutes", &session.ttl.div_ceil(60).to_string()),
            ("agent", &format!("guest-{}", token()?)),
            ("key", &format!("{}-{}", token()?, token()?)),
        ],
    )
    .await
}

/// What is behind a link.
enum Behind {
    /// The code can be claimed until this time, and leads to this session.
    Session(PairingCode, Timestamp, Box<SessionStatus>),
    /// The code can no longer be claimed. Completes "The code in this link ...".
    Gone(Cow<'static, str>),
    /// There is no such code.
    Nothing,
}

/// Looks a code up, and the session that it leads to.
async fn find(env: &Env, code: PairingCode) -> Result<Behind> {
    let look = calls::call(env, code.first_word(), &Look { code: code.clone() }).await;
    let Found { session, status } = match look {
        Err(Error::Refused(refusal)) if refusal.body.error == ErrorCode::CodeNotFound => {
            return Ok(Behind::Nothing);
        }
        found => found?,
    };
    match status.state {
        CodeState::Claimed => {
            let when = status.claimed_at.map(|at| format!(", at {at} (UTC)"));
            let reason = format!("has been used{}", when.unwrap_or_default());
            return Ok(Behind::Gone(reason.into()));
        }
        CodeState::Revoked => return Ok(Behind::Gone("has been taken back".into())),
        CodeState::Expired => return Ok(Behind::Gone("has expired".into())),
        CodeState::Pending => {}
    }
    match calls::call(env, session.as_str(), &Describe {}).await {
        Err(Error::Refused(refusal)) if refusal.body.error == ErrorCode::SessionNotFound => {
            Ok(Behind::Gone("leads to a session that has ended".into()))
        }
        session => Ok(Behind::Session(code, status.expires_at, Box::new(session?))),
    }
}

/// A link as a QR code. Returns its width in modules, margin included, and the path of an SVG of that
/// width.
fn qr_code(link: &str) -> Result<(i32, String)> {
    const MARGIN: i32 = 4;
    let code = QrCode::encode_text(link, QrCodeEcc::Medium).map_err(Fault::new)?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            // Writing to a String cannot fail.
            let _ =
                write!(path, "M{} {}h1v1h-1z", x.saturating_add(MARGIN), y.saturating_add(MARGIN));
        }
    }
    Ok((code.size().saturating_add(2 * MARGIN), path))
}

/// The page behind a link that no longer works. `reason` completes "The code in this link ...".
async fn gone(request: &Request, env: &Env, reason: &str) -> Result<Response> {
    let origin = http::origin(request, env)?;
    GONE.answer(request, 404, &[("origin", &origin), ("reason", reason)]).await
}

/// Eight random hex digits, so that two readers of a page are offered different names.
fn token() -> Result<String> {
    Ok(format!("{:08x}", u32::from_le_bytes(System.bytes()?)))
}

/// `GET /` (section 5).
async fn home(request: &Request, env: &Env) -> Result<Response> {
    let limits = platform::limits(env)?;
    HOME.answer(
        request,
        200,
        &[
            ("origin", &http::origin(request, env)?),
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
    let origin = http::origin(request, env)?;
    SESSION.answer(request, 200, &[("origin", &origin), ("agent", &agent)]).await
}

/// `GET /admin`: the operator's figures. Refused where no `ADMIN_TOKEN` is set.
async fn admin(request: &Request, env: &Env) -> Result<Response> {
    admin::token(env)?.ok_or_else(Refusal::not_found)?;
    ADMIN.answer(request, 200, &[("origin", &http::origin(request, env)?)]).await
}

/// `GET /docs/:section`: one section of the protocol, as Markdown.
async fn section(request: &Request, route: &Route) -> Result<Response> {
    let document = texts::read(DOCS.markdown).await?;
    let text = section_of(&document, route.section()?).ok_or_else(Refusal::not_found)?;
    let response = Response::text(200, "text/markdown; charset=utf-8", text.to_owned());
    Ok(http::compressed(request, response.with("Vary", "Accept-Encoding")))
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
    let mut response = Response::text(200, *content_type, texts::read(name).await?);
    if asked == version {
        response.set("Cache-Control", "public, max-age=31536000, immutable");
    }
    Ok(http::compressed(request, response.with("Vary", "Accept-Encoding")))
}

/// `GET /llms.txt` (section 5).
async fn llms(request: &Request, env: &Env) -> Result<Response> {
    let origin = http::origin(request, env)?;
    let text = fill(texts::read("llms.txt").await?, &[("origin", &origin)]);
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
        let document = include_str!("../docs/protocol.md");
        for number in 1..=9 {
            let section = section_of(document, number).unwrap();
            assert!(section.starts_with(&format!("## {number}. ")), "{number}");
            assert_eq!(section.matches("\n## ").count(), 0, "{number}");
        }
        assert_eq!(section_of("# a\n\n## 1. x\ny\n## 2. z\n", 1), Some("## 1. x\ny\n"));
        assert_eq!((section_of("## 1. x\n", 3), section_of("\n## 10. x", 1)), (None, None));
    }
}
