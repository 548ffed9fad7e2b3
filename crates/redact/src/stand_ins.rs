//! Recognises what only stands for a secret: placeholders, code, and names of things that stand elsewhere.

use super::{
    chance::{MOST, Sorts, head, varied},
    shape::{bits, class, step},
};

/// How sure the place is that a value of it is meant, and not spoken about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sure {
    /// Prose: "the password is ...".
    Spoken,
    /// It may be code: `password = ...`, `password: ...`.
    Loose,
    /// A literal: in a file of settings, or an option.
    Literal,
    /// A literal in quotes.
    Quoted,
}

/// Whether a value cannot be a secret, whatever its place.
pub(super) fn is_no_secret(value: &[u8]) -> bool {
    is_no_secret_in(value, Sure::Literal)
}

pub(super) fn is_no_secret_in(value: &[u8], sure: Sure) -> bool {
    placeholder(value) || is_code(value, sure) || is_named_elsewhere(value) || is_jwe(value)
}

/// Whether a value is only a placeholder.
pub(super) fn placeholder(value: &[u8]) -> bool {
    let value = head(value);
    let first = value.first();
    value.iter().all(|byte| Some(byte) == first) || has_any(value, stand_ins)
}

/// The words and signs of placeholders that begin with a byte.
fn stand_ins(first: u8) -> &'static [&'static str] {
    match first {
        b'0' => &["0123456789"],
        b'1' => &["1234567890"],
        b'a' => &["abcdefgh"],
        b'c' => &["changeme", "change_me", "change-me", "changeit"],
        b'd' => &["dummy"],
        b'e' => &["example"],
        b'f' => &["fixme", "foobar"],
        b'i' => &["insert"],
        b'l' => &["lorem"],
        b'p' => &["placeholder"],
        b'r' => &["redacted", "replace"],
        b's' => &["sample"],
        b't' => &["todo"],
        b'x' => &["xxxx"],
        b'y' => &["your"],
        b'*' => &["****"],
        b'.' => &["...."],
        0xE2 => &["\u{2022}\u{2022}", "\u{2026}"],
        _ => &[],
    }
}

/// Whether one of the words stands in a value, in small or capital letters.
pub(super) fn has_any(value: &[u8], words: fn(u8) -> &'static [&'static str]) -> bool {
    (0..value.len()).any(|place| {
        step();
        let rest = value.get(place..).unwrap_or_default();
        let first = rest.first().map_or(0, u8::to_ascii_lowercase);
        words(first).iter().any(|word| {
            rest.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()))
        })
    })
}

