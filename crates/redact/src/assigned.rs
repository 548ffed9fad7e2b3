//! Secrets that are recognised by the name to which they are assigned: `DB_PASSWORD=...`,
//! `"apiKey": "..."`, `<password>...</password>`, `X-Api-Key: ...`, `{"name": "TOKEN", "value": "..."}`.

use super::{
    hit::Hit,
    kinds::{
        AWS_SECRET_KEY, CLOUDFLARE_GLOBAL_KEY, COHERE_API_KEY, DATADOG_KEY, MISTRAL_API_KEY,
        OTP_SECRET, PASSWORD, RECOVERY_PHRASE, SECRET, SESSION_COOKIE, TWILIO_AUTH_TOKEN,
    },
    looks::{self, Sure},
    names::{self, LONGEST, Tells},
    shape::{at, bits, class, is_word, step},
    values::{self, Ends, Manner, Quote, Value},
};

/// How the replacement of a secret begins.
const MARK: &[u8] = super::MARK.as_bytes();

/// How far back the address that a value stands in is looked for.
const BEFORE: usize = 256;

/// How far back the name of a pair is looked for.
const BESIDE: usize = 128;

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
struct Name<'a> {
    word: &'a [u8],
    /// Where it begins.
    begin: usize,
    /// The quote in which both name and value stand, as in `"DB_PASSWORD=..."`.
    around: Option<Quote>,
    /// Nothing stands between the name and the sign.
    close: bool,
}

/// What stands after a sign.
pub(super) enum Assigned {
    Secret(Hit),
    /// Cookies, from here on.
    Cookies(usize),
}

/// What the sign at `here` assigns.
pub(super) fn beside(
    text: &[u8],
    here: usize,
    in_cookies: bool,
    ends: &mut Ends,
) -> Option<Assigned> {
    let sign = at(text, here);
    // A path in source code, such as `a::b`.
    let beside = [here.wrapping_sub(1), here.saturating_add(1)].map(|place| at(text, place));
    if sign == b':' && beside.contains(&b':') {
        return None;
    }
    let mut named = name_before(text, here)?;
    let from = here.saturating_add(1);
    if in_cookies && named.close && names::is_session(named.word) {
        return cookie(text, from).map(Assigned::Secret);
    }
    let mut tells = names::tells(named.word);
    if tells == Tells::Nothing && names::is_value(named.word) {
        let before = paired_before(text, named.begin);
        let before = before.filter(|name| names::tells(name) != Tells::Nothing);
        named.word = before.or_else(|| paired_after(text, value_begins(text, from)))?;
        tells = names::tells(named.word);
    }
    if tells == Tells::Nothing
        && sign == b'='
        && let Some(typed) = typed_before(text, named.begin)
    {
        values::opens(text, prefixed(text, value_begins(text, from)))?;
        (named.word, tells) = (typed, names::tells(typed));
    }
    let query = matches!(at(text, named.begin.wrapping_sub(1)), b'?' | b'&');
    if tells == Tells::Nothing && query && names::is_key_of_query(named.word) {
        tells = Tells::Token;
    }
    match tells {
        Tells::Nothing => None,
        Tells::Cookie => {
            let start = value_begins(text, from);
            let begin = values::opens(text, start).map_or(start, |(_, begin)| begin);
            Some(Assigned::Cookies(begin))
        }
        _ => assigned(text, sign, from, &named, tells, ends).map(Assigned::Secret),
    }
}

/// The secret that begins at `from` or after it.
fn assigned(
    text: &[u8],
    sign: u8,
    from: usize,
    named: &Name<'_>,
    tells: Tells,
    ends: &mut Ends,
) -> Option<Hit> {
    let first = at(text, from);
    // A part of a longer name, as in `arn:aws:...:secret:...`.
    if sign == b':' && named.close && first > b' ' && at(text, named.begin.wrapping_sub(1)) == b':'
    {
        return None;
    }
    let close = named.close && sign != b':' && first > b' ' && !b"=>".contains(&first);
    let before = at(text, named.begin.wrapping_sub(1));
    let query = close && matches!(before, b'?' | b'&' | b'#' | b';');
    if query && is_meeting(text, named.begin) {
        return None;
    }
    let manner = match sign {
        _ if close && begins_line(text, named.begin) && is_capital(named.word) => Manner::Line,
        _ if close && begins_line(text, named.begin) && ends_line(text, from) => Manner::Rest,
        _ => Manner::Plain,
    };
    let start = block_begins(text, value_begins(text, from));
    let encoded = text.get(start..).is_some_and(|rest| rest.starts_with(b"base64:"));
    let start = start.saturating_add(if encoded { 7 } else { 0 });
    let around = named.around.filter(|_| close && values::opens(text, start).is_none());
    let manner = if around.is_some() && is_capital(named.word) { Manner::Line } else { manner };
    let mut value = value(text, start, manner, ends)?;
    // The quote in which the name stands, too, ends the value.
    if let Some(end) = around.and_then(|quote| values::closes(text, start, quote)) {
        value.end = value.end.min(end);
    }
    let value =
        if query && !value.quoted && before != b';' { before_fragment(text, value) } else { value };
    let Value { start, end, quoted } = value;
    if text.get(start..)?.starts_with(MARK) {
        return None;
    }
    if query && named.word == b"secret" && is_otp(text, named.begin) {
        return (end.saturating_sub(start) >= 8).then_some(Hit { kind: OTP_SECRET, start, end });
    }
    let sure = match quoted {
        true => Sure::Quoted,
        false if close => Sure::Literal,
        false => Sure::Loose,
    };
    if sure == Sure::Loose && sign == b'=' && is_name_in_code(text, value) {
        return None;
    }
    judged(text, value, named.word, tells, sure)
}

