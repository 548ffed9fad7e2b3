//! What each call needs of its caller, as the documents list it.

/// The calls that a document's tables list behind each need.
pub(crate) fn documented(document: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for line in document.lines() {
        let Some((need, calls)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | `"))
        else {
            continue;
        };
        for call in calls.trim_end_matches(" |").split(", ") {
            if let Some((method, path)) = call.trim_matches('`').split_once(" /") {
                found.push((need.to_owned(), method.to_owned(), format!("/{path}")));
            }
        }
    }
    found
}
