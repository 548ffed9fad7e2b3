//! What the name of a value says about it: `DB_PASSWORD`, `"clientSecret"`, `X-Api-Key`.
//!
//! The last word decides, as in speech: a `token secret` is a secret, and a `secret name` is a name.
//! Words that only qualify are passed over (`passwordProd2`). Some words before it make it harmless:
//! a `page token` lets nobody in.

use super::shape::step;

/// The most bytes of a name that are read.
pub(super) const LONGEST: usize = 64;
/// The most words of it.
const WORDS: usize = 12;

/// What a name says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tells {
    Nothing,
    /// A password: what people think of.
    Password,
    /// A secret that a machine made: a key, or what is called a secret.
    Secret,
    /// A token or a key of no further description: often a secret, often a mere id.
    Token,
    /// Words from which a wallet is restored.
    Phrase,
    /// A header whose value begins with a scheme: `Authorization: Bearer ...`.
    Authorization,
    /// A header of cookies.
    Cookie,
}

/// Words that name a password.
const PASSWORDS: [&[u8]; 28] = [
    b"pswd",
    b"psw",
    b"passwrd",
    b"authtok",
    b"sshpass",
    b"rootpw",
    b"bindpw",
    b"password",
    b"passwords",
    b"passwd",
    b"passphrase",
    b"passwort",
    b"kennwort",
    b"passcode",
    b"pwd",
    b"pass",
    b"pw",
    b"psk",
    b"senha",
    b"wachtwoord",
    b"salasana",
    b"heslo",
    b"parola",
    b"losenord",
    b"adgangskode",
    b"passord",
    b"requirepass",
    b"masterauth",
];
/// Ends of words that name a password: `dbpassword`, `storepass`.
const PASSWORD_ENDS: [&[u8]; 11] = [
    b"password",
    b"passwd",
    b"passphrase",
    b"passwort",
    b"kennwort",
    b"dbpass",
    b"storepass",
    b"keypass",
    b"userpass",
    b"rootpw",
    b"bindpw",
];
/// Words that name a secret of a machine.
const SECRETS: [&[u8]; 4] = [b"secret", b"secrets", b"credential", b"credentials"];
const SECRET_ENDS: [&[u8]; 10] = [
    b"secret",
    b"apikey",
    b"accesskey",
    b"privatekey",
    b"secretkey",
    b"authkey",
    b"signingkey",
    b"encryptionkey",
    b"masterkey",
    b"presharedkey",
];
/// Words before `key` that make it one.
const KEYS: [&[u8]; 33] = [
    b"api",
    b"app",
    b"access",
    b"private",
    b"secret",
    b"signing",
    b"encryption",
    b"account",
    b"master",
    b"subscription",
    b"shared",
    b"preshared",
    b"psk",
    b"auth",
    b"service",
    b"session",
    b"functions",
    b"function",
    b"admin",
    b"storage",
    b"deploy",
    b"write",
    b"license",
    b"activation",
    b"jwt",
    b"hmac",
    b"webhook",
    b"global",
    b"bearer",
    b"validation",
    b"decryption",
    b"machine",
    b"unseal",
];
/// Words before `token` that make it a secret of a machine.
const TOKENS: [&[u8]; 16] = [
    b"access",
    b"auth",
    b"api",
    b"bot",
    b"refresh",
    b"bearer",
    b"secret",
    b"personal",
    b"deploy",
    b"private",
    b"service",
    b"security",
    b"id",
    b"oauth",
    b"app",
    b"admin",
];
/// Words that make a token or a key one that lets nobody in.
const HARMLESS: [&[u8]; 93] = [
    b"verify",
    b"verification",
    b"skip",
    b"delta",
    b"starting",
    b"start",
    b"end",
    b"change",
    b"checkpoint",
    b"bookmark",
    b"scroll",
    b"query",
    b"pagination",
    b"paging",
    b"after",
    b"marker",
    b"watch",
    b"checksum",
    b"hmr",
    b"anti",
    b"forgery",
    b"antiforgery",
    b"request",
    b"form",
    b"count",
    b"limit",
    b"inchi",
    b"trust",
    b"page",
    b"next",
    b"prev",
    b"previous",
    b"continuation",
    b"sync",
    b"cursor",
    b"resume",
    b"device",
    b"push",
    b"registration",
    b"fcm",
    b"apns",
    b"expo",
    b"contract",
    b"erc20",
    b"mint",
    b"nft",
    b"pool",
    b"swap",
    b"color",
    b"colour",
    b"design",
    b"theme",
    b"max",
    b"min",
    b"total",
    b"prompt",
    b"completion",
    b"input",
    b"output",
    b"cancel",
    b"cancellation",
    b"lexer",
    b"syntax",
    b"stop",
    b"bos",
    b"eos",
    b"pad",
    b"mask",
    b"special",
    b"public",
    b"publishable",
    b"cache",
    b"primary",
    b"foreign",
    b"partition",
    b"sort",
    b"row",
    b"object",
    b"socket",
    b"idempotency",
    b"csrf",
    b"xsrf",
    b"site",
    b"host",
    b"translation",
    b"hash",
    b"hashed",
    b"encrypted",
    b"fingerprint",
    b"surrogate",
    b"unk",
    b"sep",
    b"cls",
];
/// Words before a password that make it none.
const NO_PASSWORDS: [&[u8]; 13] = [
    b"hash",
    b"hashed",
    b"encrypted",
    b"fingerprint",
    b"skip",
    b"verify",
    b"verification",
    b"max",
    b"min",
    b"count",
    b"limit",
    b"total",
    b"cache",
];
/// Words before `salt` in the names of settings that hold as much as a key.
const SALTS: [&[u8]; 6] = [b"auth", b"nonce", b"in", b"secret", b"security", b"app"];
/// Words that say no more than which one: they stand after the word that decides.
const PASSED_OVER: [&[u8]; 26] = [
    b"value",
    b"text",
    b"plain",
    b"plaintext",
    b"prod",
    b"production",
    b"dev",
    b"staging",
    b"test",
    b"live",
    b"new",
    b"old",
    b"current",
    b"env",
    b"base64",
    b"b64",
    b"string",
    b"base",
    b"raw",
    b"default",
    b"primary",
    b"secondary",
    b"backup",
    b"data",
    b"header",
    b"private",
];

