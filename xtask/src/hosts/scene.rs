//! What one host is shown, and what became of it.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::install::Host;
use crate::process;
use crate::project;
use crate::relay::{Relay, free_port};
use crate::setup::Tools;

/// What is the same whatever is shown.
pub(super) struct Stage {
    host: Host,
    root: PathBuf,
    /// The folders of programs, first those of the host.
    path: String,
    node: PathBuf,
    /// The client.
    nexus: PathBuf,
}

impl Stage {
    /// Builds the client.
    pub(super) fn new(tools: &Tools, host: Host) -> Result<Self> {
        let project = tools.project();
        process::run(tools.cargo().args(["build", "--quiet", "--package", "nexus-cli"]))?;
        let built = project.path("target/debug/nexus");
        // A folder with nothing else in it.
        let bin = project.path("target/hosts/bin");
        project::create_folder(&bin)?;
        let nexus = bin.join("nexus");
        let _ = fs::remove_file(&nexus);
        fs::hard_link(&built, &nexus).or_else(|_| fs::copy(&built, &nexus).map(drop))?;
        let folders =
            [host.programs(project), bin, project.path("node_modules/.bin"), "/usr/bin".into()];
        let folders: Vec<String> =
            folders.iter().map(|folder| folder.display().to_string()).collect();
        Ok(Self {
            host,
            root: project.root().to_owned(),
            path: format!("{}:/bin", folders.join(":")),
            node: project.npm_bin("node"),
            nexus,
        })
    }
}

/// A program that runs until this is dropped, with all that it has started.
pub(super) struct Server(Child);

/// How long it may take to end by itself.
const ENDING: Duration = Duration::from_secs(10);

impl Server {
    pub(super) fn start(command: &Command) -> Result<Self> {
        Self::with(command, Stdio::null(), Stdio::null())
    }

    pub(super) fn with(command: &Command, out: Stdio, errors: Stdio) -> Result<Self> {
        let mut group = process::grouped(command);
        // The command's own environment, and nothing of this process.
        let given: Vec<_> = command
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        group.env_clear();
        group.envs(given.into_iter().filter_map(|(name, value)| Some((name, value?))));
        Ok(Self(group.stdout(out).stderr(errors).spawn().context("a server")?))
    }