/// Whether a value is code that computes the secret, a variable, or a template.
fn is_code(value: &[u8], sure: Sure) -> bool {
    let begins = |byte| value.first() == Some(&byte);
    let name = |bytes: &[u8]| {
        !bytes.is_empty()
            && bytes.iter().all(|byte| bits(*byte) & class(b'v') != 0 || *byte == b':')
    };
    let ident =
        value.iter().skip(1).take_while(|byte| bits(**byte) & class(b'a') != 0 || **byte == b'_');
    let after = value.get(ident.count().saturating_add(1));
    let variable = begins(b'$') && after.is_none_or(|byte| b"[(.-:?{>".contains(byte));
    let link = |byte: &u8| bits(*byte) & class(b'v') != 0 || b"?()[]".contains(byte);
    let chained =
        value.iter().all(link) && value.windows(2).any(|pair| pair == b"?.") && !varied(value, 8);
    let percent = begins(b'%') && value.len() > 2 && value.ends_with(b"%");
    let template = has_pair(value, *b"${", b'}')
        || has_pair(value, *b"$(", b')')
        || has_pair(value, *b"#{", b'}')
        || has_pair(value, *b"@{", b'}')
        || has_pair(value, *b"<%", b'>')
        || [&b"{{"[..], b"${", b"$(", b"%(", b"#{"].iter().any(|begin| value.starts_with(begin));
    // `{token}`, which a program fills in.
    let filled = head(value).split(|byte| *byte == b'{').skip(1).any(|part| {
        let part = part.iter().position(|byte| *byte == b'}').and_then(|end| part.get(..end));
        part.is_some_and(|part| part.is_empty() || name(part) && !varied(part, 6))
    });
    // Such a pair of brackets also stands in passwords.
    let before = value.split(|byte| *byte == b'{').next().unwrap_or_default();
    let filled = filled && !(before.len() >= 8 && Sorts::of(before).kinds() == 4);
    // What is called, or looked into: `getPassword(`, `os.environ[`.
    let open = value.iter().position(|byte| matches!(byte, b'(' | b'['));
    let rest = open.and_then(|open| value.get(open.saturating_add(1)..));
    let argument = rest.is_none_or(is_argument);
    let quoted = rest.and_then(<[u8]>::first).is_some_and(|byte| b"\"'".contains(byte));
    // What only code has: `f(),n`, `a::b(`, `!0`.
    let loose = sure < Sure::Quoted
        && ([&b"()"[..], b"};", b"{%"]
            .iter()
            .any(|part| value.windows(part.len()).any(|it| it == *part))
            || matches!(
                value,
                [b'!', b'0' | b'1', ..] | [_, b')', b',', ..] | [_, _, b')', b',', ..]
            )
            || value.windows(2).any(|pair| pair == b"::")
                && value.iter().take_while(|byte| **byte != b'(').all(|byte| name(&[*byte])));
    let call = sure < Sure::Quoted
        && argument
        && open.and_then(|open| value.get(..open)).is_some_and(|callee| {
            (callee.len() >= 3 || callee == b"Ok")
                && (quoted || callee.iter().any(u8::is_ascii_lowercase))
                && name(callee)
                && callee.first().is_some_and(|byte| !byte.is_ascii_digit())
                && !varied(callee, 8)
                && (!callee.iter().any(u8::is_ascii_digit)
                    || callee.contains(&b'.')
                    || value.ends_with(b")"))
        });
    let framed = begins(b'<') && value.ends_with(b">") || begins(b'{') && value.ends_with(b"}");
    let fields = value.split(|byte| *byte == b'.');
    let words = |part: &[u8]| {
        part.len() >= 2 && !part.iter().any(u8::is_ascii_digit) && name(part) && !varied(part, 8)
    };
    let path = value.contains(&b'.') && fields.clone().count() >= 2 && fields.clone().all(words);
    variable
        || percent
        || template
        || filled
        || chained
        || call
        || loose
        || framed
        || path
        || begins(b'[')
        || begins(b'(')
}

