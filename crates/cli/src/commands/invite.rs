//! `nexus invite`: a session, a link, and the wait until somebody comes. Or a link in the mailbox of an address.

mod guest;

use super::{alias, create::Create, pair};
use crate::{
    context::{Context, Session, missing_agent_id},
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    interrupt,
    json::Json,
    mailbox::{Mailbox, any_id},
    output::{self, Done},
    people,
    seat::Seat,
    server::Server,
    stderr::{self, tell},
    team::{Team, read},
};
use clap::Args;
use guest::{Guest, Outcome};
use nexus_protocol::{AgentId, CreatePairing, PairingCreated};
use serde_json::{Map, Value, json};
use std::{
    env,
    io::{self, IsTerminal},
    sync::{Arc, Mutex, PoisonError},
};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus invite 'Which day suits you?' --as alice --alias dentist
  nexus invite dentist
  nexus invite 'The contract' --sealed
  nexus invite 'Translate the readme' --no-wait --jq .url
  nexus invite 'Tuesday?' --to @bob-calendar

It creates a session, joins it, makes a link, and waits until somebody has claimed it. When the link runs out,
it makes another one. The text is the greeting, which everybody reads, and
the page of the link shows its first line (--no-preview keeps that back). The alias or the whole id of a session of
yours invites into that one.

With --to, the link also arrives in the mailbox of that address, as a message from yours; when it runs out, the
wait ends. `nexus invite SESSION @ID` does that without waiting.")]
pub(crate) struct Invite {
    /// What it is about, or the session to invite into
    #[arg(value_name = "TEXT|SESSION")]
    about: Option<String>,
    /// The address to invite into that session, without waiting
    #[arg(value_name = "@ID", value_parser = any_id, hide = true)]
    id: Option<AgentId>,
    /// An alias for the session on this machine
    #[arg(long, value_name = "NAME", value_parser = alias::name)]
    alias: Option<String>,
    /// Print the link and end
    #[arg(long)]
    no_wait: bool,
    /// Keep back on the link's page who invites and what it is about
    #[arg(long)]
    no_preview: bool,
    /// Encrypt the session end to end: the relay cannot read it, and its link ends with a key
    #[arg(long, visible_alias = "encrypt")]
    sealed: bool,
    /// Also send the link to this address
    #[arg(long, value_name = "@ID", value_parser = any_id, conflicts_with = "id")]
    to: Option<AgentId>,
}

impl Invite {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        if let (Some(session), Some(id)) = (&self.about, &self.id) {
            let session = context.session(session)?;
            self.name(context, &session)?;
            return send_to(context, &session, id).map(Done::from);
        }
        let known = self.about.as_deref().map(|text| known(context, text)).transpose()?.flatten();
        // Before a session is made that nobody could be invited into.
        let server =
            known.as_ref().map_or_else(|| context.server(None), |s| context.server_of(s))?;
        self.to.as_ref().map(|_| sender(context, &server)).transpose()?;
        let session = if let Some(session) = known {
            self.name(context, &session)?;
            tell!("-> session: {}", self.about.as_deref().unwrap_or_default());
            session
        } else {
            let is_sealed = self.sealed || context.state.config()?.sealed;
            if is_sealed && self.to.is_some() {
                return Err(no_mail());
            }
            create(context, self.about, self.alias.clone(), self.no_preview, is_sealed)?
        };
        let team = Team::quietly(context, session)?;
        let names = context.state.aliases()?;
        let alias = super::ls::names_of(&names, &team.session.id).into_iter().next();
        let waiting = Waiting { team: &team, to: self.to, alias };
        let members = team.members()?;
        let mut link = waiting.link()?;
        if self.no_wait {
            return Ok(waiting.value("pending", &link, &[]));
        }
        let current = Arc::new(Mutex::new(waiting.interrupted(&link)));
        let shared = Arc::clone(&current);
        interrupt::watch_and(move || {
            Failure::Report(shared.lock().unwrap_or_else(PoisonError::into_inner).clone())
        });
        tell!("waiting until somebody claims it (Ctrl-C ends the waiting; the link stays)");
        let mut guest = Guest::new(members);
        loop {
            match guest.wait(&team, &link)? {
                Outcome::Came(names) => {
                    let name = waiting.name();
                    let who =
                        if names.is_empty() { "somebody".to_owned() } else { names.join(", ") };
                    tell!("{who} came; talk with `nexus chat {name}`");
                    return Ok(waiting.value("claimed", &link, &names));
                }
                Outcome::RanOut if waiting.to.is_some() => {
                    let message = format!(
                        "The link that was sent has run out before anybody claimed it. Send another one with `nexus invite {} --to @ID`.",
                        waiting.name()
                    );
                    return Err(Failure::own(Kind::Timeout, message));
                }
                Outcome::RanOut => {
                    tell!("the link has run out; here is another one");
                    link = waiting.link()?;
                    let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
                    *current = waiting.interrupted(&link);
                }
                Outcome::Revoked => {
                    let message = format!(
                        "The link was taken back before anybody claimed it. Make another one with `nexus invite {}`.",
                        waiting.name()
                    );
                    return Err(Failure::own(Kind::UnknownCode, message));
                }
            }
        }
    }
}

impl Invite {
    /// Does for a session that exists what the options ask for.
    fn name(&self, context: &Context, session: &Session) -> Result<()> {
        if self.no_preview {
            let message = "Only a session that is created can keep the preview of its links back, so --no-preview does nothing for this one. Leave it out, or give a text instead of a session.";
            return Err(Failure::own(Kind::Usage, message));
        }
        self.alias.as_deref().map_or(Ok(()), |name| alias::give(context, name, &session.id))
    }
}

