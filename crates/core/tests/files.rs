//! Files (section 9): versions, conditions, limits.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use nexus_core::{Caller, Content, FileSaved, Result};
use nexus_protocol::{Condition, CreateSession, ErrorCode, FileKey, FilesRequest, Limits};
use proptest::prelude::*;
use support::{Calls, World, at, caller, faulted, messages, refused};

struct Shelf {
    world: World,
    a: Caller,
}

impl Shelf {
    fn new(limits: Limits) -> Self {
        let mut world = World::new(limits);
        world.create(CreateSession::default());
        let a = caller("a", Some(&world.join(0, "a").unwrap().session_key));
        Self { world, a }
    }

    fn put(&mut self, key: &str, bytes: &[u8], condition: &Condition) -> Result<FileSaved> {
        self.put_repeated(key, bytes, condition, None)
    }

    fn put_repeated(
        &mut self,
        key: &str,
        bytes: &[u8],
        condition: &Condition,
        repeat: Option<&str>,
    ) -> Result<FileSaved> {
        let who = self.world.session.with_key(at(1), &self.a)?;
        let repeat = repeat.map(|key| key.parse().unwrap());
        let content = Content { content_type: "text/plain".to_owned(), bytes: bytes.to_vec() };
        self.world.session.put_file(at(1), &who, repeat.as_ref(), &name(key), condition, content)
    }

    fn get(&mut self, key: &str, version: Option<u32>) -> Result<Vec<u8>> {
        let who = self.world.session.as_member(at(1), &self.a)?;
        Ok(self.world.session.file(at(1), &who, &name(key), version)?.1)
    }

    fn delete(&mut self, key: &str, condition: &Condition) -> Result<u32> {
        let who = self.world.session.with_key(at(1), &self.a)?;
        Ok(self.world.session.delete_file(at(1), &who, &name(key), condition)?.0.version)
    }

    fn list(&mut self, query: &str) -> (Vec<String>, usize, bool) {
        let who = self.world.session.as_member(at(1), &self.a).unwrap();
        let request = FilesRequest::parse(query).unwrap();
        let list = self.world.session.files(at(1), &who, &request).unwrap();
        let keys = list.files.iter().map(|file| format!("{}@{}", file.key, file.version));
        (keys.collect(), list.bytes, list.has_more)
    }
}

fn name(key: &str) -> FileKey {
    key.parse().unwrap()
}

const ALWAYS: Condition = Condition::None;

#[test]
fn the_last_ten_versions_are_kept_and_counted() {
    let mut shelf = Shelf::new(Limits::default());
    for version in 1..=12u8 {
        let saved = shelf.put("docs/a.md", &[version; 100], &ALWAYS).unwrap();
        assert_eq!((saved.file.version, saved.created), (u32::from(version), version == 1));
    }
    shelf.world.evict();
    assert_eq!(shelf.get("docs/a.md", None).unwrap(), [12; 100]);
    assert_eq!(shelf.get("docs/a.md", Some(3)).unwrap(), [3; 100]);
    for version in [2, 13] {
        assert_eq!(refused(shelf.get("docs/a.md", Some(version))), ErrorCode::FileNotFound);
    }
    assert_eq!(shelf.list(""), (vec!["docs/a.md@12".to_owned()], 1000, false));
}

#[test]
fn deleting_removes_all_versions_and_their_numbers_continue() {
    let mut shelf = Shelf::new(Limits::default());
    assert_eq!(refused(shelf.delete("a", &ALWAYS)), ErrorCode::FileNotFound);
    shelf.put("a", b"one", &ALWAYS).unwrap();
    let other = Condition::Versions(vec![7]);
    assert_eq!(refused(shelf.delete("a", &other)), ErrorCode::VersionConflict);
    // Old bytes cannot be deleted, but are not readable either.
    shelf.world.database.fail_after(2);
    assert_eq!(shelf.delete("a", &ALWAYS).unwrap(), 2);
    shelf.world.database.heal();
    assert_eq!(refused(shelf.get("a", None)), ErrorCode::FileNotFound);
    assert_eq!(refused(shelf.get("a", Some(1))), ErrorCode::FileNotFound);
    assert!(shelf.list("").0.is_empty());
    let again = shelf.put("a", b"two", &Condition::Absent).unwrap();
    assert_eq!((again.file.version, again.created), (3, true));
    assert_eq!(refused(shelf.get("a", Some(1))), ErrorCode::FileNotFound);
}

#[test]
fn conditions_refuse_and_say_the_current_version() {
    let mut shelf = Shelf::new(Limits::default());
    let third = Condition::Versions(vec![3]);
    assert_eq!(refused(shelf.put("a", b"x", &third)), ErrorCode::VersionConflict);
    shelf.put("a", b"x", &Condition::Absent).unwrap();
    assert_eq!(refused(shelf.put("a", b"y", &Condition::Absent)), ErrorCode::VersionConflict);
    assert_eq!(refused(shelf.put("a", b"y", &third)), ErrorCode::VersionConflict);
    assert_eq!(shelf.get("a", None).unwrap(), b"x");
    shelf.put("a", b"y", &Condition::Versions(vec![1])).unwrap();
    shelf.put("a", b"z", &Condition::Exists).unwrap();
}

#[test]
fn a_repeated_put_returns_the_first_answer_and_stores_nothing() {
    let mut shelf = Shelf::new(Limits::default());
    let first = shelf.put_repeated("a", b"x", &Condition::Absent, Some("k")).unwrap();
    let again = shelf.put_repeated("a", b"x", &Condition::Absent, Some("k")).unwrap();
    assert_eq!(first.file, again.file);
    assert!(again.created && again.delivery.is_none());
}

