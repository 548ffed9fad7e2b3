//! Secrets that a sentence names: "my password is ...", "Passwort: ...".

use super::{
    hit::Hit,
    kinds::PASSWORD,
    looks,
    names::{
        self,
        Tells::{self, Password, Phrase, Secret},
    },
    place::{judged, value},
    shape::{at, step},
    stand_ins::Sure,
    values::{self, Ends, Manner},
};
use std::iter;

/// The most words between the noun and the verb, and the most bytes of them.
const WORDS: usize = 6;
const BYTES: usize = 64;

/// A noun, and the verbs and signs of its language that a value follows.
pub(super) type Noun = (&'static str, Tells, &'static [&'static str]);

/// `password` is a word of many languages.
const ANY: &[&str] = &[
    "is", "was", "are", "from", "to", "ist", "lautet", "est", "es", "\u{e9}", "\u{e8}", "e'", "er",
    "\u{e4}r", "jest", "je", "adalah", "este", "->", "=>", "\u{2192}", "\u{2013}", "\u{2014}", "-",
    "=", ":",
];
const ENGLISH: &[&str] =
    &["is", "was", "are", "from", "->", "=>", "\u{2192}", "\u{2013}", "\u{2014}", "=", ":"];
const GERMAN: &[&str] = &["ist", "lautet", "war", "sind", "=", ":"];
const ROMANCE: &[&str] = &[
    "\u{3b5}\u{3af}\u{3bd}\u{3b1}\u{3b9}",
    "est",
    "es",
    "era",
    "\u{e9}",
    "\u{e8}",
    "e'",
    "este",
    "sera",
    "ser\u{e1}",
    "=",
    ":",
];
const NORDIC: &[&str] = &["\u{e4}r", "er", "var", "on", "=", ":"];
const SLAVIC: &[&str] = &["to", "jest", "je", "\u{2014}", "-", "=", ":"];
const OTHER: &[&str] = &[
    "is",
    "adalah",
    "l\u{e0}",
    "a",
    "az",
    ":",
    "=",
    "\u{5d4}\u{5d9}\u{5d0}",
    "\u{647}\u{64a}",
    "\u{939}\u{948}",
];
/// Stand right after the noun, without a space.
const JOINED: &[&str] = &[
    "\u{662f}",
    "\u{4e3a}",
    "\u{70ba}",
    "\u{306f}",
    "\u{304c}",
    "\u{ff1a}",
    ":",
    "=",
    "\u{b294}",
    "\u{c740}",
    "\u{ac00}",
    "\u{e04}\u{e37}\u{e2d}",
];

/// The nouns, in small letters. Of two that begin alike, the longer stands first.
pub(super) const NOUNS: [Noun; 96] = [
    ("geslo", Password, SLAVIC),
    ("parool", Password, OTHER),
    ("slapta\u{17e}odis", Password, OTHER),
    ("nenosiri", Password, OTHER),
    ("eap", Password, &[]),
    ("identified with", Password, &["by", "as"]),
    ("unseal key", Secret, ENGLISH),
    ("recovery key", Secret, ENGLISH),
    ("recovery code", Password, ENGLISH),
    ("backup code", Password, ENGLISH),
    ("root token", Secret, ENGLISH),
    ("license key", Secret, ENGLISH),
    ("encryption key", Secret, ENGLISH),
    ("signing key", Secret, ENGLISH),
    ("psk", Password, ENGLISH),
    ("authtoken", Secret, ENGLISH),
    ("wifi key", Password, ENGLISH),
    ("wi-fi key", Password, ENGLISH),
    ("this key", Secret, ENGLISH),
    ("api\u{5bc6}\u{94a5}", Secret, JOINED),
    ("\u{5bc6}\u{94a5}", Secret, JOINED),
    ("api\u{30ad}\u{30fc}", Secret, JOINED),
    ("cl\u{e9} api", Secret, ROMANCE),
    ("clave api", Secret, ROMANCE),
    ("chave api", Secret, ROMANCE),
    ("chave de api", Secret, ROMANCE),
    ("chiave api", Secret, ROMANCE),
    ("\u{43a}\u{43b}\u{44e}\u{447} api", Secret, SLAVIC),
    ("api-schl\u{fc}ssel", Secret, GERMAN),
    ("api-sleutel", Secret, OTHER),
    ("klucz api", Secret, SLAVIC),
    ("identified by", Password, ENGLISH),
    ("passphrase", Password, ENGLISH),
    ("passcode", Password, ENGLISH),
    ("password", Password, ANY),
    ("passwd", Password, ENGLISH),
    ("passwort", Password, GERMAN),
    ("passord", Password, NORDIC),
    ("pwd", Password, ANY),
    ("pw", Password, ENGLISH),
    ("api key", Secret, ENGLISH),
    ("api-key", Secret, ENGLISH),
    ("api token", Secret, ENGLISH),
    ("access key", Secret, ENGLISH),
    ("access token", Secret, ENGLISH),
    ("auth token", Secret, ENGLISH),
    ("bearer token", Secret, ENGLISH),
    ("client secret", Secret, ENGLISH),
    ("secret key", Secret, ENGLISH),
    ("secret", Secret, ENGLISH),
    ("token", Secret, ENGLISH),
    ("seed phrase", Phrase, ENGLISH),
    ("seed", Phrase, ENGLISH),
    ("product key", Secret, ENGLISH),
    ("recovery phrase", Phrase, ENGLISH),
    ("mnemonic", Phrase, ENGLISH),
    ("kennwort", Password, GERMAN),
    ("zugangsdaten", Password, GERMAN),
    ("mot de passe", Password, ROMANCE),
    ("mdp", Password, ROMANCE),
    ("contrase\u{f1}a", Password, ROMANCE),
    ("contrasenya", Password, ROMANCE),
    ("clave", Password, ROMANCE),
    ("senha", Password, ROMANCE),
    ("palavra-passe", Password, ROMANCE),
    ("parola d'ordine", Password, ROMANCE),
    ("parola", Password, ROMANCE),
    ("parol\u{103}", Password, ROMANCE),
    ("wachtwoord", Password, OTHER),
    ("l\u{f6}senord", Password, NORDIC),
    ("adgangskode", Password, NORDIC),
    ("kodeord", Password, NORDIC),
    ("salasana", Password, NORDIC),
    ("has\u{142}o", Password, SLAVIC),
    ("heslo", Password, SLAVIC),
    ("lozinka", Password, SLAVIC),
    ("\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}", Password, SLAVIC),
    ("\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}", Password, SLAVIC),
    ("jelsz\u{f3}", Password, OTHER),
    ("\u{15f}ifre", Password, OTHER),
    ("\u{15e}ifre", Password, OTHER),
    ("kata sandi", Password, OTHER),
    ("m\u{1ead}t kh\u{1ea9}u", Password, OTHER),
    ("M\u{1ead}t kh\u{1ea9}u", Password, OTHER),
    ("\u{3ba}\u{3c9}\u{3b4}\u{3b9}\u{3ba}\u{3cc}\u{3c2}", Password, ROMANCE),
    ("\u{39a}\u{3c9}\u{3b4}\u{3b9}\u{3ba}\u{3cc}\u{3c2}", Password, ROMANCE),
    ("\u{5e1}\u{5d9}\u{5e1}\u{5de}\u{5d4}", Password, OTHER),
    ("\u{643}\u{644}\u{645}\u{629} \u{627}\u{644}\u{645}\u{631}\u{648}\u{631}", Password, OTHER),
    ("\u{643}\u{644}\u{645}\u{629} \u{627}\u{644}\u{633}\u{631}", Password, OTHER),
    ("\u{92a}\u{93e}\u{938}\u{935}\u{930}\u{94d}\u{921}", Password, OTHER),
    ("\u{5bc6}\u{7801}", Password, JOINED),
    ("\u{5bc6}\u{78bc}", Password, JOINED),
    ("\u{53e3}\u{4ee4}", Password, JOINED),
    ("\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}", Password, JOINED),
    ("\u{be44}\u{bc00}\u{bc88}\u{d638}", Password, JOINED),
    ("\u{e23}\u{e2b}\u{e31}\u{e2a}\u{e1c}\u{e48}\u{e32}\u{e19}", Password, JOINED),
];

/// No further noun.
const NONE: u8 = u8::MAX;

/// The first noun that begins with each byte, and after each noun the next that begins alike.
static HEADS: [u8; 256] = LISTS.0;
static NEXT: [u8; NOUNS.len()] = LISTS.1;

const LISTS: ([u8; 256], [u8; NOUNS.len()]) = lists();

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "at compile time"
)]
const fn lists() -> ([u8; 256], [u8; NOUNS.len()]) {
    let (mut heads, mut next, mut noun) = ([NONE; 256], [NONE; NOUNS.len()], NOUNS.len());
    assert!(NOUNS.len() < NONE as usize);
    while noun > 0 {
        noun -= 1;
        let first = NOUNS[noun].0.as_bytes()[0];
        next[noun] = heads[first as usize];
        heads[first as usize] = noun as u8;
        heads[first.to_ascii_uppercase() as usize] = noun as u8;
    }
    (heads, next)
}

