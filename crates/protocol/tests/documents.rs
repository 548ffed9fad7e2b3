//! What documents say about errors is what the table of the code says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use nexus_protocol::{ERRORS, ErrorCode};
use serde_json::Value;
use std::collections::BTreeSet;

const PROTOCOL: &str = include_str!("../../../docs/protocol.md");
const OPENAPI: &str = include_str!("../../../docs/openapi.json");

/// The name of a code on the wire.
fn wire(code: ErrorCode) -> String {
    serde_json::to_value(code).unwrap().as_str().unwrap().to_owned()
}

/// A status with a code that goes with it.
type Pair = (u16, String);

fn pairs() -> BTreeSet<Pair> {
    ERRORS.iter().map(|line| (line.status, wire(line.code))).collect()
}

/// The cells of a row of a Markdown table.
fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_end_matches(" |")).collect()
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The section of the protocol of this number.
fn section(number: u8) -> &'static str {
    let start = PROTOCOL.find(&format!("\n## {number}. ")).unwrap();
    let rest = PROTOCOL.get(start..).unwrap();
    let end = rest.get(1..).unwrap().find("\n## ").map_or(rest.len(), |end| end + 1);
    rest.get(..end).unwrap()
}

#[test]
fn the_protocol_lists_every_error_with_its_status() {
    let mut listed = BTreeSet::new();
    for row in section(6).lines().filter(|line| line.starts_with("| ")) {
        let cells = cells(row);
        if let Ok(status) = cells[0].parse() {
            listed.extend(quoted(cells[1]).map(|code| (status, code.to_owned())));
        }
    }
    assert_eq!(listed, pairs());
}

#[test]
fn every_error_names_a_section_and_tells_what_to_do() {
    for line in ERRORS {
        assert!(section(line.section).len() > 100, "{line:?}");
        assert!(line.sentence.ends_with('.') && !line.sentence.contains(';'), "{line:?}");
    }
}

#[test]
fn openapi_names_every_error_with_its_status() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let responses = &document["components"]["responses"];
    let mut listed = BTreeSet::new();
    for call in document["paths"].as_object().unwrap().values() {
        for operation in call.as_object().unwrap().values() {
            for (status, response) in operation["responses"].as_object().into_iter().flatten() {
                let name = response["$ref"].as_str().map(|path| path.rsplit('/').next().unwrap());
                let response = name.map_or(response, |name| &responses[name]);
                let mut codes = BTreeSet::new();
                collect_codes(response, &mut codes);
                listed.extend(codes.into_iter().map(|code| (status.parse().unwrap(), code)));
            }
        }
    }
    // A method that a path does not have has no place there.
    listed.insert((405, wire(ErrorCode::MethodNotAllowed)));
    assert_eq!(listed, pairs());
}

/// The codes that a response may have, and the one of its example.
fn collect_codes(response: &Value, codes: &mut BTreeSet<String>) {
    match response {
        Value::Array(list) => list.iter().for_each(|value| collect_codes(value, codes)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("error", Value::Object(form)) => {
                        let list = form.get("enum").and_then(Value::as_array);
                        codes.extend(
                            list.into_iter()
                                .flatten()
                                .map(|code| code.as_str().unwrap().to_owned()),
                        );
                    }
                    ("error", Value::String(code)) if !code.contains(' ') => {
                        codes.insert(code.clone());
                    }
                    (_, value) => collect_codes(value, codes),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn the_examples_of_openapi_are_sentences_of_the_table() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut examples = Vec::new();
    collect_examples(&document, &mut examples);
    assert!(examples.len() > 20, "{examples:?}");
    examples.retain(|(code, message)| {
        let mut lines = ERRORS.iter().filter(|line| wire(line.code) == *code);
        !lines.any(|line| fits(line.sentence, message))
    });
    assert!(examples.is_empty(), "{examples:#?}");
}

/// The code and the sentence of every error that is given as an example.
fn collect_examples(value: &Value, examples: &mut Vec<(String, String)>) {
    if let (Some(code), Some(message)) = (value["error"].as_str(), value["message"].as_str()) {
        examples.push((code.to_owned(), message.to_owned()));
    }
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect_examples(value, examples)),
        Value::Object(fields) => {
            fields.values().for_each(|value| collect_examples(value, examples));
        }
        _ => {}
    }
}

/// Whether `message` is `sentence` with something in place of each placeholder.
fn fits(sentence: &str, message: &str) -> bool {
    let mut rest = message;
    for part in sentence.split('{').map(|part| part.split_once('}').map_or(part, |(_, end)| end)) {
        match rest.split_once(part) {
            Some((_, end)) => rest = end,
            None => return false,
        }
    }
    rest.is_empty()
}
