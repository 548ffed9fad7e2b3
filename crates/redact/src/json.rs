//! The strings of a JSON text, except the keys. Everything else stays as it was written.

use super::names;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Replaces strings by what `change` returns for them. `change` is given the name of the field whose
/// value the string is, if any, and returns `None` for a string that may stay. A field that is named beside its
/// value, as in `{"name": "TOKEN", "value": "..."}`, has that name.
pub(super) fn change_strings(
    json: &RawValue,
    change: &mut dyn FnMut(Option<&str>, &str) -> Option<String>,
) -> Option<Result<Box<RawValue>, serde_json::Error>> {
    let text = json.get();
    let mut changed = String::new();
    let (mut copied, mut here) = (0_usize, 0_usize);
    let mut key: Option<Cow<str>> = None;
    // The name that the object which is being read gives to its value.
    let mut said: Option<Cow<str>> = None;
    // The name of the list that is being read.
    let mut list: Option<Cow<str>> = None;
    while let Some(start) = find_quote(text, here) {
        let end = string_end(text, start);
        let written = text.get(start..end).unwrap_or_default();
        let after = text.get(end..).unwrap_or_default();
        let between = text.get(here..start).unwrap_or_default();
        if between.contains(['{', '}', '[', ']']) {
            said = None;
            list = None;
        }
        // A string is the value of a field only directly after the key, or in a list after it.
        let name = match between.trim_ascii() {
            ":" => key.take(),
            "," => list.clone(),
            signs if signs.strip_prefix(':').is_some_and(|rest| rest.trim_ascii() == "[") => {
                list.clone_from(&key);
                key.take()
            }
            _ => None,
        };
        key = None;
        here = end;
        if after.trim_ascii_start().starts_with(':') {
            key = decoded(written);
            continue;
        }
        let value = decoded(written);
        let mut named = name;
        match named.as_deref() {
            Some(name) if names::is_name(name) => said.clone_from(&value),
            Some(name) if names::is_value(name.as_bytes()) => {
                named = said.take().or_else(|| said_after(after)).or(named);
            }
            _ => {}
        }
        let new = value.and_then(|value| change(named.as_deref(), &value));
        if let Some(new) = new.and_then(|new| serde_json::to_string(&new).ok()) {
            changed.push_str(text.get(copied..start).unwrap_or_default());
            changed.push_str(&new);
            copied = end;
        }
    }
    if copied == 0 {
        return None;
    }
    changed.push_str(text.get(copied..).unwrap_or_default());
    Some(RawValue::from_string(changed))
}

/// The name that the next field of an object gives, if that is what it is for.
fn said_after(after: &str) -> Option<Cow<'_, str>> {
    let after = after.trim_ascii_start().strip_prefix(',')?.trim_ascii_start();
    let key = after.get(..string_end(after, 0))?;
    decoded(key).filter(|key| names::is_name(key))?;
    let after = after.get(key.len()..)?.trim_ascii_start().strip_prefix(':')?.trim_ascii_start();
    after.starts_with('"').then(|| decoded(after.get(..string_end(after, 0))?))?
}

fn find_quote(text: &str, from: usize) -> Option<usize> {
    text.get(from..)?.find('"').map(|place| from.saturating_add(place))
}

/// Where the string that begins at `start` ends, after its closing quote.
fn string_end(text: &str, start: usize) -> usize {
    let mut escaped = false;
    let inside = text.as_bytes().get(start.saturating_add(1)..).unwrap_or_default();
    let close = inside.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    close.map_or(text.len(), |place| start.saturating_add(place).saturating_add(2))
}

fn decoded(written: &str) -> Option<Cow<'_, str>> {
    let bare = written.strip_prefix('"')?.strip_suffix('"')?;
    if bare.contains('\\') {
        serde_json::from_str(written).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(bare))
    }
}
