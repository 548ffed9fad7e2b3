//! The calls of the tools, and their arguments.

use crate::{fields::Writer, seat::can_be_shown};
use nexus_protocol::{
    AgentId, AgentSecret, Body, ConversationId, Cursor, MessageId, PairingCode, Recipients, Refusal,
};
use serde_json::value::RawValue;

/// The names of the tools, in the order in which they are listed.
pub(crate) const NAMES: [&str; 7] = ["invite", "join", "send", "read", "task", "leave", "address"];

/// A call of a tool.
#[derive(Debug)]
pub struct Call {
    /// Whose it is, as the model passed it.
    pub seat: Option<String>,
    /// What is called.
    pub tool: Tool,
}

/// What is called, with its arguments.
#[derive(Debug)]
#[allow(missing_docs, reason = "tools.json describes each")]
pub enum Tool {
    Invite(Invite),
    Join(Join),
    Send(Send),
    Read(Read),
    Task(Task),
    Leave,
    Address(Address),
}

/// `invite`
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "tools.json describes each")]
pub struct Invite {
    pub name: Option<AgentId>,
    pub greeting: Option<String>,
    pub ttl: Option<u32>,
    pub to: Option<AgentId>,
}

/// `join`
#[derive(Debug)]
#[allow(missing_docs, reason = "tools.json describes each")]
pub struct Join {
    pub link: String,
    pub name: AgentId,
}

/// `send`
#[derive(Debug)]
#[allow(missing_docs, reason = "tools.json describes each")]
pub struct Send {
    pub text: Option<String>,
    pub json: Option<Box<RawValue>>,
    pub to: Option<Recipients>,
    pub reply_to: Option<MessageId>,
    pub conversation: Option<ConversationId>,
}

/// `read`
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "tools.json describes each")]
pub struct Read {
    pub after: Option<Cursor>,
    pub wait: u32,
    pub limit: Option<u32>,
    pub members: bool,
}

/// `task`
#[derive(Debug)]
pub struct Task {
    /// The task; none if one is given or all are listed.
    pub id: Option<MessageId>,
    /// What is to be done.
    pub step: TaskStep,
}

/// What is to be done about a task.
#[derive(Debug)]
pub enum TaskStep {
    /// Look at one, or at all that are open.
    Look,
    /// Give or change one, with this body in the native protocol.
    Write(String),
}

/// `address`
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "tools.json describes each")]
pub struct Address {
    pub id: Option<AgentId>,
    pub name: Option<String>,
    pub secret: Option<AgentSecret>,
}

/// What a value says that some models write as a text: a number, a flag, a cursor.
fn bare(raw: &RawValue) -> &str {
    raw.get().trim_matches('"').trim()
}

/// A field that is a number. Whole numbers may come as `25.0`.
fn number(body: &mut Body<'_>, name: &'static str, rule: &'static str) -> Option<u32> {
    let raw = body.raw(name)?;
    let number = bare(raw).trim_end_matches(".0").parse().ok();
    if number.is_none() {
        body.note(name, rule);
    }
    number
}

const NAME: &str = "must be your name: 1 to 128 letters, digits, `_` or `-`";
const NUMBER: &str = "must be a whole number";

impl Call {
    /// Reads the arguments of the tool of this name. `None` if there is no such tool.
    #[must_use]
    pub fn parse(tool: &str, arguments: &RawValue) -> Option<Result<Self, Refusal>> {
        NAMES.contains(&tool).then(|| {
            let mut body = Body::parse(arguments.get().as_bytes())?;
            let seat =
                body.field("seat", "must be the seat that `invite`, `join` or `address` returned");
            let tool = match tool {
                "invite" => Tool::Invite(Invite::of(body)?),
                "join" => Tool::Join(Join::of(body)?),
                "send" => Tool::Send(Send::of(body)?),
                "read" => Tool::Read(Read::of(body)?),
                "task" => Tool::Task(Task::of(body)?),
                "leave" => body.finish().map(|()| Tool::Leave)?,
                _ => Tool::Address(Address::of(body)?),
            };
            Ok(Self { seat, tool })
        })
    }
}

impl Invite {
    fn of(mut body: Body<'_>) -> Result<Self, Refusal> {
        let invite = Self {
            name: body.field("name", NAME),
            greeting: body.field("greeting", "must be a text"),
            ttl: number(&mut body, "ttl", NUMBER),
            to: body.field("to", "must be an address"),
        };
        body.finish().map(|()| invite)
    }
}

