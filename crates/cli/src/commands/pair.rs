//! `nexus pair`, `claim`, `pair-status`, `pair-list`, `revoke`: pairing codes and their links.

use super::alias;
use crate::{
    capabilities,
    context::{Caller, Context, Session, missing_agent_id},
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    output::Done,
    paste::{self, Invitation},
    proof::Proof,
    random, seal,
    server::Server,
    stderr::tell,
    team::{self, ProfileArgs},
    typed,
};
use clap::Args;
use nexus_protocol::CreatePairing;
use serde::Deserialize;
use serde_json::json;
use std::io::IsTerminal;
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
  nexus accept 'See <https://messaging.md/p/PEARL-FOCAL-S5SJV>.' --as bob

A link also names the server. It may be pasted as it came: in a sentence, in brackets, or wrapped by mail
protection. Put it into quotes, or give it on standard input, because a shell acts on < and &.")]
pub(crate) struct Claim {
    /// The code, or the link, however it was pasted; - or none reads it from standard input
    #[arg(value_name = "LINK")]
    pub(super) code: Vec<String>,
    /// An alias for the session on this machine
    #[arg(long, value_name = "NAME", value_parser = alias::name)]
    pub(super) alias: Option<String>,
    #[command(flatten)]
    pub(super) profile: ProfileArgs,
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
        let answer = link_to(context, &session)?;
        tell!("pass the link on: one agent can claim it, once, for some minutes");
        Ok(answer.into())
    }
}

/// Makes a link.
pub(super) fn link_to(context: &Context, session: &Session) -> Result<Json> {
    let server = context.server_of(session)?;
    let body = Json::of(&CreatePairing { session_id: session.id.clone(), invite: None });
    let home = context.home_of(session)?;
    let token = team::token(None)?.map(|token| Proof::of(token, &home));
    // A repeated request makes a second code, which nobody uses.
    let request = Request::new(Method::PUT, "/v1/pair", Repeat::Always);
    let request = Request { body: Some(body), token, ..request };
    // A session with a token accepts the key of a member instead.
    let caller = context.caller(session).ok().filter(|caller| caller.key.is_some());
    let request = match &caller {
        Some(caller) => caller.sign(request),
        None => request,
    };
    let answer = context.call(&server, &request)?;
    remember(context, session, caller.as_ref(), &answer.body);
    whole_link(context, session, answer.body)
}

/// The link of an answer, with the key that it ends with if the session is encrypted.
fn whole_link(context: &Context, session: &Session, answer: Json) -> Result<Json> {
    #[derive(Deserialize)]
    struct Made {
        url: String,
    }
    let Some(secret) = context.state.secret(&session.id)? else { return Ok(answer) };
    let Some(Made { url }) = answer.read() else { return Ok(answer) };
    let url = format!("{url}#{}", secret.write());
    Ok(answer.replacing("url", &Json::of(&url)))
}

/// Refuses a link that was made here, if another agent sits in its session here: the code would be used up, and the
/// key not kept. `claim` does not refuse it, because scripts take the key from its answer.
pub(super) fn check_own(context: &Context, pasted: &str) -> Result<()> {
    let Invitation { code, origin } = paste::read(pasted)?;
    match context.state.session_of_code(&code)? {
        Some(session) => {
            context.free_for(&session, context.named_agent(), &context.server(origin)?)
        }
        None => Ok(()),
    }
}

/// What was pasted: the words of the command line, or standard input, where a shell changes nothing.
pub(super) fn pasted(words: &[String]) -> Result<String> {
    let text = words.join(" ");
    if !text.is_empty() && text != "-" {
        return Ok(text);
    }
    if !std::io::stdin().is_terminal() {
        return super::send::read_text("-".to_owned());
    }
    tell!("Paste the link, or all that it came in, and press Enter:");
    let read = typed::text(|text| {
        let is_found = paste::is_invitation(text) || paste::read(text).is_ok();
        if !is_found {
            tell!("There is no link in that yet. Paste the rest, or press Enter to give up:");
        }
        is_found
    });
    read.map_err(|error| {
        Failure::own(Kind::Usage, format!("Standard input cannot be read ({error})."))
    })
}

impl Claim {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let done = claim(context, &pasted(&self.code)?, self.profile.body())?;
        alias::give_to(context, self.alias, &done);
        Ok(done)
    }
}

/// Takes the seat that an invitation gives, however it was pasted.
pub(super) fn claim(context: &Context, pasted: &str, profile: Option<Json>) -> Result<Done> {
    let Invitation { code, origin } = paste::read(pasted)?;
    let fragment = paste::key(pasted)?;
    let agent = context.named_agent().ok_or_else(missing_agent_id)?;
    let server = context.server(origin)?;
    server.announce();
    context.state.check_writable()?;
    // Before the code is used up.
    if fragment.is_some() && !capabilities::of(context, &server)?.encrypts() {
        return Err(seal::denied(server.host()));
    }
    let path = format!("/v1/pair/{code}/claim");
    let request = Request::new(Method::POST, path, Repeat::Always);
    let (once, body) = (Some(random::hex()), profile);
    let key_id = fragment.as_ref().map(|key| Proof::of(key.secret.key_id(), &server));
    let request = Request { agent: Some(agent), once, body, key_id, ..request };
    let answer = context.call(&server, &request)?;
    tell!("you are in it as {agent}; read with `nexus poll`, or talk with `nexus chat`");
    context.keep_sealed_seat(answer, None, agent, &server, fragment)
}

impl PairStatus {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let Invitation { code, origin } = paste::read(&self.code)?;
        // A code that was made here leads to a session whose server is known.
        let made = context.state.session_of_code(&code)?.filter(|_| origin.is_none());
        let server = match made {
            Some(session) => context.server_of(&context.session_of(session)?)?,
            None => context.server(origin)?,
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
        let links: Codes = answer.body.read().unwrap_or_default();
        let codes = links.codes.into_iter().map(|code| whole_link(context, &session, code));
        let codes: Vec<Json> = codes.collect::<Result<_>>()?;
        Ok(answer.body.replacing("codes", &Json::of(&codes)).into())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Codes {
    codes: Vec<Json>,
}

impl Revoke {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        // The key goes to the session's server, whichever server the link names.
        let code = paste::read(&self.code)?.code;
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
    let Some(made) = made.and_then(|made| paste::read(&made.code).ok()) else { return };
    if let Err(failure) = context.state.add_code(&session.id, &made.code) {
        tell!("warning: {}", failure.sentence());
    }
}