/// The name whose type stands before a sign: `password: string = `.
fn typed_before(text: &[u8], here: usize) -> Option<&[u8]> {
    let before = text.get(here.saturating_sub(24)..here)?;
    let colon = before.iter().rposition(|byte| *byte == b':')?;
    let between = before.get(colon.saturating_add(1)..)?;
    let is_type = |byte: &u8| byte.is_ascii_alphabetic() || b" &'<[*".contains(byte);
    if !between.iter().all(is_type) {
        return None;
    }
    let colon = here.saturating_sub(before.len()).saturating_add(colon);
    let colon =
        if at(text, colon.wrapping_sub(1)) == b'?' { colon.saturating_sub(1) } else { colon };
    name_before(text, colon).map(|named| named.word)
}

/// Where the text of a block of YAML begins: `password: |`, and the next line.
fn block_begins(text: &[u8], start: usize) -> usize {
    let mark = usize::from(matches!(at(text, start), b'|' | b'>'));
    let sign = start.saturating_add(mark);
    let sign = sign.saturating_add(usize::from(matches!(at(text, sign), b'-' | b'+')));
    if sign == start || at(text, sign) != b'\n' {
        return start;
    }
    let line = sign.saturating_add(1);
    let indent = text.get(line..).unwrap_or_default().iter().take(32);
    line.saturating_add(indent.take_while(|byte| **byte == b' ').count())
}

/// Where a string begins whose kind stands before its quote: `@"..."`, `N'...'`, `b'...'`.
fn prefixed(text: &[u8], start: usize) -> usize {
    let quoted = matches!(at(text, start.saturating_add(1)), b'"' | b'\'');
    let prefix = b"@NbrfuLR$".contains(&at(text, start));
    if quoted && prefix { start.saturating_add(1) } else { start }
}

/// Whether what begins here is the last word of its line.
fn ends_line(text: &[u8], from: usize) -> bool {
    let rest = text.get(from..).unwrap_or_default().iter().take(128);
    let length = rest.take_while(|byte| **byte > b' ').count();
    let end = from.saturating_add(length);
    matches!(at(text, end), b'\n' | b'\r' | 0) && !b",;".contains(&at(text, end.wrapping_sub(1)))
}

/// Whether a name is written as those of variables of the environment.
fn is_capital(name: &[u8]) -> bool {
    let capital = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    name.iter().all(capital)
}

/// Whether a value is a name that ends a statement or an argument.
fn is_name_in_code(text: &[u8], value: Value) -> bool {
    let bytes = text.get(value.start..value.end).unwrap_or_default();
    matches!(at(text, value.end), b';' | b')' | b',')
        && bytes.iter().all(|byte| bits(*byte) & class(b'v') != 0)
        && !looks::random(bytes)
}

/// What opens a text in which no sign means anything.
const CDATA: &[u8] = b"<![CDATA[";

/// The secret in an element: `<password>...</password>`, with the `>` at `here`.
pub(super) fn element(text: &[u8], here: usize) -> Option<Hit> {
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
        name = match attribute(tag) {
            Some(name) => name,
            None => key_element(before.get(..open)?)?,
        };
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
        matches!(byte, b'<' | b'\n')
    })?;
    let value = rest.get(..length)?;
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

/// The name in the element before: `<key>password</key>`.
fn key_element(before: &[u8]) -> Option<&[u8]> {
    let before = before.trim_ascii_end().strip_suffix(b"</key>")?;
    before.rsplit(|byte| *byte == b'>').next()
}

