//! The contract with callers of the client: in a pipe, stdout is one JSON value. On a terminal it is text for
//! people. Stderr is for people. The exit code is 0 for success, 1 for a failure, and 2 if a wait ended
//! without a message.
//!
//! Everything that the client prints on stdout goes through this file, and nothing else may write there.
//! Promise: no character that a terminal obeys, no key and no secret reaches a terminal, whatever the command
//! and whatever was sent.

mod reader;
mod shower;

pub(crate) use reader::until_nobody_reads;
pub(crate) use shower::Shower;

use crate::{
    clock,
    context::Context,
    error::{Failure, Kind, Result},
    filter::Filter,
    harmless,
    http::{Repeat, Request},
    json::Json,
    mailbox::Ack,
    people::{self, Clock, Scene, Text},
    server::Server,
    state::NewCursor,
    stderr::tell,
};
use nexus_protocol::Timestamp;
use rustyline::ExternalPrinter;
use std::{
    cell::OnceCell,
    env,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The exit code of a wait that timed out.
pub(crate) const NOTHING_CAME: u8 = 2;

/// How the result of a command is printed.
#[derive(Debug)]
pub(crate) enum Printed {
    Json,
    /// These bytes of a file, as they are.
    Bytes(Vec<u8>),
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

/// What stdout is, and what the user wants there.
#[derive(Default)]
pub(crate) struct Format {
    /// JSON, even on a terminal.
    pub(crate) is_json: bool,
    pub(crate) filter: Option<String>,
}

static FORMAT: OnceLock<Format> = OnceLock::new();

/// Whether stdout is for the lines of a protocol.
static IS_PROTOCOL: AtomicBool = AtomicBool::new(false);

/// The state folder, in which keys are kept.
static STATE: OnceLock<PathBuf> = OnceLock::new();

/// Whether printing has begun. Whoever holds the lock prints, or ends the process.
static HAS_BEGUN: Mutex<bool> = Mutex::new(false);

/// Decides how all results are printed. Fails if the filter is not valid.
pub(crate) fn set(format: Format) -> Result<()> {
    format.filter.as_deref().map(Filter::new).transpose()?;
    // It is decided once, when the command line has been read.
    let _ = FORMAT.set(format);
    Ok(())
}

/// Says where keys are kept.
pub(crate) fn set_state(root: &Path) {
    let _ = STATE.set(root.to_owned());
}

fn wants_json() -> bool {
    FORMAT.get().is_some_and(|format| format.is_json)
}

fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether results are printed as text for people.
pub(crate) fn is_for_people() -> bool {
    let is_filtered = FORMAT.get().is_some_and(|format| format.filter.is_some());
    is_terminal() && !wants_json() && !is_filtered
}

/// Prints the value, then saves the cursors and acknowledges. If nobody can have read the value, it stays
/// unread.
pub(crate) fn deliver(done: Done) -> Result<()> {
    if (done.ack.is_some() || !done.cursors.is_empty()) && reader::is_closed() {
        let message = "standard output is closed, so nothing was marked as read";
        return Err(Failure::Output(io::Error::other(message)));
    }
    deliver_anyway(done)
}

/// The same for a loop, which some programs run with stdout closed to keep a session alive.
pub(crate) fn deliver_anyway(done: Done) -> Result<()> {
    let Done { json, printed, cursors, ack, .. } = done;
    match printed {
        Printed::Json => print(&json)?,
        Printed::Bytes(bytes) => print_bytes(&bytes)?,
    }
    for cursor in cursors {
        cursor.save()?;
    }
    ack.map_or(Ok(()), |ack| ack.send(Repeat::Always))
}

/// Prints one value: as one line of JSON, as what the filter makes of it, or as text for people.
pub(crate) fn print(json: &Json) -> Result<()> {
    let format = FORMAT.get();
    let is_terminal = is_terminal();
    let json = &people::with_commands(json);
    let value = if is_terminal { harmless::without_secrets(json) } else { json.clone() };
    if let Some(code) = format.and_then(|format| format.filter.as_deref()) {
        let lines = filtered(code, &value)?.join("\n");
        return if lines.is_empty() {
            Ok(())
        } else if is_terminal {
            write(&format!("{}\n", harmless::block(&harmless::without_keys(&lines))))
        } else {
            write(&format!("{lines}\n"))
        };
    }
    if is_for_people() {
        return write(people::show(json, &scene()).as_str());
    }
    let value = harmless::json(value.as_str());
    let value = if is_terminal { harmless::without_keys(&value).into() } else { value };
    write(&format!("{value}\n"))
}

/// What the filter makes of a value. Each thread reads the filter once, since threads cannot share one.
fn filtered(code: &str, value: &Json) -> Result<Vec<String>> {
    thread_local!(static FILTER: OnceCell<Filter> = const { OnceCell::new() });
    FILTER.with(|cell| {
        if let Some(filter) = cell.get() {
            return filter.run(value);
        }
        let filter = Filter::new(code)?;
        cell.get_or_init(|| filter).run(value)
    })
}

/// From now on, standard output speaks a protocol: it gets its lines, and nothing else.
pub(crate) fn begin_protocol() {
    IS_PROTOCOL.store(true, Ordering::Relaxed);
}

/// Prints a line of the protocol: JSON.
pub(crate) fn print_protocol(json: &str) -> Result<()> {
    let value = harmless::json(json);
    let value = if is_terminal() { harmless::without_keys(&value).into() } else { value };
    write(&format!("{value}\n"))
}

/// Prints the value of a failure. On a terminal, people read the sentence on stderr instead.
pub(crate) fn print_failure(failure: &Failure) -> Result<()> {
    if IS_PROTOCOL.load(Ordering::Relaxed) {
        return Ok(());
    }
    failure_text(failure).map_or(Ok(()), |text| write(&text))
}

fn failure_text(failure: &Failure) -> Option<String> {
    let json = failure.json()?;
    rescue(failure, &json);
    if !is_for_people() {
        // A filter is for the value of a success.
        let value = harmless::json(json.as_str());
        let value = if is_terminal() { harmless::without_keys(&value).into() } else { value };
        return Some(format!("{value}\n"));
    }
    // The sentence is on stderr already.
    let rest = json.without("error").without("message");
    if matches!(failure, Failure::Report(_)) && rest.as_str() != "{}" {
        // Nothing of it was stored.
        let scene = Scene { state: None, ..scene() };
        return Some(people::show(&rest, &scene).as_str().to_owned());
    }
    None
}

/// A key that could not be stored must not get lost because a terminal may not show it.
fn rescue(failure: &Failure, json: &Json) {
    let has_key = json.names().iter().any(|name| harmless::is_secret(name));
    if !matches!(failure, Failure::Report(_)) || !has_key || !is_terminal() {
        return;
    }
    let kept = tempfile::Builder::new().prefix("nexus-key-").suffix(".json").tempfile().and_then(
        |mut file| {
            writeln!(file, "{}", json.as_str())?;
            file.keep().map_err(|error| error.error)
        },
    );
    match kept {
        Ok((_, path)) => tell!("the whole response, with its key, is in {}", path.display()),
        Err(error) => tell!("the key could not be kept anywhere: {error}"),
    }
}

/// Prints the bytes of a file. A terminal gets only harmless text.
fn print_bytes(bytes: &[u8]) -> Result<()> {
    let is_fine = |text: &str| !text.contains(|c| harmless::is_hazard(c) && !"\n\t".contains(c));
    if is_terminal() && !std::str::from_utf8(bytes).is_ok_and(is_fine) {
        let message = "The file is not plain text, and a terminal would obey what is in it. Name a file to write: -o FILE.";
        return Err(Failure::own(Kind::Usage, message));
    }
    write_bytes(bytes)
}

/// A message of a conversation, for people.
pub(crate) fn said(message: &Json, number: Option<usize>) -> Text {
    people::said(message, &scene(), number)
}

/// A line of this program in a conversation.
pub(crate) fn note(line: &str) -> Text {
    people::note(line, &scene())
}

/// Prints a text for people.
pub(crate) fn print_text(text: &Text) -> Result<()> {
    write(text.as_str())
}

/// What shows texts above the line that is being edited on a terminal.
pub(crate) fn shower(printer: Option<impl ExternalPrinter + Send + 'static>) -> Shower {
    let mut printer = printer;
    // A terminal that is gone needs no text.
    Shower::new(move |text| match &mut printer {
        Some(printer) => drop(printer.print(text)),
        None if text == shower::NOTHING => {}
        None => drop(write(&text)),
    })
}

/// Shows a text there.
pub(crate) fn show(shower: &Shower, text: &Text) {
    shower.push(text.as_str());
}

/// Ends showing. What the editor has not shown is printed, once it has lost the terminal by `free`.
pub(crate) fn end_showing(shower: Shower, is_editing: bool, limit: Duration, free: impl FnOnce()) {
    let left = shower.end(is_editing, limit);
    if is_editing {
        free();
        // Ends the line, and the mode in which pasted text is marked.
        let _ = write("\u{1b}[?2004l\r\n");
    }
    for text in left {
        let _ = write(&text);
    }
}

/// Prints a text that this program made, such as help or a script for a shell.
pub(crate) fn print_own(text: &str) -> Result<()> {
    write(text)
}

fn write(text: &str) -> Result<()> {
    write_bytes(text.as_bytes())
}

fn write_bytes(bytes: &[u8]) -> Result<()> {
    let mut has_begun = HAS_BEGUN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    *has_begun = true;
    write_now(bytes)
}

fn write_now(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Failure::Output)
}

/// Ends the process with this failure, unless a value is being printed, or was.
pub(crate) fn end_with(failure: &Failure) {
    // Held until the process ends, so that nothing else is printed after this value.
    let Ok(has_begun) = HAS_BEGUN.try_lock() else { return };
    if *has_begun {
        return;
    }
    tell!("error: {}", failure.sentence());
    if let Some(text) = failure_text(failure) {
        let _ = write_now(text.as_bytes());
    }
    std::process::exit(1);
}

/// What results for people are shown on.
pub(crate) fn scene() -> Scene {
    Scene {
        width: width(),
        has_colour: has_colour(),
        clock: Clock::at(clock::now().millis_since(Timestamp::from_millis(0))),
        state: STATE.get().cloned(),
    }
}

/// The columns of the terminal, or of `$COLUMNS`.
fn width() -> usize {
    let given = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let found = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    given.or(found).filter(|columns| *columns > 0).unwrap_or(80)
}

/// `NO_COLOR`, `CLICOLOR_FORCE` and `CLICOLOR`, in this order, and whether the terminal has colours.
fn has_colour() -> bool {
    if anstyle_query::no_color() {
        return false;
    }
    anstyle_query::clicolor_force()
        || (anstyle_query::clicolor() != Some(false) && anstyle_query::term_supports_color())
}
