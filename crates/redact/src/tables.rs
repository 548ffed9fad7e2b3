//! Secrets in a column whose name stands at its head: of CSV, of a table in Markdown, of an `INSERT`, of a file in
//! columns. And the values of a cluster's secret, whatever their names.

use super::{
    hit::Hit,
    kinds::SECRET,
    looks,
    names::{self, Tells},
    place::judged,
    shape::{at, bits, class, step},
    stand_ins::Sure,
    values::{self, Ends, Manner, Value},
};

/// The most columns of a table, and bytes of a head.
const MOST: usize = 32;
const HEAD: usize = 512;
/// The most bytes of a cell.
const CELL: usize = 1024;

/// A table whose head was read.
struct Table<'a> {
    separator: u8,
    /// What the head says of each column.
    columns: Vec<(&'a [u8], Tells)>,
}

/// The secrets of the table whose head has a column that ends at `here`, and where the table ends: with its head, if
/// that is none.
pub(super) fn of_head(text: &[u8], here: usize) -> Option<(Vec<Hit>, usize)> {
    let separator = separator(text, here)?;
    let is_part = |byte: u8| {
        step();
        bits(byte) & class(b'w') != 0 || b"\"'`* ".contains(&byte) || byte == separator
    };
    let before = text.get(here.saturating_sub(HEAD)..here)?;
    let mut begin =
        here.saturating_sub(before.iter().rev().take_while(|byte| is_part(**byte)).count());
    if at(text, begin.wrapping_sub(1)) == b'\\' && matches!(at(text, begin), b'n' | b't') {
        begin = begin.saturating_add(1);
    }
    let after = text.get(here..)?.iter().take(HEAD);
    let end = here.saturating_add(after.take_while(|byte| is_part(**byte)).count());
    let insert = at(text, begin.wrapping_sub(1)) == b'(' && at(text, end) == b')';
    let rows = if insert { tuples(text, end) } else { values::line(text, end) };
    let table = text.get(begin..end).and_then(|head| Table::of(head, separator));
    let (Some(rows), Some(table)) = (rows, table) else { return Some((Vec::new(), end)) };
    let (mut hits, mut row) = (Vec::new(), rows);
    while let Some(next) = table.row(text, row, insert, &mut hits) {
        row = next;
    }
    Some((hits, row))
}

/// The sign between columns, if a column that tells of a secret ends at `here`.
fn separator(text: &[u8], here: usize) -> Option<u8> {
    let padded = text.get(here.saturating_sub(24)..here)?;
    let skip = padded.iter().rev().take_while(|byte| b"\"'`* ".contains(byte)).count();
    let end = here.saturating_sub(skip);
    let before = text.get(here.saturating_sub(48)..end)?;
    let part = |byte: &&u8| {
        step();
        byte.is_ascii_alphabetic() || b"_-".contains(byte)
    };
    let length = before.iter().rev().take_while(part).count();
    let word = before.get(before.len().saturating_sub(length)..)?;
    if length < 3 || names::tells(word) == Tells::Nothing {
        return None;
    }
    let signs = b",;|\t";
    let own = at(text, here);
    if signs.contains(&own) {
        return Some(own);
    }
    let mut before = before.iter().rev().skip(length).take(24);
    before.find(|byte| !b"\"'`* ".contains(byte)).copied().filter(|sign| signs.contains(sign))
}

/// Where the rows of an `INSERT` begin whose list of columns ends at `here`.
fn tuples(text: &[u8], here: usize) -> Option<usize> {
    let rest = text.get(here.saturating_add(1)..)?;
    let space = rest.iter().take(8).take_while(|byte| byte.is_ascii_whitespace()).count();
    let word = rest.get(space..space.saturating_add(6))?;
    word.eq_ignore_ascii_case(b"values")
        .then(|| here.saturating_add(1).saturating_add(space).saturating_add(6))
}

