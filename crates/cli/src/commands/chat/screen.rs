//! Where lines are typed and messages are shown: a terminal, or a pipe.
//!
//! On a terminal, a message that comes while a line is being typed is shown above it, and the line stays.

use super::event::{Happening, Input, usage};
use crate::{
    error::Result,
    json::Json,
    output::{self, Shower},
    people::Text,
};
use rustyline::{Config, Editor, error::ReadlineError, history::MemHistory};
use std::{
    io::{self, BufRead, IsTerminal},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

/// The reader of lines waits for the text that the next line begins with.
pub(super) struct Screen {
    next: Sender<String>,
    terminal: Option<Terminal>,
}

struct Terminal {
    shower: Shower,
    /// Whether a line is being edited.
    is_editing: bool,
    modes: Modes,
}

/// How long to wait for the editor, which takes no texts while it searches its history.
const PATIENCE: Duration = Duration::from_millis(200);

type Line = Editor<(), MemHistory>;

/// Whether lines are typed on a terminal.
pub(super) fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

impl Screen {
    /// Reads lines from the terminal.
    pub(super) fn terminal(name: &str, sender: Sender<Happening>) -> Result<Self> {
        let modes = Modes::now();
        let broken = |error: ReadlineError| {
            usage(format!(
                "This terminal cannot be used ({error}). Use `nexus poll` and `nexus send`."
            ))
        };
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = Line::with_history(config, MemHistory::new()).map_err(broken)?;
        // A terminal without capabilities shows messages wherever the line happens to be.
        let printer = editor.create_external_printer().ok();
        let shower = output::shower(printer);
        let (next, texts) = mpsc::channel();
        let prompt = format!("{name}> ");
        thread::spawn(move || edit(&mut editor, &prompt, &texts, &sender));
        let terminal = Some(Terminal { shower, is_editing: true, modes });
        let screen = Self { next, terminal };
        let _ = screen.next.send(String::new());
        Ok(screen)
    }

    /// Reads lines from a pipe.
    pub(super) fn pipe(sender: Sender<Happening>) -> Self {
        let (next, texts) = mpsc::channel::<String>();
        thread::spawn(move || {
            for line in io::stdin().lock().lines().map_while(io::Result::ok) {
                let line = line.trim_end_matches('\r').to_owned();
                if sender.send(Happening::Typed(Input::Line(line))).is_err()
                    || texts.recv().is_err()
                {
                    return;
                }
            }
            let _ = sender.send(Happening::Typed(Input::End));
        });
        Self { next, terminal: None }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// A line was taken, so none is being edited.
    pub(super) fn took(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            terminal.is_editing = false;
            terminal.shower.settle(PATIENCE);
        }
    }

    /// Lets the next line be typed. It begins with this text.
    pub(super) fn go_on(&mut self, text: &str) {
        if let Some(terminal) = &mut self.terminal {
            terminal.is_editing = true;
        }
        let _ = self.next.send(text.to_owned());
    }

    /// A line of this program.
    pub(super) fn note(&mut self, line: &str) {
        match &mut self.terminal {
            Some(terminal) => terminal.show(&output::note(line)),
            None => crate::stderr::line_to_stderr(line),
        }
    }

    pub(super) fn message(&mut self, json: &Json, number: Option<usize>) -> Result<()> {
        match &mut self.terminal {
            Some(terminal) => {
                terminal.show(&output::said(json, number));
                Ok(())
            }
            None => output::print(json),
        }
    }

    /// Gives the terminal back as it was.
    pub(super) fn close(self) {
        let Some(terminal) = self.terminal else { return };
        let Terminal { shower, is_editing, modes } = terminal;
        output::end_showing(shower, is_editing, PATIENCE, || modes.restore());
    }
}

impl Terminal {
    /// Shows a text above the line that is being edited, or below the last one.
    fn show(&self, text: &Text) {
        if self.is_editing {
            output::show(&self.shower, text);
        } else {
            // A terminal that is gone needs no text.
            let _ = output::print_text(text);
        }
    }
}

/// Reads lines, each after the one before was handled.
fn edit(editor: &mut Line, prompt: &str, texts: &Receiver<String>, sender: &Sender<Happening>) {
    let mut was_interrupted = false;
    while let Ok(text) = texts.recv() {
        let input = loop {
            match editor.readline_with_initial(prompt, (&text, "")) {
                Ok(line) => break Input::Line(line),
                Err(ReadlineError::Interrupted) if !was_interrupted => {
                    was_interrupted = true;
                    let hint = "Ctrl-C again or /quit leaves this window";
                    let _ = sender.send(Happening::Told(hint.to_owned()));
                }
                Err(ReadlineError::Signal(_)) => {}
                Err(_) => break Input::End,
            }
        };
        was_interrupted = false;
        if sender.send(Happening::Typed(input)).is_err() {
            return;
        }
    }
}

/// The modes of the terminal, which an editor changes.
#[cfg(unix)]
struct Modes(Option<nix::sys::termios::Termios>);

#[cfg(unix)]
impl Modes {
    fn now() -> Self {
        Self(nix::sys::termios::tcgetattr(io::stdin()).ok())
    }

    fn restore(&self) {
        use nix::sys::termios::{SetArg, tcsetattr};
        if let Some(modes) = &self.0 {
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, modes);
        }
    }
}

#[cfg(not(unix))]
struct Modes;

#[cfg(not(unix))]
impl Modes {
    fn now() -> Self {
        Self
    }

    fn restore(&self) {}
}
