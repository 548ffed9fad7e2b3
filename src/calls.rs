//! The calls between objects, each defined once: its name, what it takes, what it answers.
//!
//! JSON is read from text here as everywhere else: a second kind of source would compile every type twice.
//!
//! They are requests to `/internal/NAME` of the object, which the edge never forwards: the router
//! knows no such path.

use crate::{
    http,
    platform::{self, fault},
};
use js_sys::{Function, Reflect};
use nexus_core::{
    About, Accepted, Error, Facts, Fault, Found, Letter, Listing, Notice, Proof, Report, Result,
    SeatRequest, SecretUse, Tally,
};
use nexus_protocol::{
    Activity, AgentId, AgentStatus, AgentsRequest, ConversationId, ErrorBody, ErrorCode,
    IdempotencyKey, Joined, Mail, MailSent, MailStatus, MessageId, PairingCode, Refusal, Register,
    Registered, SendMail, SessionId, SessionKey, SessionStatus, Stats, Timestamp, Token,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Env, Method, ObjectNamespace, Request, RequestInit, Stub};

/// The one object of the class `Directory`.
pub(crate) const THE_DIRECTORY: &str = "directory";

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

/// To a `Session`: refused if this caller may not make a link to it.
#[derive(Serialize, Deserialize)]
pub(crate) struct MayInvite {
    pub(crate) token: Option<Token>,
    pub(crate) agent: Option<AgentId>,
    pub(crate) key: Option<SessionKey>,
}

impl Call for MayInvite {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "may-invite";
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

/// The object `name` of a class; in the jurisdiction that the variable `JURISDICTION` names, if it does.
pub(crate) fn stub(env: &Env, binding: &str, name: &str) -> Result<Stub> {
    let class = env.durable_object(binding).map_err(fault)?;
    let class = match platform::text_variable(env, "JURISDICTION")? {
        None => class,
        Some(jurisdiction) => within(&class, &jurisdiction).map_err(|error| fault(error.into()))?,
    };
    class.get_by_name(name).map_err(fault)
}

/// The part of a class whose objects live there and nowhere else.
fn within(
    class: &ObjectNamespace,
    jurisdiction: &str,
) -> std::result::Result<ObjectNamespace, JsValue> {
    let restrict: Function = Reflect::get(class.as_ref(), &"jurisdiction".into())?.dyn_into()?;
    Ok(restrict.call1(class.as_ref(), &jurisdiction.into())?.unchecked_into())
}

/// Calls the object `name`. A refusal comes back as it was made; where there is none, but also no
/// answer, whether the call happened is not known.
pub(crate) async fn call<C: Call>(env: &Env, name: &str, call: &C) -> Result<C::Answer> {
    let body = serde_json::to_string(call).map_err(Fault::new)?;
    let answer = ask(stub(env, C::BINDING, name)?, C::NAME, body).await?;
    Ok(serde_json::from_str(&answer)
        .map_err(|_| Fault::new(format!("the answer to {} cannot be read", C::NAME)))?)
}

/// The part of [`call`] that is the same for all, and so is compiled once.
async fn ask(object: Stub, name: &'static str, body: String) -> Result<String> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(JsValue::from_str(&body)));
    let url = format!("https://object/internal/{name}");
    let request = Request::new_with_init(&url, &init).map_err(fault)?;
    let response = object.fetch_with_request(request).await.map_err(fault)?;
    outcome(response, name).await
}

/// The body of a success of `what`; a refusal comes back as it was made.
pub(crate) async fn outcome(mut response: worker::Response, what: &str) -> Result<String> {
    let status = response.status_code();
    let text = response.text().await.map_err(fault)?;
    if (200..300).contains(&status) {
        return Ok(text);
    }
    let body: Box<ErrorBody> = serde_json::from_str(&text)
        .map_err(|_| Fault::new(format!("the answer to {what} cannot be read")))?;
    if body.error == ErrorCode::InternalError {
        let id = response.headers().get("X-Request-Id").map_err(fault)?.unwrap_or_default();
        return Err(Fault::new(format!("{what} failed, see request id {id}")).into());
    }
    let retry_after = response.headers().get("Retry-After").map_err(fault)?;
    let retry_after = retry_after.and_then(|seconds| seconds.parse().ok());
    Err(Error::Refused(Refusal { status, body, retry_after, allow: None }))
}

/// The name of the call that a request to an object is, if it is one.
pub(crate) fn name(path: &str) -> Option<&str> {
    path.strip_prefix("/internal/")
}

/// What a call takes, in the object that is called.
pub(crate) async fn read<C: Call>(request: &mut Request) -> Result<C> {
    let body = request.text().await.map_err(fault)?;
    // Without the parser's own words, which can quote what was sent.
    let unreadable = |_| Fault::new(format!("what {} was given cannot be read", C::NAME));
    Ok(serde_json::from_str(&body).map_err(unreadable)?)
}

/// What a call answers. `C` names the call, so that an answer of another type does not compile.
pub(crate) fn reply<C: Call>(answer: &C::Answer) -> Result<worker::Response> {
    http::json(200, answer)
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn objects_live_where_the_deployment_says() {
        let make = Function::new_with_args(
            "jurisdiction",
            "class DurableObjectNamespace {
                constructor(place) { this.place = place }
                jurisdiction(name) { return new DurableObjectNamespace(name) }
                getByName(name) { return { name: `${this.place}/${name}` } }
            }
            return { SESSION: new DurableObjectNamespace('anywhere'), JURISDICTION: jurisdiction }",
        );
        for (jurisdiction, expected) in [("", "anywhere/x"), ("eu", "eu/x")] {
            let env = make.call1(&JsValue::NULL, &jurisdiction.into()).unwrap();
            let stub = stub(env.unchecked_ref::<Env>(), "SESSION", "x").unwrap();
            let name = Reflect::get(&stub.into_rpc::<JsValue>(), &"name".into()).unwrap();
            assert_eq!(name.as_string().as_deref(), Some(expected));
        }
    }
}
