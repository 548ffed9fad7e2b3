//! What stands around the snippet with the secret, and how it is written there.

use super::encodings::percent;
use super::recipe::Made;

/// What a snippet is pasted into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surrounding {
    /// Nothing.
    Bare,
    /// Quotes of either kind.
    Quoted,
    /// A string of a JSON object.
    Json,
    /// A string of JSON that is itself a string of JSON.
    JsonInJson,
    /// A literal block of YAML.
    Yaml,
    /// A line of an environment file: a comment, or an exported variable.
    Env,
    /// A command in `bash -c '...'`.
    Shell,
    /// A parameter of an address.
    Url,
    /// A span or a fence of code in Markdown.
    Markdown,
    /// Colour codes of a terminal.
    Ansi,
    /// A line of a log.
    Log,
    /// A sentence.
    Prose,
}

impl Surrounding {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Bare,
        Self::Quoted,
        Self::Json,
        Self::JsonInJson,
        Self::Yaml,
        Self::Env,
        Self::Shell,
        Self::Url,
        Self::Markdown,
        Self::Ansi,
        Self::Log,
        Self::Prose,
    ];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Quoted => "quoted",
            Self::Json => "json",
            Self::JsonInJson => "json in json",
            Self::Yaml => "yaml",
            Self::Env => "env",
            Self::Shell => "shell",
            Self::Url => "url",
            Self::Markdown => "markdown",
            Self::Ansi => "ansi",
            Self::Log => "log",
            Self::Prose => "prose",
        }
    }
}

/// A text in five parts: the secret, what of the snippet may go with it, and the rest.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) before: String,
    pub(super) made: Made,
    pub(super) after: String,
}

impl Parts {
    pub(super) fn text(&self) -> String {
        let Self { before, made: Made { lead, secret, trail }, after } = self;
        format!("{before}{lead}{secret}{trail}{after}")
    }

    fn each(self, change: impl Fn(&str) -> String) -> Self {
        let Made { lead, secret, trail } = self.made;
        Self {
            before: change(&self.before),
            made: Made { lead: change(&lead), secret: change(&secret), trail: change(&trail) },
            after: change(&self.after),
        }
    }

    fn between(mut self, before: &str, after: &str) -> Self {
        self.before.insert_str(0, before);
        self.after.push_str(after);
        self
    }

    fn has(&self, character: char) -> bool {
        self.text().contains(character)
    }
}

/// A string of JSON, without its quotes.
fn json(text: &str) -> String {
    let written = serde_json::to_string(text).unwrap_or_default();
    written[1..written.len() - 1].to_owned()
}

/// Text within single quotes of a shell.
fn shell(text: &str) -> String {
    text.replace('\'', "'\\''")
}

/// Text in the query of an address, of which only what must be is encoded.
fn query(text: &str) -> String {
    let must = |c: char| !c.is_ascii_graphic() || "\"<>#%&+[]{}\\^`|'".contains(c);
    text.chars().map(|c| if must(c) { percent(c) } else { c.to_string() }).collect()
}

/// Puts a snippet into a surrounding, in the manner of value `number`.
pub(super) fn put(parts: Parts, surrounding: Surrounding, number: usize) -> Parts {
    let manner = number / 2 % 2;
    let lines = parts.has('\n');
    match surrounding {
        Surrounding::Bare => parts,
        Surrounding::Quoted if parts.has('"') && !parts.has('\'') => parts.between("'", "'"),
        Surrounding::Quoted if parts.has('"') => parts.between("\u{201C}", "\u{201D}"),
        Surrounding::Quoted if manner == 0 || parts.has('\'') => parts.between("\"", "\""),
        Surrounding::Quoted => parts.between("'", "'"),
        Surrounding::Json if manner == 0 => {
            parts.each(json).between("{\"id\":7,\"text\":\"", "\",\"ok\":true}")
        }
        Surrounding::Json => {
            parts.each(json).between("{\n  \"content\": \"", "\",\n  \"from\": \"bob\"\n}")
        }
        Surrounding::JsonInJson => parts.each(|text| json(&json(text))).between(
            "{\"type\":\"result\",\"body\":\"{\\\"output\\\":\\\"",
            "\\\",\\\"n\\\":1}\"}",
        ),
        Surrounding::Yaml => parts
            .each(|text| text.replace('\n', "\n    "))
            .between("steps:\n  - run: |\n    ", "\n  - name: next\n"),
        Surrounding::Env if manner == 0 => {
            parts.each(|text| text.replace('\n', "\n# ")).between("MODE=dev\n# ", "\nPORT=8080\n")
        }
        Surrounding::Env => parts.each(shell).between("export NOTE='", "'\nexport PORT=8080\n"),
        Surrounding::Shell => parts.each(shell).between("$ bash -c '", "'\n"),
        Surrounding::Url => parts.each(query).between("https://logs.example/add?text=", "&line=12"),
        Surrounding::Markdown if lines || manner == 1 || parts.has('`') => {
            parts.between("Run this:\n\n```\n", "\n```\n\nThen go on.")
        }
        Surrounding::Markdown => parts.between("- the old one: `", "` (of March)"),
        Surrounding::Ansi if manner == 0 => parts.between("\u{1b}[32m", "\u{1b}[0m"),
        Surrounding::Ansi => parts.between("\u{1b}[1;31m+ ", "\u{1b}[0m\n"),
        Surrounding::Log if manner == 0 => {
            parts.between("2026-03-01T12:00:01.234Z  INFO worker[42]: ", "\n")
        }
        Surrounding::Log => parts.between("[12:00:01] 10.0.0.7 - ", " 200 12ms\n"),
        Surrounding::Prose => match number / 2 % 3 {
            0 => parts.between("Bob wrote ", ", and it worked."),
            1 => parts.between("In the notes (", ") there is one more."),
            _ => parts.between("I still have ", ". Shall we go on?"),
        },
    }
}
