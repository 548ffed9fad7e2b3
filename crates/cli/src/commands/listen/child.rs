//! A command that runs: what it is given, what it prints, and how it ends.
//!
//! It has a process group of its own, where there is such a thing: when we are asked to stop, it ends with
//! all that it started. When it ends by itself, what it left running goes on, and is not waited for.

use crate::loops::Stop;
use std::{
    io::{self, Read, Write},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// The first pause between two looks at whether it has ended, and the longest.
const FIRST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(100);
/// How long it may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(2);
/// How long after its end its output is waited for: something that it left running may hold it open.
const REST: Duration = Duration::from_secs(1);

/// Runs a command with this as its standard input. Gives how it ended and what it printed, if that is
/// piped; nothing, if a signal came before, and then it was made to end.
pub(in crate::commands) fn run(
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
    // Beside, for a command may print before it has read everything, or read nothing at all.
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

/// Waits for its end; gives nothing if a signal comes first.
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

/// Reads in a thread. Once nobody wants it, what comes is thrown away: who writes it may go on.
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
            // Who does not want it any more has dropped the other end.
            let _ = sender.send(buffer.iter().copied().take(count).collect());
        }
    });
    receiver
}

/// What was printed by a command that has ended.
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

/// Makes it end, with all that it started: at first it is asked to. A further signal makes it shorter.
fn end(child: &mut Child, stop: &Stop) {
    signal(child, false);
    if !comes_true(stop, || has_ended(child) && !is_any_left(child)) {
        signal(child, true);
        comes_true(stop, || has_ended(child));
    }
}

/// Waits, though not long, for something to be so.
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

/// The group has the number of the child that it began with.
#[cfg(unix)]
fn group(child: &Child) -> Option<nix::unistd::Pid> {
    i32::try_from(child.id()).ok().map(nix::unistd::Pid::from_raw)
}

/// Asks the whole group to end, or forces it to.
#[cfg(unix)]
fn signal(child: &mut Child, is_forced: bool) {
    use nix::sys::signal::{Signal, killpg};
    let signal = if is_forced { Signal::SIGKILL } else { Signal::SIGTERM };
    // Who is gone already needs none.
    let _ = group(child).map(|group| killpg(group, signal));
}

/// Whether any of the group is there.
#[cfg(unix)]
fn is_any_left(child: &Child) -> bool {
    group(child).is_some_and(|group| nix::sys::signal::killpg(group, None).is_ok())
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

/// Where there are no groups, it ends alone, and at once.
#[cfg(not(unix))]
fn signal(child: &mut Child, _: bool) {
    let _ = child.kill();
}

#[cfg(not(unix))]
fn is_any_left(_: &Child) -> bool {
    false
}
