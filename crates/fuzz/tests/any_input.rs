//! The properties of parsers for generated inputs: any bytes, any text, and JSON that resembles
//! requests.

use nexus_fuzz::{bodies, frames, ids, queries, redaction, sealed};
use proptest::prelude::*;

/// Names and values that parsers expect, so that many inputs get past the first check.
const NAMES: &[&str] = &[
    "text",
    "json",
    "to",
    "replyTo",
    "topic",
    "tags",
    "ttl",
    "maxAgents",
    "greeting",
    "token",
    "name",
    "capabilities",
    "description",
    "machine",
    "creatorAgentId",
    "requireKeys",
    "sessionId",
    "invite",
    "agentId",
    "secret",
    "listed",
    "version",
    "conversationId",
    "maxTurns",
    "cursor",
    "enabled",
    "url",
    "task",
    "context",
    "priority",
    "deadline",
    "status",
    "progress",
    "result",
    "capability",
    "type",
    "idempotencyKey",
    "from",
    "message",
    "id",
    "agent_id",
    "to_agent",
    "from_agent",
    "message_id",
    "file_key",
    "content",
    "file_type",
    "response",
    "reason",
    "is_final",
];
const VALUES: &[&str] = &[
    r#""a""#,
    r#""system""#,
    r#""""#,
    "1",
    "0",
    "-1",
    "1.5",
    "1e400",
    "true",
    "null",
    "[]",
    "{}",
    r#"["a","b"]"#,
    r#""send""#,
    r#""ack""#,
    r#""completed""#,
    r#""high""#,
    r#""https://example.com/x""#,
    r#""2026-01-31T12:00:00.000Z""#,
    r#""0123456789abcdef0123456789abcdef0123456789abcdef""#,
    r#""PEARL-FOCAL-S5SJV""#,
    r#""docs/plan.md""#,
    r#""../x""#,
    r#""\u0000""#,
    r#""\ud800""#,
    r#"{"a":{"b":[1]}}"#,
];
/// Fields of what is inside of a sealed string, and of what a client remembers.
const SEALED: &[&str] = &[
    r#""n":1"#,
    r#""n":4294967295"#,
    r#""n":{"alice":7,"bob":1}"#,
    r#""skip":[1,[3,4294967295]]"#,
    r#""skip":{"alice":[[0,5],6]}"#,
    r#""prev":"AAECAwQFBgcICQoLDA0ODw""#,
    r#""of":"AAECAwQFBgcICQoLDA0ODw""#,
    r#""f":"text""#,
    r#""from":"alice""#,
    r#""to":["bob"]"#,
    r#""json":null"#,
    r#""text":"x""#,
    r#""contentType":"text/plain""#,
    r#""base":4294967295"#,
    r#""runs":[{"from":"0","to":"9","streams":{"alice":{"last":5,"gaps":[[1,3]]}}}]"#,
    r#""runs":[{"from":"9","to":"0"}]"#,
    r#""seen":{"AAECAwQFBgcICQoLDA0ODw":18446744073709551615}"#,
    r#""keys":{"alice":{"fingerprint":"x","since":"0"}}"#,
    r#""counters":{"everyone":{"first":1,"last":4294967295,"pending":[2]}}"#,
];
const QUERIES: &[&str] = &[
    "after",
    "limit",
    "wait",
    "members",
    "topic",
    "tags",
    "capability",
    "status",
    "assignee",
    "from",
    "prefix",
    "last",
    "with",
];

fn object() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        4 => prop::sample::select(VALUES).prop_map(ToOwned::to_owned),
        1 => any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        1 => any::<f64>().prop_map(|number| number.to_string()),
    ];
    let field = (prop::sample::select(NAMES), value);
    prop::collection::vec(field, 0..8).prop_map(|fields| {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(",")).into_bytes()
    })
}

/// A plaintext, or the history of a client.
fn sealed_object() -> impl Strategy<Value = Vec<u8>> {
    let fields = prop::sample::subsequence(SEALED, 0..5);
    (fields, "( *|\\n.{0,20})")
        .prop_map(|(fields, behind)| format!("{{{}}}{behind}", fields.join(",")).into_bytes())
}

fn query() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof!["[0-9]{0,17}", "[a-z,%+0-9]{0,12}", any::<String>()];
    let pair =
        (prop::sample::select(QUERIES), value).prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("&").into_bytes())
}

fn input() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        any::<String>().prop_map(String::into_bytes),
        "[A-Za-z0-9_. /:=+-]{0,60}".prop_map(String::into_bytes),
        "(nxk_|nxs_|ghp_|sk-|AKIA|password = |-----BEGIN )[A-Za-z0-9_/+-]{0,60}"
            .prop_map(String::into_bytes),
        object(),
        query(),
        sealed_object(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn ids_keep_the_properties(data in input()) { ids(&data); }

    #[test]
    fn bodies_keep_the_properties(data in input()) { bodies(&data); }

    #[test]
    fn queries_keep_the_properties(data in input()) { queries(&data); }

    #[test]
    fn frames_keep_the_properties(data in input()) { frames(&data); }

    #[test]
    fn redaction_keeps_the_properties(data in input()) { redaction(&data); }

    #[test]
    fn sealed_strings_keep_the_properties(data in input()) { sealed(&data); }
}