#[test]
fn limits_refuse_and_store_nothing() {
    let limits = Limits { max_file_bytes: 100, max_session_file_bytes: 250, ..Limits::default() };
    let mut shelf = Shelf::new(limits);
    assert_eq!(refused(shelf.put("a", &[0; 101], &ALWAYS)), ErrorCode::FileTooLarge);
    assert!(shelf.list("").0.is_empty());
    shelf.put("a", &[0; 100], &ALWAYS).unwrap();
    shelf.put("b", &[0; 100], &ALWAYS).unwrap();
    shelf.world.evict();
    assert_eq!(refused(shelf.put("c", &[0; 51], &ALWAYS)), ErrorCode::StorageFull);
    shelf.put("c", &[0; 50], &ALWAYS).unwrap();
    assert_eq!(refused(shelf.put("d", &[0; 1], &ALWAYS)), ErrorCode::StorageFull);
    shelf.put("d", &[], &ALWAYS).unwrap();
    shelf.delete("a", &ALWAYS).unwrap();
    shelf.put("e", &[0; 100], &ALWAYS).unwrap();
    assert_eq!(shelf.list("").1, 250);
}

#[test]
fn there_are_at_most_a_thousand_files() {
    let mut shelf = Shelf::new(Limits { agent_requests: 0, ..Limits::default() });
    for number in 0..1000 {
        shelf.put(&format!("f{number:04}"), b"", &ALWAYS).unwrap();
    }
    assert_eq!(refused(shelf.put("more", b"", &ALWAYS)), ErrorCode::StorageFull);
    shelf.put("f0000", b"again", &ALWAYS).unwrap();
    shelf.delete("f0000", &ALWAYS).unwrap();
    shelf.put("more", b"", &ALWAYS).unwrap();
}

#[test]
fn lists_are_filtered_and_paged() {
    let mut shelf = Shelf::new(Limits::default());
    for key in ["b/1", "a", "b/2", "c d"] {
        shelf.put(key, b"x", &ALWAYS).unwrap();
    }
    assert_eq!(shelf.list("prefix=b/").0, ["b/1@1", "b/2@1"]);
    assert_eq!(
        shelf.list("limit=3"),
        (vec!["a@1".into(), "b/1@1".into(), "b/2@1".into()], 4, true)
    );
    assert_eq!(shelf.list("after=b/2&limit=3"), (vec!["c d@1".into()], 4, false));
    assert_eq!(shelf.list("prefix=c%20d").0, ["c d@1"]);
}

#[test]
fn the_log_reports_files_to_everyone_without_their_bytes() {
    let mut shelf = Shelf::new(Limits::default());
    shelf.put("a", b"secret bytes", &ALWAYS).unwrap();
    shelf.delete("a", &ALWAYS).unwrap();
    let b = caller("b", Some(&shelf.world.join(2, "b").unwrap().session_key));
    let page = shelf.world.page(3, &b, None, 10).unwrap();
    let told: Vec<_> = messages(&page).into_iter().filter_map(|message| message.text).collect();
    assert_eq!(told, ["a saved a (version 1, 12 bytes)", "a deleted a"]);
    assert!(page.messages[0].get().contains(r#""kind":"file","text":"a saved a (version 1, 12 bytes)","json":{"type":"file","event":"saved","file":{"key":"a","version":1,"etag":"\"1\"","size":12,"contentType":"text/plain","editor":"a","verified":true"#));
}

#[test]
fn a_write_that_fails_stores_nothing() {
    let mut shelf = Shelf::new(Limits::default());
    shelf.put("a", b"one", &ALWAYS).unwrap();
    shelf.world.database.fail_after(1);
    assert!(faulted(&shelf.put("a", b"two", &ALWAYS)));
    shelf.world.database.heal();
    assert_eq!(shelf.get("a", None).unwrap(), b"one");
    assert_eq!(shelf.put("a", b"two", &ALWAYS).unwrap().file.version, 2);
}

proptest! {
    /// Several editors read a version, and later try to store their own on top of it. Every edit
    /// that was accepted is part of the result.
    #[test]
    fn concurrent_edits_with_a_condition_lose_none(turns in prop::collection::vec((0..4usize, any::<bool>(), any::<bool>()), 1..80)) {
        let mut shelf = Shelf::new(Limits::default());
        shelf.put("list", b"", &ALWAYS).unwrap();
        let mut copies = vec![(1u32, String::new()); 4];
        let mut stored = Vec::new();
        for (number, (editor, writes, evict)) in turns.into_iter().enumerate() {
            if evict {
                shelf.world.evict();
            }
            if writes {
                let (version, text) = copies[editor].clone();
                let next = format!("{text}{number};");
                match shelf.put("list", next.as_bytes(), &Condition::Versions(vec![version])) {
                    Ok(saved) => {
                        stored.push(number);
                        copies[editor] = (saved.file.version, next);
                    }
                    refusal => prop_assert_eq!(refused(refusal), ErrorCode::VersionConflict),
                }
            } else {
                let who = shelf.world.session.as_member(at(1), &shelf.a).unwrap();
                let (file, bytes) = shelf.world.session.file(at(1), &who, &name("list"), None).unwrap();
                copies[editor] = (file.version, String::from_utf8(bytes).unwrap());
            }
        }
        let expected = stored.iter().fold(String::new(), |text, number| format!("{text}{number};"));
        prop_assert_eq!(String::from_utf8(shelf.get("list", None).unwrap()).unwrap(), expected);
    }
}
