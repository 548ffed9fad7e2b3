//! Looks for texts and keys in bytes, in every form in which they could stand there: as they are, escaped in JSON, in
//! base64, and in hexadecimal digits.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha512;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

/// By its first bytes, a form is looked up.
const START: usize = 8;

/// What is searched for.
#[derive(Debug, Default)]
pub struct Traces {
    names: Vec<String>,
    forms: HashMap<[u8; START], Vec<Form>>,
}

#[derive(Debug)]
struct Form {
    /// The place in `names`.
    of: usize,
    bytes: Vec<u8>,
}

impl Traces {
    /// Searches for these bytes, too. What is shorter than eight bytes could be found by chance.
    #[must_use]
    pub fn and(mut self, name: &str, wanted: &[u8]) -> Self {
        let of = self.names.len();
        self.names.push(name.to_owned());
        for bytes in forms(wanted) {
            let start = bytes.first_chunk().expect("long enough to be told from others");
            self.forms.entry(*start).or_default().push(Form { of, bytes });
        }
        self
    }

    /// Searches for every key of an encrypted session with these files and members, too.
    #[must_use]
    pub fn and_keys(self, secret: &str, files: &[&str], agents: &[&str]) -> Self {
        let (_, digits) = secret.split_at(2);
        let pairs = (0..digits.len() / 2).filter_map(|at| digits.get(2 * at..2 * at + 2));
        let drawn: Vec<u8> =
            pairs.map(|two| u8::from_str_radix(two, 16).expect("hex digits")).collect();
        let all = self.and("secret", digits.as_bytes()).and("drawn", &drawn);
        let all = all.and("prk", &prk(secret));
        let fields = ["text", "greeting", "task", "context", "progress", "result"];
        let files = files.iter().map(|file| format!("file/{file}"));
        let fields = fields.into_iter().map(str::to_owned).chain(files);
        fields.fold(all, |all, field| {
            agents.iter().fold(all, |all, agent| {
                let key = content_key(secret, &field, agent);
                all.and(&format!("{field} of {agent}: mac"), &key[..32])
                    .and(&format!("{field} of {agent}: cipher"), &key[32..])
            })
        })
    }

    /// The names of all that is searched for.
    pub fn names(&self) -> BTreeSet<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    /// The names of what is found in these bytes.
    pub fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (at, start) in bytes.windows(START).enumerate() {
            let Some(forms) = start.first_chunk().and_then(|start| self.forms.get(start)) else {
                continue;
            };
            let here = forms.iter().filter(|form| bytes[at..].starts_with(&form.bytes));
            found.extend(here.map(|form| self.names[form.of].as_str()));
        }
        found
    }

    /// The names of what is found in the files below a folder.
    pub fn in_folder(&self, folder: &Path) -> BTreeSet<&str> {
        files(folder).values().flat_map(|bytes| self.in_bytes(bytes)).collect()
    }
}

/// The content key of a field of an encrypted session, by the words of the protocol alone.
pub fn content_key(secret: &str, field: &str, sender: &str) -> Vec<u8> {
    mac(&prk(secret), format!("seal/{field}/{sender}\u{1}").as_bytes())
}

fn prk(secret: &str) -> Vec<u8> {
    mac(b"nexus e2e 1", secret.as_bytes())
}

/// HMAC-SHA-512.
pub fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).expect("any length will do");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// Every file below a folder, by its path.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            found.insert(path.display().to_string(), bytes);
        }
    }
    found
}

/// Every form of these bytes.
fn forms(wanted: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut written = BTreeSet::from([wanted.to_vec()]);
    if let Ok(text) = std::str::from_utf8(wanted) {
        let quoted = Value::from(text).to_string();
        let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let escaped = inside.expect("a text in quotes");
        written.insert(escaped.as_bytes().to_vec());
        written.insert(in_ascii(escaped).into_bytes());
    }
    let mut forms = written.clone();
    for bytes in &written {
        let digits = hex(bytes);
        forms.insert(digits.to_ascii_uppercase());
        forms.insert(digits);
        for offset in 0..3 {
            let moved = [vec![0; offset], bytes.clone()].concat();
            // What depends on the bytes before and behind.
            let (from, to) = ((offset * 8).div_ceil(6), moved.len() * 8 / 6);
            for text in [STANDARD_NO_PAD.encode(&moved), URL_SAFE_NO_PAD.encode(&moved)] {
                forms.insert(text.as_bytes()[from..to].to_vec());
            }
        }
    }
    forms
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// A text with everything beyond ASCII escaped as JSON allows.
fn in_ascii(text: &str) -> String {
    let units = text.encode_utf16();
    let written = units.map(|unit| match u8::try_from(unit).ok().filter(u8::is_ascii) {
        Some(byte) => char::from(byte).to_string(),
        None => format!("\\u{unit:04x}"),
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Gr\u{fc}\u{df}e an \"alle\", \u{1f642}!";

    fn is_found(bytes: &[u8]) -> bool {
        let traces = Traces::default().and("it", TEXT.as_bytes()).and("other", b"not in there");
        let found = traces.in_bytes(bytes);
        assert!(!found.contains("other"));
        found.contains("it")
    }

    #[test]
    fn a_text_is_found_in_every_form_and_at_every_place() {
        let quoted = Value::from(TEXT).to_string();
        let twice = Value::from(format!("<{TEXT}>")).to_string();
        for text in [TEXT.to_owned(), quoted, twice] {
            for before in ["", "a", "ab", "abc", "abcd"] {
                for after in ["", "y", "yz", "xyz"] {
                    let bytes = format!("{before}{text}{after}").into_bytes();
                    let base64 = STANDARD_NO_PAD.encode(&bytes);
                    let digits = hex(&bytes);
                    assert!(is_found(&bytes) && is_found(base64.as_bytes()), "{before}{after}");
                    assert!(is_found(URL_SAFE_NO_PAD.encode(&bytes).as_bytes()));
                    assert!(is_found(&digits) && is_found(&digits.to_ascii_uppercase()));
                }
            }
        }
        let ascii = r#"{"text":"Gr\u00fc\u00dfe an \"alle\", \ud83d\ude42!"}"#;
        assert!(is_found(ascii.as_bytes()));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let (most, _) = TEXT.split_at(TEXT.len() - 1);
        assert!(!is_found(most.as_bytes()) && !is_found(b"") && !is_found(&[0; 100]));
        assert!(!is_found(STANDARD_NO_PAD.encode(most.to_uppercase()).as_bytes()));
    }

    #[test]
    fn files_are_searched_however_deep_they_lie() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).expect("folders");
        fs::write(deep.join("c"), [b"\0\0", TEXT.as_bytes(), b"\0"].concat()).expect("a file");
        let traces = Traces::default().and("it", TEXT.as_bytes()).and("other", b"not in there");
        assert_eq!(traces.in_folder(folder.path()), BTreeSet::from(["it"]));
    }
}
