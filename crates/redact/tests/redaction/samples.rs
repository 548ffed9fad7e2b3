//! Made-up secrets of every kind. No literal here looks like a secret: they are assembled when the
//! tests run.

use nexus_redact::{Check, KINDS, Kind};

/// A generator that is random enough, and the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % sides as u64).unwrap()
    }

    /// `count` characters of a class. Each sort of the class occurs within any twelve.
    pub(crate) fn characters(&mut self, class: u8, count: usize) -> String {
        let (lower, upper, digits) =
            ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789");
        let sorts: &[&str] = match class {
            b'd' => &[digits],
            b'h' => &["abcdef", digits],
            b'H' => &["abcdefABCDEF", digits],
            b'l' => &[lower, digits],
            b'u' => &[upper, digits],
            b'=' => &["="],
            b'%' => &[lower, "%", upper, digits],
            b'b' => &[lower, digits, upper, "+/"],
            b'w' => &[lower, digits, upper, "-_"],
            // Without dots, because they could be taken for the end of a sentence.
            _ => &[lower, digits, upper],
        };
        let pick = |dice: &mut Self, place: usize| {
            let sort = sorts[(place + dice.roll(2)) % sorts.len()];
            // The first and last character must be part of a word, so that everyone agrees where
            // the secret ends.
            let sort = if place == 0 || place + 1 == count { sorts[0] } else { sort };
            char::from(sort.as_bytes()[dice.roll(sort.len())])
        };
        (0..count).map(|place| pick(self, place)).collect()
    }
}

/// A part of a form: a literal, or a class with its least and greatest count.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Literal(String),
    Run(u8, usize, Option<usize>),
    Begin,
}