impl<'a> Table<'a> {
    fn of(head: &'a [u8], separator: u8) -> Option<Self> {
        let mut columns = Vec::new();
        for cell in head.split(|byte| *byte == separator).take(MOST.saturating_add(1)) {
            let mut cell = trim(cell);
            // A sentence may lead to the head.
            if columns.is_empty() {
                cell = cell.rsplit(|byte| *byte == b' ').next()?;
            }
            // A sentence has commas, too, and a list has one at its end.
            let blank = cell.is_empty() && separator != b'|';
            if blank || cell.len() > 24 || cell.split(|byte| *byte == b' ').count() > 2 {
                return None;
            }
            columns.push((cell, names::tells(cell)));
        }
        (2..=MOST).contains(&columns.len()).then_some(Self { separator, columns })
    }

    /// Reads the row that begins here, and returns where the next one does. A row of another number of cells is none
    /// of the table.
    fn row(&self, text: &[u8], begin: usize, insert: bool, hits: &mut Vec<Hit>) -> Option<usize> {
        let mut here = begin;
        if insert {
            let rest = text.get(here..)?.iter().take(16);
            let open = rest.take_while(|byte| b", \n\r\t".contains(byte)).count();
            here = here.saturating_add(open);
            if at(text, here) != b'(' {
                return None;
            }
            here = here.saturating_add(1);
        }
        let mut found = Vec::new();
        for (place, (name, tells)) in self.columns.iter().enumerate() {
            let value = self.cell(text, here, insert)?;
            let sure = if value.quoted { Sure::Quoted } else { Sure::Literal };
            let code = !value.quoted
                && text.get(value.start..value.end)?.iter().any(|byte| b"'(".contains(byte));
            if *tells != Tells::Nothing && !code {
                found.extend(judged(text, value, name, *tells, sure));
            }
            here = value.end;
            if place.saturating_add(1) == self.columns.len() {
                break;
            }
            let rest = text.get(here..)?.iter().take(CELL);
            let over = |byte: &&u8| **byte != self.separator && !matches!(byte, b'\n' | b'\r');
            let after = here.saturating_add(rest.take_while(over).count());
            if at(text, after) != self.separator {
                return None;
            }
            here = after.saturating_add(1);
        }
        hits.append(&mut found);
        let rest = text.get(here..)?.iter().take(CELL);
        if insert {
            let close = rest.take_while(|byte| **byte != b')').count();
            return Some(here.saturating_add(close).saturating_add(1));
        }
        let blank = rest.take_while(|byte| !matches!(byte, b'\n' | b'\r' | b'\\')).count();
        values::line(text, here.saturating_add(blank))
    }

    /// The cell that begins here.
    fn cell(&self, text: &[u8], here: usize, insert: bool) -> Option<Value> {
        let rest = text.get(here..)?.iter().take(CELL);
        let start = here.saturating_add(rest.take_while(|byte| **byte == b' ').count());
        if let Some((quote, start)) = values::opens(text, start)
            && let Some(end) = values::closes(text, start, quote)
        {
            return Some(Value { start, end, quoted: true });
        }
        let mut end = start;
        while let Some(byte) = text.get(end) {
            step();
            let over = *byte == self.separator
                || matches!(byte, b'\n' | b'\r')
                || *byte == b'\\' && values::line(text, end).is_some()
                || *byte == b'"'
                || insert && *byte == b')';
            if over || end.saturating_sub(start) > CELL {
                break;
            }
            end = end.saturating_add(1);
        }
        let cell = text.get(start..end)?;
        let word = cell.iter().position(|byte| *byte <= b' ').unwrap_or(cell.len());
        let end = values::trimmed(text, start, start.saturating_add(word));
        Some(Value { start, end, quoted: false })
    }
}

fn trim(cell: &[u8]) -> &[u8] {
    let is_frame = |byte: &u8| b"\"'`* ".contains(byte);
    let begin = cell.iter().take_while(|byte| is_frame(byte)).count();
    let cell = cell.get(begin..).unwrap_or_default();
    let end = cell.iter().rev().take_while(|byte| is_frame(byte)).count();
    cell.get(..cell.len().saturating_sub(end)).unwrap_or_default()
}

