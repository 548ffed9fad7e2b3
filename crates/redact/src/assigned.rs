//! Secrets that are recognised by the name to which they are assigned: `DB_PASSWORD=...`,
//! `"apiKey": "..."`, `X-Api-Key: ...`.

use super::{
    calls,
    chance::{Sorts, is_key, mixed, random},
    hit::Hit,
    kinds::{OTP_SECRET, SECRET, SESSION_COOKIE},
    looks,
    names::{self, Tells},
    pairs::{paired_after, paired_before},
    place::{MARK, Name, judged, name_before, prefixed, tail, value, value_begins},
    shape::{at, bits, class, step},
    stand_ins::{Sure, is_no_secret},
    values::{self, Ends, Manner, Value},
};

/// How far back the address that a value stands in is looked for.
const BEFORE: usize = 256;

/// The most bytes of a name within a value.
const LONGEST: usize = 64;

/// What stands after a sign.
pub(super) enum Assigned {
    Secret(Hit),
    /// The items of a list.
    Several(Vec<Hit>),
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
    // What follows is a pair, and a sentence.
    if [&b"user/"[..], b"username/", b"login/"].iter().any(|begin| named.word.starts_with(begin)) {
        return None;
    }
    // A setting that is called a key and no more.
    let before = text.get(named.begin.saturating_sub(2)..named.begin)?;
    let apart = before.last().is_none_or(|byte| *byte <= b' ') || before == b"\\n";
    let alone = named.word == b"key" && sign == b'=' && apart;
    if tells == Tells::Nothing && alone {
        let value = ends.bare(text, value_begins(text, from), Manner::Of(sign));
        let bytes = text.get(value.start..value.end)?;
        let is_one = (mixed(bytes) || looks::has_mixed_case(bytes))
            && random(bytes)
            && !bytes.contains(&b'.')
            && !is_no_secret(bytes);
        return is_one.then_some(Assigned::Secret(Hit {
            kind: SECRET,
            start: value.start,
            end: value.end,
        }));
    }
    match tells {
        Tells::Nothing => None,
        Tells::Cookie => {
            let start = value_begins(text, from);
            let begin = values::opens(text, start).map_or(start, |(_, begin)| begin);
            Some(Assigned::Cookies(begin))
        }
        _ => {
            let hits = items(text, from, &named, tells, ends);
            if hits.is_empty() {
                assigned(text, sign, from, &named, tells, ends).map(Assigned::Secret)
            } else {
                Some(Assigned::Several(hits))
            }
        }
    }
}

/// The secrets of a list: `passwords = ["...", "..."]`, or the items of YAML in the lines that follow.
fn items(text: &[u8], from: usize, named: &Name<'_>, tells: Tells, ends: &mut Ends) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut here = value_begins(text, from);
    let brackets = at(text, here) == b'[';
    here = if brackets { here.saturating_add(1) } else { here };
    for _ in 0..32 {
        let Some(start) = item(text, here, brackets) else { break };
        let Some(value) = value(text, start, Manner::Of(b':'), ends) else { break };
        let sure = if value.quoted { Sure::Quoted } else { Sure::Loose };
        hits.extend(judged(text, value, named.word, tells, sure));
        let quote = text.get(value.end..).unwrap_or_default().iter().take(8);
        let quote = quote.take_while(|byte| b"\\\"'".contains(byte)).count();
        here = value.end.saturating_add(if value.quoted { quote } else { 0 });
    }
    hits
}

/// Where the next item of a list begins.
fn item(text: &[u8], mut here: usize, brackets: bool) -> Option<usize> {
    if !brackets {
        return values::next_item(text, here);
    }
    for _ in 0..32 {
        here = match values::line(text, here) {
            Some(line) => line,
            None if b" ,".contains(&at(text, here)) => here.saturating_add(1),
            None => break,
        };
    }
    values::opens(text, here).map(|_| here)
}

