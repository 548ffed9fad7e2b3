//! `cargo xtask openapi`: updates `docs/openapi.json` from the types of the code.
//!
//! The types ([`nexus_protocol::schema`]) decide which schemas and fields exist, their types, and
//! which fields are required. Paths, descriptions and bounds of fields are written by hand and are
//! kept. A test fails if the document and the types differ.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use crate::project::{self, Project};

const DOCUMENT: &str = "docs/openapi.json";

/// What stands before and after the schemas.
const BEGIN: &str = "    \"schemas\": {\n";
const END: &str = "\n    },\n    \"parameters\": {";

/// The width of a line of the document.
const WIDTH: usize = 120;

/// The keywords that no type can express. The document keeps them.
const KEPT: [&str; 14] = [
    "description",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "default",
    "const",
    "not",
    "examples",
    "additionalProperties",
];

/// Schemas of bodies that are read field by field, so that no type describes them.
const BY_HAND: [&str; 5] = ["GiveTask", "ChangeTask", "ReplaceSecret", "SetAllowOnly", "MailPage"];

/// Requests are read field by field. The code that reads them decides which fields are required.
const REQUESTS: [&str; 8] = [
    "Ack",
    "ChangeCard",
    "CreatePairing",
    "CreateSession",
    "Profile",
    "Register",
    "SendMail",
    "SendMessage",
];

/// Rewrites the document.
///
/// # Errors
/// The document cannot be read or written.
pub fn run(project: &Project) -> Result<()> {
    let path = project.path(DOCUMENT);
    project::write(&path, &current(&read(project)?)?)
}

fn read(project: &Project) -> Result<String> {
    fs::read_to_string(project.path(DOCUMENT)).context("docs/openapi.json cannot be read")
}

/// What the document should be, given its current text.
fn current(text: &str) -> Result<String> {
    let document: Value = serde_json::from_str(text).context("docs/openapi.json is not JSON")?;
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    let schemas = schemas.context("docs/openapi.json has no schemas")?;
    let mut made = Map::new();
    for (name, mut of_type) in nexus_protocol::schema::schemas() {
        clean(&mut of_type);
        let documented = schemas.get(&name).unwrap_or(&Value::Null);
        merge(&mut of_type, documented);
        if let Some(fields) = of_type.as_object_mut().filter(|_| REQUESTS.contains(&name.as_str()))
        {
            fields.remove("required");
            fields.extend(
                documented.get("required").map(|needed| ("required".to_owned(), needed.clone())),
            );
        }
        made.insert(name, of_type);
    }
    for name in BY_HAND {
        made.insert(name.to_owned(), schemas.get(name).cloned().unwrap_or_default());
    }
    // The rest of the text keeps its order and its form.
    let (before, rest) = text.split_once(BEGIN).context("the schemas are not where they were")?;
    let (_, after) = rest.split_once(END).context("the end of the schemas is not found")?;
    let mut text = format!("{before}{}", BEGIN.trim_end_matches("{\n"));
    write(&Value::Object(made), "    ", &mut text);
    Ok(text + END.trim_start_matches("\n    }") + after)
}

/// Removes from a schema what only concerns Rust. An optional field is never `null`, ranges of
/// machine integers are not bounds, and links in comments become plain words.
fn clean(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else {
        schema.as_array_mut().into_iter().flatten().for_each(clean);
        return;
    };
    fields.remove("title");
    if fields.get("format").is_some_and(|format| format != "date-time" && format != "uri") {
        fields.remove("format");
    }
    if let Some(Value::String(words)) = fields.get_mut("description") {
        *words = words.replace("[`", "`").replace("`]", "`").replace('\n', " ");
    }
    let required = fields.get("required").cloned().unwrap_or_default();
    let properties = fields.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        let is_required =
            required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
        if !is_required {
            never_null(property);
        }
    }
    fields.values_mut().for_each(clean);
}

fn never_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").filter(|types| types.is_array()) {
        let first = types.as_array().and_then(|types| types.iter().find(|kind| *kind != "null"));
        *types = first.cloned().unwrap_or_default();
    }
    let choices = schema.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let left: Vec<Value> = choices
        .into_iter()
        .filter(|choice| choice != &serde_json::json!({ "type": "null" }))
        .collect();
    if let ([only], Some(fields)) = (&left[..], schema.as_object_mut()) {
        fields.remove("anyOf");
        fields.extend(only.as_object().cloned().unwrap_or_default());
    }
}

/// Copies the hand-written parts of a documented schema into the schema of the type.
fn merge(schema: &mut Value, documented: &Value) {
    if *schema == true {
        *schema = Value::Object(Map::new());
    }
    let (Some(fields), Some(known)) = (schema.as_object_mut(), documented.as_object()) else {
        return;
    };
    // A referenced schema is described where it is defined. The values of an enum come from its
    // type.
    let kept: &[&str] =
        if fields.contains_key("$ref") { &["description", "const", "default"] } else { &KEPT };
    for (name, value) in known.iter().filter(|(name, _)| kept.contains(&name.as_str())) {
        fields.insert(name.clone(), value.clone());
    }
    if let (Some(items), Some(known)) = (fields.get_mut("items"), known.get("items")) {
        merge(items, known);
    }
    let properties = fields.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        let known = known.get("properties").and_then(|properties| properties.get(name));
        merge(property, known.unwrap_or(&Value::Null));
    }
}