/// The secret that is the argument after a name in quotes: `define('DB_PASSWORD', '...')`, with the comma at
/// `here`.
pub(super) fn argument(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    if !matches!(at(text, here.wrapping_sub(1)), b'"' | b'\'') {
        return None;
    }
    let named = name_before(text, here)?;
    let tells = names::tells(named.word);
    if tells == Tells::Nothing {
        return None;
    }
    let start = value_begins(text, here.saturating_add(1));
    values::opens(text, start)?;
    let value = value(text, start, Manner::Plain, ends)?;
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

/// The secret that a whole text is, if it is the value of a field of this name.
pub(super) fn whole(text: &[u8], name: &str) -> Option<Hit> {
    let name = tail(name.as_bytes());
    let value = text.trim_ascii();
    let start = text.len().saturating_sub(text.trim_ascii_start().len());
    let value = Value { start, end: start.saturating_add(value.len()), quoted: true };
    judged(text, value, name, names::tells(name), Sure::Quoted)
}

/// The last bytes of a name, as many as are read.
fn tail(name: &[u8]) -> &[u8] {
    name.get(name.len().saturating_sub(LONGEST)..).unwrap_or(name)
}

/// The name before a sign.
fn name_before(text: &[u8], here: usize) -> Option<Name<'_>> {
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
    if text.get(..end)?.ends_with(b"%22") {
        end = end.saturating_sub(3);
    }
    let before = text.get(floor..end)?;
    let part = |byte: &u8| {
        step();
        bits(*byte) & class(b'v') != 0 || *byte == b'/'
    };
    let begin =
        before.iter().rposition(|byte| !part(byte)).map_or(0, |place| place.saturating_add(1));
    let mut begin = floor.saturating_add(begin);
    // The code of a colour, an escape such as `\n`, and `%20` are no part of the name.
    if matches!(at(text, begin.wrapping_sub(1)), b'[')
        && let Some(skip) = text.get(begin..end)?.iter().position(u8::is_ascii_alphabetic)
        && values::coloured_before(text, begin.saturating_add(skip).saturating_add(1)).is_some()
    {
        begin = begin.saturating_add(skip).saturating_add(1);
    }
    match at(text, begin.wrapping_sub(1)) {
        b'\\' if matches!(at(text, begin), b'n' | b't' | b'r') => begin = begin.saturating_add(1),
        b'%' if text.get(begin..begin.saturating_add(2))?.iter().all(u8::is_ascii_hexdigit) => {
            begin = begin.saturating_add(2);
        }
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

/// The name that stands in a pair before the value: `"name": "DB_PASSWORD", "value": `.
fn paired_before(text: &[u8], here: usize) -> Option<&[u8]> {
    let before = text.get(here.saturating_sub(BESIDE)..here)?;
    let until = before
        .iter()
        .rposition(|byte| matches!(byte, b'}' | b';'))
        .map_or(0, |place| place.saturating_add(1));
    let before = before.get(until..)?;
    let mut found = None;
    for mark in [&b"name"[..], b"key", b"Name", b"Key", b"variable"] {
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
fn paired_after(text: &[u8], start: usize) -> Option<&[u8]> {
    let (quote, begin) = values::opens(text, start)?;
    let end = values::closes(text, begin, quote)?;
    let after = text.get(end..end.saturating_add(BESIDE).min(text.len()))?;
    let skip =
        |text: &[u8], signs: &[u8]| text.iter().take_while(|byte| signs.contains(byte)).count();
    let after = after.get(skip(after, b"\\\"', \t\r\n")..)?;
    let word =
        [&b"name"[..], b"key", b"Name", b"Key"].into_iter().find(|it| after.starts_with(it))?;
    let after = after.get(word.len()..)?;
    let after = after.get(skip(after, b"\\\"': \t=")..)?;
    let length = after.iter().take_while(|byte| bits(**byte) & class(b'v') != 0).count();
    after.get(..length).map(tail)
}

/// Where a value begins after a sign: spaces, more signs, and colours stand between.
fn value_begins(text: &[u8], from: usize) -> usize {
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
        } else if text.get(here..).is_some_and(|rest| rest.starts_with(b"%20")) {
            here = here.saturating_add(3);
        } else {
            break;
        }
    }
    here
}

/// The value that begins here, in quotes or not.
pub(super) fn value(text: &[u8], start: usize, manner: Manner, ends: &mut Ends) -> Option<Value> {
    let start = prefixed(text, start);
    let may_open = manner != Manner::Line || matches!(at(text, start), b'"' | b'\'');
    if may_open && let Some((quote, begin)) = values::opens(text, start) {
        let end = values::closes(text, begin, quote)?;
        return Some(Value { start: begin, end, quoted: true });
    }
    let value = ends.bare(text, start, manner);
    (value.end > value.start).then_some(value)
}

/// The part of a value in an address before `#`.
fn before_fragment(text: &[u8], value: Value) -> Value {
    let bytes = text.get(value.start..value.end).unwrap_or_default();
    let length = bytes.iter().take(512).position(|byte| *byte == b'#').unwrap_or(bytes.len());
    Value { end: value.start.saturating_add(length), ..value }
}

/// Whether only `export` and the like stand before a name in its line.
fn begins_line(text: &[u8], begin: usize) -> bool {
    let before = text.get(begin.saturating_sub(16)..begin).unwrap_or_default();
    let line = before.iter().rposition(|byte| *byte == b'\n');
    if line.is_none() && begin > 16 {
        return false;
    }
    let line = before.get(line.map_or(0, |place| place.saturating_add(1))..).unwrap_or_default();
    matches!(
        line.trim_ascii(),
        b"" | b"export" | b"set" | b"setx" | b"ENV" | b"ARG" | b"#" | b"# export" | b"-"
    )
}

/// Whether a value stands in the address of a meeting, whose password goes with its link.
fn is_meeting(text: &[u8], here: usize) -> bool {
    const HOSTS: [&[u8]; 14] = [
        b"zoom.us",
        b"zoom.com",
        b"zoomgov.com",
        b"webex.com",
        b"microsoft.com",
        b"teams.live.com",
        b"google.com",
        b"bluejeans.com",
        b"gotomeeting.com",
        b"goto.com",
        b"ringcentral.com",
        b"tencent.com",
        b"feishu.cn",
        b"chime.aws",
    ];
    let before = text.get(here.saturating_sub(BEFORE)..here).unwrap_or_default();
    let apart = |byte: &u8| {
        step();
        byte.is_ascii_whitespace() || b"\"'<>()".contains(byte)
    };
    let address = before.rsplit(apart).next().unwrap_or_default();
    let scheme = address.windows(3).position(|part| part == b"://");
    let address = address.get(scheme.map_or(0, |at| at.saturating_add(3))..).unwrap_or_default();
    let host = address.split(|byte| b"/\\?#:".contains(byte)).next().unwrap_or_default();
    let of_meetings = [&b"meet"[..], b"conference", b"webinar", b"jitsi", b"bbb"];
    HOSTS.iter().any(|known| host.ends_with(known))
        || of_meetings.iter().any(|word| host.windows(word.len()).any(|part| part == *word))
        || address.windows(5).any(|part| part == b"/meet")
}

/// Whether a name stands in an address that sets up one-time passwords.
fn is_otp(text: &[u8], here: usize) -> bool {
    let before = text.get(here.saturating_sub(BEFORE)..here).unwrap_or_default();
    before.windows(8).any(|part| part == b"otpauth:")
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
    match tells {
        Tells::Password if looks::password(bytes, sure) => hit(PASSWORD),
        Tells::Secret if looks::key(bytes, sure, true) => hit(SECRET),
        Tells::Token if looks::key(bytes, sure, false) && is_word(at(bytes, 0)) => hit(SECRET),
        Tells::Phrase if looks::phrase(bytes) => hit(RECOVERY_PHRASE),
        Tells::Authorization => authorization(text, value, sure),
        _ => None,
    }
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
            && looks::is_key(value)
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
    let end = if quoted { end } else { Ends::default().bare(text, start, Manner::Plain).end };
    let token = text.get(start..end)?;
    // Those have forms of their own.
    let basic = scheme.eq_ignore_ascii_case(b"basic") && looks::basic(token);
    let bearer =
        scheme.eq_ignore_ascii_case(b"bearer") && looks::random(token) && token.len() >= 20;
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

/// The secret behind a name and a space: `setx DB_PASSWORD ...`, `aws configure set aws_secret_access_key ...`.
pub(super) fn spaced(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let before = at(text, here.wrapping_sub(1));
    if !before.is_ascii_alphanumeric() || at(text, here.saturating_add(1)) <= b' ' {
        return None;
    }
    let named = name_before(text, here).filter(|named| named.close)?;
    let camel = named.word.iter().skip(1).any(u8::is_ascii_uppercase);
    let setting = matches!(named.word, b"requirepass" | b"masterauth");
    if !named.word.contains(&b'_') && !setting && !camel {
        return None;
    }
    let tells = names::tells(named.word);
    if tells == Tells::Nothing {
        return None;
    }
    let value = value(text, here.saturating_add(1), Manner::Plain, ends)?;
    judged(text, value, named.word, tells, Sure::Spoken)
}

/// The secret that is the value of a cookie.
fn cookie(text: &[u8], start: usize) -> Option<Hit> {
    let rest = text.get(start..)?;
    let is_part = |byte: &&u8| {
        step();
        **byte > b' ' && !b";,\"'\\`<>".contains(byte)
    };
    let length = rest.iter().take(4096).take_while(is_part).count();
    let value = rest.get(..length)?;
    let is_one = value.len() >= 8 && !looks::is_no_secret(value) && looks::is_key(value);
    is_one.then_some(Hit { kind: SESSION_COOKIE, start, end: start.saturating_add(length) })
}
