//! Secrets in command lines that stand there without an option: `htpasswd -b FILE USER X`, `echo X | docker login`,
//! `sqlplus user/X@service`.

use super::{
    chance::{Sorts, varied},
    command::{hit, is_one},
    hit::Hit,
    kinds::PASSWORD,
    looks,
    names::{self, Tells},
    place::value,
    shape::{at, step},
    stand_ins::Sure,
    values::{self, Ends, Manner},
};

/// How far the end of a command is looked for.
const LINE: usize = 200;

/// The secret that is piped into a program: `echo X | docker login --password-stdin`, with `echo` at `here`.
fn piped(text: &[u8], here: usize) -> Option<Hit> {
    const READERS: [&[u8]; 5] =
        [b"--password-stdin", b"sudo -S", b"--stdin", b"chpasswd", b"--with-token"];
    let rest = text.get(here..)?.strip_prefix(b"echo ")?;
    let flag = if rest.starts_with(b"-n ") { 3 } else { 0 };
    let mut start = here.saturating_add(5).saturating_add(flag);
    let line = text.get(start..)?;
    let line = line.get(..line.len().min(LINE))?.split(|byte| *byte == b'\n').next()?;
    let pipe = line.windows(3).position(|part| part == b" | ")?;
    let after = line.get(pipe..)?;
    let has = |reader: &[u8]| {
        after.windows(reader.len()).any(|part| {
            step();
            part == reader
        })
    };
    READERS.iter().find(|reader| has(reader))?;
    let mut end = start.saturating_add(pipe);
    if let Some((quote, begin)) = values::opens(text, start) {
        start = begin;
        end = values::closes(text, begin, quote)?;
    }
    if has(b"chpasswd") {
        let user = text.get(start..end)?.iter().position(|byte| *byte == b':')?;
        start = start.saturating_add(user).saturating_add(1);
    }
    let value = text.get(start..end)?;
    looks::password(value, Sure::Literal).then_some(Hit { kind: PASSWORD, start, end })
}

/// What else a word begins that this module looks for.
pub(super) const OTHERS: [&[u8]; 4] = [b"echo ", b"net use ", b"set-output name=", b"AUTH "];

/// What stands before an argument without a name, and how many words stand between.
pub(super) const CALLS: [(&[u8], usize); 43] = [
    (b"LOGIN ", 1),
    (b"key-string ", 0),
    (b"option key ", 0),
    (b"auth sha ", 0),
    (b"auth md5 ", 0),
    (b"priv aes 128 ", 0),
    (b"message-digest-key ", 2),
    (b"snmp-server community ", 0),
    (b"rocommunity ", 0),
    (b"rwcommunity ", 0),
    (b"crypto isakmp key ", 0),
    (b"radius-server key ", 0),
    (b"tacacs-server key ", 0),
    (b"wpa_passphrase ", 1),
    (b"bw unlock ", 0),
    (b"rclone obscure ", 0),
    (b"wandb login ", 0),
    (b"mc alias set ", 3),
    (b"mosquitto_passwd -b ", 2),
    (b"config http-basic.", 2),
    (b"dscl . -passwd ", 1),
    (b"twilio login ", 1),
    (b"set-initial-password ", 0),
    (b"basic_auth ", 1),
    (b"IDENTIFY ", 0),
    (b"insecure-password ", 0),
    (b"plain-text-password-value ", 0),
    (b"ascii-text ", 0),
    (b"htpasswd -b ", 2),
    (b"htpasswd -bc ", 2),
    (b"htpasswd -nb ", 1),
    (b"rabbitmqctl add_user ", 1),
    (b"rabbitmqctl change_password ", 1),
    (b"net user ", 1),
    (b"vault login ", 0),
    (b"add-authtoken ", 0),
    (b"ConvertTo-SecureString -String ", 0),
    (b"ConvertTo-SecureString ", 0),
    (b"vault operator unseal ", 0),
    (b"add-mask::", 0),
    (b"oathtool --totp -b ", 0),
    (b"oathtool --totp ", 0),
    (b"op signin ", 3),
];

/// The secret that is an argument without a name: `htpasswd -b FILE USER X`.
pub(super) fn positional(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let rest = text.get(here..)?;
    // Most words have another beginning.
    let [first, second] = [0, 1].map(|place| at(rest, place));
    let begins = |begin: &[u8]| at(begin, 0) == first && at(begin, 1) == second;
    let known = CALLS.iter().any(|(begin, _)| begins(begin));
    if !known && !SLASHED.iter().chain(&OTHERS).any(|begin| begins(begin)) {
        return None;
    }
    let own = piped(text, here);
    let own = own
        .or_else(|| after_slash(text, here, ends))
        .or_else(|| mapped_drive(text, here, ends))
        .or_else(|| set_output(text, here, ends))
        .or_else(|| redis_auth(text, here, ends));
    if own.is_some() {
        return own;
    }
    let (call, words) = CALLS.iter().find(|(call, _)| rest.starts_with(call))?;
    let mut start = here.saturating_add(call.len());
    for _ in 0..*words {
        let word = text.get(start..)?.iter().take(64).position(|byte| *byte == b' ')?;
        start = start.saturating_add(word).saturating_add(1);
    }
    let value = value(text, start, Manner::Word, ends)?;
    let bytes = text.get(value.start..value.end)?;
    (is_one(bytes) && bytes.first() != Some(&b'-')).then_some(hit(value))
}

