//! A container of the relay, run by crun as docker would: by the image's configuration and by what `compose.yaml` adds
//! to it. Its network has nothing but its own loopback interface, so nothing else is in its way there.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::compose::Service;
use super::image::Image;
use crate::process;
use crate::project;

/// Its name, of which there is one in each folder of crun's.
const ID: &str = "relay";

/// crun refuses the hierarchies of control groups that some machines have, so it sees another, which limits nothing.
const ONE_HIERARCHY: &str = r#"mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@""#;

/// Two of the privileges that docker leaves a container, unless `compose.yaml` drops all.
const PRIVILEGES: [&str; 2] = ["CAP_CHOWN", "CAP_SETUID"];

/// What crun needs to know.
#[derive(Debug)]
pub(super) struct Bundle {
    folder: PathBuf,
    /// Both without what is to be run.
    config: Map<String, Value>,
    process: Map<String, Value>,
    /// What the relay is started with.
    arguments: Vec<String>,
}

/// A relay that runs.
#[derive(Debug)]
pub(super) struct Running<'a> {
    bundle: &'a Bundle,
    program: Program,
    /// Its process, as this machine counts.
    pid: u64,
}

/// A program that has said that it is ready. It ends with this value.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    /// Open, because whoever writes to a closed pipe may end.
    stdout: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct State {
    pid: u64,
}

impl Bundle {
    /// A container with a new volume, in a folder that is its own.
    pub(super) fn new(folder: &Path, image: &Image, service: &Service) -> Result<Self> {
        // One that outlived the program that ran it.
        process::succeeds(crun(folder).args(["delete", "--force", ID]));
        if folder.exists() {
            fs::remove_dir_all(folder).context("the folder of the last container")?;
        }
        project::create_folder(folder)?;
        let volume = folder.join("volume");
        let (_, target) = service.volume()?;
        // Docker fills a new volume with what the image has there.
        let filling = image.root.join(target.trim_start_matches('/'));
        process::run(Command::new("cp").arg("-a").arg(filling).arg(&volume))
            .with_context(|| format!("the image has no {target}, where compose.yaml has data"))?;
        let mut mounts = vec![
            json!({ "destination": "/proc", "type": "proc", "source": "proc" }),
            json!({ "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] }),
            json!({ "destination": target, "type": "bind", "source": volume, "options": ["rbind"] }),
        ];
        mounts.extend(service.tmpfs.iter().map(|path| {
            let options = ["noexec", "nosuid", "nodev", "mode=1777"];
            json!({ "destination": path, "type": "tmpfs", "source": "tmpfs", "options": options })
        }));
        let namespaces =
            ["pid", "network", "ipc", "uts", "mount"].map(|kind| json!({ "type": kind }));
        let drops_all = service.cap_drop == ["ALL"];
        let privileges = if drops_all { [].as_slice() } else { &PRIVILEGES };
        let is_fixed = service.security_opt.iter().any(|option| option == "no-new-privileges:true");
        let variables = service.environment.iter().map(|(name, value)| format!("{name}={value}"));
        let told = &image.config;
        Ok(Self {
            folder: folder.to_owned(),
            config: Map::from_iter([
                ("ociVersion".to_owned(), json!("1.0.0")),
                ("root".to_owned(), json!({ "path": image.root, "readonly": service.read_only })),
                ("mounts".to_owned(), json!(mounts)),
                ("linux".to_owned(), json!({ "namespaces": namespaces })),
            ]),
            process: Map::from_iter([
                ("user".to_owned(), user(&image.root, &told.user)?),
                ("env".to_owned(), told.env.iter().cloned().chain(variables).collect()),
                ("cwd".to_owned(), json!("/")),
                (
                    "capabilities".to_owned(),
                    json!({ "bounding": privileges, "permitted": privileges }),
                ),
                ("noNewPrivileges".to_owned(), json!(is_fixed)),
            ]),
            arguments: told.entrypoint.iter().chain(&service.command).cloned().collect(),
        })
    }

    /// Starts the relay, and waits until it says that it answers.
    pub(super) fn start(&self) -> Result<Running<'_>> {
        let log = self.folder.join("log");
        let mut command = self.run(&self.arguments)?;
        command.stderr(File::create(&log).context("no file for the log")?);
        let program = Program::start(&mut command, "The relay answers:")
            .with_context(|| format!("the relay did not start, and {} says why", log.display()))?;
        let state = process::output(crun(&self.folder).args(["state", ID]))?;
        let State { pid } = serde_json::from_str(&state).context("crun state")?;
        Ok(Running { bundle: self, program, pid })
    }

    /// A command that runs another in the container, instead of the relay.
    pub(super) fn run(&self, words: &[String]) -> Result<Command> {
        let mut config = self.config.clone();
        config.insert("process".to_owned(), self.process(words));
        project::write(&self.folder.join("config.json"), &Value::from(config).to_string())?;
        let mut command = crun(&self.folder);
        command.args(["run", "--bundle"]).arg(&self.folder).arg(ID);
        Ok(command)
    }

    fn process(&self, words: &[impl AsRef<str>]) -> Value {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let mut process = self.process.clone();
        process.insert("args".to_owned(), json!(words));
        process.into()
    }
}

impl Running<'_> {
    /// A command that runs another beside the relay, with the same rights.
    pub(super) fn inside(&self, words: &[impl AsRef<str>]) -> Result<Command> {
        let file = self.bundle.folder.join("process.json");
        project::write(&file, &self.bundle.process(words).to_string())?;
        let mut command = crun(&self.bundle.folder);
        command.args(["exec", "--process"]).arg(file).arg(ID);
        Ok(command)
    }

