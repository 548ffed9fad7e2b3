//! The oldest browsers in which the pages work, and what newer ones have besides: by MDN's table of what each
//! browser has since when.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::project::{self, Project};

/// The base line: the oldest versions in which everything works.
pub const OLDEST: [(&str, f64); 3] = [("chrome", 109.0), ("firefox", 115.0), ("safari_ios", 16.0)];

/// The base line, as `esbuild` is told it.
pub const TARGET: &str = "chrome109,firefox115,ios16";

/// MDN's table.
#[derive(Debug)]
pub struct Table(Value);

impl Table {
    /// Reads the table of this checkout.
    ///
    /// # Errors
    /// It is not installed: `cargo xtask setup` does it.
    pub fn read(project: &Project) -> Result<Self> {
        let path = project.path("node_modules/@mdn/browser-compat-data/data.json");
        let text = project::read(&path).context("run `cargo xtask setup`")?;
        Ok(Self(serde_json::from_str(&text).context("a table that is no JSON")?))
    }

    /// A part of the table, by its names. Null if there is none.
    #[must_use]
    pub fn part(&self, names: &[&str]) -> &Value {
        names.iter().fold(&self.0, |part, name| part.get(name).unwrap_or(&Value::Null))
    }

    /// What is newer than the base line: pairs of an interface of the browser or of the language and a name in
    /// it, which is `None` if all of the interface is newer.
    #[must_use]
    pub fn newer(&self) -> Vec<(&str, Option<&str>)> {
        let mut newer = Vec::new();
        for all in [self.part(&["api"]), self.part(&["javascript", "builtins"])] {
            for (owner, parts) in all.as_object().into_iter().flatten() {
                if !is_old(parts) {
                    newer.push((owner.as_str(), None));
                    continue;
                }
                let parts = parts.as_object().into_iter().flatten();
                let names = parts.filter(|(name, part)| !name.starts_with("__") && !is_old(part));
                newer.extend(
                    names.map(|(name, _)| (owner.as_str(), Some(name.trim_end_matches("_static")))),
                );
            }
        }
        newer
    }
}

/// Whether every browser of the base line has what a part of the table is about. A part about nothing only
/// holds others.
#[must_use]
pub fn is_old(part: &Value) -> bool {
    let Some(support) = part.pointer("/__compat/support") else { return true };
    OLDEST.iter().all(|(browser, oldest)| {
        support.get(browser).is_some_and(|statements| has(statements, *oldest))
    })
}

/// Whether a browser of this version has it: always, and under its name.
fn has(statements: &Value, version: f64) -> bool {
    let statements = statements.as_array().map_or(std::slice::from_ref(statements), Vec::as_slice);
    statements.iter().any(|statement| {
        let number = |name: &str| statement.get(name).and_then(number);
        let is_plain = ["flags", "prefix", "alternative_name"]
            .iter()
            .all(|condition| statement.get(condition).is_none());
        is_plain
            && number("version_added").is_some_and(|added| added <= version)
            && number("version_removed").is_none_or(|removed| removed > version)
    })
}

/// A version such as `16.4` or `≤37`.
fn number(version: &Value) -> Option<f64> {
    version.as_str()?.trim_start_matches('≤').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::has;
    use serde_json::{Value, json};

    #[test]
    fn versions_are_compared_as_the_table_means_them() {
        let added = |version: Value| json!({ "version_added": version });
        let removed = json!({ "version_added": "1", "version_removed": "9" });
        let twice = json!([added(json!("17")), removed]);
        let cases = [
            (added(json!("≤37")), false),
            (added(json!("≤13")), true),
            (added(json!("16")), true),
            (added(json!("16.4")), false),
            (added(json!(false)), false),
            (added(json!("preview")), false),
            (json!({ "version_added": "1", "flags": [] }), false),
            (removed, false),
            (twice, false),
            (json!([added(json!("17")), added(json!("3"))]), true),
            (Value::Null, false),
        ];
        for (statements, expected) in cases {
            assert_eq!(has(&statements, 16.0), expected, "{statements}");
        }
    }
}
