//! The calls between objects, each defined once: its name, what it takes, what it answers.
//!
//! JSON is read from text here as everywhere else: a second kind of source would compile every type twice.
//!
//! They are requests to `/internal/NAME` of the object, which the edge never forwards: the router
//! knows no such path.

use crate::{
    bridge,
    http::{self, Request, Response},
    platform::{self, fault},
    router::Method,
    waiting,
};
use js_sys::Promise;
use nexus_core::{
    About, Accepted, Caller, Digest, Error, Facts, Fault, Found, Letter, Listing, Notice, Proof,
    Report, Result, SeatRequest, SecretUse, Tally,
};
use nexus_protocol::{
    Activity, AgentId, AgentStatus, AgentsRequest, ConversationId, ErrorBody, ErrorCode,
    IdempotencyKey, Joined, Mail, MailSent, MailStatus, MessageId, PairingCode, Refusal, Register,
    Registered, SendMail, SessionId, SessionStatus, Stats, Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Env, WebSocket, web_sys};

/// The one object of the class `Directory`.
pub(crate) const THE_DIRECTORY: &str = "directory";

/// Bytes of a body that are handed on at once; what is longer is read by the object, if it wants it.
const MOST_AT_ONCE: usize = 256 * 1024;

/// A call to an object.
pub(crate) trait Call: Serialize + DeserializeOwned {
    /// The binding of the object's class.
    const BINDING: &'static str;
    /// The name of the call.
    const NAME: &'static str;
    /// What it answers.
    type Answer: Serialize + DeserializeOwned;
}

/// To a `Session`: its status; refused if it does not exist.
#[derive(Serialize, Deserialize)]
pub(crate) struct Describe {}

impl Call for Describe {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "describe";
    type Answer = SessionStatus;
}

/// To a `Session`: note a code that is about to be made; refused if this caller may not make a link to it.
#[derive(Serialize, Deserialize)]
pub(crate) struct AddCode {
    pub(crate) caller: Caller,
    pub(crate) code: PairingCode,
}

impl Call for AddCode {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "add-code";
    type Answer = ();
}

/// To a `Session`: forget a code that this caller takes back; refused if it may not.
#[derive(Serialize, Deserialize)]
pub(crate) struct ForgetCode {
    pub(crate) caller: Caller,
    pub(crate) code: PairingCode,
    /// Claims of the code whose end is unknown.
    pub(crate) lost: Vec<Digest>,
}

impl Call for ForgetCode {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "forget-code";
    type Answer = ();
}

/// To a `Session`: join for a claimed code.
impl Call for SeatRequest {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "take-seat";
    type Answer = Joined;
}

/// To a `PairingIndex`: store a new code. Answers when it expires, or nothing if it is in use.
#[derive(Serialize, Deserialize)]
pub(crate) struct CreateCode {
    pub(crate) code: PairingCode,
    pub(crate) session: SessionId,
}

impl Call for CreateCode {
    const BINDING: &'static str = "PAIRING_INDEX";
    const NAME: &'static str = "create-code";
    type Answer = Option<Timestamp>;
}

/// To a `PairingIndex`: what became of a code, and where it leads.
#[derive(Serialize, Deserialize)]
pub(crate) struct Look {
    pub(crate) code: PairingCode,
}

impl Call for Look {
    const BINDING: &'static str = "PAIRING_INDEX";
    const NAME: &'static str = "look";
    type Answer = Found;
}

/// To the `Directory`: what a session tells of itself.
impl Call for Report {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "report";
    type Answer = ();
}

/// To the `Directory`: the counters.
#[derive(Serialize, Deserialize)]
pub(crate) struct ReadStats {}

impl Call for ReadStats {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "stats";
    type Answer = Stats;
}

/// To the `Directory`: what the edge has counted.
impl Call for Tally {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "tally";
    type Answer = ();
}

/// To the `Directory`: what happened lately.
#[derive(Serialize, Deserialize)]
pub(crate) struct ReadActivity {}

impl Call for ReadActivity {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "activity";
    type Answer = Activity;
}

/// To the `Directory`: what a mailbox tells of its agent.
impl Call for Listing {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "enlist";
    type Answer = ();
}

