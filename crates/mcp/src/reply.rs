//! The answer to a message, in the form of its era.

use crate::{Era, INSTRUCTIONS, LEGACY, MODERN, TOOLS, envelope::code};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

/// For how many milliseconds a client may keep the list of tools.
const KEPT: u32 = 3_600_000;

/// An answer: over HTTP with its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status over HTTP.
    pub status: u16,
    /// A JSON-RPC message.
    pub body: String,
}

/// What became of a call of a tool.
#[derive(Debug)]
pub enum Outcome {
    /// It was done. What the model sees, as JSON.
    Done(String),
    /// It was refused. A sentence for the model, and the same for programs.
    Refused(String, Value),
}

#[derive(Serialize)]
struct Answer<'a, T> {
    jsonrpc: &'static str,
    id: &'a Value,
    result: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    result_type: Option<&'static str>,
    content: [Content<'a>; 1],
    structured_content: &'a RawValue,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_error: bool,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Value>,
}

#[derive(Serialize)]
struct Content<'a> {
    r#type: &'static str,
    text: &'a str,
}

impl Reply {
    pub(crate) fn error(status: u16, id: &Value, code: i32, message: &str) -> Self {
        Self::error_with(status, id, code, message, None)
    }

    pub(crate) fn error_with(
        status: u16,
        id: &Value,
        code: i32,
        message: &str,
        data: Option<&Value>,
    ) -> Self {
        let mut error = json!({ "code": code, "message": message });
        if let (Some(error), Some(data)) = (error.as_object_mut(), data) {
            error.insert("data".to_owned(), data.clone());
        }
        let mut body = json!({ "jsonrpc": "2.0", "error": error });
        if let Some(body) = body.as_object_mut().filter(|_| !id.is_null()) {
            body.insert("id".to_owned(), id.clone());
        }
        Self { status, body: body.to_string() }
    }

    /// Refuses a message before it was read: for its origin.
    #[must_use]
    pub fn forbidden(why: &str) -> Self {
        Self::error(403, &Value::Null, code::INVALID_REQUEST, why)
    }
}

/// A request, to be answered.
#[derive(Debug)]
pub struct Asked {
    id: Value,
    era: Era,
}

impl Asked {
    pub(crate) fn new(id: Value, era: Era) -> Self {
        Self { id, era }
    }

    /// Of which era it is.
    #[must_use]
    pub fn era(&self) -> Era {
        self.era
    }

    /// The answer to `initialize`. A revision that is not known gets the latest of its era.
    #[must_use]
    pub fn initialized(&self, proposed: &str, capabilities: &Value) -> Reply {
        let version = LEGACY.into_iter().find(|version| *version == proposed);
        self.result(&json!({
            "protocolVersion": version.unwrap_or(LEGACY[0]),
            "capabilities": capabilities,
            "serverInfo": server(),
            "instructions": INSTRUCTIONS,
        }))
    }

    /// The answer to `server/discover`.
    #[must_use]
    pub fn discovered(&self, capabilities: &Value) -> Reply {
        let versions: Vec<&str> = [MODERN].into_iter().chain(LEGACY).collect();
        self.result(&json!({
            "supportedVersions": versions,
            "capabilities": capabilities,
            "instructions": INSTRUCTIONS,
            "ttlMs": KEPT,
            "cacheScope": "public",
        }))
    }

    /// The answer to `tools/list`; `tools` is a JSON list.
    #[must_use]
    pub fn tools(&self, tools: &RawValue) -> Reply {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct List<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            result_type: Option<&'static str>,
            tools: &'a RawValue,
            #[serde(skip_serializing_if = "Option::is_none")]
            ttl_ms: Option<u32>,
            #[serde(skip_serializing_if = "Option::is_none")]
            cache_scope: Option<&'static str>,
            #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
            meta: Option<Value>,
        }
        let is_modern = self.era == Era::Modern;
        self.answer(&List {
            result_type: self.result_type(),
            tools,
            ttl_ms: is_modern.then_some(KEPT),
            cache_scope: is_modern.then_some("public"),
            meta: self.meta(),
        })
    }

    /// The answer to `tools/list`, with the tools as they are.
    #[must_use]
    pub fn all_tools(&self) -> Reply {
        match serde_json::from_str(TOOLS) {
            Ok(tools) => self.tools(tools),
            Err(_) => self.failed(),
        }
    }

    /// The answer to a call of a tool.
    #[must_use]
    pub fn outcome(&self, outcome: &Outcome) -> Reply {
        let error;
        let (text, structured, is_error) = match outcome {
            Outcome::Done(json) => (json.as_str(), json.as_str(), false),
            Outcome::Refused(sentence, body) => {
                error = body.to_string();
                (sentence.as_str(), error.as_str(), true)
            }
        };
        let Ok(structured_content) = serde_json::from_str(structured) else {
            return self.failed();
        };
        self.answer(&ToolResult {
            result_type: self.result_type(),
            content: [Content { r#type: "text", text }],
            structured_content,
            is_error,
            meta: self.meta(),
        })
    }

    /// Any other answer: an object.
    #[must_use]
    pub fn result(&self, result: &Value) -> Reply {
        let mut result = result.clone();
        if let Some(fields) = result.as_object_mut() {
            if let Some(kind) = self.result_type() {
                fields.insert("resultType".to_owned(), kind.into());
            }
            if let Some(meta) = self.meta() {
                fields.insert("_meta".to_owned(), meta);
            }
        }
        self.answer(&result)
    }

    /// Refuses a method that there is not.
    #[must_use]
    pub fn no_method(&self) -> Reply {
        let status = if self.era == Era::Modern { 404 } else { 200 };
        Reply::error(status, &self.id, code::NO_METHOD, "There is no such method here.")
    }

    /// Refuses the parameters of a method.
    #[must_use]
    pub fn invalid_params(&self, why: &str) -> Reply {
        self.error(code::INVALID_PARAMS, why, None)
    }

    /// Refuses a request with a code of the protocol.
    #[must_use]
    pub fn error(&self, code: i32, why: &str, data: Option<&Value>) -> Reply {
        let status = if self.era == Era::Modern { 400 } else { 200 };
        Reply::error_with(status, &self.id, code, why, data)
    }

    /// The server failed.
    #[must_use]
    pub fn failed(&self) -> Reply {
        Reply::error(500, &self.id, -32603, "The relay failed. Repeat the request.")
    }

    fn answer(&self, result: &impl Serialize) -> Reply {
        let answer = Answer { jsonrpc: "2.0", id: &self.id, result };
        // What is made of texts and JSON always has a JSON form.
        Reply { status: 200, body: serde_json::to_string(&answer).unwrap_or_default() }
    }

    fn result_type(&self) -> Option<&'static str> {
        (self.era == Era::Modern).then_some("complete")
    }

    fn meta(&self) -> Option<Value> {
        (self.era == Era::Modern).then(|| json!({ "io.modelcontextprotocol/serverInfo": server() }))
    }
}

fn server() -> Value {
    json!({ "name": "nexus-relay", "version": env!("CARGO_PKG_VERSION") })
}
