//! `nexus end`

use crate::{
    context::{Context, Session},
    error::Result,
    http::{Repeat, Request},
    json::Json,
    output::Done,
    server::Server,
    stderr::tell,
};
use clap::Args;
use serde_json::json;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus end SESSION

Ends the session for everybody. Its messages, tasks, files and keys are deleted at once. Only the creator
can do this, or any member if the session has no creator. `nexus leave` leaves the session to the others.
Ending a session that has already ended succeeds.")]
pub(crate) struct End {
    /// The session's id or alias
    pub(super) session: String,
}

impl End {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let server = context.server_of(&session)?;
        server.announce();
        // Only the session's own server can say that it has ended.
        let is_home = server.instead_of.is_none();
        let result = match context.caller(&session) {
            Ok(caller) => {
                let request = Request::new(Method::DELETE, session.path(""), Repeat::Always);
                context.call_new(&server, &caller.sign(request), "end a session")
            }
            // After `nexus end`, nothing is stored here any more. The server tells whether it has ended.
            Err(unknown) => {
                context.call(&server, &Request::get(session.path(""))).and(Err(unknown))
            }
        };
        let value = match result {
            Ok(answer) => answer.body,
            Err(failure) if failure.is_gone() && is_home => had_ended(&session, &server),
            Err(failure) => {
                tell!("what is stored here about the session is kept");
                return Err(failure);
            }
        };
        if is_home {
            context.state.forget(&session.id)?;
            tell!("the session has ended; what was stored here about it is deleted");
        }
        Ok(value.into())
    }
}

fn had_ended(session: &Session, server: &Server) -> Json {
    let message = format!("The session had already ended: {} does not know it.", server.host());
    tell!("{message}");
    Json::of(&json!({
        "ok": true, "status": "ended", "sessionId": session.id, "message": message,
    }))
}
