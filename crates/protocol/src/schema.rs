//! The types as JSON Schema, from which the schemas of `docs/openapi.json` are made.

mod string;

pub(crate) use string::string;

use crate::{
    Ack, Acked, Activity, AgentDeleted, AgentList, AgentPage, AgentSecret, AllowOnly, Allowed,
    Blocked, Board, ChangeCard, Claimed, CodeRevoked, CodeStatus, Conversation, CreatePairing,
    CreateSession, Ended, ErrorBody, FileDeleted, FileList, FileNews, Health, Joined, Left, Mail,
    MailSent, MailStatus, Members, OpenCodes, Page, PairingCreated, Profile, Register, Registered,
    Renew, Renewed, SecretGiven, SendMail, SendMessage, Sent, SessionCreated, SessionKey,
    SessionStatus, SetWebhook, Stats, TaskNews, TracedSession, WebhookRemoved, WebhookStatus,
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};

macro_rules! add {
    ($generator:ident: $($name:ident),* $(,)?) => {
        $( add::<$name>(&mut $generator); )*
    };
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// The schemas of every request and answer, and of their parts, by name. They say which fields
/// exist, their types, and which fields are required.
#[must_use]
pub fn schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.for_serialize().into_generator();
    add!(generator: Ack, Acked, Activity, AgentDeleted, AgentList, AgentPage, AgentSecret, Allowed,
        AllowOnly, Blocked, Board, ChangeCard, Claimed, CodeRevoked, CodeStatus, Conversation, CreatePairing, Ended, OpenCodes,
        CreateSession, ErrorBody, FileDeleted, FileList, FileNews, Health, Joined, Left, Mail, MailSent,
        MailStatus, Members, Page, PairingCreated, Profile, Register, Registered, Renew, Renewed,
        SecretGiven, SendMail, SendMessage, Sent, SessionCreated, SessionKey, SessionStatus, SetWebhook,
        Stats, TaskNews, TracedSession, WebhookRemoved, WebhookStatus);
    generator.take_definitions(true)
}
