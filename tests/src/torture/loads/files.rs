//! Agents that save versions of files, each of its own and of one that they share, and read them
//! back.

use super::load::{Load, locked};
use crate::{
    Member,
    random::Random,
    torture::{stage::Stage, talk::log, verdict::Verdict},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Mutex,
};

/// The editors of a session, and how many files each has for itself.
const EDITORS: usize = 2;
const FILES: usize = 3;
/// The file of all editors.
const SHARED: &str = "shared";
/// How many versions of a file the relay keeps.
const KEPT: u64 = 10;

/// The sessions in which agents edit.
pub(super) struct Files(Vec<Folder>);

/// One session.
struct Folder {
    name: String,
    editors: Vec<Member>,
    random: Vec<Mutex<Random>>,
    record: Mutex<Record>,
}

/// What was acknowledged.
#[derive(Debug, Default)]
struct Record {
    /// For each file the versions and the hashes of their content, in the order of the answers.
    saved: BTreeMap<String, Vec<(u64, u64)>>,
    /// Answers that the relay had no reason to give.
    refused: Vec<String>,
}

/// What can be read of a file at the end: its version, and the hashes of the versions that are kept.
#[derive(Debug, Default)]
struct Found {
    version: u64,
    kept: BTreeMap<u64, u64>,
}

impl Files {
    pub(super) fn new(stage: &Stage, groups: usize) -> Self {
        let folder = |number| {
            let name = format!("folder {number}");
            let host = stage.api().session();
            let editors: Vec<Member> =
                (0..EDITORS).map(|n| stage.own(&host.join(&format!("editor{n}")))).collect();
            let random = |who: &Member| stage.random(&format!("{name} {}", who.agent));
            let random = editors.iter().map(|who| Mutex::new(random(who))).collect();
            Folder { name, editors, random, record: Mutex::default() }
        };
        Self((0..groups).map(folder).collect())
    }
}

impl Load for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn actors(&self) -> usize {
        self.0.len() * EDITORS
    }

    fn act(&self, stage: &Stage, actor: usize) {
        let folder = &self.0[actor / EDITORS];
        let number = actor % EDITORS;
        let mut random = locked(&folder.random[number]);
        let editor = &folder.editors[number];
        let own = format!("{}/{}.txt", editor.agent, random.below(FILES));
        match random.below(10) {
            0..=5 => folder.save_own(stage, &mut random, editor, &own),
            6..=7 => folder.save_shared(stage, &mut random, editor),
            _ => folder.read_back(stage, editor, &own),
        }
    }

    fn check(&self, stage: &Stage, verdict: &mut Verdict) -> usize {
        let mut acknowledged = 0;
        for folder in &self.0 {
            let (record, reader) = (locked(&folder.record), &folder.editors[0]);
            acknowledged += record.saved.values().map(Vec::len).sum::<usize>();
            let keys = record.saved.keys();
            let found = keys.map(|key| (key.clone(), find(stage, reader, key))).collect();
            let log = stage.persist(|| log(reader)).unwrap_or_default();
            judge(&folder.name, &record, &found, &log, verdict);
        }
        acknowledged
    }
}

impl Folder {
    /// Saves the next version of a file that nobody else changes.
    fn save_own(&self, stage: &Stage, random: &mut Random, editor: &Member, key: &str) {
        let last = locked(&self.record).saved.get(key).and_then(|saved| saved.last().copied());
        let version = last.map_or(0, |(version, _)| version);
        match self.save(stage, random, editor, key, version) {
            Ok(next) if next == version + 1 => {}
            Ok(next) => self.refuse(format!("version {next} after {version} of {key}")),
            Err(status) => self.refuse(format!("{status} to {key}")),
        }
    }

    /// Saves the next version of the shared file, unless the other editor is faster.
    fn save_shared(&self, stage: &Stage, random: &mut Random, editor: &Member) {
        let Some(answer) = stage.answer(|| file(editor, SHARED, None)) else { return };
        let version = answer.header("X-File-Version").parse().unwrap_or_default();
        if let Err(status) = self.save(stage, random, editor, SHARED, version)
            && !matches!(status, 0 | 412)
        {
            self.refuse(format!("{status} to {SHARED}"));
        }
    }

    /// Saves a version after this one, and returns its number, or the status of the refusal.
    fn save(
        &self,
        stage: &Stage,
        random: &mut Random,
        editor: &Member,
        key: &str,
        version: u64,
    ) -> Result<u64, u16> {
        let length = if random.percent(5) { 100_000 } else { random.below(2000) };
        let content = format!("{key} after {version} {} {}", random.key(), "ö".repeat(length / 2));
        let (path, repeat) = (format!("/files/{key}"), random.key());
        let condition = match version {
            0 => ("If-None-Match", "*".to_owned()),
            _ => ("If-Match", format!("\"{version}\"")),
        };
        let answer = stage.answer(|| {
            let call = editor.call("PUT", &path).idempotency_key(&repeat);
            call.header(condition.0, condition.1.as_bytes()).body(content.as_bytes()).try_send()
        });
        let answer = answer.ok_or(0_u16)?;
        if !matches!(answer.status, 200 | 201) {
            return Err(answer.status);
        }
        let next = answer.json()["version"].as_u64().unwrap_or_default();
        let mut record = locked(&self.record);
        record.saved.entry(key.to_owned()).or_default().push((next, hash(content.as_bytes())));
        Ok(next)
    }

