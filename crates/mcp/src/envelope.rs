//! Reading a message of a client: JSON-RPC, in the form of either era.
//!
//! The modern era (2026-07-28) has no handshake: each request names its revision in `params._meta`, and over HTTP in
//! headers besides. The legacy era begins with `initialize`. A server serves both at one address, and tells them
//! apart by that name.

use crate::{
    Asked, LEGACY, MODERN, Reply,
    fields::{Fields, Writer},
    reply::{NO_ID, versions},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// The fields of `_meta` in which a request of the modern era tells its revision, and what its client can do.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// The codes of JSON-RPC and of the protocol that are used here.
pub(crate) mod code {
    pub(crate) const PARSE: i32 = -32700;
    pub(crate) const INVALID_REQUEST: i32 = -32600;
    pub(crate) const NO_METHOD: i32 = -32601;
    pub(crate) const INVALID_PARAMS: i32 = -32602;
    pub(crate) const HEADER_MISMATCH: i32 = -32020;
    pub(crate) const VERSION: i32 = -32022;
}

/// Of which era a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// Of the one that begins with a handshake.
    Legacy,
    /// Of the one in which each request stands for itself.
    Modern,
}

/// The headers of a request over HTTP that repeat what is in its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// `MCP-Protocol-Version`
    pub version: Option<&'a str>,
    /// `Mcp-Method`
    pub method: Option<&'a str>,
    /// `Mcp-Name`
    pub name: Option<&'a str>,
}

/// What has come.
#[derive(Debug)]
pub enum Incoming {
    /// Nothing that is answered: a notification, with its method, or the answer to a request.
    Note(String),
    /// It is answered as it stands.
    Wrong(Reply),
    /// A request.
    Request(Asked, Ask),
}

/// What a request asks for.
#[derive(Debug)]
pub enum Ask {
    /// `initialize`, with the revision that the client proposes.
    Initialize(String),
    /// `server/discover`
    Discover,
    /// `ping`
    Ping,
    /// `tools/list`
    ListTools,
    /// `tools/call`
    Call {
        /// The name of the tool.
        tool: String,
        /// Its arguments, a JSON object as it was written.
        arguments: Box<RawValue>,
        /// What the host says of the call: a JSON object.
        meta: Box<RawValue>,
    },
    /// Another method, with its parameters.
    Other(String, Box<RawValue>),
}

impl Incoming {
    /// Reads a message that came over HTTP, with these headers.
    #[must_use]
    pub fn over_http(body: &[u8], headers: Headers<'_>) -> Self {
        read(body, Some(headers)).unwrap_or_else(Self::Wrong)
    }

    /// Reads a line that came over stdio.
    #[must_use]
    pub fn over_stdio(line: &[u8]) -> Self {
        read(line, None).unwrap_or_else(Self::Wrong)
    }
}

