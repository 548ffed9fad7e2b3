//! The `workerd` process: starting it, reading its output, killing it.
//!
//! It runs under a shell that kills it when the shell's standard input ends. Only this program
//! holds the other end of that pipe, so the kernel closes it when this program ends. No relay is
//! left behind, even by a SIGKILL.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::config::CONSTANT;

/// Descriptor 3 of workerd is the pipe for its control messages. Everything else that it prints
/// goes to standard error. The shell itself keeps neither open, so the pipes end when workerd does.
const WATCHDOG: &str = r#"
"$@" 3>&1 1>&2 &
exec 1>&- 2>&-
read -r _
kill -9 $!
wait
"#;

const START_LIMIT: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Process {
    watchdog: Child,
    /// A thread that ends when workerd does.
    control: JoinHandle<()>,
}

/// A line of `--control-fd`.
#[derive(Debug, Deserialize)]
struct Listening {
    socket: String,
    port: u16,
}

impl Process {
    /// Starts workerd and waits until it answers a request at its socket `http`.
    pub(super) fn start(
        workerd: &Path,
        config: &Path,
        sockets: &[(&str, String)],
        log: &Log,
    ) -> Result<Self> {
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(workerd)
            .args(["serve", "--control-fd=3", "--import-path=/"])
            .args(sockets.iter().map(|(name, address)| format!("--socket-addr={name}={address}")))
            .arg(config)
            .arg(CONSTANT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(match &log.unread {
                Some(path) => Stdio::from(fs::File::create(path)?),
                None => Stdio::piped(),
            })
            // Ctrl-C is meant for this program. The shell notices the end of its input.
            .process_group(0)
            .spawn()
            .context("could not start `sh`")?;
        let stdout = watchdog.stdout.take().context("no pipe to the relay")?;
        let copying = watchdog.stderr.take().map(|stderr| log.copy(stderr));
        let (sender, events) = mpsc::channel();
        let control = thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Ok(event) = serde_json::from_str::<Listening>(&line) {
                    // Once the relay runs, nobody reads this channel any more.
                    let _ = sender.send(event);
                }
            }
        });
        let mut process = Self { watchdog, control };
        match wait_until_up(&events) {
            Ok(()) => Ok(process),
            Err(error) => {
                process.kill();
                // The error message must contain everything that it printed, unless that was shown.
                let _ = copying.map(JoinHandle::join);
                let messages = if log.echo { String::new() } else { log.text() };
                bail!("the relay did not start: {error:#}\n{}", messages.trim_end())
            }
        }
    }

    pub(super) fn kill(&mut self) {
        drop(self.watchdog.stdin.take());
        // Fails only if the shell has already been waited for.
        let _ = self.watchdog.wait();
    }

    /// How many bytes of memory workerd uses. `None` if there is no /proc.
    pub(super) fn memory(&self) -> Option<u64> {
        let status = self.told("status")?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib.saturating_mul(1024))
    }

    /// The processor time that workerd has used. `None` if there is no /proc.
    pub(super) fn processor_time(&self) -> Option<Duration> {
        let stat = self.told("stat")?;
        // The name, in brackets, may contain anything. The 12th and 13th fields after it are ticks,
        // and Linux counts a hundred ticks per second.
        let (_, fields) = stat.rsplit_once(") ")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap_or(0)).sum();
        Some(Duration::from_millis(ticks.saturating_mul(10)))
    }

    /// The content of a file in /proc for workerd, which is the only child of its shell.
    fn told(&self, file: &str) -> Option<String> {
        let shell = self.watchdog.id();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).ok()?;
        let workerd = children.split_whitespace().next()?;
        fs::read_to_string(format!("/proc/{workerd}/{file}")).ok()
    }

    /// Waits until workerd ends.
    pub(super) fn wait(&self) {
        while !self.control.is_finished() {
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn wait_until_up(events: &Receiver<Listening>) -> Result<()> {
    let started = Instant::now();
    let left = || START_LIMIT.saturating_sub(started.elapsed());
    let port = loop {
        match events.recv_timeout(left()) {
            Ok(event) if event.socket == "http" => break event.port,
            Ok(_) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("workerd ended"),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("it does not listen yet"),
        }
    };
    // Zero would mean no limit.
    get_health(port, left().max(Duration::from_secs(1))).context("it does not answer")
}

/// Any response is good enough. Tests decide whether the relay works.
fn get_health(port: u16, limit: Duration) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; 5];
    stream.read_exact(&mut start)?;
    if &start != b"HTTP/" {
        bail!("it answers something else than HTTP");
    }
    Ok(())
}

/// What the relay printed, over all its restarts.
#[derive(Clone, Debug)]
pub(super) struct Log {
    text: Arc<Mutex<String>>,
    /// A file that also receives the log.
    file: Option<Arc<Mutex<fs::File>>>,
    echo: bool,
    /// A file that receives the log instead of this process.
    unread: Option<PathBuf>,
}

impl Log {
    /// A log that only goes to a file.
    pub(super) fn unread(path: PathBuf) -> Self {
        Self { text: Arc::default(), file: None, echo: false, unread: Some(path) }
    }

    /// A log. If [`super::LOG_FOLDER`] names a folder, it also goes to a file there.
    pub(super) fn new(echo: bool) -> Result<Self> {
        let file = match env::var_os(super::LOG_FOLDER) {
            Some(folder) => {
                let file = tempfile::Builder::new()
                    .prefix("relay-")
                    .suffix(".log")
                    .disable_cleanup(true)
                    .tempfile_in(folder)
                    .context("the folder for logs cannot be written to")?;
                Some(Arc::new(Mutex::new(file.into_file())))
            }
            None => None,
        };
        Ok(Self { text: Arc::default(), file, echo, unread: None })
    }

    pub(super) fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Copies everything from `source`, line by line, until its end.
    fn copy(&self, source: impl Read + Send + 'static) -> JoinHandle<()> {
        let log = self.clone();
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line);
                if log.echo {
                    eprint!("{text}");
                }
                log.text.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
                if let Some(file) = &log.file {
                    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                    // Whoever reads the file notices that lines are missing.
                    let _ = file.write_all(&line);
                }
                line.clear();
            }
        })
    }
}
