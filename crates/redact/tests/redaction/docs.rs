//! `docs/redaction.md` lists what the relay finds.

use crate::samples::sample;
use nexus_redact::{Check, KINDS, Kind};

/// How a secret of a kind begins.
fn example(kind: &Kind) -> String {
    let begin = match kind.name {
        "private_key" => "-----BEGIN RSA PRIVATE KEY----- ...".to_owned(),
        "pgp_private_key" => "-----BEGIN PGP PRIVATE KEY BLOCK----- ...".to_owned(),
        "putty_private_key" => "PuTTY-User-Key-File-2: ssh-rsa ...".to_owned(),
        "card_number" => "4539 1488 ...".to_owned(),
        _ => {
            let sample = sample(kind, 0);
            let literal = kind.shapes.first().and_then(|form| form.split('{').next());
            let literal =
                literal.map_or(0, |form| form.len() - form.find('<').map_or(0, |at| at + 1));
            let secret: String = sample.secret.chars().take(literal + 4).collect();
            format!("{}{secret}...", sample.before)
        }
    };
    format!("`{begin}`")
}

fn form(kind: &Kind) -> String {
    let code = match kind.name {
        "private_key" => "PEM and OpenSSH, from `-----BEGIN` to `-----END`",
        "pgp_private_key" => "armored, from `-----BEGIN` to `-----END`",
        "putty_private_key" => "a key file with its private lines",
        "card_number" => {
            "14 to 16 digits of a known issuer, in one or as printed, with the right check digit"
        }
        "password" => {
            "the value of a name with `password`, `passwd`, `passphrase`, `passwort` or `pwd`"
        }
        "secret" => {
            "the value of a name such as `secret`, `token`, `api_key`, `access_key`, `private_key`, `auth`, `credential`"
        }
        "database_password" => "the password in an address of a database or queue",
        "url_password" => "the password in any other address",
        "aws_secret_key" => {
            "`{b40}` as the value of a name with `aws` or `secret_access_key` that tells of a secret"
        }
        "twilio_auth_token" => "`{h32}` as the value of a name with `twilio`",
        "datadog_key" => "`{h32}` or `{h40}` as the value of a name with `datadog`",
        "mistral_api_key" => "`{a32}` as the value of a name with `mistral`",
        "cohere_api_key" => "`{a40}` as the value of a name with `cohere`",
        "cloudflare_global_key" => "`{h37}` as the value of a name with `cloudflare`",
        "session_cookie" => "in a header of cookies, the value of a cookie that names a session",
        "recovery_phrase" => {
            "12, 15, 18, 21 or 24 words as the value of a name such as `mnemonic` or `seed phrase`"
        }
        "otp_secret" => "the `secret` in an address `otpauth:`",
        _ => "",
    };
    if !code.is_empty() {
        return code.to_owned();
    }
    let forms: Vec<String> = kind.shapes.iter().map(|form| format!("`{form}`")).collect();
    let check = match kind.check {
        Check::None => String::new(),
        Check::Told(maker) => format!("; after the name `{maker}`"),
        Check::Alone => "; at the beginning of a name".to_owned(),
        Check::Mixed => "; with a digit, a small and a capital letter".to_owned(),
        Check::Random => "; of random characters".to_owned(),
        Check::Basic => "; base64 of `user:password`".to_owned(),
    };
    forms.join(", ") + &check
}

#[test]
fn the_document_lists_every_kind() {
    let row = |kind: &Kind| format!("| `{}` | {} | {} |\n", kind.name, form(kind), example(kind));
    let table: String = KINDS.iter().map(row).collect();
    let page = include_str!("../../../../docs/redaction.md");
    let start = page.find("| `private_key`").unwrap_or(page.len());
    let rows: String =
        page[start..].split_inclusive('\n').take_while(|line| line.starts_with("| ")).collect();
    assert!(rows == table, "the table in docs/redaction.md must be:\n{table}");
    let count = format!("{} kinds", KINDS.len());
    assert!(page.contains(&count), "docs/redaction.md must speak of {count}");
}
