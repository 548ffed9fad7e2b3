//! How a value is written down as a recipe, and made.
//!
//! A recipe is literal text with runs and calls in braces. A run is a class and how many characters:
//! `{h32}`, `{a40-60}`. A call begins with `!`: `{!uuid}`, `{!jwt HS256}`. If a part of a recipe
//! stands between `<` and `>`, only that part is the secret; the rest says what it is, and may go.

use super::dice::Dice;
use super::encodings::{BASE58, base58check, base64, base64url, crc_suffix, percent, with_luhn};
use super::{blocks, jwt};

/// A made value: the secret, and what stands around it.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    pub(super) lead: String,
    pub(super) secret: String,
    pub(super) trail: String,
}

/// Makes a value.
pub(super) fn make(recipe: &str, dice: &mut Dice) -> Made {
    let mut made = Made::default();
    let mut rest = recipe;
    while let Some(first) = rest.chars().next() {
        match first {
            '{' => {
                let (inside, after) = rest[1..].split_once('}').unwrap_or((&rest[1..], ""));
                made.secret.push_str(&part(inside, dice));
                rest = after;
            }
            '<' => {
                made.lead = std::mem::take(&mut made.secret);
                rest = &rest[1..];
            }
            '>' => {
                let tail = make(&rest[1..], dice);
                made.trail = tail.secret;
                return made;
            }
            _ => {
                made.secret.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    made
}

fn part(inside: &str, dice: &mut Dice) -> String {
    if let Some(call) = inside.strip_prefix('!') {
        let (name, argument) = call.split_once(' ').unwrap_or((call, ""));
        return called(name, argument, dice);
    }
    let (class, count) = inside.split_at(1);
    let count = counted(count, dice);
    dice.characters(alphabet(class), count)
}

/// A count, such as `32` or `20-40`.
fn counted(text: &str, dice: &mut Dice) -> usize {
    let number = |text: &str| text.parse().expect("a count");
    match text.split_once('-') {
        Some((least, most)) => dice.between(number(least), number(most)),
        None => number(text),
    }
}

/// The characters of a class.
fn alphabet(class: &str) -> &'static str {
    match class {
        "d" => "0123456789",
        "h" => "0123456789abcdef",
        "H" => "0123456789ABCDEF",
        "L" => "abcdefghijklmnopqrstuvwxyz",
        "U" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "A" => "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "l" => "0123456789abcdefghijklmnopqrstuvwxyz",
        "u" => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "a" => "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        // Base 64, of addresses, and of Azure's client secrets.
        "b" => "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/",
        "w" => "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_",
        "k" => "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.~",
        // Base 32, base 58 and bech32.
        "t" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "T" => "abcdefghijklmnopqrstuvwxyz234567",
        "x" => BASE58,
        "z" => "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
        "Z" => "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
        other => panic!("no class {other}"),
    }
}

fn called(name: &str, argument: &str, dice: &mut Dice) -> String {
    match name {
        // Random bytes in base 64, padded, and for addresses.
        "b64" => base64(&bytes(argument, dice)),
        "b64u" => base64url(&bytes(argument, dice)),
        // Base 64 of a recipe, where `(` and `)` stand for braces.
        "of" => base64(inner(argument, dice).as_bytes()),
        "ofu" => base64url(inner(argument, dice).as_bytes()),
        "uuid" => make("{h8}-{h4}-4{h3}-a{h3}-{h12}", dice).secret,
        "crc" => {
            let body = dice.characters(alphabet("a"), argument.parse().unwrap_or(30));
            let check = crc_suffix(&body);
            format!("{body}{check}")
        }
        "jwt" => jwt::make(argument, dice),
        "card" => card(argument, dice),
        "wif" => {
            let compressed = argument == "compressed";
            let mut bytes = vec![0x80];
            bytes.extend(dice.bytes(32));
            bytes.extend(compressed.then_some(1));
            base58check(&bytes)
        }
        "xprv" => {
            let version = if argument == "tprv" { 0x0435_8394_u32 } else { 0x0488_ADE4 };
            let mut bytes = version.to_be_bytes().to_vec();
            bytes.extend([3, 7, 7, 7, 7, 0, 0, 0, 1]);
            bytes.extend(dice.bytes(32));
            bytes.push(0);
            bytes.extend(dice.bytes(32));
            base58check(&bytes)
        }
        // The signature of an Azure SAS: 32 bytes in base 64, percent-encoded.
        "sas" => base64(&dice.bytes(32))
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { percent(c) })
            .collect(),
        "block" => blocks::make(argument, dice),
        other => panic!("no call {other}"),
    }
}

fn bytes(count: &str, dice: &mut Dice) -> Vec<u8> {
    let count = counted(count, dice);
    dice.bytes(count)
}

fn inner(argument: &str, dice: &mut Dice) -> String {
    make(&argument.replace('(', "{").replace(')', "}"), dice).secret
}

/// A card number: `PREFIX LENGTH SEPARATOR`.
fn card(argument: &str, dice: &mut Dice) -> String {
    let mut parts = argument.split(' ');
    let prefix = parts.next().unwrap_or("4");
    let length: usize = parts.next().and_then(|length| length.parse().ok()).unwrap_or(16);
    let between = parts.next().unwrap_or("none");
    let body = dice.characters(alphabet("d"), length - 1 - prefix.len());
    let digits = with_luhn(&format!("{prefix}{body}"));
    let between = match between {
        "space" => " ",
        "dash" => "-",
        _ => return digits,
    };
    let ends: &[usize] = if length == 15 { &[4, 10, 15] } else { &[4, 8, 12, 16] };
    let mut start = 0;
    let mut groups = Vec::new();
    for end in ends {
        groups.push(&digits[start..*end]);
        start = *end;
    }
    groups.join(between)
}