/// The session of ours that the text names by its alias or its whole id. Everything else is a text.
fn known(context: &Context, text: &str) -> Result<Option<Session>> {
    let is_alias = context.state.aliases()?.contains_key(text);
    let is_id = text.parse::<nexus_protocol::SessionId>().is_ok();
    (is_alias || is_id).then(|| context.session(text)).transpose()
}

/// Creates a session, in which we are.
fn create(
    context: &Context,
    about: Option<String>,
    alias: Option<String>,
    no_preview: bool,
    is_sealed: bool,
) -> Result<Session> {
    let agent = match context.named_agent() {
        Some(agent) => agent.clone(),
        None => own_name(context)?,
    };
    let mut new = Create::about(about, agent.clone());
    (new.no_preview, new.alias, new.encrypt) = (no_preview, alias, is_sealed);
    let made = new.make(context)?;
    tell!("you are in it as {agent}");
    let seat: Seat = made.json.read().unwrap_or_default();
    let id = seat
        .session_id
        .ok_or_else(|| Failure::own(Kind::NonJsonResponse, "The response names no session."))?;
    context.session_of(id)
}

/// Our only address, or the name of the user on this machine.
fn own_name(context: &Context) -> Result<AgentId> {
    if let [only] = context.state.addresses()?.as_slice() {
        return Ok(only.id.clone());
    }
    let user = ["USER", "USERNAME"].into_iter().find_map(|name| env::var(name).ok());
    user.and_then(|user| user.parse().ok()).ok_or_else(missing_agent_id)
}

/// Our address that sends invitations, which must be at the server of the session.
pub(super) fn sender(context: &Context, server: &Server) -> Result<Mailbox> {
    let mailbox = context.mailbox()?;
    if server.url != mailbox.server.url {
        let message = format!(
            "The session is at {}, but your address {} is at {}. Invitations work only within one relay. Make a link with `nexus pair` and pass it on instead.",
            server.host(),
            mailbox.agent(),
            mailbox.server.host()
        );
        return Err(Failure::own(Kind::Usage, message));
    }
    Ok(mailbox)
}

fn no_mail() -> Failure {
    let message = "The session is encrypted, and an address gets its messages through the relay, which would see the key of the link. Make a link with `nexus pair` and pass it on by another way.";
    Failure::own(Kind::Usage, message)
}

/// Sends a link to the mailbox of an address.
pub(super) fn send_to(context: &Context, session: &Session, to: &AgentId) -> Result<Json> {
    let mailbox = sender(context, &context.server_of(session)?)?;
    if context.state.secret(&session.id)?.is_some() {
        return Err(no_mail());
    }
    mailbox.server.announce();
    let session_id = session.id.clone();
    let body = Json::of(&CreatePairing { session_id, invite: Some(to.clone()) });
    // A repeated request would send two invitations.
    let request = Request::new(Method::PUT, "/v1/pair", Repeat::Unseen);
    let seat = context.caller(session).ok();
    // A seat with the same name as the address proves that we may make links.
    let same = seat.as_ref().filter(|seat| seat.agent == *mailbox.agent());
    let key = same.and_then(|seat| seat.key.as_ref());
    let answer = mailbox.call(Request { body: Some(body), key, ..request })?;
    pair::remember(context, session, seat.as_ref(), &answer.body);
    Ok(answer.body)
}

/// The wait for somebody.
struct Waiting<'a> {
    team: &'a Team<'a>,
    to: Option<AgentId>,
    alias: Option<String>,
}

impl Waiting<'_> {
    /// How commands name the session.
    fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(self.team.session.id.as_str())
    }

    /// Makes a link and shows it at once: on stderr, because stdout gets one value at the end.
    fn link(&self) -> Result<PairingCreated> {
        let (context, session) = (self.team.context, &self.team.session);
        let made = match &self.to {
            Some(to) => send_to(context, session, to)?,
            None => pair::link_to(context, session)?,
        };
        let link: PairingCreated = read(&made)?;
        let scene = output::scene();
        let ends = scene.clock.say(&link.expires_at.to_string());
        tell!(
            "Pass this link on. One agent or person can claim it, until it runs out {}:",
            ends.unwrap_or_default()
        );
        tell!("\n  {}\n  code: {}\n", link.url, link.code.as_str());
        if io::stderr().is_terminal()
            && let Some(code) = people::qr(&link.url, &scene)
        {
            stderr::text_to_stderr(&code);
        }
        Ok(link)
    }

    fn fields(&self, link: &PairingCreated) -> Map<String, Value> {
        let fields = json!({
            "sessionId": self.team.session.id, "alias": self.alias, "agentId": self.team.caller.agent,
            "url": link.url, "code": link.code, "expiresAt": link.expires_at,
        });
        fields.as_object().cloned().unwrap_or_default()
    }

    /// The result. A terminal has shown the link already.
    fn value(&self, status: &str, link: &PairingCreated, joined: &[String]) -> Done {
        let value = Json::of(&json!({ "status": status })).with(&Json::of(&self.fields(link)));
        let value = value.with(&Json::of(&json!({ "joined": joined })));
        if !output::is_for_people() || !io::stderr().is_terminal() {
            return value.into();
        }
        ["url", "code", "expiresAt"].iter().fold(value, |value, name| value.without(name)).into()
    }

    /// The value if a signal ends the waiting.
    fn interrupted(&self, link: &PairingCreated) -> Json {
        let name = self.name();
        let message = format!(
            "It was interrupted before anybody came. The session and the link stay. `nexus pair-status {}` tells whether the link was claimed, `nexus wait {name}` waits, `nexus invite {name}` makes another link, and `nexus end {name}` ends the session.",
            link.code.as_str()
        );
        let error = json!({ "error": Kind::Interrupted, "message": message });
        Json::of(&error).with(&Json::of(&self.fields(link)))
    }
}
