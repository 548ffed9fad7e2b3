//! The packages of the client, installed as users install them: by npm from a registry of this test, and by pip from
//! the wheel. Each machine has an empty home, and nothing but the programs that it needs.

use crate::{
    fake::{Fake, Reply, response},
    support::{Home, NEXUS, Run, text},
};
use nexus_tests::{dist, project::Project, relay};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::LazyLock,
};
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder of the packages: those that `cargo xtask dist --check` has made, or else some with this client.
fn packages() -> PathBuf {
    let published = std::env::var_os("NEXUS_PACKAGES").map(PathBuf::from);
    published.unwrap_or_else(|| OWN.path().join("dist"))
}

static OWN: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let client = folder.path().join("nexus");
    // Without what only debuggers read, it is packed in half the time.
    let stripped = Command::new("strip").arg("-o").arg(&client).arg(NEXUS).status();
    if !stripped.is_ok_and(|status| status.success()) {
        fs::copy(NEXUS, &client).unwrap();
    }
    dist::pack_client(&Project::here().unwrap(), &client, &folder.path().join("dist")).unwrap();
    folder
});

/// The wheel for this machine.
fn wheel() -> PathBuf {
    let names = fs::read_dir(packages()).unwrap();
    let end = format!("_{}.whl", std::env::consts::ARCH);
    let mut paths = names.map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("nexus_cli-") && name.contains("manylinux") && name.ends_with(&end)
    });
    paths.next().unwrap()
}

/// The file in which npm packs the package of this name, with this system's program or without.
fn tarball(name: &str) -> PathBuf {
    let name = name.trim_start_matches('@').replace('/', "-");
    packages().join(format!("{name}-{VERSION}.tgz"))
}

/// A registry that has the packages, and nothing else.
fn registry() -> Fake {
    // Else the first request would wait until they are made.
    packages();
    Fake::new(|_, request| {
        let path = request.split(' ').nth(1).unwrap().replace("%2f", "/").replace("%2F", "/");
        let host = crate::fake::header(request, "host").unwrap();
        let (name, is_file) = match path.strip_prefix("/file/") {
            Some(name) => (name, true),
            None => (path.trim_start_matches('/'), false),
        };
        let file = tarball(name);
        if !file.exists() {
            return Reply::Bytes(response("404 Not Found", "", "{}"));
        }
        if is_file {
            let bytes = fs::read(file).unwrap();
            let length = bytes.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            return Reply::Bytes([head.into_bytes(), bytes].concat());
        }
        let mut package = manifest(&file);
        package["dist"] = json!({ "tarball": format!("http://{host}/file/{name}") });
        let all = json!({
            "name": name, "dist-tags": { "latest": VERSION }, "versions": { VERSION: package },
        });
        Reply::Bytes(response("200 OK", "Content-Type: application/json\r\n", &all.to_string()))
    })
}

fn manifest(file: &Path) -> Value {
    let output = Command::new("tar").arg("xzOf").arg(file).arg("package/package.json").output();
    serde_json::from_slice(&output.unwrap().stdout).unwrap()
}

/// A machine with an empty home and these programs.
struct Machine {
    home: Home,
    bin: TempDir,
}

impl Machine {
    fn new(url: &str, programs: &[&str]) -> Self {
        let machine = Self { home: Home::new(url), bin: tempfile::tempdir().unwrap() };
        for name in programs.iter().copied().chain(["sh"]) {
            symlink(found(name), machine.bin.path().join(name)).unwrap();
        }
        machine
    }

    /// A program on this machine, without anything of this process's environment.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = self.home.wrapped(program.as_ref());
        command.env("PATH", self.bin.path()).current_dir(self.bin.path());
        command
    }

    fn npm(&self, program: &str, registry: &str) -> Command {
        let mut command = self.command(self.bin.path().join(program));
        command.env("NPM_CONFIG_REGISTRY", registry).env("NPM_CONFIG_UPDATE_NOTIFIER", "false");
        command
    }

    /// Installs the client by npm, and returns the launcher.
    fn install(&self) -> PathBuf {
        let registry = registry();
        let mut npm = self.npm("npm", &registry.url);
        succeed(npm.args(["install", "--no-audit", "--no-fund", "@nexus-relay/cli"]));
        self.bin.path().join("node_modules/.bin/nexus")
    }
}

