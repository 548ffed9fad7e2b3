//! `nexus send`

use super::{agents::at_agent, contacts};
use crate::{
    capabilities,
    context::{Context, Session, missing_agent_id},
    error::{Failure, Kind, Result},
    gateway,
    http::{Repeat, Request},
    json::Json,
    output::{Done, tell},
    random,
    server::Server,
    state::Contact,
};
use clap::Args;
use nexus_protocol::{AgentId, ConversationId, Malformed, MessageId, SendMail, SendMessage};
use std::{io::Read, str::FromStr};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus send SESSION 'Tuesday at ten?'
  git log -1 --format=%s | nexus send SESSION -
  nexus send SESSION 'The date:' --json '{\"date\":\"2026-03-03\"}'
  nexus send SESSION --json '[1,2,3]' --strict
  nexus send @40817263 'Tuesday at ten?'
  nexus send --to bob 'Tuesday at ten?'

A session takes a message of those who are in it; an address (@ID) of everyone with an address of their own
(`nexus register`), and it waits there. --to is a contact: an address, or a gateway.")]
pub(crate) struct Send {
    /// The session's id or alias, or @ and the id of an address; left out with --to
    #[arg(value_name = "SESSION|@ID", allow_hyphen_values = true)]
    target: Option<String>,
    /// What to say; - reads it from standard input
    #[arg(allow_hyphen_values = true)]
    text: Option<String>,
    /// A contact, instead of a session or an address
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// Any JSON value, beside the text or alone
    #[arg(long, value_name = "PAYLOAD", allow_hyphen_values = true)]
    json: Option<String>,
    /// Refuse, rather than write the JSON into the text, where the server takes text only
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    mail: Mail,
}

/// Of a message to an address.
#[derive(Args)]
struct Mail {
    /// The conversation that it belongs to; default: a new one
    #[arg(long, value_name = "ID", value_parser = parsed::<ConversationId>)]
    conversation: Option<ConversationId>,
    /// How many messages the conversation may have, if this one begins it
    #[arg(long, value_name = "N")]
    max_turns: Option<u32>,
    /// The id of the message that it answers
    #[arg(long, value_name = "ID", value_parser = parsed::<MessageId>)]
    reply_to: Option<MessageId>,
}

fn parsed<T: FromStr<Err = Malformed>>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|Malformed(rule)| rule)
}

impl Send {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let (target, text) = self.target_and_text(context)?;
        let session = match target {
            Target::Address(agent) => return self.write_to(context, &agent, text),
            Target::Gateway(contact) => return self.hand_to(context, &contact, text),
            Target::Session(session) => context.session(&session)?,
        };
        let caller = context.caller(&session)?;
        let payload = self.json.as_deref().map(read_payload).transpose()?;
        let text = text.map(read_text).transpose()?;
        let server = context.server_of(&session)?;
        server.announce();
        let message = match payload {
            Some(payload) if !capabilities::of(context, &server)?.takes_json() => {
                as_text(text, &payload, self.strict, &server)?
            }
            payload => {
                SendMessage { text, json: payload.map(Json::into_raw), ..SendMessage::default() }
            }
        };
        let request = request(&session, &message);
        context.call(&server, &caller.sign(request)).map(|answer| answer.body.into())
    }
}

/// Where a message goes.
enum Target {
    Session(String),
    Address(AgentId),
    Gateway(Contact),
}

impl Send {
    /// With --to there is one word, the text; without it the first of two is the target.
    fn target_and_text(&self, context: &Context) -> Result<(Target, Option<String>)> {
        let usage = |message: &str| Failure::own(Kind::Usage, message);
        let (target, text) = match (&self.to, &self.target, &self.text) {
            (Some(_), Some(_), Some(_)) => {
                return Err(usage(
                    "With --to there is nothing but the text: leave the session out.",
                ));
            }
            (Some(name), text, None) | (Some(name), None, text) => {
                let contact = contacts::find(context, name)?;
                let target = match contact.agent.clone().filter(|_| contact.url.is_none()) {
                    Some(agent) => Target::Address(agent),
                    None => Target::Gateway(contact),
                };
                (target, text.clone())
            }
            (None, Some(target), text) => {
                let target = match target.strip_prefix('@') {
                    Some(_) => Target::Address(at_agent(target).map_err(usage)?),
                    None => Target::Session(target.clone()),
                };
                (target, text.clone())
            }
            (None, None, _) => {
                return Err(usage("Say where it goes: a session, @ and an address, or --to NAME."));
            }
        };
        if text.is_none() && self.json.is_none() {
            return Err(usage("Say what to send: a text, or --json PAYLOAD."));
        }
        Ok((target, text))
    }