    /// A command of this machine, in the container's network.
    pub(super) fn beside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.pid)).arg(program);
        command
    }

    /// Stops it as docker does, and fails unless it ends well.
    pub(super) fn stop(mut self) -> Result<()> {
        process::output(crun(&self.bundle.folder).args(["kill", ID, "TERM"]))?;
        let status = self.program.child.wait()?;
        ensure!(status.success(), "told to stop, the container ended with {status}");
        Ok(())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        process::succeeds(crun(&self.bundle.folder).args(["delete", "--force", ID]));
    }
}

impl Program {
    /// Starts a program, and waits until it says `sign` on its standard output.
    pub(super) fn start(command: &mut Command, sign: &str) -> Result<Self> {
        let mut child =
            command.stdout(Stdio::piped()).spawn().context("it could not be started")?;
        let stdout = child.stdout.take().context("no pipe")?;
        let mut program = Self { child, stdout: BufReader::new(stdout) };
        let mut text = String::new();
        loop {
            let begun = text.len();
            if program.stdout.read_line(&mut text)? == 0 {
                bail!("it ended before it said `{sign}`: {text}");
            }
            if text.get(begun..).is_some_and(|line| line.contains(sign)) {
                return Ok(program);
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn crun(folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", ONE_HIERARCHY, "sh", "crun"]);
    command.arg("--root").arg(folder.join("crun")).arg("--cgroup-manager=disabled");
    command
}

/// A user by its name, as the image knows it. Without a name, it is root.
fn user(root: &Path, name: &str) -> Result<Value> {
    let name = if name.is_empty() { "root" } else { name };
    let text = fs::read_to_string(root.join("etc/passwd")).context("the image has no users")?;
    let line = text.lines().find(|line| line.split(':').next() == Some(name));
    let mut ids = line.into_iter().flat_map(|line| line.split(':').skip(2)).map(str::parse::<u32>);
    let (Some(Ok(uid)), Some(Ok(gid))) = (ids.next(), ids.next()) else {
        bail!("the image has no user {name:?}");
    };
    Ok(json!({ "uid": uid, "gid": gid }))
}
