//! The other scanners: pinned, installed below `target/redaction/`, and what they print.

use super::{Reports, cases::number};
use crate::process::{folder, once, output, run};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Whose rules `secretlint` applies, and the program that it needs.
const BESIDE_SECRETLINT: [&str; 2] =
    ["@secretlint/secretlint-rule-preset-recommend@13.0.7", "node@22.23.3"];

/// One scanner.
#[derive(Debug)]
pub(super) struct Scanner {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    place: PathBuf,
}

/// Every scanner. Installs what is missing.
pub(super) fn all() -> Result<Vec<Scanner>> {
    let pins =
        [("detect-secrets", "1.5.0"), ("secretlint", "13.0.6"), ("kingfisher-bin", "2.14.0")];
    let mut scanners = Vec::new();
    for (name, version) in pins {
        let place = folder("scanners")?.join(format!("{name}-{version}"));
        let scanner = Scanner { name, version, place };
        once(&scanner.place, |_| scanner.install())?;
        scanners.push(scanner);
    }
    Ok(scanners)
}

impl Scanner {
    fn install(&self) -> Result<()> {
        println!("Installing {} {} ...", self.name, self.version);
        if self.name == "secretlint" {
            let rules = r#"{"rules":[{"id":"@secretlint/secretlint-rule-preset-recommend"}]}"#;
            fs::write(self.place.join("package.json"), r#"{"private":true}"#)?;
            fs::write(self.place.join(".secretlintrc.json"), rules)?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
            npm.arg(format!("secretlint@{}", self.version)).args(BESIDE_SECRETLINT);
            return run(npm.current_dir(&self.place));
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&self.place))
            .context("no environment could be made (Debian: `apt install python3-venv`)")?;
        let mut pip = Command::new(self.place.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        run(pip.arg(format!("{}=={}", self.name, self.version)))
    }

    /// What it reports of the files in a folder.
    pub(super) fn scan(&self, files: &Path) -> Result<Reports> {
        match self.name {
            "detect-secrets" => self.detect_secrets(files),
            "secretlint" => self.secretlint(files),
            "kingfisher-bin" => self.kingfisher(files),
            other => bail!("nobody knows how to run {other}"),
        }
    }

    fn detect_secrets(&self, files: &Path) -> Result<Reports> {
        let mut command = Command::new(self.place.join("bin/detect-secrets"));
        // Without verification, it asks no service.
        command.args(["scan", "--all-files", "--no-verify", "."]).current_dir(files);
        let printed = output(&mut command)?.stdout;
        let printed: Value = serde_json::from_slice(&printed).context("it printed no JSON")?;
        let results = printed.get("results").and_then(Value::as_object).context("no results")?;
        let mut reports = Reports::new();
        for (path, found) in results {
            for found in found.as_array().into_iter().flatten() {
                add(&mut reports, path, found.get("line_number"));
            }
        }
        Ok(reports)
    }

    fn secretlint(&self, files: &Path) -> Result<Reports> {
        let programs = self.place.join("node_modules/.bin");
        let path = env::var_os("PATH").unwrap_or_default();
        let known = env::split_paths(&path);
        let path = env::join_paths([programs.clone()].into_iter().chain(known))?;
        let mut command = Command::new(programs.join("secretlint"));
        command.args(["--format", "unix", "--no-color", "--no-terminalLink", "--secretlintrc"]);
        command.arg(self.place.join(".secretlintrc.json")).arg("**/*");
        // It finds its rules from where it is installed.
        command.env("PATH", path).current_dir(files);
        let output = output(&mut command)?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code().is_some_and(|code| code < 2), "it failed: {errors}");
        let mut reports = Reports::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let mut parts = line.split(':');
            if let (Some(path), Some(Ok(line))) = (parts.next(), parts.next().map(str::parse))
                && let Some(number) = number(path)
            {
                reports.entry(number).or_default().insert(line);
            }
        }
        Ok(reports)
    }

    fn kingfisher(&self, files: &Path) -> Result<Reports> {
        let mut command = Command::new(self.place.join("bin/kingfisher"));
        // Without validation, it asks no service.
        command.args(["scan", ".", "--no-validate", "--no-update-check", "--no-dedup"]);
        command.args(["--git-history", "none", "--format", "jsonl", "--rule-cache-dir"]);
        command.arg(self.place.join("rules")).current_dir(files);
        let printed = output(&mut command)?.stdout;
        let mut reports = Reports::new();
        let mut is_complete = false;
        for line in String::from_utf8_lossy(&printed).lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            is_complete |= line.get("rules_applied").is_some();
            let found = line.get("finding");
            if let Some(path) = found.and_then(|found| found.get("path")).and_then(Value::as_str) {
                add(&mut reports, path, found.and_then(|found| found.get("line")));
            }
        }
        ensure!(is_complete, "it did not say that it was done");
        Ok(reports)
    }
}

fn add(reports: &mut Reports, path: &str, line: Option<&Value>) {
    let line = line.and_then(Value::as_u64).and_then(|line| usize::try_from(line).ok());
    if let (Some(number), Some(line)) = (number(path), line) {
        reports.entry(number).or_default().insert(line);
    }
}
