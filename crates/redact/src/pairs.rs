//! Values whose name stands beside them: elements, attributes, arguments, cells, and pairs such as
//! `{"name": "TOKEN", "value": "..."}`.

use super::{
    command,
    hit::Hit,
    names::{self, Tells},
    place::{judged, name_before, tail, value, value_begins},
    shape::{at, bits, class, step},
    stand_ins::Sure,
    values::{self, Ends, Manner, Value},
};

/// How far back a tag begins.
const BEFORE: usize = 256;

/// How far back the name of a pair is looked for.
const BESIDE: usize = 128;

/// What opens a text in which no sign means anything.
const CDATA: &[u8] = b"<![CDATA[";

/// The secret in an element: `<password>...</password>`, with the `>` at `here`.
pub(super) fn element(text: &[u8], here: usize) -> Option<Hit> {
    if matches!(at(text, here.wrapping_sub(1)), b'-' | b'=' | b' ') {
        return None;
    }
    let before = text.get(here.saturating_sub(BEFORE)..here)?;
    let open = before.iter().rposition(|byte| {
        step();
        matches!(byte, b'<' | b'>')
    })?;
    let tag = before.get(open..)?.strip_prefix(b"<")?;
    let length =
        tag.iter().take_while(|byte| bits(**byte) & class(b'v') != 0 || **byte == b':').count();
    let mut name = tag.get(..length)?;
    name = name.rsplit(|byte| *byte == b':').next()?;
    let mut tells = names::tells(name);
    if tells == Tells::Nothing {
        // `<entry key="password">`, and `<key>password</key><string>`.
        let earlier = before.get(..open)?;
        name = attribute(tag).or_else(|| key_element(earlier)).or_else(|| parent(earlier))?;
        tells = names::tells(name);
    }
    if tells == Tells::Nothing {
        return None;
    }
    let cdata = text.get(here.saturating_add(1)..)?.starts_with(CDATA);
    let start = here.saturating_add(if cdata { CDATA.len().saturating_add(1) } else { 1 });
    let rest = text.get(start..)?;
    if cdata {
        let length = rest.iter().take(4096).position(|byte| *byte == b']')?;
        let value = Value { start, end: start.saturating_add(length), quoted: true };
        return judged(text, value, name, tells, Sure::Quoted);
    }
    let length = rest.iter().take(4096).position(|byte| {
        step();
        *byte == b'<'
    })?;
    let value = rest.get(..length)?;
    if value.trim_ascii().contains(&b'\n') {
        return None;
    }
    let closed = rest.get(length..)?.starts_with(b"</") || rest.get(length..)?.starts_with(b"<\\/");
    if !closed {
        return None;
    }
    let lead = value.len().saturating_sub(value.trim_ascii_start().len());
    let start = start.saturating_add(lead);
    let value = Value { start, end: start.saturating_add(value.trim_ascii().len()), quoted: true };
    judged(text, value, name, tells, Sure::Quoted)
}

/// The name in the attributes of a tag.
fn attribute(tag: &[u8]) -> Option<&[u8]> {
    let mark = [&b" key="[..], b" name=", b" id="].iter().find_map(|mark| {
        let place = tag.windows(mark.len()).position(|part| part == *mark)?;
        Some(place.saturating_add(mark.len()))
    })?;
    let value = tag.get(mark..)?;
    let skip = value.iter().take_while(|byte| b"\\\"'".contains(byte)).count();
    value.get(skip..)?.split(|byte| b"\\\"'>".contains(byte)).next()
}

/// How an element ends that names the next one.
const ENDS: [&[u8]; 8] =
    [b"</key>", b"<\\/key>", b"</name>", b"</Name>", b"</Key>", b"</td>", b"</th>", b"</dt>"];

/// The name in the element before: `<key>password</key>`.
fn key_element(before: &[u8]) -> Option<&[u8]> {
    let mut before = before.trim_ascii_end();
    // A line may end as an escape.
    while let Some(rest) = before.strip_suffix(b"\\n").or(before.strip_suffix(b"\\")) {
        before = rest.trim_ascii_end();
    }
    let before = ENDS.iter().find_map(|end| before.strip_suffix(*end))?;
    before.rsplit(|byte| *byte == b'>').next()
}

/// The name of the element that holds a value: `<Password><Value>`.
fn parent(before: &[u8]) -> Option<&[u8]> {
    let tag = before.trim_ascii_end().strip_suffix(b">")?;
    let open = tag.iter().rposition(|byte| *byte == b'<')?;
    tag.get(open.saturating_add(1)..)
}

