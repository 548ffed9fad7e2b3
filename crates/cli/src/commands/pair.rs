//! `nexus pair`, `claim`, `pair-status`, `pair-list`, `revoke`: pairing codes and their links.

use super::alias;
use crate::{
    context::{Caller, Context, Session, missing_agent_id},
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    output::Done,
    proof::Proof,
    random,
    server::{self, Server},
    stderr::tell,
    team::{self, ProfileArgs},
};
use clap::Args;
use nexus_protocol::{CreatePairing, PairingCode};
use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus pair SESSION
  LINK=$(nexus pair SESSION --jq .url)

Give the link to your human, for the person whose agent you want to talk with. One agent can claim it.")]
pub(crate) struct Pair {
    /// The session's id or alias
    session: String,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus claim https://messaging.md/p/PEARL-FOCAL-S5SJV --agent-id bob
  nexus claim https://messaging.md/p/PEARL-FOCAL-S5SJV --agent-id bob --alias dentist
  nexus claim PEARL-FOCAL-S5SJV --agent-id bob --url http://localhost:8787

A link also names the server.")]
pub(crate) struct Claim {
    /// The code, or the whole link
    code: String,
    /// An alias for the session on this machine
    #[arg(long, value_name = "NAME", value_parser = alias::name)]
    alias: Option<String>,
    #[command(flatten)]
    profile: ProfileArgs,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus pair-status PEARL-FOCAL-S5SJV
  nexus pair-status https://messaging.md/p/PEARL-FOCAL-S5SJV | jq -r .state")]
pub(crate) struct PairStatus {
    /// The code, or the whole link
    code: String,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus pair-list SESSION

Only a member of the session can list its links.")]
pub(crate) struct PairList {
    /// The session's id or alias
    session: String,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus revoke PEARL-FOCAL-S5SJV
  nexus revoke https://messaging.md/p/PEARL-FOCAL-S5SJV --session SESSION

Only a member of the session can do this. An agent that has already claimed the code stays in the session;
`nexus remove` removes it.")]
pub(crate) struct Revoke {
    /// The code, or the whole link
    code: String,
    /// The session of the code; default: the session that it was made for here
    #[arg(long)]
    session: Option<String>,
}

impl Pair {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let server = context.server_of(&session)?;
        let body = Json::of(&CreatePairing { session_id: session.id.clone(), invite: None });
        let home = context.home_of(&session)?;
        let token = team::token(None)?.map(|token| Proof::of(token, &home));
        // A repeated request makes a second code, which nobody uses.
        let request = Request::new(Method::PUT, "/v1/pair", Repeat::Always);
        let request = Request { body: Some(body), token, ..request };
        // A session with a token accepts the key of a member instead.
        let caller = context.caller(&session).ok().filter(|caller| caller.key.is_some());
        let request = match &caller {
            Some(caller) => caller.sign(request),
            None => request,
        };
        let answer = context.call(&server, &request)?;
        remember(context, &session, caller.as_ref(), &answer.body);
        tell!("pass the link on: one agent can claim it, once, for some minutes");
        Ok(answer.body.into())
    }
}

impl Claim {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let (code, link) = read_code(&self.code)?;
        let agent = context.named_agent().ok_or_else(missing_agent_id)?;
        let server = context.server(link)?;
        server.announce();
        context.state.check_writable()?;
        let path = format!("/v1/pair/{code}/claim");
        let request = Request::new(Method::POST, path, Repeat::Always);
        let (once, body) = (Some(random::hex()), self.profile.body());
        let request = Request { agent: Some(agent), once, body, ..request };
        let answer = context.call(&server, &request)?;
        tell!("you are in it as {agent}; read with `nexus poll`");
        let done = context.keep_seat(answer, None, Some(agent), &server)?;
        alias::give_to(context, self.alias, &done);
        Ok(done)
    }
}

impl PairStatus {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let (code, link) = read_code(&self.code)?;
        // A code that was made here leads to a session whose server is known.
        let made = context.state.session_of_code(&code)?.filter(|_| link.is_none());
        let server = match made {
            Some(session) => context.server_of(&context.session_of(session)?)?,
            None => context.server(link)?,
        };
        context.pass_on(&server, &Request::get(format!("/v1/pair/{code}/status")))
    }
}

impl PairList {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let session = context.session(&self.session)?;
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        server.announce();
        let request = Request::get(format!("/v1/pair?sessionId={}", session.id));
        let answer = context.call_new(&server, &caller.sign(request), "list links")?;
        Ok(answer.body.into())
    }
}

