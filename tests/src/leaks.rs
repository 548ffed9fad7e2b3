//! Checks whether the logs of relays contain anything private.
//!
//! While the variable [`FOLDER`] names a folder, every relay of a test run writes its log there
//! ([`xtask::relay`]). Every client of [`crate::Api`] also writes there what no log may contain, of
//! all that it sent or received. [`check`] compares the two. Lines about requests are checked by
//! their form, which has no room for anything else. All other lines, and the bodies of errors, are
//! checked by their content.

use crate::traces::files;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    env, fs,
    io::Write,
    path::Path,
    sync::{Mutex, OnceLock},
};
pub use xtask::relay::LOG_FOLDER as FOLDER;

/// Shorter texts may occur by chance.
const LEAST: usize = 12;
/// Only the beginning of a longer text is searched for.
const MOST: usize = 60;

/// The result of a check.
#[derive(Debug, Default)]
pub struct Found {
    /// The number of lines about requests.
    pub requests: usize,
    /// The number of all other lines.
    pub others: usize,
    /// The number of secrets that were searched for.
    pub secrets: usize,
    /// What should not have been logged.
    pub leaks: Vec<String>,
}

/// Records what no log may contain, from a body that was sent or received.
pub(crate) fn note(body: &[u8]) {
    static FILE: OnceLock<Option<Mutex<fs::File>>> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let folder = env::var_os(FOLDER)?;
        let path = Path::new(&folder).join(format!("{}.secrets", std::process::id()));
        Some(Mutex::new(fs::File::create(path).expect("the folder can be written to")))
    });
    let Some(file) = file else { return };
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    let mut secrets = BTreeSet::new();
    collect(&body, &mut secrets);
    let mut file = file.lock().expect("nobody failed");
    for secret in secrets {
        writeln!(file, "{}", Value::from(secret)).expect("the file can be written to");
    }
}

/// The ids, keys, codes and texts in a body.
fn collect(body: &Value, secrets: &mut BTreeSet<String>) {
    match body {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_secret = matches!(
                    name.as_str(),
                    "sessionId"
                        | "sessionKey"
                        | "keyId"
                        | "secret"
                        | "code"
                        | "token"
                        | "text"
                        | "greeting"
                        | "task"
                        | "result"
                        | "content"
                        | "message"
                );
                match value.as_str() {
                    // The sentences of errors are not secret.
                    Some(text) if is_secret && fields.get("error").is_none() => {
                        secrets.extend(secret(text));
                    }
                    _ => collect(value, secrets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, secrets)),
        _ => {}
    }
}

fn secret(text: &str) -> Option<String> {
    let beginning: String = text.chars().take(MOST).collect();
    (beginning.len() >= LEAST).then_some(beginning)
}

/// Fails if an error reveals anything private, except what its caller sent.
pub(crate) fn check_error(sent: &[u8], answer: &str) {
    let mut secrets = BTreeSet::new();
    if let Ok(body) = serde_json::from_slice::<Value>(sent) {
        collect(&body, &mut secrets);
    }
    let told = secrets.iter().find(|secret| answer.contains(secret.as_str()));
    assert_eq!(told, None, "an error repeats what was sent: {answer}");
    assert_eq!(looks_secret(answer), None, "an error tells a secret: {answer}");
}

/// Compares all logs below `folder` with all secrets there.
///
/// # Errors
/// A file cannot be read.
pub fn check(folder: &Path) -> std::io::Result<Found> {
    let (mut logs, mut secrets) = (Vec::new(), BTreeSet::new());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        if path.extension().is_some_and(|extension| extension == "secrets") {
            let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
            secrets.extend(lines);
        } else {
            logs.push(text);
        }
    }
    Ok(compare(logs.iter().flat_map(|log| log.lines()), &secrets))
}

fn compare<'a>(lines: impl Iterator<Item = &'a str>, secrets: &BTreeSet<String>) -> Found {
    let mut found = Found { secrets: secrets.len(), ..Found::default() };
    let mut others = BTreeSet::new();
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        if is_request(line) {
            found.requests += 1;
        } else {
            found.others += 1;
            others.insert(line);
        }
    }
    for line in others {
        let held = secrets.iter().find(|secret| line.contains(secret.as_str()));
        if let Some(what) = held.cloned().or_else(|| looks_secret(line)) {
            found.leaks.push(format!("{what:?} in {line}"));
        }
    }
    found
}

