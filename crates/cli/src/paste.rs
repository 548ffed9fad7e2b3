//! Reads the code or link of an invitation out of whatever a person pastes: quotes, brackets, Markdown, the
//! links that mail protection and chats make, a whole sentence.
//!
//! A link is `<server>/p/<code>`, or a URL of the API, `<server>/v1/pair/<code>/...`. Codes of other servers
//! may consist of other words.

use crate::{
    error::{Failure, Kind, Result},
    server,
};
use nexus_protocol::PairingCode;
use nexus_seal::Fragment;
use percent_encoding::percent_decode_str;
use std::fmt;

/// How many links may be wrapped in each other.
const DEEPEST: usize = 5;

/// How much of what was pasted an error shows.
const SHOWN: usize = 200;

/// A code, and the server that its link names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invitation {
    pub(crate) code: String,
    pub(crate) origin: Option<String>,
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}/p/{}", self.code),
            None => f.write_str(&self.code),
        }
    }
}

/// Which codes count: only those of the form of this protocol, or also those of other servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Ours,
    Any,
}

/// Reads the invitation. Fails if there is none, or if there are several different ones.
pub(crate) fn read(text: &str) -> Result<Invitation> {
    if let Some(found) = ours(text)? {
        return Ok(found);
    }
    if let Some(found) = only(links(text, Form::Any))? {
        return Ok(found);
    }
    let is_link = text.contains(['/', ':']);
    let word = code(text, Form::Any).filter(|_| !is_link);
    word.map(|code| Invitation { code, origin: None }).ok_or_else(|| malformed(text))
}

/// The key that a link ends with, if its conversation is encrypted. Fails if it is cut off, or if there are several.
pub(crate) fn key(text: &str) -> Result<Option<Fragment>> {
    let cut_off = || {
        let message = "The key at the end of the link, behind #, is cut off: it has k1 and 40 hex digits. Copy the whole link, or ask for it again. The code is still good.";
        Failure::own(Kind::InvalidCode, message)
    };
    // A link may be broken over several lines, and mail protection encodes the #.
    let joined: String = text.replace("=\n", "").split(['\r', '\n']).map(str::trim).collect();
    let plain = joined.replace("%2523", "#").replace("%23", "#");
    let mut found: Vec<Fragment> = Vec::new();
    for (at, _) in plain.match_indices("#k1") {
        let rest = plain.get(at.saturating_add(1)..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        let (secret, tail) = word.split_at_checked(42).ok_or_else(cut_off)?;
        // What follows may be the end of a sentence, or another word.
        let whole = word.trim_end_matches('.').parse().ok();
        let is_over = !tail.starts_with(|c: char| c.is_ascii_alphanumeric());
        let read = whole.or_else(|| secret.parse().ok().filter(|_| is_over));
        found.push(read.ok_or_else(cut_off)?);
    }
    found.dedup();
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => {
            let message = "That holds links with different keys. Give only the one that you mean.";
            Err(Failure::own(Kind::InvalidCode, message))
        }
    }
}

/// Whether this is certainly an invitation, and not the id of something else.
pub(crate) fn is_invitation(text: &str) -> bool {
    !matches!(ours(text), Ok(None)) || !links(text, Form::Any).is_empty()
}

/// The invitation with a code of this protocol's form. A link may be broken over several lines.
fn ours(text: &str) -> Result<Option<Invitation>> {
    let joined: String = text.replace("=\n", "").split(['\r', '\n']).map(str::trim).collect();
    for text in [text, joined.as_str()] {
        if let Some(found) = only(links(text, Form::Ours))? {
            return Ok(Some(found));
        }
    }
    let words = text.split_whitespace().filter_map(|word| code(word, Form::Ours));
    let bare = |code| Invitation { code, origin: None };
    match only(words.map(bare).collect())? {
        None => Ok(code(text, Form::Ours).map(bare)),
        found => Ok(found),
    }
}

fn only(mut found: Vec<Invitation>) -> Result<Option<Invitation>> {
    found.dedup();
    let first = found.first().cloned();
    match found.iter().find(|other| Some(*other) != first.as_ref()).zip(first.as_ref()) {
        None => Ok(first),
        Some((other, first)) => {
            let message = format!(
                "That holds two different links, {first} and {other}. Give only the one that you mean."
            );
            Err(Failure::own(Kind::InvalidCode, message))
        }
    }
}