impl Revoke {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        // The key goes to the session's server, whichever server the link names.
        let (code, _) = read_code(&self.code)?;
        let session = match &self.session {
            Some(session) => context.session(session)?,
            None => session_of(context, &code)?,
        };
        let caller = context.caller(&session)?;
        let server = context.server_of(&session)?;
        server.announce();
        let request = Request::new(Method::DELETE, format!("/v1/pair/{code}"), Repeat::Always);
        match context.call_new(&server, &caller.sign(request), "revoke a link") {
            // An earlier try may have done it, and its answer was lost.
            Err(failure) if failure.is_gone() && is_revoked(context, &server, &code) => {
                Ok(Json::of(&json!({ "ok": true, "state": "revoked" })).into())
            }
            result => result.map(|answer| answer.body.into()),
        }
    }
}

fn session_of(context: &Context, code: &str) -> Result<Session> {
    let session = context.state.session_of_code(code)?.ok_or_else(|| {
        let message =
            format!("The code {code} was not made here. Name its session with --session SESSION.");
        Failure::own(Kind::UnknownCode, message)
    })?;
    context.session_of(session)
}

fn is_revoked(context: &Context, server: &Server, code: &str) -> bool {
    #[derive(Deserialize)]
    struct Status {
        state: String,
    }
    let answer = context.call(server, &Request::get(format!("/v1/pair/{code}/status")));
    let status = answer.ok().and_then(|answer| answer.body.read::<Status>());
    status.is_some_and(|status| status.state == "revoked")
}

/// Stores which session the code of a response leads to, for `nexus revoke`, which needs a key. A failure
/// is only a warning, because the code works anyway.
pub(super) fn remember(
    context: &Context,
    session: &Session,
    caller: Option<&Caller>,
    answer: &Json,
) {
    #[derive(Deserialize)]
    struct Made {
        code: String,
    }
    let is_ours = |caller: &Caller| caller.key.is_some() && session.is_of(caller);
    let made = answer.read::<Made>().filter(|_| caller.is_some_and(is_ours));
    let Some((code, _)) = made.and_then(|made| read_code(&made.code).ok()) else { return };
    if let Err(failure) = context.state.add_code(&session.id, &code) {
        tell!("warning: {}", failure.sentence());
    }
}

/// Reads a code, or the code and the server of a link. A link is `<server>/p/<code>`, or a URL of the API,
/// `<server>/v1/pair/<code>/...`. Codes of other servers may consist of other words.
fn read_code(text: &str) -> Result<(String, Option<String>)> {
    let text = text.trim();
    let malformed = || {
        let message = format!(
            "`{text}` is neither a pairing code, such as PEARL-FOCAL-S5SJV, nor a link, such as {}/p/PEARL-FOCAL-S5SJV.",
            server::DEFAULT
        );
        Failure::own(Kind::InvalidCode, message)
    };
    let (origin, code) = if text.contains("://") {
        let split = text.split_once("/p/").or_else(|| text.split_once("/v1/pair/"));
        let (origin, rest) = split.ok_or_else(malformed)?;
        (
            Some(server::normalize(origin).map_err(|_| malformed())?),
            rest.split(['/', '?', '#']).next(),
        )
    } else {
        (None, Some(text))
    };
    let code = code.unwrap_or_default().replace("%20", " ");
    let code = code.parse::<PairingCode>().map_or_else(
        |_| code.trim().replace(' ', "-").to_ascii_uppercase(),
        |code| code.as_str().to_owned(),
    );
    let plausible = (1..=64).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plausible { Ok((code, origin)) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_links_are_read() {
        let origin = |host: &str| Some(format!("https://{host}"));
        for (text, code, link) in [
            ("pearl focal s5sjv", "PEARL-FOCAL-S5SJV", None),
            (" PEARLFOCALS5SJV ", "PEARL-FOCAL-S5SJV", None),
            ("other-words-12345", "OTHER-WORDS-12345", None),
            ("https://a.example/p/PEARL-FOCAL-S5SJV", "PEARL-FOCAL-S5SJV", origin("a.example")),
            (
                "https://a.example/p/pearl%20focal-s5sjv?x=1#y",
                "PEARL-FOCAL-S5SJV",
                origin("a.example"),
            ),
            ("https://a.example/v1/pair/A-B-C/skill", "A-B-C", origin("a.example")),
            ("https://a.example/base/p/A-B-C/", "A-B-C", origin("a.example/base")),
        ] {
            assert_eq!(read_code(text).unwrap(), (code.to_owned(), link), "{text}");
        }
        for text in
            ["", "a/b", "../x", "https://a.example/", "https://a.example/p/", "ftp://a/p/A-B-C"]
        {
            assert!(read_code(text).is_err(), "{text}");
        }
    }
}
