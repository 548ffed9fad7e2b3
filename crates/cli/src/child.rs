//! Running a command: its input, its output, and its end.
//!
//! On Unix the command has its own process group. When we are asked to stop, or its time is over, the whole
//! group is ended; on Windows, all that it started. When the command ends by itself, processes that it left running go on, and are not waited
//! for.

mod said;

pub(crate) use said::Said;

use crate::loops::Stop;
use std::{
    io::{self, Read, Write},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// The first and the longest pause between two checks whether it has ended.
const FIRST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(100);
/// How long it may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait for its output after its end. A process that it left running may keep the pipe open.
const REST: Duration = Duration::from_secs(1);

/// How a command has ended.
#[derive(Debug)]
pub(crate) enum Ran {
    /// By itself. Its output is empty unless that is piped.
    Ended(ExitStatus, Vec<u8>),
    /// We were asked to stop, and ended it.
    Stopped,
    /// Its time was over, and we ended it.
    TimedOut,
}

/// The command in this text, for the shell of the system. A `nexus` in it is the same agent as we are. It does not
/// get what only we need: the token of a hook, and the token with which sessions are made and joined.
pub(crate) fn shell(text: &str, home: &Path) -> Command {
    let mut command = of_shell(text);
    command.env("NEXUS_HOME", home);
    command.env_remove("NEXUS_HOOK_TOKEN").env_remove("NEXUS_TOKEN");
    command
}

#[cfg(not(windows))]
fn of_shell(text: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(text);
    command
}

#[cfg(windows)]
fn of_shell(text: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut command = Command::new("cmd");
    command.raw_arg(for_cmd(text));
    command
}

/// The arguments with which `cmd` runs this text as it is. It takes only the first and the last quote away, and does
/// not read quotes as other programs do.
#[cfg(any(windows, test))]
fn for_cmd(text: &str) -> String {
    format!("/S /C \"{text}\"")
}

/// Runs a command with this standard input, for at most `limit` seconds.
pub(crate) fn run(
    command: &mut Command,
    input: String,
    stop: &Stop,
    limit: u32,
) -> io::Result<Ran> {
    let (began, limit) = (Instant::now(), Duration::from_secs(limit.into()));
    run_until(command, input, stop, || began.elapsed() >= limit)
}

/// The same, until its time is over.
fn run_until(
    command: &mut Command,
    input: String,
    stop: &Stop,
    is_over: impl Fn() -> bool,
) -> io::Result<Ran> {
    let _held = stop.hold();
    if stop.sleep(Duration::ZERO) {
        return Ok(Ran::Stopped);
    }
    own_group(command);
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    // In a thread, because a command may print before it has read everything, or never read it.
    thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
    let printed = child.stdout.take().map(read);
    let waited = wait(&mut child, stop, is_over);
    if let Ok(Waited::Ended(status)) = waited {
        let printed = printed.map(|printed| rest(&printed)).unwrap_or_default();
        return Ok(Ran::Ended(status, printed));
    }
    end(&mut child, stop);
    waited.map(|waited| if waited == Waited::TooLong { Ran::TimedOut } else { Ran::Stopped })
}

/// What ended the waiting for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    Ended(ExitStatus),
    Asked,
    TooLong,
}

/// Waits for its end, for a signal, or until its time is over.
fn wait(child: &mut Child, stop: &Stop, is_over: impl Fn() -> bool) -> io::Result<Waited> {
    let mut pause = FIRST;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Waited::Ended(status));
        }
        if stop.sleep(pause) {
            return Ok(child.try_wait()?.map_or(Waited::Asked, Waited::Ended));
        }
        if is_over() {
            return Ok(child.try_wait()?.map_or(Waited::TooLong, Waited::Ended));
        }
        pause = pause.saturating_mul(2).min(LONGEST);
    }
}

/// Reads its output in a thread. When it is no longer wanted, it is read and dropped, so that a process
/// that is left running is not blocked.
fn read(mut stdout: ChildStdout) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            let count = match stdout.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            // Fails when the output is no longer wanted.
            let _ = sender.send(buffer.iter().copied().take(count).collect());
        }
    });
    receiver
}

/// The output of a command that has ended.
fn rest(printed: &Receiver<Vec<u8>>) -> Vec<u8> {
    let began = Instant::now();
    let mut all = Vec::new();
    loop {
        let left = REST.saturating_sub(began.elapsed());
        match printed.recv_timeout(left) {
            Ok(bytes) => all.extend(bytes),
            Err(_) => return all,
        }
        if left.is_zero() {
            return all;
        }
    }
}