/// A name, in words.
struct Words {
    bytes: [u8; LONGEST],
    /// Where each word ends.
    ends: [usize; WORDS],
    count: usize,
    /// It is written as names of settings are: `STRIPE_KEY`, `stripe_key`.
    is_setting: bool,
}

impl Words {
    /// Splits at separators, and where small letters are followed by a capital.
    fn of(name: &[u8]) -> Self {
        let header = name.contains(&b'-') && name.first().is_some_and(u8::is_ascii_uppercase);
        let is_setting = header || name.contains(&b'_') || !name.iter().any(u8::is_ascii_lowercase);
        let mut words = Self { bytes: [0; LONGEST], ends: [0; WORDS], count: 0, is_setting };
        let (mut length, mut before) = (0_usize, 0_u8);
        for (place, byte) in name.iter().enumerate().take(LONGEST) {
            step();
            let follows = name.get(place.saturating_add(1)).copied().unwrap_or(0);
            let camel = byte.is_ascii_uppercase()
                && (before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || before.is_ascii_uppercase() && follows.is_ascii_lowercase());
            if !byte.is_ascii_alphanumeric() || camel {
                words.end(length);
            }
            if byte.is_ascii_alphanumeric() {
                if let Some(to) = words.bytes.get_mut(length) {
                    *to = byte.to_ascii_lowercase();
                }
                length = length.saturating_add(1);
            }
            before = *byte;
        }
        words.end(length);
        words
    }

    fn end(&mut self, length: usize) {
        let begin = self.count.checked_sub(1).and_then(|last| self.ends.get(last)).copied();
        if length > begin.unwrap_or(0) && self.count < WORDS {
            if let Some(end) = self.ends.get_mut(self.count) {
                *end = length;
            }
            self.count = self.count.saturating_add(1);
        }
    }

