//! Properties of every parser, for any input. There is one function for each kind of input, and it
//! panics if a property is violated. `tests/any_input.rs` calls them with generated inputs. The
//! targets in `fuzz/` use inputs that coverage guides (`cargo fuzz run bodies`).
//!
//! No parser panics. A refusal is the caller's fault, and has a sentence. An accepted value is
//! accepted again in the form in which it is passed on, and means the same.

#![allow(clippy::expect_used, clippy::missing_panics_doc, reason = "a panic is what they are for")]

use nexus_core::opendialogue;
use nexus_protocol::{
    Ack, AgentId, AgentListRequest, AgentSecret, AgentsRequest, AllowOnly, BoardRequest, Body,
    ChangeCard, ChangeTask, ClawLinkAnswer, ClawLinkBroadcast, ClawLinkFile, ClawLinkFrame,
    ClawLinkRegister, ClawLinkTask, Condition, ConversationId, ConversationRequest, CreatePairing,
    CreateSession, Cursor, FileKey, FilesRequest, Filter, Frame, GiveTask, IdempotencyKey, Limits,
    MailFrame, Malformed, MembersRequest, MessageId, MessengerSend, PageRequest, PairingCode,
    Profile, Refusal, Register, Renew, SendMail, SendMessage, SessionFrame, SessionId, SessionKey,
    SetWebhook, Timestamp, Token, messenger_registration, optional_secret,
};
use nexus_redact::Redaction;
use nexus_seal::{
    At, Field, Fragment, History, Incoming, Part, Place, Plain, PublicKey, Secret, open, read,
    read_file, seal, verify,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{fmt::Display, str::FromStr};

/// Checks that a refusal is the caller's fault and says what to do.
fn check<T>(parsed: Result<T, Refusal>) -> Option<T> {
    parsed
        .map_err(|refusal| {
            let Refusal { status, body, .. } = &refusal;
            assert!((400..500).contains(status), "{status}");
            assert!(body.message.ends_with('.') && body.message.len() < 2000, "{}", body.message);
        })
        .ok()
}

/// Checks that an accepted value is accepted again as it is written, and stays the same.
fn written<T: Serialize>(parsed: Option<T>, parse: impl Fn(&[u8]) -> Result<T, Refusal>) {
    let Some(parsed) = parsed else { return };
    let once = serde_json::to_vec(&parsed).expect("what was read can be written");
    let again = parse(&once).expect("what was written can be read");
    assert_eq!(serde_json::to_vec(&again).expect("JSON"), once);
}

fn id<T: FromStr<Err = Malformed> + Display + Serialize + DeserializeOwned>(text: &str) {
    let Ok(id) = text.parse::<T>() else { return };
    let shown = id.to_string();
    let again: T = shown.parse().map_err(|Malformed(rule)| rule).expect("its own form");
    assert_eq!(again.to_string(), shown);
    let json = serde_json::to_string(&id).expect("JSON");
    let read: T = serde_json::from_str(&json).expect("its own JSON");
    assert_eq!(read.to_string(), shown);
}

/// Ids, codes, keys, cursors, times.
pub fn ids(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    id::<SessionId>(&text);
    id::<SessionKey>(&text);
    id::<AgentId>(&text);
    id::<AgentSecret>(&text);
    id::<ConversationId>(&text);
    id::<IdempotencyKey>(&text);
    id::<Cursor>(&text);
    id::<MessageId>(&text);
    id::<PairingCode>(&text);
    id::<FileKey>(&text);
    if let Ok(token) = text.parse::<Token>() {
        assert_eq!(token.as_str(), text);
    }
    let quoted = serde_json::to_string(&text).expect("JSON");
    if let Ok(time) = serde_json::from_str::<Timestamp>(&quoted) {
        let again: Timestamp = serde_json::from_str(&serde_json::to_string(&time).expect("JSON"))
            .expect("its own form");
        assert_eq!(again, time);
        assert!(!time.to_http().is_empty());
    }
}

/// Bodies of requests.
pub fn bodies(data: &[u8]) {
    let limits = Limits::default();
    written(check(CreateSession::parse(data, &limits)), |data| CreateSession::parse(data, &limits));
    written(check(SendMessage::parse(data, &limits)), |data| SendMessage::parse(data, &limits));
    written(check(SendMail::parse(data, &limits)), |data| SendMail::parse(data, &limits));
    let longest = limits.max_team_ttl;
    written(check(Renew::parse(data, longest)), |data| Renew::parse(data, longest));
    written(check(Profile::parse(data)), Profile::parse);
    written(check(Register::parse(data)), Register::parse);
    written(check(ChangeCard::parse(data)), ChangeCard::parse);
    written(check(CreatePairing::parse(data)), CreatePairing::parse);
    written(check(Ack::parse(data)), Ack::parse);
    written(check(SetWebhook::parse(data, false)), |data| SetWebhook::parse(data, false));
    check(GiveTask::parse(data, &limits));
    check(ChangeTask::parse(data, &limits));
    check(AllowOnly::parse(data));
    check(optional_secret(data));
    check(messenger_registration(data));
    check(MessengerSend::parse(data, &limits));
    check(ClawLinkRegister::parse(data));
    check(ClawLinkFile::parse(data));
    check(ClawLinkAnswer::parse(data, &limits));
    check(ClawLinkTask::parse(data, &limits));
    check(ClawLinkBroadcast::parse(data, &limits));
}

/// Queries, and headers with conditions.
pub fn queries(data: &[u8]) {
    let (text, limits) = (String::from_utf8_lossy(data), Limits::default());
    if let Some(page) = check(PageRequest::parse(&text, &limits)) {
        assert!((1..=limits.max_page).contains(&page.limit) && page.wait <= 25);
    }
    check(Filter::parse(&text));
    check(MembersRequest::parse(&text));
    check(BoardRequest::parse(&text));
    check(FilesRequest::parse(&text));
    check(AgentsRequest::parse(&text));
    check(AgentListRequest::parse(&text));
    check(ConversationRequest::parse(&text, &limits));
    let (first, second) = text.split_at(text.floor_char_boundary(text.len() / 2));
    check(Condition::parse(Some(first), Some(second)));
    check(Condition::parse(Some(&text), None));
}

/// Frames of sockets, and what dialects sign and remove.
pub fn frames(data: &[u8]) {
    let limits = Limits::default();
    let agent: AgentId = "a".parse().map_err(|Malformed(rule)| rule).expect("an id");
    let frame = |types| Frame::parse(data, types);
    check(frame(MailFrame::TYPES).and_then(|frame| MailFrame::read(frame, &limits)));
    check(frame(SessionFrame::TYPES).and_then(|frame| SessionFrame::read(frame, &limits)));
    check(
        frame(ClawLinkFrame::TYPES).and_then(|frame| ClawLinkFrame::read(frame, &agent, &limits)),
    );
    if let Ok(mut body) = Body::parse(data) {
        let kind: Option<String> = body.required("type", "must be a word");
        assert!(kind.is_some() || body.finish().is_err());
    }
    let text = String::from_utf8_lossy(data);
    // The platform composes characters. The tests of the rules check that a composed text stays the
    // same.
    let clean = opendialogue::sanitised(&text, |text| text);
    assert_eq!(opendialogue::sanitised(&clean, |text| text), clean);
    let signed = opendialogue::Signed { content: &clean, nonce: &text, ..Default::default() };
    let signature = signed.signature("key").expect("a signature");
    assert!(signed.is_signed("key", &signature).expect("a comparison"));
    assert!(!signed.is_signed("kez", &signature).expect("a comparison"));
    let _ = signed.is_signed("key", &text).expect("a comparison");
}

/// Texts and payloads whose secrets are removed.
pub fn redaction(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let mut redaction = Redaction::default();
    let clean = redaction.text(text.clone());
    let found = redaction.found();
    assert_eq!(found.is_empty(), clean == text, "what changes is told, and nothing else");
    let marks: u32 = found.iter().map(|found| found.count).sum();
    assert!(clean.matches("[REDACTED:").count() >= usize::from(marks > 0));
    if let Ok(json) = serde_json::from_str::<Box<RawValue>>(&text) {
        let clean = Redaction::default().json(json.clone()).expect("it is still JSON");
        let [before, after] = [json, clean].map(|json| {
            serde_json::from_str::<serde_json::Value>(json.get()).map(|json| shape(&json))
        });
        if let (Ok(before), Ok(after)) = (before, after) {
            assert_eq!(before, after, "only strings change");
        }
    }
}

/// Sealed strings, what is inside of them, and what a client remembers of them.
pub fn sealed(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let agent: AgentId = "alice".parse().map_err(|Malformed(rule)| rule).expect("an id");
    let key: FileKey = "a/b".parse().map_err(|Malformed(rule)| rule).expect("a key");
    let secret = Secret::from_random([1; 20]);
    if let Ok(fragment) = text.parse::<Fragment>() {
        assert_eq!(fragment.write(), text);
    }
    if let Ok((signed_by, _)) = verify(&text) {
        assert_eq!(signed_by.to_string().parse(), Ok(signed_by));
    }
    let _ = text.parse::<PublicKey>();
    if let Some(plain) = Plain::parse(data) {
        let once = serde_json::to_vec(&plain).expect("what was read can be written");
        let again = Plain::parse(&once).map(|plain| serde_json::to_vec(&plain).expect("JSON"));
        // If it has only fields of newer clients, nothing is left of it.
        assert!(again.is_none_or(|again| again == once));
    }
    // As a sealed string, and as what is in one.
    let [in_text, in_file] =
        [Field::Text, Field::File(&key)].map(|field| seal(&secret, field, &agent, [7; 16], data));
    assert_eq!(open(&secret, Field::Text, &agent, &in_text).as_deref(), Ok(data));
    let _ = read_file(&secret, &key, &agent, &in_file);
    let mut history = serde_json::from_slice::<History>(data).unwrap_or_default();
    let mut cursor = Cursor::START;
    for sealed in [&*text, &in_text, &in_file, &in_text] {
        for place in [Place::Text, Place::Task, Place::Part(Part::Result, &text)] {
            if let Ok(plaintext) = open(&secret, place.field(), &agent, sealed) {
                assert_eq!(seal(&secret, place.field(), &agent, [7; 16], &plaintext), sealed);
            }
            cursor = cursor.next();
            let incoming = Incoming {
                place,
                at: At::Log { cursor, after: Some(Cursor::START) },
                sender: &agent,
                sealed,
                verified: true,
                to: &[],
                reply_to: None,
                topic: None,
                tags: &[],
            };
            let opened = read(&secret, place, &agent, sealed);
            let found = history.read(&secret, &agent, &incoming);
            assert!(opened.is_ok() || found.plain.is_none());
        }
    }
    let stored = serde_json::to_string(&history).expect("it can be stored");
    let again: History = serde_json::from_str(&stored).expect("its own form");
    assert_eq!(serde_json::to_string(&again).expect("JSON"), stored);
}

/// A value with empty strings.
fn shape(json: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match json {
        Value::String(_) => Value::String(String::new()),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
        }
        other => other.clone(),
    }
}
