//! Whether relays of encrypted sessions have learned anything of what was said in them (section 10).
//!
//! Two runs of the same tests are compared, each with the records of its relays ([`xtask::relay::RECORD_FOLDER`]): in
//! the first one sessions were encrypted, in the second one not. The keys of the first are known here, so all that was
//! sealed is opened. None of it, and none of the keys, may stand anywhere in its records, in any form. In the records
//! of the second run the same search must find the texts, or it would be no good one.

use crate::traces::{Traces, files};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nexus_protocol::{AgentId, FileKey, SEALED_HEADER};
use nexus_seal::{Field, Secret, open};
use percent_encoding::percent_decode_str;
use rusqlite::{Connection, types::ValueRef};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fs::{self, File},
    io::Write,
    path::Path,
    sync::{LazyLock, Mutex},
};
use xtask::relay::RECORD_FOLDER;

/// Shorter texts may occur by chance.
const LEAST: usize = 12;
/// Of a longer text, so much of its beginning and of its end is searched for.
const MOST: usize = 60;

/// Notes the key of an encrypted session for the search, if there is to be one.
pub fn note_key(key: &str) {
    static FILE: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
        let folder = env::var_os(RECORD_FOLDER)?;
        let path = Path::new(&folder).join(format!("{}.keys", std::process::id()));
        Some(Mutex::new(File::create(path).expect("the folder can be written to")))
    });
    if let Some(file) = &*FILE {
        writeln!(file.lock().expect("no panic"), "{key}").expect("the file can be written to");
    }
}

/// Notes the key of a whole link, in what a browser opens or shows.
pub fn note_keys_in(text: &str) {
    if let Some((_, key)) = text.split_once("#k1") {
        let digits: String = key.chars().take_while(char::is_ascii_hexdigit).collect();
        note_key(&format!("k1{digits}"));
    }
}

/// Notes the keys that a client keeps in its state folder.
pub fn note_keys_of(state: &Path) {
    let Ok(sessions) = fs::read_dir(state.join("sessions")) else { return };
    for session in sessions.flatten() {
        if let Ok(key) = fs::read_to_string(session.path().join("secret")) {
            note_key(key.trim());
        }
    }
}

/// What two runs show.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How many relays left records in the encrypted run.
    pub relays: usize,
    /// How many sealed strings they were sent, and how many of those were opened here.
    pub sealed: usize,
    /// See `sealed`.
    pub opened: usize,
    /// How many texts and keys were searched for.
    pub texts: usize,
    /// See `texts`.
    pub keys: usize,
    /// What an encrypted run has betrayed: the record, and the text or the name of the key.
    pub leaks: BTreeSet<(String, String)>,
    /// The texts that the same search does not find in the run in the open.
    pub unfound: BTreeSet<String>,
}

/// Compares the records of two runs.
///
/// # Panics
/// If a record cannot be read.
pub fn compare(encrypted: &Path, plain: &Path) -> Verdict {
    let known = known_keys(encrypted);
    let mut verdict = Verdict::default();
    let mut all = BTreeMap::new();
    for relay in records(encrypted) {
        let record = Record::read(&encrypted.join(&relay));
        let secrets: Vec<&Secret> =
            known.iter().filter(|secret| record.names(secret.key_id().as_str())).collect();
        let said = record.said(&secrets);
        verdict.relays += 1;
        verdict.sealed += said.sealed;
        verdict.opened += said.opened;
        let texts = traces_of(&said.texts);
        let files: Vec<&str> = record.files.iter().map(FileKey::as_str).collect();
        let names: Vec<&str> = record.names.iter().map(AgentId::as_str).collect();
        let traces =
            secrets.iter().fold(texts, |all, secret| all.and_keys(secret.as_str(), &files, &names));
        verdict.keys += traces.names().len() - said.texts.len();
        let leaks = record.found(&traces).into_iter().map(|name| (relay.clone(), name));
        verdict.leaks.extend(leaks);
        all.extend(said.texts);
    }
    verdict.texts = all.len();
    let traces = traces_of(&all);
    for relay in records(plain) {
        for found in Record::read(&plain.join(relay)).found(&traces) {
            all.remove(&found);
        }
    }
    verdict.unfound = all.into_keys().collect();
    verdict
}