/// The noun that begins here.
fn noun_at(rest: &[u8]) -> Option<&'static Noun> {
    let mut at = *HEADS.get(usize::from(*rest.first()?))?;
    while let Some(noun) = NOUNS.get(usize::from(at)) {
        step();
        if rest.get(..noun.0.len()).is_some_and(|part| part.eq_ignore_ascii_case(noun.0.as_bytes()))
        {
            return Some(noun);
        }
        at = *NEXT.get(usize::from(at))?;
    }
    None
}

/// The noun that begins here and is a word of its own.
fn whole_noun(rest: &[u8]) -> Option<&'static Noun> {
    noun_at(rest).filter(|(noun, ..)| !at(rest, noun.len()).is_ascii_alphanumeric())
}

/// The secret that the noun at `here` names.
pub(super) fn named(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let rest = text.get(here..)?;
    let (noun, tells, verbs) = noun_at(rest)?;
    let after = here.saturating_add(noun.len());
    let joined = *verbs == JOINED;
    // Several of them.
    let plural =
        at(text, after) == b's' && !at(text, after.saturating_add(1)).is_ascii_alphanumeric();
    let after = after.saturating_add(usize::from(plural));
    // Nouns of other languages have endings: `l\u{f6}senordet`.
    let ending = text.get(after..)?.iter().take(4).take_while(|byte| byte.is_ascii_lowercase());
    let ending = ending.count();
    let inflected = matches!(ending, 1..=3) && (*verbs == NORDIC || *verbs == OTHER);
    let after = after.saturating_add(if inflected { ending } else { 0 });
    if !joined && (at(text, after).is_ascii_alphanumeric() || b"_-".contains(&at(text, after))) {
        return None;
    }
    // After a name such as `password` alone, the sign finds the value.
    let signed = names::tells(noun.as_bytes()) != Tells::Nothing && !joined && !noun.contains(' ');
    let (start, sure) = value_after(text, after, verbs, joined, signed)?;
    let mut value = value(text, start, Manner::Plain, ends)?;
    if joined && !value.quoted && at(text, start) < 0xE0 {
        // The sentence goes on in its own script, without a space.
        let bytes = text.get(start..value.end)?;
        let length = bytes.iter().take(256).position(|byte| *byte >= 0xE0 && *byte != 0xE2);
        value.end = length.map_or(value.end, |length| start.saturating_add(length));
    }
    let sure = if value.quoted { Sure::Quoted } else { sure };
    judged(text, value, noun.as_bytes(), *tells, sure)
}

