//! Adding an entry to a configuration file of which every other byte stays as it is.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use std::fmt;

const OTHER: &str = "has another server of the name `nexus`";

/// Adds a table to a TOML file: `[mcp_servers.nexus]` and its lines. `None` if the same is there already.
pub(super) fn into_toml(text: &str, table: &str) -> Result<Option<String>, &'static str> {
    let parse = |text: &str| text.parse::<toml::Table>().ok();
    let server = |table: &toml::Table| table.get("mcp_servers")?.get("nexus").cloned();
    let before = parse(text).ok_or("is not valid TOML")?;
    let ours = parse(table).and_then(|table| server(&table));
    if let Some(there) = server(&before) {
        return if Some(there) == ours { Ok(None) } else { Err(OTHER) };
    }
    let gap = if text.is_empty() || text.ends_with("\n\n") {
        ""
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let new = format!("{text}{gap}{table}\n");
    // A file that has `mcp_servers` on one line takes no table.
    let mut after = parse(&new).ok_or("has its servers on one line")?;
    let has_ours = server(&after) == ours;
    let servers = after.get_mut("mcp_servers").and_then(toml::Value::as_table_mut);
    servers.map(|servers| servers.remove("nexus"));
    let is_same = |name: &str| {
        let is_empty = |value: &toml::Value| value.as_table().is_some_and(toml::Table::is_empty);
        before.get(name) == after.get(name)
            || (name == "mcp_servers"
                && !before.contains_key(name)
                && after.get(name).is_some_and(is_empty))
    };
    let is_kept = before.keys().chain(after.keys()).all(|name| is_same(name));
    (has_ours && is_kept).then_some(Some(new)).ok_or("cannot be added to")
}

/// The fields of an object, as they stand in the text.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// Adds `entry` to a JSON file as `nexus` in the object at this path. `None` if the same is there already.
pub(super) fn into_json(
    text: &str,
    path: &[&str],
    entry: &Value,
) -> Result<Option<String>, &'static str> {
    const INVALID: &str = "is not plain JSON: it may have comments, which would be lost";
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    // Where the innermost object that exists begins, and which names of the path it has not.
    let (mut object, mut begin, mut rest) = (text, 0_usize, path);
    loop {
        let fields = serde_json::from_str::<Fields<'_>>(object);
        let Fields(fields) = fields.map_err(|_| {
            if begin == 0 { INVALID } else { "has something else in the place of the servers" }
        })?;
        let open = object.find('{').ok_or(INVALID)?;
        let inner = begin.saturating_add(open).saturating_add(1);
        let name = rest.first().copied().unwrap_or("nexus");
        let mut found = fields.iter().filter(|(known, _)| known == name).map(|(_, value)| *value);
        match (found.next(), rest.split_first()) {
            (Some(there), None) => {
                let there: Option<Value> = serde_json::from_str(there.get()).ok();
                return if there.as_ref() == Some(entry) { Ok(None) } else { Err(OTHER) };
            }
            (Some(value), Some((_, left))) => {
                let offset = (value.get().as_ptr().addr()).saturating_sub(text.as_ptr().addr());
                (object, begin, rest) = (value.get(), offset, left);
            }
            (None, _) => {
                let depth = path.len().saturating_sub(rest.len()).saturating_add(1);
                return insert(text, inner, depth, rest, entry, fields.is_empty());
            }
        }
    }
}