/// The names of the folders that relays have left.
fn records(run: &Path) -> Vec<String> {
    let entries = fs::read_dir(run).expect("a folder of records").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("relay-")).collect()
}

fn known_keys(run: &Path) -> Vec<Secret> {
    let noted = files(run).into_iter().filter(|(path, _)| is_of_kind(path, "keys"));
    let lines = noted.flat_map(|(_, bytes)| {
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines().map(ToOwned::to_owned).collect::<Vec<_>>()
    });
    let lines: BTreeSet<String> = lines.collect();
    // A whole link ends with more than the key.
    lines.iter().filter_map(|line| line.split('.').next()?.parse().ok()).collect()
}

fn is_of_kind(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// What one relay has left.
struct Record {
    /// What it was sent, by connection.
    sent: Vec<Vec<u8>>,
    /// Its files, its log, and every value of its databases.
    kept: Vec<Vec<u8>>,
    names: BTreeSet<AgentId>,
    files: BTreeSet<FileKey>,
}

/// What was sealed for one relay.
#[derive(Default)]
struct Said {
    /// By what is shown of each.
    texts: BTreeMap<String, Vec<u8>>,
    sealed: usize,
    opened: usize,
}

impl Record {
    fn read(folder: &Path) -> Self {
        let sent: Vec<Vec<u8>> = files(&folder.join("sent")).into_values().collect();
        let mut kept: Vec<Vec<u8>> = files(&folder.join("data")).into_values().collect();
        kept.push(fs::read(folder.join("log")).expect("a log"));
        kept.push(values(&folder.join("data")));
        let mut record = Self { sent, kept, names: BTreeSet::new(), files: BTreeSet::new() };
        for bytes in &record.sent {
            let text = String::from_utf8_lossy(bytes);
            for line in text.split("\r\n") {
                match line.split_once(": ") {
                    Some((header, name)) if header.eq_ignore_ascii_case("X-Agent-Id") => {
                        record.names.extend(name.parse::<AgentId>());
                    }
                    _ => {}
                }
                if let Some((_, key)) =
                    line.split_once("/files/").filter(|_| line.ends_with("HTTP/1.1"))
                {
                    let key = key.split([' ', '?']).next().unwrap_or_default();
                    let key = percent_decode_str(key).decode_utf8_lossy();
                    record.files.extend(key.parse::<FileKey>());
                }
            }
            // Browsers name themselves in their socket's address; creators in what they send.
            for (before, end) in
                [("\"creatorAgentId\":\"", '"'), ("agentId=", '&'), ("agent=", '&')]
            {
                for rest in text.split(before).skip(1) {
                    let name = rest.split([end, ' ', '"']).next().unwrap_or_default();
                    record.names.extend(name.parse::<AgentId>());
                }
            }
        }
        record
    }

    fn names(&self, key_id: &str) -> bool {
        self.sent
            .iter()
            .any(|bytes| bytes.windows(key_id.len()).any(|part| part == key_id.as_bytes()))
    }

    fn all_fields(&self) -> impl Iterator<Item = Field<'_>> {
        let fixed = [
            Field::Text,
            Field::Greeting,
            Field::Task,
            Field::Context,
            Field::Progress,
            Field::Result,
        ];
        fixed.into_iter().chain(self.files.iter().map(Field::File))
    }

    /// Opens everything that was sealed.
    fn said(&self, secrets: &[&Secret]) -> Said {
        let strings: BTreeSet<&[u8]> =
            self.sent.iter().flat_map(|bytes| sealed_in(bytes)).collect();
        let mut said = Said { sealed: strings.len(), ..Said::default() };
        for sealed in strings {
            let Ok(sealed) = std::str::from_utf8(sealed) else { continue };
            let opened = secrets.iter().find_map(|secret| {
                self.names.iter().find_map(|name| {
                    let mut fields = self.all_fields();
                    fields.find_map(|field| {
                        let bytes = open(secret, field, name, sealed).ok()?;
                        Some((bytes, matches!(field, Field::File(_))))
                    })
                })
            });
            let Some((bytes, is_file)) = opened else { continue };
            said.opened += 1;
            if is_file {
                let content = bytes.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default();
                pieces(content, &mut said.texts);
            } else if let Some(plain) = payload(&bytes) {
                pieces(plain["text"].as_str().unwrap_or_default().as_bytes(), &mut said.texts);
                strings_in(&plain["json"], &mut said.texts);
            }
        }
        said
    }

    /// The names of what stands anywhere in it.
    fn found(&self, traces: &Traces) -> BTreeSet<String> {
        let all = self.sent.iter().chain(&self.kept);
        all.flat_map(|bytes| traces.in_bytes(bytes)).map(ToOwned::to_owned).collect()
    }
}