/// The secrets of a file in columns, whose head is the comment at `here`: `# client server secret addresses`.
pub(super) fn of_comment(text: &[u8], here: usize) -> Option<(Vec<Hit>, usize)> {
    if at(text, here.saturating_add(1)) != b' ' || at(text, here.wrapping_sub(1)) == b'#' {
        return None;
    }
    let head = text.get(here.saturating_add(2)..)?.iter().take(96);
    let is_part = |byte: &&u8| {
        step();
        byte.is_ascii_lowercase() || b" \t".contains(byte)
    };
    let length = head.take_while(is_part).count();
    let head = text.get(here.saturating_add(2)..)?.get(..length)?;
    let names = head.split(|byte| b" \t".contains(byte)).filter(|name| !name.is_empty());
    let place = names.clone().position(|name| name == b"secret" || name == b"password")?;
    let mut line = values::line(text, here.saturating_add(2).saturating_add(length))?;
    if names.count() < 3 {
        return None;
    }
    let (mut hits, mut ends) = (Vec::new(), Ends::default());
    for _ in 0..MOST {
        let mut start = line;
        for cell in 0..=place {
            let rest = text.get(start..)?.iter().take(CELL);
            start = start.saturating_add(rest.take_while(|byte| b" \t".contains(byte)).count());
            if cell < place {
                let rest = text.get(start..)?.iter().take(64);
                start = start.saturating_add(rest.take_while(|byte| **byte > b' ').count());
            }
        }
        let Some(value) = super::place::value(text, start, Manner::Word, &mut ends) else { break };
        let sure = if value.quoted { Sure::Quoted } else { Sure::Literal };
        hits.extend(judged(text, value, b"password", Tells::Password, sure));
        let rest = text.get(value.end..)?.iter().take(CELL);
        let skip = rest.take_while(|byte| !matches!(byte, b'\n' | b'\\')).count();
        let Some(next) = values::line(text, value.end.saturating_add(skip)) else { break };
        line = next;
    }
    Some((hits, line))
}

/// The values of a cluster's secret, whose `data:` ends at `here`, and where they end.
pub(super) fn of_secret(text: &[u8], here: usize, plain: bool) -> Option<(Vec<Hit>, usize)> {
    let indent = |line: usize| {
        text.get(line..)
            .unwrap_or_default()
            .iter()
            .take(64)
            .take_while(|byte| **byte == b' ')
            .count()
    };
    let mut line = values::line(text, here.saturating_add(1))?;
    let own = indent(line);
    let mut hits = Vec::new();
    for _ in 0..256 {
        let begin = line.saturating_add(indent(line));
        let rest = text.get(begin..)?;
        let part = |byte: &&u8| {
            step();
            bits(**byte) & class(b'v') != 0
        };
        let length = rest.iter().take(64).take_while(part).count();
        if own == 0 || indent(line) != own || length == 0 || !rest.get(length..)?.starts_with(b": ")
        {
            break;
        }
        let start = begin.saturating_add(length).saturating_add(2);
        let value = super::place::value(text, start, Manner::Plain, &mut Ends::default())?;
        let bytes = text.get(value.start..value.end)?;
        let public = rest.get(..length)?.ends_with(b".crt");
        if !public && (is_encoded(bytes) || plain && looks::password(bytes, Sure::Literal)) {
            hits.push(Hit { kind: SECRET, start: value.start, end: value.end });
        }
        let rest = text.get(value.end..)?.iter().take(8);
        let skip = rest.take_while(|byte| b"\"' ".contains(byte)).count();
        let Some(next) = values::line(text, value.end.saturating_add(skip)) else { break };
        line = next;
    }
    Some((hits, line))
}

/// Whether a value is base64 of something.
fn is_encoded(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|byte| bits(**byte) & class(b'b') != 0).count();
    value.len() >= 8
        && value.len().is_multiple_of(4)
        && value
            .get(digits..)
            .is_some_and(|rest| rest.len() < 3 && rest.iter().all(|byte| *byte == b'='))
}

/// Whether a text has a cluster's secret.
pub(super) fn has_secret(text: &[u8]) -> bool {
    text.windows(12).any(|part| {
        step();
        part == b"kind: Secret"
    })
}
