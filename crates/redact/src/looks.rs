//! Distinguishes what a machine or a careful person made up from words, from code, and from what only
//! stands for a secret.

use super::shape::{bits, class, step};

/// The most bytes of a value that are looked at. More would not change what it looks like.
const MOST: usize = 64;

/// How much more often two letters stand side by side in words than by chance, in bits, with 6 added:
/// in code, and in prose of seventeen languages.
const PAIRS: [&[u8; 26]; 26] = [
    b"67884575756979574989665466",
    b"75547443754744633654633354",
    b"84648448746644843657644355",
    b"84459444844555743564644344",
    b"76887675656879564998565756",
    b"64446643733543643645633343",
    b"74348355743545633655634343",
    b"74347433744544734545533343",
    b"76878674456879864788573447",
    b"64346333434434533354533333",
    b"73447334735544733566634353",
    b"84469454944844853477743274",
    b"86448333743564773454633344",
    b"84788695845546743489653364",
    b"56675464646779663977766445",
    b"73447435634734762756643343",
    b"33333333333433323333633333",
    b"95669564946666853677754365",
    b"74748446847655774479744356",
    b"94549447944645843877744374",
    b"65656464645778463777544445",
    b"73348333733334633444433343",
    b"63346344633435532443334443",
    b"55555534533433353335333633",
    b"54435444544545563465434344",
    b"64447343634444533344534344",
];

/// The sorts of bytes of a value.
#[derive(Clone, Copy, Default)]
struct Sorts {
    lower: usize,
    upper: usize,
    digits: usize,
    /// Signs that words, numbers and paths have, too.
    joints: usize,
    symbols: usize,
    spaces: usize,
    /// Bytes of other scripts.
    others: usize,
}

impl Sorts {
    fn of(value: &[u8]) -> Self {
        let mut sorts = Self::default();
        for byte in value.iter().take(MOST) {
            step();
            let count = match byte {
                b'a'..=b'z' => &mut sorts.lower,
                b'A'..=b'Z' => &mut sorts.upper,
                b'0'..=b'9' => &mut sorts.digits,
                b'_' | b'-' | b'.' | b'/' | b':' | b',' | b'\'' => &mut sorts.joints,
                b' ' | b'\t' | b'\n' | b'\r' => &mut sorts.spaces,
                0x80.. => &mut sorts.others,
                _ => &mut sorts.symbols,
            };
            *count = count.saturating_add(1);
        }
        sorts
    }

    fn letters(self) -> usize {
        self.lower.saturating_add(self.upper).saturating_add(self.others)
    }

    /// How many of small letters, capitals, digits and symbols there are.
    fn kinds(self) -> usize {
        let letters = if self.others > 0 { self.lower.saturating_add(1) } else { self.lower };
        [letters, self.upper, self.digits, self.symbols].iter().filter(|count| **count > 0).count()
    }
}

/// Whether there is a digit, a lowercase and an uppercase letter.
pub(super) fn mixed(value: &[u8]) -> bool {
    let sorts = Sorts::of(value);
    sorts.lower > 0 && sorts.upper > 0 && sorts.digits > 0
}

/// Whether the value has letters and digits that vary. For values whose name and length already say
/// the rest.
pub(super) fn is_key(value: &[u8]) -> bool {
    let sorts = Sorts::of(value);
    sorts.digits > 0 && sorts.letters() > 0 && value.iter().any(|b| Some(b) != value.first())
}

/// How much less a value looks like words and numbers than by chance, in bits.
fn surprise(value: &[u8]) -> i32 {
    let mut bits = 0_i32;
    let mut before = 0_u8;
    for byte in value.iter().take(MOST) {
        step();
        let pair = || {
            let [first, second] =
                [before, *byte].map(|byte| byte.to_ascii_lowercase().wrapping_sub(b'a'));
            let row = PAIRS.get(usize::from(first)).copied().unwrap_or(&[b'6'; 26]);
            let known = row.get(usize::from(second)).copied().unwrap_or(b'6');
            i32::from(b'6').saturating_sub(i32::from(known))
        };
        let more = match (before, *byte) {
            (b'a'..=b'z', b'A'..=b'Z') | (b'0'..=b'9', b'a'..=b'z' | b'A'..=b'Z') => 2,
            (b'a'..=b'z' | b'A'..=b'Z', b'a'..=b'z') | (b'A'..=b'Z', b'A'..=b'Z') => pair(),
            (b'a'..=b'z' | b'A'..=b'Z', b'0'..=b'9') => 1,
            (b'0'..=b'9', b'0'..=b'9') => -1,
            _ => 0,
        };
        bits = bits.saturating_add(more);
        before = *byte;
    }
    bits
}

