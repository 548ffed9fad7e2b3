//! The npm package `nexus-relay`, as somebody installs it who has nothing but Node: in a new folder, with an empty
//! home, and with no compiler within reach.

use crate::Api;
use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::OnceLock,
};
use tempfile::TempDir;
use xtask::{dist, project::Project};

/// Where it is installed, once for all tests of a run. A folder may have such a name.
const FOLDER: &str = "target/relay's package";

/// The programs that it and npm use. A system has the last three.
const PROGRAMS: [&str; 5] = ["node", "npm", "sh", "flock", "env"];

/// The variable that names another Node than the pinned one.
const NODE: &str = "NEXUS_HOST_NODE";

/// The installed package.
pub struct Package {
    folder: PathBuf,
}

/// The package, packed from `build/` and installed by npm.
pub fn package() -> &'static Package {
    static PACKAGE: OnceLock<Package> = OnceLock::new();
    PACKAGE.get_or_init(Package::install)
}

impl Package {
    fn install() -> Self {
        let project = Project::here().expect("a checkout");
        let package = Self { folder: project.path(FOLDER) };
        if package.folder.exists() {
            fs::remove_dir_all(&package.folder).expect("the old package can be removed");
        }
        for folder in ["bin", "home", "app"] {
            fs::create_dir_all(package.folder.join(folder)).expect("a folder");
        }
        // Else npm would install it into the checkout that surrounds the folder.
        fs::write(package.folder.join("app/package.json"), "{}").expect("a file");
        let bin = package.folder.join("bin");
        for program in PROGRAMS {
            link(program, &bin);
        }
        let packed = dist::pack_relay(&project, &package.folder).expect("a package");
        let output = package
            .npm()
            .args(["install", "--prefer-offline", "--no-audit", "--no-fund"])
            .arg(packed)
            .output()
            .expect("npm");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        package
    }

    /// npm, which asks the registry that it is configured with, and has its cache.
    fn npm(&self) -> Command {
        let mut npm = self.bare("npm");
        for name in ["userconfig", "cache"] {
            let told = Command::new("npm").args(["config", "get", name]).output().expect("npm");
            npm.env(format!("npm_config_{name}"), String::from_utf8_lossy(&told.stdout).trim());
        }
        let is_passed_on = |name: &str| {
            let name = name.to_lowercase();
            name.starts_with("npm_config_") || name.ends_with("_proxy") || name.contains("_cert")
        };
        npm.envs(env::vars().filter(|(name, _)| is_passed_on(name)));
        npm
    }

    /// A command that finds the programs in `bin/`, and nothing else.
    fn bare(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.folder.join("app"));
        command.env("PATH", self.folder.join("bin")).env("HOME", self.folder.join("home"));
        command
    }

    /// The launcher, with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(self.folder.join("app/node_modules/.bin/nexus-relay"));
        command.args(arguments);
        command
    }

    /// Runs the launcher to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().expect("the launcher")
    }

    /// A file of the package, where npm has put it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join("app/node_modules/nexus-relay").join(name)
    }

    /// Node with a script, which may import the package's modules by their paths in it.
    pub fn node(&self, script: &str) -> Output {
        let mut node = self.bare("node");
        node.current_dir(self.path(""));
        node.args(["--input-type=module", "-e", script]).output().expect("node")
    }

    /// Runs such a script, which throws if something is wrong. It has `assert`.
    pub fn holds(&self, script: &str) {
        let output = self.node(&format!("import assert from \"node:assert/strict\";\n{script}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Serves the data in this folder, on a free port.
    pub fn serve(&self, data: &Path, arguments: &[&str]) -> Hosted {
        let data = data.to_str().expect("a path");
        let command = self.command(&["--port", "0", "--data", data]);
        Hosted::start(command, arguments)
    }
}

/// A relay that the launcher serves. Dropping it kills the launcher.
pub struct Hosted {
    child: Child,
    /// The address that it told.
    pub url: String,
    told: TempDir,
}

impl Hosted {
    /// Runs the launcher with more arguments, and waits until it tells the address.
    pub fn start(mut command: Command, arguments: &[&str]) -> Self {
        let told = tempfile::tempdir().expect("a folder");
        let errors = File::create(told.path().join("stderr")).expect("a file");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().expect("the launcher");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let mut hosted = Self { child, url: String::new(), told };
        let url = line.trim_end().strip_prefix("The relay answers: open ");
        let url = url.and_then(|url| url.strip_suffix('/'));
        let Some(url) = url else { panic!("it told `{line}` and {}", hosted.errors()) };
        url.clone_into(&mut hosted.url);
        hosted
    }

    /// A client of it.
    pub fn api(&self) -> Api {
        Api::new(&self.url)
    }

    /// The process id of the launcher.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error.
    pub fn errors(&self) -> String {
        fs::read_to_string(self.told.path().join("stderr")).expect("a file")
    }

    /// Sends a signal to the launcher.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill");
        assert!(sent.success());
    }

    /// Waits until the launcher has ended.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("its status")
    }

    /// Stops it gently.
    pub fn stop(mut self) {
        self.signal("TERM");
        let status = self.wait();
        assert!(status.success(), "{status}: {}", self.errors());
    }

    /// Kills the launcher, as the system does when memory runs out.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.wait();
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Puts a link to a program of this machine into a folder. Of Node, it is the pinned one, or what `NEXUS_HOST_NODE`
/// names.
pub fn link(program: &str, folder: &Path) {
    let path = if program == "node" { node() } else { find(program) };
    let path = path.unwrap_or_else(|| panic!("`{program}` is missing"));
    // A program may look for its files from where it is, such as npm.
    symlink(path.canonicalize().expect("a program"), folder.join(program)).expect("a link");
}

fn node() -> Option<PathBuf> {
    let pinned = || Project::here().ok().map(|project| project.path("node_modules/node/bin/node"));
    env::var_os(NODE).map(PathBuf::from).or_else(pinned)
}

/// The first match in the folders of `PATH`.
fn find(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    let named = env::split_paths(&folders);
    // Elsewhere, a script of the same name may choose between versions, which needs more programs.
    let system = ["/usr/bin", "/bin"].into_iter().filter(|_| program != "npm").map(PathBuf::from);
    let mut folders = system.chain(named);
    folders.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_file()))
}
