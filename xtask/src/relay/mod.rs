//! A relay process: `workerd` serving the built Worker on the loopback address.
//!
//! The data survives [`Relay::kill`] and [`Relay::restart`], alarms included, as does the port.
//! No relay outlives the process that started it, however that one ends.
//!
//! ```no_run
//! use xtask::relay::Relay;
//!
//! # fn main() -> anyhow::Result<()> {
//! let mut relay = Relay::builder().var("MAX_AGENTS", "2").start()?;
//! println!("{} answers", relay.url());
//! relay.kill();
//! relay.restart()?;
//! # Ok(())
//! # }
//! ```

mod config;
mod port;
mod process;
mod recording;
pub mod tap;
mod wrangler;

use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

pub use self::port::free_port;
use self::process::{Log, Process};
use self::recording::Recording;
use self::wrangler::Wrangler;
use crate::project::{self, Project};
use crate::worker;

/// A relay that is running or was killed. Dropping it stops it.
#[derive(Debug)]
pub struct Relay {
    process: Process,
    port: u16,
    log: Log,
    launch: Launch,
    state: PathBuf,
    recording: Option<Recording>,
    /// Held as long as the relay may write there, because two relays would ruin the same data.
    _lock: File,
    /// Removed on drop, after the process that writes into it.
    _own_state: Option<TempDir>,
}

/// The settings of a relay. Each call replaces a default.
#[derive(Debug)]
pub struct Builder {
    port: u16,
    localhost: bool,
    state_dir: Option<PathBuf>,
    vars: Vec<(String, String)>,
    program: Program,
    rate_limits: RateLimits,
    echo_log: bool,
    unread_log: bool,
}

/// Which program workerd runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The Worker in `build/`.
    Relay,
    /// The floor in `bench/floor/`.
    Floor,
}
/// The variable that names a folder. Every relay also writes its log there.
pub const LOG_FOLDER: &str = "NEXUS_RELAY_LOGS";
/// The variable that names a folder. Every relay leaves there, in a folder of its own, its data, its log and
/// everything that it was sent.
pub const RECORD_FOLDER: &str = "NEXUS_RELAY_RECORDS";

/// Which rate limits of `wrangler.toml` are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RateLimits {
    /// None.
    Off,
    /// All, as configured.
    Configured,
    /// All, of which that on requests has this many a minute.
    PerMinute(u32),
    /// All, each with this many a minute.
    Each(u32),
    /// All, with more than anybody sends.
    NeverReached,
}

/// What stays the same when a relay restarts.
#[derive(Debug)]
struct Launch {
    workerd: PathBuf,
    config: PathBuf,
    /// Where it listens: each address with the name of its socket.
    sockets: Vec<(&'static str, String)>,
}

/// What `wrangler.toml` binds, as JSON, for a launcher that runs the Worker elsewhere.
pub(crate) fn deployment(project: &Project) -> Result<String> {
    Wrangler::read(project)?.to_json()
}

impl Relay {
    /// A relay on a free port, with new data that is deleted at the end, with the variables of
    /// `wrangler.toml` and without rate limits.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            port: 0,
            localhost: false,
            state_dir: None,
            // Nothing stands in front of it that could name its clients.
            vars: vec![("CLIENT_IP_HEADER".to_owned(), String::new())],
            program: Program::Relay,
            rate_limits: RateLimits::Off,
            echo_log: false,
            unread_log: false,
        }
    }

    /// The relay's URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port where it can be reached, or could before it was killed.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.recording.as_ref().map_or(self.port, Recording::port)
    }

    /// Everything that it has printed, over all restarts.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// How many bytes of memory it uses. `None` if the machine does not report it.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        self.process.memory()
    }

    /// The processor time that it has used. `None` if the machine does not report it.
    #[must_use]
    pub fn processor_time(&self) -> Option<Duration> {
        self.process.processor_time()
    }

    /// Kills it with SIGKILL. Its data stays as a power cut would leave it.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Restarts it with the same data and port. Kills it first if it is running.
    ///
    /// # Errors
    /// Another program has taken the port, or the relay did not start.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.process = self.launch.start(self.port, &self.log)?;
        Ok(())
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// Always, because a relay has no reason to end.
    pub fn wait(&mut self) -> Result<()> {
        self.process.wait();
        bail!("the relay stopped; its last messages are above")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
        if let Some(recording) = &self.recording {
            recording.keep(&self.state, &self.log.text());
        }
    }
}

impl Builder {
    /// Sets the port. 0 means a free one, which no connection can take while the relay is down.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Whether to listen on `[::1]` too, if the machine has it. Browsers may try it first.
    #[must_use]
    pub fn localhost(mut self, yes: bool) -> Self {
        self.localhost = yes;
        self
    }

    /// Sets the folder for the data, which is created if necessary, and kept.
    #[must_use]
    pub fn state_dir(mut self, path: impl AsRef<Path>) -> Self {
        self.state_dir = Some(path.as_ref().to_owned());
        self
    }

