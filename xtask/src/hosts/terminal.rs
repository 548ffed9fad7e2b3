//! A terminal without a screen, for hosts whose sessions need one: tmux.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::scene::{Server, eventually};
use crate::process;
use crate::setup::debian;

/// Makes tmux available.
pub(super) fn ensure() -> Result<()> {
    if process::find("tmux").is_none() && debian::is_possible() {
        debian::install(&["tmux"])?;
    }
    ensure!(process::find("tmux").is_some(), "the hosts need a terminal: install tmux");
    Ok(())
}

/// A running terminal. It ends when this is dropped.
pub(super) struct Terminal {
    socket: PathBuf,
    _server: Server,
}

impl Terminal {
    /// A terminal in which this command runs. `socket`: a path that is free.
    pub(super) fn start(socket: PathBuf, command: &Command) -> Result<Self> {
        let mut server = tmux();
        server.arg("-S").arg(&socket).arg("-D").stdout(Stdio::null()).stderr(Stdio::null());
        let terminal = Self { _server: Server::start(&server)?, socket };
        eventually("tmux starts", Duration::from_secs(10), || {
            Ok(process::succeeds(terminal.tmux().args(["show-options", "-s"])))
        })?;
        let mut session = terminal.tmux();
        session.args(["new-session", "-d", "-x", "120", "-y", "40"]);
        if let Some(folder) = command.get_current_dir() {
            session.arg("-c").arg(folder);
        }
        session.args(["env", "-i"]);
        for (name, value) in command.get_envs() {
            let value = value.unwrap_or_default().to_string_lossy();
            session.arg(format!("{}={value}", name.to_string_lossy()));
        }
        session.arg(command.get_program()).args(command.get_args());
        process::run(&mut session)?;
        Ok(terminal)
    }

    /// What it shows.
    pub(super) fn screen(&self) -> Result<String> {
        process::output(self.tmux().args(["capture-pane", "-p"]))
    }

    /// Waits until it shows this.
    pub(super) fn until(&self, text: &str, limit: Duration) -> Result<Duration> {
        let shown = eventually(&format!("the screen shows {text:?}"), limit, || {
            Ok(self.screen()?.contains(text))
        });
        shown.map_err(|error| error.context(self.screen().unwrap_or_default()))
    }

    /// Types a line.
    pub(super) fn type_line(&self, line: &str) -> Result<()> {
        process::run(self.tmux().args(["send-keys", "-l", line]))?;
        // A host takes what comes at once for pasted text, and the key for a part of it.
        thread::sleep(Duration::from_millis(400));
        process::run(self.tmux().args(["send-keys", "Enter"]))
    }

    fn tmux(&self) -> Command {
        let mut command = tmux();
        // Without `-N` it would start another server, which outlives this program.
        command.arg("-N").arg("-S").arg(&self.socket);
        command
    }
}

fn tmux() -> Command {
    let mut command = Command::new("tmux");
    command.env_clear().envs([
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("TERM", "xterm-256color"),
        ("LANG", "C.UTF-8"),
    ]);
    command
}
