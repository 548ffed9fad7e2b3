//! The modules of the pages, as they use each other.

use nexus_tests::string;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What each module imports, at once or later.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/assets");
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "js") {
            continue;
        }
        let name = string(&path.file_name().unwrap().to_str().into());
        let text = fs::read_to_string(&path).unwrap();
        // Nothing else in these files begins with a point and a slash in quotes.
        let named = text.split("\"./").skip(1).filter_map(|rest| rest.split('"').next());
        all.insert(name, named.map(str::to_owned).collect());
    }
    all
}

/// Goes from a module to all that it needs. Fails where the way leads back.
fn walk(
    name: &str,
    way: &mut Vec<String>,
    all: &BTreeMap<String, BTreeSet<String>>,
    seen: &mut BTreeSet<String>,
) {
    assert!(!way.iter().any(|one| one == name), "a circle: {way:?} leads back to {name}");
    if !seen.insert(name.to_owned()) {
        return;
    }
    let imported = all.get(name).unwrap_or_else(|| panic!("{way:?} imports {name}: no such file"));
    way.push(name.to_owned());
    for next in imported {
        walk(next, way, all, seen);
    }
    way.pop();
}

#[test]
fn no_module_needs_itself_and_none_is_left_over() {
    let all = imports();
    let mut seen = BTreeSet::new();
    for page in ["home", "pair", "gone", "session", "docs", "skill", "admin"] {
        walk(&format!("{page}.js"), &mut Vec::new(), &all, &mut seen);
    }
    let left: Vec<_> = all.keys().filter(|name| !seen.contains(*name)).collect();
    assert_eq!(left, Vec::<&String>::new(), "nothing loads them");
}
