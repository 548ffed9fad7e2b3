//! Responses.

use crate::json::Json;
use serde_json::json;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// A response: its status and its body.
pub(super) type Reply = (u16, Json);

pub(super) fn refusal(status: u16, why: &str) -> Reply {
    (status, Json::of(&json!({ "error": why })))
}

/// Writes a response, and then reads what is left of the request.
pub(super) fn write(stream: &mut TcpStream, (status, body): &Reply) -> io::Result<()> {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        _ => "Internal Server Error",
    };
    let (length, body) = (body.as_str().len(), body.as_str());
    write!(
        stream,
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
    )?;
    stream.flush()?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // Closing with unread input would make the system discard the response.
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    io::copy(&mut stream.take(4 * 1024 * 1024), &mut io::sink()).map(drop)
}
