//! What a command says on its standard error. On a terminal it is made harmless, because the command may quote
//! what a stranger wrote.

use crate::harmless;
use std::{
    io::{self, IsTerminal, PipeReader, PipeWriter, Read, Write},
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

/// How many bytes of the end are kept.
const KEPT: usize = 2_000;
/// How long to wait for the rest after the command has ended. A process that it left running may keep the
/// pipe open.
const REST: Duration = Duration::from_secs(1);

/// The standard error of a command, which is passed on to ours.
#[derive(Debug)]
pub(crate) struct Said(Receiver<String>);

impl Said {
    /// Passes on what the command says. Its end can be asked for.
    pub(crate) fn keep(command: &mut Command) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        command.stderr(writer);
        Ok(Self(pass_on(reader)))
    }

    /// Passes on what the command says, and what it prints if `is_printed`. Where our standard error is no
    /// terminal, the command gets it itself.
    pub(crate) fn pass(command: &mut Command, is_printed: bool) -> io::Result<Option<Self>> {
        if !io::stderr().is_terminal() {
            if is_printed {
                command.stdout(Stdio::from(io::stderr()));
            }
            return Ok(None);
        }
        let (reader, writer) = io::pipe()?;
        if is_printed {
            command.stdout(PipeWriter::try_clone(&writer)?);
        }
        command.stderr(writer);
        Ok(Some(Self(pass_on(reader))))
    }

    /// Waits until all was passed on, and returns the end of it. The command must have ended, and our
    /// [`Command`] must be dropped.
    pub(crate) fn end(&self) -> String {
        self.0.recv_timeout(REST).unwrap_or_default()
    }
}

fn pass_on(mut said: PipeReader) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let is_terminal = io::stderr().is_terminal();
        let (mut tail, mut buffer, mut shown) = (Vec::new(), [0; 4096], Shown::default());
        while let Ok(count @ 1..) = said.read(&mut buffer) {
            let part: Vec<u8> = buffer.iter().copied().take(count).collect();
            // It does not matter whether our stderr is open.
            let _ = if is_terminal {
                io::stderr().write_all(shown.show(&part).as_bytes())
            } else {
                io::stderr().write_all(&part)
            };
            tail.extend(part);
            let surplus = tail.len().saturating_sub(KEPT);
            tail.drain(..surplus);
        }
        // Fails if nobody wants it.
        let _ = sender.send(String::from_utf8_lossy(&tail).trim().to_owned());
    });
    receiver
}

/// Bytes of a text as they come. A part may end within a character.
#[derive(Debug, Default)]
struct Shown(Vec<u8>);

impl Shown {
    /// What a terminal shows of this part, and of what was left of the ones before.
    fn show(&mut self, part: &[u8]) -> String {
        self.0.extend_from_slice(part);
        let end = self.0.len();
        let is_begun = |begin: &usize| {
            let rest = self.0.get(*begin..).unwrap_or_default();
            std::str::from_utf8(rest)
                .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        };
        let whole = (end.saturating_sub(3)..end).find(is_begun).unwrap_or(end);
        let rest = self.0.split_off(whole);
        let text = std::mem::replace(&mut self.0, rest);
        harmless::block(&String::from_utf8_lossy(&text)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let mut shown = Shown::default();
        assert_eq!(
            shown.show("a\u{1b}]52;c;x\u{7}\n\u{9b}".as_bytes()),
            "a\\u001b]52;c;x\\u0007\n\\u009b"
        );
        assert_eq!(shown.show(b"\xff."), "\u{fffd}.");
    }

    proptest! {
        #[test]
        fn characters_stay_whole_however_the_text_is_cut(text in any::<String>(), at in any::<Vec<u8>>()) {
            let (mut shown, mut rest, mut all) = (Shown::default(), text.as_bytes(), String::new());
            for size in at {
                let (part, after) = rest.split_at(usize::from(size % 8).min(rest.len()));
                all.push_str(&shown.show(part));
                rest = after;
            }
            all.push_str(&shown.show(rest));
            prop_assert_eq!(all, harmless::block(&text).into_owned());
        }
    }
}