/// Whether what follows an open bracket is what a function gets: names, numbers, quotes, and after the bracket that
/// closes nothing that goes on.
fn is_argument(rest: &[u8]) -> bool {
    let rest = head(rest);
    let close = rest.iter().position(|byte| matches!(byte, b')' | b']'));
    let inside = rest.get(..close.unwrap_or(rest.len())).unwrap_or_default();
    let after = close.and_then(|close| rest.get(close.saturating_add(1)));
    let quoted = inside.iter().any(|byte| b"\"'`".contains(byte));
    let part = |byte: &u8| {
        byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"_.,:-/$ \\=({[]".contains(byte)
    };
    (quoted || inside.iter().all(part) && !inside.contains(&b'$') || inside.first() == Some(&b'$'))
        && after.is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// Whether two signs, and somewhere after them a third one, stand in a value.
fn has_pair(value: &[u8], open: [u8; 2], close: u8) -> bool {
    let value = head(value);
    let place = value.windows(2).position(|pair| pair == open);
    place.and_then(|place| value.get(place..)).is_some_and(|rest| rest.contains(&close))
}

/// Whether a value says where the secret is, or is something that everybody may know: an address, a path,
/// the name of a resource, a digest, a public key.
fn is_named_elsewhere(value: &[u8]) -> bool {
    const BEGINS: [&[u8]; 39] = [
        b"sops:",
        b"ref:",
        b"ref+",
        b"env:",
        b"file:",
        b"akv:",
        b"gsm:",
        b"aws:",
        b"@Microsoft.",
        b"SealedSecret",
        b"{cipher}",
        b"ENC[",
        b"ENC(",
        b"arn:",
        b"projects/",
        b"vault:",
        b"op://",
        b"ssm:",
        b"secretsmanager:",
        b"keyvault",
        b"ssh-rsa",
        b"ssh-ed25519",
        b"ecdsa-",
        b"sha1-",
        b"sha256-",
        b"sha384-",
        b"sha512-",
        b"sha1:",
        b"sha256:",
        b"sha512:",
        b"md5:",
        b"$2a$",
        b"$2b$",
        b"$2y$",
        b"$argon2",
        b"$scrypt",
        b"$pbkdf2",
        b"pbkdf2_",
        b"data:",
    ];
    let has = |part: &[u8]| {
        value.iter().take(MOST).count() >= part.len()
            && value
                .get(..value.len().min(MOST))
                .unwrap_or(value)
                .windows(part.len())
                .any(|w| w == part)
    };
    let crypt = matches!(value, [b'$', b'1' | b'5' | b'6', b'$', ..] | [b'{', b'S', ..]);
    // What a cluster alone can open.
    let sealed = value.len() >= 100 && value.starts_with(b"Ag");
    BEGINS.iter().any(|begin| value.starts_with(begin))
        || crypt
        || sealed
        || [&b"$2a$"[..], b"$2b$", b"$2y$", b"$apr1$"].iter().any(|hash| has(hash))
        || has(b"://")
        || is_path(value)
        || is_mail(value)
        || is_address(value)
}

/// A path, such as `/run/secrets/db` or `./key.pem`.
pub(super) fn is_path(value: &[u8]) -> bool {
    const ENDS: [&[u8]; 18] = [
        b".txt", b".pem", b".key", b".json", b".yaml", b".yml", b".env", b".crt", b".cert", b".go",
        b".ts", b".js", b".py", b".rs", b".html", b".tsx", b".md", b".conf",
    ];
    let begins = [&b"/"[..], b"./", b"../", b"~/"].iter().any(|begin| value.starts_with(begin));
    let slashes = value.iter().take(MOST).filter(|byte| **byte == b'/').count();
    let parts = value.split(|byte| *byte == b'/');
    let words = |part: &[u8]| {
        let part_of_name = |byte: &u8| bits(*byte) & class(b'v') != 0 || b"~@$".contains(byte);
        part.is_empty() || part.iter().all(part_of_name) && !varied(part, 6)
    };
    ENDS.iter().any(|end| value.ends_with(end))
        || slashes > 0
            && (begins || slashes > 1 || value.len() < 24)
            && parts.take(8).all(words)
            && !has_symbols(value)
}

fn has_symbols(value: &[u8]) -> bool {
    value.iter().take(MOST).any(|byte| b"!@#$^&*=+;?()[]{}|<>".contains(byte))
}

/// An address of mail, without anything that only a password has.
fn is_mail(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b'@');
    let (Some(user), Some(host), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_name = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|byte| bits(*byte) & class(b'v') != 0 || *byte == b'+')
    };
    let dot = host.iter().rposition(|byte| *byte == b'.');
    let zone = dot.and_then(|dot| host.get(dot.saturating_add(1)..)).unwrap_or_default();
    is_name(user) && is_name(host) && zone.len() >= 2 && zone.iter().all(u8::is_ascii_lowercase)
}

/// An address of a contract or an account: `0x` and 40 hex digits.
pub(super) fn is_address(value: &[u8]) -> bool {
    value
        .strip_prefix(b"0x")
        .is_some_and(|hex| hex.len() == 40 && hex.iter().all(u8::is_ascii_hexdigit))
}

/// A text that its sender has encrypted: a header, and more than the three parts of a signed one.
pub(super) fn is_jwe(value: &[u8]) -> bool {
    let part = |byte: &&u8| bits(**byte) & class(b'v') != 0;
    value.starts_with(b"eyJ")
        && value.iter().take(1024).take_while(part).filter(|byte| **byte == b'.').count() >= 3
}

/// Placeholders for a password in an address.
pub(super) fn stands_for_password(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 15] = [
        b"x-oauth-basic",
        b"x-token-auth",
        b"password",
        b"passwd",
        b"passw",
        b"pass",
        b"pwd",
        b"pw",
        b"secret",
        b"token",
        b"key",
        b"apikey",
        b"password123",
        b"mypassword",
        b"root",
    ];
    let folded = value.to_ascii_lowercase();
    let filler = value.iter().all(|byte| b"xX*.-_".contains(byte));
    filler
        || WORDS.contains(&folded.as_slice())
        || placeholder(value)
        || value.starts_with(b"$")
        || value.starts_with(b"<")
        || value.starts_with(b"{")
        || value.starts_with(b"[")
}
