//! What the tools do.

use super::native::{self, Native, Of};
use crate::{
    agents,
    calls::{self, DescribeAgent, Object},
    codes, http,
    platform::System,
    rates::Passed,
    record,
    router::Method,
};
use nexus_core::{Caller, Error, Fault, Need, Proof, Random, Result, SecretUse};
use nexus_mcp::{
    Address, Call, Invite, Join, MAX_WAIT, PAGE, Read, Seat, Send, Task, TaskStep, Tool,
    fields::{Fields, Writer},
    shown::{self, Newcomer, Unreadable},
};
use nexus_protocol::{
    AgentId, ConversationId, MessageId, PairingCreated, Refusal, Region, Register, SessionId,
    shows_link_key,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::result;

/// What the argument `seat` must be.
const SEAT: &str = "must be the seat that `invite`, `join` or `address` returned";

/// Does what a tool is called for, if the call is one. Gives what the model sees, as JSON. That is also where a model
/// reads that its host has called too often.
pub(super) async fn run(of: &Of<'_>, call: result::Result<Call, Refusal>) -> Result<String> {
    let outcome = match call {
        Ok(call) => of.run(call).await,
        Err(refusal) => Err(refusal.into()),
    };
    of.counted(outcome).await
}

impl Of<'_> {
    async fn run(&self, call: Call) -> Result<String> {
        let of = self;
        let Call { seat, tool } = call;
        // A host can be told once, and then no model sees it.
        let in_header = || http::bearer(self.request).filter(|bearer| bearer.starts_with("nxt_"));
        let seat = match seat.as_deref().or_else(in_header).map(Seat::from_word) {
            Some(None) => return Err(Refusal::wrong_key().into()),
            seat => seat.flatten(),
        };
        match (tool, seat) {
            (Tool::Join(join), _) => of.join(&join).await,
            (Tool::Address(address), _) => of.address(address).await,
            (Tool::Invite(invite), Some(seat @ Seat::Member { .. })) => {
                of.invite_more(&invite, &seat).await
            }
            (Tool::Invite(invite), address) => of.invite(invite, address.as_ref()).await,
            (_, None) => Err(Refusal::invalid("seat", SEAT).into()),
            (Tool::Read(read), Some(seat)) => of.read(&seat, read).await,
            (Tool::Send(send), Some(seat)) => of.send(&seat, send).await,
            (Tool::Task(task), Some(seat)) => of.task(&seat, task).await,
            (Tool::Leave, Some(seat)) => of.leave(&seat).await,
        }
    }
}

