//! Receiving server-sent events, which pass proxies that block sockets.

use super::{Ended, Notice, Port, Target};
use crate::json::Json;
use nexus_protocol::Cursor;
use std::{
    io::{BufRead, BufReader},
    time::Duration,
};

/// Reads a stream until it is over.
pub(super) fn read(target: &Target, after: Option<Cursor>, port: &Port) -> Ended {
    let request = target.get(target.path("events", after, None), Duration::ZERO);
    let stream = match target.http.stream(&target.server, &request) {
        Ok(stream) => stream,
        Err(failure) => return failure.into(),
    };
    let mut event = Parts::default();
    for line in BufReader::new(stream).lines() {
        let line = match line {
            Ok(line) => line,
            Err(error) => return Ended::Broke(error.to_string()),
        };
        let goes_on = match event.add(&line) {
            // A comment, or a part of an event.
            None => port.alive(),
            Some(whole) => match take(&whole, target, after, port) {
                Ok(goes_on) => goes_on,
                Err(ended) => return ended,
            },
        };
        if !goes_on {
            break;
        }
    }
    Ended::Broke("the stream ended".to_owned())
}

/// An event, line by line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    kind: String,
    data: String,
}

impl Parts {
    /// Adds a line. Returns the event if an empty line completes it.
    fn add(&mut self, line: &str) -> Option<Self> {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.kind),
            "data" if self.data.is_empty() => value.clone_into(&mut self.data),
            "data" => {
                self.data.push('\n');
                self.data.push_str(value);
            }
            _ if line.is_empty() => {
                return Some(std::mem::take(self)).filter(|event| !event.data.is_empty());
            }
            _ => {}
        }
        None
    }
}

/// Hands over an event. Returns whether the connection is still in use.
fn take(event: &Parts, target: &Target, after: Option<Cursor>, port: &Port) -> Result<bool, Ended> {
    Ok(match event.kind.as_str() {
        "" | "message" => match Json::parse(&event.data) {
            Some(message) => target.pass(message, after, port)?,
            None => true,
        },
        // If the session has ended, the next connection is refused with that reason.
        "end" => {
            let why = crate::stderr::printable(&event.data, 100);
            return Err(Ended::Lost(why, Duration::ZERO));
        }
        kind => port.pass(Notice::read(&event.data).into_event(kind)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_made_of_lines() {
        let mut parts = Parts::default();
        let mut whole = Vec::new();
        let text =
            ": hi\n\nid: 2\ndata: {\"a\":\ndata:1}\n\nevent: ready\r\ndata: {}\n\nevent: x\n\n";
        for line in text.lines() {
            whole.extend(parts.add(line));
        }
        let event = |kind: &str, data: &str| Parts { kind: kind.into(), data: data.into() };
        assert_eq!(whole, [event("", "{\"a\":\n1}"), event("ready", "{}")]);
    }
}