    /// Sets a variable. It has the type of that variable in `wrangler.toml`, or is a text.
    #[must_use]
    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Serves `bench/floor/` instead of the relay, in the same way.
    #[must_use]
    pub fn floor(mut self) -> Self {
        self.program = Program::Floor;
        self
    }

    /// Sets the requests per minute of each client. `None` and 0 turn all rate limits off.
    #[must_use]
    pub fn rate_limit(mut self, limit: Option<u32>) -> Self {
        self.rate_limits =
            limit.filter(|limit| *limit > 0).map_or(RateLimits::Off, RateLimits::PerMinute);
        self
    }

    /// Binds every rate limit, and sets it higher than anybody sends: what is left is its cost.
    #[must_use]
    pub fn rate_limits_never_reached(mut self) -> Self {
        self.rate_limits = RateLimits::NeverReached;
        self
    }

    /// Sets every rate limit to so many a minute.
    #[must_use]
    pub fn each_rate_limit(mut self, limit: u32) -> Self {
        self.rate_limits = RateLimits::Each(limit);
        self
    }

    /// Uses the rate limits of `wrangler.toml`.
    #[must_use]
    pub fn configured_rate_limits(mut self) -> Self {
        self.rate_limits = RateLimits::Configured;
        self
    }

    /// Whether to copy what the relay prints to this process's standard error.
    #[must_use]
    pub fn echo_log(mut self, yes: bool) -> Self {
        self.echo_log = yes;
        self
    }

    /// Writes what the relay prints to a file beside its data, as a supervisor would. This process
    /// spends no time on it, which measurements need.
    #[must_use]
    pub fn unread_log(mut self) -> Self {
        self.unread_log = true;
        self
    }

    /// Starts the relay and waits until it responds.
    ///
    /// # Errors
    /// The Worker in `build/` is missing or old, `wrangler.toml` has something that only Cloudflare
    /// or wrangler can serve, the port is taken, or the relay did not start.
    pub fn start(self) -> Result<Relay> {
        let project = Project::here()?;
        if self.program == Program::Relay {
            worker::check_is_current(&project)?;
        }
        let own_state = match self.state_dir {
            Some(_) => None,
            None => Some(TempDir::with_prefix("nexus-relay-").context("no temporary folder")?),
        };
        let state = match (&self.state_dir, &own_state) {
            (Some(path), _) => path.as_path(),
            (None, Some(own)) => own.path(),
            (None, None) => bail!("no folder for the data"),
        };
        project::create_folder(state)?;
        let state = state.canonicalize()?;
        let lock = File::create(state.join("lock")).context("the data cannot be locked")?;
        ensure!(
            lock.try_lock().is_ok(),
            "another relay is using the data in {}: give this one a folder of its own (--state)",
            state.display()
        );
        let mut wrangler = Wrangler::read(&project)?;
        if self.rate_limits == RateLimits::Off {
            wrangler.set_var("AGENT_REQUESTS_PER_MINUTE", "0")?;
        }
        for (name, value) in &self.vars {
            wrangler.set_var(name, value)?;
        }
        let port = if self.port == 0 { free_port()? } else { self.port };
        let sockets = sockets(port, self.localhost);
        let names: Vec<_> = sockets.iter().map(|(name, _)| *name).collect();
        let config = state.join("workerd.capnp");
        let text =
            config::generate(&project, &wrangler, self.program, self.rate_limits, &names, &state)?;
        project::write(&config, &text)?;
        let launch = Launch { workerd: find_workerd(&project)?, config, sockets };
        let log = if self.unread_log {
            Log::unread(state.join("relay.log"))
        } else {
            Log::new(self.echo_log)?
        };
        let process = launch.start(port, &log)?;
        let recording = Recording::begin(port)?;
        Ok(Relay {
            process,
            port,
            log,
            launch,
            state,
            recording,
            _lock: lock,
            _own_state: own_state,
        })
    }
}

impl Launch {
    fn start(&self, port: u16, log: &Log) -> Result<Process> {
        ensure!(
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok(),
            "port {port} is in use: stop the program that listens there, or take another port"
        );
        Process::start(&self.workerd, &self.config, &self.sockets, log)
    }
}

/// Where to listen. If the machine has no IPv6, or another program has the port there, it is 127.0.0.1 only.
fn sockets(port: u16, localhost: bool) -> Vec<(&'static str, String)> {
    let mut sockets = vec![("http", format!("127.0.0.1:{port}"))];
    if localhost && TcpListener::bind((Ipv6Addr::LOCALHOST, port)).is_ok() {
        sockets.push(("http6", format!("[::1]:{port}")));
    }
    sockets
}

/// The executable itself. The file in `node_modules/.bin` may be a script that starts it.
fn find_workerd(project: &Project) -> Result<PathBuf> {
    let packages = project.path("node_modules/@cloudflare");
    let entries = packages.read_dir().context("workerd is missing: run `cargo xtask setup`")?;
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("workerd-"))
        .map(|entry| entry.path().join("bin/workerd"))
        .find(|path| path.exists())
        .context("npm has no workerd for this kind of machine: use x86-64 or ARM64, Linux or macOS")
}