/// Whether a value of at least `least` characters varies too much to be words, numbers or names.
fn varied(value: &[u8], least: usize) -> bool {
    varied_by(value, least, 40)
}

/// The same, with the least bits of surprise for a hundred characters.
fn varied_by(value: &[u8], least: usize, bits: i32) -> bool {
    let value = value.strip_prefix(b"0x").unwrap_or(value);
    let value = head(value);
    if value.len() < least || !value.iter().all(u8::is_ascii_graphic) {
        return false;
    }
    let sorts = Sorts::of(value);
    let mut seen = [false; 128];
    for byte in value {
        if let Some(place) = seen.get_mut(usize::from(*byte)) {
            *place = true;
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    // Hex digits have no pairs to tell.
    let hex = value.len() >= 16 && value.iter().all(u8::is_ascii_hexdigit);
    if hex {
        return sorts.digits >= 2 && sorts.letters() >= 2 && distinct >= 7;
    }
    let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
    distinct >= 6
        && sorts.letters() >= 3
        && surprise(value) >= length.saturating_mul(bits).div_euclid(100).max(bits.div_euclid(8))
}

/// Whether a value looks as if it was drawn at random: at least 16 characters, and hardly any words.
pub(super) fn random(value: &[u8]) -> bool {
    varied(value, 16)
}

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

/// Whether a value looks like a password that somebody uses.
pub(super) fn password(value: &[u8], sure: Sure) -> bool {
    if value.len() < 6 || is_no_secret_in(value, sure) || is_word_of_trade(value) {
        return false;
    }
    // The end of a sentence.
    let ended =
        value.strip_suffix(b"!").or(value.strip_suffix(b"?")).filter(|_| sure < Sure::Literal);
    let value = ended.unwrap_or(value);
    // Words of these scripts stand without spaces.
    let sorts = Sorts::of(value);
    if sorts.symbols == 0 && value.iter().any(|byte| matches!(byte, 0xE3..=0xED)) {
        return false;
    }
    if sorts.spaces > 0 {
        // A sentence, unless one of its words is a password by itself.
        let strong = |word: &[u8]| word.len() >= 8 && Sorts::of(word).kinds() == 4;
        let mut words = value.split(u8::is_ascii_whitespace);
        return sure >= Sure::Literal && (words.clone().any(strong) || is_passphrase(&mut words));
    }
    if sorts.letters() == 0 {
        let rising = value.windows(2).filter(|pair| match pair {
            [first, second] => second.wrapping_sub(*first) <= 1,
            _ => false,
        });
        let same = rising.count().saturating_add(2) >= value.len();
        return sorts.symbols > 0 && sorts.digits > 3
            || sure >= Sure::Literal && sorts.digits == value.len() && !same;
    }
    if sorts.digits == 0 && sorts.symbols == 0 {
        return !speaks_of_secrets(value)
            && match sure {
                Sure::Quoted | Sure::Literal => varied_by(value, 8, 15),
                Sure::Loose => varied_by(value, 8, 25),
                Sure::Spoken => varied_by(value, 10, 25),
            };
    }
    if sorts.symbols > 0 {
        return sorts.digits > 0
            || sorts.kinds() >= 3
            || sure >= Sure::Literal && !begins_or_ends_only(value);
    }
    // Letters and digits.
    if speaks_of_secrets(value) || is_counted(value) {
        return false;
    }
    match sure {
        Sure::Quoted | Sure::Literal => true,
        Sure::Loose | Sure::Spoken => sorts.joints == 0 || varied(value, 8),
    }
}

/// Whether words are those of a passphrase: four or more, and a number.
fn is_passphrase<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> bool {
    const SENTENCES: [&[u8]; 12] = [
        b"must",
        b"least",
        b"char",
        b"length",
        b"minimum",
        b"between",
        b"required",
        b"than",
        b"with",
        b"contain",
        b"days",
        b"minutes",
    ];
    let (mut count, mut numbers) = (0_usize, 0_usize);
    for word in words.take(12) {
        let folded = word.to_ascii_lowercase();
        let speaks = SENTENCES.iter().any(|part| folded.starts_with(part));
        if word.iter().all(u8::is_ascii_digit) {
            numbers = numbers.saturating_add(1);
        } else if word.len() < 4 || speaks || !word.iter().all(u8::is_ascii_alphabetic) {
            return false;
        }
        count = count.saturating_add(1);
    }
    numbers == 1 && count >= 4
}

/// Whether the symbols of a value stand only around a word: `word!`, `*word*`.
fn begins_or_ends_only(value: &[u8]) -> bool {
    let symbol = |byte: &u8| byte.is_ascii_punctuation() && !b"_-./:,'".contains(byte);
    let inner = value.iter().skip_while(|byte| symbol(byte));
    let inner: Vec<u8> = inner.copied().take(MOST).collect();
    let begin = inner.iter().position(symbol).unwrap_or(inner.len());
    inner.iter().skip(begin).all(symbol)
}

/// Whether a value is a number with a unit or an ending: `12-character`, `90days`, `2nd`.
fn is_counted(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = value.get(digits..).unwrap_or_default();
    digits > 0
        && rest.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
        && !varied(rest, 6)
}

/// Whether a value is a secret that a machine made. `whole` values are those of a place that says so;
/// they may be shorter, or UUIDs.
pub(super) fn key(value: &[u8], sure: Sure, told: bool) -> bool {
    let foreign = |byte: &u8| byte.is_ascii_whitespace() || b"{}<>|\"".contains(byte);
    if value.len() < 10 || is_no_secret_in(value, sure) || value.iter().any(foreign) {
        return false;
    }
    if is_uuid(value) {
        return told;
    }
    if told && sure >= Sure::Loose {
        let sorts = Sorts::of(value);
        if sorts.kinds() == 4 || sorts.kinds() == 3 && sorts.symbols > 0 && sure >= Sure::Literal {
            return !is_path(value);
        }
        return match sure {
            Sure::Quoted | Sure::Literal => varied_by(value, 12, 20),
            _ => varied(value, 16),
        };
    }
    random(value) && !is_address(value)
}

/// Whether a value cannot be a secret, whatever its place.
pub(super) fn is_no_secret(value: &[u8]) -> bool {
    is_no_secret_in(value, Sure::Literal)
}

fn is_no_secret_in(value: &[u8], sure: Sure) -> bool {
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
fn has_any(value: &[u8], words: fn(u8) -> &'static [&'static str]) -> bool {
    (0..value.len()).any(|place| {
        step();
        let rest = value.get(place..).unwrap_or_default();
        let first = rest.first().map_or(0, u8::to_ascii_lowercase);
        words(first).iter().any(|word| {
            rest.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()))
        })
    })
}

