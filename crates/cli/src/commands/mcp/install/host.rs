//! The hosts: where each keeps its servers, and in which form.

use super::merge::{into_json, into_toml};
use crate::error::{Failure, Kind, Result};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::{
    env,
    path::{Path, PathBuf},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Host {
    ClaudeCode,
    Codex,
    Cursor,
    Gemini,
    #[value(name = "openclaw")]
    OpenClaw,
    #[value(name = "opencode")]
    OpenCode,
}

/// What the host speaks with.
#[derive(Debug)]
pub(super) enum Server {
    Local(Program),
    /// The address of the relay's server.
    Remote(String),
}

/// How `nexus mcp` is started.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) command: String,
    pub(super) arguments: Vec<String>,
    pub(super) variables: Vec<(String, String)>,
}

impl Host {
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Its configuration.
    pub(super) fn path(self) -> Result<PathBuf> {
        let own = |name: &str| {
            let folder = env::var_os(name).map(PathBuf::from);
            folder.filter(|folder| folder.is_absolute())
        };
        let home = || {
            env::home_dir().filter(|home| home.is_absolute()).ok_or_else(|| {
                Failure::own(
                    Kind::FileUnavailable,
                    "Set HOME to the folder that has the host's configuration.",
                )
            })
        };
        Ok(match self {
            // The file of the user is rewritten by each Claude Code that runs, so that is left to its own command.
            Self::ClaudeCode => {
                let here = env::current_dir().map_err(|error| {
                    Failure::own(
                        Kind::FileUnavailable,
                        format!("There is no current folder ({error})."),
                    )
                });
                here?.join(".mcp.json")
            }
            Self::Codex => match own("CODEX_HOME") {
                Some(folder) => folder.join("config.toml"),
                None => home()?.join(".codex/config.toml"),
            },
            Self::Cursor => home()?.join(".cursor/mcp.json"),
            Self::Gemini => home()?.join(".gemini/settings.json"),
            Self::OpenClaw => home()?.join(".openclaw/openclaw.json"),
            Self::OpenCode => match own("XDG_CONFIG_HOME") {
                Some(folder) => folder.join("opencode/opencode.json"),
                None => home()?.join(".config/opencode/opencode.json"),
            },
        })
    }

    /// Another file that the host may read instead, with comments.
    pub(super) fn other_file(self, path: &Path) -> Option<PathBuf> {
        (self == Self::OpenCode).then(|| path.with_extension("jsonc"))
    }

    /// The command of the host that adds it, where it has one.
    pub(super) fn line(self, server: &Server) -> Option<String> {
        let words: Vec<String> = match (self, server) {
            (Self::ClaudeCode, Server::Remote(url)) => {
                ["claude", "mcp", "add", "--scope", "user", "--transport", "http", "nexus", url]
                    .map(str::to_owned)
                    .into()
            }
            (Self::ClaudeCode, Server::Local(program)) => {
                let begin = ["claude", "mcp", "add", "--scope", "user", "nexus"].map(str::to_owned);
                let variables = program.variables.iter();
                let variables = variables
                    .flat_map(|(name, value)| ["-e".to_owned(), format!("{name}={value}")]);
                let begin = begin.into_iter().chain(variables).chain(["--".to_owned()]);
                begin.chain(program.words()).collect()
            }
            (Self::Codex, Server::Remote(url)) => {
                ["codex", "mcp", "add", "nexus", "--url", url].map(str::to_owned).into()
            }
            (Self::Gemini, Server::Remote(url)) => {
                ["gemini", "mcp", "add", "--scope", "user", "--transport", "http", "nexus", url]
                    .map(str::to_owned)
                    .into()
            }
            (Self::OpenClaw, Server::Remote(url)) => {
                ["openclaw", "mcp", "add", "nexus", "--url", url, "--transport", "streamable-http"]
                    .map(str::to_owned)
                    .into()
            }
            _ => return None,
        };
        Some(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
    }

    /// What else the person must know.
    pub(super) fn note(self, server: &Server) -> Option<&'static str> {
        match (self, server) {
            (Self::ClaudeCode, Server::Local(_)) => Some(
                "The file is for this folder, and Claude Code asks once whether to use it; the command is for all folders.",
            ),
            (Self::Codex, _) => Some(
                "With default_tools_approval_mode = \"approve\" Codex does not ask before each call; without a person (`codex exec`) it may refuse calls that it would ask about.",
            ),
            _ => None,
        }
    }

