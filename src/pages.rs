//! The pages that agents and people open: Markdown for agents, the same as HTML for browsers.
//!
//! Their text lies in `public/`, with `{{name}}` where this deployment and this code are named, in
//! `docs/protocol.md`, and in `skill/`, which agents also install as it is; the HTML is made of it when
//! the Worker is built (`build.rs`). Scripts and styles lie in `public/assets/`, as browsers get them.

use crate::{
    admin,
    calls::{self, Describe, Look},
    http::{self, Request, Response},
    platform::{self, System, now},
    router::{self, Route},
};
use nexus_core::{Error, Fault, Found, Random, Result};
use nexus_protocol::{
    Capabilities, CodeState, ErrorCode, Health, PairingCode, Refusal, SessionStatus, Timestamp,
};
use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write as _;
use worker::Env;

/// The API as OpenAPI 3.1.
pub(crate) const OPEN_API: &str = include_str!("../docs/openapi.json");

const LLMS: &str = include_str!("../public/llms.txt");

/// The version of all assets, which is part of their address, and each with its content type.
const ASSETS: (&str, &[(&str, &str, &str)]) = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Nothing from elsewhere, nothing inline, and no text that becomes HTML in the browser.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// A page in both of its forms.
struct Page {
    markdown: &'static str,
    html: &'static str,
}

macro_rules! page {
    ($name:literal, $source:literal) => {
        Page {
            markdown: include_str!(concat!("../", $source)),
            html: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".html")),
        }
    };
}

const PAIR: Page = page!("pair", "public/pair.md");
const GONE: Page = page!("gone", "public/gone.md");
const HOME: Page = page!("home", "public/home.md");
const SESSION: Page = page!("session", "public/session.md");
const ADMIN: Page = page!("admin", "public/admin.md");
const DOCS: Page = page!("docs", "docs/protocol.md");
const SKILL: Page = page!("skill", "skill/SKILL.md");

impl Page {
    /// The page in the form that the reader asks for.
    fn answer(&self, request: &Request, status: u16, values: &[(&str, &str)]) -> Response {
        let accept = request.header("Accept").unwrap_or_default();
        // Agents that take both name Markdown; browsers do not.
        let html = accept.contains("text/html") && !accept.contains("text/markdown");
        let (content_type, template) = if html {
            ("text/html; charset=utf-8", self.html)
        } else {
            ("text/markdown; charset=utf-8", self.markdown)
        };
        let mut response = Response::text(status, content_type, fill(template, values))
            .with("Vary", "Accept, Accept-Encoding")
            .with("Content-Security-Policy", SECURITY_POLICY)
            .with("Referrer-Policy", "no-referrer");
        if html {
            // A page that has opened this one gets no hold of its window.
            response.set("Cross-Origin-Opener-Policy", "same-origin");
        }
        http::compressed(request, response)
    }
}

/// Puts each value in the place of its `{{name}}`.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    })
}

/// Answers with a page.
pub(crate) async fn answer(
    request: &Request,
    env: &Env,
    route: &Route,
    page: router::Page,
) -> Result<Response> {
    match page {
        router::Page::Home => home(request, env),
        router::Page::Session => session(request, env),
        router::Page::Docs => Ok(docs(request)),
        router::Page::Asset => asset(request, route),
        router::Page::Skill => Ok(skill(request)),
        router::Page::Llms => llms(request, env),
        router::Page::OpenApi => Ok(open_api(request)),
        router::Page::Health => health(),
        router::Page::Pair => pairing(request, env, route).await,
        router::Page::Admin => admin(request, env),
    }
}

/// `GET /health` (section 5).
fn health() -> Result<Response> {
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
            },
        },
    )
}

/// `GET /p/:code` (section 4). Changes nothing, however often it is fetched.
async fn pairing(request: &Request, env: &Env, route: &Route) -> Result<Response> {
    let found = match route.code() {
        Ok(code) => find(env, code).await,
        Err(refusal) => Err(refusal.into()),
    };
    let (code, expires_at, session) = match found {
        Ok(found) => found,
        Err(Error::Refused(refusal)) => return gone(request, env, &refusal),
        Err(fault) => return Err(fault),
    };
    let origin = http::origin(request, env)?;
    let left = expires_at.millis_since(now()).max(0);
    let until = expires_at.to_string();
    let (qr_size, qr_path) = qr_code(&format!("{origin}/p/{}", code.as_str()))?;
    Ok(PAIR.answer(
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
    ))
}

