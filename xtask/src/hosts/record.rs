//! What a host sends to an MCP server, as it is kept in `tests/hosts`: the test command replays it against the relay.
//!
//! Promise: nothing of this machine and of this run is kept. Seats, links, ports and ids are replaced by words in
//! braces.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::install::Host;
use crate::project::{self, Project};

/// Headers that say something about the connection, and nothing about the host.
const DROPPED: [&str; 8] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "accept-language",
    "sec-fetch-mode",
    "keep-alive",
];

/// Keeps one request of each kind, in the order in which they came.
pub(super) fn save(project: &Project, host: Host, exchanges: &[Value]) -> Result<()> {
    let mut kept: Vec<Value> = Vec::new();
    let mut kinds: Vec<String> = Vec::new();
    for exchange in exchanges {
        let request = request(exchange);
        let body = &request["body"];
        let tool = body["params"]["name"].as_str().unwrap_or_default();
        let has_meta = body["params"].get("_meta").is_some();
        let kind = format!(
            "{} {} {} {tool} {has_meta} {}",
            request["method"], request["path"], body["method"], request["headers"]
        );
        if !kinds.contains(&kind) {
            kinds.push(kind);
            kept.push(request);
        }
    }
    let file = json!({ "host": host.name(), "version": host.version(), "requests": kept });
    let path = project.path("tests/hosts").join(format!("{}.json", host.name()));
    let text = serde_json::to_string_pretty(&file)?;
    project::write(&path, &format!("{text}\n"))?;
    println!("      {} requests are kept in tests/hosts/{}.json", kept.len(), host.name());
    Ok(())
}

/// A request without what is of this run, and the status that it was answered with.
fn request(exchange: &Value) -> Value {
    let text = exchange["body"].as_str().unwrap_or_default();
    let mut body: Value = serde_json::from_str(text).unwrap_or_default();
    clean(&mut body);
    let mut headers = Map::new();
    for (name, value) in exchange["headers"].as_object().into_iter().flatten() {
        if !DROPPED.contains(&name.as_str()) {
            headers.insert(name.clone(), value.clone());
        }
    }
    if headers.contains_key("traceparent") {
        let trace = format!("00-{}-{}-01", "1".repeat(32), "2".repeat(16));
        headers.insert("traceparent".to_owned(), trace.into());
    }
    json!({
        "method": exchange["method"], "path": exchange["path"], "headers": headers, "body": body,
        "status": exchange["status"],
    })
}

/// Replaces what differs from run to run.
fn clean(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // A host may tell about the folders it works in.
            if fields.keys().any(|name| name.starts_with('/')) {
                *fields = Map::from_iter([("{path}".to_owned(), json!({}))]);
                return;
            }
            for (name, value) in fields {
                match name.as_str() {
                    "seat" => *value = "{seat}".into(),
                    "link" => *value = "{link}".into(),
                    _ if is_run(name, value) => *value = format!("{{{name}}}").into(),
                    _ => clean(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean),
        _ => {}
    }
}

/// Whether a text is an id of this run, or names a place on this machine.
fn is_run(name: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    // The id of a request is the host's own choice, and what it wants to see again.
    let is_id = name != "id" && name.to_ascii_lowercase().ends_with("id") && text.len() > 8;
    let is_random = text.len() == 36 && text.matches('-').count() == 4;
    is_id || is_random || text.starts_with('/') || text.starts_with("file:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_run_is_kept() {
        let body = json!({ "method": "tools/call", "id": "probe-number-1", "params": {
            "name": "read", "arguments": { "seat": "nxt_x" },
            "_meta": { "threadId": "0123456789", "cwd": "/somewhere", "at": { "/home/x": 1 }, "progressToken": "7b54a08e-e42c-4798-86dd-17043f5db7be" },
        } });
        let headers = json!({ "host": "127.0.0.1:1", "accept": "a", "content-length": "3" });
        let exchange = json!({
            "method": "POST", "path": "/mcp", "headers": headers, "body": body.to_string(), "status": 200,
            "answer": "x",
        });
        let kept = request(&exchange);
        assert_eq!(kept["headers"], json!({ "accept": "a" }));
        assert_eq!(
            kept["body"]["params"],
            json!({
                "name": "read", "arguments": { "seat": "{seat}" },
                "_meta": { "threadId": "{threadId}", "cwd": "{cwd}", "at": { "{path}": {} }, "progressToken": "{progressToken}" },
            })
        );
        assert_eq!((&kept["body"]["id"], &kept["status"]), (&json!("probe-number-1"), &json!(200)));
    }
}