    fn write_to(self, context: &Context, to: &AgentId, text: Option<String>) -> Result<Done> {
        let (address, server) = context.address()?;
        let payload = self.json.as_deref().map(read_payload).transpose()?;
        let message = SendMail {
            text: text.map(read_text).transpose()?,
            json: payload.map(Json::into_raw),
            conversation_id: self.mail.conversation,
            max_turns: self.mail.max_turns,
            reply_to: self.mail.reply_to,
        };
        server.announce();
        let path = format!("/v1/agents/{to}/messages");
        let request = Request::new(Method::POST, path, Repeat::Always);
        let request =
            Request { once: Some(random::hex()), body: Some(Json::of(&message)), ..request };
        context.call(&server, &address.sign(request)).map(|answer| answer.body.into())
    }

    /// A gateway takes text, and says no more than that it was there.
    fn hand_to(self, context: &Context, to: &Contact, text: Option<String>) -> Result<Done> {
        let text = text.map(read_text).transpose()?;
        let text = match self.json.as_deref().map(read_payload).transpose()? {
            Some(payload) => text.map_or_else(
                || payload.as_str().to_owned(),
                |text| format!("{text}\n\n{}", payload.as_str()),
            ),
            None => text.unwrap_or_default(),
        };
        let own = context.state.address()?.map(|address| address.agent);
        let from = context.named_agent().cloned().or(own).ok_or_else(missing_agent_id)?;
        let url = to.url.as_deref().unwrap_or_default();
        gateway::send(url, to.token.as_deref(), from.as_str(), &text)?;
        Ok(Json::of(&serde_json::json!({ "ok": true, "url": url, "delivery": "direct" })).into())
    }
}

fn request(session: &Session, message: &SendMessage) -> Request<'static> {
    let request = Request::new(Method::POST, session.path("/messages"), Repeat::Always);
    Request { once: Some(random::hex()), body: Some(Json::of(message)), ..request }
}

fn read_payload(text: &str) -> Result<Json> {
    Json::parse(text).ok_or_else(|| {
        Failure::own(
            Kind::InvalidJson,
            "What stands after --json is not a JSON value; nothing was sent.",
        )
    })
}

fn read_text(text: String) -> Result<String> {
    if text != "-" {
        return Ok(text);
    }
    let mut input = String::new();
    let read = std::io::stdin().read_to_string(&mut input);
    read.map_err(|error| {
        let message = format!("Standard input is not text in UTF-8 ({error}); nothing was sent.");
        Failure::own(Kind::Usage, message)
    })?;
    // The line end that `echo` adds is not part of what was said.
    Ok(input.strip_suffix('\n').map(str::to_owned).unwrap_or(input))
}

/// The message without its payload, which stands in the text.
fn as_text(
    text: Option<String>,
    payload: &Json,
    strict: bool,
    server: &Server,
) -> Result<SendMessage> {
    if strict {
        let message = format!(
            "{} takes text only, and --strict forbids to write the JSON into it; nothing was sent.",
            server.host()
        );
        return Err(Failure::own(Kind::JsonUnsupported, message));
    }
    tell!("warning: {} takes text only; the JSON is sent as text", server.host());
    let text = text.map_or_else(
        || payload.as_str().to_owned(),
        |text| format!("{text}\n\n{}", payload.as_str()),
    );
    Ok(SendMessage { text: Some(text), ..SendMessage::default() })
}
