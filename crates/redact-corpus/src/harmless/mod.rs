//! Texts without secrets: near-misses written by hand, and files that agents exchange.
//!
//! The files come from packages of public registries (`packages`). What the search takes from them
//! is printed (`hits`), and judged in a committed table: some files hold what really has the form
//! of a secret, such as the key of a test.

mod files;
pub(crate) mod hits;
pub mod near_misses;
mod packages;

use anyhow::{Result, ensure};
use hits::hits;
use std::collections::{BTreeMap, BTreeSet};

use files::{File, texts};

/// `judgement`, `kind`, `file`, `why`. A `*` at the end of a file stands for anything.
const JUDGEMENTS: &str = include_str!("judgements.tsv");

/// The most false hits in a million bytes.
const ALLOWED: f64 = 1.0;

/// One row of the judgements.
struct Judgement {
    real: bool,
    kind: &'static str,
    file: &'static str,
}

impl Judgement {
    fn covers(&self, kind: &str, file: &str) -> bool {
        let same = match self.file.strip_suffix('*') {
            Some(start) => file.starts_with(start),
            None => self.file == file,
        };
        same && (self.kind == "*" || self.kind == kind)
    }
}

fn judgements() -> Vec<Judgement> {
    let rows = JUDGEMENTS.lines().skip(1).filter_map(|row| {
        let mut cells = row.split('\t');
        let real = cells.next()? == "real";
        Some(Judgement { real, kind: cells.next()?, file: cells.next()? })
    });
    rows.collect()
}

/// The harmless files, with the name of their package before theirs. Fetches what is missing.
pub(crate) fn corpus() -> Result<Vec<File>> {
    let mut corpus = Vec::new();
    for (package, folder) in packages::fetch()? {
        for mut file in texts(&folder)? {
            file.name = format!("{}/{}", package.name, file.name);
            corpus.push(file);
        }
    }
    Ok(corpus)
}

/// Whether a harmless file holds, by the table, what has the form of a real secret.
pub(crate) fn holds_real_forms(file: &str) -> bool {
    judgements().iter().any(|judgement| judgement.real && judgement.covers(judgement.kind, file))
}

/// Searches the files, and prints what was taken from them.
///
/// # Errors
/// The packages cannot be fetched, or too much was taken that is no secret.
pub fn run() -> Result<()> {
    let corpus = corpus()?;
    let judgements = judgements();
    let mut sizes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut bytes, mut real, mut wrong) = (0_usize, 0_usize, 0_usize);
    let mut used = BTreeSet::new();
    println!("Hits: the judgement, the kind, the file, and 12 characters before the first 4.\n");
    for file in &corpus {
        let size = sizes.entry(&file.kind).or_default();
        *size = (size.0.saturating_add(1), size.1.saturating_add(file.text.len()));
        bytes = bytes.saturating_add(file.text.len());
        for hit in files::messages(&file.text).into_iter().flat_map(hits) {
            let judged = judgements.iter().position(|row| row.covers(&hit.kind, &file.name));
            let is_real = judged.and_then(|row| judgements.get(row)).is_some_and(|row| row.real);
            used.extend(judged);
            let count = if is_real { &mut real } else { &mut wrong };
            *count = count.saturating_add(1);
            let word = match (is_real, judged) {
                (true, _) => "real",
                (false, Some(_)) => "false",
                (false, None) => "new",
            };
            println!("{word}\t{}\t{}\t{}", hit.kind, file.name, hit.excerpt);
        }
    }
    for (_, row) in judgements.iter().enumerate().filter(|(place, _)| !used.contains(place)) {
        println!("No hit for the judgement of {} in {}", row.kind, row.file);
    }
    print_sizes(&sizes);
    let millions = megabytes(bytes);
    let rate = per(wrong, millions);
    println!(
        "\n{} files, {millions:.1} MB: {real} hits with a real form, {wrong} false hits, \
         {rate:.3} false hits per MB",
        corpus.len()
    );
    ensure!(bytes >= 5_000_000, "{bytes} bytes are too few to tell");
    ensure!(rate <= ALLOWED, "more than {ALLOWED} false hits per MB");
    Ok(())
}

fn print_sizes(sizes: &BTreeMap<&str, (usize, usize)>) {
    let mut sizes: Vec<_> = sizes.iter().collect();
    sizes.sort_by_key(|(_, (_, bytes))| std::cmp::Reverse(*bytes));
    println!("\ntype\tfiles\tbytes");
    let (shown, rest) = sizes.split_at(sizes.len().min(40));
    for (kind, (files, bytes)) in shown {
        println!("{kind}\t{files}\t{bytes}");
    }
    let (files, bytes) = rest.iter().fold((0_usize, 0_usize), |sum, (_, size)| {
        (sum.0.saturating_add(size.0), sum.1.saturating_add(size.1))
    });
    println!("{} more types\t{files}\t{bytes}", rest.len());
}

/// Bytes as millions of them.
#[allow(clippy::cast_precision_loss, reason = "for people to read")]
pub(crate) fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// A count for each of `millions`.
#[allow(clippy::cast_precision_loss, reason = "for people to read")]
pub(crate) fn per(count: usize, millions: f64) -> f64 {
    count as f64 / millions
}
