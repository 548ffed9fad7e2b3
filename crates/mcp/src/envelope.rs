//! Reading a message of a client: JSON-RPC, in the form of either era.
//!
//! The modern era (2026-07-28) has no handshake: each request names its revision in `params._meta`, and over HTTP in
//! headers besides. The legacy era begins with `initialize`. A server serves both at one address, and tells them
//! apart by that name.

use crate::{Asked, LEGACY, MODERN, Reply};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Map, Value, json, value::RawValue};

/// What begins the names of the protocol's own fields in `_meta`.
const OWN: &str = "io.modelcontextprotocol/";

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
pub enum Era {
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
        /// What the host says of the call.
        meta: Map<String, Value>,
    },
    /// Another method, with its parameters.
    Other(String, Box<RawValue>),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    jsonrpc: Option<String>,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// A field that is there, even if it is null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Params<'a> {
    #[serde(rename = "_meta")]
    meta: Map<String, Value>,
    #[serde(rename = "protocolVersion")]
    version: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
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
    let unreadable = |_| Reply::error(400, &Value::Null, code::PARSE, "The body is not JSON.");
    let text = str::from_utf8(body).map_err(|_| unreadable(()))?.trim_ascii();
    let invalid = |why: &str| Reply::error(400, &Value::Null, code::INVALID_REQUEST, why);
    let Ok(Envelope { jsonrpc, id, method, params }) = serde_json::from_str(text) else {
        serde_json::from_str::<IgnoredAny>(text).map_err(|_| unreadable(()))?;
        return Err(invalid("Send one JSON-RPC message, a JSON object, at a time."));
    };
    if jsonrpc.as_deref() != Some("2.0") {
        return Err(invalid("Send `\"jsonrpc\": \"2.0\"`."));
    }
    let Some(id) = id else { return Ok(Incoming::Note(method.unwrap_or_default())) };
    let Some(method) = method else {
        // The answer to a request, which this server never makes.
        return Ok(Incoming::Note(String::new()));
    };
    if !(id.is_string() || id.is_number()) {
        return Err(invalid("The id of a request must be a string or a number."));
    }
    let params_text = params.map_or("{}", RawValue::get);
    let parsed = serde_json::from_str::<Params<'_>>(params_text);
    let Ok(Params { meta, version, name, arguments }) = parsed else {
        let rule = "`params` must be an object with fields of the right types.";
        return Err(Reply::error(400, &id, code::INVALID_PARAMS, rule));
    };
    let claimed = meta.get(&[OWN, "protocolVersion"].concat());
    let in_header = headers.and_then(|headers| headers.version.map(str::trim));
    let is_legacy = |version: &str| LEGACY.contains(&version);
    let is_modern = claimed.is_some() || in_header.is_some_and(|version| !is_legacy(version));
    if is_modern {
        check_modern(&id, &method, name.as_deref(), &meta, headers)?;
    }
    let era = if is_modern { Era::Modern } else { Era::Legacy };
    let asked = Asked::new(id, era);
    let ask = match (method.as_str(), era) {
        ("initialize", Era::Legacy) => Ask::Initialize(version.unwrap_or_default()),
        ("ping", Era::Legacy) => Ask::Ping,
        ("server/discover", Era::Modern) => Ask::Discover,
        ("tools/list", _) => Ask::ListTools,
        ("tools/call", _) => {
            let Some(tool) = name else {
                return Err(asked.invalid_params("`name` must be the name of a tool."));
            };
            let empty = || RawValue::from_string("{}".to_owned()).unwrap_or_default();
            let arguments = arguments.map_or_else(empty, ToOwned::to_owned);
            Ask::Call { tool, arguments, meta }
        }
        _ => {
            let params = RawValue::from_string(params_text.to_owned()).unwrap_or_default();
            Ask::Other(method, params)
        }
    };
    Ok(Incoming::Request(asked, ask))
}

/// Refuses a request of the modern era that does not say all about itself, or says one thing in its headers and
/// another in its body.
fn check_modern(
    id: &Value,
    method: &str,
    name: Option<&str>,
    meta: &Map<String, Value>,
    headers: Option<Headers<'_>>,
) -> Result<(), Reply> {
    let field = |name: &str| meta.get(&[OWN, name].concat());
    let version = field("protocolVersion").and_then(Value::as_str);
    let (Some(version), Some(true)) = (version, field("clientCapabilities").map(Value::is_object))
    else {
        let rule = "`params._meta` must have `io.modelcontextprotocol/protocolVersion` and \
            `io.modelcontextprotocol/clientCapabilities`.";
        return Err(Reply::error(400, id, code::INVALID_PARAMS, rule));
    };
    if let Some(headers) = headers
        && let Some(wrong) = mismatch(headers, version, method, name)
    {
        let rule = format!("The header {wrong} must be there, and say what the body says.");
        return Err(Reply::error(400, id, code::HEADER_MISMATCH, &rule));
    }
    if version == MODERN {
        return Ok(());
    }
    let supported: Vec<&str> = [MODERN].into_iter().chain(LEGACY).collect();
    let data = json!({ "supported": supported, "requested": version });
    let sentence = "This revision of the protocol is not supported.";
    Err(Reply::error_with(400, id, code::VERSION, sentence, Some(&data)))
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
