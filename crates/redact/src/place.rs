//! The place of a value: the name before it, where it begins and ends, and whether what stands there is a secret.

use super::{
    chance::{is_key, random},
    hit::{self, Hit},
    kinds::{
        AWS_SECRET_KEY, CLOUDFLARE_GLOBAL_KEY, COHERE_API_KEY, DATADOG_KEY, MISTRAL_API_KEY,
        PASSWORD, RECOVERY_PHRASE, SECRET, TWILIO_AUTH_TOKEN,
    },
    looks,
    names::{LONGEST, Tells},
    shape::{at, bits, class, is_word, step},
    stand_ins::{Sure, is_jwe},
    values::{self, Ends, Manner, Quote, Value},
};

/// How the replacement of a secret begins.
pub(super) const MARK: &[u8] = hit::MARK.as_bytes();

/// The most bytes of a value that are looked at.
const LONGEST_LOOK: usize = 128;

/// Secrets without a form of their own, which are recognised by their maker's name: a part of the
/// field's name, the class and the length of the value, and the kind.
const NAMED: [(&[u8], u8, usize, usize); 8] = [
    (b"secretaccesskey", b'b', 40, AWS_SECRET_KEY),
    (b"aws", b'b', 40, AWS_SECRET_KEY),
    (b"twilio", b'h', 32, TWILIO_AUTH_TOKEN),
    (b"datadog", b'h', 32, DATADOG_KEY),
    (b"datadog", b'h', 40, DATADOG_KEY),
    (b"mistral", b'a', 32, MISTRAL_API_KEY),
    (b"cohere", b'a', 40, COHERE_API_KEY),
    (b"cloudflare", b'h', 37, CLOUDFLARE_GLOBAL_KEY),
];

/// A name before a sign, and how the two stand.
pub(super) struct Name<'a> {
    pub(super) word: &'a [u8],
    /// Where it begins.
    pub(super) begin: usize,
    /// The quote in which both name and value stand, as in `"DB_PASSWORD=..."`.
    pub(super) around: Option<Quote>,
    /// Nothing stands between the name and the sign.
    pub(super) close: bool,
}

/// The last bytes of a name, as many as are read.
pub(super) fn tail(name: &[u8]) -> &[u8] {
    name.get(name.len().saturating_sub(LONGEST)..).unwrap_or(name)
}

/// The name before a sign.
pub(super) fn name_before(text: &[u8], here: usize) -> Option<Name<'_>> {
    let mut end = here;
    let floor = here.saturating_sub(LONGEST);
    loop {
        step();
        let byte = at(text, end.wrapping_sub(1));
        if end <= floor || end == 0 {
            return None;
        }
        if let Some(begin) = values::coloured_before(text, end) {
            end = begin;
            continue;
        }
        let entity = text.get(..end)?.ends_with(b"&quot;") || text.get(..end)?.ends_with(b"&#34;");
        let typographic = byte == 0x9D || byte == 0x9C || byte == 0xBB;
        if entity {
            end = end.saturating_sub(if at(text, end.wrapping_sub(2)) == b't' { 6 } else { 5 });
        } else if typographic {
            end = end.saturating_sub(if byte == 0xBB { 2 } else { 3 });
        } else if b" \t\"'`]\\:=*!}".contains(&byte)
            || byte == b')' && at(text, here) == b':'
            || byte == b'[' && at(text, end) == b']'
        {
            end = end.saturating_sub(1);
        } else {
            break;
        }
    }
    let before = text.get(floor..end)?;
    let part = |byte: &u8| {
        step();
        bits(*byte) & class(b'v') != 0 || *byte == b'/'
    };
    let begin =
        before.iter().rposition(|byte| !part(byte)).map_or(0, |place| place.saturating_add(1));
    let mut begin = floor.saturating_add(begin);
    // The code of a colour, and an escape such as `\n`, are no part of the name.
    if matches!(at(text, begin.wrapping_sub(1)), b'[')
        && let Some(skip) = text.get(begin..end)?.iter().position(u8::is_ascii_alphabetic)
        && values::coloured_before(text, begin.saturating_add(skip).saturating_add(1)).is_some()
    {
        begin = begin.saturating_add(skip).saturating_add(1);
    }
    match at(text, begin.wrapping_sub(1)) {
        b'\\' if matches!(at(text, begin), b'n' | b't' | b'r') => begin = begin.saturating_add(1),
        _ => {}
    }
    let name = text.get(begin..end)?;
    if name.is_empty() || text.get(..begin)?.ends_with(MARK) {
        return None;
    }
    let close = end == here;
    let around = if close { values::opened_before(text, begin) } else { None };
    Some(Name { word: name, begin, around, close })
}

/// Where a value begins after a sign: spaces, more signs, and colours stand between.
pub(super) fn value_begins(text: &[u8], from: usize) -> usize {
    let mut here = from;
    for _ in 0..16 {
        let colour = values::colour(text, here);
        let byte = at(text, here);
        if colour > 0 {
            here = here.saturating_add(colour);
        } else if b"=:> \t".contains(&byte)
            || byte == b'*' && at(text, here.saturating_add(1)) == b'*'
        {
            here = here.saturating_add(if byte == b'*' { 2 } else { 1 });
        } else if let Some(tab) = values::tab(text, here) {
            here = tab;
        } else {
            break;
        }
    }
    here
}

/// Where a string begins whose kind stands before its quote: `@"..."`, `N'...'`, `b'...'`.
pub(super) fn prefixed(text: &[u8], start: usize) -> usize {
    let mut after = text.get(start.saturating_add(1)..).unwrap_or_default().iter().take(8);
    let quoted = matches!(after.find(|byte| **byte != b'\\'), Some(b'"' | b'\''));
    let prefix = b"@NbrfuLR$".contains(&at(text, start));
    if quoted && prefix { start.saturating_add(1) } else { start }
}

