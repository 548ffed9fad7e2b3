//! No two files of a crate import from each other, directly or through others.
//!
//! A name that a module only re-exports counts as imported from the file that defines it, so a `mod.rs`
//! may declare and re-export its children. Code in tests may import what it likes. Calls of methods are
//! not seen, because a method is not named by a path.
#![allow(clippy::disallowed_methods, reason = "this never runs in WASM")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, mem,
    path::Path,
};

/// The folders that are checked, one for each crate.
const CHECKED: [&str; 8] = [
    "src",
    "crates/core/src",
    "crates/protocol/src",
    "crates/redact/src",
    "crates/seal/src",
    "crates/cli/src",
    "xtask/src",
    "tests/src",
];

/// A module's path from the root of its crate, which is the empty path. Each file is one module.
type Name = Vec<String>;

/// What one file says.
#[derive(Default)]
struct Module {
    tokens: Vec<String>,
    children: BTreeSet<String>,
    items: BTreeSet<String>,
    /// What `use` makes known, by the name that it has here.
    known: BTreeMap<String, Name>,
    globs: Vec<Name>,
    /// Every path in the code, and the name that it gets here if a `pub use` gives it one.
    paths: Vec<(Name, Option<String>)>,
}

/// Identifiers and signs of the code, without comments, literals and what is only compiled for tests.
fn tokens(code: &str) -> Vec<String> {
    let chars: Vec<char> = code.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts = |at: usize, text: &str| {
        text.chars().enumerate().all(|(n, c)| chars.get(at + n) == Some(&c))
    };
    while let Some(&first) = chars.get(at) {
        let begun = at;
        if starts(at, "//") {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if let Some(hashes) = raw_string(&chars, at) {
            let end = format!("\"{}", "#".repeat(hashes));
            at += hashes + 2;
            while at < chars.len() && !starts(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if first == '"' || (first == '\'' && (starts(at + 2, "'") || starts(at + 1, "\\"))) {
            at += 1;
            while at < chars.len() && chars[at] != first {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if is_word(first) {
            while at < chars.len() && is_word(chars[at]) {
                at += 1;
            }
            found.push(chars[begun..at].iter().collect());
        } else {
            at += if starts(at, "::") { 2 } else { 1 };
            if !first.is_whitespace() {
                found.push(chars[begun..at].iter().collect());
            }
        }
    }
    without_tests(&found)
}

/// The number of `#` of the raw string that begins here, if one does.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let after_word =
        at.checked_sub(1).is_some_and(|at| chars[at].is_alphanumeric() || chars[at] == '_');
    let rest = chars[at..].strip_prefix(&['r']).filter(|_| !after_word || chars[at - 1] == 'b')?;
    let hashes = rest.iter().take_while(|c| **c == '#').count();
    (rest.get(hashes) == Some(&'"')).then_some(hashes)
}

/// Leaves out every item below `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
fn without_tests(tokens: &[String]) -> Vec<String> {
    let tests: [&[&str]; 2] =
        [&["#", "[", "cfg", "(", "test", ")"], &["#", "[", "cfg", "(", "all", "(", "test", ","]];
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if !tests.iter().any(|test| tokens[at..].iter().take(test.len()).eq(test.iter())) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut depth = 0_usize;
        while at < tokens.len() {
            match tokens[at].as_str() {
                "{" | "[" | "(" => depth += 1,
                "}" | "]" | ")" => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 && matches!(tokens[at - 1].as_str(), ";" | "}") {
                break;
            }
        }
    }
    kept
}

/// Reads a path, or a tree of paths in braces, and returns each path with the name that it gets.
fn tree(tokens: &[String], at: &mut usize, prefix: &[String]) -> Vec<(Name, String)> {
    let mut path = prefix.to_vec();
    loop {
        let token = tokens.get(*at).map_or("", String::as_str);
        *at += 1;
        if token == "{" {
            let mut paths = Vec::new();
            while tokens.get(*at).is_some_and(|token| token != "}") {
                paths.extend(tree(tokens, at, &path));
                *at += usize::from(tokens.get(*at).is_some_and(|token| token == ","));
            }
            *at += 1;
            return paths;
        }
        if !(token == "self" && path.len() == prefix.len() && !path.is_empty()) {
            path.push(token.to_owned());
        }
        if tokens.get(*at).is_none_or(|token| token != "::")
            || tokens.get(*at + 1).is_some_and(|token| token == "<")
        {
            break;
        }
        *at += 1;
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if tokens.get(*at).is_some_and(|token| token == "as") {
        name.clone_from(&tokens[*at + 1]);
        *at += 2;
    }
    vec![(path, name)]
}

impl Module {
    fn read(name: &Name, code: &str) -> Self {
        let mut module = Self { tokens: tokens(code), ..Self::default() };
        let tokens = mem::take(&mut module.tokens);
        for pair in tokens.windows(3) {
            match pair[0].as_str() {
                "mod" if pair[2] == ";" => drop(module.children.insert(pair[1].clone())),
                "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" => {
                    module.items.insert(pair[1].clone());
                }
                "macro_rules" => drop(module.items.insert(pair[2].clone())),
                _ => {}
            }
        }
        let mut at = 0;
        while at < tokens.len() {
            let is_use = tokens[at] == "use";
            let is_public = is_use && at > 0 && matches!(tokens[at - 1].as_str(), "pub" | ")");
            at += usize::from(is_use);
            let first = tokens.get(at).map_or("", String::as_str);
            let is_path = tokens.get(at + 1).is_some_and(|token| token == "::")
                && (at == 0 || tokens[at - 1] != "::")
                && (matches!(first, "crate" | "super" | "self") || module.children.contains(first));
            if !is_path {
                at += usize::from(!is_use);
                continue;
            }
            for (path, known_as) in tree(&tokens, &mut at, &[]) {
                let path = absolute(name, &path);
                if is_use && known_as == "*" {
                    module.globs.push(path[..path.len() - 1].to_vec());
                } else if is_use {
                    module.known.insert(known_as.clone(), path.clone());
                }
                module.paths.push((path, is_public.then_some(known_as)));
            }
        }
        module.tokens = tokens;
        module
    }

    /// Whether the code itself uses a name that a `pub use` gives it, beyond `use` and `mod`.
    fn uses(&self, name: &str) -> bool {
        let mut is_use = false;
        let mut before = "";
        self.tokens.iter().any(|token| {
            is_use = token == "use" || (is_use && token != ";");
            let is_named = !is_use && token == name && !matches!(before, "mod" | "::" | "." | "fn");
            before = token;
            is_named
        })
    }
}

/// A path from the root of the crate.
fn absolute(module: &Name, path: &[String]) -> Name {
    let mut absolute = if path[0] == "crate" { Name::new() } else { module.clone() };
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => drop(absolute.pop()),
            _ => absolute.push(part.clone()),
        }
    }
    absolute
}

/// The module that defines what a path names.
fn defining(modules: &BTreeMap<Name, Module>, path: &[String], depth: usize) -> Option<Name> {
    let mut module = Name::new();
    for (at, part) in path.iter().enumerate() {
        let inner = [module.as_slice(), std::slice::from_ref(part)].concat();
        if modules.contains_key(&inner) {
            module = inner;
            continue;
        }
        let here = modules.get(&module)?;
        if here.items.contains(part) || depth == 0 {
            break;
        }
        if let Some(known) = here.known.get(part) {
            return defining(modules, &[known, &path[at + 1..]].concat(), depth - 1);
        }
        let has =
            |glob: &&Name| modules.get(*glob).is_some_and(|module| module.items.contains(part));
        return Some(here.globs.iter().find(has).cloned().unwrap_or(module));
    }
    Some(module)
}

/// The imports between modules, by who imports.
fn imports(modules: &BTreeMap<Name, Module>) -> BTreeMap<&Name, BTreeSet<Name>> {
    let mut imports = BTreeMap::new();
    for (name, module) in modules {
        let is_code =
            |known_as: &Option<String>| known_as.as_ref().is_none_or(|name| module.uses(name));
        let paths = module.paths.iter().filter(|(_, known_as)| is_code(known_as));
        let from = paths.filter_map(|(path, _)| defining(modules, path, 9));
        imports.insert(name, from.filter(|from| from != name).collect::<BTreeSet<_>>());
    }
    imports
}

/// The groups of modules of which each imports, in the end, from itself, with the imports within it.
fn circles(modules: &BTreeMap<Name, Module>) -> Vec<String> {
    let imports = imports(modules);
    let mut reached = imports.clone();
    loop {
        let grown: BTreeMap<&Name, BTreeSet<Name>> = reached
            .iter()
            .map(|(name, set)| {
                let further = set.iter().filter_map(|next| reached.get(next)).flatten();
                (*name, set.iter().chain(further).cloned().collect())
            })
            .collect();
        if mem::replace(&mut reached, grown.clone()) == grown {
            break;
        }
    }
    let is_circle = |a: &Name, b: &Name| reached[a].contains(b) && reached[b].contains(a);
    let mut found = Vec::new();
    for (name, set) in &imports {
        for from in set.iter().filter(|from| is_circle(name, from)) {
            let shown = |name: &Name| format!("crate::{}", name.join("::"));
            found.push(format!("{} imports from {}", shown(name), shown(from)));
        }
    }
    found
}

/// Reads all files of a crate. The programs in `bin` are crates of their own.
fn read(folder: &Path, name: &Name, modules: &mut BTreeMap<Name, Module>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let mut own = name.clone();
        if !matches!(stem, "lib" | "main" | "mod") {
            own.push(stem.to_owned());
        }
        if path.is_dir() && stem != "bin" {
            read(&path, &own, modules);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = Module::read(&own, &fs::read_to_string(&path).unwrap());
            modules.insert(own, module);
        }
    }
}

/// Leaves out files that only tests declare.
fn declared(modules: BTreeMap<Name, Module>) -> BTreeMap<Name, Module> {
    let names: BTreeSet<Name> = modules
        .iter()
        .flat_map(|(name, module)| {
            module
                .children
                .iter()
                .map(|child| [name.as_slice(), std::slice::from_ref(child)].concat())
        })
        .collect();
    modules.into_iter().filter(|(name, _)| name.is_empty() || names.contains(name)).collect()
}

#[test]
fn no_crate_has_a_circle_of_imports() {
    let mut found = Vec::new();
    for folder in CHECKED {
        let mut modules = BTreeMap::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
        read(&root, &Name::new(), &mut modules);
        found
            .extend(circles(&declared(modules)).iter().map(|circle| format!("{folder}: {circle}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let module = |(path, code): &(&str, &str)| {
        let name: Name = path.split("::").filter(|part| !part.is_empty()).map(Into::into).collect();
        (name.clone(), Module::read(&name, code))
    };
    circles(&declared(files.iter().map(module).collect()))
}

#[test]
fn a_circle_is_found_and_a_re_export_is_not_one() {
    let root = ("", "mod a; mod b; pub use a::{A, AA as Other}; pub use b::B;");
    let a = (
        "a",
        "use crate::{b::{self, B}, X}; pub struct A; // crate::b\nconst S: &str = \"crate::b\";",
    );
    let b = ("b", "pub struct B;");
    assert!(circles_of(&[root, a, b]).is_empty());
    let both = ["crate::a imports from crate::b", "crate::b imports from crate::a"];
    for code in [
        "use super::A; pub struct B;",
        "pub struct B(crate::a::A);",
        "pub struct B; fn f() { super::Other::new::<u8>(); }",
        "pub struct B; mod c { } use crate as us; type T = crate::A;",
    ] {
        assert_eq!(circles_of(&[root, a, ("b", code)]), both, "{code}");
    }
    let tests = "pub struct B; #[cfg(test)]\nmod tests { use crate::A; fn f() { } }
        #[cfg(all(test, windows))]\nmod more { use super::*; }";
    assert!(circles_of(&[root, a, ("b", tests)]).is_empty());
    // A parent that uses a child may not be used by it.
    let parent = ("", "mod a; pub use a::A; pub struct X(A);");
    assert_eq!(circles_of(&[parent, ("a", "pub struct A; fn f(_: super::X) {}")]).len(), 2);
}
