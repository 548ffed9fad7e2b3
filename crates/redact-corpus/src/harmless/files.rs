//! The text files of a folder, as the messages that an agent would send of them.

use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The most bytes of one message.
const LONGEST: usize = 64 * 1024;

/// The most bytes that are read of one file, so that no generated file outweighs all others.
const MOST: usize = 512 * 1024;

/// Endings of files that repeat others of their package: source maps, what a lexer says about an
/// example beside it, object code.
const REPEATED: [&str; 4] = ["map", "output", "o", "orig"];

/// One text file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// The path from the folder that was searched.
    pub(crate) name: String,
    /// What kind of file it is, by its name.
    pub(crate) kind: String,
    /// What is in it.
    pub(crate) text: String,
}

/// The text files below `folder`, by name.
pub(crate) fn texts(folder: &Path) -> Result<Vec<File>> {
    let mut paths = Vec::new();
    walk(folder, &mut paths)?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        let kind = kind(&path);
        if REPEATED.contains(&kind.as_str()) {
            continue;
        }
        let bytes = fs::read(&path).with_context(|| format!("{} is unreadable", path.display()))?;
        let Ok(mut text) = String::from_utf8(bytes) else { continue };
        if text.is_empty() || text.contains('\0') {
            continue;
        }
        text.truncate(text.floor_char_boundary(MOST));
        files.push(File { name, kind, text });
    }
    Ok(files)
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))?;
    for entry in entries {
        let entry = entry.context("a folder changed while it was read")?;
        let kind = entry.file_type().context("a file without a type")?;
        if kind.is_dir() {
            walk(&entry.path(), paths)?;
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

/// The ending of a file's name, or `other`.
fn kind(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if ["lock.json", ".lock"].iter().any(|ending| name.ends_with(ending)) {
        return "lock".to_owned();
    }
    if name.contains("changelog") || name.starts_with("changes") || name.starts_with("readme") {
        return "md".to_owned();
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let short = |ending: &String| ending.len() <= 8 && ending.bytes().all(|b| b.is_ascii_graphic());
    ending.filter(short).unwrap_or_else(|| "other".to_owned())
}

/// A text as messages, divided at ends of lines where it has any.
pub(crate) fn messages(text: &str) -> Vec<&str> {
    let (mut messages, mut rest) = (Vec::new(), text);
    while rest.len() > LONGEST {
        let limit = rest.floor_char_boundary(LONGEST);
        let (most, _) = rest.split_at(limit);
        let end = most.rfind('\n').map_or(limit, |end| end.saturating_add(1));
        let (message, more) = rest.split_at(end);
        messages.push(message);
        rest = more;
    }
    messages.push(rest);
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_end_at_lines_and_lose_nothing() {
        let text = "0123456789abcde\n".repeat(10_000);
        let parts = messages(&text);
        assert_eq!(parts.concat(), text);
        assert!(parts.len() == 3 && parts.iter().all(|part| part.ends_with('\n')));
        let line = "é".repeat(100_000);
        let parts = messages(&line);
        assert_eq!(parts.concat(), line);
        assert!(parts.iter().all(|part| part.len() <= LONGEST));
    }
}
