//! Uploads and downloads of a session's files, with a progress bar on a terminal.

use super::{Http, MAX_ANSWER, Request, build};
use crate::{answer::Answer, error::Result, server::Server, stderr};
use nexus_protocol::AgentId;
use std::{
    io::{self, IsTerminal, Read, Write},
    time::Duration,
};
use ureq::{SendBody, http};

/// Files of at least this many bytes get a progress bar.
const SHOWN: usize = 256 * 1024;
/// How long a file may take, in addition to the usual time limit.
const TRANSFER: Duration = Duration::from_mins(2);
/// The width of the bar, in characters.
const WIDTH: usize = 30;

/// The body of an upload.
#[derive(Debug)]
pub(crate) struct FileBody {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: String,
}

/// A downloaded file.
#[derive(Debug)]
pub(crate) struct FileBytes {
    pub(crate) bytes: Vec<u8>,
    pub(crate) version: Option<u32>,
    /// Who stored it, as the relay says.
    pub(super) editor: Option<AgentId>,
    pub(crate) content_type: String,
}

impl Http {
    /// Stores a file.
    pub(crate) fn upload(
        &self,
        server: &Server,
        request: &Request<'_>,
        file: &FileBody,
    ) -> Result<Answer> {
        if let Some(seal) = request.seal {
            return self.upload_sealed(server, request, file, seal);
        }
        Self::again(request.repeat, || {
            let mut reader = Shown::new(file.bytes.as_slice(), file.bytes.len(), 0);
            let mut built =
                build(server, request, "application/json", SendBody::from_reader(&mut reader))?;
            let mut set = |name: &'static str, value: &str| {
                // Left out if it cannot be a header. The server then says that it is missing.
                http::HeaderValue::from_str(value)
                    .map(|value| built.headers_mut().insert(name, value))
            };
            let _ = set("Content-Type", &file.content_type);
            let _ = set("Content-Length", &file.bytes.len().to_string());
            let limit = self.limit.saturating_add(TRANSFER);
            self.read(server, self.run(server, limit, built)?)
        })
    }

    /// Reads a file. If the connection breaks off, the rest is asked for, and the whole again only if the
    /// file has changed.
    pub(crate) fn download(&self, server: &Server, request: &Request<'_>) -> Result<FileBytes> {
        if let Some(seal) = request.seal {
            return self.download_sealed(server, request, seal);
        }
        let mut part = Part::default();
        Self::again(request.repeat, || {
            let mut built = build(server, request, "*/*", ())?;
            for (name, value) in part.rest() {
                built.headers_mut().insert(name, value);
            }
            let limit = self.limit.saturating_add(TRANSFER);
            let mut response = self.run(server, limit, built)?;
            if !matches!(response.status().as_u16(), 200 | 206) {
                // The protocol has no successful response of this form.
                return Err(match self.read(server, response) {
                    Ok(answer) => crate::error::Failure::Refused(answer),
                    Err(failure) => failure,
                });
            }
            if response.status() == 200 {
                part.bytes.clear();
            }
            let header =
                |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
            let (version, content_type) = (header("X-File-Version"), header("Content-Type"));
            let editor = header("X-File-Editor");
            part.tag = header("ETag");
            let left = header("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
            let body = response.body_mut().with_config().limit(MAX_ANSWER).reader();
            let read = Shown::new(body, left, part.bytes.len()).read_to_end(&mut part.bytes);
            read.map_err(|error| self.failed(server, error.into()))?;
            let version = version.and_then(|version| version.parse().ok());
            let editor = editor.and_then(|editor| editor.parse().ok());
            let bytes = std::mem::take(&mut part.bytes);
            Ok(FileBytes { bytes, version, editor, content_type: content_type.unwrap_or_default() })
        })
    }
}

/// The part of a file that has arrived.
#[derive(Debug, Default)]
struct Part {
    bytes: Vec<u8>,
    /// The version that it is a part of.
    tag: Option<String>,
}

impl Part {
    /// The headers that ask for the rest, or for the whole file if it has changed.
    fn rest(&self) -> Vec<(&'static str, http::HeaderValue)> {
        let from = format!("bytes={}-", self.bytes.len());
        let tag = self.tag.as_ref().filter(|tag| !self.bytes.is_empty() && !tag.starts_with("W/"));
        let tag = tag.and_then(|tag| http::HeaderValue::from_str(tag).ok());
        let from = http::HeaderValue::from_str(&from).ok();
        from.zip(tag).map_or_else(Vec::new, |(from, tag)| vec![("Range", from), ("If-Range", tag)])
    }
}

/// A reader that updates a progress bar.
struct Shown<R> {
    inner: R,
    size: usize,
    done: usize,
    visible: bool,
}

impl<R> Shown<R> {
    /// `left`: how many bytes come; `done`: how many have come before.
    fn new(inner: R, left: usize, done: usize) -> Self {
        let size = done.saturating_add(left);
        let visible = size > SHOWN && io::stderr().is_terminal();
        Self { inner, size, done, visible }
    }
}

impl<R: Read> Read for Shown<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.done = self.done.saturating_add(count);
        if self.visible {
            // It does not matter whether anybody sees the bar.
            let _ = write!(io::stderr(), "\r{}", bar(self.done, self.size));
        }
        Ok(count)
    }
}

impl<R> Drop for Shown<R> {
    fn drop(&mut self) {
        if self.visible {
            stderr::line_to_stderr("");
        }
    }
}

/// `[####      ] 40 %`
fn bar(done: usize, size: usize) -> String {
    let of = |whole: usize| done.min(size).saturating_mul(whole).checked_div(size).unwrap_or(whole);
    format!("[{:<WIDTH$}] {:>3} %", "#".repeat(of(WIDTH)), of(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_up() {
        assert_eq!(bar(0, 1000), format!("[{}]   0 %", " ".repeat(30)));
        assert_eq!(bar(500, 1000), format!("[{}{}]  50 %", "#".repeat(15), " ".repeat(15)));
        assert_eq!(bar(2000, 1000), format!("[{}] 100 %", "#".repeat(30)));
    }
}
