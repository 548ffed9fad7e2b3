//! The messages around the tools at `POST /mcp`: eras, headers, methods, origins, limits.

use nexus_tests::{
    Answer, Api, Relay, list,
    mcp::{MODERN, Mcp},
    relay, string,
};
use serde_json::{Value, json};

fn post(api: &Api, headers: &[(&str, &str)], body: &Value) -> Answer {
    let call = api.post("/mcp");
    let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value.as_bytes()));
    call.json(body).send()
}

fn meta(version: &str) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

#[test]
fn both_eras_begin_as_they_should() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let [modern, legacy] = [true, false].map(|is_modern| Mcp { api: &api, is_modern });
    for (proposed, agreed) in [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2024-11-05"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let params = json!({ "protocolVersion": proposed, "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } });
        let answer = legacy.request("initialize", params);
        assert_eq!(answer.header("Mcp-Session-Id"), "", "it keeps no sessions");
        let begun = answer.json()["result"].clone();
        assert_eq!(begun["protocolVersion"], agreed);
        assert_eq!(
            (&begun["serverInfo"]["name"], &begun["capabilities"]["tools"]),
            (&json!("nexus-relay"), &json!({}))
        );
        assert!(string(&begun["instructions"]).chars().count() <= 512);
    }
    assert_eq!(legacy.result("ping", json!({})), json!({}));
    let found = modern.result("server/discover", json!({}));
    assert_eq!(found["supportedVersions"][0], MODERN);
    assert!(found["ttlMs"].is_number() && found["cacheScope"] == "public");
    assert_eq!(found["resultType"], "complete");
    for host in [&modern, &legacy] {
        let answer = host.request("tools/list", json!({}));
        assert!(answer.bytes().len() <= 4096 + 256, "{} bytes", answer.bytes().len());
        let listed = answer.json()["result"].clone();
        assert_eq!(list(&listed["tools"]).len(), 7);
        assert_eq!(listed.get("ttlMs").is_some(), host.is_modern);
        assert!(answer.header("Content-Type").starts_with("application/json"));
    }
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let noted = post(&api, &[], &note);
    assert_eq!((noted.status, noted.bytes().len()), (202, 0));
}

#[test]
fn a_message_that_is_wrong_gets_the_error_of_its_era() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let of = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let list = of("tools/list", json!({ "_meta": meta(MODERN) }));
    let call = of("tools/call", json!({ "name": "read", "arguments": {}, "_meta": meta(MODERN) }));
    let version = ("MCP-Protocol-Version", MODERN);
    let (listing, calling, reading) =
        (("Mcp-Method", "tools/list"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "read"));
    let old = of("tools/list", json!({ "_meta": meta("2031-01-01") }));
    let bare = of("tools/list", json!({}));
    for (headers, body, status, code) in [
        (vec![version, listing], &list, 200, 0),
        (vec![listing], &list, 400, -32020),
        (vec![version], &list, 400, -32020),
        (vec![version, calling], &list, 400, -32020),
        (vec![("MCP-Protocol-Version", "2025-11-25"), listing], &list, 400, -32020),
        (vec![version, calling], &call, 400, -32020),
        (vec![version, calling, ("Mcp-Name", "send")], &call, 400, -32020),
        (vec![version, calling, reading], &call, 200, 0),
        (vec![version, calling, ("Mcp-Name", " =?base64?cmVhZA==?= ")], &call, 200, 0),
        (vec![("MCP-Protocol-Version", "2031-01-01"), listing], &old, 400, -32022),
        (vec![version, listing], &bare, 400, -32602),
        (vec![("MCP-Protocol-Version", "2025-06-18")], &bare, 200, 0),
        (vec![], &of("server/discover", json!({})), 200, -32601),
        (vec![], &of("resources/list", json!({})), 200, -32601),
        (vec![], &of("tools/call", json!({ "name": "delete_everything" })), 200, -32602),
        (vec![], &of("tools/call", json!({})), 200, -32602),
        (vec![], &of("tools/list", json!([])), 400, -32602),
        (vec![], &json!([bare.clone()]), 400, -32600),
        (vec![], &json!({ "id": 1, "method": "ping" }), 400, -32600),
        (vec![], &json!({ "jsonrpc": "2.0", "id": null, "method": "ping" }), 400, -32600),
        (vec![], &json!("ping"), 400, -32600),
    ] {
        let answer = post(&api, &headers, body);
        let given = answer.json();
        assert_eq!(answer.status, status, "{headers:?} {body}: {given}");
        assert_eq!(
            given["error"]["code"].as_i64().unwrap_or(0),
            code,
            "{headers:?} {body}: {given}"
        );
        if code == -32022 {
            assert_eq!(given["error"]["data"]["requested"], "2031-01-01");
        }
    }
    let ping = of("ping", json!({ "_meta": meta(MODERN) }));
    let gone = post(&api, &[version, ("Mcp-Method", "ping")], &ping);
    assert_eq!((gone.status, gone.json()["error"]["code"].clone()), (404, json!(-32601)));
    for body in [&b"{\"jsonrpc\""[..], b"", b"\xff"] {
        let answer = api.post("/mcp").header("Content-Type", b"application/json").body(body).send();
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (400, json!(-32700)));
    }
    let long = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": { "x": "y".repeat(1 << 20) } });
    assert_eq!(post(&api, &[], &long).status, 413);
}