/// As much of a value as is looked at.
fn head(value: &[u8]) -> &[u8] {
    value.get(..value.len().min(MOST)).unwrap_or(value)
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
    // What is called, or looked into: `getPassword(`, `os.environ[`.
    let open = value.iter().position(|byte| matches!(byte, b'(' | b'['));
    let call = sure < Sure::Quoted
        && open.and_then(|open| value.get(..open)).is_some_and(|callee| {
            callee.len() >= 3
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
        || framed
        || path
        || begins(b'[')
        || begins(b'(')
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
fn is_path(value: &[u8]) -> bool {
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
fn is_address(value: &[u8]) -> bool {
    value
        .strip_prefix(b"0x")
        .is_some_and(|hex| hex.len() == 40 && hex.iter().all(u8::is_ascii_hexdigit))
}

/// A text that its sender has encrypted: five parts, and a header that names how.
pub(super) fn is_jwe(value: &[u8]) -> bool {
    value.starts_with(b"eyJ")
        && value.split(|byte| *byte == b'.').count() == 5
        && value.iter().all(|byte| bits(*byte) & class(b'v') != 0)
}

/// A word of the trade that has digits: an algorithm, an encoding, a standard.
fn is_word_of_trade(value: &[u8]) -> bool {
    const BEGINS: [&[u8]; 40] = [
        b"base16",
        b"base32",
        b"base58",
        b"base62",
        b"base64",
        b"base85",
        b"ascii85",
        b"sha1",
        b"sha2",
        b"sha3",
        b"sha5",
        b"md5",
        b"md4",
        b"utf8",
        b"utf16",
        b"oauth",
        b"x509",
        b"pkcs",
        b"ed25519",
        b"argon2",
        b"bcrypt",
        b"scrypt",
        b"pbkdf2",
        b"aes",
        b"hs256",
        b"rs256",
        b"es256",
        b"hmac",
        b"ipv4",
        b"ipv6",
        b"http",
        b"rot13",
        b"3des",
        b"blake",
        b"crc32",
        b"latin1",
        b"win32",
        b"curve25519",
        b"secp256",
        b"varchar",
    ];
    let plain: Vec<u8> = value
        .iter()
        .take(MOST)
        .filter(|byte| !matches!(byte, b'-' | b'_'))
        .map(u8::to_ascii_lowercase)
        .collect();
    BEGINS.iter().any(|word| plain.starts_with(word)) && !varied(value, 10)
}

/// Whether a value is the name of a secret rather than one: `password1`, `userToken2`.
fn speaks_of_secrets(value: &[u8]) -> bool {
    const NOUNS: [&[u8]; 14] = [
        b"password",
        b"passwd",
        b"pass",
        b"pwd",
        b"secret",
        b"token",
        b"apikey",
        b"user",
        b"field",
        b"input",
        b"param",
        b"name",
        b"value",
        b"string",
    ];
    let folded = head(value).to_ascii_lowercase();
    let digits = folded.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let stem = folded.get(..folded.len().saturating_sub(digits)).unwrap_or_default();
    let speaks = |noun: &&[u8]| stem.ends_with(noun) || stem.starts_with(noun);
    NOUNS.iter().any(speaks) && !varied(value, 12)
}

/// Whether the value has the form of a UUID.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    let is_hex = |part: &[u8]| part.iter().all(u8::is_ascii_hexdigit);
    value.len() == 36
        && value.split(|byte| *byte == b'-').map(<[u8]>::len).eq([8, 4, 4, 4, 12])
        && value.split(|byte| *byte == b'-').all(is_hex)
}

/// Words from which a wallet is restored: twelve or more, all small letters.
pub(super) fn phrase(value: &[u8]) -> bool {
    let is_word =
        |word: &[u8]| (3..=8).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase);
    let words = value.split(|byte| *byte == b' ').take(25);
    let count = words.clone().count();
    matches!(count, 12 | 15 | 18 | 21 | 24) && words.clone().all(is_word)
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

/// Whether the value is base64 of `user:password` with a password of at least 4 bytes.
pub(super) fn basic(value: &[u8]) -> bool {
    let digit = |byte: u8| {
        let place = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            _ => 63,
        };
        u32::from(place)
    };
    let (mut colon, mut buffer, mut count) = (None, 0_u32, 0_usize);
    for (place, byte) in value.iter().take_while(|byte| **byte != b'=').enumerate() {
        buffer = buffer.wrapping_shl(6) | digit(*byte);
        let full = place.wrapping_mul(6).wrapping_add(6);
        // From the second of four digits on, each digit completes one more byte.
        if full.div_euclid(8) > count {
            let rest = full.wrapping_sub(count.wrapping_add(1).wrapping_mul(8));
            let decoded = buffer.wrapping_shr(u32::try_from(rest).unwrap_or(0)).to_le_bytes()[0];
            if decoded < b' ' || decoded == 0x7F {
                return false;
            }
            if decoded == b':' && colon.is_none() {
                colon = Some(count);
            }
            count = count.wrapping_add(1);
        }
    }
    colon.is_some_and(|colon| colon.saturating_add(4) < count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_distinguished_from_random_characters() {
        for value in [
            "carols-own-long-secret",
            "session-token-2024-production",
            "getUserToken2FromStore12",
            "2026-03-01T12:00:00.000Z",
            "node_modules/js-tokens/4.0.0",
            "aaaaaaaaaaaaaaaa1111",
            "1234567890123456",
            "sha256Base64TokenValue",
            "app-tls-2024-x7k9q2",
            "AuthenticationProvider",
            "internationalization",
            "Donaudampfschifffahrt",
            "arn-aws-iam-role-admin-2",
        ] {
            assert!(!random(value.as_bytes()), "{value}");
        }
        for value in [
            concat!("9f86d081884c7d65", "9a2feaa0c55ad015"),
            concat!("kR7pQ2vX9mLw", "T4sZ8bNc"),
            concat!("JBSWY3DPEHPK", "3PXPQ2F4"),
            concat!("kqzvbwpxmrtj", "dhglfnsy"),
        ] {
            assert!(random(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn passwords_are_distinguished_from_words() {
        for value in [
            "Password",
            "passwordField",
            "newPassword1",
            "/home/User1/x",
            "12345678",
            "required",
            "must-be-set",
            "string",
            "base64-encoded",
            "sha256",
            "12-character",
            "user@example.org",
            "getPassword2()",
            "process.env.PW",
            "$DB_PASSWORD",
            "${PW}",
            "{{ pw }}",
            "<password>",
            "Forgot password?",
            "N/A",
            "optional!",
        ] {
            assert!(!password(value.as_bytes(), Sure::Loose), "{value}");
        }
        for value in [
            concat!("S3cr3t", "P@ss!9"),
            concat!("x8#k", "L9$m"),
            concat!("v7Kq2", "mZp9Lt4"),
            concat!("hunter2", "hunter2"),
            "hunter2",
            concat!("aB3)x,Y7;", "kQ9&zT"),
            "Übermaß#2024x",
        ] {
            assert!(password(value.as_bytes(), Sure::Loose), "{value}");
        }
    }

    #[test]
    fn basic_credentials_are_decoded() {
        // `alice:wonder`, and the word that follows "basic" in prose.
        assert!(basic(concat!("YWxpY2U6", "d29uZGVy").as_bytes()));
        for value in
            [concat!("YWxpY2", "U6cGFz"), "training", "knowledge", "YWxpY2U=", "assumptions"]
        {
            assert!(!basic(value.as_bytes()), "{value}");
        }
    }
}