/// Ends the command and all that it started: politely at first, then by force. A further signal shortens
/// the wait.
fn end(child: &mut Child, stop: &Stop) {
    signal(child, false);
    if !comes_true(stop, || has_ended(child) && !is_any_left(child)) {
        signal(child, true);
        comes_true(stop, || has_ended(child));
    }
}

/// Waits for a condition, for at most [`GRACE`].
fn comes_true(stop: &Stop, mut is_so: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    let mut pause = FIRST;
    while !is_so() {
        if began.elapsed() >= GRACE || stop.comes_again(pause) {
            return is_so();
        }
        pause = pause.saturating_mul(2).min(LONGEST);
    }
    true
}

fn has_ended(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(Some(_)))
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// The process group, which has the id of the child.
#[cfg(unix)]
fn group(child: &Child) -> Option<nix::unistd::Pid> {
    i32::try_from(child.id()).ok().map(nix::unistd::Pid::from_raw)
}

/// Asks the whole process group to end, or kills it.
#[cfg(unix)]
fn signal(child: &mut Child, is_forced: bool) {
    use nix::sys::signal::{Signal, killpg};
    let signal = if is_forced { Signal::SIGKILL } else { Signal::SIGTERM };
    // Fails if the group has already ended.
    let _ = group(child).map(|group| killpg(group, signal));
}

/// Whether a process of the group still exists.
#[cfg(unix)]
fn is_any_left(child: &Child) -> bool {
    group(child).is_some_and(|group| nix::sys::signal::killpg(group, None).is_ok())
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

/// Without process groups, the command and what it started are killed as they were started: one by another.
#[cfg(not(unix))]
fn signal(child: &mut Child, _: bool) {
    let [program, arguments @ ..] = killer(child.id());
    let mut killer = Command::new(program);
    killer.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if !killer.status().is_ok_and(|status| status.success()) {
        let _ = child.kill();
    }
}

/// The command of Windows that kills a process and all that it started.
#[cfg(any(not(unix), test))]
fn killer(id: u32) -> [String; 5] {
    ["taskkill", "/T", "/F", "/PID", &id.to_string()].map(str::to_owned)
}

#[cfg(not(unix))]
fn is_any_left(_: &Child) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_command_whose_time_is_over_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        // It tells when both processes run, which then wait far longer than the test may take.
        let mut command = shell("sleep 600 & : > out; wait", folder.path());
        let (mut held, holds) = io::pipe().unwrap();
        command.current_dir(folder.path()).stderr(holds);
        let (_ask, stop) = Stop::fed();
        // Its time is over once it runs.
        let ran = run_until(&mut command, String::new(), &stop, || out.exists()).unwrap();
        assert!(matches!(ran, Ran::TimedOut), "{ran:?}");
        drop(command);
        let (sender, ended) = mpsc::channel();
        // The pipe ends with the last process that has it open.
        thread::spawn(move || sender.send(held.read(&mut [0])));
        let ended = ended.recv_timeout(Duration::from_secs(30)).expect("a process is left");
        assert_eq!(ended.unwrap(), 0, "nothing was said");
    }

    #[test]
    fn a_stop_that_comes_while_a_command_is_being_ended_counts() {
        let (ask, stop) = Stop::fed();
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let mut command = shell("trap '' TERM; : > out; sleep 600", folder.path());
        command.current_dir(folder.path());
        let ran =
            run_until(&mut command, String::new(), &stop, || out.exists() && ask.send(()).is_ok());
        assert!(matches!(ran, Ok(Ran::TimedOut)), "{ran:?}");
        assert!(stop.sleep(Duration::ZERO), "the stop is not lost");
    }

    #[test]
    fn a_command_that_ends_in_time_has_ended_by_itself() {
        let (_ask, stop) = Stop::fed();
        let folder = tempfile::tempdir().unwrap();
        let mut command = shell("cat; exit 3", folder.path());
        command.stdout(Stdio::piped());
        let ran = run_until(&mut command, "hi".to_owned(), &stop, || false).unwrap();
        let Ran::Ended(status, printed) = ran else { panic!("{ran:?}") };
        assert_eq!((status.code(), printed.as_slice()), (Some(3), b"hi".as_slice()));
    }

    #[test]
    fn windows_gets_its_own_quotes_and_ends_all() {
        assert_eq!(for_cmd(r#"find "a b" > c"#), r#"/S /C "find "a b" > c""#);
        assert_eq!(killer(12), ["taskkill", "/T", "/F", "/PID", "12"]);
    }

    #[test]
    fn a_command_gets_no_token() {
        let command = shell("true", Path::new("/"));
        for name in ["NEXUS_TOKEN", "NEXUS_HOOK_TOKEN"] {
            assert!(command.get_envs().any(|(key, value)| key == name && value.is_none()));
        }
    }
}
