//! What a typed line means.

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Nothing,
    Text(&'a str),
    Help,
    Quit,
    End,
    Members,
    Files,
    Tasks,
    Put(&'a str),
    Get(&'a str),
    /// A task, for this member if there are several.
    Give(Option<&'a str>, &'a str),
    Take(usize),
    Done(usize, &'a str),
    /// No command: why not.
    Wrong(String),
}

/// What `/help` says.
pub(super) const HELP: &str = "/members           who is here
/file PATH         share a file; /file lists them
/file get NAME     write a shared file into this folder
/task TEXT         give a task; /task @NAME TEXT if there are several members; /task lists them
/task take N       accept task N
/task done N TEXT  report its result
/end               end the session for everybody
/quit              leave this window (also Ctrl-D); you stay a member
//text             send a line that begins with /";

/// Reads a line.
pub(super) fn read(line: &str) -> Line<'_> {
    let text = line.trim_end();
    if text.is_empty() {
        return Line::Nothing;
    }
    let Some(command) = text.strip_prefix('/') else { return Line::Text(text) };
    if command.starts_with('/') {
        return Line::Text(command);
    }
    let (name, rest) = split(command);
    match (name, rest) {
        ("help" | "?", _) => Line::Help,
        ("quit" | "exit" | "q", _) => Line::Quit,
        ("end", "") => Line::End,
        ("members" | "who", "") => Line::Members,
        ("file" | "files", "") => Line::Files,
        ("task" | "tasks", "") => Line::Tasks,
        ("file", rest) => match split(rest) {
            ("get", name) if !name.is_empty() => Line::Get(name),
            _ => Line::Put(unquoted(rest)),
        },
        ("task", rest) => task(rest),
        _ => Line::Wrong(format!(
            "`/{command}` is no command here; /help lists them. To send it as a text, type //{command}"
        )),
    }
}

fn task(rest: &str) -> Line<'_> {
    let (verb, more) = split(rest);
    let (number, result) = split(more);
    let number = number.parse().ok().filter(|number| *number > 0);
    match (verb, number) {
        ("take", Some(number)) if result.is_empty() => Line::Take(number),
        ("done", Some(number)) => Line::Done(number, result),
        _ => match verb.strip_prefix('@') {
            Some(name) if !more.is_empty() => Line::Give(Some(name), more),
            _ => Line::Give(None, rest),
        },
    }
}

/// The first word, and the rest.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

/// A path as a terminal gives it when a file is dropped into it.
fn unquoted(path: &str) -> &str {
    let bare = |quote| path.strip_prefix(quote)?.strip_suffix(quote);
    bare('\'').or_else(|| bare('"')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_texts_or_commands() {
        for (line, meaning) in [
            ("  ", Line::Nothing),
            ("  hi ", Line::Text("  hi")),
            ("//etc/hosts", Line::Text("/etc/hosts")),
            ("/file a b.md", Line::Put("a b.md")),
            ("/file 'a b.md'", Line::Put("a b.md")),
            ("/file get a.md", Line::Get("a.md")),
            ("/file get", Line::Put("get")),
            ("/files", Line::Files),
            ("/task take 2", Line::Take(2)),
            ("/task take it easy", Line::Give(None, "take it easy")),
            ("/task take 2 eggs", Line::Give(None, "take 2 eggs")),
            ("/task done 2 it is there", Line::Done(2, "it is there")),
            ("/task @bob do it", Line::Give(Some("bob"), "do it")),
            ("/task", Line::Tasks),
            ("/END", Line::Wrong(String::new())),
            ("/end now", Line::Wrong(String::new())),
        ] {
            match (read(line), meaning) {
                (Line::Wrong(why), Line::Wrong(_)) => assert!(why.contains("/help"), "{why}"),
                (read, meaning) => assert_eq!(read, meaning, "{line}"),
            }
        }
    }
}
