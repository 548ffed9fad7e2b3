//! Texts that resemble secrets and are none, written by hand: one file a group.
//!
//! The first line of a file says what its group is. Each line after it is one text.

use anyhow::{Context, Result};
use nexus_redact::Redaction;
use serde_json::value::RawValue;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The name of its file, without the ending.
    pub name: String,
    /// Where the file is.
    pub path: PathBuf,
    /// The texts.
    pub lines: Vec<String>,
}

/// What the search took from a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The name of the group.
    pub group: String,
    /// In which form the text was searched.
    pub form: &'static str,
    /// The text.
    pub before: String,
    /// What was left of it.
    pub after: String,
}

/// Every group, by name.
///
/// # Errors
/// The files cannot be read.
pub fn groups() -> Result<Vec<Group>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/harmless/near-misses");
    let mut groups = Vec::new();
    for entry in fs::read_dir(&folder).context("no near-misses")? {
        let path = entry.context("no near-misses")?.path();
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let lines = text.lines().skip(1).map(str::to_owned).collect();
        groups.push(Group { name, path, lines });
    }
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(groups)
}

/// What the search takes from the near-misses: from each alone, quoted in JSON, as JSON if it is
/// JSON, and in a message of all lines of its group that pass alone.
///
/// # Errors
/// The files cannot be read.
pub fn taken() -> Result<Vec<Taken>> {
    let mut taken = Vec::new();
    for group in groups()? {
        let mut kept = Vec::new();
        for line in &group.lines {
            match line_taken(&group.name, line) {
                Some(found) => taken.push(found),
                None => kept.push(line.as_str()),
            }
        }
        // Lines beside each other may look like one secret.
        let whole = kept.join("\n");
        let clean = Redaction::default().text(whole.clone());
        let changed = whole.lines().zip(clean.lines()).find(|(before, after)| before != after);
        if let Some((before, after)) = changed {
            taken.push(of(&group.name, "among the others", before, after.to_owned()));
        }
    }
    Ok(taken)
}

/// What is taken from one line, in the first form in which anything is.
fn line_taken(group: &str, line: &str) -> Option<Taken> {
    let clean = Redaction::default().text(line.to_owned());
    if clean != line {
        return Some(of(group, "alone", line, clean));
    }
    let quoted = serde_json::to_string(&[line]).ok()?;
    if let Some(clean) = json_taken(&quoted) {
        return Some(of(group, "quoted", line, clean));
    }
    let clean = Redaction::default().text(quoted.clone());
    if clean != quoted {
        return Some(of(group, "quoted as text", line, clean));
    }
    // A field alone is no JSON, but an object is that holds nothing else.
    [line.to_owned(), format!("{{{}}}", line.trim().trim_end_matches(','))]
        .iter()
        .find_map(|text| json_taken(text))
        .map(|clean| of(group, "as JSON", line, clean))
}

/// What is left of a JSON text, if it is one and anything is taken.
fn json_taken(text: &str) -> Option<String> {
    let json = RawValue::from_string(text.to_owned()).ok()?;
    let clean = Redaction::default().json(json).ok()?;
    (clean.get() != text.trim()).then(|| clean.get().to_owned())
}

fn of(group: &str, form: &'static str, before: &str, after: String) -> Taken {
    Taken { group: group.to_owned(), form, before: before.to_owned(), after }
}