/// To the `Directory`: which agents are listed, and whether there are more.
impl Call for AgentsRequest {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "agents";
    type Answer = (Vec<AgentId>, bool);
}

/// To a `Mailbox`: register its agent.
#[derive(Serialize, Deserialize)]
pub(crate) struct RegisterAgent {
    pub(crate) request: Register,
    pub(crate) used: SecretUse,
}

impl Call for RegisterAgent {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "register";
    type Answer = Registered;
}

/// To a `Mailbox`: its card, and whether its agent is online.
#[derive(Serialize, Deserialize)]
pub(crate) struct DescribeAgent {}

impl Call for DescribeAgent {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "describe";
    type Answer = AgentStatus;
}

/// To the `Mailbox` of a sender: send a message, if the proof holds.
#[derive(Serialize, Deserialize)]
pub(crate) struct SendFrom {
    pub(crate) proof: Option<Proof>,
    pub(crate) to: AgentId,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) message: SendMail,
}

impl Call for SendFrom {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "send-from";
    type Answer = MailSent;
}

/// To a `Mailbox`: something that is not kept, for those of its readers who know it. Answers whether
/// there was one.
#[derive(Serialize, Deserialize)]
pub(crate) struct Whisper {
    pub(crate) id: String,
    pub(crate) from: AgentId,
    pub(crate) kind: String,
    pub(crate) content: String,
    pub(crate) conversation: ConversationId,
}

impl Call for Whisper {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "whisper";
    type Answer = bool;
}

/// To a `Mailbox`: what waits in it, if the proof holds. It is acknowledged.
#[derive(Serialize, Deserialize)]
pub(crate) struct TakeMail {
    pub(crate) proof: Option<Proof>,
}

impl Call for TakeMail {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "take-mail";
    type Answer = Vec<Mail>;
}

/// To the `Mailbox` of a recipient: a message.
impl Call for Letter {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "deliver";
    type Answer = Accepted;
}

/// To the `Mailbox` of the other: what it knows of a conversation.
#[derive(Serialize, Deserialize)]
pub(crate) struct FactsOf(pub(crate) About);

impl Call for FactsOf {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "facts";
    type Answer = Option<Facts>;
}

/// To the `Mailbox` of the other: a conversation is ended.
#[derive(Serialize, Deserialize)]
pub(crate) struct EndOf(pub(crate) About);

impl Call for EndOf {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "end";
    type Answer = ();
}

/// To the `Mailbox` of a recipient: what became of a message that `sender` has sent.
#[derive(Serialize, Deserialize)]
pub(crate) struct StatusOf {
    pub(crate) sender: AgentId,
    pub(crate) message: MessageId,
}

impl Call for StatusOf {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "message-status";
    type Answer = MailStatus;
}

/// To the `Mailbox` of a sender: what became of its messages.
impl Call for Notice {
    const BINDING: &'static str = "MAILBOX";
    const NAME: &'static str = "notice";
    type Answer = ();
}

/// An object, to be asked.
pub(crate) struct Object(JsValue);

impl Object {
    /// The object `name` of a class; in the jurisdiction that the variable `JURISDICTION` names, if it does.
    pub(crate) fn named(env: &Env, binding: &'static str, name: &str) -> Result<Self> {
        Self::in_place(env, binding, &platform::jurisdiction(env)?, name)
    }

    fn in_place(env: &Env, binding: &'static str, place: &JsValue, name: &str) -> Result<Self> {
        let stub =
            bridge::with_constant(binding, |binding| bridge::stub(env, binding, place, name));
        stub.map(Self).map_err(|error| fault(error.into()))
    }

    /// Hands a client's request to it as it came, and the answer back as it was made.
    pub(crate) async fn forward(&self, request: &Request) -> Result<Response> {
        let reply = request.exchange()?.forward(&self.0, MOST_AT_ONCE);
        Ok(Response::reply(settled(reply).await?))
    }

    /// Asks it, with a request that no client has sent: a line with its id, the method and the URL, then one
    /// for each header.
    pub(crate) async fn ask(&self, head: &str, body: &str) -> Result<Response> {
        Ok(Response::reply(settled(bridge::ask(&self.0, head, body)).await?))
    }