fn read(body: &[u8], headers: Option<Headers<'_>>) -> Result<Incoming, Reply> {
    let wrong = |code, why: &str| Reply::error(400, NO_ID, code, why);
    let text = str::from_utf8(body).map(str::trim_ascii);
    let text = text.map_err(|_| wrong(code::PARSE, "The body is not JSON."))?;
    let Some(message) = Fields::of(text) else {
        return Err(match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => {
                wrong(code::INVALID_REQUEST, "Send one JSON-RPC message, an object, at a time.")
            }
            Err(_) => wrong(code::PARSE, "The body is not JSON."),
        });
    };
    if message.text("jsonrpc").as_deref() != Some("2.0") {
        return Err(wrong(code::INVALID_REQUEST, "Send `\"jsonrpc\": \"2.0\"`."));
    }
    let method = message.text("method");
    let Some(method) = method else {
        // This server makes no requests, so it waits for no answers.
        let is_answer = message.raw("result").or_else(|| message.raw("error")).is_some();
        let why = "`method` must be the name of a method.";
        let nothing = Incoming::Note(String::new());
        return if is_answer { Ok(nothing) } else { Err(wrong(code::INVALID_REQUEST, why)) };
    };
    let Some(id) = message.raw("id") else { return Ok(Incoming::Note(method)) };
    if !id.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit()) {
        return Err(wrong(
            code::INVALID_REQUEST,
            "The id of a request must be a string or a number.",
        ));
    }
    let params_text = message.get("params").unwrap_or("{}");
    let invalid = |why: &str| Reply::error(400, id, code::INVALID_PARAMS, why);
    let params = Fields::of(params_text);
    let params = params.ok_or_else(|| invalid("`params` must be an object."))?;
    let meta = Fields::of(params.get("_meta").unwrap_or("{}"));
    let meta = meta.ok_or_else(|| invalid("`params._meta` must be an object."))?;
    let name = params.text("name");
    let in_header = headers.and_then(|headers| headers.version.map(str::trim));
    let is_modern =
        meta.get(VERSION).is_some() || in_header.is_some_and(|version| !LEGACY.contains(&version));
    if is_modern {
        check_modern(id, &method, name.as_deref(), &meta, headers)?;
    }
    let era = if is_modern { Era::Modern } else { Era::Legacy };
    let asked = Asked::new(id, era);
    let owned = |text: &str| RawValue::from_string(text.to_owned()).unwrap_or_default();
    let ask = match (method.as_str(), era) {
        ("initialize", Era::Legacy) => {
            Ask::Initialize(params.text("protocolVersion").unwrap_or_default())
        }
        ("ping", Era::Legacy) => Ask::Ping,
        ("server/discover", Era::Modern) => Ask::Discover,
        ("tools/list", _) => Ask::ListTools,
        ("tools/call", _) => {
            let Some(tool) = name else {
                return Err(asked.invalid_params("`name` must be the name of a tool."));
            };
            let arguments = owned(params.get("arguments").unwrap_or("{}"));
            Ask::Call { tool, arguments, meta: owned(params.get("_meta").unwrap_or("{}")) }
        }
        _ => Ask::Other(method, owned(params_text)),
    };
    Ok(Incoming::Request(asked, ask))
}

/// Refuses a request of the modern era that does not say all about itself, or says one thing in its headers and
/// another in its body.
fn check_modern(
    id: &str,
    method: &str,
    name: Option<&str>,
    meta: &Fields<'_>,
    headers: Option<Headers<'_>>,
) -> Result<(), Reply> {
    let has_capabilities = meta.get(CAPABILITIES).is_some_and(|raw| raw.starts_with('{'));
    let Some(version) = meta.text(VERSION).filter(|_| has_capabilities) else {
        let rule = "`params._meta` must have `io.modelcontextprotocol/protocolVersion` and \
            `io.modelcontextprotocol/clientCapabilities`.";
        return Err(Reply::error(400, id, code::INVALID_PARAMS, rule));
    };
    if let Some(headers) = headers
        && let Some(wrong) = mismatch(headers, &version, method, name)
    {
        let rule = ["The header ", wrong, " must be there, and say what the body says."].concat();
        return Err(Reply::error(400, id, code::HEADER_MISMATCH, &rule));
    }
    if version == MODERN {
        return Ok(());
    }
    let mut data = Writer::default();
    data.raw("supported", &versions());
    data.text("requested", &version);
    let why = "This revision of the protocol is not supported.";
    Err(Reply::error_with(400, id, code::VERSION, why, Some(&data.end())))
}

/// The header that does not say what the body says.
fn mismatch(
    headers: Headers<'_>,
    version: &str,
    method: &str,
    name: Option<&str>,
) -> Option<&'static str> {
    let says = |header: Option<&str>, value: &str| {
        header.is_some_and(|header| decoded(header.trim()).as_deref() == Some(value))
    };
    if !says(headers.version, version) {
        return Some("MCP-Protocol-Version");
    }
    if !says(headers.method, method) {
        return Some("Mcp-Method");
    }
    let named = name.filter(|_| matches!(method, "tools/call" | "prompts/get"));
    named.filter(|name| !says(headers.name, name)).map(|_| "Mcp-Name")
}

/// A value of a header; `=?base64?...?=` stands for one that a header cannot hold.
fn decoded(value: &str) -> Option<String> {
    let encoded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match encoded {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}
