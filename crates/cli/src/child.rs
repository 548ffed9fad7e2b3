//! Running a command: its input, its output, and its end.
//!
//! On Unix the command has its own process group. When we are asked to stop, the whole group is ended. When
//! the command ends by itself, processes that it left running go on, and are not waited for.

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

/// The command in this text, for the shell of the system. Without any key of a hook, and a `nexus` in it is the same
/// agent as we are.
pub(crate) fn shell(text: &str, home: &Path) -> Command {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.arg(flag).arg(text).env("NEXUS_HOME", home).env_remove("NEXUS_HOOK_TOKEN");
    command
}

/// Runs a command with this standard input. Returns its exit status, and its output if that is piped.
/// `None` if a signal came first, in which case the command was ended.
pub(crate) fn run(
    command: &mut Command,
    input: String,
    stop: &Stop,
) -> io::Result<Option<(ExitStatus, Vec<u8>)>> {
    let _held = stop.hold();
    if stop.sleep(Duration::ZERO) {
        return Ok(None);
    }
    own_group(command);
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    // In a thread, because a command may print before it has read everything, or never read it.
    thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
    let printed = child.stdout.take().map(read);
    match wait(&mut child, stop) {
        Ok(Some(status)) => {
            Ok(Some((status, printed.map(|printed| rest(&printed)).unwrap_or_default())))
        }
        other => {
            end(&mut child, stop);
            other.map(|_| None)
        }
    }
}

/// Waits for its end. `None` if a signal comes first.
fn wait(child: &mut Child, stop: &Stop) -> io::Result<Option<ExitStatus>> {
    let mut pause = FIRST;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if stop.sleep(pause) {
            return child.try_wait();
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

/// Without process groups, only the command itself is killed.
#[cfg(not(unix))]
fn signal(child: &mut Child, _: bool) {
    let _ = child.kill();
}

#[cfg(not(unix))]
fn is_any_left(_: &Child) -> bool {
    false
}
