//! `nexus completions`

use crate::error::{Failure, Result};
use clap::Args;
use clap_complete::Shell;
use std::io::Write;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus completions bash > ~/.local/share/bash-completion/completions/nexus
  nexus completions zsh > ~/.zfunc/_nexus
  nexus completions fish > ~/.config/fish/completions/nexus.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script, as text.
    pub(crate) fn run(&self, command: &mut clap::Command) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "nexus", &mut script);
        std::io::stdout().write_all(&script).map_err(Failure::Output)
    }
}