    /// The same, for the body of a success of `what`; a refusal comes back as it was made.
    pub(crate) async fn outcome(&self, head: &str, body: &str, what: &str) -> Result<String> {
        let answer = self.ask(head, body).await?;
        let (status, text) = (answer.status(), answer.read().await?);
        if (200..300).contains(&status) {
            return Ok(text);
        }
        let body: Box<ErrorBody> = serde_json::from_str(&text)
            .map_err(|_| Fault::new(format!("the answer to {what} cannot be read")))?;
        if body.error == ErrorCode::InternalError {
            let (id, _) = head.split_once(' ').unwrap_or_default();
            return Err(Fault::new(format!("{what} failed, see request id {id}")).into());
        }
        let retry_after = answer.header("Retry-After").and_then(|seconds| seconds.parse().ok());
        Err(Error::Refused(Refusal { status, body, retry_after, allow: None }))
    }

    /// Asks it for a socket, with the head of a request. Gives it, or what was answered instead.
    pub(crate) async fn open(
        &self,
        head: &str,
    ) -> Result<std::result::Result<WebSocket, Response>> {
        let answer = settled(bridge::open(&self.0, head)).await?;
        let response = worker::Response::from(answer.clone().unchecked_into::<web_sys::Response>());
        if response.status_code() != 101 {
            return Ok(Err(Response::reply(answer)));
        }
        let socket = response.websocket();
        Ok(Ok(socket.ok_or_else(|| Fault::new("an object opened no socket"))?))
    }
}

async fn settled(promise: std::result::Result<Promise, JsValue>) -> Result<JsValue> {
    let settled = match promise {
        Ok(promise) => waiting::outcome(promise).await,
        Err(error) => Err(error),
    };
    settled.map_err(|error| fault(error.into()))
}

/// Calls the object `name`. A refusal comes back as it was made; where there is none, but also no
/// answer, whether the call happened is not known.
pub(crate) async fn call<C: Call>(env: &Env, name: &str, call: &C) -> Result<C::Answer> {
    let body = serde_json::to_string(call).map_err(Fault::new)?;
    let url = format!("https://object/internal/{}", C::NAME);
    let head = http::head_of(Method::Post, &url, []);
    let answer = Object::named(env, C::BINDING, name)?.outcome(&head, &body, C::NAME).await?;
    Ok(serde_json::from_str(&answer)
        .map_err(|_| Fault::new(format!("the answer to {} cannot be read", C::NAME)))?)
}

/// The name of the call that a request to an object is, if it is one.
pub(crate) fn name(path: &str) -> Option<&str> {
    path.strip_prefix("/internal/")
}

/// What a call takes, in the object that is called.
pub(crate) async fn read<C: Call>(request: &Request) -> Result<C> {
    let body = request.body(usize::MAX).await?.unwrap_or_default();
    // Without the parser's own words, which can quote what was sent.
    let unreadable = |_| Fault::new(format!("what {} was given cannot be read", C::NAME));
    Ok(serde_json::from_str(std::str::from_utf8(&body).map_err(Fault::new)?).map_err(unreadable)?)
}

/// What a call answers. `C` names the call, so that an answer of another type does not compile.
pub(crate) fn reply<C: Call>(answer: &C::Answer) -> Result<Response> {
    http::json(200, answer)
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn objects_live_where_the_deployment_says() {
        let make = js_sys::Function::new_no_args(
            "class DurableObjectNamespace {
                constructor(place) { this.place = place }
                jurisdiction(name) { return new DurableObjectNamespace(name) }
                getByName(name) { return { name: `${this.place}/${name}` } }
            }
            return { SESSION: new DurableObjectNamespace('anywhere') }",
        );
        for (jurisdiction, expected) in [("", "anywhere/x"), ("eu", "eu/x")] {
            let env = make.call0(&JsValue::NULL).unwrap();
            let Object(stub) =
                Object::in_place(env.unchecked_ref(), "SESSION", &jurisdiction.into(), "x")
                    .unwrap();
            let name = js_sys::Reflect::get(&stub, &"name".into()).unwrap();
            assert_eq!(name.as_string().as_deref(), Some(expected));
        }
    }
}
