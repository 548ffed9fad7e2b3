//! Secrets in command lines: `--password X`, `-pX` of the programs that have it, `-u user:X`.

use super::{
    chance::mixed,
    hit::Hit,
    kinds::PASSWORD,
    looks,
    names::{self, Tells},
    place::{judged, value},
    shape::{at, bits, class, step},
    stand_ins::{Sure, stands_for_password},
    values::{self, Ends, Manner, Value},
};

/// How far back the program of an option is looked for.
const BEFORE: usize = 200;

/// How an option of one letter holds a password.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// As its value: `-p X` or `-pX`.
    Value,
    /// Only without a space: `-pX`. With one, something else follows.
    Glued,
    /// After the user's name: `-u user:X`.
    AfterColon,
    /// After the user's name: `-u user,X`.
    AfterComma,
    /// After the user's name: `-U user%X`.
    AfterPercent,
}

/// Options of one letter that hold a password, by the beginning of the program's name.
const OPTIONS: [(u8, Holds, &[&[u8]]); 24] = [
    (b'a', Holds::AfterColon, &[b"http", b"xh"]),
    (b'p', Holds::Glued, &[b"mysql", b"mariadb", b"7z", b"rar", b"unrar", b"percona", b"mydumper"]),
    (
        b'p',
        Holds::Value,
        &[
            b"sshpass",
            b"login",
            b"mongo",
            b"cqlsh",
            b"twine",
            b"ncftp",
            b"rdesktop",
            b"evil-winrm",
            b"crackmapexec",
            b"netexec",
            b"nxc",
            b"hydra",
            b"influx",
            b"clickhouse",
            b"lpass",
            b"sqoop",
            b"tsm",
            b"tabcmd",
            b"neo4j",
            b"cypher-shell",
            b"wpscan",
            b"arangosh",
            b"couchbase-cli",
            b"cbq",
            b"puttygen",
            b"vncdo",
            b"p4",
            b"jfrog",
            b"oc",
            b"useradd",
            b"usermod",
            b"rabbitmqadmin",
            b"vsce",
            b"ovsx",
            b"mongodump",
            b"impala-shell",
            b"nexus3",
            b"tfx",
            b"keepassxc",
            b"ykman",
            b"signtool",
        ],
    ),
    (b'N', Holds::Value, &[b"ssh-keygen"]),
    (b'c', Holds::Value, &[b"snmp"]),
    (b'w', Holds::Value, &[b"security"]),
    (b'P', Holds::Value, &[b"security"]),
    (b'H', Holds::Value, &[b"evil-winrm"]),
    (b't', Holds::Value, &[b"influx"]),
    (b'A', Holds::AfterColon, &[b"ab"]),
    (b'a', Holds::AfterColon, &[b"hey"]),
    (b'n', Holds::AfterColon, &[b"transmission-remote"]),
    (b't', Holds::Value, &[b"codecov", b"snyk", b"percy", b"coveralls"]),
    (b'b', Holds::Value, &[b"oathtool", b"gh"]),
    (b'u', Holds::AfterComma, &[b"lftp"]),
    (
        b'P',
        Holds::Value,
        &[
            b"sqlcmd",
            b"bcp",
            b"isql",
            b"unzip",
            b"zip",
            b"ipmitool",
            b"mosquitto",
            b"osql",
            b"tsql",
            b"pdftk",
            b"zabbix",
            b"openconnect",
            b"amqp",
        ],
    ),
    (b'a', Holds::Value, &[b"redis-cli", b"valkey-cli", b"keydb-cli", b"redis-benchmark"]),
    (b'w', Holds::Value, &[b"ldap", b"vncpasswd"]),
    (b'A', Holds::Value, &[b"snmp"]),
    (b'X', Holds::Value, &[b"snmp"]),
    (b'k', Holds::Value, &[b"openssl"]),
    (b'u', Holds::AfterColon, &[b"curl", b"http", b"xh", b"wget", b"hurl", b"ab"]),
    (b'U', Holds::AfterPercent, &[b"smb", b"rpcclient", b"net", b"smbclient", b"wmic", b"winexe"]),
    (b'U', Holds::AfterColon, &[b"curl"]),
];

