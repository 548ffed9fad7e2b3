//! This search beside other scanners: what each finds of made-up secrets, and what each reports of
//! texts that hold none.
//!
//! Scanners read files, so each text is one file (`cases`). A text counts as found when anything is
//! reported on a line of its secret, for this search as for all others (`tools`).

mod cases;
mod tools;

use crate::{
    harmless::{megabytes, per},
    secrets::Family,
};
use anyhow::{Context, Result};
use cases::{Case, Cases, Group};
use std::collections::{BTreeMap, BTreeSet};
use tools::Scanner;

/// The lines of a file on which something was reported, by the file's number.
type Reports = BTreeMap<usize, BTreeSet<usize>>;

/// How many texts of a group there are, and on how many something was reported.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    texts: usize,
    found: usize,
}

/// Installs the scanners, lets them read the files, and prints one table.
///
/// # Errors
/// A scanner or a package cannot be fetched, or a scanner cannot be run.
pub fn run() -> Result<()> {
    let scanners = tools::all()?;
    let cases = Cases::write()?;
    let (secrets, near, harmless) = cases.sizes();
    println!(
        "{secrets} texts with a secret: {} values of each form, in the surroundings {}.\n\
         {near} near-misses.\n\
         {:.1} MB of harmless files: one of {} files, without those that hold a real form.\n\
         All scanners run offline, without asking a service whether a secret is valid.\n",
        cases::VALUES,
        cases::SURROUNDINGS.join(", "),
        megabytes(harmless),
        cases::SHARE,
    );
    let mut missed: BTreeMap<&str, Count> = BTreeMap::new();
    let ours = cases.searched();
    let mut rows = vec![row("this search", &cases, &ours)];
    for scanner in &scanners {
        println!("Running {} {} ...", scanner.name, scanner.version);
        let reports = scan(scanner, &cases)
            .with_context(|| format!("{} {}", scanner.name, scanner.version))?;
        only_there(&cases, &ours, &reports, &mut missed);
        rows.push(row(&format!("{} {}", scanner.name, scanner.version), &cases, &reports));
    }
    println!(
        "\n| scanner | secrets: known forms | secrets: places | near-misses reported | reports \
         per MB of harmless files |\n| --- | --- | --- | --- | --- |\n{}",
        rows.join("\n")
    );
    print_missed(&missed);
    Ok(())
}

/// All groups, one after the other, so that no scanner reads two of them as one project.
fn scan(scanner: &Scanner, cases: &Cases) -> Result<Reports> {
    let mut reports = Reports::new();
    for group in Group::ALL {
        reports.extend(scanner.scan(&cases.folder(group))?);
    }
    Ok(reports)
}

fn row(name: &str, cases: &Cases, reports: &Reports) -> String {
    let is_found = |case: &&Case| {
        let lines = reports.get(&case.number);
        lines.is_some_and(|lines| lines.iter().any(|line| case.lines.contains(line)))
    };
    let share = |family| {
        let texts = cases.all.iter().filter(|case| case.family == Some(family));
        let (mut count, mut found) = (0_usize, 0_usize);
        for case in texts {
            count = count.saturating_add(1);
            found = found.saturating_add(usize::from(is_found(&case)));
        }
        format!("{:.1} % of {count}", per(found.saturating_mul(100), per(count, 1.0)))
    };
    let (_, near, harmless) = cases.sizes();
    let near_found = cases.of(Group::NearMisses).filter(is_found).count();
    let hits: usize = cases
        .of(Group::Harmless)
        .filter_map(|case| reports.get(&case.number))
        .map(BTreeSet::len)
        .sum();
    format!(
        "| {name} | {} | {} | {near_found} of {near} | {:.2} ({hits}) |",
        share(Family::Known),
        share(Family::Place),
        per(hits, megabytes(harmless)),
    )
}

/// Counts the texts of each form that a scanner finds and this search does not.
fn only_there<'a>(
    cases: &'a Cases,
    ours: &Reports,
    theirs: &Reports,
    missed: &mut BTreeMap<&'a str, Count>,
) {
    for case in cases.of(Group::Secrets) {
        let found = |reports: &Reports| {
            let lines = reports.get(&case.number);
            lines.is_some_and(|lines| lines.iter().any(|line| case.lines.contains(line)))
        };
        let count = missed.entry(&case.name).or_default();
        count.texts = count.texts.saturating_add(1);
        count.found = count.found.saturating_add(usize::from(found(theirs) && !found(ours)));
    }
}

fn print_missed(missed: &BTreeMap<&str, Count>) {
    let mut missed: Vec<_> = missed.iter().filter(|(_, count)| count.found > 0).collect();
    missed.sort_by_key(|(_, count)| std::cmp::Reverse(count.found));
    println!("\nForms that another scanner finds and this search does not: {}", missed.len());
    for (form, count) in missed.into_iter().take(40) {
        println!("{form}\t{} reports of {} tries", count.found, count.texts);
    }
}
