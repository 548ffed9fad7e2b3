//! `nexus renew`

use crate::{
    context::{Caller, Context, Session},
    error::Result,
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
    /// A new TTL; default: the one that it has
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
}

impl Renew {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        context.pass_on(&server, &request(&session, &caller, self.ttl, Repeat::Always))
    }
}

/// The request that restarts the clock.
pub(super) fn request<'a>(
    session: &Session,
    caller: &'a Caller,
    ttl: Option<u32>,
    repeat: Repeat,
) -> Request<'a> {
    let request = Request::new(Method::POST, session.path("/renew"), repeat);
    caller.sign(Request { body: Some(Json::of(&Body { ttl })), ..request })
}
