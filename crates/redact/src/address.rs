//! Passwords in addresses: `postgres://user:...@host`, and in lines of `.pgpass`.

use super::{
    chance::{Sorts, random, varied},
    hit::Hit,
    kinds::{DATABASE_PASSWORD, PASSWORD, URL_PASSWORD},
    looks,
    shape::{at, step},
    stand_ins::{Sure, stands_for_password},
    values::{self, Ends, Manner, Value},
};

/// The most bytes of a user's name, and of a password.
const LONGEST_NAME: usize = 256;
const LONGEST: usize = 4096;

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

/// The password in an address, if the `:` at `here` stands before it.
pub(super) fn password(text: &[u8], here: usize) -> Option<Hit> {
    let ends = |byte: &u8| {
        step();
        byte.is_ascii_whitespace() || b"/?#\"'`<>\\|".contains(byte)
    };
    let before = text.get(here.saturating_sub(LONGEST_NAME)..here)?;
    let user = before.iter().rev().take_while(|byte| **byte != b':' && !ends(byte)).count();
    let (before, user) = before.split_at_checked(before.len().saturating_sub(user))?;
    let scheme = before.strip_suffix(b"://")?;
    if user.first() == Some(&b'[') {
        return None;
    }
    let start = here.saturating_add(1);
    let rest = text.get(start..)?;
    let rest = rest.get(..rest.len().min(LONGEST))?;
    let authority = rest.split(ends).next()?;
    let sign =
        authority.iter().rposition(|byte| *byte == b'@').or_else(|| beyond_authority(rest))?;
    let password = rest.get(..sign)?;
    // A port, and settings after it.
    let digits = password.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 1 && at(password, digits) == b';' {
        return None;
    }
    if password.len() < 4 || stands_for_password(password) {
        return None;
    }
    let scheme = scheme.rsplit(|byte| !byte.is_ascii_alphanumeric()).next()?;
    let database = DATABASES.iter().any(|name| scheme.eq_ignore_ascii_case(name));
    let kind = if database { DATABASE_PASSWORD } else { URL_PASSWORD };
    Some(Hit { kind, start, end: start.saturating_add(password.len()) })
}

/// The token that stands in the place of a user's name, if the `:` at `here` is that of `://`.
pub(super) fn token(text: &[u8], here: usize) -> Option<Hit> {
    let rest = text.get(here..)?.strip_prefix(b"://")?;
    let is_part = |byte: &&u8| {
        step();
        byte.is_ascii_alphanumeric() || b"-_.~".contains(byte)
    };
    let length = rest.iter().take(LONGEST).take_while(is_part).count();
    let token = rest.get(..length)?;
    let after = rest.get(length..)?;
    let alone = after.starts_with(b"@")
        || after.starts_with(b":x-oauth-basic@")
        || after.starts_with(b":@");
    let start = here.saturating_add(3);
    // The key in the address of an error tracker is public.
    let host = after.get(..after.len().min(64))?.split(|byte| *byte == b'/').next()?;
    let public = host.windows(6).any(|part| part == b"sentry");
    (alone && !public && random(token)).then_some(Hit {
        kind: URL_PASSWORD,
        start,
        end: start.saturating_add(length),
    })
}

/// The password of a source `user:password@tcp(host)/name`, if the `:` at `here` stands before it.
pub(super) fn of_source(text: &[u8], here: usize) -> Option<Hit> {
    let start = here.saturating_add(1);
    let rest = text.get(start..)?;
    let is_part = |byte: &&u8| {
        step();
        **byte > b' ' && !b"\"'`/".contains(byte)
    };
    let length = rest.iter().take(96).take_while(is_part).count();
    let length = rest.get(..length)?.windows(5).position(|part| part == b"@tcp(")?;
    let password = rest.get(..length)?;
    let is_one = password.len() >= 4 && !stands_for_password(password);
    is_one.then_some(Hit { kind: DATABASE_PASSWORD, start, end: start.saturating_add(length) })
}

/// The password in a line `host:port:database:user:password`, if the `:` at `here` stands before the port.
pub(super) fn of_line(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let port = text.get(here.saturating_add(1)..)?;
    let digits = port.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    let any = usize::from(digits == 0 && at(port, 0) == b'*');
    let length = digits.saturating_add(any);
    if digits < 3 && any == 0 || at(port, length) != b':' {
        return None;
    }
    let mut place = here.saturating_add(length).saturating_add(2);
    for _ in 0..2 {
        let field = text.get(place..)?;
        let is_part = |byte: &&u8| {
            step();
            byte.is_ascii_alphanumeric() || b"_-.*$".contains(byte)
        };
        let length = field.iter().take(64).take_while(is_part).count();
        if length == 0 || at(field, length) != b':' {
            return None;
        }
        place = place.saturating_add(length).saturating_add(1);
    }
    let Value { start, end, .. } = ends.bare(text, place, Manner::Of(b'='));
    let password = text.get(start..end)?;
    let is_one = password.len() >= 6
        && !password.contains(&b':')
        && looks::password(password, Sure::Literal);
    is_one.then_some(Hit { kind: DATABASE_PASSWORD, start, end })
}