impl Join {
    fn of(mut body: Body<'_>) -> Result<Self, Refusal> {
        const LINK: &str = "must be the link or the code that you were given";
        let link: Option<String> = body.required("link", LINK);
        let name = body.required("name", NAME);
        body.finish()?;
        let missing = || Refusal::invalid("link", LINK);
        let (link, name) = (link.ok_or_else(missing)?, name.ok_or_else(missing)?);
        Ok(Self { link, name })
    }

    /// The code of the link. A code that is malformed was never made.
    pub fn code(&self) -> Result<PairingCode, Refusal> {
        self.link.parse().map_err(|_| Refusal::code_malformed())
    }

    /// Scheme and host of the relay that the link is of, or what stands in their place; none if it names none.
    #[must_use]
    pub fn relay(&self) -> Option<&str> {
        let link = self.link.trim();
        let at = link.find("://")?.checked_add(3)?;
        let end =
            link.get(at..)?.find(['/', '?', '#']).map_or(link.len(), |end| at.saturating_add(end));
        let begin = link.get(..at)?.rfind("http")?;
        link.get(begin..end)
    }
}

impl Send {
    fn of(mut body: Body<'_>) -> Result<Self, Refusal> {
        let send = Self {
            json: body.raw("json").map(ToOwned::to_owned),
            text: body.field("text", "must be a text"),
            to: body.field("to", "must be a name, or a list of names"),
            reply_to: body.field("reply_to", "must be the id of a message"),
            conversation: body.field("conversation", "must be the `conversation` of a message"),
        };
        body.finish().map(|()| send)
    }