/// A further value of the same noun: "from X to Y", "X or Y".
pub(super) fn another(text: &[u8], hit: Hit, ends: &mut Ends) -> Option<Hit> {
    let after = text.get(hit.end..)?.iter().take(4);
    let quote = after.take_while(|byte| b"\\\"'`*".contains(byte)).count();
    let here = hit.end.saturating_add(quote);
    let rest = text.get(here..)?;
    let link = [&b" to "[..], b" and ", b" or ", b" (old one was "].into_iter();
    let link = link.filter(|link| rest.starts_with(link)).map(<[u8]>::len).next()?;
    let value = value(text, here.saturating_add(link), Manner::Plain, ends)?;
    let bytes = text.get(value.start..value.end)?;
    let sure = if value.quoted { Sure::Quoted } else { Sure::Spoken };
    looks::password(bytes, sure).then_some(Hit { start: value.start, end: value.end, ..hit })
}

/// What stands before a user's name and a password.
pub(super) const PAIR_LEADS: [&[u8]; 17] = [
    b"user/pass",
    b"user/password",
    b"username/password",
    b"login/password",
    b"login/pass",
    b"user:pass",
    b"credentials are",
    b"credentials",
    b"creds are",
    b"creds",
    b"log in as",
    b"log in with",
    b"login as",
    b"login with",
    b"sign in as",
    b"sign in with",
    b"login",
];