/// Whatever looks like a sealed string. Behind one that is a whole body, the next request may follow at once.
fn sealed_in(bytes: &[u8]) -> Vec<&[u8]> {
    const TAG: usize = 43;
    let header = SEALED_HEADER.as_bytes();
    let starts = bytes.windows(header.len()).enumerate().filter(|(_, part)| *part == header);
    let of = |(at, _): (usize, &[u8])| {
        let rest = &bytes[at..];
        let dots = rest.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let (last, _) = dots.take(4).last()?;
        rest.get(..last + 1 + TAG)
    };
    starts.filter_map(of).collect()
}

/// The object that was sealed, which may be signed.
fn payload(bytes: &[u8]) -> Option<Value> {
    if bytes.starts_with(b"{") {
        return serde_json::from_slice(bytes).ok();
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn strings_in(value: &Value, texts: &mut BTreeMap<String, Vec<u8>>) {
    match value {
        Value::String(text) => pieces(text.as_bytes(), texts),
        Value::Array(items) => items.iter().for_each(|item| strings_in(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| strings_in(field, texts)),
        _ => {}
    }
}

/// The beginning and the end of a text or file.
fn pieces(content: &[u8], texts: &mut BTreeMap<String, Vec<u8>>) {
    let beginning = content.get(..MOST).unwrap_or(content);
    let end = content.get(content.len().saturating_sub(MOST)..).unwrap_or(content);
    for piece in [beginning, end] {
        // Of one byte again and again, no place can be told from another.
        let kinds: BTreeSet<&u8> = piece.iter().collect();
        if piece.len() >= LEAST && kinds.len() > 2 {
            texts.insert(String::from_utf8_lossy(piece).into_owned(), piece.to_owned());
        }
    }
}

/// Searches for all of these.
fn traces_of(texts: &BTreeMap<String, Vec<u8>>) -> Traces {
    texts.iter().fold(Traces::default(), |all, (shown, bytes)| all.and(shown, bytes))
}

/// Every value of every database below a folder, one behind the other: a long one lies in several pieces of its file.
///
/// # Panics
/// If a database cannot be read.
pub fn values(folder: &Path) -> Vec<u8> {
    let mut found = Vec::new();
    for path in files(folder).into_keys().filter(|path| is_of_kind(path, "sqlite")) {
        let database = Connection::open(&path).expect("a database");
        let named = "SELECT name FROM sqlite_master WHERE type = 'table'";
        let mut tables = database.prepare(named).expect("a database");
        let tables = tables.query_map([], |row| row.get::<_, String>(0)).expect("tables");
        for table in tables.map(|table| table.expect("a name")) {
            let mut rows =
                database.prepare(&format!("SELECT * FROM \"{table}\"")).expect("a table");
            let count = rows.column_count();
            let mut rows = rows.query([]).expect("rows");
            while let Some(row) = rows.next().expect("a row") {
                for at in 0..count {
                    let value = row.get_ref(at).expect("a column");
                    if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = value {
                        found.extend_from_slice(bytes);
                        found.push(b'\n');
                    }
                }
            }
        }
    }
    found
}
