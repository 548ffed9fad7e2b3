//! Every check, in the order of its cost. The first failure ends the run.
//!
//! What uses one processor or mostly waits runs beside something else: the Worker is built while the first
//! checks run, and the programs of the black-box tests run at once.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::builder::PossibleValuesParser;

use crate::bench;
use crate::fuzz;
use crate::process;
use crate::project::WASM_TARGET;
use crate::relay::LOG_FOLDER;
use crate::setup::browser::{self, Engine};
use crate::setup::{Tools, libraries, programs};
use crate::torture;
use crate::worker;

/// Which checks and tests to run.
#[derive(Debug, Default)]
pub struct Selection {
    /// Run only tests whose name contains this.
    pub filter: Option<String>,
    /// Run only the step of this name.
    pub step: Option<String>,
}

struct Step {
    name: &'static str,
    run: fn(&Tools, Filter) -> Result<()>,
}

type Filter<'a> = Option<&'a str>;

const STEPS: [Step; 9] = [
    Step { name: "format", run: format },
    Step { name: "lints", run: lints },
    Step { name: "native-tests", run: native_tests },
    Step { name: "wasm-tests", run: wasm_tests },
    Step { name: "worker-build", run: worker_build },
    Step { name: "black-box", run: black_box },
    Step { name: "torture", run: torture },
    Step { name: "fuzz", run: fuzz },
    Step { name: "bench", run: bench },
];

/// Runs the checks.
///
/// # Errors
/// A check failed. The error names its step.
pub fn run(tools: &Tools, selection: &Selection) -> Result<()> {
    let is_selected =
        |step: &&Step| selection.step.as_deref().is_none_or(|wanted| wanted == step.name);
    let mut worker = match &selection.step {
        None => Some(EarlyBuild::begin()?),
        Some(_) => None,
    };
    for step in STEPS.iter().filter(is_selected) {
        if step.name == "worker-build" {
            drop(worker.take());
        }
        println!("\n== {}", step.name);
        let started = Instant::now();
        (step.run)(tools, selection.filter.as_deref())
            .with_context(|| format!("step {} failed", step.name))?;
        println!("== {}: passed in {:.1} s", step.name, started.elapsed().as_secs_f32());
    }
    Ok(())
}

/// `cargo xtask build`, begun before its step, which then says whether it worked. Dropped, it is waited for: what
/// it has begun would build on without it.
struct EarlyBuild(Child);

impl EarlyBuild {
    fn begin() -> Result<Self> {
        let program = env::current_exe().context("this program cannot be found")?;
        let mut command = Command::new(program);
        command.arg("build").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn().context("this program cannot be started")?))
    }
}

impl Drop for EarlyBuild {
    fn drop(&mut self) {
        // The step builds what this has not built.
        let _ = self.0.wait();
    }
}

/// The names that [`Selection::step`] may contain, for the command line.
#[must_use]
pub fn step_names() -> PossibleValuesParser {
    STEPS.iter().map(|step| step.name).collect::<Vec<_>>().into()
}

fn format(tools: &Tools, _: Filter) -> Result<()> {
    require(tools, "fmt", "rustfmt", "rustfmt-web")?;
    process::run(tools.cargo().args(["fmt", "--all", "--check"]))
}

fn lints(tools: &Tools, _: Filter) -> Result<()> {
    require(tools, "clippy", "clippy", "rust-web-clippy")?;
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    process::run(tools.cargo().args(arguments))
}

fn native_tests(tools: &Tools, filter: Filter) -> Result<()> {
    let mut command = tools.cargo();
    command.args(["test", "--workspace", "--exclude", "nexus-tests", "--exclude", "nexus-cli"]);
    process::run(filtered(&mut command, filter))
}