    /// What is to stand in its configuration.
    pub(super) fn config(self, server: &Server) -> String {
        if self == Self::Codex {
            return toml_of(server);
        }
        let names = self.place().iter().rev();
        let value = names
            .fold(json!({ "nexus": self.entry(server) }), |value, name| json!({ (*name): value }));
        serde_json::to_string_pretty(&value).unwrap_or_default()
    }

    /// Its configuration with the server in it; `None` if it has it already.
    pub(super) fn add(self, text: &str, server: &Server) -> Result<Option<String>, &'static str> {
        match self {
            Self::Codex => into_toml(text, &toml_of(server)),
            _ => into_json(text, self.place(), &self.entry(server)),
        }
    }

    fn place(self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode | Self::Cursor | Self::Gemini => &["mcpServers"],
            Self::Codex => &["mcp_servers"],
            Self::OpenClaw => &["mcp", "servers"],
            Self::OpenCode => &["mcp"],
        }
    }

    fn entry(self, server: &Server) -> Value {
        let program = match (self, server) {
            (Self::ClaudeCode, Server::Remote(url)) => return json!({ "type": "http", "url": url }),
            (Self::Gemini, Server::Remote(url)) => return json!({ "httpUrl": url }),
            (Self::OpenClaw, Server::Remote(url)) => {
                return json!({ "url": url, "transport": "streamable-http" });
            }
            (Self::OpenCode, Server::Remote(url)) => {
                return json!({ "type": "remote", "url": url, "enabled": true });
            }
            (_, Server::Remote(url)) => return json!({ "url": url }),
            (_, Server::Local(program)) => program,
        };
        let variables: Value = program.variables.iter().cloned().collect();
        let (mut entry, name) = match self {
            Self::OpenCode => (
                json!({ "type": "local", "command": program.words().collect::<Vec<_>>(), "enabled": true }),
                "environment",
            ),
            _ => (json!({ "command": program.command, "args": program.arguments }), "env"),
        };
        if let Some(entry) = entry.as_object_mut().filter(|_| !program.variables.is_empty()) {
            entry.insert(name.to_owned(), variables);
        }
        entry
    }
}

impl Program {
    fn words(&self) -> impl Iterator<Item = String> {
        [self.command.clone()].into_iter().chain(self.arguments.clone())
    }
}

/// The table of Codex.
fn toml_of(server: &Server) -> String {
    // A string of JSON is one of TOML, too.
    let text = |text: &str| json!(text).to_string();
    let mut lines = vec!["[mcp_servers.nexus]".to_owned()];
    match server {
        Server::Remote(url) => lines.push(format!("url = {}", text(url))),
        Server::Local(program) => {
            lines.push(format!("command = {}", text(&program.command)));
            lines.push(format!("args = {}", json!(program.arguments)));
            // Codex does not pass on where it keeps its threads, and `codex queue` must find them.
            let home = env::var("CODEX_HOME").ok().filter(|home| !home.is_empty());
            let home = home.map(|home| ("CODEX_HOME".to_owned(), home));
            let variables: Vec<String> = program
                .variables
                .iter()
                .cloned()
                .chain(home)
                .map(|(name, value)| format!("{name} = {}", text(&value)))
                .collect();
            if !variables.is_empty() {
                lines.push(format!("env = {{ {} }}", variables.join(", ")));
            }
        }
    }
    lines.push("default_tools_approval_mode = \"approve\"".to_owned());
    lines.join("\n")
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
