//! How a loop begins, and what happens if another of its kind runs already.

use super::{
    State, process,
    running::{Begun, Loop, Place, Running, Stored},
};
use crate::{
    error::{Failure, Kind, Result},
    stderr::tell,
};
use std::{path::Path, thread, time::Duration};

/// How often it is tried to take the place of a loop that was asked to end, and the pause between two tries. It
/// may have to end its command first.
const TRIES: u32 = 150;
const PAUSE: Duration = Duration::from_millis(100);

/// What to do if a loop of the same kind runs already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfRunning {
    Refuse,
    /// Ask it to end, and take its place.
    TakeOver,
}

impl From<bool> for IfRunning {
    /// The value of `--takeover`.
    fn from(takes_over: bool) -> Self {
        if takes_over { Self::TakeOver } else { Self::Refuse }
    }
}

impl State {
    /// Registers a loop in the folder of a session or an address.
    pub(crate) fn begin_loop(
        &self,
        folder: &Path,
        kind: Loop,
        record: &Running,
        if_running: IfRunning,
    ) -> Result<Place> {
        match self.try_begin(folder, kind, record)? {
            Begun::Yes(place, left) => {
                if let Some(left) = left {
                    let (name, who) = (kind.name(), left.name());
                    tell!(
                        "note: an earlier `nexus {name}` ({who}) has died; this one takes its place"
                    );
                }
                Ok(place)
            }
            Begun::Held(Some(holder)) if if_running == IfRunning::TakeOver => {
                let mut tries = 0..TRIES;
                let waits = || tries.next().map(|_| thread::sleep(PAUSE)).is_some();
                self.take_over(folder, kind, record, &holder, waits)
            }
            Begun::Held(holder) => Err(already_running(kind, holder.as_ref())),
        }
    }

    /// Asks a running loop to end, and takes its place. It ends by its own rules: its command is ended, and a
    /// message that it has not handled stays unread. It is never killed, because that would leave its command
    /// running. `waits` pauses, and says whether to go on trying.
    fn take_over(
        &self,
        folder: &Path,
        kind: Loop,
        record: &Running,
        holder: &Stored,
        mut waits: impl FnMut() -> bool,
    ) -> Result<Place> {
        let (name, pid, who) = (kind.name(), holder.record.pid, holder.name());
        let refuse = |message: String| Failure::own(Kind::AlreadyRunning, message);
        // The id may be that of another process here, if the loop runs on another machine or in a container.
        if cfg!(unix) && !holder.lives() {
            return Err(refuse(format!(
                "`nexus {name}` ({who}) cannot be ended from here: it runs on another machine or in another container. End it there."
            )));
        }
        process::ask_to_end(pid).map_err(|error| {
            refuse(format!(
                "`nexus {name}` ({who}) cannot be ended ({error}). End it yourself, and start again."
            ))
        })?;
        tell!("`nexus {name}` ({who}) is asked to end");
        while waits() {
            match self.try_begin(folder, kind, record)? {
                Begun::Yes(place, _) => {
                    tell!("this `nexus {name}` takes its place");
                    return Ok(place);
                }
                // Somebody else was faster.
                Begun::Held(Some(other)) if other.record.pid != pid => {
                    return Err(already_running(kind, Some(&other)));
                }
                Begun::Held(_) => {}
            }
        }
        Err(refuse(format!(
            "`nexus {name}` ({who}) was asked to end and has not. See what holds it, or end it with `kill -KILL {pid}`; a command that it runs goes on then."
        )))
    }
}

/// The failure that a loop of this kind runs already.
fn already_running(kind: Loop, holder: Option<&Stored>) -> Failure {
    let name = kind.name();
    let who = holder.map(|holder| format!(" ({})", holder.name())).unwrap_or_default();
    let remedy = remedy(kind, holder.map(|holder| holder.record.pid), cfg!(unix));
    let message = format!("`nexus {name}` is already running for this{who}. {remedy}");
    Failure::own(Kind::AlreadyRunning, message)
}

