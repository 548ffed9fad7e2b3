//! Runs the client on a pseudo-terminal, as a person does.

use crate::support::Home;
use nix::pty::{Winsize, openpty};
use std::{
    fs::File,
    io::Read,
    process::{Command, Stdio},
    thread,
};

/// What a person sees after a command: both outputs, and the exit code.
pub(crate) struct Seen {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

/// Runs a command on a terminal of 80 columns.
pub(crate) fn run(mut command: Command) -> Seen {
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).unwrap();
    let slave = File::from(pty.slave);
    command.stdin(Stdio::null());
    command.stdout(slave.try_clone().unwrap()).stderr(slave.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    // The terminal ends when nobody has it open for writing.
    drop((slave, command));
    let mut master = File::from(pty.master);
    let reader = thread::spawn(move || {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = master.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
        }
        bytes
    });
    let code = child.wait().unwrap().code();
    let text = String::from_utf8(reader.join().unwrap()).unwrap().replace("\r\n", "\n");
    Seen { code, text }
}

impl Home {
    /// The client on a terminal without colours, in UTC.
    pub(crate) fn on_terminal(&self, arguments: &[&str]) -> Seen {
        let mut command = self.command();
        command.env("NO_COLOR", "1").env("TERM", "xterm").env("TZ", "UTC").args(arguments);
        run(command)
    }
}
