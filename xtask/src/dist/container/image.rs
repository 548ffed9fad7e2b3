//! The image of the relay, built by buildah as `docker build` does. The image that it begins with is not pulled, but
//! made: Debian with the pinned Node, as `docker.io/library/node` has it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::process;
use crate::project::{self, Project};

/// What npm is told while the image is built, so that it asks whom npm on this machine asks.
const SETTINGS: &str = "/usr/local/etc/npmrc";
const AUTHORITIES: &str = "/usr/local/etc/authorities.crt";

/// A built image.
#[derive(Debug)]
pub(super) struct Image {
    store: Store,
    /// The container that has its files.
    container: String,
    /// Where its files are. They are its own, and may be changed.
    pub(super) root: PathBuf,
    /// How it is to be run.
    pub(super) config: Config,
}

/// What an image says about its containers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Config {
    pub(super) user: String,
    pub(super) env: Vec<String>,
    pub(super) entrypoint: Vec<String>,
    pub(super) healthcheck: Health,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Health {
    /// How it is run, and the command.
    pub(super) test: Vec<String>,
}

/// Where buildah keeps images.
#[derive(Debug)]
struct Store {
    folder: PathBuf,
}

/// What an image begins with.
#[derive(Debug)]
struct Base<'a> {
    name: &'a str,
    /// Of Node.
    major: &'a str,
    /// Of Debian.
    suite: &'a str,
}

impl Image {
    /// Builds what `recipe` in the folder `context` says. `target` keeps the image that it begins with.
    pub(super) fn build(
        project: &Project,
        target: &Path,
        context: &Path,
        recipe: &str,
    ) -> Result<Self> {
        let text = project::read(&context.join(recipe))?;
        let base = Base::of(&text)?;
        let node = project.path("node_modules/node/bin/node");
        let version = process::output(Command::new(&node).arg("--version"))?;
        ensure!(
            version.starts_with(&format!("v{}.", base.major)),
            "{recipe} begins with {}, and the pinned Node is {version}: use the same in both",
            base.name
        );
        let store = Store { folder: target.join(&version) };
        store.tidy()?;
        if !process::succeeds(store.buildah().args(["inspect", "--type=image", base.name])) {
            println!("Making {} of Debian's packages, once: about a minute ...", base.name);
            base.make(&store, &node, target)?;
        }
        let id = store.build(project, target, context, recipe)?;
        let container = process::output(store.buildah().args(["from", "--pull-never", &id]))?;
        let root = process::output(store.buildah().args(["mount", &container]))?.into();
        let told = process::output(store.buildah().args(["inspect", "--type=image", &id]))?;
        let mut told: Value = serde_json::from_str(&told).context("buildah inspect")?;
        let config = told.pointer_mut("/Docker/config").map(Value::take).unwrap_or_default();
        let config = serde_json::from_value(config).context("the image's configuration")?;
        Ok(Self { store, container, root, config })
    }

    /// Runs a script in it as root, with the network of this machine.
    pub(super) fn run_as_root(&self, script: &str) -> Result<()> {
        let mut command = self.store.buildah();
        command.args(["run", "--isolation=chroot", "--user=0:0", &self.container]);
        process::run(command.args(["--", "sh", "-c", script]))
    }

    /// Removes it, and leaves the image that it began with.
    pub(super) fn remove(self) -> Result<()> {
        self.store.tidy()
    }
}

impl Store {
    /// buildah, without anything that the kernel or the system's configuration may lack.
    fn buildah(&self) -> Command {
        let mut command = Command::new("buildah");
        command.arg("--storage-driver=vfs");
        command.arg("--root").arg(self.folder.join("images"));
        command.arg("--runroot").arg(self.folder.join("run"));
        command
    }

    /// Removes containers and images without a name, also those of a run that was killed.
    fn tidy(&self) -> Result<()> {
        process::output(self.buildah().args(["rm", "--all"]))?;
        process::output(self.buildah().args(["rmi", "--prune"])).map(drop)
    }

    /// Builds an image without a name, and returns its id.
    fn build(
        &self,
        project: &Project,
        target: &Path,
        context: &Path,
        recipe: &str,
    ) -> Result<String> {
        let folder = tempfile::tempdir_in(target).context("no folder for the settings of npm")?;
        let (settings, id) = (folder.path().join("npmrc"), folder.path().join("id"));
        let asked = |name| {
            let mut npm = Command::new("npm");
            process::output(npm.args(["config", "get", name]).current_dir(project.root()))
        };
        let authorities = match asked("cafile")?.as_str() {
            "" | "null" => env::var("NODE_EXTRA_CA_CERTS").ok(),
            file => Some(file.to_owned()),
        };
        let mut text = format!("registry={}\n", asked("registry")?);
        let mut command = self.buildah();
        command.args(["bud", "--isolation=chroot", "--pull-never", "--format=docker"]);
        if let Some(file) = authorities {
            text.extend(["cafile=", AUTHORITIES, "\n"]);
            command.arg(format!("--volume={file}:{AUTHORITIES}:ro"));
        }
        project::write(&settings, &text)?;
        command.arg(format!("--volume={}:{SETTINGS}:ro", settings.display()));
        command.arg("--iidfile").arg(&id).arg("--file").arg(context.join(recipe)).arg(context);
        process::run(&mut command)?;
        project::read(&id)
    }
}

impl<'a> Base<'a> {
    /// What a Containerfile begins with.
    fn of(recipe: &'a str) -> Result<Self> {
        let name = recipe.lines().find_map(|line| line.strip_prefix("FROM ")).map(str::trim);
        let name = name.context("the Containerfile has no line FROM")?;
        let parts = name.strip_prefix("docker.io/library/node:").map(|tag| tag.split('-'));
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        let [major, suite, "slim"] = *parts else {
            bail!("the check can make node:MAJOR-SUITE-slim only, and not {name}");
        };
        Ok(Self { name, major, suite })
    }

    fn make(&self, store: &Store, node: &Path, target: &Path) -> Result<()> {
        let folder = tempfile::tempdir_in(target).context("no folder for a system")?;
        let root = folder.path().join("root");
        let mut debootstrap = Command::new("debootstrap");
        debootstrap.args(["--variant=minbase", self.suite]).arg(&root).args(self.mirror());
        process::run(&mut debootstrap)?;
        let local = root.join("usr/local");
        fs::copy(node, local.join("bin/node")).context("Node could not be copied")?;
        // Node 22 comes with npm 10.
        let mut npm = Command::new("npm");
        npm.args(["install", "--global", "--no-audit", "--no-fund", "npm@10", "--prefix"]);
        process::run(npm.arg(&local))?;
        for words in [
            ["groupadd", "--gid=1000", "node"].as_slice(),
            &["useradd", "--uid=1000", "--gid=node", "--create-home", "node"],
        ] {
            process::run(Command::new("chroot").arg(&root).args(words))?;
        }
        project::write(&folder.path().join("Containerfile"), "FROM scratch\nCOPY root /\n")?;
        let mut command = store.buildah();
        process::run(
            command.args(["bud", "--isolation=chroot", "--tag", self.name]).arg(folder.path()),
        )
    }

    /// The mirror from which this machine has the same release of Debian.
    fn mirror(&self) -> Option<String> {
        let mut command = Command::new("apt-get");
        command.args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
        command.args(["Origin: Debian", &format!("Codename: {}", self.suite)]);
        process::output(&mut command).ok()?.lines().next().map(str::to_owned)
    }
}
