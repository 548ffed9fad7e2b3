//! `nexus version`

use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    json::Json,
    output::Done,
};
use clap::Args;
use serde_json::{Value, json};
use std::{
    env,
    process::{Command, Stdio},
};

/// The package that is published with every version.
const PACKAGE: &str = "@nexus-relay%2fcli";

#[derive(Args)]
#[command(after_help = "Examples:
  nexus version
  nexus version --check --jq .isNewest

--check asks a registry of npm for the newest version that is published: the one that --registry names, else
$NPM_CONFIG_REGISTRY, else the one that npm itself uses. It sends the registry nothing but the request.")]
pub(crate) struct Version {
    /// Ask whether a newer version is published
    #[arg(long)]
    check: bool,
    /// The registry to ask
    #[arg(long, value_name = "URL", requires = "check")]
    registry: Option<String>,
}

impl Version {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let version = env!("CARGO_PKG_VERSION");
        if !self.check {
            return Ok(Json::of(&json!({ "version": version })).into());
        }
        let registry = self.registry.or_else(configured).or_else(of_npm).ok_or_else(|| {
            let message = format!(
                "There is no npm here to say which registry to ask. This is {version}. Name a registry with --registry or $NPM_CONFIG_REGISTRY."
            );
            Failure::own(Kind::Unsupported, message)
        })?;
        let url = format!("{}/{PACKAGE}/latest", registry.trim_end_matches('/'));
        let told = context.http().ask_registry(&url).map_err(|why| {
            let message = format!(
                "The registry cannot say whether this is the newest version: {why}. This is {version}. Try again when you are online, or name a registry that you can reach with --registry or $NPM_CONFIG_REGISTRY."
            );
            Failure::own(Kind::ServerUnreachable, message)
        })?;
        // Only numbers are printed, whatever the registry says.
        let latest = told.get("version").and_then(Value::as_str).and_then(numbers);
        let latest = latest.ok_or_else(|| {
            let message = format!(
                "The registry knows no published version of nexus. This is {version}. Name another registry with --registry."
            );
            Failure::own(Kind::Unsupported, message)
        })?;
        let is_newest = numbers(version).is_none_or(|own| own >= latest);
        let latest = latest.map(|number| number.to_string()).join(".");
        let value = json!({ "version": version, "latest": latest, "isNewest": is_newest });
        Ok(Json::of(&value).into())
    }
}

/// The registry that npm is set to use by the environment.
fn configured() -> Option<String> {
    let names = ["NPM_CONFIG_REGISTRY", "npm_config_registry"];
    names.into_iter().filter_map(|name| env::var(name).ok()).find(|url| !url.is_empty())
}

/// The registry that npm uses, if there is an npm.
fn of_npm() -> Option<String> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let mut command = Command::new(npm);
    command.args(["config", "get", "registry"]).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let told = String::from_utf8(output.stdout).ok()?;
    Some(told.trim().to_owned()).filter(|url| url.starts_with("http"))
}

/// The three numbers of a version. What follows them counts as nothing.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let plain = version.split(['-', '+']).next()?;
    let mut parts = plain.split('.').map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(numbers("0.10.0") > numbers("0.9.9"));
        assert_eq!(numbers("1.2.3-rc.1"), Some([1, 2, 3]));
        for wrong in ["", "1.2", "1.2.3.4", "1.2.x", "1.2.\u{1b}"] {
            assert_eq!(numbers(wrong), None);
        }
    }
}