    /// The one that `to` names.
    #[must_use]
    pub fn recipient(&self) -> Option<&AgentId> {
        match self.to.as_ref()?.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

impl Read {
    fn of(mut body: Body<'_>) -> Result<Self, Refusal> {
        let place = body.raw("after").map(bare).filter(|after| !after.is_empty());
        let after = place.and_then(|after| after.parse().ok());
        if place.is_some() && after.is_none() {
            body.note("after", "must be the `next` of your last read");
        }
        let wait = number(&mut body, "wait", "must be a number of seconds, at most 25");
        let limit = number(&mut body, "limit", NUMBER).filter(|limit| *limit > 0);
        let members = body.raw("members").map(|raw| bare(raw).to_ascii_lowercase());
        if !matches!(members.as_deref(), None | Some("true" | "false")) {
            body.note("members", "must be true or false");
        }
        body.finish()?;
        let members = members.as_deref() == Some("true");
        Ok(Self { after, wait: wait.unwrap_or(0), limit, members })
    }

    /// As a query of the native protocol: what others have written, and who comes and goes.
    #[must_use]
    pub fn query(&self, page: u32) -> String {
        let mut query = format!("others=true&events=true&limit={}", self.limit.unwrap_or(page));
        if let Some(after) = self.after {
            query.extend(["&after=", &after.to_string()]);
        }
        if self.wait > 0 {
            query.extend(["&wait=", &self.wait.to_string()]);
        }
        if self.members {
            query += "&members=true";
        }
        query
    }
}

impl Task {
    fn of(mut body: Body<'_>) -> Result<Self, Refusal> {
        let id = body.field("id", "must be the id of a task");
        let is_new = id.is_none();
        let mut native = Writer::default();
        let mut given = Vec::new();
        let fields: [(&'static str, &'static str); 7] = [
            ("text", "task"),
            ("to", "to"),
            ("capability", "capability"),
            ("status", "status"),
            ("progress", "progress"),
            ("result", "result"),
            ("deadline", "deadline"),
        ];
        for (own, name) in fields {
            let Some(value) = body.raw(own) else { continue };
            given.push(own);
            let percent = value.get().trim_matches('"').trim_end_matches('%').parse::<u32>();
            match percent {
                Ok(percent) if own == "progress" => native.raw(name, &percent.to_string()),
                _ => native.raw(name, value.get()),
            }
        }
        if is_new && !given.is_empty() && !given.contains(&"text") {
            body.note("text", "must say what is to be done; to change a task, name it by its `id`");
        }
        if !is_new && given.contains(&"text") {
            body.note("text", "must be left out where a task is changed");
        }
        body.finish()?;
        let step = if given.is_empty() { TaskStep::Look } else { TaskStep::Write(native.end()) };
        Ok(Self { id, step })
    }
}

impl Address {
    fn of(mut body: Body<'_>) -> Result<Self, Refusal> {
        let address = Self {
            id: body.field("id", AgentId::RULE),
            name: body.field("name", "must be a text"),
            secret: body.field("secret", "must be the secret of the address"),
        };
        if !address.secret.as_ref().is_none_or(can_be_shown) {
            body.note("secret", "must be the secret of the address");
        }
        if address.secret.is_some() && address.id.is_none() {
            body.note("id", "must be the address that the secret is of");
        }
        body.finish().map(|()| address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(tool: &str, arguments: &str) -> Result<Call, Refusal> {
        let arguments = RawValue::from_string(arguments.to_owned()).unwrap();
        Call::parse(tool, &arguments).unwrap()
    }

    fn wrong(tool: &str, arguments: &str) -> Vec<String> {
        let refusal = call(tool, arguments).unwrap_err();
        refusal.body.details.into_iter().map(|detail| detail.path.into_owned()).collect()
    }

    #[test]
    fn models_write_numbers_and_flags_as_they_like() {
        for arguments in [
            r#"{"after":5,"wait":25,"limit":3,"members":true}"#,
            r#"{"after":"5","wait":"25","limit":3.0,"members":"True"}"#,
        ] {
            let Tool::Read(read) = call("read", arguments).unwrap().tool else { panic!("read") };
            let query = read.query(20);
            assert_eq!(query, "others=true&events=true&limit=3&after=5&wait=25&members=true");
        }
        let Tool::Read(read) = call("read", r#"{"after":"","limit":0}"#).unwrap().tool else {
            panic!("read")
        };
        assert_eq!(read.query(20), "others=true&events=true&limit=20");
        assert_eq!(
            wrong("read", r#"{"after":"x","wait":-1,"members":"perhaps"}"#),
            ["after", "wait", "members"]
        );
    }

    #[test]
    fn a_link_says_whose_it_is() {
        let join = |link: &str| {
            let arguments = serde_json::json!({ "link": link, "name": "bob" }).to_string();
            let Tool::Join(join) = call("join", &arguments).unwrap().tool else { panic!("join") };
            (join.relay().map(ToOwned::to_owned), join.code().is_ok())
        };
        let code = "PEARL-FOCAL-S5SJV";
        let of = |relay: &str| (Some(relay.to_owned()), true);
        assert_eq!(join(&format!("https://h:1/p/{code}")), of("https://h:1"));
        assert_eq!(join(&format!("Open http://h/p/{code}.")), of("http://h"));
        assert_eq!(join(code), (None, true));
        assert_eq!(join("https://h/p/nope"), (Some("https://h".to_owned()), false));
        assert_eq!(wrong("join", "{}"), ["link", "name"]);
        assert_eq!(wrong("join", r#"{"link":"x","name":"no spaces"}"#), ["name"]);
    }

    #[test]
    fn a_task_is_looked_at_given_or_changed() {
        let task = |arguments: &str| {
            let Tool::Task(task) = call("task", arguments).unwrap().tool else { panic!("task") };
            match task.step {
                TaskStep::Look => (task.id.is_some(), None),
                TaskStep::Write(body) => (task.id.is_some(), Some(body)),
            }
        };
        assert_eq!(task("{}"), (false, None));
        assert_eq!(task(r#"{"id":"0123456789abcdef-1"}"#), (true, None));
        let given = task(r#"{"text":"do","to":"bob"}"#);
        assert_eq!(given, (false, Some(r#"{"task":"do","to":"bob"}"#.to_owned())));
        let moved = task(r#"{"id":"0123456789abcdef-1","status":"in_progress","progress":"50%"}"#);
        assert_eq!(moved, (true, Some(r#"{"status":"in_progress","progress":50}"#.to_owned())));
        let odd = task(r#"{"id":"0123456789abcdef-1","status":"in_progress","progress":"+05%"}"#);
        assert_eq!(odd.1.unwrap(), r#"{"status":"in_progress","progress":5}"#);
        assert_eq!(wrong("task", r#"{"status":"completed"}"#), ["text"]);
        assert_eq!(wrong("task", r#"{"id":"0123456789abcdef-1","text":"x"}"#), ["text"]);
    }

    #[test]
    fn of_an_unknown_tool_nothing_is_read() {
        let arguments = RawValue::from_string("{}".to_owned()).unwrap();
        assert!(Call::parse("delete_everything", &arguments).is_none());
        assert!(
            Call::parse("invite", &arguments).unwrap().is_ok(),
            "who needs what says so itself"
        );
    }
}