/// The secret of the option that begins with the `-` at `here`.
pub(super) fn option(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let before = at(text, here.wrapping_sub(1));
    if here > 0 && before > b' ' && !b"\"'`[(,=".contains(&before) {
        return None;
    }
    let dashes = if at(text, here.saturating_add(1)) == b'-' { 2 } else { 1 };
    let begin = here.saturating_add(dashes);
    let rest = text.get(begin..)?;
    let is_part = |byte: &&u8| {
        step();
        bits(**byte) & class(b'w') != 0
    };
    let length = rest.iter().take(names::LONGEST).take_while(is_part).count();
    let name = rest.get(..length)?;
    let after = begin.saturating_add(length);
    let spaced = at(text, after) == b' ';
    if dashes == 2 || length > 2 || matches!(name, b"pw" | b"xp") {
        let tells = names::tells(name);
        let user = matches!(
            name,
            b"user"
                | b"proxy-user"
                | b"creds"
                | b"src-creds"
                | b"dest-creds"
                | b"auth"
                | b"userpass"
                | b"username"
        );
        let text_of_secret = matches!(name, b"body" | b"value" | b"secret-string" | b"plaintext")
            && (spaced || at(text, after) == b'=')
            && sets_secret(text, here);
        let own = matches!(name, b"pat" | b"pw" | b"xp" | b"upw" | b"opw" | b"passwd");
        if text_of_secret || own && spaced {
            let start = skip_spaces(text, after.saturating_add(1));
            let value = value(text, start, Manner::Word, ends)?;
            return is_one(text.get(value.start..value.end)?).then_some(hit(value));
        }
        let start =
            if spaced { Some(skip_spaces(text, after)) } else { values::next_item(text, after) };
        if let Some(start) = start
            && tells != Tells::Nothing
            && !user
        {
            let value = value(text, start, Manner::Word, ends)?;
            // Where the value is: of `openssl`, and of `docker`.
            let elsewhere = [&b"pass:"[..], b"id=", b"type="];
            if elsewhere
                .iter()
                .any(|begin| text.get(value.start..).is_some_and(|it| it.starts_with(begin)))
            {
                return None;
            }
            // The name of a variable that holds it.
            let bytes = text.get(value.start..value.end)?;
            let variable =
                |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
            if bytes.contains(&b'_')
                && bytes.split(|byte| *byte == b'=').next()?.iter().all(variable)
            {
                return None;
            }
            let sure = if value.quoted { Sure::Quoted } else { Sure::Literal };
            return judged(text, value, name, tells, sure);
        }
        if user && (spaced || at(text, after) == b'=') {
            let start = skip_spaces(text, after.saturating_add(1));
            return after_sign(text, value(text, start, Manner::Word, ends)?, b':');
        }
        if dashes == 2 {
            return None;
        }
    }
    short(text, here, ends)
}

/// The password of an option of one letter.
fn short(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    let letter = at(text, here.saturating_add(1));
    if !OPTIONS.iter().any(|(known, ..)| *known == letter) {
        return None;
    }
    let after = here.saturating_add(2);
    let spaced = matches!(at(text, after), b' ');
    let start = if spaced { skip_spaces(text, after) } else { after };
    let value = value(text, start, Manner::Word, ends)?;
    let bytes = text.get(value.start..value.end)?;
    if bytes.len() < 6 {
        return None;
    }
    let known = OPTIONS.iter().find(|(known, holds, programs)| {
        *known == letter && (*holds != Holds::Glued || !spaced) && runs(text, here, programs)
    });
    match known.map(|(_, holds, _)| *holds) {
        Some(Holds::AfterColon) => after_sign(text, value, b':'),
        Some(Holds::AfterComma) => after_sign(text, value, b','),
        Some(Holds::AfterPercent) => after_sign(text, value, b'%'),
        Some(_) => is_one(bytes).then_some(hit(value)),
        // Beside an option for the user.
        None if letter == b'p' && spaced && has_user(text, here) => {
            let strong =
                bytes.len() >= 8 && looks::password(bytes, Sure::Loose) && !bytes.contains(&b'/');
            strong.then_some(hit(value))
        }
        // Any other program: only what nobody takes for anything else.
        None => {
            let is_one = spaced
                && letter == b'p'
                && !bytes.iter().any(|byte| b"/:.".contains(byte))
                && mixed(bytes)
                && bytes.len() >= 12
                && looks::password(bytes, Sure::Spoken)
                && looks::key(bytes, Sure::Literal, true);
            is_one.then_some(hit(value))
        }
    }
}

