//! `nexus completions`

use crate::{
    error::{Failure, Kind, Result},
    output,
};
use clap::Args;
use clap_complete::{Shell, env::Shells};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus completions bash > ~/.local/share/bash-completion/completions/nexus
  nexus completions zsh > ~/.zfunc/_nexus
  nexus completions fish > ~/.config/fish/completions/nexus.fish

The script asks nexus for proposals: commands, options, sessions and their aliases, contacts, and the members
and tasks of a session.")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script, as text.
    pub(crate) fn run(&self) -> Result<()> {
        let (shells, mut script) = (Shells::builtins(), Vec::new());
        let name = self.shell.to_string();
        let completer = shells.completer(&name);
        let written = completer.map(|shell| {
            shell.write_registration("COMPLETE", "nexus", "nexus", "nexus", &mut script)
        });
        match written {
            Some(Ok(())) => output::print_own(&String::from_utf8_lossy(&script)),
            _ => Err(Failure::own(Kind::Usage, format!("There are no completions for {name}."))),
        }
    }
}
