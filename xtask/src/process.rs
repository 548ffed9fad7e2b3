//! Running other programs. Every failure is a sentence that names the command.

use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail, ensure};

/// Runs a command on this terminal. Fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| not_started(command, error))?;
    ensure!(status.success(), "`{}` failed ({status})", line(command));
    Ok(())
}

/// As [`run`], beside others: what the command printed is shown in one piece, when it has ended.
pub(crate) fn run_and_show(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| not_started(command, error))?;
    let [errors, told] =
        [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes));
    println!("{errors}{told}");
    ensure!(output.status.success(), "`{}` failed ({})", line(command), output.status);
    Ok(())
}

/// Like [`run`], and returns what the command printed on its standard output.
pub(crate) fn run_and_hear(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| not_started(command, error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{text}");
    ensure!(output.status.success(), "`{}` failed ({})", line(command), output.status);
    Ok(text)
}

/// Runs a command that may fail, shows what it prints as it does, and returns that and whether it succeeded.
pub(crate) fn show_and_hear(command: &mut Command) -> Result<(String, bool)> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| not_started(command, error))?;
    let mut text = String::new();
    for told in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
        let told = told.with_context(|| format!("`{}` printed no text", line(command)))?;
        println!("{told}");
        text += &told;
        text.push('\n');
    }
    Ok((text, child.wait()?.success()))
}

/// Like [`run`], but gives up after `limit`.
pub(crate) fn run_within(limit: Duration, command: &mut Command) -> Result<()> {
    let started = Instant::now();
    let mut child = command.spawn().map_err(|error| not_started(command, error))?;
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "`{}` failed ({status})", line(command));
            return Ok(());
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("`{}` did not end within {} s", line(command), limit.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Returns what a command prints on its standard output, without the last line end.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| not_started(command, error))?;
    ensure!(
        output.status.success(),
        "`{}` failed ({}): {}",
        line(command),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed something else than text", line(command)))?;
    Ok(text.trim_end().to_owned())
}

/// Whether a command starts and succeeds. Its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The first match for `program` in the folders of `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Puts folders before those of `PATH`.
pub(crate) fn prepend_path(command: &mut Command, folders: &[&Path]) -> Result<()> {
    let old = env::var_os("PATH").unwrap_or_default();
    let paths = folders.iter().map(|path| path.to_path_buf()).chain(env::split_paths(&old));
    let joined = env::join_paths(paths).context("a folder of PATH has a colon in its name")?;
    command.env("PATH", joined);
    Ok(())
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = [program].into_iter().chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command, error: io::Error) -> Error {
    let program = command.get_program().to_string_lossy().into_owned();
    let sentence = if error.kind() == io::ErrorKind::NotFound {
        format!("`{program}` is not installed")
    } else {
        format!("could not start `{program}`")
    };
    Error::new(error).context(sentence)
}