/// The parts of a form, parsed independently of the tested code.
pub(crate) fn parts(form: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = form;
    while let Some(first) = rest.chars().next() {
        if first == '{' {
            let (run, after) = rest[1..].split_once('}').unwrap();
            let bounds = &run[1..];
            let (least, most) = match (bounds.strip_suffix('+'), bounds.split_once('-')) {
                (Some(least), _) => (least.parse().unwrap(), None),
                (None, Some((least, most))) => {
                    (least.parse().unwrap(), Some(most.parse().unwrap()))
                }
                (None, None) => (bounds.parse().unwrap(), Some(bounds.parse().unwrap())),
            };
            parts.push(Part::Run(run.as_bytes()[0], least, most));
            rest = after;
        } else if first == '<' {
            parts.push(Part::Begin);
            rest = &rest[1..];
        } else {
            let end = rest.find(['{', '<']).unwrap_or(rest.len());
            parts.push(Part::Literal(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    parts
}

/// A secret, and what must stand before it.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) before: String,
    pub(crate) secret: String,
}

impl Sample {
    fn bare(secret: String) -> Self {
        Self { before: String::new(), secret }
    }

    fn after(before: &str, secret: String) -> Self {
        Self { before: before.to_owned(), secret }
    }

    pub(crate) fn whole(&self) -> String {
        format!("{}{}", self.before, self.secret)
    }
}

/// Fills in a form. `change` may alter the length of the last run, starting from its minimum.
pub(crate) fn filled(form: &str, dice: &mut Dice, change: impl Fn(usize) -> usize) -> Sample {
    let parts = parts(form);
    let last = parts
        .iter()
        .rposition(|part| matches!(part, Part::Run(class, ..) if *class != b'='))
        .unwrap();
    let mut sample = Sample::bare(String::new());
    for (place, part) in parts.into_iter().enumerate() {
        match part {
            Part::Literal(text) => sample.secret.push_str(&text),
            Part::Begin => sample.before = std::mem::take(&mut sample.secret),
            Part::Run(class, least, most) => {
                let count = if place == last { change(least) } else { least };
                let most = most.unwrap_or(least + 20);
                let more =
                    if count == least && most > least { dice.roll(most - least + 1) } else { 0 };
                sample.secret.push_str(&dice.characters(class, count + more));
            }
        }
    }
    sample
}

/// Sample `number` of a kind.
#[allow(clippy::too_many_lines, reason = "a list")]
pub(crate) fn sample(kind: &Kind, number: usize) -> Sample {
    let mut dice = Dice::new(number as u64 + 1);
    if kind.name == "basic_auth" {
        return Sample::after(
            "Basic ",
            base64(&format!("user:{}", dice.characters(b'a', 9 + number))),
        );
    }
    if !kind.shapes.is_empty() {
        let filled = filled(kind.shapes[number % kind.shapes.len()], &mut dice, |least| least);
        return match kind.check {
            Check::Told(maker) => Sample::after(&format!("{maker}: "), filled.secret),
            _ => filled,
        };
    }
    let of = |options: &[&'static str]| options[number % options.len()];
    match kind.name {
        "private_key" => {
            let label = of(&["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "]);
            Sample::bare(armor(&format!("{label}PRIVATE KEY"), &mut dice))
        }
        "pgp_private_key" => Sample::bare(armor("PGP PRIVATE KEY BLOCK", &mut dice)),
        "putty_private_key" => {
            let row = |dice: &mut Dice| dice.characters(b'a', 64);
            let (public, private, mac) =
                (row(&mut dice), row(&mut dice), dice.characters(b'h', 40));
            Sample::bare(format!(
                "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: rsa-key\nPublic-Lines: 1\n{public}\nPrivate-Lines: 1\n{private}\nPrivate-MAC: {mac}"
            ))
        }
        "card_number" => Sample::bare(card(number, &mut dice)),
        "password" => {
            let name = of(&[
                "password = ",
                "DB_PASSWORD=",
                "\"password\": \"",
                "passwd: ",
                "pwd => '",
                "userPassword := `",
            ]);
            let symbol = of(&["!", "#", "%", "@", "*"]);
            let ends = |dice: &mut Dice| dice.characters(b'a', 5 + number % 4);
            let (one, two) = (ends(&mut dice), ends(&mut dice));
            Sample::after(name, format!("{one}{symbol}{two}"))
        }
        "secret" => {
            let name = of(&[
                "secret = ",
                "API_KEY=",
                "\"apiKey\": \"",
                "client_secret: ",
                "auth_token => '",
                "private-key=",
                "X-Api-Key: ",
                "access_token=",
                "_authToken=",
                "\\\"credential\\\": \\\"",
            ]);
            let class = [b'a', b'h', b'l', b'w'][number % 4];
            Sample::after(name, dice.characters(class, 24 + number))
        }
        "database_password" => {
            let scheme = of(&["postgres", "postgresql", "mysql", "mongodb+srv", "redis", "amqp"]);
            let user = of(&["admin", "", "app"]);
            Sample::after(&format!("{scheme}://{user}:"), dice.characters(b'a', 6 + number))
        }
        "url_password" => {
            let scheme = of(&["https", "ftp", "smtp", "ssh"]);
            Sample::after(&format!("{scheme}://bob:"), dice.characters(b'a', 6 + number))
        }
        "aws_secret_key" => {
            let name = of(&[
                "aws_secret_access_key = ",
                "AWS_SECRET_ACCESS_KEY=",
                "\"SecretAccessKey\": \"",
                "awsSecretKey: ",
            ]);
            Sample::after(name, dice.characters(b'b', 40))
        }
        "twilio_auth_token" => {
            Sample::after(of(&["TWILIO_AUTH_TOKEN=", "twilioToken: '"]), dice.characters(b'h', 32))
        }
        "datadog_key" => {
            let count = [32, 40][number % 2];
            Sample::after(
                of(&["DATADOG_API_KEY=", "datadog_app_key: "]),
                dice.characters(b'h', count),
            )
        }
        "mistral_api_key" => Sample::after(
            of(&["MISTRAL_API_KEY=", "\"mistral_key\": \""]),
            dice.characters(b'a', 32),
        ),
        "cohere_api_key" => {
            Sample::after(of(&["COHERE_API_KEY=", "cohere.token = '"]), dice.characters(b'a', 40))
        }
        "cloudflare_global_key" => Sample::after(
            of(&["CLOUDFLARE_API_KEY=", "cloudflare_key: \""]),
            dice.characters(b'h', 37),
        ),
        "session_cookie" => Sample::after(
            of(&["Cookie: sessionid=", "Set-Cookie: connect.sid=", "cookie: theme=dark; auth="]),
            dice.characters(b'h', 32),
        ),
        "recovery_phrase" => {
            let word = |dice: &mut Dice| {
                let letters = dice.characters(b'l', 12).replace(|it: char| !it.is_alphabetic(), "");
                format!("{letters:a<4.6}")
            };
            let words: Vec<_> = (0..12).map(|_| word(&mut dice)).collect();
            Sample::after(of(&["seed_phrase = \"", "\"mnemonic\": \""]), words.join(" "))
        }
        "otp_secret" => Sample::after(
            of(&["otpauth://totp/x?secret=", "otpauth://hotp/a:b?issuer=a&secret="]),
            dice.characters(b'u', 16),
        ),
        name => panic!("{name} has no sample"),
    }
}

/// What must follow the text for it to be a secret.
pub(crate) fn after(kind: &Kind, sample: &Sample) -> &'static str {
    if kind.name.ends_with("_password") {
        return "@db.example/x";
    }
    let quote = sample.before.chars().next_back();
    match quote {
        Some('"') if sample.before.ends_with("\\\"") => "\\\"",
        Some('"') => "\"",
        Some('\'') => "'",
        Some('`') => "`",
        _ => "",
    }
}

/// The kinds whose secret is one word that may stand anywhere.
pub(crate) fn is_one_word(kind: &Kind) -> bool {
    kind.shapes.iter().all(|form| !form.contains('<'))
        && !kind.shapes.is_empty()
        && !matches!(kind.check, Check::Told(_))
}

pub(crate) fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).unwrap()
}

pub(crate) fn armor(label: &str, dice: &mut Dice) -> String {
    let dashes = "-".repeat(5);
    let rows: Vec<String> = (0..5).map(|_| dice.characters(b'b', 64)).collect();
    let rows = rows.join("\n");
    format!("{dashes}BEGIN {label}{dashes}\n{rows}\nabc=\n{dashes}END {label}{dashes}")
}

/// A card number with the right check digit, with or without groups.
pub(crate) fn card(number: usize, dice: &mut Dice) -> String {
    let (begin, length) = [
        ("4", 16),
        ("51", 16),
        ("34", 15),
        ("6011", 16),
        ("36", 14),
        ("3530", 16),
        ("2221", 16),
        ("65", 16),
        ("37", 15),
        ("62", 16),
    ][number % 10];
    let body = format!("{begin}{}", dice.characters(b'd', length - 1 - begin.len()));
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            u32::from(byte - b'0') * u32::from(place % 2 == 1)
                + doubled(u32::from(byte - b'0')) * u32::from(place % 2 == 0)
        })
        .sum();
    let digits = format!("{body}{}", (10 - sum % 10) % 10);
    match (number % 3, length) {
        (0, 16) => {
            format!("{} {} {} {}", &digits[..4], &digits[4..8], &digits[8..12], &digits[12..])
        }
        (1, 16) => {
            format!("{}-{}-{}-{}", &digits[..4], &digits[4..8], &digits[8..12], &digits[12..])
        }
        (2, 15) => format!("{} {} {}", &digits[..4], &digits[4..10], &digits[10..]),
        _ => digits,
    }
}

pub(crate) fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let byte = |place: usize| usize::from(chunk.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = char::from(DIGITS[bits >> (18 - 6 * place) & 63]);
            encoded.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    encoded
}
