//! The tools. Each does what the command of the same name does, with the same code.

use super::{
    desk::{Desk, Job},
    failing::{unreadable, wrong},
    reading,
    seats::Seat,
    told::Told,
};
use crate::{
    commands::{create::Create, invite, leave, pair, register::Register, send},
    error::{Failure, Kind, Result},
    http::Request,
    json::Json,
    random,
    seat::Seat as Given,
    team::{Team, encoded, read},
};
use nexus_mcp::{
    Address, Call, Invite, Join, Read, Send, Task, TaskStep, Tool,
    fields::{Fields, Writer},
    shown,
};
use nexus_protocol::{
    AgentId, Claimed, PairingCreated, Refusal, SendMail, SendMessage, SessionCreated, TaskStatus,
};
use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

/// Does what is asked for.
pub(super) fn run(desk: &Desk, call: &Call, job: &Job) -> Result<Told> {
    let seat = call.seat.as_deref();
    let find = |may_be: fn(&Seat) -> bool| desk.seats.find(&desk.context, seat, may_be);
    // A seat that is no more is not the only one that can be meant.
    let in_seat = |seat: Seat, done: Result<Told>| {
        done.inspect_err(|failure| {
            if is_gone(failure) {
                desk.seats.gone(&seat);
            }
        })
    };
    match &call.tool {
        Tool::Invite(asked) => {
            let seat = seat.filter(|seat| !seat.trim().is_empty());
            let seat = seat.map(|_| find(Seat::is_any)).transpose()?;
            invite(desk, seat, asked)
        }
        Tool::Join(asked) => join(desk, asked, job),
        Tool::Send(asked) => {
            let seat = find(Seat::is_any)?;
            let done = send(desk, &seat, asked);
            in_seat(seat, done)
        }
        Tool::Read(asked) => {
            let seat = find(Seat::is_any)?;
            let done = match &seat {
                Seat::Session(id) => reading::session(desk, id, asked, job),
                Seat::Address(id) => reading::inbox(desk, id, asked, job),
            };
            in_seat(seat, done)
        }
        Tool::Task(asked) => {
            let seat = find(Seat::is_session)?;
            let done = task(desk, &seat, asked);
            in_seat(seat, done)
        }
        Tool::Leave => leave(desk, &find(Seat::is_session)?),
        Tool::Address(asked) => address(desk, asked),
    }
}

/// Whether the session of a seat has ended, or the seat was taken away.
fn is_gone(failure: &Failure) -> bool {
    let Failure::Refused(answer) = failure else { return false };
    let error = answer.error();
    error.error == "session_not_found" || error.reason == "agent_not_in_session"
}

fn invite(desk: &Desk, seat: Option<Seat>, asked: &Invite) -> Result<Told> {
    let (session, own) = match seat {
        Some(Seat::Session(_)) if asked.greeting.is_some() || asked.ttl.is_some() => {
            return Err(wrong(
                "`greeting` and `ttl` are for a new session. Leave them out, or leave `seat` out.",
            ));
        }
        Some(Seat::Session(id)) => (Some(desk.context.session_of(id)?), None),
        Some(Seat::Address(id)) => (None, Some(id)),
        None => (None, None),
    };
    let sender = desk.context.as_agent(own.clone());
    let server = match &session {
        Some(session) => desk.context.server_of(session)?,
        None => desk.context.server(None)?,
    };
    // Before a session is made that nobody could be invited into.
    let from = match &asked.to {
        Some(_) => Some(invite::sender(&sender, &server)?.agent().clone()),
        None => None,
    };
    let (session, ends) = if let Some(session) = session {
        (session, None)
    } else {
        let name = asked.name.clone().or_else(|| desk.name.clone()).or(own).or(from);
        let created = create(desk, name, asked)?;
        (desk.context.session_of(created.session_id)?, Some(created.expires_at))
    };
    let made = match &asked.to {
        Some(to) => invite::send_to(&sender, &session, to)?,
        None => pair::link_to(&desk.context, &session)?,
    };
    let link: PairingCreated = read(&made)?;
    let seat = Seat::Session(session.id);
    desk.seats.used(&seat);
    let mut told = Writer::default();
    told.text("seat", &seat.name(&desk.context));
    told.maybe("me", session.stored.agent.as_ref().map(AgentId::as_str));
    told.text("link", &link.url);
    told.text("link_expires", &link.expires_at.to_string());
    told.maybe("session_expires", ends.map(|ends| ends.to_string()).as_deref());
    told.maybe("sent_to", asked.to.as_ref().map(AgentId::as_str));
    Ok(told.end().into())
}

/// Makes a session in which we are.
fn create(desk: &Desk, name: Option<AgentId>, asked: &Invite) -> Result<SessionCreated> {
    let missing = "must be your name: 1 to 128 letters, digits, `_` or `-`";
    let name = match (name, desk.context.state.addresses()?.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only.id.clone(),
        (None, _) => return Err(refusal(&Refusal::invalid("name", missing))),
    };
    let mut new = Create::about(asked.greeting.clone(), name);
    new.ttl = asked.ttl;
    read(&new.make(&desk.context)?.json)
}

/// A refusal of our own, as a relay would have made it.
fn refusal(refusal: &Refusal) -> Failure {
    Failure::own(Kind::Usage, refusal.body.message.clone())
}

