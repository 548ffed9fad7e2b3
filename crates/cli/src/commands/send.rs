//! `nexus send`

use crate::{
    capabilities,
    context::{Caller, Context, Session},
    error::{Failure, Kind, Result},
    gateway,
    http::{Repeat, Request},
    json::Json,
    mailbox,
    output::Done,
    random,
    server::Server,
    state::Reach,
    stderr::tell,
};
use clap::{Args, value_parser};
use nexus_protocol::{AgentId, ConversationId, MessageId, Redact, SendMail, SendMessage};
use std::io::{IsTerminal, Read};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus send SESSION 'Tuesday at ten?'
  git log -1 --format=%s | nexus send SESSION
  nexus send SESSION -- --is-a-text
  nexus send SESSION 'The date:' --json '{\"date\":\"2026-03-03\"}'
  nexus send SESSION --json '[1,2,3]' --strict
  nexus send @bob-calendar 'Tuesday at ten?'
  nexus send @bob-calendar 'Ten, then.' --conversation c-42 --reply-to 8f14e45fceea167a-7
  nexus send --to bob 'Tuesday at ten?'
  nexus send SESSION - --no-redact < config.txt

A message to @ID goes from your own address (`nexus address register`) to the mailbox of that agent. --to sends to a
name of your contact book (`nexus contacts`): to its address, or to its gateway.")]
pub(crate) struct Send {
    /// The session's id or alias, or @ID for an address; with --to, the text
    #[arg(value_name = "SESSION|@ID", required_unless_present = "to")]
    target: Option<String>,
    /// The text; - or none reads it from standard input
    #[arg(allow_hyphen_values = true)]
    text: Option<String>,
    /// Send to a contact instead of a session
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// A JSON value, in addition to the text or without one. Without a value: print JSON, also on a terminal
    #[arg(long, value_name = "PAYLOAD", num_args = 0..=1, default_missing_value = "", allow_negative_numbers = true)]
    json: Option<String>,
    /// Fail if the server takes text only, instead of adding the JSON to the text
    #[arg(long)]
    strict: bool,
    /// The id of the message that this one answers
    #[arg(long, value_name = "MESSAGE-ID", value_parser = message_id)]
    reply_to: Option<MessageId>,
    /// For an address: continue this conversation, or begin one with this id
    #[arg(long, value_name = "ID", value_parser = conversation_id)]
    conversation: Option<ConversationId>,
    /// For an address: after how many turns a new conversation ends
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1000))]
    max_turns: Option<u32>,
    /// Send it as it is: the relay does not search it for secrets. It needs your key, and the
    /// relay's permission
    #[arg(long)]
    no_redact: bool,
}

fn message_id(text: &str) -> Result<MessageId, &'static str> {
    text.parse().map_err(|_| "must be the id of a message")
}

fn conversation_id(text: &str) -> Result<ConversationId, &'static str> {
    text.parse().map_err(|_| ConversationId::RULE)
}

impl Send {
    pub(crate) fn run(mut self, context: &Context) -> Result<Done> {
        // Without a value it is about the output.
        self.json = self.json.take().filter(|payload| !payload.is_empty());
        let usage = |message: &str| Err(Failure::own(Kind::Usage, message));
        if let Some(name) = self.to.take() {
            if self.text.is_some() {
                return usage("With --to, give one text and no session.");
            }
            self.text = self.target.take();
            self.text = self.read()?;
            let contact = context.state.contact(&name)?;
            return match contact.reach(&name)? {
                Reach::Agent(id) => self.say_to_agent(context, &id),
                Reach::Gateway(address) => self.say_to_gateway(context, &name, &address),
            };
        }
        self.text = self.read()?;
        let target = self.target.take().unwrap_or_default();
        match mailbox::read_id(&target) {
            Some(id) => self.say_to_agent(context, &id?),
            None if self.conversation.is_some() || self.max_turns.is_some() => usage(
                "--conversation and --max-turns are only for addresses (@ID), not for sessions.",
            ),
            None => self.say_in_session(context, &target),
        }
    }

    fn redact(&self) -> Redact {
        if self.no_redact { Redact::Off } else { Redact::On }
    }

    /// The text of the message: given, or on standard input. `None` if there is only a payload.
    fn read(&mut self) -> Result<Option<String>> {
        match self.text.take() {
            Some(text) => read_text(text).map(Some),
            None if self.json.is_none() => piped().map(Some),
            None => Ok(None),
        }
    }

    fn content(&mut self) -> Result<(Option<String>, Option<Json>)> {
        let payload = self.json.as_deref().map(read_payload).transpose()?;
        Ok((self.text.take(), payload))
    }

