//! One page in its two forms, and what every page says.

use super::template::{Form, Value, escaped, fill};
use crate::{
    http::{self, Request, Response, accept},
    platform::{self, System},
    texts,
};
use nexus_core::{Fault, Random, Result};
use nexus_protocol::Setting;
use worker::Env;

/// A page loads nothing from elsewhere, runs nothing inline, and cannot turn text into HTML.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// A page in both forms.
pub(super) struct Page {
    pub(super) markdown: &'static str,
    html: &'static str,
}

macro_rules! page {
    ($name:literal) => {
        Page { markdown: concat!($name, ".md"), html: concat!($name, ".html") }
    };
}

pub(super) const PAIR: Page = page!("pair");
pub(super) const PAIR_SEALED: Page = page!("pair-sealed");
pub(super) const GONE: Page = page!("gone");
pub(super) const HOME: Page = page!("home");
pub(super) const SESSION: Page = page!("session");
pub(super) const ADMIN: Page = page!("admin");
pub(super) const UNSET: Page = page!("unset");
pub(super) const MISSING: Page = page!("missing");
pub(super) const DOCS: Page = page!("docs");
pub(super) const SKILL: Page = page!("skill");

impl Page {
    /// Answers with the form that the reader asks for.
    pub(super) async fn answer(
        &self,
        request: &Request,
        env: &Env,
        status: u16,
        values: &[(&str, &str)],
    ) -> Result<Response> {
        let html = wants_html(request);
        let (content_type, template) = if html {
            ("text/html; charset=utf-8", self.html)
        } else {
            ("text/markdown; charset=utf-8", self.markdown)
        };
        let template = texts::read(template).await?;
        let origin = http::origin(request, env)?;
        let operator = operator(env)?;
        let form = if html { Form::Html } else { Form::Markdown };
        let common = [("origin", Value::Text(&origin)), ("operator", Value::Html(&operator))];
        let own = values.iter().map(|(name, value)| (*name, Value::Text(value)));
        let values: Vec<_> = common.into_iter().chain(own).collect();
        let mut response = Response::text(status, content_type, fill(&template, &values, form))
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

/// Whether a page goes to a browser, or to a program that makes previews.
pub(super) fn wants_html(request: &Request) -> bool {
    let header = |name| request.header(name).unwrap_or_default();
    accept::wants_html(header("Accept"), header("User-Agent"))
}

/// Who runs this relay, as HTML; empty if that is not said.
fn operator(env: &Env) -> Result<String> {
    let name = platform::setting(env, Setting::OPERATOR_NAME)?;
    let url = platform::setting(env, Setting::OPERATOR_URL)?;
    let is_address =
        |url: &str| ["https:", "http:", "mailto:"].iter().any(|scheme| url.starts_with(scheme));
    if url.as_deref().is_some_and(|url| !is_address(url)) {
        return Err(Fault::new(
            "the variable OPERATOR_URL must begin with `https:`, `http:` or `mailto:`",
        )
        .into());
    }
    let name = name.or_else(|| url.clone()).map(|name| escaped(&name).into_owned());
    Ok(match (name, url) {
        (Some(name), Some(url)) => {
            format!(
                "This relay is run by <a href=\"{}\" rel=\"noopener\">{name}</a>.",
                escaped(&url)
            )
        }
        (Some(name), None) => format!("This relay is run by {name}."),
        (None, _) => String::new(),
    })
}

/// Eight random hex digits, so that two readers of a page are offered different names.
pub(super) fn token() -> Result<String> {
    Ok(format!("{:08x}", u32::from_le_bytes(System.bytes()?)))
}
