//! Files (section 9). A version of a file is a row of the log: the message that reports it,
//! together with the bytes.
//!
//! Promises: versions count up by one. A refused call stores nothing. Of two edits with the same
//! `If-Match`, one is refused. The bytes of old versions are deleted after the next version is
//! stored, and are not readable in between.

use super::{Session, Who, delivery::Delivery, log::Call, store::About};
use crate::{Database, Digest, Fault, Result, Row, redaction::check_name, repeat::Repeat};
use nexus_protocol::{
    Condition, FileDeleted, FileEvent, FileInfo, FileKey, FileList, FileNews, FilesRequest,
    IdempotencyKey, Kind, Message, Refusal, Sealed, Timestamp,
};
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;
use std::ops::ControlFlow;

/// How many versions of a file can be read.
const KEPT: u32 = 10;
/// How many files a session may have.
const MOST_FILES: usize = 1000;

/// The type of every file of an encrypted session. Its own type is sealed with it.
const SEALED_TYPE: &str = "application/jose";

const HISTORY: &str = "SELECT record FROM log WHERE file = ?1 ORDER BY cursor DESC LIMIT 10";
const CONTENT: &str = "SELECT content FROM log WHERE cursor = ?1";
const LIST: &str = "SELECT record FROM log
    WHERE file > ?1 AND cursor = (SELECT max(later.cursor) FROM log AS later WHERE later.file = log.file)
    ORDER BY file";
const COUNT: &str =
    "SELECT count(DISTINCT file) FROM log WHERE file IS NOT NULL AND content IS NOT NULL";
const BYTES: &str = "SELECT coalesce(sum(length(content)), 0) FROM log WHERE file IS NOT NULL";
const DROP: &str = "UPDATE log SET content = NULL
    WHERE file = ?1 AND content IS NOT NULL
      AND (?2 OR cursor NOT IN (SELECT kept.cursor FROM log AS kept WHERE kept.file = ?1
                                ORDER BY kept.cursor DESC LIMIT 10))";

/// The new content of a file.
#[derive(Clone, Debug)]
pub struct Content {
    /// The value of `Content-Type`.
    pub content_type: String,
    /// At most [`nexus_protocol::Limits::max_file_bytes`].
    pub bytes: Vec<u8>,
}

/// The result of storing a file.
#[derive(Clone, Debug)]
pub struct FileSaved {
    /// The file as it is now.
    pub file: FileInfo,
    /// Whether no file of this name existed.
    pub created: bool,
    /// What to deliver. `None` for a repeated call.
    pub delivery: Option<Delivery>,
}