/// Whether the command that the option at `here` belongs to stores a secret.
fn sets_secret(text: &[u8], here: usize) -> bool {
    let before = text.get(here.saturating_sub(BEFORE)..here).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let secure = [&b"secret"[..], b"put-parameter", b"variable set", b"credential"];
    secure.iter().any(|word| {
        line.windows(word.len()).any(|part| {
            step();
            part == *word
        })
    })
}

/// Whether the value of an option that holds a secret is one.
pub(super) fn is_one(value: &[u8]) -> bool {
    looks::password(value, Sure::Literal) || looks::key(value, Sure::Literal, true)
}

/// Whether the command that the option at `here` belongs to has an option for the user's name.
fn has_user(text: &[u8], here: usize) -> bool {
    let before = text.get(here.saturating_sub(64)..here).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    [&b" -u "[..], b" --user ", b" -U ", b" --username "].iter().any(|option| {
        line.windows(option.len()).any(|part| {
            step();
            part == *option
        })
    })
}

pub(super) fn hit(value: Value) -> Hit {
    Hit { kind: PASSWORD, start: value.start, end: value.end }
}

/// The password behind a user's name.
pub(super) fn after_sign(text: &[u8], value: Value, sign: u8) -> Option<Hit> {
    let bytes = text.get(value.start..value.end)?;
    let user = bytes.iter().take(128).position(|byte| *byte == sign)?;
    let start = value.start.saturating_add(user).saturating_add(1);
    let password = text.get(start..value.end)?;
    if bytes.get(user..)?.starts_with(b"://") || stands_for_password(password) {
        return None;
    }
    looks::password(password, Sure::Literal).then_some(Hit {
        kind: PASSWORD,
        start,
        end: value.end,
    })
}

/// Where the cookies begin that the option at `here` sends.
pub(super) fn cookies(text: &[u8], here: usize) -> Option<usize> {
    const OPTIONS: [&[u8]; 3] = [b"--cookie ", b"--cookie=", b"-b "];
    let rest = text.get(here..)?;
    let option = OPTIONS.iter().find(|option| rest.starts_with(option))?;
    let start = here.saturating_add(option.len());
    Some(values::opens(text, start).map_or(start, |(_, begin)| begin))
}

/// The password of an option that begins with the slash at `here`: `xfreerdp /p:X`, `signtool /p X`.
pub(super) fn slashed(text: &[u8], here: usize, ends: &mut Ends) -> Option<Hit> {
    const PROGRAMS: [&[u8]; 6] =
        [b"xfreerdp", b"wfreerdp", b"sdl-freerdp", b"signtool", b"schtasks", b"rasdial"];
    if at(text, here.wrapping_sub(1)) != b' ' {
        return None;
    }
    let rest = text.get(here..)?;
    let option = [&b"/p:"[..], b"/p ", b"/rp ", b"/RP ", b"/P "].into_iter();
    let length = option.filter(|option| rest.starts_with(option)).map(<[u8]>::len).next()?;
    if !runs(text, here, &PROGRAMS) {
        return None;
    }
    let value = value(text, here.saturating_add(length), Manner::Word, ends)?;
    is_one(text.get(value.start..value.end)?).then_some(hit(value))
}

/// Whether one of these programs is run by the command that the option at `here` belongs to.
fn runs(text: &[u8], here: usize, programs: &[&[u8]]) -> bool {
    let before = text.get(here.saturating_sub(BEFORE)..here).unwrap_or_default();
    let ends = |byte: &u8| {
        step();
        matches!(byte, b'\n' | b'|' | b';' | b'`')
    };
    let command = before.rsplit(ends).next().unwrap_or_default();
    let mut words = command.split(|byte| bits(*byte) & class(b'w') == 0);
    // A colour may stand right before a program: `ESC[32m`.
    let bare = |word: &[u8]| {
        let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 && at(word, digits) == b'm' { digits.saturating_add(1) } else { 0 }
    };
    let mut place = 0_usize;
    words.any(|word| {
        let end = place.saturating_add(word.len());
        place = end.saturating_add(1);
        // The scheme of an address is no program.
        let scheme = command.get(end..).is_some_and(|rest| rest.starts_with(b"://"));
        let word = word.get(bare(word)..).unwrap_or_default();
        !scheme && programs.iter().any(|program| word.starts_with(program))
    })
}

fn skip_spaces(text: &[u8], mut here: usize) -> usize {
    for _ in 0..8 {
        if !matches!(at(text, here), b' ' | b'=') {
            break;
        }
        here = here.saturating_add(1);
    }
    here
}