fn insert(
    text: &str,
    at: usize,
    depth: usize,
    missing: &[&str],
    entry: &Value,
    is_empty: bool,
) -> Result<Option<String>, &'static str> {
    const FAILED: &str = "cannot be added to";
    let (outer, name) =
        missing.split_first().map_or((None, "nexus"), |(first, rest)| (Some(rest), *first));
    let mut value = entry.clone();
    if let Some(rest) = outer {
        value = Value::Object([("nexus".to_owned(), value)].into_iter().collect());
        for name in rest.iter().rev() {
            value = Value::Object([((*name).to_owned(), value)].into_iter().collect());
        }
    }
    let pretty = serde_json::to_string_pretty(&value).map_err(|_| FAILED)?;
    let indent = "  ".repeat(depth);
    let pretty = pretty.replace('\n', &format!("\n{indent}"));
    let (head, tail) = text.split_at_checked(at).ok_or(FAILED)?;
    let end = if is_empty {
        let tail = "  ".repeat(depth.saturating_sub(1));
        format!("\n{tail}")
    } else {
        ",".to_owned()
    };
    let tail = if is_empty { tail.trim_start() } else { tail };
    let new = format!("{head}\n{indent}\"{name}\": {pretty}{end}{tail}");
    serde_json::from_str::<Value>(&new).map_err(|_| FAILED)?;
    Ok(Some(new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn added(text: &str) -> String {
        let entry = json!({ "command": "nexus", "args": ["mcp"] });
        into_json(text, &["mcp", "servers"], &entry).unwrap().unwrap()
    }

    #[test]
    fn everything_else_in_a_json_file_stays_as_it_is() {
        let kept = "{\n    \"z\": 1.10,\n    \"mcp\" : { \"servers\": {\"a b\": [ 1,2 ]}, \"x\": null },\n\t\"a\": 12345678901234567890123\n}\n";
        let new = added(kept);
        let (head, tail) = kept.split_at(kept.find("\"a b\"").unwrap());
        assert!(new.starts_with(head) && new.ends_with(tail), "{new}");
        let value: Value = serde_json::from_str(&new).unwrap();
        assert_eq!(value["mcp"]["servers"]["nexus"]["args"], json!(["mcp"]));
        for text in
            ["", "{}", " {\n}\n", "{\"mcp\":{}}", "{\"mcp\":{\"servers\":{}}}", "{\"mcpx\":1}"]
        {
            let value: Value = serde_json::from_str(&added(text)).unwrap();
            assert_eq!(value["mcp"]["servers"]["nexus"]["command"], "nexus", "{text}");
        }
        let pretty = added("");
        assert!(
            pretty.starts_with("{\n  \"mcp\": {\n    \"servers\": {\n      \"nexus\": {"),
            "{pretty}"
        );
        assert!(pretty.ends_with("\n}\n"), "{pretty}");
    }

    #[test]
    fn what_is_there_is_not_added_twice_and_not_replaced() {
        let entry = json!({ "command": "nexus" });
        let text = into_json("", &["mcpServers"], &entry).unwrap().unwrap();
        assert_eq!(into_json(&text, &["mcpServers"], &entry), Ok(None));
        assert_eq!(into_json(&text, &["mcpServers"], &json!({ "url": "x" })), Err(OTHER));
    }

    #[test]
    fn files_with_comments_are_left_alone() {
        for text in ["{ // mine\n}", "{'a':1}", "{\"a\":1,}", "[]", "{\"mcp\":[]}", "x"] {
            assert!(into_json(text, &["mcp", "servers"], &json!({})).is_err(), "{text}");
        }
    }

    const TABLE: &str = "[mcp_servers.nexus]\ncommand = \"nexus\"\nargs = [\"mcp\"]";

    #[test]
    fn a_toml_file_keeps_its_comments() {
        for text in ["", "# mine\nmodel = \"x\" # why\n\n[mcp_servers.a]\ncommand = \"a\"", "a = 1"]
        {
            let new = into_toml(text, TABLE).unwrap().unwrap();
            assert!(new.starts_with(text), "{new}");
            let table: toml::Table = new.parse().unwrap();
            assert_eq!(table["mcp_servers"]["nexus"]["command"].as_str(), Some("nexus"));
            assert_eq!(into_toml(&new, TABLE), Ok(None));
        }
        for text in [
            "mcp_servers = { a = { command = \"a\" } }",
            "x = ",
            "[mcp_servers.nexus]\ncommand = \"b\"",
        ] {
            assert!(into_toml(text, TABLE).is_err(), "{text}");
        }
    }
}
