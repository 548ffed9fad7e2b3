//! Whether a transcript keeps what an older one has shown.

use serde_json::Value;

/// What the new transcript does not keep of the old one, with a line for each difference.
///
/// The same commands must come in the same order, with the same exit codes and as many lines, and every
/// value of the old transcript must be in the new one. Objects may have more fields. A `message` may be
/// any sentence, because the protocol promises no wording.
pub(super) fn differences(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (commands(old), commands(new));
    let mut found = Vec::new();
    for (old, new) in old.iter().zip(&new) {
        let title = old[0];
        if old.len() != new.len() {
            found.push(format!("{title}: {} became {}", old[1..].join("; "), new[1..].join("; ")));
            continue;
        }
        for (old, new) in old.iter().zip(new) {
            compare_line(title, old, new, &mut found);
        }
    }
    if old.len() != new.len() {
        found.push(format!("{} commands became {}", old.len(), new.len()));
    }
    found
}

/// The lines of each command and each heading, its own first.
fn commands(transcript: &str) -> Vec<Vec<&str>> {
    let mut commands: Vec<Vec<&str>> = Vec::new();
    for line in transcript.lines() {
        match commands.last_mut() {
            Some(command) if !line.starts_with(['$', '#']) => command.push(line),
            _ => commands.push(vec![line]),
        }
    }
    commands
}

fn compare_line(title: &str, old: &str, new: &str, found: &mut Vec<String>) {
    match (json(old), json(new)) {
        (Some((old_mark, old)), Some((new_mark, new))) if old_mark == new_mark => {
            compare_value(title, "", &old, &new, found);
        }
        _ if old == new => {}
        _ => found.push(format!("{title}: {old} became {new}")),
    }
}

/// The JSON value of a line, and the mark of the lines that a pipe has printed.
fn json(line: &str) -> Option<(&str, Value)> {
    let (mark, value) = line.split_at(if line.starts_with("| ") { 2 } else { 0 });
    Some((mark, serde_json::from_str(value).ok()?))
}

fn compare_value(title: &str, path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (field, old) in old {
                let path = format!("{path}.{field}");
                match new.get(field) {
                    Some(new) if field == "message" && is_sentence(old) && is_sentence(new) => {}
                    Some(new) => compare_value(title, &path, old, new, found),
                    None => found.push(format!("{title}: {path} is missing")),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare_value(title, &format!("{path}[{index}]"), old, new, found);
            }
        }
        _ if old == new => {}
        _ => found.push(format!("{title}: {path} {old} became {new}")),
    }
}

fn is_sentence(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"# talk
$ nexus poll x
{"list":[{"text":"one two","n":1}],"gone":null,"message":"All is well."}
exit 0
| {"text":"x"}
| plain
$ nexus leave x
{"error":"forbidden","message":"You may not."}
exit 1
"#;

    /// The differences that this change of the transcript makes.
    #[track_caller]
    fn change(from: &str, to: &str) -> Vec<String> {
        assert_eq!(OLD.matches(from).count(), 1, "{from}");
        differences(OLD, &OLD.replace(from, to))
    }

    #[test]
    fn what_is_added_or_worded_otherwise_is_no_difference() {
        assert!(differences(OLD, OLD).is_empty());
        for (from, to) in [
            (r#""n":1"#, r#""more":{},"n":1"#),
            (r#"{"error""#, r#"{"more":true,"error""#),
            (r#"{"text":"x"}"#, r#"{"more":[],"text":"x"}"#),
            (r#""text":"one two","n":1"#, r#""n": 1, "text": "one two""#),
            ("You may not.", "Nobody may."),
        ] {
            assert_eq!(change(from, to), [""; 0], "{to}");
        }
    }

    #[test]
    fn every_other_change_is_a_difference() {
        let poll = "$ nexus poll x";
        for (from, to, difference) in [
            (r#""text":"one two","#, "", "list[0].text is missing"),
            (r#","gone":null"#, "", "gone is missing"),
            ("one two", "one three", r#"list[0].text "one two" became "one three""#),
            (r#""n":1"#, r#""n":"1""#, r#"list[0].n 1 became "1""#),
            (r#""gone":null"#, r#""gone":{}"#, "gone null became {}"),
            ("All is well.", "well", r#"message "All is well." became "well""#),
            (r#""All is well.""#, "null", r#"message "All is well." became null"#),
            (r#"[{"text":"one two","n":1}]"#, "[]", r#"list [{"n":1,"text":"one two"}] became []"#),
        ] {
            assert_eq!(change(from, to), [format!("{poll}: .{difference}")], "{to}");
        }
        for (from, to) in [
            ("exit 0", "exit 1"),
            ("exit 0", "exit 0\nexit 0"),
            ("exit 0\n", ""),
            ("| plain", "| plain\n| and more"),
            ("| plain", "| other"),
            (r#"| {"text":"x"}"#, r#"{"text":"x"}"#),
            (r#"| {"text":"x"}"#, "| text"),
            ("{\"list", "warning\n{\"list"),
            ("$ nexus leave x", "$ nexus status x\nexit 0\n$ nexus leave x"),
            ("$ nexus poll x", "$ nexus poll y"),
            ("$ nexus leave x\n", ""),
            ("# talk\n", ""),
        ] {
            assert!(!change(from, to).is_empty(), "{to}");
        }
        let (first, second) = OLD.split_at(OLD.find("$ nexus leave").unwrap());
        assert!(!differences(OLD, first).is_empty());
        assert!(!differences(first, OLD).is_empty());
        assert!(!differences(OLD, &format!("{second}{first}")).is_empty());
        assert!(!differences(OLD, "").is_empty());
    }
}
