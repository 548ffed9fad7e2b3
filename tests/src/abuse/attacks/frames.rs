//! Frames, bodies and heads that are too large, from callers that prove nothing.

use super::attack::Attack;
use crate::{
    CLIENT_HEADER,
    abuse::scene::{Attacker, PATIENCE},
    live::{Ended, Socket},
};

/// What is too large, in bytes: a little, and far.
const SIZES: [usize; 4] = [500_000, 4_000_000, 16_000_000, 30_000_000];
const HEADS: [usize; 3] = [16_000, 130_000, 1_000_000];
/// Small frames before each large one. A name may send 600 a minute.
const SMALL: usize = 40;

/// One of 50 connections, which sends frames, bodies or heads.
pub(super) struct Frames {
    what: usize,
    content: Vec<u8>,
}

impl Frames {
    pub(super) fn new(who: &Attacker) -> Self {
        let what = who.number % 3;
        let most = if what == 2 { 0 } else { SIZES[3] };
        Self { what, content: vec![b'x'; most] }
    }
}

impl Attack for Frames {
    fn act(&mut self, who: &Attacker) {
        let size = SIZES[who.turn % SIZES.len()];
        match self.what {
            0 => self.frame(who, size),
            1 => {
                let path = format!("/v1/sessions/{}/messages", who.target().session);
                let head = format!("POST {path} HTTP/1.1\r\nX-Agent-Id: {}", who.target().agent);
                let status = who.raw(&head, size, &self.content[..size]);
                who.note(&format!("body of {} KB", size / 1000), &said(status));
            }
            _ => {
                let size = HEADS[who.turn % HEADS.len()];
                let head = format!("GET /health HTTP/1.1\r\nX-Filler: {}", "x".repeat(size));
                who.note(&format!("head of {} KB", size / 1000), &said(who.raw(&head, 0, b"")));
            }
        }
    }
}

impl Frames {
    /// Opens a socket under an unproven name, and sends small frames and a large one.
    fn frame(&self, who: &Attacker, size: usize) {
        let Some(mut socket) = open(who) else { return };
        for number in 0..SMALL {
            if socket.try_send(&format!(r#"{{"type":"send","id":{number}}}"#)).is_err() {
                who.note("small frame", "cut off");
                return;
            }
        }
        let length = u64::try_from(size).unwrap_or_default();
        // A text whose mask is zero, so that the content can be sent as it is.
        let head = [&[0x81, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
        let sent = socket.send_raw(&head).and_then(|()| socket.send_raw(&self.content[..size]));
        let what = format!("frame of {} KB", size / 1000);
        let ended = loop {
            match socket.read() {
                Ok(frame) => {
                    who.note("small frame", frame["error"].as_str().unwrap_or("an answer"));
                }
                Err(ended) => break ended,
            }
        };
        match ended {
            Ended::Closed(code) => who.note(&what, &format!("closed {code}")),
            Ended::Gone if sent.is_err() => who.note(&what, "cut off"),
            ended => who.note(&what, &format!("{ended:?}")),
        }
    }
}

/// Opens a socket at a session that is known, under a name of it, without the key.
pub(super) fn open(who: &Attacker) -> Option<Socket> {
    let target = who.target();
    let path = format!("/v1/sessions/{}/ws?agentId={}&after=999999", target.session, target.agent);
    match Socket::open(&who.scene.base, &path, &[(CLIENT_HEADER, &who.ip())]) {
        Ok(mut socket) => {
            socket.patience(PATIENCE);
            who.note("socket", "101");
            Some(socket)
        }
        Err(status) => {
            who.note("socket", &said(status));
            None
        }
    }
}

fn said(status: Option<u16>) -> String {
    status.map_or_else(|| "no answer".to_owned(), |status| status.to_string())
}