/// The secret that is the argument after a name in quotes: `define('DB_PASSWORD', '...')`, with the comma at
/// `here`.
pub(super) fn argument(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    if !matches!(at(text, here.wrapping_sub(1)), b'"' | b'\'' | b'D') {
        return None;
    }
    let named = name_before(text, here)?;
    let tells = names::tells(named.word);
    let user = named.word.ends_with(b"USERPWD");
    if tells == Tells::Nothing && !user {
        return None;
    }
    let start = value_begins(text, here.saturating_add(1));
    values::opens(text, start)?;
    let value = value(text, start, Manner::Plain, ends)?;
    if user || named.word.to_ascii_lowercase().ends_with(b"userpwd") {
        return command::after_sign(text, value, b':');
    }
    // A list of names has commas, too.
    judged(text, value, named.word, tells, Sure::Loose)
}

/// The secret that a function of this name gets: `setPassword("...")`, with the bracket at `here`.
pub(super) fn called(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    const ASKS: [&[u8]; 14] = [
        b"get", b"has", b"is", b"valid", b"check", b"find", b"test", b"expect", b"input",
        b"verify", b"compare", b"match", b"hash", b"reset",
    ];
    let start = here.saturating_add(1);
    values::opens(text, start)?;
    let named = name_before(text, here).filter(|named| named.close)?;
    let last = named.word.rsplit(|byte| *byte == b'.').next()?;
    let tells = names::tells(last);
    if tells == Tells::Nothing || ASKS.iter().any(|ask| last.to_ascii_lowercase().starts_with(ask))
    {
        return None;
    }
    let value = value(text, start, Manner::Plain, ends)?;
    judged(text, value, last, tells, Sure::Loose)
}

/// The secret in a cell of a table: `| Password | ... |`, with the second sign at `here`.
pub(super) fn cell(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let named = name_before(text, here)?;
    let tells = names::tells(named.word);
    let before = text.get(named.begin.saturating_sub(8)..named.begin)?;
    let first = before.iter().rev().find(|byte| !b" *`_".contains(byte));
    if tells == Tells::Nothing || at(text, here.saturating_add(1)) != b' ' || first != Some(&b'|') {
        return None;
    }
    let start = value_begins(text, here.saturating_add(1));
    let value = value(text, start, Manner::Plain, ends)?;
    judged(text, value, named.word, tells, Sure::Loose)
}

/// The name that stands in a pair before the value: `"name": "DB_PASSWORD", "value": `.
pub(super) fn paired_before(text: &[u8], here: usize) -> Option<&[u8]> {
    let before = text.get(here.saturating_sub(BESIDE)..here)?;
    let until = before
        .iter()
        .rposition(|byte| matches!(byte, b'}' | b';'))
        .map_or(0, |place| place.saturating_add(1));
    let before = before.get(until..)?;
    let mut found = None;
    for mark in
        [&b"name"[..], b"key", b"Name", b"Key", b"variable", b"\"type", b"\"field", b"\"label"]
    {
        step();
        let place = before.windows(mark.len()).rposition(|part| part == mark);
        let Some(place) = place else { continue };
        let after = before.get(place.saturating_add(mark.len())..)?;
        let skip = after.iter().take_while(|byte| b" \t\\\"':=&quot;".contains(byte)).count();
        let after = after.get(skip..)?;
        let part = |byte: &&u8| bits(**byte) & class(b'p') != 0;
        let length = after.iter().take_while(part).count();
        if skip > 0 && length > 0 && found.is_none_or(|(best, _)| place > best) {
            found = Some((place, after.get(..length)?));
        }
    }
    found.map(|(_, name)| tail(name))
}

/// The name that stands in a pair after the value that begins here: `"value": "...", "name": `.
pub(super) fn paired_after(text: &[u8], start: usize) -> Option<&[u8]> {
    let quoted =
        values::opens(text, start).and_then(|(quote, begin)| values::closes(text, begin, quote));
    let end = if let Some(end) = quoted {
        end
    } else {
        // In YAML, the next line has the name.
        let line = text.get(start..)?.iter().take(BESIDE);
        let length = line.take_while(|byte| **byte > b' ' && **byte != b'\\').count();
        let end = start.saturating_add(length);
        values::line(text, end)?;
        end
    };
    let mut here = end;
    for _ in 0..BESIDE {
        here = match values::line(text, here).or_else(|| values::tab(text, here)) {
            Some(line) => line,
            None if b"\\\"', \t".contains(&at(text, here)) => here.saturating_add(1),
            None => break,
        };
    }
    let after = text.get(here..here.saturating_add(BESIDE).min(text.len()))?;
    let word =
        [&b"name"[..], b"key", b"Name", b"Key"].into_iter().find(|it| after.starts_with(it))?;
    let after = after.get(word.len()..)?;
    let skip = after.iter().take_while(|byte| b"\\\"': \t=".contains(byte)).count();
    let after = after.get(skip..)?;
    let length = after.iter().take_while(|byte| bits(**byte) & class(b'v') != 0).count();
    after.get(..length).map(tail)
}
