//! Lists of what is in a program, in the form of `CycloneDX`: from cargo's own list, and from `package-lock.json`. The
//! lists have no times and no random numbers, so the same sources give the same lists.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::relay;
use super::stage::{Stage, VERSION, hex};
use crate::process;
use crate::project::{self, Project};

/// What is published, the package of the workspace from which it is built, and the npm packages that it needs besides.
const PRODUCTS: [(&str, &str, &[&str]); 2] =
    [("nexus-cli", "nexus-cli", &[]), ("nexus-relay", "nexus-relay", relay::DEPENDENCIES)];

/// What `cargo metadata` tells, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for the packages of the workspace.
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `None` for what is part of the program.
    kind: Option<String>,
}

/// Everything in the lists: each part by its name there, and what it needs.
#[derive(Default)]
struct Parts {
    components: BTreeMap<String, Value>,
    needs: BTreeMap<String, BTreeSet<String>>,
}

/// Writes a list for each product.
pub(super) fn write(stage: &mut Stage) -> Result<()> {
    for (product, list) in lists(&stage.project)? {
        let text = serde_json::to_string_pretty(&list)?;
        stage.put(&format!("{product}-{VERSION}.cdx.json"), format!("{text}\n").as_bytes())?;
    }
    Ok(())
}

/// The list of each product.
fn lists(project: &Project) -> Result<Vec<(&'static str, Value)>> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version", "1", "--locked"]);
    let told = process::output(command.current_dir(project.root()))?;
    let metadata: Metadata = serde_json::from_str(&told).context("`cargo metadata` is unclear")?;
    let sums = sums(project)?;
    let lock = project::read(&project.path("package-lock.json"))?;
    let lock: Value = serde_json::from_str(&lock).context("package-lock.json is no JSON")?;
    let mut lists = Vec::new();
    for (product, root, tools) in PRODUCTS {
        let mut parts = Parts::default();
        let root = crates(&metadata, &sums, root, &mut parts)?;
        for tool in tools {
            let name = npm(&lock, tool, &mut parts)?;
            parts.needs.entry(root.clone()).or_default().insert(name);
        }
        lists.push((product, list(product, &root, &parts)));
    }
    Ok(lists)
}

fn list(product: &str, root: &str, parts: &Parts) -> Value {
    let others = parts.components.iter().filter(|(name, _)| *name != root);
    let needs = parts.needs.iter().map(|(name, needs)| json!({ "ref": name, "dependsOn": needs }));
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application", "bom-ref": root, "name": product, "version": VERSION,
            "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        } },
        "components": others.map(|(_, component)| component).collect::<Vec<_>>(),
        "dependencies": needs.collect::<Vec<_>>(),
    })
}

/// Adds a package of the workspace, and every crate that becomes part of it on some system. Returns its name in the
/// list.
fn crates(
    metadata: &Metadata,
    sums: &BTreeMap<(String, String), String>,
    root: &str,
    parts: &mut Parts,
) -> Result<String> {
    let packages: BTreeMap<_, _> = metadata.packages.iter().map(|it| (&*it.id, it)).collect();
    let nodes: BTreeMap<_, _> = metadata.resolve.nodes.iter().map(|it| (&*it.id, it)).collect();
    let own = |package: &&Package| package.source.is_none() && package.name == root;
    let root = metadata.packages.iter().find(own).context("a package of the workspace is gone")?;
    let mut open = vec![root];
    while let Some(package) = open.pop() {
        let name = name_of(package);
        if parts.components.contains_key(&name) {
            continue;
        }
        let mut component = json!({
            "type": "library", "bom-ref": name, "name": package.name, "version": package.version,
            "purl": name,
        });
        if let (Some(licence), Some(fields)) = (&package.license, component.as_object_mut()) {
            // An older way to write `OR`.
            let licence = licence.replace('/', " OR ");
            fields.insert("licenses".to_owned(), json!([{ "expression": licence }]));
        }
        let sum = sums.get(&(package.name.clone(), package.version.clone()));
        if let (Some(sum), Some(fields)) = (sum, component.as_object_mut()) {
            fields.insert("hashes".to_owned(), json!([{ "alg": "SHA-256", "content": sum }]));
        }
        let needs = nodes.get(&*package.id).map(|node| node.deps.as_slice()).unwrap_or_default();
        let needs = needs.iter().filter(|need| need.dep_kinds.iter().any(|it| it.kind.is_none()));
        let needs: Vec<&Package> =
            needs.filter_map(|need| packages.get(&*need.pkg).copied()).collect();
        parts.components.insert(name.clone(), component);
        parts.needs.insert(name, needs.iter().map(|need| name_of(need)).collect());
        open.extend(needs);
    }
    Ok(name_of(root))
}