/// What to do about a loop that runs. `has_signals`: whether a process can be asked to end here.
fn remedy(kind: Loop, pid: Option<u32>, has_signals: bool) -> String {
    match (kind, pid) {
        (Loop::Listen | Loop::Work, _) if has_signals => {
            "--takeover ends it and takes its place.".to_owned()
        }
        (_, Some(pid)) if has_signals => format!("`kill {pid}` ends it."),
        (_, Some(_)) => "End it with Ctrl-C in its window.".to_owned(),
        (_, None) => "`nexus poll-status` shows which loops run.".to_owned(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::state::reader::Reader;
    use std::{
        os::unix::process::ExitStatusExt,
        path::PathBuf,
        process::{Child, Command},
    };

    /// A state folder, and a folder of a session in it.
    fn state(root: &Path) -> (State, PathBuf) {
        let (root, reader) = (root.to_owned(), Reader::default());
        (State { root: root.clone(), home: None, reader }, root.join("sessions/x"))
    }

    fn record(pid: u32) -> Running {
        Running { pid, ..Running::begins(0) }
    }

    /// A process that ends only when it is asked to.
    fn process() -> Sleeper {
        Sleeper(Command::new("sleep").arg("600").spawn().ok())
    }

    /// It is ended and waited for at the latest when this is dropped.
    struct Sleeper(Option<Child>);

    impl Sleeper {
        fn id(&self) -> u32 {
            self.0.as_ref().map_or(0, Child::id)
        }

        /// The signal that has ended it.
        fn wait(&mut self) -> Option<i32> {
            self.0.as_mut().and_then(|child| child.wait().ok()).and_then(|status| status.signal())
        }

        fn runs(&mut self) -> bool {
            self.0.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.as_mut().map(Child::kill);
            self.wait();
        }
    }

    /// The sentence of a refusal.
    fn refused<T>(result: Result<T>) -> String {
        match result {
            Err(Failure::Own(Kind::AlreadyRunning, message)) => message,
            _ => "not refused".to_owned(),
        }
    }

    #[test]
    fn a_living_loop_is_named_and_a_dead_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (state, session) = state(folder.path());
        let begin = |pid| state.begin_loop(&session, Loop::Listen, &record(pid), IfRunning::Refuse);
        let first = begin(std::process::id()).unwrap();
        let message = refused(begin(1));
        let name = format!("process {}, since 20", std::process::id());
        assert!(message.contains(&name) && message.contains("--takeover"), "{message}");
        // As if it was killed: the record stays.
        drop(first);
        begin(1).unwrap().end();
        assert!(!session.join("listen.json").exists());
    }

    #[test]
    fn only_what_works_is_recommended() {
        for kind in [Loop::Listen, Loop::Work, Loop::Heartbeat] {
            let told = remedy(kind, Some(7), false);
            assert!(told.contains("Ctrl-C") && !told.contains("--takeover"), "{told}");
        }
        assert!(remedy(Loop::Work, None, true).contains("--takeover"));
        assert!(remedy(Loop::Heartbeat, Some(7), true).contains("kill 7"));
    }

    #[test]
    fn a_loop_is_asked_to_end_and_never_killed() {
        let folder = tempfile::tempdir().unwrap();
        let (state, session) = state(folder.path());
        let mut child = process();
        let mut held =
            state.begin_loop(&session, Loop::Listen, &record(child.id()), IfRunning::Refuse).ok();
        let holder = Stored::read(&session.join("listen.json")).unwrap();
        let (own, mut turns) = (record(std::process::id()), 0);
        let taken = state.take_over(&session, Loop::Listen, &own, &holder, || {
            turns += 1;
            if turns == 3 {
                // It is asked to end, ends, and its lock becomes free.
                assert_eq!(child.wait(), Some(15));
                held = None;
            }
            true
        });
        let place = taken.unwrap();
        assert_eq!(turns, 3);

        // One that does not heed is left alone in the end.
        let mut deaf = process();
        place.update(&record(deaf.id())).unwrap();
        let holder = Stored::read(&session.join("listen.json")).unwrap();
        let mut turns = 0..5;
        let taken =
            state.take_over(&session, Loop::Listen, &own, &holder, || turns.next().is_some());
        assert!(refused(taken).contains(&format!("`kill -KILL {}`", deaf.id())));
        assert_eq!(deaf.wait(), Some(15));
    }

    #[test]
    fn a_process_that_only_has_the_same_id_is_not_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (state, session) = state(folder.path());
        let mut child = process();
        let held = state.begin_loop(&session, Loop::Work, &record(child.id()), IfRunning::Refuse);
        let elsewhere = Some("another-machine/5".to_owned());
        let holder = Stored { record: record(child.id()), process: elsewhere };
        let taken = state.take_over(&session, Loop::Work, &record(2), &holder, || true);
        assert!(refused(taken).contains("another machine"));
        assert!(child.runs(), "it goes on");
        drop(held);
    }
}
