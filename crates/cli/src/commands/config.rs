//! `nexus config`

use crate::{
    clock,
    context::Context,
    error::{Failure, Kind, Result},
    json::Json,
    output::Done,
    server,
    state::Config as Stored,
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

#[derive(Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
#[command(after_help = "Examples:
  nexus config set-url http://localhost:8787
  nexus config set sealed on
  nexus config show | jq -r .effective.serverUrl
  nexus config unset")]
enum Command {
    /// Set the default server
    #[command(after_help = "Examples:\n  nexus config set-url http://localhost:8787")]
    SetUrl {
        /// Its URL
        url: String,
    },
    /// Change a setting: `sealed on` encrypts new sessions end to end
    #[command(after_help = "Examples:\n  nexus config set sealed on")]
    Set {
        /// The setting
        setting: Setting,
        /// Its value
        value: Switch,
    },
    /// Show the configuration, and which server is used now; `nexus config` alone does the same
    #[command(after_help = "Examples:\n  nexus config show | jq -r .effective.serverUrl")]
    Show,
    /// Reset the default server to the public one
    #[command(after_help = "Examples:\n  nexus config unset")]
    Unset,
}

#[derive(Clone, Copy, ValueEnum)]
enum Setting {
    /// Whether new sessions are encrypted end to end
    Sealed,
}

#[derive(Clone, Copy, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Config {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        match self.command.unwrap_or(Command::Show) {
            Command::SetUrl { url } => set_url(context, &url),
            Command::Set { setting: Setting::Sealed, value } => {
                let sealed = matches!(value, Switch::On);
                change(context, |config| config.sealed = sealed)
            }
            Command::Show => show(context),
            Command::Unset => {
                let removed = context.state.forget_config()?;
                Ok(Json::of(&json!({ "serverUrl": null, "removed": removed })).into())
            }
        }
    }
}

fn set_url(context: &Context, url: &str) -> Result<Done> {
    let url = server::normalize(url)
        .map_err(|rule| Failure::own(Kind::InvalidUrl, format!("The address {rule}.")))?;
    change(context, |config| config.server_url = Some(url))
}

fn change(context: &Context, change: impl FnOnce(&mut Stored)) -> Result<Done> {
    let mut config = context.state.config()?;
    change(&mut config);
    config.updated_at = Some(clock::now().to_string());
    context.state.store_config(&config)?;
    Ok(Json::of(&config).into())
}

fn show(context: &Context) -> Result<Done> {
    let config = context.state.config()?;
    let server = context.server(None)?;
    server.announce();
    let value = json!({
        "serverUrl": config.server_url,
        "sealed": config.sealed,
        "updatedAt": config.updated_at,
        "effective": { "serverUrl": server.url, "source": server.source },
        "stateDir": context.state.root(),
    });
    Ok(Json::of(&value).into())
}