/// The password behind a user's name: "log in as bob / X", "user/pass: bob:X".
pub(super) fn pair(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    const BETWEEN: [&[u8]; 7] =
        [b" / ", b"/", b" : ", b": ", b":", b" and password ", b" with password "];
    let rest = text.get(here..)?;
    let lead = PAIR_LEADS.iter().find(|lead| {
        step();
        rest.get(..lead.len()).is_some_and(|part| part.eq_ignore_ascii_case(lead))
    })?;
    let after = rest.get(lead.len()..)?;
    let skip =
        after.iter().take(8).take_while(|byte| b" :=`\"'*->\xE2\x86\x92".contains(byte)).count();
    let user = after.get(skip..).filter(|_| skip > 0)?;
    let part = |byte: &&u8| {
        step();
        byte.is_ascii_alphanumeric() || b"._@+-".contains(byte)
    };
    let length = user.iter().take(64).take_while(part).count();
    let behind = user.get(length..).filter(|_| length > 0)?;
    let quote = behind.iter().take(4).take_while(|byte| b"`\"'*\\".contains(byte)).count();
    let behind = behind.get(quote..)?;
    let between = BETWEEN.iter().find(|between| behind.starts_with(between))?;
    let start = text.len().saturating_sub(behind.len()).saturating_add(between.len());
    let value = value(text, start, Manner::Plain, ends)?;
    let bytes = text.get(value.start..value.end)?;
    let sure = if value.quoted { Sure::Quoted } else { Sure::Spoken };
    let is_one = looks::password(bytes, sure) && !bytes.contains(&b'/');
    is_one.then_some(Hit { kind: PASSWORD, start: value.start, end: value.end })
}

/// What stands before a value that is said to be a password after it.
pub(super) const USE_LEADS: [&[u8]; 6] = [b"use ", b"enter ", b"type ", b"with ", b"try ", b"set "];

/// The value that is said to be a password after it: "use X as the password".
pub(super) fn before_noun(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    const LINKS: [&[u8]; 7] =
        [b" as the ", b" as your ", b" as my ", b" as its ", b" as ", b" for the ", b" as a "];
    let rest = text.get(here..)?;
    let lead = USE_LEADS.iter().find(|lead| {
        step();
        rest.get(..lead.len()).is_some_and(|part| part.eq_ignore_ascii_case(lead))
    })?;
    let value = value(text, here.saturating_add(lead.len()), Manner::Plain, ends)?;
    let bytes = text.get(value.start..value.end)?;
    let after = text.get(value.end..value.end.saturating_add(BYTES).min(text.len()))?;
    let quotes = after.iter().take(4).take_while(|byte| b"\\\"'`*".contains(byte)).count();
    let after = after.get(quotes..)?;
    let link = LINKS.iter().find(|link| after.starts_with(link))?;
    let noun = after.get(link.len()..)?;
    let spaces = noun.iter().enumerate().filter(|(_, byte)| **byte == b' ');
    let words = spaces.map(|(place, _)| place.saturating_add(1));
    let (_, tells, _) =
        iter::once(0).chain(words).take(3).find_map(|begin| whole_noun(noun.get(begin..)?))?;
    let sure = if value.quoted { Sure::Quoted } else { Sure::Spoken };
    let is_one = if *tells == Password {
        looks::password(bytes, sure)
    } else {
        looks::key(bytes, sure, true)
    };
    is_one.then_some(Hit { kind: PASSWORD, start: value.start, end: value.end })
}