impl Of<'_> {
    /// Counts a call that asks for a new seat.
    async fn enter(&self) -> Result<()> {
        self.count(Passed::NewSeat).await.map(|_| ())
    }

    /// A new session, and a link to it.
    async fn invite(&self, invite: Invite, address: Option<&Seat>) -> Result<String> {
        let agent = address.map(Seat::agent).or(invite.name.as_ref()).ok_or_else(|| {
            Refusal::invalid("name", "must be your name: 1 to 128 letters, digits, `_` or `-`")
        })?;
        let to = match (&invite.to, address) {
            (Some(_), None) => return Err(needs_address()),
            (Some(to), Some(Seat::Address { agent, secret })) => Some((to, agent, secret)),
            _ => None,
        };
        self.enter().await?;
        // Before anything is made.
        if let Some(address) = address {
            Native::of(address, Method::Get, "/messages?limit=1").make(self).await?;
        }
        if let Some((to, ..)) = to {
            calls::call(self.env, to.as_str(), &DescribeAgent {}).await?;
        }
        let mut create = Writer::default();
        create.text("creatorAgentId", agent.as_str());
        create.maybe("greeting", invite.greeting.as_deref());
        create.text("join", "link");
        if let Some(ttl) = invite.ttl {
            create.raw("ttl", &ttl.to_string());
        }
        let id = SessionId::from_random(System.bytes()?);
        let region = calls::place_of(self.request, self.env)?;
        let object = Object::named(self.env, "SESSION", id.as_str(), region)?;
        let hint = region.map(Region::hint);
        let created = native::create(&object, hint, &create.end()).await?;
        let (seat, expires_at) = seated(&created, agent)?;
        let sending = async {
            let link = self.link(&seat).await?;
            if let Some((to, sender, secret)) = to {
                let proof = Some(Proof::Secret(secret.clone()));
                agents::invite(self.env, (sender, proof), to, &link).await?;
            }
            Ok(link)
        };
        let link = match sending.await {
            Ok(link) => link,
            Err(error) => {
                // Nobody will ever sit there. If it cannot be ended, it ends by itself.
                let _ = Native::of(&seat, Method::Delete, "").make(self).await;
                return Err(error);
            }
        };
        let mut shown = Writer::default();
        shown.text("seat", &word(&seat)?);
        shown.text("me", agent.as_str());
        show_link(&mut shown, &link);
        shown.text("session_expires", &expires_at);
        shown.maybe("sent_to", to.map(|(to, ..)| to.as_str()));
        Ok(shown.end())
    }

    /// One more link to a session.
    async fn invite_more(&self, invite: &Invite, seat: &Seat) -> Result<String> {
        if invite.to.is_some() {
            return Err(needs_address());
        }
        if invite.greeting.is_some() || invite.ttl.is_some() {
            let rule = "must be left out to begin a new session, with `greeting` or `ttl`";
            return Err(Refusal::invalid("seat", rule).into());
        }
        // Whether the key is right, and counted as its agent's.
        Native::of(seat, Method::Get, "/messages?limit=1&after=0").make(self).await?;
        let link = self.link(seat).await?;
        let mut shown = Writer::default();
        show_link(&mut shown, &link);
        Ok(shown.end())
    }

    async fn link(&self, seat: &Seat) -> Result<PairingCreated> {
        let Seat::Member { session, agent, key } = seat else {
            return Err(Fault::new("a link was asked for that leads to no session").into());
        };
        let caller = Caller::with_key(agent.clone(), key.clone());
        codes::make(self.request, self.env, session, (Need::Entry, caller), false).await
    }

    /// A seat for a code, and what is to be known at once.
    async fn join(&self, join: &Join) -> Result<String> {
        if shows_link_key(&join.link) {
            return Err(Refusal::key_shown().into());
        }
        let code = join.code()?;
        let here = http::origin(self.request, self.env)?;
        if let Some(relay) = join.relay().filter(|relay| host(relay) != host(&here)) {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_[]".contains(c);
            let theirs = if relay.chars().all(is_plain) { relay } else { "that relay" };
            let rule = format!("is of another relay: only the tools at {theirs}/mcp can use it");
            return Err(Refusal::invalid("link", rule).into());
        }
        let passed = Passed::Code(code.first_word());
        let visit = self.count(passed).await?;
        let (claimed, exists) = native::claim(self.env, &code, &join.name).await?;
        visit.leave(self.env, exists).await?;
        let (seat, expires_at) = seated(&claimed?, &join.name)?;
        let query = Read { members: true, ..Read::default() }.query(PAGE);
        let page = Native::of(&seat, Method::Get, &["/messages?", &query].concat());
        let page = page.make(self).await;
        let word = word(&seat)?;
        let newcomer =
            Newcomer { seat: &word, me: join.name.as_str(), session_expires: &expires_at };
        // The code is used up: whatever else fails, the seat must arrive.
        let shown = page.ok().and_then(|page| shown::joined(&page, newcomer).ok());
        let empty = || shown::joined(r#"{"messages":[],"nextCursor":"","hasMore":true}"#, newcomer);
        shown.map_or_else(|| readable(empty()), Ok)
    }

    /// Reads on, at an address after marking as read what was read.
    async fn read(&self, seat: &Seat, mut read: Read) -> Result<String> {
        if let Some(cursor) = read.after.take_if(|_| is_address(seat)) {
            let mut ack = Writer::default();
            ack.text("cursor", &cursor.to_string());
            Native::of(seat, Method::Post, "/ack").with(ack.end()).make(self).await?;
        }
        read.wait = read.wait.min(MAX_WAIT);
        let mut native = Native::of(seat, Method::Get, &["/messages?", &read.query(PAGE)].concat());
        native.wait = read.wait;
        readable(shown::page(&native.make(self).await?))
    }

    /// A message: in a session to all or to some, from an address to one other.
    async fn send(&self, seat: &Seat, send: Send) -> Result<String> {
        let mut body = Writer::default();
        body.maybe("text", send.text.as_deref());
        if let Some(json) = &send.json {
            body.raw("json", json.get());
        }
        body.maybe("replyTo", send.reply_to.as_ref().map(MessageId::as_str));
        if is_address(seat) {
            let rule = "must be the one address that the message goes to";
            let to = send.recipient().ok_or_else(|| Refusal::invalid("to", rule))?;
            body.maybe("conversationId", send.conversation.as_ref().map(ConversationId::as_str));
            let native = Native::of(seat, Method::Post, "").to(to, "/messages").with(body.end());
            return readable(shown::sent(&native.make(self).await?));
        }
        if send.conversation.is_some() {
            return Err(Refusal::invalid("conversation", "must be left out in a session").into());
        }
        if let Some(to) = &send.to {
            body.raw("to", &serde_json::to_string(to).map_err(Fault::new)?);
        }
        let native = Native::of(seat, Method::Post, "/messages").with(body.end());
        let answer = native.make(self).await?;
        record::count_messages(1);
        readable(shown::sent(&answer))
    }

    /// The open tasks, one of them, or a step of one.
    async fn task(&self, seat: &Seat, task: Task) -> Result<String> {
        if is_address(seat) {
            let rule = "must be one in a session, for tasks are of sessions: `invite` or `join`";
            return Err(Refusal::invalid("seat", rule).into());
        }
        let path = match &task.id {
            // Any text may be tried as an id.
            Some(id) => format!("/tasks/{}", utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC)),
            None => "/tasks".to_owned(),
        };
        match (task.step, task.id) {
            (TaskStep::Write(body), _) => {
                let native = Native::of(seat, Method::Post, &path).with(body);
                let answer = native.make(self).await?;
                record::count_messages(1);
                readable(shown::task(&answer))
            }
            (TaskStep::Look, Some(_)) => {
                let native = Native::of(seat, Method::Get, &path);
                readable(shown::task(&native.make(self).await?))
            }
            (TaskStep::Look, None) => {
                let native = Native::of(seat, Method::Get, &(path + "?status=open"));
                readable(shown::tasks(&native.make(self).await?))
            }
        }
    }

    async fn leave(&self, seat: &Seat) -> Result<String> {
        if is_address(seat) {
            let rule = "must be one in a session. An address stays until its owner deletes it, see /llms.txt";
            return Err(Refusal::invalid("seat", rule).into());
        }
        let path = ["/agents/", seat.agent().as_str()].concat();
        Native::of(seat, Method::Delete, &path).make(self).await?;
        Ok(r#"{"left":true}"#.to_owned())
    }

    async fn address(&self, address: Address) -> Result<String> {
        if let (Some(agent), Some(secret)) = (&address.id, address.secret) {
            let seat = Seat::Address { agent: agent.clone(), secret };
            let page = Native::of(&seat, Method::Get, "/messages?limit=1").make(self).await?;
            let waits = Fields::of(&page).and_then(|page| page.list("messages"));
            let waits = waits.is_some_and(|messages| !messages.is_empty());
            return show_address(&seat, None, waits);
        }
        self.enter().await?;
        let name = address.name.or_else(|| address.id.as_ref().map(ToString::to_string));
        let mut register = Writer::default();
        register.maybe("agentId", address.id.as_ref().map(AgentId::as_str));
        register.text("name", name.as_deref().unwrap_or("Agent"));
        let register = Register::parse(register.end().as_bytes())?;
        let region = calls::place_of(self.request, self.env)?;
        let registered = agents::register(self.env, region, register, SecretUse::Shown).await?;
        let (id, secret) = (registered.agent_id, registered.secret);
        let seat = Seat::Address { agent: id, secret: secret.clone() };
        show_address(&seat, Some(secret.as_str()), false)
    }
}

