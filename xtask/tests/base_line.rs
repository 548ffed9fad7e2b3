//! The pages are written for browsers as old as the base line: no newer syntax, no newer CSS. What scripts call is
//! not seen here. For that, the browser tests run without everything that is newer.
#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};
use xtask::{
    base_line::{TARGET, Table, is_old},
    project::Project,
};

/// What esbuild makes of a text, for these browsers. It is an error if it cannot write it for them.
fn built(project: &Project, text: &str, kind: &str, target: &str) -> String {
    let mut command = Command::new(project.npm_bin("esbuild"));
    command.args([format!("--loader={kind}"), format!("--target={target}")]);
    // All of the base line have these. The table of esbuild is more careful.
    command.args(["--log-level=error", "--supported:regexp-unicode-property-escapes=true"]);
    let mut running = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    let both = [output.stdout, output.stderr].concat();
    String::from_utf8(both).unwrap()
}

/// Whether esbuild would write something in another way for the base line than for the newest browsers.
fn is_newer(project: &Project, text: &str, kind: &str) -> bool {
    built(project, text, kind, TARGET) != built(project, text, kind, "esnext")
}

fn assets(project: &Project, kind: &str) -> Vec<(String, String)> {
    let folder = fs::read_dir(project.path("public/assets")).unwrap().flatten();
    let paths = folder.map(|entry| entry.path());
    let is_wanted = |path: &Path| path.extension().is_some_and(|extension| extension == kind);
    let texts = paths.filter(|path| is_wanted(path)).map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.file_name().unwrap().to_string_lossy().into_owned(), text)
    });
    texts.collect()
}

#[test]
fn no_syntax_is_newer_than_the_base_line() {
    let project = Project::here().unwrap();
    for (kind, newer) in [
        ("js", "export const a = /[\\p{L}--a]/v;"),
        ("js", "export class A { accessor b = 1; }"),
        ("js", "using a = b;"),
        ("css", "a { & b { color: red; } }"),
    ] {
        assert!(is_newer(&project, newer, kind), "{newer} is found");
    }
    for kind in ["js", "css"] {
        let files = assets(&project, kind);
        assert!(!files.is_empty());
        for (name, text) in files {
            assert!(!is_newer(&project, &text, kind), "{name} has newer syntax");
        }
    }
}

/// What older browsers leave out without harm.
const HARMLESS: [(&str, &str); 12] = [
    ("::-moz-progress-bar", "Firefox's own name"),
    ("::-webkit-progress-bar", "the name in the other browsers"),
    ("::-webkit-progress-value", "the name in the other browsers"),
    (":has", "only makes a button a little wider"),
    ("cursor: crosshair", "phones have no cursor"),
    ("cursor: default", "phones have no cursor"),
    ("cursor: pointer", "phones have no cursor"),
    ("overflow-anchor", "keeps others from doing what Safari does not do at all"),
    ("resize", "phones have no handle to drag"),
    ("text-size-adjust", "also stands there with -webkit-"),
    ("text-wrap", "only where lines break"),
    ("user-select", "also stands there with -webkit-"),
];

/// What a stylesheet uses that is newer than the base line: at-rules, selectors, properties, their words, functions
/// and units.
fn newer_css(table: &Table, css: &str) -> BTreeSet<String> {
    let mut newer = BTreeSet::new();
    let mut note = |part: &Value, what: String| {
        if !is_old(part) {
            newer.insert(what);
        }
    };
    for (rule, is_declaration) in parts(css) {
        if let Some(name) = rule.strip_prefix('@') {
            let name: &str = name.split([' ', '(']).next().unwrap_or_default();
            note(table.part(&["css", "at-rules", name]), format!("@{name}"));
        } else if is_declaration {
            let Some((property, value)) = rule.split_once(':') else { continue };
            let known = table.part(&["css", "properties", property.trim()]);
            note(known, property.trim().to_owned());
            for word in words(value) {
                let part = known.get(word).unwrap_or(&Value::Null);
                if known.get("__compat").is_none_or(|_| is_old(known)) {
                    note(part, format!("{}: {word}", property.trim()));
                }
                if value.contains(&format!("{word}(")) {
                    note(anywhere(table.part(&["css", "types"]), word), format!("{word}()"));
                }
            }
            for unit in units(value) {
                note(table.part(&["css", "types", "length", unit]), format!("unit {unit}"));
            }
        } else {
            for (at, _) in rule.match_indices(':') {
                let (before, after) = rule.split_at(at);
                let colons = if before.ends_with(':') { "::" } else { ":" };
                let after = &after[1..];
                if let Some(name) = words(after).next().filter(|name| after.starts_with(name)) {
                    note(table.part(&["css", "selectors", name]), format!("{colons}{name}"));
                }
            }
        }
    }
    newer
}