fn join(desk: &Desk, asked: &Join, job: &Job) -> Result<Told> {
    let me = asked.name.clone();
    let context = desk.context.as_agent(Some(me.clone()));
    let done = pair::claim(&context, &asked.link, None)?;
    let given: Given = read(&done.json)?;
    let id = given.session_id.ok_or(()).map_err(unreadable)?;
    let seat = Seat::Session(id.clone());
    desk.seats.used(&seat);
    let name = seat.name(&desk.context);
    // The seat is ours whatever happens now, and reading can be repeated.
    let first = Read { members: true, ..Read::default() };
    let (page, mark) = match reading::page(desk, &id, &first, job) {
        Ok((page, mark)) => (page, Some(mark)),
        Err(_) => (reading::nothing(), None),
    };
    let Some(claimed) = done.json.read::<Claimed>() else {
        // Another server does not say when the session ends.
        let json = shown::page(page.as_str()).map_err(unreadable)?;
        let begin = Json::of(&json!({ "seat": name, "me": me }));
        let json = Json::parse(&json).map_or(begin.clone(), |page| begin.with(&page));
        return Ok(Told { json: json.as_str().to_owned(), mark });
    };
    let session_expires = claimed.expires_at.to_string();
    let newcomer =
        shown::Newcomer { seat: &name, me: me.as_str(), session_expires: &session_expires };
    let json = shown::joined(page.as_str(), newcomer).map_err(unreadable)?;
    Ok(Told { json, mark })
}

fn send(desk: &Desk, seat: &Seat, asked: &Send) -> Result<Told> {
    let payload = asked.json.as_ref().and_then(|json| Json::parse(json.get()));
    let sent = match seat {
        Seat::Session(id) => {
            if asked.conversation.is_some() {
                return Err(wrong("`conversation` is only for an address. Leave it out."));
            }
            let (session, context) = (desk.context.session_of(id.clone())?, &desk.context);
            let caller = context.caller(&session)?;
            let message = SendMessage {
                text: asked.text.clone(),
                to: asked.to.clone(),
                reply_to: asked.reply_to.clone(),
                ..SendMessage::default()
            };
            send::say(context, &session, &caller, message, payload, false)?
        }
        Seat::Address(id) => {
            let to = asked.recipient();
            let to = to.ok_or_else(|| wrong("From an address, `to` must be one other address."))?;
            let mailbox = desk.context.mailbox_of(Some(id.clone()))?;
            mailbox.server.announce();
            let mail = SendMail {
                text: asked.text.clone(),
                json: payload.map(Json::into_raw),
                conversation_id: asked.conversation.clone(),
                reply_to: asked.reply_to.clone(),
                ..SendMail::default()
            };
            mailbox.send(to, &mail, random::hex())?.body
        }
    };
    shown::sent(sent.as_str()).map(Told::from).map_err(unreadable)
}

fn task(desk: &Desk, seat: &Seat, asked: &Task) -> Result<Told> {
    let Seat::Session(id) = seat else { return Err(wrong("Pass the `seat` of a session.")) };
    let team = Team::of(&desk.context, id.as_str())?;
    let one = |json: &Json| shown::task(json.as_str()).map(Told::from).map_err(unreadable);
    match (&asked.id, &asked.step) {
        (None, TaskStep::Look) => {
            let open = team.get("/tasks?status=open")?;
            shown::tasks(open.as_str()).map(Told::from).map_err(unreadable)
        }
        (Some(id), TaskStep::Look) => one(&team.get(&format!("/tasks/{}", encoded(id.as_str())))?),
        (None, TaskStep::Write(body)) => {
            one(&team.change(Method::POST, "/tasks", &written(body)?)?)
        }
        (Some(id), TaskStep::Write(body)) => {
            #[derive(Deserialize)]
            struct Change {
                status: Option<TaskStatus>,
            }
            let body = written(body)?;
            let next = body.read::<Change>().and_then(|change| change.status);
            if let Some(next) = next {
                team.lead_to(&team.task(id)?, next)?;
            }
            one(&team.report(id, &body)?)
        }
    }
}

fn written(body: &str) -> Result<Json> {
    Json::parse(body).ok_or(()).map_err(unreadable)
}

fn leave(desk: &Desk, seat: &Seat) -> Result<Told> {
    let Seat::Session(id) = seat else { return Err(wrong("Pass the `seat` of a session.")) };
    leave::Leave { session: id.to_string() }.run(&desk.context)?;
    desk.seats.gone(seat);
    Ok(json!({ "left": true }).to_string().into())
}

fn address(desk: &Desk, asked: &Address) -> Result<Told> {
    if asked.secret.is_some() {
        return Err(wrong(
            "A secret is not passed here, where it would stand in a transcript. `nexus address register --id ID --secret -` reads it from standard input.",
        ));
    }
    let stored = desk.context.state.addresses()?;
    let id = match (asked.id.clone().or_else(|| desk.name.clone()), stored.as_slice()) {
        (Some(id), _) => Some(id),
        (None, []) => None,
        (None, [only]) => Some(only.id.clone()),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|one| one.id.as_str()).collect();
            return Err(wrong(&format!(
                "There are several addresses here. Pass one of them as `id`, or a new one: {}.",
                names.join(", ")
            )));
        }
    };
    let register = Register::of(id, asked.name.clone());
    // The answer holds the secret, which stays here.
    let id = registered(&register.run(&desk.context)?.json)?;
    let seat = Seat::Address(id.clone());
    desk.seats.used(&seat);
    let mailbox = desk.context.mailbox_of(Some(id.clone()))?;
    let page = mailbox.call(Request::get(mailbox.path("/messages?limit=1")))?;
    let waits = Fields::of(page.body.as_str()).and_then(|page| page.list("messages"));
    let waits = waits.is_some_and(|messages| !messages.is_empty());
    let told = json!({ "seat": seat.name(&desk.context), "id": id, "waiting": waits });
    Ok(told.to_string().into())
}

fn registered(answer: &Json) -> Result<AgentId> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Registered {
        agent_id: AgentId,
    }
    read::<Registered>(answer).map(|registered| registered.agent_id)
}
