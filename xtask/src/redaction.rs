//! `cargo xtask redaction`: measures how many made-up secrets the redaction finds, and how much it takes by
//! mistake. The texts and the judgement are in a package of their own.

use std::env;
use std::process::Command;

use anyhow::Result;
use clap::Parser;

use crate::process;
use crate::project::Project;

/// Redacts texts with made-up secrets of every form, and prints what share was found, which forms are
/// the worst, and how often more than the secret was cut. Then redacts packages of the registries that hold no
/// secrets, and prints what was taken from them. Fails if either is below the bar.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// How many secrets of each form are made.
    #[arg(long, value_name = "N", default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub values: u64,
    /// List every form with faults, instead of the worst.
    #[arg(long)]
    pub all: bool,
    /// Print the texts of this form before and after, instead of the figures.
    #[arg(long, value_name = "FORM")]
    pub show: Option<String>,
    /// Compare with other scanners instead, which takes minutes.
    #[arg(long)]
    pub scanners: bool,
}

/// Builds the package, and runs it.
///
/// # Errors
/// It does not build, or too few secrets are found.
pub fn run(project: &Project, options: &Options) -> Result<()> {
    if options.scanners {
        return measure(project, &["scanners".to_owned()]);
    }
    let mut arguments =
        vec!["secrets".to_owned(), "--values".to_owned(), options.values.to_string()];
    arguments.extend(options.all.then(|| "--all".to_owned()));
    if let Some(form) = &options.show {
        arguments.extend(["--show".to_owned(), form.clone()]);
        return measure(project, &arguments);
    }
    let found = measure(project, &arguments);
    measure(project, &["harmless".to_owned()]).and(found)
}

fn measure(project: &Project, arguments: &[String]) -> Result<()> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project.root()).args(["run", "--quiet", "--release"]);
    command.args(["--package", "nexus-redact-corpus", "--"]).args(arguments);
    process::run(&mut command)
}