    /// Whether it still runs.
    pub(super) fn runs(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Sends a signal to its group. `false` if nothing is left of that.
    fn signal(&self, signal: &str) -> bool {
        let group = format!("-{}", self.0.id());
        process::succeeds(Command::new("kill").args([signal, "--", &group]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it has started in other groups is known to itself only, so it is asked first.
        if self.signal("-TERM") {
            let _ = eventually("a server ends", ENDING, || {
                let is_shell_gone = !self.runs();
                Ok(is_shell_gone && !self.signal("-0"))
            });
            self.signal("-KILL");
        }
        let _ = self.0.wait();
    }
}

/// One host with all that it needs.
pub(super) struct Scene<'a> {
    stage: &'a Stage,
    relay: Relay,
    folder: TempDir,
    /// Where the model is.
    pub(super) model: String,
    /// Where the relay's MCP server is, behind what writes down the requests.
    pub(super) mcp: String,
    /// The session in which the host's agent and bob meet.
    session: Option<String>,
    _stubs: Vec<Server>,
    failed: Vec<String>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(stage: &'a Stage) -> Result<Self> {
        let runs = stage.root.join("target/hosts/runs");
        project::create_folder(&runs)?;
        let folder = tempfile::Builder::new().prefix(stage.host.name()).tempdir_in(runs)?;
        for name in ["home", "bob", "work", "tmp"] {
            project::create_folder(&folder.path().join(name))?;
        }
        let relay = Relay::builder().start()?;
        let [model, recorder] = [free_port()?, free_port()?];
        let path = |name: &str| folder.path().join(name);
        project::write(&path(RULES), "[]")?;
        let stubs = [("model", model), ("recorder", recorder)].map(|(name, port)| {
            let mut command = Command::new(&stage.node);
            command.env_clear().arg(stage.root.join("xtask/hosts").join(format!("{name}.mjs")));
            command.env("PORT", port.to_string()).env("UPSTREAM", relay.url());
            command.env("LOG", path(&format!("{name}.log"))).env("RULES", path(RULES));
            let server = Server::with(&command, Stdio::null(), Stdio::inherit())?;
            eventually("a stub listens", Duration::from_secs(10), || {
                Ok(TcpStream::connect(("127.0.0.1", port)).is_ok())
            })?;
            Ok(server)
        });
        Ok(Self {
            stage,
            _stubs: stubs.into_iter().collect::<Result<_>>()?,
            relay,
            folder,
            model: format!("http://127.0.0.1:{model}"),
            mcp: format!("http://127.0.0.1:{recorder}/mcp"),
            session: None,
            failed: Vec::new(),
        })
    }

    /// A path in the folder of this run.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The checkout.
    pub(super) fn root(&self) -> &Path {
        &self.stage.root
    }

    /// A program of the host, in its working folder, with a home and an environment of its own.
    pub(super) fn host(&self, program: &str) -> Command {
        let mut command = Command::new(self.program(program));
        command.current_dir(self.path("work")).env_clear().envs([
            ("HOME", self.path("home").display().to_string()),
            ("TMPDIR", self.path("tmp").display().to_string()),
            ("PATH", self.stage.path.clone()),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("NO_COLOR", "1".to_owned()),
        ]);
        command.stdin(Stdio::null());
        command
    }

    /// The path of a program, which is not looked up in the environment of this process.
    fn program(&self, name: &str) -> PathBuf {
        let folders = self.stage.path.split(':').map(Path::new);
        let found = folders.map(|folder| folder.join(name)).find(|path| path.exists());
        found.unwrap_or_else(|| name.into())
    }

    /// The client, as the agent that lives in this folder: `home` (that of the host) or `bob`.
    pub(super) fn nexus(&self, agent: &str) -> Command {
        let mut command = Command::new(&self.stage.nexus);
        command.env_clear().env("PATH", &self.stage.path).env("HOME", self.path(agent));
        command.env("NEXUS_URL", self.relay.url()).stdin(Stdio::null());
        command
    }

    /// The value that the client prints.
    pub(super) fn value(&self, agent: &str, arguments: &[&str]) -> Result<Value> {
        let text = process::output(self.nexus(agent).args(arguments))?;
        serde_json::from_str(&text).with_context(|| format!("{arguments:?} printed {text}"))
    }

    /// Bob's new session, and a link to it.
    pub(super) fn link(&mut self) -> Result<String> {
        let created = self.value("bob", &["create", "--creator-agent-id", "bob"])?;
        let session = text(&created, "/sessionId")?;
        let link = text(&self.value("bob", &["pair", &session])?, "/url")?;
        self.session = Some(session);
        Ok(link)
    }

    /// The id of bob's session.
    pub(super) fn session(&self) -> Result<&str> {
        self.session.as_deref().context("there is no session")
    }

    /// Bob says something.
    pub(super) fn say(&self, words: &str) -> Result<()> {
        self.value("bob", &["send", self.session()?, words]).map(drop)
    }

    /// Waits until bob hears these words from the host's agent. Returns how long that took.
    pub(super) fn hears(&self, words: &str, limit: Duration) -> Result<Duration> {
        let session = self.session()?;
        eventually(&format!("bob hears {words:?}"), limit, || {
            let page = self.value("bob", &["poll", session, "--after", "0"])?;
            let messages = page.get("messages").and_then(Value::as_array);
            let is_it = |message: &Value| {
                message["agentId"] != "bob"
                    && message["text"].as_str().is_some_and(|text| text == words)
            };
            Ok(messages.is_some_and(|messages| messages.iter().any(is_it)))
        })
    }

    /// What the model does when a text comes that this regular expression matches.
    pub(super) fn rules(&self, rules: &[(&str, Value)]) -> Result<()> {
        let rules: Vec<Value> = rules
            .iter()
            .map(|(pattern, steps)| json!({ "match": pattern, "steps": steps }))
            .collect();
        project::write(&self.path(RULES), &json!(rules).to_string())
    }

    /// What the model has heard.
    pub(super) fn heard(&self) -> String {
        fs::read_to_string(self.path("model.log")).unwrap_or_default()
    }

    /// The requests to the relay's MCP server, with their answers.
    pub(super) fn recorded(&self) -> Result<Vec<Value>> {
        let log = fs::read_to_string(self.path("recorder.log")).unwrap_or_default();
        log.lines().map(|line| serde_json::from_str(line).context("a line of the log")).collect()
    }

    /// The last result of this tool at the relay's MCP server.
    pub(super) fn result(&self, tool: &str) -> Result<Value> {
        let mut found = None;
        for exchange in self.recorded()? {
            let body = exchange["body"].as_str().unwrap_or_default();
            let request: Value = serde_json::from_str(body).unwrap_or_default();
            if request["method"] == "tools/call" && request["params"]["name"] == tool {
                found = Some(exchange);
            }
        }
        let exchange = found.with_context(|| format!("the tool {tool} was not called"))?;
        let answer = exchange["answer"].as_str().unwrap_or_default();
        // An event stream has the same value in its last line of data.
        let data = answer.lines().rev().find_map(|line| line.strip_prefix("data: "));
        let value: Value = serde_json::from_str(data.unwrap_or(answer))
            .with_context(|| format!("{tool} was answered with {answer}"))?;
        let result = &value["result"];
        ensure!(
            !result.is_null() && result["isError"] != true,
            "{tool} was answered with {answer}"
        );
        Ok(result["structuredContent"].clone())
    }

    /// The seat that the host's agent got by the tool `join`.
    pub(super) fn seat(&self) -> Result<String> {
        text(&self.result("join")?, "/seat")
    }

    /// Whether the client has `nexus mcp`.
    pub(super) fn has_tools(&self) -> bool {
        process::succeeds(self.nexus("home").args(["mcp", "--help"]))
    }

    /// Checks that turns of the host reach the relay's tools: its agent joins bob, reads what he says, and answers.
    /// `turn` runs one turn with a prompt. `step` is the model's call of a tool.
    pub(super) fn check_turns(
        &mut self,
        turn: impl Fn(&Self, &str) -> Result<String>,
        step: fn(&str, &Value) -> Value,
    ) {
        self.check("a turn joins, reads and answers by the tools", |scene| {
            let link = scene.link()?;
            let join = step("join", &json!({ "link": link, "name": "agent" }));
            let said = turn(scene, &script(&json!([join])))?;
            let seat = scene.seat().with_context(|| tail(&said))?;
            scene.say("Which day suits you?")?;
            let read = step("read", &json!({ "seat": seat }));
            let send = step("send", &json!({ "seat": seat, "text": "Tuesday." }));
            let said = turn(scene, &script(&json!([read, send])))?;
            let page = scene.result("read").with_context(|| tail(&said))?;
            ensure!(page.to_string().contains("Which day suits you?"), "it read {page}");
            scene.hears("Tuesday.", Duration::from_secs(1)).with_context(|| tail(&said))?;
            Ok(String::new())
        });
    }

    /// Does one check, and prints what became of it and how long it took.
    pub(super) fn check(&mut self, name: &str, work: impl FnOnce(&mut Self) -> Result<String>) {
        let begun = Instant::now();
        let done = work(self);
        let seconds = begun.elapsed().as_secs_f32();
        match done {
            Ok(told) => println!(
                "ok    {name} ({seconds:.1} s){}{told}",
                if told.is_empty() { "" } else { ": " }
            ),
            Err(error) => {
                println!("FAIL  {name} ({seconds:.1} s): {error:#}");
                self.failed.push(format!("{}: {name}", self.stage.host.name()));
                if std::env::var_os(KEEP).is_some() {
                    self.folder.disable_cleanup(true);
                    println!("      {}", self.folder.path().display());
                }
            }
        }
    }

    /// The names of the checks that failed.
    pub(super) fn failed(&self) -> Vec<String> {
        self.failed.clone()
    }
}

/// The file of the model's rules.
const RULES: &str = "rules.json";

/// The variable that keeps the folder of a run in which something failed.
const KEEP: &str = "NEXUS_HOSTS_KEEP";

/// A text in a value.
pub(super) fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("no {pointer} in {value}"))
}

/// A prompt in which the model finds what it is to do.
pub(super) fn script(steps: &Value) -> String {
    format!("STUB{steps}STUB")
}

/// Waits until something is so. Returns how long that took.
pub(super) fn eventually(
    what: &str,
    limit: Duration,
    mut is_so: impl FnMut() -> Result<bool>,
) -> Result<Duration> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > limit {
            bail!("{what}: not within {} s", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(begun.elapsed())
}

/// Runs a command for at most this long, and returns what it printed, on standard error too, whatever its exit code.
pub(super) fn told(limit: Duration, command: &mut Command) -> Result<String> {
    let printed = tempfile::NamedTempFile::new()?;
    let [out, errors] = [printed.as_file().try_clone()?, printed.as_file().try_clone()?];
    let mut server = Server::with(command, out.into(), errors.into())?;
    let ended = eventually("a command ends", limit, || Ok(!server.runs()));
    drop(server);
    let text = String::from_utf8_lossy(&fs::read(printed.path())?).into_owned();
    ended.with_context(|| tail(&text))?;
    Ok(text)
}

/// The end of a text, for a message.
pub(super) fn tail(text: &str) -> String {
    let skipped = text.chars().count().saturating_sub(600);
    text.chars().skip(skipped).collect()
}
