//! The Cap'n Proto configuration of workerd, generated from `wrangler.toml`.
//!
//! The addresses of its sockets are given on workerd's command line.
//!
//! `node_modules/workerd/workerd.capnp` documents the format. `dist/relay/lib/config.js` makes the same configuration
//! for the published package, and a test compares the two.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use super::wrangler::{RateLimit, Wrangler};
use super::{Program, RateLimits};
use crate::project::{self, Project};
use crate::worker;

/// The constant in the file.
pub(super) const CONSTANT: &str = "config";

/// The variable with which webhooks may lead to private addresses.
const PRIVATE_WEBHOOKS: &str = "ALLOW_PRIVATE_WEBHOOKS";

/// The variable for tests, and the header by which a request then says, as JSON, what the platform knows of its
/// place.
const DIAGNOSTICS: &str = "DIAGNOSTICS";
const PLACE: &str = "X-Place";

/// workerd itself has no rate limits. This has the interface of the platform's binding.
const LIMITER: &str = "dist/relay/inside/limiter.js";

/// The Worker that the benchmark compares the relay with.
const FLOOR: &str = "bench/floor/index.js";

/// Creates the folders for the data in `state`, and returns the text of the configuration.
pub(super) fn generate(
    project: &Project,
    wrangler: &Wrangler,
    program: Program,
    rate_limits: RateLimits,
    sockets: &[&str],
    state: &Path,
) -> Result<String> {
    if program == Program::Floor {
        let services = [floor(project, wrangler), disk(state, "objects")?];
        return Ok(config(&services, sockets, "", ""));
    }
    let limits = if rate_limits == RateLimits::Off { &[][..] } else { &wrangler.ratelimits[..] };
    let services = [
        relay(project, wrangler, limits, rate_limits)?,
        disk(state, "objects")?,
        internet(wrangler),
    ];
    let extensions = if limits.is_empty() { String::new() } else { limiter(project) };
    // What the platform knows of where a request comes from, tests say themselves.
    let is_diagnosed = wrangler.vars.get(DIAGNOSTICS).is_some_and(is_set);
    let http =
        if is_diagnosed { format!("cfBlobHeader = {}", quote(PLACE)) } else { String::new() };
    Ok(config(&services, sockets, &http, &extensions))
}

fn config(services: &[String], sockets: &[&str], http: &str, extensions: &str) -> String {
    let socket = |name| format!(r#"(name = "{name}", service = "relay", http = ({http}))"#);
    let sockets: Vec<_> = sockets.iter().map(socket).collect();
    format!(
        r#"# Generated from wrangler.toml at every start.
using Workerd = import "/workerd/workerd.capnp";

const {CONSTANT} :Workerd.Config = (
  services = [
  {}
  ],
  sockets = [ {} ],
  extensions = [ {extensions} ],
);
"#,
        services.join(",\n  "),
        sockets.join(", "),
    )
}

/// The floor: one class, with the same storage as the relay's objects.
fn floor(project: &Project, wrangler: &Wrangler) -> String {
    format!(
        r#"(name = "relay", worker = (
    modules = [(name = "index.js", esModule = embed {})],
    compatibilityDate = {},
    bindings = [(name = "SESSION", durableObjectNamespace = "Session")],
    durableObjectNamespaces = [(className = "Session", uniqueKey = "floor", enableSql = true)],
    durableObjectStorage = (localDisk = "objects"),
  ))"#,
        quote_path(&project.path(FLOOR)),
        quote(&wrangler.compatibility_date),
    )
}

/// Whether a variable is set to something.
fn is_set(value: &toml::Value) -> bool {
    value.as_str().is_none_or(|text| !text.is_empty())
}

/// Where the Worker's own requests may go, which are the posts of webhooks. The Worker checks how a
/// host is written. This checks the address that its name resolves to.
fn internet(wrangler: &Wrangler) -> String {
    let is_private_allowed = wrangler.vars.get(PRIVATE_WEBHOOKS).is_some_and(is_set);
    let allow = if is_private_allowed { r#""public", "private""# } else { r#""public""# };
    format!(
        r#"(name = "internet", network = (
    allow = [{allow}], tlsOptions = (trustBrowserCas = true)))"#
    )
}

