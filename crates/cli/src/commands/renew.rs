//! `nexus renew`

use crate::{
    context::{Caller, Context, Session},
    duration,
    error::{Failure, Result},
    http::{Repeat, Request},
    json::Json,
    output::Done,
};
use clap::Args;
use nexus_protocol::Renew as Body;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus renew SESSION
  nexus renew SESSION --ttl 7200 | jq -r .expiresAt")]
pub(crate) struct Renew {
    /// The session's id or alias
    session: String,
    /// A new TTL; default: the current one. Only the creator can make it shorter
    #[arg(long, value_name = "TIME", value_parser = duration::seconds)]
    ttl: Option<u32>,
}

impl Renew {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        let request = request(&session, &caller, self.ttl, Repeat::Always);
        let renewed = context.pass_on(&server, &request);
        renewed.map_err(|failure| if self.ttl.is_some() { in_words(failure) } else { failure })
    }
}

/// Puts a refusal of a shorter TTL into the words of this command. The server's code stays.
fn in_words(failure: Failure) -> Failure {
    let Failure::Refused(answer) = &failure else { return failure };
    let refusal = answer.error();
    let message = match (answer.status, refusal.error.as_str()) {
        (403, "forbidden") if refusal.reason != "agent_not_in_session" => {
            "Only the creator of the session can give it a shorter TTL. Leave --ttl out, or give a longer one."
        }
        (401, "missing_session_key") => {
            "A shorter TTL needs the key of the session's creator, and none is stored here. Leave --ttl out, or give a longer one."
        }
        _ => return failure,
    };
    let message = Json::of(&message);
    Failure::Report(answer.body.replacing("message", &message))
}

/// The request that restarts the TTL.
pub(super) fn request<'a>(
    session: &Session,
    caller: &'a Caller,
    ttl: Option<u32>,
    repeat: Repeat,
) -> Request<'a> {
    let request = Request::new(Method::POST, session.path("/renew"), repeat);
    caller.sign(Request { body: Some(Json::of(&Body { ttl })), ..request })
}
