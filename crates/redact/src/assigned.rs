//! Secrets that are recognised by what stands before them: `password = ...`, `"apiKey": "..."`,
//! `postgres://user:...@host`.

use super::{
    hit::Hit,
    kinds::{
        AWS_SECRET_KEY, CLOUDFLARE_GLOBAL_KEY, COHERE_API_KEY, DATABASE_PASSWORD, DATADOG_KEY,
        MISTRAL_API_KEY, PASSWORD, SECRET, TWILIO_AUTH_TOKEN, URL_PASSWORD,
    },
    looks,
    shape::{at, bits, class, is_word, step},
};

/// The most bytes of a name that are read, and of a value.
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 256;

/// Parts of the names of passwords and of other secrets, without separators.
const PASSWORDS: [&[u8]; 5] = [b"password", b"passwd", b"passphrase", b"pwd", b"passwort"];
const SECRETS: [&[u8]; 16] = [
    b"secret",
    b"token",
    b"apikey",
    b"accesskey",
    b"privatekey",
    b"authkey",
    b"credential",
    b"signingkey",
    b"encryptionkey",
    b"accountkey",
    b"masterkey",
    b"twilio",
    b"datadog",
    b"mistral",
    b"cohere",
    b"cloudflare",
];
/// Words that mark a secret only as a whole word of a name.
const SECRET_WORDS: [&[u8]; 4] = [b"auth", b"authorization", b"pass", b"pw"];
/// Parts of names that are about a secret but do not hold one.
const HARMLESS: [&[u8]; 9] = [
    b"hash",
    b"digest",
    b"checksum",
    b"sha256",
    b"fingerprint",
    b"public",
    b"integrity",
    b"tokenid",
    b"csrf",
];
/// Schemes in the addresses of databases and similar services.
const DATABASES: [&[u8]; 14] = [
    b"postgres",
    b"postgresql",
    b"mysql",
    b"mariadb",
    b"mongodb",
    b"srv",
    b"redis",
    b"rediss",
    b"amqp",
    b"amqps",
    b"sqlserver",
    b"clickhouse",
    b"cockroachdb",
    b"neo4j",
];

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

/// What a name says about its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tells {
    Nothing,
    Password,
    Secret,
}

/// The secret that follows the `=` or `:` at `here`.
pub(super) fn beside(text: &[u8], here: usize) -> Option<Hit> {
    let colon = at(text, here) == b':';
    let beside = [at(text, here.wrapping_sub(1)), at(text, here.saturating_add(1))];
    let address = if colon { in_address(text, here) } else { None };
    match address {
        Some(hit) => Some(hit),
        // A path in source code, such as `a::b`.
        None if colon && beside.contains(&b':') => None,
        None => {
            let (name, tells) = name_before(text, here)?;
            value_at(text, value_begins(text, here)?, name, tells)
        }
    }
}

/// The secret that a whole text is, if it is the value of a field of this name.
pub(super) fn whole(text: &[u8], name: &str) -> Option<Hit> {
    let name = tail(name.as_bytes());
    let value = text.trim_ascii();
    let start = text.len().saturating_sub(text.trim_ascii_start().len());
    let end = start.saturating_add(value.len());
    let kind = judge(name, tells(name), value, true)?;
    Some(Hit { kind, start, end })
}

/// The last bytes of a name, as many as are read.
fn tail(name: &[u8]) -> &[u8] {
    name.get(name.len().saturating_sub(LONGEST_NAME)..).unwrap_or(name)
}

/// The password in an address, if the `:` at `here` stands before it.
fn in_address(text: &[u8], here: usize) -> Option<Hit> {
    let ends = |byte: &u8| {
        step();
        byte.is_ascii_whitespace() || b"/?#\"'`<>\\|".contains(byte)
    };
    let before = text.get(here.saturating_sub(LONGEST_VALUE)..here)?;
    let user = before.iter().rev().take_while(|byte| **byte != b':' && !ends(byte)).count();
    let (before, user) = before.split_at_checked(before.len().saturating_sub(user))?;
    let scheme = before.strip_suffix(b"://")?;
    if user.first() == Some(&b'[') {
        return None;
    }
    let start = here.saturating_add(1);
    let rest = text.get(start..)?;
    let rest = rest.get(..rest.len().min(LONGEST_VALUE))?;
    let authority = rest.split(ends).next()?;
    let password = authority.get(..authority.iter().rposition(|byte| *byte == b'@')?)?;
    if password.len() < 4 || looks::stands_for_password(password) {
        return None;
    }
    let scheme = scheme.rsplit(|byte| !byte.is_ascii_alphanumeric()).next()?;
    let database = DATABASES.iter().any(|name| scheme.eq_ignore_ascii_case(name));
    let kind = if database { DATABASE_PASSWORD } else { URL_PASSWORD };
    Some(Hit { kind, start, end: start.saturating_add(password.len()) })
}