/// Whether a line is about a request and contains nothing that such a line may not.
fn is_request(line: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str(line) else { return false };
    let is_hex = |value: &Value, length: usize| {
        value.as_str().is_some_and(|text| {
            text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    fields.contains_key("route")
        && fields.iter().all(|(name, value)| match name.as_str() {
            "requestId" => is_hex(value, 16),
            "session" => is_hex(value, 12),
            "status" | "ms" => value.is_u64(),
            "route" => value.as_str().is_some_and(is_route),
            _ => false,
        })
}

/// Whether this is a method and a path whose variable parts are placeholders.
fn is_route(route: &str) -> bool {
    let Some((method, path)) = route.split_once(' ') else { return false };
    let is_part = |part: &str| {
        let name = part.trim_start_matches([':', '*']);
        name.len() <= 16
            && name.bytes().all(|byte| b"abcdefghijklmnopqrstuvwxyz1-.".contains(&byte))
    };
    method.bytes().all(|byte| byte.is_ascii_uppercase()) && path.split('/').all(is_part)
}

/// The first word that has the form of a session id, a key, a secret or a code.
fn looks_secret(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    words.into_iter().find(|word| is_secret(word)).map(ToOwned::to_owned)
}

fn is_secret(word: &str) -> bool {
    let of = |part: &str, upper: fn(u8) -> bool| part.len() == 5 && part.bytes().all(upper);
    let is_code = || {
        let parts: Vec<&str> = word.split('-').collect();
        let [first, second, last] = parts[..] else { return false };
        let is_letter = |byte: u8| byte.is_ascii_uppercase();
        let is_end = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        of(first, is_letter) && of(second, is_letter) && of(last, is_end)
    };
    let is_id = || word.len() == 48 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_key = || (word.starts_with("nxk_") || word.starts_with("nxs_")) && word.len() > 12;
    // Of an encrypted session, perhaps behind a `#` that was written as `%23`.
    let is_link_key = || {
        let digits = word.split_once("k1").map(|(_, digits)| digits).unwrap_or_default();
        digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    is_id() || is_key() || is_code() || is_link_key()
}

/// Whether any file below `folder` holds `wanted`.
pub fn holds(folder: &Path, wanted: &str) -> bool {
    let has = |bytes: &Vec<u8>| bytes.windows(wanted.len()).any(|part| part == wanted.as_bytes());
    files(folder).values().any(has)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn leaks(line: &str) -> usize {
        let secrets = BTreeSet::from(["Meet me at noon, by the old mill".to_owned()]);
        compare(std::iter::once(line), &secrets).leaks.len()
    }

    #[test]
    fn permitted_log_lines_are_not_leaks() {
        let line = r#"{"requestId":"00112233aabbccdd","route":"GET /v1/sessions/:session/files/*key","status":200,"ms":3,"session":"00112233aabb"}"#;
        assert!(is_request(line));
        assert_eq!(leaks(line), 0);
        assert_eq!(
            leaks(r#"{"requestId":"00112233aabbccdd","fault":"MAX_AGENTS must be a number"}"#),
            0
        );
        let ended = r#"{"requestId":"00112233aabbccdd","operatorEnded":"ffeeddccbbaa9988"}"#;
        assert_eq!(leaks(ended), 0);
    }

    #[test]
    fn forbidden_log_lines_are_found() {
        let id = "0a".repeat(24);
        let key = format!("nxk_{}", "x".repeat(43));
        for line in [
            format!(r#"{{"requestId":"1","fault":"no session {id}"}}"#),
            format!("uncaught exception; {key}"),
            format!("nxs_{}", "y".repeat(43)),
            format!("GET /p/%23k1{}", "0a".repeat(20)),
            "GET /p/PEARL-FOCAL-S5SJV 200".to_owned(),
            "said: Meet me at noon, by the old mill!".to_owned(),
            // A line about a request has no room for any value.
            format!(r#"{{"route":"GET /v1/sessions/{id}/messages","status":200,"ms":3}}"#),
            format!(r#"{{"route":"GET /","status":200,"ms":3,"session":"{id}"}}"#),
            r#"{"route":"GET /","status":200,"ms":3,"text":"Meet me at noon, by the old mill"}"#
                .to_owned(),
        ] {
            assert_eq!(leaks(&line), 1, "{line}");
        }
    }

    #[test]
    fn ids_keys_codes_and_texts_are_searched_for() {
        let mut secrets = BTreeSet::new();
        let messages =
            json!([{ "text": "a text that is long enough", "id": "1-1" }, { "text": "short" }]);
        collect(&json!({ "sessionKey": "nxk_0123456789", "messages": messages }), &mut secrets);
        collect(
            &json!({ "error": "not_found", "message": "There is no such path." }),
            &mut secrets,
        );
        assert_eq!(secrets.len(), 2, "{secrets:?}");
    }

    #[test]
    #[should_panic(expected = "repeats what was sent")]
    fn an_error_that_repeats_a_message_is_found() {
        let sent = json!({ "text": "a text that is long enough" }).to_string();
        check_error(sent.as_bytes(), "Bad text: a text that is long enough");
    }
}