#[test]
fn there_is_nothing_else_at_this_address() {
    let relay = relay();
    let api = Api::new(&relay.url());
    for method in ["GET", "DELETE", "PUT"] {
        let answer = api.call(method, "/mcp").header("Accept", b"text/event-stream").send();
        assert_eq!((answer.status, answer.header("Allow")), (405, "POST"), "{method}");
    }
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/mcp",
        "/mcp/.well-known/openid-configuration",
        "/mcp/.well-known/oauth-authorization-server",
    ] {
        let answer = api.get(path).header("Accept", b"application/json").send();
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("WWW-Authenticate"), "");
    }
    let preflight = api
        .call("OPTIONS", "/mcp")
        .header("Origin", b"http://localhost:6274")
        .header("Access-Control-Request-Method", b"POST")
        .header("Access-Control-Request-Headers", b"content-type, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, last-event-id");
    let allowed = preflight.send().header("Access-Control-Allow-Headers").to_lowercase();
    for name in
        ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "last-event-id"]
    {
        assert!(allowed.contains(name), "{name}: {allowed}");
    }
}

#[test]
fn a_page_in_a_browser_cannot_use_the_relay_of_who_opens_it() {
    let relay = relay();
    let api = Api::new(&relay.url());
    let port = relay.port().to_string();
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let status = |api: &Api, headers: &[(&str, &str)]| post(api, headers, &ping).status;
    let local = format!("http://localhost:{port}");
    for (headers, expected) in [
        (vec![], 200),
        (vec![("Origin", local.as_str())], 200),
        (vec![("Origin", "http://127.0.0.1:5173")], 200),
        (vec![("Origin", "https://evil.example")], 403),
        (vec![("Origin", "null")], 403),
        (vec![("Host", "evil.example")], 403),
        (vec![("Host", "evil.example"), ("Origin", "http://evil.example")], 403),
    ] {
        assert_eq!(status(&api, &headers), expected, "{headers:?}");
    }
    let public = Relay::builder().var("PUBLIC_URL", "http://relay.example").start().unwrap();
    let api = Api::new(&public.url());
    let of_public = |origin: &str| status(&api, &[("Host", "relay.example"), ("Origin", origin)]);
    assert_eq!([of_public("http://relay.example"), of_public("https://any.example")], [200, 403]);
    assert_eq!(status(&api, &[("Host", "evil.example")]), 403);
    // A page can set any header, also the one by which proxies say that they took the https off.
    let proxied = Relay::builder().var("CLIENT_IP_HEADER", "CF-Connecting-IP").start().unwrap();
    let claimed = [("Host", "evil.example"), ("X-Forwarded-Proto", "https")];
    assert_eq!(status(&Api::new(&proxied.url()), &claimed), 403);
    let secure = Relay::builder().var("PUBLIC_URL", "https://relay.example").start().unwrap();
    let api = Api::new(&secure.url());
    assert_eq!(status(&api, &[("Host", "relay.example"), ("Origin", "https://claude.ai")]), 200);
}