fn wasm_tests(tools: &Tools, filter: Filter) -> Result<()> {
    let mut command = tools.wasm_command("cargo")?;
    // Without debug information, which the runner never shows, a first run is a third faster.
    command
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .args(["test", "--lib", "--target", WASM_TARGET, "--package", "nexus-relay"])
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            tools.cargo_tool("wasm-bindgen-test-runner"),
        );
    // Node ends without an error if a test waits for something that never happens.
    let told = process::run_and_hear(filtered(&mut command, filter))?;
    ensure!(told.contains("test result: ok"), "a test has waited for something that never came");
    Ok(())
}

fn worker_build(tools: &Tools, _: Filter) -> Result<()> {
    worker::build(tools)
}

fn black_box(tools: &Tools, filter: Filter) -> Result<()> {
    browser::ensure(Engine::Chromium)?;
    programs::ensure(tools.project())?;
    for library in libraries::ALL {
        library.python()?;
    }
    let logs = tools.project().path("target/relay-logs");
    if logs.exists() {
        fs::remove_dir_all(&logs).context("the old logs are in the way")?;
    }
    fs::create_dir_all(&logs).context("no folder for logs")?;
    // The client's tests run it against a relay. All are built before any runs.
    let tests = || {
        let mut command = tools.cargo();
        command.args(["test", "--package", "nexus-tests", "--package", "nexus-cli"]);
        command.env(LOG_FOLDER, &logs);
        command
    };
    process::run(tests().arg("--no-run"))?;
    let parts = BLACK_BOX.map(|targets| {
        let mut command = tests();
        filtered(command.args(targets), filter);
        command
    });
    thread::scope(|scope| {
        let running =
            parts.map(|part| scope.spawn(move || process::run_and_show(BLACK_BOX_LIMIT, &part)));
        let ended = running.map(|part| part.join().unwrap_or_else(|_| bail!("a thread panicked")));
        ended.into_iter().collect::<Result<()>>()
    })?;
    if filter.is_some() {
        return Ok(());
    }
    process::run(tools.program_of_tests("leaks").env(LOG_FOLDER, &logs))
}

/// Twice what the longest part takes beside the others: it may wait for something that never comes.
const BLACK_BOX_LIMIT: Duration = Duration::from_mins(35);

/// The black-box tests, in parts that mostly wait: for the relay, for a browser, for processes.
const BLACK_BOX: [&[&str]; 5] = [
    &["--test", "relay", "--test", "seal"],
    &["--test", "host"],
    &["--test", "browser"],
    &["--test", "cli", "--lib", "--bins"],
    &["--doc"],
];

/// A short run with a new seed each time, so that many runs cover many moments.
fn torture(tools: &Tools, filter: Filter) -> Result<()> {
    if filter.is_some() {
        println!("Left out: it is not a test with a name.");
        return Ok(());
    }
    torture::run(
        tools,
        &torture::Options { sessions: 30, kills: 4, seconds: 27, seed: None, json: false },
    )
}

/// Short, with a new seed each time, for the same reason.
fn fuzz(tools: &Tools, filter: Filter) -> Result<()> {
    if filter.is_some() {
        println!("Left out: it is not a test with a name.");
        return Ok(());
    }
    fuzz::run(tools, &fuzz::Options { seconds: 20, seed: None, program: PathBuf::new() })
}

/// Checks only that the benchmark works. The figures do not matter.
fn bench(tools: &Tools, filter: Filter) -> Result<()> {
    if filter.is_some() {
        println!("Left out: it is not a test with a name.");
        return Ok(());
    }
    bench::run(tools, &bench::Options { smoke: true, ..bench::Options::default() })
}

fn filtered<'a>(command: &'a mut Command, filter: Filter) -> &'a mut Command {
    match filter {
        Some(text) => command.args(["--", text]),
        None => command,
    }
}

/// Fails if a subcommand of cargo is missing. Distributions and minimal rustup profiles lack some.
fn require(tools: &Tools, subcommand: &str, component: &str, package: &str) -> Result<()> {
    ensure!(
        process::succeeds(tools.cargo().args([subcommand, "--version"])),
        "`cargo {subcommand}` is missing: run `rustup component add {component}`, \
         or on Debian `apt install {package}`"
    );
    Ok(())
}