impl<D: Database> Session<D> {
    /// `PUT /v1/sessions/:id/files/:key` (section 9). A call that repeats an idempotency key of the
    /// same seat returns the first answer again.
    pub fn put_file(
        &mut self,
        now: Timestamp,
        who: &Who,
        repeat: Option<&IdempotencyKey>,
        key: &FileKey,
        condition: &Condition,
        content: Content,
    ) -> Result<FileSaved> {
        let asked = ("put", key, &content.content_type, Digest::of_bytes(&content.bytes));
        let (repeat, before) = self.begin(now, who, Call::File, repeat, &asked)?;
        if let Some(record) = before {
            let FileNews { file, .. } = news(&record)?;
            return Ok(FileSaved { created: file.version == 1, file, delivery: None });
        }
        let Content { content_type, bytes: content } = content;
        check_name("key", key.as_str())?;
        let content_type = if self.is_encrypted(now)? {
            let is_sealed =
                std::str::from_utf8(&content).is_ok_and(|text| Sealed::parse(text).is_some());
            if !is_sealed {
                return Err(Refusal::encryption_required("body").into());
            }
            SEALED_TYPE.to_owned()
        } else {
            check_name("Content-Type", &content_type)?;
            content_type
        };
        let size = content.len();
        if size > self.limits.max_file_bytes {
            return Err(Refusal::file_too_large(self.limits.max_file_bytes).into());
        }
        let history = self.history(key)?;
        let current = current(&history);
        if !condition.holds(current.map_or(0, |file| file.version)) {
            return Err(Refusal::version_conflict(current.map_or(0, |file| file.version)).into());
        }
        let created = current.is_none();
        let bytes = self.file_bytes()?.saturating_add(size);
        if bytes > self.limits.max_session_file_bytes {
            return Err(Refusal::storage_full(self.limits.max_session_file_bytes, "bytes").into());
        }
        if created && self.count_files()? >= MOST_FILES {
            return Err(Refusal::storage_full(MOST_FILES, "files").into());
        }
        let version = next_version(&history);
        let message = self.next_news(now, Some(who), Kind::File)?;
        let file = FileInfo {
            key: key.clone(),
            version,
            etag: FileInfo::etag_of(version),
            size,
            content_type,
            editor: who.agent.clone(),
            verified: message.verified,
            updated_at: message.sent_at,
            cursor: message.cursor,
        };
        let delivery = self.tell_of(message, FileEvent::Saved, &file, repeat, Some(content))?;
        self.file_bytes = Some(bytes);
        if version > KEPT {
            self.drop_contents(key, false);
        }
        Ok(FileSaved { file, created, delivery: Some(delivery) })
    }

    /// `GET /v1/sessions/:id/files/:key` (section 9): the current version, or `version`.
    pub fn file(
        &mut self,
        now: Timestamp,
        who: &Who,
        key: &FileKey,
        version: Option<u32>,
    ) -> Result<(FileInfo, Vec<u8>)> {
        self.hear(now, who)?;
        self.find_file(key, version)
    }

    /// The current version of a file, or `version`.
    pub(super) fn find_file(
        &self,
        key: &FileKey,
        version: Option<u32>,
    ) -> Result<(FileInfo, Vec<u8>)> {
        let history = self.history(key)?;
        let saved = history.into_iter().take_while(|news| news.event == FileEvent::Saved);
        let mut saved = saved.map(|news| news.file);
        let found = saved.find(|file| version.is_none_or(|version| version == file.version));
        let file = found.ok_or_else(Refusal::file_not_found)?;
        let cursor = [file.cursor.as_i64().into()];
        let content = self.store.database.first(CONTENT, &cursor, Row::optional_blob)?;
        let content = content.flatten().ok_or_else(|| Fault::new("a file has no content"))?;
        Ok((file, content))
    }

    /// `GET /v1/sessions/:id/files` (section 9).
    pub fn files(&mut self, now: Timestamp, who: &Who, request: &FilesRequest) -> Result<FileList> {
        self.hear(now, who)?;
        self.list_files(request)
    }

