//! Secrets that stand in a call, without a name or beside one: `login("bob", "X")`, `bs58.decode("X")`,
//! `field("#password").fill("X")`, `process.env.KEY || "X"`.

use super::{
    chance::Sorts,
    hit::Hit,
    kinds::PASSWORD,
    looks,
    names::{self, Tells},
    place::{judged, name_before, prefixed, value},
    shape::{at, bits, class, step},
    stand_ins::Sure,
    values::{self, Ends, Manner, Value},
};

/// The most bytes of a function's name, and of an argument that is not in quotes.
const LONGEST: usize = 64;

/// Functions that log in, by the end of their names in small letters, and which of their arguments is the password.
const LOGINS: [(&[u8], usize); 49] = [
    (b"basicauth", 1),
    (b"basic_auth", 1),
    (b"digestauth", 1),
    (b"digest_auth", 1),
    (b"auth", 1),
    (b"authenticate", 1),
    (b"authorize", 1),
    (b"basic_authorize", 1),
    (b"ftp_login", 2),
    (b"login", 1),
    (b"signin", 1),
    (b"sign_in", 1),
    (b"mysqli_connect", 2),
    (b"mysql_connect", 2),
    (b"mysqli", 2),
    (b"pdo", 2),
    (b"getconnection", 2),
    (b"plainauth", 2),
    (b"credentials", 1),
    (b"credential", 1),
    (b"credentials.basic", 1),
    (b"passwordauthentication", 1),
    (b"authenticationtoken", 1),
    (b"wifi.begin", 1),
    (b"changeuserpassword", 1),
    (b"change_password", 1),
    (b"set_password_for", 1),
    (b"create_user", 2),
    (b"create_superuser", 2),
    (b"loginasync", 1),
    (b"bind_s", 1),
    (b"authenticationheadervalue", 1),
    (b"credentials.new", 1),
    (b"jwt.sign", 1),
    (b"jwt.verify", 1),
    (b"jwt.encode", 1),
    (b"jwt.decode", 1),
    (b"hmac.new", 0),
    (b"createhmac", 1),
    (b"secretkeyspec", 0),
    (b"aes.new", 0),
    (b"fernet", 0),
    (b"twilio.init", 1),
    (b"twilio", 1),
    (b"ftplib.ftp", 2),
    (b"basic", 1),
    (b"pymysql.connect", 2),
    (b"dbi->connect", 2),
    (b"keystore.load", 1),
];

/// Functions that write into a field which stands before them.
const WRITERS: [&[u8]; 9] = [
    b"type",
    b"fill",
    b"sendkeys",
    b"send_keys",
    b"typetext",
    b"entertext",
    b"setvalue",
    b"set_value",
    b"presssequentially",
];

/// Functions that only change the form of what they get, by the end of their names in small letters.
const FORMS: [&[u8]; 20] = [
    b"decode",
    b"from",
    b"of",
    b"bytes",
    b"buffer",
    b"string",
    b"str",
    b"secretstr",
    b"secret",
    b"atob",
    b"encode",
    b"hex",
    b"securestring",
    b"quote",
    b"b64decode",
    b"fromhex",
    b"parse",
    b"new",
    b"some",
    b"sensitive",
];

/// The name of the function whose bracket stands at `here`, in small letters, and where it begins.
fn callee(text: &[u8], here: usize) -> Option<(Vec<u8>, usize)> {
    let before = text.get(here.saturating_sub(LONGEST)..here)?;
    // `auth=(...)` is a pair of values that a function gets.
    let named = before.iter().rev().take_while(|byte| b"= :".contains(byte)).count();
    let before = before.get(..before.len().saturating_sub(named))?;
    let part = |byte: &&u8| {
        step();
        bits(**byte) & class(b'v') != 0 || **byte == b'>'
    };
    let length = before.iter().rev().take_while(part).count();
    let name = before.get(before.len().saturating_sub(length)..)?;
    let begin = here.saturating_sub(named).saturating_sub(length);
    (length > 1).then(|| (name.to_ascii_lowercase(), begin))
}

/// The secret that the function whose bracket is at `here` gets.
pub(super) fn argument(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    if !at(text, here.wrapping_sub(1)).is_ascii_alphanumeric()
        && !b"= ".contains(&at(text, here.wrapping_sub(1)))
    {
        return None;
    }
    let (name, begin) = callee(text, here)?;
    if let Some((_, place)) = LOGINS.iter().find(|(end, _)| name.ends_with(end)) {
        let inside = here.saturating_add(1);
        // Some are given more before it.
        let last = if *place == 0 { 1 } else { 4 };
        let found = (*place..last).find_map(|place| password_of(text, nth(text, inside, place)?));
        // A key alone, or a user that was named before.
        let strong = |hit: &Hit| {
            let bytes = text.get(hit.start..hit.end).unwrap_or_default();
            Sorts::of(bytes).kinds() > 2 && bytes.len() >= 12
        };
        let alone = || password_of(text, nth(text, inside, 0)?).filter(strong);
        return found.or_else(alone);
    }
    let last = name.rsplit(|byte| *byte == b'.').next()?;
    let said = if WRITERS.contains(&last) {
        field_before(text, begin.saturating_add(name.len()).saturating_sub(last.len()))
    } else {
        None
    };
    let value = value(text, here.saturating_add(1), Manner::Plain, ends).filter(|it| it.quoted)?;
    let said = said.or_else(|| header_after(text, value.end))?;
    judged(text, value, said, names::tells(said), Sure::Quoted)
}