fn is_address(seat: &Seat) -> bool {
    matches!(seat, Seat::Address { .. })
}

/// The host of a URL, with its port.
fn host(url: &str) -> Option<String> {
    url.split_once("://").map(|(_, host)| host.to_ascii_lowercase())
}

fn show_link(shown: &mut Writer, link: &PairingCreated) {
    shown.text("link", &link.url);
    shown.text("link_expires", &link.expires_at.to_string());
}

fn show_address(seat: &Seat, secret: Option<&str>, waits: bool) -> Result<String> {
    let mut shown = Writer::default();
    shown.text("seat", &word(seat)?);
    shown.text("id", seat.agent().as_str());
    shown.maybe("secret", secret);
    shown.raw("waiting", if waits { "true" } else { "false" });
    Ok(shown.end())
}

/// The seat that an agent was given, and when its session ends.
fn seated(answer: &str, agent: &AgentId) -> Result<(Seat, String)> {
    let given = || {
        let answer = Fields::of(answer)?;
        let (session, key) = (answer.text("sessionId")?, answer.text("sessionKey")?);
        let (session, key) = (session.parse().ok()?, key.parse().ok()?);
        let seat = Seat::Member { session, agent: agent.clone(), key };
        Some((seat, answer.text("expiresAt")?))
    };
    Ok(given().ok_or_else(|| Fault::new("a new member was given no seat"))?)
}

fn needs_address() -> Error {
    let rule = "needs the seat of your own address (`address`), which the link is sent from";
    Refusal::invalid("to", rule).into()
}

fn word(seat: &Seat) -> Result<String> {
    Ok(seat.to_word().ok_or_else(|| Fault::new("a key has not the form of the relay's"))?)
}

fn readable(shown: result::Result<String, Unreadable>) -> Result<String> {
    Ok(shown.map_err(|Unreadable| Fault::new("an answer cannot be shown"))?)
}
