//! `--exec`: running a command for messages.
//!
//! The command never gets the session key. Its output does not go to our standard output, which stays JSON.

use super::{
    guard::Guard,
    item::{Failed, Item},
    source::Source,
};
use crate::{
    child::{self, Ran, Said},
    duration, envelope,
    error::Kind,
    loops::Stop,
};
use serde_json::json;
use std::{path::PathBuf, process::Stdio, time::Duration};

/// The command, and how it is run.
#[derive(Debug)]
pub(super) struct Exec {
    pub(super) command: String,
    /// Where our state is.
    pub(super) home: PathBuf,
    /// How many seconds it may run.
    pub(super) limit: u32,
    pub(super) is_batch: bool,
    pub(super) has_envelope: bool,
    /// Whether a long answer may become a file.
    pub(super) may_store: bool,
    /// If set, the output is sent as an answer, within the limits of the guard.
    pub(super) guard: Option<Guard>,
}

impl Exec {
    /// Runs the command. Returns its output, or an empty one without `--reply`. `None` if a signal came first.
    pub(super) fn run(
        &self,
        source: &Source,
        items: &[Item],
        stop: &Stop,
    ) -> Result<Option<Vec<u8>>, Failed> {
        let failed = |why: String| Failed { kind: Kind::ExecFailed, why, wait: Duration::ZERO };
        let unable = |error| failed(format!("the command could not be run: {error}"));
        let mut command = child::shell(&self.command, &self.home);
        command.envs(environment(source, items));
        let is_wanted = self.guard.is_some();
        if is_wanted {
            command.stdout(Stdio::piped());
        }
        let said = Said::pass(&mut command, !is_wanted).map_err(unable)?;
        let ran = child::run(&mut command, self.input(source, items), stop, self.limit);
        // Closes our end of its stderr.
        drop(command);
        said.map(|said| said.end());
        match ran.map_err(unable)? {
            Ran::Ended(status, printed) if status.success() => Ok(Some(printed)),
            Ran::Ended(status, _) => Err(failed(format!("the command failed with {status}"))),
            Ran::Stopped => Ok(None),
            Ran::TimedOut => Err(failed(format!(
                "the command did not finish within {} and was ended; --exec-timeout gives it more time",
                duration::shown(self.limit)
            ))),
        }
    }

    fn input(&self, source: &Source, items: &[Item]) -> String {
        let each = |item: &Item| {
            if self.has_envelope { enveloped(item, source) } else { item.json.as_str().to_owned() }
        };
        let values: Vec<String> = items.iter().map(each).collect();
        if self.is_batch { format!("[{}]\n", values.join(",")) } else { values.concat() + "\n" }
    }
}

/// The message with an envelope as its text. The message's own JSON is only inside of the envelope.
fn enveloped(item: &Item, source: &Source) -> String {
    let message = &item.message;
    let line = |text: &Option<String>| text.as_deref().map(envelope::clean_line);
    let mut value = json!({
        "id": envelope::clean_line(&message.id),
        "agentId": envelope::clean_line(&message.agent_id),
        "text": envelope::wrap(message, &source.place(message)),
        "cursor": message.cursor(),
        "verified": message.verified,
        "sentAt": line(&message.sent_at),
        "replyTo": line(&message.reply_to),
    });
    let more = [
        ("conversationId", line(&message.conversation_id)),
        ("kind", line(&message.kind)),
        ("by", line(&message.by).filter(|_| message.is_greeting())),
    ];
    for (name, text) in more {
        if let (Some(fields), Some(text)) = (value.as_object_mut(), text) {
            fields.insert(name.to_owned(), text.into());
        }
    }
    value.to_string()
}

/// The environment of the command. For several messages: all senders, the highest cursor, and whether all
/// are verified.
fn environment(source: &Source, items: &[Item]) -> Vec<(&'static str, String)> {
    let mut from: Vec<String> = Vec::new();
    for item in items {
        let sender = envelope::clean_line(item.message.author());
        if !from.contains(&sender) {
            from.push(sender);
        }
    }
    let cursor = items.iter().filter_map(|item| item.message.cursor()).max();
    let mut all = source.environment(items.last().map(|item| &item.message));
    all.extend([
        ("NEXUS_FROM", from.join(",")),
        ("NEXUS_CURSOR", cursor.map(|cursor| cursor.to_string()).unwrap_or_default()),
        ("NEXUS_VERIFIED", items.iter().all(|item| item.message.verified).to_string()),
    ]);
    all
}