fn password_of(text: &[u8], value: Value) -> Option<Hit> {
    let bytes = text.get(value.start..value.end)?;
    let is_one = looks::password(bytes, Sure::Quoted) || looks::key(bytes, Sure::Quoted, true);
    is_one.then_some(Hit { kind: PASSWORD, start: value.start, end: value.end })
}

/// The argument of this number, in quotes.
fn nth(text: &[u8], from: usize, number: usize) -> Option<Value> {
    let mut here = from;
    for place in 0..=number {
        here = wrapped(text, prefixed(text, spaces(text, here)));
        let from = if let Some((quote, start)) = values::opens(text, here) {
            let end = values::closes(text, start, quote)?;
            if place == number {
                return Some(Value { start, end, quoted: true });
            }
            end
        } else {
            here
        };
        let rest = text.get(from..)?.iter().take(LONGEST);
        let comma = rest.take_while(|byte| !b"\n()".contains(byte)).position(|byte| *byte == b',');
        let after = from.saturating_add(comma?);
        here = after.saturating_add(1);
    }
    None
}

fn spaces(text: &[u8], here: usize) -> usize {
    let rest = text.get(here..).unwrap_or_default().iter().take(LONGEST);
    here.saturating_add(rest.take_while(|byte| byte.is_ascii_whitespace()).count())
}

/// The name of the field that stands before a function: `get("#password").`.
fn field_before(text: &[u8], here: usize) -> Option<&[u8]> {
    let before = text.get(..here)?.strip_suffix(b".")?;
    let brackets = before.iter().rev().take(4).take_while(|byte| **byte == b')').count();
    let end = before.len().checked_sub(brackets).filter(|_| brackets > 0)?;
    let name = name_before(text, end)?.word;
    (names::tells(name) != Tells::Nothing).then_some(name)
}

/// The name of the header that stands after its value: `, forHTTPHeaderField: "X-Api-Key"`.
fn header_after(text: &[u8], here: usize) -> Option<&[u8]> {
    const FIELD: &[u8] = b"forHTTPHeaderField:";
    let rest = text.get(here..here.saturating_add(128).min(text.len()))?;
    let skip = rest.iter().take_while(|byte| b"\\\"', ".contains(byte)).count();
    let rest = rest.get(skip..)?.strip_prefix(FIELD)?;
    let skip = rest.iter().take_while(|byte| b"\\\" ".contains(byte)).count();
    rest.get(skip..)?.split(|byte| b"\\\"".contains(byte)).next()
}

/// Where the text in quotes begins that a function gets which only changes its form, if one is called here.
pub(super) fn wrapped(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let rest = rest.strip_prefix(b"new ").unwrap_or(rest);
    let part = |byte: &&u8| {
        step();
        bits(**byte) & class(b'v') != 0 || **byte == b':'
    };
    let length = rest.iter().take(LONGEST).take_while(part).count();
    if length == 0 || at(rest, length) != b'(' {
        return start;
    }
    let name = rest.get(..length).unwrap_or_default().to_ascii_lowercase();
    let inside = text.len().saturating_sub(rest.len()).saturating_add(length).saturating_add(1);
    let known = FORMS.iter().any(|form| name.ends_with(form));
    if known && values::opens(text, inside).is_some() { inside } else { start }
}

/// The secret that stands in for a variable which may be empty: `process.env.KEY || "X"`, with the sign at `here`.
pub(super) fn fallback(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    if at(text, here) != at(text, here.saturating_add(1)) {
        return None;
    }
    let start = spaces(text, here.saturating_add(2));
    values::opens(text, start)?;
    assigned_by(text, here, start, ends)
}

/// The secret of an assignment whose sign is an arrow: `api_key <- "X"`, with its dash at `here`.
pub(super) fn arrow(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    if at(text, here.wrapping_sub(1)) != b'<' || at(text, here.saturating_add(1)) != b' ' {
        return None;
    }
    let start = spaces(text, here.saturating_add(1));
    values::opens(text, start)?;
    assigned_by(text, here.saturating_sub(1), start, ends)
}

fn assigned_by(text: &[u8], sign: usize, start: usize, ends: &mut Ends) -> Option<Hit> {
    let named = name_before(text, sign)?;
    let tells = names::tells(named.word);
    if tells == Tells::Nothing {
        return None;
    }
    let value = value(text, start, Manner::Plain, ends)?;
    judged(text, value, named.word, tells, Sure::Quoted)
}