    /// Reads a file that nobody else changes.
    fn read_back(&self, stage: &Stage, editor: &Member, key: &str) {
        let last = locked(&self.record).saved.get(key).and_then(|saved| saved.last().copied());
        let Some((version, content)) = last else { return };
        let Some(answer) = stage.answer(|| file(editor, key, None)) else { return };
        if answer.header("X-File-Version") != version.to_string() || hash(answer.bytes()) != content
        {
            self.refuse(format!("{} and not version {version} of {key}", answer.status));
        }
    }

    fn refuse(&self, why: String) {
        locked(&self.record).refused.push(why);
    }
}

fn file(who: &Member, key: &str, version: Option<u64>) -> Option<crate::Answer> {
    let query = version.map(|version| format!("?version={version}")).unwrap_or_default();
    who.call("GET", &format!("/files/{key}{query}")).try_send()
}

fn find(stage: &Stage, reader: &Member, key: &str) -> Found {
    let Some(answer) = stage.answer(|| file(reader, key, None)) else { return Found::default() };
    let version: u64 = answer.header("X-File-Version").parse().unwrap_or_default();
    let mut found = Found { version, kept: BTreeMap::new() };
    for number in version.saturating_sub(KEPT - 1).max(1)..=version {
        let answer = stage.answer(|| file(reader, key, Some(number)));
        if let Some(answer) = answer.filter(|answer| answer.status == 200) {
            found.kept.insert(number, hash(answer.bytes()));
        }
    }
    found
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Every version was acknowledged once, is in the log once, and has its content as long as it is
/// kept.
fn judge(
    name: &str,
    record: &Record,
    found: &BTreeMap<String, Found>,
    log: &[Value],
    verdict: &mut Verdict,
) {
    for why in &record.refused {
        verdict.lost(&format!("{name}: {why}"));
    }
    for (key, saved) in &record.saved {
        let mut saved = saved.clone();
        saved.sort_unstable();
        let versions: Vec<u64> = saved.iter().map(|(version, _)| *version).collect();
        let last = versions.last().copied().unwrap_or_default();
        numbered(&format!("{name}: acknowledged versions of {key}"), &versions, last, verdict);
        let of_it = log.iter().filter(|message| message["json"]["file"]["key"] == key.as_str());
        let told = of_it.filter_map(|message| message["json"]["file"]["version"].as_u64());
        numbered(
            &format!("{name}: told versions of {key}"),
            &told.collect::<Vec<_>>(),
            last,
            verdict,
        );
        let Some(found) = found.get(key) else { continue };
        if found.version > last {
            verdict.doubled(&format!("{name}: {key} is at {}, after {last}", found.version));
        }
        let kept = saved.iter().filter(|(version, _)| version + KEPT > last);
        for (version, content) in kept {
            if found.kept.get(version) != Some(content) {
                verdict.lost(&format!("{name}: version {version} of {last} of {key}"));
            }
        }
    }
}

/// Checks that these numbers are 1, 2, 3 and so on up to `last`.
fn numbered(what: &str, numbers: &[u64], last: u64, verdict: &mut Verdict) {
    if !numbers.is_sorted() {
        verdict.disordered(&format!("{what}: {numbers:?}"));
    }
    for number in 1..=last {
        match numbers.iter().filter(|other| **other == number).count() {
            0 => verdict.lost(&format!("{what}: {number} of {last}")),
            1 => {}
            count => verdict.doubled(&format!("{what}: {number} is there {count} times")),
        }
    }
    for number in numbers.iter().filter(|number| **number > last) {
        verdict.doubled(&format!("{what}: {number} after {last}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn counts(
        change: impl FnOnce(&mut Record, &mut Found, &mut Vec<Value>),
    ) -> (usize, usize, usize) {
        let versions = [(1, 10), (2, 20), (3, 30)];
        let mut record = Record::default();
        record.saved.insert("f".to_owned(), versions.into());
        let mut found = Found { version: 3, kept: versions.into() };
        let message = |(n, _)| json!({ "json": { "file": { "key": "f", "version": n } } });
        let mut log: Vec<Value> = versions.into_iter().map(message).collect();
        change(&mut record, &mut found, &mut log);
        let mut verdict = Verdict::default();
        judge("folder", &record, &[("f".to_owned(), found)].into(), &log, &mut verdict);
        (verdict.lost, verdict.doubled, verdict.disordered)
    }

    #[test]
    fn lost_doubled_and_disordered_versions_are_found() {
        assert_eq!(counts(|_, _, _| ()), (0, 0, 0));
        assert_eq!(counts(|_, found, _| found.kept.extend([(2, 9)])), (1, 0, 0));
        assert_eq!(counts(|_, found, _| found.version = 4), (0, 1, 0));
        assert_eq!(counts(|_, _, log| drop(log.pop())), (1, 0, 0));
        assert_eq!(counts(|_, _, log| log.push(log[2].clone())), (0, 1, 0));
        assert_eq!(counts(|_, _, log| log.swap(0, 1)), (0, 0, 1));
        // Two editors were told that they have saved the same version.
        let twice = |record: &mut Record, _: &mut Found, _: &mut Vec<Value>| {
            record.saved.entry("f".to_owned()).or_default().push((3, 31));
        };
        assert_eq!(counts(twice), (1, 1, 0));
    }
}
