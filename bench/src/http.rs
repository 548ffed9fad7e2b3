//! A connection that stays open and sends requests that were assembled before. This client uses
//! little processor time, so it does not slow down what it measures.

use anyhow::{Context, Result, bail, ensure};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

/// A complete request as bytes.
pub type Bytes = Vec<u8>;

/// Assembles a request. Each header ends with `\r\n`.
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> Bytes {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A connection to 127.0.0.1.
pub struct Connection {
    stream: TcpStream,
    /// The response, and space for more.
    buffer: Bytes,
}

/// A response.
pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a str,
    pub body: &'a [u8],
}

impl Connection {
    pub fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self { stream, buffer: vec![0; 64 * 1024] })
    }

    /// Sends a request and reads the whole response.
    pub fn call(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request)?;
        let mut filled = self.read_more(0)?;
        let head = loop {
            if let Some(at) = self.buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n")
            {
                break at + 4;
            }
            filled = self.read_more(filled)?;
        };
        let length = length(std::str::from_utf8(&self.buffer[..head])?)?;
        while filled < head + length {
            filled = self.read_more(filled)?;
        }
        ensure!(filled == head + length, "an answer is longer than it says");
        let (head, body) = self.buffer[..filled].split_at(head);
        let head = std::str::from_utf8(head)?;
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        Ok(Answer { status: status.context("an answer without a status")?, head, body })
    }

    /// Like [`Self::call`], but fails if the status is another one.
    pub fn expect(&mut self, status: u16, request: &[u8]) -> Result<Answer<'_>> {
        let answer = self.call(request)?;
        if answer.status != status {
            bail!("{} {}", answer.head, String::from_utf8_lossy(answer.body));
        }
        Ok(answer)
    }

    fn read_more(&mut self, filled: usize) -> Result<usize> {
        if filled == self.buffer.len() {
            self.buffer.resize(filled * 2, 0);
        }
        let read = self.stream.read(&mut self.buffer[filled..])?;
        ensure!(read > 0, "the connection was closed");
        Ok(filled + read)
    }
}

impl Answer<'_> {
    /// The value of a header, or an empty text if it is missing.
    pub fn header(&self, name: &str) -> &str {
        header(self.head, name)
    }

    pub fn json(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(self.body)?)
    }
}

fn length(head: &str) -> Result<usize> {
    header(head, "Content-Length").parse().context("an answer without a length")
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    let mut values = fields.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    values.next().map_or("", |(_, value)| value)
}
