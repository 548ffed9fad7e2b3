//! Distinguishes the passwords and keys that people and machines make up from words and names.

use super::{
    chance::{MOST, Sorts, head, random, varied, varied_by},
    stand_ins::{Sure, is_address, is_no_secret_in, is_path},
};

/// Whether a value looks like a password that somebody uses.
pub(super) fn password(value: &[u8], sure: Sure) -> bool {
    if value.len() < 6 || is_no_secret_in(value, sure) || is_word_of_trade(value) || is_rule(value)
    {
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
        let mut mixed = words.clone();
        let is_mixed = |word: &[u8]| {
            word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic)
        };
        return sure >= Sure::Literal && (words.clone().any(strong) || mixed.all(is_mixed))
            || sure >= Sure::Loose && is_passphrase(&mut words);
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
        // Sixteen letters are a password that a maker of mail hands out.
        let least = if sorts.lower == 16 && value.len() == 16 { 5 } else { 15 };
        return !speaks_of_secrets(value)
            && (has_mixed_case(value)
                || match sure {
                    Sure::Quoted | Sure::Literal => varied_by(value, 8, least),
                    Sure::Loose => varied_by(value, 8, 25),
                    Sure::Spoken => varied_by(value, 10, 25),
                });
    }
    if value.ends_with(b"*") && speaks_of_secrets(value) {
        return false;
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
        Sure::Loose | Sure::Spoken => {
            sorts.joints == 0
                || varied(value, 8)
                || is_grouped(value)
                || ends_in_number(value, sorts)
        }
    }
}

/// Whether a value is words and then a number, as many people make up theirs (`tiger-lantern68`).
fn ends_in_number(value: &[u8], sorts: Sorts) -> bool {
    let digits = value.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    digits > 1 && digits == sorts.digits && sorts.letters() > 4 && value.iter().all(word)
}

/// Whether a value is a rule that a password must keep to: `required|min:8`, `^(?=.*\\d).{8,}$`.
fn is_rule(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 11] = [
        b"required",
        b"nullable",
        b"confirmed",
        b"min:",
        b"min=",
        b"max:",
        b"max=",
        b"between:",
        b"string|",
        b"alpha",
        b"@string/",
    ];
    let value = head(value);
    let pattern = value.starts_with(b"^") && value.ends_with(b"$") || value.starts_with(b"(?");
    let parts = value.split(|byte| *byte == b'.');
    let part = |part: &[u8]| {
        part.len() > 1
            && part
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
            && !varied(part, 6)
    };
    let key = parts.clone().count() > 2 && parts.clone().all(part);
    // What is called in quotes: `t('auth.hint1')`.
    let call = value.ends_with(b"')") && value.windows(2).any(|pair| pair == b"('");
    pattern
        || key
        || call
        || WORDS.iter().any(|word| value.windows(word.len()).any(|part| part == *word))
}

/// Whether small letters and capitals take turns as they do in no name.
pub(super) fn has_mixed_case(value: &[u8]) -> bool {
    let turns = value.windows(2).filter(|pair| match pair {
        [first, second] => first.is_ascii_uppercase() != second.is_ascii_uppercase(),
        _ => false,
    });
    let capitals = value.split(|byte| !byte.is_ascii_uppercase()).filter(|run| run.len() > 1);
    value.len() >= 12
        && value.iter().all(u8::is_ascii_alphabetic)
        && capitals.count() > 1
        && turns.count() > 5
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

/// Whether a value is a secret that a machine made. Where the place has `told` that it is one, it may be shorter,
/// or a UUID.
pub(super) fn key(value: &[u8], sure: Sure, told: bool) -> bool {
    let literal = told && sure == Sure::Quoted;
    if literal && value.contains(&b' ') && !value.starts_with(b"-----") {
        return password(value, sure);
    }
    let foreign = |byte: &u8| {
        byte.is_ascii_whitespace() || *byte == b'"' || !literal && b"{}<>|".contains(byte)
    };
    let no_secret = is_no_secret_in(value, sure) || is_rule(value);
    if value.len() < 10 || no_secret || value.iter().any(foreign) {
        return false;
    }
    if is_uuid(value) || value.len() > 20 && is_grouped(value) {
        return told;
    }
    if told && sure >= Sure::Loose {
        let sorts = Sorts::of(value);
        if sorts.kinds() == 4 || sorts.kinds() == 3 && sorts.symbols > 0 && sure >= Sure::Literal {
            return !is_path(value);
        }
        return match sure {
            Sure::Quoted | Sure::Literal => {
                varied_by(value, 12, 20)
                    || is_mixed(value, sorts)
                    || sorts.joints == 0 && sorts.digits > 3 && password(value, sure)
            }
            _ => varied(value, 16),
        };
    }
    random(value) && !is_address(value)
}

/// Whether a value has both cases and digits within, as no name of two words has.
fn is_mixed(value: &[u8], sorts: Sorts) -> bool {
    let turns = value.windows(2).filter(|pair| match pair {
        [first, second] => first.is_ascii_digit() && second.is_ascii_alphabetic(),
        _ => false,
    });
    value.len() >= 16
        && sorts.joints == 0
        && sorts.kinds() == 3
        && turns.count() >= 2
        && !speaks_of_secrets(value)
}

/// Whether a value is groups of letters and digits of one length, as codes for a second way in are.
fn is_grouped(value: &[u8]) -> bool {
    let mut groups = value.split(|byte| *byte == b'-');
    let length = groups.next().map_or(0, <[u8]>::len);
    let with_digit = |part: &&[u8]| part.iter().any(u8::is_ascii_digit);
    let is_group = |part: &[u8]| part.len() == length && part.iter().all(u8::is_ascii_alphanumeric);
    let parts = value.split(|byte| *byte == b'-');
    (4..=8).contains(&length)
        && groups.clone().count() > 0
        && groups.all(is_group)
        && parts.filter(with_digit).count() > 0
        && value.iter().any(u8::is_ascii_alphabetic)
}

/// A word of the trade that has digits: an algorithm, an encoding, a standard.
fn is_word_of_trade(value: &[u8]) -> bool {
    const BEGINS: [&[u8]; 41] = [
        b"scram",
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
    let folded = folded.strip_suffix(b"*").unwrap_or(&folded);
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