/// The name before an assignment, if it is the name of a secret.
fn name_before(text: &[u8], here: usize) -> Option<(&[u8], Tells)> {
    let before = text.get(here.saturating_sub(LONGEST_NAME)..here)?;
    let is_between = |byte: &u8| b" \t\"'`]\\:=".contains(byte);
    let length =
        before.len().saturating_sub(before.iter().rev().take_while(|b| is_between(b)).count());
    let before = before.get(..length)?;
    let is_part = |byte: &u8| {
        step();
        bits(*byte) & class(b'v') != 0
    };
    let begin =
        before.iter().rposition(|byte| !is_part(byte)).map_or(0, |place| place.saturating_add(1));
    let name = before.get(begin..)?;
    let marked = before.get(..begin)?.ends_with(b"[REDACTED:");
    Some((name, tells(name))).filter(|(_, tells)| *tells != Tells::Nothing && !marked)
}

fn tells(name: &[u8]) -> Tells {
    let folded = Folded::of(name);
    let word = || {
        let mut words = name.split(|byte| !byte.is_ascii_alphanumeric());
        words.any(|part| SECRET_WORDS.iter().any(|word| part.eq_ignore_ascii_case(word)))
    };
    let tells = if folded.has_any(&PASSWORDS) {
        Tells::Password
    } else if folded.has_any(&SECRETS) || word() {
        Tells::Secret
    } else {
        return Tells::Nothing;
    };
    if folded.has_any(&HARMLESS) { Tells::Nothing } else { tells }
}

/// A name in lowercase, without separators.
struct Folded {
    bytes: [u8; LONGEST_NAME],
    length: usize,
}

impl Folded {
    fn of(name: &[u8]) -> Self {
        let mut folded = Self { bytes: [0; LONGEST_NAME], length: 0 };
        for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
            if let Some(place) = folded.bytes.get_mut(folded.length) {
                *place = byte.to_ascii_lowercase();
                folded.length = folded.length.saturating_add(1);
            }
        }
        folded
    }

    fn has_any(&self, words: &[&[u8]]) -> bool {
        (0..self.length).any(|start| {
            let rest = self.bytes.get(start..self.length).unwrap_or_default();
            words.iter().any(|word| word.first() == rest.first() && rest.starts_with(word))
        })
    }
}

/// Where the value that is assigned at `here` begins.
fn value_begins(text: &[u8], here: usize) -> Option<usize> {
    let rest = text.get(here..)?.iter().take(8);
    let between = rest.take_while(|byte| b"=:> \t".contains(byte)).count();
    Some(here.saturating_add(between))
}

fn value_at(text: &[u8], from: usize, name: &[u8], tells: Tells) -> Option<Hit> {
    let escape = usize::from(at(text, from) == b'\\');
    let mark = at(text, from.saturating_add(escape));
    let quoted = matches!(mark, b'"' | b'\'' | b'`');
    let start = if quoted { from.saturating_add(escape).saturating_add(1) } else { from };
    let rest = text.get(start..)?;
    let rest = rest.get(..rest.len().min(LONGEST_VALUE))?;
    let mut previous = 0;
    let length = rest.iter().position(|byte| {
        step();
        let ends = if quoted {
            *byte == mark || matches!(byte, b'\n' | b'\\')
        } else {
            matches!(
                byte,
                b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | b',' | b';' | b')' | b']'
                    | b'}' | b'&' | b'|' | b'<' | b'>' | b'\\'
            )
                // A `=` can only pad base64 here, so a value ends after it.
                || previous == b'=' && *byte != b'='
        };
        previous = *byte;
        ends
    });
    let length = length.unwrap_or(rest.len());
    let mut value = rest.get(..length)?;
    if quoted {
        if at(rest, length) == b'\n' {
            return None;
        }
    } else {
        while let Some((b'.' | b':' | b'!' | b'?', shorter)) = value.split_last() {
            value = shorter;
        }
    }
    let kind = judge(name, tells, value, quoted)?;
    Some(Hit { kind, start, end: start.saturating_add(value.len()) })
}

/// The kind of secret that the value of this name is, if it is one.
fn judge(name: &[u8], tells: Tells, value: &[u8], quoted: bool) -> Option<usize> {
    if tells == Tells::Nothing || value.len() < 8 || value.len() >= LONGEST_VALUE {
        return None;
    }
    let folded = Folded::of(name);
    let is_named = |(part, letter, length, _): &(&[u8], u8, usize, usize)| {
        folded.has_any(&[part])
            && value.len() == *length
            && value.iter().all(|byte| bits(*byte) & class(*letter) != 0)
            && looks::is_key(value)
    };
    if let Some((_, _, _, kind)) = NAMED.iter().find(|named| is_named(named)) {
        return Some(*kind);
    }
    // Code that computes the value, a path, or a placeholder.
    let code = |byte: &u8| byte.is_ascii_whitespace() || !quoted && b"([{$".contains(byte);
    if value.iter().any(code)
        || value.contains(&b'[') && value.ends_with(b"]")
        || looks::placeholder(value)
    {
        return None;
    }
    match tells {
        Tells::Password if looks::strong(value) => Some(PASSWORD),
        Tells::Secret if looks::random(value) && is_word(at(value, 0)) => Some(SECRET),
        _ => None,
    }
}