/// What stands before a user's name, a slash and a password.
pub(super) const SLASHED: [&[u8]; 9] = [
    b"sqlplus ",
    b"sqlldr ",
    b"expdp ",
    b"impdp ",
    b"exp ",
    b"imp ",
    b"rman target ",
    b"jdbc:oracle:thin:",
    b"jdbc:oracle:oci:",
];

/// The password in `sqlplus user/X@service`, and in an address of such a service.
fn after_slash(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let rest = text.get(here..)?;
    let mut length = SLASHED.iter().find(|begin| rest.starts_with(begin))?.len();
    // Options of the program: `sqlplus -s user/X@service`.
    for _ in 0..3 {
        let option = rest.get(length..)?;
        if option.first() != Some(&b'-') {
            break;
        }
        let space = option.iter().take(16).position(|byte| *byte == b' ')?;
        length = length.saturating_add(space).saturating_add(1);
    }
    let value = value(text, here.saturating_add(length), Manner::Word, ends)?;
    let bytes = text.get(value.start..value.end)?;
    let user = bytes.iter().take(64).position(|byte| *byte == b'/')?.saturating_add(1);
    let end = bytes.iter().rposition(|byte| *byte == b'@').unwrap_or(bytes.len());
    let password = bytes.get(user..end)?;
    let start = value.start.saturating_add(user);
    is_one(password).then_some(Hit { kind: PASSWORD, start, end: value.start.saturating_add(end) })
}

/// The password of `net use Z: \\host\share X /user:bob`, or behind the user.
fn mapped_drive(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let rest = text.get(here..)?.strip_prefix(b"net use ")?;
    let line = rest.get(..rest.len().min(LINE))?;
    let line = line.split(|byte| matches!(byte, b'\n' | b'"' | b'`' | b'\'')).next()?;
    let mut place = here.saturating_add(8);
    for word in line.split(|byte| *byte == b' ') {
        let start = place;
        place = place.saturating_add(word.len()).saturating_add(1);
        let other = matches!(word, [b'\\' | b'/', ..] | [.., b':']);
        let Some(value) = value(text, start, Manner::Word, ends) else { continue };
        if !other && is_one(text.get(value.start..value.end)?) {
            return Some(hit(value));
        }
    }
    None
}

/// The value of an output that a step of a workflow sets: `set-output name=token::X`.
fn set_output(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let rest = text.get(here..)?.strip_prefix(b"set-output name=")?;
    let length = rest.get(..rest.len().min(64))?.windows(2).position(|part| part == b"::")?;
    if names::tells(rest.get(..length)?) == Tells::Nothing {
        return None;
    }
    let start = here.saturating_add(16).saturating_add(length).saturating_add(2);
    let value = value(text, start, Manner::Word, ends)?;
    is_one(text.get(value.start..value.end)?).then_some(hit(value))
}

/// The password of `AUTH X`, `AUTH user X`, `HELLO 3 AUTH user X`, at the end of a line.
fn redis_auth(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    text.get(here..)?.strip_prefix(b"AUTH ")?;
    let first = value(text, here.saturating_add(5), Manner::Word, ends)?;
    let second = value(text, first.end.saturating_add(1), Manner::Word, ends);
    let value = second.filter(|it| at(text, first.end) == b' ' && it.start > first.end);
    let value = value.unwrap_or(first);
    let bytes = text.get(value.start..value.end)?;
    let after = at(text, value.end);
    let mechanism =
        bytes.iter().all(|byte| byte.is_ascii_uppercase() || b"-0123456789".contains(byte));
    (after != b' ' && !mechanism && is_one(bytes)).then_some(hit(value))
}

/// The password that a program reads from the word behind `<<<`, with the first of these signs at `here`.
pub(super) fn here_string(text: &[u8], here: usize) -> Option<Hit> {
    text.get(here..)?.strip_prefix(b"<<< ")?;
    let value = value(text, here.saturating_add(4), Manner::Word, &mut Ends::default())?;
    let bytes = text.get(value.start..value.end)?;
    let strong = Sorts::of(bytes).kinds() > 2 || varied(bytes, 12);
    (strong && looks::password(bytes, Sure::Literal)).then_some(hit(value))
}
