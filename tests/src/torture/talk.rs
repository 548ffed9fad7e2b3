//! The senders and readers of a session.

use super::{
    history::{Entry, Outcome, Reader, Send, body},
    stage::{Attempt, Stage},
};
use crate::{
    Answer, Member,
    live::{Follow, Socket, Way},
    random::Random,
    string,
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

/// How long a sender waits for a frame.
const PATIENCE: Duration = Duration::from_secs(5);

/// A message that is ready to be sent.
struct Message {
    content: Value,
    proven: bool,
    key: Option<String>,
}

/// An agent that sends until the load ends.
pub(super) struct Sender<'a> {
    stage: &'a Stage,
    member: Member,
    needs_key: bool,
    random: Random,
    socket: Option<Socket>,
    cursor: u64,
    sent: Vec<(Message, usize)>,
    record: Vec<Send>,
}

impl<'a> Sender<'a> {
    /// A sender in the seat of `member`.
    pub(super) fn new(stage: &'a Stage, session: &str, member: &Member, needs_key: bool) -> Self {
        Self {
            stage,
            member: stage.own(member),
            needs_key,
            random: stage.random(&format!("{session} {}", member.agent)),
            socket: None,
            cursor: 0,
            sent: Vec::new(),
            record: Vec::new(),
        }
    }

    /// Sends messages, and returns them with their outcomes.
    pub(super) fn run(mut self) -> Vec<Send> {
        while self.stage.is_loaded() {
            thread::sleep(self.random.time(self.stage.pause));
            self.step();
        }
        self.record
    }

    /// Sends a message, or repeats an earlier send.
    pub(super) fn step(&mut self) {
        if self.random.percent(4) {
            self.repeat();
        } else {
            self.send();
        }
    }

    /// Everything that it has sent, with the outcomes.
    pub(super) fn record(&self) -> &[Send] {
        &self.record
    }

    fn send(&mut self) {
        let message = self.write();
        let begun = self.stage.now();
        let outcome = self.deliver(&message);
        self.record.push(Send {
            agent: self.member.agent.clone(),
            body: body(&message.content),
            proven: message.proven,
            begun,
            outcome,
            again: Vec::new(),
        });
        if message.key.is_some() {
            self.sent.push((message, self.record.len() - 1));
        }
    }

    /// Repeats a send of some time ago. The message must keep its id and cursor.
    fn repeat(&mut self) {
        if self.sent.is_empty() {
            return;
        }
        let chosen = self.random.below(self.sent.len());
        let (message, place) = self.sent.swap_remove(chosen);
        if let Outcome::Acknowledged { id, cursor, .. } = self.deliver(&message) {
            self.record[place].again.push((id, cursor));
        }
    }

    fn write(&mut self) -> Message {
        let label = format!("{} {}", self.member.agent, self.record.len());
        let length = if self.random.percent(1) { 30_000 } else { self.random.below(400) };
        let text = format!("{label} {}", "ö".repeat(length / 2));
        let json = json!({ "label": label, "n": self.random.below(1000), "list": [1.5, null] });
        let content = match self.random.below(3) {
            0 => json!({ "text": text }),
            1 => json!({ "json": json }),
            _ => json!({ "text": text, "json": json }),
        };
        Message {
            content,
            proven: self.needs_key || self.random.percent(70),
            key: self.random.percent(85).then(|| self.random.key()),
        }
    }

    /// Sends until there is an answer, if the send may be repeated.
    fn deliver(&mut self, message: &Message) -> Outcome {
        let stage = self.stage;
        let outcome = stage.attempt(message.key.is_some(), || {
            // Over a socket, every sender proves its key.
            let attempt = if message.proven && self.random.percent(30) {
                self.over_socket(message)
            } else {
                self.over_http(message)
            };
            if matches!(attempt, Attempt::Lost) {
                self.socket = None;
            }
            attempt
        });
        if let Outcome::Acknowledged { cursor, .. } = outcome {
            self.cursor = self.cursor.max(cursor);
        }
        outcome
    }

    fn over_http(&self, message: &Message) -> Attempt {
        let path = format!("/v1/sessions/{}/messages", self.member.session);
        let mut call = self.member.api.post(&path).agent(&self.member.agent);
        if message.proven {
            call = call.key(&self.member.key);
        }
        if let Some(key) = &message.key {
            call = call.idempotency_key(key);
        }
        attempted(call.json(&message.content).try_send())
    }

