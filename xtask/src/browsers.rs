//! `cargo xtask browsers`: the browser tests in each engine, one engine after the other, since the tests of
//! one keep a machine busy.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::process;
use crate::setup::Tools;
use crate::setup::browser::{self, Engine, REPORT, VARIABLE};
use crate::worker;

/// Runs the browser tests in Chromium, Firefox and WebKit, and those of the base line in an old WebKit.
/// Installs the browsers that are missing. Prints what passed, what failed and what was left out.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Only this engine; may be repeated.
    #[arg(long, value_name = "ENGINE")]
    pub engine: Vec<Engine>,
    /// Run only the tests whose name contains this.
    pub filter: Option<String>,
}

/// What became of the tests in one engine.
struct Outcome {
    engine: Engine,
    version: String,
    passed: Vec<String>,
    failed: Vec<String>,
    /// Each with the reason.
    left_out: Vec<(String, String)>,
    seconds: f32,
}

/// Runs the tests.
///
/// # Errors
/// A test failed, or an engine could not be installed.
pub fn run(tools: &Tools, options: &Options) -> Result<()> {
    let engines = if options.engine.is_empty() { &Engine::ALL[..] } else { &options.engine };
    for engine in engines {
        browser::ensure(*engine)?;
    }
    worker::build(tools)?;
    let mut build = tools.cargo();
    process::run(build.args([
        "test",
        "--package",
        "nexus-tests",
        "--test",
        "browser",
        "--no-run",
    ]))?;
    let outcomes = engines
        .iter()
        .map(|engine| test(tools, *engine, options.filter.as_deref()))
        .collect::<Result<Vec<_>>>()?;
    print(&outcomes);
    let failed = outcomes.iter().filter(|outcome| !outcome.failed.is_empty());
    let failed: Vec<&str> = failed.map(|outcome| outcome.engine.name()).collect();
    ensure!(failed.is_empty(), "tests failed in {}", failed.join(", "));
    let ran: usize = outcomes.iter().map(|outcome| outcome.passed.len()).sum();
    ensure!(ran > 0, "no test has this name");
    Ok(())
}

fn test(tools: &Tools, engine: Engine, filter: Option<&str>) -> Result<Outcome> {
    println!("\n== {}", engine.name());
    let report = tools.project().path("target/browsers").join(engine.name());
    if report.exists() {
        fs::remove_dir_all(&report).context("the last report is in the way")?;
    }
    fs::create_dir_all(&report).context("no folder for a report")?;
    let mut command = tools.cargo();
    command.args(["test", "--package", "nexus-tests", "--test", "browser", "--"]);
    match filter {
        Some(text) => command.arg(text),
        None => command.args(engine.tests()),
    };
    command.env(VARIABLE, engine.name()).env(REPORT, &report);
    let started = Instant::now();
    let (told, is_good) = process::show_and_hear(&mut command)?;
    let seconds = started.elapsed().as_secs_f32();
    let (passed, failed) = results(&told);
    ensure!(
        is_good || !failed.is_empty(),
        "the tests did not run to their end in {}",
        engine.name()
    );
    let (version, left_out) = read(&report)?;
    // For the runner of the tests they have passed, since they have ended well.
    let passed = passed.into_iter().filter(|test| !left_out.iter().any(|(out, _)| out == test));
    Ok(Outcome { engine, version, passed: passed.collect(), failed, left_out, seconds })
}

/// The tests that passed and those that failed, by what the runner of the tests prints.
fn results(told: &str) -> (Vec<String>, Vec<String>) {
    let named = |result: &str| {
        let lines =
            told.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(result));
        lines.map(str::to_owned).collect()
    };
    (named(" ... ok"), named(" ... FAILED"))
}

/// What the tests have reported: the version of the browser, and which were left out.
fn read(report: &Path) -> Result<(String, Vec<(String, String)>)> {
    let mut version = String::new();
    let mut left_out = Vec::new();
    for entry in fs::read_dir(report).context("no report")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(entry.path()).context("a report that cannot be read")?;
        match name.strip_suffix(".left-out") {
            Some(test) => left_out.push((test.replace('.', "::"), text)),
            None => version = text,
        }
    }
    left_out.sort();
    Ok((version, left_out))
}

fn print(outcomes: &[Outcome]) {
    println!(
        "\n{:9} {:18} {:>6} {:>6} {:>6} {:>9} {:>8}",
        "engine", "version", "tests", "passed", "failed", "left out", "seconds"
    );
    for Outcome { engine, version, passed, failed, left_out, seconds } in outcomes {
        let tests = passed.len().saturating_add(failed.len()).saturating_add(left_out.len());
        println!(
            "{:9} {version:18} {tests:6} {:6} {:6} {:9} {seconds:8.0}",
            engine.name(),
            passed.len(),
            failed.len(),
            left_out.len()
        );
    }
    for Outcome { engine, failed, left_out, .. } in outcomes {
        for test in failed {
            println!("failed in {}: {test}", engine.name());
        }
        for (test, reason) in left_out {
            println!("left out in {}: {test} ({reason})", engine.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::results;

    #[test]
    fn what_passed_and_what_failed_is_read_from_the_runner() {
        let told = "running 3 tests\ntest a::b ... ok\ntest a::c has been running for over 60 seconds\n\
                    test a::c ... FAILED\ntest d ... ok\n\nfailures:\n    a::c\n\ntest result: FAILED.\n";
        let (passed, failed) = results(told);
        assert_eq!(
            (passed, failed),
            (vec!["a::b".to_owned(), "d".to_owned()], vec!["a::c".to_owned()])
        );
    }
}