/// Where the value begins that stands alone in the line after its name.
fn next_line(text: &[u8], start: usize, tells: Tells) -> usize {
    let line = values::line(text, start).filter(|_| tells == Tells::Password);
    let Some(line) = line.map(|line| values::line(text, line).unwrap_or(line)) else {
        return start;
    };
    let indent = text.get(line..).unwrap_or_default().iter().take(8);
    let begin = line.saturating_add(indent.take_while(|byte| **byte == b' ').count());
    let rest = text.get(begin..).unwrap_or_default().iter().take(64);
    let length = rest.take_while(|byte| **byte > b' ' && !b":=\\\"".contains(byte)).count();
    let word = text.get(begin..begin.saturating_add(length)).unwrap_or_default();
    let after = at(text, begin.saturating_add(length));
    let strong = Sorts::of(word).kinds() > 2 && word.len() >= 8;
    if strong && matches!(after, 0 | b'\n' | b'\r' | b'\\' | b'"') { begin } else { start }
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
    // What stands in for an empty variable of a shell: `${PASSWORD:-X}`.
    let variable = text.get(..named.begin).is_some_and(|before| before.ends_with(b"${"));
    let from = from.saturating_add(usize::from(variable && b"-=+?".contains(&first)));
    let start = next_line(text, block_begins(text, value_begins(text, from)), tells);
    // A field of a connection string: `PWD={X};`.
    if before == b';' && at(text, start) == b'{' {
        return in_braces(text, start.saturating_add(1), named.word, tells);
    }
    let encoded = text.get(start..).is_some_and(|rest| rest.starts_with(b"base64:"));
    let start = start.saturating_add(if encoded { 7 } else { 0 });
    let start = calls::wrapped(text, start);
    let around = named.around.filter(|_| close && values::opens(text, start).is_none());
    let in_line = close && begins_line(text, named.begin);
    let manner = if (in_line || around.is_some()) && is_capital(named.word) {
        Manner::Line
    } else if in_line && ends_line(text, from) {
        Manner::Rest
    } else {
        Manner::Of(sign)
    };
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
    // The value has a name of its own.
    let bytes = text.get(start..end)?;
    let own = bytes
        .iter()
        .take(LONGEST)
        .position(|byte| *byte == b'=')
        .and_then(|sign| bytes.get(..sign));
    if sign == b':'
        && own.is_some_and(|name| name.contains(&b'_') && names::tells(name) != Tells::Nothing)
    {
        return None;
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

/// The secret in the braces that open before `start`. Two that close stand for one.
fn in_braces(text: &[u8], start: usize, name: &[u8], tells: Tells) -> Option<Hit> {
    let mut rest = text.get(start..)?.iter().take(96).enumerate().peekable();
    while let Some((place, byte)) = rest.next() {
        let twice =
            || text.get(start.saturating_add(place)..).is_some_and(|it| it.starts_with(b"}}"));
        match byte {
            b'}' if twice() => {
                rest.next();
            }
            b'}' => {
                let value = Value { start, end: start.saturating_add(place), quoted: true };
                return judged(text, value, name, tells, Sure::Literal);
            }
            b'\n' => return None,
            _ => {}
        }
    }
    None
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
    let line = if sign == start { None } else { values::line(text, sign) };
    let Some(line) = line else { return start };
    let indent = text.get(line..).unwrap_or_default().iter().take(32);
    line.saturating_add(indent.take_while(|byte| **byte == b' ').count())
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
        && !random(bytes)
}

/// The secret that a whole text is, if it is the value of a field of this name.
pub(super) fn whole(text: &[u8], name: &str) -> Option<Hit> {
    let name = tail(name.as_bytes());
    let value = text.trim_ascii();
    let start = text.len().saturating_sub(text.trim_ascii_start().len());
    let value = Value { start, end: start.saturating_add(value.len()), quoted: true };
    judged(text, value, name, names::tells(name), Sure::Quoted)
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

/// Settings whose value stands behind a space, and whose name is one word.
const SETTINGS: [&[u8]; 4] = [b"requirepass", b"masterauth", b"rootpw", b"bindpw"];

/// The secret behind a name and a space: `setx DB_PASSWORD ...`, `aws configure set aws_secret_access_key ...`.
pub(super) fn spaced(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let before = at(text, here.wrapping_sub(1));
    if !before.is_ascii_alphanumeric() || at(text, here.saturating_add(1)) <= b' ' {
        return None;
    }
    let word = text.get(here.saturating_sub(64)..here)?.iter().rev();
    let is_part = |byte: &&u8| {
        step();
        bits(**byte) & class(b'v') != 0
    };
    let (mut joined, mut before) = (false, 0_u8);
    for byte in word.take_while(is_part) {
        joined |= *byte == b'_'
            || before.is_ascii_uppercase() && (byte.is_ascii_lowercase() || *byte == b'-');
        before = *byte;
    }
    let follows = |name: &[u8]| text.get(..here).is_some_and(|before| before.ends_with(name));
    if !joined && !SETTINGS.iter().any(|name| follows(name)) {
        return None;
    }
    let named = name_before(text, here).filter(|named| named.close)?;
    let camel = named.word.iter().skip(1).any(u8::is_ascii_uppercase);
    let setting = SETTINGS.contains(&named.word);
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
    let end = values::trimmed(text, start, start.saturating_add(length));
    let value = text.get(start..end)?;
    let is_one = value.len() >= 8 && !is_no_secret(value) && is_key(value);
    is_one.then_some(Hit { kind: SESSION_COOKIE, start, end })
}