/// The code, until when it can be claimed, and its session. Refused if it cannot be claimed.
async fn find(env: &Env, code: PairingCode) -> Result<(PairingCode, Timestamp, SessionStatus)> {
    let Found { session, status } =
        calls::call(env, code.first_word(), &Look { code: code.clone() }).await?;
    if status.state != CodeState::Pending {
        return Err(Refusal::code_over().into());
    }
    let session = calls::call(env, session.as_str(), &Describe {}).await?;
    Ok((code, status.expires_at, session))
}

/// A link as a QR code: its width with the margin, in modules, and the path of an SVG of that width.
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

fn gone(request: &Request, env: &Env, refusal: &Refusal) -> Result<Response> {
    let reason = match refusal.body.error {
        ErrorCode::CodeNotFound => "was never made, or is misspelt, or is more than a day old",
        ErrorCode::SessionNotFound => "leads to a session that has ended",
        _ => "has been used or has expired",
    };
    let values = [("origin", http::origin(request, env)?), ("reason", reason.to_owned())];
    let values = values.each_ref().map(|(name, value)| (*name, &**value));
    let mut page = GONE.answer(request, 404, &values);
    if refusal.body.error == ErrorCode::CodeNotFound {
        page.set(http::CLASS, http::GUESS);
    }
    Ok(page)
}

/// Eight random hex digits, so that names on two readings of a page differ.
fn token() -> Result<String> {
    Ok(format!("{:08x}", u32::from_le_bytes(System.bytes()?)))
}

/// `GET /` (section 5).
fn home(request: &Request, env: &Env) -> Result<Response> {
    let limits = platform::limits(env)?;
    Ok(HOME.answer(
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
    ))
}

/// Seconds in words, in the largest unit of which there are at least two.
fn duration(seconds: u32) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds.div_euclid(60)),
        7200..172_800 => format!("{} hours", seconds.div_euclid(3600)),
        _ => format!("{} days", seconds.div_euclid(86_400)),
    }
}

/// `GET /s`: a conversation in the browser. Which one, the browser does not tell.
fn session(request: &Request, env: &Env) -> Result<Response> {
    let agent = format!("guest-{}", token()?);
    let origin = http::origin(request, env)?;
    Ok(SESSION.answer(request, 200, &[("origin", &origin), ("agent", &agent)]))
}

/// `GET /admin`: where the operator asks for figures, if there is one who may.
fn admin(request: &Request, env: &Env) -> Result<Response> {
    admin::token(env)?.ok_or_else(Refusal::not_found)?;
    Ok(ADMIN.answer(request, 200, &[("origin", &http::origin(request, env)?)]))
}

/// `GET /docs`: the protocol.
fn docs(request: &Request) -> Response {
    DOCS.answer(request, 200, &[])
}

/// `GET /assets/:version/:file`. Of another version than this Worker's, which a page that is open may
/// still ask for, there is what this Worker has, and it is not to be kept.
fn asset(request: &Request, route: &Route) -> Result<Response> {
    let (version, assets) = ASSETS;
    let (asked, file) = route.asset();
    let found = assets.iter().find(|(name, _, _)| *name == file);
    let (_, content_type, content) = found.ok_or_else(Refusal::not_found)?;
    let mut response = Response::text(200, *content_type, (*content).to_owned());
    if asked == version {
        response.set("Cache-Control", "public, max-age=31536000, immutable");
    }
    Ok(http::compressed(request, response.with("Vary", "Accept-Encoding")))
}

/// `GET /skill.md` (section 5): the file that agents install, as it is.
fn skill(request: &Request) -> Response {
    SKILL.answer(request, 200, &[])
}

/// `GET /llms.txt` (section 5).
fn llms(request: &Request, env: &Env) -> Result<Response> {
    let origin = http::origin(request, env)?;
    Ok(Response::text(200, "text/plain; charset=utf-8", fill(LLMS, &[("origin", &origin)])))
}

/// `GET /openapi.json` (section 5).
fn open_api(request: &Request) -> Response {
    http::compressed(request, Response::text(200, http::JSON, OPEN_API.to_owned()))
}
