//! Requests of a member of an encrypted session: what is sent is sealed first, and what comes is opened.

use super::{FileBody, Http, Request, files::FileBytes};
use crate::{
    answer::Answer,
    error::{Failure, Kind, Result},
    seal::{Seal, with_redacted},
    server::Server,
    stderr::tell,
};
use nexus_protocol::{Cursor, FileKey};
use nexus_seal::IncomingFile;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::json;

impl Http {
    pub(super) fn send_sealed(
        &self,
        server: &Server,
        request: &Request<'_>,
        seal: &Seal,
    ) -> Result<Answer> {
        let mut sent = Request { seal: None, ..request.clone() };
        let (mut redacted, mut is_numbered) = (Vec::new(), false);
        if let Some(body) = request.body.as_ref().filter(|body| Seal::concerns(body)) {
            let is_of_task = Seal::is_of_task(body);
            let task = is_of_task.then(|| self.task_of(server, request)).transpose()?;
            let sealed = seal.seal(body, request.once.as_deref(), task.as_deref())?;
            (sent.body, redacted) = (Some(sealed.body), sealed.redacted);
            is_numbered = sealed.is_numbered;
        }
        let outcome = self.send_open(server, &sent);
        if let Some(once) = request.once.as_ref().filter(|_| is_numbered) {
            match &outcome {
                Ok(_) => seal.settle(once, true)?,
                // What is certainly not stored.
                Err(Failure::Refused(answer)) if (400..500).contains(&answer.status) => {
                    seal.settle(once, false)?;
                }
                Err(_) => {}
            }
        }
        let answer = outcome?;
        let body = seal.open(&request.path, answer.body)?;
        Ok(Answer { body: with_redacted(body, &redacted), ..answer })
    }

    /// The sealed string of the task that a request is about.
    fn task_of(&self, server: &Server, request: &Request<'_>) -> Result<String> {
        #[derive(Deserialize)]
        struct Task {
            task: String,
        }
        let Request { agent, key, secret, .. } = *request;
        let asked = Request { agent, key, secret, ..Request::get(request.path.clone()) };
        let answer = self.send_open(server, &asked)?;
        answer.body.read().map(|task: Task| task.task).ok_or_else(|| {
            Failure::own(Kind::NonJsonResponse, "The relay does not say what the task is.")
        })
    }

    /// Stores a file, sealed.
    pub(super) fn upload_sealed(
        &self,
        server: &Server,
        request: &Request<'_>,
        file: &FileBody,
        seal: &Seal,
    ) -> Result<Answer> {
        let key = key_of(&request.path)?;
        let base = request.condition.as_ref().and_then(|(_, tag)| match tag.as_str() {
            "*" => Some(0),
            tag => tag.trim_matches('"').parse().ok(),
        });
        let bytes = seal.file(&key, &file.content_type, base, &file.bytes)?;
        let sealed = FileBody { bytes, content_type: "application/jose".to_owned() };
        self.upload(server, &Request { seal: None, ..request.clone() }, &sealed)
    }

    /// Reads a file, and opens it.
    pub(super) fn download_sealed(
        &self,
        server: &Server,
        request: &Request<'_>,
        seal: &Seal,
    ) -> Result<FileBytes> {
        let key = key_of(&request.path)?;
        let open = Request { seal: None, ..request.clone() };
        let file = self.download(server, &open)?;
        let Some(editor) = file.editor.clone() else {
            let message = "The relay does not say who stored the file, so it cannot be opened: its software is older than this command.";
            return Err(Failure::own(Kind::Unsupported, message));
        };
        let sealed = String::from_utf8(file.bytes).unwrap_or_default();
        let version = file.version.unwrap_or_default();
        let read = seal.open_file(&IncomingFile {
            key: &key,
            editor: &editor,
            version,
            is_newest: !request.path.contains("?version="),
            cursor: Cursor::START,
            verified: true,
            sealed: &sealed,
        })?;
        let state = json!(read.seal.state);
        let Some(opened) = read.opened else {
            let message = format!(
                "The file {key} was not opened ({}): it was changed on the way, or {editor} did not seal this version.",
                state.as_str().unwrap_or_default()
            );
            return Err(Failure::own(Kind::NotOpened, message));
        };
        if read.seal.restarted {
            tell!("warning: a newer version of {key} was shown here before than version {version}");
        }
        if read.seal.key_changed {
            tell!("warning: {editor} has signed {key} with another key than before, or not at all");
        }
        let content_type = opened.file.content_type.unwrap_or_default();
        Ok(FileBytes {
            bytes: opened.bytes,
            content_type,
            version: file.version,
            editor: Some(editor),
        })
    }
}

/// The key of the file that a path names.
fn key_of(path: &str) -> Result<FileKey> {
    let (_, key) = path.split_once("/files/").unwrap_or_default();
    let key = key.split('?').next().unwrap_or_default();
    let key = percent_decode_str(key).decode_utf8_lossy();
    key.parse().map_err(|nexus_protocol::Malformed(rule)| {
        Failure::own(Kind::Usage, format!("The name of the file {rule}."))
    })
}
