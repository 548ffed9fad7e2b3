//! `nexus send`

use crate::{
    capabilities,
    context::{Context, Session},
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    output::{Done, tell},
    random,
    server::Server,
};
use clap::Args;
use nexus_protocol::SendMessage;
use std::io::Read;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus send SESSION 'Tuesday at ten?'
  git log -1 --format=%s | nexus send SESSION -
  nexus send SESSION 'The date:' --json '{\"date\":\"2026-03-03\"}'
  nexus send SESSION --json '[1,2,3]' --strict")]
pub(crate) struct Send {
    /// The session's id or alias
    session: String,
    /// What to say; - reads it from standard input
    #[arg(allow_hyphen_values = true, required_unless_present = "json")]
    text: Option<String>,
    /// Any JSON value, beside the text or alone
    #[arg(long, value_name = "PAYLOAD", allow_hyphen_values = true)]
    json: Option<String>,
    /// Refuse, rather than write the JSON into the text, where the server takes text only
    #[arg(long)]
    strict: bool,
}

impl Send {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let payload = self.json.as_deref().map(read_payload).transpose()?;
        let text = self.text.map(read_text).transpose()?;
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
