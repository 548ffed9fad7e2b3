//! A host that speaks the Model Context Protocol, by hand.

#![allow(clippy::needless_pass_by_value, reason = "values are written where they are passed")]

use crate::{Answer, Api, string};
use serde_json::{Value, json};

/// The revision of the modern era.
pub const MODERN: &str = "2026-07-28";

/// A host at a relay.
pub struct Mcp<'a> {
    /// The relay.
    pub api: &'a Api,
    /// Whether its requests are of the modern era.
    pub is_modern: bool,
}

impl Mcp<'_> {
    /// Makes a request. Gives the whole answer.
    pub fn request(&self, method: &str, params: Value) -> Answer {
        let mut params = params;
        let mut call =
            self.api.post("/mcp").header("Accept", b"application/json, text/event-stream");
        if self.is_modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            call = call
                .header("MCP-Protocol-Version", MODERN.as_bytes())
                .header("Mcp-Method", method.as_bytes());
            if let Some(name) = params["name"].as_str() {
                call = call.header("Mcp-Name", name.as_bytes());
            }
        }
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        call.json(&message).send()
    }

    /// The result of a request that succeeds.
    pub fn result(&self, method: &str, params: Value) -> Value {
        let answer = self.request(method, params);
        let body = answer.json();
        assert!(answer.status == 200 && body.get("error").is_none(), "{body}");
        assert_eq!(body["id"], 1);
        body["result"].clone()
    }

    /// Calls a tool: what a model is given, and whether it is an error.
    pub fn call(&self, tool: &str, arguments: Value) -> (Value, bool) {
        let result = self.result("tools/call", json!({ "name": tool, "arguments": arguments }));
        let is_error = result.get("isError") == Some(&json!(true));
        let text = string(&result["content"][0]["text"]);
        let structured = result["structuredContent"].clone();
        if !is_error {
            assert_eq!(
                serde_json::from_str::<Value>(&text).expect("JSON"),
                structured,
                "both say the same"
            );
        }
        assert_eq!(result.get("resultType").is_some(), self.is_modern);
        (structured, is_error)
    }

    /// What a tool gives that is called rightly.
    pub fn done(&self, tool: &str, arguments: Value) -> Value {
        let (given, is_error) = self.call(tool, arguments);
        assert!(!is_error, "{tool}: {given}");
        given
    }

    /// The error of a tool that is called wrongly.
    pub fn refused(&self, tool: &str, arguments: Value) -> Value {
        let (given, is_error) = self.call(tool, arguments);
        assert!(is_error, "{tool}: {given}");
        given
    }
}
