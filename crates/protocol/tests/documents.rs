//! Documents say the same about errors and variables as the tables in the code.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use nexus_protocol::{ERRORS, ErrorCode, Limits, Setting};
use serde_json::Value;
use std::collections::BTreeSet;

const PROTOCOL: &str = include_str!("../../../docs/protocol.md");
const OPENAPI: &str = include_str!("../../../docs/openapi.json");
const README: &str = include_str!("../../../README.md");
const WRANGLER: &str = include_str!("../../../wrangler.toml");

/// The name of a code on the wire.
fn wire(code: ErrorCode) -> String {
    serde_json::to_value(code).unwrap().as_str().unwrap().to_owned()
}

/// A status, with a code that belongs to it.
type Pair = (u16, String);

fn pairs() -> BTreeSet<Pair> {
    ERRORS.iter().map(|line| (line.status, wire(line.code))).collect()
}

/// The cells of a row of a Markdown table.
fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_end_matches(" |")).collect()
}

/// The texts in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The section of the protocol with this number.
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
fn every_error_names_a_section_and_says_what_to_do() {
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
    // 405 is not listed for each call.
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
fn the_readme_lists_every_variable() {
    let numbers =
        Limits::VARIABLES.iter().map(|v| format!("| `{}` | {} | {} |", v.name, v.default, v.about));
    let settings = Setting::ALL.iter().map(|setting| {
        let default = match setting.deployed {
            None => "not set".to_owned(),
            Some("") => "empty".to_owned(),
            Some(value) => format!("`{value}`"),
        };
        format!("| `{}` | {default} | {} |", setting.name, setting.about)
    });
    let expected: Vec<String> = numbers.chain(settings).collect();
    let (_, rows) = README.split_once("| variable | default |").unwrap();
    let rows: Vec<&str> = rows.lines().skip(2).take_while(|line| !line.is_empty()).collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_deployment_sets_every_variable_to_its_default() {
    let numbers = Limits::VARIABLES.iter().map(|v| (v.name, v.default.to_string()));
    let settings = Setting::ALL
        .iter()
        .filter_map(|setting| setting.deployed.map(|value| (setting.name, format!("\"{value}\""))));
    let expected: BTreeSet<(&str, String)> = numbers.chain(settings).collect();
    let (_, variables) = WRANGLER.split_once("\n[vars]\n").unwrap();
    let set: BTreeSet<(&str, String)> = variables
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    assert_eq!(set, expected);
}

#[test]
fn the_protocol_gives_the_default_and_the_range_of_every_limit() {
    let mut listed = BTreeSet::new();
    for number in [1, 8, 9] {
        let (_, table) = section(number).split_once("| limit | default | variable |").unwrap();
        for row in table.lines().skip(2).take_while(|line| !line.is_empty()) {
            let cells = cells(row);
            let Some(variable) = quoted(cells[2]).next() else { continue };
            let Some(limit) = Limits::VARIABLES.iter().find(|v| v.name == variable) else {
                let is_other = variable.ends_with("_LIMITER") || cells[2].starts_with("follows");
                assert!(is_other, "{row}");
                continue;
            };
            // Some rows refer to another variable, and give neither a default nor a range.
            if let Some(most) = cells.get(3).filter(|range| !range.is_empty()) {
                let default = cells[1].split(' ').next().unwrap();
                assert_eq!(default, limit.default.to_string(), "{row}");
                assert_eq!(*most, range(limit.least, limit.most), "{row}");
                listed.insert(variable);
            }
        }
    }
    // Listed in other tables of the protocol: the rates of section 1, and those of a dialect.
    let elsewhere = ["AGENT_REQUESTS_PER_MINUTE", "OPENDIALOGUE_KEY_SECONDS"];
    listed.extend(elsewhere);
    assert_eq!(listed, Limits::VARIABLES.iter().map(|variable| variable.name).collect());
}

/// A range as the protocol writes it. The maximum is a number or the name of a variable.
fn range(least: u32, most: &str) -> String {
    match Limits::VARIABLES.iter().find(|variable| variable.field == most) {
        Some(variable) => format!("{least} to `{}`", variable.name),
        None => format!("{least} to {}", most.replace('_', "")),
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

/// The code and the sentence of every error among the examples.
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