/// The value that begins here, in quotes or not.
pub(super) fn value(text: &[u8], start: usize, manner: Manner, ends: &mut Ends) -> Option<Value> {
    let start = prefixed(text, start);
    let may_open = manner != Manner::Line || matches!(at(text, start), b'"' | b'\'');
    if may_open && let Some((quote, begin)) = values::opens(text, start) {
        let end = values::closes(text, begin, quote)?;
        // Quotes in quotes: `"\"X\""`.
        if at(text, begin) == b'\\'
            && let Some((inner, begin)) = values::opens(text, begin)
            && let Some(end) = values::closes(text, begin, inner).filter(|it| *it < end)
        {
            return Some(Value { start: begin, end, quoted: true });
        }
        return Some(Value { start: begin, end, quoted: true });
    }
    let value = ends.bare(text, start, manner);
    (value.end > value.start).then_some(value)
}

/// The secret, if this value of that name is one.
pub(super) fn judged(
    text: &[u8],
    value: Value,
    name: &[u8],
    tells: Tells,
    sure: Sure,
) -> Option<Hit> {
    let Value { start, end, .. } = value;
    let bytes = text.get(start..end)?;
    let hit = |kind| Some(Hit { kind, start, end });
    if bytes.starts_with(MARK) {
        return None;
    }
    if let Some(kind) = named(name, tells, bytes) {
        return hit(kind);
    }
    if is_jwe(bytes) {
        return None;
    }
    if tells == Tells::Phrase {
        let end = if value.quoted { end } else { phrase_end(text, start) };
        let is_one = looks::phrase(text.get(start..end)?);
        return is_one.then_some(Hit { kind: RECOVERY_PHRASE, start, end });
    }
    // More would not change what it looks like.
    let bytes = bytes.get(..bytes.len().min(LONGEST_LOOK)).unwrap_or(bytes);
    match tells {
        Tells::Password if looks::password(bytes, sure) => hit(PASSWORD),
        Tells::Secret if looks::key(bytes, sure, true) => hit(SECRET),
        Tells::Token
            if looks::key(bytes, sure, is_told(name, bytes, sure)) && is_word(at(bytes, 0)) =>
        {
            hit(SECRET)
        }
        Tells::Authorization => authorization(text, value, sure),
        _ => None,
    }
}

/// Where the words end that begin here, all of small letters.
fn phrase_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default().iter().take(256);
    let length = rest.take_while(|byte| byte.is_ascii_lowercase() || **byte == b' ').count();
    let words = text.get(start..start.saturating_add(length)).unwrap_or_default();
    start.saturating_add(words.trim_ascii_end().len())
}

/// Whether a value that is only called a token is told to be one: some issuers hand out UUIDs.
fn is_told(name: &[u8], value: &[u8], sure: Sure) -> bool {
    let name = name.trim_ascii_start();
    let dashes = name.iter().take_while(|byte| **byte == b'-').count();
    let name = name.get(dashes..).unwrap_or_default();
    sure < Sure::Quoted && name.eq_ignore_ascii_case(b"token") && looks::is_uuid(value)
}

fn named(name: &[u8], tells: Tells, value: &[u8]) -> Option<usize> {
    if !matches!(tells, Tells::Secret | Tells::Token | Tells::Password) {
        return None;
    }
    let folded: Vec<u8> = name
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect();
    let is_named = |(part, letter, length, _): &&(&[u8], u8, usize, usize)| {
        value.len() == *length
            && folded.windows(part.len()).any(|found| found == *part)
            && value.iter().all(|byte| bits(*byte) & class(*letter) != 0)
            && is_key(value)
    };
    NAMED.iter().find(is_named).map(|(_, _, _, kind)| *kind)
}

/// The secret in the value of an `Authorization` header, after its scheme.
fn authorization(text: &[u8], value: Value, sure: Sure) -> Option<Hit> {
    let Value { start, end, quoted } = value;
    let bytes = text.get(start..end)?;
    let word =
        bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    let scheme = bytes.get(..word)?;
    // A value without quotes ends at the space after the scheme.
    let space = at(text, start.saturating_add(word)) == b' ';
    let known = [
        &b"bearer"[..],
        b"token",
        b"apikey",
        b"api-key",
        b"key",
        b"ssws",
        b"geniekey",
        b"bot",
        b"oauth",
        b"splunk",
        b"basic",
        b"discogs",
    ]
    .iter()
    .any(|known| scheme.eq_ignore_ascii_case(known));
    let start = if space && known { start.saturating_add(word).saturating_add(1) } else { start };
    let parameter = text.get(start..)?.starts_with(b"token=");
    let start = start.saturating_add(if parameter { 6 } else { 0 });
    let open = if quoted { None } else { values::opens(text, start) };
    let (start, quoted, end) = match open {
        Some((quote, begin)) => (begin, true, values::closes(text, begin, quote)?),
        None => (start, quoted, end),
    };
    let end = if quoted { end } else { Ends::default().bare(text, start, Manner::Plain).end };
    let token = text.get(start..end)?;
    // Those have forms of their own.
    let basic = scheme.eq_ignore_ascii_case(b"basic") && looks::basic(token);
    let bearer = scheme.eq_ignore_ascii_case(b"bearer")
        && random(token)
        && token.len() >= 20
        && open.is_none();
    if basic || bearer {
        return None;
    }
    let is_one = if space && known {
        looks::key(token, Sure::Literal, true)
    } else {
        looks::key(token, sure, false)
    };
    is_one.then_some(Hit { kind: SECRET, start, end })
}
