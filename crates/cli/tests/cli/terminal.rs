//! Runs the client on a pseudo-terminal, as a person does.

use crate::support::Home;
use nix::{
    pty::{Winsize, openpty},
    sys::termios::{LocalFlags, tcgetattr},
};
use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
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

/// A person who types into a command that runs on a terminal.
pub(crate) struct Typing {
    child: Child,
    master: File,
    seen: Receiver<Vec<u8>>,
    text: String,
    /// How much of the text was looked at.
    read: usize,
}

impl Typing {
    pub(crate) fn new(mut command: Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let slave = File::from(pty.slave);
        command.env("NO_COLOR", "1").env("TERM", "xterm").env("TZ", "UTC");
        command.stdin(slave.try_clone().unwrap());
        command.stdout(slave.try_clone().unwrap()).stderr(slave.try_clone().unwrap());
        let child = command.spawn().unwrap();
        drop((slave, command));
        let master = File::from(pty.master);
        let mut reader = master.try_clone().unwrap();
        let (sender, seen) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, master, seen, text: String::new(), read: 0 }
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until this is shown, after what was waited for before.
    #[track_caller]
    pub(crate) fn sees(&mut self, mark: &str) {
        loop {
            if let Some(place) = self.text[self.read..].find(mark) {
                self.read += place + mark.len();
                return;
            }
            let bytes = self.seen.recv_timeout(Duration::from_mins(1));
            let bytes = bytes.unwrap_or_else(|_| panic!("{mark} is not shown: {}", self.text));
            self.text += &String::from_utf8_lossy(&bytes);
        }
    }

    /// Waits until the command has ended well. Returns everything that was shown.
    #[track_caller]
    pub(crate) fn ends(mut self) -> String {
        while let Ok(bytes) = self.seen.recv() {
            self.text += &String::from_utf8_lossy(&bytes);
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.text);
        self.text
    }

    /// Waits until the command has ended. Whether the terminal then edits lines and shows what is typed.
    pub(crate) fn ends_cooked(mut self) -> bool {
        self.child.wait().unwrap();
        let modes = tcgetattr(&self.master).unwrap();
        modes.local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO)
    }
}

impl Home {
    /// The client on a terminal without colours, in UTC.
    pub(crate) fn on_terminal(&self, arguments: &[&str]) -> Seen {
        let mut command = self.command();
        command.env("NO_COLOR", "1").env("TERM", "xterm").env("TZ", "UTC").args(arguments);
        run(command)
    }
}
