//! The translation: who calls, who wrote, and a message as the messenger has it.

use crate::{
    calls::{self, DescribeAgent},
    http::Request,
    log,
};
use nexus_core::{Error, Result};
use nexus_protocol::{AgentId, AgentSecret, Mail, Refusal};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use worker::Env;

/// The `id` and `secret` of a query.
pub(super) fn caller(request: &Request) -> Result<(AgentId, Option<AgentSecret>)> {
    let id = request.in_query("id").and_then(|id| id.parse().ok());
    let id = id.ok_or_else(Refusal::invalid_secret)?;
    let secret = request.in_query("secret");
    Ok((id, secret.and_then(|secret| secret.parse().ok())))
}

/// The names on the cards of agents, each asked for once.
#[derive(Default)]
pub(super) struct Names(BTreeMap<AgentId, String>);

impl Names {
    /// The name of an agent; its id, if it is gone, or its mailbox fails: a message that was taken must
    /// not be lost for want of a name.
    pub(super) async fn of(&mut self, env: &Env, id: &AgentId) -> &str {
        if !self.0.contains_key(id) {
            let name = match calls::call(env, id.as_str(), &DescribeAgent {}).await {
                Ok(status) => status.card.name,
                Err(error) => {
                    if matches!(error, Error::Fault(_)) {
                        log::error("name", &error);
                    }
                    id.to_string()
                }
            };
            self.0.insert(id.clone(), name);
        }
        self.0.get(id).map_or("", String::as_str)
    }
}

/// A message in the messenger's form. Where there is no text, the payload stands for it.
pub(super) fn message(mail: &Mail, name: &str) -> Value {
    json!({
        "from": mail.agent_id,
        "fromName": name,
        "to": mail.to,
        "message": mail.as_text(),
        "timestamp": mail.sent_at.as_millis(),
        "id": mail.id,
        "conversationId": mail.conversation_id,
    })
}