    /// The word at a place.
    fn get(&self, place: usize) -> &[u8] {
        let begin = place.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
        let end = self.ends.get(place).copied().unwrap_or(0);
        self.bytes.get(begin..end).unwrap_or_default()
    }

    fn any(&self, until: usize, list: &[&[u8]]) -> bool {
        (0..until).any(|place| list.contains(&self.get(place)))
    }
}

/// Two letters that stand in telling words. Each of these words has one of them.
const PAIRS: [&[u8; 2]; 20] = [
    b"pa", b"pw", b"ps", b"ph", b"se", b"sa", b"ke", b"to", b"au", b"ad", b"co", b"cr", b"wo",
    b"wa", b"wd", b"he", b"jw", b"lo", b"mn", b"si",
];

/// Whether a name has two letters that a telling word has. Most names have none.
fn may_tell(name: &[u8]) -> bool {
    name.windows(2).any(|pair| {
        step();
        let [first, second] = pair else { return false };
        let pair = [first.to_ascii_lowercase(), second.to_ascii_lowercase()];
        PAIRS.contains(&&pair)
    })
}

/// What this name says of its value.
pub(super) fn tells(name: &[u8]) -> Tells {
    if !may_tell(name) {
        return Tells::Nothing;
    }
    let words = Words::of(name);
    let mut last = words.count;
    // `PASSWORD_2`, `secretProd`.
    while let Some(place) = last.checked_sub(1) {
        let word = words.get(place);
        let number = word.iter().all(u8::is_ascii_digit);
        if !number && !PASSED_OVER.contains(&word) || place == 0 {
            break;
        }
        last = place;
    }
    let Some(place) = last.checked_sub(1) else { return Tells::Nothing };
    let word = words.get(place);
    let word = word.get(..word.len().saturating_sub(digits_after(word))).unwrap_or(word);
    let before = place.checked_sub(1).map_or(&[][..], |place| words.get(place));
    let found = judge(word, before, &words, place);
    if matches!(found, Tells::Nothing | Tells::Authorization | Tells::Cookie) {
        return found;
    }
    // A hash of a password, and a public key.
    let harmless: &[&[u8]] = if found == Tells::Password { &NO_PASSWORDS } else { &HARMLESS };
    if words.any(place, harmless) { Tells::Nothing } else { found }
}

fn digits_after(word: &[u8]) -> usize {
    let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == word.len() { 0 } else { digits }
}

fn judge(word: &[u8], before: &[u8], words: &Words, place: usize) -> Tells {
    let ends = |list: &[&[u8]]| list.iter().any(|end| word.ends_with(end));
    if PASSWORDS.contains(&word) || ends(&PASSWORD_ENDS) {
        // `by pass`, `first pass`: no password unless it is all of the name, or a capitalised one.
        return Tells::Password;
    }
    if SECRETS.contains(&word) || ends(&SECRET_ENDS) {
        return Tells::Secret;
    }
    match word {
        b"mnemonic" => Tells::Phrase,
        b"phrase" if matches!(before, b"seed" | b"recovery" | b"mnemonic" | b"backup") => {
            Tells::Phrase
        }
        b"authorization" | b"authorisation" => Tells::Authorization,
        b"cookie" | b"cookies" => Tells::Cookie,
        b"key" | b"keys" if KEYS.contains(&before) => Tells::Secret,
        b"key" if words.any(place, &SECRETS) || words.any(place, &KEYS) => Tells::Secret,
        b"token" | b"tokens" | b"pat" if TOKENS.contains(&before) => Tells::Secret,
        b"salt" if words.is_setting && SALTS.contains(&before) => Tells::Secret,
        b"token" | b"pat" if place > 0 && words.is_setting => Tells::Secret,
        b"key" if place > 0 && words.is_setting => Tells::Token,
        b"pat" if place > 0 => Tells::Token,
        b"token" | b"jwt" | b"auth" => Tells::Token,
        b"signature" | b"sig" if words.any(place, &[b"sas"]) => Tells::Secret,
        _ if word.ends_with(b"token") => {
            let stem = word.get(..word.len().saturating_sub(5)).unwrap_or_default();
            let is = |list: &[&[u8]]| list.iter().any(|part| stem.ends_with(part));
            if is(&HARMLESS) {
                Tells::Nothing
            } else if is(&TOKENS) {
                Tells::Secret
            } else {
                Tells::Token
            }
        }
        _ => Tells::Nothing,
    }
}

