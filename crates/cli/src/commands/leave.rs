//! `nexus leave`

use crate::{
    context::{Caller, Context, Session},
    error::{Failure, Result},
    http::{Repeat, Request},
    json::Json,
    output::Done,
    server::Server,
    stderr::tell,
};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus leave SESSION

Everything stored here about the session is deleted once the server confirms that you have left. Leaving
a session that has ended succeeds. The creator cannot leave a session, but can end it with `nexus end`.")]
pub(crate) struct Leave {
    /// The session's id or alias
    pub(super) session: String,
}

impl Leave {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        server.announce();
        let path = session.path(&format!("/agents/{}", caller.agent));
        let request = Request::new(Method::DELETE, path, Repeat::Always);
        let result = context.call(&server, &caller.sign(request));
        // A response of another server, or about another agent, says nothing about the stored seat.
        let is_ours = server.instead_of.is_none() && session.is_of(&caller);
        let out = match &result {
            Ok(_) => true,
            Err(failure) => is_out(context, &server, &session, &caller, failure),
        };
        if out && is_ours {
            context.state.forget(&session.id)?;
            tell!("you have left; what was stored here about the session is deleted");
        } else if result.is_err() {
            tell!("what is stored here about the session is kept");
        }
        match result {
            // We were out already: we left and the response was lost, we were removed, or the session has
            // ended. The server says which.
            Err(Failure::Refused(answer)) if out && is_ours => {
                let has_ended = answer.error().error == "session_not_found";
                let status = if has_ended { "ended" } else { "removed" };
                let value = json!({
                    "ok": true, "status": status, "sessionId": session.id, "agentId": caller.agent,
                });
                Ok(Json::of(&value).into())
            }
            result => result.map(|answer| answer.body.into()),
        }
    }
}

/// Whether a refusal means that we are no longer in the session. If the server refused the key or the
/// membership, it is asked for the members.
fn is_out(
    context: &Context,
    server: &Server,
    session: &Session,
    caller: &Caller,
    failure: &Failure,
) -> bool {
    #[derive(Deserialize)]
    struct Status {
        agents: Vec<String>,
    }
    match failure {
        Failure::Refused(answer) if matches!(answer.status, 401 | 403) => {
            match context.call(server, &Request::get(session.path(""))) {
                Ok(answer) => answer.body.read::<Status>().is_some_and(|status| {
                    !status.agents.iter().any(|agent| agent == caller.agent.as_str())
                }),
                Err(failure) => failure.is_gone(),
            }
        }
        failure => failure.is_gone(),
    }
}
