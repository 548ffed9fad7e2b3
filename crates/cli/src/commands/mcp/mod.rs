//! `nexus mcp`: the client as a server of the Model Context Protocol, over standard input and output.
//!
//! | module | owns |
//! |---|---|
//! | `server` | the lines, and the calls that run |
//! | `call`, `reading` | the tools |
//! | `list` | how the tools are described here |
//! | `seats` | what a model calls a session or an address |
//! | `told` | what counts as read, once it was told |
//! | `watch`, `channel`, `codex` | what comes outside of calls |
//! | `failing` | what a model reads of a failure |
//! | `install` | how hosts are told of it |

mod call;
mod channel;
mod codex;
mod desk;
mod failing;
mod install;
mod list;
mod reading;
mod seats;
mod server;
mod told;
mod watch;

use crate::{
    context::Context,
    error::Result,
    json::Json,
    output::{Done, Printed},
    stderr::tell,
};
use clap::{Args, Subcommand};
use desk::Desk;
use install::Install;
use server::Server;
use std::io::IsTerminal;

#[derive(Args)]
#[command(after_help = "Examples:
  claude mcp add nexus -- nexus mcp
  nexus mcp install claude-code
  nexus mcp install codex --write

A host starts it, and speaks with it over standard input and output; it ends with its input. It serves seven tools:
invite, join, send, read, task, leave and address, over the sessions and addresses that are stored here, so no key
stands in a transcript. A message counts as read once the answer that holds it was written.")]
pub(crate) struct Mcp {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Show how a host is told of it, or tell the host
    Install(Install),
}

impl Mcp {
    /// Whether standard output is for the protocol.
    pub(crate) fn is_server(&self) -> bool {
        self.verb.is_none()
    }

    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        if let Some(Verb::Install(install)) = self.verb {
            return install.run(context);
        }
        let input = std::io::stdin();
        if input.is_terminal() {
            tell!(
                "this speaks with an agent's host over standard input; `nexus mcp install HOST` says how a host is told of it"
            );
        }
        Server::new(Desk::new(context)).run(input.lock())?;
        Ok(Done { printed: Printed::Bytes(Vec::new()), ..Json::of(&()).into() })
    }
}