fn name_of(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

/// The SHA-256 sums of all crates, by name and version.
fn sums(project: &Project) -> Result<BTreeMap<(String, String), String>> {
    let lock: toml::Table = project::read(&project.path("Cargo.lock"))?.parse()?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let sum = |package: &toml::Value| {
        let field = |name| package.get(name)?.as_str().map(str::to_owned);
        Some(((field("name")?, field("version")?), field("checksum")?))
    };
    Ok(packages.into_iter().flatten().filter_map(sum).collect())
}

/// Adds an npm package, and those that it needs. Returns its name in the list.
fn npm(lock: &Value, tool: &str, parts: &mut Parts) -> Result<String> {
    let entry = lock.pointer(&format!("/packages/node_modules~1{}", tool.replace('/', "~1")));
    let entry = entry.with_context(|| format!("package-lock.json has no `{tool}`"))?;
    let field = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = format!("pkg:npm/{}@{}", tool.replace('@', "%40"), field("version"));
    let mut component = json!({
        "type": "library", "bom-ref": name, "name": tool, "version": field("version"),
        "purl": name, "licenses": [{ "expression": field("license") }],
    });
    let sum = field("integrity").strip_prefix("sha512-").and_then(|it| STANDARD.decode(it).ok());
    if let (Some(sum), Some(fields)) = (sum, component.as_object_mut()) {
        fields.insert("hashes".to_owned(), json!([{ "alg": "SHA-512", "content": hex(&sum) }]));
    }
    parts.components.insert(name.clone(), component);
    let named = |kind: &str| entry.get(kind).and_then(Value::as_object).map(|it| it.keys());
    let needs = ["dependencies", "optionalDependencies"].into_iter().filter_map(named).flatten();
    let needs = needs.map(|need| npm(lock, need, parts)).collect::<Result<BTreeSet<_>>>()?;
    parts.needs.insert(name.clone(), needs);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_what_is_in_the_product_and_nothing_else() {
        let lists = lists(&Project::here().unwrap()).unwrap();
        let [(_, cli), (_, relay)] = lists.as_slice() else { panic!("two products") };
        let has = |list: &Value, begin: &str| {
            let components = list["components"].as_array().unwrap();
            components.iter().any(|it| it["purl"].as_str().unwrap().starts_with(begin))
        };
        for part in ["pkg:cargo/rustls@", "pkg:cargo/ring@", "pkg:cargo/nexus-protocol@"] {
            assert!(has(cli, part), "{part}");
        }
        for part in ["pkg:cargo/worker@", "pkg:npm/workerd@", "pkg:npm/%40cloudflare/workerd-"] {
            assert!(has(relay, part) && !has(cli, part), "{part}");
        }
        for part in ["pkg:cargo/proptest@", "pkg:cargo/xtask@", "pkg:npm/wrangler@"] {
            assert!(!has(cli, part) && !has(relay, part), "{part}");
        }
    }

    #[test]
    fn everything_that_is_needed_is_in_the_list_and_every_crate_has_a_sum() {
        for (product, list) in lists(&Project::here().unwrap()).unwrap() {
            let components = list["components"].as_array().unwrap();
            let own = &list["metadata"]["component"];
            let known: BTreeSet<&str> =
                components.iter().chain([own]).map(|it| it["bom-ref"].as_str().unwrap()).collect();
            assert_eq!(known.len(), components.len() + 1, "{product}: no part twice");
            for needs in list["dependencies"].as_array().unwrap() {
                for need in needs["dependsOn"].as_array().unwrap() {
                    assert!(known.contains(need.as_str().unwrap()), "{product}: {need}");
                }
            }
            let is_own = |it: &&Value| it["name"].as_str().unwrap().starts_with("nexus-");
            for part in components.iter().filter(|it| !is_own(it)) {
                // Of some packages for other systems, package-lock.json knows no sum.
                let has_sum = part["hashes"][0]["content"].is_string();
                let is_npm = part["purl"].as_str().unwrap().starts_with("pkg:npm/");
                assert!(has_sum || is_npm, "{product}: {part}");
                assert!(part["licenses"][0]["expression"].is_string(), "{product}: {part}");
            }
        }
    }
}
