//! Uploads and downloads of a session's files, with a progress bar on a terminal.

use super::{Http, MAX_ANSWER, Request, build};
use crate::{answer::Answer, error::Result, server::Server, stderr};
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
        Self::again(request.repeat, || {
            let mut reader = Shown::new(file.bytes.as_slice(), file.bytes.len());
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
            let response = self.agent.run(self.within(limit, built));
            self.read(server, response.map_err(|error| self.failed(server, error))?)
        })
    }

    /// Reads a file.
    pub(crate) fn download(&self, server: &Server, request: &Request<'_>) -> Result<FileBytes> {
        Self::again(request.repeat, || {
            let built = build(server, request, "*/*", ())?;
            let limit = self.limit.saturating_add(TRANSFER);
            let response = self.agent.run(self.within(limit, built));
            let mut response = response.map_err(|error| self.failed(server, error))?;
            if response.status() != 200 {
                // The protocol has no successful response of this form.
                return Err(match self.read(server, response) {
                    Ok(answer) => crate::error::Failure::Refused(answer),
                    Err(failure) => failure,
                });
            }
            let header =
                |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
            let (version, content_type) = (header("X-File-Version"), header("Content-Type"));
            let size = header("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
            let mut bytes = Vec::new();
            let body = response.body_mut().with_config().limit(MAX_ANSWER).reader();
            let read = Shown::new(body, size).read_to_end(&mut bytes);
            read.map_err(|error| self.failed(server, error.into()))?;
            let version = version.and_then(|version| version.parse().ok());
            Ok(FileBytes { bytes, version, content_type: content_type.unwrap_or_default() })
        })
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
    fn new(inner: R, size: usize) -> Self {
        let visible = size > SHOWN && io::stderr().is_terminal();
        Self { inner, size, done: 0, visible }
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