fn relay(
    project: &Project,
    wrangler: &Wrangler,
    limits: &[RateLimit],
    rate_limits: RateLimits,
) -> Result<String> {
    let mut bindings = String::new();
    let mut namespaces = String::new();
    for object in &wrangler.durable_objects.bindings {
        let class = quote(&object.class_name);
        // The key is part of every object's id. Another key would lose all data.
        let key = quote(&format!("{}-{}", wrangler.name, object.class_name));
        write!(bindings, "(name = {}, durableObjectNamespace = {class}), ", quote(&object.name))?;
        write!(namespaces, "(className = {class}, uniqueKey = {key}, enableSql = true), ")?;
    }
    for (name, value) in &wrangler.vars {
        let value = match value {
            toml::Value::String(text) => format!("text = {}", quote(text)),
            other => format!("json = {}", quote(&serde_json::to_string(other)?)),
        };
        write!(bindings, "(name = {}, {value}), ", quote(name))?;
    }
    for limit in limits {
        let (count, period) = match rate_limits {
            RateLimits::PerMinute(count) if limit.name == "RATE_LIMITER" => (count, 60),
            RateLimits::Each(count) => (count, 60),
            RateLimits::NeverReached => (1_000_000_000, 60),
            RateLimits::Off | RateLimits::Configured | RateLimits::PerMinute(_) => {
                (limit.simple.limit, limit.simple.period)
            }
        };
        write!(
            bindings,
            r#"(name = {}, wrapped = (moduleName = "relay:ratelimit", innerBindings = [
      (name = "limit", json = "{count}"), (name = "period", json = "{period}")])), "#,
            quote(&limit.name),
        )?;
    }
    let flags: Vec<_> = wrangler.compatibility_flags.iter().map(|flag| quote(flag)).collect();
    Ok(format!(
        r#"(name = "relay", worker = (
    modules = [
      (name = "src/worker.js", esModule = embed {}),
      (name = "build/index.js", esModule = embed {}),
      (name = "build/index_bg.wasm", wasm = embed {}),
    ],
    compatibilityDate = {},
    compatibilityFlags = [{}],
    bindings = [{bindings}],
    durableObjectNamespaces = [{namespaces}],
    durableObjectStorage = (localDisk = "objects"),
  ))"#,
        quote_path(&project.path(worker::ENTRY)),
        quote_path(&project.path(worker::SCRIPT)),
        quote_path(&project.path(worker::WASM)),
        quote(&wrangler.compatibility_date),
        flags.join(", "),
    ))
}

fn disk(state: &Path, name: &str) -> Result<String> {
    let path = state.join(name);
    project::create_folder(&path)?;
    Ok(format!(r#"(name = "{name}", disk = (path = {}, writable = true))"#, quote_path(&path)))
}

/// The module that makes the bindings of the rate limits.
fn limiter(project: &Project) -> String {
    format!(
        r#"(modules = [
    (name = "relay:ratelimit", internal = true, esModule = embed {}) ])"#,
        quote_path(&project.path(LIMITER))
    )
}

fn quote_path(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

/// A text literal. Cap'n Proto uses C's escapes.
fn quote(text: &str) -> String {
    let escape = |character: char| match character {
        '"' | '\\' => format!("\\{character}"),
        control if control.is_ascii_control() => format!("\\x{:02x}", u32::from(control)),
        other => other.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Its own configuration, in the way of the published package.
    const LAUNCHER: &str = r#"
        import { readFileSync } from "node:fs";
        import { write } from "./dist/relay/lib/config.js";
        const [data, text] = process.argv.slice(1);
        const deployment = JSON.parse(text);
        process.stdout.write(readFileSync(write(deployment, { data, vars: deployment.vars }).file, "utf8"));
    "#;

    /// Without its comments, its spaces, and the commas that end a list.
    fn bare(config: &str) -> String {
        let lines = config.lines().filter(|line| !line.starts_with('#'));
        let text: String = lines.collect::<String>().split_whitespace().collect();
        text.replace(",]", "]").replace(",)", ")")
    }

    #[test]
    fn the_published_package_makes_the_same_configuration() {
        let project = Project::here().unwrap();
        let wrangler = Wrangler::read(&project).unwrap();
        let data = tempfile::tempdir().unwrap();
        let mut node = Command::new("node");
        node.current_dir(project.root()).args(["--input-type=module", "--eval", LAUNCHER]);
        node.arg(data.path()).arg(wrangler.to_json().unwrap());
        let launcher = crate::process::output(&mut node).unwrap();
        let limits = RateLimits::Configured;
        let own =
            generate(&project, &wrangler, Program::Relay, limits, &["http"], data.path()).unwrap();
        let mut own = bare(&own);
        for (checkout, package) in [
            (worker::ENTRY, "dist/relay/worker/worker.js"),
            (worker::SCRIPT, "dist/relay/worker/index.js"),
            (worker::WASM, "dist/relay/worker/index_bg.wasm"),
        ] {
            let path = |path| quote_path(&project.path(path));
            own = own.replace(&path(checkout), &path(package));
        }
        assert_eq!(own, bare(&launcher));
    }

    #[test]
    fn private_addresses_are_reached_only_with_the_setting() {
        let mut wrangler = Wrangler::read(&Project::here().unwrap()).unwrap();
        assert!(internet(&wrangler).contains(r#"allow = ["public"],"#));
        wrangler.set_var("ALLOW_PRIVATE_WEBHOOKS", "on").unwrap();
        assert!(internet(&wrangler).contains(r#"allow = ["public", "private"],"#));
    }

    #[test]
    fn characters_that_would_end_a_literal_are_escaped() {
        assert_eq!(quote("a \"b\" \\ é\n"), r#""a \"b\" \\ é\x0a""#);
    }
}