/// Whether the value of such a parameter of an address lets its holder in: a key, or a signature.
pub(super) fn is_key_of_query(name: &[u8]) -> bool {
    matches!(name, b"key" | b"sig" | b"signature" | b"code" | b"appid" | b"sign")
        || name.ends_with(b"-Signature")
}

/// Whether a name says that the name of a pair follows, whose value stands beside it.
pub(super) fn is_name(name: &str) -> bool {
    matches!(name, "name" | "Name" | "key" | "Key" | "variable" | "type" | "field" | "label")
}

/// Whether a name says that the value of a pair follows, whose name stands beside it.
pub(super) fn is_value(name: &[u8]) -> bool {
    matches!(name, b"value" | b"Value" | b"VALUE" | b"val" | b"default" | b"content" | b"data")
}

/// Whether a cookie of this name lets its holder in.
pub(super) fn is_session(name: &[u8]) -> bool {
    const PARTS: [&[u8]; 12] = [
        b"liat",
        b"sess",
        b"sid",
        b"token",
        b"auth",
        b"jwt",
        b"login",
        b"remember",
        b"secret",
        b"key",
        b"passw",
        b"identity",
    ];
    const NOT: [&[u8]; 4] = [b"csrf", b"xsrf", b"residen", b"side"];
    let mut folded = [0_u8; LONGEST];
    let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric()).take(LONGEST);
    let length = letters
        .zip(folded.iter_mut())
        .map(|(byte, place)| *place = byte.to_ascii_lowercase())
        .count();
    let folded = folded.get(..length).unwrap_or_default();
    let has =
        |list: &[&[u8]]| list.iter().any(|part| folded.windows(part.len()).any(|w| w == *part));
    has(&PARTS) && !has(&NOT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_decides() {
        use Tells::{Authorization, Cookie, Nothing, Password, Phrase, Secret, Token};
        for (name, said) in [
            ("DB_PASSWORD", Password),
            ("dbPassword2", Password),
            ("spring.datasource.password", Password),
            ("PGPASSWORD", Password),
            ("storepass", Password),
            ("wpa-psk", Password),
            ("client_secret", Secret),
            ("clientSecretValue", Secret),
            ("X-Api-Key", Secret),
            ("Ocp-Apim-Subscription-Key", Secret),
            ("APIKEY", Secret),
            ("PresharedKey", Secret),
            ("SECRET_KEY_BASE", Secret),
            ("aws_secret_access_key", Secret),
            ("AWSSecretKey", Secret),
            ("access_token", Secret),
            ("_authToken", Secret),
            ("STRIPE_KEY", Token),
            ("token", Token),
            ("gitlabToken", Token),
            ("Authorization", Authorization),
            ("Set-Cookie", Cookie),
            ("seed_phrase", Phrase),
            ("secretName", Nothing),
            ("SecretArn", Nothing),
            ("tokenId", Nothing),
            ("tokenMint", Nothing),
            ("token_type", Nothing),
            ("nextPageToken", Nothing),
            ("nextpagetoken", Nothing),
            ("continuationToken", Nothing),
            ("deviceToken", Nothing),
            ("credentialId", Nothing),
            ("passwordHash", Nothing),
            ("password_file", Nothing),
            ("hashed_password", Nothing),
            ("public_key", Nothing),
            ("cache-key", Nothing),
            ("primaryKey", Nothing),
            ("max_tokens", Nothing),
            ("bypass", Nothing),
            ("compass", Nothing),
            ("author", Nothing),
            ("key", Nothing),
            ("monkey", Nothing),
        ] {
            assert_eq!(tells(name.as_bytes()), said, "{name}");
        }
    }
}