/// Where the value begins that a noun ending at `after` names.
fn value_after(
    text: &[u8],
    after: usize,
    verbs: &[&str],
    joined: bool,
    signed: bool,
) -> Option<(usize, Sure)> {
    let rest = text.get(after..)?;
    if joined {
        let begin = spaces(text, after).saturating_sub(after);
        let rest = rest.get(begin..)?;
        let verb = verbs.iter().find(|verb| rest.starts_with(verb.as_bytes()));
        let skip = verb.map_or(0, |verb| verb.len()).saturating_add(begin);
        return Some((spaces(text, after.saturating_add(skip)), Sure::Spoken));
    }
    let mut here = after;
    // How a device keeps it: `secret 0 X`.
    let kept = [&b" 0 "[..], b" 7 "].iter().any(|kind| rest.starts_with(kind));
    here = here.saturating_add(if kept { 2 } else { 0 });
    for word in 0..=WORDS {
        here = spaces(text, here);
        if word == 0 && signed && here == after {
            return None;
        }
        let apart = here > after || matches!(at(text, here), b':' | b'=' | b'"' | b'\'' | 0xEF);
        if !apart || here.saturating_sub(after) > BYTES {
            return None;
        }
        let rest = text.get(here..)?;
        let length = rest.iter().take(BYTES).take_while(|byte| **byte > b' ').count();
        let bytes = rest.get(..length)?;
        let next = here.saturating_add(length);
        // `: ` after an English noun alone is an assignment, which is found by its sign.
        let sign = bytes.first().copied()?;
        if word == 0 && signed && b":=".contains(&sign) {
            return None;
        }
        if sign == b':' || sign == b'=' {
            return Some((spaces(text, here.saturating_add(1)), Sure::Loose));
        }
        let is_verb = |verb: &&str| {
            step();
            bytes.eq_ignore_ascii_case(verb.as_bytes())
        };
        if verbs.iter().any(is_verb) {
            return Some((filler(text, next), Sure::Spoken));
        }
        if bytes.ends_with(b":") {
            return Some((spaces(text, next), Sure::Spoken));
        }
        if word == 0 && (matches!(sign, b'"' | b'\'' | b'`' | b'\\') || is_direct(bytes)) {
            return Some((here, Sure::Spoken));
        }
        if bytes.iter().any(|byte| b".?!;(".contains(byte)) {
            return None;
        }
        here = next;
    }
    None
}

/// Whether the word right after a noun may be its value: it has a digit and a letter.
fn is_direct(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic)
        || looks::password(word, Sure::Spoken)
}

/// Passes over what may stand between the verb and the value.
fn filler(text: &[u8], here: usize) -> usize {
    const FILLERS: [&[u8]; 12] = [
        b"now",
        b"still",
        b"currently",
        b"simply",
        b"just",
        b"set to",
        b"reset to",
        b"changed to",
        b"now set to",
        b"the following:",
        b":",
        b"jetzt",
    ];
    let here = spaces(text, here);
    let rest = text.get(here..).unwrap_or_default();
    let filler = FILLERS
        .iter()
        .find(|filler| rest.starts_with(filler) && !at(rest, filler.len()).is_ascii_alphanumeric());
    filler.map_or(here, |filler| spaces(text, here.saturating_add(filler.len())))
}

fn spaces(text: &[u8], mut here: usize) -> usize {
    for _ in 0..8 {
        let colour = values::colour(text, here);
        here = match at(text, here) {
            _ if colour > 0 => here.saturating_add(colour),
            b' ' | b'\t' => here.saturating_add(1),
            b'\\' if let Some(tab) = values::tab(text, here) => tab,
            b'*' if at(text, here.saturating_add(1)) == b'*' => here.saturating_add(2),
            0xE3 if text
                .get(here..)
                .is_some_and(|rest| rest.starts_with("\u{3000}".as_bytes())) =>
            {
                here.saturating_add(3)
            }
            _ => break,
        };
    }
    here
}
