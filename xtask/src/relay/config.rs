//! The Cap'n Proto configuration of workerd, generated from `wrangler.toml`.
//!
//! The file defines two constants, [`IPV4`] and [`BOTH`], which differ only in their sockets. The
//! addresses of the sockets are given on workerd's command line.
//!
//! `node_modules/workerd/workerd.capnp` documents the format. workerd itself has no rate limits. As
//! wrangler does, they are bound to the stand-in of the npm package `miniflare`, whose parts are
//! wired here as in its `RATELIMIT_PLUGIN`.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use super::wrangler::{RateLimit, Wrangler};
use super::{Program, RateLimits};
use crate::project::{self, Project};
use crate::worker;

/// The constant with the socket `http`.
pub(super) const IPV4: &str = "ipv4";
/// The constant with the sockets `http` and `http6`.
pub(super) const BOTH: &str = "both";

/// The variable with which webhooks may lead to private addresses.
const PRIVATE_WEBHOOKS: &str = "ALLOW_PRIVATE_WEBHOOKS";

/// The variable for tests, and the header by which a request then says, as JSON, what the platform knows of its
/// place.
const DIAGNOSTICS: &str = "DIAGNOSTICS";
const PLACE: &str = "X-Place";

const MINIFLARE: &str = "node_modules/miniflare/dist/src/workers";

/// The Worker that the benchmark compares the relay with.
const FLOOR: &str = "bench/floor/index.js";

/// Creates the folders for the data in `state`, and returns the text of the configuration.
pub(super) fn generate(
    project: &Project,
    wrangler: &Wrangler,
    program: Program,
    rate_limits: RateLimits,
    state: &Path,
) -> Result<String> {
    if program == Program::Floor {
        let services = [floor(project, wrangler), disk(state, "objects")?];
        return Ok(config(&services, "", ""));
    }
    let limits = if rate_limits == RateLimits::Off { &[][..] } else { &wrangler.ratelimits[..] };
    let mut services = vec![
        relay(project, wrangler, limits, rate_limits)?,
        disk(state, "objects")?,
        internet(wrangler),
    ];
    let mut extensions = String::new();
    if !limits.is_empty() {
        services.extend(limiter(project));
        services.push(disk(state, "rate-limits")?);
        extensions = limiter_extension(project);
    }
    // What the platform knows of where a request comes from, tests say themselves.
    let is_diagnosed = wrangler.vars.get(DIAGNOSTICS).is_some_and(is_set);
    let http =
        if is_diagnosed { format!("cfBlobHeader = {}", quote(PLACE)) } else { String::new() };
    Ok(config(&services, &extensions, &http))
}

fn config(services: &[String], extensions: &str, http: &str) -> String {
    let services = services.join(",\n  ");
    format!(
        r#"# Generated from wrangler.toml at every start.
using Workerd = import "/workerd/workerd.capnp";

const {IPV4} :Workerd.Config = (
  services = .services,
  extensions = .extensions,
  sockets = [ (name = "http", service = "relay", http = ({http})) ],
);

const {BOTH} :Workerd.Config = (
  services = .services,
  extensions = .extensions,
  sockets = [
    (name = "http", service = "relay", http = ({http})),
    (name = "http6", service = "relay", http = ({http})),
  ],
);

const services :List(Workerd.Service) = [
  {services}
];

const extensions :List(Workerd.Extension) = [{extensions}];
"#
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
            _ => (limit.simple.limit, limit.simple.period),
        };
        let namespace = serde_json::json!({ "MINIFLARE_NAMESPACE": limit.namespace_id });
        write!(
            bindings,
            r#"(name = {}, wrapped = (moduleName = "relay:ratelimit", innerBindings = [
      (name = "fetcher", service = (name = "limiter", props = (json = {}))),
      (name = "limit", json = "{count}"), (name = "period", json = "{period}")])), "#,
            quote(&limit.name),
            quote(&namespace.to_string()),
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

/// The services behind the rate limits: an entry that names the counter's object, and the objects.
fn limiter(project: &Project) -> [String; 2] {
    let script = |path: &str| quote_path(&project.path(MINIFLARE).join(path));
    let entry = format!(
        r#"(name = "limiter", worker = (
    modules = [(name = "entry.js", esModule = embed {})],
    compatibilityDate = "2023-07-24",
    bindings = [(name = "MINIFLARE_OBJECT", durableObjectNamespace =
      (serviceName = "limiter-objects", className = "RateLimiterObject"))],
  ))"#,
        script("shared/object-entry.worker.js")
    );
    let objects = format!(
        r#"(name = "limiter-objects", worker = (
    modules = [(name = "object.js", esModule = embed {})],
    compatibilityDate = "2023-07-24",
    compatibilityFlags = ["nodejs_compat", "experimental"],
    durableObjectNamespaces = [
      (className = "RateLimiterObject", uniqueKey = "rate-limiter", enableSql = true)],
    durableObjectStorage = (localDisk = "rate-limits"),
  ))"#,
        script("ratelimit/ratelimit-object.worker.js")
    );
    [entry, objects]
}

/// The modules that the rate-limit bindings and their objects import.
fn limiter_extension(project: &Project) -> String {
    let script = |path: &str| quote_path(&project.path(MINIFLARE).join(path));
    format!(
        r#"(modules = [
    (name = "relay:ratelimit", internal = true, esModule = embed {}),
    (name = "miniflare:shared", esModule = embed {}),
  ])"#,
        script("ratelimit/ratelimit.worker.js"),
        script("shared/index.worker.js"),
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
    use super::{internet, quote};
    use crate::project::Project;
    use crate::relay::wrangler::Wrangler;

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
