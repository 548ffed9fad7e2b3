//! The parts of `wrangler.toml` that a local relay needs.
//!
//! It is the only source for bindings and variables. Unknown sections are rejected: a relay that
//! silently lacks a binding would fail later and less clearly.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use toml::Value;

use crate::project::{self, Project};

/// Sections that say how to build or deploy, and do not affect what is bound.
const DEPLOYMENT_ONLY: [&str; 13] = [
    "$schema",
    "account_id",
    "build",
    "limits",
    "logpush",
    "main",
    "migrations",
    "observability",
    "placement",
    "preview_urls",
    "routes",
    "triggers",
    "workers_dev",
];

/// Variables that are set as secrets. They must not be in `wrangler.toml`, because the platform
/// rejects a variable that is also a secret.
const SECRETS: [&str; 1] = ["ADMIN_TOKEN"];

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Wrangler {
    pub(super) name: String,
    pub(super) compatibility_date: String,
    #[serde(default)]
    pub(super) compatibility_flags: Vec<String>,
    #[serde(default)]
    pub(super) durable_objects: DurableObjects,
    #[serde(default)]
    pub(super) ratelimits: Vec<RateLimit>,
    #[serde(default)]
    pub(super) vars: BTreeMap<String, Value>,
    #[serde(flatten, skip_serializing)]
    others: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct DurableObjects {
    pub(super) bindings: Vec<DurableObject>,
}

/// A Durable Object class of the Worker, with `SQLite` storage.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DurableObject {
    pub(super) name: String,
    pub(super) class_name: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimit {
    pub(super) name: String,
    pub(super) namespace_id: String,
    pub(super) simple: Simple,
}

/// Allows `limit` requests in `period` seconds.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Simple {
    pub(super) limit: u32,
    pub(super) period: u32,
}

impl Wrangler {
    pub(super) fn read(project: &Project) -> Result<Self> {
        Self::parse(&project::read(&project.path("wrangler.toml"))?)
    }

    fn parse(text: &str) -> Result<Self> {
        let wrangler: Self =
            toml::from_str(text).context("wrangler.toml has something that xtask cannot read")?;
        let unknown = wrangler.others.keys().find(|key| !DEPLOYMENT_ONLY.contains(&key.as_str()));
        if let Some(key) = unknown {
            bail!(
                "wrangler.toml has `{key}`, which the local relay does not know: \
                 teach it in xtask/src/relay/, or use `npx wrangler dev`"
            );
        }
        Ok(wrangler)
    }

    /// As JSON, with the names of the secrets: what a launcher elsewhere must know to serve the Worker.
    pub(super) fn to_json(&self) -> Result<String> {
        let mut json = serde_json::to_value(self)?;
        if let Some(json) = json.as_object_mut() {
            json.insert("secrets".to_owned(), SECRETS.to_vec().into());
        }
        Ok(format!("{}\n", serde_json::to_string_pretty(&json)?))
    }

    /// Sets a variable. If its value in `wrangler.toml` is not a text, the new one has the same
    /// type.
    pub(super) fn set_var(&mut self, name: &str, text: &str) -> Result<()> {
        let value = match self.vars.get(name) {
            None if SECRETS.contains(&name) => Value::String(text.to_owned()),
            None => {
                let known: Vec<_> = self.vars.keys().map(String::as_str).collect();
                bail!("there is no variable {name}: wrangler.toml has {}", known.join(", "))
            }
            Some(Value::String(_)) => Value::String(text.to_owned()),
            Some(old) => parse_like(old, text)
                .with_context(|| format!("{name} is set to `{text}`, but it is {}", kind(old)))?,
        };
        self.vars.insert(name.to_owned(), value);
        Ok(())
    }
}

fn parse_like(old: &Value, text: &str) -> Option<Value> {
    match old {
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Float(_) => text.parse().ok().map(Value::Float),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "`true` or `false`",
        _ => "a structure, which only wrangler.toml can set",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "name = 'relay'\nmain = 'x'\ncompatibility_date = '2026-11-01'\n";

    #[test]
    fn an_unknown_binding_is_refused() {
        let error =
            Wrangler::parse(&format!("{MINIMAL}[[kv_namespaces]]\nbinding = 'KV'")).unwrap_err();
        assert!(error.to_string().contains("`kv_namespaces`"), "{error}");
    }

    #[test]
    fn a_launcher_is_told_of_everything_that_is_bound() {
        let text = format!(
            "{MINIMAL}[durable_objects]\nbindings = [{{ name = 'A', class_name = 'B' }}]\n\
             [[ratelimits]]\nname = 'L'\nnamespace_id = '1'\nsimple = {{ limit = 9, period = 60 }}\n\
             [vars]\nTTL = 5\nWHO = 'me'"
        );
        let json = Wrangler::parse(&text).unwrap().to_json().unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json).unwrap(),
            serde_json::json!({
                "name": "relay",
                "compatibility_date": "2026-11-01",
                "compatibility_flags": [],
                "durable_objects": { "bindings": [{ "name": "A", "class_name": "B" }] },
                "ratelimits": [
                    { "name": "L", "namespace_id": "1", "simple": { "limit": 9, "period": 60 } },
                ],
                "vars": { "TTL": 5, "WHO": "me" },
                "secrets": ["ADMIN_TOKEN"],
            })
        );
    }

    #[test]
    fn a_variable_keeps_its_type() {
        let text = format!("{MINIMAL}[vars]\nTTL = 5\nOPEN = true\nWHO = 'me'");
        let mut wrangler = Wrangler::parse(&text).unwrap();
        wrangler.set_var("TTL", "60").unwrap();
        wrangler.set_var("OPEN", "false").unwrap();
        wrangler.set_var("WHO", "7").unwrap();
        assert_eq!(wrangler.vars["TTL"], Value::Integer(60));
        assert_eq!(wrangler.vars["OPEN"], Value::Boolean(false));
        assert_eq!(wrangler.vars["WHO"], Value::String("7".into()));
        let error = wrangler.set_var("NEW", "8").unwrap_err();
        assert!(error.to_string().contains("no variable NEW"), "{error}");
        let error = wrangler.set_var("TTL", "soon").unwrap_err();
        assert!(error.to_string().contains("a whole number"), "{error}");
    }
}
