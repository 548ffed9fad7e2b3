//! Runs the client as an agent's shell does. Every run checks the contract: stdout is one JSON
//! value, the exit code is 0 or 1, and if it is 1, the value has an error.

use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
};
use tempfile::TempDir;

pub(crate) const NEXUS: &str = env!("CARGO_BIN_EXE_nexus");

/// One agent's machine: a state folder, and the server that its environment names.
pub(crate) struct Home {
    dir: TempDir,
    pub(crate) url: Option<String>,
}

impl Drop for Home {
    fn drop(&mut self) {
        nexus_tests::blind::note_keys_of(&self.state());
    }
}

/// The outcome of a run.
pub(crate) struct Run {
    pub(crate) ok: bool,
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl Run {
    /// Takes the output of a process.
    pub(crate) fn of(output: Output) -> Self {
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let json = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}\n{stderr}"));
        assert_eq!(stdout.lines().count(), 1, "one value on one line: {stdout}");
        assert!(stdout.ends_with('\n'));
        let code = output.status.code().unwrap_or_else(|| panic!("{}: {stderr}", output.status));
        assert!(code == 0 || code == 1, "{code}");
        assert!(code == 0 || stderr.contains("error: "), "people are told: {stderr}");
        assert!(!stderr.contains("nxk_") && !stderr.contains("nxs_"), "a key on stderr: {stderr}");
        Self { ok: code == 0, json, stderr }
    }

    /// The error of a failure.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        assert!(!self.ok, "{}", self.json);
        let message = self.json["message"].as_str().unwrap_or_default();
        assert!(message.len() > 20, "says what to do: {}", self.json);
        self.json["error"].as_str().unwrap()
    }

    /// The value of a success.
    #[track_caller]
    pub(crate) fn done(self) -> Value {
        assert!(self.ok, "{}\n{}", self.json, self.stderr);
        assert_eq!(self.json["error"], Value::Null);
        self.json
    }
}

impl Home {
    /// A machine without stored state, whose environment names this server.
    pub(crate) fn new(url: &str) -> Self {
        let mut home = Self::without_url();
        home.url = Some(url.to_owned());
        home
    }

    /// A machine whose environment names no server.
    pub(crate) fn without_url() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap(), url: None };
        // The same tests once more, in encrypted sessions: `cargo xtask encrypted`.
        if nexus_tests::sealing::is_on() {
            sealed::prepare(&home.state());
        }
        home
    }

    /// The state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("messaging")
    }

    /// The content of this file in the folder of a session.
    pub(crate) fn stored(&self, session: &str, name: &str) -> Option<String> {
        let path = self.state().join("sessions").join(session).join(name);
        std::fs::read_to_string(path).ok().map(|text| text.trim_end().to_owned())
    }

    /// The client, without the environment of this process.
    pub(crate) fn command(&self) -> Command {
        self.wrapped(Path::new(NEXUS))
    }

    /// Another program in the same environment.
    pub(crate) fn wrapped(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path()).env("XDG_CONFIG_HOME", self.dir.path());
        command.envs(self.url.as_ref().map(|url| ("NEXUS_URL", url)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the client.
    #[track_caller]
    pub(crate) fn nexus(&self, arguments: &[&str]) -> Run {
        Run::of(self.command().args(arguments).args(sealed::key(arguments)).output().unwrap())
    }

    /// Runs the client with this on its standard input.
    #[track_caller]
    pub(crate) fn nexus_with_input(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut child = self.command().args(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A client that refuses at once does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        Run::of(child.wait_with_output().unwrap())
    }

    /// Creates a session with this agent in it, and returns its id.
    pub(crate) fn create(&self, agent: &str) -> String {
        text(&self.nexus(&["create", "--creator-agent-id", agent]).done()["sessionId"])
    }

    /// The texts that a poll returns.
    #[track_caller]
    pub(crate) fn poll(&self, session: &str) -> Vec<String> {
        texts(&self.nexus(&["poll", session]).done())
    }
}

/// A relay with a session of two members: the relay, a's machine, the session, b's machine.
pub(crate) fn pair() -> (nexus_tests::Relay, Home, String, Home) {
    let relay = nexus_tests::relay();
    let a = Home::new(&relay.url());
    let session = a.create("a");
    let b = guest(&a, &session);
    (relay, a, session, b)
}

/// A machine with an agent `b` in the session of `a`.
pub(crate) fn guest(a: &Home, session: &str) -> Home {
    let b = Home::without_url();
    let link = text(&a.nexus(&["pair", session]).done()["url"]);
    b.nexus(&["claim", &link, "--agent-id", "b"]).done();
    b
}

/// The commands that a help text lists.
pub(crate) fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().take_while(|line| !line.starts_with("Options:"));
    let lines = lines.filter_map(|line| line.strip_prefix("  "));
    let lines = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every command of the help, and the verbs of its nouns.
pub(crate) fn every_command() -> BTreeSet<String> {
    let help = |words: &[&str]| {
        let output = Home::without_url().command().args(words).arg("--help").output().unwrap();
        commands(&String::from_utf8(output.stdout).unwrap())
    };
    let mut all = BTreeSet::new();
    for name in help(&[]) {
        let verbs = help(&[&name]);
        if verbs.is_empty() {
            all.insert(name);
        } else {
            all.extend(verbs.iter().map(|verb| format!("{name} {verb}")));
        }
    }
    assert!(all.len() > 50, "{all:?}");
    all
}

/// Does this with each item, two at a time.
pub(crate) fn with_each<T: Sync>(items: &[T], run: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run(item);
                }
            });
        }
    });
}

/// The lines of a stream as they arrive.
pub(crate) fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.map(|line| sender.send(line)).all(|sent| sent.is_ok())
    });
    receiver
}

/// The texts of a page.
pub(crate) fn texts(page: &Value) -> Vec<String> {
    nexus_tests::list(&page["messages"]).iter().map(|message| text(&message["text"])).collect()
}

pub(crate) fn text(value: &Value) -> String {
    nexus_tests::string(value)
}

/// For the tests that run once more in encrypted sessions.
mod sealed {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
        path::{Path, PathBuf},
        sync::Mutex,
    };

    /// The state folders of this process.
    static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

    /// Makes a state folder whose agents encrypt their sessions.
    pub(super) fn prepare(state: &Path) {
        let config = state.join("config.json");
        fs::create_dir(state).unwrap();
        fs::write(&config, r#"{"sealed":true}"#).unwrap();
        fs::set_permissions(state, Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(config, Permissions::from_mode(0o600)).unwrap();
        FOLDERS.lock().unwrap().push(state.to_owned());
    }

    /// What a join by the id of a session also takes if the session is encrypted.
    pub(super) fn key(arguments: &[&str]) -> Vec<String> {
        let ["join", session, rest @ ..] = arguments else { return Vec::new() };
        let folders = FOLDERS.lock().unwrap();
        let secrets =
            folders.iter().map(|state| state.join("sessions").join(session).join("secret"));
        let secret = secrets.into_iter().find(|secret| secret.exists() && !rest.contains(&"--key"));
        let secret = secret.map(|secret| secret.display().to_string());
        secret.map_or_else(Vec::new, |secret| vec!["--key".to_owned(), secret])
    }
}
