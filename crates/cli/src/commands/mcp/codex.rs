//! Wakes Codex, which no notification of the protocol wakes: `codex queue` puts a line into its thread.
//!
//! Promises: the line is a pointer and never a stranger's text, because Codex takes it for its user's. It comes only
//! while no call runs, at most once in a few seconds, and once for each message.

use super::{desk::Desk, seats::Seat};
use crate::{
    child::{self, Ran},
    loops::Stop,
    stderr::tell,
    wake_line::{self, Pointer, Waiting, Where},
};
use nexus_protocol::Cursor;
use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// The pause after each line. What comes meanwhile is one line.
const PAUSE: Duration = Duration::from_secs(5);
/// How many seconds the program may take.
const LIMIT: u32 = 20;
/// How long to wait for the end of a call before looking again.
const CALL: Duration = Duration::from_mins(1);
/// The most messages that are counted.
const COUNTED: usize = 1000;

/// What has come and was not pointed at.
#[derive(Debug, Default)]
struct State {
    /// The thread that has called last.
    thread: Option<String>,
    heard: BTreeMap<Seat, Vec<(Cursor, Waiting)>>,
    has_begun: bool,
}

#[derive(Debug)]
pub(super) struct Codex {
    desk: Arc<Desk>,
    program: Option<PathBuf>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Codex {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self { desk, program: program(), state, changed }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread that calls.
    pub(super) fn learn(&self, thread: &str) {
        // It becomes an argument, and must not be an option.
        let is_id = thread.len() <= 128
            && thread
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !thread.starts_with('-');
        if is_id && !thread.is_empty() {
            self.state().thread = Some(thread.to_owned());
        }
    }

    /// Whether there is a thread that can be woken.
    pub(super) fn is_there(&self) -> bool {
        self.program.is_some() && self.state().thread.is_some()
    }

    /// A message has come.
    pub(super) fn heard(self: &Arc<Self>, seat: &Seat, cursor: Cursor, message: Waiting) {
        if !self.is_there() {
            return;
        }
        let mut state = self.state();
        let heard = state.heard.entry(seat.clone()).or_default();
        if heard.len() < COUNTED {
            heard.push((cursor, message));
        }
        if !std::mem::replace(&mut state.has_begun, true) {
            let codex = Arc::clone(self);
            thread::spawn(move || codex.run());
        }
        self.changed.notify_all();
    }

    /// Points at what comes, for ever.
    fn run(&self) {
        loop {
            let state = self.changed.wait_while(self.state(), |state| state.heard.is_empty());
            drop(state.unwrap_or_else(PoisonError::into_inner));
            while !self.desk.is_idle_within(CALL) {}
            let (thread, heard) = {
                let mut state = self.state();
                (state.thread.clone(), std::mem::take(&mut state.heard))
            };
            let waiting: Vec<Pointer> =
                heard.into_iter().filter_map(|(seat, heard)| self.left(&seat, heard)).collect();
            let line = wake_line::line(&waiting, self.desk.context.profile());
            if let Some((thread, line)) = thread.zip(line) {
                self.queue(&thread, &line);
                thread::sleep(PAUSE);
            }
        }
    }

    /// What was not told by a call meanwhile.
    fn left(&self, seat: &Seat, heard: Vec<(Cursor, Waiting)>) -> Option<Pointer> {
        let read = self.desk.place(seat);
        let left = heard.into_iter().filter(|(cursor, _)| Some(*cursor) > read);
        let waiting: Vec<Waiting> = left.map(|(_, message)| message).collect();
        let place = match seat {
            Seat::Session(id) => {
                Where::Session { id: id.clone(), alias: Some(seat.name(&self.desk.context)) }
            }
            Seat::Address(agent) => Where::Mailbox(agent.clone()),
        };
        (!waiting.is_empty()).then_some(Pointer { place, waiting, has_more: false })
    }

    fn queue(&self, thread: &str, line: &str) {
        let Some(program) = &self.program else { return };
        let mut command = Command::new(program);
        command.args(["queue", "--thread", thread, "--message", line]);
        // Standard output is for the protocol.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.env_remove("NEXUS_HOOK_TOKEN").env_remove("NEXUS_TOKEN");
        let (_ask, stop) = Stop::fed();
        match child::run(&mut command, String::new(), &stop, LIMIT) {
            Ok(Ran::Ended(status, _)) if status.success() => {}
            Ok(Ran::Ended(status, _)) => tell!("`codex queue` failed ({status})"),
            Ok(Ran::TimedOut | Ran::Stopped) => tell!("`codex queue` took too long"),
            Err(error) => tell!("`codex queue` could not be run ({error})"),
        }
    }
}

/// The program in the `PATH`.
fn program() -> Option<PathBuf> {
    let name = if cfg!(windows) { "codex.exe" } else { "codex" };
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}