    fn say_in_session(mut self, context: &Context, session: &str) -> Result<Done> {
        let session = context.session(session)?;
        let caller = context.caller(&session)?;
        let (text, payload) = self.content()?;
        let redact = self.redact();
        let message = SendMessage { text, reply_to: self.reply_to, redact, ..Default::default() };
        say(context, &session, &caller, message, payload, self.strict).map(Done::from)
    }

    fn say_to_agent(mut self, context: &Context, to: &AgentId) -> Result<Done> {
        let mailbox = context.mailbox()?;
        let (text, payload) = self.content()?;
        mailbox.server.announce();
        let mail = SendMail {
            redact: self.redact(),
            text,
            json: payload.map(Json::into_raw),
            conversation_id: self.conversation,
            max_turns: self.max_turns,
            reply_to: self.reply_to,
            ..SendMail::default()
        };
        mailbox.send(to, &mail, random::hex()).map(|answer| answer.body.into())
    }

    fn say_to_gateway(
        mut self,
        context: &Context,
        name: &str,
        address: &gateway::Address,
    ) -> Result<Done> {
        let for_relays =
            self.reply_to.is_some() || self.conversation.is_some() || self.max_turns.is_some();
        if for_relays || self.no_redact {
            let message = "A gateway takes only a text: --reply-to, --conversation, --max-turns and --no-redact work only with a relay.";
            return Err(Failure::own(Kind::Usage, message));
        }
        let (text, payload) = self.content()?;
        let message = match payload {
            Some(_) if self.strict => {
                let message = "A gateway takes only text, and --strict does not allow adding the JSON to the text. Nothing was sent.";
                return Err(Failure::own(Kind::JsonUnsupported, message));
            }
            Some(payload) => text_with(text, &payload),
            None => text.unwrap_or_default(),
        };
        let from = gateway::sender(context)?;
        gateway::send(name, address, &from, &message).map(|sent| Json::of(&sent).into())
    }
}

/// Sends a message in a session, once, however often the request is repeated. Where a server takes only text, the
/// payload is added to the text, or refused if that is strict.
pub(super) fn say(
    context: &Context,
    session: &Session,
    caller: &Caller,
    message: SendMessage,
    payload: Option<Json>,
    strict: bool,
) -> Result<Json> {
    let server = context.server_of(session)?;
    server.announce();
    let message = match payload {
        Some(payload) if !capabilities::of(context, &server)?.takes_json() => {
            let text = as_text(message.text, &payload, strict, &server)?;
            SendMessage { text: Some(text), ..message }
        }
        payload => SendMessage { json: payload.map(Json::into_raw), ..message },
    };
    let request = request(session, &message);
    context.call(&server, &caller.sign(request)).map(|answer| answer.body)
}

fn request(session: &Session, message: &SendMessage) -> Request<'static> {
    let request = Request::new(Method::POST, session.path("/messages"), Repeat::Always);
    Request { once: Some(random::hex()), body: Some(Json::of(message)), ..request }
}

fn read_payload(text: &str) -> Result<Json> {
    Json::parse(text).ok_or_else(|| {
        Failure::own(Kind::InvalidJson, "The value of --json is not valid JSON. Nothing was sent.")
    })
}

/// The text on standard input, if that is not a terminal.
fn piped() -> Result<String> {
    let text =
        if std::io::stdin().is_terminal() { String::new() } else { read_text("-".to_owned())? };
    if text.is_empty() {
        let message = "Give a text: as an argument or on standard input. Or give --json PAYLOAD.";
        return Err(Failure::own(Kind::Usage, message));
    }
    Ok(text)
}

pub(super) fn read_text(text: String) -> Result<String> {
    if text != "-" {
        return Ok(text);
    }
    let mut input = String::new();
    let read = std::io::stdin().read_to_string(&mut input);
    read.map_err(|error| {
        let message = format!("Standard input is not UTF-8 text ({error}). Nothing was sent.");
        Failure::own(Kind::Usage, message)
    })?;
    // The line end that `echo` adds is not part of the text.
    Ok(input.strip_suffix('\n').map(str::to_owned).unwrap_or(input))
}

/// The text of a message without JSON, which contains the payload.
fn as_text(text: Option<String>, payload: &Json, strict: bool, server: &Server) -> Result<String> {
    if strict {
        let message = format!(
            "{} takes text only, and --strict does not allow adding the JSON to the text. Nothing was sent.",
            server.host()
        );
        return Err(Failure::own(Kind::JsonUnsupported, message));
    }
    tell!("warning: {} takes text only; the JSON is sent as text", server.host());
    Ok(text_with(text, payload))
}

/// The text, followed by the payload.
fn text_with(text: Option<String>, payload: &Json) -> String {
    let payload = payload.as_str();
    text.map_or_else(|| payload.to_owned(), |text| format!("{text}\n\n{payload}"))
}