    /// The files that match the request.
    pub(super) fn list_files(&mut self, request: &FilesRequest) -> Result<FileList> {
        let mut list = FileList { files: Vec::new(), next_after: None, has_more: false, bytes: 0 };
        if !self.store.database.has_table("log_file")? {
            return Ok(list);
        }
        list.bytes = self.file_bytes()?;
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        self.store.database.query(LIST, &[request.after.as_str().into()], &mut |mut row| {
            let FileNews { event, file } = news(&row.text()?)?;
            if event == FileEvent::Deleted || !file.key.as_str().starts_with(&request.prefix) {
                return Ok(ControlFlow::Continue(()));
            }
            if list.files.len() >= limit {
                list.has_more = true;
                return Ok(ControlFlow::Break(()));
            }
            list.next_after = Some(file.key.clone());
            list.files.push(file);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(list)
    }

    /// `DELETE /v1/sessions/:id/files/:key` (section 9).
    pub fn delete_file(
        &mut self,
        now: Timestamp,
        who: &Who,
        key: &FileKey,
        condition: &Condition,
    ) -> Result<(FileDeleted, Delivery)> {
        self.hear(now, who)?;
        let history = self.history(key)?;
        let Some(current) = current(&history) else {
            return Err(Refusal::file_not_found().into());
        };
        if !condition.holds(current.version) {
            return Err(Refusal::version_conflict(current.version).into());
        }
        let version = next_version(&history);
        let message = self.next_news(now, Some(who), Kind::File)?;
        let file = FileInfo {
            version,
            etag: FileInfo::etag_of(version),
            size: 0,
            editor: who.agent.clone(),
            verified: message.verified,
            updated_at: message.sent_at,
            cursor: message.cursor,
            ..current.clone()
        };
        let delivery = self.tell_of(message, FileEvent::Deleted, &file, None, None)?;
        self.drop_contents(key, true);
        Ok((FileDeleted { ok: true, key: key.clone(), version }, delivery))
    }

    /// The last rows of a file, latest first.
    fn history(&self, key: &FileKey) -> Result<Vec<FileNews>, Fault> {
        let mut rows = Vec::new();
        if self.store.database.has_table("log_file")? {
            self.store.database.query(HISTORY, &[key.as_str().into()], &mut |mut row| {
                rows.push(news(&row.text()?)?);
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(rows)
    }

    pub(super) fn file_bytes(&mut self) -> Result<usize, Fault> {
        if let Some(bytes) = self.file_bytes {
            return Ok(bytes);
        }
        let bytes = self.store.database.first(BYTES, &[], Row::integer)?.unwrap_or(0);
        let bytes = usize::try_from(bytes).map_err(Fault::new)?;
        self.file_bytes = Some(bytes);
        Ok(bytes)
    }

    pub(super) fn count_files(&self) -> Result<usize, Fault> {
        if !self.store.database.has_table("log_file")? {
            return Ok(0);
        }
        let count = self.store.database.first(COUNT, &[], Row::integer)?.unwrap_or(0);
        usize::try_from(count).map_err(Fault::new)
    }

    /// Deletes the bytes of old versions of a file, or of `all` versions. They are not readable in
    /// any case, so a failure is ignored and the next call deletes them.
    fn drop_contents(&mut self, key: &FileKey, all: bool) {
        let _ = self.store.database.execute(DROP, &[key.as_str().into(), i64::from(all).into()]);
        self.file_bytes = None;
    }

    /// Stores a change of a file, as a message to all members.
    fn tell_of(
        &mut self,
        mut message: Message,
        event: FileEvent,
        file: &FileInfo,
        repeat: Option<Repeat>,
        content: Option<Vec<u8>>,
    ) -> Result<Delivery> {
        let FileInfo { key, version, size, editor, .. } = file;
        message.text = Some(match event {
            FileEvent::Saved => format!("{editor} saved {key} (version {version}, {size} bytes)"),
            FileEvent::Deleted => format!("{editor} deleted {key}"),
        });
        let news = FileNews { event, file: file.clone() };
        message.json = Some(to_raw_value(&news).map_err(Fault::new)?);
        let about = About::File(key.clone(), content);
        self.append(message.sent_at, message, None, repeat, about)
    }
}

/// The current version of a file, if the file exists.
fn current(history: &[FileNews]) -> Option<&FileInfo> {
    history.first().filter(|news| news.event == FileEvent::Saved).map(|news| &news.file)
}

/// The number of the next version.
fn next_version(history: &[FileNews]) -> u32 {
    history.first().map_or(0, |news| news.file.version).saturating_add(1)
}

/// The task or file in a stored message.
pub(super) fn news<T: DeserializeOwned>(record: &str) -> Result<T, Fault> {
    let message: Message =
        serde_json::from_str(record).map_err(|_| Fault::new("a stored message cannot be read"))?;
    let payload = message.json.ok_or_else(|| Fault::new("a stored message has no payload"))?;
    serde_json::from_str(payload.get()).map_err(|_| Fault::new("a stored payload cannot be read"))
}