/// The path of a program of this machine.
fn found(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut paths = std::env::split_paths(&path).map(|folder| folder.join(name));
    let path = paths.find(|path| path.is_file()).unwrap_or_else(|| panic!("no {name}"));
    path.canonicalize().unwrap()
}

#[track_caller]
fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    assert!(status.success(), "{command:?}: {stdout}\n{}", String::from_utf8_lossy(&stderr));
    stdout
}

/// Two agents meet and talk, each by its own command.
fn converse(alice: impl Fn() -> Command, bob: impl Fn() -> Command) {
    let run = |command: &dyn Fn() -> Command, words: &[&str]| {
        Run::of(command().args(words).output().unwrap()).done()
    };
    let session = text(&run(&alice, &["create", "--as", "alice"])["sessionId"]);
    let link = text(&run(&alice, &["pair", &session])["url"]);
    run(&bob, &["claim", &link, "--as", "bob"]);
    run(&alice, &["send", &session, "Which day, 'Tuesday' or \"$HOME\"?"]);
    let page = run(&bob, &["poll", &session]);
    assert_eq!(page["messages"][0]["text"], "Which day, 'Tuesday' or \"$HOME\"?", "{page}");
    let mut piped = bob().args(["send", &session, "-"]).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut piped.stdin.take().unwrap(), b"Tuesday.\n").unwrap();
    Run::of(piped.wait_with_output().unwrap()).done();
    let page = run(&alice, &["poll", &session]);
    assert_eq!(nexus_tests::list(&page["messages"]).last().unwrap()["text"], "Tuesday.");
}

