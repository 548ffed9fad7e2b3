//! Running other programs. Every failure is a sentence that names the command.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail, ensure};
use tempfile::NamedTempFile;

/// Runs a command on this terminal. Fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| not_started(command, error))?;
    ensure!(status.success(), "`{}` failed ({status})", line(command));
    Ok(())
}

/// Runs what it is told, in a group of its own, until it ends or this program lets go of the shell's input, even by
/// being killed. Then nothing of the group is left.
const GROUP: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
program=$!
{ read -r _ <&3; kill -9 0; } &
exec 3<&-
wait $program
"#;

/// As [`run`], beside others: what the command printed is shown in one piece, when it has ended or has taken as long
/// as `limit`. Then it fails, and what it was waiting for stands in the last lines.
pub(crate) fn run_and_show(limit: Duration, command: &Command) -> Result<()> {
    // No pipes: a process that outlives the command would hold them open.
    let printed = NamedTempFile::new().context("no file for what a command prints")?;
    let mut group = grouped(command);
    let [out, errors] = [printed.as_file().try_clone()?, printed.as_file().try_clone()?];
    let ended = end_within(limit, group.stdout(out).stderr(errors));
    let told = fs::read(printed.path()).context("what a command printed is lost")?;
    println!("{}", String::from_utf8_lossy(&told));
    let status = ended.with_context(|| format!("`{}`", line(command)))?;
    ensure!(status.success(), "`{}` failed ({status})", line(command));
    Ok(())
}

/// The command in a group of its own, of which nothing is left once its standard input is closed.
pub(crate) fn grouped(command: &Command) -> Command {
    let mut group = Command::new("sh");
    group.args(["-c", GROUP, "group"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => group.env(name, value),
            None => group.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        group.current_dir(folder);
    }
    group.stdin(Stdio::piped()).process_group(0);
    group
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
    let status = end_within(limit, command).with_context(|| format!("`{}`", line(command)))?;
    ensure!(status.success(), "`{}` failed ({status})", line(command));
    Ok(())
}

/// Waits until a command ends, and kills it after `limit`.
fn end_within(limit: Duration, command: &mut Command) -> Result<ExitStatus> {
    let started = Instant::now();
    let mut child = command.spawn().map_err(|error| not_started(command, error))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("it did not end within {} s", limit.as_secs());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn a_command_that_never_ends_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mut endless = shell("sleep 1000 & echo $! > child; echo started; wait");
        endless.current_dir(folder.path());
        let error = run_and_show(Duration::from_secs(1), &endless).unwrap_err();
        assert!(format!("{error:#}").contains("did not end within 1 s"), "{error:#}");
        let child = fs::read_to_string(folder.path().join("child")).unwrap();
        let is_there = || succeeds(&mut shell(&format!("kill -0 {child}")));
        let started = Instant::now();
        while is_there() && started.elapsed() < Duration::from_secs(30) {
            thread::sleep(Duration::from_millis(20));
        }
        assert!(!is_there());
    }

    #[test]
    fn a_command_is_not_waited_for_longer_than_it_runs() {
        // What it leaves behind has its output open.
        run_and_show(Duration::from_mins(1), &shell("sleep 1000 & exit 0")).unwrap();
        let error = run_and_show(Duration::from_mins(1), &shell("exit 3")).unwrap_err();
        assert!(error.to_string().contains("exit status: 3"), "{error}");
        run_and_show(Duration::from_mins(1), shell("test \"$A\" = b").env("A", "b")).unwrap();
    }
}