/// The selectors and at-rules of a stylesheet, and its declarations.
fn parts(css: &str) -> Vec<(&str, bool)> {
    let mut parts = Vec::new();
    let mut rest = css;
    while let Some(at) = rest.find(['{', '}', ';']) {
        let (part, after) = rest.split_at(at);
        let is_rule = after.starts_with('{');
        parts.push((part.trim(), !is_rule));
        rest = after.get(1..).unwrap_or_default();
    }
    parts
}

fn without_comments(css: &str) -> String {
    let pieces =
        css.split("/*").map(|piece| piece.split_once("*/").map_or(piece, |(_, rest)| rest));
    pieces.collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |one: char| one.is_ascii_alphanumeric() || one == '-';
    let pieces = text.split(move |one| !is_part(one));
    pieces.filter(|piece| !piece.is_empty() && !piece.starts_with(|one: char| one.is_ascii_digit()))
}

/// The units of the numbers in a value.
fn units(value: &str) -> impl Iterator<Item = &str> {
    let pieces = value.split(|one: char| !one.is_ascii_alphanumeric() && one != '.' && one != '#');
    let measures = pieces.filter(|piece| piece.starts_with(|one: char| one.is_ascii_digit()));
    measures
        .map(|piece| piece.trim_start_matches(|one: char| one.is_ascii_digit() || one == '.'))
        .filter(|unit| !unit.is_empty() && unit.bytes().all(|one| one.is_ascii_lowercase()))
}

/// The part of this name, however deep it lies.
fn anywhere<'a>(parts: &'a Value, name: &str) -> &'a Value {
    fn find<'a>(parts: &'a Value, name: &str) -> Option<&'a Value> {
        let fields = parts.as_object()?;
        let below = || fields.values().find_map(|part| find(part, name));
        fields.get(name).or_else(below)
    }
    find(parts, name).unwrap_or(&Value::Null)
}

#[test]
fn no_css_is_newer_than_the_base_line_unless_it_is_harmless() {
    let project = Project::here().unwrap();
    let table = Table::read(&project).unwrap();
    let newer = "a { color: light-dark(red, blue); interpolate-size: allow-keywords; width: 3rcap; \
        height: stretch; } @starting-style { b:user-valid { color: red; } }";
    let found = newer_css(&table, newer);
    let expected = [
        ":user-valid",
        "@starting-style",
        "height: stretch",
        "interpolate-size",
        "light-dark()",
        "unit rcap",
    ];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let mut used = BTreeSet::new();
    for (_, css) in assets(&project, "css") {
        used.extend(newer_css(&table, &without_comments(&css)));
    }
    let harmless: BTreeSet<String> = HARMLESS.iter().map(|(what, _)| (*what).to_owned()).collect();
    assert_eq!(used, harmless, "what is newer is what is known to be harmless");
}

#[test]
fn the_table_knows_what_is_newer() {
    let table = Table::read(&Project::here().unwrap()).unwrap();
    let newer: BTreeSet<_> = table.newer().into_iter().collect();
    for (owner, name) in [
        ("AbortSignal", "any"),
        ("Array", "fromAsync"),
        ("Array", "toSorted"),
        ("Element", "checkVisibility"),
        ("HTMLElement", "popover"),
        ("JSON", "rawJSON"),
        ("Object", "groupBy"),
        ("Promise", "withResolvers"),
        ("Set", "union"),
        ("URL", "canParse"),
        ("Window", "requestIdleCallback"),
    ] {
        assert!(newer.contains(&(owner, Some(name))), "{owner}.{name}");
    }
    for (owner, name) in [("Array", "at"), ("Window", "structuredClone"), ("Window", "fetch")] {
        assert!(!newer.contains(&(owner, Some(name))), "{owner}.{name}");
    }
    assert!(newer.contains(&("Scheduler", None)));
}