#[test]
fn npm_installs_a_client_that_talks() {
    let relay = relay();
    let (a, b) =
        ["node", "npm"].map(|_| Machine::new(&relay.url(), &["node", "npm", "env"])).into();
    let (alice, bob) = (a.install(), b.install());
    converse(|| a.command(&alice), || b.command(&bob));
    let mut install = a.command(&alice);
    let bin = a.bin.path().join("node_modules/.bin");
    install.env("PATH", format!("{}:{}", bin.display(), a.bin.path().display()));
    let told = succeed(install.args(["mcp", "install", "cursor", "--jq", ".config"]));
    assert!(told.contains(r#""command": "nexus""#), "as it is in PATH: {told}");
    // Only the program of this system is there, and nothing is made when it is installed.
    let packages = fs::read_dir(a.bin.path().join("node_modules/@nexus-relay")).unwrap();
    assert_eq!(packages.count(), 2);
    let package = manifest(&tarball("@nexus-relay/cli"));
    assert_eq!(package.get("scripts"), None);
    assert_eq!(package["optionalDependencies"].as_object().unwrap().len(), 5);
    assert!(package["man"].as_array().unwrap().len() > 50, "{package}");
}

#[test]
fn npx_runs_the_client_in_one_line() {
    let machine = Machine::new("http://127.0.0.1:9", &["node", "npx", "env"]);
    let registry = registry();
    let mut npx = machine.npm("npx", &registry.url);
    npx.args(["--yes", "@nexus-relay/cli", "version", "--jq", ".version"]);
    assert_eq!(succeed(&mut npx).trim(), VERSION);
    // A host that is to start it is told to do the same, because npm's cache may be emptied.
    let mut npx = machine.npm("npx", &registry.url);
    npx.args(["--yes", "@nexus-relay/cli", "mcp", "install", "cursor", "--jq", ".config"]);
    let config: Value = serde_json::from_str(&succeed(&mut npx)).unwrap();
    let server = &config["mcpServers"]["nexus"];
    assert_eq!(server["command"], "npx", "{config}");
    assert_eq!(server["args"], json!(["--yes", "@nexus-relay/cli", "mcp"]), "{config}");
}

/// The Node of this machine, which starts the client beside it, and the pinned one, which becomes the client.
fn nodes() -> [PathBuf; 2] {
    let pinned = Project::here().unwrap().npm_bin("node").canonicalize().unwrap();
    [found("node"), pinned]
}

#[test]
fn the_launcher_ends_as_the_client_does() {
    for node in nodes() {
        let fake = Fake::new(|_, _| Reply::Hang);
        let machine = Machine::new(&fake.url, &["node", "npm", "env"]);
        let launcher = machine.install();
        let start = |words: &[&str]| {
            let mut command = machine.command(&node);
            command.arg(&launcher).args(words).spawn().unwrap()
        };
        let failed = Run::of(start(&["status", "nope"]).wait_with_output().unwrap());
        assert_eq!(failed.error(), "unknown_session");
        let session = "0123456789abcdef".repeat(3);
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let before = fake.requests().len();
            let child = start(&["wait", &session, "--as", "a"]);
            nexus_tests::eventually("a request", || fake.requests().len() > before);
            kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
            let run = Run::of(child.wait_with_output().unwrap());
            assert_eq!(run.error(), "interrupted", "{signal}");
        }
    }
}

#[test]
fn without_a_program_for_this_system_the_launcher_says_what_to_do() {
    let machine = Machine::new("http://127.0.0.1:9", &["node", "npm", "env"]);
    let launcher = machine.install();
    let packages = fs::read_dir(machine.bin.path().join("node_modules/@nexus-relay")).unwrap();
    for package in packages.map(|entry| entry.unwrap().path()) {
        if !package.ends_with("cli") {
            fs::remove_dir_all(package).unwrap();
        }
    }
    let run = Run::of(machine.command(&launcher).arg("ls").output().unwrap());
    assert_eq!(run.error(), "no_binary");
    for hint in ["--omit=optional", "cargo install", "releases"] {
        assert!(run.stderr.contains(hint), "{}", run.stderr);
    }
    // A system for which there is none.
    let script = "Object.defineProperty(process, 'arch', { value: 'riscv64' });
        require(process.argv[1])";
    let mut other = machine.command(machine.bin.path().join("node"));
    let main = machine.bin.path().join("node_modules/@nexus-relay/cli/bin/nexus.js");
    let run = Run::of(other.args(["-e", script]).arg(main).output().unwrap());
    assert_eq!(run.error(), "no_binary");
    assert!(run.stderr.contains("riscv64") && run.stderr.contains("cargo install"));
}

/// Checks every file of a wheel against its list.
const CHECK: &str = r#"
import base64, csv, hashlib, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
record = [name for name in wheel.namelist() if name.endswith("/RECORD")][0]
listed = list(csv.reader(wheel.read(record).decode().splitlines()))
assert [row[0] for row in listed] == wheel.namelist()
for name, sum, size in listed[:-1]:
    data = wheel.read(name)
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    assert (sum, size) == (f"sha256={digest}", str(len(data))), name
"#;

#[test]
fn pip_installs_a_client_that_talks() {
    let relay = relay();
    let wheel = wheel();
    let python = succeed(Command::new("python3").args(["-c", "import sys; print(sys.executable)"]));
    let (a, b) = ["", ""].map(|_| Machine::new(&relay.url(), &[])).into();
    succeed(a.command(python.trim()).args(["-c", CHECK]).arg(&wheel));
    let bin = a.bin.path().join("venv/bin");
    succeed(a.command(python.trim()).args(["-m", "venv", "venv"]));
    let pip = ["-m", "pip", "install", "--quiet", "--no-index", "--no-cache-dir"];
    succeed(a.command(bin.join("python")).args(pip).arg(&wheel));
    // Without an environment, beside the modules.
    succeed(a.command(bin.join("python")).args(pip).arg("--target").arg(b.bin.path()).arg(&wheel));
    let module = || {
        let mut command = b.command(python.trim());
        command.env("PYTHONPATH", b.bin.path()).args(["-m", "nexus_cli"]);
        command
    };
    converse(|| a.command(bin.join("nexus")), module);
    // The name by which pipx and uvx run it.
    converse(|| a.command(bin.join("nexus-cli")), || b.command(b.bin.path().join("bin/nexus")));
    let failed = Run::of(module().args(["status", "nope"]).output().unwrap());
    assert_eq!(failed.error(), "unknown_session");
    let told =
        succeed(a.command(bin.join("python")).args(["-m", "pip", "show", "-f", "nexus-cli"]));
    assert!(
        told.contains(&format!("Version: {VERSION}")) && told.contains("bin/nexus\n"),
        "{told}"
    );
}
