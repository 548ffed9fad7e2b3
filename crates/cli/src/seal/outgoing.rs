//! Seals the bodies of requests.

use super::Seal;
use crate::{
    error::{Failure, Kind, Result},
    json::Json,
    random,
};
use nexus_protocol::{Recipients, Redacted};
use nexus_redact::Redaction;
use nexus_seal::{Part, Place, Plain, PlainFile};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The fields of a body whose values are sealed in their own place.
const PARTS: [(&str, Part); 3] =
    [("context", Part::Context), ("progress", Part::Progress), ("result", Part::Result)];

/// What is sent in place of a body.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) body: Json,
    /// What was taken out before.
    pub(crate) redacted: Vec<Redacted>,
    /// Whether it has a number, of which [`Seal::settle`] is to be told what became.
    pub(crate) is_numbered: bool,
}

/// What a body may say that goes into the sealed string, too.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    text: Option<String>,
    json: Option<Box<RawValue>>,
    to: Option<Recipients>,
    reply_to: Option<nexus_protocol::MessageId>,
    topic: Option<String>,
    tags: Option<Vec<String>>,
    task: Option<String>,
    redact: Option<bool>,
}

impl Seal {
    /// Whether a body holds something that must be sealed.
    pub(crate) fn concerns(body: &Json) -> bool {
        let names = body.names();
        let texts = ["text", "json", "task", "context", "progress", "result"];
        names.iter().any(|name| texts.contains(&name.as_str()))
    }

    /// Whether a body holds a part of a task that was given before.
    pub(crate) fn is_of_task(body: &Json) -> bool {
        let names = body.names();
        let is_part = |name: &String| ["progress", "result"].contains(&name.as_str());
        names.iter().any(is_part) && !names.iter().any(|name| name == "task")
    }

    /// The body of a request, sealed. `once`: its `Idempotency-Key`, under which the same body gives the same bytes.
    /// `task`: the sealed string of the task that it is about, if it is about one.
    pub(crate) fn seal(
        &self,
        body: &Json,
        once: Option<&str>,
        task: Option<&str>,
    ) -> Result<Sealed> {
        let given: Body = body.read().unwrap_or_default();
        let mut redaction = Cleaner::new(given.redact != Some(false));
        let mut sealed = body.without("json").without("redact");
        if given.text.is_some() || given.json.is_some() {
            let plain = Plain {
                text: given.text.map(|text| redaction.text(text)),
                json: given.json.map(|json| redaction.json(json)).transpose()?,
                to: given.to,
                reply_to: given.reply_to,
                topic: given.topic,
                tags: given.tags,
                redacted: Vec::new(),
                ..Plain::default()
            };
            let redacted = redaction.found();
            let plain = Plain { redacted: redacted.clone(), ..plain };
            let text = self.number(once, body, plain)?;
            let text = Json::of(&serde_json::json!({ "text": text }));
            let body = sealed.without("text").with(&text);
            return Ok(Sealed { body, redacted, is_numbered: true });
        }
        let mut of = task.map(str::to_owned);
        if let Some(text) = given.task {
            let text = self.put(Place::Task, Plain::text(redaction.text(text)))?;
            sealed = sealed.replacing("task", &Json::of(&text));
            of = Some(text);
        }
        for (name, part) in PARTS {
            let Some(value) = field(body, name) else { continue };
            let is_percent = part == Part::Progress && !value.get().starts_with('"');
            if is_percent || value.get() == "null" {
                continue;
            }
            let of = of.as_deref().ok_or_else(|| {
                Failure::own(
                    Kind::Unsupported,
                    "The task cannot be read, so nothing can be sealed for it. Nothing was sent.",
                )
            })?;
            let plain = match serde_json::from_str::<String>(value.get()) {
                Ok(text) => Plain::text(redaction.text(text)),
                Err(_) => Plain::json(redaction.json(value)?),
            };
            let text = self.put(Place::Part(part, of), plain)?;
            sealed = sealed.replacing(name, &Json::of(&text));
        }
        Ok(Sealed { body: sealed, redacted: redaction.found(), is_numbered: false })
    }

    /// A version of a file, sealed.
    pub(crate) fn file(
        &self,
        key: &nexus_protocol::FileKey,
        content_type: &str,
        base: Option<u32>,
        bytes: &[u8],
    ) -> Result<Vec<u8>> {
        let content_type = Some(content_type.to_owned());
        let file = PlainFile { content_type, base, ..PlainFile::default() };
        let sealed = self.sealer().seal_file(key, random::unguessable()?, file, bytes);
        sealed.map(String::into_bytes).map_err(unwritable)
    }

    fn put(&self, place: Place<'_>, plain: Plain) -> Result<String> {
        self.sealer().seal(place, random::unguessable()?, plain).map_err(unwritable)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
pub(super) fn unwritable(error: serde_json::Error) -> Failure {
    Failure::own(Kind::InvalidJson, format!("It cannot be sealed ({error}). Nothing was sent."))
}

/// A field of a body, as it was written.
fn field(body: &Json, name: &str) -> Option<Box<RawValue>> {
    let mut fields: std::collections::BTreeMap<String, Box<RawValue>> = body.read()?;
    fields.remove(name)
}

/// Takes secrets out before something is sealed, as the relay does where it can read.
struct Cleaner {
    search: Redaction,
    is_on: bool,
}

impl Cleaner {
    fn new(is_on: bool) -> Self {
        Self { search: Redaction::default(), is_on }
    }

    fn text(&mut self, text: String) -> String {
        if self.is_on { self.search.text(text) } else { text }
    }

    fn json(&mut self, json: Box<RawValue>) -> Result<Box<RawValue>> {
        if self.is_on { self.search.json(json).map_err(unwritable) } else { Ok(json) }
    }

    fn found(self) -> Vec<Redacted> {
        listed(self.search)
    }
}

/// What was taken out, as it is told.
pub(super) fn listed(search: Redaction) -> Vec<Redacted> {
    let found = search.found().into_iter();
    found.map(|found| Redacted { kind: found.kind.to_owned(), count: found.count }).collect()
}