fn malformed(text: &str) -> Failure {
    let shown: String = text.trim().chars().take(SHOWN).collect();
    let message = format!(
        "`{shown}` is neither a pairing code, such as PEARL-FOCAL-S5SJV, nor a link, such as {}/p/PEARL-FOCAL-S5SJV.",
        server::DEFAULT
    );
    Failure::own(Kind::InvalidCode, message)
}

/// The invitations in the links of a text.
fn links(text: &str, form: Form) -> Vec<Invitation> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = scheme(rest) {
        let link = rest.get(start..).unwrap_or_default();
        let end = link.find(ends_link).unwrap_or(link.len());
        let (link, after) = link.split_at(end);
        found.extend(unwrap(link, form, DEEPEST));
        rest = after;
    }
    if found.is_empty() && scheme(text).is_none() {
        found.extend(text.split(ends_link).filter_map(|word| without_scheme(word, form)));
    }
    found
}

/// Where the first `http://` or `https://` begins.
fn scheme(text: &str) -> Option<usize> {
    // Only ASCII changes, so places stay the same.
    let small = text.to_ascii_lowercase();
    [small.find("http://"), small.find("https://")].into_iter().flatten().min()
}

/// Characters that stand around a link and not in it.
fn ends_link(c: char) -> bool {
    let is_closing =
        matches!(c, '<' | '>' | '"' | '\'' | '`' | '|' | '(' | ')' | '[' | ']' | '{' | '}' | '\\');
    is_closing
        || c.is_whitespace()
        || c.is_control()
        || matches!(c, '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '、' | '。' | '」' | '）')
}

/// A link as browsers show it, such as `relay.example/p/PEARL-FOCAL-S5SJV`.
fn without_scheme(word: &str, form: Form) -> Option<Invitation> {
    let word = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let (host, _) = word.split_once('/')?;
    let name = host.split(':').next().unwrap_or_default();
    let is_local = name == "localhost" || name.starts_with("127.");
    let scheme = if is_local { "http" } else { "https" };
    (is_local || name.contains('.')).then(|| direct(&format!("{scheme}://{word}"), form))?
}

/// The invitation of a link, or of a link inside of it.
fn unwrap(link: &str, form: Form, depth: usize) -> Option<Invitation> {
    let depth = depth.checked_sub(1)?;
    let (path, query) = link.split_once('?').unwrap_or((link, ""));
    if let Some(inner) = inside(path, link) {
        return unwrap(&inner, form, depth);
    }
    if let Some(found) = direct(link, form) {
        return Some(found);
    }
    let is_defended = path.contains("://urldefense") && path.contains("/v2/");
    query.split(['&', '#', ';']).find_map(|pair| {
        let (_, value) = pair.split_once('=')?;
        let value =
            if is_defended { value.replace('-', "%").replace('_', "/") } else { value.to_owned() };
        let value = percent_decode_str(&value).decode_utf8_lossy();
        (scheme(&value) == Some(0)).then(|| unwrap(&value, form, depth))?
    })
}

/// The second link in the path of a link. Some programs take one of its slashes away.
fn inside(path: &str, link: &str) -> Option<String> {
    let small = path.to_ascii_lowercase();
    ["http:/", "https:/"].into_iter().find_map(|start| {
        let place = small.rfind(start).filter(|place| *place > 0)?;
        let inner = link.get(place..)?;
        let (scheme, place) = inner.split_once(":/")?;
        let place = place.trim_start_matches('/').split("__;").next()?;
        Some(format!("{scheme}://{place}"))
    })
}

/// The invitation that a link is itself.
fn direct(link: &str, form: Form) -> Option<Invitation> {
    let split = link.split_once("/p/").or_else(|| link.split_once("/v1/pair/"));
    let (origin, rest) = split?;
    let origin = server::normalize(origin).ok()?;
    let part = rest.split(['/', '?', '#', '&']).next().unwrap_or_default();
    let part = percent_decode_str(part).decode_utf8_lossy();
    Some(Invitation { code: code(&part, form)?, origin: Some(origin) })
}

/// Reads a code.
fn code(text: &str, form: Form) -> Option<String> {
    if let Ok(code) = text.parse::<PairingCode>() {
        return Some(code.as_str().to_owned());
    }
    let code = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_dash = |c: char| matches!(c, ' ' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let code = code.replace(is_dash, "-").to_ascii_uppercase();
    let is_plausible = (1..=64).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (form == Form::Any && is_plausible).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_protocol::Region;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    fn plain(text: &str) -> String {
        read(text).map_or_else(|failure| failure.sentence(), |found| found.to_string())
    }

    const LINK: &str = "https://a.example/p/PEARL-FOCAL-S5SJV";

    #[test]
    fn codes_and_links_are_read() {
        for (text, read) in [
            ("pearl focal s5sjv", "PEARL-FOCAL-S5SJV"),
            (" PEARLFOCALS5SJV ", "PEARL-FOCAL-S5SJV"),
            ("pearl–focal—s5sjv.", "PEARL-FOCAL-S5SJV"),
            ("“Pearl‑Focal‑S5sjv”", "PEARL-FOCAL-S5SJV"),
            ("The code is PEARL-FOCAL-S5SJV, thanks!", "PEARL-FOCAL-S5SJV"),
            ("code: pearl focal s5sjv", "PEARL-FOCAL-S5SJV"),
            ("other-words-12345", "OTHER-WORDS-12345"),
            ("other words 12345.", "OTHER-WORDS-12345"),
            (LINK, LINK),
            ("a.example/p/pearl-focal-s5sjv", LINK),
            ("localhost:8787/p/A-B-C", "http://localhost:8787/p/A-B-C"),
            ("https://a.example/p/pearl%20focal-s5sjv?x=1#y", LINK),
            ("https://a.example/v1/pair/A-B-C/skill", "https://a.example/p/A-B-C"),
            ("https://a.example/base/p/A-B-C/", "https://a.example/base/p/A-B-C"),
            ("HTTPS://A.example/p/PEARL-FOCAL-S5SJV", LINK),
            ("https://a.example/p/PEARL-\n  FOCAL-S5SJV", LINK),
            ("https://a.example/p/PEARL-F=\nOCAL-S5SJV", LINK),
            ("see https://b.example/about and https://a.example/p/PEARL-FOCAL-S5SJV.", LINK),
        ] {
            assert_eq!(plain(text), read, "{text}");
        }
        for text in [
            "",
            "a/b",
            "../x",
            "https://a.example/",
            "https://a.example/p/",
            "ftp://a/p/A-B-C",
            "https://u:p@a/p/A-B-C",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn links_of_mail_protection_and_chats_are_unwrapped() {
        for text in [
            "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2Fp%2FPEARL-FOCAL-S5SJV&data=05%7C01%7C&sdata=x%3D&reserved=0",
            "https://urldefense.proofpoint.com/v2/url?u=https-3A__a.example_p_PEARL-2DFOCAL-2DS5SJV&d=DwMFaQ&c=x",
            "https://urldefense.com/v3/__https://a.example/p/PEARL-FOCAL-S5SJV__;!!Abc!xyz$",
            "https://urldefense.com/v3/__https:/a.example/p/PEARL-FOCAL-S5SJV__;!!Abc!xyz$",
            "https://www.google.com/url?sa=D&q=https://a.example/p/PEARL-FOCAL-S5SJV&ust=1",
            "https://l.example/l.php?u=https%3A%2F%2Fa.example%2Fp%2FPEARL-FOCAL-S5SJV&amp;h=x",
            "<https://a.example/p/PEARL-FOCAL-S5SJV|a.example/p/PEARL-FOCAL-S5SJV>",
            "[the link](https://a.example/p/PEARL-FOCAL-S5SJV)",
            "[https://a.example/p/PEARL-FOCAL-S5SJV](https://a.example/p/PEARL-FOCAL-S5SJV)",
            "**https://a.example/p/PEARL-FOCAL-S5SJV**",
        ] {
            assert_eq!(plain(text), LINK, "{text}");
        }
    }

    #[test]
    fn two_different_links_are_refused_by_name() {
        let text = "[https://a.example/p/PEARL-FOCAL-S5SJV](https://b.example/p/PEARL-FOCAL-S5SJV)";
        let said = plain(text);
        assert!(said.contains(LINK) && said.contains("https://b.example/p/"), "{said}");
        assert!(is_invitation(text));
    }

    #[test]
    fn the_key_at_the_end_of_a_link_is_read() {
        let secret = format!("k1{}", "0a".repeat(20));
        let print = "abcdefghijklmnopqrst";
        let with_print = format!("{secret}.{print}");
        let read_key = |text: &str| key(text).map(|key| key.map(|key| key.write()));
        for (text, expected) in [
            (LINK.to_owned(), None),
            (format!("{LINK}#y"), None),
            (format!("{LINK}#{secret}"), Some(&secret)),
            (format!("See <{LINK}#{secret}>."), Some(&secret)),
            (format!("Open {LINK}#{secret}."), Some(&secret)),
            (format!("Open {LINK}#{secret}.\nThanks"), Some(&secret)),
            (format!("{LINK}#{with_print}"), Some(&with_print)),
            (format!("({LINK}#{with_print})."), Some(&with_print)),
            (format!("[{LINK}#{secret}]({LINK}#{secret})"), Some(&secret)),
            (
                format!(
                    "https://x.safelinks.protection.outlook.com/?url={}&data=y",
                    encoded(&format!("{LINK}#{secret}"))
                ),
                Some(&secret),
            ),
        ] {
            assert_eq!(read_key(&text).unwrap().as_ref(), expected, "{text}");
            assert_eq!(plain(&text), LINK, "{text}");
        }
        for text in [
            format!("{LINK}#k1"),
            format!("{LINK}#{}", secret.get(..41).unwrap()),
            format!("{LINK}#{secret}0"),
            format!("{LINK}#{secret} {LINK}#k1{}", "0b".repeat(20)),
        ] {
            assert!(key(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn other_ids_are_no_invitations() {
        for text in ["8f14e45fceea167a-7", "work", &"ab12".repeat(12), "", "https://a.example/x"] {
            assert!(!is_invitation(text), "{text}");
        }
        assert!(is_invitation(LINK) && is_invitation("pearl focal s5sjv"));
    }

    fn encoded(text: &str) -> String {
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
    }

    fn wrap(how: usize, link: &str) -> String {
        match how {
            0 => format!("<{link}>"),
            1 => format!("\"{link}\""),
            2 => format!("[x]({link})"),
            3 => format!("<{link}|text>"),
            4 => {
                format!("https://x.safelinks.protection.outlook.com/?url={}&data=y", encoded(link))
            }
            5 => format!("https://www.google.com/url?q={link}&sa=D"),
            6 => format!("https://urldefense.com/v3/__{link}__;!!x!y$"),
            7 => {
                let link = encoded(link).replace("%2F", "_").replace('%', "-");
                format!("https://urldefense.proofpoint.com/v2/url?u={link}&d=x")
            }
            8 => format!("Hello,\nuse {link}, please."),
            _ => link.to_owned(),
        }
    }

    proptest! {
        #[test]
        fn whatever_surrounds_a_link_it_is_found(
            at in 0usize..9, bytes: [u8; 16], layers in prop::collection::vec(0usize..10, 0..3), end in "[.,;:!?…)\\]}>*_ ]{0,3}",
            origin in "https?://[a-z]{1,9}\\.example(:[1-9][0-9]{3})?(/base)?", is_small: bool,
        ) {
            let code = PairingCode::from_random(Region::ALL[at], bytes);
            let expected = format!("{origin}/p/{}", code.as_str());
            let shown = if is_small { code.as_str().to_lowercase() } else { code.as_str().to_owned() };
            let mut text = format!("{origin}/p/{shown}");
            // Only a link can be wrapped as a link.
            let mut layers = layers;
            layers.sort_unstable_by_key(|how| !(4..8).contains(how));
            for how in layers {
                if !(4..8).contains(&how) || text.starts_with("http") {
                    text = wrap(how, &text);
                }
            }
            prop_assert_eq!(plain(&format!("{text}{end}")), expected, "{}", text);
        }

        #[test]
        fn a_bare_code_is_found(at in 0usize..9, bytes: [u8; 16], dash in "[- _–—‑−]?", end in "[.,;:!?)\" ]{0,3}") {
            let code = PairingCode::from_random(Region::ALL[at], bytes);
            let text = code.as_str().to_lowercase().replace('-', &dash);
            prop_assert_eq!(plain(&format!("{text}{end}")), code.as_str());
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), link in "https?://[a-z/?=&%_.:p<>|é-]{0,40}") {
            let _ = (read(&text), read(&link), is_invitation(&link));
        }
    }
}
