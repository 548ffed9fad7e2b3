//! `nexus mcp install`: what a host must be told to use `nexus mcp`, or the relay's own server.

mod host;
mod merge;

use crate::{
    context::Context,
    error::{Failure, Kind, Result},
    json::Json,
    output::{self, Done, Printed},
    state::{read_foreign, replace_foreign},
    stderr::tell,
};
use clap::Args;
use host::{Host, Program, Server};
use serde_json::json;
use std::{
    env,
    path::{Path, PathBuf},
};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus mcp install claude-code
  nexus mcp install codex --write
  nexus mcp install cursor --remote --url https://relay.example

It prints what the host must be told. With --write it adds that to the file of the host, in which everything else
stays as it is; a file in which that is not possible is left alone. With --remote the host speaks with the relay
itself: then nothing is stored on this machine, and the model holds its seats, which are secrets.")]
pub(crate) struct Install {
    /// The host
    #[arg(value_enum)]
    host: Host,
    /// Add it to the configuration of the host
    #[arg(long)]
    write: bool,
    /// Use the server of the relay instead of `nexus mcp`
    #[arg(long)]
    remote: bool,
}

impl Install {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let server = if self.remote {
            Server::Remote(format!("{}/mcp", context.server(None)?.url))
        } else {
            Server::Local(program(context))
        };
        let host = self.host;
        let (path, config) = (host.path()?, host.config(&server));
        let is_written = self.write && self.write_to(&path, &server)?;
        let line = host.line(&server);
        let value = json!({
            "host": host.name(), "file": path, "config": config, "command": line, "written": is_written,
            "note": host.note(&server),
        });
        let done = Done::from(Json::of(&value));
        if !output::is_for_people() || is_written {
            return Ok(done);
        }
        let begin = line.map(|line| format!("Run this:\n\n  {line}\n\nOr add this"));
        let begin = begin.unwrap_or_else(|| "Add this".to_owned());
        let end = host.note(&server).map(|note| format!("\n{note}\n")).unwrap_or_default();
        let text = format!("{begin} to {}:\n\n{config}\n{end}", path.display());
        Ok(Done { printed: Printed::Bytes(text.into_bytes()), ..done })
    }

    /// Adds it to the file. Returns whether it is there now.
    fn write_to(&self, path: &Path, server: &Server) -> Result<bool> {
        let text = read_foreign(path)?;
        let refused = |why: &str| {
            let message = format!(
                "{} {why}, so nothing was written. Without --write you see what to add to it.",
                path.display()
            );
            Failure::own(Kind::FileUnavailable, message)
        };
        if let Some(other) = self.host.other_file(path).filter(|other| other.exists()) {
            let message = format!(
                "{} exists, whose comments would be lost, so nothing was written. Without --write you see what to add to it.",
                other.display()
            );
            return Err(Failure::own(Kind::FileUnavailable, message));
        }
        match self.host.add(text.as_deref().unwrap_or_default(), server) {
            Ok(None) => tell!("it is in {} already", path.display()),
            Ok(Some(new)) => {
                replace_foreign(path, &new)?;
                tell!("{} is written; restart the host", path.display());
            }
            Err(why) => return Err(refused(why)),
        }
        Ok(true)
    }
}

/// How the host starts us: as we were started ourselves.
fn program(context: &Context) -> Program {
    let own = env::current_exe().ok();
    let path = env::var_os("PATH").unwrap_or_default();
    let mut words = start(own.as_deref(), env::split_paths(&path)).into_iter();
    // Hosts do not pass the whole environment on.
    let names = ["NEXUS_HOME", "NEXUS_URL", "NEXUS_READER", "SSL_CERT_FILE"];
    let variables = names.into_iter().filter_map(|name| {
        let value = env::var(name).ok().filter(|value| !value.is_empty())?;
        Some((name.to_owned(), value))
    });
    Program {
        command: words.next().unwrap_or_default(),
        arguments: words.chain(context.options()).chain(["mcp".to_owned()]).collect(),
        variables: variables.collect(),
    }
}

/// The words that start the program at this path.
fn start(own: Option<&Path>, mut folders: impl Iterator<Item = PathBuf>) -> Vec<String> {
    let one = |word: &str| vec![word.to_owned()];
    let Some((own, real)) = own.and_then(|own| Some((own, own.canonicalize().ok()?))) else {
        return one("nexus");
    };
    if let Some(words) = runner(&real) {
        return words.iter().map(|word| (*word).to_owned()).collect();
    }
    let name = if cfg!(windows) { "nexus.exe" } else { "nexus" };
    let first = folders.find_map(|folder| folder.join(name).canonicalize().ok());
    // npm puts its script there, which starts the program in the package beside it.
    let is_script = |first: &Path| first.ends_with("cli/bin/nexus.js") && has(first, NPM_SCOPE);
    let is_first =
        first.is_some_and(|first| first == real || (is_script(&first) && has(&real, NPM_SCOPE)));
    if is_first { one("nexus") } else { one(&own.to_string_lossy()) }
}

/// The folder of our packages.
const NPM_SCOPE: &str = "@nexus-relay";

/// What runs a program that is only in a cache, whose path may be gone tomorrow.
fn runner(own: &Path) -> Option<&'static [&'static str]> {
    if has(own, "_npx") {
        // Windows starts no script of npm by its name alone.
        let windows: &[_] = &["cmd", "/c", "npx", "--yes", "@nexus-relay/cli"];
        Some(if cfg!(windows) { windows } else { &["npx", "--yes", "@nexus-relay/cli"] })
    } else if has(own, "pipx") && !has(own, "venvs") {
        Some(&["pipx", "run", "nexus-cli"])
    } else if has(own, "uv") && !has(own, "tools") {
        Some(&["uvx", "nexus-cli"])
    } else {
        None
    }
}

/// Whether one folder of a path has this name.
fn has(path: &Path, name: &str) -> bool {
    path.components().any(|part| part.as_os_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_a_cache_is_started_by_what_has_put_it_there() {
        let runner = |path: &str| runner(Path::new(path)).map(|words| words.join(" "));
        for (path, expected) in [
            (
                "/h/.npm/_npx/8f14/node_modules/@nexus-relay/cli-linux-x64/bin/nexus",
                "npx --yes @nexus-relay/cli",
            ),
            ("/h/.local/share/pipx/.cache/8f14/bin/nexus", "pipx run nexus-cli"),
            ("/h/.cache/pipx/8f14/bin/nexus", "pipx run nexus-cli"),
            ("/h/.cache/uv/archive-v0/8f14/bin/nexus", "uvx nexus-cli"),
        ] {
            assert_eq!(runner(path).as_deref(), Some(expected));
        }
        for path in [
            "/h/.cargo/bin/nexus",
            "/usr/lib/node_modules/@nexus-relay/cli-linux-x64/bin/nexus",
            "/h/.local/share/pipx/venvs/nexus-cli/bin/nexus",
            "/h/.local/share/uv/tools/nexus-cli/bin/nexus",
        ] {
            assert_eq!(runner(path), None);
        }
    }
}