/// The password in `user:X@host` and in `user@host:X`, if the `:` at `here` stands before it. It looks like one, for
/// such texts also name a place in a repository or on a host.
pub(super) fn of_user(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let is_part = |byte: &&u8| {
        step();
        byte.is_ascii_alphanumeric() || b"_-.@+".contains(byte)
    };
    let before = text.get(here.saturating_sub(64)..here)?;
    let length = before.iter().rev().take_while(is_part).count();
    let user = before.get(before.len().saturating_sub(length)..)?;
    let start = here.saturating_add(1);
    if length == 0 || at(text, start) <= b' ' || at(text, start) == b'<' || before.ends_with(b"/") {
        return None;
    }
    // `user:'X'@host`.
    let quoted = values::opens(text, start)
        .and_then(|(quote, begin)| Some((begin, values::closes(text, begin, quote)?)))
        .filter(|(_, end)| {
            text.get(end.saturating_add(1)..).is_some_and(|rest| rest.starts_with(b"@"))
        });
    if let Some((start, end)) = quoted {
        let bytes = text.get(start..end)?;
        let is_one = looks::password(bytes, Sure::Quoted) && !bytes.contains(&b',');
        return is_one.then_some(Hit { kind: URL_PASSWORD, start, end });
    }
    let Value { end, .. } = ends.bare(text, start, Manner::Word);
    let rest = text.get(start..end.min(start.saturating_add(64)))?;
    let mail = user.iter().position(|byte| {
        step();
        *byte == b'@'
    });
    let host = rest.iter().rposition(|byte| {
        step();
        *byte == b'@'
    });
    let own = rest.get(..host.unwrap_or(0))?;
    // A box of mail is no password, unless the user has a domain before it, and the host is a number.
    let mailbox = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+".contains(byte);
    let numbered = rest.last().is_some_and(u8::is_ascii_digit);
    let domain = before.get(before.len().saturating_sub(length).saturating_sub(1)) == Some(&b'/');
    if own.iter().all(mailbox) && mail.is_none() && !(numbered && domain) {
        return None;
    }
    let (password, host) = match (mail, host) {
        (Some(sign), None) => (rest, user.get(sign.saturating_add(1)..)?),
        (None, Some(sign)) => (rest.get(..sign)?, rest.get(sign.saturating_add(1)..)?),
        _ => return None,
    };
    // The end of a domain, or of an address of numbers.
    let zone = host
        .iter()
        .rposition(|byte| *byte == b'.')
        .and_then(|dot| host.get(dot.saturating_add(1)..));
    let dot = zone.is_some_and(|zone| {
        zone.len() > 1 && zone.iter().all(u8::is_ascii_alphabetic)
            || host.iter().all(|byte| byte.is_ascii_digit() || b".:".contains(byte))
    });
    let named = host.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(byte));
    let is_one = password.len() >= 8
        && dot
        && named
        && !password.iter().any(|byte| b"/\\".contains(byte))
        && !password.windows(3).any(|part| part == b"%20")
        && (Sorts::of(password).kinds() >= 3 || varied(password, 12))
        && looks::password(password, Sure::Spoken);
    is_one.then_some(Hit { kind: URL_PASSWORD, start, end: start.saturating_add(password.len()) })
}

/// Where the `@` of an address stands whose password has signs that must be encoded, and are not.
fn beyond_authority(rest: &[u8]) -> Option<usize> {
    let rest = rest.get(..rest.len().min(96))?;
    let word = rest.split(|byte| {
        step();
        *byte <= b' ' || b"\"'`<>\\|".contains(byte)
    });
    let word = word.into_iter().next()?;
    let sign = word.iter().rposition(|byte| *byte == b'@')?;
    let host = word.get(sign.saturating_add(1)..)?;
    let length =
        host.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte)).count();
    let ends = matches!(at(host, length), 0 | b':' | b'/');
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // A port, and a path that has such a sign.
    let port = digits > 0 && b"/?#".contains(&at(word, digits));
    (ends && length > 0 && !port).then_some(sign)
}

/// The password of a network in a code that a camera reads: `WIFI:T:WPA;S:name;P:X;;`, with the `:` at `here`.
pub(super) fn of_network(text: &[u8], here: usize) -> Option<Hit> {
    let before = text.get(here.saturating_sub(80)..here)?;
    if !before.ends_with(b";P") || !before.windows(5).any(|part| part == b"WIFI:") {
        return None;
    }
    let start = here.saturating_add(1);
    let rest = text.get(start..)?.iter().take(96);
    let length = rest.take_while(|byte| **byte != b';' && **byte != b'\n').count();
    (length >= 8).then_some(Hit { kind: PASSWORD, start, end: start.saturating_add(length) })
}
