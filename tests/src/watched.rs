//! Programs that end with the test, even if it is killed, together with what they have started: a shell
//! kills them when this process's end of a pipe closes.

use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, Command, Stdio},
};

/// The shell does not keep the program's output open, so that it ends when the program does. The group is
/// killed, too, the shell included, because a driver that is killed may leave its browser behind.
const WATCHDOG: &str = r#"
"$@" 2>/dev/null &
exec 1>&-
read -r _
kill -9 $!
wait
kill -9 0
"#;

/// A running program. It is killed on drop.
pub struct Watched(Child);

impl Watched {
    /// Runs `program` with what `set` adds: arguments and variables.
    pub fn start(program: impl AsRef<OsStr>, set: impl FnOnce(&mut Command)) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCHDOG, "watchdog"]).arg(program);
        set(&mut shell);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        Self(shell.spawn().expect("a shell"))
    }

    /// What it prints. Can be taken once.
    pub fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().expect("a pipe")
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
