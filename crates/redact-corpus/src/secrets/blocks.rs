//! Private keys that take several lines.

use super::dice::Dice;
use super::encodings::base64;

/// A block: `LABEL` or `LABEL BYTES`; the label's spaces are written `_`.
pub(super) fn make(argument: &str, dice: &mut Dice) -> String {
    let (label, bytes) = argument.split_once(' ').unwrap_or((argument, "600"));
    let bytes = bytes.parse().unwrap_or(600) + dice.roll(4);
    let label = label.replace('_', " ");
    match label.as_str() {
        "PUTTY2" | "PUTTY3" => putty(&label, bytes, dice),
        _ => armored(&label, bytes, dice),
    }
}

fn armored(label: &str, bytes: usize, dice: &mut Dice) -> String {
    let (name, headers, first) = match label {
        "PGP" => ("PGP PRIVATE KEY BLOCK", "\n", vec![0x95]),
        "PGP VERSION" => ("PGP PRIVATE KEY BLOCK", "Version: GnuPG v2\n\n", vec![0x95]),
        "RSA LOCKED" => (
            "RSA PRIVATE KEY",
            "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F1E2D3C4B5A69788796A5B4C3D2E1F0\n\n",
            dice.bytes(8),
        ),
        "OPENSSH PRIVATE KEY" => (label, "", b"openssh-key-v1\0\0\0\0\x04none".to_vec()),
        _ => (label, "", vec![0x30, 0x82, 0x04, 0xA4, 0x02, 0x01, 0x00]),
    };
    let mut content = first;
    content.extend(dice.bytes(bytes));
    let dashes = "-".repeat(5);
    let width = if label == "OPENSSH PRIVATE KEY" { 70 } else { 64 };
    let rows = rows(&content, width);
    let check = if name.starts_with("PGP") {
        format!("\n={}", base64(&dice.bytes(3)))
    } else {
        String::new()
    };
    format!("{dashes}BEGIN {name}{dashes}\n{headers}{rows}{check}\n{dashes}END {name}{dashes}")
}

fn rows(content: &[u8], width: usize) -> String {
    let encoded = base64(content);
    let rows: Vec<&str> = (0..encoded.len())
        .step_by(width)
        .map(|at| &encoded[at..encoded.len().min(at + width)])
        .collect();
    rows.join("\n")
}

fn putty(label: &str, bytes: usize, dice: &mut Dice) -> String {
    let (version, check) = if label == "PUTTY2" { ("2", 20) } else { ("3", 32) };
    let (public, private) = (rows(&dice.bytes(bytes / 2), 64), rows(&dice.bytes(bytes), 64));
    let check: String = dice.bytes(check).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "PuTTY-User-Key-File-{version}: ssh-ed25519\nEncryption: none\nComment: key of bob\n\
         Public-Lines: {}\n{public}\nPrivate-Lines: {}\n{private}\nPrivate-MAC: {check}",
        public.lines().count(),
        private.lines().count()
    )
}