    fn over_socket(&mut self, message: &Message) -> Attempt {
        if self.socket.is_none() {
            match self.member.try_socket(Some(&self.cursor.to_string())) {
                Ok(socket) => self.socket = Some(socket),
                Err(Some(status)) if status < 500 => {
                    return Attempt::Refused(format!("{status} to a socket"));
                }
                Err(_) => return Attempt::Lost,
            }
        }
        let Some(socket) = &mut self.socket else { return Attempt::Lost };
        let id = self.record.len().to_string();
        let mut frame = message.content.clone();
        frame["type"] = json!("send");
        frame["id"] = json!(id);
        if let Some(key) = &message.key {
            frame["idempotencyKey"] = json!(key);
        }
        socket.patience(PATIENCE);
        if socket.try_send(&frame.to_string()).is_err() {
            return Attempt::Lost;
        }
        // Frames with messages of others may come first.
        while let Ok(frame) = socket.read() {
            if frame["id"] == id && frame["type"] == "sent" {
                return stored(&frame, "messageId");
            }
            if frame["id"] == id && frame["type"] == "error" {
                return Attempt::Refused(frame.to_string());
            }
        }
        Attempt::Lost
    }
}

/// What an answer says about a send.
pub(super) fn attempted(answer: Option<Answer>) -> Attempt {
    match answer {
        Some(answer) if answer.status == 201 => stored(&answer.json(), "id"),
        answer => reason(answer.as_ref()).map_or(Attempt::Lost, Attempt::Refused),
    }
}

fn stored(answer: &Value, id: &str) -> Attempt {
    let cursor = answer["cursor"].as_str().and_then(|cursor| cursor.parse().ok());
    cursor.map_or(Attempt::Refused(format!("no cursor in {answer}")), |cursor| Attempt::Stored {
        id: string(&answer[id]),
        cursor,
    })
}

/// Why a request was refused. `None` if the response was lost, or the relay was stopping.
pub(super) fn reason(answer: Option<&Answer>) -> Option<String> {
    let answer = answer.filter(|answer| answer.status < 500)?;
    Some(format!("{} {}", answer.status, answer.text()))
}

/// Reads in changing ways until all senders are done and nothing more comes.
pub(super) fn read(stage: &Stage, session: &str, member: &Member, sending: &AtomicUsize) -> Reader {
    let mut random = stage.random(&format!("{session} {}", member.agent));
    let mut reader = Reader { agent: member.agent.clone(), ..Reader::default() };
    let member = stage.own(member);
    let mut cursor = "0".to_owned();
    while !reader.finished && !stage.is_over() {
        let all_is_sent = sending.load(Ordering::Acquire) == 0;
        // A page that is not full shows that there is nothing more.
        let (way, most) = if all_is_sent {
            (Way::Poll, 500)
        } else {
            (Way::ALL[random.below(4)], 1 + random.below(60))
        };
        let time = Duration::from_millis(300) + random.time(Duration::from_secs(4));
        match member.take(way, &cursor, most, time) {
            Ok(messages) => {
                let is_empty = messages.is_empty();
                if let Some(last) = messages.last() {
                    cursor = string(&last["cursor"]);
                }
                reader.read.extend(messages.iter().map(Entry::of));
                if is_empty && all_is_sent {
                    // An empty page and a lost response look the same here, but only an empty page
                    // is the end.
                    let answer =
                        member.call("GET", &format!("/messages?after={cursor}")).try_send();
                    let page = answer.filter(|answer| answer.status == 200);
                    reader.finished = page.is_some_and(|page| page.json()["messages"] == json!([]));
                }
                if is_empty {
                    thread::sleep(random.time(Duration::from_millis(300)));
                }
            }
            Err(status) => {
                reader.refused = Some(format!("{status} to {way:?}"));
                return reader;
            }
        }
    }
    if !reader.finished {
        stage.give_up();
    }
    reader
}

/// Everything that can be read, from the beginning. `None` if the relay does not answer.
pub(super) fn log(reader: &impl Follow) -> Option<Vec<Value>> {
    let (mut messages, mut cursor) = (Vec::new(), "0".to_owned());
    loop {
        let answer = reader.page(&format!("?after={cursor}&limit=500"));
        let page = answer.filter(|answer| answer.status == 200)?.json();
        messages.extend_from_slice(crate::list(&page["messages"]));
        cursor = string(&page["nextCursor"]);
        if page["hasMore"] == false {
            return Some(messages);
        }
    }
}

/// The same, as entries.
pub(super) fn entries(reader: &impl Follow) -> Option<Vec<Entry>> {
    Some(log(reader)?.iter().map(Entry::of).collect())
}
