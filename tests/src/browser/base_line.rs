//! A browser as old as the base line, made from a new one.

use serde_json::json;
use xtask::{base_line::Table, project::Project};

/// Removes what stands in the list `newer`: pairs of an interface and a name, or `null` for all of it.
const REMOVE: &str = "
    for (const [owner, name] of newer) {
        const has = owner === 'Window' ? globalThis : globalThis[owner];
        if (!name) delete globalThis[owner];
        for (const holder of [has, has?.prototype]) {
            try {
                if (name && holder && Object.hasOwn(holder, name)) delete holder[name];
            } catch {
                // Something that cannot be removed.
            }
        }
    }
";

/// A script that removes everything that the browsers of the base line do not all have, so that a page runs as
/// if there was nothing newer. It cannot remove new options of old functions.
pub fn without_what_is_newer() -> String {
    let project = Project::here().expect("a checkout");
    let table = Table::read(&project).expect("MDN's table");
    format!("const newer = {};{REMOVE}", json!(table.newer()))
}