/// Writes JSON. A value that fits on a line is written on one.
fn write(value: &Value, indent: &str, text: &mut String) {
    let flat = line(value);
    let (open, items, close) = match value {
        _ if flat.len().saturating_add(indent.len()) <= WIDTH => return text.push_str(&flat),
        Value::Object(fields) => {
            ("{", fields.iter().map(|(name, value)| (Some(name), value)).collect(), "}")
        }
        Value::Array(items) => {
            ("[", items.iter().map(|value| (None, value)).collect::<Vec<_>>(), "]")
        }
        _ => return text.push_str(&flat),
    };
    text.push_str(open);
    let deeper = format!("{indent}  ");
    for (number, (name, value)) in items.into_iter().enumerate() {
        text.push_str(if number == 0 { "\n" } else { ",\n" });
        text.push_str(&deeper);
        if let Some(name) = name {
            text.extend([line(&Value::from(name.as_str())).as_str(), ": "]);
        }
        write(value, &deeper, text);
    }
    text.extend(["\n", indent, close]);
}

fn line(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let item = |(name, value): (&String, &Value)| {
                format!("{}: {}", Value::from(name.as_str()), line(value))
            };
            format!("{{{}}}", fields.iter().map(item).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(line).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_what_the_types_are() {
        let text = read(&Project::here().unwrap()).unwrap();
        let fix = "run `cargo xtask openapi`, then read what has changed";
        assert!(current(&text).unwrap() == text, "docs/openapi.json is not up to date: {fix}");
    }

    #[test]
    fn an_added_removed_or_changed_field_is_noticed() {
        let text = read(&Project::here().unwrap()).unwrap();
        let mut sent: Value = serde_json::from_str(&text).unwrap();
        let sent = sent.pointer_mut("/components/schemas/Sent").unwrap();
        let now = line(sent);
        for (pointer, value) in [
            ("/required", serde_json::json!(["id"])),
            ("/properties", serde_json::json!({ "id": {}, "more": { "type": "string" } })),
            ("/properties/verified/type", "string".into()),
        ] {
            let mut other = sent.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            merge(sent, &other);
            assert_eq!(line(sent), now, "{pointer}: the type counts");
        }
        let words = serde_json::json!({ "properties": { "id": { "description": "New words." } } });
        merge(sent, &words);
        assert_ne!(line(sent), now, "words are the document's");
    }

    /// The value that a reference points to.
    fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(name) => {
                resolved(document, document.pointer(name.trim_start_matches('#')).expect(name))
            }
            None => value,
        }
    }

    #[test]
    fn every_body_has_an_example_with_all_required_fields() {
        let document: Value =
            serde_json::from_str(&read(&Project::here().unwrap()).unwrap()).unwrap();
        let mut bodies = 0;
        let operations = document["paths"].as_object().unwrap().values();
        for operation in operations.flat_map(|path| path.as_object().unwrap().values()) {
            let answers = operation["responses"].as_object().unwrap().values();
            let all = answers.chain(operation.get("requestBody"));
            for body in all.map(|body| resolved(&document, body)) {
                let contents = body.get("content").and_then(Value::as_object);
                for (kind, content) in contents.into_iter().flatten() {
                    if !kind.contains("json") {
                        continue;
                    }
                    bodies += 1;
                    let name = &operation["operationId"];
                    let example =
                        content.get("example").unwrap_or_else(|| panic!("{name}: {body}"));
                    let schema = resolved(&document, &content["schema"]);
                    for field in schema["required"].as_array().into_iter().flatten() {
                        assert!(example.get(field.as_str().unwrap()).is_some(), "{name}: {field}");
                    }
                }
            }
        }
        assert!(bodies > 300, "{bodies}");
    }

    /// A call that takes the header says that it may be missing.
    #[test]
    fn every_call_with_an_agent_id_may_lack_it() {
        let document: Value =
            serde_json::from_str(&read(&Project::here().unwrap()).unwrap()).unwrap();
        let mut calls = 0;
        for path in document["paths"].as_object().unwrap().values() {
            for operation in path.as_object().unwrap().values() {
                let parameters = operation.get("parameters").and_then(Value::as_array);
                let is_agent = |one: &Value| one["$ref"] == "#/components/parameters/agentId";
                if !parameters.is_some_and(|all| all.iter().any(is_agent)) {
                    continue;
                }
                calls += 1;
                let bad = resolved(&document, &operation["responses"]["400"]).to_string();
                assert!(bad.contains("missing_agent_id"), "{}", operation["operationId"]);
            }
        }
        assert!(calls > 20, "{calls}");
    }
}
