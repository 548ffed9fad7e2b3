//! The contract with callers of the client: stdout is one JSON value, and stderr is for people. The exit
//! code is 0 for success, 1 for a failure, and 2 if a wait ended without a message.

use crate::{
    context::Context,
    error::{Failure, Result},
    http::{Repeat, Request},
    json::Json,
    mailbox::Ack,
    server::Server,
    state::NewCursor,
};
use std::io::{self, Write};

/// The exit code of a wait that timed out.
pub(crate) const NOTHING_CAME: u8 = 2;

/// How the result of a command is printed.
#[derive(Debug)]
pub(crate) enum Printed {
    /// As JSON.
    Json,
    /// As this text, on a terminal.
    Table(String),
    /// Not at all: the command has already printed the bytes of a file.
    Already,
}

/// The result of a command, which is still to be printed.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) json: Json,
    /// How it is printed.
    pub(crate) printed: Printed,
    /// Cursors that are saved after the value was printed, and only then.
    pub(crate) cursors: Vec<NewCursor>,
    /// An acknowledgement that is sent to our mailbox after that.
    pub(crate) ack: Option<Ack>,
    /// The exit code.
    pub(crate) code: u8,
}

impl From<Json> for Done {
    fn from(json: Json) -> Self {
        Self { json, printed: Printed::Json, cursors: Vec::new(), ack: None, code: 0 }
    }
}

impl Context {
    /// Prints which server is used, makes the request, and passes its response on.
    pub(crate) fn pass_on(&self, server: &Server, request: &Request<'_>) -> Result<Done> {
        server.announce();
        self.call(server, request).map(|answer| answer.body.into())
    }
}

/// Prints the value as one line, then saves the cursors and acknowledges.
pub(crate) fn deliver(done: Done) -> Result<()> {
    match &done.printed {
        Printed::Json => print(&done.json),
        Printed::Table(table) => line(table),
        Printed::Already => Ok(()),
    }
    .map_err(Failure::Output)?;
    for cursor in done.cursors {
        cursor.save()?;
    }
    done.ack.map_or(Ok(()), |ack| ack.send(Repeat::Always))
}

/// Prints one value on one line.
pub(crate) fn print(json: &Json) -> io::Result<()> {
    line(json.as_str())
}

fn line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}
